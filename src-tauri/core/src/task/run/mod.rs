//! The only writer of a task's status: one delegated run as a pure machine.
//!
//! `queued → running → (input_required ↔ running) → stopping/draining → finished`. The engine
//! tells what happened ([`RunInput`]) and does what is asked ([`RunCommand`]). Before it calls
//! [`TaskRun::handle_timeout`] it hands in what can be read, so that an answer that was written
//! in time is seen in time. The end is decided once: the first decisive evidence wins, whatever
//! comes later changes nothing.

mod clocks;
mod closing;
mod command;

use std::collections::VecDeque;
use std::time::Duration;

use super::conclude::{
    Asked, ChildExit, Conclusion, Ending, Evidence, Gathered, GroupEnd, SpawnFault, StopCause,
    conclude,
};
use super::exec_events::ExecFact;
use super::failure::{CancelledBy, TimeLimit};
use super::git::GitSeen;
use super::model::TaskStatus;
use super::work::WorkLog;
use crate::process::ProcessKey;
use crate::tracker::Now;
use clocks::Clocks;
pub use clocks::RunTimings;
use closing::Closing;
pub use command::{Heartbeat, RunCommand, RunSnapshot, Silence, Stream};

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunInput {
    /// Its turn has come.
    SlotGranted,
    /// A person has to say yes before it starts, or to answer before it goes on.
    ConsentNeeded,
    /// A person said yes, or answered.
    ConsentGiven,
    /// A person said no.
    ConsentRefused,
    /// The agent was started.
    Spawned {
        /// Its process, the leader of its group.
        process: ProcessKey,
    },
    /// The agent could not be started.
    SpawnFailed(SpawnFault),
    /// An earlier supervisor had started the agent, and it lives. Its output is handed in from
    /// the beginning.
    Reattached {
        /// Its process.
        process: ProcessKey,
        /// How long it had been running.
        ran_before: Duration,
    },
    /// An earlier supervisor had started the agent, and it is gone.
    FoundGone,
    /// Bytes arrived on standard output.
    StdoutBytes(u64),
    /// Bytes arrived on standard error.
    StderrBytes(u64),
    /// An event said something.
    Fact(ExecFact),
    /// So many lines could not be read, in all.
    LinesUnread(u32),
    /// The agent answered, for back ends that say so other than by an event.
    AnswerSeen,
    /// The agent's process left.
    ChildExited(ChildExit),
    /// Nothing of its group is left.
    GroupGone,
    /// Something of its group lives.
    GroupAlive,
    /// Somebody wants it ended.
    CancelRequested {
        /// Who.
        by: CancelledBy,
    },
    /// What was asked for with [`RunCommand::Gather`].
    Gathered(Box<Gathered>),
}

/// Whether a person has to consent before the run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// No.
    NotNeeded,
    /// Yes.
    Needed,
}

/// One delegated run. Time is an argument.
#[derive(Debug)]
pub struct TaskRun {
    asked: Asked,
    timings: RunTimings,
    state: State,
    clocks: Clocks,
    custody: Custody,
    work: WorkLog,
    n_unread: u32,
    n_heartbeats: u32,
    heartbeat_at: Duration,
    commit_at: Duration,
    n_events_since_commit: u32,
    silence_said: Said,
    commands: VecDeque<RunCommand>,
}

#[derive(Debug)]
enum State {
    AwaitingConsent,
    Queued,
    /// `cancelled` came before the agent was known to run.
    Starting {
        cancelled: Option<CancelledBy>,
    },
    Running {
        process: ProcessKey,
    },
    /// The turn ended; the agent leaves by itself until `until`.
    Answered {
        process: ProcessKey,
        until: Duration,
    },
    Closing(Closing),
    Gathering {
        ending: Ending,
        group: GroupEnd,
        until: Duration,
    },
    Finished {
        status: TaskStatus,
    },
}

/// Whether the agent is a child of this supervisor: only then its exit is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Custody {
    Child,
    Adopted { check_at: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    No,
    Yes,
}

impl TaskRun {
    /// Makes a run that waits for consent or for its turn.
    #[must_use]
    pub fn new(asked: Asked, consent: Consent, timings: RunTimings, now: Now) -> Self {
        let mut run = Self {
            asked,
            timings,
            state: State::Queued,
            clocks: Clocks::start(now.steady, Duration::ZERO),
            custody: Custody::Child,
            work: WorkLog::default(),
            n_unread: 0,
            n_heartbeats: 0,
            heartbeat_at: now.steady + timings.heartbeat,
            commit_at: now.steady + timings.commit,
            n_events_since_commit: 0,
            silence_said: Said::No,
            commands: VecDeque::new(),
        };
        match consent {
            Consent::NotNeeded => run.commands.push_back(RunCommand::ClaimSlot),
            Consent::Needed => {
                run.state = State::AwaitingConsent;
                run.commit(now);
            }
        }
        run
    }

