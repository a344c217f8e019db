//! Watches all homes and says what it saw, as observations in the right order.
//!
//! It is told of changes and of time passing; it neither waits nor decides a status. For every
//! rollout the writer is looked up first, then the lines are read to the end, then the lines are
//! handed on and after them the writer: so no line comes after its writer was called free.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::observation::Observation;
use mission_control_core::process::ProcessKey;
use mission_control_core::source::codex::thread_id_of_file;
use mission_control_core::source::{Source, UnknownKinds};
use mission_control_core::tracker::Now;

use super::rollouts::{self, Found};
use super::{archive_folder, lock_file, lock_folder, processes, sessions_folder, thread_of_lock};
use crate::hooks;
use crate::locks::{LockState, LockTable};
use crate::processes::{OpenFiles, ProcessTable, Running};
use crate::source::known::{Known, Retry};
use crate::source::listing::{Skipped, age};
use crate::source::{self, LookoutOptions, Telling};
use crate::tail::Tail;

mod folders;
mod hints;
mod names;
mod visits;

use names::Names;
use visits::Visit;

/// Ended sessions that are listed, at most.
const MOST_RECENT: usize = 500;
/// Between slow looks, which find what no hint told of. Each costs a look at the process table.
const SLOW: Duration = Duration::from_secs(30);
/// The same while nothing is live.
const SLOW_AT_REST: Duration = Duration::from_secs(60);
/// Between looks at folders where the system does not tell of changes.
const SLOW_POLLED: Duration = Duration::from_secs(5);

/// Between looks for ended sessions that are too old to be listed.
const AGING: Duration = Duration::from_secs(600);

/// All that is known about the rollouts of all homes.
#[derive(Debug)]
pub(crate) struct Lookout {
    options: LookoutOptions,
    known: BTreeMap<String, Known>,
    /// Threads that are locked and have no rollout yet.
    awaited: BTreeMap<String, (usize, Retry)>,
    table: ProcessTable,
    /// None when processes cannot be listed.
    running: Option<Vec<Running>>,
    locks: LockTable,
    telling: Telling,
    slow_due: Duration,
    aging_due: Duration,
    poll_due: Option<Duration>,
    observed: VecDeque<Observation>,
    skipped: BTreeSet<Skipped>,
    names: Names,
    /// Threads of which was told that they lie in the archive.
    archived: BTreeSet<String>,
    buffer: Vec<u8>,
}

impl Lookout {
    pub(crate) fn new(options: LookoutOptions) -> Self {
        Self {
            options,
            known: BTreeMap::new(),
            awaited: BTreeMap::new(),
            table: ProcessTable::new(),
            running: None,
            locks: LockTable::read(),
            telling: Telling::Watched,
            slow_due: Duration::ZERO,
            aging_due: AGING,
            poll_due: None,
            observed: VecDeque::new(),
            skipped: BTreeSet::new(),
            names: Names::default(),
            archived: BTreeSet::new(),
            buffer: Vec::new(),
        }
    }
}

impl source::Lookout for Lookout {
    fn poll_observation(&mut self) -> Option<Observation> {
        self.observed.pop_front()
    }

    fn has_observations(&self) -> bool {
        !self.observed.is_empty()
    }

    fn is_running(&mut self, process: ProcessKey) -> bool {
        self.table.is_running(process)
    }

    fn poll_timeout(&self) -> Duration {
        let retries = self.known.values().filter_map(|known| known.retry.due());
        let awaited = self.awaited.values().filter_map(|(_, retry)| retry.due());
        retries
            .chain(awaited)
            .chain(self.poll_due)
            .fold(self.slow_due, Duration::min)
    }

    fn owners(&self) -> BTreeSet<ProcessKey> {
        self.known.values().filter_map(Known::owner).collect()
    }

    fn skipped(&self) -> &BTreeSet<Skipped> {
        &self.skipped
    }

    fn unknown_kinds(&self, home: &Utf8Path) -> UnknownKinds {
        let mut kinds = UnknownKinds::default();
        let here = self.known.values();
        for known in here.filter(|known| self.home(known.home) == home) {
            kinds.add_all(known.tail.unknown_kinds());
        }
        kinds
    }

    fn folders(&self, now: Now) -> Vec<Utf8PathBuf> {
        self.wanted_folders(now)
    }

    fn hear(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now) {
        self.take_in(changed, now);
    }

