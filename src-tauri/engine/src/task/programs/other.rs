//! Systems without process groups: a process is ended with what it started.

use std::process::{Command, ExitStatus, Stdio};

use super::Stop;

pub(super) fn in_own_group(_command: &mut Command) {}

pub(super) fn detached(_command: &mut Command) {}

pub(super) fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

pub(super) fn end_group(leader: u32) {
    signal(leader, Stop::End);
}

pub(super) fn signal(pid: u32, how: Stop) {
    let pid = pid.to_string();
    let mut arguments = vec!["/T", "/PID", pid.as_str()];
    if how == Stop::End {
        arguments.push("/F");
    }
    let ended = super::program("taskkill".into())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = ended {
        tracing::debug!(%error, "A process could not be ended.");
    }
}
