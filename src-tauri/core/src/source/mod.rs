//! The agents that are watched: one folder and one line each.

pub mod claude_code;
pub mod codex;
mod unknown;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::observation::LocatedFact;
use crate::session::EvidenceSource;
use crate::timeline::Entry;

pub use unknown::UnknownKinds;

/// What became of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRead {
    /// When it was written, if it says so.
    pub at: Option<Timestamp>,
    /// Whether it could be read.
    pub outcome: LineOutcome,
}

/// Whether a line could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOutcome {
    /// It was understood, or is of a kind that says nothing to us.
    Read,
    /// It was not understood: damaged, or of a kind this version does not know.
    Skipped,
}

macro_rules! sources {
    ($($variant:ident => $module:ident, $name:literal, $label:literal;)+) => {
        /// An agent whose sessions are watched.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(test, derive(ts_rs::TS), ts(export))]
        pub enum Source {
            $(
                #[doc = $label]
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl Source {
            /// All sources, in the order they are shown.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name used in ids and JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns the name a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// Returns what shows that nobody holds a session any more.
            #[must_use]
            pub const fn release_evidence(self) -> EvidenceSource {
                match self { $(Self::$variant => $module::RELEASE_EVIDENCE),+ }
            }

            /// Returns the variable that names this source's home.
            #[must_use]
            pub const fn home_variable(self) -> &'static str {
                match self { $(Self::$variant => $module::HOME_VARIABLE),+ }
            }

            /// Returns what makes terminals name the session they show, where that is needed.
            #[must_use]
            pub const fn title_advice(self) -> Option<&'static str> {
                match self { $(Self::$variant => $module::TITLE_ADVICE),+ }
            }

            /// Returns why no session of this source takes messages, and what to do, as sentences;
            /// none where they do.
            #[must_use]
            pub const fn refuses_messages(self) -> Option<&'static str> {
                match self { $(Self::$variant => $module::REFUSES_MESSAGES),+ }
            }

            /// Makes a reader that turns this source's transcript lines into facts.
            #[must_use]
            pub fn reader(self) -> Reader {
                match self { $(Self::$variant => Reader::$variant($module::Reader::default())),+ }
            }

            /// Makes a reader that turns this source's transcript lines into timeline entries.
            #[must_use]
            pub fn timeline_reader(self) -> TimelineReader {
                match self {
                    $(Self::$variant => TimelineReader::$variant($module::TimelineReader::default())),+
                }
            }

            /// Returns the command that takes a session up again in a terminal; empty where there is none.
            #[must_use]
            pub fn resume_command(self, source_session_id: &str) -> Vec<String> {
                match self { $(Self::$variant => $module::resume_command(source_session_id)),+ }
            }
        }

        /// Reads transcript lines of one source. Feed it lines in the order of the file.
        #[derive(Debug)]
        #[expect(
            clippy::large_enum_variant,
            reason = "there is one for each followed transcript, and it never moves"
        )]
        pub enum Reader {
            $(
                #[doc = $label]
                $variant($module::Reader),
            )+
        }

        impl Reader {
            /// Reads one line that starts at byte `offset` (without its newline), appends what it
            /// says to `facts`, and returns when it was written and whether it could be read.
            pub fn read(&mut self, offset: u64, line: &[u8], facts: &mut Vec<LocatedFact>) -> LineRead {
                match self { $(Self::$variant(reader) => reader.read(offset, line, facts)),+ }
            }

            /// Names the kind of a line that was not understood, in the source's own words.
            #[must_use]
            pub fn kind_of_line(&self, line: &[u8]) -> String {
                match self { $(Self::$variant(_) => name_of_kind(line, $module::KIND_KEYS)),+ }
            }
        }

        /// Reads transcript lines of one source into timeline entries.
        #[derive(Debug)]
        pub enum TimelineReader {
            $(
                #[doc = $label]
                $variant($module::TimelineReader),
            )+
        }

        impl TimelineReader {
            /// Reads one line that starts at byte `offset` and appends its entries.
            pub fn read(&mut self, offset: u64, line: &[u8], entries: &mut Vec<Entry>) -> LineRead {
                match self { $(Self::$variant(reader) => reader.read(offset, line, entries)),+ }
            }
        }
    };
}

sources! {
    Codex => codex, "codex", "Codex";
    ClaudeCode => claude_code, "claude_code", "Claude Code";
}

/// Names a line by the texts at these keys, each path a step further into it.
fn name_of_kind(line: &[u8], keys: &[&[&str]]) -> String {
    let Ok(line) = serde_json::from_slice::<&RawValue>(line) else {
        return "no JSON".to_owned();
    };
    let names: Vec<String> = keys.iter().map_while(|path| text_at(line, path)).collect();
    if names.is_empty() {
        return "without a type".to_owned();
    }
    names.join("/")
}

/// Values beside the path are not parsed: a line may be megabytes long.
fn text_at(line: &RawValue, path: &[&str]) -> Option<String> {
    let at = |value: &'_ RawValue, key: &&str| {
        let object: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get()).ok()?;
        object.get(*key).map(|value| (*value).to_owned())
    };
    let mut value: Box<RawValue> = line.to_owned();
    for key in path {
        value = at(&value, key)?;
    }
    serde_json::from_str(value.get()).ok()
}
