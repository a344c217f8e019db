//! What all calls share: the way to the store, and hearing that something changed in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use mission_control_engine::clock::Clock;
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;
use mission_control_engine::store::{Store, StoreError, TaskFilter};
use mission_control_engine::task::cloud::Awaited;
use mission_control_engine::task::context::TaskContext;
use mission_control_engine::task::present::present;
use mission_control_engine::task::reconcile::reconcile;
use mission_control_engine::task::waiting::{Waited, wait_for};
use tokio::sync::watch;

use crate::answer::{fault, internal};
use crate::tools::blocking;
use crate::wire::Standing;

/// How long the watching thread stays when nobody waits any more.
const LINGER: Duration = Duration::from_secs(5);

/// Begins the name of an owner that is no session but a folder.
const PROJECT: &str = "project:";

/// What all calls share. Nothing is opened or watched before somebody asks.
#[derive(Debug)]
pub(crate) struct Desk {
    /// One connection for all calls; they take turns.
    store: Arc<Mutex<Option<Store>>>,
    changes: Arc<Mutex<Option<watch::Sender<u64>>>>,
    /// The tasks that calls wait for, once for each call.
    awaited: Arc<Mutex<Vec<TaskId>>>,
    /// What tasks wait for, as far as this server's client was told: by task and request.
    told_needs: Mutex<BTreeSet<(TaskId, String)>>,
    /// The tasks that were handed in through this server.
    started: Mutex<Vec<TaskId>>,
    standing: watch::Receiver<Standing>,
}

/// Tasks that a call waits for, as long as it does.
#[derive(Debug)]
pub(crate) struct Awaiting {
    awaited: Arc<Mutex<Vec<TaskId>>>,
    ids: Vec<TaskId>,
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            if let Some(at) = awaited.iter().position(|other| other == id) {
                awaited.swap_remove(at);
            }
        }
    }
}

/// The store and what belongs to it, while a call has its turn.
pub(crate) struct Turn<'a> {
    /// Where tasks are kept and how they run.
    pub(crate) context: &'a TaskContext,
    /// The database.
    pub(crate) store: &'a Store,
    /// The present.
    pub(crate) now: Timestamp,
}

impl Desk {
    pub(crate) fn new(standing: watch::Receiver<Standing>) -> Self {
        Self {
            store: Arc::default(),
            changes: Arc::default(),
            awaited: Arc::default(),
            told_needs: Mutex::default(),
            started: Mutex::default(),
            standing,
        }
    }

    /// Does something with the store, on a thread of its own.
    ///
    /// # Errors
    /// When the store cannot be used, and whatever `work` returns.
    pub(crate) async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Turn<'_>) -> Result<T, TaskError> + Send + 'static,
    ) -> Result<T, TaskError> {
        let store = Arc::clone(&self.store);
        blocking(move || {
            let context = context()?;
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let store = match &mut *store {
                Some(store) => store,
                closed => closed.insert(opened(&context)?),
            };
            let now = Clock::start().now().wall;
            work(&Turn {
                context: &context,
                store,
                now,
            })
        })
        .await
    }

    /// Does something that takes long, with a connection of its own, so that no other call waits.
    ///
    /// # Errors
    /// When the store cannot be used, and whatever `work` returns.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Turn<'_>) -> Result<T, TaskError> + Send + 'static,
    ) -> Result<T, TaskError> {
        blocking(move || {
            let context = context()?;
            let store = opened(&context)?;
            let now = Clock::start().now().wall;
            work(&Turn {
                context: &context,
                store: &store,
                now,
            })
        })
        .await
    }

    /// Returns whether there is a store: without one nothing was ever delegated.
    pub(crate) async fn is_used(&self) -> bool {
        let store = Arc::clone(&self.store);
        let looked = blocking(move || {
            let is_open = store
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some();
            Ok(is_open || Store::exists(&context()?.state))
        });
        looked.await.unwrap_or(false)
    }

    /// Has tasks in the cloud asked about while the answer is kept.
    pub(crate) fn awaiting(&self, ids: &[TaskId]) -> Awaiting {
        let awaited = Arc::clone(&self.awaited);
        let mut all = awaited.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(ids);
        drop(all);
        Awaiting {
            awaited,
            ids: ids.to_vec(),
        }
    }

    /// Returns whether a task waits for a person and the client was not told.
    pub(crate) fn has_untold_need(&self, task: &Task) -> bool {
        let told = lock(&self.told_needs);
        need_of(task).is_some_and(|need| !told.contains(&need))
    }

    /// Remembers that the client is told what tasks wait for.
    pub(crate) fn tell_needs(&self, tasks: &[Task]) {
        lock(&self.told_needs).extend(tasks.iter().filter_map(need_of));
    }

    /// Remembers that a task was handed in through this server.
    pub(crate) fn has_started(&self, id: &TaskId) {
        lock(&self.started).push(id.clone());
    }

    /// Returns the tasks that were handed in through this server.
    pub(crate) fn started(&self) -> Vec<TaskId> {
        lock(&self.started).clone()
    }

    /// Returns a counter that rises whenever something changed in the store.
    ///
    /// # Errors
    /// When the store cannot be watched.
    pub(crate) async fn changes(&self) -> Result<watch::Receiver<u64>, TaskError> {
        let changes = Arc::clone(&self.changes);
        let awaited = Arc::clone(&self.awaited);
        blocking(move || {
            let mut current = changes.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = &*current {
                return Ok(sender.subscribe());
            }
            let context = context()?;
            let store = opened(&context)?;
            let (sender, receiver) = watch::channel(0);
            *current = Some(sender.clone());
            let changes = Arc::clone(&changes);
            let awaited = Arc::clone(&awaited);
            let thread = std::thread::Builder::new().name("changes".to_owned());
            let started =
                thread.spawn(move || follow(&context, &store, &sender, &changes, &awaited));
            match started {
                Ok(_) => Ok(receiver),
                Err(error) => {
                    *current = None;
                    Err(internal(&error))
                }
            }
        })
        .await
    }

    /// Waits until the client has sent its last message.
    pub(crate) async fn client_left(&self) {
        let mut standing = self.standing.clone();
        let left = standing.wait_for(|standing| standing.has_ended).await;
        if left.is_err() {
            tracing::debug!("The connection ended first.");
        }
    }
}

