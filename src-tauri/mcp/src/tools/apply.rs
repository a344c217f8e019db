//! `codex_apply`: looking at what a task changed elsewhere, and bringing it into a folder.

use camino::Utf8Path;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::Task;
use mission_control_engine::task::apply::{Application, ApplyError, Wanted, apply as have_applied};
use serde_json::{Value, json};

use super::tasks::TASK_ID;
use super::{Call, Effect, Reply, ToolSpec};
use crate::answer::{Answer, fault};
use crate::desk::Turn;
use crate::parameters::{Arguments, Kind, Parameter};

pub(super) const ATTEMPT: Parameter = Parameter::optional(
    "attempt",
    Kind::Integer(1, 4),
    "Which attempt of a cloud task; the first if not given.",
);

pub(super) const APPLY: ToolSpec = ToolSpec {
    name: "codex_apply",
    title: "Apply what a task changed",
    description: "For a task with a checkout of its own (`isolation` \"worktree\") or in Codex \
        Cloud: shows what it changed (`preview`, the default), brings it into the folder \
        (`apply`), or throws the checkout away (`discard`). Changes that do not fit the folder \
        are refused whole. A task that worked in the folder itself needs none of this.",
    parameters: &[
        TASK_ID,
        Parameter::optional(
            "action",
            Kind::Choice(&["preview", "apply", "discard"]),
            "What to do; `preview` if not given.",
        ),
        Parameter::optional(
            "cwd",
            Kind::Text,
            "The checkout to apply to; the task's own folder if not given.",
        )
        .or(&["working_dir", "working_directory", "folder"]),
        ATTEMPT,
    ],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "task_id": { "type": "string" },
                "action": { "type": "string", "enum": ["preview", "apply", "discard"] },
                "is_done": { "type": "boolean", "description": "Whether anything was changed by this call." },
                "folder": { "type": "string", "description": "Where it was or would be applied." },
                "files": { "type": "array", "items": { "type": "object" }, "description": "Files of the difference." },
                "diffstat": { "type": "object", "description": "Files, insertions, deletions." },
                "diff": { "type": "string", "description": "The difference as git writes it, without secrets; what is applied is whole." },
                "warnings": { "type": "array", "items": { "type": "string" }, "description": "What applying does not bring, and what stays." },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["task_id", "action", "is_done"]
        })
    },
    effect: Effect::Applies,
    meta: &[],
    run: |call| -> Reply { Box::pin(run(call)) },
};

async fn run(call: Call) -> Result<Answer, TaskError> {
    let arguments = call.arguments;
    call.desk.apart(move |turn| apply(turn, &arguments)).await
}

fn apply(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let task = turn.task(&turn.find(arguments.text("task_id").unwrap_or_default())?)?;
    if !task.status.is_terminal() {
        let id = &task.task_id;
        let mut error = fault(ErrorCode::Busy, format!("Task {id} has not ended."));
        error.retryable = true;
        error.hint = Some(format!(
            "codex_wait with task_ids [\"{id}\"] returns when it ends."
        ));
        return Err(error);
    }
    let action = arguments.text("action").unwrap_or("preview");
    let application = match action {
        "apply" => Application::Apply,
        "discard" => Application::Discard,
        _ => Application::Preview,
    };
    let attempt = arguments
        .number("attempt")
        .and_then(|n| u32::try_from(n).ok());
    let wanted = Wanted {
        application,
        folder: arguments.text("cwd").map(Utf8Path::new),
        attempt,
    };
    let applied = have_applied(turn.context, turn.store, &task, wanted, turn.now)
        .map_err(|error| refused(&task, &error))?;
    turn.see(&task);
    let files: Vec<Value> = applied
        .files
        .iter()
        .map(|(path, kind)| json!({ "path": path, "kind": kind }))
        .collect();
    Ok(Answer::done(json!({
        "task_id": task.task_id,
        "action": action,
        "is_done": application != Application::Preview,
        "folder": applied.folder,
        "files": files,
        "diffstat": applied.size,
        "diff": applied.shown,
        "warnings": applied.warnings,
    })))
}

fn refused(task: &Task, error: &ApplyError) -> TaskError {
    let mut said = error.said(task);
    if matches!(error, ApplyError::NoCheckout) {
        let id = &task.task_id;
        said.hint = Some(format!(
            "The resource codex://task/{id}/diff shows what it changed."
        ));
    }
    said
}
