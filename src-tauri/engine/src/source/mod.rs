//! The agents whose sessions are looked for: one folder each.

pub(crate) mod codex;
mod owner;

/// The agent that tasks are delegated to, and how it is called.
pub(crate) use codex::cloud;
pub(crate) use codex::exec as delegate;
pub(crate) use codex::exec::SOURCE as DELEGATE;
/// What an agent's own server says of its sessions.
pub(crate) use codex::live;
pub(crate) use owner::{Owner, Ownership, Serves};

use camino::Utf8Path;
use mission_control_core::session::LiveSession;
use mission_control_core::source::Source;

use crate::places::Home;

/// Looks anew who owns a session.
pub(crate) fn ownership(homes: &[Home], session: &LiveSession) -> Ownership {
    let path = session.transcript_path.as_deref().map(Utf8Path::new);
    let found = path.and_then(|path| {
        let is_its_home =
            |home: &&Home| home.source == session.source && path.starts_with(&home.path);
        Some((path, homes.iter().find(is_its_home)?))
    });
    let Some((path, home)) = found else {
        return Ownership::Unknown {
            why: "It lies in no home that is known.".to_owned(),
        };
    };
    match session.source {
        Source::Codex => codex::ownership(&home.path, path, &session.source_session_id),
    }
}
