//! Threads that are taken up again, come from others, or go.

use mission_control_testkit::codex::{CLASSIC_MODEL, CODE_MODE_MODEL, Run};
use mission_control_testkit::model::{
    GUARDIAN_ASKS, GUARDIAN_SAYS_NO, Gate, Script, escalated, say, spawn_agent, wait_agents,
};
use mission_control_testkit::process::Exit;
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT, wait_for};
use serde_json::Value;

use super::stage::{OF_A_RUN, OF_AN_END, Stage, Underway, session_id};

pub(crate) fn resumed(stage: &mut Stage) {
    let (first, again) = (Gate::default(), Gate::default());
    let script =
        Script::new([say("First.").behind(&first)]).on("again", [say("Second.").behind(&again)]);
    let script = stage.script(script);
    let mut underway = finished(stage, &script, &first);
    let (thread, id) = (underway.thread.clone(), underway.id.clone());

    let begins = Moment::now();
    let run = Run::new(&script, "again").from_thread("resume", &thread);
    underway.run = stage.home.exec(&run);
    stage.truth.may_be(
        Phase::new(&id, State::Paused, begins),
        "a run that takes a thread up may hold it for seconds before its turn",
    );
    let known = again.reached_at(PATIENT);
    stage.truth.is(Phase::new(&id, State::Working, begins)
        .known_at(known)
        .with("/last_prompt", "again")
        .with("/turn/count", 2));
    underway.turn = stage.home.turn(&thread, 2);

    let since = Moment::now();
    again.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/message", "Second.")
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn forked(stage: &mut Stage) {
    let (first, fork) = (Gate::default(), Gate::default());
    let script =
        Script::new([say("First.").behind(&first)]).on("elsewhere", [say("Forked.").behind(&fork)]);
    let script = stage.script(script);
    let from = finished(stage, &script, &first);

    let run = Run::new(&script, "elsewhere").from_thread("fork", &from.thread);
    let mut underway = stage.underway(&run, &fork);
    assert_ne!(underway.id, from.id);
    // A fork begins with the turns it was made of.
    let turn = stage.home.last_turn(&underway.thread);
    let since = Moment::now();
    fork.open();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/last_turn/message", "Forked.")
            .with("/parent_id", Value::Null)
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn sub_agent(stage: &mut Stage) {
    delegates(stage, CLASSIC_MODEL);
}

pub(crate) fn sub_agent_in_code_mode(stage: &mut Stage) {
    delegates(stage, CODE_MODE_MODEL);
}

fn delegates(stage: &mut Stage, model: &str) {
    let (asked, part, report) = (Gate::default(), Gate::default(), Gate::default());
    let script = Script::new([
        say("I hand this over.")
            .and(spawn_agent("SUBTASK count the lines"))
            .behind(&asked),
        wait_agents(),
        say("Two lines.").behind(&report),
    ])
    .on("SUBTASK", [say("Sub-agent: two.").behind(&part)]);
    let script = stage.script(script);
    let run = Run::new(&script, "Count the lines.").with_model(model);
    let mut underway = stage.underway(&run, &asked);

    let begins = Moment::now();
    asked.open();
    let known = part.reached_at(PATIENT);
    let child = wait_for(PATIENT, "the sub-agent has a transcript", || {
        stage.home.children_of(&underway.thread).pop()
    });
    let child = session_id(&child);
    let working = Phase::new(&child, State::Working, begins).known_at(known);
    stage.truth.is(working
        .on(OF_A_RUN)
        .with("/parent_id", &*underway.id)
        .with("/helper", false));
    let since = Moment::now();
    part.open();
    report.reached_at(PATIENT);
    stage.truth.may_be(
        Phase::new(&child, State::Paused, since),
        "a sub-agent whose turn is over lives as long as its parent",
    );
    let ending = Moment::now();
    report.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, ending, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .tells("turn_completed", &turn)
    });
    stage.truth.is(Phase::new(&child, State::Done, since)
        .on(OF_AN_END)
        .with("/ended/how", "finished")
        .with("/last_turn/message", "Sub-agent: two."));
}

pub(crate) fn reviewed(stage: &mut Stage) {
    let (asked, review) = (Gate::default(), Gate::default());
    let script = Script::new([
        escalated("touch /nowhere/marker").behind(&asked),
        say("Not allowed."),
    ])
    .on(GUARDIAN_ASKS, [say(GUARDIAN_SAYS_NO).behind(&review)]);
    let script = stage.script(script);
    let run = Run::new(&script, "Write outside.").with_guardian();
    let mut underway = stage.underway(&run, &asked);

    let begins = Moment::now();
    asked.open();
    let known = review.reached_at(PATIENT);
    let guardian = wait_for(PATIENT, "the reviewer has a transcript", || {
        stage.home.children_of(&underway.thread).pop()
    });
    let guardian = session_id(&guardian);
    let helps = Phase::new(&guardian, State::Working, begins).known_at(known);
    stage.truth.is(helps
        .with("/parent_id", &*underway.id)
        .with("/helper", true));
    // A helper decides, so nobody is waited for.
    stage.settle();

    let since = Moment::now();
    review.open();
    stage.truth.may_be(
        Phase::new(&guardian, State::Paused, since),
        "a reviewer lives as long as the thread it reviews for",
    );
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/last_turn/message", "Not allowed.")
            .tells("turn_completed", &turn)
    });
    let done = Phase::new(&guardian, State::Done, since);
    stage.truth.is(done.on(OF_AN_END).with("/helper", true));
}

pub(crate) fn archived(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("First.").behind(&gate)]));
    let underway = finished(stage, &script, &gate);
    let begins = Moment::now();
    let said = stage.home.call(&["archive", &underway.thread]);
    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    stage.truth.is(Phase::new(&underway.id, State::Done, begins)
        .on(&["transcript"])
        .with("/ended/how", "archived")
        .with("/last_turn/message", "First.")
        .with_part("/transcript_path", "/archived_sessions/"));
}

pub(crate) fn deleted(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("First.").behind(&gate)]));
    let underway = finished(stage, &script, &gate);
    let begins = Moment::now();
    let said = stage.home.call(&["delete", "--force", &underway.thread]);
    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    stage
        .truth
        .is(Phase::new(&underway.id, State::Gone, begins));
}

/// Plays a whole run with one answer.
fn finished(stage: &mut Stage, script: &str, gate: &Gate) -> Underway {
    let mut underway = stage.underway(&Run::new(script, "Begin."), gate);
    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/message", "First.")
            .tells("turn_completed", &turn)
    });
    underway
}
