//! Whether a server may be talked to without leaving a trace: the first client of a daemon names
//! the origin of everything it runs, so that has to be a terminal.

use camino::Utf8Path;

use super::wire;
use crate::locks::{LockState, LockTable};
use crate::processes::{Described, ProcessTable};
use crate::source::codex::{lock_folder, processes};

/// Returns whether a server of this home runs a thread: then somebody else was its first client.
/// Where it cannot be known who holds a thread, its files have to do.
pub(crate) fn has_clients(home: &Utf8Path) -> bool {
    if !wire::is_there(home) {
        return false;
    }
    let entries = match lock_folder(home).read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) => {
            tracing::debug!(%error, "The locks of threads cannot be listed.");
            return false;
        }
    };
    let files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name().ends_with(".lock"))
        .map(|entry| entry.path().to_owned())
        .collect();
    if files.is_empty() {
        return false;
    }
    let locks = LockTable::read();
    let states: Vec<LockState> = files.iter().map(|file| locks.state_of(file)).collect();
    let holders: Vec<u32> = states.iter().filter_map(holder).collect();
    if holders.is_empty() {
        return states.iter().any(is_unclear);
    }
    let running = ProcessTable::new().look(processes::NAMES, is_server, |_| false);
    running.is_none_or(|running| {
        running
            .iter()
            .any(|server| holders.contains(&server.key.pid))
    })
}

const fn holder(state: &LockState) -> Option<u32> {
    match state {
        LockState::Held(pid) => Some(*pid),
        LockState::Free | LockState::Absent | LockState::HeldUnseen | LockState::Unknown => None,
    }
}

const fn is_unclear(state: &LockState) -> bool {
    match state {
        LockState::HeldUnseen | LockState::Unknown => true,
        LockState::Held(_) | LockState::Free | LockState::Absent => false,
    }
}

fn is_server(process: &Described) -> bool {
    processes::can_write_rollouts(process)
        && process.arguments.iter().any(|word| word == "app-server")
}
