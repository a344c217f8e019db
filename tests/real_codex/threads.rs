//! Resumed, forked and child threads, and several homes.

use std::collections::BTreeSet;
use std::time::Duration;

use mission_control_testkit::codex::{CLASSIC_MODEL, CODE_MODE_MODEL, CodexHome, Run};
use mission_control_testkit::contract::stream_faults;
use mission_control_testkit::model::{
    GUARDIAN_ASKS, GUARDIAN_SAYS_NO, Gate, Script, command, escalated, say, spawn_agent,
    wait_agents,
};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{PATIENT, SOON, Stopwatch};
use mission_control_testkit::watch::Watch;
use serde_json::Value;

use super::{ALL_LISTED, AT_ONCE, Stage, kinds, n_events, session_id, text};

#[test]
fn a_resumed_session_works_again_under_its_id() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("First.")]).on("again", [say("Second.").behind(&gate)]);
    let script = stage.model.plays("resume", script);
    let mut watch = stage.front.watch();
    let mut first = stage.home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    let id = session_id(&thread);
    first.wait();
    let ended = watch.wait_for_status(SOON, &id, "done");

    let mut second = stage
        .home
        .exec(&Run::new(&script, "again").from_thread("resume", &thread));
    gate.wait_until_reached(PATIENT);
    let working = watch.wait_until(SOON, &id, "works on its second prompt", |session| {
        session["status"] == "working" && session["last_prompt"] == "again"
    });
    gate.open();
    assert_eq!(second.wait(), Exit::Code(0), "{}", second.stderr());
    let done = watch.wait_until(SOON, &id, "done again", |session| {
        session["status"] == "done" && session["last_turn"]["message"] == "Second."
    });
    stage.settle(&mut watch);

    assert_eq!(ended["turn"]["count"], 1);
    assert_eq!(working["ended"], Value::Null);
    assert_eq!(working["turn"]["count"], 2);
    assert_eq!(working["last_turn"]["message"], "First.");
    assert_eq!(done["ended"]["how"], "finished");
    let notices = watch.notices();
    assert_eq!(kinds(&notices), ["turn_completed", "turn_completed"]);
    assert_ne!(notices[0]["id"], notices[1]["id"]);
    assert_eq!(n_events(watch.events(), "session_discovered", &id), 1);
}

