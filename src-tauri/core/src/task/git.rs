//! What git says about a task's files, and how it agrees with what the agent reported.

use std::collections::BTreeMap;

use super::model::{DiffStat, FileWitness, TaskFile, TaskGit};
use crate::timeline::FileChangeKind;

/// A file that differs from the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirtyFile {
    /// How it differs.
    pub kind: FileChangeKind,
    /// Names its content: the same text means the same content.
    pub content: String,
}

/// A repository before and after a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitFacts {
    /// The root of the tree the task worked in.
    pub root: String,
    /// The commit before.
    pub base: Option<String>,
    /// The commit after.
    pub head: Option<String>,
    /// The branch after.
    pub branch: Option<String>,
    /// The task's own worktree, if it had one.
    pub worktree: Option<String>,
    /// Files that differ between the two commits, by path from the root.
    pub committed: BTreeMap<String, FileChangeKind>,
    /// Files that differed from the last commit before, new ones included.
    pub dirty_before: BTreeMap<String, DirtyFile>,
    /// Files that differ from the last commit after, new ones included.
    pub dirty_after: BTreeMap<String, DirtyFile>,
    /// How much changed.
    pub diffstat: Option<DiffStat>,
}

/// What is known of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitSeen {
    /// The folder is in no repository.
    NoRepository,
    /// Git could not be asked.
    Unknown {
        /// Why.
        why: String,
    },
    /// Before and after.
    Known(Box<GitFacts>),
}

impl GitSeen {
    /// Returns what a reader of the result is shown.
    #[must_use]
    pub fn view(&self) -> Option<TaskGit> {
        match self {
            Self::NoRepository | Self::Unknown { .. } => None,
            Self::Known(facts) => Some(TaskGit {
                base: facts.base.clone(),
                head: facts.head.clone(),
                branch: facts.branch.clone(),
                worktree: facts.worktree.clone(),
                diffstat: facts.diffstat,
            }),
        }
    }
}

impl GitFacts {
    /// Returns what changed between before and after. What was different before already and
    /// stayed as it was is left out.
    #[must_use]
    pub fn changed(&self) -> BTreeMap<String, FileChangeKind> {
        let mut changed = self.committed.clone();
        for (path, after) in &self.dirty_after {
            match self.dirty_before.get(path) {
                Some(before) if before == after => {}
                Some(_) => {
                    changed.entry(path.clone()).or_insert(match after.kind {
                        FileChangeKind::Deleted => FileChangeKind::Deleted,
                        FileChangeKind::Added | FileChangeKind::Updated => FileChangeKind::Updated,
                    });
                }
                None => {
                    changed.entry(path.clone()).or_insert(after.kind);
                }
            }
        }
        for (path, before) in &self.dirty_before {
            if !self.dirty_after.contains_key(path) {
                changed.entry(path.clone()).or_insert(match before.kind {
                    FileChangeKind::Added => FileChangeKind::Deleted,
                    FileChangeKind::Updated | FileChangeKind::Deleted => FileChangeKind::Updated,
                });
            }
        }
        changed
    }
}

/// Brings together what the agent reported and what git shows, by path.
#[must_use]
pub fn reconcile(reported: &BTreeMap<String, FileChangeKind>, git: &GitSeen) -> Vec<TaskFile> {
    let GitSeen::Known(facts) = git else {
        return reported
            .iter()
            .map(|(path, kind)| TaskFile {
                path: path.clone(),
                kind: *kind,
                seen_by: FileWitness::Unchecked,
            })
            .collect();
    };
    let mut files: BTreeMap<String, TaskFile> = facts
        .changed()
        .into_iter()
        .map(|(path, kind)| {
            let file = TaskFile {
                path: path.clone(),
                kind,
                seen_by: FileWitness::GitOnly,
            };
            (path, file)
        })
        .collect();
    for (path, kind) in reported {
        let inside = relative_to(path, &facts.root);
        let seen_by = match (inside, inside.and_then(|inside| files.get(inside))) {
            (Some(_), Some(_)) => FileWitness::Both,
            (Some(_), None) => FileWitness::AgentOnly,
            (None, _) => FileWitness::Unchecked,
        };
        let path = inside.unwrap_or(path).to_owned();
        let kind = files.get(&path).map_or(*kind, |file| file.kind);
        files.insert(
            path.clone(),
            TaskFile {
                path,
                kind,
                seen_by,
            },
        );
    }
    files.into_values().collect()
}

/// Returns `path` from `root` on; none if it lies outside. A relative path counts as inside.
fn relative_to<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let is_absolute = path.starts_with('/') || path.get(1..3).is_some_and(|drive| drive == ":\\");
    if !is_absolute {
        return Some(path.trim_start_matches("./"));
    }
    let rest = path.strip_prefix(root.trim_end_matches(['/', '\\']))?;
    rest.strip_prefix(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirty(kind: FileChangeKind, content: &str) -> DirtyFile {
        DirtyFile {
            kind,
            content: content.to_owned(),
        }
    }

    #[test]
    fn what_was_dirty_before_and_stayed_so_is_no_change() {
        let facts = GitFacts {
            dirty_before: [
                ("same".to_owned(), dirty(FileChangeKind::Updated, "1")),
                ("more".to_owned(), dirty(FileChangeKind::Added, "1")),
                ("undone".to_owned(), dirty(FileChangeKind::Updated, "1")),
                ("removed".to_owned(), dirty(FileChangeKind::Added, "1")),
            ]
            .into(),
            dirty_after: [
                ("same".to_owned(), dirty(FileChangeKind::Updated, "1")),
                ("more".to_owned(), dirty(FileChangeKind::Added, "2")),
                ("fresh".to_owned(), dirty(FileChangeKind::Added, "1")),
            ]
            .into(),
            committed: [("landed".to_owned(), FileChangeKind::Deleted)].into(),
            ..GitFacts::default()
        };

        assert_eq!(
            facts.changed(),
            BTreeMap::from([
                ("fresh".to_owned(), FileChangeKind::Added),
                ("landed".to_owned(), FileChangeKind::Deleted),
                ("more".to_owned(), FileChangeKind::Updated),
                ("removed".to_owned(), FileChangeKind::Deleted),
                ("undone".to_owned(), FileChangeKind::Updated),
            ])
        );
    }

    #[test]
    fn every_file_says_who_saw_it() {
        let reported = BTreeMap::from([
            ("/r/both".to_owned(), FileChangeKind::Updated),
            ("/r/ignored".to_owned(), FileChangeKind::Added),
            ("/elsewhere/x".to_owned(), FileChangeKind::Added),
            ("/repository/y".to_owned(), FileChangeKind::Added),
        ]);
        let git = GitSeen::Known(Box::new(GitFacts {
            root: "/r".to_owned(),
            committed: [
                ("both".to_owned(), FileChangeKind::Updated),
                ("by_command".to_owned(), FileChangeKind::Added),
            ]
            .into(),
            ..GitFacts::default()
        }));

        let seen: Vec<(String, FileWitness)> = reconcile(&reported, &git)
            .into_iter()
            .map(|file| (file.path, file.seen_by))
            .collect();

        assert_eq!(
            seen,
            [
                ("/elsewhere/x".to_owned(), FileWitness::Unchecked),
                ("/repository/y".to_owned(), FileWitness::Unchecked),
                ("both".to_owned(), FileWitness::Both),
                ("by_command".to_owned(), FileWitness::GitOnly),
                ("ignored".to_owned(), FileWitness::AgentOnly),
            ]
        );
    }
}
