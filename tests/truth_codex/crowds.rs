//! Other versions, other homes, many sessions.

use mission_control_testkit::codex::Run;
use mission_control_testkit::model::{Gate, Script, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT};

use super::stage::{OF_A_RUN, OF_AN_END, Stage, session_id};

/// How many sessions make a crowd.
const N_AT_ONCE: usize = 30;

/// How long so many agents may take to start on two cores that have other things to do.
const ALL_STARTED_WITHIN: std::time::Duration = std::time::Duration::from_secs(180);

pub(crate) fn legacy_run(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("Done.").behind(&gate)]));
    let run = Run::new(&script, "Work as then.").with_version("0.100.0");
    let mut underway = stage.underway(&run, &gate);

    let since = Moment::now();
    gate.open();
    let turn = underway.turn.clone();
    stage.ends(&mut underway, since, Exit::Code(0), |done| {
        done.with("/ended/how", "finished")
            .with("/cli_version", "0.100.0")
            .with("/last_turn/message", "Done.")
            .tells("turn_completed", &turn)
    });
}

pub(crate) fn recordings(stage: &mut Stage) {
    stage
        .truth
        .remark("of versions that are not installed only transcripts are played");
    for (name, version, how, outcome) in [
        ("30-old-0.45.0-edit", "0.45.0", "finished", "completed"),
        (
            "30-old-0.45.0-slowcmd",
            "0.45.0",
            "interrupted",
            "interrupted",
        ),
        ("30-old-0.100.0-edit", "0.100.0", "finished", "completed"),
        (
            "30-old-0.100.0-slowcmd",
            "0.100.0",
            "interrupted",
            "interrupted",
        ),
        ("30-old-0.130.0-edit", "0.130.0", "finished", "completed"),
        ("30-old-0.150.0-edit", "0.150.0", "finished", "completed"),
    ] {
        let recording = Recording::load(name);
        let begins = Moment::now();
        recording.write_into(stage.home.codex_home());
        stage
            .truth
            .is(Phase::new(&recording.session_id(), State::Done, begins)
                .on(OF_AN_END)
                .with("/cli_version", version)
                .with("/ended/how", how)
                .with("/last_turn/outcome", outcome)
                .with("/skipped_lines", 0));
    }
}

pub(crate) fn two_homes(stage: &mut Stage) {
    let (here, there) = (Gate::default(), Gate::default());
    let script = stage.script(Script::new([say("Here.").behind(&here)]));
    let mut one = stage.underway(&Run::new(&script, "Work here."), &here);

    let script = stage.script(Script::new([say("There.").behind(&there)]));
    let begins = Moment::now();
    let mut run = stage.other.exec(&Run::new(&script, "Work there."));
    let known = there.reached_at(PATIENT);
    let thread = run.thread_id();
    let id = session_id(&thread);
    stage.truth.is(Phase::new(&id, State::Working, begins)
        .known_at(known)
        .on(OF_A_RUN));
    let turn = stage.other.turn(&thread, 1);

    let since = Moment::now();
    here.open();
    let first = one.turn.clone();
    stage.ends(&mut one, since, Exit::Code(0), |done| {
        done.with("/last_turn/message", "Here.")
            .tells("turn_completed", &first)
    });
    let since = Moment::now();
    there.open();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let known = Moment::now();
    stage.truth.may_be(
        Phase::new(&id, State::Paused, since),
        "a run may take longer than a second to leave after its turn",
    );
    let path = stage.other.rollout(&thread);
    stage.truth.is(Phase::new(&id, State::Done, since)
        .known_at(known)
        .on(OF_AN_END)
        .with("/transcript_path", path.to_str().expect("a path in UTF-8"))
        .with("/last_turn/message", "There.")
        .tells("turn_completed", &turn));
}

pub(crate) fn thirty(stage: &mut Stage) {
    let gate = Gate::default();
    let script = stage.script(Script::new([say("Done.").behind(&gate)]));
    let mut runs = Vec::new();
    for _ in 0..N_AT_ONCE {
        let begins = Moment::now();
        runs.push((begins, stage.home.exec(&Run::new(&script, "Work."))));
    }
    gate.wait_until_reached_by(N_AT_ONCE, ALL_STARTED_WITHIN);
    let known = Moment::now();
    let mut sessions = Vec::new();
    for (begins, run) in &mut runs {
        let thread = run.thread_id();
        let id = session_id(&thread);
        let phase = Phase::new(&id, State::Working, *begins).known_at(known);
        stage.truth.is(phase.on(OF_A_RUN));
        sessions.push((id, stage.home.turn(&thread, 1)));
    }

    let since = Moment::now();
    gate.open();
    for ((_, run), (id, turn)) in runs.iter_mut().zip(&sessions) {
        assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
        let done = Phase::new(id, State::Done, since);
        stage.truth.may_be(
            Phase::new(id, State::Paused, since),
            "a run may take longer than a second to leave after its turn",
        );
        stage.truth.is(done
            .on(OF_AN_END)
            .with("/ended/how", "finished")
            .tells("turn_completed", turn));
    }
}
