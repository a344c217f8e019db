//! Claude Code: transcripts and the registry of running sessions, measured with 2.1.328.
//!
//! Formats are described in `docs/formats/claude-code.md`. Nothing here decides a status.

mod calls;
mod edits;
mod file_name;
mod hook;
mod line;
mod reader;
mod registry;
mod timeline;
mod tokens;
mod user;

pub use calls::{Call, CallPrint, assign};
pub use file_name::{IsWhole, agent_of_file, folder_of_cwd, is_session_id, session_of_file};
pub use hook::{DecidedBy, NotOffered, PermissionRequest, decided};
pub use reader::Reader;
pub use registry::{Name, Registered, Reported, Turn};
pub use timeline::TimelineReader;

use crate::session::EvidenceSource;

/// The variable that names the home.
pub(super) const HOME_VARIABLE: &str = "CLAUDE_CONFIG_DIR";

/// What shows that nobody holds a session any more.
pub(super) const RELEASE_EVIDENCE: EvidenceSource = EvidenceSource::Registry;

/// A terminal runs its session by itself.
pub(super) const TITLE_ADVICE: Option<&str> = None;

/// Where a line names its kind, the line's own first.
pub(super) const KIND_KEYS: &[&[&str]] = &[&["type"], &["subtype"]];

/// Why sessions take no messages.
pub(super) const REFUSES_MESSAGES: Option<&str> =
    Some("Claude Code takes no messages from other programs. Type it in its terminal.");

/// Returns the command that takes a session up again in a terminal; a sub-agent has none.
#[must_use]
pub fn resume_command(source_session_id: &str) -> Vec<String> {
    if !is_session_id(source_session_id) {
        return Vec::new();
    }
    ["claude", "--resume", source_session_id]
        .map(str::to_owned)
        .into()
}
