//! A task's folder: its files, for their owner only, and the lock that says its supervisor lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::task::model::TaskId;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use crate::private::{make_folder as make_private_folder, only as private, write_whole};

/// Where a task's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFolder(Utf8PathBuf);

/// Held by a supervisor for life; released by the system however it ends.
#[derive(Debug)]
pub struct SupervisorLock(File);

impl TaskFolder {
    /// Returns the folder of a task below the state folder.
    #[must_use]
    pub fn of(state: &Utf8Path, id: &TaskId) -> Self {
        Self(state.join("tasks").join(id.as_str()))
    }

    /// Returns the folder at `path`.
    pub(crate) const fn at(path: Utf8PathBuf) -> Self {
        Self(path)
    }

    /// Returns the folder itself.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.0
    }

    /// Returns the agent's events.
    #[must_use]
    pub fn events(&self) -> Utf8PathBuf {
        self.0.join("events.jsonl")
    }

    /// Returns what the agent wrote on standard error.
    #[must_use]
    pub fn stderr(&self) -> Utf8PathBuf {
        self.0.join("stderr.log")
    }

    /// Returns the log for people.
    #[must_use]
    pub fn log(&self) -> Utf8PathBuf {
        self.0.join("output.log")
    }

    /// Returns the result for people.
    #[must_use]
    pub fn result(&self) -> Utf8PathBuf {
        self.0.join("result.md")
    }

    /// Returns the difference a task in the cloud made.
    #[must_use]
    pub fn diff(&self) -> Utf8PathBuf {
        self.0.join("changes.diff")
    }

    /// Returns the facts about the run for whoever looks for a fault.
    #[must_use]
    pub fn debug(&self) -> Utf8PathBuf {
        self.0.join("debug.json")
    }

    /// Returns the request as it was asked for.
    #[must_use]
    pub fn request(&self) -> Utf8PathBuf {
        self.0.join("request.json")
    }

    /// Returns what is written before the database hears of the end.
    #[must_use]
    pub fn outcome(&self) -> Utf8PathBuf {
        self.0.join("outcome.json")
    }

    /// Returns what was seen before the agent was started.
    #[must_use]
    pub fn before(&self) -> Utf8PathBuf {
        self.0.join("before.json")
    }

    /// Returns the prompt, where it is handed over as a file.
    #[must_use]
    pub fn prompt(&self) -> Utf8PathBuf {
        self.0.join("prompt.txt")
    }

    /// Returns the schema of the answer.
    #[must_use]
    pub fn schema(&self) -> Utf8PathBuf {
        self.0.join("schema.json")
    }

    /// Returns what the supervisor itself had to say.
    #[must_use]
    pub fn supervisor_log(&self) -> Utf8PathBuf {
        self.0.join("supervisor.log")
    }

    /// Returns the task's own checkout, where it has one.
    #[must_use]
    pub fn worktree(&self) -> Utf8PathBuf {
        self.0.join("worktree")
    }

    /// Returns the file that counts supervisors which were started in vain, and whose time says
    /// when that was done last.
    #[must_use]
    pub fn attempt(&self) -> Utf8PathBuf {
        self.0.join("supervisor.attempt")
    }

    /// Returns how many supervisors were started since one could do its work.
    pub(crate) fn n_attempts(&self) -> u32 {
        let text = std::fs::read_to_string(self.attempt());
        // Without a count it is tried soon, and counted from there.
        text.ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Writes down that so many supervisors were started in vain, the last one now.
    pub(crate) fn count_attempts(&self, n: u32) -> io::Result<()> {
        let path = self.attempt();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = private(&mut options).open(path)?;
        // On a full disk the time alone has to do.
        if let Err(error) = writeln!(file, "{n}") {
            tracing::warn!(%error, "Supervisors cannot be counted.");
        }
        let now = std::time::SystemTime::from(crate::clock::Clock::start().now().wall);
        file.set_modified(now)
    }

    /// Returns what became of the changes: applied or discarded, when and where.
    #[must_use]
    pub fn fate(&self) -> Utf8PathBuf {
        self.0.join("applied.json")
    }

    /// Takes the lock of whoever applies or discards the changes; none while somebody else does.
    /// It is let go of with the file.
    pub(crate) fn lock_changes(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = private(&mut options).open(self.0.join("apply.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_file(&self) -> Utf8PathBuf {
        self.0.join("supervisor.lock")
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self) -> io::Result<()> {
        make_private_folder(&self.0)
    }

    /// Takes the supervisor's lock; none while somebody else holds it.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self) -> io::Result<Option<SupervisorLock>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = private(&mut options).open(self.lock_file())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(SupervisorLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns whether a supervisor lives. One that was just started may not hold its lock yet.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        File::open(self.lock_file())
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl SupervisorLock {
    /// Writes who holds the lock into it, for people who look.
    pub fn sign(&mut self) {
        let signed = self
            .0
            .set_len(0)
            .and_then(|()| writeln!(self.0, "{}", std::process::id()));
        if let Err(error) = signed {
            tracing::debug!(%error, "The lock cannot be signed.");
        }
    }
}

/// Opens a file to add to it, for its owner only.
pub(crate) fn append(path: &Utf8Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    private(&mut options).open(path)
}

/// Writes a value as JSON; see [`write_whole`].
pub(crate) fn write_json<T: Serialize>(path: &Utf8Path, value: &T) -> io::Result<()> {
    let mut json = serde_json::to_vec_pretty(value)?;
    json.push(b'\n');
    write_whole(path, &json)
}

/// Reads a value; none if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Utf8Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
