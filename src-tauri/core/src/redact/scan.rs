//! One pass over bytes that stops at the anchors of secrets.

use super::{SecretKind, forms, places};

/// A secret and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: SecretKind,
    /// Whether it is a private key without its end.
    pub(super) is_open: bool,
}

/// What an anchor byte may belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    None,
    /// `sk-`, `xoxb-`, `-----BEGIN`, or an option such as `--password`.
    Dash,
    /// `ghp_`, `github_pat_`.
    Underscore,
    /// `AKIA`, `AIza`.
    CapitalA,
    /// `eyJ`.
    CapitalJ,
    /// Behind `Bearer` or `Basic`.
    Space,
    /// An assignment.
    Equals,
    /// An assignment or an address.
    Colon,
}

const ANCHORS: [Anchor; 256] = {
    let mut anchors = [Anchor::None; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "const, and in bounds by the loop")]
        {
            anchors[byte] = match byte as u8 {
                b'-' => Anchor::Dash,
                b'_' => Anchor::Underscore,
                b'A' => Anchor::CapitalA,
                b'J' => Anchor::CapitalJ,
                b' ' => Anchor::Space,
                b'=' => Anchor::Equals,
                b':' => Anchor::Colon,
                _ => Anchor::None,
            };
        }
        byte += 1;
    }
    anchors
};

/// Finds secrets in order, none of them before `floor`.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    floor: usize,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a [u8], floor: usize) -> Self {
        // An anchor may stand before the floor, and its secret behind it.
        Self { text, floor, at: 0 }
    }

    pub(super) const fn skip_to(&mut self, at: usize) {
        self.floor = at;
        self.at = at;
    }

    pub(super) fn next_secret(&mut self) -> Option<Secret> {
        loop {
            let rest = self.text.get(self.at..)?;
            let (skipped, anchor) = rest.iter().enumerate().find_map(|(skipped, byte)| {
                match ANCHORS.get(usize::from(*byte)) {
                    Some(Anchor::None) | None => None,
                    Some(anchor) => Some((skipped, *anchor)),
                }
            })?;
            let at = self.at + skipped;
            self.at = at + 1;
            let found = self.secret_at(at, anchor).filter(|found| {
                found.start >= self.floor && found.end > found.start && !self.is_marker(found.start)
            });
            if let Some(found) = found {
                self.skip_to(found.end);
                return Some(found);
            }
        }
    }

    fn secret_at(&self, at: usize, anchor: Anchor) -> Option<Secret> {
        let text = self.text;
        match anchor {
            Anchor::None => None,
            Anchor::Dash => forms::dashed(text, at).or_else(|| places::behind_option(text, at)),
            Anchor::Underscore => forms::github(text, at),
            Anchor::CapitalA => forms::aws_or_google(text, at),
            Anchor::CapitalJ => forms::json_web_token(text, at),
            Anchor::Space => places::behind_space(text, at),
            Anchor::Equals => places::assigned(text, at),
            Anchor::Colon => places::in_address(text, at).or_else(|| places::assigned(text, at)),
        }
    }

    fn is_marker(&self, at: usize) -> bool {
        self.text
            .get(at..)
            .is_some_and(|rest| rest.starts_with(b"[redacted:"))
    }
}
