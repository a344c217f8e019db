//! `codex_apply`: looking at what a task changed elsewhere, and bringing it into a folder.

use mission_control_core::task::failure::{ErrorCode, FailureReason, TaskError};
use mission_control_core::task::model::Task;
use mission_control_core::task::patch::{files_in, size_of};
use mission_control_engine::task::cloud::{self, CloudApplyError};
use mission_control_engine::task::worktree::{self, Application, ApplyError};
use serde_json::{Value, json};

use super::tasks::TASK_ID;
use super::{Call, Effect, Reply, ToolSpec};
use crate::answer::{Answer, fault, internal};
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
                "diff": { "type": "string", "description": "The difference, as git writes it." },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["task_id", "action", "is_done"]
        })
    },
    effect: Effect::Destroys,
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
    let folder = turn
        .context
        .absolute(arguments.text("cwd").unwrap_or(&task.cwd));
    let attempt = arguments
        .number("attempt")
        .and_then(|n| u32::try_from(n).ok());
    let diff = if task.cloud.is_some() {
        cloud::apply(turn.context, &task, &folder, attempt, application, turn.now)
            .map_err(|error| refused_by_cloud(&task, &error))?
    } else {
        let base = task.git.as_ref().and_then(|git| git.base.clone());
        let base = base.unwrap_or_else(|| "HEAD".to_owned());
        let id = &task.task_id;
        let patch = worktree::apply(turn.context, id, &folder, &base, application)
            .map_err(|error| refused(&task, &error))?;
        String::from_utf8_lossy(&patch).into_owned()
    };
    turn.see(&task);
    let files: Vec<Value> = files_in(&diff)
        .into_iter()
        .map(|(path, kind)| json!({ "path": path, "kind": kind }))
        .collect();
    Ok(Answer::done(json!({
        "task_id": task.task_id,
        "action": action,
        "is_done": application != Application::Preview,
        "folder": folder,
        "files": files,
        "diffstat": size_of(&diff),
        "diff": diff,
    })))
}

fn refused(task: &Task, error: &ApplyError) -> TaskError {
    match error {
        ApplyError::NoCheckout(id) => {
            let mut error = fault(
                ErrorCode::NotFound,
                format!(
                    "Task {id} has no checkout of its own: what it changed lies in `{}`, or was applied or discarded before.",
                    task.cwd
                ),
            );
            error.hint = Some(format!(
                "The resource codex://task/{id}/diff shows what it changed."
            ));
            error
        }
        ApplyError::NoChanges => fault(
            ErrorCode::Conflict,
            "Nothing was changed, so there is nothing to apply.",
        ),
        ApplyError::Git(cause) => {
            let message = cause.to_string();
            TaskError::of(&FailureReason::ApplyConflict { message }, None)
        }
    }
}

fn refused_by_cloud(task: &Task, error: &CloudApplyError) -> TaskError {
    match error {
        CloudApplyError::Refused(reason) => TaskError::of(reason, None),
        CloudApplyError::NotThere => fault(
            ErrorCode::NotFound,
            format!("Task {} never reached Codex Cloud.", task.task_id),
        ),
        CloudApplyError::NothingToDiscard => {
            let mut error = fault(ErrorCode::Unsupported, internal(error).message);
            error.hint = Some("What is not applied changes nothing here.".to_owned());
            error
        }
    }
}
