//! What changes, as `watch --json`, the window and the web receive it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::notice::Notice;
use crate::session::{LiveSession, Status};
use crate::task::model::Task;

/// How many sessions stand where. Helper threads are not counted, sub-agents only when they need
/// somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Summary {
    /// Sessions with a running turn.
    pub working: u32,
    /// Sessions that wait for a person.
    pub needs_you: u32,
    /// Open sessions whose turn is over.
    pub paused: u32,
    /// Recently ended sessions.
    pub done: u32,
    /// Sessions without enough evidence.
    pub unknown: u32,
    /// Delegated tasks that run.
    pub tasks_running: u32,
}

impl Summary {
    /// Counts `sessions`; `tasks_running` is left at zero.
    #[must_use]
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a LiveSession>) -> Self {
        let mut summary = Self::default();
        for session in sessions {
            let is_part_of_another = session.parent_id.is_some();
            if session.helper || is_part_of_another && session.status != Status::NeedsYou {
                continue;
            }
            match session.status {
                Status::Working => summary.working += 1,
                Status::NeedsYou => summary.needs_you += 1,
                Status::Paused => summary.paused += 1,
                Status::Done => summary.done += 1,
                Status::Unknown => summary.unknown += 1,
            }
        }
        summary
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EventBody {
    /// Everything, first of all and again after a gap.
    Snapshot {
        /// All sessions.
        sessions: Vec<LiveSession>,
        /// Delegated tasks: those that run and the latest that ended.
        #[serde(default)]
        tasks: Vec<Task>,
        /// Their counts.
        summary: Summary,
    },
    /// A session appeared.
    SessionDiscovered {
        /// The session.
        session: Box<LiveSession>,
    },
    /// A session changed.
    SessionUpdated {
        /// The session.
        session: Box<LiveSession>,
    },
    /// A session ended; it stays listed as recently ended.
    SessionClosed {
        /// The session.
        session: Box<LiveSession>,
    },
    /// The counts changed.
    Summary {
        /// The counts.
        #[serde(flatten)]
        summary: Summary,
    },
    /// A person should be told.
    Notice {
        /// What to tell.
        notice: Notice,
    },
    /// A delegated task changed.
    TaskUpdated {
        /// The task.
        task: Box<Task>,
    },
    /// Nothing happened for a while and the stream lives.
    Heartbeat {},
}

impl EventBody {
    /// Returns the session the event is about, if it is about one.
    #[must_use]
    pub fn session(&self) -> Option<&LiveSession> {
        match self {
            Self::SessionDiscovered { session }
            | Self::SessionUpdated { session }
            | Self::SessionClosed { session } => Some(session),
            Self::Snapshot { .. }
            | Self::Summary { .. }
            | Self::Notice { .. }
            | Self::TaskUpdated { .. }
            | Self::Heartbeat {} => None,
        }
    }
}

/// An event with its place in the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Event {
    /// Rises by one from event to event; a gap means: wait for the next snapshot.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// When it was emitted.
    #[cfg_attr(test, ts(type = "string"))]
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}
