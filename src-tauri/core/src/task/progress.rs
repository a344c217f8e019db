//! How far a task is and what it is busy with, from its events alone.
//!
//! The agent's own plan is the only measure; without one there is none.

use super::exec_events::RetryCause;
use super::model::{Phase, TaskProgress};
use super::work::{TurnSeen, WorkLog};

/// Longest description of what it does at the moment, in characters.
pub(super) const CURRENT_CHARS: usize = 120;

impl WorkLog {
    /// Returns what the task is busy with.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (&self.turn, self.open.last()) {
            (TurnSeen::None, _) => Phase::Starting,
            (TurnSeen::Completed | TurnSeen::Failed { .. }, _) => Phase::Finalizing,
            (TurnSeen::Running, Some(open)) => open.phase,
            (TurnSeen::Running, None) => Phase::Thinking,
        }
    }

    /// Returns how far the task is in its own plan.
    #[must_use]
    pub fn progress(&self) -> TaskProgress {
        let total = u32::try_from(self.plan.len()).unwrap_or(u32::MAX);
        let n_done = self.plan.iter().filter(|step| step.is_done).count();
        let done = u32::try_from(n_done).unwrap_or(u32::MAX);
        TaskProgress {
            done,
            total,
            percent: (total > 0).then(|| done.saturating_mul(100) / total.max(1)),
            current: self.current(),
        }
    }

    fn current(&self) -> Option<String> {
        if self.has_answered() {
            return None;
        }
        if let Some(retry) = &self.retry {
            let words = match retry.cause {
                RetryCause::Network => "waits for the network",
                RetryCause::Service => "tries again to reach the service",
            };
            return Some(words.to_owned());
        }
        let open = self.open.last().map(|open| open.label.clone());
        open.or_else(|| {
            let next = self.plan.iter().find(|step| !step.is_done)?;
            Some(next.text.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::exec_events::{ExecFact, PlanStep};
    use crate::timeline::ItemStatus;

    #[track_caller]
    fn check(facts: Vec<ExecFact>, phase: Phase, progress: (u32, u32, Option<u32>, Option<&str>)) {
        let mut work = WorkLog::default();
        for fact in facts {
            work.handle(fact);
        }

        let seen = work.progress();
        assert_eq!(work.phase(), phase);
        assert_eq!(
            (seen.done, seen.total, seen.percent, seen.current.as_deref()),
            progress
        );
    }

    fn planned(done: &[bool]) -> ExecFact {
        ExecFact::Planned {
            steps: done
                .iter()
                .enumerate()
                .map(|(n, is_done)| PlanStep {
                    text: format!("step {n}"),
                    is_done: *is_done,
                })
                .collect(),
        }
    }

    fn command(status: ItemStatus) -> ExecFact {
        ExecFact::Command {
            item: "i".to_owned(),
            command: "/bin/bash -lc 'TOKEN=abcd1234 make all'".to_owned(),
            status,
            exit_code: None,
            output: String::new(),
        }
    }

    #[test]
    fn without_a_plan_there_is_no_percentage() {
        check(vec![], Phase::Starting, (0, 0, None, None));
        check(
            vec![ExecFact::TurnStarted],
            Phase::Thinking,
            (0, 0, None, None),
        );
    }

    #[test]
    fn the_plan_is_the_measure() {
        check(
            vec![ExecFact::TurnStarted, planned(&[true, true, false])],
            Phase::Thinking,
            (2, 3, Some(66), Some("step 2")),
        );
        check(
            vec![
                ExecFact::TurnStarted,
                planned(&[true, true]),
                ExecFact::TurnCompleted { usage: None },
            ],
            Phase::Finalizing,
            (2, 2, Some(100), None),
        );
    }

    #[test]
    fn what_runs_is_shown_without_its_secrets() {
        let current = "TOKEN=[redacted:assignment] make all";

        check(
            vec![ExecFact::TurnStarted, command(ItemStatus::Running)],
            Phase::RunningCommand,
            (0, 0, None, Some(current)),
        );
        check(
            vec![
                ExecFact::TurnStarted,
                command(ItemStatus::Running),
                command(ItemStatus::Completed),
            ],
            Phase::Thinking,
            (0, 0, None, None),
        );
    }

    #[test]
    fn waiting_for_the_network_says_so() {
        check(
            vec![
                ExecFact::TurnStarted,
                ExecFact::Retrying {
                    message: "Reconnecting... waiting for network".to_owned(),
                    cause: RetryCause::Network,
                },
            ],
            Phase::Thinking,
            (0, 0, None, Some("waits for the network")),
        );
    }
}
