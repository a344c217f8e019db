//! Removing tasks that nobody needs any more. Never a live one, never one whose result nobody saw,
//! never one whose checkout holds changes that were neither applied nor discarded. What git ignores
//! in a checkout goes with its task.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::{SignedDuration, Timestamp};
use mission_control_core::task::model::TaskId;
use serde::Serialize;

use super::apply::was_applied;
use super::context::TaskContext;
use super::folder::{TaskFolder, read_json};
use super::mark::{self, ProcessMark};
use super::programs::{Group, Stop, TASK_VARIABLE};
use super::submit::Kept;
use super::wake::Waker;
use super::worktree;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// A folder without a task is left alone for so long: it may be about to get one.
const YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// Between two looks for processes that were asked to end.
const STEP: Duration = Duration::from_millis(50);

/// Whether anything is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Only found.
    Show,
    /// Removed.
    Apply,
}

/// Something to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The task's id.
    pub what: String,
    /// Why it may go.
    pub why: String,
}

/// Why tasks could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// The database cannot be used.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// Files cannot be removed.
    #[error("remove a task's files")]
    Files(#[from] io::Error),
}

/// Finds tasks that ended more than `days` ago and whose result was seen, and folders of no task.
///
/// # Errors
/// When they cannot be found or removed.
pub fn clean_up(
    context: &TaskContext,
    store: &Store,
    days: u32,
    removal: Removal,
    now: Timestamp,
) -> Result<Vec<Found>, CleanupError> {
    let age = SignedDuration::from_hours(24 * i64::from(days));
    // Nothing ended before the calendar begins.
    let before = now.checked_sub(age).unwrap_or(Timestamp::MIN);
    let mut found = Vec::new();
    let worked_in: Vec<String> = store.open_tasks()?.into_iter().map(|t| t.tree).collect();
    for id in store.seen_tasks_before(before)? {
        let folder = context.folder(&id);
        if folder.is_supervised() || !may_go(&folder, &worked_in) {
            continue;
        }
        if removal == Removal::Apply {
            if !store.forget_task(&id)? {
                continue;
            }
            if folder.worktree().exists() {
                worktree::remove(&folder.worktree())?;
            }
            remove(folder.path().to_owned())?;
        }
        found.push(Found {
            what: id.to_string(),
            why: "ended and seen".to_owned(),
        });
    }
    let orphans = orphans(context, store)?;
    if removal == Removal::Apply {
        end(&orphans, context.settings.term_grace_seconds.duration());
    }
    for (process, id) in orphans {
        found.push(Found {
            what: format!("process {}", process.pid),
            why: format!("left by the ended task {id}"),
        });
    }
    for (id, folder) in folders_without_task(context, store, now)? {
        if removal == Removal::Apply {
            remove(folder)?;
        }
        found.push(Found {
            what: id.to_string(),
            why: "a folder without a task".to_owned(),
        });
    }
    Ok(found)
}

/// Returns whether nothing is lost with a task's checkout, if there is one.
fn may_go(folder: &TaskFolder, worked_in: &[String]) -> bool {
    let checkout = folder.worktree();
    if !checkout.exists() {
        return true;
    }
    let found = checkout.canonicalize_utf8().unwrap_or(checkout.clone());
    if worked_in
        .iter()
        .any(|tree| *tree == checkout || *tree == found)
    {
        return false;
    }
    let is_wanted = read_json::<Kept>(&folder.request())
        .map(|kept| kept.is_none_or(|kept| kept.request.keep_worktree));
    let looked = is_wanted.and_then(|is_wanted| {
        if was_applied(folder)? {
            return Ok(true);
        }
        let Some(made) = worktree::made(&checkout)?.filter(|_| !is_wanted) else {
            return Ok(false);
        };
        let beyond = worktree::beyond(&checkout, &made.base)?;
        let holds_more = !beyond.repositories.is_empty() || !beyond.commits.is_empty();
        Ok(!holds_more && !worktree::is_changed(&checkout, Some(&made.base))?)
    });
    looked.unwrap_or_else(|error| {
        tracing::warn!(%error, %checkout, "A checkout cannot be looked at; it stays.");
        false
    })
}

/// Asks processes to end, and ends those that have not after `grace`.
fn end(orphans: &[(ProcessMark, TaskId)], grace: Duration) {
    let ids: BTreeSet<&TaskId> = orphans.iter().map(|(_, id)| id).collect();
    let groups: Vec<Group> = ids.into_iter().map(|id| Group::of(id, None)).collect();
    let stop = |how| groups.iter().for_each(|group| group.stop(how));
    let is_gone = || groups.iter().all(|group| group.members().is_empty());
    let clock = Clock::start();
    let mut waker = Waker::new();
    stop(Stop::Ask);
    while !is_gone() && clock.now().steady < grace {
        waker.wait(STEP);
    }
    stop(Stop::End);
}

/// Processes that carry the id of a task of this store that ended and has no supervisor.
fn orphans(
    context: &TaskContext,
    store: &Store,
) -> Result<Vec<(ProcessMark, TaskId)>, CleanupError> {
    let mut found = Vec::new();
    for (process, id) in mark::labelled(TASK_VARIABLE) {
        let Some(id) = TaskId::parse(&id) else {
            continue;
        };
        let record = match store.task(&id) {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(%error, %id, "A task cannot be read; its processes stay.");
                continue;
            }
        };
        let has_ended = record.is_some_and(|record| record.task.status.is_terminal());
        if has_ended && !context.folder(&id).is_supervised() {
            found.push((process, id));
        }
    }
    Ok(found)
}

fn folders_without_task(
    context: &TaskContext,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<(TaskId, Utf8PathBuf)>, CleanupError> {
    let entries = match context.state.join("tasks").read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(id) = TaskId::parse(entry.file_name()) else {
            continue;
        };
        let modified = Timestamp::try_from(entry.metadata()?.modified()?).unwrap_or(now);
        let is_young = now.duration_since(modified) < YOUNG;
        if !is_young && store.task(&id)?.is_none() && !context.folder(&id).is_supervised() {
            found.push((id, entry.path().to_owned()));
        }
    }
    Ok(found)
}

fn remove(folder: Utf8PathBuf) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
