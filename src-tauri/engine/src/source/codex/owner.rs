//! Who holds one thread, looked up for that thread alone.

use std::collections::BTreeSet;

use camino::Utf8Path;
use mission_control_core::observation::Writer;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::codex::thread_id_of_file;

use super::super::{Owner, Ownership, Serves};
use super::writer::{HomeHasLocks, Lock, conclude};
use super::{lock_file, lock_folder, processes, thread_of_lock};
use crate::locks::{LockState, LockTable};
use crate::processes::{Described, OpenFiles, ProcessTable, Running, has_open};
use crate::task::mark::ProcessMark;

/// Words that make Codex serve other programs: the daemon of its terminals, editors, clients of
/// older versions.
const SERVERS: &[&str] = &["app-server", "mcp-server", "mcp", "proto"];

/// The word that makes Codex answer one prompt and leave.
const RUN: &str = "exec";

/// Looks who holds the thread whose rollout lies at `rollout` in the home at `home`.
pub(crate) fn ownership(home: &Utf8Path, rollout: &Utf8Path, thread: &str) -> Ownership {
    let mut look = Look::new(home, rollout, thread);
    let by = match look.writer() {
        Writer::Held { by, .. } => by,
        Writer::Possible { by } => return Ownership::Possible { pid: by.pid },
        Writer::Free => return Ownership::Free,
        Writer::Unknown { why } => return Ownership::Unknown { why },
    };
    let changed = || Ownership::Unknown {
        why: "It changed hands while it was looked at.".to_owned(),
    };
    let Some(mark) = ProcessMark::of(by.pid) else {
        return changed();
    };
    // The process that was marked is the holder only if the holder is the same afterwards.
    let is_same = matches!(look.writer(), Writer::Held { by: again, .. } if again == by);
    if !is_same || !mark.is_alive() {
        return changed();
    }
    // A holder that does not look like this agent may be anything.
    let Some(running) = look.running_as(by.pid) else {
        return Ownership::Unknown {
            why: format!("Process {} holds it and is no agent that is known.", by.pid),
        };
    };
    Ownership::Held(Owner {
        key: by,
        mark,
        name: running.described.name.clone(),
        serves: serves_of(&running.described),
        holds: look.held_by(by.pid, &running.open),
    })
}

/// Returns the processes that are front ends for a person: they may show threads of the daemon.
pub(crate) fn front_ends() -> Vec<u32> {
    let is_front_end = |process: &Described| {
        processes::can_write_rollouts(process) && serves_of(process) == Serves::Itself
    };
    let running = ProcessTable::new().look(processes::NAMES, is_front_end, |_| false);
    running
        .into_iter()
        .flatten()
        .map(|running| running.key.pid)
        .collect()
}

struct Look<'a> {
    home: &'a Utf8Path,
    rollout: &'a Utf8Path,
    thread: &'a str,
    table: ProcessTable,
    running: Option<Vec<Running>>,
    locks: LockTable,
}

impl<'a> Look<'a> {
    fn new(home: &'a Utf8Path, rollout: &'a Utf8Path, thread: &'a str) -> Self {
        Self {
            home,
            rollout,
            thread,
            table: ProcessTable::new(),
            running: None,
            locks: LockTable::read(),
        }
    }

    fn writer(&mut self) -> Writer {
        self.locks = LockTable::read();
        self.running = self
            .table
            .look(processes::NAMES, processes::can_write_rollouts, |name| {
                thread_id_of_file(name).is_some()
            });
        let has_locks = if lock_folder(self.home).is_dir() {
            HomeHasLocks::Yes
        } else {
            HomeHasLocks::No
        };
        let state = self.locks.state_of(&lock_file(self.home, self.thread));
        let table = &mut self.table;
        let lock = Lock::of(state, has_locks, |pid| table.key_of(pid));
        match conclude(&lock, self.thread, self.running.as_deref()) {
            Writer::Held {
                from: EvidenceSource::Process,
                ..
            } => self.opener(),
            concluded @ (Writer::Held { .. }
            | Writer::Possible { .. }
            | Writer::Free
            | Writer::Unknown { .. }) => concluded,
        }
    }

    /// Returns the one process that has this very file open: a copy of it in another home has the
    /// same name.
    fn opener(&self) -> Writer {
        let running = self.running.iter().flatten();
        let openers: Vec<ProcessKey> = running
            .filter(|running| has_open(running.key.pid, self.rollout))
            .map(|running| running.key)
            .collect();
        match openers.as_slice() {
            [by] => Writer::Held {
                by: *by,
                from: EvidenceSource::Process,
            },
            [] => Writer::Free,
            [..] => Writer::Unknown {
                why: "Several processes have it open.".to_owned(),
            },
        }
    }

