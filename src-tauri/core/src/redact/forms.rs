//! Secrets that are known by their form.
//!
//! Every function is called at its anchor byte and looks to both sides.

use super::SecretKind;
use super::scan::Secret;

/// Shortest unbroken part of a key that begins with `sk-`: words in a name are shorter.
const MIN_KEY_RUN: usize = 16;

pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~')
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const fn is_url_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Keys that begin with `sk-` or `xoxb-`, and private keys in PEM form.
pub(super) fn dashed(text: &[u8], at: usize) -> Option<Secret> {
    if text.get(at..at + 11) == Some(b"-----BEGIN ".as_slice()) {
        return key_block(text, at);
    }
    let before = text.get(..at)?;
    if before.ends_with(b"sk") && starts_word(text, at - 2) {
        let end = run_end(text, at + 1, is_url_base64);
        let body = text.get(at + 1..end)?;
        let longest = body.split(|byte| *byte == b'-').map(<[u8]>::len).max()?;
        return (longest >= MIN_KEY_RUN).then(|| secret(at - 2, end, SecretKind::ApiKey));
    }
    let start = at.checked_sub(4)?;
    let is_slack = before.get(start..)?.starts_with(b"xox")
        && before.last().is_some_and(u8::is_ascii_lowercase)
        && starts_word(text, start);
    let end = run_end(text, at + 1, is_url_base64);
    (is_slack && end - at > 10).then(|| secret(start, end, SecretKind::SlackToken))
}

/// `ghp_…` and its kin, `github_pat_…`.
pub(super) fn github(text: &[u8], at: usize) -> Option<Secret> {
    let before = text.get(..at)?;
    let start = if before.ends_with(b"github_pat") {
        at - 10
    } else {
        let start = at.checked_sub(3)?;
        let letter = before
            .strip_prefix(before.get(..start)?)?
            .strip_prefix(b"gh")?;
        matches!(letter, b"p" | b"o" | b"u" | b"s" | b"r").then_some(start)?
    };
    let end = run_end(text, at + 1, is_word_byte);
    (end - at > 20 && starts_word(text, start)).then(|| secret(start, end, SecretKind::GithubToken))
}

/// `AKIA…`, `ASIA…`, `AIza…`.
pub(super) fn aws_or_google(text: &[u8], at: usize) -> Option<Secret> {
    let head = text.get(at..at + 4)?;
    if !starts_word(text, at) {
        return None;
    }
    match head {
        b"AKIA" | b"ASIA" => {
            let end = run_end(text, at, |byte| {
                byte.is_ascii_uppercase() || byte.is_ascii_digit()
            });
            let is_whole = !text.get(end).is_some_and(|byte| is_word_byte(*byte));
            (end - at == 20 && is_whole).then(|| secret(at, end, SecretKind::AwsKeyId))
        }
        b"AIza" => {
            let end = run_end(text, at, is_url_base64);
            (end - at >= 35).then(|| secret(at, end, SecretKind::GoogleKey))
        }
        _ => None,
    }
}

/// `eyJ….eyJ….…`.
pub(super) fn json_web_token(text: &[u8], at: usize) -> Option<Secret> {
    let start = at.checked_sub(2)?;
    if text.get(start..at)? != b"ey" || !starts_word(text, start) {
        return None;
    }
    let header_end = run_end(text, start, is_url_base64);
    let claims = header_end + 1;
    if text.get(header_end) != Some(&b'.') || !text.get(claims..)?.starts_with(b"eyJ") {
        return None;
    }
    let claims_end = run_end(text, claims, is_url_base64);
    if text.get(claims_end) != Some(&b'.') {
        return Some(secret(start, claims_end, SecretKind::Jwt));
    }
    let end = run_end(text, claims_end + 1, is_url_base64);
    Some(secret(start, end, SecretKind::Jwt))
}

fn key_block(text: &[u8], at: usize) -> Option<Secret> {
    let label = text.get(at + 11..)?;
    let label_end = memchr::memmem::find(label.get(..label.len().min(64))?, b"-----")?;
    memchr::memmem::find(label.get(..label_end)?, b"PRIVATE KEY")?;
    let body = at + 11 + label_end + 5;
    let end = key_block_end(text.get(body..)?);
    Some(Secret {
        start: at,
        end: end.map_or(text.len(), |end| body + end),
        kind: SecretKind::PrivateKey,
        is_open: end.is_none(),
    })
}

/// Returns whether a line may stand within a private key: one word, or one of its headers.
pub(super) fn is_key_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    !line.contains(&b' ') || memchr::memmem::find(line, b": ").is_some()
}

/// Returns where the private key ends that `text` begins within.
pub(super) fn key_block_end(text: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(text, b"-----END ")?;
    let label = text.get(at + 9..)?;
    memchr::memmem::find(label, b"-----").map(|end| at + 9 + end + 5)
}

pub(super) const fn secret(start: usize, end: usize, kind: SecretKind) -> Secret {
    Secret {
        start,
        end,
        kind,
        is_open: false,
    }
}

/// Returns the end of the run of bytes from `at` on that `belongs` accepts.
pub(super) fn run_end(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| belongs(**byte)).count()
}

/// Returns whether a word may start at `at`: not in the middle of one, but behind the `n` of an
/// escaped line break or the `m` of a colour.
pub(super) fn starts_word(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let Some((last, head)) = before.split_last() else {
        return true;
    };
    if !is_word_byte(*last) && *last != b'-' {
        return true;
    }
    match last {
        b'n' | b'r' | b't' => head.last() == Some(&b'\\'),
        b'm' => ends_colour(head),
        _ => false,
    }
}

/// Returns whether `head` ends in a terminal's colour sequence, raw or escaped, without its `m`.
fn ends_colour(head: &[u8]) -> bool {
    let n = head
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    head.get(..head.len() - n)
        .is_some_and(|head| head.ends_with(b"\x1b[") || head.ends_with(b"u001b["))
}
