//! Waiting for tasks on behalf of a client: bounded, and over as soon as there is something to say.

use std::sync::Arc;
use std::time::Duration;

use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use rmcp::RoleServer;
use rmcp::service::RequestContext;
use tokio::time::{Instant, sleep_until};

use super::progress::Progress;
use super::view::status_message;
use crate::desk::Desk;

/// Until which of several tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The first one that ends.
    Any,
    /// All of them.
    All,
    /// All of them, or one that needs somebody, told or not.
    Held,
    /// All of them, whatever they ask for meanwhile.
    Over,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The tasks did, or one of them needs somebody.
    Tasks,
    /// The time was up.
    TimeUp,
    /// Nobody waits any more: the call was cancelled or the client left.
    Given,
}

/// Waits for tasks and returns them as they stand then, and what ended the wait. What one of them
/// needs ends one wait only: whoever was told waits on.
///
/// # Errors
/// When the store cannot be used, or a task was removed.
pub(crate) async fn wait(
    desk: &Arc<Desk>,
    context: &RequestContext<RoleServer>,
    ids: &[TaskId],
    until: Until,
    limit: Duration,
) -> Result<(Vec<Task>, Ended), TaskError> {
    let _awaiting = desk.awaiting(ids);
    // Subscribed to before the first look, so that no change falls between.
    let mut changes = desk.changes().await?;
    let start = Instant::now();
    let mut progress = Progress::of(context, start);
    loop {
        let tasks = read(desk, ids).await?;
        let has_need = tasks.iter().any(|task| desk.has_untold_need(task));
        if is_over(&tasks, until, has_need) {
            desk.tell_needs(&tasks);
            return Ok((tasks, Ended::Tasks));
        }
        let now = Instant::now();
        if now >= start + limit {
            desk.tell_needs(&tasks);
            return Ok((tasks, Ended::TimeUp));
        }
        progress.tell(&message(&tasks), now).await;
        let mut wake_at = start + limit;
        if let Some(due) = progress.due() {
            wake_at = wake_at.min(due.max(now));
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                changes = desk.changes().await?;
            },
            () = sleep_until(wake_at) => {}
            () = context.ct.cancelled() => return Ok((tasks, Ended::Given)),
            () = desk.client_left() => return Ok((tasks, Ended::Given)),
        }
    }
}

/// Returns tasks as they stand.
///
/// # Errors
/// When the store cannot be used, or a task was removed.
pub(crate) async fn read(desk: &Arc<Desk>, ids: &[TaskId]) -> Result<Vec<Task>, TaskError> {
    let ids = ids.to_vec();
    desk.turn(move |turn| ids.iter().map(|id| turn.task(id)).collect())
        .await
}

fn is_over(tasks: &[Task], until: Until, has_need: bool) -> bool {
    let mut ended = tasks.iter().map(|task| task.status.is_terminal());
    match until {
        Until::Any => has_need || ended.any(|ended| ended),
        Until::All => has_need || ended.all(|ended| ended),
        Until::Held => {
            let mut all = tasks.iter();
            ended.all(|ended| ended) || all.any(|task| task.status == TaskStatus::InputRequired)
        }
        Until::Over => ended.all(|ended| ended),
    }
}

fn message(tasks: &[Task]) -> String {
    match tasks {
        [task] => status_message(task),
        tasks => {
            let n_ended = tasks
                .iter()
                .filter(|task| task.status.is_terminal())
                .count();
            let open = tasks.iter().find(|task| !task.status.is_terminal());
            let first = open.map(status_message).unwrap_or_default();
            format!("{n_ended} of {} ended · {first}", tasks.len())
        }
    }
}
