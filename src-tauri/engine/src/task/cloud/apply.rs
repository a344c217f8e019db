//! Bringing what a task in the cloud changed into a checkout.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::task::failure::FailureReason;
use mission_control_core::task::model::Task;

use super::program;
use crate::task::context::TaskContext;
use crate::task::folder::write_whole;
use crate::task::programs::{git, git_does};
use crate::task::worktree::Application;

/// Why changes were not applied.
#[derive(Debug, thiserror::Error)]
pub enum CloudApplyError {
    /// The cloud has not taken the task.
    #[error("find the task in the cloud")]
    NotThere,
    /// What lies in the cloud cannot be thrown away from here.
    #[error("discard changes that lie in the cloud")]
    NothingToDiscard,
    /// The service, its program or git refused.
    #[error("have the cloud do it")]
    Refused(FailureReason),
}

/// Shows or applies what a task changed in the cloud; returns the difference. Changes that do not
/// fit are not applied in part.
///
/// # Errors
/// When there is nothing to do it with, or somebody refuses.
pub fn apply(
    context: &TaskContext,
    task: &Task,
    target: &Utf8Path,
    attempt: Option<u32>,
    application: Application,
    now: Timestamp,
) -> Result<String, CloudApplyError> {
    let id = task.cloud.as_ref().and_then(|place| place.id.as_deref());
    let id = id.ok_or(CloudApplyError::NotThere)?;
    let cloud = program(context, now);
    if application == Application::Discard {
        return Err(CloudApplyError::NothingToDiscard);
    }
    let patch = cloud.diff(id, attempt).map_err(CloudApplyError::Refused)?;
    if application == Application::Apply {
        let no_repository = FailureReason::NotARepository {};
        let (tree, git_folder) = checkout(target).ok_or(CloudApplyError::Refused(no_repository))?;
        fits(context, task, &tree, &patch).map_err(CloudApplyError::Refused)?;
        cloud
            .apply(id, attempt, &tree, &git_folder)
            .map_err(CloudApplyError::Refused)?;
    }
    Ok(patch)
}

/// Makes sure that all of a difference can be applied: the program would apply what fits.
fn fits(
    context: &TaskContext,
    task: &Task,
    tree: &Utf8Path,
    patch: &str,
) -> Result<(), FailureReason> {
    let file = context.folder(&task.task_id).path().join("apply.patch");
    let refused = |error: io::Error| FailureReason::ApplyConflict {
        message: error.to_string(),
    };
    write_whole(&file, patch.as_bytes()).map_err(refused)?;
    let fits = git_does(
        tree,
        &["apply", "--check", "--index", "--binary", file.as_str()],
    );
    std::fs::remove_file(&file).map_err(refused)?;
    fits.map(drop).map_err(refused)
}

/// Returns the root of a checkout and where git keeps what belongs to it.
fn checkout(folder: &Utf8Path) -> Option<(Utf8PathBuf, Utf8PathBuf)> {
    let ask = |what: &[&str]| {
        let said = git(
            folder,
            &[&["rev-parse", "--path-format=absolute"], what].concat(),
        );
        let said = said
            .inspect_err(|error| tracing::warn!(%error, "Git cannot be asked for the checkout."))
            .ok()??;
        let said = String::from_utf8_lossy(&said).trim_end().to_owned();
        (!said.is_empty()).then(|| Utf8PathBuf::from(said))
    };
    Some((ask(&["--show-toplevel"])?, ask(&["--absolute-git-dir"])?))
}
