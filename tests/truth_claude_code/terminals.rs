//! Terminals: how turns are stopped in them, and how they are left.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT, wait_for};

use super::runs::ENDED;
use super::stage::{OF_ITSELF, Open, Stage, Talk, Which};

pub(crate) fn left_while_idle(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Say", [Reply::text("Said.").behind(&gate)]);
    let talk = stage.talk(&[], &prompt, &gate);
    stage.completes(&talk, &gate, "Said.");
    stage.quit(&talk, "closed");
}

pub(crate) fn service_error(stage: &mut Stage) {
    let gate = Gate::default();
    let refusal = Reply::error(400, "the prompt is bad").behind(&gate);
    let prompt = stage.prompt("Fail", std::iter::repeat_n(refusal, 20));
    let talk = stage.talk(&[], &prompt, &gate);
    let begins = Moment::now();
    gate.open();
    talk.terminal.wait_for_text("the prompt is bad");
    let paused = Phase::new(&talk.open.id, State::Paused, begins);
    stage.truth.is(paused
        .on(OF_ITSELF)
        .with("/last_turn/outcome", "failed")
        .with_part("/last_turn/message", "the prompt is bad")
        .tells("turn_failed", &talk.turn));
    stage.quit(&talk, "failed");
}

/// Of such a turn the transcript says nothing before the program leaves.
pub(crate) fn stopped(stage: &mut Stage) {
    let talk = thinking(stage);
    let begins = Moment::now();
    talk.terminal.press("Escape");
    talk.terminal
        .wait_for_registry("it is idle", |file| is_idle(file, &talk.open));
    let paused = Phase::new(&talk.open.id, State::Paused, begins);
    stage.truth.is(paused.on(OF_ITSELF));
    let begins = Moment::now();
    talk.terminal.press("C-c");
    talk.terminal.press("C-c");
    talk.terminal.wait_until_gone();
    let turn = talk.turn.clone();
    stage.is_over(&talk.open, begins, |done| {
        done.with("/ended/how", "interrupted")
            .tells("turn_interrupted", &turn)
    });
}

pub(crate) fn stopped_in_command(stage: &mut Stage) {
    let gate = Gate::default();
    let started = stage.home.project().join("started-stopped");
    let line = format!(
        "touch {}; until [ -e nothing ]; do read -t 0.1 _ < /dev/zero; done",
        started.display()
    );
    let prompt = stage.prompt("Build", [Reply::command(&line).behind(&gate)]);
    let talk = stage.talk(&["--allowedTools", "Bash"], &prompt, &gate);
    gate.open();
    wait_for(PATIENT, "the command runs", || {
        started.exists().then_some(())
    });
    let begins = Moment::now();
    talk.terminal.press("Escape");
    talk.terminal
        .wait_for_registry("it is idle", |file| is_idle(file, &talk.open));
    stage.is_stopped(&talk, begins);
    stage.quit(&talk, "interrupted");
}

/// The first key stops the turn, two more leave.
pub(crate) fn left_while_working(stage: &mut Stage) {
    let talk = thinking(stage);
    let begins = Moment::now();
    talk.terminal.press("C-c");
    stage.truth.may_be(
        Phase::new(&talk.open.id, State::Paused, begins),
        "the turn is stopped a moment before the program leaves",
    );
    talk.terminal
        .wait_for_registry("it is idle", |file| is_idle(file, &talk.open));
    talk.terminal.press("C-c");
    talk.terminal.press("C-c");
    talk.terminal.wait_until_gone();
    let turn = talk.turn.clone();
    stage.is_over(&talk.open, begins, |done| {
        done.with("/ended/how", "interrupted")
            .tells("turn_interrupted", &turn)
    });
}

pub(crate) fn closed(stage: &mut Stage) {
    let talk = thinking(stage);
    let begins = Moment::now();
    talk.terminal.kill();
    let turn = talk.turn.clone();
    stage.is_over(&talk.open, begins, |done| {
        done.with("/ended/how", "interrupted")
            .tells("turn_interrupted", &turn)
    });
}

pub(crate) fn killed(stage: &mut Stage) {
    let talk = thinking(stage);
    let begins = Moment::now();
    process::send(talk.open.pid, StopSignal::KILL);
    let turn = talk.turn.clone();
    stage.is_over(&talk.open, begins, |done| {
        done.known_at(begins)
            .measured_as(ENDED)
            .with("/ended/how", "killed")
            .tells("session_died", &turn)
    });
    let files = stage.home.registry();
    let is_left = files.iter().any(|file| file["pid"] == talk.open.pid);
    assert!(is_left, "its file stays, saying that it works: {files:?}");
}

pub(crate) fn cleared(stage: &mut Stage) {
    let (first, second) = (Gate::default(), Gate::default());
    let prompt = stage.prompt("Say", [Reply::text("First.").behind(&first)]);
    let mut talk = stage.talk(&[], &prompt, &first);
    stage.completes(&talk, &first, "First.");

    let begins = Moment::now();
    talk.terminal.ask("/clear");
    let before = talk.open.clone();
    let file = talk.terminal.wait_for_registry("another session", |file| {
        file["pid"] == before.pid && file["sessionId"] != before.session.as_str()
    });
    // Its process lives on, with another session.
    stage
        .truth
        .is(Phase::new(&before.id, State::Done, begins).with("/ended/how", "closed"));

    let session = file["sessionId"].as_str().expect("a session").to_owned();
    talk.open = Open {
        id: format!("claude_code:{session}"),
        session,
        pid: before.pid,
    };
    stage.truth.may_be(
        Phase::new(&talk.open.id, State::Paused, begins),
        "a conversation that was cleared may be seen before its first prompt",
    );
    let prompt = stage.prompt("Say", [Reply::text("Second.").behind(&second)]);
    stage.ask(&talk.terminal, &talk.open, &prompt, &second);
    talk.turn = stage.turn(&talk.open, &prompt, Which::One);
    stage.completes(&talk, &second, "Second.");
    stage.quit(&talk, "closed");
}

pub(crate) fn resumed(stage: &mut Stage) {
    let (first, second) = (Gate::default(), Gate::default());
    let prompt = stage.prompt("Say", [Reply::text("First.").behind(&first)]);
    let before = stage.talk(&[], &prompt, &first);
    stage.completes(&before, &first, "First.");
    stage.quit(&before, "closed");

    let begins = Moment::now();
    let session = before.open.session.clone();
    let terminal = stage.home.terminal(&["--resume", &session]);
    let open = stage.registered(Which::One);
    assert_eq!(open.session, session);
    let paused = Phase::new(&open.id, State::Paused, begins);
    stage
        .truth
        .is(paused.on(OF_ITSELF).with("/process/pid", open.pid));

    // The conversation still begins with its first prompt.
    stage.replies(&prompt, [Reply::text("Second.").behind(&second)]);
    let again = format!("Again: {prompt}");
    stage.ask(&terminal, &open, &again, &second);
    let talk = Talk {
        turn: stage.turn(&open, &again, Which::One),
        terminal,
        open,
    };
    stage.completes(&talk, &second, "Second.");
    stage.quit(&talk, "closed");
}

/// Opens a terminal whose turn waits for the model.
fn thinking(stage: &mut Stage) -> Talk {
    let gate = Gate::default();
    let prompt = stage.prompt("Think", [Reply::text("Too late.").behind(&gate)]);
    stage.talk(&[], &prompt, &gate)
}

fn is_idle(file: &serde_json::Value, open: &Open) -> bool {
    file["pid"] == open.pid && file["status"] == "idle"
}
