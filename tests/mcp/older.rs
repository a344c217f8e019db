//! Older tool families under their own names and parameters.

use mission_control_testkit::task::TaskStage;
use serde_json::{Value, json};

use crate::pipe::{Pipe, front};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

fn stage() -> (TaskStage, Pipe) {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(
        "out {\"type\":\"thread.started\",\"thread_id\":\"01a1f7ea-ce4d-7062-a79a-000000000009\"}\n\
         out {\"type\":\"turn.started\"}\n\
         out {\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"agent_message\",\"text\":\"All done.\"}}\n\
         out {\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":1,\"cached_input_tokens\":0,\"output_tokens\":1}}\n",
    );
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    pipe.shake_hands();
    (stage, pipe)
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

    assert!(!listed.contains("_codex_local_run") && !listed.contains("codex_agent"));
    assert!(all.contains("_codex_local_run") && all.contains("codex_agent"));
    assert_eq!(called["isError"], false, "{called:#}");
}

#[test]
fn the_delegators_envelope_comes_back() {
    let (_stage, mut pipe) = stage();

    let run = pipe.done("_codex_local_run", json!({ "task": "x", "format": "json" }));
    let id = run["data"]["task_id"].clone();
    let results = pipe.done(
        "_codex_local_results",
        json!({ "task_id": id, "format": "json", "include_output": true }),
    );
    let status = pipe.done("_codex_local_status", json!({ "format": "json" }));
    let missing = pipe.call(
        "_codex_local_results",
        json!({ "task_id": "none", "format": "json" }),
    );

    assert_eq!(run["version"], "3.6");
    assert_eq!(run["schema_id"], "codex/v3.6/result_set/v1");
    assert_eq!(
        (&run["status"], &run["data"]["state"]),
        (&json!("ok"), &json!("completed"))
    );
    assert_eq!(run["data"]["final_message"], "All done.");
    assert_eq!(results["data"]["output"]["stdout"], "All done.");
    let metadata = &results["data"]["metadata"];
    assert!(
        metadata["duration"].is_u64() && metadata["file_operations"]["modified_files"].is_array()
    );
    assert_eq!(status["data"]["recently_completed"][0]["task_id"], id);
    assert_eq!(missing["structuredContent"]["error"]["code"], "NOT_FOUND");
    assert_eq!(missing["isError"], true);
}

#[test]
fn an_acknowledgement_waits_for_the_threads_id() {
    let (_stage, mut pipe) = stage();

    let started = pipe.done(
        "_codex_local_exec",
        json!({ "task": "x", "format": "json" }),
    );
    let waited = pipe.done(
        "_codex_local_wait",
        json!({ "task_id": started["data"]["task_id"], "timeout_sec": 20, "format": "json" }),
    );
    let page = pipe.call(
        "_codex_local_results",
        json!({ "task_id": started["data"]["task_id"] }),
    );
    let cancelled = pipe.done(
        "_codex_local_cancel",
        json!({ "task_id": started["data"]["task_id"], "format": "json" }),
    );

    assert_eq!(started["schema_id"], "codex/v3.6/execution_ack/v1");
    assert_eq!(
        started["data"]["thread_id"],
        "01a1f7ea-ce4d-7062-a79a-000000000009"
    );
    assert_eq!(
        (&waited["data"]["state"], &waited["data"]["timed_out"]),
        (&json!("completed"), &json!(false))
    );
    assert_eq!(page["structuredContent"], Value::Null);
    assert!(
        page["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("All done.")
    );
    assert_eq!(cancelled["data"]["success"], false, "it had ended before");
}
