//! Bringing what a task changed elsewhere into a folder: from a checkout of its own, or from the
//! cloud. One at a time for each task, all of a change or nothing, and never twice.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::redact::redact;
use mission_control_core::task::failure::{ErrorCode, FailureReason, TaskError};
use mission_control_core::task::model::{DiffStat, Task};
use mission_control_core::task::patch::{files_in, size_of};
use mission_control_core::timeline::FileChangeKind;
use serde::{Deserialize, Serialize};

use super::cloud;
use super::context::TaskContext;
use super::folder::{TaskFolder, read_json, write_json, write_whole};
use super::programs::git_does;
use super::worktree::{self, Beyond};
use crate::store::{Store, StoreError};

/// What is done with the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// They are shown.
    Preview,
    /// They are applied to a folder.
    Apply,
    /// They are thrown away, and the checkout with them.
    Discard,
}

/// What somebody wants done.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What.
    pub application: Application,
    /// The folder to apply to; the one the task was asked for if not given.
    pub folder: Option<&'a Utf8Path>,
    /// Which attempt of a task in the cloud.
    pub attempt: Option<u32>,
}

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where the changes were or would be applied.
    pub folder: Utf8PathBuf,
    /// The files they change.
    pub files: Vec<(String, FileChangeKind)>,
    /// How much they change.
    pub size: DiffStat,
    /// The difference without secrets, for readers.
    pub shown: String,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// What became of the changes of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fate {
    /// What.
    became: Became,
    /// When.
    at: Timestamp,
    /// The root of the checkout they were applied to.
    folder: Utf8PathBuf,
    /// Which attempt, of a task in the cloud.
    #[serde(default)]
    attempt: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    /// Somebody began to apply them; whether that was done is seen in the folder.
    Begun,
    /// They were applied.
    Applied,
    /// They were thrown away.
    Discarded,
}

