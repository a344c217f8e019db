//! Every recording of the real Codex yields the session and the timeline that are on file.

use std::path::Path;

use super::reading::{entries_of, outline, recording, scenario, session_of, transcripts};
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_core::source::{Source, codex};

#[test]
fn every_recording_yields_its_session() {
    let rollouts = transcripts(Source::Codex);
    assert!(rollouts.len() >= 47, "the recordings are complete");
    for path in rollouts {
        let bytes = std::fs::read(&path).unwrap();
        let session = session_in(&path, &bytes);
        let entries = entries_of(Source::Codex, &bytes);
        let outline: Vec<String> = entries.iter().map(outline).collect();

        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(snapshot_name(&path), (session, outline));
        });
    }
}

#[test]
fn a_rollout_that_stops_in_the_middle_yields_what_it_holds() {
    let path = recording(Source::Codex, "13-long-session");
    let bytes = std::fs::read(&path).unwrap();

    let session = session_in(&path, &bytes[..bytes.len() / 2]);

    assert_eq!(
        serde_json::to_value(session.ended.unwrap().how).unwrap(),
        "killed"
    );
    assert_eq!(session.skipped_lines, 0);
}

// Test support.

fn snapshot_name(path: &Path) -> String {
    let file = path.file_stem().unwrap().to_str().unwrap();
    let id = codex::thread_id_of_file(path.file_name().unwrap().to_str().unwrap());
    format!("{}-{}", scenario(path), id.map_or(file, |id| &id[9..18]))
}

fn session_in(path: &Path, bytes: &[u8]) -> LiveSession {
    let name = path.file_name().unwrap().to_str().unwrap();
    let id = codex::thread_id_of_file(name).unwrap_or("00000000-0000-0000-0000-000000000000");
    session_of(&SessionId::new(Source::Codex, id), &[bytes])
}
