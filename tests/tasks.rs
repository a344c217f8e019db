//! Delegated tasks over the real Codex CLI and a scripted model.

use mission_control_testkit::model::{Gate, Model, Script, Step, command, patch, say};
use mission_control_testkit::process::{Exit, StopSignal, comm, send};
use mission_control_testkit::task::{CodexStage, members, supervisors};
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

#[test]
fn a_task_runs_and_its_answer_comes_back() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let script = model.plays("ok", Script::new([say("It adds two numbers.")]));

    let task = stage.run(&script, &["What is this?"]);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["outcome"], "succeeded");
    assert_eq!(task["final_message"], "It adds two numbers.");
    assert_eq!(task["title"], "What is this?");
    assert_eq!(task["sandbox"], "read-only");
    assert_eq!(task["error"], Value::Null);
    assert_eq!(task["usage"]["input"], 1200);
    assert_eq!(task["usage"]["covers"], "task");
    assert_eq!(task["git"]["branch"], "main");
    assert_eq!(task["warnings"], json!([]));
    let thread = task["thread_id"].as_str().unwrap();
    assert_eq!(task["session_id"], format!("codex:{thread}"));
    assert!(stage.home.rollout(thread).exists());
}

#[test]
fn edits_and_commands_are_told_and_checked_against_git() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let change = "*** Begin Patch\n*** Update File: calc.py\n@@\n-    return a + b\n+    return b + a\n\
                  *** Add File: NOTES.md\n+# Notes\n*** End Patch\n";
    let steps = [patch(change), command("echo two > made.txt"), say("Done.")];
    let script = model.plays("edit", Script::new(steps));

    let task = stage.run(
        &script,
        &[
            "--sandbox",
            "workspace-write",
            "--expects-changes",
            "true",
            "Swap.",
        ],
    );

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["outcome"], "succeeded");
    let files: Vec<(&str, &str, &str)> = task["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["path"].as_str().unwrap(),
                file["kind"].as_str().unwrap(),
                file["seen_by"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("NOTES.md", "added", "both"),
            ("calc.py", "updated", "both"),
            ("made.txt", "added", "git_only"),
        ]
    );
    assert_eq!(task["commands"][0]["exit_code"], 0);
    assert_eq!(
        task["git"]["diffstat"],
        json!({"files": 3, "insertions": 3, "deletions": 1})
    );
    let id = task["task_id"].as_str().unwrap();
    let kept = stage.front.state().join("tasks").join(id);
    let diff = std::fs::read_to_string(kept.join("changes.diff")).unwrap();
    for line in [
        "-    return a + b",
        "+    return b + a",
        "+++ b/NOTES.md",
        "+# Notes",
        "+++ b/made.txt",
        "+two",
    ] {
        assert!(diff.lines().any(|found| found == line), "{line}: {diff}");
    }
}

#[test]
fn tests_that_fail_are_told() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let output = "============================= test session starts ==============================\\n\
                  collected 2 items\\n\\ntest_calc.py .F\\n\\n=========================== short test summary info ============================\\n\
                  FAILED test_calc.py::test_add - assert 3 == 4\\n========================= 1 failed, 1 passed in 0.02s ==========================\\n";
    let line = format!("printf '{output}' && false pytest");
    let script = model.plays("tests", Script::new([command(&line), say("One fails.")]));

    let task = stage.run(&script, &["Run the tests."]);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["tests"][0]["parser"], "pytest", "{task:#}");
    assert_eq!(task["tests"][0]["failed"], 1);
    assert_eq!(task["tests"][0]["passed"], 1);
    assert_eq!(task["commands"][0]["exit_code"], 1);
}

#[test]
fn failures_of_the_service_have_their_own_codes() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let broken = model.plays(
        "broken",
        Script::new([Step::http(500, "server_error", "No.")]),
    );
    let limit = model.plays("limit", Script::new([Step::usage_limit(4_102_444_800)]));

    let failed = stage.run(&broken, &["Work."]);
    let limited = stage.run(&limit, &["Work."]);

    assert_eq!(failed["status"], "failed", "{failed:#}");
    assert_eq!(failed["error"]["code"], "TURN_FAILED");
    assert_eq!(limited["status"], "failed", "{limited:#}");
    assert_eq!(limited["error"]["code"], "QUOTA");
    assert_eq!(limited["error"]["retryable"], true);
}

