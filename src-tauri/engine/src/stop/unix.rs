//! Stop signals.

use std::io;

use rustix::process::{Pid, Signal, kill_process};

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is asked to end.
    Ask,
    /// It is ended.
    End,
}

pub(super) fn signal(pid: u32, how: Stop) -> io::Result<()> {
    let signal = match how {
        Stop::Ask => Signal::TERM,
        Stop::End => Signal::KILL,
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    Ok(kill_process(pid, signal)?)
}
