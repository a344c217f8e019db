//! What is known about a run that ended.

use std::time::Duration;

use jiff::Timestamp;

use crate::session::TurnOutcome;
use crate::task::failure::{CancelledBy, TimeLimit};
use crate::task::git::GitSeen;
use crate::task::work::WorkLog;

/// What a task was asked to do, as far as it matters for its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether files were to be changed; none if nobody said.
    pub expects_changes: Option<bool>,
}

/// How the agent's process left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildExit {
    /// With a code.
    Code(i32),
    /// By a stop signal.
    Signal(i32),
    /// Nobody saw it.
    Unknown,
}

/// Why we ended a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// A time limit was reached before an answer was seen.
    TimedOut {
        /// Which one.
        which: TimeLimit,
        /// After how long.
        after: Duration,
        /// The limit.
        limit: Duration,
    },
    /// Somebody cancelled before an answer was seen.
    Cancelled {
        /// Who.
        by: CancelledBy,
    },
    /// It had answered and did not leave by itself.
    Lingered,
}

/// Why a process could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnFault {
    /// There is no such program.
    ProgramMissing {
        /// The program.
        program: String,
    },
    /// Anything else.
    Other {
        /// What the system said.
        message: String,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It could not be started.
    SpawnFailed(SpawnFault),
    /// Somebody cancelled before it started.
    CancelledBeforeStart {
        /// Who.
        by: CancelledBy,
    },
    /// A person declined to let it start.
    ConsentRefused,
    /// The process left by itself, or somebody else ended it.
    Left(ChildExit),
    /// We ended it.
    Stopped {
        /// Why.
        cause: StopCause,
        /// How it left then.
        exit: ChildExit,
    },
}

/// What became of the process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEnd {
    /// Nothing of it is left, or there never was one.
    Gone,
    /// Some process of it could not be ended.
    Survives,
}

/// How a turn ended according to the session's transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptEnd {
    /// How.
    pub outcome: TurnOutcome,
    /// The final answer, or what went wrong.
    pub message: Option<String>,
}

/// What was looked up when the process had left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The repository before and after.
    pub git: GitSeen,
    /// The last lines of standard error.
    pub stderr_tail: String,
    /// The end of the task's turn in the transcript, where the events have none.
    pub transcript: Option<TranscriptEnd>,
    /// When the account's limit starts anew, if it was reached.
    pub limit_resets_at: Option<Timestamp>,
}

impl Default for Gathered {
    fn default() -> Self {
        Self {
            git: GitSeen::NoRepository,
            stderr_tail: String::new(),
            transcript: None,
            limit_resets_at: None,
        }
    }
}

/// Everything that is known about a run that ended.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was asked for.
    pub asked: Asked,
    /// How the run ended.
    pub ending: &'a Ending,
    /// What became of the process group.
    pub group: GroupEnd,
    /// What the events said.
    pub work: &'a WorkLog,
    /// Lines that could not be read.
    pub n_unread: u32,
    /// What was looked up afterwards.
    pub gathered: &'a Gathered,
}
