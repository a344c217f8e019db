//! Handing a task in: checked, recorded so that it survives, and given a supervisor.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use mission_control_core::redact::redact;
use mission_control_core::session::{Need, NeedKind, SessionId};
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use mission_control_core::task::request::{
    Isolation, RequestFault, Resume, Sandbox, TaskRequest, ThreadChoice,
};
use mission_control_core::text::one_line;
use serde::{Deserialize, Serialize};

use super::context::{LaunchPlaces, TaskContext};
use super::folder::write_json;
use super::place::Place;
use super::programs::start_supervisor;
use super::{bell, id, words, worktree};
use crate::settings::DangerPolicy;
use crate::source::{DELEGATE, delegate};
use crate::store::{HandedIn, NewTask, RunsWhere, Store, StoreError};

/// Longest title, in characters.
pub(crate) const TITLE_CHARS: usize = 80;

/// Said of a thread that is gone on with in a checkout of the task's own.
pub(crate) const MADE_ANEW: &str = "It works in a checkout made anew: what its thread changed \
    before is in there only as far as it was committed.";

/// Names the request for consent in `need` and in answers.
pub const CONSENT: &str = "danger-full-access";

/// A task that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The task.
    pub task: Task,
    /// Whether it is a new one.
    pub novelty: Novelty,
}

/// Whether handing in made a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// It did.
    New,
    /// Its idempotency key was used before.
    Known,
}

/// Why a task was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// What was asked for cannot be read or contradicts itself.
    #[error("take the task")]
    Request(RequestFault),
    /// The folder to work in does not exist.
    #[error("work in `{0}`: it is not a folder")]
    NoFolder(String),
    /// It should get a checkout of its own, and there is no repository.
    #[error("make a checkout of `{0}`: it is in no git repository")]
    NoRepository(String),
    /// This program runs within a task already.
    #[error("start a task from within a task (`max_depth` in the settings allows it)")]
    TooDeep,
    /// A setting forbids to run without a sandbox.
    #[error("run without a sandbox: a setting forbids it")]
    Forbidden,
    /// It cannot be recorded.
    #[error("record the task")]
    Store(#[from] StoreError),
    /// Its files cannot be written.
    #[error("write the task's files")]
    Files(#[from] io::Error),
}

/// What is kept of a request until the task ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The request as it was asked for.
    pub(crate) request: TaskRequest,
    /// What the agent is started with.
    pub(crate) launch: LaunchPlaces,
    /// How many tasks stand above it.
    pub(crate) depth: u32,
}

/// Takes a task: durable when this returns, and supervised by a process of its own.
///
/// # Errors
/// When it cannot be taken; then nothing of it stays.
pub fn submit(
    context: &TaskContext,
    store: &Store,
    request: TaskRequest,
    now: Timestamp,
) -> Result<Submitted, SubmitError> {
    let (mut request, thread) = checked(context, request)?;
    let cwd = request.cwd.clone().unwrap_or_default();
    let place = Place::of(cwd.as_str().into());
    settle_isolation(context, &mut request, &place)?;
    let task_id =
        id::new_task_id(now).ok_or_else(|| io::Error::other("no id could be made for the task"))?;
    let task = new_task(task_id, &request, context.settings.danger_full_access, now);
    let folder = context.folder(&task.task_id);
    let tree = if is_isolated(&request, &place) {
        folder.worktree()
    } else {
        place.tree.clone()
    };

    folder.make()?;
    bell::make(&context.state)?;
    let kept = Kept {
        request,
        launch: context.launch.clone(),
        depth: context.depth + 1,
    };
    write_json(&folder.request(), &kept)?;
    let handed_in = store.hand_in(&NewTask {
        task: &task,
        idempotency_key: kept.request.idempotency_key.as_deref(),
        priority: kept.request.priority,
        tree: tree.as_str(),
        repository: place.repository.as_deref().map(camino::Utf8Path::as_str),
        writes: delegate::may_write(&kept.request),
        owner: context.owner.as_deref(),
        thread_id: thread.as_deref(),
        runs: RunsWhere::Here,
    });
    match handed_in {
        Ok(HandedIn::Recorded) => {}
        Ok(HandedIn::Known(known)) => {
            std::fs::remove_dir_all(folder.path())?;
            return Ok(Submitted {
                task: *known,
                novelty: Novelty::Known,
            });
        }
        Err(error) => {
            std::fs::remove_dir_all(folder.path())?;
            return Err(error.into());
        }
    }
    // The task is safe from here on: whoever looks next starts a supervisor if this one fails.
    supervise(context, &task.task_id);
    bell::ring(&context.state, &task.task_id);
    Ok(Submitted {
        task,
        novelty: Novelty::New,
    })
}

