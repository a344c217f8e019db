//! The doorbell: a folder in which a file is renamed whenever a task changes.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::task::model::TaskId;

use super::folder::make_private_folder;

/// Returns the doorbell's folder.
#[must_use]
pub fn folder(state: &Utf8Path) -> Utf8PathBuf {
    state.join("doorbell")
}

/// Makes the doorbell's folder.
pub(crate) fn make(state: &Utf8Path) -> io::Result<()> {
    make_private_folder(&folder(state))
}

/// Tells everybody who waits that a task changed. Who missed it looks at the store every two
/// seconds, so a bell that cannot be rung is no reason to stop.
pub fn ring(state: &Utf8Path, id: &TaskId) {
    let folder = folder(state);
    let part = folder.join(format!(".{id}.{}", std::process::id()));
    let rung =
        std::fs::write(&part, b"").and_then(|()| std::fs::rename(&part, folder.join(id.as_str())));
    if let Err(error) = rung {
        tracing::debug!(%error, "The doorbell cannot be rung.");
    }
}
