//! Secrets that are known by their place: behind a telling name, in an address, in a header.

use super::SecretKind;
use super::forms::{is_token_byte, run_end, secret, starts_word};
use super::scan::Secret;

/// Longest name and longest run of blanks that is looked at before a sign of assignment.
const MAX_NAME_BYTES: usize = 80;
/// Longest credentials in an address.
const MAX_CREDENTIALS_BYTES: usize = 512;

/// What stands behind `Bearer ` or `Basic `.
pub(super) fn behind_space(text: &[u8], at: usize) -> Option<Secret> {
    let before = text.get(..at)?;
    if !matches!(before.last(), Some(b'r' | b'R' | b'c' | b'C')) {
        return None;
    }
    let is_scheme = |scheme: &[u8]| {
        before
            .len()
            .checked_sub(scheme.len())
            .and_then(|start| Some((start, before.get(start..)?)))
            .is_some_and(|(start, word)| {
                word.eq_ignore_ascii_case(scheme) && starts_word(text, start)
            })
    };
    let start = run_end(text, at, |byte| byte == b' ');
    if is_scheme(b"bearer") {
        let end = run_end(text, start, is_token_byte);
        return (end - start >= 16).then(|| secret(start, end, SecretKind::Authorization));
    }
    if is_scheme(b"basic") {
        let header = before.get(before.len().saturating_sub(24)..)?;
        let is_header = memchr::memmem::find(header, b"uthorization").is_some();
        let end = run_end(text, start, is_token_byte);
        return (is_header && end - start >= 8)
            .then(|| secret(start, end, SecretKind::Authorization));
    }
    None
}

/// What stands behind an option such as `--api-key `; `at` is its second dash.
pub(super) fn behind_option(text: &[u8], at: usize) -> Option<Secret> {
    let first = at.checked_sub(1)?;
    if text.get(first) != Some(&b'-') || !starts_word(text, first) {
        return None;
    }
    let name_end = run_end(text, at + 1, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
    });
    if text.get(name_end) != Some(&b' ') || !names_a_secret(text.get(at + 1..name_end)?) {
        return None;
    }
    let start = run_end(text, name_end, |byte| byte == b' ');
    let end = run_end(text, start, is_token_byte);
    (end - start >= 8 && text.get(start) != Some(&b'-'))
        .then(|| secret(start, end, SecretKind::Assignment))
}

