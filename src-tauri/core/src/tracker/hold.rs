//! A session that was over and is held again: by whoever goes on with it, or for a moment only.

use std::time::Duration;

use super::state::{Answer, SessionState, TurnState};
use super::{Now, TAKEN_UP_AFTER};
use crate::observation::{LiveDoing, LiveState, Writer};
use crate::session::Client;

/// A hold on a session that was over.
#[derive(Clone, Debug)]
pub(super) struct TakenUp {
    writer: Writer,
    /// What its program says of itself before it did anything.
    says: Option<LiveState>,
    /// When it counts although nothing else happened, on the steady clock.
    pub counts_at: Duration,
}

impl SessionState {
    /// Keeps a hold that may be for a moment only. Whoever archives, deletes or migrates a session
    /// that is over holds it, too: it is open again when something is written or said, or when it
    /// stays held.
    pub(super) fn takes_up(&mut self, writer: &Writer, now: Now) -> bool {
        let is_over = match &self.content.turn {
            TurnState::Open { answer, .. } => *answer == Answer::Abandoned,
            TurnState::Over { .. } => true,
            TurnState::None => false,
        };
        let was_free = self
            .writer
            .as_ref()
            .is_some_and(|look| look.writer == Writer::Free);
        let is_held = matches!(writer, Writer::Held { .. });
        if !is_over || !was_free || !is_held || self.live.is_some() {
            return false;
        }
        let (says, counts_at) = match self.taken_up.take() {
            Some(hold) => (hold.says, hold.counts_at),
            None => (None, now.steady + TAKEN_UP_AFTER),
        };
        self.taken_up = Some(TakenUp {
            writer: writer.clone(),
            says,
            counts_at,
        });
        true
    }

    /// Keeps what a program says that took the session up and needs nobody to begin: it is idle
    /// until it does.
    pub(super) fn keeps_for_later(&mut self, state: &LiveState) -> bool {
        let may_begin = state.doing == LiveDoing::Idle && self.client() == Client::Exec;
        match self.taken_up.as_mut().filter(|_| may_begin) {
            Some(hold) => {
                hold.says = Some(state.clone());
                true
            }
            None => false,
        }
    }

    pub(super) fn is_held_for_long(&self, now: Now) -> bool {
        self.taken_up
            .as_ref()
            .is_some_and(|hold| hold.counts_at <= now.steady)
    }

    /// From here on the hold counts.
    pub(super) fn count_hold(&mut self, now: Now) {
        if let Some(hold) = self.taken_up.take() {
            // A hold ends no turn.
            self.writer_counts(hold.writer, now);
            if let Some(says) = hold.says {
                self.live_seen(says, now);
            }
        }
    }
}
