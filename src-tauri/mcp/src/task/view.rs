//! A task as an answer: the public contract, with links and next steps a client can follow.

use std::time::Duration;

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::{Outcome, Task, TaskStatus};
use mission_control_core::task::words::duration_words;
use mission_control_core::text::{one_line, shorten};
use rmcp::model::Resource;
use serde_json::{Value, json};

use super::uri::{Part, resource, uri};
use crate::answer::{fault, internal};

/// Longest message about a task's state, in characters; clients show no more.
const STATUS_CHARS: usize = 200;

/// How much of the commands is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commands {
    /// What was run and how it ended.
    Outcomes,
    /// Their output, too.
    Output,
}

/// Returns everything about a task.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn whole(task: &Task, commands: Commands) -> Result<Value, TaskError> {
    let mut value = serde_json::to_value(task).map_err(|error| internal(&error))?;
    let Some(fields) = value.as_object_mut() else {
        return Err(fault(ErrorCode::Internal, "A task is no object."));
    };
    if commands == Commands::Outcomes
        && let Some(commands) = fields.get_mut("commands").and_then(Value::as_array_mut)
    {
        for command in commands.iter_mut().filter_map(Value::as_object_mut) {
            command.remove("output");
        }
    }
    let has_changes = task.status.is_terminal() && !task.files.is_empty();
    let links: Vec<Value> = Part::ALL
        .iter()
        .filter(|part| **part != Part::Diff || has_changes)
        .map(|part| json!({ "rel": part.as_str(), "target": uri(&task.task_id, *part) }))
        .collect();
    let page = task.cloud.as_ref().and_then(|place| place.url.as_ref());
    let page = page.map(|url| json!({ "rel": "page", "target": url }));
    let links: Vec<Value> = links.into_iter().chain(page).collect();
    fields.insert("links".to_owned(), links.into());
    fields.insert("next".to_owned(), next(task).into());
    Ok(value)
}

/// Returns what tells one task from another.
pub(crate) fn brief(task: &Task) -> Value {
    json!({
        "task_id": task.task_id,
        "title": task.title,
        "status": task.status,
        "outcome": task.outcome,
        "summary": one_line(&task.summary, 300),
        "cwd": task.cwd,
        "sandbox": task.sandbox,
        "thread_id": task.thread_id,
        "group_id": task.group_id,
        "cloud": task.cloud,
        "queue_position": task.queue_position,
        "need": task.need,
        "created_at": task.created_at,
        "ended_at": task.ended_at,
        "elapsed_ms": task.elapsed_ms,
    })
}

/// Returns the links that go with an ended task's result.
pub(crate) fn links(task: &Task) -> Vec<Resource> {
    if !task.status.is_terminal() {
        return Vec::new();
    }
    [Part::Result, Part::Log]
        .into_iter()
        .map(|part| resource(&task.task_id, &task.title, part))
        .collect()
}

/// Returns one line about how a task stands. It changes only when the store does: at every tenth
/// event, every 30 s and at each transition.
pub(crate) fn status_message(task: &Task) -> String {
    let mut parts = vec![match task.status {
        TaskStatus::Queued => match task.queue_position {
            Some(position) => format!("queued, number {position}"),
            None => "queued".to_owned(),
        },
        TaskStatus::Running => {
            let half_minutes = task.elapsed_ms / 30_000;
            match half_minutes {
                0 => "running".to_owned(),
                n => format!("running {}", duration_words(Duration::from_secs(30 * n))),
            }
        }
        TaskStatus::InputRequired => "needs you".to_owned(),
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => {
            let running = duration_words(Duration::from_millis(task.elapsed_ms));
            format!("{} after {running}", task.status.as_str().replace('_', " "))
        }
    }];
    if task.progress.total > 0 {
        parts.push(format!(
            "{}/{} steps",
            task.progress.done, task.progress.total
        ));
    }
    if !task.summary.is_empty() {
        parts.push(one_line(&task.summary, STATUS_CHARS));
    }
    shorten(&parts.join(" · "), STATUS_CHARS)
}