#[test]
fn without_network_our_time_out_ends_the_endless_retry() {
    let stage = CodexStage::new(PROGRAM, "");

    // Nobody listens there.
    let task = stage.run(
        "http://127.0.0.1:9/v1",
        &[
            "--config",
            "model_providers.scripted.request_max_retries=100",
            "--config",
            "model_providers.scripted.stream_max_retries=100",
            "--hard-timeout-seconds",
            "4",
            "Work.",
        ],
    );

    assert_eq!(task["status"], "timed_out", "{task:#}");
    assert_eq!(task["error"]["retryable"], true);
}

#[test]
fn a_reply_goes_on_directly_after_the_answer() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let script = Script::new([say("First.")]).on("second", [say("Second.")]);
    let script = model.plays("thread", script);

    let first = stage.run(&script, &["The first question."]);
    let id = first["task_id"].as_str().unwrap();
    let base = format!("model_providers.scripted.base_url=\"{script}\"");
    let thread = first["thread_id"].as_str().unwrap();
    let second = stage.run(
        &script,
        &[
            "--thread-id",
            thread,
            "--config",
            &base,
            "The second question.",
        ],
    );

    assert_eq!(first["status"], "completed", "{first:#}");
    assert_eq!(second["status"], "completed", "{second:#}");
    assert_eq!(second["kind"], "resume");
    assert_eq!(second["thread_id"], first["thread_id"]);
    assert_eq!(second["final_message"], "Second.");
    assert_eq!(second["usage"]["covers"], "task", "{second:#}");
    assert_eq!(second["usage"]["input"], 1200);
    assert_ne!(second["task_id"], *id);
}

#[test]
fn cancelling_ends_everything_and_says_by_whom() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let held = stage.home.held_command("go");
    let script = model.plays("hold", Script::new([command(&held.line()), say("Never.")]));

    let id = stage.hand_in(&script, &["--sandbox", "workspace-write", "Build."]);
    stage.wait_until(PATIENT, &id, "runs its command", |task| {
        task["phase"] == "running_command"
    });
    let said = stage.front.run(&["cancel", &id, "--json"]);
    let again = stage.front.run(&["cancel", &id]);

    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    assert_eq!(again.exit, Exit::Code(0), "{again:?}");
    let task: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(task["status"], "cancelled", "{task:#}");
    assert_eq!(task["error"]["message"], "Cancelled by you.");
    assert_eq!(members(&id), Vec::<u32>::new());
}

#[test]
fn a_silent_agent_is_warned_of_and_ended() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let gate = Gate::default();
    let script = model.plays("silent", Script::new([say("Late.").behind(&gate)]));

    let task = stage.run(&script, &["--idle-timeout-seconds", "3", "Work."]);
    gate.open();

    assert_eq!(task["status"], "timed_out", "{task:#}");
    assert_eq!(task["error"]["code"], "TIMEOUT_IDLE");
    let id = task["task_id"].as_str().unwrap();
    let log = std::fs::read_to_string(
        stage
            .front
            .state()
            .join("tasks")
            .join(id)
            .join("output.log"),
    )
    .unwrap();
    assert!(log.contains("HEARTBEAT #1"), "{log}");
    assert!(log.contains("WARNING: No event for"), "{log}");
    assert_eq!(members(id), Vec::<u32>::new());
}

#[test]
fn a_long_output_of_one_command_arrives_whole() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let line = "head -c 350000 /dev/zero | tr '\\0' x";
    let script = model.plays("long", Script::new([command(line), say("Long.")]));

    let task = stage.run(&script, &["Print much."]);

    assert_eq!(task["status"], "completed", "{task:#}");
    let id = task["task_id"].as_str().unwrap();
    let events = stage
        .front
        .state()
        .join("tasks")
        .join(id)
        .join("events.jsonl");
    assert!(std::fs::metadata(events).unwrap().len() > 350_000);
}

