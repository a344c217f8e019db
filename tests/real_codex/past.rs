//! What ended before anybody watched.

use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::model::{Gate, Script, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::wait::{PATIENT, SOON};
use mission_control_testkit::watch::Front;
use serde_json::{Value, json};

use super::{ALL_LISTED, Stage, kinds, session_id};

#[test]
fn a_watch_that_starts_late_tells_nothing_of_the_past() {
    let stage = Stage::new();
    let script = stage.model.plays("past", Script::new([say("Done.")]));
    let mut run = stage.home.exec(&Run::new(&script, "Work."));
    let id = session_id(&run.thread_id());
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());

    let mut watch = stage.front.watch();
    let done = watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(done["last_turn"]["message"], "Done.");
    assert_eq!(watch.notices(), Vec::<Value>::new());
}

#[test]
fn a_watch_that_starts_in_the_middle_of_a_turn_tells_its_end() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = stage
        .model
        .plays("middle", Script::new([say("Done.").behind(&gate)]));
    let mut run = stage.home.exec(&Run::new(&script, "Work."));
    let id = session_id(&run.thread_id());
    gate.wait_until_reached(PATIENT);

    let mut watch = stage.front.watch();
    let working = watch.wait_for_status(SOON, &id, "working");
    gate.open();
    watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(working["turn"]["count"], 1);
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn transcripts_of_older_versions_are_read_to_their_end() {
    let home = CodexHome::new();
    let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
    front.write_settings(ALL_LISTED);
    let expected = [
        ("30-old-0.45.0-edit", "0.45.0", "finished", "completed"),
        ("30-old-0.45.0-slowcmd", "0.45.0", "interrupted", "interrupted"),
        ("30-old-0.100.0-edit", "0.100.0", "finished", "completed"),
        ("30-old-0.100.0-slowcmd", "0.100.0", "interrupted", "interrupted"),
        ("30-old-0.130.0-edit", "0.130.0", "finished", "completed"),
        ("30-old-0.150.0-edit", "0.150.0", "finished", "completed"),
    ]
    .map(|(recording, version, how, outcome)| {
        let recording = Recording::load(recording);
        recording.write_into(home.codex_home());
        (recording.session_id(), json!({"version": version, "status": "done", "how": how, "outcome": outcome, "skipped": 0}))
    });

    let sessions = front.sessions();

    for (id, wanted) in expected {
        let session = sessions
            .get(&id)
            .unwrap_or_else(|| panic!("{id} is not listed"));
        let found = json!({
            "version": session["cli_version"],
            "status": session["status"],
            "how": session["ended"]["how"],
            "outcome": session["last_turn"]["outcome"],
            "skipped": session["skipped_lines"],
        });
        assert_eq!(found, wanted, "{id}: {}", session["evidence"]);
    }
}
