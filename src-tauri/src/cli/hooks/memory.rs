//! Which copies hold what settings files were before our hook came into them, so that they can
//! become that again. What they say is not kept here: settings hold keys.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_engine::{hooks, private};
use serde::{Deserialize, Serialize};

/// All files, by their path.
#[derive(Debug, Default)]
pub(super) struct Memory {
    files: BTreeMap<String, Known>,
    /// Why what was remembered is not known.
    lost: Option<String>,
}

/// What a file was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
pub(super) enum Known {
    /// It was not there.
    Absent,
    /// As this copy of it is.
    Copied { copy: Utf8PathBuf },
}

impl Memory {
    /// Reads what is remembered. What cannot be read is said by [`Memory::lost`]: entries are taken
    /// out one by one then.
    pub(super) fn read(state: &Utf8Path) -> Self {
        let path = path(state);
        let says = |why: &dyn std::fmt::Display| format!("`{path}` cannot be read: {why}.");
        let (files, lost) = match std::fs::read(&path) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(files) => (files, None),
                Err(error) => (BTreeMap::new(), Some(says(&error))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => (BTreeMap::new(), None),
            Err(error) => (BTreeMap::new(), Some(says(&error))),
        };
        Self { files, lost }
    }

    /// Returns why nothing is remembered, as a sentence, if something should be.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Writes what is remembered, or says in a sentence why that failed. What could not be read is
    /// put aside for a person to look at.
    pub(super) fn write(&self, state: &Utf8Path) -> Result<(), String> {
        let path = path(state);
        let aside = path.with_extension("unreadable");
        let put_aside = || match (&self.lost, std::fs::read(&path)) {
            (None, _) => Ok(()),
            (Some(_), Ok(text)) => private::write_whole(&aside, &text),
            (Some(_), Err(error)) => Err(error),
        };
        put_aside()
            .and_then(|()| Ok(serde_json::to_vec_pretty(&self.files)?))
            .and_then(|text| private::write_whole(&path, &text))
            .map_err(|error| format!("`{path}` cannot be written: {error}."))
    }

    pub(super) fn put_in(&mut self, file: &Path, known: Known) {
        self.files.insert(key(file), known);
    }

    /// Forgets a file; returns whether it was remembered.
    pub(super) fn take_out(&mut self, file: &Path) -> bool {
        self.files.remove(&key(file)).is_some()
    }

    pub(super) fn of(&self, file: &Path) -> Option<&Known> {
        self.files.get(&key(file))
    }
}

fn key(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

fn path(state: &Utf8Path) -> Utf8PathBuf {
    hooks::folder(state).join("installed.json")
}