/// Returns why an ended task is no success; none if it is one, or if it has not ended.
pub(crate) fn complaint(task: &Task) -> Option<TaskError> {
    let code = match task.status {
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired => return None,
        TaskStatus::Completed => match (task.outcome, &task.error) {
            (Some(Outcome::Failed), Some(error)) => return Some(error.clone()),
            (Some(Outcome::Failed), None) => ErrorCode::TurnFailed,
            (
                Some(Outcome::Succeeded | Outcome::NoChanges | Outcome::Partial | Outcome::Unknown)
                | None,
                _,
            ) => return None,
        },
        TaskStatus::Failed => ErrorCode::TurnFailed,
        TaskStatus::Cancelled => ErrorCode::Cancelled,
        TaskStatus::TimedOut => ErrorCode::TimeoutHard,
        TaskStatus::Interrupted => ErrorCode::Interrupted,
    };
    let error = task.error.clone();
    Some(error.unwrap_or_else(|| fault(code, task.summary.clone())))
}

/// Returns how the person answers what a task waits for.
pub(crate) fn how_to_answer(task: &Task) -> String {
    let id = &task.task_id;
    let command = match &task.need {
        Some(need) => format!(
            ", or by `mission-control answer {id} {} accept` (or `decline`) in a terminal",
            need.request_id
        ),
        None => String::new(),
    };
    format!(
        "Tell the person that it waits: they answer in Mission Control{command}. It is theirs to decide."
    )
}

/// Returns what a client can do next.
fn next(task: &Task) -> Vec<String> {
    let id = &task.task_id;
    let is_applicable = task.status.is_terminal()
        && !task.files.is_empty()
        && (task.cloud.is_some() || task.git.as_ref().is_some_and(|git| git.worktree.is_some()));
    let apply = is_applicable.then(|| {
        format!("codex_apply with task_id \"{id}\" shows what it changed, and applies it.")
    });
    further(task).into_iter().chain(apply).collect()
}

fn further(task: &Task) -> Vec<String> {
    let id = &task.task_id;
    match task.status {
        TaskStatus::Queued | TaskStatus::Running => vec![
            format!("codex_wait with task_ids [\"{id}\"] returns when it ends."),
            format!("In a background shell `mission-control wait {id}` ends when it ends."),
        ],
        TaskStatus::InputRequired => vec![
            how_to_answer(task),
            format!("Then codex_wait with task_ids [\"{id}\"] returns when it ends."),
        ],
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted
            if task.thread_id.is_some() =>
        {
            vec![format!(
                "codex_reply with task_id \"{id}\" goes on with its thread."
            )]
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => Vec::new(),
    }
}

/// Returns the JSON Schema of a task, with `further` properties.
pub(crate) fn output(further: &Value) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "task_id": { "type": "string", "description": "Names the task in every call." },
            "status": {
                "type": "string",
                "enum": [
                    "queued", "running", "input_required", "completed", "failed", "cancelled",
                    "timed_out", "interrupted"
                ]
            },
            "outcome": {
                "type": ["string", "null"], "description": "succeeded, no_changes, partial, failed or unknown; null until it ended."
            },
            "title": { "type": "string" },
            "summary": { "type": "string", "description": "One or two sentences." },
            "final_message": { "type": ["string", "null"], "description": "The agent's last message." },
            "thread_id": { "type": ["string", "null"], "description": "The Codex thread, for codex_reply." },
            "cwd": { "type": "string" },
            "cloud": { "type": ["object", "null"], "description": "Where it runs, if in Codex Cloud: id, url, environment, branch, state." },
            "files": { "type": "array", "items": { "type": "object" }, "description": "Changed files, and who says so." },
            "commands": { "type": "array", "items": { "type": "object" }, "description": "Commands and their exit codes." },
            "tests": { "type": "array", "items": { "type": "object" }, "description": "Test runs found in their output." },
            "usage": { "type": ["object", "null"], "description": "Tokens used." },
            "git": { "type": ["object", "null"], "description": "Commits, branch, worktree, size of the change." },
            "progress": { "type": "object", "description": "Steps of its own plan, if it has one." },
            "need": { "type": ["object", "null"], "description": "What it waits for, if it waits for a person." },
            "error": { "type": ["object", "null"], "description": "Why it did not succeed: code, message, retryable, hint." },
            "warnings": { "type": "array", "items": { "type": "string" } },
            "elapsed_ms": { "type": "integer" },
            "links": { "type": "array", "items": { "type": "object" }, "description": "Resources with more." },
            "next": { "type": "array", "items": { "type": "string" } },
            "truncated": { "type": "object", "description": "What was shortened, by field." }
        },
        "required": ["task_id", "status"]
    });
    if let (Some(properties), Some(further)) = (
        schema.get_mut("properties").and_then(Value::as_object_mut),
        further.as_object(),
    ) {
        properties.extend(further.clone());
    }
    schema
}
