//! Handing a task in: recorded first, so that nothing that reaches the cloud is forgotten here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use mission_control_core::redact::redact;
use mission_control_core::task::cloud::CloudPlace;
use mission_control_core::task::failure::FailureReason;
use mission_control_core::task::model::{Task, TaskKind, TaskStatus};
use mission_control_core::task::request::Sandbox;
use mission_control_core::text::one_line;

use super::follow::finish_failed;
use super::program;
use crate::source::cloud::{Refusal, Submission};
use crate::store::{HandedIn, NewTask, RunsWhere, Store, StoreError};
use crate::task::context::TaskContext;
use crate::task::folder::SupervisorLock;
use crate::task::place::Place;
use crate::task::programs::git;
use crate::task::submit::{Names, TITLE_CHARS, without_secrets};
use crate::task::supervise::journal::Journal;
use crate::task::{bell, id, words};

/// Most attempts the service makes at one task.
const MOST_ATTEMPTS: u32 = 4;

/// A task for the cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudRequest {
    /// What to do.
    pub prompt: String,
    /// The environment to run in, by id or name.
    pub environment: String,
    /// The branch to start from; that of `cwd` if not given.
    pub branch: Option<String>,
    /// How many attempts are made, 1 to 4; one if not given.
    pub attempts: Option<u32>,
    /// How it is listed.
    pub title: Option<String>,
    /// The folder whose branch is meant and to which changes are applied later.
    pub cwd: Option<String>,
    /// The group it belongs to.
    pub group_id: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The same key gives the same task.
    pub idempotency_key: Option<String>,
}

