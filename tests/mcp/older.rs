//! The delegator's local tools under their own names and parameters.

use mission_control_testkit::task::TaskStage;
use mission_control_testkit::wait::Stopwatch;
use serde_json::{Value, json};

use crate::pipe::{Pipe, front};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");
const THREAD: &str = "01a1f7ea-ce4d-7062-a79a-000000000009";

/// A script of the events of a turn that says `All done.`.
fn script(before: &[Value]) -> String {
    let mut events = vec![
        json!({ "type": "thread.started", "thread_id": THREAD }),
        json!({ "type": "turn.started" }),
    ];
    events.extend(
        before
            .iter()
            .map(|item| json!({ "type": "item.completed", "item": item })),
    );
    events.push(json!({ "type": "item.completed", "item": {
        "id": "m", "type": "agent_message", "text": "All done." } }));
    events.push(json!({ "type": "turn.completed", "usage": {
        "input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 5 } }));
    events
        .iter()
        .map(|event| format!("out {event}\n"))
        .collect()
}

fn client(stage: &TaskStage) -> Pipe {
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();
    pipe
}

fn stage() -> (TaskStage, Pipe) {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&script(&[]));
    let pipe = client(&stage);
    (stage, pipe)
}

/// A stage whose agent, after `before`, waits for a file and then leaves.
fn held(settings: &str, before: &str) -> (TaskStage, Pipe, String) {
    let mut stage = TaskStage::with(PROGRAM, settings);
    let gate = stage.file("go");
    stage.plays(&format!("{before}until {gate}\n{}", script(&[])));
    let pipe = client(&stage);
    (stage, pipe, gate)
}

/// Calls a tool for values and makes sure that its text holds the very same envelope.
#[track_caller]
fn sealed(pipe: &mut Pipe, tool: &str, mut arguments: Value) -> Value {
    arguments["format"] = "json".into();
    let result = pipe.call(tool, arguments);
    let envelope = result["structuredContent"].clone();
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, envelope);
    assert_eq!(
        result["isError"],
        envelope["status"] == "error",
        "{result:#}"
    );
    let category = envelope["tool_category"].as_str().unwrap();
    assert_eq!(envelope["version"], "3.6");
    assert_eq!(envelope["schema_id"], format!("codex/v3.6/{category}/v1"));
    assert_eq!(envelope["tool"], tool);
    assert_eq!(envelope["request_id"].as_str().unwrap().len(), 36);
    assert!(
        envelope["ts"].as_str().unwrap().ends_with('Z'),
        "{envelope:#}"
    );
    let meta = envelope["meta"].as_object().unwrap();
    assert!(meta.contains_key("queue_position"), "{meta:?}");
    assert_eq!(meta["estimated_start_ms"], Value::Null);
    envelope
}

/// Calls a tool for a page.
#[track_caller]
fn page(pipe: &mut Pipe, tool: &str, arguments: Value) -> String {
    let result = pipe.call(tool, arguments);
    assert_eq!(result["isError"], false, "{result:#}");
    assert_eq!(result["structuredContent"], Value::Null);
    let page = result["content"][0]["text"].as_str().unwrap();
    assert!(page.starts_with(&format!("# {tool}")), "{page}");
    assert!(!page.contains("{\""), "no JSON is dumped: {page}");
    page.to_owned()
}

#[test]
fn they_are_listed_only_when_asked_for_and_always_callable() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let mut compatible = Pipe::start_with(&front, front.state(), &["--compat"]);
    compatible.shake_hands();

    let listed = pipe.request("tools/list", json!({})).to_string();
    let all = compatible.request("tools/list", json!({})).to_string();
    let called = pipe.call("_codex_local_status", json!({}));

    for tool in [
        "_codex_cleanup_registry",
        "_codex_local_cancel",
        "_codex_local_exec",
        "_codex_local_results",
        "_codex_local_resume",
        "_codex_local_run",
        "_codex_local_status",
        "_codex_local_wait",
        "codex_agent",
    ] {
        let name = format!("\"name\":\"{tool}\"");
        assert!(!listed.contains(&name) && all.contains(&name), "{tool}");
    }
    assert_eq!(called["isError"], false, "{called:#}");
}

#[test]
fn a_run_returns_its_result_in_either_form() {
    let (_stage, mut pipe) = stage();

    let run = sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let page = page(&mut pipe, "_codex_local_run", json!({ "task": "x" }));

    assert_eq!(run["tool_category"], "result_set");
    let data = &run["data"];
    assert_eq!(
        (&data["state"], &data["thread_id"]),
        (&json!("completed"), &json!(THREAD))
    );
    assert_eq!(
        (&data["summary"], &data["final_message"]),
        (&json!("All done."), &json!("All done."))
    );
    assert!(data["duration_seconds"].is_u64() && data["completed_ts"].is_string());
    for part in [
        "| State | completed |",
        "| Tokens | 10 in (4 cached), 5 out |",
        "## Output\n\nAll done.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn every_parameter_of_a_run_reaches_the_agent() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let played = stage.plays(&script(&[]));
    let mut pipe = client(&stage);
    let work = stage.work();
    let starts = || std::fs::read_to_string(format!("{}.starts", played.display())).unwrap();

    let long = "x".repeat(20_000);
    let all = json!({
        "task": long, "mode": "workspace-write", "confirm": true, "model": "gpt-5-codex",
        "outputSchema": { "type": "object" }, "workingDir": work, "envPolicy": "allow-list",
        "envAllowList": ["PATH"], "async": false, "allow_destructive_git": false,
    });
    let run = sealed(&mut pipe, "_codex_local_run", all);
    let first = starts();
    let usual = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "mode": "preview", "envPolicy": "inherit-all" }),
    );
    let second = starts().replace(&first, "");
    sealed(
        &mut pipe,
        "_codex_local_exec",
        json!({ "task": "x", "workingDir": work, "mode": "read-only", "model": "m",
            "outputSchema": {}, "skipGitRepoCheck": true, "allow_destructive_git": true }),
    );

    assert_eq!(run["data"]["state"], "completed", "{run:#}");
    for part in [
        "\"workspace-write\"",
        "\"gpt-5-codex\"",
        "--output-schema",
        "include_only",
        "PATH",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert_eq!(usual["status"], "ok");
    assert!(
        second.contains("\"read-only\"") && second.contains("inherit=\\\"all\\\""),
        "{second}"
    );
    let third = starts().replace(&first, "").replace(&second, "");
    assert!(third.contains("--skip-git-repo-check"), "{third}");
}

