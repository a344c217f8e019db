//! What a person does about delegated tasks in the window. It waits for files and processes, so
//! it runs on a thread that may block.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_core::task::failure::CancelledBy;
use mission_control_core::task::model::{Task, TaskId};
use mission_control_core::task::request::TaskRequest;
use mission_control_engine::clock::Clock;
use mission_control_engine::store::{Store, StoreError};
use mission_control_engine::task::act::{self, Answer, Answered, Cancelling};
use mission_control_engine::task::context::TaskContext;
use mission_control_engine::task::reply::{ReplyError, reply_to};
use mission_control_engine::task::submit::{SubmitError, submit};
use serde::{Deserialize, Serialize};

use crate::problems;

/// Most of a log that is handed over at a time, in bytes; of a longer one its end.
const MOST_LOG: u64 = 1 << 20;

/// A part of a task's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LogPart {
    pub(crate) text: String,
    /// Where the next part begins.
    pub(crate) cursor: String,
    /// Whether this part begins anew: what was read before does not hold any more.
    pub(crate) reset: bool,
}

/// What a person decides about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Accept,
    Decline,
}

impl Decision {
    /// Returns the word agents know it by.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }
}

/// The way to the tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    context: TaskContext,
    store: Store,
}

impl Tasks {
    /// Opens the store. Settings and places are read anew, so that a change holds at once.
    pub(crate) fn open() -> Result<Self, Problem> {
        let context = TaskContext::from_environment()
            .map_err(|error| problems::task_refused(&problems::chain_of(&error)))?;
        let store = Store::open(&context.state).map_err(unusable)?;
        Ok(Self { context, store })
    }

    /// Reads a task's log from `cursor` on; none reads from the start.
    pub(crate) fn log(&self, id: &TaskId, cursor: Option<&str>) -> Result<LogPart, Problem> {
        let path = self.context.folder(id).log();
        let cursor = cursor.and_then(|cursor| cursor.parse().ok());
        read_log(path.as_std_path(), cursor)
            .map_err(|error| problems::log_unreadable(&error.to_string()))
    }

    /// Starts a task.
    pub(crate) fn start(&self, request: TaskRequest) -> Result<TaskId, Problem> {
        let submitted = submit(&self.context, &self.store, request, now());
        let submitted = submitted.map_err(|error| match error {
            SubmitError::Request(fault) => problems::task_refused(&fault.to_string()),
            SubmitError::Store(error) => unusable(error),
            error @ (SubmitError::NoFolder(_)
            | SubmitError::NoRepository(_)
            | SubmitError::TooDeep
            | SubmitError::Forbidden
            | SubmitError::Files(_)) => problems::task_refused(&problems::chain_of(&error)),
        })?;
        Ok(submitted.task.task_id)
    }

    /// Asks for a task to end; one that has ended already is as good.
    pub(crate) fn cancel(&self, id: &TaskId) -> Result<(), Problem> {
        self.whole(id)?;
        let by = CancelledBy::Person {};
        match act::cancel(&self.context, &self.store, id, &by).map_err(unusable)? {
            Cancelling::Asked | Cancelling::HadEnded => Ok(()),
            Cancelling::Unsupported { .. } => Err(problems::task_refused(act::NO_CANCEL)),
        }
    }

    /// Goes on with the thread of a task that ended. Returns the task that does.
    pub(crate) fn reply(&self, id: &TaskId, text: String) -> Result<TaskId, Problem> {
        let task = self.whole(id)?;
        let request =
            reply_to(&self.context.folder(id), &task, text).map_err(|error| match error {
                ReplyError::NotEnded => problems::task_refused("The task has not ended yet."),
                ReplyError::NoThread => {
                    problems::task_refused("The task ended before it had a thread to go on with.")
                }
                ReplyError::Request(_) => {
                    problems::task_refused("How its task was started cannot be read any more.")
                }
                ReplyError::Removed(name) => problems::task_refused(&format!(
                    "Its task was started with a value for `{name}`, and secrets are not kept. \
                 Start a new task, or go on in the terminal."
                )),
            })?;
        self.start(request)
    }

