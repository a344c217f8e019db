//! Names of rollout files.

/// Returns the thread id a rollout's file name carries:
/// `rollout-<local time>-<thread uuid>[_<suffix>].jsonl[.zst]`.
#[must_use]
pub fn thread_id_of_file(name: &str) -> Option<&str> {
    let stem = name.strip_prefix("rollout-")?;
    let stem = stem
        .strip_suffix(".zst")
        .unwrap_or(stem)
        .strip_suffix(".jsonl")?;
    let id = stem.get(20..56)?;
    let is_uuid = id.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    let rest = stem.get(56..)?;
    (is_uuid && (rest.is_empty() || rest.starts_with('_'))).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_from_file_names() {
        let id = "01a1f7ef-e378-7f62-b50c-dc8ba849f37b";
        let stem = format!("rollout-2026-11-20T07-50-56-{id}");

        assert_eq!(thread_id_of_file(&format!("{stem}.jsonl")), Some(id));
        assert_eq!(thread_id_of_file(&format!("{stem}.jsonl.zst")), Some(id));
        assert_eq!(thread_id_of_file(&format!("{stem}_2.jsonl")), Some(id));
        assert_eq!(thread_id_of_file(&format!("{stem}x.jsonl")), None);
        assert_eq!(thread_id_of_file("rollout-2026.jsonl"), None);
        assert_eq!(thread_id_of_file("notes.jsonl"), None);
    }
}
