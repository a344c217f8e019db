//! A difference as git writes it: which files it changes, and by how much.

use super::model::DiffStat;
use crate::timeline::FileChangeKind;

/// Returns the files a difference changes, in its order, and what happens to each.
#[must_use]
pub fn files_in(patch: &str) -> Vec<(String, FileChangeKind)> {
    let mut files: Vec<(String, FileChangeKind)> = Vec::new();
    for line in headers(patch) {
        if let Some(names) = line.strip_prefix("diff --git ") {
            files.push((name_in(names), FileChangeKind::Updated));
            continue;
        }
        let Some((path, kind)) = files.last_mut() else {
            continue;
        };
        if line.starts_with("new file mode") {
            *kind = FileChangeKind::Added;
        } else if line.starts_with("deleted file mode") {
            *kind = FileChangeKind::Deleted;
        } else if let Some(name) = line
            .strip_prefix("rename to ")
            .or_else(|| line.strip_prefix("+++ b/"))
        {
            name.trim_end_matches('\t').clone_into(path);
        }
    }
    files
}

/// Returns how much a difference changes.
#[must_use]
pub fn size_of(patch: &str) -> DiffStat {
    let mut size = DiffStat {
        files: u32::try_from(files_in(patch).len()).unwrap_or(u32::MAX),
        ..DiffStat::default()
    };
    for line in hunk_lines(patch) {
        match line.as_bytes().first() {
            Some(b'+') => size.insertions += 1,
            Some(b'-') => size.deletions += 1,
            Some(_) | None => {}
        }
    }
    size
}

/// The name after `b/`; git quotes names with odd bytes.
fn name_in(names: &str) -> String {
    let names = names.trim_end();
    if let Some((_, after)) = names.rsplit_once(" \"b/") {
        return after.trim_end_matches('"').to_owned();
    }
    // Without a rename both names are the same, so the second is the later half.
    let half = names.len() / 2;
    let later = names
        .get(half + 1..)
        .and_then(|name| name.strip_prefix("b/"));
    let later = later.or_else(|| names.rsplit_once(" b/").map(|(_, name)| name));
    later.unwrap_or(names).to_owned()
}

fn headers(patch: &str) -> impl Iterator<Item = &str> {
    classified(patch).filter_map(|(is_hunk, line)| (!is_hunk).then_some(line))
}

fn hunk_lines(patch: &str) -> impl Iterator<Item = &str> {
    classified(patch).filter_map(|(is_hunk, line)| is_hunk.then_some(line))
}

/// Tells content from headers by the counts in `@@ -1,2 +1,3 @@`: content may look like anything.
fn classified(patch: &str) -> impl Iterator<Item = (bool, &str)> {
    let (mut n_old, mut n_new) = (0_u32, 0_u32);
    patch.lines().map(move |line| {
        if n_old == 0 && n_new == 0 {
            if let Some((old, new)) = counts(line) {
                (n_old, n_new) = (old, new);
            }
            return (false, line);
        }
        match line.as_bytes().first() {
            Some(b'+') => n_new = n_new.saturating_sub(1),
            Some(b'-') => n_old = n_old.saturating_sub(1),
            Some(b'\\') => {}
            Some(_) | None => {
                n_old = n_old.saturating_sub(1);
                n_new = n_new.saturating_sub(1);
            }
        }
        (true, line)
    })
}

fn counts(line: &str) -> Option<(u32, u32)> {
    let ranges = line.strip_prefix("@@ -")?.split(" @@").next()?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| match range.split_once(',') {
        Some((_, n)) => n.parse().ok(),
        None => Some(1),
    };
    Some((count(old)?, count(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "diff --git a/a b.txt b/a b.txt\n--- a/a b.txt\n+++ b/a b.txt\n@@ -1,2 +1 @@ fn\n--- a/x\n-two\n+one\n\
        diff --git a/new b/new\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+diff --git a/x b/x\n\
        diff --git a/old b/old\ndeleted file mode 100644\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n\
        diff --git a/from b/to\nsimilarity index 100%\nrename from from\nrename to to\n";

    #[test]
    fn files_are_told_from_content_that_looks_like_them() {
        assert_eq!(
            files_in(PATCH),
            [
                ("a b.txt".to_owned(), FileChangeKind::Updated),
                ("new".to_owned(), FileChangeKind::Added),
                ("old".to_owned(), FileChangeKind::Deleted),
                ("to".to_owned(), FileChangeKind::Updated),
            ]
        );
    }

    #[test]
    fn lines_are_counted() {
        let expected = DiffStat {
            files: 4,
            insertions: 2,
            deletions: 3,
        };
        assert_eq!(size_of(PATCH), expected);
        assert_eq!(size_of(""), DiffStat::default());
    }
}
