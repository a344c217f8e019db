//! Delegated tasks through the server, run by the scripted agent.

use std::time::Duration;

use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::task::TaskStage;
use mission_control_testkit::wait::{SOON, Stopwatch, wait_for};
use serde_json::{Value, json};

use crate::pipe::{Pipe, meta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");
const THREAD: &str = "01a1f7ea-ce4d-7062-a79a-000000000009";
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// A script that waits for the file `until` and then answers `says`.
fn script(until: &str, says: &str) -> String {
    let item = json!({ "type": "item.completed", "item": {
        "id": "i1", "type": "agent_message", "text": says } });
    format!(
        "out {{\"type\":\"thread.started\",\"thread_id\":\"{THREAD}\"}}\n\
         out {{\"type\":\"turn.started\"}}\n\
         until {until}\n\
         out {item}\n\
         out {{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":10,\
         \"cached_input_tokens\":0,\"output_tokens\":5}}}}\n"
    )
}

/// A stage whose tasks end when `go` is called.
struct Held {
    stage: TaskStage,
    gate: String,
}

impl Held {
    fn new() -> Self {
        let mut stage = TaskStage::scripted(PROGRAM);
        let gate = stage.file("go");
        stage.plays(&script(&gate, "All done."));
        Self { stage, gate }
    }

    fn go(&self) {
        std::fs::write(&self.gate, "").unwrap();
    }

    fn client(&self) -> Pipe {
        let mut pipe = Pipe::start_in(&self.stage.front, &self.stage.work());
        pipe.shake_hands();
        pipe
    }

    fn modern(&self) -> Pipe {
        Pipe::start_in(&self.stage.front, &self.stage.work())
    }

    fn run(&self, pipe: &mut Pipe) -> String {
        let task = pipe.done("codex_run", json!({ "prompt": "Do it." }));
        let id = task["task_id"].as_str().unwrap().to_owned();
        self.stage
            .wait_until(&id, "it runs", |task| task["status"] == "running");
        id
    }
}

#[test]
fn a_task_is_handed_in_at_once_and_waited_for() {
    let held = Held::new();
    let mut pipe = held.client();

    let task = pipe.done("codex_run", json!({ "task": "Do it.", "title": "Work" }));
    let id = task["task_id"].as_str().unwrap();
    let early = pipe.done("codex_wait", json!({ "task_id": id, "timeout_seconds": 0 }));
    let params = json!({ "name": "codex_wait", "arguments": { "task_ids": [id] } });
    let waiting = pipe.send("tools/call", params);
    pipe.is_silent();
    held.go();
    let late = pipe.answer_to(&json!(waiting))["result"]["structuredContent"].clone();

    assert_eq!(
        (&task["is_new"], &task["title"]),
        (&json!(true), &json!("Work"))
    );
    assert_eq!(early["pending"], json!([id]));
    assert_eq!(
        (&late["is_over"], &late["pending"]),
        (&json!(true), &json!([]))
    );
    let ended = &late["tasks"][0];
    assert_eq!(ended["status"], "completed", "{ended:#}");
    assert_eq!(ended["final_message"], "All done.");
    assert_eq!(ended["thread_id"], THREAD);
    let seen = pipe.done("codex_tasks", json!({ "status": "ended" }));
    assert_eq!(seen["n_matching"], 1);
    assert_eq!(seen["pending_signals"], Value::Null);
}

#[test]
fn of_several_tasks_the_first_that_ends_is_told() {
    let mut held = Held::new();
    let mut pipe = held.client();
    let slow = held.run(&mut pipe);
    let fast_gate = held.stage.file("fast");
    held.stage.plays(&script(&fast_gate, "Fast."));
    // The script is chosen by the environment of whoever hands the task in.
    let mut other = held.client();
    let fast = held.run(&mut other);

    let params = json!({ "name": "codex_wait", "arguments": { "task_ids": [slow, fast] } });
    let waiting = pipe.send("tools/call", params);
    std::fs::write(&fast_gate, "").unwrap();
    let said = pipe.answer_to(&json!(waiting))["result"]["structuredContent"].clone();

    assert_eq!(said["pending"], json!([slow]), "{said:#}");
    assert_eq!(said["tasks"][1]["final_message"], "Fast.");
    held.go();
    let all = pipe.done(
        "codex_wait",
        json!({ "until": "all", "task_ids": [slow, fast] }),
    );
    assert_eq!(all["is_over"], true);
}

#[test]
fn progress_has_the_callers_token_rises_and_stops_before_the_answer() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);

    let waiting = pipe.send(
        "tools/call",
        json!({
            "name": "codex_wait",
            "arguments": { "task_ids": [id], "timeout_seconds": 4 },
            "_meta": { "progressToken": "mine" }
        }),
    );
    pipe.answer_to(&json!(waiting));
    pipe.is_silent();

    let values: Vec<f64> = pipe
        .notes()
        .iter()
        .map(|note| {
            assert_eq!(note["method"], "notifications/progress", "{note:#}");
            assert_eq!(note["params"]["progressToken"], "mine");
            assert!(note["params"]["message"].as_str().unwrap().chars().count() <= 200);
            note["params"]["progress"].as_f64().unwrap()
        })
        .collect();
    assert!(
        !values.is_empty() && values.is_sorted_by(|a, b| a < b),
        "{values:?}"
    );
    held.go();
}

