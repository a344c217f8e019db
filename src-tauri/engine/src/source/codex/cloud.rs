//! Calls of `codex cloud`: tasks that run at the vendor.
//!
//! The program writes an `error.log` into the folder it works in, so each call gets a folder of its
//! own that goes afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
pub(crate) use mission_control_core::source::codex::cloud::cloud_id;
use mission_control_core::source::codex::cloud::{
    complaint, read_page, read_status, read_submission,
};
use mission_control_core::task::cloud::{CloudEntry, CloudPage};
use mission_control_core::task::failure::FailureReason;

use crate::command::{CommandError, Finished, Start, run_as};
use crate::task::folder::make_private_folder;

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(30);
/// How long handing a task in may take.
const SUBMISSION: Duration = Duration::from_secs(120);

/// Most tasks of a page.
pub(crate) const MOST_LISTED: u32 = 20;

/// How `codex cloud` is called.
#[derive(Clone, Debug)]
pub(crate) struct CloudProgram<'a> {
    /// The program.
    pub(crate) program: &'a Utf8Path,
    /// Variables that decide what is found where.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Names the folder of a call.
    pub(crate) call: String,
}

/// Which tasks are listed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Listed<'a> {
    /// Those of an environment only.
    pub(crate) environment: Option<&'a str>,
    /// At most so many.
    pub(crate) limit: Option<u32>,
    /// Those after another page.
    pub(crate) cursor: Option<&'a str>,
}

/// What is handed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submission<'a> {
    /// What to do.
    pub(crate) prompt: &'a str,
    /// The environment to run in.
    pub(crate) environment: &'a str,
    /// The branch to start from. The program would take the branch of the folder it works in.
    pub(crate) branch: &'a str,
    /// How many attempts are made.
    pub(crate) attempts: u32,
}

/// Why a task was not handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not there.
    Refused(FailureReason),
    /// It may be there: nobody answered in time.
    Unconfirmed,
}

/// A folder for one call.
struct Scratch(Utf8PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0, "A temporary folder cannot be removed.");
        }
    }
}

impl CloudProgram<'_> {
    pub(crate) fn list(&self, listed: Listed<'_>) -> Result<CloudPage, FailureReason> {
        let limit = listed.limit.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED);
        let limit = limit.to_string();
        let mut arguments = vec!["list", "--json", "--limit", &limit];
        let environment = listed.environment.map(|id| format!("--env={id}"));
        arguments.extend(environment.as_deref());
        let cursor = listed.cursor.map(|cursor| format!("--cursor={cursor}"));
        arguments.extend(cursor.as_deref());
        let said = self.ask(&arguments)?;
        read_page(&said).map_err(|error| FailureReason::SpawnError {
            message: format!("what `codex cloud list` printed is not understood: {error}"),
        })
    }

    /// Asks how one task stands. The program ends with 1 for one that is not ready, so what it
    /// prints decides.
    pub(crate) fn status(&self, id: &str) -> Result<CloudEntry, FailureReason> {
        let finished = self.call(&["status", id], "", QUESTION)?;
        match read_status(id, &finished.stdout) {
            Some(entry) => Ok(entry),
            None => Err(complaint(finished.code, &finished.said())),
        }
    }

    /// Hands a task in and returns its id and the address of its page.
    pub(crate) fn submit(&self, submission: Submission<'_>) -> Result<(String, String), Refusal> {
        let environment = format!("--env={}", submission.environment);
        let branch = format!("--branch={}", submission.branch);
        let attempts = format!("--attempts={}", submission.attempts);
        // The prompt goes by standard input: it may be long, and begin with anything.
        let arguments = ["exec", &environment, &branch, &attempts, "-"];
        let finished = self.call(&arguments, submission.prompt, SUBMISSION);
        let finished = finished.map_err(|reason| {
            if matches!(reason, FailureReason::TimedOut { .. }) {
                return Refusal::Unconfirmed;
            }
            Refusal::Refused(reason)
        })?;
        match (finished.code, read_submission(&finished.stdout)) {
            (_, Some(place)) => Ok(place),
            (Some(0) | None, None) => Err(Refusal::Unconfirmed),
            (Some(_), None) => Err(Refusal::Refused(complaint(finished.code, &finished.stderr))),
        }
    }

    /// Returns the difference a task made, of one of its attempts.
    pub(crate) fn diff(&self, id: &str, attempt: Option<u32>) -> Result<String, FailureReason> {
        let attempt = attempt.map(|attempt| format!("--attempt={attempt}"));
        let mut arguments = vec!["diff"];
        arguments.extend(attempt.as_deref());
        arguments.push(id);
        self.ask(&arguments)
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, FailureReason> {
        let finished = self.call(arguments, "", QUESTION)?;
        succeeded(finished)
    }

    fn call(
        &self,
        arguments: &[&str],
        input: &str,
        limit: Duration,
    ) -> Result<Finished, FailureReason> {
        let scratch = self.scratch()?;
        let all: Vec<&str> = std::iter::once("cloud")
            .chain(arguments.iter().copied())
            .collect();
        let finished = run_as(&Start {
            program: self.program,
            arguments: &all,
            folder: &scratch.0,
            variables: self.variables,
            input,
            limit,
        });
        finished.map_err(|error| self.not_run(&error))
    }

    fn scratch(&self) -> Result<Scratch, FailureReason> {
        let failed = |message: String| FailureReason::SpawnError { message };
        let below = Utf8PathBuf::from_path_buf(std::env::temp_dir())
            .map_err(|_| failed("the folder for temporary files is not UTF-8".to_owned()))?;
        let folder = below.join(format!("mission-control-{}", self.call));
        make_private_folder(&folder).map_err(|error| failed(error.to_string()))?;
        Ok(Scratch(folder))
    }

    fn not_run(&self, error: &CommandError) -> FailureReason {
        match error {
            CommandError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                FailureReason::NotInstalled {
                    program: self.program.to_string(),
                }
            }
            CommandError::Start { source, .. } => FailureReason::SpawnError {
                message: source.to_string(),
            },
            CommandError::TimedOut { limit_s, .. } => FailureReason::TimedOut {
                which: mission_control_core::task::failure::TimeLimit::Total,
                after_ms: limit_s * 1000,
                limit_ms: limit_s * 1000,
            },
        }
    }
}

fn succeeded(finished: Finished) -> Result<String, FailureReason> {
    if finished.code == Some(0) {
        return Ok(finished.stdout);
    }
    let said = finished.said();
    Err(complaint(finished.code, &said))
}
