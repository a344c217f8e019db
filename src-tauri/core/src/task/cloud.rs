//! Tasks that run at the agent's vendor: what is known of them from here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{DiffStat, Outcome, TaskStatus};

/// Where a task runs when it does not run on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CloudPlace {
    /// The vendor's id; null until it took the task.
    pub id: Option<String>,
    /// The task's page.
    pub url: Option<String>,
    /// The environment it runs in.
    pub environment: String,
    /// The branch it starts from.
    pub branch: String,
    /// How many attempts were asked for.
    pub attempts: u32,
    /// The vendor's own word for its state; null until it was heard.
    pub state: Option<String>,
    /// When that was heard last.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub checked_at: Option<Timestamp>,
}

/// A task as the vendor lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloudEntry {
    /// The vendor's id.
    pub id: String,
    /// Its page.
    pub url: Option<String>,
    /// What it is about.
    pub title: Option<String>,
    /// The vendor's own word for its state, in lower case.
    pub state: String,
    /// When it changed.
    pub updated_at: Option<Timestamp>,
    /// The id of the environment it runs in.
    pub environment: Option<String>,
    /// The environment's name.
    pub environment_label: Option<String>,
    /// How much it changed.
    pub diffstat: Option<DiffStat>,
    /// How many attempts there are.
    pub attempts: Option<u32>,
}

/// Some of the vendor's tasks, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloudPage {
    /// The tasks.
    pub tasks: Vec<CloudEntry>,
    /// Names the next page; none after the last.
    pub cursor: Option<String>,
}

/// Returns what a state means for the task.
///
/// The words are those of `codex cloud` 0.100 to 0.169; one that is not known is taken for a task
/// that goes on, for an end is only told when it is sure.
#[must_use]
pub fn status_of(state: &str) -> TaskStatus {
    match state {
        "ready" | "applied" => TaskStatus::Completed,
        "error" => TaskStatus::Failed,
        _ => TaskStatus::Running,
    }
}

/// Returns what came of a task that is over. A question needs no changes, so their absence speaks
/// against nothing.
#[must_use]
pub const fn outcome_of(status: TaskStatus) -> Outcome {
    match status {
        TaskStatus::Completed => Outcome::Succeeded,
        TaskStatus::Failed => Outcome::Failed,
        TaskStatus::Queued
        | TaskStatus::Running
        | TaskStatus::InputRequired
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_only_when_it_is_sure() {
        let of = |state| status_of(state);

        assert_eq!(of("pending"), TaskStatus::Running);
        assert_eq!(of("ready"), TaskStatus::Completed);
        assert_eq!(of("applied"), TaskStatus::Completed);
        assert_eq!(of("error"), TaskStatus::Failed);
        assert_eq!(of("thinking"), TaskStatus::Running);
    }
}
