//! Claude Code: where its transcripts and its registry of running sessions lie, and which process
//! has which session open.

mod examine;
pub(crate) mod hook;
mod lookout;
mod owner;
mod probe;
mod registry;
mod transcripts;
mod trust;

use camino::{Utf8Path, Utf8PathBuf};

pub(crate) use examine::{examine, running};
pub(crate) use hook::hook_called;
pub(crate) use lookout::Lookout;
pub(crate) use owner::ownership;
pub(crate) use probe::probe;
pub(crate) use trust::trust;

/// The short names of the agent's processes.
const NAMES: &[&str] = &["claude", "claude.exe"];

/// The folder of the transcripts, a folder for each working folder in it.
fn projects_folder(home: &Utf8Path) -> Utf8PathBuf {
    home.join("projects")
}

/// The folder of the registry.
fn registry_folder(home: &Utf8Path) -> Utf8PathBuf {
    home.join("sessions")
}

/// The folder that belongs to the session with this transcript.
fn session_folder(transcript: &Utf8Path) -> Utf8PathBuf {
    transcript.with_extension("")
}

/// The folder of the transcripts of its sub-agents.
fn agents_folder(transcript: &Utf8Path) -> Utf8PathBuf {
    session_folder(transcript).join("subagents")
}
