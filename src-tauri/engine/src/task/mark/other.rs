//! Systems where only the process table tells.

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// Returns the start of a live process in seconds.
pub(super) fn start_of(pid: u32) -> Option<u64> {
    let mut system = System::new().ok()?;
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing(),
    );
    let process = system.process(pid)?;
    let is_dead = matches!(
        process.status(),
        ProcessStatus::Zombie | ProcessStatus::Dead
    );
    (!is_dead).then(|| process.start_time())
}

pub(super) fn start_of_any(pid: u32) -> Option<u64> {
    start_of(pid)
}

pub(super) fn boot() -> Option<String> {
    None
}

/// Groups and environments are not told here: the leader alone is known.
pub(super) fn members(group: Option<u32>, _label: &str) -> Vec<u32> {
    group
        .into_iter()
        .filter(|pid| start_of(*pid).is_some())
        .collect()
}

pub(super) fn labelled(_variable: &str) -> Vec<(u32, String)> {
    Vec::new()
}
