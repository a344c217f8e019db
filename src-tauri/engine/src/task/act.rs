//! What a person or client may ask of a task that has not ended.

use mission_control_core::task::failure::CancelledBy;
use mission_control_core::task::model::TaskId;

use super::bell;
use super::context::TaskContext;
use super::reconcile::reconcile;
use crate::store::{Store, StoreError};

/// Why a task in the cloud is not ended.
pub const NO_CANCEL: &str = "The cloud offers no way to end a task from here.";

/// A person's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Accept,
    /// No.
    Decline,
}

impl Answer {
    /// Reads an answer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "accept" | "yes" | "approve" => Some(Self::Accept),
            "decline" | "no" | "deny" => Some(Self::Decline),
            _ => None,
        }
    }

    /// Returns the answer as it is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
        }
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is recorded and reaches the task.
    Taken,
    /// The task waits for nothing of that name.
    NothingAsked,
}

/// Whether a task can still be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It will be.
    Asked,
    /// It had ended.
    HadEnded,
    /// It runs where nobody can end it from here; its page may allow it.
    Unsupported {
        /// The task's page.
        page: Option<String>,
    },
}

/// Asks for a task to end. Its supervisor ends it; one that lost its supervisor gets another.
///
/// # Errors
/// When that cannot be recorded.
pub fn cancel(
    context: &TaskContext,
    store: &Store,
    id: &TaskId,
    by: &CancelledBy,
) -> Result<Cancelling, StoreError> {
    let place = store.task(id)?.and_then(|record| {
        let is_open = !record.task.status.is_terminal();
        record.task.cloud.filter(|_| is_open)
    });
    if let Some(place) = place {
        return Ok(Cancelling::Unsupported { page: place.url });
    }
    let is_asked = store.request_cancel(id, by)?;
    bell::ring(&context.state, id);
    reconcile(context, store);
    Ok(if is_asked {
        Cancelling::Asked
    } else {
        Cancelling::HadEnded
    })
}

/// Answers what a task waits for.
///
/// # Errors
/// When that cannot be recorded.
pub fn answer(
    context: &TaskContext,
    store: &Store,
    id: &TaskId,
    request: &str,
    answer: Answer,
) -> Result<Answered, StoreError> {
    let need = store.task(id)?.and_then(|record| record.task.need);
    if need.is_none_or(|need| need.request_id != request) {
        return Ok(Answered::NothingAsked);
    }
    if !store.answer_task(id, answer.as_str())? {
        return Ok(Answered::NothingAsked);
    }
    bell::ring(&context.state, id);
    reconcile(context, store);
    Ok(Answered::Taken)
}
