//! The times a run goes by: all on the steady clock, which stands still in suspend.

use std::time::Duration;

use super::command::{Heartbeat, Stream};

/// Periods and limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTimings {
    /// Between two lines of life in the log.
    pub heartbeat: Duration,
    /// Without an event before a warning.
    pub silence: Duration,
    /// Between two commits of progress at most.
    pub commit: Duration,
    /// Events between two commits of progress at most.
    pub n_commit_events: u32,
    /// Without an event before the run is ended; none means never. Further tries to reach the
    /// service are no events.
    pub idle_limit: Option<Duration>,
    /// In all before the run is ended; none means never. Waiting for a person does not count.
    pub total_limit: Option<Duration>,
    /// For leaving by itself after the answer: ending it early breaks the next resume.
    pub answer_grace: Duration,
    /// For processes that are left when the agent has left.
    pub leftover_grace: Duration,
    /// Between asking a group to end and ending it.
    pub term_grace: Duration,
    /// Between ending a group and giving it up.
    pub kill_grace: Duration,
    /// Between two looks whether a group is gone.
    pub check: Duration,
    /// For gathering the facts of the end.
    pub gather_limit: Duration,
}

impl Default for RunTimings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            silence: Duration::from_secs(120),
            commit: Duration::from_secs(30),
            n_commit_events: 10,
            idle_limit: Some(Duration::from_secs(30 * 60)),
            total_limit: Some(Duration::from_secs(12 * 60 * 60)),
            answer_grace: Duration::from_secs(30),
            leftover_grace: Duration::from_secs(2),
            term_grace: Duration::from_secs(10),
            kill_grace: Duration::from_secs(5),
            check: Duration::from_millis(250),
            gather_limit: Duration::from_secs(30),
        }
    }
}

impl RunTimings {
    /// Applies the limits a request asks for, in seconds; 0 means never.
    #[must_use]
    pub fn with_limits(mut self, idle_s: Option<u32>, total_s: Option<u32>) -> Self {
        let limit = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        if let Some(idle_s) = idle_s {
            self.idle_limit = limit(idle_s);
        }
        if let Some(total_s) = total_s {
            self.total_limit = limit(total_s);
        }
        self
    }
}

/// What happened when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    started: Duration,
    /// How long it ran under an earlier supervisor.
    ran_before: Duration,
    last_byte: Duration,
    last_event: Duration,
    last_stream: Option<Stream>,
    n_stdout_bytes: u64,
    n_stderr_bytes: u64,
    waiting_since: Option<Duration>,
    waited: Duration,
}

impl Clocks {
    pub(super) const fn start(now: Duration, ran_before: Duration) -> Self {
        Self {
            started: now,
            ran_before,
            last_byte: now,
            last_event: now,
            last_stream: None,
            n_stdout_bytes: 0,
            n_stderr_bytes: 0,
            waiting_since: None,
            waited: Duration::ZERO,
        }
    }

    pub(super) const fn bytes(&mut self, stream: Stream, n_bytes: u64, now: Duration) {
        self.last_byte = now;
        self.last_stream = Some(stream);
        match stream {
            Stream::Stdout => self.n_stdout_bytes = self.n_stdout_bytes.saturating_add(n_bytes),
            Stream::Stderr => self.n_stderr_bytes = self.n_stderr_bytes.saturating_add(n_bytes),
        }
    }

    pub(super) const fn event(&mut self, now: Duration) {
        self.last_event = now;
    }

    pub(super) fn wait_for_person(&mut self, now: Duration) {
        self.waiting_since.get_or_insert(now);
    }

    pub(super) fn go_on(&mut self, now: Duration) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += now.saturating_sub(since);
            self.last_event = now;
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting_since.is_some()
    }

    pub(super) fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.started) + self.ran_before
    }

    pub(super) const fn since_event(&self, now: Duration) -> Duration {
        now.saturating_sub(self.last_event)
    }

    pub(super) const fn since_byte(&self, now: Duration) -> Duration {
        now.saturating_sub(self.last_byte)
    }

    /// Returns when `limit` without an event is reached.
    pub(super) fn idle_at(&self, limit: Duration) -> Duration {
        self.last_event + limit
    }

    /// Returns when `limit` in all is reached.
    pub(super) fn total_at(&self, limit: Duration) -> Duration {
        (self.started + self.waited + limit).saturating_sub(self.ran_before)
    }

    pub(super) fn heartbeat(&self, number: u32, now: Duration) -> Heartbeat {
        Heartbeat {
            number,
            elapsed: self.elapsed(now),
            since_byte: self.since_byte(now),
            last_stream: self.last_stream,
            since_event: self.since_event(now),
            n_stdout_bytes: self.n_stdout_bytes,
            n_stderr_bytes: self.n_stderr_bytes,
        }
    }
}
