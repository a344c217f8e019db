//! The only writer of a session's status.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::Summary;
use crate::notice::Notice;
use crate::observation::Observation;
use crate::session::{LiveSession, SessionId};

/// The present, twice: steady for deadlines, and as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time awake since the engine started. Never runs backwards, stands still in suspend.
    pub steady: Duration,
    /// The wall clock. May jump.
    pub wall: Timestamp,
}

/// What the engine should tell the faces.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A session appeared.
    Discovered(Box<LiveSession>),
    /// A session changed.
    Updated(Box<LiveSession>),
    /// A session ended.
    Closed(Box<LiveSession>),
    /// A session is no longer listed.
    Forgotten(SessionId),
    /// The counts changed.
    Summary(Summary),
    /// A person should be told.
    Notice(Notice),
}

/// All sessions and how they change. A pure machine: time is an argument.
#[derive(Debug)]
pub struct Tracker {
    _notify_since: Timestamp,
}

impl Tracker {
    /// Makes a tracker that raises notices for what ended at or after `notify_since`.
    #[must_use]
    pub const fn new(notify_since: Timestamp) -> Self {
        Self {
            _notify_since: notify_since,
        }
    }

    /// Takes in one observation.
    pub fn handle(&mut self, _observation: Observation, _now: Now) {}

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// Returns when [`Self::handle_timeout`] should be called next, on the steady clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    /// Returns the next thing to tell, if any.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        None
    }

    /// Returns all sessions, newest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<LiveSession> {
        Vec::new()
    }

    /// Returns one session.
    #[must_use]
    pub fn session(&self, _id: &SessionId) -> Option<LiveSession> {
        None
    }
}