#[test]
fn a_cancelled_call_is_not_answered_and_the_task_goes_on() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);

    let params = json!({ "name": "codex_wait", "arguments": { "task_ids": [id] } });
    let waiting = pipe.send("tools/call", params);
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": { "requestId": waiting } });
    pipe.write_line(&cancelled.to_string());
    pipe.is_silent();

    let status = pipe.done("codex_status", json!({ "task_id": id }));
    assert_eq!(status["status"], "running");
    held.go();
}

#[test]
fn a_task_outlives_its_client_and_another_one_sees_it() {
    let held = Held::new();
    let mut first = held.client();
    let id = held.run(&mut first);
    let params = json!({ "name": "codex_wait", "arguments": { "task_ids": [id] },
        "_meta": { "progressToken": 1 } });
    first.send("tools/call", params);

    first.close();
    let (took, _) = first.ended();
    held.go();
    let mut second = held.client();
    let said = second.done("codex_wait", json!({ "task_ids": [id] }));

    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(said["tasks"][0]["final_message"], "All done.");
}

#[test]
fn an_ended_task_is_announced_until_its_result_was_seen() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);
    held.go();
    held.stage.wait_until_gone(&id);

    let other = pipe.done("codex_sessions", json!({}));
    let again = pipe.done("codex_sessions", json!({}));
    pipe.done("codex_result", json!({ "task_id": id }));
    let after = pipe.done("codex_sessions", json!({}));

    assert_eq!(other["pending_signals"][0]["task_id"], id, "{other:#}");
    assert_eq!(other["pending_signals"], again["pending_signals"]);
    assert_eq!(after["pending_signals"], Value::Null);
}

#[test]
fn cancelling_ends_the_task_and_says_so() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);

    let ended = pipe.done("codex_cancel", json!({ "task_id": id }));
    let again = pipe.done("codex_cancel", json!({ "task_id": id }));

    assert_eq!(
        (&ended["status"], &ended["is_cancelled"]),
        (&json!("cancelled"), &json!(true))
    );
    assert_eq!(ended["error"]["message"], "Cancelled by raw.");
    assert_eq!(again["is_cancelled"], false);
    held.stage.wait_until_gone(&id);
}

#[test]
fn a_thread_is_gone_on_with() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);
    let early = pipe.call(
        "codex_reply",
        json!({ "task_id": id, "prompt": "And now?" }),
    );
    held.go();
    held.stage.wait_until_gone(&id);

    let next = pipe.done(
        "codex_reply",
        json!({ "task_id": id, "prompt": "And now?", "wait_seconds": 20 }),
    );

    assert_eq!(early["isError"], true);
    assert!(
        early["content"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("BUSY: ")
    );
    assert_eq!(
        (&next["kind"], &next["status"]),
        (&json!("resume"), &json!("completed"))
    );
    assert_ne!(next["task_id"], id.as_str());
}

