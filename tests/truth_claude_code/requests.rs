//! What terminals ask a person.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT};
use serde_json::{Value, json};

use super::runs::ENDED;
use super::stage::{OF_ITSELF, Stage, Talk};

pub(crate) const SEEN: &str = "request in a terminal to needs_you told";
pub(crate) const HEARD: &str = "the agent goes on to working told";

/// What a terminal asks before it runs a command.
pub(crate) const MAY_RUN: &str = "Do you want to proceed?";

/// Takes down that a person is waited for, as soon as the terminal shows it.
#[track_caller]
pub(crate) fn is_asked(
    stage: &mut Stage,
    talk: &Talk,
    begins: Moment,
    shows: &str,
    need: impl FnOnce(Phase) -> Phase,
) {
    talk.terminal.wait_for_text(shows);
    let known = Moment::now();
    let request = stage.model.last_call();
    let asks = Phase::new(&talk.open.id, State::NeedsYou, begins)
        .known_at(known)
        .measured_as(SEEN)
        .on(OF_ITSELF)
        .with("/need/can_answer", false);
    stage.truth.is(need(asks.asks(&talk.turn, &request)));
}

/// Takes down that the agent goes on since `begins`.
#[track_caller]
pub(crate) fn goes_on(stage: &mut Stage, talk: &Talk, gate: &Gate, begins: Moment) {
    let known = gate.reached_at(PATIENT);
    stage
        .truth
        .is(Phase::new(&talk.open.id, State::Working, begins)
            .known_at(known)
            .measured_as(HEARD)
            .on(OF_ITSELF)
            .with("/need", Value::Null));
}

pub(crate) fn allowed(stage: &mut Stage) {
    let (asks, gate) = (Gate::default(), Gate::default());
    let replies = [
        Reply::command("touch allowed.txt").behind(&asks),
        Reply::text("Made.").behind(&gate),
    ];
    let prompt = stage.prompt("Make", replies);
    let talk = stage.talk(&[], &prompt, &asks);
    let begins = Moment::now();
    asks.open();
    is_asked(stage, &talk, begins, MAY_RUN, |asks| {
        asks.with("/need/kind", "approval")
            .with("/need/summary", "touch allowed.txt")
    });
    // Whoever comes now is told, too.
    stage.truth.start_monitor(&stage.front, "third");
    stage.truth.repeats(&talk.open.id);

    let begins = Moment::now();
    talk.terminal.say_yes(MAY_RUN);
    goes_on(stage, &talk, &gate, begins);
    stage.truth.end_monitor("third");
    assert!(stage.home.project().join("allowed.txt").exists());
    stage.completes(&talk, &gate, "Made.");
    stage.quit(&talk, "closed");
}

pub(crate) fn denied(stage: &mut Stage) {
    let asks = Gate::default();
    let prompt = stage.prompt("Make", [Reply::command("touch denied.txt").behind(&asks)]);
    let talk = stage.talk(&[], &prompt, &asks);
    let begins = Moment::now();
    asks.open();
    is_asked(stage, &talk, begins, MAY_RUN, |asks| {
        asks.with("/need/kind", "approval")
    });
    let begins = Moment::now();
    talk.terminal.say_no(MAY_RUN);
    stage.is_stopped(&talk, begins);
    assert!(!stage.home.project().join("denied.txt").exists());
    stage.quit(&talk, "interrupted");
}

pub(crate) fn question(stage: &mut Stage) {
    let (asks, gate) = (Gate::default(), Gate::default());
    let question = json!({"questions": [{
        "question": "Which database should we use?", "header": "Database", "multiSelect": false,
        "options": [
            {"label": "SQLite", "description": "One file."},
            {"label": "PostgreSQL", "description": "A server."},
        ],
    }]});
    let replies = [
        Reply::call("AskUserQuestion", question).behind(&asks),
        Reply::text("Taken.").behind(&gate),
    ];
    let prompt = stage.prompt("Choose", replies);
    let talk = stage.talk(&[], &prompt, &asks);
    let begins = Moment::now();
    asks.open();
    let says = "Which database should we use?";
    is_asked(stage, &talk, begins, says, |asks| {
        asks.with("/need/kind", "question")
            .with("/need/summary", says)
            .with("/need/choices", json!(["SQLite", "PostgreSQL"]))
    });
    let begins = Moment::now();
    talk.terminal.say_yes(says);
    goes_on(stage, &talk, &gate, begins);
    stage.completes(&talk, &gate, "Taken.");
    stage.quit(&talk, "closed");
}

pub(crate) fn plan(stage: &mut Stage) {
    let (writes, asks, gate) = (Gate::default(), Gate::default(), Gate::default());
    let replies = [
        Reply::written_plan("# Plan\n\n1. Fix it\n").behind(&writes),
        Reply::call("ExitPlanMode", json!({})).behind(&asks),
        Reply::text("Fixed.").behind(&gate),
    ];
    let prompt = stage.prompt("Plan", replies);
    let talk = stage.talk(&["--permission-mode", "plan"], &prompt, &writes);
    writes.open();
    asks.reached_at(PATIENT);
    let begins = Moment::now();
    asks.open();
    is_asked(stage, &talk, begins, "Would you like to proceed?", |asks| {
        asks.with("/need/kind", "plan")
            .with_part("/need/summary", "1. Fix it")
    });
    let begins = Moment::now();
    talk.terminal.say_yes("Would you like to proceed?");
    goes_on(stage, &talk, &gate, begins);
    stage.completes(&talk, &gate, "Fixed.");
    stage.quit(&talk, "closed");
}

pub(crate) fn killed(stage: &mut Stage) {
    let asks = Gate::default();
    let prompt = stage.prompt("Make", [Reply::command("touch killed.txt").behind(&asks)]);
    let talk = stage.talk(&[], &prompt, &asks);
    let begins = Moment::now();
    asks.open();
    is_asked(stage, &talk, begins, MAY_RUN, |asks| {
        asks.with("/need/kind", "approval")
    });
    let begins = Moment::now();
    process::send(talk.open.pid, StopSignal::KILL);
    let turn = talk.turn.clone();
    stage.is_over(&talk.open, begins, |done| {
        done.known_at(begins)
            .measured_as(ENDED)
            .with("/ended/how", "killed")
            .with("/need", Value::Null)
            .tells("session_died", &turn)
    });
    stage.home.forget_registered(talk.open.pid);
}