#[test]
fn an_acknowledgement_waits_for_the_threads_id() {
    let (_stage, mut pipe) = stage();

    let started = sealed(&mut pipe, "_codex_local_exec", json!({ "task": "x" }));
    let background = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "async": true }),
    );
    let id = &started["data"]["task_id"];
    let waited = sealed(
        &mut pipe,
        "_codex_local_wait",
        json!({ "task_id": id, "timeout_sec": 20, "include_output": true }),
    );
    let page = page(&mut pipe, "_codex_local_exec", json!({ "task": "x" }));

    assert_eq!(started["tool_category"], "execution_ack");
    let data = &started["data"];
    assert_eq!(
        (&data["thread_id"], &data["accepted"], &data["capability"]),
        (&json!(THREAD), &json!(true), &json!("background"))
    );
    assert!(data["started_at"].is_string(), "{data:#}");
    assert_eq!(background["data"]["capability"], "background");
    assert_eq!(waited["tool_category"], "wait_result");
    assert_eq!(
        (&waited["data"]["state"], &waited["data"]["timed_out"]),
        (&json!("completed"), &json!(false))
    );
    assert_eq!(waited["data"]["output"]["stdout"], "All done.");
    assert!(page.contains(&format!("| Thread | {THREAD} |")), "{page}");
}

#[test]
fn an_acknowledgement_waits_two_seconds_and_no_longer() {
    let (_stage, mut pipe, gate) = held("", "");
    let watch = Stopwatch::start();

    let started = sealed(&mut pipe, "_codex_local_exec", json!({ "task": "x" }));

    assert!(watch.elapsed().as_millis() >= 2000, "{:?}", watch.elapsed());
    assert_eq!(started["data"]["thread_id"], Value::Null);
    std::fs::write(&gate, "").unwrap();
}