    fn set_telling(&mut self, telling: Telling, now: Now) {
        if self.telling == telling {
            return;
        }
        self.telling = telling;
        self.poll_due = match telling {
            Telling::Watched => None,
            Telling::Polled => Some(now.steady + self.options.poll),
        };
        self.slow_due = now.steady + self.slow_pause();
    }

    fn add_home(&mut self, path: Utf8PathBuf, now: Now) {
        if !self.options.homes.contains(&path) {
            self.options.homes.push(path);
            self.look(now);
        }
    }

    fn remove_home(&mut self, path: &Utf8Path) {
        let Some(removed) = self.options.homes.iter().position(|home| home == path) else {
            return;
        };
        for thread in self.threads(|known| known.home == removed) {
            self.drop_gone(&thread);
        }
        self.awaited.retain(|_, (home, _)| *home != removed);
        self.options.homes.remove(removed);
        let known = self.known.values_mut().map(|known| &mut known.home);
        let awaited = self.awaited.values_mut().map(|(home, _)| home);
        for home in known.chain(awaited).filter(|home| **home > removed) {
            *home -= 1;
        }
    }

    fn look(&mut self, now: Now) {
        self.refresh();
        let since = self.recent_since(now);
        let mut candidates: Vec<(usize, Found)> = Vec::new();
        for (home, path) in self.options.homes.iter().enumerate() {
            let finds = rollouts::recent(path, since);
            candidates.extend(finds.found.into_iter().map(|found| (home, found)));
            self.skipped.extend(finds.skipped);
        }
        candidates.sort_by_key(|(_, found)| std::cmp::Reverse(found.modified));
        candidates.truncate(MOST_RECENT);
        for (home, found) in candidates {
            self.learn(home, &found.thread, found.path);
        }
        self.learn_live(now);
        let threads: Vec<String> = self.known.keys().cloned().collect();
        for thread in threads {
            self.visit(&thread, Visit::Writer, now);
        }
        for thread in hooks::sessions(&self.options.hooks, Source::Codex) {
            self.tell_hooks(&thread);
        }
        self.learn_names();
        self.slow_due = now.steady + self.slow_pause();
    }

    fn seek(&mut self, thread: &str, now: Now) {
        let is_whole_id =
            thread.len() == 36 && thread.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if self.known.contains_key(thread) || !is_whole_id {
            return;
        }
        let mut homes = self.options.homes.iter().enumerate();
        let found = homes.find_map(|(home, path)| Some((home, rollouts::of_thread(path, thread)?)));
        if let Some((home, path)) = found {
            self.refresh();
            self.learn(home, thread, path);
            self.visit(thread, Visit::Writer, now);
        }
    }

    fn process_ended(&mut self, process: ProcessKey, now: Now) {
        self.refresh();
        let threads = self.threads(|known| known.owner() == Some(process));
        for thread in threads {
            if let Some(known) = self.known.get_mut(&thread) {
                known.expect_nobody(now.steady);
            }
            self.visit(&thread, Visit::Writer, now);
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        let is_due = |due: Option<Duration>| due.is_some_and(|due| due <= now.steady);
        let retried = self.threads(|known| is_due(known.retry.due()));
        let awaited: Vec<(String, usize)> = self
            .awaited
            .iter()
            .filter(|(_, (_, retry))| is_due(retry.due()))
            .map(|(thread, (home, _))| (thread.clone(), *home))
            .collect();
        let is_slow_look = self.slow_due <= now.steady;
        if !(retried.is_empty() && awaited.is_empty()) || is_slow_look {
            self.refresh();
        }
        for thread in retried {
            self.visit(&thread, Visit::Writer, now);
            if let Some(known) = self.known.get_mut(&thread) {
                known.retry = known.retry.following(now.steady);
            }
        }
        for (thread, home) in awaited {
            self.await_rollout(home, &thread, now);
        }
        if is_due(self.poll_due) {
            self.poll_due = Some(now.steady + self.options.poll);
            for thread in self.threads(Known::is_live) {
                self.visit(&thread, Visit::Lines, now);
            }
        }
        if is_slow_look {
            self.look_slowly(now);
        }
    }
}

impl Lookout {
    /// Finds what no hint told of.
    fn look_slowly(&mut self, now: Now) {
        // What is moved or unmounted as a whole tells nobody.
        let is_lost = |known: &Known| match self.telling {
            Telling::Watched => !sessions_folder(self.home(known.home)).is_dir(),
            Telling::Polled => !known.tail.path().exists(),
        };
        for thread in self.threads(is_lost) {
            self.visit(&thread, Visit::Writer, now);
        }
        match self.telling {
            Telling::Watched => {}
            Telling::Polled => self.list_latest_folders(now),
        }
        self.learn_live(now);
        for thread in self.threads(|known| known.is_live() || known.writer.is_none()) {
            self.visit(&thread, Visit::Writer, now);
        }
        self.learn_names();
        if self.aging_due <= now.steady {
            self.aging_due = now.steady + AGING;
            self.drop_old(now);
        }
        self.slow_due = now.steady + self.slow_pause();
    }

