//! Turns of `codex exec` that run, succeed and fail.

use mission_control_testkit::codex::{CODE_MODE_MODEL, Run};
use mission_control_testkit::model::{Gate, Script, Step, command, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{Moment, PATIENT};

use super::stage::Stage;

/// The first second of the year 2100.
const RESETS_AT: i64 = 4_102_444_800;

pub(crate) fn success(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("It adds.").behind(&gate)]));
    let mut underway = stage.underway(&Run::new(&script, "What is here?"), &gate);

    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/outcome", "completed")
            .with("/last_turn/message", "It adds.")
            .with("/last_turn/id", &*turn)
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn slow_command(stage: &mut Stage) {
    slow(stage, |run| run, Wait::UntilHeartbeat);
}

pub(crate) fn slow_code(stage: &mut Stage) {
    slow(
        stage,
        |run| run.with_model(CODE_MODE_MODEL),
        Wait::UntilSettled,
    );
}

/// How long a silent command lasts.
enum Wait {
    /// So long that everything that is done from time to time was done, about 30 s.
    UntilHeartbeat,
    UntilSettled,
}

fn slow(stage: &mut Stage, choose: fn(Run) -> Run, wait: Wait) {
    let (asked, gate) = (Gate::default(), Gate::default());
    let name = format!("slow-{}", choose(Run::new("", "")).model);
    let held = stage.home.held_command(&name);
    let steps = [
        command(&held.line()).behind(&asked),
        say("Built.").behind(&gate),
    ];
    let script = stage.script(Script::new(steps));
    let run = choose(Run::new(&script, "Build it."));
    let mut underway = stage.underway(&run, &asked);

    asked.open();
    held.wait_until_running();
    // Nothing is written as long as the command runs.
    match wait {
        Wait::UntilHeartbeat => stage.truth.wait_for_heartbeats(),
        Wait::UntilSettled => stage.settle(),
    }
    held.release();
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

pub(crate) fn model_error(stage: &mut Stage) {
    let step = Step::http(400, "invalid_request_error", "The model is odd.");
    fails(stage, step, "The model is odd.");
}

pub(crate) fn broken_stream(stage: &mut Stage) {
    fails(stage, Step::dropped(), "stream disconnected");
}

pub(crate) fn usage_limit(stage: &mut Stage) {
    fails(stage, Step::usage_limit(RESETS_AT), "2100");
}

/// A turn that fails with a message that holds `says`.
fn fails(stage: &mut Stage, step: Step, says: &str) {
    let gate = Gate::default();
    let script = stage.script(Script::new([step.behind(&gate)]));
    let mut underway = stage.underway(&Run::new(&script, "Work."), &gate);

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
