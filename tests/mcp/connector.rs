//! The connector's tools: its own, and ours where its spelling of parameters asks for its form.

use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::task::{TaskStage, members};
use mission_control_testkit::wait::{SOON, wait_for};
use serde_json::{Value, json};

use crate::pipe::Pipe;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");
const THREAD: &str = "01a1f7ea-ce4d-7062-a79a-000000000009";
const BEGINNING: &str = "out {\"type\":\"thread.started\",\"thread_id\":\"01a1f7ea-ce4d-7062-a79a-000000000009\"}\n\
    out {\"type\":\"turn.started\"}\n";
const END: &str = "out {\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"agent_message\",\"text\":\"All done.\"}}\n\
    out {\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1,\"cached_input_tokens\":0,\"output_tokens\":1}}\n";

fn client(stage: &TaskStage) -> Pipe {
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();
    pipe
}

/// Hands a task in as the connector's callers do and returns its id.
fn agent(stage: &TaskStage, pipe: &mut Pipe) -> String {
    let started = pipe.done(
        "codex_agent",
        json!({ "task": "Do it.", "workingDirectory": stage.work(), "async": true }),
    );
    started["taskId"].as_str().unwrap().to_owned()
}

/// Runs a task to its bad end and returns what `codex_wait` says in the connector's form.
#[track_caller]
fn end_of(stage: &TaskStage) -> Value {
    let mut pipe = client(stage);
    let id = agent(stage, &mut pipe);
    pipe.done("codex_wait", json!({ "taskId": id, "timeoutMs": 60_000 }))
}

#[test]
fn its_agent_is_safe_and_keeps_its_fields() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let script = stage.plays(&format!("{BEGINNING}{END}"));
    let mut pipe = client(&stage);

    let result = pipe.call(
        "codex_agent",
        json!({ "task": "x", "workingDirectory": stage.work(), "model": "m", "timeoutMs": 90_000 }),
    );

    let task = &result["structuredContent"];
    assert_eq!(result["isError"], false, "{result:#}");
    assert_eq!(
        (&task["taskId"], &task["threadId"], &task["content"]),
        (&task["task_id"], &json!(THREAD), &json!("All done."))
    );
    assert_eq!(
        (&task["status"], &task["sandbox"], &task["exitCode"]),
        (&json!("completed"), &json!("read-only"), &json!(0))
    );
    assert_eq!(
        (&task["failureReason"], &task["signal"]),
        (&Value::Null, &Value::Null)
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("| Status | completed |"), "{text}");
    assert!(text.contains("## Result\n\nAll done."), "{text}");
    let starts = std::fs::read_to_string(format!("{}.starts", script.display())).unwrap();
    assert!(starts.contains("\"read-only\""), "{starts}");
    let request = stage.read(task["taskId"].as_str().unwrap(), "request.json");
    let request: Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["request"]["hard_timeout_seconds"], 90);
    assert_eq!(request["request"]["model"], "m");
}

#[test]
fn no_time_limit_is_none_whatever_the_settings_say() {
    let mut stage = TaskStage::with(PROGRAM, "hard_timeout_seconds = 0.5\n");
    stage.plays(&format!("{BEGINNING}nap 1500\n{END}"));
    let mut pipe = client(&stage);

    let mut agent = |limit: Value| {
        let work = stage.work();
        let arguments = json!({ "task": "x", "workingDirectory": work, "timeoutMs": limit });
        pipe.call("codex_agent", arguments)["structuredContent"].clone()
    };
    let (without, usual) = (agent(json!(0)), agent(Value::Null));

    assert_eq!(without["status"], "completed", "{without:#}");
    assert_eq!(usual["status"], "failed", "the settings' limit is in force");
}

