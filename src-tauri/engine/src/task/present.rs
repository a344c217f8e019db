//! What changes about a task by itself: its place in the queue and how long it has been running.

use jiff::Timestamp;
use mission_control_core::task::model::{Task, TaskStatus};

use super::queue::position;
use crate::store::Store;

/// Fills in what is true of a task only at the moment it is shown.
pub fn present(store: &Store, task: &mut Task, now: Timestamp) {
    if task.status == TaskStatus::Queued {
        match store.open_tasks() {
            Ok(open) => task.queue_position = position(&open, &task.task_id),
            Err(error) => tracing::warn!(%error, "The queue cannot be looked at."),
        }
    }
    if let (TaskStatus::Running, Some(started_at)) = (task.status, task.started_at) {
        let elapsed = now.duration_since(started_at).as_millis();
        task.elapsed_ms = u64::try_from(elapsed).unwrap_or(0);
    }
}
