//! Stop signals in the middle of a turn.

use mission_control_testkit::codex::{CodexRun, HeldCommand, Run};
use mission_control_testkit::model::{Script, command, say};
use mission_control_testkit::process::{Exit, StopSignal};
use mission_control_testkit::wait::{PATIENT, SOON};
use mission_control_testkit::watch::Watch;
use serde_json::Value;

use super::{AT_ONCE, Stage, kinds, session_id, text};

#[test]
fn an_interrupt_ends_the_turn_and_the_session() {
    let mut scene = Scene::in_a_command();

    scene.run.signal_native(StopSignal::INT);
    assert_eq!(scene.run.wait(), Exit::Code(1));
    let done = scene.watch.wait_for_status(AT_ONCE, &scene.id, "done");
    scene.stage.settle(&mut scene.watch);

    assert_eq!(done["ended"]["how"], "interrupted");
    assert_eq!(done["last_turn"]["outcome"], "interrupted");
    assert_eq!(kinds(&scene.watch.notices()), ["turn_interrupted"]);
}

#[test]
fn a_process_that_is_terminated_or_killed_dies_at_once() {
    for signal in [StopSignal::TERM, StopSignal::KILL] {
        let mut scene = Scene::in_a_command();

        scene.run.signal_native(signal);
        assert_eq!(scene.run.wait(), Exit::Signal(signal.as_raw()));
        let done = scene.watch.wait_for_status(AT_ONCE, &scene.id, "done");
        scene.stage.settle(&mut scene.watch);

        assert_eq!(done["ended"]["how"], "killed", "{signal:?}");
        assert_eq!(done["process"], Value::Null, "{signal:?}");
        assert_eq!(done["last_turn"], Value::Null, "{signal:?}");
        assert_eq!(
            kinds(&scene.watch.notices()),
            ["session_died"],
            "{signal:?}"
        );
    }
}

#[test]
fn a_turn_outlives_the_wrapper_that_started_it() {
    let mut scene = Scene::in_a_command();

    scene.run.signal(StopSignal::KILL);
    assert_eq!(scene.run.wait(), Exit::Signal(StopSignal::KILL.as_raw()));
    scene.stage.settle(&mut scene.watch);
    let orphaned = scene.watch.session(&scene.id).unwrap();
    scene.held.release();
    let done = scene.watch.wait_for_status(SOON, &scene.id, "done");

    assert_eq!(orphaned["status"], "working");
    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(kinds(&scene.watch.notices()), ["turn_completed"]);
}

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

/// An agent in the middle of a command, and somebody who watches.
struct Scene {
    watch: Watch,
    id: String,
    run: CodexRun,
    held: HeldCommand,
    stage: Stage,
}

impl Scene {
    #[track_caller]
    fn in_a_command() -> Self {
        let stage = Stage::new();
        let held = stage.home.held_command("go");
        let script = Script::new([command(&held.line()), say("Built.")]);
        let script = stage.model.plays("stop", script);
        let mut watch = stage.front.watch();
        let mut run = stage.home.exec(&Run::new(&script, "Build it."));
        let id = session_id(&run.thread_id());
        watch.wait_until(PATIENT, &id, "works on a command", |session| {
            session["status"] == "working" && text(&session["activity"]).contains("cat go")
        });
        Self {
            watch,
            id,
            run,
            held,
            stage,
        }
    }
}
