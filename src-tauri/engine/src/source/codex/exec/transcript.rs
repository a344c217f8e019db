//! What a thread's transcript adds to the events: an end nobody saw, and when a limit starts anew.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use camino::Utf8Path;
use jiff::Timestamp;
use mission_control_core::observation::Fact;
use mission_control_core::session::{RateLimit, RateLimits};
use mission_control_core::source::codex::Reader;
use mission_control_core::task::conclude::TranscriptEnd;
use mission_control_core::task::exec_events::ExecUsage;
use serde::Deserialize;

use crate::source::codex::rollouts;

/// How much of a transcript's end is read.
const TAIL_BYTES: u64 = 8 << 20;

/// A limit counts as reached from here on, in percent.
const REACHED_PERCENT: f64 = 99.5;

/// What a transcript says about a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Afterwards {
    /// How the latest turn ended, if it did.
    pub(crate) end: Option<TranscriptEnd>,
    /// When the account's limit starts anew, if it was reached.
    pub(crate) limit_resets_at: Option<Timestamp>,
}

/// Reads what the transcript of `thread` says about turns that started at or after `since`.
pub(crate) fn after(home: &Utf8Path, thread: &str, since: Timestamp) -> Afterwards {
    let mut afterwards = Afterwards::default();
    let Some(tail) = tail_of(home, thread) else {
        return afterwards;
    };
    let mut is_own_turn = false;
    for (line, fact, at) in facts(&tail) {
        match fact {
            Fact::TurnStarted { .. } => {
                is_own_turn = at.is_none_or(|at| at >= since);
                afterwards.end = None;
            }
            Fact::TurnEnded {
                outcome, message, ..
            } if is_own_turn => {
                let message = whole_message(line).or(message);
                afterwards.end = Some(TranscriptEnd { outcome, message });
            }
            Fact::LimitsSeen(limits) => afterwards.limit_resets_at = reached_until(&limits),
            Fact::TurnGivenUp { .. } => afterwards.end = None,
            Fact::Started(_)
            | Fact::Context { .. }
            | Fact::TurnEnded { .. }
            | Fact::Settled
            | Fact::Prompted { .. }
            | Fact::Said { .. }
            | Fact::ItemStarted { .. }
            | Fact::Asked { .. }
            | Fact::ItemEnded { .. }
            | Fact::TokensCounted(_)
            | Fact::ContextWindow(_)
            | Fact::Named { .. } => {}
        }
    }
    afterwards
}

/// Returns what a thread has used so far; none if its transcript does not say.
pub(crate) fn tokens_so_far(home: &Utf8Path, thread: &str) -> Option<ExecUsage> {
    let tail = tail_of(home, thread)?;
    let mut latest = None;
    for (_, fact, _) in facts(&tail) {
        if let Fact::TokensCounted(tokens) = fact {
            latest = Some(ExecUsage {
                input_tokens: tokens.input,
                cached_input_tokens: tokens.cached_input,
                output_tokens: tokens.output,
            });
        }
    }
    latest
}

fn facts(tail: &[u8]) -> Vec<(&[u8], Fact, Option<Timestamp>)> {
    let mut reader = Reader::default();
    let mut all = Vec::new();
    let mut offset = 0;
    for line in tail.split(|byte| *byte == b'\n') {
        let mut found = Vec::new();
        reader.read(offset, line, &mut found);
        offset += line.len() as u64 + 1;
        all.extend(found.into_iter().map(|found| (line, found.fact, found.at)));
    }
    all
}

/// Facts carry shortened texts; the line has the whole one.
fn whole_message(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        payload: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        last_agent_message: Option<String>,
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    line.payload.last_agent_message
}

fn reached_until(limits: &RateLimits) -> Option<Timestamp> {
    let is_reached = |limit: &&RateLimit| limit.used_percent >= REACHED_PERCENT;
    let windows = [limits.primary.as_ref(), limits.secondary.as_ref()];
    windows
        .into_iter()
        .flatten()
        .filter(is_reached)
        .filter_map(|limit| limit.resets_at)
        .max()
}

/// Returns the last lines of a thread's transcript, beginning with a whole one.
fn tail_of(home: &Utf8Path, thread: &str) -> Option<Vec<u8>> {
    let path = rollouts::of_thread(home, thread)?;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&path)?;
        let length = file.metadata()?.len();
        let start = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut tail)?;
        if start > 0 {
            let first = memchr::memchr(b'\n', &tail).map_or(tail.len(), |at| at + 1);
            tail.drain(..first);
        }
        Ok(tail)
    };
    read()
        .inspect_err(|error| tracing::warn!(%error, %path, "A transcript cannot be read."))
        .ok()
}

#[cfg(test)]
mod tests {
    use mission_control_core::session::TurnOutcome;

    use super::*;
    use crate::testing::{Recording, temp_folder};

    #[test]
    fn the_end_of_a_turn_is_found_with_its_whole_message() {
        let (_guard, home) = temp_folder();
        let recording = Recording::of("01-simple-success");
        let folder = home.join("sessions/2026/11/20");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(&recording.name), &recording.text).unwrap();
        let long_ago = Timestamp::UNIX_EPOCH;

        let end = after(&home, &recording.thread, long_ago).end.unwrap();

        assert_eq!(end.outcome, TurnOutcome::Completed);
        assert!(end.message.is_some_and(|message| !message.is_empty()));
        assert!(tokens_so_far(&home, &recording.thread).is_some());
        let later = Timestamp::MAX;
        assert_eq!(after(&home, &recording.thread, later).end, None);
    }
}
