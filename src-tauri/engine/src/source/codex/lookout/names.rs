//! Names people gave to threads.
//!
//! Format: `session_index.jsonl` in a home, a line `{"id", "thread_name", "updated_at"}` for each
//! renaming, the latest last. It appears with the first renaming.

use std::collections::BTreeMap;
use std::time::SystemTime;

use camino::Utf8Path;
use mission_control_core::observation::Observation;
use mission_control_core::session::SessionId;
use mission_control_core::source::Source;
use serde::Deserialize;

use super::Lookout;

/// A larger index is not read: names are a nicety.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// The names of all homes, and which of them have been handed on.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// When each home's index was written that was read last.
    read: BTreeMap<usize, SystemTime>,
    names: BTreeMap<String, String>,
    told: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Renaming {
    id: String,
    thread_name: String,
}

impl Lookout {
    /// Hands on names that threads were given since the last look.
    pub(super) fn learn_names(&mut self) {
        for (home, path) in self.options.homes.iter().enumerate() {
            self.names
                .read_index(home, &path.join("session_index.jsonl"));
        }
        for (thread, name) in &self.names.names {
            let is_listed = self.known.get(thread).is_some_and(|known| known.is_told);
            if !is_listed || self.names.told.get(thread) == Some(name) {
                continue;
            }
            self.names.told.insert(thread.clone(), name.clone());
            self.observed.push_back(Observation::Renamed {
                session: SessionId::new(Source::Codex, thread),
                title: name.clone(),
            });
        }
    }
}

impl Names {
    /// Lets the name be handed on again when the thread is listed again.
    pub(super) fn forget(&mut self, thread: &str) {
        self.told.remove(thread);
    }

    fn read_index(&mut self, home: usize, path: &Utf8Path) {
        // No index is the usual case, and one that cannot be read hides no session.
        let Ok(file) = std::fs::metadata(path) else {
            return;
        };
        let Ok(written) = file.modified() else {
            return;
        };
        if file.len() > MOST_BYTES || self.read.get(&home) == Some(&written) {
            return;
        }
        match std::fs::read(path) {
            Ok(bytes) => {
                self.read.insert(home, written);
                let lines = bytes.split(|byte| *byte == b'\n');
                for renaming in
                    lines.filter_map(|line| serde_json::from_slice::<Renaming>(line).ok())
                {
                    self.names.insert(renaming.id, renaming.thread_name);
                }
            }
            Err(error) => tracing::debug!(%path, %error, "Names of sessions cannot be read."),
        }
    }
}
