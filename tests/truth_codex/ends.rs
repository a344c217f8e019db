//! Stop signals in the middle of a turn.

use mission_control_testkit::codex::{HeldCommand, Run};
use mission_control_testkit::model::{Gate, Script, command, say};
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::truth::Phase;
use mission_control_testkit::wait::{Moment, PATIENT, wait_for};
use serde_json::Value;

use super::stage::{Stage, Underway};

pub(crate) fn interrupted(stage: &mut Stage) {
    let (mut underway, _held) = in_a_command(stage, "interrupted");
    let since = Moment::now();
    underway.run.signal_native(StopSignal::INT);
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(1), |done| {
        done.with("/ended/how", "interrupted")
            .with("/last_turn/outcome", "interrupted")
            .tells("turn_interrupted", &turn)
    });
}

pub(crate) fn terminated(stage: &mut Stage) {
    dies(stage, "terminated", StopSignal::TERM, |done| done);
}

pub(crate) fn killed(stage: &mut Stage) {
    dies(stage, "killed", StopSignal::KILL, |done| {
        done.measured_as("SIGKILL to its end told")
    });
}

fn dies(stage: &mut Stage, name: &str, signal: StopSignal, measure: fn(Phase) -> Phase) {
    let (mut underway, _held) = in_a_command(stage, name);
    let native = underway.run.native_pid();
    let since = Moment::now();
    process::send(native, signal);
    let exit = Exit::Signal(signal.as_raw());
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, exit, |done| {
        // A killed program is gone at once; the delay counts from the signal.
        let done = done.known_at(since).with("/ended/how", "killed");
        measure(done)
            .with("/last_turn", Value::Null)
            .tells("session_died", &turn)
    });
}

pub(crate) fn wrapper_killed(stage: &mut Stage) {
    let (mut underway, held) = in_a_command(stage, "wrapper");
    let native = underway.run.native_pid();
    underway.run.signal(StopSignal::KILL);
    let exit = underway.run.wait();
    assert_eq!(exit, Exit::Signal(StopSignal::KILL.as_raw()));
    // It works on without whoever started it.
    stage.settle();

    let since = Moment::now();
    held.release();
    wait_for(PATIENT, "the agent's end", || {
        process::is_zombie(native).then_some(())
    });
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, exit, |done| {
        done.with("/ended/how", "finished")
            .tells("turn_completed", &turn)
    });
}

/// Starts a run and waits until it runs a command that goes on.
fn in_a_command(stage: &mut Stage, name: &str) -> (Underway, HeldCommand) {
    let gate = Gate::default();
    let held = stage.home.held_command(name);
    let script = Script::new([command(&held.line()).behind(&gate), say("Built.")]);
    let script = stage.script(script);
    let underway = stage.underway(&Run::new(&script, "Build it."), &gate);
    gate.open();
    held.wait_until_running();
    (underway, held)
}
