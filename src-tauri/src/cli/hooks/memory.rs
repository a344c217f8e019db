//! What settings files were before our hook came into them, so that they can become that again.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_engine::hooks;
use serde::{Deserialize, Serialize};

use crate::cli::failure::{Failure, Kind};

/// All files, by their path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory(BTreeMap<String, Known>);

/// One file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Known {
    /// Its text before; none if it was not there.
    before: Option<String>,
    /// Its text after.
    after: String,
}

impl Memory {
    pub(super) fn read(state: &Utf8Path) -> Result<Self, Failure> {
        let path = path(state);
        match std::fs::read(&path) {
            // What cannot be read is as good as forgotten: entries are taken out one by one then.
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::new(
                Kind::Failed,
                format!("`{path}` cannot be read: {error}."),
            )),
        }
    }

    pub(super) fn write(&self, state: &Utf8Path) -> Result<(), Failure> {
        let path = path(state);
        let text = serde_json::to_vec(self).map_err(|error| Failure::of(&error))?;
        std::fs::write(&path, text).map_err(|error| {
            Failure::new(
                Kind::Failed,
                format!("`{path}` cannot be written: {error}."),
            )
        })
    }

    pub(super) fn put_in(&mut self, file: &Path, before: Option<&str>, after: &str) {
        let known = Known {
            before: before.map(str::to_owned),
            after: after.to_owned(),
        };
        self.0.insert(key(file), known);
    }

    pub(super) fn take_out(&mut self, file: &Path) {
        self.0.remove(&key(file));
    }

    pub(super) fn of(&self, file: &Path) -> Option<&Known> {
        self.0.get(&key(file))
    }
}

impl Known {
    /// Returns the text before; none if the file was not there.
    pub(super) fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// Returns whether the file still is as it was written.
    pub(super) fn wrote(&self, text: &str) -> bool {
        self.after == text
    }
}

fn key(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

fn path(state: &Utf8Path) -> Utf8PathBuf {
    hooks::folder(state).join("installed.json")
}
