//! Monitors that come late, or go and come back.

use mission_control_testkit::codex::Run;
use mission_control_testkit::model::{Gate, Script, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::Moment;

use super::stage::{Stage, Underway};

/// One comes in the middle of a turn and has to tell its end, another after it and must not.
pub(crate) fn late(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("Done.").behind(&gate)]));
    let mut underway = stage.underway(&Run::new(&script, "Work."), &gate);
    stage
        .truth
        .start_monitor(&stage.front, "in the middle of a turn");
    stage.settle();
    completes(stage, &mut underway, &gate);
    stage.truth.start_monitor(&stage.front, "after the turn");
    stage.settle();
    stage.truth.end_monitor("after the turn");
    stage.truth.end_monitor("in the middle of a turn");
}

/// While it is away one turn ends and another begins.
pub(crate) fn restarted(stage: &mut Stage) {
    let (one, two) = (Gate::default(), Gate::default());
    let script = stage.script(Script::new([say("One.").behind(&one)]));
    let mut first = stage.underway(&Run::new(&script, "Begin one."), &one);

    stage.truth.end_monitor("second");
    completes(stage, &mut first, &one);
    let script = stage.script(Script::new([say("Two.").behind(&two)]));
    let mut second = stage.underway(&Run::new(&script, "Begin two."), &two);
    stage.truth.start_monitor(&stage.front, "second, again");

    stage.settle();
    completes(stage, &mut second, &two);
}

fn completes(stage: &mut Stage, underway: &mut Underway, gate: &Gate) {
    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .tells("turn_completed", &turn)
    });
}
