//! The one place that decides how a task ended and what came of it.
//!
//! Rules, the first that fits decides the status:
//!
//! | evidence | status |
//! |---|---|
//! | never started: cancelled or consent refused / could not start | cancelled / failed |
//! | ended by us for time, before an answer was seen | timed out |
//! | ended by us because somebody cancelled, before an answer was seen | cancelled |
//! | the turn completed, however the process left | completed |
//! | the turn failed, however the process left | failed |
//! | no end of the turn, but the transcript has one | as the transcript says |
//! | nobody saw the process leave | interrupted |
//! | it was killed, left with a code, or left in silence | failed |
//!
//! The first decisive evidence wins: an answer read before a time limit or a cancellation stands,
//! an answer read after it is kept but changes nothing. The outcome is judged apart from the
//! status, from files, messages and tests.

mod evidence;
mod outcome;
mod warning;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::exec_events::RetryCause;
use super::failure::{FailureReason, TaskError, TimeLimit};
use super::git::reconcile;
use super::model::{Outcome, TaskEvidence, TaskEvidenceSource, TaskFile, TaskStatus};
use super::symptoms::reason_in;
use super::words::{duration_words, signal_name};
use super::work::{TurnSeen, WorkLog};
use crate::redact::redact;
use crate::session::TurnOutcome;
use crate::text::{one_line, shorten};
pub use evidence::{
    Asked, ChildExit, Ending, Evidence, Gathered, GroupEnd, SpawnFault, StopCause, TranscriptEnd,
};
use outcome::Traces;
pub use warning::Warning;

/// Longest tail of standard error that is kept, in characters.
const STDERR_CHARS: usize = 4_000;

/// How a task ended and what came of it. Made once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// The status, always a terminal one.
    pub status: TaskStatus,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it did not succeed.
    pub reason: Option<FailureReason>,
    /// The agent's final answer, from its events or its transcript.
    pub final_message: Option<String>,
    /// Files changed.
    pub files: Vec<TaskFile>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
    /// The evidence, the deciding one first.
    pub evidence: Vec<TaskEvidence>,
    /// The last lines of standard error, redacted.
    pub stderr_tail: Option<String>,
}

impl Conclusion {
    /// Returns the error as programs and people read it.
    #[must_use]
    pub fn error(&self) -> Option<TaskError> {
        let reason = self.reason.as_ref()?;
        Some(TaskError::of(reason, self.stderr_tail.clone()))
    }

    /// Returns one or two sentences.
    #[must_use]
    pub fn summary(&self) -> String {
        let said = self
            .final_message
            .as_deref()
            .map(|message| one_line(message, 200))
            .filter(|message| !message.is_empty());
        match (&self.reason, said) {
            (Some(reason), _) => reason.sentence(),
            (None, Some(said)) => said,
            (None, None) => match self.outcome {
                Outcome::Succeeded => "Completed.",
                Outcome::NoChanges => "Completed without changing anything.",
                Outcome::Partial => "Completed in part.",
                Outcome::Failed => "Failed.",
                Outcome::Unknown => "Completed; what came of it is not known.",
            }
            .to_owned(),
        }
    }
}

/// Decides how a task ended and what came of it.
#[must_use]
pub fn conclude(evidence: &Evidence<'_>) -> Conclusion {
    let end = decide(evidence);
    let files = reconcile(&evidence.work.files, &evidence.gathered.git);
    let traces = Traces::of(&files, &evidence.gathered.git);
    let final_message = evidence.work.final_message.clone().or_else(|| {
        let transcript = evidence.gathered.transcript.as_ref()?;
        (transcript.outcome == TurnOutcome::Completed)
            .then(|| transcript.message.as_deref().map(|text| redact(text).text))?
    });
    let judged = outcome::judge(evidence, end.status, traces, final_message.is_some());
    let reason = end.reason.or(judged.reason);
    let warnings = warning::all(
        evidence,
        &files,
        traces,
        end.status,
        final_message.is_some(),
    );
    let mut says = vec![end.evidence];
    says.extend(judged.evidence);
    Conclusion {
        status: end.status,
        outcome: judged.outcome,
        reason,
        final_message,
        files,
        warnings,
        evidence: says,
        stderr_tail: stderr_tail(&evidence.gathered.stderr_tail),
    }
}

