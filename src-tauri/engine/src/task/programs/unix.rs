//! Process groups, sessions and stop signals.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::Stop;

pub(super) fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Puts the program into a session of its own, so that the end of a terminal does not reach it.
#[expect(
    unsafe_code,
    reason = "only the new process itself can leave its session"
)]
pub(super) fn detached(command: &mut Command) {
    let leave = || {
        rustix::process::setsid()?;
        Ok(())
    };
    // SAFETY: between fork and exec only a system call is made and nothing is allocated.
    unsafe {
        command.pre_exec(leave);
    }
}

pub(super) fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Ends a group at once.
pub(super) fn end_group(leader: u32) {
    let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process_group(leader, Signal::KILL) {
        tracing::debug!(%error, ?leader, "A group was gone before it was ended.");
    }
}

pub(super) fn signal(pid: u32, how: Stop) {
    let signal = match how {
        Stop::Ask => Signal::TERM,
        Stop::End => Signal::KILL,
    };
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(%error, ?pid, "A process was gone before it was ended.");
    }
}
