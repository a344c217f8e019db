//! The state folder and the database file, for their owner only.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::StoreError;

/// The database's name in the state folder.
pub(super) const NAME: &str = "mission-control.db";

/// Makes folder and file where they are missing and returns the file's path.
pub(super) fn prepare(state: &Utf8Path) -> Result<Utf8PathBuf, StoreError> {
    let failed = |path: &Utf8Path| {
        let path = path.to_string();
        move |source| StoreError::Folder { path, source }
    };
    make_folder(state).map_err(failed(state))?;
    let path = path(state);
    make_file(&path).map_err(failed(&path))?;
    Ok(path)
}

/// Returns the database's path.
pub(super) fn path(state: &Utf8Path) -> Utf8PathBuf {
    state.join(NAME)
}

#[cfg(unix)]
fn make_folder(path: &Utf8Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Utf8Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// SQLite gives the files beside the database the database's own mode.
#[cfg(unix)]
fn make_file(path: &Utf8Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if path.exists() {
        return Ok(());
    }
    let mut file = std::fs::File::options();
    file.append(true).create(true).mode(0o600).open(path)?;
    Ok(())
}

#[cfg(not(unix))]
fn make_file(_path: &Utf8Path) -> io::Result<()> {
    Ok(())
}
