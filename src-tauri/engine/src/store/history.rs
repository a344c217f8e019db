//! What happened to a task, entry by entry.

use jiff::Timestamp;
use mission_control_core::task::model::{Task, TaskId};
use rusqlite::{Transaction, params};

use super::{Store, StoreError};

/// One entry of a task's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEvent {
    /// When.
    pub at: String,
    /// What kind: `queued`, `started`, `input_required`, `warned`, `finished` and the like.
    pub kind: String,
    /// In words.
    pub says: String,
}

impl Store {
    /// Adds an entry to a task's history.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn add_task_event(
        &self,
        id: &TaskId,
        kind: &str,
        says: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO task_events (task_id, at, kind, says) VALUES (?1, ?2, ?3, ?4)",
            params![id.as_str(), now.to_string(), kind, says],
        )?;
        Ok(())
    }

    /// Returns a task's history, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn task_events(&self, id: &TaskId) -> Result<Vec<TaskEvent>, StoreError> {
        self.rows(
            "SELECT at, kind, says FROM task_events WHERE task_id = ?1 ORDER BY seq",
            [id.as_str()],
            |row| {
                Ok(TaskEvent {
                    at: row.get(0)?,
                    kind: row.get(1)?,
                    says: row.get(2)?,
                })
            },
        )
    }

    /// Adds an entry within the transaction that makes it true.
    pub(super) fn add_event(
        &self,
        transaction: &Transaction<'_>,
        task: &Task,
        kind: &str,
        says: &str,
    ) -> Result<(), StoreError> {
        transaction
            .execute(
                "INSERT INTO task_events (task_id, at, kind, says) VALUES (?1, ?2, ?3, ?4)",
                params![
                    task.task_id.as_str(),
                    task.updated_at.to_string(),
                    kind,
                    says
                ],
            )
            .map_err(|error| self.explain(error))?;
        Ok(())
    }
}
