//! The table of `docs/formats/claude-code.md`: how sessions end, seen at once and by whoever starts
//! to look afterwards.

use mission_control_testkit::claude::{Reply, Terminal};
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::wait::{PATIENT, SOON};

use serde_json::json;

use super::{AT_ONCE, Stage, text, told};

/// What the session does when its end begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum While {
    Idle,
    Working,
    Asking,
}

/// How its end begins.
#[derive(Clone, Copy, Debug)]
enum By {
    Quitting,
    /// Ctrl-C, and when the turn is over again until the program has gone.
    ControlC,
    /// The terminal's window is closed.
    Hangup,
    Signal(StopSignal),
}

#[track_caller]
fn check(doing: While, by: By, expected: &str, notices: &[&str]) {
    let stage = Stage::new();
    let gate = Gate::default();
    match doing {
        While::Idle => stage.model.plays([Reply::text("Said.")]),
        While::Working => stage.model.plays([
            Reply::call("Glob", json!({ "pattern": "*" })),
            Reply::text("Too late.").behind(&gate),
        ]),
        While::Asking => stage.model.plays([Reply::command("touch made.txt")]),
    }
    let mut watch = stage.front.watch();
    let terminal = stage.home.terminal(&[]);
    let (id, pid) = stage.registered();
    terminal.ask("Do it.");
    watch.wait_until(PATIENT, &id, "got as far", |session| {
        !session["turn"].is_null()
            && match doing {
                While::Idle => session["status"] == "paused" && !session["last_turn"].is_null(),
                While::Working => session["status"] == "working",
                While::Asking => !session["need"].is_null(),
            }
    });
    if doing == While::Working {
        gate.wait_until_reached(PATIENT);
    }

    begin(by, terminal, pid);
    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    let later = stage.front.sessions()[&id].clone();

    assert_eq!(done["ended"]["how"], expected, "{doing:?} {by:?}");
    assert_eq!(later["status"], "done", "{doing:?} {by:?}");
    assert_eq!(
        later["ended"]["how"], expected,
        "seen afterwards, {doing:?} {by:?}"
    );
    assert_eq!(done["evidence"]["from"], "registry", "{doing:?} {by:?}");
    told(&mut watch, notices);
    assert!(text(&done["resume_command"]).starts_with("claude --resume"));
}

fn begin(by: By, terminal: Terminal, pid: u32) {
    match by {
        By::Quitting => terminal.quit(),
        By::ControlC => {
            terminal.press("C-c");
            terminal.wait_for_registry("the turn is over", |file| file["status"] == "idle");
            mission_control_testkit::wait::wait_for(SOON, "the program's end", || {
                terminal.press("C-c");
                process::comm(pid).is_none().then_some(())
            });
        }
        By::Hangup => drop(terminal),
        By::Signal(signal) => {
            process::send(pid, signal);
            terminal.wait_until_gone();
        }
    }
}

#[test]
fn a_terminal_left_between_turns_is_closed_however_it_is_left() {
    for by in [
        By::Quitting,
        By::ControlC,
        By::Hangup,
        By::Signal(StopSignal::TERM),
        By::Signal(StopSignal::KILL),
    ] {
        check(While::Idle, by, "closed", &["turn_completed"]);
    }
}

#[test]
fn a_turn_that_its_program_leaves_was_interrupted() {
    for by in [
        By::ControlC,
        By::Quitting,
        By::Hangup,
        By::Signal(StopSignal::TERM),
    ] {
        check(While::Working, by, "interrupted", &["turn_interrupted"]);
    }
    for by in [By::Hangup, By::Signal(StopSignal::TERM)] {
        let notices = ["needs_you", "turn_interrupted"];
        check(While::Asking, by, "interrupted", &notices);
    }
}

#[test]
fn a_turn_whose_program_vanishes_was_killed() {
    let by = By::Signal(StopSignal::KILL);
    check(While::Working, by, "killed", &["session_died"]);
    check(While::Asking, by, "killed", &["needs_you", "session_died"]);
}
