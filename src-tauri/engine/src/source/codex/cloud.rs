//! Calls of `codex cloud`: tasks that run at the vendor.
//!
//! The program writes an `error.log` into the folder it works in, so each call gets a folder of its
//! own that goes afterwards.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
pub(crate) use mission_control_core::source::codex::cloud::cloud_id;
use mission_control_core::source::codex::cloud::{
    About, complaint, may_have_arrived, read_page, read_status, read_submission,
};
use mission_control_core::task::cloud::{CloudEntry, CloudPage};
use mission_control_core::task::failure::FailureReason;
use mission_control_core::task::model::TaskId;

use crate::command::{CommandError, Finished, Start, Underway, run_as};
use crate::task::folder::make_private_folder;

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(30);
/// How long handing a task in may take.
const SUBMISSION: Duration = Duration::from_secs(120);

/// How the folder of a call is called, before its id.
const SCRATCH: &str = "mission-control-";
/// Held while a call goes on.
const SCRATCH_LOCK: &str = "call.lock";

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
    /// It may be there: nobody answered in time, or not in a way that says so.
    Unconfirmed(Option<FailureReason>),
}

/// A folder for one call. Whoever finds one whose lock is free removes it: its call died.
struct Scratch {
    folder: Utf8PathBuf,
    _lock: File,
}

impl Scratch {
    fn new(below: &Utf8Path, call: &str) -> std::io::Result<Self> {
        let folder = below.join(format!("{SCRATCH}{call}"));
        make_private_folder(&folder)?;
        // Whoever sees the lock sees it held.
        let unseen = folder.join("call.lock.part");
        let lock = File::create(&unseen)?;
        lock.lock()?;
        std::fs::rename(&unseen, folder.join(SCRATCH_LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder, "A temporary folder cannot be removed.");
        }
    }
}

/// Removes the folders of calls that died with their program.
fn sweep(below: &Utf8Path) -> std::io::Result<()> {
    for entry in below.read_dir_utf8()? {
        let entry = entry?;
        let id = entry.file_name().strip_prefix(SCRATCH);
        if id.and_then(TaskId::parse).is_none() {
            continue;
        }
        // One without a lock is about to get it, or somebody else's.
        let lock = match File::open(entry.path().join(SCRATCH_LOCK)) {
            Ok(lock) => lock,
            Err(error) => {
                tracing::debug!(%error, folder = %entry.path(), "A folder has no lock.");
                continue;
            }
        };
        match lock.try_lock() {
            Ok(()) => std::fs::remove_dir_all(entry.path())?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
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
        let said = self.ask(&arguments, About::Service)?;
        read_page(&said).map_err(|error| FailureReason::CloudOdd {
            message: format!("`codex cloud list`: {error}"),
        })
    }

    /// Asks how one task stands. The program ends with 1 for one that is not ready, so what it
    /// prints decides.
    pub(crate) fn status(&self, id: &str) -> Result<CloudEntry, FailureReason> {
        let finished = self.call(&["status", id], "", QUESTION)?;
        match read_status(id, &finished.stdout) {
            Some(entry) => Ok(entry),
            None => Err(complaint(&finished.said(), About::Task)),
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
            if matches!(reason, FailureReason::CloudSilent { .. }) {
                return Refusal::Unconfirmed(Some(reason));
            }
            Refusal::Refused(reason)
        })?;
        if let Some(place) = read_submission(&finished.stdout) {
            return Ok(place);
        }
        match finished.code {
            Some(0) | None => Err(Refusal::Unconfirmed(None)),
            Some(_) => {
                let reason = complaint(&finished.stderr, About::Service);
                Err(if may_have_arrived(&finished.stderr) {
                    Refusal::Unconfirmed(Some(reason))
                } else {
                    Refusal::Refused(reason)
                })
            }
        }
    }

    /// Returns the difference a task made, of one of its attempts.
    pub(crate) fn diff(&self, id: &str, attempt: Option<u32>) -> Result<String, FailureReason> {
        let attempt = attempt.map(|attempt| format!("--attempt={attempt}"));
        let mut arguments = vec!["diff"];
        arguments.extend(attempt.as_deref());
        arguments.push(id);
        self.ask(&arguments, About::Task)
    }

    fn ask(&self, arguments: &[&str], about: About) -> Result<String, FailureReason> {
        let finished = self.call(arguments, "", QUESTION)?;
        succeeded(finished, about)
    }

    fn call(
        &self,
        arguments: &[&str],
        input: &str,
        limit: Duration,
    ) -> Result<Finished, FailureReason> {
        // The folder goes before whoever ends this program stops waiting for it.
        let _underway = Underway::begin();
        let scratch = self.scratch()?;
        let all: Vec<&str> = std::iter::once("cloud")
            .chain(arguments.iter().copied())
            .collect();
        let finished = run_as(&Start {
            program: self.program,
            arguments: &all,
            folder: &scratch.folder,
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
        if let Err(error) = sweep(&below) {
            tracing::warn!(%error, "What earlier calls left cannot be removed.");
        }
        Scratch::new(&below, &self.call).map_err(|error| failed(error.to_string()))
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
            CommandError::TimedOut { limit_s, .. } => {
                FailureReason::CloudSilent { after_s: *limit_s }
            }
        }
    }
}

fn succeeded(finished: Finished, about: About) -> Result<String, FailureReason> {
    if finished.code == Some(0) {
        return Ok(finished.stdout);
    }
    let said = finished.said();
    Err(complaint(&said, about))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::temp_folder;

    #[test]
    fn what_a_dead_call_left_goes_and_what_others_use_stays() {
        let (_guard, below) = temp_folder();
        let id = |n: u32| format!("01a1f7ea-ce4d-7062-a79a-{n:012}");
        let live = Scratch::new(&below, &id(1)).unwrap();
        let dead = Scratch::new(&below, &id(2)).unwrap().folder.clone();
        make_private_folder(&dead).unwrap();
        std::fs::write(dead.join(SCRATCH_LOCK), "").unwrap();
        std::fs::write(dead.join("error.log"), "x").unwrap();
        let others = below.join("mission-control-x");
        make_private_folder(&others).unwrap();

        sweep(&below).unwrap();

        assert!(live.folder.exists() && others.exists());
        assert!(!dead.exists());
    }
}
