//! A task's own checkout: made from a pinned commit, kept while it holds changes, applied or
//! discarded later.

use std::fs::OpenOptions;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::task::model::TaskId;

use super::context::TaskContext;
use super::folder::{private, write_whole};
use super::programs::{git, git_does};

/// What is done with the changes in a task's own checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// They are shown.
    Preview,
    /// They are applied to the folder the task was asked for.
    Apply,
    /// They are thrown away, and the checkout with them.
    Discard,
}

/// Why changes were not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The task has no checkout of its own, or it was removed.
    #[error("find a checkout of the task `{0}`")]
    NoCheckout(TaskId),
    /// Nothing was changed in it.
    #[error("apply anything: nothing was changed")]
    NoChanges,
    /// Git refused.
    #[error("have git do it")]
    Git(#[from] io::Error),
}

/// Makes a checkout of the repository of `folder` and returns the place in it that corresponds.
pub(super) fn make(
    context_lock: &Utf8Path,
    folder: &Utf8Path,
    worktree: &Utf8Path,
    base: Option<&str>,
) -> io::Result<Utf8PathBuf> {
    let root = root_of(folder)?;
    let inside = folder
        .canonicalize_utf8()?
        .strip_prefix(root.canonicalize_utf8()?)
        .map(Utf8Path::to_owned)
        .unwrap_or_default();
    // Two at once would trip over the lock of git's own configuration.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let turn = private(&mut options).open(context_lock)?;
    turn.lock()?;
    let ready = ready_mark(worktree);
    if worktree.exists() && ready.exists() {
        return Ok(worktree.join(inside));
    }
    clear(&root, worktree)?;
    git_does(
        &root,
        &[
            "worktree",
            "add",
            "--detach",
            worktree.as_str(),
            base.unwrap_or("HEAD"),
        ],
    )?;
    write_whole(&ready, b"")?;
    drop(turn);
    Ok(worktree.join(inside))
}

/// Names the file that says that a checkout is whole.
fn ready_mark(worktree: &Utf8Path) -> Utf8PathBuf {
    worktree.with_extension("ready")
}

/// Removes what a checkout left that was not made to its end.
fn clear(root: &Utf8Path, worktree: &Utf8Path) -> io::Result<()> {
    if worktree.exists() {
        // It may be known to git or not, and locked while it is made.
        let remove = [
            "worktree",
            "remove",
            "--force",
            "--force",
            worktree.as_str(),
        ];
        let said = git(root, &remove)?;
        if said.is_none() && worktree.exists() {
            std::fs::remove_dir_all(worktree)?;
        }
    }
    // Git unlocks nobody's checkout by itself, also when its folder is gone.
    git(root, &["worktree", "unlock", worktree.as_str()])?;
    git_does(root, &["worktree", "prune"])?;
    Ok(())
}

/// Removes a checkout in which nothing was changed; returns whether it is gone.
pub(super) fn remove_if_clean(worktree: &Utf8Path, base: Option<&str>) -> io::Result<bool> {
    let is_dirty = git(worktree, &["status", "--porcelain"])?.is_none_or(|said| !said.is_empty());
    let head = git(worktree, &["rev-parse", "HEAD"])?.unwrap_or_default();
    let head = String::from_utf8_lossy(&head).trim().to_owned();
    if is_dirty || base != Some(head.as_str()) {
        return Ok(false);
    }
    remove(worktree)?;
    Ok(true)
}

/// Returns whether a task has a checkout of its own.
#[must_use]
pub fn has_checkout(context: &TaskContext, id: &TaskId) -> bool {
    context.folder(id).worktree().is_dir()
}

/// Shows, applies or discards what a task changed in its own checkout; returns the difference.
///
/// # Errors
/// When there is nothing to do it with, or git refuses; then nothing was changed.
pub fn apply(
    context: &TaskContext,
    id: &TaskId,
    target: &Utf8Path,
    base: &str,
    application: Application,
) -> Result<Vec<u8>, ApplyError> {
    let folder = context.folder(id);
    let worktree = folder.worktree();
    if !worktree.is_dir() {
        return Err(ApplyError::NoCheckout(id.clone()));
    }
    // The checkout has an index of its own: new files count, and nobody else's index changes.
    git_does(&worktree, &["add", "--all"])?;
    let patch = git_does(
        &worktree,
        &[
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--cached",
            "--binary",
            "--no-color",
            base,
        ],
    )?;
    match application {
        Application::Preview => {}
        Application::Discard => remove(&worktree)?,
        Application::Apply => {
            if patch.is_empty() {
                return Err(ApplyError::NoChanges);
            }
            let file = folder.path().join("apply.patch");
            write_whole(&file, &patch)?;
            let root = root_of(target)?;
            let applied = git_does(&root, &["apply", "--check", "--binary", file.as_str()])
                .and_then(|_| git_does(&root, &["apply", "--binary", file.as_str()]));
            std::fs::remove_file(&file)?;
            applied?;
            remove(&worktree)?;
        }
    }
    Ok(patch)
}

fn remove(worktree: &Utf8Path) -> io::Result<()> {
    let text = worktree.as_str();
    let common = git_does(
        worktree,
        &["rev-parse", "--path-format=absolute", "--git-common-dir"],
    )?;
    let common = Utf8PathBuf::from(String::from_utf8_lossy(&common).trim());
    git_does(&common, &["worktree", "remove", "--force", text])?;
    Ok(())
}

fn root_of(folder: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let said = git_does(folder, &["rev-parse", "--show-toplevel"])?;
    Ok(Utf8PathBuf::from(String::from_utf8_lossy(&said).trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::temp_folder;

    #[test]
    fn a_checkout_that_was_not_finished_is_made_anew() {
        let (_guard, folder) = temp_folder();
        let (repository, worktree) = (folder.join("repository"), folder.join("worktree"));
        std::fs::create_dir(&repository).unwrap();
        std::fs::write(repository.join("a"), "one").unwrap();
        let name = ["-c", "user.name=a", "-c", "user.email=a@b"];
        git_does(&repository, &["init", "--quiet"]).unwrap();
        git_does(&repository, &["add", "a"]).unwrap();
        let commit = [&name[..], &["commit", "--quiet", "--message", "one"]].concat();
        git_does(&repository, &commit).unwrap();
        let make = || make(&folder.join("lock"), &repository, &worktree, None).unwrap();
        let content = || std::fs::read_to_string(worktree.join("a")).ok();

        make();
        std::fs::write(worktree.join("a"), "two").unwrap();
        make();
        assert_eq!(content().as_deref(), Some("two"), "a whole one stays");

        // Git was ended within: known, locked, and without its files.
        std::fs::remove_file(ready_mark(&worktree)).unwrap();
        std::fs::remove_file(worktree.join("a")).unwrap();
        git_does(&repository, &["worktree", "lock", worktree.as_str()]).unwrap();
        make();
        assert_eq!(content().as_deref(), Some("one"));

        // Git was ended before it wrote anything down.
        std::fs::remove_file(ready_mark(&worktree)).unwrap();
        git_does(
            &repository,
            &["worktree", "remove", "--force", worktree.as_str()],
        )
        .unwrap();
        std::fs::create_dir(&worktree).unwrap();
        make();
        assert_eq!(content().as_deref(), Some("one"));
    }
}