/// The status and what decided it.
struct End {
    status: TaskStatus,
    reason: Option<FailureReason>,
    evidence: TaskEvidence,
}

fn decide(evidence: &Evidence<'_>) -> End {
    let end = |status, reason, from, says: String| End {
        status,
        reason,
        evidence: TaskEvidence { from, says },
    };
    match evidence.ending {
        Ending::SpawnFailed(fault) => {
            let reason = match fault {
                SpawnFault::ProgramMissing { program } => FailureReason::NotInstalled {
                    program: program.clone(),
                },
                SpawnFault::Other { message } => {
                    reason_in(message, None).unwrap_or_else(|| FailureReason::SpawnError {
                        message: redact(message).text,
                    })
                }
            };
            end(
                TaskStatus::Failed,
                Some(reason),
                TaskEvidenceSource::Supervisor,
                "the agent could not be started".to_owned(),
            )
        }
        Ending::CancelledBeforeStart { by } => end(
            TaskStatus::Cancelled,
            Some(FailureReason::Cancelled { by: by.clone() }),
            TaskEvidenceSource::Supervisor,
            "cancelled before the agent was started".to_owned(),
        ),
        Ending::ConsentRefused => end(
            TaskStatus::Cancelled,
            Some(FailureReason::ConsentRefused {}),
            TaskEvidenceSource::Supervisor,
            "consent was refused before the agent was started".to_owned(),
        ),
        Ending::Stopped {
            cause:
                StopCause::TimedOut {
                    which,
                    after,
                    limit,
                },
            exit,
        } => end(
            TaskStatus::TimedOut,
            Some(time_out_reason(evidence.work, *which, *after, *limit)),
            TaskEvidenceSource::Supervisor,
            format!(
                "ended after {}, {}",
                duration_words(*after),
                exit_words(*exit)
            ),
        ),
        Ending::Stopped {
            cause: StopCause::Cancelled { by },
            exit,
        } => end(
            TaskStatus::Cancelled,
            Some(FailureReason::Cancelled { by: by.clone() }),
            TaskEvidenceSource::Supervisor,
            format!("cancelled while it ran, {}", exit_words(*exit)),
        ),
        Ending::Stopped {
            cause: StopCause::Lingered,
            exit,
        }
        | Ending::Left(exit) => decide_by_turn(evidence, *exit),
    }
}

fn decide_by_turn(evidence: &Evidence<'_>, exit: ChildExit) -> End {
    let gathered = evidence.gathered;
    match &evidence.work.turn {
        TurnSeen::Completed => End {
            status: TaskStatus::Completed,
            reason: None,
            evidence: says(TaskEvidenceSource::Events, "the turn completed"),
        },
        TurnSeen::Failed { message } => End {
            status: TaskStatus::Failed,
            reason: Some(turn_failure(message, gathered.limit_resets_at)),
            evidence: says(TaskEvidenceSource::Events, "the turn failed"),
        },
        TurnSeen::None | TurnSeen::Running => match &gathered.transcript {
            Some(transcript) => decide_by_transcript(transcript, exit, gathered.limit_resets_at),
            None => decide_by_exit(evidence, exit),
        },
    }
}

fn decide_by_transcript(
    transcript: &TranscriptEnd,
    exit: ChildExit,
    resets_at: Option<Timestamp>,
) -> End {
    let message = redact(transcript.message.as_deref().unwrap_or_default()).text;
    let (status, reason, words) = match transcript.outcome {
        TurnOutcome::Completed => (TaskStatus::Completed, None, "the transcript has the answer"),
        TurnOutcome::Failed => (
            TaskStatus::Failed,
            Some(turn_failure(&message, resets_at)),
            "the transcript says that the turn failed",
        ),
        TurnOutcome::Interrupted => (
            TaskStatus::Interrupted,
            Some(match exit {
                ChildExit::Unknown => FailureReason::SupervisorLost {},
                ChildExit::Code(_) | ChildExit::Signal(_) => FailureReason::TurnInterrupted {},
            }),
            "the transcript says that the turn was interrupted",
        ),
    };
    End {
        status,
        reason,
        evidence: says(TaskEvidenceSource::Transcript, words),
    }
}

