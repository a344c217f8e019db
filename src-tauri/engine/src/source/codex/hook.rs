//! The hook Codex calls before it asks for a yes. It leaves a note and decides nothing: the agent
//! goes on at once.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use camino::Utf8Path;
use jiff::Timestamp;
use mission_control_core::observation::HookRequest;
use mission_control_core::redact::redact;
use mission_control_core::session::Need;
use mission_control_core::source::Source;
use mission_control_core::source::codex::hook::PermissionRequest;
use serde::{Deserialize, Serialize};

use crate::hooks::{self, Which};

/// How much of a transcript's end is looked through for the call that asks, in bytes.
const LOOKED_THROUGH: u64 = 512 * 1024;

/// What a call leaves behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Left {
    at: Timestamp,
    transcript_bytes: u64,
    item: Option<String>,
    need: Need,
}

/// Leaves a note of a request.
pub(crate) fn hook_called(payload: &[u8], state: &Utf8Path, now: Timestamp) -> Result<(), String> {
    let read = PermissionRequest::read(payload)
        .map_err(|error| format!("What the agent says is not understood: {error}"));
    let Some(request) = read? else {
        return Ok(());
    };
    let (transcript_bytes, item) = match request.transcript_path.as_deref() {
        Some(path) => {
            let (bytes, end) = end_of(Utf8Path::new(path))
                .map_err(|error| format!("`{path}` cannot be read: {error}"))?;
            (bytes, request.item(&end))
        }
        None => (0, None),
    };
    let need = request.need(item.as_deref(), now.as_millisecond());
    let left = Left {
        at: now,
        transcript_bytes,
        item,
        need: Need {
            summary: redact(&need.summary).text,
            ..need
        },
    };
    hooks::leave(
        &hooks::folder(state),
        Source::Codex,
        &request.thread,
        now,
        &left,
    )
    .map_err(|error| format!("The request of {} cannot be noted: {error}", request.thread))
}

/// Returns what hooks said of a thread, the oldest first.
pub(super) fn requests(folder: &Utf8Path, thread: &str) -> Vec<HookRequest> {
    let notes = hooks::notes(folder, Source::Codex, thread, Which::All);
    let request = |note: hooks::Note<Left>| HookRequest {
        at: note.says.at,
        transcript_bytes: note.says.transcript_bytes,
        item: note.says.item,
        need: note.says.need,
    };
    notes.into_iter().map(request).collect()
}

/// Returns how long a file is, and its last whole lines.
fn end_of(path: &Utf8Path) -> std::io::Result<(u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LOOKED_THROUGH);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOOKED_THROUGH).read_to_end(&mut bytes)?;
    Ok((length, bytes))
}
