//! Every recording of the real Codex yields the session and the timeline that are on file.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test reads its recordings and fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use mission_control_core::observation::{Coverage, Lines, LocatedFact, Observation, Writer};
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_core::source::{LineOutcome, Source, codex};
use mission_control_core::timeline::{Entry, EntryBody};
use mission_control_core::tracker::{Now, Tracker};
use proptest::prelude::*;

#[test]
fn every_recording_yields_its_session() {
    for path in rollouts() {
        let bytes = std::fs::read(&path).unwrap();
        let session = session_of(&path, &[&bytes]);
        let entries = entries_of(&bytes);
        let outline: Vec<String> = entries.iter().map(outline).collect();

        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(snapshot_name(&path), (session, outline));
        });
    }
}

#[test]
fn no_line_of_any_recording_is_skipped() {
    for path in rollouts() {
        let bytes = std::fs::read(&path).unwrap();

        assert_eq!(
            session_of(&path, &[&bytes]).skipped_lines,
            0,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_rollout_that_stops_in_the_middle_yields_what_it_holds() {
    let path = recording("13-long-session");
    let bytes = std::fs::read(&path).unwrap();

    let session = session_of(&path, &[&bytes[..bytes.len() / 2]]);

    assert_eq!(
        serde_json::to_value(session.ended.unwrap().how).unwrap(),
        "killed"
    );
    assert_eq!(session.skipped_lines, 0);
}

#[test]
fn foreign_bytes_are_counted_and_never_fatal() {
    let path = recording("01-simple-success");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"\x00\xff\xfe binary\n{\"timestamp\":\"2026-11-20T07:51:00Z\",\"type\":\"new_kind\",\"payload\":{\"a\":[1]}}\n[]\n\n");

    let session = session_of(&path, &[&bytes]);

    assert_eq!(session.skipped_lines, 3);
    assert_eq!(
        serde_json::to_value(session.ended.unwrap().how).unwrap(),
        "finished"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Wherever the bytes are cut into reads, the session is the same.
    #[test]
    fn bytes_cut_anywhere_give_the_same_session(cuts in prop::collection::vec(0usize..63_000, 0..6)) {
        let path = recording("02-commands-and-edits");
        let bytes = std::fs::read(&path).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);

        prop_assert_eq!(session_of(&path, &pieces), session_of(&path, &[&bytes]));
    }

    /// Damage to any bytes of a file costs at most the lines it touches.
    #[test]
    fn damaged_bytes_never_panic(
        damage in prop::collection::vec((0usize..63_000, any::<u8>()), 1..40),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let path = recording("02-commands-and-edits");
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.extend(noise);

        let session = session_of(&path, &[&bytes]);
        entries_of(&bytes);

        prop_assert!(session.skipped_lines <= 80);
    }
}

// Test support.

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/codex")
}

fn rollouts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(testdata()).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            found.push(file.unwrap().path());
        }
    }
    found.sort();
    assert!(found.len() >= 47, "the recordings are complete");
    found
}

fn recording(name: &str) -> PathBuf {
    rollouts()
        .into_iter()
        .find(|path| path.parent().unwrap().ends_with(name))
        .unwrap()
}

fn snapshot_name(path: &Path) -> String {
    let folder = path
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    let file = path.file_stem().unwrap().to_str().unwrap();
    let id = codex::thread_id_of_file(path.file_name().unwrap().to_str().unwrap());
    format!("{folder}-{}", id.map_or(file, |id| &id[9..18]))
}

/// Reads the pieces one after the other, as a tail would, and releases the writer at the end.
fn session_of(path: &Path, pieces: &[&[u8]]) -> LiveSession {
    let name = path.file_name().unwrap().to_str().unwrap();
    let id = codex::thread_id_of_file(name).unwrap_or("00000000-0000-0000-0000-000000000000");
    let session = SessionId::new(Source::Codex, id);
    let wall: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let now = Now {
        steady: Duration::ZERO,
        wall,
    };
    let mut tracker = Tracker::new(wall);
    let mut reader = Source::Codex.reader();
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
            path: "rollout.jsonl".to_owned(),
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
    tracker.session(&session).unwrap()
}

fn entries_of(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = Source::Codex.timeline_reader();
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
fn outline(entry: &Entry) -> String {
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
