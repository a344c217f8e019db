//! The real Codex CLI against a scripted model, watched through `watch --json` as a person would.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::time::Duration;

use mission_control_testkit::codex::{CLASSIC_MODEL, CODE_MODE_MODEL, CodexHome, Run, VERSION};
use mission_control_testkit::contract::{list_faults, stream_faults};
use mission_control_testkit::model::{
    Gate, Model, Script, Step, command, reasoning, say, spawn_agent, wait_agents,
};
use mission_control_testkit::process::{Exit, StopSignal};
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::wait::{PATIENT, SOON, Stopwatch};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::{Value, json};

/// What a person still feels as "at once".
const AT_ONCE: Duration = Duration::from_secs(2);

/// Settings that list recordings too, however old they have become.
const ALL_LISTED: &str = "[list]\nrecent_hours = 65000\n";

/// The first second of the year 2100.
const RESETS_AT: i64 = 4_102_444_800;

#[test]
fn a_run_works_then_is_done_and_tells_so_once() {
    let stage = Stage::new();
    let gate = Gate::default();
    let answer = reasoning("Look first.").and(say("There is a calculator.\nIt adds."));
    let answer = answer.with_limits(42, 7, RESETS_AT).behind(&gate);
    let script = stage.model.plays("success", Script::new([answer]));
    let mut watch = stage.front.watch();

    let mut run = stage
        .home
        .exec(&prompt(&script, "What is in this project?"));
    let id = session_id(&run.thread_id());
    gate.wait_until_reached(PATIENT);
    let native_pid = run.native_pid();
    let working = watch.wait_until(
        SOON,
        &id,
        "works and tells its prompt and process",
        |session| {
            session["status"] == "working"
                && !session["last_prompt"].is_null()
                && !session["process"].is_null()
        },
    );
    gate.open();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");
    watch.wait_for_heartbeat();
    let notices = watch.notices();
    let statuses = watch.statuses(&id);
    let events = watch.finish();

    assert_eq!(working["source"], "codex");
    assert_eq!(working["client"], "exec");
    assert_eq!(working["cli_version"], VERSION);
    assert_eq!(working["model"], CLASSIC_MODEL);
    assert_eq!(working["cwd"], stage.home.project().to_str().unwrap());
    assert_eq!(working["project"], "acme");
    assert_eq!(working["git_branch"], "main");
    assert_eq!(working["title"], "What is in this project?");
    assert_eq!(working["last_prompt"], "What is in this project?");
    assert_eq!(working["process"]["pid"], native_pid);
    assert_eq!(working["turn"]["count"], 1);
    assert_eq!(working["ended"], Value::Null);
    assert_eq!(working["parent_id"], Value::Null);
    assert_eq!(working["helper"], false);
    assert_eq!(working["skipped_lines"], 0);

    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(done["last_turn"]["outcome"], "completed");
    assert_eq!(
        done["last_turn"]["message"],
        "There is a calculator.\nIt adds."
    );
    assert_eq!(done["last_turn"]["id"], working["turn"]["id"]);
    assert_eq!(done["process"], Value::Null);
    assert_eq!(done["activity"], Value::Null);
    assert_eq!(done["skipped_lines"], 0);
    assert_eq!(done["tokens"]["input"], 1200);
    assert_eq!(done["tokens"]["cached_input"], 400);
    assert_eq!(done["tokens"]["output"], 80);
    assert_eq!(done["tokens"]["reasoning"], 30);
    assert_eq!(done["tokens"]["total"], 1280);
    assert_eq!(done["rate_limits"]["primary"]["used_percent"], 42.0);
    assert_eq!(
        done["rate_limits"]["primary"]["resets_at"],
        "2100-01-01T00:00:00Z"
    );
    assert_eq!(done["rate_limits"]["secondary"]["used_percent"], 7.0);
    assert_eq!(
        done["transcript_path"],
        stage.home.rollout(&run.thread_id()).to_str().unwrap()
    );

    assert_eq!(kinds(&notices), ["turn_completed"]);
    assert_eq!(notices[0]["session_id"], id);
    assert_eq!(notices[0]["turn_id"], working["turn"]["id"]);
    assert!(
        text(&notices[0]["body"]).contains("There is a calculator."),
        "{}",
        notices[0]
    );
    assert!(
        [&["working", "done"][..], &["working", "paused", "done"]]
            .contains(&as_strs(&statuses).as_slice()),
        "{statuses:?}"
    );
    assert_eq!(n_events(&events, "session_discovered", &id), 1);
    assert_eq!(n_events(&events, "session_closed", &id), 1);
    assert_eq!(stream_faults(&events), Vec::<String>::new());
}

