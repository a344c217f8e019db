//! Follows the delegated tasks in the store.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::task::board::{BoardChange, TaskBoard};
use mission_control_core::task::model::Task;
use mission_control_core::tracker::Now;

use crate::places::{Environment, Places};
use crate::settings::Settings;
use crate::store::{Store, StoreError, TaskFilter};
use crate::task::bell;
use crate::task::cloud::ask_in_background;
use crate::task::context::TaskContext;
use crate::task::present::present;
use crate::task::reconcile::reconcile;

/// Ended tasks that are shown beside the open ones.
const MOST_ENDED: u32 = 50;
/// How often the store is looked at while a task is open, in case a bell was missed.
const SAFETY: Duration = Duration::from_secs(2);
/// The same while none is.
const SAFETY_AT_REST: Duration = Duration::from_secs(10);

/// The tasks as the store tells them.
#[derive(Debug)]
pub(super) struct Tasks {
    context: TaskContext,
    store: Option<Store>,
    /// The state of the store that was read last.
    version: Option<i64>,
    board: TaskBoard,
    look_due: Duration,
}

impl Tasks {
    pub(super) fn new(places: &Places, settings: &Settings, notify_since: Timestamp) -> Self {
        Self {
            context: TaskContext::of(&Environment::read(), settings, places.clone()),
            store: None,
            version: None,
            board: TaskBoard::new(notify_since),
            look_due: Duration::ZERO,
        }
    }

    pub(super) const fn board(&self) -> &TaskBoard {
        &self.board
    }

    /// Returns the folder whose changes tell of tasks: the doorbell, or where it will appear.
    pub(super) fn folder(&self) -> Option<Utf8PathBuf> {
        let state = &self.context.state;
        [
            Some(bell::folder(state)),
            Some(state.clone()),
            state.parent().map(Utf8Path::to_owned),
        ]
        .into_iter()
        .flatten()
        .find(|folder| folder.is_dir())
    }

    /// Returns whether a changed path may mean that a task changed.
    pub(super) fn concerns(&self, path: &Utf8Path) -> bool {
        path.starts_with(&self.context.state)
    }

    /// Returns when [`Self::look_again`] is due, on the steady clock.
    pub(super) fn poll_timeout(&self) -> Duration {
        self.look_due
    }

    /// Looks at the store if it changed although no bell was heard, and at tasks that lost their
    /// supervisor.
    pub(super) fn look_again(&mut self, now: Now) -> BoardChange {
        self.look_due = now.steady + self.pause();
        if let Some(store) = &self.store {
            reconcile(&self.context, store);
            ask_in_background(&self.context, store);
            if store
                .data_version()
                .is_ok_and(|version| self.version == Some(version))
            {
                return BoardChange::default();
            }
        }
        self.look(now)
    }

    /// Looks at the store and at tasks that lost their supervisor.
    pub(super) fn look(&mut self, now: Now) -> BoardChange {
        if self.store.is_none() && !Store::exists(&self.context.state) {
            self.look_due = now.steady + self.pause();
            return BoardChange::default();
        }
        let change = match self.read(now.wall) {
            Ok(tasks) => self.board.take_in(tasks),
            Err(error) => {
                tracing::warn!(%error, "Delegated tasks cannot be read.");
                self.store = None;
                BoardChange::default()
            }
        };
        self.look_due = now.steady + self.pause();
        change
    }

    fn pause(&self) -> Duration {
        if self.board.has_open() {
            SAFETY
        } else {
            SAFETY_AT_REST
        }
    }

    fn read(&mut self, now: Timestamp) -> Result<Vec<Task>, StoreError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open_to_look(&self.context.state)?,
        };
        let store = self.store.insert(store);
        reconcile(&self.context, store);
        self.version = Some(store.data_version()?);
        let mut tasks = store.tasks(TaskFilter::Latest(MOST_ENDED))?;
        for open in store.tasks(TaskFilter::Open)? {
            if !tasks.iter().any(|task| task.task_id == open.task_id) {
                tasks.push(open);
            }
        }
        // The end of a task is told however many others were handed in after it.
        for known in self.board.tasks() {
            let is_missing = !tasks.iter().any(|task| task.task_id == known.task_id);
            if is_missing
                && !known.status.is_terminal()
                && let Some(ended) = store.task(&known.task_id)?
            {
                tasks.push(ended.task);
            }
        }
        for task in &mut tasks {
            present(store, task, now);
        }
        Ok(tasks)
    }
}
