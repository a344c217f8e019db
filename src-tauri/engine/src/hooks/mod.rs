//! What the hooks of agents leave here, and a person's answers for those that wait.
//!
//! An agent calls `mission-control hook <agent>` before it asks a person. The call leaves a note in
//! the folder `hooks` of the state folder, which whoever watches reads. A call that waits for an
//! answer holds a lock on its note for as long as it lives; the answer is a file beside the note.
//! Nothing that goes wrong here may be noticed by the agent.

mod slot;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use slot::{Handed, Slot, hand_in};

use crate::clock::Clock;
use crate::places::Environment;
use crate::settings::Settings;
use crate::source;
use crate::task::folder::private;

/// A payload is read up to this size, in bytes; larger ones are left to the terminal.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Notes of calls that do not wait are kept for this long.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Notes of calls that do not wait are kept for a session up to this number: more do not ask at a
/// time.
const MOST_NOTES: usize = 16;

/// The file that is locked while the tray runs.
const ATTENDED: &str = "tray.lock";
/// The file that says what went wrong last.
const TROUBLE: &str = "trouble.json";

/// The ending of notes.
const NOTE: &str = ".json";

/// Whether an agent runs a hook that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It does.
    Trusted,
    /// It will ask a person first.
    Untrusted,
    /// A person switched it off.
    Disabled,
    /// That cannot be known.
    Unknown {
        /// Why, in words for a person.
        why: String,
    },
}

/// What went wrong in a hook's call, for those who ask about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// When.
    pub at: jiff::Timestamp,
    /// What, in words for a person.
    pub says: String,
}

/// Says, for as long as this process lives, that a person's answers are handed on. Where another
/// tray says so already, this one takes over when that ends.
///
/// # Errors
/// When the file cannot be made.
pub fn attend(state: &Utf8Path) -> io::Result<()> {
    let folder = folder(state);
    crate::private::make_folder(&folder)?;
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = crate::private::only(&mut options).open(folder.join(ATTENDED))?;
    let hold = move || match file.lock() {
        // Let go when the process ends, and not before.
        Ok(()) => std::mem::forget(file),
        Err(error) => tracing::warn!(%error, "Hooks are not told that a tray runs."),
    };
    let named = std::thread::Builder::new().name("attendance".to_owned());
    named.spawn(hold).map(drop)
}

/// Returns whether a tray runs.
pub(crate) fn is_attended(state: &Utf8Path) -> bool {
    File::open(folder(state).join(ATTENDED)).is_ok_and(|file| is_locked(&file))
}

/// Does what an agent's hook is there for and returns what it prints, if anything. A call that
/// waits for a person returns when it was answered, here or elsewhere.
///
/// # Errors
/// When nothing could be noted; the agent goes on without us.
pub fn called(
    source: Source,
    payload: &[u8],
    state: &Utf8Path,
    environment: &Environment,
) -> Result<Option<String>, String> {
    let folder = folder(state);
    // Without the folder nobody installed a hook, or the state was thrown away since.
    if !folder.is_dir() {
        return Ok(None);
    }
    let now = Clock::start().now().wall;
    forget_old(&folder);
    source::hook_called(source, payload, state, environment, now)
}

/// Asks an agent whether it runs the hook with this command, in one of its homes.
#[must_use]
pub fn trust(
    source: Source,
    home: &Utf8Path,
    command: &str,
    environment: &Environment,
    settings: &Settings,
) -> Trust {
    source::hook_trust(source, home, command, environment, settings)
}

/// Notes what went wrong in a call; nobody can be told at that moment.
pub fn note_trouble(state: &Utf8Path, says: &str) {
    let at = Clock::start().now().wall;
    let says = mission_control_core::redact::redact(says).text;
    let written = serde_json::to_vec(&Trouble { at, says })
        .map_err(io::Error::from)
        .and_then(|text| {
            let path = folder(state).join(TROUBLE);
            let part = path.with_extension(format!("{}.part", std::process::id()));
            write_private(&part, &text)?;
            fs::rename(part, path)
        });
    if let Err(error) = written {
        tracing::debug!(%error, "What went wrong in a hook could not be noted.");
    }
}