#[test]
fn the_agent_works_on_when_everybody_else_is_gone() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let gate = Gate::default();
    let script = model.plays("gate", Script::new([say("Still here.").behind(&gate)]));

    let id = stage.hand_in(&script, &["Work."]);
    gate.wait_until_reached(PATIENT);
    let supervisor = wait_for(SOON, "a supervisor", || supervisors(&id).first().copied());
    send(supervisor, StopSignal::KILL);
    stage.wait_until(SOON, &id, "is supervised again", |_| {
        supervisors(&id).iter().any(|pid| *pid != supervisor)
    });
    gate.open();
    let said = stage.front.run(&["wait", &id, "--json", "--timeout", "30"]);

    let task: Value = serde_json::from_str(&said.stdout).unwrap();
    let task = &task["tasks"][0];
    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["final_message"], "Still here.");
}

#[test]
fn a_checkout_of_its_own_is_kept_shown_and_applied() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let project = stage.home.project();
    let steps = [
        command("echo new > made.txt; echo more >> calc.py"),
        say("Done."),
    ];
    let script = model.plays("worktree", Script::new(steps));
    let nothing = model.plays("nothing", Script::new([say("Nothing to do.")]));
    let options = ["--sandbox", "workspace-write", "--isolation", "auto"];

    let task = stage.run(&script, &[&options[..], &["Change it."]].concat());
    let clean = stage.run(&nothing, &[&options[..], &["Look."]].concat());
    let id = task["task_id"].as_str().unwrap();
    let untouched = !project.join("made.txt").exists();
    let shown = stage.front.run(&["apply", id, "--preview"]);
    let applied = stage.front.run(&["apply", id]);
    let again = stage.front.run(&["apply", id]);

    assert_eq!(task["outcome"], "succeeded", "{task:#}");
    assert!(untouched, "the folder itself is left alone");
    assert_eq!(task["files"].as_array().unwrap().len(), 2, "{task:#}");
    assert!(task["git"]["worktree"].is_string());
    assert!(shown.stdout.contains("+new"), "{shown:?}");
    assert_eq!(applied.exit, Exit::Code(0), "{applied:?}");
    assert_eq!(
        std::fs::read_to_string(project.join("made.txt")).unwrap(),
        "new\n"
    );
    assert_eq!(again.exit, Exit::Code(1), "{again:?}");
    assert!(again.stderr.contains("were applied to"), "{again:?}");
    assert_eq!(clean["git"]["worktree"], Value::Null, "{clean:#}");
}

#[test]
fn a_fork_and_a_review_have_threads_of_their_own() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let script = Script::new([say("First.")])
        .on("other way", [say("Forked.")])
        .on("uncommitted", [say("Looks fine.")]);
    let script = model.plays("fork", script);
    std::fs::write(stage.home.project().join("calc.py"), "changed = 1\n").unwrap();

    let first = stage.run(&script, &["The first question."]);
    let thread = first["thread_id"].as_str().unwrap();
    let fork = stage.run(
        &script,
        &["--thread-id", thread, "--fork", "The other way."],
    );
    let review = stage.run(
        &script,
        &["--review", "uncommitted", "Mind the uncommitted names."],
    );

    assert_eq!(fork["status"], "completed", "{fork:#}");
    assert_eq!(fork["kind"], "fork");
    assert_eq!(fork["final_message"], "Forked.");
    assert_ne!(fork["thread_id"], first["thread_id"]);
    assert_eq!(review["kind"], "review");
    assert_eq!(review["status"], "completed", "{review:#}");
}

#[test]
fn twenty_tasks_at_once_run_four_at_a_time() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "max_per_repository = 4\n");
    let script = model.plays("many", Script::new([say("Me too.")]));

    let ids: Vec<String> = (0..20)
        .map(|_| stage.hand_in(&script, &["Work."]))
        .collect();
    let mut most = 0;
    wait_for(PATIENT * 2, "all have ended", || {
        let listed = stage.front.json(&["tasks", "--open", "--json"]);
        let open = listed["tasks"].as_array().unwrap().clone();
        let n = open
            .iter()
            .filter(|task| task["status"] == "running")
            .count();
        most = most.max(n);
        open.is_empty().then_some(())
    });

    assert!((2..=4).contains(&most), "{most} at the same time");
    for id in &ids {
        let task = stage.front.json(&["task", id, "--json"]);
        assert_eq!(task["outcome"], "succeeded", "{task:#}");
    }
}

