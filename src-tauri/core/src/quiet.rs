//! That a person wants no notifications of a session for a while.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// For how long a session is snoozed unless a person says otherwise.
pub const USUAL_SNOOZE: SignedDuration = SignedDuration::from_hours(1);

/// For how long a session is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Quiet {
    /// For a while.
    Snoozed {
        /// Until when.
        #[cfg_attr(test, ts(type = "string"))]
        until: Timestamp,
    },
    /// Until it is undone.
    Muted {},
}

impl Quiet {
    /// Returns whether it still holds.
    #[must_use]
    pub fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::Snoozed { until } => now < until,
            Self::Muted {} => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_ends_by_itself_and_a_mute_does_not() {
        let now = Timestamp::UNIX_EPOCH;
        let snoozed = Quiet::Snoozed {
            until: now + USUAL_SNOOZE,
        };

        assert!(snoozed.holds(now));
        assert!(!snoozed.holds(now + USUAL_SNOOZE));
        assert!(Quiet::Muted {}.holds(Timestamp::MAX));
    }
}
