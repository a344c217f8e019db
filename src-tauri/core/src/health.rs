//! What a person reads when something is wrong, and what `doctor` and the Health view show.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::session::EvidenceSource;
use crate::source::Source;
use crate::timeline::Entry;

/// Something that hampers Mission Control, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Problem {
    /// A stable name for programs.
    pub code: String,
    /// What is wrong, as a sentence.
    pub title: String,
    /// Why, as a sentence.
    pub detail: Option<String>,
    /// What to do, as a sentence.
    pub hint: Option<String>,
}

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CheckState {
    /// It works.
    Ok,
    /// It is not there, and nothing needs it.
    Absent,
    /// It works in part.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Check {
    /// A stable name for programs.
    pub id: String,
    /// What was looked at.
    pub label: String,
    /// How it was found.
    pub state: CheckState,
    /// What was found, in words.
    pub says: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// How a source of evidence stands; none for checks of anything else.
    #[serde(default)]
    pub evidence: Option<EvidenceHealth>,
}

/// Whether a source of evidence tells what is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Supply {
    /// It tells of changes as they happen.
    Fresh,
    /// What it tells may be older than what is so.
    Stale,
    /// It tells nothing.
    Unavailable,
}

/// How one source of evidence about one agent's sessions stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct EvidenceHealth {
    /// Whose sessions it tells of.
    pub source: Source,
    /// Which kind of evidence it is.
    pub from: EvidenceSource,
    /// The agent's home it belongs to; none for what belongs to the machine.
    pub home: Option<String>,
    /// Whether it tells what is so.
    pub supply: Supply,
    /// When it told something last, as far as that is known.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub latest_at: Option<Timestamp>,
    /// Versions of the agent that it comes from, the commonest first.
    pub versions: Vec<Tally>,
    /// Kinds of lines it holds that are not known here, the commonest first; bounded.
    pub unknown_kinds: Vec<Tally>,
}

/// A name, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Tally {
    /// What was counted.
    pub name: String,
    /// How often it came.
    pub count: u32,
}

/// What was found on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct HealthReport {
    /// This program's version.
    pub version: String,
    /// Everything that was looked at, in reading order.
    pub checks: Vec<Check>,
}

/// A stretch of a session's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TranscriptPage {
    /// Entries since the cursor; one with a known key replaces the older one.
    pub entries: Vec<Entry>,
    /// Pass it back to read on from here.
    pub cursor: String,
    /// Whether the transcript was rewritten: forget all earlier entries.
    pub reset: bool,
    /// Whether earlier entries were left out because the transcript is very long.
    pub truncated: bool,
    /// Lines that could not be read.
    pub skipped_lines: u32,
}
