//! Folders and files for their owner only.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use camino::Utf8Path;

/// Makes a folder and those above it, for their owner only. Folders that are there stay as they
/// are.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub fn make_folder(path: &Utf8Path) -> io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

/// Writes a file that appears whole or not at all and survives a loss of power.
///
/// # Errors
/// When it cannot be written; what was there before is left then.
pub fn write_whole(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let written = only(&mut options)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // What is left of it would only take up more of a full disk.
        std::fs::remove_file(&temporary).ok();
    }
    written
}

/// Lets files that are made be for their owner only.
#[cfg(unix)]
pub fn only(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

/// Lets files that are made be for their owner only, where the system has such a thing.
#[cfg(not(unix))]
pub fn only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
