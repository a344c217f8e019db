//! Several sessions at once, in one home and in two.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{Moment, PATIENT};

use super::stage::{Stage, Underway, Which};

const N_AT_ONCE: usize = 8;

pub(crate) fn two_homes(stage: &mut Stage) {
    let (here, there) = (Gate::default(), Gate::default());
    let prompt = stage.prompt("Work", [Reply::text("Here.").behind(&here)]);
    let mut one = stage.underway(&[], &prompt, &here);
    let prompt = stage.prompt("Work", [Reply::text("There.").behind(&there)]);
    let begins = Moment::now();
    let run = stage.other.print(&[], &prompt);
    let mut other = stage.works(run, begins, &prompt, &there, Which::Other);
    completes(stage, &mut one, &here);
    completes(stage, &mut other, &there);
}

pub(crate) fn eight(stage: &mut Stage) {
    let gate = Gate::default();
    let mut all = Vec::new();
    for _ in 0..N_AT_ONCE {
        let own = Gate::default();
        // Each is known by its own gate, and all of them go on at once.
        let replies = [
            Reply::command("true").behind(&own),
            Reply::text("Done.").behind(&gate),
        ];
        let prompt = stage.prompt("Work", replies);
        let underway = stage.underway(&["--allowedTools", "Bash"], &prompt, &own);
        all.push((underway, own));
    }
    for (_, own) in &all {
        own.open();
    }
    gate.wait_until_reached_by(N_AT_ONCE, PATIENT);
    let since = Moment::now();
    gate.open();
    for (underway, _) in &mut all {
        is_complete(stage, underway, since);
    }
}

pub(crate) fn completes(stage: &mut Stage, underway: &mut Underway, gate: &Gate) {
    let since = Moment::now();
    gate.open();
    is_complete(stage, underway, since);
}

fn is_complete(stage: &mut Stage, underway: &mut Underway, since: Moment) {
    let turn = underway.turn.clone();
    stage.ends(underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/last_turn/outcome", "completed")
            .tells("turn_completed", &turn)
    });
}