/// Starts a supervisor for a task and writes down that it was tried.
pub(crate) fn supervise(context: &TaskContext, id: &TaskId) {
    let folder = context.folder(id);
    let tried = folder
        .count_attempts(folder.n_attempts().saturating_add(1))
        .and_then(|()| start_supervisor(id, &folder, &context.supervisor_variables));
    if let Err(error) = tried {
        tracing::warn!(%error, %id, "A supervisor could not be started.");
    }
}

fn checked(
    context: &TaskContext,
    mut request: TaskRequest,
) -> Result<(TaskRequest, Option<String>), SubmitError> {
    if context.depth >= context.settings.max_depth {
        return Err(SubmitError::TooDeep);
    }
    if let Some(thread) = &request.thread_id {
        let prefix = format!("{}:", DELEGATE.as_str());
        let thread = thread.strip_prefix(&prefix).unwrap_or(thread).to_owned();
        request.thread_id = Some(thread);
    }
    let thread = match request.thread_choice().map_err(SubmitError::Request)? {
        ThreadChoice::Resume(id) => Some(id),
        ThreadChoice::New
        | ThreadChoice::Review(_)
        | ThreadChoice::ResumeLast
        | ThreadChoice::Fork(_) => None,
    };
    delegate::check_config(&request).map_err(SubmitError::Request)?;
    let is_forbidden = request.sandbox == Sandbox::DangerFullAccess
        && context.settings.danger_full_access == DangerPolicy::Forbid;
    if is_forbidden {
        return Err(SubmitError::Forbidden);
    }
    without_secrets(&mut Names {
        title: &mut request.title,
        group_id: &mut request.group_id,
        tags: &mut request.tags,
        idempotency_key: &mut request.idempotency_key,
    });
    let cwd = match &request.cwd {
        Some(cwd) => context.absolute(cwd),
        None => context.cwd.clone(),
    };
    if !cwd.is_dir() {
        return Err(SubmitError::NoFolder(cwd.to_string()));
    }
    request.cwd = Some(cwd.to_string());
    for path in request.add_dirs.iter_mut().chain(&mut request.images) {
        *path = cwd.join(&*path).to_string();
    }
    Ok((request, thread))
}

/// What names a task, and is kept and shown as long as the task is.
pub(super) struct Names<'a> {
    pub(super) title: &'a mut Option<String>,
    pub(super) group_id: &'a mut Option<String>,
    pub(super) tags: &'a mut Vec<String>,
    pub(super) idempotency_key: &'a mut Option<String>,
}

/// Removes secrets from names. A key with one in it stays as good as it was: what is kept of it
/// tells it from others.
pub(super) fn without_secrets(names: &mut Names<'_>) {
    let texts = names.title.iter_mut().chain(names.group_id.iter_mut());
    for text in texts.chain(names.tags.iter_mut()) {
        *text = redact(text).text;
    }
    if let Some(key) = names.idempotency_key
        && redact(key).text != *key
    {
        let digest = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &*key).hash(&mut hasher);
            hasher.finish()
        };
        *key = format!("redacted:{:016x}{:016x}", digest(0), digest(1));
    }
}

