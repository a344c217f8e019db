//! What answers say: about what waits for a person, about contradictions, and without secrets.

use mission_control_testkit::process::Exit;
use mission_control_testkit::task::TaskStage;
use serde_json::{Value, json};

use crate::pipe::{Pipe, front};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

fn client(stage: &TaskStage) -> Pipe {
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();
    pipe
}

#[track_caller]
fn refused(pipe: &mut Pipe, tool: &str, arguments: Value) -> String {
    let result = pipe.call(tool, arguments);
    assert_eq!(result["isError"], true, "{result:#}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn what_a_task_needs_is_told_once_with_the_way_to_answer() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!("until {gate}\n"));
    let mut pipe = client(&stage);
    let running = pipe.done("codex_run", json!({ "prompt": "Run." }));
    let id = stage.hand_in(&["--sandbox", "danger-full-access", "Ask."]);
    let ids = json!([id, running["task_id"]]);

    let told = pipe.done("codex_wait", json!({ "task_ids": ids }));
    let waiting = json!({ "name": "codex_wait", "arguments": { "task_ids": ids } });
    let waiting = pipe.send("tools/call", waiting);
    pipe.is_silent();
    std::fs::write(&gate, "").unwrap();
    let ended = pipe.answer_to(&json!(waiting))["result"]["structuredContent"].clone();

    let summary = told["summary"].as_str().unwrap();
    let command = format!("mission-control answer {id} danger-full-access accept");
    assert!(summary.starts_with("0 of 2 ended."), "{summary}");
    assert!(
        summary.contains("Run without a sandbox?") && summary.contains(&command),
        "{summary}"
    );
    assert!(told["tasks"][0]["need"].is_object(), "{told:#}");
    assert_eq!(ended["pending"], json!([id]), "{ended:#}");
    let status = pipe.done("codex_status", json!({ "task_id": id }));
    assert!(status["next"].to_string().contains(&command), "{status:#}");
    let cancelled = stage.front.run(&["cancel", &id]);
    assert_eq!(cancelled.exit, Exit::Code(0), "{cancelled:?}");
}

#[test]
fn without_ids_only_what_this_server_started_is_waited_for() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!("until {gate}\n"));
    let mut first = client(&stage);
    first.done("codex_run", json!({ "prompt": "Earlier." }));

    let mut second = client(&stage);
    let nothing = second.done("codex_wait", json!({}));
    let own = second.done("codex_run", json!({ "prompt": "Own." }));
    let waited = second.done("codex_wait", json!({ "timeout_seconds": 0 }));
    std::fs::write(&gate, "").unwrap();

    assert_eq!(nothing["tasks"], json!([]));
    assert!(
        nothing["summary"].as_str().unwrap().contains("1 others"),
        "{nothing:#}"
    );
    assert_eq!(waited["pending"], json!([own["task_id"]]));
}

#[test]
fn secrets_in_names_are_kept_nowhere() {
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let mut stage = TaskStage::scripted(PROGRAM);
    let gate = stage.file("go");
    stage.plays(&format!("until {gate}\n"));
    let mut pipe = client(&stage);
    let ask = json!({ "prompt": "Do it.", "title": secret, "tags": [secret], "group_id": secret,
        "idempotency_key": secret });

    let task = pipe.done("codex_run", ask.clone());
    let again = pipe.done("codex_run", ask);
    let group = pipe.done("codex_tasks", json!({ "group_id": secret }));
    let id = task["task_id"].as_str().unwrap();
    let request = stage.read(id, "request.json");
    std::fs::write(&gate, "").unwrap();

    assert_eq!(task["task_id"], again["task_id"]);
    assert_eq!(group["n_matching"], 1);
    assert!(!task.to_string().contains(&secret), "{task:#}");
    assert!(
        !request.is_empty() && !request.contains(&secret),
        "{request}"
    );
    for file in std::fs::read_dir(stage.front.state()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}

#[test]
fn cancelling_what_had_ended_is_told_as_such() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let item = json!({ "type": "item.completed", "item": {
        "id": "i1", "type": "agent_message", "text": "All done." } });
    stage.plays(&format!(
        "out {item}\nout {{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":1,\
         \"cached_input_tokens\":0,\"output_tokens\":1}}}}\n"
    ));
    let mut pipe = client(&stage);
    let task = pipe.done("codex_run", json!({ "prompt": "x", "wait_seconds": 20 }));

    let arguments = json!({ "task_id": task["task_id"], "format": "json" });
    let said = pipe.call("_codex_local_cancel", arguments)["structuredContent"].clone();

    assert_eq!(said["data"]["success"], false, "{said:#}");
    assert_eq!(said["data"]["message"], "It had ended before: completed.");
}

#[test]
fn contradictions_are_refused() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    for (arguments, name) in [
        (json!({ "branch": "main", "sha": "1234567" }), "`branch`"),
        (
            json!({ "target": "uncommitted", "branch": "main" }),
            "`branch`",
        ),
        (
            json!({ "target": "base", "branch": "main", "sha": "1234567" }),
            "`branch`",
        ),
        (
            json!({ "target": "prompt", "prompt": "x", "sha": "1234567" }),
            "`sha`",
        ),
    ] {
        let said = refused(&mut pipe, "codex_review", arguments);
        assert!(
            said.starts_with("VALIDATION") && said.contains(name),
            "{said}"
        );
    }
}

#[test]
fn a_broken_settings_file_is_named() {
    let front = front();
    front.write_settings("[tasks\n");
    let mut pipe = Pipe::legacy(&front);

    let said = refused(&mut pipe, "codex_tasks", json!({}));

    assert!(
        said.contains("Hint: Correct") && said.contains("settings.toml"),
        "{said}"
    );
}

#[test]
fn tools_that_ask_a_service_say_so() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    let tools = pipe.request("tools/list", json!({}))["result"]["tools"].clone();

    let is_open = |name: &str| {
        let all = tools.as_array().unwrap();
        let tool = all.iter().find(|tool| tool["name"] == name).unwrap();
        tool["annotations"]["openWorldHint"].clone()
    };
    for name in [
        "codex_apply",
        "codex_cloud_status",
        "codex_cloud_result",
        "codex_cloud_environments",
    ] {
        assert_eq!(is_open(name), true, "{name}");
    }
    assert_eq!(is_open("codex_tasks"), false);
}