#[test]
fn a_slow_command_stays_working_and_is_named() {
    let stage = Stage::new();
    let held = stage.home.held_command("go");
    let script = stage
        .model
        .plays("slow", Script::new([command(&held.line()), say("Built.")]));
    let mut watch = stage.front.watch();

    let mut run = stage.home.exec(&prompt(&script, "Build it."));
    let id = session_id(&run.thread_id());
    let working = watch.wait_until(PATIENT, &id, "works on a command", |session| {
        session["status"] == "working" && text(&session["activity"]).contains("cat go")
    });
    watch.wait_for_heartbeat();
    let later = watch.session(&id).unwrap();
    held.release();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");

    assert_eq!(later["status"], "working");
    assert_eq!(later["activity"], working["activity"]);
    assert_eq!(later["status_since"], working["status_since"]);
    assert_eq!(done["last_turn"]["message"], "Built.");
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn a_slow_command_in_code_mode_stays_working() {
    let stage = Stage::new();
    let held = stage.home.held_command("go");
    let script = stage.model.plays(
        "slow-code",
        Script::new([command(&held.line()), say("Built.")]),
    );
    let mut watch = stage.front.watch();

    let mut run = stage.home.exec(&Run {
        model: CODE_MODE_MODEL,
        ..prompt(&script, "Build it.")
    });
    let id = session_id(&run.thread_id());
    let working = watch.wait_until(PATIENT, &id, "works on a command", |session| {
        session["status"] == "working" && !session["activity"].is_null()
    });
    held.release();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");

    assert_eq!(working["model"], CODE_MODE_MODEL);
    assert_eq!(done["last_turn"]["message"], "Built.");
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn an_error_of_the_model_fails_the_turn() {
    for (name, step, says) in [
        (
            "400",
            Step::http(400, "invalid_request_error", "The model is odd."),
            "The model is odd.",
        ),
        (
            "500",
            Step::http(500, "server_error", "boom"),
            "high demand",
        ),
        ("dropped", Step::dropped(), "stream disconnected"),
    ] {
        check_failure(name, step, says);
    }
}

#[test]
fn a_usage_limit_says_when_it_ends() {
    check_failure("limit", Step::usage_limit(RESETS_AT), "2100");
}

#[test]
fn an_interrupt_ends_the_turn_and_the_session() {
    let (mut watch, id, stage) = stopped_in_a_command(StopSignal::INT);

    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(done["ended"]["how"], "interrupted");
    assert_eq!(done["last_turn"]["outcome"], "interrupted");
    assert_eq!(kinds(&watch.notices()), ["turn_interrupted"]);
}

#[test]
fn a_process_that_is_terminated_or_killed_dies_at_once() {
    for signal in [StopSignal::TERM, StopSignal::KILL] {
        let (mut watch, id, stage) = stopped_in_a_command(signal);

        let done = watch.wait_for_status(AT_ONCE, &id, "done");
        stage.settle(&mut watch);

        assert_eq!(done["ended"]["how"], "killed", "{signal:?}");
        assert_eq!(done["process"], Value::Null, "{signal:?}");
        assert_eq!(kinds(&watch.notices()), ["session_died"], "{signal:?}");
    }
}

#[test]
fn a_resumed_session_works_again_under_its_id() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("First.")]).on("again", [say("Second.").behind(&gate)]);
    let script = stage.model.plays("resume", script);
    let mut watch = stage.front.watch();
    let mut first = stage.home.exec(&prompt(&script, "Begin."));
    let thread = first.thread_id();
    let id = session_id(&thread);
    first.wait();
    let ended = watch.wait_for_status(SOON, &id, "done");

    let mut second = stage.home.exec(&Run {
        args: vec!["resume", &thread],
        ..prompt(&script, "again")
    });
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
    let mut first = stage.home.exec(&prompt(&script, "Begin."));
    let thread = first.thread_id();
    let id = session_id(&thread);
    first.wait();
    stage.home.make_a_year_older(&thread);
    stage.front.write_settings("");
    let mut watch = stage.front.watch();
    assert_eq!(watch.session(&id), None);

    let mut second = stage.home.exec(&Run {
        args: vec!["resume", &thread],
        ..prompt(&script, "again")
    });
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
    let mut first = stage.home.exec(&prompt(&script, "Begin."));
    let thread = first.thread_id();
    first.wait();
    watch.wait_for_status(SOON, &session_id(&thread), "done");

    let mut fork = stage.home.exec(&Run {
        args: vec!["fork", &thread],
        ..prompt(&script, "elsewhere")
    });
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

        let mut run = stage.home.exec(&Run {
            model,
            ..prompt(&script, "Count the lines.")
        });
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

    let mut runs = [&stage.home, &other].map(|home| home.exec(&prompt(&script, "Work.")));

    for run in &mut runs {
        let id = session_id(&run.thread_id());
        let done = watch.wait_for_status(PATIENT, &id, "done");
        assert_eq!(done["ended"]["how"], "finished");
    }
}

