//! Telling a waiting client how far its request is: with its own token, rising, never in a hurry.
//!
//! Nothing is sent after the answer: the wire drops what comes late.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use tokio::time::{Instant, timeout};

/// Calls shorter than this are not reported on: some clients stumble over notices so close to
/// the answer.
const FIRST_AFTER: Duration = Duration::from_secs(2);

/// Notices follow each other no faster.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Without news the latest is repeated, so that clients that count silence are patient.
const AT_LEAST_EVERY: Duration = Duration::from_secs(15);

/// A client that does not take a notice within this time is not reported to.
const PATIENCE: Duration = Duration::from_millis(500);

/// The notices of one request.
pub(crate) struct Progress {
    listener: Option<(Peer<RoleServer>, ProgressToken)>,
    n_sent: u32,
    last: String,
    next_at: Instant,
    repeat_at: Instant,
}

impl Progress {
    /// Begins; nothing is ever sent if the request asks for no notices.
    pub(crate) fn of(context: &RequestContext<RoleServer>, now: Instant) -> Self {
        let token = context.meta.get_progress_token();
        Self {
            listener: token.map(|token| (context.peer.clone(), token)),
            n_sent: 0,
            last: String::new(),
            next_at: now + FIRST_AFTER,
            repeat_at: now + FIRST_AFTER,
        }
    }

    /// Sends `message` now, once: the request takes long enough for it.
    pub(crate) async fn begin(&mut self, message: &str, now: Instant) {
        self.next_at = now;
        self.tell(message, now).await;
    }

    /// Returns when to tell again, whatever happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.listener.as_ref().map(|_| self.repeat_at)
    }

    /// Sends `message` if it is time to.
    pub(crate) async fn tell(&mut self, message: &str, now: Instant) {
        let is_due = now >= self.repeat_at || message != self.last && now >= self.next_at;
        if !is_due {
            if message != self.last {
                self.repeat_at = self.repeat_at.min(self.next_at);
            }
            return;
        }
        let Some((peer, token)) = &self.listener else {
            return;
        };
        self.n_sent += 1;
        let notice = ProgressNotificationParam::new(token.clone(), f64::from(self.n_sent))
            .with_message(message);
        match timeout(PATIENCE, peer.notify_progress(notice)).await {
            Ok(Ok(())) => {}
            // The task goes on, and so does the wait for it.
            Ok(Err(error)) => tracing::info!(%error, "A progress notice was not sent."),
            Err(_) => {
                tracing::info!("The client takes no progress notices.");
                self.listener = None;
            }
        }
        message.clone_into(&mut self.last);
        self.next_at = now + AT_MOST_EVERY;
        self.repeat_at = now + AT_LEAST_EVERY;
    }
}
