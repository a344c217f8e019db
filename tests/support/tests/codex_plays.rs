//! The kit itself: the real agent plays the scripts, and ends as its makers say it does.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use mission_control_testkit::codex::{CLASSIC_MODEL, CODE_MODE_MODEL, CodexHome, CodexRun, Run};
use mission_control_testkit::model::{
    GUARDIAN_ASKS, GUARDIAN_SAYS_NO, Gate, Model, Script, Step, command, escalated, patch,
    reasoning, say, spawn_agent, wait_agents,
};
use mission_control_testkit::process::{Exit, StopSignal};
use mission_control_testkit::wait::{PATIENT, wait_for};
use serde_json::Value;

#[test]
fn says_something_and_leaves() {
    let (model, home) = (Model::start(), CodexHome::new());
    let script = model.plays(
        "say",
        Script::new([reasoning("hm").and(say("There is a calculator."))]),
    );

    let mut run = home.exec(&Run::new(&script, "What is in this project?"));

    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    assert_eq!(last_message(&run), "There is a calculator.");
    let lines = rollout(&home, &run.thread_id());
    let end = event(&lines, "task_complete");
    assert_eq!(end["last_agent_message"], "There is a calculator.");
}

#[test]
fn runs_commands_and_patches_with_either_kind_of_tools() {
    for (name, model_name) in [("classic", CLASSIC_MODEL), ("code", CODE_MODE_MODEL)] {
        let (model, home) = (Model::start(), CodexHome::new());
        let change = "*** Begin Patch\n*** Add File: NOTES.md\n+noted\n*** End Patch\n";
        let script = Script::new([
            command("echo one; exit 3"),
            patch(change),
            say("Both done."),
        ]);
        let script = model.plays(name, script);

        let mut run = home.exec(&Run::new(&script, "Work.").with_model(model_name));

        assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
        assert_eq!(last_message(&run), "Both done.");
        assert_eq!(model.requests(name).len(), 3);
        let lines = rollout(&home, &run.thread_id());
        let command = item(&lines, "CommandExecution");
        assert_eq!(
            (&command["exit_code"], &command["status"]),
            (&3.into(), &"failed".into())
        );
        assert_eq!(item(&lines, "FileChange")["status"], "completed");
        assert_eq!(
            std::fs::read_to_string(home.project().join("NOTES.md")).unwrap(),
            "noted\n"
        );
    }
}

#[test]
fn a_held_command_runs_until_it_is_released() {
    for (name, model_name) in [("classic", CLASSIC_MODEL), ("code", CODE_MODE_MODEL)] {
        let (model, home) = (Model::start(), CodexHome::new());
        let held = home.held_command("go");
        let script = model.plays(name, Script::new([command(&held.line()), say("Built.")]));
        let mut run = home.exec(&Run::new(&script, "Build.").with_model(model_name));
        let thread = run.thread_id();

        held.release();

        assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
        assert_eq!(last_message(&run), "Built.");
        let lines = rollout(&home, &thread);
        assert_eq!(
            item(&lines, "CommandExecution")["aggregated_output"],
            "built\n"
        );
    }
}

#[test]
fn a_gate_holds_the_model_back() {
    let (model, home, gate) = (Model::start(), CodexHome::new(), Gate::default());
    let script = model.plays("gate", Script::new([say("At last.").behind(&gate)]));
    let mut run = home.exec(&Run::new(&script, "Think."));

    gate.wait_until_reached(PATIENT);
    let before = rollout(&home, &run.thread_id());
    gate.open();

    assert!(
        !before
            .iter()
            .any(|line| line["payload"]["type"] == "task_complete")
    );
    assert_eq!(run.wait(), Exit::Code(0));
    assert_eq!(last_message(&run), "At last.");
}