    /// Answers what a task asked.
    pub(crate) fn answer(
        &self,
        id: &TaskId,
        request: &str,
        decision: Decision,
    ) -> Result<(), Problem> {
        let answer = match decision {
            Decision::Accept => Answer::Accept,
            Decision::Decline => Answer::Decline,
        };
        let answered = act::answer(&self.context, &self.store, id, request, answer);
        match answered.map_err(unusable)? {
            Answered::Taken => Ok(()),
            Answered::NothingAsked => Err(problems::nothing_asked()),
        }
    }

    fn whole(&self, id: &TaskId) -> Result<Task, Problem> {
        let task = self.store.task_result(id).map_err(unusable)?;
        task.ok_or_else(|| problems::task_not_found(id))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unusable(error: StoreError) -> Problem {
    error.problem()
}

fn now() -> Timestamp {
    Clock::start().now().wall
}

/// Reads what was added since `cursor`, whole characters only. A log that does not exist yet is
/// empty.
fn read_log(path: &Path, cursor: Option<u64>) -> io::Result<LogPart> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(part(0, &[], cursor)),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let known = cursor.filter(|cursor| *cursor <= size);
    let earliest = size.saturating_sub(MOST_LOG);
    let from = known.unwrap_or(0).max(earliest);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST_LOG).read_to_end(&mut bytes)?;
    Ok(part(from, &bytes, cursor))
}

fn part(from: u64, bytes: &[u8], cursor: Option<u64>) -> LogPart {
    let whole = match std::str::from_utf8(bytes) {
        // A character that is being written is read with the next part.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => bytes.len(),
    };
    let bytes = bytes.get(..whole).unwrap_or_default();
    let n_bytes = u64::try_from(bytes.len()).unwrap_or(0);
    LogPart {
        text: String::from_utf8_lossy(bytes).into_owned(),
        cursor: (from + n_bytes).to_string(),
        reset: cursor != Some(from),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_log_is_read_on_from_where_it_was_left() {
        let (_guard, path) = log("one\n".as_bytes());
        let first = read_log(&path, None).unwrap();
        assert_eq!(first, expected("one\n", 4, true));

        // The first byte of a two-byte character.
        std::fs::write(&path, b"one\ntwo \xc3").unwrap();
        let second = read_log(&path, Some(4)).unwrap();
        assert_eq!(second, expected("two ", 8, false));

        std::fs::write(&path, "one\ntwo ü".as_bytes()).unwrap();
        assert_eq!(read_log(&path, Some(8)).unwrap(), expected("ü", 10, false));
        assert_eq!(read_log(&path, Some(10)).unwrap(), expected("", 10, false));
    }

    #[test]
    fn a_log_that_became_shorter_begins_anew() {
        let (_guard, path) = log(b"new");

        assert_eq!(read_log(&path, Some(9)).unwrap(), expected("new", 3, true));
    }

    #[test]
    fn a_log_that_does_not_exist_yet_is_empty() {
        let (_guard, path) = log(b"");
        std::fs::remove_file(&path).unwrap();

        assert_eq!(read_log(&path, None).unwrap(), expected("", 0, true));
    }

    #[test]
    fn of_a_very_long_log_the_end_is_shown() {
        let n_bytes = usize::try_from(MOST_LOG).unwrap() + 5;
        let (_guard, path) = log(&vec![b'x'; n_bytes]);

        let part = read_log(&path, Some(1)).unwrap();

        assert!(part.reset);
        assert_eq!(part.cursor, n_bytes.to_string());
        assert_eq!(part.text.len(), n_bytes - 5);
    }

    fn expected(text: &str, cursor: u64, reset: bool) -> LogPart {
        LogPart {
            text: text.to_owned(),
            cursor: cursor.to_string(),
            reset,
        }
    }

    fn log(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let guard = tempfile::tempdir().unwrap();
        let path = guard.path().join("output.log");
        std::fs::write(&path, bytes).unwrap();
        (guard, path)
    }
}