#[test]
fn an_agent_reads_tasks_from_inside_its_sandbox() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "max_depth = 9\n");
    let easy = model.plays("easy", Script::new([say("Easy.")]));
    let first = stage.run(&easy, &["The first."]);
    let id = first["task_id"].as_str().unwrap();
    let state = stage.front.state().display();
    let ask = |words: &str| {
        command(&format!(
            "MISSION_CONTROL_HOME={state} {PROGRAM} {words} 2>&1; echo code=$?"
        ))
    };
    let steps = [
        ask("tasks --json"),
        ask(&format!("task {id}")),
        ask(&format!("result {id}")),
        ask(&format!("wait {id}")),
        ask("run Another."),
        say("Read."),
    ];
    let script = model.plays("inside", Script::new(steps));

    let task = stage.run(&script, &["Look at the tasks."]);

    let outputs: Vec<&str> = task["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|command| command["output"].as_str().unwrap())
        .collect();
    assert_eq!(outputs.len(), 5, "{task:#}");
    for output in &outputs[..4] {
        assert!(output.trim_end().ends_with("code=0"), "{output}");
    }
    assert!(outputs[2].contains("Easy."), "{}", outputs[2]);
    assert!(outputs[3].contains("Succeeded"), "{}", outputs[3]);
    assert!(outputs[4].trim_end().ends_with("code=4"), "{}", outputs[4]);
}

#[test]
fn an_agent_that_somebody_kills_failed_and_can_be_resumed() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Never.")]).on("go on", [say("Went on.")]);
    let script = model.plays("killed", script);

    let id = stage.hand_in(&script, &["--sandbox", "workspace-write", "Build."]);
    stage.wait_until(PATIENT, &id, "runs its command", |task| {
        task["phase"] == "running_command"
    });
    for pid in members(&id) {
        if comm(pid).as_deref() == Some("codex") {
            send(pid, StopSignal::KILL);
        }
    }
    let said = stage.front.run(&["wait", &id, "--json", "--timeout", "30"]);
    let base = format!("model_providers.scripted.base_url=\"{script}\"");
    let thread_of = |task: &Value| task["thread_id"].as_str().unwrap().to_owned();
    let printed: Value = serde_json::from_str(&said.stdout).unwrap();
    let task = &printed["tasks"][0];
    let resumed = stage.run(
        &script,
        &[
            "--thread-id",
            &thread_of(task),
            "--config",
            &base,
            "Now go on.",
        ],
    );

    assert_eq!(said.exit, Exit::Code(1), "{said:?}");
    assert_eq!(task["status"], "failed", "{task:#}");
    assert_eq!(task["error"]["message"], "Killed by SIGKILL.");
    assert_eq!(members(&id), Vec::<u32>::new());
    assert_eq!(resumed["final_message"], "Went on.", "{resumed:#}");
}

#[test]
fn an_answer_nobody_heard_is_found_in_the_transcript() {
    let model = Model::start();
    let stage = CodexStage::new(PROGRAM, "");
    let gate = Gate::default();
    let script = model.plays(
        "unheard",
        Script::new([say("Heard at last.").behind(&gate)]),
    );

    let id = stage.hand_in(&script, &["Work."]);
    gate.wait_until_reached(PATIENT);
    for pid in supervisors(&id) {
        send(pid, StopSignal::KILL);
    }
    let events = stage
        .front
        .state()
        .join("tasks")
        .join(&id)
        .join("events.jsonl");
    gate.open();
    wait_for(PATIENT, "the agent has left", || {
        members(&id).is_empty().then_some(())
    });
    // The end of its output is lost as well.
    let head = std::fs::read_to_string(&events).unwrap();
    let head: String = head
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&events, head).unwrap();
    let said = stage.front.run(&["wait", &id, "--json", "--timeout", "30"]);

    let printed: Value = serde_json::from_str(&said.stdout).unwrap();
    let task = &printed["tasks"][0];
    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["final_message"], "Heard at last.");
    assert_eq!(task["evidence"][0]["from"], "transcript");
}
