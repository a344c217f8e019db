//! What a run asks the engine to do, as values.

use std::time::Duration;

use crate::process::ProcessKey;
use crate::task::conclude::Conclusion;
use crate::task::model::{Phase, TaskProgress, TaskStatus};
use crate::task::words::duration_words;

/// One thing the engine should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// Get in line for a slot; answer with `SlotGranted`.
    ClaimSlot,
    /// Leave the line, and give a slot back that was granted meanwhile.
    LeaveQueue,
    /// Start the agent; answer with `Spawned` or `SpawnFailed`.
    Spawn,
    /// Write down where the task stands.
    CommitProgress(Box<RunSnapshot>),
    /// Wake who waits.
    RingBell,
    /// Write a line of life into the log.
    LogHeartbeat(Heartbeat),
    /// Write into the log that nothing happens.
    WarnSilence(Silence),
    /// Ask the whole process group to end.
    Terminate(ProcessKey),
    /// End the whole process group.
    Kill(ProcessKey),
    /// Look whether anything of the process group lives; answer with `GroupGone` or `GroupAlive`.
    CheckGone(ProcessKey),
    /// Read what is left of the output, look at git, transcript and standard error; answer with
    /// the remaining facts and then `Gathered`.
    Gather,
    /// Write the end down, once, together with its signal.
    Finish(Box<Conclusion>),
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSnapshot {
    /// The status.
    pub status: TaskStatus,
    /// What it is busy with; none unless it runs.
    pub phase: Option<Phase>,
    /// How far it is in its own plan.
    pub progress: TaskProgress,
    /// How many events there were.
    pub n_events: u32,
    /// How long it has been running, waiting for a person included.
    pub elapsed: Duration,
}

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A sign of life of the supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Counts from 1.
    pub number: u32,
    /// How long the task has been running.
    pub elapsed: Duration,
    /// How long nothing was written.
    pub since_byte: Duration,
    /// Where something was written last.
    pub last_stream: Option<Stream>,
    /// How long there was no event, further tries left out.
    pub since_event: Duration,
    /// Bytes on standard output.
    pub n_stdout_bytes: u64,
    /// Bytes on standard error.
    pub n_stderr_bytes: u64,
}

impl Heartbeat {
    /// Returns the line for the log.
    #[must_use]
    pub fn line(&self) -> String {
        let stream = match self.last_stream {
            Some(Stream::Stdout) => " (stdout)",
            Some(Stream::Stderr) => " (stderr)",
            None => "",
        };
        format!(
            "HEARTBEAT #{}: elapsed={}, lastActivity={} ago{stream}, lastEvent={} ago, stdout={}B, stderr={}B",
            self.number,
            duration_words(self.elapsed),
            duration_words(self.since_byte),
            duration_words(self.since_event),
            self.n_stdout_bytes,
            self.n_stderr_bytes,
        )
    }
}

/// Nothing happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// How long there was no event.
    pub since_event: Duration,
    /// How long nothing was written.
    pub since_byte: Duration,
    /// What it is busy with, as far as that is known.
    pub busy_with: Option<String>,
}

impl Silence {
    /// Returns the line for the log.
    #[must_use]
    pub fn line(&self) -> String {
        let busy_with = self
            .busy_with
            .as_deref()
            .map_or_else(String::new, |busy_with| {
                format!("; at the moment: {busy_with}")
            });
        format!(
            "WARNING: No event for {}, no output for {}{busy_with}",
            duration_words(self.since_event),
            duration_words(self.since_byte),
        )
    }
}