/// Why nothing was done. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Somebody else applies or discards the changes, or works in the checkout.
    #[error("have the changes for itself")]
    Busy {
        /// Who does what.
        why: String,
    },
    /// The folder to apply to does not exist.
    #[error("apply to `{0}`: it is not a folder")]
    NoFolder(Utf8PathBuf),
    /// The folder to apply to is in no repository.
    #[error("apply to `{0}`: it is in no git repository")]
    NoRepository(Utf8PathBuf),
    /// The task worked in its folder itself.
    #[error("find a checkout of the task")]
    NoCheckout,
    /// It was done before.
    #[error("do it again: {0}")]
    Before(String),
    /// Nothing was changed.
    #[error("apply anything: nothing was changed")]
    NoChanges,
    /// Something was changed that a difference does not bring.
    #[error("apply all of it: {repositories} is a repository of its own or a submodule")]
    Repositories {
        /// What.
        repositories: String,
        /// The checkout.
        checkout: Utf8PathBuf,
    },
    /// The changes do not fit.
    #[error("apply what does not fit")]
    Conflict(#[source] io::Error),
    /// The cloud has not taken the task.
    #[error("find the task in the cloud")]
    NotInCloud,
    /// What lies in the cloud cannot be thrown away from here.
    #[error("discard changes that lie in the cloud")]
    StaysInCloud,
    /// The service or its program refused.
    #[error("have the cloud tell the changes")]
    Cloud(FailureReason),
    /// Git or the disk refused.
    #[error("have git do it")]
    Files(#[from] io::Error),
    /// The database cannot be used.
    #[error("use the store")]
    Store(#[from] StoreError),
}

/// Shows, applies or discards what a task changed elsewhere.
///
/// # Errors
/// When there is nothing to do it with, or somebody refuses; then nothing was changed.
pub fn apply(
    context: &TaskContext,
    store: &Store,
    task: &Task,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    if task.cloud.is_some() {
        from_cloud(context, task, wanted, now)
    } else {
        from_checkout(context, store, task, wanted, now)
    }
}

fn from_cloud(
    context: &TaskContext,
    task: &Task,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let id = task.cloud.as_ref().and_then(|place| place.id.as_deref());
    let id = id.ok_or(ApplyError::NotInCloud)?;
    if wanted.application == Application::Discard {
        return Err(ApplyError::StaysInCloud);
    }
    let folder = context.folder(&task.task_id);
    let _turn = own_turn(&folder)?;
    let target = context.absolute(wanted.folder.map_or(&task.cwd, Utf8Path::as_str));
    let patch = cloud::difference(context, id, wanted.attempt, now).map_err(ApplyError::Cloud)?;
    let patch = Patch(patch.into_bytes());
    if wanted.application == Application::Apply {
        let root = root_of(&target)?;
        let fate = read_fate(&folder)?.filter(|fate| fate.attempt == wanted.attempt);
        let mark = Fate {
            became: Became::Begun,
            at: now,
            folder: root,
            attempt: wanted.attempt,
        };
        patch.bring(&folder, fate.as_ref(), mark)?;
    }
    Ok(patch.told(target, Vec::new()))
}

fn from_checkout(
    context: &TaskContext,
    store: &Store,
    task: &Task,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let checkout = checkout_of(context, task);
    let folder = TaskFolder::at(checkout.parent().unwrap_or(&checkout).to_owned());
    let _turn = own_turn(&folder)?;
    let fate = read_fate(&folder)?;
    if !checkout.is_dir() {
        return Err(match fate {
            Some(fate) => ApplyError::Before(fate.sentence()),
            None if task.files.is_empty() => ApplyError::NoChanges,
            None => ApplyError::NoCheckout,
        });
    }
    let found = checkout.canonicalize_utf8()?;
    for open in store.open_tasks()? {
        if [checkout.as_str(), found.as_str()].contains(&open.tree.as_str()) {
            let why = format!("Task {} works in the checkout.", open.id);
            return Err(ApplyError::Busy { why });
        }
    }
    let made = worktree::made(&checkout)?;
    let base = made.as_ref().map(|made| made.base.clone());
    let base = base.or_else(|| task.git.as_ref().and_then(|git| git.base.clone()));
    let base = base.unwrap_or_else(|| "HEAD".to_owned());
    let own_folder = made.map_or_else(|| Utf8PathBuf::from(&task.cwd), |made| made.folder);
    let target = context.absolute(wanted.folder.unwrap_or(&own_folder).as_str());
    let mark = |became, root: &Utf8Path| Fate {
        became,
        at: now,
        folder: root.to_owned(),
        attempt: None,
    };
    let seen = worktree::beyond(&checkout, &base).and_then(|beyond| {
        let patch = Patch::of_checkout(&checkout, &base, &beyond.repositories)?;
        Ok((beyond, patch))
    });
    match wanted.application {
        Application::Preview => {
            let (beyond, patch) = seen?;
            Ok(patch.told(target, beyond.warnings()))
        }
        Application::Discard => {
            // What cannot be read can be thrown away all the same.
            let (patch, warnings) = match seen {
                Ok((_, patch)) => (patch, Vec::new()),
                Err(error) => {
                    let warning = format!("What was discarded could not be shown: {error}.");
                    (Patch(Vec::new()), vec![warning])
                }
            };
            worktree::remove(&checkout)?;
            if fate.is_none_or(|fate| fate.became != Became::Applied) {
                write_json(&folder.fate(), &mark(Became::Discarded, &target))?;
            }
            Ok(patch.told(target, warnings))
        }
        Application::Apply => {
            let (beyond, patch) = seen?;
            if let Some(fate) = fate.as_ref().filter(|fate| fate.became == Became::Applied) {
                return Err(ApplyError::Before(fate.sentence()));
            }
            if !beyond.repositories.is_empty() {
                return Err(ApplyError::Repositories {
                    repositories: worktree::listed(&beyond.repositories),
                    checkout,
                });
            }
            let root = root_of(&target)?;
            patch.bring(&folder, fate.as_ref(), mark(Became::Begun, &root))?;
            let warnings = leave(&checkout, &beyond);
            Ok(patch.told(target, warnings))
        }
    }
}

/// Removes a checkout whose changes were applied, unless it holds more than they. Returns what
/// a reader should know.
fn leave(checkout: &Utf8Path, beyond: &Beyond) -> Vec<String> {
    if beyond.ignored.is_empty() {
        let removed = worktree::remove(checkout).err();
        let failed =
            removed.map(|error| format!("The checkout {checkout} could not be removed: {error}."));
        return Beyond {
            ignored: Vec::new(),
            ..beyond.clone()
        }
        .warnings()
        .into_iter()
        .chain(failed)
        .collect();
    }
    let mut warnings = beyond.warnings();
    warnings.push(format!(
        "The checkout {checkout} stays for what git ignores; discarding removes it."
    ));
    warnings
}

/// Returns whether the changes in the checkout of a task's folder were applied.
pub(super) fn was_applied(folder: &TaskFolder) -> io::Result<bool> {
    Ok(read_fate(folder)?.is_some_and(|fate| fate.became == Became::Applied))
}

/// Returns the checkout a task worked in: its own, or that of the task it went on with.
pub(super) fn checkout_of(context: &TaskContext, task: &Task) -> Utf8PathBuf {
    let tasks = context.tasks();
    let recorded = task.git.as_ref().and_then(|git| git.worktree.as_deref());
    let recorded = recorded.and_then(|path| worktree::around(&tasks, path.into()));
    let other = recorded.or_else(|| worktree::around(&tasks, task.cwd.as_str().into()));
    other.unwrap_or_else(|| context.folder(&task.task_id).worktree())
}

fn own_turn(folder: &TaskFolder) -> Result<std::fs::File, ApplyError> {
    let why = || "Somebody else applies or discards its changes at the moment.".to_owned();
    folder
        .lock_changes()?
        .ok_or_else(|| ApplyError::Busy { why: why() })
}

fn read_fate(folder: &TaskFolder) -> io::Result<Option<Fate>> {
    read_json(&folder.fate())
}

fn root_of(target: &Utf8Path) -> Result<Utf8PathBuf, ApplyError> {
    if !target.is_dir() {
        return Err(ApplyError::NoFolder(target.to_owned()));
    }
    worktree::root_of(target).map_err(|error| {
        tracing::debug!(%error, "The folder to apply to is in no repository.");
        ApplyError::NoRepository(target.to_owned())
    })
}

impl Fate {
    fn sentence(&self) -> String {
        let at = self.at.strftime("%Y-%m-%d %H:%M UTC");
        match self.became {
            Became::Begun => format!("The changes are in `{}` already.", self.folder),
            Became::Applied => {
                format!("The changes were applied to `{}` on {at}.", self.folder)
            }
            Became::Discarded => format!("The changes were discarded on {at}."),
        }
    }
}

/// A difference as git writes it.
struct Patch(Vec<u8>);

impl Patch {
    fn of_checkout(checkout: &Utf8Path, base: &str, without: &[String]) -> io::Result<Self> {
        // The checkout has an index of its own: new files count, and nobody else's index changes.
        let without = without
            .iter()
            .map(|path| format!(":(top,exclude,literal){path}"));
        let without: Vec<String> = without.collect();
        let mut add = vec!["add", "--all", "--", ":/"];
        add.extend(without.iter().map(String::as_str));
        git_does(checkout, &add)?;
        let compare = [
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--cached",
            "--binary",
            "--full-index",
            "--no-color",
            "--no-renames",
            "--ignore-submodules=none",
            base,
        ];
        git_does(checkout, &compare).map(Self)
    }

    fn told(&self, folder: Utf8PathBuf, warnings: Vec<String>) -> Applied {
        let patch = String::from_utf8_lossy(&self.0);
        Applied {
            folder,
            files: files_in(&patch),
            size: size_of(&patch),
            shown: redact(&patch).text,
            warnings,
        }
    }

    /// Applies all of it, or nothing, and writes that down. `mark` says where; `fate` is what is
    /// known of an earlier time.
    fn bring(
        &self,
        folder: &TaskFolder,
        fate: Option<&Fate>,
        mark: Fate,
    ) -> Result<(), ApplyError> {
        if self.0.is_empty() {
            return Err(ApplyError::NoChanges);
        }
        let file = folder.path().join("apply.patch");
        write_whole(&file, &self.0)?;
        let brought = self.bring_from(&file, folder, fate, mark);
        std::fs::remove_file(&file)?;
        brought
    }

    fn bring_from(
        &self,
        file: &Utf8Path,
        folder: &TaskFolder,
        fate: Option<&Fate>,
        mark: Fate,
    ) -> Result<(), ApplyError> {
        let git_apply = |how: &[&str]| {
            let all = [&["apply", "--binary"], how, &[file.as_str()]].concat();
            git_does(&mark.folder, &all)
        };
        // A change that only adds fits again where it was applied.
        let is_there = || git_apply(&["--check", "--reverse"]).is_ok();
        if let Some(fate) = fate.filter(|fate| fate.folder == mark.folder)
            && is_there()
        {
            return Err(ApplyError::Before(fate.sentence()));
        }
        if let Err(error) = git_apply(&["--check"]) {
            return Err(if is_there() {
                ApplyError::Before(format!(
                    "The folder `{}` holds the changes already.",
                    mark.folder
                ))
            } else {
                ApplyError::Conflict(error)
            });
        }
        write_json(&folder.fate(), &mark)?;
        git_apply(&[]).map_err(ApplyError::Conflict)?;
        let applied = Fate {
            became: Became::Applied,
            ..mark
        };
        // The changes are there; the mark that they were begun leads the next one to see that.
        if let Err(error) = write_json(&folder.fate(), &applied) {
            tracing::warn!(%error, "It cannot be written down that changes were applied.");
        }
        Ok(())
    }
}

impl ApplyError {
    /// Returns the error as programs and people read it.
    #[must_use]
    pub fn said(&self, task: &Task) -> TaskError {
        let (code, message, hint): (ErrorCode, String, Option<String>) = match self {
            Self::Busy { why } => (
                ErrorCode::Busy,
                why.clone(),
                Some("Try again when that is over.".to_owned()),
            ),
            Self::NoFolder(folder) => (
                ErrorCode::NotFound,
                format!("`{folder}` is not a folder."),
                Some("Give `cwd` as an absolute path.".to_owned()),
            ),
            Self::NoRepository(folder) => (
                ErrorCode::NotARepo,
                format!("`{folder}` is in no git repository."),
                Some("Name a folder of the repository the task worked on.".to_owned()),
            ),
            Self::NoCheckout => (
                ErrorCode::NotFound,
                format!(
                    "Task {} has no checkout of its own: what it changed lies in `{}`.",
                    task.task_id, task.cwd
                ),
                None,
            ),
            Self::Before(what) => (ErrorCode::Conflict, what.clone(), None),
            Self::NoChanges => (
                ErrorCode::Conflict,
                "Nothing was changed, so there is nothing to apply.".to_owned(),
                None,
            ),
            Self::Repositories {
                repositories,
                checkout,
            } => (
                ErrorCode::Conflict,
                format!(
                    "Nothing was applied: {repositories} is a repository of its own or a submodule, which a difference does not bring."
                ),
                Some(format!(
                    "Copy it from {checkout} or push it from there; remove it there to apply the rest."
                )),
            ),
            Self::Conflict(cause) => {
                let message = cause.to_string();
                return TaskError::of(&FailureReason::ApplyConflict { message }, None);
            }
            Self::NotInCloud => (
                ErrorCode::NotFound,
                format!("Task {} never reached the cloud.", task.task_id),
                None,
            ),
            Self::StaysInCloud => (
                ErrorCode::Unsupported,
                "Changes that lie in the cloud cannot be discarded from here.".to_owned(),
                Some("What is not applied changes nothing here.".to_owned()),
            ),
            Self::Cloud(reason) => return TaskError::of(reason, None),
            Self::Files(cause) => (
                ErrorCode::Internal,
                format!("Git or the disk refused: {cause}."),
                Some("Look at the checkout and the folder, then try again.".to_owned()),
            ),
            Self::Store(error) => (
                ErrorCode::Internal,
                format!("Could not {error}."),
                error.problem().hint,
            ),
        };
        TaskError {
            code,
            message,
            retryable: matches!(self, Self::Busy { .. }),
            hint,
            stderr_tail: None,
        }
    }
}
