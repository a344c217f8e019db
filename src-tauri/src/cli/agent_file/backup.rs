//! Copies of the agents' files, made before these are changed. They are for their owner only,
//! whatever the files are: settings hold keys.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_engine::places::Places;
use mission_control_engine::private;

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
    pub(in crate::cli) fn copy(&self, file: &Path) -> Result<Option<Utf8PathBuf>, Failure> {
        if !file.exists() {
            return Ok(None);
        }
        let copy = self.copied(file).map_err(|error| {
            let title = format!("`{}` cannot be backed up: {error}.", file.display());
            Failure::new(Kind::Failed, title)
                .hint("It was not changed. Correct that, then run this command again.")
        })?;
        Ok(Some(copy))
    }

    fn copied(&self, file: &Path) -> io::Result<Utf8PathBuf> {
        let bytes = fs::read(file)?;
        let folder = self.places.state.join("backups");
        private::make_folder(&folder)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let (path, mut copy) = self.fresh(&folder, name.trim_start_matches('.'))?;
        io::Write::write_all(&mut copy, &bytes)?;
        copy.sync_all()?;
        Ok(path)
    }

    /// Makes a file of a name that no copy has; files of several homes have the same one.
    fn fresh(&self, folder: &Utf8Path, name: &str) -> io::Result<(Utf8PathBuf, File)> {
        let stamp = self.now.strftime("%Y%m%dT%H%M%S%3fZ");
        let mut n_taken = 0_u32;
        loop {
            let path = folder.join(match n_taken {
                0 => format!("{stamp}-{name}"),
                n => format!("{stamp}-{n}-{name}"),
            });
            let mut options = File::options();
            match private::only(options.write(true).create_new(true)).open(&path) {
                Ok(copy) => return Ok((path, copy)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => n_taken += 1,
                Err(error) => return Err(error),
            }
        }
    }
}
