//! A call that waits for an answer, and handing one in.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::source::Source;
use serde::{Deserialize, Serialize};

use super::{is_locked, note_path, write_private};
use crate::watch::FolderWatch;

/// How long a call may take to take an answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);
/// Between looks whether it did, where the system does not tell of changes.
const LOOK: Duration = Duration::from_millis(100);

/// The note of a call that waits; it is gone with the call.
#[derive(Debug)]
pub(crate) struct Slot {
    path: Utf8PathBuf,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Given {
    text: String,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// The agent has it.
    Taken,
    /// It is none of the answers there are; says which.
    NotOffered(String),
    /// The call waits no longer, or takes somebody else's answer.
    Gone,
    /// The call lives and did not take it in time; it was withdrawn.
    Withdrawn,
}

impl Slot {
    /// Leaves a note and holds it.
    pub(crate) fn open<T: Serialize>(
        folder: &Utf8Path,
        source: Source,
        session: &str,
        at: Timestamp,
        says: &T,
    ) -> io::Result<Self> {
        let path = note_path(folder, source, session, at)?;
        let part = path.with_extension("part");
        let file = write_private(&part, &serde_json::to_vec(says)?)?;
        // Held before anybody can see it.
        file.lock()?;
        fs::rename(part, &path)?;
        Ok(Self { path, _lock: file })
    }

    /// Returns where the note is.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the answer that was handed in.
    pub(crate) fn answer(&self) -> Option<String> {
        let text = fs::read(answer_path(&self.path)).ok()?;
        let given: Given = serde_json::from_slice(&text).ok()?;
        Some(given.text)
    }

    /// Says that the agent has the answer.
    pub(crate) fn take(&self) -> io::Result<()> {
        fs::rename(answer_path(&self.path), taken_path(&self.path))
    }

    /// Says that the answer is none of those there are, and waits on.
    pub(crate) fn refuse(&self, why: &str) -> io::Result<()> {
        write_private(&refusal_path(&self.path), why.as_bytes())?;
        fs::remove_file(answer_path(&self.path))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for path in [answer_path(&self.path), self.path.clone()] {
            if let Err(error) = remove_if_there(&path) {
                tracing::debug!(%error, %path, "A hook's note could not be removed.");
            }
        }
    }
}

/// Hands an answer to the call with the note at `path`; only the first one counts.
pub(crate) async fn hand_in(path: &Utf8Path, text: &str) -> io::Result<Handed> {
    let is_waiting = || File::open(path).is_ok_and(|file| is_locked(&file));
    let answer = answer_path(path);
    let refusal = refusal_path(path);
    let taken = taken_path(path);
    if !is_waiting() {
        return Ok(Handed::Gone);
    }
    let mut watch = FolderWatch::new(1);
    watch.set(
        &path
            .parent()
            .map(Utf8Path::to_owned)
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let given = serde_json::to_vec(&Given {
        text: text.to_owned(),
    })?;
    // Whole at once, and only where there is none.
    let part = path.with_extension(format!("{}.part", std::process::id()));
    write_private(&part, &given)?;
    let linked = fs::hard_link(&part, &answer);
    fs::remove_file(&part)?;
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Handed::Gone),
        Err(error) => return Err(error),
    }
    let outcome = async {
        loop {
            if let Ok(why) = fs::read_to_string(&refusal)
                && !answer.exists()
            {
                fs::remove_file(&refusal)?;
                return Ok(Handed::NotOffered(why));
            }
            let is_waiting = is_waiting();
            if fs::remove_file(&taken).is_ok() {
                return Ok(Handed::Taken);
            }
            if !is_waiting {
                // A call that was killed leaves its note behind.
                remove_if_there(&answer)?;
                return Ok(Handed::Gone);
            }
            // What is not told of is found at the next look.
            drop(tokio::time::timeout(LOOK, watch.changed()).await);
        }
    };
    match tokio::time::timeout(TAKEN_WITHIN, outcome).await {
        Ok(handed) => handed,
        Err(_) => match fs::remove_file(&answer) {
            Ok(()) => Ok(Handed::Withdrawn),
            // It was taken at the last moment.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Handed::Taken),
            Err(error) => Err(error),
        },
    }
}

fn remove_if_there(path: &Utf8Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn answer_path(note: &Utf8Path) -> Utf8PathBuf {
    note.with_extension("answer")
}

fn taken_path(note: &Utf8Path) -> Utf8PathBuf {
    note.with_extension("taken")
}

fn refusal_path(note: &Utf8Path) -> Utf8PathBuf {
    note.with_extension("refused")
}
