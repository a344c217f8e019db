//! Tasks that run in the cloud, beside what every task has: who they are there, and when somebody
//! asked about them.

use jiff::Timestamp;
use mission_control_core::task::model::{Task, TaskId};
use rusqlite::{Row, Transaction, params};

use super::tasks::TERMINAL;
use super::{CLOUD_SCHEMA, NEEDS_SCHEMA, Store, StoreError};

/// What the store knows of a task that runs in the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudRow {
    /// Our id.
    pub task_id: TaskId,
    /// The vendor's id; none until it took the task.
    pub cloud_id: Option<String>,
    /// When somebody asked about it last, as it is kept.
    pub asked_at: String,
    /// How often in a row the vendor did not answer.
    pub n_failures: u32,
}

impl Store {
    /// Remembers that a task runs in the cloud, within the transaction that records it.
    pub(super) fn add_cloud_row(
        &self,
        transaction: &Transaction<'_>,
        task: &Task,
    ) -> Result<(), StoreError> {
        transaction
            .execute(
                "INSERT INTO cloud_tasks (task_id, asked_at) VALUES (?1, ?2)",
                params![task.task_id.as_str(), task.created_at.to_string()],
            )
            .and_then(|_| {
                transaction.execute(
                    "INSERT INTO meta (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value
                     WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
                    params![NEEDS_SCHEMA, CLOUD_SCHEMA.to_string()],
                )
            })
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Removes a task that the cloud refused.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_unborn(&self, id: &TaskId) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        for sql in [
            "DELETE FROM cloud_tasks WHERE task_id = ?1 AND cloud_id IS NULL",
            "DELETE FROM task_events WHERE task_id = ?1
             AND NOT EXISTS (SELECT 1 FROM cloud_tasks WHERE task_id = ?1)",
            "DELETE FROM tasks WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM cloud_tasks WHERE task_id = ?1)",
        ] {
            transaction
                .execute(sql, [id.as_str()])
                .map_err(|error| self.explain(error))?;
        }
        self.commit(transaction)
    }

    /// Returns the tasks in the cloud that have not ended, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open_cloud_tasks(&self) -> Result<Vec<CloudRow>, StoreError> {
        let sql = format!(
            "SELECT task_id, cloud_id, asked_at, n_failures FROM cloud_tasks
             JOIN tasks ON tasks.id = task_id WHERE status NOT IN {TERMINAL} ORDER BY seq"
        );
        Ok(self.rows(&sql, [], read)?.into_iter().flatten().collect())
    }

    /// Returns what is known of one task in the cloud; none if it runs elsewhere.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn cloud_task(&self, id: &TaskId) -> Result<Option<CloudRow>, StoreError> {
        let sql = "SELECT task_id, cloud_id, asked_at, n_failures FROM cloud_tasks
                   WHERE task_id = ?1";
        Ok(self
            .rows(sql, [id.as_str()], read)?
            .into_iter()
            .flatten()
            .next())
    }

    /// Records the vendor's id of a task.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn record_cloud_id(&self, id: &TaskId, cloud_id: &str) -> Result<(), StoreError> {
        self.execute(
            "UPDATE cloud_tasks SET cloud_id = ?2 WHERE task_id = ?1",
            params![id.as_str(), cloud_id],
        )?;
        Ok(())
    }

    /// Claims to ask about tasks, all at once, and returns those that nobody claimed since `rows`
    /// were read.
    ///
    /// # Errors
    /// When the claims cannot be recorded; then there are none.
    pub fn claim_cloud_questions(
        &self,
        rows: Vec<CloudRow>,
        now: Timestamp,
    ) -> Result<Vec<CloudRow>, StoreError> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let transaction = self.begin()?;
        let mut claimed = Vec::new();
        for row in rows {
            let n = self.execute(
                "UPDATE cloud_tasks SET asked_at = ?3 WHERE task_id = ?1 AND asked_at = ?2",
                params![row.task_id.as_str(), row.asked_at, now.to_string()],
            )?;
            if n == 1 {
                claimed.push(row);
            }
        }
        self.commit(transaction)?;
        Ok(claimed)
    }

    /// Gives a claim back: somebody may ask at once.
    ///
    /// # Errors
    /// When that cannot be recorded.
    pub fn release_cloud_question(
        &self,
        row: &CloudRow,
        claimed_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE cloud_tasks SET asked_at = ?2 WHERE task_id = ?1 AND asked_at = ?3",
            params![row.task_id.as_str(), row.asked_at, claimed_at.to_string()],
        )?;
        Ok(())
    }

    /// Records how often in a row the vendor did not answer about a task.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn count_cloud_failures(&self, id: &TaskId, n: u32) -> Result<(), StoreError> {
        self.execute(
            "UPDATE cloud_tasks SET n_failures = ?2 WHERE task_id = ?1 AND n_failures != ?2",
            params![id.as_str(), n],
        )?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<CloudRow>> {
    let id: String = row.get(0)?;
    let Some(task_id) = TaskId::parse(&id) else {
        return Ok(None);
    };
    Ok(Some(CloudRow {
        task_id,
        cloud_id: row.get(1)?,
        asked_at: row.get(2)?,
        n_failures: row.get(3)?,
    }))
}