#[test]
fn a_task_that_fails_says_why_in_its_text() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays("err it broke\nexit 3\n");
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();

    let result = pipe.call("codex_run", json!({ "prompt": "x", "wait_seconds": 20 }));

    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(result["isError"], true);
    assert!(
        text.starts_with("EXIT: ") && text.contains("it broke"),
        "{text}"
    );
    assert_eq!(result["structuredContent"]["status"], "failed");
    assert!(text.contains(result["structuredContent"]["task_id"].as_str().unwrap()));
}

#[test]
fn a_long_result_keeps_its_ends_and_links_to_the_rest() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    std::fs::write(&gate, "").unwrap();
    stage.plays(&script(
        &gate,
        &format!("begin {} end", "é".repeat(150_000)),
    ));
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();

    let result = pipe.call("codex_run", json!({ "prompt": "x", "wait_seconds": 20 }));
    let task = &result["structuredContent"];
    let uri = result["content"][1]["uri"].as_str().unwrap();
    let page = pipe.request("resources/read", json!({ "uri": uri }));

    assert!(
        result.to_string().len() < 120_000,
        "{}",
        result.to_string().len()
    );
    let message = task["final_message"].as_str().unwrap();
    assert!(
        message.starts_with("begin ") && message.ends_with(" end"),
        "{}",
        message.len()
    );
    assert!(
        task["truncated"]["final_message"].is_object(),
        "{:#}",
        task["truncated"]
    );
    assert!(
        page["result"]["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains("# x")
    );
}

#[test]
fn the_log_is_read_and_read_on() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);

    let first = pipe.done("codex_log", json!({ "task_id": id, "cursor": 0 }));
    held.go();
    held.stage.wait_until_gone(&id);
    let rest = pipe.done(
        "codex_log",
        json!({ "task_id": id, "cursor": first["cursor"] }),
    );
    let tail = pipe.done("codex_log", json!({ "task_id": id, "tail_lines": 1 }));
    let status = pipe.done("codex_status", json!({ "task_id": id, "tail_lines": 1 }));
    let waited = pipe.done("codex_wait", json!({ "task-id": id, "timeout_seconds": 0 }));

    let text = rest["text"].as_str().unwrap();
    assert!(
        text.contains("All done.") && !text.contains("Folder"),
        "{text}"
    );
    assert_eq!(rest["at_end"], true);
    assert_eq!(tail["text"].as_str().unwrap().lines().count(), 1);
    assert_eq!(status["log_tail"], tail["text"]);
    assert_eq!(waited["is_over"], true);
}

#[test]
fn a_declared_extension_makes_the_call_a_task_that_any_process_serves() {
    let held = Held::new();
    let mut first = held.modern();
    let extension = meta(json!({ TASKS: {} }));
    let call = |name: &str, arguments: Value| json!({ "_meta": extension, "name": name, "arguments": arguments });

    let created = first.request("tools/call", call("codex_run", json!({ "prompt": "x" })));
    let created = &created["result"];
    let id = created["taskId"].as_str().unwrap();
    first.close();
    first.ended();
    let mut second = held.modern();
    let get = json!({ "_meta": extension, "taskId": id });
    let working = second.request("tasks/get", get.clone())["result"].clone();
    held.go();
    let ended = wait_for(SOON, "the task ends", || {
        let state = second.request("tasks/get", get.clone())["result"].clone();
        (state["status"] != "working").then_some(state)
    });

    assert_eq!(
        (&created["resultType"], &created["status"]),
        (&json!("task"), &json!("working"))
    );
    assert_eq!(
        (&created["ttlMs"], &created["pollIntervalMs"]),
        (&Value::Null, &json!(2000))
    );
    assert_eq!(working["status"], "working");
    assert!(working["statusMessage"].as_str().unwrap().chars().count() <= 200);
    assert_eq!(ended["status"], "completed");
    assert_eq!(ended["result"]["isError"], false);
    assert_eq!(
        ended["result"]["structuredContent"]["final_message"],
        "All done."
    );
    let missing = second.request("tasks/get", json!({ "_meta": extension, "taskId": "none" }));
    assert_eq!(missing["error"]["code"], -32602);
}

