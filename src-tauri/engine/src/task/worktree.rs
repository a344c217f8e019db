//! A task's own checkout: made from a pinned commit, kept while it holds anything, removed when
//! what is in it was applied or discarded.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::folder::{TaskFolder, private, read_json, write_json};
use super::place::Place;
use super::programs::{git, git_does};

/// How many names a sentence lists.
const MOST_NAMED: usize = 5;
/// The mode of an entry that stands for another repository.
const LINK_MODE: &str = "160000";
/// Where repositories keep what belongs to them, and how checkouts lead there.
const DOT_GIT: &str = ".git";

/// What a checkout was made from. Its file says that the checkout was made to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    /// The commit.
    pub(super) base: String,
    /// The folder the task was asked for.
    pub(super) folder: Utf8PathBuf,
}

/// What a checkout holds that a difference does not bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    /// Repositories within it, and folders of submodules that were written.
    pub(super) repositories: Vec<String>,
    /// What git ignores.
    pub(super) ignored: Vec<String>,
    /// Commits that were made in it: short id and subject, the latest first.
    pub(super) commits: Vec<String>,
    /// Branches that lead to the latest of them.
    pub(super) branches: Vec<String>,
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
    let base = base.unwrap_or("HEAD");
    let base = commit_of(&root, base)?
        .ok_or_else(|| io::Error::other(format!("`{base}` names no commit of `{root}`")))?;
    clear(&root, worktree)?;
    let add = ["worktree", "add", "--detach", worktree.as_str(), &base];
    git_does(&root, &add)?;
    if !worktree.join(&inside).is_dir() {
        remove(worktree)?;
        let says = format!("`{inside}` is no folder of the commit {base}");
        return Err(io::Error::other(says));
    }
    let folder = folder.to_owned();
    write_json(&ready, &Made { base, folder })?;
    drop(turn);
    Ok(worktree.join(inside))
}

/// Returns the commit that `text` names in a repository, whatever it looks like.
pub(super) fn commit_of(folder: &Utf8Path, text: &str) -> io::Result<Option<String>> {
    let what = format!("{text}^{{commit}}");
    let ask = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        what.as_str(),
    ];
    let said = git(folder, &ask)?.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    // A word that git takes for an option is printed as it is.
    let is_id = said.len() >= 40 && said.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_id.then_some(said))
}

/// Returns whether a folder of a checkout is one of a commit, too.
pub(super) fn is_in_commit(folder: &Utf8Path, commit: &str) -> io::Result<bool> {
    let inside = git_does(folder, &["rev-parse", "--show-prefix"])?;
    let inside = String::from_utf8_lossy(&inside);
    let inside = inside.trim_end_matches('\n').trim_end_matches('/');
    if inside.is_empty() {
        return Ok(true);
    }
    let what = format!("{commit}:{inside}");
    let kind = git(folder, &["cat-file", "-t", &what])?;
    Ok(kind.is_some_and(|kind| kind.starts_with(b"tree")))
}

/// Returns the checkout of some task that `folder` lies in, whether it still exists or not.
pub(super) fn around(tasks: &Utf8Path, folder: &Utf8Path) -> Option<Utf8PathBuf> {
    let inside = folder.strip_prefix(tasks).ok()?;
    let id = inside.components().next()?;
    let worktree = TaskFolder::at(tasks.join(id.as_str())).worktree();
    folder.starts_with(&worktree).then_some(worktree)
}

