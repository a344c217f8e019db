//! Shortening and cleaning text for people.

/// Returns the first `max` characters of `text`, ending in an ellipsis when something was cut.
#[must_use]
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
            short.truncate(short.trim_end().len());
            short.push('…');
            short
        }
    }
}

/// Returns `text` as one line: its first line that says something, shortened.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    shorten(&strip_controls(line), max)
}

/// Returns `text` with head and tail kept when it is longer than `max` bytes; says how much is missing.
#[must_use]
pub fn shorten_middle(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let half = max / 2;
    let head_end = (0..=half)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let tail_start = (text.len() - half..=text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    let head = text.get(..head_end).unwrap_or_default();
    let tail = text.get(tail_start..).unwrap_or_default();
    format!(
        "{head}\n… {} bytes left out …\n{tail}",
        tail_start - head_end
    )
}

/// Returns `text` without control characters: terminal escape sequences are removed whole,
/// newlines and tabs stay.
#[must_use]
pub fn strip_controls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => clean.push(c),
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    while let Some(&next) = chars.peek() {
                        chars.next();
                        if ('\u{40}'..='\u{7e}').contains(&next) {
                            break;
                        }
                    }
                }
                Some(']' | 'P' | '^' | '_' | 'X') => skip_string(&mut chars),
                Some(_) => {
                    chars.next();
                }
                None => {}
            },
            '\u{9b}' => {
                while let Some(&next) = chars.peek() {
                    chars.next();
                    if ('\u{40}'..='\u{7e}').contains(&next) {
                        break;
                    }
                }
            }
            '\u{90}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            c if c.is_control() || is_reordering(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Skips an operating-system command or the like, to its terminator.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.peek() == Some(&'\\') => {
                chars.next();
                return;
            }
            _ => {}
        }
    }
}

/// Characters that make text read differently from what it is.
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a text as one word for a POSIX shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:,@=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_keeps_characters_whole() {
        assert_eq!(shorten("héllo wörld", 6), "héllo…");
        assert_eq!(shorten("hello", 5), "hello");
        assert_eq!(one_line("\n\n  first \nsecond", 40), "first");
    }

    #[test]
    fn shortening_in_the_middle_keeps_both_ends() {
        let short = shorten_middle(&format!("{}é{}", "a".repeat(50), "b".repeat(50)), 40);

        assert!(
            short.starts_with("aaaa") && short.ends_with("bbbb") && short.contains("62 bytes"),
            "{short}"
        );
    }

    #[test]
    fn escape_sequences_are_removed_whole() {
        assert_eq!(strip_controls("a\u{1b}[31mred\u{1b}[0m\tb\n"), "ared\tb\n");
        assert_eq!(
            strip_controls("\u{1b}]0;title\u{7}x\u{1b}]8;;http://e\u{1b}\\y"),
            "xy"
        );
        assert_eq!(strip_controls("\u{9b}2Jx\r\u{8}\u{0}y\u{202e}z"), "xyz");
    }

    #[test]
    fn a_word_for_a_shell_is_quoted_where_it_must_be() {
        assert_eq!(shell_word("/home/dev/.codex"), "/home/dev/.codex");
        assert_eq!(shell_word("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