#[test]
fn the_caller_chooses_to_wait_instead_and_undeclared_requests_get_no_task() {
    let held = Held::new();
    held.go();
    let mut pipe = held.modern();
    let declared = meta(json!({ TASKS: {} }));
    let plain = meta(json!({}));
    let arguments = json!({ "prompt": "x", "wait_seconds": 20 });

    let waited = pipe.request(
        "tools/call",
        json!({ "_meta": declared, "name": "codex_run", "arguments": arguments }),
    );
    let started = pipe.request(
        "tools/call",
        json!({ "_meta": plain, "name": "codex_run", "arguments": { "prompt": "y" } }),
    );
    let id = &started["result"]["structuredContent"]["task_id"];
    let refused = pipe.request("tasks/get", json!({ "_meta": plain, "taskId": id }));

    assert_eq!(waited["result"]["structuredContent"]["status"], "completed");
    assert_eq!(started["result"]["resultType"], "complete", "{started:#}");
    assert_eq!(refused["error"]["code"], -32021);
}

#[test]
fn full_access_waits_for_consent_in_the_clients_own_form() {
    let held = Held::new();
    held.go();
    let mut pipe = held.modern();
    let extension = meta(json!({ TASKS: {} }));
    let arguments = json!({ "prompt": "x", "sandbox": "danger-full-access" });
    let start = json!({ "_meta": extension, "name": "codex_run", "arguments": arguments });

    let mut ids = Vec::new();
    for consent in [true, false] {
        let created = pipe.request("tools/call", start.clone());
        let id = created["result"]["taskId"].as_str().unwrap().to_owned();
        let get = json!({ "_meta": extension, "taskId": id });
        let asked = pipe.request("tasks/get", get.clone())["result"].clone();
        assert_eq!(asked["status"], "input_required", "{asked:#}");
        let (key, request) = asked["inputRequests"]
            .as_object()
            .unwrap()
            .iter()
            .next()
            .unwrap();
        assert_eq!(request["method"], "elicitation/create");
        let answer = json!({ "action": "accept", "content": { "consent": consent } });
        let update = json!({ "_meta": extension, "taskId": id, "inputResponses": { key: answer } });
        let acknowledged = pipe.request("tasks/update", update);
        assert_eq!(acknowledged["result"]["resultType"], "complete");
        ids.push(wait_for(SOON, "the task ends", || {
            let state = pipe.request("tasks/get", get.clone())["result"].clone();
            let is_over = state["status"] == "completed" || state["status"] == "cancelled";
            is_over.then_some(state)
        }));
    }

    assert_eq!(ids[0]["result"]["isError"], false, "{:#}", ids[0]);
    assert_ne!(ids[1]["result"]["isError"], false, "{:#}", ids[1]);
}

#[test]
fn a_protocol_task_is_cancelled() {
    let held = Held::new();
    let mut pipe = held.modern();
    let extension = meta(json!({ TASKS: {} }));
    let start = json!({ "_meta": extension, "name": "codex_run", "arguments": { "prompt": "x" } });
    let created = pipe.request("tools/call", start);
    let id = created["result"]["taskId"].as_str().unwrap().to_owned();
    held.stage
        .wait_until(&id, "it runs", |task| task["status"] == "running");

    let get = json!({ "_meta": extension, "taskId": id });
    pipe.request("tasks/cancel", get.clone());

    let ended = wait_for(SOON, "the task ends", || {
        let state = pipe.request("tasks/get", get.clone())["result"].clone();
        (state["status"] != "working").then_some(state)
    });
    assert_eq!(ended["status"], "cancelled");
}

