//! Tasks in the database: every transaction keeps one promise of a task's life.
//!
//! A terminal state is written once, with its signal. Nothing is decided here beyond that.

use jiff::Timestamp;
use mission_control_core::task::failure::CancelledBy;
use mission_control_core::task::model::{Outcome, Task, TaskId, TaskStatus};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{Store, StoreError};
use crate::task::cloud::id_in_cloud;
use crate::task::mark::ProcessMark;

/// Terminal states as SQL writes them.
pub(super) const TERMINAL: &str =
    "('completed', 'failed', 'cancelled', 'timed_out', 'interrupted')";

/// A task as it is handed in.
#[derive(Clone, Debug)]
pub struct NewTask<'a> {
    /// How it is shown.
    pub task: &'a Task,
    /// The same key gives the same task.
    pub idempotency_key: Option<&'a str>,
    /// Higher goes first.
    pub priority: i32,
    /// The folder that is one checkout.
    pub tree: &'a str,
    /// The repository the checkout belongs to.
    pub repository: Option<&'a str>,
    /// Whether it may change the checkout.
    pub writes: bool,
    /// Who is told when it ends.
    pub owner: Option<&'a str>,
    /// The thread it goes on with.
    pub thread_id: Option<&'a str>,
    /// Where it runs.
    pub runs: RunsWhere,
}

/// Where a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsWhere {
    /// On this machine, under a supervisor.
    Here,
    /// At the agent's vendor.
    InCloud,
}

/// What became of a task that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandedIn {
    /// It is recorded.
    Recorded,
    /// The key was used before; this is that task.
    Known(Box<Task>),
}

/// What the store knows of a task beside what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// The task without long lists; see [`Store::task_result`].
    pub task: Task,
    /// Its process, if one was started.
    pub child: Option<ProcessMark>,
    /// Who wants it to end.
    pub cancel: Option<CancelledBy>,
    /// What a person answered.
    pub answer: Option<String>,
    /// Whether it holds one of the places for running tasks.
    pub holds_slot: bool,
}

/// A task that has not ended, as the queue sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTask {
    /// Which.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// Higher goes first.
    pub priority: i32,
    /// The folder that is one checkout.
    pub tree: String,
    /// The repository the checkout belongs to.
    pub repository: Option<String>,
    /// Whether it may change the checkout.
    pub writes: bool,
    /// The thread it works on.
    pub thread_id: Option<String>,
    /// Whether it holds one of the places for running tasks.
    pub holds_slot: bool,
}

/// Which tasks are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskFilter<'a> {
    /// Those that have not ended.
    Open,
    /// The latest so many, ended ones included.
    Latest(u32),
    /// Those of a group.
    Group(&'a str),
}

/// A signal to send when a task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSignal {
    /// Names it.
    pub id: String,
    /// To whom.
    pub recipient: String,
    /// What it says, as JSON.
    pub body: String,
}

