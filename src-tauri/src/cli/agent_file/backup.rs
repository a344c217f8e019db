//! Copies of the agents' files, made before these are changed.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use mission_control_engine::places::Places;
use mission_control_engine::store::Store;

use crate::cli::failure::{Failure, Kind};

/// Where copies are kept, and from when they are.
pub(in crate::cli) struct Backups {
    places: Places,
    now: Timestamp,
}

impl Backups {
    pub(in crate::cli) const fn new(places: Places, now: Timestamp) -> Self {
        Self { places, now }
    }

    /// Copies the file that is about to be changed; returns where to, if there is one.
    pub(in crate::cli) fn copy(&self, file: &Path) -> Result<Option<String>, Failure> {
        if !file.exists() {
            return Ok(None);
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_start_matches('.');
        let stamp = self.now.strftime("%Y%m%dT%H%M%S%3fZ");
        let backups = self.places.state.join("backups");
        let copy = backups.join(format!("{stamp}-{name}"));
        let failed = |error: std::io::Error| {
            let title = format!("`{}` cannot be backed up: {error}.", file.display());
            Failure::new(Kind::Failed, title)
                .hint("It was not changed. Correct that, then run this command again.")
        };
        // Opening the store makes the state folder, for its owner only.
        Store::open(&self.places.state).map_err(|error| Failure::of(&error))?;
        fs::create_dir_all(&backups).map_err(failed)?;
        // The copy keeps the permissions of the original.
        fs::copy(file, &copy).map_err(failed)?;
        Ok(Some(copy.into_string()))
    }
}
