//! Older tool families under their own names: always callable, listed only when asked for.

mod cloud;
pub(super) mod connector;
mod delegator;
mod diagnosis;
mod envelope;
mod markdown;
mod reason;
mod result;
mod snapshot;
#[cfg(test)]
mod testing;

use std::time::Duration;

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::{Task, TaskId};
use mission_control_engine::task::folder::TaskFolder;
use serde_json::{Map, Value};

use super::run::{hand_in, request};
use super::{Call, ToolSpec};
use crate::answer::{Answer, fault};
use crate::task::waiting::{Ended, Until, wait};

/// All of them, in the order they are listed.
pub(super) const OLDER: &[&ToolSpec] = &[
    &delegator::CLEANUP,
    &cloud::CANCEL,
    &cloud::SETUP,
    &cloud::ENVIRONMENTS,
    &cloud::RESULTS,
    &cloud::STATUS,
    &cloud::SUBMIT,
    &cloud::WAIT,
    &delegator::CANCEL,
    &delegator::EXEC,
    &delegator::RESULTS,
    &delegator::RESUME,
    &delegator::RUN,
    &delegator::STATUS,
    &delegator::WAIT,
    &connector::AGENT,
];

/// Names the form of an answer in a call of the delegator's tools.
pub(super) const FORMAT_NAME: &str = envelope::FORMAT.name;

/// Answers a call whose arguments cannot be read in the form it asks for.
pub(super) fn refused(
    tool: &str,
    format: Option<&Value>,
    error: TaskError,
) -> Result<Answer, TaskError> {
    let format = format.and_then(Value::as_str);
    let is_json = format.is_some_and(|format| format.eq_ignore_ascii_case(envelope::JSON));
    match delegator::category(tool).or_else(|| cloud::category(tool)) {
        Some(category) if is_json => Ok(envelope::refusal(tool, category, &error, Duration::ZERO)),
        Some(_) | None => Err(error),
    }
}

/// How a task stands after it was waited for.
struct Awaited {
    task: Task,
    ended: Ended,
}

/// Hands a task in and returns how it stands after at most `limit`.
async fn start(
    call: &Call,
    fields: Map<String, Value>,
    limit: Duration,
) -> Result<Awaited, TaskError> {
    let request = request(fields)?;
    let submitted = hand_in(&call.desk, move |_| Ok(request)).await?;
    await_end(call, submitted.task.task_id, limit).await
}

/// Returns how a task stands when it ended or needs somebody, or after at most `limit`; an end
/// that is shown has been seen.
async fn await_end(call: &Call, id: TaskId, limit: Duration) -> Result<Awaited, TaskError> {
    let ids = [id.clone()];
    let (tasks, ended) = wait(&call.desk, &call.context, &ids, Until::Held, limit).await?;
    let Some(task) = tasks.into_iter().next() else {
        return Err(fault(
            ErrorCode::Internal,
            format!("Task {id} was waited for and is gone."),
        ));
    };
    if ended == Ended::Given {
        return Ok(Awaited { task, ended });
    }
    call.desk
        .turn(move |turn| {
            turn.see(&task);
            Ok(Awaited { task, ended })
        })
        .await
}

/// Returns what a client reads when a task's files cannot be looked at.
fn unreadable(folder: &TaskFolder, error: &std::io::Error) -> TaskError {
    let message = format!("The task's files cannot be read: {error}.");
    let mut fault = fault(ErrorCode::Internal, message);
    fault.hint = Some(format!("Make `{}` readable.", folder.path()));
    fault
}

/// Says an error in the names of the tool that was called: ours, beside its own.
fn in_older_names(mut error: TaskError, names: &[(&str, &str)]) -> TaskError {
    if let Some(hint) = &mut error.hint {
        for (ours, theirs) in names {
            *hint = hint.replace(ours, theirs);
        }
    }
    error
}

/// Returns the task a call names.
async fn named(call: &Call, parameter: &str) -> Result<TaskId, TaskError> {
    let text = call
        .arguments
        .text(parameter)
        .unwrap_or_default()
        .to_owned();
    call.desk.turn(move |turn| turn.find(&text)).await
}