/// Why a task was not handed in.
#[derive(Debug, thiserror::Error)]
pub enum CloudSubmitError {
    /// What was asked for cannot be done.
    #[error("take the task: {0}")]
    Request(String),
    /// The folder does not exist.
    #[error("work in `{0}`: it is not a folder")]
    NoFolder(String),
    /// There is no branch to start from.
    #[error("tell the branch of `{0}`")]
    NoBranch(String),
    /// This program runs within a task already.
    #[error("start a task from within a task (`max_depth` in the settings allows it)")]
    TooDeep,
    /// The service or its program refused.
    #[error("hand the task in")]
    Refused(FailureReason),
    /// It cannot be recorded.
    #[error("record the task")]
    Store(#[from] StoreError),
    /// Its files cannot be written.
    #[error("write the task's files")]
    Files(#[from] io::Error),
}

/// What became of a request.
#[derive(Debug)]
pub enum Recorded {
    /// A new task that is to be handed over.
    New(Box<Handover>),
    /// Its idempotency key was used before.
    Known(Box<Task>),
}

/// A task that is recorded and not handed over yet.
#[derive(Debug)]
pub struct Handover {
    task: Task,
    prompt: String,
    is_known: Arc<AtomicBool>,
    /// Held until the service has answered: whoever finds it free knows that nobody will.
    lock: SupervisorLock,
}

/// Records a task before the cloud hears of it.
///
/// # Errors
/// When it is refused; then nothing of it stays.
pub fn record(
    context: &TaskContext,
    store: &Store,
    request: &CloudRequest,
    now: Timestamp,
) -> Result<Recorded, CloudSubmitError> {
    let mut request = request.clone();
    without_secrets(&mut Names {
        title: &mut request.title,
        group_id: &mut request.group_id,
        tags: &mut request.tags,
        idempotency_key: &mut request.idempotency_key,
    });
    let task = checked(context, &request, now)?;
    let folder = context.folder(&task.task_id);
    folder.make()?;
    bell::make(&context.state)?;
    let lock = folder
        .lock()?
        .ok_or_else(|| io::Error::other("somebody else holds the lock of a new task"))?;
    let handed_in = store.hand_in(&NewTask {
        task: &task,
        idempotency_key: request.idempotency_key.as_deref(),
        priority: 0,
        tree: "cloud",
        repository: None,
        writes: false,
        owner: context.owner.as_deref(),
        thread_id: None,
        runs: RunsWhere::InCloud,
    });
    match handed_in {
        Ok(HandedIn::Recorded) => {}
        Ok(HandedIn::Known(known)) => {
            std::fs::remove_dir_all(folder.path())?;
            return Ok(Recorded::Known(known));
        }
        Err(error) => {
            std::fs::remove_dir_all(folder.path())?;
            return Err(error.into());
        }
    }
    bell::ring(&context.state, &task.task_id);
    Ok(Recorded::New(Box::new(Handover {
        task,
        prompt: request.prompt,
        is_known: Arc::default(),
        lock,
    })))
}

impl Handover {
    /// Returns the task as it was recorded.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Returns what says whether somebody was told the task's id: then it stays when the cloud
    /// refuses it, and has failed.
    #[must_use]
    pub fn is_known(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_known)
    }

    /// Hands the task over. Whether it arrived is not known when nobody answered; then it has
    /// ended as interrupted.
    ///
    /// # Errors
    /// When the cloud refuses it; then nothing of it stays, unless it is known.
    pub fn deliver(
        self,
        context: &TaskContext,
        store: &Store,
        now: Timestamp,
    ) -> Result<Task, CloudSubmitError> {
        let Self {
            mut task,
            prompt,
            is_known,
            lock,
        } = self;
        let folder = context.folder(&task.task_id);
        let place = task.cloud.clone().unwrap_or_else(nowhere);
        let handed_over = program(context, now).submit(Submission {
            prompt: &prompt,
            environment: &place.environment,
            branch: &place.branch,
            attempts: place.attempts,
        });
        match handed_over {
            Ok((cloud_id, url)) => {
                store.record_cloud_id(&task.task_id, &cloud_id)?;
                task.status = TaskStatus::Running;
                task.started_at = Some(now);
                task.cloud = Some(CloudPlace {
                    id: Some(cloud_id),
                    url: Some(url.clone()),
                    ..place
                });
                words::describe(&mut task);
                words::link(&mut task, &folder);
                store.record_progress(&task)?;
                let mut journal = Journal::open(&folder, &task, now)?;
                journal.note(&format!("Handed to the cloud: {url}"));
            }
            Err(Refusal::Refused(reason)) if is_known.load(Ordering::SeqCst) => {
                task = finish_failed(context, store, task, TaskStatus::Failed, &reason, now)?;
            }
            Err(Refusal::Refused(reason)) => {
                store.forget_unborn(&task.task_id)?;
                std::fs::remove_dir_all(folder.path())?;
                bell::ring(&context.state, &task.task_id);
                return Err(CloudSubmitError::Refused(reason));
            }
            Err(Refusal::Unconfirmed(said)) => {
                let said = said.map(|reason| redact(&reason.sentence()).text);
                task.warnings.extend(said);
                let reason = FailureReason::CloudUnconfirmed {};
                task = finish_failed(context, store, task, TaskStatus::Interrupted, &reason, now)?;
            }
        }
        drop(lock);
        bell::ring(&context.state, &task.task_id);
        Ok(task)
    }
}

fn nowhere() -> CloudPlace {
    place_of(&CloudRequest::default(), "")
}

fn checked(
    context: &TaskContext,
    request: &CloudRequest,
    now: Timestamp,
) -> Result<Task, CloudSubmitError> {
    let refused = |why: &str| Err(CloudSubmitError::Request(why.to_owned()));
    if context.depth >= context.settings.max_depth {
        return Err(CloudSubmitError::TooDeep);
    }
    if request.prompt.trim().is_empty() {
        return refused("`prompt` is empty");
    }
    if request.environment.trim().is_empty() {
        return refused("`environment` is empty");
    }
    let attempts = request.attempts.unwrap_or(1);
    if !(1..=MOST_ATTEMPTS).contains(&attempts) {
        return refused("`attempts` is a number from 1 to 4");
    }
    let cwd = match &request.cwd {
        Some(cwd) => context.absolute(cwd),
        None => context.cwd.clone(),
    };
    if !cwd.is_dir() {
        return Err(CloudSubmitError::NoFolder(cwd.to_string()));
    }
    let branch = match request.branch.as_deref().map(str::trim) {
        Some("") => return refused("`branch` is empty"),
        Some(branch) => branch.to_owned(),
        None => branch_of(&cwd).ok_or_else(|| CloudSubmitError::NoBranch(cwd.to_string()))?,
    };
    let task_id =
        id::new_task_id(now).ok_or_else(|| io::Error::other("no id could be made for the task"))?;
    let first = request.prompt.lines().find(|line| !line.trim().is_empty());
    let title = request.title.as_deref().or(first).unwrap_or_default();
    let title = one_line(&redact(title).text, TITLE_CHARS);
    let mut task = Task::new(task_id, TaskKind::Cloud, title, cwd.into_string(), now);
    task.group_id.clone_from(&request.group_id);
    task.tags.clone_from(&request.tags);
    // It writes there, whatever it may here.
    task.sandbox = Sandbox::WorkspaceWrite;
    task.cloud = Some(place_of(request, &branch));
    words::describe(&mut task);
    Ok(task)
}

fn place_of(request: &CloudRequest, branch: &str) -> CloudPlace {
    CloudPlace {
        id: None,
        url: None,
        environment: request.environment.trim().to_owned(),
        branch: branch.to_owned(),
        attempts: request.attempts.unwrap_or(1),
        state: None,
        checked_at: None,
    }
}

/// Returns the branch a folder is on; none outside of repositories and away from all branches.
fn branch_of(folder: &camino::Utf8Path) -> Option<String> {
    Place::of(folder).repository?;
    let said = git(folder, &["symbolic-ref", "--short", "--quiet", "HEAD"]);
    let said = said
        .inspect_err(|error| tracing::warn!(%error, "Git cannot be asked for the branch."))
        .ok()??;
    let branch = String::from_utf8_lossy(&said).trim().to_owned();
    (!branch.is_empty()).then_some(branch)
}