#[test]
fn its_spelling_selects_its_table_and_ours_keeps_ours() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!(
        "{BEGINNING}nap 100\nerr look out\nuntil {gate}\n{END}"
    ));
    let mut pipe = client(&stage);
    let id = agent(&stage, &mut pipe);
    wait_for(SOON, "a heartbeat after the last output", || {
        let log = stage.read(&id, "output.log");
        log.contains("(stderr)").then_some(())
    });

    let result = pipe.call("codex_status", json!({ "taskId": id }));
    let short = pipe.done("codex_status", json!({ "taskId": id, "tailLines": 1 }));
    let mixed = pipe.done("codex_status", json!({ "task_id": id, "tailLines": 1 }));
    let own = pipe.done("codex_status", json!({ "task_id": id, "tail_lines": 1 }));

    let value = &result["structuredContent"];
    assert_eq!(value["taskId"], id.as_str(), "{value:#}");
    assert_eq!(value["status"], "running");
    assert!(value["elapsed"].is_string() && value["elapsedMs"].is_u64());
    assert_eq!(value["lastActivity"]["kind"], "stderr");
    assert!(value["lastActivity"]["agoMs"].is_u64());
    assert_eq!(value["stdoutBytes"], stage.read(&id, "events.jsonl").len());
    assert_eq!(value["stderrBytes"], "look out\n".len());
    assert!(value["heartbeats"].as_u64().unwrap() >= 1);
    for unknown in [
        "exitCode",
        "signal",
        "failureReason",
        "content",
        "resultFile",
        "debugFile",
    ] {
        assert_eq!(value[unknown], Value::Null, "{unknown}");
    }
    let log = stage.task_file(&id, "output.log");
    assert_eq!(value["logFile"], log.to_str().unwrap());
    assert!(
        value["recentOutput"]
            .as_str()
            .unwrap()
            .contains("HEARTBEAT #1")
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    for row in [
        "| Status | running |",
        "| Stderr | 9 B |",
        "| Last activity | ",
        "## Recent output",
    ] {
        assert!(text.contains(row), "{row}: {text}");
    }
    for one in [&short, &mixed] {
        assert_eq!(one["recentOutput"].as_str().unwrap().lines().count(), 1);
    }
    assert_eq!(
        (&own["task_id"], &own["taskId"]),
        (&json!(id), &Value::Null)
    );
    assert_eq!(own["log_tail"].as_str().unwrap().lines().count(), 1);
    std::fs::write(&gate, "").unwrap();
}

#[test]
fn waiting_is_without_a_limit_or_as_long_as_it_says() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!("{BEGINNING}until {gate}\n{END}"));
    let mut pipe = client(&stage);
    let id = agent(&stage, &mut pipe);

    let early = pipe.done("codex_wait", json!({ "taskId": id, "timeoutMs": 1 }));
    let arguments = json!({ "taskId": id, "pollIntervalMs": 5000, "timeoutMs": 0 });
    let params = json!({ "name": "codex_wait", "arguments": arguments });
    let waiting = pipe.send("tools/call", params);
    pipe.is_silent();
    std::fs::write(&gate, "").unwrap();
    let late = pipe.answer_to(&json!(waiting))["result"]["structuredContent"].clone();
    let own = pipe.done("codex_wait", json!({ "task_id": id }));

    assert_eq!(
        (&early["timedOut"], &early["content"]),
        (&json!(true), &Value::Null)
    );
    let next = early["next"][0].as_str().unwrap();
    assert!(next.contains(&format!("taskId \"{id}\"")), "{next}");
    assert_eq!(
        (&late["status"], &late["content"], &late["timedOut"]),
        (&json!("completed"), &json!("All done."), &json!(false))
    );
    assert_eq!(
        (&late["threadId"], &late["exitCode"]),
        (&json!(THREAD), &json!(0))
    );
    assert_eq!(late["stdoutBytes"], stage.read(&id, "events.jsonl").len());
    for (name, file) in [
        ("logFile", "output.log"),
        ("resultFile", "result.md"),
        ("debugFile", "debug.json"),
    ] {
        assert_eq!(late[name], stage.task_file(&id, file).to_str().unwrap());
    }
    assert_eq!(
        (&own["is_over"], &own["taskId"]),
        (&json!(true), &Value::Null)
    );
}

#[test]
fn a_program_that_left_or_was_ended_is_worded_as_it_was() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}err it broke\nexit 1\n"));
    let left = end_of(&stage);
    stage.plays(&format!("{BEGINNING}die\n"));
    let killed = end_of(&stage);

    assert_eq!(
        (&left["status"], &left["failureReason"], &left["exitCode"]),
        (&json!("failed"), &json!("Exited with code 1"), &json!(1)),
        "{left:#}"
    );
    assert!(left["failureDetail"].as_str().unwrap().contains("it broke"));
    assert_eq!(
        (
            &killed["status"],
            &killed["failureReason"],
            &killed["signal"]
        ),
        (
            &json!("failed"),
            &json!("Killed by SIGKILL"),
            &json!("SIGKILL")
        )
    );
    assert_eq!(killed["exitCode"], Value::Null);
}

