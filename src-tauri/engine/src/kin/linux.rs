//! `/proc/<pid>/stat`.

use super::Kin;

pub(super) fn of(pid: u32) -> Option<Kin> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // The name in parentheses may hold anything, parentheses too.
    let (before, after_name) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X" | "x") {
        return None;
    }
    Some(Kin {
        pid,
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
    })
}

pub(super) fn all() -> Vec<Kin> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten();
    pids.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}
