//! Every recording of the real Claude Code yields the session and the timeline that are on file,
//! and every registry file what its agent did at that moment.

use std::collections::BTreeMap;

use super::reading::{entries_of, outline, scenario, session_of, transcripts};
use mission_control_core::observation::LiveDoing;
use mission_control_core::session::SessionId;
use mission_control_core::source::Source;
use mission_control_core::source::claude_code::{Registered, Turn, agent_of_file};

#[test]
fn every_recording_yields_its_session() {
    let paths = transcripts(Source::ClaudeCode);
    assert!(paths.len() >= 40, "the recordings are complete");
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let id = agent_of_file(name).unwrap_or(stem);
        let session = session_of(&SessionId::new(Source::ClaudeCode, id), &[&bytes]);
        let entries = entries_of(Source::ClaudeCode, &bytes);
        let outline: Vec<String> = entries.iter().map(outline).collect();

        let snapshot = format!("{}-{}", scenario(&path), &id[..8]);
        insta::with_settings!({
            snapshot_path => "../snapshots/claude_code",
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_json_snapshot!(snapshot, (session, outline));
        });
    }
}

#[test]
fn every_registry_file_says_what_its_agent_did() {
    let mut said = BTreeMap::new();
    let mut folders: Vec<_> = transcripts(Source::ClaudeCode)
        .into_iter()
        .map(|path| path.parent().unwrap().to_owned())
        .collect();
    folders.dedup();
    for folder in folders {
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.starts_with("registry-") {
                continue;
            }
            let read = Registered::read(&std::fs::read(&path).unwrap()).unwrap();
            let doing = read.live_state(Turn::Open, &[], &[]).map(|live| live.doing);
            let words = match doing {
                None => "says nothing",
                Some(LiveDoing::Working) => "works",
                Some(LiveDoing::Waiting { .. }) => "waits for a person",
                Some(LiveDoing::Background { .. }) => "background",
                Some(LiveDoing::Idle) => "idle",
            };
            said.insert(format!("{} {name}", scenario(&path)), words);
        }
    }

    insta::with_settings!({
        snapshot_path => "../snapshots/claude_code",
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_json_snapshot!("registry", said);
    });
}
