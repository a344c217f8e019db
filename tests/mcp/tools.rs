//! The tools that need nothing delegated, and what clients are told about all of them.

use mission_control_testkit::recordings::Recording;
use serde_json::{Value, json};

use crate::pipe::{Pipe, front};

#[test]
fn the_list_is_static_ordered_and_plain() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    let first = pipe.request("tools/list", json!({}))["result"]["tools"].clone();
    let second = pipe.request("tools/list", json!({}))["result"]["tools"].clone();

    assert_eq!(first, second);
    let names: Vec<&str> = first
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "codex_apply",
            "codex_cancel",
            "codex_cleanup",
            "codex_cloud_environments",
            "codex_cloud_result",
            "codex_cloud_setup",
            "codex_cloud_status",
            "codex_cloud_submit",
            "codex_doctor",
            "codex_log",
            "codex_reply",
            "codex_result",
            "codex_review",
            "codex_run",
            "codex_sessions",
            "codex_status",
            "codex_tasks",
            "codex_wait",
        ]
    );
    for tool in first.as_array().unwrap() {
        let name = &tool["name"];
        assert!(
            tool["title"].is_string() && tool["description"].is_string(),
            "{name}"
        );
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{name}");
            for word in ["anyOf", "oneOf", "allOf", "$ref", "$schema"] {
                assert!(!has_key(&tool[schema], word), "{name} has {word}");
            }
        }
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert!(tool["annotations"]["readOnlyHint"].is_boolean(), "{name}");
    }
    let tool = |name: &str| {
        let all = first.as_array().unwrap();
        all.iter().find(|tool| tool["name"] == name).unwrap()
    };
    let run = tool("codex_run");
    assert_eq!(run["annotations"]["readOnlyHint"], false);
    assert_eq!(run["_meta"]["anthropic/alwaysLoad"], true);
    assert_eq!(
        tool("codex_result")["_meta"]["anthropic/maxResultSizeChars"],
        200_000
    );
}

#[test]
fn sessions_are_found_filtered_and_shown_whole() {
    let front = front();
    let recording = Recording::load("01-simple-success");
    recording.write_into(&front.state().join("codex"));
    let mut pipe = Pipe::legacy(&front);

    let live = pipe.done("codex_sessions", json!({}));
    let all = pipe.done("codex_sessions", json!({ "status": "all" }));
    let elsewhere = pipe.done(
        "codex_sessions",
        json!({ "status": "all", "cwd": "/nowhere" }),
    );
    let id = recording.session_id();
    let one = pipe.done("codex_sessions", json!({ "id": id }));
    let none = pipe.call("codex_sessions", json!({ "id": "codex:none" }));

    assert_eq!(live["n_matching"], 0, "{live:#}");
    assert_eq!(all["n_matching"], 1, "{all:#}");
    assert_eq!(all["sessions"][0]["id"], id);
    assert_eq!(elsewhere["n_matching"], 0);
    assert!(one["sessions"][0]["evidence_trail"].is_array());
    assert_eq!(none["isError"], true);
}

#[test]
fn the_answer_is_text_and_structure_alike() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    let result = pipe.call("codex_sessions", json!({}));

    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
}

#[test]
fn a_wrong_name_is_refused_with_the_nearest() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    let result = pipe.call("codex_run", json!({ "promt": "x" }));
    let tool = pipe.request("tools/call", json!({ "name": "codex_weit" }));

    assert_eq!(result["isError"], true);
    assert!(
        result["content"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("VALIDATION: There is no parameter `promt`. Did you mean `prompt`?"),
        "{result:#}"
    );
    assert_eq!(result["structuredContent"]["error"]["code"], "VALIDATION");
    assert_eq!(
        tool["error"]["message"],
        "There is no tool `codex_weit`. Did you mean `codex_wait`?"
    );
}

#[test]
fn settings_that_cannot_be_used_are_told_and_the_doctor_still_comes() {
    let front = front();
    front.write_settings("[tasks]\nno_such = 1\n");
    let mut pipe = Pipe::legacy(&front);

    let refused = pipe.call("codex_tasks", json!({}));
    let report = pipe.done("codex_doctor", json!({}));

    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no_such"), "{text}");
    let settings = report["checks"].as_array().unwrap().iter();
    let settings: Vec<&Value> = settings.filter(|check| check["id"] == "settings").collect();
    assert_eq!(settings[0]["state"], "problem");
}

#[test]
fn looking_makes_no_files() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    pipe.done("codex_sessions", json!({}));
    pipe.request("resources/list", json!({}));
    pipe.request("prompts/list", json!({}));

    let left: Vec<_> = std::fs::read_dir(front.state()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn has_key(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(key, inner)| key == wanted || has_key(inner, wanted)),
        Value::Array(items) => items.iter().any(|item| has_key(item, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
