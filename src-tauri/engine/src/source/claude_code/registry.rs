//! The registry files of all homes, and whether the process of each still lives.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::observation::Writer;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::claude_code::Registered;

use super::registry_folder;
use crate::processes::{self, ProcessTable};

/// A registry file holds a few hundred bytes.
const MOST_BYTES: u64 = 256 * 1024;

/// One process that has a session open, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) home: usize,
    pub(super) registered: Registered,
    pub(super) holder: Holder,
    pub(super) telling: Telling,
}

/// Whether the process still tells what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Yes,
    /// It took its file away: it is about to end, and may still write its last lines.
    Leaving,
}

/// What became of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Alive(ProcessKey),
    /// It ended without taking its file along.
    Gone,
    /// It belongs to another container or machine.
    Elsewhere,
}

impl Entry {
    /// Returns what remains when the file is gone; none when the process is gone too.
    fn left(mut self, table: &mut ProcessTable) -> Option<Self> {
        self.holder = holder(&self.registered, table);
        self.telling = Telling::Leaving;
        match self.holder {
            Holder::Alive(_) => Some(self),
            Holder::Gone | Holder::Elsewhere => None,
        }
    }
}

/// How many files of a registry there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tallied {
    /// Of processes that live.
    pub(super) alive: usize,
    /// Left behind.
    pub(super) gone: usize,
    /// Of another container or machine.
    pub(super) elsewhere: usize,
    /// Not understood.
    pub(super) unreadable: usize,
}

/// All registry files.
#[derive(Debug, Default)]
pub(super) struct Registry {
    entries: BTreeMap<Utf8PathBuf, Entry>,
}

impl Registry {
    /// Reads all files of a home and returns the sessions about which something changed.
    pub(super) fn read_all(
        &mut self,
        home: usize,
        home_path: &Utf8Path,
        table: &mut ProcessTable,
    ) -> BTreeSet<String> {
        let folder = registry_folder(home_path);
        let listing = folder.read_dir_utf8().into_iter().flatten().flatten();
        let mut paths: BTreeSet<Utf8PathBuf> = listing
            .map(|entry| entry.path().to_owned())
            .filter(|path| is_registry_file(path))
            .collect();
        let known = self.entries.keys().filter(|path| path.starts_with(&folder));
        paths.extend(known.cloned());
        paths
            .into_iter()
            .flat_map(|path| self.read(home, &path, table))
            .collect()
    }

    /// Reads one file and returns the sessions about which something changed.
    pub(super) fn read(
        &mut self,
        home: usize,
        path: &Utf8Path,
        table: &mut ProcessTable,
    ) -> BTreeSet<String> {
        let before = self.entries.get(path).cloned();
        let after = match bytes(path) {
            // Caught while it is written: what it said before holds until the next change.
            Ok(bytes) => match Registered::read(&bytes) {
                Some(registered) => Some(Entry {
                    home,
                    holder: holder(&registered, table),
                    registered,
                    telling: Telling::Yes,
                }),
                None => before.clone(),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                before.clone().and_then(|entry| entry.left(table))
            }
            Err(error) => {
                tracing::debug!(%path, %error, "A registry file cannot be read.");
                before.clone()
            }
        };
        if before == after {
            return BTreeSet::new();
        }
        let sessions = [&before, &after].into_iter().flatten();
        let changed = sessions
            .map(|entry| entry.registered.session.clone())
            .collect();
        match after {
            Some(entry) => self.entries.insert(path.to_owned(), entry),
            None => self.entries.remove(path),
        };
        changed
    }