#[test]
fn a_year_old_session_is_live_as_soon_as_it_is_resumed() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("First.")]).on("again", [say("Second.").behind(&gate)]);
    let script = stage.model.plays("old", script);
    let mut first = stage.home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    let id = session_id(&thread);
    first.wait();
    stage.home.make_a_year_older(&thread);
    stage.front.write_settings("");
    let mut watch = stage.front.watch();
    assert_eq!(watch.session(&id), None);

    let mut second = stage
        .home
        .exec(&Run::new(&script, "again").from_thread("resume", &thread));
    gate.wait_until_reached(PATIENT);
    let since = Stopwatch::start();
    watch.wait_for_status(AT_ONCE, &id, "working");
    let took = since.elapsed();
    watch.wait_until(SOON, &id, "tells its prompt", |session| {
        session["last_prompt"] == "again"
    });
    gate.open();
    assert_eq!(second.wait(), Exit::Code(0), "{}", second.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");

    assert!(took < Duration::from_secs(1), "live after {took:?}");
    assert_eq!(done["last_turn"]["message"], "Second.");
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn a_fork_is_a_session_of_its_own() {
    let stage = Stage::new();
    let script = Script::new([say("First.")]).on("elsewhere", [say("Forked.")]);
    let script = stage.model.plays("fork", script);
    let mut watch = stage.front.watch();
    let mut first = stage.home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    first.wait();
    watch.wait_for_status(SOON, &session_id(&thread), "done");

    let mut fork = stage
        .home
        .exec(&Run::new(&script, "elsewhere").from_thread("fork", &thread));
    let id = session_id(&fork.thread_id());
    assert_eq!(fork.wait(), Exit::Code(0), "{}", fork.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_ne!(id, session_id(&thread));
    assert_eq!(done["parent_id"], Value::Null);
    assert_eq!(done["last_turn"]["message"], "Forked.");
    let first = watch.session(&session_id(&thread)).unwrap();
    assert_eq!(first["last_turn"]["message"], "First.");
    assert_eq!(
        kinds(&watch.notices()),
        ["turn_completed", "turn_completed"]
    );
}

#[test]
fn only_the_parent_tells_of_sub_agents_and_it_outlasts_them() {
    for (name, model) in [("v1", CLASSIC_MODEL), ("v2", CODE_MODE_MODEL)] {
        let stage = Stage::new();
        let held = stage.home.held_command("go");
        let script = Script::new([
            say("I hand this over.").and(spawn_agent("SUBTASK count the lines")),
            wait_agents(),
            say("Two lines."),
        ])
        .on("SUBTASK", [command(&held.line()), say("Sub-agent: two.")]);
        let script = stage.model.plays(name, script);
        let mut watch = stage.front.watch();

        let mut run = stage
            .home
            .exec(&Run::new(&script, "Count the lines.").with_model(model));
        let parent_id = session_id(&run.thread_id());
        let discovered = watch.wait_for(PATIENT, "a child appears", |event| {
            event["event"] == "session_discovered" && event["session"]["parent_id"] == parent_id
        });
        let child_id = text(&discovered["session"]["id"]).to_owned();
        watch.wait_for_status(SOON, &child_id, "working");
        let parent = watch.wait_for_status(SOON, &parent_id, "working");
        let summary = stage.front.json(&["list", "--json"])["summary"].clone();
        held.release();
        assert_eq!(run.wait(), Exit::Code(0), "{name}: {}", run.stderr());
        watch.wait_for_status(SOON, &parent_id, "done");
        let child = watch.wait_for_status(SOON, &child_id, "done");
        stage.settle(&mut watch);

        assert_eq!(parent["parent_id"], Value::Null, "{name}");
        assert_eq!(summary["working"], 1, "{name}: the child is not counted");
        assert_eq!(child["last_turn"]["message"], "Sub-agent: two.", "{name}");
        assert!(
            last_working(&watch, &child_id) < first_done(&watch, &parent_id),
            "{name}: the parent was done while its child worked"
        );
        let notices = watch.notices();
        assert_eq!(kinds(&notices), ["turn_completed"], "{name}");
        assert_eq!(notices[0]["session_id"], parent_id, "{name}");
        assert_eq!(
            stream_faults(watch.events()),
            Vec::<String>::new(),
            "{name}"
        );
    }
}

#[test]
fn two_homes_are_watched_together() {
    let stage = Stage::new();
    let other = CodexHome::with_codex_home("elsewhere/codex");
    stage.front.write_settings(&format!(
        "{ALL_LISTED}[codex]\nhomes = [{:?}]\n",
        other.codex_home()
    ));
    let script = stage.model.plays("two", Script::new([say("Done.")]));
    let mut watch = stage.front.watch();

    let mut runs = [&stage.home, &other].map(|home| home.exec(&Run::new(&script, "Work.")));

    for run in &mut runs {
        let id = session_id(&run.thread_id());
        let done = watch.wait_for_status(PATIENT, &id, "done");
        assert_eq!(done["ended"]["how"], "finished");
    }
    let homes = [&stage.home, &other].map(|home| home.codex_home());
    let sessions = stage.front.sessions();
    let tagged: BTreeSet<&str> = sessions.values().map(|s| text(&s["home"])).collect();
    let expected = homes.map(|home| home.to_str().unwrap());
    assert_eq!(tagged, BTreeSet::from(expected));
    let listed = stage.front.run(&["list", "--all"]).stdout;
    for name in [".codex: Work", "codex: Work"] {
        assert!(listed.contains(&format!(" {name}")), "{name}: {listed}");
    }
    let shown = stage.front.run(&["show", sessions.keys().next().unwrap()]);
    let is_placed = |home: &str| shown.stdout.contains(&format!(" in {home}"));
    assert!(expected.into_iter().any(is_placed), "{shown:?}");
}

#[test]
fn a_guardian_is_a_silent_helper_of_its_parent() {
    let stage = Stage::new();
    let script = Script::new([escalated("touch /nowhere/marker"), say("Not allowed.")])
        .on(GUARDIAN_ASKS, [say(GUARDIAN_SAYS_NO)]);
    let script = stage.model.plays("guardian", script);
    let mut watch = stage.front.watch();

    let mut run = stage
        .home
        .exec(&Run::new(&script, "Write outside.").with_guardian());
    let parent_id = session_id(&run.thread_id());
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let discovered = watch.wait_for(SOON, "the guardian appears", |event| {
        event["event"] == "session_discovered" && event["session"]["parent_id"] == parent_id
    });
    let guardian_id = text(&discovered["session"]["id"]).to_owned();
    let done = watch.wait_for_status(SOON, &parent_id, "done");
    let guardian = watch.wait_for_status(SOON, &guardian_id, "done");
    stage.settle(&mut watch);

    assert_eq!(guardian["helper"], true);
    assert_eq!(done["helper"], false);
    assert_eq!(done["last_turn"]["message"], "Not allowed.");
    let notices = watch.notices();
    assert_eq!(kinds(&notices), ["turn_completed"]);
    assert_eq!(notices[0]["session_id"], parent_id);
}

fn last_working(watch: &Watch, id: &str) -> usize {
    let history = watch.history(id);
    history
        .iter()
        .rfind(|(_, session)| session["status"] == "working")
        .unwrap()
        .0
}

fn first_done(watch: &Watch, id: &str) -> usize {
    let history = watch.history(id);
    history
        .iter()
        .find(|(_, session)| session["status"] == "done")
        .unwrap()
        .0
}
