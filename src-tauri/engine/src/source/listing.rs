//! Looks at folders of transcripts, and what is passed over there.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

/// Reasons kept for a person to read.
const MOST_SKIPPED: usize = 100;

/// Something that looks like a transcript or a folder of transcripts and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skipped {
    /// Where it lies.
    pub(crate) path: String,
    /// Why it was passed over.
    pub(crate) why: String,
}

/// What was passed over in one look; the first hundred are kept.
#[derive(Debug, Default)]
pub(crate) struct Skips(Vec<Skipped>);

impl Skips {
    pub(super) fn add(&mut self, path: impl Into<String>, why: impl Into<String>) {
        if self.0.len() < MOST_SKIPPED {
            self.0.push(Skipped {
                path: path.into(),
                why: why.into(),
            });
        }
    }
}

impl IntoIterator for Skips {
    type Item = Skipped;
    type IntoIter = std::vec::IntoIter<Skipped>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Returns the names in a folder; an absent folder holds none.
pub(super) fn names(folder: &Utf8Path, skips: &mut Skips) -> Vec<String> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_dangling(folder) => {
            return Vec::new();
        }
        Err(error) => {
            skips.add(
                folder.as_str(),
                format!("The folder cannot be listed: {error}."),
            );
            return Vec::new();
        }
    };
    let mut names = Vec::new();
    for entry in listing {
        match entry.map(|entry| entry.file_name().into_string()) {
            Ok(Ok(name)) => names.push(name),
            Ok(Err(name)) => skips.add(
                folder.join(name.to_string_lossy().as_ref()),
                "Its name is not UTF-8.",
            ),
            Err(error) => {
                skips.add(
                    folder.as_str(),
                    format!("The folder cannot be listed: {error}."),
                );
                break;
            }
        }
    }
    names
}

fn is_dangling(path: &Utf8Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Returns when the transcript was last written, or why that cannot be said.
pub(super) fn age(path: &Utf8Path) -> Result<Timestamp, String> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        if is_dangling(path) && error.kind() == std::io::ErrorKind::NotFound {
            "It is a link to something that is not there.".to_owned()
        } else {
            format!("It cannot be looked at: {error}.")
        }
    })?;
    if !metadata.is_file() {
        return Err("It is not a file.".to_owned());
    }
    let modified = metadata
        .modified()
        .map_err(|error| format!("Its age is not known: {error}."))?;
    Timestamp::try_from(modified).map_err(|error| format!("Its age is not known: {error}."))
}

/// Returns `folder` or the nearest folder above it that exists.
pub(super) fn nearest_existing(folder: &Utf8Path) -> Option<Utf8PathBuf> {
    folder
        .ancestors()
        .find(|folder| folder.is_dir())
        .map(Utf8Path::to_owned)
}
