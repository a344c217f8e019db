//! What a person is told once.

use serde::{Deserialize, Serialize};

use crate::session::{SessionId, TurnId};
use crate::task::model::TaskId;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum NoticeKind {
    /// A turn completed.
    TurnCompleted,
    /// A turn failed.
    TurnFailed,
    /// A turn was interrupted.
    TurnInterrupted,
    /// A turn waits for a person.
    NeedsYou,
    /// A session's process vanished in the middle of a turn.
    SessionDied,
    /// A delegated task ended.
    TaskFinished,
}

impl NoticeKind {
    /// Returns the name used in ids, settings and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnCompleted => "turn_completed",
            Self::TurnFailed => "turn_failed",
            Self::TurnInterrupted => "turn_interrupted",
            Self::NeedsYou => "needs_you",
            Self::SessionDied => "session_died",
            Self::TaskFinished => "task_finished",
        }
    }
}

/// Names a notice: the same in every process and after every restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct NoticeId(String);

impl NoticeId {
    /// Derives the id from what the notice is about; `request` only for [`NoticeKind::NeedsYou`].
    #[must_use]
    pub fn derive(
        session: &SessionId,
        turn: Option<&TurnId>,
        kind: NoticeKind,
        request: Option<&str>,
    ) -> Self {
        let turn = turn.map_or("-", |turn| turn.0.as_str());
        let mut id = format!("{session}/{turn}/{}", kind.as_str());
        if let Some(request) = request {
            id.push('/');
            id.push_str(request);
        }
        Self(id)
    }

    /// Derives the id of a notice about a delegated task.
    #[must_use]
    pub fn of_task(task: &TaskId, kind: NoticeKind, request: Option<&str>) -> Self {
        let mut id = format!("task:{}/{}", task.as_str(), kind.as_str());
        if let Some(request) = request {
            id.push('/');
            id.push_str(request);
        }
        Self(id)
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One thing to tell a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Notice {
    /// Claimed in the store before the notice is shown, so that it is shown once for ever.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// The session it is about; none for a task that has no session yet.
    pub session_id: Option<SessionId>,
    /// The delegated task it is about.
    pub task_id: Option<String>,
    /// The turn it is about.
    pub turn_id: Option<TurnId>,
    /// The request that can be answered right from the notice, whose text then is whole.
    #[serde(default)]
    pub request_id: Option<String>,
    /// One line.
    pub title: String,
    /// One or two lines more.
    pub body: String,
}
