//! The delegator's answer: an envelope of JSON, or a page.

use std::hash::{BuildHasher as _, RandomState};

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::{Outcome, Task, TaskStatus};
use mission_control_core::text::shorten_middle;
use mission_control_engine::clock::Clock;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, MAX_BYTES, code_name, fit};
use crate::parameters::{Arguments, Kind, Parameter};

/// How an answer is written.
pub(super) const FORMAT: Parameter = Parameter::optional(
    "format",
    Kind::Choice(&["markdown", "json"]),
    "A page (the default), or an envelope of JSON.",
);

/// Answers `data` in the form the call asks for.
pub(super) fn answer(
    arguments: &Arguments,
    tool: &str,
    category: &str,
    data: Result<Value, TaskError>,
) -> Result<Answer, TaskError> {
    let is_json = arguments.text("format") == Some("json");
    match data {
        Ok(data) if is_json => Ok(Answer::done(envelope(tool, category, "ok", "data", data))),
        Ok(data) => Ok(Answer::Text(shorten_middle(&page(tool, &data), MAX_BYTES))),
        Err(error) if is_json => {
            let body = json!({
                "code": older_code(error.code),
                "message": error.message,
                "details": { "code": code_name(error.code), "hint": error.hint },
                "retryable": error.retryable,
            });
            let value = envelope(tool, category, "error", "error", body);
            Ok(Answer::Bad {
                error: Box::new(error),
                value,
            })
        }
        Err(error) => Err(error),
    }
}

fn envelope(tool: &str, category: &str, status: &str, key: &str, body: Value) -> Value {
    let mut envelope = Map::new();
    envelope.insert("version".to_owned(), "3.6".into());
    envelope.insert(
        "schema_id".to_owned(),
        format!("codex/v3.6/{category}/v1").into(),
    );
    envelope.insert("tool".to_owned(), tool.into());
    envelope.insert("tool_category".to_owned(), category.into());
    envelope.insert("request_id".to_owned(), uuid().into());
    envelope.insert(
        "ts".to_owned(),
        Clock::start().now().wall.to_string().into(),
    );
    envelope.insert("status".to_owned(), status.into());
    envelope.insert("meta".to_owned(), json!({ "deprecated_alias": true }));
    envelope.insert(key.to_owned(), fit(body, MAX_BYTES - 1024));
    envelope.into()
}

/// A random UUID: every state is seeded by the system.
fn uuid() -> String {
    let random = || RandomState::new().hash_one(());
    let (a, b) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

/// The six codes of old.
const fn older_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Validation => "VALIDATION",
        ErrorCode::NotFound => "NOT_FOUND",
        ErrorCode::TimeoutIdle | ErrorCode::TimeoutHard => "TIMEOUT",
        ErrorCode::Unsupported => "UNSUPPORTED",
        ErrorCode::Internal => "INTERNAL",
        ErrorCode::Conflict
        | ErrorCode::Busy
        | ErrorCode::NotInstalled
        | ErrorCode::Auth
        | ErrorCode::Quota
        | ErrorCode::SandboxDenied
        | ErrorCode::NotARepo
        | ErrorCode::McpStartup
        | ErrorCode::Cancelled
        | ErrorCode::TurnFailed
        | ErrorCode::Exit
        | ErrorCode::Stalled
        | ErrorCode::Interrupted
        | ErrorCode::Protocol
        | ErrorCode::DaemonDown => "TOOL_ERROR",
    }
}

/// The states of old.
pub(super) const fn state(task: &Task) -> &'static str {
    match task.status {
        TaskStatus::Queued => "pending",
        TaskStatus::Running | TaskStatus::InputRequired => "working",
        TaskStatus::Completed => match task.outcome {
            Some(Outcome::Failed | Outcome::Partial) => "completed_with_errors",
            _ if !task.warnings.is_empty() => "completed_with_warnings",
            Some(Outcome::Succeeded | Outcome::NoChanges | Outcome::Unknown) | None => "completed",
        },
        TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Interrupted => "failed",
        TaskStatus::Cancelled => "canceled",
    }
}

/// Returns what an acknowledgement says.
pub(super) fn acknowledgement(task: &Task) -> Value {
    json!({
        "task_id": task.task_id,
        "thread_id": task.thread_id,
        "accepted": true,
        "capability": "background",
        "state": state(task),
        "started_at": task.started_at.unwrap_or(task.created_at),
        "queue_position": task.queue_position,
    })
}

/// Returns what a result says.
pub(super) fn result(task: &Task, arguments: &Arguments) -> Value {
    let max_bytes = arguments.number("max_output_bytes").unwrap_or(65_536);
    let has_failed = matches!(state(task), "failed" | "completed_with_errors");
    let is_included = has_failed || arguments.flag("include_output") == Some(true);
    let message = task.final_message.clone().unwrap_or_default();
    let errors = task
        .error
        .as_ref()
        .and_then(|error| error.stderr_tail.clone());
    let output = if is_included {
        json!({
            "included": true,
            "stdout": shorten_middle(&message, max_bytes),
            "stderr": errors.unwrap_or_default(),
            "truncated": message.len() > max_bytes,
            "max_bytes": max_bytes,
            "original_size": message.len(),
        })
    } else {
        json!({ "included": false, "reason": "include_output is false" })
    };
    let modified: Vec<&str> = task.files.iter().map(|file| file.path.as_str()).collect();
    let tests = (!task.tests.is_empty()).then(|| {
        json!({
            "passed": task.tests.iter().map(|report| report.passed).sum::<u32>(),
            "failed": task.tests.iter().map(|report| report.failed).sum::<u32>(),
            "skipped": task.tests.iter().map(|report| report.skipped).sum::<u32>(),
        })
    });
    let seconds = task.elapsed_ms / 1000;
    json!({
        "task_id": task.task_id,
        "thread_id": task.thread_id,
        "state": state(task),
        "summary": task.summary,
        "duration_seconds": seconds,
        "completed_ts": task.ended_at,
        "error": task.error,
        "metadata": {
            "duration": seconds,
            "file_operations": { "modified_files": modified },
            "test_results": tests,
            "tokens": task.usage,
            "outcome": task.outcome,
        },
        "output": output,
    })
}

/// Returns `data` as a page.
fn page(tool: &str, data: &Value) -> String {
    let mut page = format!("**{tool}**\n");
    write_value(&mut page, data, 0);
    page
}

fn write_value(page: &mut String, value: &Value, depth: usize) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (key, value) in object {
        let indent = "  ".repeat(depth);
        match value {
            Value::Null => {}
            Value::Object(_) => {
                page.push_str(&format!("{indent}- {key}:\n"));
                write_value(page, value, depth + 1);
            }
            Value::String(text) if text.contains('\n') => {
                page.push_str(&format!("{indent}- {key}:\n\n{text}\n\n"));
            }
            Value::String(text) => page.push_str(&format!("{indent}- {key}: {text}\n")),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                page.push_str(&format!("{indent}- {key}: {value}\n"));
            }
        }
    }
}
