//! What every source promises, checked on its recordings. A further source is checked as soon as it
//! is listed and has a folder of recordings.

use std::path::Path;

use super::reading::{entries_of, transcripts};
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_core::source::Source;
use proptest::prelude::*;

/// A line of a kind nobody writes, bytes that are no text, and a value that is no object.
const FOREIGN: &[u8] = b"\x00\xff\xfe binary\n{\"timestamp\":\"2026-11-20T07:51:00Z\",\"type\":\"new_kind\",\"payload\":{\"a\":[1]}}\n[]\n\n";

#[test]
fn every_source_has_recordings_and_its_name_is_its_own() {
    for source in Source::ALL.iter().copied() {
        assert!(transcripts(source).len() >= 10, "{source:?}");
        let id = SessionId::new(source, "a");
        assert_eq!(SessionId::parse(id.as_str()), Some(id));
    }
}

#[test]
fn no_line_of_any_recording_is_skipped() {
    for path in all() {
        assert_eq!(whole(&path).skipped_lines, 0, "{}", path.1.display());
    }
}

#[test]
fn foreign_bytes_are_counted_and_never_fatal() {
    for recording in all() {
        let mut bytes = std::fs::read(&recording.1).unwrap();
        bytes.extend_from_slice(FOREIGN);

        let session = read(&recording, &[&bytes]);

        let before = whole(&recording);
        assert_eq!(session.skipped_lines, before.skipped_lines + 3);
        let how = |session: &LiveSession| session.ended.as_ref().map(|ended| ended.how);
        assert_eq!(how(&session), how(&before), "{}", recording.1.display());
        let turn = |session: &LiveSession| {
            let last = session.last_turn.clone();
            last.map(|turn| (turn.id, turn.outcome, turn.message))
        };
        assert_eq!(turn(&session), turn(&before));
    }
}

#[test]
fn a_transcript_without_its_end_yields_what_it_holds() {
    for recording in all() {
        let bytes = std::fs::read(&recording.1).unwrap();
        for part in 1..4 {
            let session = tracked(&recording, &[&bytes[..bytes.len() * part / 4]]);

            let n_skipped = session.map_or(0, |session| session.skipped_lines);
            assert_eq!(n_skipped, 0, "{}", recording.1.display());
        }
    }
}

#[test]
fn a_name_in_a_timeline_stands_once() {
    for (source, path) in all() {
        let bytes = std::fs::read(&path).unwrap();
        let entries = entries_of(source, &bytes);
        let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();

        assert_eq!(keys.len(), entries.len(), "{}", path.display());
        assert!(!entries.is_empty(), "{}", path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Wherever the bytes are cut into reads, the session is the same.
    #[test]
    fn bytes_cut_anywhere_give_the_same_session(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for source in Source::ALL.iter().copied() {
            let recording = (source, which.get(&transcripts(source)).clone());
            let bytes = std::fs::read(&recording.1).unwrap();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);

            prop_assert_eq!(read(&recording, &pieces), whole(&recording));
        }
    }

    /// Damage to any bytes of a file costs at most the lines it touches.
    #[test]
    fn damaged_bytes_never_panic(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        for source in Source::ALL.iter().copied() {
            let recording = (source, which.get(&transcripts(source)).clone());
            let mut bytes = std::fs::read(&recording.1).unwrap();
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes.extend(&noise);

            let session = tracked(&recording, &[&bytes]);
            entries_of(source, &bytes);

            let n_skipped = session.map_or(0, |session| session.skipped_lines);
            prop_assert!(n_skipped <= 80 + 400);
        }
    }
}

// Test support.

type Recorded = (Source, std::path::PathBuf);

fn all() -> Vec<Recorded> {
    let of = |source: &Source| {
        let source = *source;
        transcripts(source)
            .into_iter()
            .map(move |path| (source, path))
    };
    Source::ALL.iter().flat_map(of).collect()
}

fn whole(recording: &Recorded) -> LiveSession {
    read(recording, &[&std::fs::read(&recording.1).unwrap()])
}

fn read(recording: &Recorded, pieces: &[&[u8]]) -> LiveSession {
    tracked(recording, pieces).unwrap()
}

/// Returns the session; none when what was read of it says nothing.
fn tracked((source, path): &Recorded, pieces: &[&[u8]]) -> Option<LiveSession> {
    let id = SessionId::new(*source, id(path));
    super::reading::tracked(&id, pieces).session(&id)
}

fn id(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}