    /// Looks whether the processes still live and returns the sessions of those that ended.
    pub(super) fn verify(&mut self, table: &mut ProcessTable) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        self.entries.retain(|_, entry| {
            let holder = holder(&entry.registered, table);
            if std::mem::replace(&mut entry.holder, holder) != holder {
                changed.insert(entry.registered.session.clone());
            }
            match (entry.telling, holder) {
                (Telling::Leaving, Holder::Gone | Holder::Elsewhere) => false,
                (Telling::Leaving, Holder::Alive(_)) | (Telling::Yes, _) => true,
            }
        });
        changed
    }

    /// Drops the files of a home.
    pub(super) fn remove_home(&mut self, removed: usize) {
        self.entries.retain(|_, entry| entry.home != removed);
        for entry in self.entries.values_mut() {
            if entry.home > removed {
                entry.home -= 1;
            }
        }
    }

    /// Counts the files in `folder`, all of which were read.
    pub(super) fn tallied(&self, folder: &Utf8Path) -> Tallied {
        let listing = folder.read_dir_utf8().into_iter().flatten().flatten();
        let files = listing.filter(|entry| is_registry_file(entry.path()));
        let mut tallied = Tallied::default();
        for file in files {
            match self.entries.get(file.path()).map(|entry| entry.holder) {
                Some(Holder::Alive(_)) => tallied.alive += 1,
                Some(Holder::Gone) => tallied.gone += 1,
                Some(Holder::Elsewhere) => tallied.elsewhere += 1,
                None => tallied.unreadable += 1,
            }
        }
        tallied
    }

    /// Returns the entries whose process lives.
    pub(super) fn alive(&self) -> impl Iterator<Item = (&Entry, ProcessKey)> {
        self.entries
            .values()
            .filter_map(|entry| match entry.holder {
                Holder::Alive(key) => Some((entry, key)),
                Holder::Gone | Holder::Elsewhere => None,
            })
    }

    /// Returns the live process that has the session open and what it says; of several the one
    /// that a person has most to do with.
    pub(super) fn of_session(&self, session: &str) -> Option<(Registered, ProcessKey)> {
        let mut open: Vec<(&Entry, ProcessKey)> = self
            .alive()
            .filter(|(entry, _)| entry.registered.session == session)
            .collect();
        open.sort_by_key(|(entry, key)| (entry.registered.urgency(), *key));
        let latest = open
            .iter()
            .filter_map(|(entry, _)| entry.registered.reported.as_ref().map(|(at, _)| *at))
            .max();
        let (entry, key) = open.pop()?;
        let mut registered = entry.registered.clone();
        // Both speak for one session: what one of them said later makes nothing else older.
        if let (Some((at, _)), Some(latest)) = (&mut registered.reported, latest) {
            *at = latest;
        }
        Some((registered, key))
    }

    /// Returns who may write the transcript of the session, by the registry alone.
    pub(super) fn writer(&self, session: &str) -> Writer {
        if let Some((_, by)) = self.of_session(session) {
            let from = EvidenceSource::Registry;
            return Writer::Held { by, from };
        }
        let is_elsewhere = self
            .entries
            .values()
            .any(|entry| entry.registered.session == session && entry.holder == Holder::Elsewhere);
        if is_elsewhere {
            return Writer::Unknown {
                why: "Its process runs in another container or on another machine.".to_owned(),
            };
        }
        Writer::Free
    }
}

pub(super) fn is_registry_file(path: &Utf8Path) -> bool {
    let pid = path.file_name().and_then(|name| name.strip_suffix(".json"));
    pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bytes(path: &Utf8Path) -> std::io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    std::fs::read(path)
}

/// The file of a process that was killed stays, and its number may be another's by then.
fn holder(registered: &Registered, table: &mut ProcessTable) -> Holder {
    let is_elsewhere = registered
        .pid_domain
        .as_deref()
        .zip(processes::pid_namespace())
        .is_some_and(|(domain, namespace)| !domain.ends_with(&namespace));
    if is_elsewhere {
        return Holder::Elsewhere;
    }
    let Some(key) = table.key_of(registered.pid) else {
        return Holder::Gone;
    };
    let is_same = match (
        processes::start_ticks(registered.pid),
        registered.process_start.as_deref(),
    ) {
        (Some(ticks), Some(start)) => start == ticks.to_string(),
        // Whoever started after the file was made did not make it.
        (None, _) | (_, None) => registered
            .started_at
            .is_none_or(|made| key.started_at.duration_since(made) <= START_SLACK),
    };
    if is_same {
        Holder::Alive(key)
    } else {
        Holder::Gone
    }
}

/// The start of a process is known to the second only.
const START_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);
