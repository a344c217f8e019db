//! Who writes a rollout, concluded from its lock and from what the processes hold open.

use mission_control_core::observation::Writer;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::codex::thread_id_of_file;

use crate::locks::LockState;
use crate::processes::{OpenFiles, Running};

/// What the lock says, with its holder looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Held(ProcessKey),
    /// Nobody visible holds it, or there is none although Codex keeps its locks here.
    Free,
    /// This home has no locks: only older versions ran here.
    Unused,
    /// Somebody holds it whose process cannot be seen.
    HeldUnseen(String),
    /// It cannot be looked up.
    Unknown,
}

impl Lock {
    pub(super) fn of(
        state: LockState,
        home_has_locks: HomeHasLocks,
        key_of: impl FnOnce(u32) -> Option<ProcessKey>,
    ) -> Self {
        match (state, home_has_locks) {
            (LockState::Held(pid), _) => key_of(pid).map_or_else(
                || {
                    Self::HeldUnseen(format!(
                        "The lock is held by process {pid}, which cannot be seen."
                    ))
                },
                Self::Held,
            ),
            (LockState::Free, _) | (LockState::Absent, HomeHasLocks::Yes) => Self::Free,
            (LockState::Absent, HomeHasLocks::No) => Self::Unused,
            (LockState::HeldUnseen, _) => {
                Self::HeldUnseen("The lock is held from another namespace.".to_owned())
            }
            (LockState::Unknown, _) => Self::Unknown,
        }
    }
}

/// Whether the home has a folder of locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HomeHasLocks {
    Yes,
    No,
}

/// Concludes who writes the rollout of `thread`; none of `processes` means they cannot be listed.
pub(super) fn conclude(lock: &Lock, thread: &str, processes: Option<&[Running]>) -> Writer {
    if let Lock::Held(by) = lock {
        return Writer::Held {
            by: *by,
            from: EvidenceSource::WriterLock,
        };
    }
    let mut hidden = None;
    for process in processes.unwrap_or_default() {
        match &process.open {
            OpenFiles::Known(names) => {
                if names
                    .iter()
                    .any(|name| thread_id_of_file(name) == Some(thread))
                {
                    return Writer::Held {
                        by: process.key,
                        from: EvidenceSource::Process,
                    };
                }
            }
            OpenFiles::Hidden => hidden = Some(process.key),
        }
    }
    if processes.is_none() && *lock != Lock::Free {
        let why = "Neither locks nor processes can be looked up here.".to_owned();
        return Writer::Unknown { why };
    }
    match (lock, hidden) {
        (Lock::HeldUnseen(why), _) => Writer::Unknown { why: why.clone() },
        // Whoever keeps locks would hold this one: other people's processes need not be asked.
        (Lock::Free, _) => Writer::Free,
        (Lock::Held(_) | Lock::Unused | Lock::Unknown, Some(by)) => Writer::Possible { by },
        (Lock::Held(_) | Lock::Unused | Lock::Unknown, None) => Writer::Free,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::processes::Described;

    const THREAD: &str = "01a1f7ef-e543-7d53-9e20-e853c2e52bae";
    const ROLLOUT: &str = "rollout-2026-11-20T07-50-56-01a1f7ef-e543-7d53-9e20-e853c2e52bae.jsonl";

    fn key(pid: u32) -> ProcessKey {
        ProcessKey {
            pid,
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn running(pid: u32, open: OpenFiles) -> Running {
        Running {
            key: key(pid),
            described: Described::default(),
            open,
        }
    }

    fn opens(pid: u32, names: &[&str]) -> Running {
        running(
            pid,
            OpenFiles::Known(names.iter().map(|&name| name.to_owned()).collect()),
        )
    }

    #[track_caller]
    fn check(lock: Lock, processes: &[Running], expected: Writer) {
        assert_eq!(conclude(&lock, THREAD, Some(processes)), expected);
    }

    #[test]
    fn the_lock_decides_where_there_is_one() {
        let by = key(7);
        let from = EvidenceSource::WriterLock;
        check(Lock::Held(by), &[], Writer::Held { by, from });
        check(
            Lock::Held(by),
            &[opens(8, &[ROLLOUT])],
            Writer::Held { by, from },
        );
        check(Lock::Free, &[], Writer::Free);
        check(Lock::Free, &[running(9, OpenFiles::Hidden)], Writer::Free);
    }

    #[test]
    fn an_open_rollout_names_the_writer_of_a_version_without_locks() {
        let by = key(8);
        let from = EvidenceSource::Process;
        let processes = [opens(7, &["rollout-other.jsonl"]), opens(8, &[ROLLOUT])];
        check(Lock::Unused, &processes, Writer::Held { by, from });
        check(Lock::Free, &processes, Writer::Held { by, from });
        check(Lock::Unused, &processes[..1], Writer::Free);
    }

    #[test]
    fn what_cannot_be_seen_is_never_free() {
        let hidden = [running(9, OpenFiles::Hidden)];
        check(Lock::Unknown, &hidden, Writer::Possible { by: key(9) });
        check(Lock::Unused, &hidden, Writer::Possible { by: key(9) });
        check(Lock::Unknown, &[], Writer::Free);
        check(
            Lock::HeldUnseen("Elsewhere.".to_owned()),
            &[],
            Writer::Unknown {
                why: "Elsewhere.".to_owned(),
            },
        );
    }
}
