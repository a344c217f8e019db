//! Removing secrets before anything is kept or shown.
//!
//! A secret is recognised by its form (a key's prefix) or by its place (behind a name such as
//! `API_TOKEN=`, in an address). Hashes and UUIDs have no such form and stay. The scanner is
//! written by hand: every secret is anchored at one of a few bytes, so that clean text costs one
//! look-up a byte.

mod forms;
mod places;
mod scan;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use scan::Scan;

/// Longest stretch of a line that is looked at in one piece.
const WINDOW_BYTES: usize = 64 << 10;
/// How much of a window is given out when its line goes on; the rest stays for the next one.
const STEP_BYTES: usize = 48 << 10;
/// How much of what was given out is kept, to see what stands before a secret.
const CONTEXT_BYTES: usize = 256;
/// Longest private key; behind it the text is taken for text again.
const MAX_KEY_BLOCK_BYTES: usize = 64 << 10;

/// What kind of secret was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A key that begins with `sk-`.
    ApiKey,
    /// A GitHub token.
    GithubToken,
    /// An AWS access key id.
    AwsKeyId,
    /// A Slack token.
    SlackToken,
    /// A Google API key.
    GoogleKey,
    /// A JSON web token.
    Jwt,
    /// A private key in PEM form.
    PrivateKey,
    /// What stands behind `Bearer` or `Basic`.
    Authorization,
    /// What is assigned to a name that says it is secret.
    Assignment,
    /// Credentials in an address.
    UrlCredentials,
}

impl SecretKind {
    /// Returns the name used in counts and in the text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::GithubToken => "github_token",
            Self::AwsKeyId => "aws_key_id",
            Self::SlackToken => "slack_token",
            Self::GoogleKey => "google_key",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::Authorization => "authorization",
            Self::Assignment => "assignment",
            Self::UrlCredentials => "url_credentials",
        }
    }
}

/// How many secrets were removed, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretCounts(pub BTreeMap<SecretKind, u32>);

impl SecretCounts {
    /// Returns how many secrets were removed.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// Adds another count.
    pub fn add(&mut self, other: &Self) {
        for (kind, n) in &other.0 {
            *self.0.entry(*kind).or_default() += n;
        }
    }
}

/// Text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// What was removed.
    pub counts: SecretCounts,
}

/// Returns `text` without its secrets.
#[must_use]
pub fn redact(text: &str) -> Redacted {
    let mut redactor = Redactor::default();
    let mut clean = redactor.read(text.as_bytes());
    clean.extend(redactor.finish());
    Redacted {
        // Only whole ASCII stretches are replaced, so this changes nothing.
        text: String::from_utf8_lossy(&clean).into_owned(),
        counts: redactor.counts,
    }
}

/// Returns command line arguments without their secrets, also where a secret follows its option.
#[must_use]
pub fn redact_arguments(arguments: &[String]) -> (Vec<String>, SecretCounts) {
    let mut counts = SecretCounts::default();
    let mut follows_secret_option = false;
    let clean = arguments
        .iter()
        .map(|argument| {
            let is_option = argument.starts_with('-');
            let is_secret = follows_secret_option && !is_option && !argument.is_empty();
            follows_secret_option = is_option
                && !argument.contains('=')
                && places::names_a_secret(argument.trim_start_matches('-').as_bytes());
            if is_secret {
                *counts.0.entry(SecretKind::Assignment).or_default() += 1;
                return marker(SecretKind::Assignment);
            }
            let redacted = redact(argument);
            counts.add(&redacted.counts);
            redacted.text
        })
        .collect();
    (clean, counts)
}

/// Removes secrets from bytes that come in pieces. How they are cut does not change the result.
///
/// A line is given out when it is complete, or 48 kB of it when it is very long.
#[derive(Debug, Default)]
pub struct Redactor {
    /// What was not given out yet, with up to [`CONTEXT_BYTES`] before it.
    pending: Vec<u8>,
    /// How much of `pending` was given out already.
    n_context: usize,
    carried: Carried,
    counts: SecretCounts,
}

