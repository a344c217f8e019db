//! Codex: where its files lie, which processes are its, and who writes which rollout.

pub(crate) mod cloud;
mod examine;
pub(crate) mod exec;
mod hook;
pub(crate) mod live;
mod lookout;
mod owner;
mod probe;
mod processes;
pub(crate) mod queue;
mod rollouts;
mod trust;
mod writer;

use camino::{Utf8Path, Utf8PathBuf};

pub(crate) use examine::{examine, running};
pub(crate) use hook::hook_called;
pub(crate) use lookout::Lookout;
pub(crate) use owner::{front_ends, ownership};
pub(crate) use probe::{probe, program};
pub(crate) use trust::trust;

/// The folder of dated rollouts.
fn sessions_folder(home: &Utf8Path) -> Utf8PathBuf {
    home.join("sessions")
}

/// The folder rollouts are moved to when they are archived.
fn archive_folder(home: &Utf8Path) -> Utf8PathBuf {
    home.join("archived_sessions")
}

/// The folder of the locks that writers of rollouts hold.
pub(crate) fn lock_folder(home: &Utf8Path) -> Utf8PathBuf {
    home.join("thread-writer-locks")
}

pub(crate) fn lock_file(home: &Utf8Path, thread: &str) -> Utf8PathBuf {
    lock_folder(home).join(format!("{thread}.lock"))
}

/// Returns the thread whose lock file has this name.
fn thread_of_lock(name: &str) -> Option<&str> {
    name.strip_suffix(".lock")
        .filter(|thread| !thread.is_empty())
}

pub(crate) fn dated_folder(home: &Utf8Path, date: jiff::civil::Date) -> Utf8PathBuf {
    sessions_folder(home).join(date.strftime("%Y/%m/%d").to_string())
}
