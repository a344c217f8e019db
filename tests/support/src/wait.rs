//! Waits for a condition with a deadline: the only place in the tests that sleeps or reads a clock.

use std::time::{Duration, Instant};

/// How long a test waits for something that should happen at once.
pub const SOON: Duration = Duration::from_secs(20);

/// How long a test waits for a real agent to start and to speak.
pub const PATIENT: Duration = Duration::from_secs(60);

const STEP: Duration = Duration::from_millis(10);

/// Calls `look` until it returns something, and stops the test with `what` after `limit`.
#[track_caller]
pub fn wait_for<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    let is_found = wait_until(Deadline::after(limit), || {
        found = look();
        found.is_some()
    });
    assert!(is_found, "not within {limit:?}: {what}");
    found.expect("it was found")
}

/// Waits until `is_so` is true; false when it is not by the deadline.
#[must_use]
pub fn wait_until(deadline: Deadline, mut is_so: impl FnMut() -> bool) -> bool {
    loop {
        if is_so() {
            return true;
        }
        if deadline.is_past() {
            return false;
        }
        pause();
    }
}

/// A point in time that a wait must not pass.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the point `limit` from here.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(clock() + limit)
    }

    /// Returns how much time is left; zero when the point has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(clock())
    }

    /// Tells whether the point has passed.
    #[must_use]
    pub fn is_past(self) -> bool {
        self.left().is_zero()
    }
}

/// A moment on the tests' one clock, to be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

impl Moment {
    /// Returns the present.
    #[must_use]
    pub fn now() -> Self {
        Self(clock())
    }

    /// Returns the moment `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0 + later)
    }

    /// Returns the time since `earlier`; zero when that comes later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self(clock())
    }

    /// Returns the time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        clock().saturating_duration_since(self.0)
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' one clock")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' one pause between two looks"
)]
fn pause() {
    std::thread::sleep(STEP);
}

/// Lets time pass: for programs that play a slow one, never for a test that waits.
pub fn rest_until(deadline: Deadline) {
    while !deadline.is_past() {
        let step = deadline.left().min(STEP);
        rest(step);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow program has to be slow somehow"
)]
fn rest(step: Duration) {
    std::thread::sleep(step);
}