#[test]
fn who_waits_in_the_queue_has_a_place_and_no_start() {
    let (stage, mut pipe, gate) = held("max_concurrent = 1\n", "");
    let ids = ["first", "second", "third"].map(|task| {
        let started = sealed(
            &mut pipe,
            "_codex_local_run",
            json!({ "task": task, "async": true }),
        );
        started["data"]["task_id"].as_str().unwrap().to_owned()
    });
    let [first, second, third] = &ids;
    stage.wait_until(first, "the first runs", |task| task["status"] == "running");

    let status = sealed(&mut pipe, "_codex_local_status", json!({}));
    let waiting = sealed(
        &mut pipe,
        "_codex_local_results",
        json!({ "task_id": third }),
    );
    let fourth = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "async": true }),
    );
    let page = page(&mut pipe, "_codex_local_status", json!({}));

    let data = &status["data"];
    assert_eq!(status["tool_category"], "status_snapshot");
    assert_eq!(
        data["summary"],
        json!({ "running": 1, "queued": 2, "max_concurrent": 1, "recently_completed": 0 })
    );
    assert_eq!(
        data["queue"],
        json!([{ "task_id": second, "position": 1 }, { "task_id": third, "position": 2 }])
    );
    let states: Vec<&Value> = data["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["state"])
        .collect();
    assert_eq!(states, ["pending", "pending", "working"]);
    assert_eq!(data["tasks"][0]["elapsed_seconds"], Value::Null);
    assert_eq!(
        data["tasks"][2]["progress"]["percent"],
        Value::Null,
        "without a plan"
    );
    assert_eq!(waiting["meta"]["queue_position"], 2);
    assert_eq!(waiting["data"]["state"], "pending");
    assert_eq!(fourth["meta"]["queue_position"], 3);
    assert_eq!(
        (&fourth["data"]["state"], &fourth["data"]["started_at"]),
        (&json!("pending"), &Value::Null)
    );
    for part in [
        "1 running (at most 1 at a time), 3 queued.",
        &format!("| {second} | second | pending | 1 |"),
        &format!("| {first} | first | working |  |"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    std::fs::write(&gate, "").unwrap();
}

#[test]
fn a_snapshot_has_the_agents_own_plan_and_only_its_folder() {
    let plan = json!({ "type": "item.started", "item": { "id": "p", "type": "todo_list", "items": [
        { "text": "a", "completed": true }, { "text": "b", "completed": false }] } });
    let (stage, mut pipe, gate) = held("", &format!("out {plan}\n"));
    let started = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "async": true }),
    );
    let id = started["data"]["task_id"].as_str().unwrap();
    stage.wait_until(id, "it planned", |task| task["progress"]["total"] == 2);

    let all = sealed(&mut pipe, "_codex_local_status", json!({}));
    let shown = page(&mut pipe, "_codex_local_status", json!({}));
    let here = sealed(
        &mut pipe,
        "_codex_local_status",
        json!({ "showAll": false }),
    );
    let elsewhere = sealed(
        &mut pipe,
        "_codex_local_status",
        json!({ "showAll": false, "workingDir": "/nowhere" }),
    );
    std::fs::write(&gate, "").unwrap();
    stage.wait_until_gone(id);
    sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let ended = sealed(&mut pipe, "_codex_local_status", json!({ "limit": 1 }));

    let progress = &all["data"]["tasks"][0]["progress"];
    assert_eq!(
        (
            &progress["percent"],
            &progress["completed_steps"],
            &progress["total_steps"]
        ),
        (&json!(50), &json!(1), &json!(2))
    );
    assert!(shown.contains("| 1/2 (50 %) |"), "{shown}");
    assert_eq!(here["data"]["tasks"][0]["task_id"], id);
    assert_eq!(elsewhere["data"]["tasks"], json!([]));
    assert_eq!(
        ended["data"]["recently_completed"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(ended["data"]["recently_completed"][0]["state"], "completed");
}

#[test]
fn a_result_has_what_the_agent_did() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let tests = "running 3 tests\ntest a ... ok\ntest b ... ok\ntest c ... FAILED\n\nfailures:\n    c\n\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    let made = stage.work().join("new.txt");
    stage.plays(&script(&[
        json!({ "id": "c", "type": "command_execution", "command": "/bin/bash -lc 'cargo test'",
            "aggregated_output": tests, "exit_code": 101, "status": "failed" }),
        json!({ "id": "f", "type": "file_change", "status": "completed",
            "changes": [{ "path": made, "kind": "add" }] }),
    ]));
    let mut pipe = client(&stage);
    let run = sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let id = &run["data"]["task_id"];

    let brief = sealed(
        &mut pipe,
        "_codex_local_results",
        json!({ "task_id": id, "include_events": true }),
    );
    let page = page(&mut pipe, "_codex_local_results", json!({ "task_id": id }));

    let metadata = &brief["data"]["metadata"];
    assert!(metadata["duration"].is_u64());
    let files = &metadata["file_operations"];
    assert_eq!(
        files["modified_files"].as_array().unwrap().len(),
        1,
        "{files:#}"
    );
    assert_eq!(files["modified_files"], files["added_files"]);
    assert_eq!(files["deleted_files"], json!([]));
    assert_eq!(
        metadata["test_results"],
        json!({ "passed": 2, "failed": 1, "skipped": 0, "failed_tests": ["c"] })
    );
    assert_eq!(
        (
            &metadata["tokens"]["input"],
            &metadata["tokens"]["cache_hit_percent"]
        ),
        (&json!(10), &json!(40))
    );
    for part in [
        "new.txt | added |",
        "| cargo test | 2 | 1 | 0 |",
        "| cargo test | 101 |",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn output_comes_when_it_is_asked_for_and_is_cut_to_size() {
    let (_stage, mut pipe) = stage();
    let run = sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let id = &run["data"]["task_id"];

    let without = sealed(&mut pipe, "_codex_local_results", json!({ "task_id": id }));
    let with = sealed(
        &mut pipe,
        "_codex_local_results",
        json!({ "task_id": id, "include_output": true }),
    );
    let cut = sealed(
        &mut pipe,
        "_codex_local_results",
        json!({ "task_id": id, "include_output": true, "max_output_bytes": 4 }),
    );

    assert_eq!(
        without["data"]["output"],
        json!({ "included": false, "reason": "include_output is false" })
    );
    assert_eq!(
        with["data"]["output"],
        json!({ "included": true, "stdout": "All done.", "stderr": "", "truncated": false,
            "max_bytes": 36_864, "original_size": 9 })
    );
    let output = &cut["data"]["output"];
    assert_eq!(
        (&output["truncated"], &output["max_bytes"]),
        (&json!(true), &json!(4))
    );
    let stdout = output["stdout"].as_str().unwrap();
    assert!(
        stdout.starts_with("Al\n") && stdout.ends_with("\ne."),
        "{stdout}"
    );
}

#[test]
fn a_failure_shows_its_output_unasked() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays("err it broke, token ghp_abcdefghijklmnopqrstuvwxyz0123456789\nexit 3\n");
    let mut pipe = client(&stage);

    let run = sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let page = page(&mut pipe, "_codex_local_run", json!({ "task": "x" }));

    let data = &run["data"];
    assert_eq!(
        (&run["status"], &data["state"]),
        (&json!("ok"), &json!("failed"))
    );
    let stderr = data["output"]["stderr"].as_str().unwrap();
    assert!(
        stderr.contains("it broke") && !stderr.contains("ghp_"),
        "{stderr}"
    );
    assert_eq!(data["metadata"]["errors"][0]["type"], "EXIT");
    assert_eq!(data["metadata"]["test_results"], Value::Null);
    assert_eq!(data["metadata"]["tokens"], Value::Null);
    assert!(
        page.contains("## Error") && page.contains("## Standard error"),
        "{page}"
    );
}

#[test]
fn waiting_ends_in_time_and_cancelling_says_what_happened() {
    let (stage, mut pipe, _gate) = held("", "");
    let started = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "async": true }),
    );
    let id = started["data"]["task_id"].as_str().unwrap();
    stage.wait_until(id, "it runs", |task| task["status"] == "running");

    let waited = sealed(
        &mut pipe,
        "_codex_local_wait",
        json!({ "task_id": id, "timeout_sec": 0 }),
    );
    let still = page(
        &mut pipe,
        "_codex_local_wait",
        json!({ "task_id": id, "timeout_sec": 0 }),
    );
    let cancelled = sealed(
        &mut pipe,
        "_codex_local_cancel",
        json!({ "task_id": id, "reason": "enough" }),
    );
    let ended = sealed(&mut pipe, "_codex_local_results", json!({ "task_id": id }));
    let page = page(&mut pipe, "_codex_local_cancel", json!({ "task_id": id }));

    assert_eq!(
        (&waited["data"]["timed_out"], &waited["data"]["state"]),
        (&json!(true), &json!("working"))
    );
    assert_eq!(
        cancelled["data"],
        json!({ "success": true, "task_id": id, "status": "canceled",
            "message": "Cancelled by raw.", "reason": "enough" })
    );
    assert!(still.contains("The time was up"), "{still}");
    assert_eq!(ended["data"]["state"], "canceled");
    assert!(page.contains("| Status | canceled |"), "{page}");
}