    /// Takes in one thing that happened.
    pub fn handle(&mut self, input: RunInput, now: Now) {
        if let State::Finished { .. } = self.state {
            return;
        }
        match input {
            RunInput::SlotGranted => self.slot_granted(now),
            RunInput::ConsentNeeded => self.consent_needed(now),
            RunInput::ConsentGiven => self.consent_given(now),
            RunInput::ConsentRefused => self.consent_refused(now),
            RunInput::Spawned { process } => self.spawned(process, now),
            RunInput::SpawnFailed(fault) => self.spawn_failed(fault),
            RunInput::Reattached {
                process,
                ran_before,
            } => self.reattached(process, ran_before, now),
            RunInput::FoundGone => self.found_gone(now),
            RunInput::StdoutBytes(n) => self.clocks.bytes(Stream::Stdout, n, now.steady),
            RunInput::StderrBytes(n) => self.clocks.bytes(Stream::Stderr, n, now.steady),
            RunInput::Fact(fact) => self.fact(fact, now),
            RunInput::LinesUnread(n_unread) => self.n_unread = n_unread,
            RunInput::AnswerSeen => self.fact(ExecFact::TurnCompleted { usage: None }, now),
            RunInput::ChildExited(exit) => self.child_exited(exit, now),
            RunInput::GroupGone => self.group_gone(now),
            RunInput::GroupAlive => {}
            RunInput::CancelRequested { by } => self.cancel_requested(by, now),
            RunInput::Gathered(gathered) => {
                if let State::Gathering { ending, group, .. } = &self.state {
                    let (ending, group) = (ending.clone(), *group);
                    self.finish(&ending, group, &gathered);
                }
            }
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.has_process() {
            if now.steady >= self.heartbeat_at {
                self.n_heartbeats = self.n_heartbeats.saturating_add(1);
                let heartbeat = self.clocks.heartbeat(self.n_heartbeats, now.steady);
                self.commands.push_back(RunCommand::LogHeartbeat(heartbeat));
                self.heartbeat_at = now.steady + self.timings.heartbeat;
            }
            if now.steady >= self.commit_at {
                self.commit(now);
            }
        }
        match &mut self.state {
            State::Running { process } => {
                let process = *process;
                self.running_timeout(process, now);
            }
            State::Answered { process, until } if now.steady >= *until => {
                let process = *process;
                self.stop(process, StopCause::Lingered, now);
            }
            State::Closing(closing) => {
                let closing = closing.clone();
                self.closing_timeout(closing, now);
            }
            State::Gathering {
                ending,
                group,
                until,
            } if now.steady >= *until => {
                let (ending, group) = (ending.clone(), *group);
                let gathered = Gathered {
                    git: GitSeen::Unknown {
                        why: "it took too long".to_owned(),
                    },
                    ..Gathered::default()
                };
                self.finish(&ending, group, &gathered);
            }
            State::AwaitingConsent
            | State::Queued
            | State::Starting { .. }
            | State::Answered { .. }
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
        self.check_adopted(now);
    }

    /// Returns when [`Self::handle_timeout`] should be called next, on the steady clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let own = match &self.state {
            State::AwaitingConsent
            | State::Queued
            | State::Starting { .. }
            | State::Finished { .. } => return None,
            State::Gathering { until, .. } => return Some(*until),
            State::Running { .. } => self.running_deadline(),
            State::Answered { until, .. } => Some(*until),
            State::Closing(closing) => Some(closing.until.min(closing.check_at)),
        };
        let adopted = match (self.custody, &self.state) {
            (Custody::Adopted { check_at }, State::Running { .. } | State::Answered { .. }) => {
                Some(check_at)
            }
            (Custody::Adopted { .. } | Custody::Child, _) => None,
        };
        let always = [Some(self.heartbeat_at), Some(self.commit_at)];
        always.into_iter().chain([own, adopted]).flatten().min()
    }

    /// Returns the next thing to do, if any.
    pub fn poll_command(&mut self) -> Option<RunCommand> {
        self.commands.pop_front()
    }

