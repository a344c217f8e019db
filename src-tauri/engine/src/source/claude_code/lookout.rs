//! Watches all homes and says what it saw, as observations in the right order.
//!
//! The registry says which process has which session open and what it does; the transcript says
//! what was done. For every session the registry is looked up first, then the lines are read to
//! the end, then the lines are handed on, after them the writer, and last what the agent says of
//! itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::observation::{LiveState, Observation, Writer};
use mission_control_core::process::ProcessKey;
use mission_control_core::source::claude_code::is_session_id;
use mission_control_core::source::{Source, UnknownKinds};
use mission_control_core::tracker::Now;

use super::projects_folder;
use super::registry::Registry;
use super::transcripts::{self, Folders, Found, Look};
use crate::processes::ProcessTable;
use crate::source::known::{Known, Retry};
use crate::source::listing::{Skipped, Skips, age};
use crate::source::{self, LookoutOptions, Telling};
use crate::tail::Tail;

mod folders;
mod hints;
mod visits;

/// Ended sessions that are listed, at most.
const MOST_RECENT: usize = 500;
/// Between slow looks, which find what no hint told of.
const SLOW: Duration = Duration::from_secs(30);
/// The same while nothing is live.
const SLOW_AT_REST: Duration = Duration::from_secs(60);
/// Between looks at folders where the system does not tell of changes.
const SLOW_POLLED: Duration = Duration::from_secs(5);
/// A look at the processes counts for this long.
const LOOK_HOLDS: Duration = Duration::from_secs(1);
/// Between looks for ended sessions that are too old to be listed.
const AGING: Duration = Duration::from_secs(600);

/// A session or sub-agent that is followed.
#[derive(Debug)]
struct Followed {
    known: Known,
    /// The session that started it; none for one that a person or program started.
    parent: Option<String>,
    /// What was last handed on of what the agent says.
    live: Option<LiveState>,
    /// The name that was last handed on.
    title: Option<String>,
}

/// All that is known about the sessions of all homes.
#[derive(Debug)]
pub(crate) struct Lookout {
    options: LookoutOptions,
    followed: BTreeMap<String, Followed>,
    /// Sessions that are open and have no transcript yet.
    awaited: BTreeMap<String, Retry>,
    registry: Registry,
    folders: Folders,
    table: ProcessTable,
    /// Who may write a session that no registry knows, and when that was looked up.
    unregistered: Option<(Duration, Writer)>,
    telling: Telling,
    slow_due: Duration,
    aging_due: Duration,
    poll_due: Option<Duration>,
    observed: VecDeque<Observation>,
    skipped: BTreeSet<Skipped>,
    buffer: Vec<u8>,
}

