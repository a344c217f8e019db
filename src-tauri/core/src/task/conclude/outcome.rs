//! What came of a task, judged from files, messages, refusals and tests.

use super::{Ending, Evidence, TaskEvidence, TaskEvidenceSource, says};
use crate::task::failure::FailureReason;
use crate::task::git::GitSeen;
use crate::task::model::{Outcome, TaskFile, TaskStatus};
use crate::task::test_report::Confidence;
use crate::task::work::{Denial, DenialTarget, TurnSeen};

/// Whether the task left anything behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traces {
    /// Files changed.
    Changed,
    /// Git shows that none did.
    Unchanged,
    /// Git could not be asked, and the agent reported none.
    Unknown,
}

impl Traces {
    pub(super) fn of(files: &[TaskFile], git: &GitSeen) -> Self {
        use crate::task::model::FileWitness;
        let is_seen = files.iter().any(|file| match file.seen_by {
            FileWitness::Both | FileWitness::GitOnly | FileWitness::Unchecked => true,
            // An ignored file, or one that was changed back.
            FileWitness::AgentOnly => false,
        });
        match git {
            _ if is_seen => Self::Changed,
            GitSeen::Known(_) => Self::Unchanged,
            GitSeen::NoRepository | GitSeen::Unknown { .. } => Self::Unknown,
        }
    }
}

/// The outcome and what speaks for it.
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<FailureReason>,
    pub(super) evidence: Vec<TaskEvidence>,
}

pub(super) fn judge(
    evidence: &Evidence<'_>,
    status: TaskStatus,
    traces: Traces,
    has_message: bool,
) -> Judged {
    let outcome = match status {
        TaskStatus::Completed => return judge_answer(evidence, traces, has_message),
        TaskStatus::TimedOut => match traces {
            Traces::Changed => Outcome::Partial,
            Traces::Unchanged | Traces::Unknown => Outcome::Failed,
        },
        TaskStatus::Cancelled | TaskStatus::Interrupted => match (evidence.ending, traces) {
            (Ending::CancelledBeforeStart { .. } | Ending::ConsentRefused, _)
            | (_, Traces::Unchanged) => Outcome::NoChanges,
            (_, Traces::Changed) => Outcome::Partial,
            (_, Traces::Unknown) => Outcome::Unknown,
        },
        TaskStatus::Failed => match (evidence.ending, traces) {
            (Ending::SpawnFailed(_), _) => Outcome::Failed,
            (_, Traces::Changed) => Outcome::Partial,
            (_, Traces::Unchanged | Traces::Unknown) => unfinished_outcome(evidence, has_message),
        },
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired => Outcome::Unknown,
    };
    Judged {
        outcome,
        reason: None,
        evidence: traces_evidence(traces).into_iter().collect(),
    }
}

/// A process that left without an end of its turn may have done its work all the same.
fn unfinished_outcome(evidence: &Evidence<'_>, has_message: bool) -> Outcome {
    let left_well = matches!(
        evidence.ending,
        Ending::Left(super::ChildExit::Code(0)) | Ending::Stopped { .. }
    );
    match evidence.work.turn {
        TurnSeen::Failed { .. } => Outcome::Failed,
        TurnSeen::None | TurnSeen::Running | TurnSeen::Completed if has_message || left_well => {
            Outcome::Unknown
        }
        TurnSeen::None | TurnSeen::Running | TurnSeen::Completed => Outcome::Failed,
    }
}

fn judge_answer(evidence: &Evidence<'_>, traces: Traces, has_message: bool) -> Judged {
    let asked_to_edit = evidence.asked.expects_changes == Some(true);
    let says_traces = traces_evidence(traces);
    let judged = |outcome, reason, more: Option<TaskEvidence>| Judged {
        outcome,
        reason,
        evidence: more.into_iter().chain(says_traces.clone()).collect(),
    };
    let denial = decisive_denial(evidence, asked_to_edit, traces);
    if let Some(denial) = denial {
        let outcome = match traces {
            Traces::Changed => Outcome::Partial,
            Traces::Unchanged | Traces::Unknown => Outcome::Failed,
        };
        let reason = FailureReason::SandboxDenied {
            message: denial.says.clone(),
        };
        let evidence = says(TaskEvidenceSource::CommandOutput, &denial.says);
        return judged(outcome, Some(reason), Some(evidence));
    }
    if asked_to_edit {
        match traces {
            Traces::Unchanged => return judged(Outcome::NoChanges, None, None),
            Traces::Unknown => return judged(Outcome::Unknown, None, None),
            Traces::Changed => {}
        }
        if let Some(failing) = failing_tests(evidence) {
            return judged(Outcome::Partial, None, Some(failing));
        }
    }
    if !has_message && traces != Traces::Changed {
        return judged(Outcome::Unknown, None, None);
    }
    judged(Outcome::Succeeded, None, None)
}

/// A refusal decides when it was about the repository itself, or when edits were asked for and
/// none arrived. Others are remarks: agents run into them and find another way.
fn decisive_denial<'a>(
    evidence: &Evidence<'a>,
    asked_to_edit: bool,
    traces: Traces,
) -> Option<&'a Denial> {
    let came_to_nothing = asked_to_edit && traces == Traces::Unchanged;
    evidence
        .work
        .denials
        .iter()
        .find(|denial| match denial.target {
            DenialTarget::Repository => evidence.asked.expects_changes != Some(false),
            DenialTarget::Elsewhere => came_to_nothing,
        })
}

/// The latest run of some tests failed, and it is certain that it was one.
fn failing_tests(evidence: &Evidence<'_>) -> Option<TaskEvidence> {
    let latest = evidence.work.latest_tests();
    let failing = latest
        .last()
        .filter(|report| report.failed > 0 && report.confidence >= Confidence::Medium)?;
    Some(says(
        TaskEvidenceSource::CommandOutput,
        &format!(
            "the last test run: {} failed, {} passed",
            failing.failed, failing.passed
        ),
    ))
}

fn traces_evidence(traces: Traces) -> Option<TaskEvidence> {
    match traces {
        Traces::Changed => Some(says(TaskEvidenceSource::Git, "files changed")),
        Traces::Unchanged => Some(says(TaskEvidenceSource::Git, "no file changed")),
        Traces::Unknown => None,
    }
}
