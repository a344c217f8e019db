//! What git says about a task's files, before it starts and after it ended.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::task::git::{DirtyFile, GitFacts, GitSeen};
use mission_control_core::task::model::DiffStat;
use mission_control_core::task::patch::files_in;
use mission_control_core::timeline::FileChangeKind;
use serde::{Deserialize, Serialize};

use super::programs::{git, git_compares};

/// How many files a difference is told of.
const MOST_DIFFERENCES: usize = 500;
/// How many new files among them.
const MOST_NEW: usize = 100;
/// Longest difference that is kept, in bytes.
const MOST_PATCH_BYTES: usize = 1 << 20;
/// How git tells a difference: whole, and without running what a repository names.
const DIFFERENCE: [&str; 7] = [
    "--literal-pathspecs",
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--ignore-submodules=dirty",
];

/// How many changed files are looked at.
const MOST_FILES: usize = 5_000;
/// Contents up to this size are compared; of larger files only size and time.
const MOST_BYTES: u64 = 4 << 20;

/// A repository before a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    root: Utf8PathBuf,
    commit: Option<String>,
    dirty: BTreeMap<String, Dirty>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Dirty {
    kind: Kind,
    content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Added,
    Updated,
    Deleted,
}

/// What was seen of the repository before a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum SeenBefore {
    /// The folder is in no repository.
    NoRepository,
    /// Git could not be asked.
    Unknown {
        /// Why.
        why: String,
    },
    /// It was looked at.
    Known(Before),
}

/// Looks at the repository of a folder before a task starts in it.
pub(crate) fn before(folder: &Utf8Path) -> SeenBefore {
    match look_before(folder) {
        Ok(Some(before)) => SeenBefore::Known(before),
        Ok(None) => SeenBefore::NoRepository,
        Err(error) => SeenBefore::Unknown {
            why: error.to_string(),
        },
    }
}

/// Looks at the same repository again.
pub(crate) fn after(before: &SeenBefore, worktree: Option<&Utf8Path>) -> GitSeen {
    let before = match before {
        SeenBefore::NoRepository => return GitSeen::NoRepository,
        SeenBefore::Unknown { why } => return GitSeen::Unknown { why: why.clone() },
        SeenBefore::Known(before) => before,
    };
    match look_after(before, worktree) {
        Ok(facts) => GitSeen::Known(Box::new(facts)),
        Err(error) => GitSeen::Unknown {
            why: error.to_string(),
        },
    }
}

/// Returns the difference of the files a task changed to the commit it started from; what was
/// not committed before is in it, for git knows no other beginning.
pub(crate) fn patch(facts: &GitFacts) -> io::Result<String> {
    let root = Utf8Path::new(&facts.root);
    let changed = facts.changed();
    let paths: Vec<&str> = changed.keys().map(String::as_str).collect();
    let paths = paths.get(..MOST_DIFFERENCES).unwrap_or(&paths);
    let mut patch = match &facts.base {
        Some(base) if !paths.is_empty() => {
            let arguments = [&DIFFERENCE[..], &[base.as_str(), "--"], paths].concat();
            String::from_utf8_lossy(&git(root, &arguments)?.unwrap_or_default()).into_owned()
        }
        Some(_) | None => String::new(),
    };
    // Git does not compare what it does not know yet.
    let told = files_in(&patch);
    let is_untold = |path: &&&str| !told.iter().any(|(told, _)| told == **path);
    for path in paths.iter().filter(is_untold).take(MOST_NEW) {
        if patch.len() > MOST_PATCH_BYTES {
            break;
        }
        if root.join(path).is_file() {
            let against = ["--no-index", "--", "/dev/null", path];
            let said = git_compares(root, &[&DIFFERENCE[..], &against[..]].concat())?;
            patch.push_str(&String::from_utf8_lossy(&said.unwrap_or_default()));
        }
    }
    if patch.len() > MOST_PATCH_BYTES {
        patch.truncate(patch.floor_char_boundary(MOST_PATCH_BYTES));
        patch.push_str("\n… the difference is longer than this\n");
    }
    Ok(patch)
}

impl SeenBefore {
    /// Returns the commit the task started from.
    pub(crate) fn commit(&self) -> Option<&str> {
        match self {
            Self::NoRepository | Self::Unknown { .. } => None,
            Self::Known(before) => before.commit.as_deref(),
        }
    }
}

fn look_before(folder: &Utf8Path) -> io::Result<Option<Before>> {
    let Some(root) = text(git(folder, &["rev-parse", "--show-toplevel"])?) else {
        return Ok(None);
    };
    let root = Utf8PathBuf::from(root);
    Ok(Some(Before {
        commit: text(git(&root, &["rev-parse", "--verify", "--quiet", "HEAD"])?),
        dirty: dirty(&root)?,
        root,
    }))
}

