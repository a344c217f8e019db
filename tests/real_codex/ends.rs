//! What becomes of a session when it is put away.

use mission_control_testkit::codex::Run;
use mission_control_testkit::model::{Script, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::SOON;
use serde_json::Value;

use super::{Stage, kinds, session_id, text};

#[test]
fn what_is_put_into_the_archive_is_archived_until_it_is_taken_out() {
    let stage = Stage::new();
    let script = stage.model.plays("archive", Script::new([say("Built.")]));
    let mut watch = stage.front.watch();
    let mut run = stage.home.exec(&Run::new(&script, "Build it."));
    let thread = run.thread_id();
    let id = session_id(&thread);
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let how = |session: &Value| session["ended"]["how"].clone();
    let ended_as = |expected: &'static str| move |session: &Value| how(session) == expected;
    watch.wait_until(SOON, &id, "has finished", ended_as("finished"));

    let put = stage.home.call(&["archive", &thread]);
    let archived = watch.wait_until(SOON, &id, "is archived", ended_as("archived"));
    let listed = stage.front.sessions()[&id].clone();
    let shown = stage.front.run(&["show", &id]);
    let taken = stage.home.call(&["unarchive", &thread]);
    let back = watch.wait_until(SOON, &id, "is taken out", ended_as("finished"));
    stage.settle(&mut watch);

    assert_eq!(put.exit, Exit::Code(0), "{put:?}");
    assert_eq!(taken.exit, Exit::Code(0), "{taken:?}");
    assert_eq!(archived["last_turn"]["outcome"], "completed");
    assert_eq!(archived["evidence"]["says"], "it lies in the archive");
    assert!(text(&archived["transcript_path"]).contains("archived_sessions"));
    assert!(!text(&back["transcript_path"]).contains("archived_sessions"));
    assert_eq!(how(&listed), "archived");
    assert!(shown.stdout.contains("Archived"), "{shown:?}");
    assert!(shown.stdout.contains("Built."), "{shown:?}");
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}