/// Returns what went wrong last in a hook's call.
#[must_use]
pub fn trouble(state: &Utf8Path) -> Option<Trouble> {
    let text = fs::read(folder(state).join(TROUBLE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Returns the folder of the notes.
#[must_use]
pub fn folder(state: &Utf8Path) -> Utf8PathBuf {
    state.join("hooks")
}

/// A note of a call.
#[derive(Clone, Debug)]
pub(crate) struct Note<T> {
    pub(crate) path: Utf8PathBuf,
    pub(crate) says: T,
}

/// Whose notes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of calls that wait for an answer.
    Waiting,
    /// All.
    All,
}

/// Reads the notes about a session, the oldest first.
pub(crate) fn notes<T: DeserializeOwned>(
    folder: &Utf8Path,
    source: Source,
    session: &str,
    which: Which,
) -> Vec<Note<T>> {
    let read = |path: Utf8PathBuf| {
        let file = File::open(&path).ok()?;
        if which == Which::Waiting && !is_locked(&file) {
            return None;
        }
        let says = serde_json::from_reader(io::BufReader::new(file)).ok()?;
        Some(Note { path, says })
    };
    let paths = paths(folder, source, session).into_iter();
    paths.filter_map(read).collect()
}

/// Returns where the notes about a session are, the oldest first.
fn paths(folder: &Utf8Path, source: Source, session: &str) -> Vec<Utf8PathBuf> {
    let mut paths: Vec<Utf8PathBuf> = listed(folder)
        .filter(|path| session_of(path, source) == Some(session))
        .collect();
    paths.sort();
    paths
}

/// Returns the sessions of a source that have notes.
pub(crate) fn sessions(folder: &Utf8Path, source: Source) -> Vec<String> {
    let mut sessions: Vec<String> = listed(folder)
        .filter_map(|path| session_of(&path, source).map(str::to_owned))
        .collect();
    sessions.sort();
    sessions.dedup();
    sessions
}

/// Returns the session of a source that a note is about.
pub(crate) fn session_of(path: &Utf8Path, source: Source) -> Option<&str> {
    let name = path.file_name()?.strip_suffix(NOTE)?;
    let (owner, rest) = name.split_once('~')?;
    let (session, _) = rest.split_once('~')?;
    (owner == source.as_str()).then_some(session)
}

/// Returns where the note of a call is kept. Notes of one session sort by their time.
fn note_path(
    folder: &Utf8Path,
    source: Source,
    session: &str,
    at: jiff::Timestamp,
) -> io::Result<Utf8PathBuf> {
    // It becomes a part of a file's name.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if session.is_empty() || session.len() > 64 || !session.bytes().all(is_plain) {
        let says = format!("{session:?} is no session");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, says));
    }
    let (at, pid) = (at.as_millisecond(), std::process::id());
    Ok(folder.join(format!("{}~{session}~{at}-{pid}{NOTE}", source.as_str())))
}

/// Leaves a note of a call that does not wait, in place of the session's oldest ones.
pub(crate) fn leave<T: Serialize>(
    folder: &Utf8Path,
    source: Source,
    session: &str,
    at: jiff::Timestamp,
    says: &T,
) -> io::Result<()> {
    let path = note_path(folder, source, session, at)?;
    let part = path.with_extension("part");
    write_private(&part, &serde_json::to_vec(says)?)?;
    fs::rename(part, path)?;
    let notes = paths(folder, source, session);
    let n_old = notes.len().saturating_sub(MOST_NOTES);
    for old in notes.iter().take(n_old) {
        // Another call may remove it at the same time.
        drop(fs::remove_file(old));
    }
    Ok(())
}

fn listed(folder: &Utf8Path) -> impl Iterator<Item = Utf8PathBuf> {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    entries
        .map(|entry| entry.into_path())
        .filter(|path| path.as_str().ends_with(NOTE))
}

/// Removes notes that are too old, and what calls left behind that were killed.
fn forget_old(folder: &Utf8Path) {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path();
        let is_note = path.file_name().is_some_and(|name| name.contains('~'));
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > KEPT));
        if is_note && is_old && !File::open(path).is_ok_and(|file| is_locked(&file)) {
            // Another call may remove it at the same time.
            drop(fs::remove_file(path));
        }
    }
}

/// Writes a file that nobody else may read.
fn write_private(path: &Utf8Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = File::options();
    let mut file = private(options.create(true).write(true).truncate(true)).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Returns whether somebody else holds a lock on a file of ours.
fn is_locked(file: &File) -> bool {
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests;
