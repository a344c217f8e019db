//! `/proc`.

/// Returns the start of a live process in clock ticks since boot.
pub(super) fn start_of(pid: u32) -> Option<u64> {
    let stat = Stat::of(pid)?;
    (!stat.is_dead).then_some(stat.start)
}

/// Returns the start of a process, also of one that only waits to be collected.
pub(super) fn start_of_any(pid: u32) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.start)
}

pub(super) fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

pub(super) fn members(group: Option<u32>, label: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let Some(stat) = Stat::of(*pid).filter(|stat| !stat.is_dead) else {
                return false;
            };
            group == Some(stat.group) || carries(*pid, label)
        })
        .collect()
}

pub(super) fn labelled(variable: &str) -> Vec<(u32, String)> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let prefix = format!("{variable}=");
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            let value = environment
                .split(|byte| *byte == 0)
                .find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
            Some((pid, String::from_utf8_lossy(value).into_owned()))
        })
        .collect()
}

/// Other users' environments cannot be read, and their processes are not ours.
fn carries(pid: u32, label: &str) -> bool {
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == label.as_bytes())
    })
}

struct Stat {
    is_dead: bool,
    group: u32,
    start: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        // The name in parentheses may hold anything, parentheses too.
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Some(Self {
            is_dead: matches!(*fields.first()?, "Z" | "X" | "x"),
            group: fields.get(2)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }
}
