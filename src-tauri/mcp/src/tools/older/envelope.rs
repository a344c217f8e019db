//! The delegator's answer: an envelope of JSON, or a page.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::text::shorten_middle;
use mission_control_engine::clock::Clock;
use serde_json::{Value, json};

use super::markdown::Page;
use crate::answer::{Answer, MAX_BYTES, code_name, fit};
use crate::parameters::{Arguments, Kind, Parameter};

/// Asks for values instead of a page.
pub(super) const JSON: &str = "json";

/// How an answer is written.
pub(super) const FORMAT: Parameter = Parameter::optional(
    "format",
    Kind::Choice(&["markdown", JSON]),
    "A page (the default), or an envelope of JSON.",
);

/// What a tool of the delegator has to say.
pub(super) struct Said {
    /// As values.
    pub(super) data: Value,
    /// For a person; made of the values if none.
    pub(super) page: Option<String>,
    /// The place in the queue, from 1, of what waits there.
    pub(super) queue_position: Option<u32>,
}

impl From<Value> for Said {
    fn from(data: Value) -> Self {
        Self {
            data,
            page: None,
            queue_position: None,
        }
    }
}

/// Answers in the form the call asks for.
pub(super) fn answer(
    arguments: &Arguments,
    tool: &str,
    category: &str,
    said: Result<impl Into<Said>, TaskError>,
) -> Result<Answer, TaskError> {
    let is_json = arguments.text(FORMAT.name) == Some(JSON);
    match said.map(Into::into) {
        Ok(said) if is_json => {
            let head = head(tool, category, "ok", said.queue_position);
            Ok(Answer::done(closed(head, "data", said.data)))
        }
        Ok(said) => {
            let page = said.page.unwrap_or_else(|| page(tool, &said.data));
            Ok(Answer::Text(shorten_middle(&page, MAX_BYTES)))
        }
        Err(error) if is_json => Ok(refusal(tool, category, &error, arguments.age())),
        Err(error) => Err(error),
    }
}

/// Answers an error in the form of old.
pub(super) fn refusal(tool: &str, category: &str, error: &TaskError, took: Duration) -> Answer {
    let body = json!({
        "code": older_code(error.code),
        "message": error.message,
        "details": {
            "code": code_name(error.code),
            "hint": error.hint,
            "stderr_tail": error.stderr_tail,
        },
        "retryable": error.retryable,
        "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    Answer::Refused(closed(head(tool, category, "error", None), "error", body))
}

fn head(tool: &str, category: &str, status: &str, queue_position: Option<u32>) -> Value {
    json!({
        "version": "3.6",
        "schema_id": format!("codex/v3.6/{category}/v1"),
        "tool": tool,
        "tool_category": category,
        "request_id": uuid(),
        "ts": Clock::start().now().wall,
        "status": status,
        // When a place becomes free is not known before it does.
        "meta": {
            "queue_position": queue_position,
            "estimated_start_ms": null,
            "deprecated_alias": true,
        },
    })
}

/// Puts `body` into the envelope, shortened where it has to be.
fn closed(mut envelope: Value, key: &str, body: Value) -> Value {
    let mut body = fit(body, MAX_BYTES - 1024);
    let has_cut_output = body
        .get("truncated")
        .and_then(Value::as_object)
        .is_some_and(|cuts| cuts.keys().any(|path| path.starts_with("output.")));
    if let Some(output) = body.get_mut("output").and_then(Value::as_object_mut)
        && has_cut_output
    {
        output.insert("truncated".to_owned(), true.into());
    }
    if let Some(fields) = envelope.as_object_mut() {
        fields.insert(key.to_owned(), body);
    }
    envelope
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

/// Returns `data` as a page.
fn page(tool: &str, data: &Value) -> String {
    match data.as_object() {
        Some(data) => Page::of(tool, data).finish(),
        None => Page::new(tool).finish(),
    }
}

#[cfg(test)]
mod tests {
    use crate::answer::fault;

    use super::*;

    #[test]
    fn an_error_has_every_field_of_old() {
        let mut error = fault(ErrorCode::NotFound, "No task 12.");
        error.hint = Some("Look.".to_owned());

        let answer = refusal("_t", "result_set", &error, Duration::from_millis(7));

        let Answer::Refused(envelope) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(envelope["schema_id"], "codex/v3.6/result_set/v1");
        assert_eq!(
            envelope["error"],
            json!({
                "code": "NOT_FOUND",
                "message": "No task 12.",
                "details": { "code": "NOT_FOUND", "hint": "Look.", "stderr_tail": null },
                "retryable": false,
                "duration_ms": 7,
            })
        );
    }

    #[test]
    fn output_that_was_cut_to_fit_says_so() {
        let quotes = "\"".repeat(MAX_BYTES);
        let body = json!({ "output": { "stdout": quotes, "truncated": false } });

        let envelope = closed(json!({}), "data", body);

        assert_eq!(envelope["data"]["output"]["truncated"], true);
        assert!(envelope.to_string().len() < MAX_BYTES);
    }

    #[test]
    fn every_request_has_an_id_of_its_own() {
        let (one, other) = (uuid(), uuid());

        assert_ne!(one, other);
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'));
    }
}