/// Returns what a checkout was made from; none of one that is older than this record.
pub(super) fn made(worktree: &Utf8Path) -> io::Result<Option<Made>> {
    match read_json(&ready_mark(worktree)) {
        // Earlier the mark was empty.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

/// Returns the place in a checkout that corresponds to `folder`, or the checkout itself.
pub(super) fn place_in(worktree: &Utf8Path, folder: &Utf8Path) -> Utf8PathBuf {
    let folder = folder.canonicalize_utf8().unwrap_or(folder.to_owned());
    let tree = Place::of(&folder).tree;
    let inside = folder.strip_prefix(&tree).unwrap_or("".as_ref());
    let place = worktree.join(inside);
    if inside.as_str().is_empty() || !place.is_dir() {
        return worktree.to_owned();
    }
    place
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

/// Returns whether a checkout differs from the commit it was made from, as far as git looks.
pub(super) fn is_changed(worktree: &Utf8Path, base: Option<&str>) -> io::Result<bool> {
    let ask = [
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--ignore-submodules=none",
    ];
    let is_dirty = git(worktree, &ask)?.is_none_or(|said| !said.is_empty());
    let head = commit_of(worktree, "HEAD")?;
    Ok(is_dirty || base != head.as_deref())
}

/// Returns what a checkout holds that a difference to `base` does not bring.
pub(super) fn beyond(worktree: &Utf8Path, base: &str) -> io::Result<Beyond> {
    let ask = [
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--ignored=matching",
        "--ignore-submodules=none",
        "--no-renames",
    ];
    let said = git_does(worktree, &ask)?;
    let mut repositories = BTreeSet::new();
    let mut ignored = Vec::new();
    for entry in said.split(|byte| *byte == 0).map(String::from_utf8_lossy) {
        if let Some(path) = entry.strip_prefix("!! ") {
            ignored.push(path.to_owned());
        }
        // All files are listed, so a folder is one that git does not look into.
        if let Some(path) = entry.strip_prefix("?? ").and_then(|p| p.strip_suffix('/')) {
            repositories.insert(path.to_owned());
        }
    }
    let before = links_in(&git_does(
        worktree,
        &["ls-tree", "-r", "-z", "--full-tree", base],
    )?);
    for link in links_in(&git_does(worktree, &["ls-files", "--stage", "-z"])?) {
        if !before.contains(&link) || is_written(&worktree.join(&link.path), &link.commit)? {
            repositories.insert(link.path);
        }
    }
    let range = format!("{base}..HEAD");
    // There is no log where no commit was made since a branch was begun anew.
    let log = git(worktree, &["log", "--format=%h %s", "--no-color", &range])?;
    let commits: Vec<String> = lines(&log.unwrap_or_default());
    let branches = if commits.is_empty() {
        Vec::new()
    } else {
        let ask = [
            "for-each-ref",
            "--points-at=HEAD",
            "--format=%(refname:short)",
            "refs/heads",
        ];
        lines(&git_does(worktree, &ask)?)
    };
    Ok(Beyond {
        repositories: repositories.into_iter().collect(),
        ignored,
        commits,
        branches,
    })
}

impl Beyond {
    /// Returns whether the checkout may go when git shows no difference.
    pub(super) const fn is_nothing(&self) -> bool {
        self.repositories.is_empty() && self.ignored.is_empty() && self.commits.is_empty()
    }

    /// Returns what a reader of a result or of a preview should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.repositories.is_empty() {
            warnings.push(format!(
                "{} in its checkout: a repository of its own or a submodule, which is not applied and is lost when the checkout is discarded.",
                listed(&self.repositories)
            ));
        }
        if !self.ignored.is_empty() {
            warnings.push(format!(
                "{} in its checkout: ignored by git, not applied, and lost when the checkout is discarded.",
                listed(&self.ignored)
            ));
        }
        if !self.commits.is_empty() {
            let n = self.commits.len();
            let branches = match self.branches.as_slice() {
                [] => "no branch leads to them".to_owned(),
                branches => format!("the branch {} leads to them", listed(branches)),
            };
            warnings.push(format!(
                "{n} {} made in its checkout: {}. Applying brings the files, not the commits; {branches}.",
                if n == 1 { "commit" } else { "commits" },
                listed(&self.commits)
            ));
        }
        warnings
    }
}

/// Names the first of many.
pub(super) fn listed(names: &[String]) -> String {
    let named = names
        .iter()
        .take(MOST_NAMED)
        .map(|name| format!("`{name}`"));
    let named = named.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => named,
        n => format!("{named} and {n} more"),
    }
}

/// An entry that stands for a commit of another repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    path: String,
    commit: String,
}

/// Reads the links in what `ls-tree` or `ls-files --stage` printed: a mode, further words, and the
/// path after a tab. The commit is the only long word.
fn links_in(said: &[u8]) -> BTreeSet<Link> {
    let entries = said.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    entries
        .filter_map(|entry| {
            let (words, path) = entry.split_once('\t')?;
            let mut words = words.split(' ');
            (words.next() == Some(LINK_MODE)).then_some(())?;
            let commit = words.find(|word| word.len() >= 40)?.to_owned();
            let path = path.to_owned();
            Some(Link { path, commit })
        })
        .collect()
}

/// Returns whether somebody worked in the folder of a link.
fn is_written(folder: &Utf8Path, commit: &str) -> io::Result<bool> {
    if folder.join(DOT_GIT).exists() {
        return is_changed(folder, Some(commit));
    }
    match folder.read_dir_utf8() {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn lines(said: &[u8]) -> Vec<String> {
    let said = String::from_utf8_lossy(said);
    said.lines().map(str::to_owned).collect()
}

/// Removes a checkout and what git knows of it.
pub(super) fn remove(worktree: &Utf8Path) -> io::Result<()> {
    let text = worktree.as_str();
    let common = git_does(
        worktree,
        &["rev-parse", "--path-format=absolute", "--git-common-dir"],
    )?;
    let common = Utf8PathBuf::from(String::from_utf8_lossy(&common).trim());
    // Twice, for one that somebody locked.
    let remove = ["worktree", "remove", "--force", "--force", text];
    git_does(&common, &remove)?;
    Ok(())
}

/// Returns the root of the checkout a folder lies in.
pub(super) fn root_of(folder: &Utf8Path) -> io::Result<Utf8PathBuf> {
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
