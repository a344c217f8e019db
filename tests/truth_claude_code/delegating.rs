//! Sub-agents and commands in the background.

use mission_control_testkit::claude::Reply;
use mission_control_testkit::model::Gate;
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT};
use serde_json::json;

use super::requests::{MAY_RUN, SEEN, goes_on};
use super::stage::{OF_A_TURN, OF_ITSELF, Stage};

pub(crate) fn sub_agent(stage: &mut Stage) {
    let (hands, asks, part, report) = (
        Gate::default(),
        Gate::default(),
        Gate::default(),
        Gate::default(),
    );
    let task = "SUBTASK make a file";
    let call = json!({
        "description": "Make a file", "prompt": task, "subagent_type": "general-purpose",
    });
    let replies = [
        Reply::call("Agent", call).behind(&hands),
        Reply::text("Delegated."),
        Reply::text("It reported.").behind(&report),
    ];
    let prompt = stage.prompt("Delegate", replies);
    stage.replies(
        task,
        [
            Reply::command("touch part.txt").behind(&asks),
            Reply::text("Made.").behind(&part),
        ],
    );
    let talk = stage.talk(&[], &prompt, &hands);
    let begins = Moment::now();
    hands.open();
    asks.reached_at(PATIENT);
    talk.terminal.wait_for_text("Delegated.");
    let parent = talk.open.id.clone();
    let child = stage.truth.learn("the sub-agent", move |event| {
        let session = &event["session"];
        let is_it = session["parent_id"] == parent.as_str();
        is_it.then(|| session["id"].as_str().map(str::to_owned))?
    });
    stage.truth.is(Phase::new(&child, State::Working, begins)
        .with("/helper", false)
        .with("/title", "Make a file"));
    let asking = Moment::now();
    asks.open();
    talk.terminal.wait_for_text(MAY_RUN);
    let known = Moment::now();
    let request = stage.model.last_call();
    stage
        .truth
        .is(Phase::new(&talk.open.id, State::NeedsYou, asking)
            .known_at(known)
            .measured_as(SEEN)
            .on(OF_ITSELF)
            .with("/need/summary", "touch part.txt")
            .with("/need/kind", "approval")
            .asks(&talk.turn, &request));
    let begins = Moment::now();
    talk.terminal.say_yes(MAY_RUN);
    goes_on(stage, &talk, &part, begins);
    let begins = Moment::now();
    part.open();
    report.reached_at(PATIENT);
    stage.truth.may_be(
        Phase::new(&child, State::Paused, begins),
        "a sub-agent whose turn is over is over a moment later",
    );
    for state in [State::Paused, State::Working] {
        stage.truth.may_be(
            Phase::new(&talk.open.id, state, begins),
            "until the report wakes it, the agent itself says for a moment that it is idle",
        );
    }
    stage
        .truth
        .is(Phase::new(&child, State::Done, begins).with("/ended/how", "finished"));
    stage.completes(&talk, &report, "It reported.");
    stage.quit(&talk, "closed");
}

pub(crate) fn background(stage: &mut Stage) {
    let (asks, runs, over) = (Gate::default(), Gate::default(), Gate::default());
    let go = stage.home.project().join("go-background");
    let line = format!(
        "until [ -e {} ]; do read -t 0.1 _ < /dev/zero; done",
        go.display()
    );
    let input = json!({"command": line, "description": "Wait", "run_in_background": true});
    let replies = [
        Reply::call("Bash", input).behind(&asks),
        Reply::text("It runs.").behind(&runs),
        Reply::text("It is over.").behind(&over),
    ];
    let prompt = stage.prompt("Wait", replies);
    let mut talk = stage.talk(&["--allowedTools", "Bash"], &prompt, &asks);
    asks.open();
    runs.reached_at(PATIENT);
    let begins = Moment::now();
    runs.open();
    talk.terminal.wait_for_text("It runs.");
    stage
        .truth
        .is(Phase::new(&talk.open.id, State::Paused, begins)
            .on(OF_ITSELF)
            .with("/activity", "A background command runs")
            .with("/last_turn/message", "It runs.")
            .tells("turn_completed", &talk.turn));

    let begins = Moment::now();
    std::fs::write(&go, "").expect("let the command end");
    let known = over.reached_at(PATIENT);
    stage
        .truth
        .is(Phase::new(&talk.open.id, State::Working, begins)
            .known_at(known)
            .on(OF_A_TURN)
            .with("/turn/count", 2));
    let what = "the end of the command is written";
    talk.turn = stage.home.turn(&talk.open.session, what, |line| {
        line["origin"]["kind"] == "task-notification"
    });
    stage.completes(&talk, &over, "It is over.");
    stage.quit(&talk, "closed");
}
