//! Ending a process and its whole group, or waiting for them to end.

use std::time::Duration;

use super::{Custody, RunCommand, State, TaskRun};
use crate::process::ProcessKey;
use crate::task::conclude::{ChildExit, Ending, GroupEnd, StopCause};
use crate::tracker::Now;

/// Ends a process and its group, or waits for them to end.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    pub(super) process: ProcessKey,
    /// Why we end it; none when it left by itself.
    pub(super) cause: Option<StopCause>,
    /// How it left; none while nobody saw it leave.
    pub(super) exit: Option<ChildExit>,
    pub(super) group: GroupSeen,
    pub(super) step: Step,
    pub(super) until: Duration,
    pub(super) check_at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupSeen {
    Unknown,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It may leave by itself.
    Waiting,
    /// It was asked to end.
    Asked,
    /// It was ended.
    Killed,
}

impl TaskRun {
    pub(super) fn child_exited(&mut self, exit: ChildExit, now: Now) {
        match &mut self.state {
            State::Running { process } | State::Answered { process, .. } => {
                let process = *process;
                self.commands.push_back(RunCommand::CheckGone(process));
                self.state = State::Closing(Closing {
                    process,
                    cause: None,
                    exit: Some(exit),
                    group: GroupSeen::Unknown,
                    step: Step::Waiting,
                    until: now.steady + self.timings.leftover_grace,
                    check_at: now.steady + self.timings.check,
                });
            }
            State::Closing(closing) => {
                closing.exit.get_or_insert(exit);
                let closing = closing.clone();
                match closing.group {
                    GroupSeen::Gone => self.closed(closing, GroupEnd::Gone, now),
                    GroupSeen::Unknown => self
                        .commands
                        .push_back(RunCommand::CheckGone(closing.process)),
                }
            }
            State::AwaitingConsent
            | State::Queued
            | State::Starting { .. }
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
    }

    /// A child that was not reaped yet still belongs to its group; so a group that is gone means
    /// that its exit is about to be told, unless it is no child of ours.
    pub(super) fn group_gone(&mut self, now: Now) {
        let is_adopted = self.custody != Custody::Child;
        match &mut self.state {
            State::Running { process } | State::Answered { process, .. } => {
                let closing = Closing {
                    process: *process,
                    cause: None,
                    exit: is_adopted.then_some(ChildExit::Unknown),
                    group: GroupSeen::Gone,
                    step: Step::Killed,
                    until: now.steady + self.timings.kill_grace,
                    check_at: now.steady + self.timings.kill_grace,
                };
                if is_adopted {
                    self.closed(closing, GroupEnd::Gone, now);
                } else {
                    self.state = State::Closing(closing);
                }
            }
            State::Closing(closing) => {
                closing.group = GroupSeen::Gone;
                if is_adopted || closing.exit.is_some() {
                    let closing = closing.clone();
                    self.closed(closing, GroupEnd::Gone, now);
                } else {
                    closing.step = Step::Killed;
                    closing.until = now.steady + self.timings.kill_grace;
                    closing.check_at = closing.until;
                }
            }
            State::AwaitingConsent
            | State::Queued
            | State::Starting { .. }
            | State::Gathering { .. }
            | State::Finished { .. } => {}
        }
    }

    pub(super) fn stop(&mut self, process: ProcessKey, cause: StopCause, now: Now) {
        self.clocks.go_on(now.steady);
        self.commands.push_back(RunCommand::Terminate(process));
        self.state = State::Closing(Closing {
            process,
            cause: Some(cause),
            exit: None,
            group: GroupSeen::Unknown,
            step: Step::Asked,
            until: now.steady + self.timings.term_grace,
            check_at: now.steady + self.timings.check,
        });
        self.commit(now);
    }

    pub(super) fn closing_timeout(&mut self, mut closing: Closing, now: Now) {
        if now.steady >= closing.until {
            match closing.step {
                Step::Waiting => {
                    self.commands
                        .push_back(RunCommand::Terminate(closing.process));
                    closing.step = Step::Asked;
                    closing.until = now.steady + self.timings.term_grace;
                }
                Step::Asked => {
                    self.commands.push_back(RunCommand::Kill(closing.process));
                    closing.step = Step::Killed;
                    closing.until = now.steady + self.timings.kill_grace;
                }
                Step::Killed => {
                    let group = match closing.group {
                        GroupSeen::Gone => GroupEnd::Gone,
                        GroupSeen::Unknown => GroupEnd::Survives,
                    };
                    self.closed(closing, group, now);
                    return;
                }
            }
        }
        if now.steady >= closing.check_at {
            self.commands
                .push_back(RunCommand::CheckGone(closing.process));
            closing.check_at = now.steady + self.timings.check;
        }
        self.state = State::Closing(closing);
    }

    fn closed(&mut self, closing: Closing, group: GroupEnd, now: Now) {
        let exit = closing.exit.unwrap_or(ChildExit::Unknown);
        let ending = match closing.cause {
            Some(cause) => Ending::Stopped { cause, exit },
            None => Ending::Left(exit),
        };
        self.gather(ending, group, now);
    }
}
