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
    #[cfg(target_os = "linux")]
    end_with_us(command);
}

/// Has the system ask a program to end when the thread that started it is gone, however that came.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only the new process itself can say so")]
fn end_with_us(command: &mut Command) {
    let ask = || {
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        Ok(())
    };
    // SAFETY: between fork and exec only a system call is made and nothing is allocated.
    unsafe {
        command.pre_exec(ask);
    }
}

pub(super) fn end_group(leader: u32) {
    let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process_group(group, Signal::KILL) {
        tracing::warn!(%error, "A program that took too long could not be ended.");
    }
}
