//! Codex: rollout files of all vocabularies from 0.45 to 0.169.
//!
//! Formats are described in `docs/formats/codex-rollout.md`. Nothing here decides a status.

mod activity;
pub mod cloud;
mod file_name;
pub mod hook;
mod line;
pub mod live;
mod origin;
mod output;
mod patch;
mod reader;
mod timeline;

pub use file_name::thread_id_of_file;
pub use reader::Reader;
pub use timeline::TimelineReader;

use crate::session::EvidenceSource;

/// The variable that names the home.
pub(super) const HOME_VARIABLE: &str = "CODEX_HOME";

/// What shows that nobody holds a session any more.
pub(super) const RELEASE_EVIDENCE: EvidenceSource = EvidenceSource::WriterLock;

/// A terminal shows threads of the daemon, and its title may say which.
pub(super) const TITLE_ADVICE: Option<&str> = Some(
    "No terminal names it in its title: choose `thread-id` in Codex's `/title` to be led there.",
);

/// Where a line names its kind, the line's own first.
pub(super) const KIND_KEYS: &[&[&str]] = &[
    &["type"],
    &["payload", "type"],
    &["payload", "item", "type"],
];

/// Why sessions take no messages: they do.
pub(super) const REFUSES_MESSAGES: Option<&str> = None;

/// Returns the command that takes a session up again in a terminal.
#[must_use]
pub fn resume_command(source_session_id: &str) -> Vec<String> {
    vec![
        "codex".to_owned(),
        "resume".to_owned(),
        source_session_id.to_owned(),
    ]
}