#[test]
fn a_task_that_needs_consent_is_said_to() {
    let (_stage, mut pipe) = stage();

    let asked = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "mode": "danger-full-access" }),
    );
    let id = &asked["data"]["task_id"];
    let waited = sealed(
        &mut pipe,
        "_codex_local_wait",
        json!({ "task_id": id, "timeout_sec": 60 }),
    );

    assert_eq!(
        (&asked["tool_category"], &asked["data"]["capability"]),
        (&json!("execution_ack"), &json!("foreground"))
    );
    assert!(asked["data"]["need"].is_string(), "{asked:#}");
    assert_eq!(
        (&waited["data"]["state"], &waited["data"]["timed_out"]),
        (&json!("working"), &json!(false))
    );
}

#[test]
fn a_thread_is_gone_on_with() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let played = stage.plays(&script(&[]));
    let mut pipe = client(&stage);

    let resumed = sealed(
        &mut pipe,
        "_codex_local_resume",
        json!({ "threadId": THREAD, "task": "more", "mode": "read-only", "model": "m",
            "outputSchema": {}, "allow_destructive_git": true }),
    );
    let id = &resumed["data"]["task_id"];
    let ended = sealed(&mut pipe, "_codex_local_wait", json!({ "task_id": id }));

    assert_eq!(
        (&resumed["data"]["thread_id"], &resumed["data"]["accepted"]),
        (&json!(THREAD), &json!(true))
    );
    assert_eq!(ended["data"]["state"], "completed", "{ended:#}");
    let starts = std::fs::read_to_string(format!("{}.starts", played.display())).unwrap();
    assert!(
        starts.contains("\"resume\"") && starts.contains(THREAD),
        "{starts}"
    );
}