impl Store {
    /// Records a task, durable when this returns.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn hand_in(&self, new: &NewTask<'_>) -> Result<HandedIn, StoreError> {
        let transaction = self.begin()?;
        if let Some(key) = new.idempotency_key {
            let known = transaction
                .query_row(
                    "SELECT coalesce(result, view) FROM tasks WHERE idempotency_key = ?1",
                    [key],
                    |row| row.get::<_, String>(0),
                )
                .optional()
                .map_err(|error| self.explain(error))?;
            if let Some(json) = known {
                return Ok(HandedIn::Known(Box::new(self.read_json(&json)?)));
            }
        }
        let task = new.task;
        transaction
            .execute(
                "INSERT INTO tasks (id, idempotency_key, status, priority, tree, repository,
                 writes, owner, group_id, thread_id, created_at, updated_at, view)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
                params![
                    task.task_id.as_str(),
                    new.idempotency_key,
                    task.status.as_str(),
                    new.priority,
                    new.tree,
                    new.repository,
                    new.writes,
                    new.owner,
                    task.group_id,
                    new.thread_id,
                    task.created_at.to_string(),
                    self.write_json(task)?,
                ],
            )
            .map_err(|error| self.explain(error))?;
        match new.runs {
            RunsWhere::Here => {}
            RunsWhere::InCloud => self.add_cloud_row(&transaction, task)?,
        }
        self.add_event(&transaction, task, task.status.as_str(), &task.summary)?;
        self.commit(transaction)?;
        Ok(HandedIn::Recorded)
    }

    /// Returns a task, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn task(&self, id: &TaskId) -> Result<Option<TaskRecord>, StoreError> {
        let row = self
            .db
            .query_row(
                "SELECT view, child, cancel, answer, holds_slot FROM tasks WHERE id = ?1",
                [id.as_str()],
                |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, Option<String>>(1)?,
                        row.get::<_, Option<String>>(2)?,
                        row.get::<_, Option<String>>(3)?,
                        row.get::<_, bool>(4)?,
                    ))
                },
            )
            .optional()
            .map_err(|error| self.explain(error))?;
        let Some((view, child, cancel, answer, holds_slot)) = row else {
            return Ok(None);
        };
        Ok(Some(TaskRecord {
            task: self.read_json(&view)?,
            child: child.map(|json| self.read_json(&json)).transpose()?,
            cancel: cancel.map(|json| self.read_json(&json)).transpose()?,
            answer,
            holds_slot,
        }))
    }

    /// Returns a task with everything that is known of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn task_result(&self, id: &TaskId) -> Result<Option<Task>, StoreError> {
        let json = self
            .db
            .query_row(
                "SELECT coalesce(result, view) FROM tasks WHERE id = ?1",
                [id.as_str()],
                |row| row.get::<_, String>(0),
            )
            .optional()
            .map_err(|error| self.explain(error))?;
        json.map(|json| self.read_json(&json)).transpose()
    }

    /// Returns tasks, the latest first, without their long lists. One that cannot be read is left
    /// out.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tasks(&self, filter: TaskFilter<'_>) -> Result<Vec<Task>, StoreError> {
        let views = match filter {
            TaskFilter::Open => self.views(
                &format!("WHERE status NOT IN {TERMINAL} ORDER BY seq DESC"),
                [],
            ),
            TaskFilter::Latest(n) => self.views("ORDER BY seq DESC LIMIT ?1", [n]),
            TaskFilter::Group(group) => {
                self.views("WHERE group_id = ?1 ORDER BY seq DESC", [group])
            }
        }?;
        Ok(readable(&views))
    }

    /// Returns the ids that begin with `beginning`, at most two; nothing begins none. A task in
    /// the cloud is known by its id there as well, and by the address of its page.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn task_ids(&self, beginning: &str) -> Result<Vec<TaskId>, StoreError> {
        let beginning = beginning.trim();
        let lower = beginning.to_ascii_lowercase();
        let beginning = id_in_cloud(beginning).unwrap_or(&lower);
        if beginning.is_empty() {
            return Ok(Vec::new());
        }
        let ids = self.column(
            "SELECT id FROM tasks WHERE substr(id, 1, length(?1)) = ?1
             UNION SELECT task_id FROM cloud_tasks WHERE cloud_id = ?1 LIMIT 2",
            [beginning],
        )?;
        Ok(ids.iter().filter_map(|id| TaskId::parse(id)).collect())
    }

    /// Returns the tasks of this machine that have not ended, in the order of the queue.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open_tasks(&self) -> Result<Vec<OpenTask>, StoreError> {
        self.open_tasks_in(&self.db)
    }

    /// Gives a task a place among the running ones if `decide` says so of all open tasks.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn claim_slot(
        &self,
        id: &TaskId,
        now: Timestamp,
        decide: impl FnOnce(&[OpenTask]) -> bool,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin()?;
        let open = self.open_tasks_in(&transaction)?;
        if !decide(&open) {
            return Ok(false);
        }
        transaction
            .execute(
                &format!(
                    "UPDATE tasks SET holds_slot = 1, updated_at = ?2
                     WHERE id = ?1 AND status NOT IN {TERMINAL}"
                ),
                params![id.as_str(), now.to_string()],
            )
            .map_err(|error| self.explain(error))?;
        self.commit(transaction)?;
        Ok(true)
    }

    /// Records the process of a task.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn record_child(&self, id: &TaskId, child: &ProcessMark) -> Result<(), StoreError> {
        let json = self.write_json(child)?;
        self.execute(
            "UPDATE tasks SET child = ?2 WHERE id = ?1",
            params![id.as_str(), json],
        )?;
        Ok(())
    }

    /// Records how a task stands, unless it ended before.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn record_progress(&self, task: &Task) -> Result<bool, StoreError> {
        let n = self.execute(
            &format!(
                "UPDATE tasks SET status = ?2, thread_id = coalesce(?3, thread_id),
                 updated_at = ?4, view = ?5 WHERE id = ?1 AND status NOT IN {TERMINAL}"
            ),
            params![
                task.task_id.as_str(),
                task.status.as_str(),
                task.thread_id,
                task.updated_at.to_string(),
                self.write_json(task)?,
            ],
        )?;
        Ok(n == 1)
    }

    /// Records that somebody wants a task to end; false if it ended before.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn request_cancel(&self, id: &TaskId, by: &CancelledBy) -> Result<bool, StoreError> {
        let json = self.write_json(by)?;
        let n = self.execute(
            &format!(
                "UPDATE tasks SET cancel = coalesce(cancel, ?2)
                 WHERE id = ?1 AND status NOT IN {TERMINAL}"
            ),
            params![id.as_str(), json],
        )?;
        Ok(n == 1)
    }

    /// Records a person's answer to what a task waits for; false if there is nothing to answer.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn answer_task(&self, id: &TaskId, answer: &str) -> Result<bool, StoreError> {
        let n = self.execute(
            "UPDATE tasks SET answer = ?2
             WHERE id = ?1 AND status = 'input_required' AND answer IS NULL",
            params![id.as_str(), answer],
        )?;
        Ok(n == 1)
    }

    /// Ends a task: its terminal state and its signal, once and together. False if it ended before.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn finish_task(
        &self,
        task: &Task,
        light: &Task,
        signal: Option<&NewSignal>,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin()?;
        let n = transaction
            .execute(
                &format!(
                    "UPDATE tasks SET status = ?2, outcome = ?3, holds_slot = 0,
                     thread_id = coalesce(?4, thread_id), updated_at = ?5, ended_at = ?5,
                     view = ?6, result = ?7 WHERE id = ?1 AND status NOT IN {TERMINAL}"
                ),
                params![
                    task.task_id.as_str(),
                    task.status.as_str(),
                    task.outcome.map(Outcome::as_str),
                    task.thread_id,
                    task.ended_at.unwrap_or(task.updated_at).to_string(),
                    self.write_json(light)?,
                    self.write_json(task)?,
                ],
            )
            .map_err(|error| self.explain(error))?;
        if n == 0 {
            return Ok(false);
        }
        if let Some(signal) = signal {
            transaction
                .execute(
                    "INSERT INTO signals
                     (id, dedupe_key, kind, sender, recipient, task_id, body, state, created_at)
                     VALUES (?1, ?2, 'task_finished', 'mission-control', ?3, ?4, ?5, 'queued', ?6)",
                    params![
                        signal.id,
                        format!("task:{}:finished", task.task_id),
                        signal.recipient,
                        task.task_id.as_str(),
                        signal.body,
                        task.updated_at.to_string(),
                    ],
                )
                .map_err(|error| self.explain(error))?;
        }
        self.add_event(&transaction, task, "finished", &task.summary)?;
        self.commit(transaction)?;
        Ok(true)
    }

    /// Returns who is told when a task ends.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn task_owner(&self, id: &TaskId) -> Result<Option<String>, StoreError> {
        let owner = self
            .db
            .query_row(
                "SELECT owner FROM tasks WHERE id = ?1",
                [id.as_str()],
                |row| row.get::<_, Option<String>>(0),
            )
            .optional()
            .map_err(|error| self.explain(error))?;
        Ok(owner.flatten())
    }

    /// Returns the latest task that worked on a thread.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn task_of_thread(&self, thread_id: &str) -> Result<Option<TaskId>, StoreError> {
        let ids = self.column(
            "SELECT id FROM tasks WHERE thread_id = ?1 ORDER BY seq DESC LIMIT 1",
            [thread_id],
        )?;
        Ok(ids.first().and_then(|id| TaskId::parse(id)))
    }

    /// Returns the threads of tasks that have not ended, with their tasks.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open_threads(&self) -> Result<Vec<(String, TaskId)>, StoreError> {
        let open = self.open_tasks()?;
        Ok(open
            .into_iter()
            .filter_map(|open| Some((open.thread_id?, TaskId::parse(&open.id)?)))
            .collect())
    }

    /// Returns how many signals tell of a task.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn n_signals_of(&self, id: &TaskId) -> Result<u32, StoreError> {
        self.db
            .query_row(
                "SELECT count(*) FROM signals WHERE task_id = ?1",
                [id.as_str()],
                |row| row.get(0),
            )
            .map_err(|error| self.explain(error))
    }

    /// Records that somebody saw a task's result.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn mark_seen(&self, id: &TaskId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(
            "UPDATE tasks SET seen_at = coalesce(seen_at, ?2)
             WHERE id = ?1 AND ended_at IS NOT NULL",
            params![id.as_str(), now.to_string()],
        )?;
        Ok(())
    }

    /// Returns the ended tasks whose result was seen and that ended before `before`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn seen_tasks_before(&self, before: Timestamp) -> Result<Vec<TaskId>, StoreError> {
        let ids = self.rows(
            &format!(
                "SELECT id, ended_at FROM tasks
                 WHERE seen_at IS NOT NULL AND status IN {TERMINAL} ORDER BY seq"
            ),
            [],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)),
        )?;
        Ok(ids
            .into_iter()
            .filter(|(_, ended)| {
                let ended = ended.as_deref().and_then(|ended| ended.parse().ok());
                ended.is_some_and(|ended: Timestamp| ended < before)
            })
            .filter_map(|(id, _)| TaskId::parse(&id))
            .collect())
    }

    /// Removes an ended task.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_task(&self, id: &TaskId) -> Result<bool, StoreError> {
        let transaction = self.begin()?;
        let ended: bool = transaction
            .query_row(
                &format!("SELECT count(*) FROM tasks WHERE id = ?1 AND status IN {TERMINAL}"),
                [id.as_str()],
                |row| row.get(0),
            )
            .map_err(|error| self.explain(error))?;
        if !ended {
            return Ok(false);
        }
        for sql in [
            "DELETE FROM task_events WHERE task_id = ?1",
            "DELETE FROM tasks WHERE id = ?1",
        ] {
            transaction
                .execute(sql, [id.as_str()])
                .map_err(|error| self.explain(error))?;
        }
        self.commit(transaction)?;
        Ok(true)
    }

    /// Returns a number that changes when another connection writes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.db
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|error| self.explain(error))
    }

    pub(super) fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)
            .map_err(|error| self.explain(error))
    }

    pub(super) fn commit(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        transaction.commit().map_err(|error| self.explain(error))
    }

    pub(super) fn execute(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        self.db
            .execute(sql, params)
            .map_err(|error| self.explain(error))
    }

    fn open_tasks_in(&self, db: &rusqlite::Connection) -> Result<Vec<OpenTask>, StoreError> {
        let sql = format!(
            "SELECT id, status, priority, tree, repository, writes, thread_id, holds_slot
             FROM tasks WHERE status NOT IN {TERMINAL}
             AND NOT EXISTS (SELECT 1 FROM cloud_tasks WHERE task_id = id)
             ORDER BY priority DESC, seq"
        );
        let read = || -> rusqlite::Result<Vec<OpenTask>> {
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map([], |row| {
                Ok(OpenTask {
                    id: row.get(0)?,
                    status: row.get(1)?,
                    priority: row.get(2)?,
                    tree: row.get(3)?,
                    repository: row.get(4)?,
                    writes: row.get(5)?,
                    thread_id: row.get(6)?,
                    holds_slot: row.get(7)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.explain(error))
    }

    fn views(
        &self,
        clause: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<String>, StoreError> {
        self.column(&format!("SELECT view FROM tasks {clause}"), params)
    }

    fn column(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<String>, StoreError> {
        self.rows(sql, params, |row| row.get(0))
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let all = || -> rusqlite::Result<Vec<T>> {
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map(params, read)?;
            rows.collect()
        };
        all().map_err(|error| self.explain(error))
    }

    fn write_json<T: serde::Serialize>(&self, value: &T) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|error| self.other(error.into()))
    }

    fn read_json<T: serde::de::DeserializeOwned>(&self, json: &str) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|error| self.other(error.into()))
    }
}

/// Returns the tasks that can be read: one bad row is to hide no other.
pub(super) fn readable(views: &[String]) -> Vec<Task> {
    let read = |json: &String| {
        serde_json::from_str(json)
            .inspect_err(|error| tracing::warn!(%error, "A task cannot be read and is left out."))
            .ok()
    };
    views.iter().filter_map(read).collect()
}

/// Returns whether a status in the database is one that waits in the queue.
#[must_use]
pub fn is_queued(status: &str) -> bool {
    status == TaskStatus::Queued.as_str()
}
