//! Monitors that come late, or go and come back.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;

use super::crowds::completes;
use super::stage::Stage;

/// One comes in the middle of a turn and has to tell its end, another after it and must not.
pub(crate) fn late(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [Reply::text("Done.").behind(&gate)]);
    let mut underway = stage.underway(&[], &prompt, &gate);
    stage
        .truth
        .start_monitor(&stage.front, "in the middle of a turn");
    stage.truth.repeats(&underway.open.id);
    completes(stage, &mut underway, &gate);
    stage.truth.start_monitor(&stage.front, "after the turn");
    // What would be told of the first is told before the second.
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [Reply::text("Done.").behind(&gate)]);
    let mut second = stage.underway(&[], &prompt, &gate);
    completes(stage, &mut second, &gate);
    stage.truth.end_monitor("after the turn");
    stage.truth.end_monitor("in the middle of a turn");
}

/// While it is away one turn ends and another begins.
pub(crate) fn restarted(stage: &mut Stage) {
    let (one, two) = (Gate::default(), Gate::default());
    let prompt = stage.prompt("Work", [Reply::text("One.").behind(&one)]);
    let mut first = stage.underway(&[], &prompt, &one);
    stage.truth.end_monitor("second");
    completes(stage, &mut first, &one);
    let prompt = stage.prompt("Work", [Reply::text("Two.").behind(&two)]);
    let mut second = stage.underway(&[], &prompt, &two);
    stage.truth.start_monitor(&stage.front, "second, again");
    stage.truth.repeats(&second.open.id);
    completes(stage, &mut second, &two);
}