#[test]
fn errors_of_the_model_fail_the_turn() {
    let model = Model::start();
    for (name, step, says) in [
        ("500", Step::http(500, "server_error", "boom"), ""),
        (
            "400",
            Step::http(400, "invalid_request_error", "The model `x` is odd."),
            "The model `x` is odd.",
        ),
        (
            "401",
            Step::http(401, "invalid_api_key", "Wrong key."),
            "401",
        ),
        ("429", Step::usage_limit(4_102_444_800), "usage limit"),
        (
            "failed",
            Step::failed("server_error", "Something broke."),
            "",
        ),
        ("dropped", Step::dropped(), "stream"),
    ] {
        let home = CodexHome::new();
        let script = model.plays(name, Script::new([step]));

        let mut run = home.exec(&Run::new(&script, "Work."));

        assert_eq!(run.wait(), Exit::Code(1), "{name}");
        let lines = rollout(&home, &run.thread_id());
        let error = event(&lines, "task_complete")["error"]["message"].clone();
        assert!(error.as_str().unwrap().contains(says), "{name}: {error}");
    }
}

#[test]
fn headers_tell_how_much_of_the_limits_is_used() {
    let (model, home) = (Model::start(), CodexHome::new());
    let answer = say("Done.").with_limits(42, 7, 4_102_444_800);
    let script = model.plays("limits", Script::new([answer]));

    let mut run = home.exec(&Run::new(&script, "Work."));

    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let lines = rollout(&home, &run.thread_id());
    let limits = &event(&lines, "token_count")["rate_limits"];
    assert_eq!(limits["primary"]["used_percent"], 42.0, "{limits}");
    assert_eq!(
        limits["primary"]["resets_at"], 4_102_444_800_i64,
        "{limits}"
    );
}

#[test]
fn stop_signals_end_it_in_three_ways() {
    for (name, signal, exit, has_end) in [
        ("int", StopSignal::INT, Exit::Code(1), true),
        ("term", StopSignal::TERM, Exit::Code(143), false),
        ("kill", StopSignal::KILL, Exit::Code(137), false),
    ] {
        let (model, home) = (Model::start(), CodexHome::new());
        let held = home.held_command("go");
        let script = model.plays(
            name,
            Script::new([command(&held.line()), say("Never said.")]),
        );
        let mut run = home.exec(&Run::new(&script, "Build."));
        let thread = run.thread_id();
        wait_for(PATIENT, "the command is called", || {
            rollout(&home, &thread)
                .iter()
                .any(|line| line["payload"]["type"] == "function_call")
                .then_some(())
        });

        run.signal_native(signal);

        assert!(
            [exit, Exit::Signal(signal.as_raw())].contains(&run.wait()),
            "{name}"
        );
        let lines = rollout(&home, &thread);
        assert_eq!(
            lines
                .iter()
                .any(|line| line["payload"]["type"] == "turn_aborted"),
            has_end,
            "{name}"
        );
        let lock = home
            .codex_home()
            .join(format!("thread-writer-locks/{thread}.lock"));
        assert_eq!(lock.exists(), !has_end, "{name}");
    }
}

#[test]
fn resumes_in_the_same_file_and_forks_into_another() {
    let (model, home) = (Model::start(), CodexHome::new());
    let script = Script::new([say("First.")])
        .on("again", [say("Second.")])
        .on("fork", [say("Third.")]);
    let script = model.plays("resume", script);
    let mut first = home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    assert_eq!(first.wait(), Exit::Code(0));

    let mut second = home.exec(&Run::new(&script, "again").from_thread("resume", &thread));
    assert_eq!(second.wait(), Exit::Code(0), "{}", second.stderr());
    let mut third = home.exec(&Run::new(&script, "fork").from_thread("fork", &thread));
    assert_eq!(third.wait(), Exit::Code(0), "{}", third.stderr());

    assert_eq!(last_message(&second), "Second.");
    assert_eq!(second.thread_id(), thread);
    assert_eq!(last_message(&third), "Third.");
    assert_ne!(third.thread_id(), thread);
    let n_turns = rollout(&home, &thread)
        .iter()
        .filter(|line| line["payload"]["type"] == "task_started")
        .count();
    assert_eq!(n_turns, 2);
    assert_eq!(home.rollouts().len(), 2);
}

