//! The only reader of clocks.

use std::time::{Duration, Instant};

use jiff::Zoned;
use mission_control_core::tracker::Now;

/// Both clocks, counted from one start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts counting.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads clocks"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Returns the present. The steady part stands still while the machine sleeps.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads clocks"
    )]
    pub fn now(&self) -> Now {
        Now {
            steady: self.started.elapsed(),
            wall: jiff::Timestamp::now(),
        }
    }

    /// Returns the moment `steady` for timers.
    #[must_use]
    pub fn instant_at(&self, steady: Duration) -> Instant {
        self.started + steady
    }
}

/// Returns the wall time of `now` in the machine's time zone.
#[must_use]
pub fn local(now: Now) -> Zoned {
    now.wall.to_zoned(jiff::tz::TimeZone::system())
}