impl Lookout {
    pub(crate) fn new(options: LookoutOptions) -> Self {
        Self {
            options,
            followed: BTreeMap::new(),
            awaited: BTreeMap::new(),
            registry: Registry::default(),
            folders: Folders::default(),
            table: ProcessTable::new(),
            unregistered: None,
            telling: Telling::Watched,
            slow_due: Duration::ZERO,
            aging_due: AGING,
            poll_due: None,
            observed: VecDeque::new(),
            skipped: BTreeSet::new(),
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
        let retries = self.followed.values().filter_map(|f| f.known.retry.due());
        let awaited = self.awaited.values().filter_map(|retry| retry.due());
        retries
            .chain(awaited)
            .chain(self.poll_due)
            .fold(self.slow_due, Duration::min)
    }

    fn owners(&self) -> BTreeSet<ProcessKey> {
        self.registry.alive().map(|(_, key)| key).collect()
    }

    fn skipped(&self) -> &BTreeSet<Skipped> {
        &self.skipped
    }

    fn unknown_kinds(&self, home: &Utf8Path) -> UnknownKinds {
        let mut kinds = UnknownKinds::default();
        let followed = self.followed.values().map(|followed| &followed.known);
        for known in followed.filter(|known| self.home(known.home) == home) {
            kinds.add_all(known.tail.unknown_kinds());
        }
        kinds
    }

    fn folders(&self, _now: Now) -> Vec<Utf8PathBuf> {
        self.wanted_folders()
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
        for id in self.ids(|followed| followed.known.home == removed) {
            self.drop_gone(&id);
        }
        self.registry.remove_home(removed);
        self.options.homes.remove(removed);
        for followed in self.followed.values_mut() {
            if followed.known.home > removed {
                followed.known.home -= 1;
            }
        }
    }

    fn look(&mut self, now: Now) {
        self.read_registry();
        self.list(Look::Everywhere, now);
        self.learn_live(now);
        self.visit_all(now);
        self.slow_due = now.steady + self.slow_pause();
    }

    fn seek(&mut self, id: &str, now: Now) {
        if self.followed.contains_key(id) || !is_session_id(id) {
            return;
        }
        let mut homes = self.options.homes.iter().enumerate();
        let found = homes.find_map(|(home, path)| {
            let path = transcripts::of_session(path, id)?;
            Some((home, path))
        });
        if let Some((home, path)) = found {
            self.learn(home, id, path, None);
            self.learn_agents(id, Timestamp::MIN);
            self.visit_family(id, now);
        }
    }

    fn hear(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now) {
        self.take_in(changed, now);
    }

    fn process_ended(&mut self, _process: ProcessKey, now: Now) {
        for session in self.registry.verify(&mut self.table) {
            if let Some(followed) = self.followed.get_mut(&session) {
                followed.known.expect_nobody(now.steady);
            }
            self.visit_family(&session, now);
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        let is_due = |due: Option<Duration>| due.is_some_and(|due| due <= now.steady);
        for id in self.ids(|followed| is_due(followed.known.retry.due())) {
            self.visit(&id, now);
            if let Some(followed) = self.followed.get_mut(&id) {
                followed.known.retry = followed.known.retry.following(now.steady);
            }
        }
        let awaited = self.awaited.iter().filter(|(_, retry)| is_due(retry.due()));
        let awaited: Vec<String> = awaited.map(|(id, _)| id.clone()).collect();
        for id in awaited {
            self.await_transcript(&id, now);
        }
        if is_due(self.poll_due) {
            self.poll_due = Some(now.steady + self.options.poll);
            self.follow_registry(now);
            for id in self.ids(|followed| followed.known.is_live()) {
                self.visit(&id, now);
            }
        }
        if self.slow_due <= now.steady {
            self.look_slowly(now);
        }
    }
}

impl Lookout {
    /// Finds what no hint told of.
    fn look_slowly(&mut self, now: Now) {
        // What is moved or unmounted as a whole tells nobody.
        let homes = &self.options.homes;
        let is_lost = |followed: &Followed| {
            let home = homes.get(followed.known.home);
            home.is_none_or(|home| !projects_folder(home).is_dir())
        };
        for id in self.ids(is_lost) {
            self.visit(&id, now);
        }
        self.follow_registry(now);
        let look = match self.telling {
            Telling::Watched if self.every_home_has_a_registry() => Look::WhereNew,
            Telling::Watched | Telling::Polled => Look::Everywhere,
        };
        self.list(look, now);
        self.learn_live(now);
        for id in self.ids(|f| f.known.is_live() || f.known.writer.is_none()) {
            self.visit(&id, now);
        }
        if self.aging_due <= now.steady {
            self.aging_due = now.steady + AGING;
            self.drop_old(now);
        }
        self.slow_due = now.steady + self.slow_pause();
    }

    fn read_registry(&mut self) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for (home, path) in self.options.homes.iter().enumerate() {
            changed.extend(self.registry.read_all(home, path, &mut self.table));
        }
        changed.extend(self.registry.verify(&mut self.table));
        changed
    }

    /// Reads the registry again and follows what changed.
    fn follow_registry(&mut self, now: Now) {
        for session in self.read_registry() {
            self.registry_changed(&session, now);
        }
    }

    /// Learns of transcripts that were written lately.
    fn list(&mut self, look: Look, now: Now) {
        let since = self.recent_since(now);
        let mut skips = Skips::default();
        let mut candidates: Vec<(usize, Found)> = Vec::new();
        for (home, path) in self.options.homes.iter().enumerate() {
            let found = self.folders.recent(path, since, look, &mut skips);
            candidates.extend(found.into_iter().map(|found| (home, found)));
        }
        self.skipped.extend(skips);
        candidates.sort_by_key(|(_, found)| std::cmp::Reverse(found.modified));
        candidates.truncate(MOST_RECENT);
        for (home, found) in candidates {
            let is_new = !self.followed.contains_key(&found.id);
            self.learn(home, &found.id, found.path, None);
            self.learn_agents(&found.id, since);
            match look {
                Look::WhereNew if is_new => self.visit_family(&found.id, now),
                Look::WhereNew | Look::Everywhere => {}
            }
        }
    }

    /// Begins to follow a transcript. The first home wins where two hold the same session.
    fn learn(&mut self, home: usize, id: &str, path: Utf8PathBuf, parent: Option<&str>) {
        match self.followed.get(id) {
            None => {
                self.awaited.remove(id);
                let home_path = self.home(home).to_owned();
                let followed = Followed {
                    known: Known::new(home, Tail::new(Source::ClaudeCode, home_path, path)),
                    parent: parent.map(str::to_owned),
                    live: None,
                    title: None,
                };
                self.followed.insert(id.to_owned(), followed);
            }
            Some(followed) if followed.known.home != home => {
                self.skipped.insert(Skipped {
                    path: path.into_string(),
                    why: "The same session lies in another home, which is shown.".to_owned(),
                });
            }
            Some(_) => {}
        }
    }

    /// Begins to follow the sub-agents of a session and returns the new ones.
    fn learn_agents(&mut self, session: &str, since: Timestamp) -> Vec<String> {
        let Some(followed) = self.followed.get(session) else {
            return Vec::new();
        };
        let (home, transcript) = (followed.known.home, followed.known.tail.path().to_owned());
        let mut skips = Skips::default();
        let found = transcripts::of_agents(&transcript, since, &mut skips);
        self.skipped.extend(skips);
        let mut learned = Vec::new();
        for agent in found {
            if !self.followed.contains_key(&agent.id) {
                self.learn(home, &agent.id, agent.path, Some(session));
                learned.push(agent.id);
            }
        }
        learned
    }

    /// Learns of sessions that are open, however old their transcripts are.
    fn learn_live(&mut self, now: Now) {
        let open: BTreeSet<String> = self
            .registry
            .alive()
            .map(|(entry, _)| entry.registered.session.clone())
            .collect();
        for session in open {
            if !self.followed.contains_key(&session) {
                self.registry_changed(&session, now);
            }
        }
    }

    /// Drops ended sessions that were not written for longer than they are listed.
    fn drop_old(&mut self, now: Now) {
        let since = self.recent_since(now);
        let is_old = |followed: &Followed| {
            let known = &followed.known;
            !known.is_live() && age(known.tail.path()).is_ok_and(|modified| modified < since)
        };
        let old: BTreeSet<String> = self.ids(is_old).into_iter().collect();
        // A session stays as long as one of its sub-agents does.
        let young = self.followed.iter().filter(|(id, _)| !old.contains(*id));
        let kept: BTreeSet<String> = young
            .filter_map(|(_, followed)| followed.parent.clone())
            .collect();
        for id in old.difference(&kept) {
            self.drop_gone(id);
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
            Telling::Watched if self.followed.values().any(|f| f.known.is_live()) => SLOW,
            Telling::Watched => SLOW_AT_REST,
        }
    }

    fn ids(&self, is_meant: impl Fn(&Followed) -> bool) -> Vec<String> {
        let meant = self.followed.iter().filter(|(_, known)| is_meant(known));
        meant.map(|(id, _)| id.clone()).collect()
    }

    fn home(&self, home: usize) -> &Utf8Path {
        self.options
            .homes
            .get(home)
            .map_or(Utf8Path::new(""), Utf8PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests;