/// Decides whether a task gets a checkout of its own, and makes sure that one can be made.
fn settle_isolation(
    context: &TaskContext,
    request: &mut TaskRequest,
    place: &Place,
) -> Result<(), SubmitError> {
    let wrong = |message: String| Err(SubmitError::Request(RequestFault::Malformed { message }));
    let cwd = Utf8PathBuf::from(request.cwd.clone().unwrap_or_default());
    let is_auto = request.isolation == Isolation::Auto;
    let is_in_checkout = worktree::around(&context.tasks(), &cwd).is_some();
    if !is_isolated(request, place) || (is_auto && is_in_checkout) {
        request.isolation = Isolation::None;
        return match (&request.base_ref, is_auto) {
            (Some(_), false) => wrong("`base_ref` is for `isolation` \"worktree\"".to_owned()),
            (Some(_), true) | (None, _) => Ok(()),
        };
    }
    if place.repository.is_none() {
        return Err(SubmitError::NoRepository(cwd.into_string()));
    }
    let base = request.base_ref.as_deref().unwrap_or("HEAD");
    let commit = worktree::commit_of(&cwd, base)?;
    let Some(commit) = commit else {
        return match &request.base_ref {
            Some(base) => wrong(format!("`base_ref`: `{base}` names no commit of `{cwd}`")),
            None if is_auto => {
                request.isolation = Isolation::None;
                Ok(())
            }
            None => wrong(format!(
                "`isolation`: the repository of `{cwd}` has no commit to start from"
            )),
        };
    };
    if !worktree::is_in_commit(&cwd, &commit)? {
        if is_auto && request.base_ref.is_none() {
            request.isolation = Isolation::None;
            return Ok(());
        }
        return wrong(format!(
            "`isolation`: `{cwd}` is not in the commit {commit}, so a checkout would not have it"
        ));
    }
    request.isolation = Isolation::Worktree;
    if request.base_ref.is_some() {
        // What a name means may change until the task starts.
        request.base_ref = Some(commit);
    }
    Ok(())
}

/// Returns whether a task gets a checkout of its own.
pub(crate) fn is_isolated(request: &TaskRequest, place: &Place) -> bool {
    match request.isolation {
        Isolation::None => false,
        Isolation::Worktree => true,
        Isolation::Auto => delegate::may_write(request) && place.repository.is_some(),
    }
}

fn new_task(task_id: TaskId, request: &TaskRequest, danger: DangerPolicy, now: Timestamp) -> Task {
    let title = request.title.as_deref().unwrap_or_else(|| {
        let first = request.prompt.lines().find(|line| !line.trim().is_empty());
        first.unwrap_or("Review")
    });
    let needs_consent = request.sandbox == Sandbox::DangerFullAccess && danger == DangerPolicy::Ask;
    let status = if needs_consent {
        TaskStatus::InputRequired
    } else {
        TaskStatus::Queued
    };
    let mut task = Task {
        sandbox: request.sandbox,
        model: request.model.clone(),
        group_id: request.group_id.clone(),
        tags: request.tags.clone(),
        status,
        need: needs_consent.then(|| consent(request)),
        warnings: made_anew(request),
        ..Task::new(
            task_id,
            request.kind(),
            one_line(&redact(title).text, TITLE_CHARS),
            request.cwd.clone().unwrap_or_default(),
            now,
        )
    };
    if let Some(thread) = &request.thread_id
        && !request.fork
    {
        task.thread_id = Some(thread.clone());
        task.session_id = Some(SessionId::new(DELEGATE, thread));
    }
    words::describe(&mut task);
    task
}

fn made_anew(request: &TaskRequest) -> Vec<String> {
    let is_made = request.isolation == Isolation::Worktree && request.resume == Resume::Thread;
    is_made.then(|| MADE_ANEW.to_owned()).into_iter().collect()
}

fn consent(request: &TaskRequest) -> Need {
    let prompt = redact(&request.prompt).text;
    Need {
        kind: NeedKind::Approval,
        summary: format!("Run without a sandbox?\n{prompt}"),
        request_id: CONSENT.to_owned(),
        can_answer: true,
        choices: vec!["accept".to_owned(), "decline".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_without_secrets_and_keys_stay_apart() {
        let kept = |secret: char| {
            let secret = format!("ghp_{}", String::from(secret).repeat(36));
            let (mut title, mut group_id) = (Some(secret.clone()), Some(secret.clone()));
            let (mut tags, mut key) = (
                vec![secret.clone(), "mine".to_owned()],
                Some(secret.clone()),
            );
            without_secrets(&mut Names {
                title: &mut title,
                group_id: &mut group_id,
                tags: &mut tags,
                idempotency_key: &mut key,
            });
            let all = format!("{title:?}{group_id:?}{tags:?}{key:?}");
            assert!(!all.contains(&secret) && all.contains("mine"), "{all}");
            key
        };

        assert_eq!(kept('a'), kept('a'));
        assert_ne!(kept('a'), kept('b'));
        let mut plain = Some("build-17".to_owned());
        without_secrets(&mut Names {
            title: &mut None,
            group_id: &mut None,
            tags: &mut Vec::new(),
            idempotency_key: &mut plain,
        });
        assert_eq!(plain.as_deref(), Some("build-17"));
    }
}
