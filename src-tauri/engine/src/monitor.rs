//! Watches every session live and hands out events.

use mission_control_core::event::Event;
use mission_control_core::health::{Problem, TranscriptPage};
use mission_control_core::session::{LiveSession, SessionId};
use tokio::sync::{mpsc, watch};

use crate::places::Places;

/// What a monitor is started with.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// Where to look.
    pub places: Places,
    /// Notices are raised for what ended at or after this.
    pub notify_since: jiff::Timestamp,
}

/// A handle on the running monitor. Clones share it; it ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Monitor {
    requests: mpsc::Sender<()>,
    problems: watch::Receiver<Vec<Problem>>,
}

/// Why a transcript cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// No such session is known.
    #[error("find session `{0}`")]
    NotFound(String),
    /// The file cannot be read.
    #[error("read `{path}`")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Monitor {
    /// Starts watching on a thread of its own and returns at once.
    #[must_use]
    pub fn start(_options: MonitorOptions) -> Self {
        let (requests, _) = mpsc::channel(16);
        let (_, problems) = watch::channel(Vec::new());
        Self { requests, problems }
    }

    /// Subscribes to events: a snapshot first, as soon as the first look is complete, then
    /// changes with rising `seq`. A subscriber that is too slow gets a new snapshot.
    pub async fn subscribe(&self) -> mpsc::Receiver<Event> {
        let (_, events) = mpsc::channel(256);
        events
    }

    /// Returns all sessions as they are.
    pub async fn sessions(&self) -> Vec<LiveSession> {
        Vec::new()
    }

    /// Returns one session: by its id, by the source's id, or by an unambiguous beginning of either.
    pub async fn session(&self, _id: &str) -> Option<LiveSession> {
        None
    }

    /// Reads a session's timeline from `cursor` on; none reads from the start.
    ///
    /// # Errors
    /// When there is no such session or its transcript cannot be read.
    pub async fn transcript(
        &self,
        id: &SessionId,
        _cursor: Option<&str>,
    ) -> Result<TranscriptPage, TranscriptError> {
        Err(TranscriptError::NotFound(id.to_string()))
    }

    /// Returns what hampers watching, as it changes.
    #[must_use]
    pub fn problems(&self) -> watch::Receiver<Vec<Problem>> {
        let _ = &self.requests;
        self.problems.clone()
    }
}
