//! One file on disk: what makes it the same file, and reading it by offset.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};

use camino::Utf8Path;

/// Tells one file from another that took its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    number: u64,
}

impl FileIdentity {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }

    /// Without a file number the time of its making has to do.
    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let made = metadata.created().ok();
        let since = made.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            device: 0,
            number: since.map_or(0, |since| since.as_micros() as u64),
        }
    }
}

/// A file with what it was when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) identity: FileIdentity,
    pub(crate) size: u64,
}

impl Opened {
    /// Opens the file at `path`, or takes `kept` if that still is the file there.
    pub(crate) fn or_kept(path: &Utf8Path, kept: Option<File>) -> io::Result<Self> {
        let named = std::fs::metadata(path)?;
        // Opening a pipe would wait for its other end.
        if !named.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a file",
            ));
        }
        if let Some(file) = kept {
            let identity = FileIdentity::of(&file.metadata()?);
            if identity == FileIdentity::of(&named) {
                return Ok(Self {
                    file,
                    identity,
                    size: named.len(),
                });
            }
        }
        let file = File::open(path)?;
        let opened = file.metadata()?;
        Ok(Self {
            file,
            identity: FileIdentity::of(&opened),
            size: opened.len(),
        })
    }
}

/// Returns whether the file's name says that it is compressed.
pub(crate) fn is_compressed(path: &Utf8Path) -> bool {
    path.extension() == Some("zst")
}

/// Fills `buffer` from `offset` on, with less at the file's end.
pub(super) fn read_at(mut file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    let mut n = 0;
    while let Some(rest) = buffer.get_mut(n..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}
