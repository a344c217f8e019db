//! What a changed file or folder means.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;
use mission_control_core::source::codex::thread_id_of_file;
use mission_control_core::tracker::Now;

use super::super::thread_of_lock;
use super::visits::Visit;
use super::{LockState, Lookout, lock_file, lock_folder, rollouts, sessions_folder};
use crate::hooks;
use crate::source::Lookout as _;
use crate::source::known::{Known, Retry};

/// What a change is about.
#[derive(Clone, Copy, Debug)]
enum Meaning<'a> {
    Rollout {
        home: usize,
        thread: &'a str,
        path: &'a Utf8Path,
    },
    Lock {
        home: usize,
        thread: &'a str,
    },
    Folder {
        home: usize,
        path: &'a Utf8Path,
    },
    /// What a hook left about a thread.
    Hook {
        thread: &'a str,
    },
    Everything,
}

impl Lookout {
    /// Takes in that files or folders changed.
    pub(super) fn take_in(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now) {
        let meanings: Vec<Meaning<'_>> = changed
            .iter()
            .filter_map(|path| self.meaning(path))
            .collect();
        let is_routine = |meaning: &Meaning<'_>| match meaning {
            Meaning::Rollout { thread, .. } => self.known.get(*thread).is_some_and(Known::is_live),
            Meaning::Hook { .. } => true,
            Meaning::Lock { .. } | Meaning::Folder { .. } | Meaning::Everything => false,
        };
        if !meanings.iter().all(is_routine) {
            self.refresh();
        }
        for meaning in meanings {
            match meaning {
                Meaning::Rollout { home, thread, path } => {
                    self.rollout_changed(home, thread, path, now);
                }
                Meaning::Lock { home, thread } => self.lock_changed(home, thread, now),
                Meaning::Folder { home, path } => self.folder_changed(home, path, now),
                Meaning::Hook { thread } => {
                    // Lines first: they may show that it is over.
                    self.visit(thread, Visit::Lines, now);
                    self.tell_hooks(thread);
                }
                Meaning::Everything => self.look(now),
            }
        }
    }

    /// Returns what a change of `path` is about; none where it is nothing of ours.
    fn meaning<'a>(&self, path: &'a Utf8Path) -> Option<Meaning<'a>> {
        if path.parent() == Some(&self.options.hooks) {
            let thread = hooks::session_of(path, Source::Codex)?;
            return Some(Meaning::Hook { thread });
        }
        let is_home_or_above = |home: &Utf8PathBuf| home.starts_with(path);
        if self.options.homes.iter().any(is_home_or_above) {
            return Some(Meaning::Everything);
        }
        let home = self
            .options
            .homes
            .iter()
            .position(|home| path.starts_with(home))?;
        let name = path.file_name()?;
        if let Some(thread) = thread_id_of_file(name) {
            return Some(Meaning::Rollout { home, thread, path });
        }
        let (locks, sessions) = (
            lock_folder(self.home(home)),
            sessions_folder(self.home(home)),
        );
        if path == sessions {
            return Some(Meaning::Everything);
        }
        if path.parent() == Some(&locks) {
            return thread_of_lock(name).map(|thread| Meaning::Lock { home, thread });
        }
        let is_ours = path == locks || path.starts_with(sessions);
        is_ours.then_some(Meaning::Folder { home, path })
    }

    /// Takes in that a folder appeared, vanished or began to be watched.
    fn folder_changed(&mut self, home: usize, path: &Utf8Path, now: Now) {
        let home_path = self.home(home).to_owned();
        if path == lock_folder(&home_path) {
            self.learn_live(now);
            return;
        }
        let is_gone = !path.exists();
        if is_gone || is_day_folder(path, &sessions_folder(&home_path)) {
            let is_inside = |known: &Known| known.tail.path().starts_with(path);
            for thread in self.threads(is_inside) {
                self.visit(&thread, Visit::Lines, now);
            }
            self.list_folder(home, path, now);
        }
    }

    pub(super) fn rollout_changed(&mut self, home: usize, thread: &str, path: &Utf8Path, now: Now) {
        if self.known.contains_key(thread) {
            self.visit(thread, Visit::Lines, now);
        } else if path.is_file() {
            self.awaited.remove(thread);
            self.appeared(home, thread, path.to_owned(), now);
        }
    }

    /// Begins to follow a rollout whose writer is about to take hold of it.
    fn appeared(&mut self, home: usize, thread: &str, path: Utf8PathBuf, now: Now) {
        self.learn(home, thread, path);
        if let Some(known) = self.known.get_mut(thread) {
            known.expect_writer(now.steady);
        }
        self.visit(thread, Visit::Writer, now);
    }

    fn lock_changed(&mut self, home: usize, thread: &str, now: Now) {
        let path = lock_file(self.home(home), thread);
        let is_gone = self.locks.state_of(&path) == LockState::Absent;
        if let Some(known) = self.known.get_mut(thread) {
            if is_gone {
                known.expect_nobody(now.steady);
            } else {
                known.expect_writer(now.steady);
            }
            self.visit(thread, Visit::Writer, now);
        } else if is_gone {
            self.awaited.remove(thread);
        } else {
            self.awaited
                .insert(thread.to_owned(), (home, Retry::from(now.steady)));
            self.await_rollout(home, thread, now);
        }
    }

    /// Looks for the rollout of a thread that was locked; its file may appear a moment later.
    pub(super) fn await_rollout(&mut self, home: usize, thread: &str, now: Now) {
        if let Some(path) = rollouts::of_thread(self.home(home), thread) {
            self.awaited.remove(thread);
            self.appeared(home, thread, path, now);
        } else if let Some((_, retry)) = self.awaited.get_mut(thread) {
            *retry = retry.following(now.steady);
            if retry.due().is_none() {
                self.awaited.remove(thread);
            }
        }
    }
}

fn is_day_folder(path: &Utf8Path, sessions: &Utf8Path) -> bool {
    let below = path.strip_prefix(sessions);
    below.is_ok_and(|below| below.components().count() == 3) && path.is_dir()
}
