//! `codex_cancel` and `codex_cleanup`: ending tasks and removing what nobody needs.

use std::time::Duration;

use mission_control_core::task::failure::{CancelledBy, ErrorCode, TaskError};
use mission_control_core::task::model::{TaskId, TaskStatus};
use mission_control_engine::task::act::{Cancelling, NO_CANCEL, cancel};
use mission_control_engine::task::cleanup::{Removal, clean_up};
use serde_json::json;

use super::older::connector;
use super::tasks::TASK_ID;
use super::{Call, Effect, Reply, ToolSpec};
use crate::answer::{Answer, fault, internal};
use crate::desk::{Turn, unusable};
use crate::parameters::{Kind, Parameter};
use crate::task::view::{Commands, output, whole};
use crate::task::waiting::{Until, wait};

/// How long the end of a cancelled task is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const CANCEL: ToolSpec = ToolSpec {
    name: "codex_cancel",
    title: "End a task",
    description: "Ends a delegated task with everything it started, and returns when it has \
        ended: `status` says what really happened. What it did until then stays. A task that had \
        ended before stays as it was.",
    parameters: &[TASK_ID],
    output: || {
        output(&json!({
            "is_cancelled": { "type": "boolean", "description": "Whether this ended it." }
        }))
    },
    effect: Effect::Destroys,
    meta: &[],
    run: |call| -> Reply { Box::pin(end(call)) },
};

pub(super) const CLEANUP: ToolSpec = ToolSpec {
    name: "codex_cleanup",
    title: "Remove old tasks",
    description: "Finds delegated tasks that ended long ago and whose result was seen, and \
        removes them with their files if `dry_run` is false. Never a task that runs, never a \
        result nobody saw, nothing in your project.",
    parameters: &[
        Parameter::optional(
            "dry_run",
            Kind::Flag,
            "Only show what would be removed; true if not given.",
        ),
        Parameter::optional(
            "days",
            Kind::Integer(0, 36_500),
            "Ended before so many days; the settings decide if not given.",
        ),
    ],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "is_applied": { "type": "boolean", "description": "Whether it was done." },
                "found": { "type": "array", "items": { "type": "object" }, "description": "What was found, and why it may go." },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["is_applied", "found"]
        })
    },
    effect: Effect::Destroys,
    meta: &[],
    run: |call| -> Reply { Box::pin(clean(call)) },
};

async fn end(call: Call) -> Result<Answer, TaskError> {
    let text = call
        .arguments
        .text("task_id")
        .unwrap_or_default()
        .to_owned();
    let info = call.context.client_info();
    let name = info.map_or_else(|| "an MCP client".to_owned(), |info| info.name);
    let (id, asked) = call
        .desk
        .turn(move |turn| {
            let id = turn.find(&text)?;
            let asked = cancelled(turn, &id, CancelledBy::Client { name })?;
            Ok((id, asked))
        })
        .await?;
    let ids = [id];
    let (tasks, _) = wait(&call.desk, &call.context, &ids, Until::Over, PATIENCE).await?;
    let Some(task) = tasks.into_iter().next() else {
        return Err(fault(ErrorCode::Internal, "The task is gone."));
    };
    let is_cancelled = asked == Cancelling::Asked && task.status == TaskStatus::Cancelled;
    let seen = task.clone();
    call.desk
        .turn(move |turn| {
            turn.see(&seen);
            Ok(())
        })
        .await?;
    if connector::is_spoken(&call.arguments) {
        return connector::cancelled(&call, &task, is_cancelled).await;
    }
    let mut value = whole(&task, Commands::Outcomes)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("is_cancelled".to_owned(), is_cancelled.into());
    }
    Ok(Answer::done(value))
}

/// Asks for a task to end.
///
/// # Errors
/// When it runs where nobody can end it from here, or when that cannot be recorded.
pub(crate) fn cancelled(
    turn: &Turn<'_>,
    id: &TaskId,
    by: CancelledBy,
) -> Result<Cancelling, TaskError> {
    let asked = cancel(turn.context, turn.store, id, &by).map_err(|error| unusable(&error))?;
    match asked {
        Cancelling::Unsupported { page } => {
            let mut error = fault(ErrorCode::Unsupported, NO_CANCEL);
            error.hint = page.map(|page| format!("Its page may allow it: {page}"));
            Err(error)
        }
        Cancelling::Asked | Cancelling::HadEnded => Ok(asked),
    }
}

async fn clean(call: Call) -> Result<Answer, TaskError> {
    let removal = match call.arguments.flag("dry_run") {
        Some(false) => Removal::Apply,
        Some(true) | None => Removal::Show,
    };
    let days = call.arguments.number("days");
    call.desk
        .turn(move |turn| {
            let days = days.and_then(|days| u32::try_from(days).ok());
            let days = days.unwrap_or(turn.context.settings.keep_days);
            let found = clean_up(turn.context, turn.store, days, removal, turn.now)
                .map_err(|error| internal(&error))?;
            Ok(Answer::done(json!({
                "is_applied": removal == Removal::Apply,
                "found": found,
            })))
        })
        .await
}
