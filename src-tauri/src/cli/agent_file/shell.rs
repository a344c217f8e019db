//! Words of commands that a shell runs.

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+:,@=".contains(&byte)
}

/// Returns text as one word that no shell changes.
pub(in crate::cli) fn encoded(text: &str) -> String {
    let mut word = String::new();
    for byte in text.bytes() {
        if is_plain(byte) {
            word.push(char::from(byte));
        } else {
            word.push_str(&format!("%{byte:02X}"));
        }
    }
    word
}

/// Returns the text that [`encoded`] made a word of.
pub(in crate::cli) fn decoded(word: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte if is_plain(byte) => byte,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns a program or path as one word for a shell.
pub(in crate::cli) fn quoted(program: &str) -> String {
    if program.bytes().all(is_plain) {
        program.to_owned()
    } else {
        format!("'{}'", program.replace('\'', r"'\''"))
    }
}

/// Returns what [`quoted`] made a word of; none if it did not.
pub(in crate::cli) fn unquoted(word: &str) -> Option<String> {
    if let Some(inside) = word
        .strip_prefix('\'')
        .and_then(|word| word.strip_suffix('\''))
    {
        let program = inside.replace(r"'\''", "'");
        return (quoted(&program) == word).then_some(program);
    }
    // A person may have written it by hand, with `~`.
    let is_word = word.bytes().all(|byte| is_plain(byte) || byte == b'~');
    is_word.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_one_plain_word() {
        assert_eq!(encoded("{\"a b\"}\n"), "%7B%22a%20b%22%7D%0A");
        for damaged in ["%", "%4", "%zz", "a b", "%FF", "a|b"] {
            assert_eq!(decoded(damaged), None, "{damaged}");
        }
    }
}