#[test]
fn a_time_limit_is_worded_as_it_was() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}hang\n"));
    let mut pipe = client(&stage);

    let result = pipe.call(
        "codex_agent",
        json!({ "task": "x", "workingDirectory": stage.work(), "timeoutMs": 1000 }),
    );

    let task = &result["structuredContent"];
    assert_eq!(
        (&result["isError"], &task["status"]),
        (&json!(true), &json!("failed"))
    );
    let reason = task["failureReason"].as_str().unwrap();
    assert!(
        reason.starts_with("Timeout after ") && reason.ends_with(" (limit 1 s)"),
        "{reason}"
    );
}

#[test]
fn a_program_that_is_not_there_is_worded_as_it_was() {
    let stage = TaskStage::scripted(PROGRAM);
    let missing = stage.file("no-such-program");
    stage
        .front
        .write_settings(&format!("[codex]\nprogram = \"{missing}\"\n"));

    let end = end_of(&stage);

    assert_eq!(
        (&end["status"], &end["failureReason"]),
        (&json!("failed"), &json!("Process error: ENOENT")),
        "{end:#}"
    );
    for unknown in ["elapsed", "exitCode", "lastActivity"] {
        assert_eq!(end[unknown], Value::Null, "{unknown}");
    }
}

#[test]
fn a_lost_task_is_interrupted() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}hang\n"));
    let mut pipe = client(&stage);
    let id = agent(&stage, &mut pipe);
    stage.wait_until(&id, "it has a thread", |task| task["thread_id"] == THREAD);
    process::send(stage.supervisor(&id), StopSignal::KILL);
    for pid in members(&id) {
        process::send(pid, StopSignal::KILL);
    }

    let end = pipe.done("codex_wait", json!({ "taskId": id, "timeoutMs": 60_000 }));

    assert_eq!(
        (&end["status"], &end["failureReason"]),
        (
            &json!("interrupted"),
            &json!("Server restarted while task was running")
        ),
        "{end:#}"
    );
    assert_eq!(
        (&end["exitCode"], &end["signal"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn cancelling_in_its_spelling_is_worded_as_it_was() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}hang\n"));
    let mut pipe = client(&stage);
    let id = agent(&stage, &mut pipe);
    stage.wait_until(&id, "it runs", |task| task["status"] == "running");

    let ended = pipe.done("codex_cancel", json!({ "taskId": id }));
    let again = pipe.done("codex_cancel", json!({ "taskId": id }));
    let own = pipe.done("codex_cancel", json!({ "task_id": id }));
    let missing = pipe.call("codex_cancel", json!({ "taskId": "none" }));

    assert_eq!(
        (
            &ended["status"],
            &ended["failureReason"],
            &ended["cancelled"]
        ),
        (&json!("failed"), &json!("Cancelled by user"), &json!(true))
    );
    assert_eq!(ended["failureDetail"], "Cancelled by raw.");
    assert_eq!(again["cancelled"], false);
    assert_eq!(
        (&own["status"], &own["taskId"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert!(
        missing["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("codex_tasks shows")
    );
}

#[test]
fn its_words_for_lists_are_ours() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}{END}"));
    let mut pipe = client(&stage);
    let id = agent(&stage, &mut pipe);
    pipe.done("codex_wait", json!({ "taskId": id, "timeoutMs": 0 }));

    let n_listed = ["all", "completed", "running", "failed", "interrupted"].map(|status| {
        let listed = pipe.done("codex_tasks", json!({ "status": status, "limit": 20 }));
        listed["n_matching"].as_u64().unwrap()
    });

    assert_eq!(n_listed, [1, 1, 0, 0, 0]);
    let listed = pipe.done("codex_tasks", json!({ "status": "all" }));
    assert_eq!(listed["tasks"][0]["task_id"], id);
}

#[test]
fn ended_tasks_are_announced_beside_its_table() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{BEGINNING}{END}"));
    let mut pipe = client(&stage);
    let seen = agent(&stage, &mut pipe);
    pipe.done("codex_wait", json!({ "taskId": seen, "timeoutMs": 0 }));
    let unseen = agent(&stage, &mut pipe);
    stage.wait_until_gone(&unseen);

    let status = pipe.done("codex_status", json!({ "taskId": seen }));

    assert_eq!(status["pending_signals"][0]["task_id"], unseen.as_str());
}