fn look_after(before: &Before, worktree: Option<&Utf8Path>) -> io::Result<GitFacts> {
    let root = &before.root;
    let head = text(git(root, &["rev-parse", "--verify", "--quiet", "HEAD"])?);
    let committed = match (&before.commit, &head) {
        (Some(base), Some(head)) if base != head => {
            let range = [
                "diff",
                "--no-ext-diff",
                "--no-textconv",
                "--ignore-submodules=dirty",
                "--no-renames",
                "--name-status",
                "-z",
                base.as_str(),
                head.as_str(),
            ];
            names_with_status(&git(root, &range)?.unwrap_or_default())
        }
        _ => BTreeMap::new(),
    };
    let shown = |dirty: &BTreeMap<String, Dirty>| {
        dirty
            .iter()
            .map(|(path, dirty)| (path.clone(), dirty.shown()))
            .collect::<BTreeMap<_, _>>()
    };
    let mut facts = GitFacts {
        root: root.to_string(),
        base: before.commit.clone(),
        branch: text(git(root, &["symbolic-ref", "--quiet", "--short", "HEAD"])?),
        head,
        worktree: worktree.map(ToString::to_string),
        committed,
        dirty_before: shown(&before.dirty),
        dirty_after: shown(&dirty(root)?),
        diffstat: None,
    };
    facts.diffstat = diffstat(root, &facts)?;
    Ok(facts)
}

impl Dirty {
    fn shown(&self) -> DirtyFile {
        DirtyFile {
            kind: match self.kind {
                Kind::Added => FileChangeKind::Added,
                Kind::Updated => FileChangeKind::Updated,
                Kind::Deleted => FileChangeKind::Deleted,
            },
            content: self.content.clone(),
        }
    }
}

fn dirty(root: &Utf8Path) -> io::Result<BTreeMap<String, Dirty>> {
    let arguments = [
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--ignore-submodules=dirty",
        "--no-renames",
    ];
    let said = git(root, &arguments)?.ok_or_else(|| io::Error::other("`git status` failed"))?;
    let mut dirty = BTreeMap::new();
    for entry in said.split(|byte| *byte == 0).take(MOST_FILES) {
        let entry = String::from_utf8_lossy(entry);
        let (Some(state), Some(path)) = (entry.get(..2), entry.get(3..)) else {
            continue;
        };
        let kind = match state {
            "??" => Kind::Added,
            state if state.contains('D') => Kind::Deleted,
            state if state.contains('A') => Kind::Added,
            _ => Kind::Updated,
        };
        let content = content_of(&root.join(path));
        dirty.insert(path.to_owned(), Dirty { kind, content });
    }
    Ok(dirty)
}

/// Names what a file holds: equal texts mean equal contents.
fn content_of(path: &Utf8Path) -> String {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return "absent".to_owned();
    };
    if metadata.is_file() && metadata.len() <= MOST_BYTES {
        let Ok(bytes) = std::fs::read(path) else {
            return "unreadable".to_owned();
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        return format!("{}:{:016x}", bytes.len(), hasher.finish());
    }
    let modified = metadata.modified().ok().and_then(|at| {
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(since.as_nanos())
    });
    format!("{}@{}", metadata.len(), modified.unwrap_or_default())
}

fn names_with_status(said: &[u8]) -> BTreeMap<String, FileChangeKind> {
    let mut fields = said.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut names = BTreeMap::new();
    while let (Some(state), Some(path)) = (fields.next(), fields.next()) {
        let kind = match state.chars().next() {
            Some('A') => FileChangeKind::Added,
            Some('D') => FileChangeKind::Deleted,
            _ => FileChangeKind::Updated,
        };
        names.insert(path.into_owned(), kind);
    }
    names
}

/// The size of what changed since the commit before, for the files the task changed.
fn diffstat(root: &Utf8Path, facts: &GitFacts) -> io::Result<Option<DiffStat>> {
    let changed = facts.changed();
    let Some(base) = &facts.base else {
        return Ok(None);
    };
    if changed.is_empty() {
        return Ok(Some(DiffStat::default()));
    }
    let arguments = [
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=dirty",
        "--no-renames",
        "--numstat",
        "-z",
        base,
    ];
    let said = git(root, &arguments)?;
    let mut stat = DiffStat {
        files: u32::try_from(changed.len()).unwrap_or(u32::MAX),
        ..DiffStat::default()
    };
    let mut counted = Vec::new();
    for entry in said.unwrap_or_default().split(|byte| *byte == 0) {
        let entry = String::from_utf8_lossy(entry);
        let mut fields = entry.splitn(3, '\t');
        let (Some(plus), Some(minus), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if changed.contains_key(path) {
            stat.insertions += plus.parse::<u32>().unwrap_or(0);
            stat.deletions += minus.parse::<u32>().unwrap_or(0);
            counted.push(path.to_owned());
        }
    }
    for (path, kind) in &changed {
        if *kind == FileChangeKind::Added && !counted.contains(path) {
            stat.insertions += n_lines(&root.join(path));
        }
    }
    Ok(Some(stat))
}

fn n_lines(path: &Utf8Path) -> u32 {
    let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= MOST_BYTES);
    let bytes = if is_small {
        std::fs::read(path).unwrap_or_default()
    } else {
        Vec::new()
    };
    let n = memchr::memchr_iter(b'\n', &bytes).count();
    let is_open = bytes.last().is_some_and(|last| *last != b'\n');
    u32::try_from(n + usize::from(is_open)).unwrap_or(u32::MAX)
}

fn text(said: Option<Vec<u8>>) -> Option<String> {
    let text = String::from_utf8_lossy(&said?).trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}
