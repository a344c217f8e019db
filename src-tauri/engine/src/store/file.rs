//! The state folder and the database file, for their owner only.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::StoreError;
use crate::private;

/// The database's name in the state folder.
pub(super) const NAME: &str = "mission-control.db";

/// Makes folder and file where they are missing and returns the file's path.
pub(super) fn prepare(state: &Utf8Path) -> Result<Utf8PathBuf, StoreError> {
    let failed = |path: &Utf8Path| {
        let path = path.to_string();
        move |source| StoreError::Folder { path, source }
    };
    private::make_folder(state).map_err(failed(state))?;
    let path = path(state);
    make_file(&path).map_err(failed(&path))?;
    Ok(path)
}

/// Returns the database's path.
pub(super) fn path(state: &Utf8Path) -> Utf8PathBuf {
    state.join(NAME)
}

/// SQLite gives the files beside the database the database's own mode.
fn make_file(path: &Utf8Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut file = std::fs::File::options();
    private::only(file.append(true).create(true)).open(path)?;
    Ok(())
}
