//! Changes of files: `apply_patch` texts and the changes of a `FileChange` item.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::shorten_middle;
use crate::timeline::{FileChange, FileChangeKind};

/// Longest diff kept of one file, in bytes.
const DIFF_BYTES: usize = 8 * 1024;

/// One change of a `FileChange` item.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedChange {
    #[serde(rename = "type")]
    kind: String,
    content: Option<String>,
    unified_diff: Option<String>,
    move_path: Option<String>,
}

/// Reads the changes of a `FileChange` item.
pub(super) fn recorded(changes: BTreeMap<String, RecordedChange>) -> Vec<FileChange> {
    changes
        .into_iter()
        .map(|(path, change)| {
            let content = change.content.unwrap_or_default();
            let (kind, diff) = match change.kind.as_str() {
                "add" => (FileChangeKind::Added, prefixed('+', &content)),
                "delete" => (FileChangeKind::Deleted, prefixed('-', &content)),
                _ => (
                    FileChangeKind::Updated,
                    change.unified_diff.unwrap_or_default(),
                ),
            };
            file_change(path, change.move_path, kind, &diff)
        })
        .collect()
}

/// Reads the text of an `apply_patch` call.
pub(super) fn of_patch_text(text: &str) -> Vec<FileChange> {
    struct Open {
        path: String,
        moved_to: Option<String>,
        kind: FileChangeKind,
        diff: String,
    }
    let mut changes = Vec::new();
    let mut open: Option<Open> = None;
    let mut close = |open: Option<Open>| {
        changes.extend(open.map(|o| file_change(o.path, o.moved_to, o.kind, &o.diff)));
    };
    for line in text.lines() {
        let header = [
            ("*** Add File: ", FileChangeKind::Added),
            ("*** Update File: ", FileChangeKind::Updated),
            ("*** Delete File: ", FileChangeKind::Deleted),
        ]
        .into_iter()
        .find_map(|(beginning, kind)| Some((line.strip_prefix(beginning)?, kind)));
        if let Some((path, kind)) = header {
            let path = path.trim().to_owned();
            close(open.replace(Open {
                path,
                moved_to: None,
                kind,
                diff: String::new(),
            }));
        } else if let Some(open) = &mut open {
            if let Some(path) = line.strip_prefix("*** Move to: ") {
                open.moved_to = Some(path.trim().to_owned());
            } else if !line.starts_with("*** ") {
                open.diff.push_str(line);
                open.diff.push('\n');
            }
        }
    }
    close(open);
    changes
}

fn file_change(
    path: String,
    moved_to: Option<String>,
    kind: FileChangeKind,
    diff: &str,
) -> FileChange {
    let count = |sign: char| {
        let n = diff.lines().filter(|line| line.starts_with(sign)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    FileChange {
        path,
        moved_to,
        kind,
        n_added: count('+'),
        n_removed: count('-'),
        diff: shorten_middle(diff, DIFF_BYTES),
    }
}

fn prefixed(sign: char, content: &str) -> String {
    content
        .lines()
        .map(|line| format!("{sign}{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_texts_name_their_files_and_count_lines() {
        let text = "*** Begin Patch\n*** Update File: calc.py\n*** Move to: sum.py\n@@\n def add(a, b):\n-    return a - b\n+    return a + b\n*** Add File: NOTES.md\n+# Notes\n+x\n*** Delete File: old.py\n*** End Patch";

        let changes = of_patch_text(text);

        let short: Vec<_> = changes
            .iter()
            .map(|c| {
                (
                    c.path.as_str(),
                    c.moved_to.as_deref(),
                    c.kind,
                    c.n_added,
                    c.n_removed,
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("calc.py", Some("sum.py"), FileChangeKind::Updated, 1, 1),
                ("NOTES.md", None, FileChangeKind::Added, 2, 0),
                ("old.py", None, FileChangeKind::Deleted, 0, 0),
            ]
        );
    }
}
