//! What the tests of recordings share: reading them as a tail would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use mission_control_core::observation::{Coverage, Lines, LocatedFact, Observation, Writer};
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_core::source::{LineOutcome, Source};
use mission_control_core::timeline::{Entry, EntryBody};
use mission_control_core::tracker::{Now, Tracker};

/// Returns every recorded transcript of a source: a folder for each scenario.
pub(crate) fn transcripts(source: Source) -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = Vec::new();
    for folder in std::fs::read_dir(testdata.join(source.as_str())).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns the first transcript of a scenario.
pub(crate) fn recording(source: Source, scenario: &str) -> PathBuf {
    transcripts(source)
        .into_iter()
        .find(|path| path.parent().unwrap().ends_with(scenario))
        .unwrap()
}

/// Returns the scenario a transcript belongs to.
pub(crate) fn scenario(path: &Path) -> &str {
    let folder = path.parent().unwrap().file_name().unwrap();
    folder.to_str().unwrap()
}

/// Reads the pieces one after the other, as a tail would, and releases the writer at the end.
pub(crate) fn session_of(session: &SessionId, pieces: &[&[u8]]) -> LiveSession {
    tracked(session, pieces).session(session).unwrap()
}

/// Returns what a tracker knows when it has read the pieces and the writer is gone.
pub(crate) fn tracked(session: &SessionId, pieces: &[&[u8]]) -> Tracker {
    let wall: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let now = Now {
        steady: Duration::ZERO,
        wall,
    };
    let mut tracker = Tracker::new(wall);
    let mut reader = session.source().reader();
    let (mut offset, mut rest) = (0u64, Vec::new());
    for piece in pieces {
        rest.extend_from_slice(piece);
        let mut facts: Vec<LocatedFact> = Vec::new();
        let (mut latest_at, mut n_skipped) = (None, 0);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let text = &line[..line.len() - 1];
            if !text.is_empty() {
                let read = reader.read(offset, text, &mut facts);
                latest_at = latest_at.max(read.at);
                n_skipped += u32::from(read.outcome == LineOutcome::Skipped);
            }
            offset += line.len() as u64;
        }
        let lines = Lines {
            home: "/home/dev/.agent".to_owned(),
            path: file_name(session.source()).to_owned(),
            generation: 0,
            coverage: Coverage::Whole,
            facts,
            latest_at,
            n_skipped,
        };
        tracker.handle(
            Observation::Lines {
                session: session.clone(),
                lines,
            },
            now,
        );
    }
    tracker.handle(
        Observation::WriterSeen {
            session: session.clone(),
            writer: Writer::Free,
        },
        now,
    );
    tracker
}

fn file_name(source: Source) -> &'static str {
    match source {
        Source::Codex => "rollout.jsonl",
        Source::ClaudeCode => "session.jsonl",
    }
}

/// Returns the timeline of a transcript.
pub(crate) fn entries_of(source: Source, bytes: &[u8]) -> Vec<Entry> {
    let mut reader = source.timeline_reader();
    let mut found: Vec<Entry> = Vec::new();
    let mut offset = 0u64;
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut entries = Vec::new();
        reader.read(offset, line, &mut entries);
        offset += line.len() as u64 + 1;
        for entry in entries {
            match found.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => *known = entry,
                None => found.push(entry),
            }
        }
    }
    found
}

/// Writes an entry as one line, long texts shortened.
pub(crate) fn outline(entry: &Entry) -> String {
    let short = |text: &str| mission_control_core::text::one_line(text, 70);
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    match &entry.body {
        EntryBody::TurnStarted { .. } => "turn started".to_owned(),
        EntryBody::Prompt { text } => format!("prompt: {}", short(text)),
        EntryBody::Message { text, is_final } => {
            format!(
                "message{}: {}",
                if *is_final { " (final)" } else { "" },
                short(text)
            )
        }
        EntryBody::Reasoning { text } => format!("reasoning: {}", short(text)),
        EntryBody::Command {
            command,
            status,
            exit_code,
            output,
            ..
        } => format!(
            "command {} exit {exit_code:?}: {} -> {} bytes",
            word(serde_json::to_value(status).unwrap()),
            short(command),
            output.len()
        ),
        EntryBody::FileChanges { changes, status } => {
            let files: Vec<String> = changes
                .iter()
                .map(|c| {
                    let kind = word(serde_json::to_value(c.kind).unwrap());
                    format!("{kind} {} +{} -{}", c.path, c.n_added, c.n_removed)
                })
                .collect();
            format!(
                "files {}: {}",
                word(serde_json::to_value(status).unwrap()),
                files.join(", ")
            )
        }
        EntryBody::ToolCall {
            name,
            output,
            status,
            ..
        } => format!(
            "tool {} {name} -> {}",
            word(serde_json::to_value(status).unwrap()),
            short(output)
        ),
        EntryBody::WebSearch { query } => format!("web search: {query}"),
        EntryBody::SubAgent { text, status, .. } => {
            format!(
                "sub-agent {}: {}",
                word(serde_json::to_value(status).unwrap()),
                short(text)
            )
        }
        EntryBody::Compacted {} => "compacted".to_owned(),
        EntryBody::TurnEnded {
            outcome, message, ..
        } => {
            let outcome = word(serde_json::to_value(outcome).unwrap());
            format!(
                "turn {outcome} {}",
                short(message.as_deref().unwrap_or_default())
            )
        }
    }
}
