//! Files of agents that are changed with the person's yes: kept as they stand but for what is ours,
//! with a copy, and never half written.

mod array_text;
mod backup;
mod object_text;
mod shell;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub(super) use array_text::ArrayText;
pub(super) use backup::Backups;
pub(super) use object_text::ObjectText;
pub(super) use shell::{decoded, encoded, quoted, unquoted};

use super::failure::{Failure, Kind};

/// One file of an agent.
#[derive(Clone, Debug)]
pub(super) struct AgentFile {
    path: PathBuf,
}

impl AgentFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_link(&self) -> bool {
        self.path.is_symlink()
    }

    /// Returns its text; none if it is not there.
    pub(super) fn read(&self) -> Result<Option<String>, Failure> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_link() => Ok(None),
            Err(error) => Err(self.failed("read", &error).hint(if self.is_link() {
                "It is a link. Make what it leads to, or remove it."
            } else {
                "Correct that, then run this command again."
            })),
        }
    }

    /// Says that its text is no JSON object.
    pub(super) fn no_object(&self, error: &serde_json::Error) -> Failure {
        let title = format!("`{}` is not a JSON object: {error}.", self.path.display());
        Failure::new(Kind::Failed, title)
            .hint("Nothing was changed. Correct the file, then run this command again.")
    }

    /// Gives it another text, or removes it, after a copy was made; returns where that lies.
    pub(super) fn change(
        &self,
        text: Option<&str>,
        backups: &Backups,
    ) -> Result<Option<String>, Failure> {
        let backup = backups.copy(&self.path)?;
        self.put(text)?;
        Ok(backup.map(Into::into))
    }

    /// Gives it another text, or removes it, without a copy.
    pub(super) fn put(&self, text: Option<&str>) -> Result<(), Failure> {
        match text {
            Some(text) => self.write(text),
            None => fs::remove_file(&self.path),
        }
        .map_err(|error| {
            self.failed("written", &error)
                .hint("It is as it was. Correct that, then run this command again.")
        })
    }

    /// Writes beside the file and renames, so that nobody ever reads half of it.
    fn write(&self, text: &str) -> std::io::Result<()> {
        // A link stays; what it leads to is exchanged.
        let file = match fs::canonicalize(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => self.path.clone(),
            Err(error) => return Err(error),
        };
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let mode = match fs::metadata(&file) {
            Ok(metadata) => Some(metadata.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}.part", std::process::id()));
        let written = (|| {
            let mut part = fs::File::create_new(&beside)?;
            if let Some(mode) = mode {
                part.set_permissions(mode)?;
            }
            part.write_all(text.as_bytes())?;
            part.sync_all()?;
            fs::rename(&beside, &file)
        })();
        let Err(error) = written else {
            return Ok(());
        };
        if let Err(left) = fs::remove_file(&beside)
            && left.kind() != ErrorKind::NotFound
        {
            let both = format!("{error}; `{}` was left behind: {left}", beside.display());
            return Err(std::io::Error::new(error.kind(), both));
        }
        Err(error)
    }

    fn failed(&self, done: &str, error: &std::io::Error) -> Failure {
        let title = format!("`{}` cannot be {done}: {error}.", self.path.display());
        Failure::new(Kind::Failed, title)
    }
}
