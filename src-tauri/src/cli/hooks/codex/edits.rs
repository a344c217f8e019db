//! Places of a text that get other words, and every other byte stays.

use std::ops::Range;

/// What is to become of a text.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn replace(&mut self, place: Range<usize>, words: String) {
        self.0.push((place, words));
    }

    /// Takes out the lines that a place touches.
    pub(super) fn take_lines(&mut self, text: &str, place: &Range<usize>) {
        let lines = line_start(text, place.start)..line_end(text, place.end);
        self.0.push((lines, String::new()));
    }

    /// Takes out lines, and the empty one that parts them from what is before.
    pub(super) fn take_block(&mut self, text: &str, place: &Range<usize>) {
        let start = line_start(text, place.start);
        let before = text.get(..start).unwrap_or_default();
        let start = match before.strip_suffix('\n') {
            Some(line) if line.strip_suffix('\r').unwrap_or(line).ends_with('\n') => {
                line_start(text, line.len())
            }
            // An empty line is all there is before.
            Some("" | "\r") => 0,
            Some(_) | None => start,
        };
        let end = line_end(text, place.end);
        self.0.push((start..end, String::new()));
    }

    /// Returns the text as it becomes.
    #[must_use]
    pub(super) fn applied(mut self, text: &str) -> String {
        self.0.sort_by_key(|(place, _)| (place.start, place.end));
        let mut done = String::new();
        let mut from = 0;
        for (place, words) in self.0 {
            // Of places that overlap, each takes what the one before has left.
            let start = place.start.max(from);
            done.push_str(text.get(from..start).unwrap_or_default());
            done.push_str(&words);
            from = place.end.max(from);
        }
        done.push_str(text.get(from..).unwrap_or_default());
        done
    }
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).and_then(|before| before.rfind('\n'));
    before.map_or(0, |newline| newline + 1)
}

/// Returns where the line after the one at `at` begins.
fn line_end(text: &str, at: usize) -> usize {
    let newline = text.get(at..).and_then(|rest| rest.find('\n'));
    newline.map_or(text.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, word: &str, expected: &str) {
        let start = text.find(word).unwrap();
        let mut edits = Edits::default();
        edits.take_block(text, &(start..start + word.len()));

        assert_eq!(edits.applied(text), expected);
    }

    #[test]
    fn a_block_goes_with_the_empty_line_before_it() {
        check("a\n\nb c\nd\n", "c", "a\nd\n");
        check("a\r\n\r\nb\r\nd", "b", "a\r\nd");
        check("a\nb\nd\n", "b", "a\nd\n");
        check("\nb", "b", "");
        check("\n\nb\n\n", "b", "\n\n");
        check("b\n", "b", "");
    }

    #[test]
    fn places_are_exchanged_in_any_order() {
        let mut edits = Edits::default();
        edits.replace(4..5, "E".to_owned());
        edits.take_lines("ab\ncde\nf", &(0..1));

        assert_eq!(edits.applied("ab\ncde\nf"), "cEe\nf");
    }
}
