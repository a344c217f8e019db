//! Changes to files: what a call was to change, and what it changed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::calls::path;
use super::line::parse;
use crate::text::shorten_middle;
use crate::timeline::{FileChange, FileChangeKind};

/// Longest difference kept, in bytes.
const DIFF_BYTES: usize = 16 * 1024;

/// What a tool that changes a file reports.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    #[serde(rename = "type")]
    kind: Option<String>,
    file_path: String,
    content: Option<String>,
    #[serde(default)]
    structured_patch: Vec<Hunk>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hunk {
    old_start: u64,
    old_lines: u64,
    new_start: u64,
    new_lines: u64,
    #[serde(default)]
    lines: Vec<String>,
}

/// Returns whether the tool changes files.
pub(super) fn is_edit(tool: &str) -> bool {
    ["Edit", "MultiEdit", "Write", "NotebookEdit"].contains(&tool)
}

/// Returns what a call is to change.
pub(super) fn intended(tool: &str, input: &Value) -> Vec<FileChange> {
    let kind = if tool == "Write" {
        FileChangeKind::Added
    } else {
        FileChangeKind::Updated
    };
    let path = path(input).map(|path| FileChange {
        path: path.to_owned(),
        moved_to: None,
        kind,
        n_added: 0,
        n_removed: 0,
        diff: String::new(),
    });
    path.into_iter().collect()
}

/// Returns what a call changed; none when it reports something else.
pub(super) fn done(result: &RawValue) -> Option<Vec<FileChange>> {
    let changed: Changed = parse(result)?;
    let is_new = changed.kind.as_deref() == Some("create");
    let lines = changed.structured_patch.iter().flat_map(|hunk| &hunk.lines);
    let n_with = |mark| count(lines.clone().filter(|line| line.starts_with(mark)).count());
    let n_added = match &changed.content {
        Some(content) if is_new => count(content.lines().count()),
        Some(_) | None => n_with('+'),
    };
    let diff: Vec<String> = changed
        .structured_patch
        .iter()
        .flat_map(|hunk| std::iter::once(hunk.head()).chain(hunk.lines.iter().cloned()))
        .collect();
    Some(vec![FileChange {
        moved_to: None,
        kind: if is_new {
            FileChangeKind::Added
        } else {
            FileChangeKind::Updated
        },
        n_added,
        n_removed: n_with('-'),
        diff: shorten_middle(&diff.join("\n"), DIFF_BYTES),
        path: changed.file_path,
    }])
}

impl Hunk {
    fn head(&self) -> String {
        let Self {
            old_start,
            old_lines,
            new_start,
            new_lines,
            ..
        } = self;
        format!("@@ -{old_start},{old_lines} +{new_start},{new_lines} @@")
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str) -> Option<Vec<FileChange>> {
        done(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn a_change_is_counted_and_a_new_file_is_all_new() {
        let edited = changed(
            r#"{"filePath":"/a.py","structuredPatch":[{"oldStart":1,"oldLines":2,"newStart":1,"newLines":2,"lines":[" x","-a","+b"]}]}"#,
        )
        .unwrap();
        assert_eq!((edited[0].n_added, edited[0].n_removed), (1, 1));
        assert_eq!(edited[0].diff, "@@ -1,2 +1,2 @@\n x\n-a\n+b");

        let made = changed(
            r#"{"type":"create","filePath":"/b.py","content":"1\n2\n","structuredPatch":[]}"#,
        )
        .unwrap();
        assert_eq!((made[0].kind, made[0].n_added), (FileChangeKind::Added, 2));

        assert_eq!(changed(r#""User rejected tool use""#), None);
        assert_eq!(changed("[1]"), None);
    }
}