#[test]
fn cleaning_up_removes_unless_it_is_a_dry_run() {
    let (_stage, mut pipe) = stage();
    let run = sealed(&mut pipe, "_codex_local_run", json!({ "task": "x" }));
    let id = &run["data"]["task_id"];

    let arguments = |dry_run: Value| json!({ "oldTaskMaxAgeHours": 0, "stuckTaskMaxAgeSeconds": 0, "dryRun": dry_run });
    let young = sealed(&mut pipe, "_codex_cleanup_registry", json!({}));
    let shown = sealed(&mut pipe, "_codex_cleanup_registry", arguments(json!(true)));
    let page = page(&mut pipe, "_codex_cleanup_registry", arguments(json!(true)));
    let removed = sealed(&mut pipe, "_codex_cleanup_registry", arguments(Value::Null));
    let gone = sealed(&mut pipe, "_codex_local_results", json!({ "task_id": id }));

    assert_eq!(young["tool_category"], "registry_info");
    assert_eq!(
        (&young["data"]["found"], &young["data"]["older_than_hours"]),
        (&json!(0), &json!(24))
    );
    assert_eq!(
        (&shown["data"]["found"], &shown["data"]["removed"]),
        (&json!(1), &json!(0))
    );
    assert!(
        page.contains(&format!("| {} |", id.as_str().unwrap())),
        "{page}"
    );
    assert_eq!(
        (&removed["data"]["removed"], &removed["data"]["dry_run"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(gone["error"]["code"], "NOT_FOUND");
}

#[test]
fn what_cannot_be_done_is_refused_in_the_form_that_was_asked_for() {
    let (_stage, mut pipe) = stage();

    let missing = sealed(
        &mut pipe,
        "_codex_local_results",
        json!({ "task_id": "none" }),
    );
    let unknown = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "workDir": "/" }),
    );
    let list = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "envPolicy": "allow-list" }),
    );
    let stray = sealed(
        &mut pipe,
        "_codex_local_run",
        json!({ "task": "x", "envAllowList": ["A"] }),
    );
    let folder = sealed(
        &mut pipe,
        "_codex_local_exec",
        json!({ "task": "x", "workingDir": "/no/such/folder" }),
    );
    let plain = pipe.call("_codex_local_run", json!({ "task": "x", "workDir": "/" }));

    for (refused, code, category) in [
        (&missing, "NOT_FOUND", "result_set"),
        (&unknown, "VALIDATION", "execution_ack"),
        (&list, "VALIDATION", "execution_ack"),
        (&stray, "VALIDATION", "execution_ack"),
        (&folder, "NOT_FOUND", "execution_ack"),
    ] {
        let error = &refused["error"];
        assert_eq!(
            (&refused["status"], &error["code"]),
            (&json!("error"), &json!(code)),
            "{refused:#}"
        );
        assert_eq!(refused["tool_category"], category);
        assert!(
            error["message"].is_string() && error["details"].is_object(),
            "{error:#}"
        );
        assert!(
            error["details"]["hint"].is_string(),
            "every error says what to do: {error:#}"
        );
        assert_eq!(error["retryable"], false);
        assert!(error["duration_ms"].is_u64());
        assert_eq!(refused["data"], Value::Null);
    }
    assert_eq!(
        folder["error"]["details"]["hint"],
        "Give `workingDir` as an absolute path."
    );
    assert_eq!(
        unknown["error"]["message"],
        "There is no parameter `workDir`. Did you mean `workingDir`?"
    );
    let text = plain["content"][0]["text"].as_str().unwrap();
    assert_eq!(plain["isError"], true);
    assert!(text.contains("Did you mean `workingDir`?"), "{text}");
}
