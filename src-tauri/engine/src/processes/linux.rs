//! `/proc/<pid>/fd` and process descriptors.

use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use camino::Utf8Path;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::OpenFiles;

/// The link's mode tells how the file was opened.
const WRITABLE: u32 = 0o200;

/// Returns the pids of the processes with one of these short names. Asking every process for
/// nothing but its name costs far less than a look at the whole table.
pub(super) fn pids_named(names: &[&str]) -> Option<Vec<u32>> {
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_named = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| names.contains(&name.trim_end()))
    };
    Some(pids.filter(is_named).collect())
}

/// Returns when the process that has `pid` now started, in ticks since the system did.
pub(crate) fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, even a bracket and blanks.
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(19)?.parse().ok()
}

/// Names the namespace that the process numbers seen from here belong to.
pub(crate) fn pid_namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    link.into_os_string().into_string().ok()
}

pub(super) fn open_files(pid: u32, is_wanted: &impl Fn(&str) -> bool) -> OpenFiles {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return OpenFiles::Hidden;
    };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let Some(name) = target.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let is_writable = || {
            std::fs::symlink_metadata(entry.path())
                .is_ok_and(|link| link.permissions().mode() & WRITABLE != 0)
        };
        if is_wanted(name) && is_writable() {
            names.push(name.to_owned());
        }
    }
    OpenFiles::Known(names)
}

pub(super) fn has_open(pid: u32, path: &Utf8Path) -> bool {
    let Ok(file) = std::fs::metadata(path) else {
        return false;
    };
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let is_it = |entry: std::fs::DirEntry| {
        std::fs::metadata(entry.path())
            .is_ok_and(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()))
    };
    entries.into_iter().flatten().flatten().any(is_it)
}

/// A process whose end can be awaited.
#[derive(Debug)]
pub(crate) struct Exit(AsyncFd<OwnedFd>);

impl Exit {
    /// Takes hold of the process that has `pid` now; none when there is no such process or the
    /// system does not tell of its end.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let descriptor = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        #[expect(
            unsafe_code,
            reason = "the runtime offers no safe way to await a descriptor"
        )]
        // SAFETY: an `OwnedFd` names one open descriptor for as long as it lives.
        let registered = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
        registered.ok().map(Self)
    }

    /// Waits until the process has ended.
    pub(crate) async fn wait(self) {
        if let Err(error) = self.0.readable().await {
            tracing::warn!(%error, "The end of a process cannot be awaited.");
        }
    }
}