    fn running_as(&self, pid: u32) -> Option<&Running> {
        let mut running = self.running.iter().flatten();
        running.find(|running| running.key.pid == pid)
    }

    /// Returns the threads that a process holds: by their locks and by its open files.
    fn held_by(&self, pid: u32, open: &OpenFiles) -> BTreeSet<String> {
        let locks = lock_folder(self.home).read_dir_utf8();
        let locked = locks.into_iter().flatten().flatten();
        let locked = locked
            .filter(|entry| self.locks.state_of(entry.path()) == LockState::Held(pid))
            .filter_map(|entry| thread_of_lock(entry.file_name()).map(str::to_owned));
        let names = match open {
            OpenFiles::Known(names) => names.as_slice(),
            OpenFiles::Hidden => &[],
        };
        let opened = names.iter().filter_map(|name| thread_id_of_file(name));
        locked.chain(opened.map(str::to_owned)).collect()
    }
}

fn serves_of(process: &Described) -> Serves {
    let mut words = process.arguments.iter().skip(1).map(String::as_str);
    if words.clone().any(|word| SERVERS.contains(&word)) {
        Serves::Others
    } else if words.any(|word| word == RUN) {
        Serves::OnePrompt
    } else {
        Serves::Itself
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::testing::{Flock, NamedProcess, temp_folder};

    const THREAD: &str = "01a1f7ef-e543-7d53-9e20-e853c2e52bae";
    const ROLLOUT: &str = "rollout-2026-11-20T07-50-56-01a1f7ef-e543-7d53-9e20-e853c2e52bae.jsonl";

    #[track_caller]
    fn check_serves(arguments: &[&str], expected: Serves) {
        let described = Described {
            name: "codex".to_owned(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        };

        assert_eq!(serves_of(&described), expected, "{arguments:?}");
    }

    #[test]
    fn the_daemon_and_the_servers_of_editors_serve_others() {
        check_serves(
            &[
                "codex",
                "app-server",
                "--listen",
                "unix://",
                "--managed-daemon",
            ],
            Serves::Others,
        );
        check_serves(&["codex", "-c", "a=b", "app-server"], Serves::Others);
        check_serves(&["codex", "mcp-server"], Serves::Others);
        check_serves(&["codex"], Serves::Itself);
        check_serves(
            &["codex", "exec", "--json", "start the app-server"],
            Serves::OnePrompt,
        );
        check_serves(&["/opt/app-server"], Serves::Itself);
    }

    #[test]
    fn an_owner_is_named_with_all_it_holds() {
        let (_guard, home) = temp_folder();
        std::fs::create_dir_all(lock_folder(&home)).unwrap();
        let program = NamedProcess::with_open(&home, "codex", &home.join(ROLLOUT));

        let rollout = home.join(ROLLOUT);
        let Ownership::Held(owner) = ownership(&home, &rollout, THREAD) else {
            panic!("{:?}", ownership(&home, &rollout, THREAD));
        };

        assert_eq!(owner.key.pid, program.pid());
        assert!(owner.mark.is_alive());
        assert_eq!(owner.name, "codex");
        assert_eq!(owner.holds, BTreeSet::from([THREAD.to_owned()]));
        drop(program);
        assert!(!owner.mark.is_alive());
        assert_eq!(ownership(&home, &rollout, THREAD), Ownership::Free);
    }

    #[test]
    fn who_holds_a_copy_in_another_home_is_no_owner() {
        let ((_guard, home), (_other_guard, other)) = (temp_folder(), temp_folder());
        std::fs::create_dir_all(lock_folder(&home)).unwrap();
        let rollout = home.join(ROLLOUT);
        std::fs::write(&rollout, "").unwrap();
        let copy = NamedProcess::with_open(&other, "codex", &other.join(ROLLOUT));

        assert_eq!(ownership(&home, &rollout, THREAD), Ownership::Free);

        let first = NamedProcess::with_open(&home, "codex", &rollout);
        let found = ownership(&home, &rollout, THREAD);
        assert!(
            matches!(&found, Ownership::Held(owner) if owner.key.pid == first.pid()),
            "{found:?}"
        );
        drop(copy);
    }

    #[test]
    fn a_stranger_that_holds_the_lock_is_no_owner() {
        let (_guard, home) = temp_folder();
        std::fs::create_dir_all(lock_folder(&home)).unwrap();
        let lock = lock_file(&home, THREAD);
        std::fs::write(&lock, "").unwrap();
        let stranger = Flock::by_child(&lock);

        let why = format!(
            "Process {} holds it and is no agent that is known.",
            stranger.pid()
        );

        let rollout = home.join(ROLLOUT);
        assert_eq!(
            ownership(&home, &rollout, THREAD),
            Ownership::Unknown { why }
        );
    }
}
