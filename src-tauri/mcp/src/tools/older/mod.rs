//! Older tool families under their own names: always callable, listed only when asked for.

mod connector;
mod delegator;
mod envelope;

use std::time::Duration;

use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::{Task, TaskId};
use serde_json::{Map, Value};

use super::run::{hand_in, request};
use super::{Call, ToolSpec};
use crate::task::waiting::{Until, wait};

/// All of them, in the order they are listed.
pub(super) const OLDER: &[&ToolSpec] = &[
    &delegator::CLEANUP,
    &delegator::CANCEL,
    &delegator::EXEC,
    &delegator::RESULTS,
    &delegator::RESUME,
    &delegator::RUN,
    &delegator::STATUS,
    &delegator::WAIT,
    &connector::AGENT,
];

/// Hands a task in and returns how it stands after at most `limit`.
async fn start(
    call: &Call,
    fields: Map<String, Value>,
    limit: Duration,
) -> Result<Task, TaskError> {
    let request = request(fields)?;
    let submitted = hand_in(&call.desk, move |_| Ok(request)).await?;
    await_end(call, submitted.task.task_id, limit).await
}

/// Returns how a task stands when it ended, or after at most `limit`; a shown end has been seen.
async fn await_end(call: &Call, id: TaskId, limit: Duration) -> Result<Task, TaskError> {
    let ids = [id.clone()];
    wait(&call.desk, &call.context, &ids, Until::All, limit).await?;
    call.desk
        .turn(move |turn| {
            let task = turn.task(&id)?;
            turn.see(&task);
            Ok(task)
        })
        .await
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