    /// Returns where the task stands.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        match &self.state {
            State::AwaitingConsent => TaskStatus::InputRequired,
            State::Queued => TaskStatus::Queued,
            State::Running { .. } if self.clocks.is_waiting() => TaskStatus::InputRequired,
            State::Starting { .. }
            | State::Running { .. }
            | State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. } => TaskStatus::Running,
            State::Finished { status } => *status,
        }
    }

    /// Returns what the events have said so far.
    #[must_use]
    pub const fn work(&self) -> &WorkLog {
        &self.work
    }

    /// Returns where the run stands, for the store.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> RunSnapshot {
        let has_started = match &self.state {
            State::AwaitingConsent | State::Queued | State::Starting { .. } => false,
            State::Running { .. }
            | State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. }
            | State::Finished { .. } => true,
        };
        RunSnapshot {
            status: self.status(),
            phase: (self.status() == TaskStatus::Running).then(|| self.work.phase()),
            progress: self.work.progress(),
            n_events: self.work.n_events,
            elapsed: if has_started {
                self.clocks.elapsed(now.steady)
            } else {
                Duration::ZERO
            },
        }
    }

    fn slot_granted(&mut self, now: Now) {
        match self.state {
            State::Queued => {
                self.state = State::Starting { cancelled: None };
                self.commands.push_back(RunCommand::Spawn);
                self.commit(now);
            }
            State::AwaitingConsent => self.commands.push_back(RunCommand::LeaveQueue),
            State::Starting { .. }
            | State::Running { .. }
            | State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
    }

    fn consent_needed(&mut self, now: Now) {
        match self.state {
            State::Queued => {
                self.state = State::AwaitingConsent;
                self.commands.push_back(RunCommand::LeaveQueue);
                self.commit(now);
            }
            State::Running { .. } => {
                self.clocks.wait_for_person(now.steady);
                self.commit(now);
            }
            State::AwaitingConsent
            | State::Starting { .. }
            | State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
    }

    fn consent_given(&mut self, now: Now) {
        if let State::AwaitingConsent = self.state {
            self.state = State::Queued;
            self.commands.push_back(RunCommand::ClaimSlot);
            self.commit(now);
        } else if self.clocks.is_waiting() {
            self.clocks.go_on(now.steady);
            self.commit(now);
        }
    }

    /// Before the start a no ends the task; later it is an answer like any other.
    fn consent_refused(&mut self, now: Now) {
        if let State::AwaitingConsent = self.state {
            self.finish(
                &Ending::ConsentRefused,
                GroupEnd::Gone,
                &Gathered::default(),
            );
        } else {
            self.consent_given(now);
        }
    }

    fn spawned(&mut self, process: ProcessKey, now: Now) {
        let State::Starting { cancelled } = &mut self.state else {
            return;
        };
        let cancelled = cancelled.take();
        self.start_clocks(Duration::ZERO, now);
        match cancelled {
            Some(by) => self.stop(process, StopCause::Cancelled { by }, now),
            None => {
                self.state = State::Running { process };
                self.commit(now);
            }
        }
    }

    fn spawn_failed(&mut self, fault: SpawnFault) {
        let State::Starting { cancelled } = &mut self.state else {
            return;
        };
        let ending = match cancelled.take() {
            Some(by) => Ending::CancelledBeforeStart { by },
            None => Ending::SpawnFailed(fault),
        };
        self.finish(&ending, GroupEnd::Gone, &Gathered::default());
    }

    fn reattached(&mut self, process: ProcessKey, ran_before: Duration, now: Now) {
        if !self.is_unstarted() {
            return;
        }
        self.commands.clear();
        self.start_clocks(ran_before, now);
        self.custody = Custody::Adopted {
            check_at: now.steady + self.timings.check,
        };
        self.state = State::Running { process };
        self.commit(now);
    }

    fn found_gone(&mut self, now: Now) {
        if self.is_unstarted() {
            self.commands.clear();
            self.start_clocks(Duration::ZERO, now);
            self.gather(Ending::Left(ChildExit::Unknown), GroupEnd::Gone, now);
        }
    }

    fn fact(&mut self, fact: ExecFact, now: Now) {
        let is_try = matches!(fact, ExecFact::Retrying { .. });
        self.work.handle(fact);
        if !is_try {
            self.clocks.event(now.steady);
            self.silence_said = Said::No;
            self.n_events_since_commit = self.n_events_since_commit.saturating_add(1);
        }
        match self.state {
            State::Running { process } if self.work.has_answered() => {
                self.clocks.go_on(now.steady);
                self.state = State::Answered {
                    process,
                    until: now.steady + self.timings.answer_grace,
                };
                self.commit(now);
                return;
            }
            State::Answered { process, .. } if !self.work.has_answered() => {
                self.state = State::Running { process };
                self.commit(now);
                return;
            }
            State::AwaitingConsent
            | State::Queued
            | State::Starting { .. }
            | State::Running { .. }
            | State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
        if self.has_process() && self.n_events_since_commit >= self.timings.n_commit_events {
            self.commit(now);
        }
    }

    /// Before the start it ends the task at once, after the answer it changes nothing, and only
    /// the first one counts.
    fn cancel_requested(&mut self, by: CancelledBy, now: Now) {
        match &mut self.state {
            State::AwaitingConsent | State::Queued => {
                self.commands.push_back(RunCommand::LeaveQueue);
                self.finish(
                    &Ending::CancelledBeforeStart { by },
                    GroupEnd::Gone,
                    &Gathered::default(),
                );
            }
            State::Starting { cancelled } => {
                cancelled.get_or_insert(by);
            }
            State::Running { process } => {
                let process = *process;
                self.stop(process, StopCause::Cancelled { by }, now);
            }
            State::Answered { .. }
            | State::Closing(_)
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
    }

    fn running_timeout(&mut self, process: ProcessKey, now: Now) {
        if self.clocks.is_waiting() {
            return;
        }
        if let Some((at, which, limit)) = self.limit()
            && now.steady >= at
        {
            let after = match which {
                TimeLimit::Idle => self.clocks.since_event(now.steady),
                TimeLimit::Total => self.clocks.elapsed(now.steady),
            };
            let cause = StopCause::TimedOut {
                which,
                after,
                limit,
            };
            self.stop(process, cause, now);
            return;
        }
        let since_event = self.clocks.since_event(now.steady);
        if self.silence_said == Said::No && since_event >= self.timings.silence {
            self.silence_said = Said::Yes;
            self.commands.push_back(RunCommand::WarnSilence(Silence {
                since_event,
                since_byte: self.clocks.since_byte(now.steady),
                busy_with: self.work.progress().current,
            }));
        }
    }

    /// Returns the limit that is reached first; of two at once, the one in all.
    fn limit(&self) -> Option<(Duration, TimeLimit, Duration)> {
        let total = self.timings.total_limit.map(|limit| {
            let at = self.clocks.total_at(limit);
            (at, TimeLimit::Total, limit)
        });
        let idle = self.timings.idle_limit.map(|limit| {
            let at = self.clocks.idle_at(limit);
            (at, TimeLimit::Idle, limit)
        });
        match (total, idle) {
            (Some(total), Some(idle)) if idle.0 < total.0 => Some(idle),
            (Some(total), _) => Some(total),
            (None, idle) => idle,
        }
    }

    fn running_deadline(&self) -> Option<Duration> {
        if self.clocks.is_waiting() {
            return None;
        }
        let silence = match self.silence_said {
            Said::No => Some(self.clocks.idle_at(self.timings.silence)),
            Said::Yes => None,
        };
        let limit = self.limit().map(|(at, _, _)| at);
        silence.into_iter().chain(limit).min()
    }

    fn check_adopted(&mut self, now: Now) {
        let Custody::Adopted { check_at } = self.custody else {
            return;
        };
        let (State::Running { process } | State::Answered { process, .. }) = self.state else {
            return;
        };
        if now.steady >= check_at {
            self.commands.push_back(RunCommand::CheckGone(process));
            self.custody = Custody::Adopted {
                check_at: now.steady + self.timings.check,
            };
        }
    }

    fn gather(&mut self, ending: Ending, group: GroupEnd, now: Now) {
        self.commands.push_back(RunCommand::Gather);
        self.state = State::Gathering {
            ending,
            group,
            until: now.steady + self.timings.gather_limit,
        };
        self.commit(now);
    }

    fn finish(&mut self, ending: &Ending, group: GroupEnd, gathered: &Gathered) {
        let conclusion: Conclusion = conclude(&Evidence {
            asked: self.asked,
            ending,
            group,
            work: &self.work,
            n_unread: self.n_unread,
            gathered,
        });
        self.state = State::Finished {
            status: conclusion.status,
        };
        self.commands
            .push_back(RunCommand::Finish(Box::new(conclusion)));
        self.commands.push_back(RunCommand::RingBell);
    }

    fn commit(&mut self, now: Now) {
        let snapshot = Box::new(self.snapshot(now));
        self.commands
            .push_back(RunCommand::CommitProgress(snapshot));
        self.commands.push_back(RunCommand::RingBell);
        self.commit_at = now.steady + self.timings.commit;
        self.n_events_since_commit = 0;
    }

    fn start_clocks(&mut self, ran_before: Duration, now: Now) {
        self.clocks = Clocks::start(now.steady, ran_before);
        self.heartbeat_at = now.steady + self.timings.heartbeat;
    }

    const fn is_unstarted(&self) -> bool {
        matches!(self.state, State::Queued | State::AwaitingConsent)
    }

    const fn has_process(&self) -> bool {
        matches!(
            self.state,
            State::Running { .. } | State::Answered { .. } | State::Closing(_)
        )
    }
}

#[cfg(test)]
mod tests;