impl Turn<'_> {
    /// Finds the task whose id begins with `text`, after giving every lost task a supervisor.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn find(&self, text: &str) -> Result<TaskId, TaskError> {
        reconcile(self.context, self.store);
        let ids = self
            .store
            .task_ids(text)
            .map_err(|error| unusable(&error))?;
        let missing = |message: String| {
            let mut error = fault(ErrorCode::NotFound, message);
            error.hint = Some("codex_tasks shows the tasks and their ids.".to_owned());
            error
        };
        match ids.as_slice() {
            [id] => Ok(id.clone()),
            [] => Err(missing(format!("No task {text}."))),
            _ => Err(missing(format!("More than one task begins with {text}."))),
        }
    }

    /// Returns the open tasks of the session that runs this server; where it does not say which
    /// one it is, those of `started`, and how many others its project has.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn own_open_tasks(
        &self,
        started: &[TaskId],
    ) -> Result<(Vec<TaskId>, usize), TaskError> {
        reconcile(self.context, self.store);
        let open = self
            .store
            .tasks(TaskFilter::Open)
            .map_err(|error| unusable(&error))?;
        let mut own = Vec::new();
        for task in open {
            let owner = self.store.task_owner(&task.task_id);
            if owner.map_err(|error| unusable(&error))? == self.context.owner {
                own.push(task.task_id);
            }
        }
        let owner = self.context.owner.as_deref().unwrap_or_default();
        if !owner.starts_with(PROJECT) {
            return Ok((own, 0));
        }
        let n_own = own.len();
        own.retain(|id| started.contains(id));
        let n_others = n_own - own.len();
        Ok((own, n_others))
    }

    /// Returns a task with everything that is known of it at present.
    ///
    /// # Errors
    /// When it cannot be read or was removed.
    pub(crate) fn task(&self, id: &TaskId) -> Result<Task, TaskError> {
        let task = self
            .store
            .task_result(id)
            .map_err(|error| unusable(&error))?;
        let mut task =
            task.ok_or_else(|| fault(ErrorCode::NotFound, format!("Task {id} was removed.")))?;
        present(self.store, &mut task, self.now);
        Ok(task)
    }

    /// Remembers that the result of an ended task was seen.
    pub(crate) fn see(&self, task: &Task) {
        if !task.status.is_terminal() {
            return;
        }
        if let Err(error) = self.store.mark_seen(&task.task_id, self.now) {
            tracing::warn!(%error, "It cannot be recorded that a result was seen.");
        }
    }
}

/// Names what a task waits for.
fn need_of(task: &Task) -> Option<(TaskId, String)> {
    let need = task.need.as_ref()?;
    (task.status == TaskStatus::InputRequired)
        .then(|| (task.task_id.clone(), need.request_id.clone()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what a client reads when the store cannot be used.
pub(crate) fn unusable(error: &StoreError) -> TaskError {
    let mut fault = internal(error);
    fault.hint = error.problem().hint;
    fault
}

fn opened(context: &TaskContext) -> Result<Store, TaskError> {
    Store::open_to_look(&context.state).map_err(|error| unusable(&error))
}

/// Where the client works is where its tasks work, unless they say otherwise.
fn context() -> Result<TaskContext, TaskError> {
    let mut environment = Environment::read();
    if let Some(project) = &environment.project_folder {
        environment.current_folder = Some(project.clone());
    }
    let settings_file = environment
        .settings_file()
        .map_err(|error| internal(&error))?;
    let settings = Settings::load(&settings_file).map_err(|error| {
        let mut fault = internal(&error);
        fault.hint = Some(format!("Correct {settings_file}, or move it away."));
        fault
    })?;
    let places = Places::resolve(&environment, &settings).map_err(|error| internal(&error))?;
    Ok(TaskContext::of(&environment, &settings, places))
}

/// Raises the counter at every change, until nobody has listened for a while.
fn follow(
    context: &TaskContext,
    store: &Store,
    sender: &watch::Sender<u64>,
    changes: &Mutex<Option<watch::Sender<u64>>>,
    awaited: &Mutex<Vec<TaskId>>,
) {
    let awaited = || {
        let awaited = awaited.lock().unwrap_or_else(PoisonError::into_inner);
        Awaited::These(awaited.clone())
    };
    loop {
        let waited = wait_for(
            context,
            store,
            awaited,
            Some(LINGER),
            |_| -> Result<Option<()>, StoreError> {
                sender.send_modify(|n_changes| *n_changes += 1);
                Ok(None)
            },
        );
        let is_over = match waited {
            Ok(Waited::For(()) | Waited::TimeUp) => false,
            Err(error) => {
                tracing::warn!(%error, "Changes cannot be watched any more.");
                true
            }
        };
        let mut current = changes.lock().unwrap_or_else(PoisonError::into_inner);
        if is_over || sender.receiver_count() == 0 {
            *current = None;
            return;
        }
    }
}
