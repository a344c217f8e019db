//! Codex: rollout files of all vocabularies from 0.45 to today.

use crate::observation::LocatedFact;
use crate::source::{LineOutcome, LineRead};
use crate::timeline::Entry;

/// Turns rollout lines into facts.
#[derive(Debug, Default)]
pub struct Reader {}

impl Reader {
    /// Reads one line; see [`crate::source::Reader::read`].
    pub fn read(&mut self, _offset: u64, _line: &[u8], _facts: &mut Vec<LocatedFact>) -> LineRead {
        LineRead {
            at: None,
            outcome: LineOutcome::Read,
        }
    }
}

/// Turns rollout lines into timeline entries.
#[derive(Debug, Default)]
pub struct TimelineReader {}

impl TimelineReader {
    /// Reads one line; see [`crate::source::TimelineReader::read`].
    pub fn read(&mut self, _offset: u64, _line: &[u8], _entries: &mut Vec<Entry>) -> LineRead {
        LineRead {
            at: None,
            outcome: LineOutcome::Read,
        }
    }
}

/// Returns the command that takes a session up again in a terminal.
#[must_use]
pub fn resume_command(source_session_id: &str) -> Vec<String> {
    vec![
        "codex".to_owned(),
        "resume".to_owned(),
        source_session_id.to_owned(),
    ]
}

/// Returns the thread id a rollout's file name carries: `rollout-<time>-<uuid>[_<suffix>].jsonl[.zst]`.
#[must_use]
pub fn thread_id_of_file(name: &str) -> Option<&str> {
    let stem = name.strip_prefix("rollout-")?;
    let stem = stem
        .strip_suffix(".zst")
        .unwrap_or(stem)
        .strip_suffix(".jsonl")?;
    let id = stem.get(20..56)?;
    let is_uuid = id.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    let rest = stem.get(56..)?;
    (is_uuid && (rest.is_empty() || rest.starts_with('_'))).then_some(id)
}
