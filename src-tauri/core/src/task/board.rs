//! The delegated tasks as the faces see them, and what is to be told of them.
//!
//! Only [`super::run::TaskRun`] decides a task's status; here two looks at it are compared.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{Outcome, Task, TaskStatus};
use crate::notice::{Notice, NoticeId, NoticeKind};
use crate::observation::Observation;
use crate::text::{one_line, shorten};

/// Longest name in a notice's title, in characters.
const NAME_CHARS: usize = 60;
/// Longest line in a notice's body, in characters.
const BODY_CHARS: usize = 180;

/// The tasks of the latest look.
#[derive(Debug)]
pub struct TaskBoard {
    notify_since: Timestamp,
    tasks: Vec<Task>,
    raised: BTreeSet<NoticeId>,
}

/// What a look brought.
#[derive(Debug, Default, PartialEq)]
pub struct BoardChange {
    /// Tasks that are new or changed.
    pub changed: Vec<Task>,
    /// What to tell a person.
    pub notices: Vec<Notice>,
}

impl TaskBoard {
    /// Makes an empty board that raises notices for what ended at or after `notify_since`.
    #[must_use]
    pub const fn new(notify_since: Timestamp) -> Self {
        Self {
            notify_since,
            tasks: Vec::new(),
            raised: BTreeSet::new(),
        }
    }

    /// Returns the tasks of the latest look, in its order.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Returns how many tasks run or wait for somebody.
    #[must_use]
    pub fn n_running(&self) -> u32 {
        let is_running = |task: &&Task| match task.status {
            TaskStatus::Running | TaskStatus::InputRequired => true,
            TaskStatus::Queued
            | TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::TimedOut
            | TaskStatus::Interrupted => false,
        };
        u32::try_from(self.tasks.iter().filter(is_running).count()).unwrap_or(u32::MAX)
    }

    /// Returns whether a task has not ended.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.tasks.iter().any(|task| !task.status.is_terminal())
    }

    /// Returns which session runs, or ran, for which task.
    #[must_use]
    pub fn sessions(&self) -> Vec<Observation> {
        // The latest task of a session comes first and stays.
        let mut seen = BTreeSet::new();
        let runs_for = |task: &Task| {
            let session = task.session_id.clone()?;
            seen.insert(session.clone()).then(|| Observation::RunsFor {
                session,
                task: task.task_id.as_str().to_owned(),
                ended_at: task.ended_at,
            })
        };
        self.tasks.iter().filter_map(runs_for).collect()
    }

    /// Takes in a look at the tasks, the latest first.
    pub fn take_in(&mut self, tasks: Vec<Task>) -> BoardChange {
        let mut change = BoardChange::default();
        for task in &tasks {
            let before = self
                .tasks
                .iter()
                .find(|known| known.task_id == task.task_id);
            if before.is_some_and(|before| is_same(before, task)) {
                continue;
            }
            if let Some(notice) = notice(task)
                && task.ended_at.unwrap_or(task.updated_at) >= self.notify_since
                && self.raised.insert(notice.id.clone())
            {
                change.notices.push(notice);
            }
            change.changed.push(task.clone());
        }
        self.tasks = tasks;
        change
    }
}

/// Compares two looks; time that passes is no change.
fn is_same(before: &Task, after: &Task) -> bool {
    let mut before = before.clone();
    before.elapsed_ms = after.elapsed_ms;
    before == *after
}

/// Returns what is to be told of a task as it stands.
fn notice(task: &Task) -> Option<Notice> {
    let name = shorten(
        task.title.trim_end_matches(['.', ':', ',', ' ']),
        NAME_CHARS,
    );
    let (kind, title, says, request) = match task.status {
        TaskStatus::Queued | TaskStatus::Running => return None,
        TaskStatus::InputRequired => {
            let need = task.need.as_ref()?;
            let request = Some(need.request_id.as_str());
            (
                NoticeKind::NeedsYou,
                format!("{name} needs you"),
                need.summary.as_str(),
                request,
            )
        }
        TaskStatus::Completed => {
            let word = match task.outcome {
                Some(Outcome::Succeeded) | None => "finished",
                Some(Outcome::NoChanges) => "finished without changes",
                Some(Outcome::Partial) => "finished in part",
                Some(Outcome::Failed) => "failed",
                Some(Outcome::Unknown) => "finished, its outcome is unclear",
            };
            (
                NoticeKind::TaskFinished,
                format!("{name} {word}"),
                task.summary.as_str(),
                None,
            )
        }
        TaskStatus::Failed => (
            NoticeKind::TaskFinished,
            format!("{name} failed"),
            why(task),
            None,
        ),
        TaskStatus::TimedOut => (
            NoticeKind::TaskFinished,
            format!("{name} ran out of time"),
            why(task),
            None,
        ),
        TaskStatus::Interrupted => (
            NoticeKind::TaskFinished,
            format!("{name} was interrupted"),
            why(task),
            None,
        ),
        TaskStatus::Cancelled => (
            NoticeKind::TaskFinished,
            format!("{name} was cancelled"),
            why(task),
            None,
        ),
    };
    Some(Notice {
        id: NoticeId::of_task(&task.task_id, kind, request),
        kind,
        session_id: task.session_id.clone(),
        task_id: Some(task.task_id.as_str().to_owned()),
        turn_id: None,
        title,
        body: one_line(says, BODY_CHARS),
    })
}

fn why(task: &Task) -> &str {
    task.error
        .as_ref()
        .map_or(task.summary.as_str(), |error| error.message.as_str())
}