#[test]
fn resumes_a_session_of_last_year_where_it_lies() {
    let (model, home) = (Model::start(), CodexHome::new());
    let script = Script::new([say("First.")]).on("again", [say("Second.")]);
    let script = model.plays("old", script);
    let mut first = home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    assert_eq!(first.wait(), Exit::Code(0));
    let before = home.rollout(&thread);

    home.make_a_year_older(&thread);
    let after = home.rollout(&thread);
    let mut second = home.exec(&Run::new(&script, "again").from_thread("resume", &thread));

    assert_eq!(second.wait(), Exit::Code(0), "{}", second.stderr());
    assert_ne!(before, after);
    assert_eq!(home.rollouts(), [after]);
    let n_turns = rollout(&home, &thread)
        .iter()
        .filter(|line| line["payload"]["type"] == "task_started")
        .count();
    assert_eq!(n_turns, 2);
}

#[test]
fn a_guardian_is_asked_in_a_thread_of_its_own() {
    let (model, home) = (Model::start(), CodexHome::new());
    let script = Script::new([escalated("touch /nowhere/marker"), say("Not allowed.")])
        .on(GUARDIAN_ASKS, [say(GUARDIAN_SAYS_NO)]);
    let script = model.plays("guardian", script);

    let mut run = home.exec(&Run::new(&script, "Write outside.").with_guardian());

    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    assert_eq!(last_message(&run), "Not allowed.");
    let parent = run.thread_id();
    let rollouts = home.rollouts();
    let guardian = rollouts
        .iter()
        .find(|path| !path.to_string_lossy().contains(&parent));
    let lines = read(guardian.expect("a guardian's file"));
    assert_eq!(lines[0]["payload"]["thread_source"], "guardian_review");
    assert_eq!(lines[0]["payload"]["parent_thread_id"], parent);
}

#[test]
fn sub_agents_have_files_of_their_own() {
    for (name, model_name) in [("v1", CLASSIC_MODEL), ("v2", CODE_MODE_MODEL)] {
        let (model, home) = (Model::start(), CodexHome::new());
        let script = Script::new([
            say("I hand this over.").and(spawn_agent("SUBTASK count")),
            wait_agents(),
            say("Five lines."),
        ])
        .on(
            "SUBTASK",
            [command("wc -l calc.py"), say("Sub-agent: five.")],
        );
        let script = model.plays(name, script);

        let mut run = home.exec(&Run::new(&script, "Count.").with_model(model_name));

        assert_eq!(run.wait(), Exit::Code(0), "{name}: {}", run.stderr());
        assert_eq!(
            last_message(&run),
            "Five lines.",
            "{name}: {:#?}",
            run.events()
        );
        let parent = run.thread_id();
        let child = home
            .rollouts()
            .into_iter()
            .find(|path| !path.to_string_lossy().contains(&parent));
        let lines = read(&child.expect("a child's file"));
        assert_eq!(lines[0]["payload"]["parent_thread_id"], parent);
        assert_eq!(
            event(&lines, "task_complete")["last_agent_message"],
            "Sub-agent: five."
        );
    }
}

fn last_message(run: &CodexRun) -> String {
    let events = run.events();
    let message = events
        .iter()
        .rfind(|event| event["item"]["type"] == "agent_message");
    message.map_or_else(
        || format!("none: {events:#?}"),
        |event| {
            event["item"]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        },
    )
}

fn rollout(home: &CodexHome, thread: &str) -> Vec<Value> {
    read(&home.rollout(thread))
}

fn read(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[track_caller]
fn event<'a>(lines: &'a [Value], kind: &str) -> &'a Value {
    let line = lines.iter().find(|line| line["payload"]["type"] == kind);
    &line.unwrap_or_else(|| panic!("no {kind} in {lines:#?}"))["payload"]
}

#[track_caller]
fn item<'a>(lines: &'a [Value], kind: &str) -> &'a Value {
    let line = lines
        .iter()
        .find(|line| line["payload"]["item"]["type"] == kind);
    &line.unwrap_or_else(|| panic!("no {kind} in the transcript"))["payload"]["item"]
}
