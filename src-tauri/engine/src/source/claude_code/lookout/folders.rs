//! Which folders tell of changes.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use super::super::{agents_folder, projects_folder, registry_folder, session_folder, transcripts};
use super::Lookout;
use crate::source::listing::nearest_existing;

impl Lookout {
    pub(super) fn wanted_folders(&self) -> Vec<Utf8PathBuf> {
        let mut wanted = Vec::new();
        for home in &self.options.homes {
            let folders = [registry_folder(home), projects_folder(home)];
            if !folders.iter().all(|folder| folder.is_dir()) {
                wanted.extend(nearest_existing(home));
            }
            wanted.extend(folders.into_iter().filter(|folder| folder.is_dir()));
        }
        for (entry, _) in self.registry.alive() {
            let session = &entry.registered.session;
            if !self.followed.contains_key(session)
                && let Some(cwd) = entry.registered.cwd.as_deref()
            {
                wanted.extend(transcripts::folder_of(self.home(entry.home), cwd));
            }
        }
        wanted.extend(Some(self.options.hooks.clone()).filter(|hooks| hooks.is_dir()));
        let live = self.followed.values().filter(|f| f.known.is_live());
        for followed in live {
            let transcript = followed.known.tail.path();
            wanted.extend(transcript.parent().map(Into::into));
            if followed.parent.is_none() {
                let agents = [agents_folder(transcript), session_folder(transcript)];
                wanted.extend(agents.into_iter().find(|folder| folder.is_dir()));
            }
        }
        let mut seen = BTreeSet::new();
        wanted.retain(|folder| seen.insert(folder.clone()));
        wanted
    }

    /// Returns whether the running sessions of every home are known from its registry.
    pub(super) fn every_home_has_a_registry(&self) -> bool {
        let homes = self.options.homes.iter();
        homes
            .filter(|home| projects_folder(home).is_dir())
            .all(|home| registry_folder(home).is_dir())
    }
}
