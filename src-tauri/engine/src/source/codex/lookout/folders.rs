//! Which folders tell of changes, and what a change in one of them means.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::ToSpan;
use mission_control_core::tracker::Now;

use super::super::dated_folder;
use super::{Lookout, archive_folder, lock_folder, rollouts, sessions_folder};
use crate::clock;
use crate::source::listing::nearest_existing;

/// Until this hour new sessions may still appear in yesterday's folder: a clock that runs in
/// another zone, or a session that began before midnight.
const YESTERDAY_UNTIL_HOUR: i8 = 12;

impl Lookout {
    /// Returns the folders whose changes matter, the most important ones first. Only folders that
    /// exist, or the nearest one above them.
    pub(super) fn wanted_folders(&self, now: Now) -> Vec<Utf8PathBuf> {
        let mut wanted = Vec::new();
        let local = clock::local(now);
        for home in &self.options.homes {
            let sessions = sessions_folder(home);
            let locks = lock_folder(home);
            if !sessions.is_dir() || !locks.is_dir() {
                wanted.extend(nearest_existing(home));
            }
            let today = dated_folder(home, local.date());
            let mut levels: Vec<&Utf8Path> = today.ancestors().take(4).collect();
            levels.retain(|folder| folder.is_dir());
            wanted.extend(levels.into_iter().map(Utf8Path::to_owned));
            wanted.extend(Some(locks).filter(|folder| folder.is_dir()));
            if local.hour() < YESTERDAY_UNTIL_HOUR {
                let yesterday = local.date().checked_sub(1.day()).ok();
                let folder = yesterday.map(|date| dated_folder(home, date));
                wanted.extend(folder.filter(|folder| folder.is_dir()));
            }
        }
        wanted.extend(Some(self.options.hooks.clone()).filter(|hooks| hooks.is_dir()));
        let live = self.known.values().filter(|known| known.is_live());
        wanted.extend(
            live.filter_map(|known| known.tail.path().parent())
                .map(Utf8Path::to_owned),
        );
        let archives = self.options.homes.iter().map(|home| archive_folder(home));
        wanted.extend(archives.filter(|folder| folder.is_dir()));
        let mut seen = BTreeSet::new();
        wanted.retain(|folder| seen.insert(folder.clone()));
        wanted
    }

    /// Looks through the folders where new sessions appear.
    pub(super) fn list_latest_folders(&mut self, now: Now) {
        let date = clock::local(now).date();
        for home in 0..self.options.homes.len() {
            let dates = [Some(date), date.checked_sub(1.day()).ok()];
            for date in dates.into_iter().flatten() {
                let folder = dated_folder(self.home(home), date);
                self.list_folder(home, &folder, now);
            }
        }
    }

    pub(super) fn list_folder(&mut self, home: usize, folder: &Utf8Path, now: Now) {
        let since = self.recent_since(now);
        let finds = rollouts::of_folder(folder, since);
        self.skipped.extend(finds.skipped);
        for found in finds.found {
            if !self.known.contains_key(&found.thread) {
                self.rollout_changed(home, &found.thread, &found.path, now);
            }
        }
    }
}
