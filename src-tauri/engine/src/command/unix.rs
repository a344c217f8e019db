//! Process groups.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use camino::Utf8Path;
use rustix::process::{Pid, Signal, kill_process_group};

pub(super) fn is_program(path: &Utf8Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

pub(super) fn own_group(command: &mut Command) {
    command.process_group(0);
}

pub(super) fn end_group(leader: u32) {
    let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process_group(group, Signal::KILL) {
        tracing::warn!(%error, "A program that took too long could not be ended.");
    }
}
