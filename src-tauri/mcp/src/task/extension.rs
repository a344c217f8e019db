//! A delegated task as a task of the protocol (`io.modelcontextprotocol/tasks`).
//!
//! Everything is read from the store, so any process can answer for any task.

use mission_control_core::session::Need;
use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_engine::task::act::Answer as Decision;
use rmcp::model::{
    CallToolResponse, CreateTaskResult, DetailedTask, GetTaskResult, InputRequest, InputRequests,
    Task as ProtocolTask, TaskPayload, TaskStatus as ProtocolStatus,
};
use serde_json::{Value, json};

use super::view::{Commands, complaint, links, status_message, whole};
use crate::answer::{Answer, internal, response};

/// When clients look again, in milliseconds.
const POLL_MS: u64 = 2000;

/// Whether a client can put a question to its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// It can show a form.
    Forms,
    /// It cannot; the person answers in Mission Control.
    Nothing,
}

/// Returns the answer that makes a call a task.
pub(crate) fn created(task: &Task) -> CreateTaskResult {
    CreateTaskResult::new(outside(task, ProtocolStatus::Working))
}

/// Returns how a task stands.
///
/// # Errors
/// When its result cannot be written as JSON.
pub(crate) fn state(task: &Task, asking: Asking) -> Result<GetTaskResult, TaskError> {
    let payload = match task.status {
        TaskStatus::Queued | TaskStatus::Running => TaskPayload::Working,
        TaskStatus::InputRequired => match (&task.need, asking) {
            (Some(need), Asking::Forms) => TaskPayload::InputRequired {
                input_requests: question(need)?,
            },
            (Some(_) | None, _) => TaskPayload::Working,
        },
        TaskStatus::Cancelled => TaskPayload::Cancelled,
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => TaskPayload::Completed {
            result: result(task)?,
        },
    };
    let outside = outside(task, payload.status());
    Ok(GetTaskResult::new(DetailedTask::new(outside, payload)))
}

/// Reads what a person answered to [`state`]'s question; none if they gave no opinion.
pub(crate) fn decision(answer: &Value) -> Option<Decision> {
    match answer.get("action").and_then(Value::as_str)? {
        "accept" => {
            let consents = answer.pointer("/content/consent").and_then(Value::as_bool);
            Some(if consents == Some(true) {
                Decision::Accept
            } else {
                Decision::Decline
            })
        }
        "decline" => Some(Decision::Decline),
        _ => None,
    }
}

/// Returns an ended task as a tool's answer.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn answer(task: &Task) -> Result<Answer, TaskError> {
    let value = whole(task, Commands::Outcomes)?;
    Ok(match complaint(task) {
        Some(error) => Answer::Bad {
            error: Box::new(error),
            value,
        },
        None => Answer::Done {
            value,
            links: links(task),
        },
    })
}

fn result(task: &Task) -> Result<rmcp::model::JsonObject, TaskError> {
    let CallToolResponse::Complete(result) = response(answer(task)) else {
        return Ok(rmcp::model::JsonObject::new());
    };
    match serde_json::to_value(result) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Ok(rmcp::model::JsonObject::new()),
        Err(error) => Err(internal(&error)),
    }
}

fn outside(task: &Task, status: ProtocolStatus) -> ProtocolTask {
    let created = task.created_at.to_string();
    // Without a time to live it stays as long as the store keeps it.
    ProtocolTask::new(
        task.task_id.as_str(),
        status,
        created,
        task.updated_at.to_string(),
    )
    .with_status_message(status_message(task))
    .with_poll_interval_ms(POLL_MS)
}

/// Asks for consent in a form with one box to tick.
fn question(need: &Need) -> Result<InputRequests, TaskError> {
    let request: InputRequest = serde_json::from_value(json!({
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": need.summary,
            "requestedSchema": {
                "type": "object",
                "properties": {
                    "consent": {
                        "type": "boolean",
                        "title": "Allow it",
                        "description": "It applies to this task only.",
                        "default": false
                    }
                },
                "required": ["consent"]
            }
        }
    }))
    .map_err(|error| internal(&error))?;
    Ok(InputRequests::from([(need.request_id.clone(), request)]))
}
