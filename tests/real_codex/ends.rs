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
