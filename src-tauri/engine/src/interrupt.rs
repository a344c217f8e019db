//! Interrupts the turn of a session, and leaves the session open.

use mission_control_core::notice::NoticeKind;
use mission_control_core::session::{LiveSession, SessionId, Status, StopWay, TurnId};
use serde::Serialize;

use crate::answering::{AnsweringError, interrupt_blocking};
use crate::places::Places;
use crate::source::live;
use crate::stop::tell_nobody;

/// What became of an interruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interrupted {
    /// The session.
    pub session_id: SessionId,
    /// The turn.
    pub turn_id: TurnId,
    /// Whether the turn was seen to end.
    pub interrupted: bool,
}

/// Why a turn is not interrupted.
#[derive(Debug, thiserror::Error)]
pub enum NotInterrupted {
    /// No turn runs.
    #[error("interrupt it: it runs no turn")]
    NoTurn,
    /// The turn that was meant is over.
    #[error("interrupt it: that turn is over")]
    Over,
    /// It cannot be interrupted from here.
    #[error("interrupt it from here")]
    NotAvailable {
        /// Why, as a sentence.
        why: String,
        /// What to do, as a sentence.
        hint: String,
    },
    /// Its server refuses.
    #[error("have it interrupted: {0}")]
    Refused(String),
    /// The conversation with its server broke: it may have been interrupted.
    #[error("know whether it was interrupted")]
    Server(#[from] AnsweringError),
}

/// Interrupts the turn of a session, as it was just looked up: the one that runs, or `turn` only.
///
/// # Errors
/// When it does not run, cannot be interrupted from here, or it is not known what became of it.
pub fn interrupt(
    places: &Places,
    session: &LiveSession,
    turn: Option<&TurnId>,
) -> Result<Interrupted, NotInterrupted> {
    match session.status {
        Status::Working | Status::NeedsYou => {}
        Status::Paused | Status::Done | Status::Unknown => return Err(NotInterrupted::NoTurn),
    }
    if !session.can_interrupt {
        return Err(not_available(session));
    }
    let running = session.turn.as_ref().map(|running| &running.id);
    let is_meant = |running: &&TurnId| turn.is_none_or(|turn| turn == *running);
    let turn = running.filter(is_meant).ok_or(NotInterrupted::Over)?;
    tell_nobody(places, session, NoticeKind::TurnInterrupted);
    let transcript = session.transcript_path.as_deref();
    let interrupted = match interrupt_blocking(places, &session.id, transcript, &turn.0)? {
        live::Interrupted::Confirmed => true,
        live::Interrupted::Unconfirmed => false,
        live::Interrupted::NotRunning => return Err(NotInterrupted::Over),
        live::Interrupted::Refused(why) => return Err(NotInterrupted::Refused(why)),
    };
    Ok(Interrupted {
        session_id: session.id.clone(),
        turn_id: turn.clone(),
        interrupted,
    })
}

fn not_available(session: &LiveSession) -> NotInterrupted {
    let (why, hint) = match (session.stop_way, &session.task_id, &session.parent_id) {
        (StopWay::Task, Some(task), _) => (
            "It runs for a task.",
            format!("Cancel the task: mission-control cancel {task}"),
        ),
        (_, _, Some(parent)) => (
            "It is a sub-agent.",
            format!("Interrupt the session that started it: mission-control interrupt {parent}"),
        ),
        (StopWay::Process, ..) => (
            "Its program takes no requests from other programs.",
            format!(
                "Interrupt it in its terminal, or end it: mission-control stop {}",
                session.id
            ),
        ),
        (StopWay::Task | StopWay::Turn | StopWay::None, ..) => (
            "Its program takes no requests from other programs.",
            "Interrupt it where it runs.".to_owned(),
        ),
    };
    NotInterrupted::NotAvailable {
        why: why.to_owned(),
        hint,
    }
}

impl Interrupted {
    /// Says what happened, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let id = &self.session_id;
        if self.interrupted {
            format!("The turn of {id} was interrupted. The session stays open.")
        } else {
            format!("{id} was asked to interrupt its turn and still works.")
        }
    }
}

impl NotInterrupted {
    /// Says why, as a sentence about session `id`.
    #[must_use]
    pub fn sentence(&self, id: &SessionId) -> String {
        match self {
            Self::NoTurn => format!("{id} runs no turn."),
            Self::Over => format!("That turn of {id} is over."),
            Self::NotAvailable { why, .. } => {
                format!("{id} cannot be interrupted from here. {why}")
            }
            Self::Refused(why) => {
                format!("The turn of {id} is not interrupted. Its agent says: {why}")
            }
            Self::Server(error) => format!(
                "It is not known whether the turn of {id} was interrupted: Mission Control could not {error}."
            ),
        }
    }

    /// Says what to do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTurn | Self::Over => None,
            Self::NotAvailable { hint, .. } => Some(hint.clone()),
            Self::Refused(_) => Some("Interrupt it where it runs.".to_owned()),
            Self::Server(_) => Some("Look at it where it was started.".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{a_session, no_homes};

    #[track_caller]
    fn check(change: serde_json::Value, turn: Option<&str>, sentence: &str, hint: Option<&str>) {
        let (_guard, places) = no_homes();
        let session = a_session(change);
        let turn = turn.map(|turn| TurnId(turn.to_owned()));

        let error = interrupt(&places, &session, turn.as_ref()).unwrap_err();

        assert_eq!(error.sentence(&session.id), sentence);
        assert_eq!(error.hint().as_deref(), hint);
    }

    #[test]
    fn what_cannot_be_interrupted_says_why_and_what_to_do() {
        check(
            json!({ "status": "paused" }),
            None,
            "codex:a runs no turn.",
            None,
        );
        check(
            json!({ "can_interrupt": true }),
            Some("t0"),
            "That turn of codex:a is over.",
            None,
        );
        check(
            json!({ "stop_way": "task", "task_id": "t" }),
            None,
            "codex:a cannot be interrupted from here. It runs for a task.",
            Some("Cancel the task: mission-control cancel t"),
        );
        check(
            json!({ "stop_way": "none", "parent_id": "codex:b" }),
            None,
            "codex:a cannot be interrupted from here. It is a sub-agent.",
            Some("Interrupt the session that started it: mission-control interrupt codex:b"),
        );
        check(
            json!({}),
            None,
            "codex:a cannot be interrupted from here. Its program takes no requests from other programs.",
            Some("Interrupt it in its terminal, or end it: mission-control stop codex:a"),
        );
        // Its server is gone.
        check(
            json!({ "can_interrupt": true }),
            None,
            "That turn of codex:a is over.",
            None,
        );
    }
}