/// `scheme://user:password@host`.
pub(super) fn in_address(text: &[u8], at: usize) -> Option<Secret> {
    let start = at + 3;
    if text.get(at..start) != Some(b"://".as_slice())
        || !at
            .checked_sub(1)
            .and_then(|before| text.get(before))
            .is_some_and(u8::is_ascii_alphanumeric)
    {
        return None;
    }
    let limit = text.len().min(start + MAX_CREDENTIALS_BYTES);
    let authority = text.get(start..limit)?;
    let end = authority
        .iter()
        .position(|byte| {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`'
                )
        })
        .unwrap_or(authority.len());
    let authority = authority.get(..end)?;
    let user_info = authority.get(..memchr::memrchr(b'@', authority)?)?;
    let (from, password) = match memchr::memchr(b':', user_info) {
        Some(colon) => (start + colon + 1, user_info.get(colon + 1..)?),
        None if user_info.len() >= 20 => (start, user_info),
        None => return None,
    };
    is_value(password).then(|| secret(from, from + password.len(), SecretKind::UrlCredentials))
}

/// `NAME_TOKEN=value`, `"password": "value"`, `api_key = 'value'`.
pub(super) fn assigned(text: &[u8], at: usize) -> Option<Secret> {
    let sign = *text.get(at)?;
    let name_end = at - trailing(text.get(..at)?, |byte| byte == b' ', 3);
    let quote = quote_before(text, name_end);
    let name = name_before(text, name_end - quote.len())?;
    if !names_a_secret(name) && !names_a_key(name) {
        return None;
    }
    let is_spaced = name_end != at;
    let mut start = at + 1;
    if sign == b':' && text.get(start) == Some(&b'=')
        || sign == b'=' && text.get(start) == Some(&b'>')
    {
        start += 1;
    }
    let value = run_end(text, start, |byte| byte == b' ');
    if let Some((opening, mark)) = quote_at(text, value) {
        let from = value + opening;
        let end = closing_quote(text, from, mark)?;
        let is_long = end - from >= 4;
        return (is_long && is_value(text.get(from..end)?))
            .then(|| secret(from, end, SecretKind::Assignment));
    }
    let end = run_end(text, value, |byte| {
        is_token_byte(byte) || matches!(byte, b'!' | b'@' | b'%' | b'^' | b'*' | b':' | b'?')
    });
    let bare = text.get(value..end)?;
    let is_call = matches!(text.get(end), Some(b'(' | b'[' | b'{' | b'<'));
    let is_spaced = is_spaced || value != start;
    let is_secret = if is_environment_name(name) && sign == b'=' && !is_spaced {
        bare.len() >= 4 && !is_call
    } else if is_spaced {
        bare.len() >= 16 && has_letters_and_digits(bare) && !is_call
    } else {
        sign == b'=' && bare.len() >= 8 && has_letters_and_digits(bare) && !is_call
    };
    (is_secret && is_value(bare)).then(|| secret(value, end, SecretKind::Assignment))
}

/// Returns whether a name says that its value is secret.
pub(super) fn names_a_secret(name: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b"secret",
        b"token",
        b"password",
        b"passwd",
        b"passphrase",
        b"credentials",
        b"apikey",
        b"accesskey",
        b"accesskeyid",
        b"secretkey",
        b"privatekey",
        b"signingkey",
        b"encryptionkey",
        b"masterkey",
        b"authkey",
    ];
    const HARMLESS: &[&[u8]] = &[
        b"nexttoken",
        b"pagetoken",
        b"nextpagetoken",
        b"continuationtoken",
    ];
    !HARMLESS
        .iter()
        .any(|harmless| folded(name).eq(harmless.iter().rev().copied()))
        && ENDINGS.iter().any(|ending| {
            let mut name = folded(name);
            ending.iter().rev().all(|byte| name.next() == Some(*byte))
        })
}

/// The letters of a name from its end, without case and separators.
fn folded(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter()
        .rev()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b'.'))
        .map(u8::to_ascii_lowercase)
}

/// `OPENAI_KEY` and the like, but no key of a table or a map.
fn names_a_key(name: &[u8]) -> bool {
    const HARMLESS: &[&[u8]] = &[
        b"CACHE",
        b"COMPOSITE",
        b"FOREIGN",
        b"GROUP",
        b"HOT",
        b"IDEMPOTENCY",
        b"INDEX",
        b"LOOKUP",
        b"PARTITION",
        b"PRIMARY",
        b"PUBLIC",
        b"RANGE",
        b"REGISTRY",
        b"ROUTING",
        b"SORT",
        b"UNIQUE",
    ];
    let Some(owner) = name.strip_suffix(b"_KEY") else {
        return false;
    };
    is_environment_name(name) && !HARMLESS.iter().any(|harmless| owner.ends_with(harmless))
}

/// The name that ends at `end`; none if there is none or it is too long.
fn name_before(text: &[u8], end: usize) -> Option<&[u8]> {
    let before = text.get(..end)?;
    let n = trailing(
        before,
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
        MAX_NAME_BYTES,
    );
    let name = before.get(end - n..)?;
    let n_dashes = name.iter().take_while(|byte| **byte == b'-').count();
    let name = name.get(n_dashes..)?;
    (!name.is_empty() && n < MAX_NAME_BYTES).then_some(name)
}

fn trailing(text: &[u8], belongs: impl Fn(u8) -> bool, max: usize) -> usize {
    text.iter()
        .rev()
        .take(max)
        .take_while(|byte| belongs(**byte))
        .count()
}

/// Returns the quotation mark that ends at `end`, with its backslash, or nothing.
fn quote_before(text: &[u8], end: usize) -> &[u8] {
    let before = text.get(..end).unwrap_or_default();
    let n = match before {
        [.., b'\\', b'"'] => 2,
        [.., b'"' | b'\''] => 1,
        _ => 0,
    };
    before.get(end - n..).unwrap_or_default()
}

/// The form of a quotation mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Plain(u8),
    /// `\"`, as in JSON within JSON.
    Escaped,
}

fn quote_at(text: &[u8], at: usize) -> Option<(usize, Quote)> {
    match text.get(at..)? {
        [mark @ (b'"' | b'\''), ..] => Some((1, Quote::Plain(*mark))),
        [b'\\', b'"', ..] => Some((2, Quote::Escaped)),
        _ => None,
    }
}

/// Returns where the quoted value ends; a quotation does not go over the end of a line.
fn closing_quote(text: &[u8], from: usize, quote: Quote) -> Option<usize> {
    let rest = text.get(from..)?;
    let mut at = 0;
    loop {
        match (rest.get(at..)?, quote) {
            ([b'\n', ..], _) => return None,
            ([b'\\', b'"', ..], Quote::Escaped) => return Some(from + at),
            ([b'"', ..], Quote::Escaped) => return None,
            ([byte, ..], Quote::Plain(mark)) if *byte == mark => return Some(from + at),
            ([b'\\', _, ..], _) => at += 2,
            ([_, ..], _) => at += 1,
            ([], _) => return None,
        }
    }
}

fn is_environment_name(name: &[u8]) -> bool {
    name.iter()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

fn has_letters_and_digits(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Returns whether a value may be a secret and is not a variable, a placeholder or a remark.
fn is_value(value: &[u8]) -> bool {
    let is_placeholder = value.is_empty()
        || matches!(value, [b'$' | b'<' | b'{' | b'%' | b'[', ..])
        || value
            .iter()
            .all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'))
        || [
            b"null".as_slice(),
            b"none",
            b"true",
            b"false",
            b"undefined",
            b"string",
            b"redacted",
            b"required",
            b"optional",
        ]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    !is_placeholder && !value.starts_with(b"process.env") && !value.starts_with(b"os.environ")
}
