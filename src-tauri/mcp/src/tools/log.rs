//! `codex_log`: reading on in a task's log.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use camino::Utf8Path;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use serde_json::json;

use super::tasks::TASK_ID;
use super::{Effect, Reply, ToolSpec};
use crate::answer::{Answer, fault, internal};
use crate::desk::Turn;
use crate::parameters::{Arguments, Kind, Parameter};

/// Most that is returned at once, in bytes.
const MOST_BYTES: u64 = 32 * 1024;

/// Largest number every client can write.
const MAX_CURSOR: i64 = (1 << 53) - 1;

/// How many of the last lines are returned if nobody says.
const USUAL_LINES: usize = 50;

pub(super) const LOG: ToolSpec = ToolSpec {
    name: "codex_log",
    title: "Read a task's log",
    description: "Reads the log of a delegated task: by default its last 50 lines. To read on \
        without gaps pass the returned `cursor` to the next call. At most 32 kB come at once: \
        `truncated` says when lines before them were left out, and `cursor` 0 reads from the \
        beginning. `kind` \"events\" are Codex's own \
        JSON events, \"stderr\" is what it wrote on standard error.",
    parameters: &[
        TASK_ID,
        Parameter::optional(
            "kind",
            Kind::Choice(&["log", "events", "stderr"]),
            "Which log; the one for people if not given.",
        ),
        Parameter::optional(
            "cursor",
            Kind::Integer(0, MAX_CURSOR),
            "Read on from here; 0 is the beginning.",
        ),
        Parameter::optional(
            "tail_lines",
            Kind::Integer(1, 1000),
            "How many of the last lines.",
        )
        .or(&["tail", "lines", "limit"]),
    ],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "task_id": { "type": "string" },
                "kind": { "type": "string" },
                "text": { "type": "string" },
                "cursor": { "type": "integer", "description": "Where to read on." },
                "at_end": { "type": "boolean", "description": "Whether there is nothing more yet." },
                "size": { "type": "integer", "description": "Bytes in all." },
                "status": { "type": "string", "description": "How the task stands." },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["task_id", "text", "cursor", "at_end"]
        })
    },
    effect: Effect::Reads,
    meta: &[],
    run: |call| -> Reply {
        Box::pin(async move {
            let arguments = call.arguments;
            call.desk.turn(move |turn| read(turn, &arguments)).await
        })
    },
};

fn read(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let id = turn.find(arguments.text("task_id").unwrap_or_default())?;
    let task = turn.task(&id)?;
    let folder = turn.context.folder(&id);
    let kind = arguments.text("kind").unwrap_or("log");
    let path = match kind {
        "events" => folder.events(),
        "stderr" => folder.stderr(),
        _ => folder.log(),
    };
    let cursor = arguments.number("cursor");
    let piece = match cursor {
        Some(from) => piece_from(&path, u64::try_from(from).unwrap_or(u64::MAX)),
        None => tail(&path, arguments.number("tail_lines").unwrap_or(USUAL_LINES)),
    };
    let piece = piece.map_err(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            return internal(&error);
        }
        let message = if task.status.is_terminal() {
            format!("Task {id} has no {kind}.")
        } else {
            format!("Task {id} has written no {kind} yet.")
        };
        fault(ErrorCode::NotFound, message)
    })?;
    let mut value = json!({
        "task_id": id,
        "kind": kind,
        "text": piece.text,
        "cursor": piece.end,
        "at_end": piece.end >= piece.size,
        "size": piece.size,
        "status": task.status,
    });
    if let (Some(left_out), Some(fields)) = (piece.left_out, value.as_object_mut()) {
        let cut = json!({ "of": piece.size, "unit": "bytes", "left_out": left_out });
        fields.insert("truncated".to_owned(), json!({ "text": cut }));
    }
    Ok(Answer::done(value))
}

/// A piece of a file.
pub(super) struct Piece {
    pub(super) text: String,
    end: u64,
    pub(super) size: u64,
    /// How many bytes before it were asked for, too; none if there are none.
    left_out: Option<u64>,
}

fn piece_from(path: &Utf8Path, from: u64) -> std::io::Result<Piece> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = from.min(size);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    // A line that is not complete is left for the next call, unless it fills the piece alone.
    if from + (bytes.len() as u64) < size
        && let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n')
    {
        bytes.truncate(at + 1);
    }
    Ok(Piece {
        end: from + bytes.len() as u64,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        size,
        left_out: None,
    })
}

/// Returns the last lines of a file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tail(path: &Utf8Path, n_lines: usize) -> std::io::Result<Piece> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = size.saturating_sub(MOST_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let end = from + bytes.len() as u64;
    let mut starts: Vec<usize> = if from == 0 { vec![0] } else { Vec::new() };
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    starts.extend(ends.map(|(at, _)| at + 1).filter(|at| *at < bytes.len()));
    let is_short = from > 0 && starts.len() < n_lines;
    let start = starts.len().saturating_sub(n_lines);
    let start = starts.get(start).copied().unwrap_or(0);
    let text = bytes.get(start..).unwrap_or_default();
    Ok(Piece {
        left_out: is_short.then_some(end - text.len() as u64),
        text: String::from_utf8_lossy(text).into_owned(),
        end,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_on_leaves_no_gap_and_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("log")).unwrap();
        let lines: String = (0..5000).map(|n| format!("line {n} ü\n")).collect();
        std::fs::write(&path, &lines).unwrap();

        let (mut text, mut cursor) = (String::new(), 0);
        loop {
            let piece = piece_from(&path, cursor).unwrap();
            text.push_str(&piece.text);
            cursor = piece.end;
            if piece.end >= piece.size {
                break;
            }
        }

        assert_eq!(text, lines);
        assert_eq!(tail(&path, 2).unwrap().left_out, None);
        assert_eq!(tail(&path, 2).unwrap().text, "line 4998 ü\nline 4999 ü\n");
    }

    #[test]
    fn lines_that_are_too_long_to_be_shown_are_owned_up_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("log")).unwrap();
        let line = format!("{}\n", "x".repeat(20_000));
        std::fs::write(&path, line.repeat(3)).unwrap();

        let piece = tail(&path, 3).unwrap();

        assert_eq!(piece.text, line);
        assert_eq!(piece.left_out, Some(2 * 20_001));
        assert_eq!(tail(&path, 1).unwrap().left_out, None);
    }
}