fn decide_by_exit(evidence: &Evidence<'_>, exit: ChildExit) -> End {
    let from = TaskEvidenceSource::Exit;
    let (status, reason) = match exit {
        ChildExit::Unknown => (TaskStatus::Interrupted, FailureReason::SupervisorLost {}),
        ChildExit::Signal(signal) => (TaskStatus::Failed, FailureReason::Killed { signal }),
        ChildExit::Code(0) => {
            let is_silent = evidence.work.n_events == 0 && evidence.n_unread == 0;
            let reason = if is_silent {
                FailureReason::Silent {}
            } else {
                FailureReason::Unfinished {}
            };
            (TaskStatus::Failed, reason)
        }
        ChildExit::Code(code) => (TaskStatus::Failed, exit_reason(evidence, code)),
    };
    End {
        status,
        reason: Some(reason),
        evidence: says(from, &format!("no end of the turn, {}", exit_words(exit))),
    }
}

/// A wrapper that was ended by a signal passes it on as 128 and the signal's number.
fn exit_reason(evidence: &Evidence<'_>, code: i32) -> FailureReason {
    let stderr = redact(&evidence.gathered.stderr_tail).text;
    let fault = evidence.work.fault.as_deref().unwrap_or_default();
    if let signal @ (1 | 2 | 3 | 6 | 9 | 11 | 13 | 15) = code - 128 {
        return FailureReason::Killed { signal };
    }
    let last_line = stderr.lines().rev().find(|line| !line.trim().is_empty());
    let is_option_refused = code == 2
        && (stderr.contains("error: ") || stderr.contains("Usage:"))
        && evidence.work.n_events == 0;
    if is_option_refused {
        let line = stderr.lines().find(|line| line.contains("error: "));
        let message = line.or(last_line).unwrap_or_default();
        return FailureReason::OptionRefused {
            message: one_line(message.trim_start_matches("error: "), 300),
        };
    }
    let resets_at = evidence.gathered.limit_resets_at;
    reason_in(&stderr, resets_at)
        .or_else(|| reason_in(fault, resets_at))
        .unwrap_or_else(|| FailureReason::Exited {
            code,
            message: first_error(&stderr)
                .or(last_line)
                .map(|line| one_line(line, 300))
                .or_else(|| evidence.work.fault.clone()),
        })
}

/// The first line that begins with `Error`: what follows is mostly a backtrace.
fn first_error(stderr: &str) -> Option<&str> {
    stderr
        .lines()
        .find(|line| line.starts_with("Error") || line.starts_with("error"))
}

fn turn_failure(message: &str, resets_at: Option<Timestamp>) -> FailureReason {
    reason_in(message, resets_at).unwrap_or_else(|| FailureReason::TurnFailed {
        message: message.to_owned(),
    })
}

fn time_out_reason(
    work: &WorkLog,
    which: TimeLimit,
    after: Duration,
    limit: Duration,
) -> FailureReason {
    match &work.retry {
        Some(retry) if retry.cause == RetryCause::Network => FailureReason::NoNetwork {
            message: retry.message.clone(),
        },
        Some(_) | None => FailureReason::TimedOut {
            which,
            after_ms: milliseconds(after),
            limit_ms: milliseconds(limit),
        },
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn exit_words(exit: ChildExit) -> String {
    match exit {
        ChildExit::Code(code) => format!("it left with code {code}"),
        ChildExit::Signal(signal) => format!("it was ended by {}", signal_name(signal)),
        ChildExit::Unknown => "nobody saw how it left".to_owned(),
    }
}

fn says(from: TaskEvidenceSource, words: &str) -> TaskEvidence {
    TaskEvidence {
        from,
        says: words.to_owned(),
    }
}

fn stderr_tail(stderr: &str) -> Option<String> {
    let clean = redact(stderr).text;
    let clean = clean.trim();
    let n_chars = clean.chars().count();
    let tail: String = clean
        .chars()
        .skip(n_chars.saturating_sub(STDERR_CHARS))
        .collect();
    (!tail.is_empty()).then(|| shorten(&tail, STDERR_CHARS))
}

#[cfg(test)]
mod tests;