#[test]
fn a_watch_that_starts_late_tells_nothing_of_the_past() {
    let stage = Stage::new();
    let script = stage.model.plays("past", Script::new([say("Done.")]));
    let mut run = stage.home.exec(&prompt(&script, "Work."));
    let id = session_id(&run.thread_id());
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());

    let mut watch = stage.front.watch();
    let done = watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(done["last_turn"]["message"], "Done.");
    assert_eq!(watch.notices(), Vec::<Value>::new());
}

#[test]
fn a_watch_that_starts_in_the_middle_of_a_turn_tells_its_end() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = stage
        .model
        .plays("middle", Script::new([say("Done.").behind(&gate)]));
    let mut run = stage.home.exec(&prompt(&script, "Work."));
    let id = session_id(&run.thread_id());
    gate.wait_until_reached(PATIENT);

    let mut watch = stage.front.watch();
    let working = watch.wait_for_status(SOON, &id, "working");
    gate.open();
    watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(working["turn"]["count"], 1);
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn every_watch_gives_a_notice_the_same_id() {
    let stage = Stage::new();
    let script = stage.model.plays("same", Script::new([say("Done.")]));
    let mut watches = [stage.front.watch(), stage.front.watch()];

    let mut run = stage.home.exec(&prompt(&script, "Work."));
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());

    let ids = watches.each_mut().map(|watch| {
        let event = watch.wait_for(SOON, "a notice", |event| event["event"] == "notice");
        text(&event["notice"]["id"]).to_owned()
    });
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn the_list_is_the_same_as_the_stream() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("Done.")]).on("wait", [say("Done later.").behind(&gate)]);
    let script = stage.model.plays("list", script);
    let mut ended = stage.home.exec(&prompt(&script, "Work."));
    ended.wait();
    let mut live = stage.home.exec(&prompt(&script, "Work and wait."));
    gate.wait_until_reached(PATIENT);
    let (ended, live) = (
        session_id(&ended.thread_id()),
        session_id(&live.thread_id()),
    );

    let short = stage.front.json(&["list", "--json"]);
    let all = stage.front.json(&["list", "--all", "--json"]);

    assert_eq!(list_faults(&all), Vec::<String>::new());
    assert_eq!(ids(&short), [live.as_str()]);
    assert_eq!(all["summary"]["working"], 1);
    let mut expected = [ended.as_str(), live.as_str()];
    expected.sort_unstable();
    let mut found = ids(&all);
    found.sort_unstable();
    assert_eq!(found, expected);
    gate.open();
}

