//! Runs without a terminal: how they succeed, fail and are ended.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT, wait_for};
use serde_json::Value;

use super::stage::{OF_A_TURN, Stage, Which};

pub(crate) const ENDED: &str = "SIGKILL to its end told";

/// How Claude Code leaves when it is asked to by a signal: 128 and the signal's number.
const LEFT_AT_TERM: Exit = Exit::Code(143);

pub(crate) fn success(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Say", [Reply::text("It adds.").behind(&gate)]);
    let mut underway = stage.underway(&[], &prompt, &gate);

    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/id", &*turn)
            .with("/last_turn/outcome", "completed")
            .with("/last_turn/message", "It adds.")
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn slow_command(stage: &mut Stage) {
    let (asked, gate) = (Gate::default(), Gate::default());
    let go = stage.home.project().join("go-slow");
    let started = stage.home.project().join("started-slow");
    let line = format!(
        "touch {}; until [ -e {} ]; do read -t 0.1 _ < /dev/zero; done",
        started.display(),
        go.display()
    );
    let replies = [
        Reply::command(&line).behind(&asked),
        Reply::text("Built.").behind(&gate),
    ];
    let prompt = stage.prompt("Build", replies);
    let mut underway = stage.underway(&["--allowedTools", "Bash"], &prompt, &asked);

    asked.open();
    wait_for(PATIENT, "the command runs", || {
        started.exists().then_some(())
    });
    // About half a minute, in which nothing is written.
    stage.truth.wait_for_heartbeats();
    std::fs::write(&go, "").expect("let the command end");
    gate.reached_at(PATIENT);
    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/message", "Built.")
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn service_error(stage: &mut Stage) {
    fails(
        stage,
        &Reply::error(400, "the prompt is bad"),
        "the prompt is bad",
    );
}

pub(crate) fn rate_limit(stage: &mut Stage) {
    fails(
        stage,
        &Reply::error(429, "Number of requests has exceeded your rate limit"),
        "rate limit",
    );
}

/// A turn that fails with a message that holds `says`, however often it is tried again.
fn fails(stage: &mut Stage, refusal: &Reply, says: &str) {
    let gate = Gate::default();
    let refusals = std::iter::repeat_n(refusal.clone().behind(&gate), 20);
    let prompt = stage.prompt("Fail", refusals);
    let mut underway = stage.underway(&[], &prompt, &gate);

    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(1), |done| {
        done.with("/ended/how", "failed")
            .with("/last_turn/outcome", "failed")
            .with_part("/last_turn/message", says)
            .tells("turn_failed", &turn)
    });
}

pub(crate) fn interrupted(stage: &mut Stage) {
    leaves(stage, StopSignal::INT, Exit::Code(0));
}

pub(crate) fn terminated(stage: &mut Stage) {
    leaves(stage, StopSignal::TERM, LEFT_AT_TERM);
}

/// A program that is told to end gives its turn up.
fn leaves(stage: &mut Stage, signal: StopSignal, exit: Exit) {
    let gate = Gate::default();
    let prompt = stage.prompt("Think", [Reply::text("Too late.").behind(&gate)]);
    let mut underway = stage.underway(&[], &prompt, &gate);
    let since = Moment::now();
    process::send(underway.open.pid, signal);
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, exit, |done| {
        done.with("/ended/how", "interrupted")
            .tells("turn_interrupted", &turn)
    });
}

pub(crate) fn killed(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Think", [Reply::text("Too late.").behind(&gate)]);
    let mut underway = stage.underway(&[], &prompt, &gate);
    let since = Moment::now();
    process::send(underway.open.pid, StopSignal::KILL);
    let turn = underway.turn.clone();
    let exit = Exit::Signal(StopSignal::KILL.as_raw());
    stage.ends(&mut underway, since, exit, |done| {
        done.known_at(since)
            .measured_as(ENDED)
            .with("/ended/how", "killed")
            .with("/last_turn", Value::Null)
            .tells("session_died", &turn)
    });
}

pub(crate) fn continued(stage: &mut Stage) {
    let (first, second) = (Gate::default(), Gate::default());
    let prompt = stage.prompt("Begin", [Reply::text("First.").behind(&first)]);
    let mut underway = stage.underway(&[], &prompt, &first);
    let since = Moment::now();
    first.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/last_turn/message", "First.")
            .tells("turn_completed", &turn)
    });

    stage.replies(&prompt, [Reply::text("Second.").behind(&second)]);
    let begins = Moment::now();
    underway.run = stage.home.print(&["--continue"], "Go on.");
    let known = second.reached_at(PATIENT);
    let open = stage.registered(Which::One);
    assert_eq!(open.session, underway.open.session);
    stage.truth.is(Phase::new(&open.id, State::Working, begins)
        .known_at(known)
        .on(OF_A_TURN)
        .with("/turn/count", 2)
        .with("/last_prompt", "Go on."));
    let turn = stage.turn(&open, "Go on.", Which::One);
    let since = Moment::now();
    second.open();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/message", "Second.")
            .tells("turn_completed", &turn)
    });
}