    /// Drops ended sessions that were not written for longer than they are listed.
    fn drop_old(&mut self, now: Now) {
        let since = self.recent_since(now);
        let is_old = |known: &Known| {
            !known.is_live() && age(known.tail.path()).is_ok_and(|modified| modified < since)
        };
        for thread in self.threads(is_old) {
            self.drop_gone(&thread);
        }
    }

    fn recent_since(&self, now: Now) -> Timestamp {
        now.wall
            .saturating_sub(self.options.recent)
            .unwrap_or(now.wall)
    }

    fn slow_pause(&self) -> Duration {
        match self.telling {
            Telling::Polled => SLOW_POLLED,
            Telling::Watched if self.known.values().any(Known::is_live) => SLOW,
            Telling::Watched => SLOW_AT_REST,
        }
    }

    fn refresh(&mut self) {
        self.locks = LockTable::read();
        self.running = self
            .table
            .look(processes::NAMES, processes::can_write_rollouts, |name| {
                thread_id_of_file(name).is_some()
            });
    }

    fn threads(&self, is_meant: impl Fn(&Known) -> bool) -> Vec<String> {
        let meant = self.known.iter().filter(|(_, known)| is_meant(known));
        meant.map(|(thread, _)| thread.clone()).collect()
    }

    fn home(&self, home: usize) -> &Utf8Path {
        self.options
            .homes
            .get(home)
            .map_or(Utf8Path::new(""), Utf8PathBuf::as_path)
    }

    /// Begins to follow a rollout. The first home wins where two hold the same thread.
    fn learn(&mut self, home: usize, thread: &str, path: Utf8PathBuf) {
        match self.known.get(thread) {
            None => {
                let home_path = self.home(home).to_owned();
                let known = Known::new(home, Tail::new(Source::Codex, home_path, path));
                self.known.insert(thread.to_owned(), known);
            }
            Some(known) if known.home != home => {
                self.skipped.insert(Skipped {
                    path: path.into_string(),
                    why: "The same session lies in another home, which is shown.".to_owned(),
                });
            }
            Some(_) => {}
        }
    }

    /// Learns of rollouts that are locked or held open, however old they are.
    fn learn_live(&mut self, now: Now) {
        let mut live: BTreeSet<(usize, String)> = BTreeSet::new();
        for (home, path) in self.options.homes.iter().enumerate() {
            live.extend(
                self.locked_threads(path)
                    .into_iter()
                    .map(|thread| (home, thread)),
            );
        }
        for running in self.running.iter().flatten() {
            let OpenFiles::Known(names) = &running.open else {
                continue;
            };
            for thread in names.iter().filter_map(|name| thread_id_of_file(name)) {
                live.extend((0..self.options.homes.len()).map(|home| (home, thread.to_owned())));
            }
        }
        for (home, thread) in live {
            if let Some(known) = self.known.get(&thread) {
                if !known.is_live() {
                    self.visit(&thread, Visit::Writer, now);
                }
            } else if let Some(path) = rollouts::of_thread(self.home(home), &thread) {
                self.learn(home, &thread, path);
                self.visit(&thread, Visit::Writer, now);
            }
        }
    }

    fn locked_threads(&self, home: &Utf8Path) -> Vec<String> {
        let Ok(listing) = lock_folder(home).read_dir_utf8() else {
            return Vec::new();
        };
        listing
            .flatten()
            .filter(|entry| match self.locks.state_of(entry.path()) {
                LockState::Held(_) | LockState::HeldUnseen => true,
                LockState::Free | LockState::Absent | LockState::Unknown => false,
            })
            .filter_map(|entry| thread_of_lock(entry.file_name()).map(str::to_owned))
            .collect()
    }
}

#[cfg(test)]
mod tests;