#[test]
fn transcripts_of_older_versions_are_read_to_their_end() {
    let home = CodexHome::new();
    let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
    front.write_settings(ALL_LISTED);
    let expected = [
        ("30-old-0.45.0-edit", "0.45.0", "finished", "completed"),
        ("30-old-0.45.0-slowcmd", "0.45.0", "interrupted", "interrupted"),
        ("30-old-0.100.0-edit", "0.100.0", "finished", "completed"),
        ("30-old-0.100.0-slowcmd", "0.100.0", "interrupted", "interrupted"),
        ("30-old-0.130.0-edit", "0.130.0", "finished", "completed"),
        ("30-old-0.150.0-edit", "0.150.0", "finished", "completed"),
    ]
    .map(|(recording, version, how, outcome)| {
        let recording = Recording::load(recording);
        recording.write_into(home.codex_home());
        (recording.session_id(), json!({"version": version, "status": "done", "how": how, "outcome": outcome, "skipped": 0}))
    });

    let sessions = front.sessions();

    for (id, wanted) in expected {
        let session = sessions
            .get(&id)
            .unwrap_or_else(|| panic!("{id} is not listed"));
        let found = json!({
            "version": session["cli_version"],
            "status": session["status"],
            "how": session["ended"]["how"],
            "outcome": session["last_turn"]["outcome"],
            "skipped": session["skipped_lines"],
        });
        assert_eq!(found, wanted, "{id}: {}", session["evidence"]);
    }
}

/// A model, a home with the real agent in it, and the program that watches it.
struct Stage {
    model: Model,
    home: CodexHome,
    front: Front,
}

impl Stage {
    fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        front.write_settings(ALL_LISTED);
        Self { model, home, front }
    }

    /// Adds an old transcript and waits until it is listed: what is told before, is told by then.
    #[track_caller]
    fn settle(&self, watch: &mut Watch) {
        let marker = Recording::load("01-simple-success");
        marker.write_into(self.home.codex_home());
        watch.wait_for_status(SOON, &marker.session_id(), "done");
    }
}

#[track_caller]
fn check_failure(name: &str, step: Step, says: &str) {
    let stage = Stage::new();
    let script = stage.model.plays(name, Script::new([step]));
    let mut watch = stage.front.watch();

    let mut run = stage.home.exec(&prompt(&script, "Work."));
    let id = session_id(&run.thread_id());
    assert_eq!(run.wait(), Exit::Code(1), "{name}: {}", run.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");
    stage.settle(&mut watch);

    assert_eq!(done["ended"]["how"], "failed", "{name}");
    assert_eq!(done["last_turn"]["outcome"], "failed", "{name}");
    assert!(
        text(&done["last_turn"]["message"]).contains(says),
        "{name}: {}",
        done["last_turn"]
    );
    let notices = watch.notices();
    assert_eq!(kinds(&notices), ["turn_failed"], "{name}");
    assert!(
        text(&notices[0]["body"]).contains(says),
        "{name}: {}",
        notices[0]
    );
}

/// Runs a command and sends a signal to the agent while the command runs.
fn stopped_in_a_command(signal: StopSignal) -> (Watch, String, Stage) {
    let stage = Stage::new();
    let held = stage.home.held_command("go");
    let script = stage
        .model
        .plays("stop", Script::new([command(&held.line()), say("Never.")]));
    let mut watch = stage.front.watch();
    let mut run = stage.home.exec(&prompt(&script, "Build it."));
    let id = session_id(&run.thread_id());
    watch.wait_until(PATIENT, &id, "works on a command", |session| {
        session["status"] == "working" && text(&session["activity"]).contains("cat go")
    });

    run.signal_native(signal);
    run.wait();
    (watch, id, stage)
}

fn prompt<'a>(script: &'a str, prompt: &'a str) -> Run<'a> {
    Run {
        script,
        model: CLASSIC_MODEL,
        args: Vec::new(),
        prompt,
    }
}

fn session_id(thread: &str) -> String {
    format!("codex:{thread}")
}

fn kinds(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| text(&notice["kind"])).collect()
}

fn ids(list: &Value) -> Vec<&str> {
    list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| text(&session["id"]))
        .collect()
}

fn n_events(events: &[Value], name: &str, id: &str) -> usize {
    events
        .iter()
        .filter(|event| event["event"] == name && event["session"]["id"] == id)
        .count()
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn as_strs(strings: &[String]) -> Vec<&str> {
    strings.iter().map(String::as_str).collect()
}