#[test]
fn the_status_line_speaks_only_while_something_runs() {
    let held = Held::new();
    let mut pipe = held.client();
    let before = held.stage.front.run(&["statusline"]);
    let id = held.run(&mut pipe);

    let during = held.stage.front.run(&["statusline"]);
    held.go();
    held.stage.wait_until_gone(&id);
    let after = held.stage.front.run(&["statusline"]);

    assert_eq!((before.stdout.as_str(), after.stdout.as_str()), ("", ""));
    assert!(
        during.stdout.starts_with("Codex: 1 running · Do it. "),
        "{during:?}"
    );
    assert_eq!(during.stdout.lines().count(), 1);
}

#[test]
fn fifty_waits_at_once_all_hear_of_the_end() {
    let held = Held::new();
    let mut pipe = held.client();
    let id = held.run(&mut pipe);
    let params = json!({ "name": "codex_wait", "arguments": { "task_ids": [id] } });

    let waiting: Vec<i64> = (0..50)
        .map(|_| pipe.send("tools/call", params.clone()))
        .collect();
    let watch = Stopwatch::start();
    pipe.done("codex_status", json!({ "task_id": id }));
    let meanwhile = watch.elapsed();
    held.go();

    let mut open: Vec<Value> = waiting.iter().map(|id| json!(id)).collect();
    while !open.is_empty() {
        let message = pipe.next(Duration::from_secs(20)).unwrap();
        assert_eq!(message["result"]["structuredContent"]["is_over"], true);
        open.retain(|id| *id != message["id"]);
    }
    assert!(meanwhile < Duration::from_secs(5), "{meanwhile:?}");
}

#[test]
fn what_a_task_changed_in_its_own_checkout_is_shown_and_applied() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!("write made.txt new\n{}", script(&gate, "Done.")));
    std::fs::write(&gate, "").unwrap();
    let work = stage.work();
    for words in [
        &["init", "--quiet"][..],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "one",
        ],
    ] {
        let said = process::run("git".as_ref(), words, stage.front.env(), &work);
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    }
    let mut pipe = Pipe::start_in(&stage.front, &work);
    pipe.shake_hands();

    let asked = json!({ "prompt": "Do it.", "sandbox": "workspace-write",
                        "isolation": "worktree", "wait_seconds": 50 });
    let task = pipe.done("codex_run", asked);
    let id = task["task_id"].as_str().unwrap();
    let address = format!("codex://task/{id}/diff");
    let diff = pipe.request("resources/read", json!({ "uri": address }));
    let shown = pipe.done("codex_apply", json!({ "task_id": id }));
    let is_untouched = !work.join("made.txt").exists();
    let applied = pipe.done("codex_apply", json!({ "task_id": id, "action": "apply" }));
    let again = pipe.call("codex_apply", json!({ "task_id": id }));

    assert_eq!(task["status"], "completed", "{task:#}");
    let links = task["links"].to_string();
    assert!(links.contains(&address), "{links}");
    assert!(task["next"].to_string().contains("codex_apply"), "{task:#}");
    let diff = diff["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(
        diff.contains("+++ b/made.txt\n@@ -0,0 +1 @@\n+new"),
        "{diff}"
    );
    assert_eq!(shown["is_done"], false);
    assert_eq!(
        shown["files"],
        json!([{ "path": "made.txt", "kind": "added" }])
    );
    assert!(is_untouched, "a preview changes nothing");
    assert_eq!(applied["is_done"], true);
    assert_eq!(
        std::fs::read_to_string(work.join("made.txt")).unwrap(),
        "new"
    );
    assert_eq!(again["isError"], true);
    let again = again["content"][0]["text"].as_str().unwrap();
    assert!(
        again.starts_with("CONFLICT") && again.contains("were applied to"),
        "{again}"
    );
}
