//! Writing down how a task ended: a file that survives everything, the files for readers, and
//! row and signal at once.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use camino::Utf8Path;
use mission_control_core::redact::{Redactor, SecretCounts};
use mission_control_core::task::model::{Task, TaskId};
use mission_control_core::text::shorten;
use serde::{Deserialize, Serialize};

use super::context::TaskContext;
use super::folder::{TaskFolder, append, read_json, write_json, write_whole};
use super::submit::Kept;
use super::{bell, report};
use crate::source::delegate;
use crate::store::{NewSignal, Store, StoreError};

/// How much of a message is kept where many tasks are listed, in characters.
const LISTED_CHARS: usize = 400;
/// How much is redacted at once.
const CHUNK_BYTES: usize = 64 << 10;

/// How a task ended, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// The task in its terminal state.
    pub(crate) task: Task,
    /// Who is told.
    pub(crate) owner: Option<String>,
    /// For whoever looks for a fault.
    pub(crate) debug: DebugFacts,
}

/// What is of use when something went wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DebugFacts {
    pub(crate) argv: Vec<String>,
    pub(crate) variables: Vec<String>,
    pub(crate) pid: Option<u32>,
    pub(crate) supervisor_pid: u32,
    pub(crate) n_stdout_bytes: u64,
    pub(crate) n_stderr_bytes: u64,
    pub(crate) n_events: u32,
    pub(crate) secrets_removed: SecretCounts,
    pub(crate) exit: Option<String>,
}

/// Why an end could not be written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// In the database.
    #[error("record the end in the store")]
    Store(#[from] StoreError),
    /// In the task's files.
    #[error("write the end into the task's files")]
    Files(#[from] io::Error),
}

/// Writes an end down. Doing it again changes nothing.
pub(crate) fn record(
    context: &TaskContext,
    store: &Store,
    ended: &Ended,
) -> Result<(), RecordError> {
    let folder = context.folder(&ended.task.task_id);
    // On a full disk the row may still fit where the file did not: try both, and leave the rest
    // as it is when neither works.
    let written = write_json(&folder.outcome(), ended);
    if let Err(error) = &written {
        tracing::warn!(%error, "The outcome cannot be written to its file.");
    }
    complete(context, store, &folder, ended)
}

/// Tells the database about an end that is only in its file; false if there is none.
pub(crate) fn import(
    context: &TaskContext,
    store: &Store,
    id: &TaskId,
) -> Result<bool, RecordError> {
    let folder = context.folder(id);
    let Some(ended) = read_json::<Ended>(&folder.outcome())? else {
        return Ok(false);
    };
    complete(context, store, &folder, &ended)?;
    Ok(true)
}

fn complete(
    context: &TaskContext,
    store: &Store,
    folder: &TaskFolder,
    ended: &Ended,
) -> Result<(), RecordError> {
    let task = &ended.task;
    // Readers of the result expect its files. Without room for them the result itself counts.
    if let Err(error) = write_files(folder, ended) {
        tracing::warn!(%error, "The task's files are not complete.");
    }
    let signal = ended.owner.as_ref().map(|owner| NewSignal {
        id: super::id::new_uuid(task.updated_at),
        recipient: owner.clone(),
        body: serde_json::json!({
            "task_id": task.task_id,
            "title": task.title,
            "status": task.status,
            "outcome": task.outcome,
            "summary": task.summary,
        })
        .to_string(),
    });
    store.finish_task(task, &light(task), signal.as_ref())?;
    bell::ring(&context.state, &task.task_id);
    match std::fs::remove_file(folder.outcome()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns a task as it stands in lists.
fn light(task: &Task) -> Task {
    Task {
        files: Vec::new(),
        commands: Vec::new(),
        tests: Vec::new(),
        final_message: task
            .final_message
            .as_deref()
            .map(|message| shorten(message, LISTED_CHARS)),
        ..task.clone()
    }
}

fn write_files(folder: &TaskFolder, ended: &Ended) -> io::Result<()> {
    let mut removed = SecretCounts::default();
    for path in [folder.events(), folder.stderr()] {
        removed.add(&redact_file(&path)?);
    }
    // What was redacted before may be no request any more: then nothing is left to hide.
    if let Ok(Some(mut kept)) = read_json::<Kept>(&folder.request()) {
        if let Some(policy) = &mut kept.request.env_policy {
            for value in policy.set.values_mut() {
                "[redacted]".clone_into(value);
            }
        }
        kept.request.config = delegate::config_without_values(&kept.request.config);
        write_json(&folder.request(), &kept)?;
    }
    for path in [folder.request(), folder.prompt(), folder.schema()] {
        removed.add(&redact_file(&path)?);
    }
    write_whole(&folder.result(), report::markdown(&ended.task).as_bytes())?;
    let debug = serde_json::json!({
        "task_id": ended.task.task_id,
        "status": ended.task.status,
        "outcome": ended.task.outcome,
        "created_at": ended.task.created_at,
        "started_at": ended.task.started_at,
        "ended_at": ended.task.ended_at,
        "elapsed_ms": ended.task.elapsed_ms,
        "reason": ended.task.error.as_ref().map(|error| &error.message),
        "evidence": ended.task.evidence,
        "run": ended.debug,
        "secrets_removed_from_files": removed,
    });
    write_json(&folder.debug(), &debug)
}

/// Replaces a file by a copy without secrets.
fn redact_file(path: &Utf8Path) -> io::Result<SecretCounts> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SecretCounts::default()),
        Err(error) => return Err(error),
    };
    let temporary = path.with_extension("redacted");
    remove_if_there(&temporary)?;
    let mut copy = append(&temporary)?;
    let mut redactor = Redactor::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let n = file.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..n).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        copy.write_all(&redactor.read(bytes))?;
    }
    copy.write_all(&redactor.finish())?;
    if redactor.counts().total() == 0 {
        remove_if_there(&temporary)?;
    } else {
        copy.sync_all()?;
        std::fs::rename(&temporary, path)?;
    }
    Ok(redactor.counts().clone())
}

fn remove_if_there(path: &Utf8Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