/// A secret that goes on behind what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Carried {
    #[default]
    Nothing,
    /// Within a private key, so many bytes so far.
    KeyBlock { n_bytes: usize },
    /// Within a very long token.
    Token,
}

impl Redactor {
    /// Takes in the next bytes and returns what is certain of the text so far.
    pub fn read(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        while !bytes.is_empty() {
            let room = (self.n_context + WINDOW_BYTES).saturating_sub(self.pending.len());
            let (head, _) = bytes.split_at(bytes.len().min(room));
            let n_taken = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
            let (taken, rest) = bytes.split_at(n_taken);
            bytes = rest;
            self.pending.extend_from_slice(taken);
            if taken.last() == Some(&b'\n') {
                self.give_out(self.pending.len(), &mut out);
            } else if n_taken == room {
                self.give_out(self.n_context + STEP_BYTES, &mut out);
            }
        }
        out
    }

    /// Returns the rest of the text: nothing follows.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.give_out(self.pending.len(), &mut out);
        self.pending.clear();
        self.n_context = 0;
        self.carried = Carried::Nothing;
        out
    }

    /// Returns what was removed so far.
    #[must_use]
    pub const fn counts(&self) -> &SecretCounts {
        &self.counts
    }

    /// Gives out `pending` up to `until`, and beyond it to the end of a secret that crosses it.
    fn give_out(&mut self, until: usize, out: &mut Vec<u8>) {
        let ends_line = until == self.pending.len();
        let mut copied = self.n_context;
        let carried_end = self.skip_carried();
        let mut scan = Scan::new(&self.pending, self.n_context);
        if let Some(end) = carried_end {
            scan.skip_to(end);
            copied = end;
        }
        while copied < until {
            let Some(found) = scan.next_secret() else {
                break;
            };
            if found.start >= until {
                break;
            }
            out.extend_from_slice(self.pending.get(copied..found.start).unwrap_or_default());
            out.extend_from_slice(marker(found.kind).as_bytes());
            *self.counts.0.entry(found.kind).or_default() += 1;
            copied = found.end;
            if found.kind == SecretKind::PrivateKey && found.is_open {
                self.carried = Carried::KeyBlock {
                    n_bytes: found.end - found.start,
                };
            } else if !ends_line && found.end == self.pending.len() {
                self.carried = Carried::Token;
            }
        }
        if copied < until {
            out.extend_from_slice(self.pending.get(copied..until).unwrap_or_default());
            copied = until;
        }
        let ends_with_newline =
            self.pending.get(..copied).and_then(|text| text.last()) == Some(&b'\n');
        let context = if ends_with_newline {
            copied
        } else {
            copied.saturating_sub(CONTEXT_BYTES)
        };
        self.pending.drain(..context);
        self.n_context = copied - context;
    }

    /// Returns where a secret ends that began in an earlier piece, if one did.
    fn skip_carried(&mut self) -> Option<usize> {
        let fresh = self.pending.get(self.n_context..).unwrap_or_default();
        match self.carried {
            Carried::Nothing => None,
            Carried::KeyBlock { n_bytes } => {
                let end = forms::key_block_end(fresh);
                if end.is_none() && !forms::is_key_line(fresh) {
                    self.carried = Carried::Nothing;
                    return None;
                }
                let n_seen = n_bytes + fresh.len();
                self.carried = if end.is_none() && n_seen < MAX_KEY_BLOCK_BYTES {
                    Carried::KeyBlock { n_bytes: n_seen }
                } else {
                    Carried::Nothing
                };
                Some(self.n_context + end.unwrap_or(fresh.len()))
            }
            Carried::Token => {
                let n_token = fresh
                    .iter()
                    .take_while(|byte| forms::is_token_byte(**byte))
                    .count();
                if n_token < fresh.len() {
                    self.carried = Carried::Nothing;
                }
                Some(self.n_context + n_token)
            }
        }
    }
}

fn marker(kind: SecretKind) -> String {
    format!("[redacted:{}]", kind.as_str())
}

#[cfg(test)]
mod tests;
