//! Who holds a file lock. Looks only: takes no lock and opens no lock file.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

use std::fs::Metadata;

use camino::Utf8Path;

/// What is known about one lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LockState {
    /// The process with this pid holds it.
    Held(u32),
    /// Nobody visible from here holds it.
    Free,
    /// There is no such file.
    Absent,
    /// Somebody holds it who has no pid here.
    HeldUnseen,
    /// It cannot be looked up.
    Unknown,
}

/// All locks of the machine at one moment.
#[derive(Debug)]
pub(crate) struct LockTable(Result<Vec<Lock>, String>);

/// One held write lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lock {
    pid: u32,
    device: (u32, u32),
    inode: u64,
}

impl LockTable {
    /// Reads the table.
    pub(crate) fn read() -> Self {
        Self(platform::read())
    }

    /// Returns why locks cannot be looked up here, if they cannot.
    pub(crate) fn hindrance(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }

    /// Returns who holds the lock file at `path`.
    pub(crate) fn state_of(&self, path: &Utf8Path) -> LockState {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return LockState::Absent,
            Err(_) => return LockState::Unknown,
        };
        match &self.0 {
            Ok(locks) => holder(locks, &metadata),
            Err(_) => LockState::Unknown,
        }
    }
}

fn holder(locks: &[Lock], metadata: &Metadata) -> LockState {
    let (device, inode) = platform::identity(metadata);
    let mut elsewhere = None;
    for lock in locks.iter().filter(|lock| lock.inode == inode) {
        if lock.device == device {
            return held(lock.pid);
        }
        elsewhere = Some(lock.pid);
    }
    // Stacked file systems show one device to `stat` and another in the table. A stranger with
    // the same inode number is rarer than that, and its pid is checked by whoever uses it.
    elsewhere.map_or(LockState::Free, held)
}

fn held(pid: u32) -> LockState {
    match pid {
        0 => LockState::HeldUnseen,
        pid => LockState::Held(pid),
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;
    use crate::testing::{Flock, temp_folder};

    fn lock_file() -> (tempfile::TempDir, Utf8PathBuf) {
        let (guard, folder) = temp_folder();
        let path = folder.join("a.lock");
        std::fs::write(&path, "").unwrap();
        (guard, path)
    }

    #[test]
    fn a_lock_of_another_process_is_seen_with_its_pid() {
        let (_guard, path) = lock_file();
        assert_eq!(LockTable::read().state_of(&path), LockState::Free);

        let child = Flock::by_child(&path);

        assert_eq!(
            LockTable::read().state_of(&path),
            LockState::Held(child.pid())
        );
    }

    #[test]
    fn looking_does_not_disturb_the_holder() {
        let (_guard, path) = lock_file();
        let child = Flock::by_child(&path);
        for _ in 0..20 {
            LockTable::read().state_of(&path);
        }

        drop(child);

        assert_eq!(LockTable::read().state_of(&path), LockState::Free);
    }

    #[test]
    fn a_missing_file_is_absent() {
        let (_guard, path) = lock_file();
        std::fs::remove_file(&path).unwrap();

        assert_eq!(LockTable::read().state_of(&path), LockState::Absent);
    }
}
