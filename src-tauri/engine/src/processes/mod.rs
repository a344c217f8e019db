//! Which agent processes run, what they hold open, and when one of them ends.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::Timestamp;
use mission_control_core::process::ProcessKey;
use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind,
};

pub(crate) use platform::{Exit, pid_namespace, start_ticks};

/// A process as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its short name.
    pub(crate) name: String,
    /// Its arguments, the program first.
    pub(crate) arguments: Vec<String>,
}

/// A process that interests a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// Which.
    pub(crate) key: ProcessKey,
    /// How it describes itself.
    pub(crate) described: Described,
    /// The files it has open for writing.
    pub(crate) open: OpenFiles,
}

/// The files a process has open for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenFiles {
    /// The names of those the caller asked for, without their folders.
    Known(Vec<String>),
    /// They cannot be seen: another user's, or the system does not tell.
    Hidden,
}

/// The process table. One table gives one process the same key for ever.
#[derive(Debug)]
pub(crate) struct ProcessTable {
    // Kept because the system computes start times from a boot time that drifts by a second
    // over the days: two tables may disagree about the same process, one table does not.
    system: Option<System>,
}

impl ProcessTable {
    pub(crate) fn new() -> Self {
        let system = System::new();
        if let Err(error) = &system {
            tracing::warn!(%error, "Processes cannot be listed.");
        }
        Self {
            system: system.ok(),
        }
    }

    /// Returns the live processes with one of these short names that `is_agent` accepts, with the open
    /// files whose name `is_wanted` accepts. None when processes cannot be listed.
    pub(crate) fn look(
        &mut self,
        names: &[&str],
        is_agent: impl Fn(&Described) -> bool,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Option<Vec<Running>> {
        let system = self.system.as_mut()?;
        let kind = ProcessRefreshKind::nothing();
        let pids: BTreeSet<Pid> = if let Some(pids) = platform::pids_named(names) {
            pids.into_iter().map(Pid::from_u32).collect()
        } else {
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
            let named = system
                .processes()
                .values()
                .filter(|process| names.iter().any(|name| process.name() == *name));
            named.map(Process::pid).collect()
        };
        // Those that were known are looked at again too, so that the ended ones are dropped. Each
        // once: the second time sysinfo finds nothing new about a process it takes it for ended.
        let known = system.processes().keys().chain(&pids);
        let refreshed: BTreeSet<Pid> = known.copied().collect();
        let refreshed: Vec<Pid> = refreshed.into_iter().collect();
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&refreshed),
            true,
            kind.with_cmd(UpdateKind::Always),
        );
        let running = pids
            .iter()
            .filter_map(|pid| {
                let process = system.process(*pid).filter(|p| is_alive(p))?;
                let described = describe(process);
                let key = key_of(process)?;
                is_agent(&described).then(|| Running {
                    key,
                    described,
                    open: platform::open_files(key.pid, &is_wanted),
                })
            })
            .collect();
        Some(running)
    }

    /// Returns the key of the process that has `pid` now, if one lives.
    pub(crate) fn key_of(&mut self, pid: u32) -> Option<ProcessKey> {
        let system = self.system.as_mut()?;
        let pid = Pid::from_u32(pid);
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            true,
            ProcessRefreshKind::nothing(),
        );
        system
            .process(pid)
            .filter(|process| is_alive(process))
            .and_then(key_of)
    }

    /// Returns whether that very process still lives.
    pub(crate) fn is_running(&mut self, key: ProcessKey) -> bool {
        self.key_of(key.pid) == Some(key)
    }
}

/// Returns whether a process has this very file open; false where that cannot be seen.
pub(crate) fn has_open(pid: u32, path: &Utf8Path) -> bool {
    platform::has_open(pid, path)
}

fn key_of(process: &Process) -> Option<ProcessKey> {
    let started = i64::try_from(process.start_time()).ok()?;
    Some(ProcessKey {
        pid: process.pid().as_u32(),
        started_at: Timestamp::from_second(started).ok()?,
    })
}

/// A zombie holds nothing any more, although its parent has not noticed its end.
fn is_alive(process: &Process) -> bool {
    !matches!(
        process.status(),
        ProcessStatus::Zombie | ProcessStatus::Dead
    )
}

fn describe(process: &Process) -> Described {
    Described {
        name: process.name().to_string_lossy().into_owned(),
        arguments: process
            .cmd()
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Flock, NamedProcess, block_on, temp_folder};

    #[test]
    fn a_process_is_known_by_pid_and_start() {
        let (_guard, folder) = temp_folder();
        let child = Flock::by_child(&folder.join("a.lock"));
        let mut table = ProcessTable::new();

        let key = table.key_of(child.pid()).unwrap();

        assert!(table.is_running(key));
        let recycled = ProcessKey {
            started_at: key.started_at - jiff::SignedDuration::from_secs(60),
            ..key
        };
        assert!(!table.is_running(recycled));
        drop(child);
        assert!(!table.is_running(key));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_lives_on_is_seen_in_every_look() {
        let (_guard, folder) = temp_folder();
        let process = NamedProcess::with_open(&folder, "agent", &folder.join("a"));
        let mut table = ProcessTable::new();

        for look in 1..=4 {
            let running = table.look(&["agent"], |_| true, |_| true).unwrap();
            let pids: Vec<u32> = running.iter().map(|running| running.key.pid).collect();
            assert!(pids.contains(&process.pid()), "look {look}: {pids:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_end_of_a_process_is_told_at_once() {
        let (_guard, folder) = temp_folder();
        let child = Flock::by_child(&folder.join("a.lock"));
        let pid = child.pid();

        block_on(async move {
            let exit = Exit::of(pid).unwrap();
            let waiting = tokio::spawn(exit.wait());
            drop(child);
            waiting.await.unwrap();
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_open_for_writing_are_seen_and_those_open_for_reading_are_not() {
        let (_guard, folder) = temp_folder();
        std::fs::write(folder.join("read.lock"), "").unwrap();
        let written = std::fs::File::create(folder.join("written.lock")).unwrap();
        let read = std::fs::File::open(folder.join("read.lock")).unwrap();

        let open = platform::open_files(std::process::id(), &|name: &str| {
            ["read.lock", "written.lock"].contains(&name)
        });

        assert_eq!(open, OpenFiles::Known(vec!["written.lock".to_owned()]));
        drop((written, read));
    }
}
