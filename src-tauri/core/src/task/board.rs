//! The delegated tasks as the faces see them, and what is to be told of them.
//!
//! Only [`super::run::TaskRun`] decides a task's status; here two looks at it are compared.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{Outcome, Task, TaskStatus};
use crate::notice::{Notice, NoticeId, NoticeKind};
use crate::observation::Observation;
use crate::text::{one_line, shorten, strip_controls};

/// Longest name in a notice's title, in characters.
const NAME_CHARS: usize = 60;
/// Longest line in a notice's body, in characters.
const BODY_CHARS: usize = 180;

/// Longest request that is shown whole in a notice, in characters.
const ANSWERABLE_CHARS: usize = 300;

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
    // A request is answered from a notice only where its whole text stands in it.
    let asked = task.need.as_ref().filter(|need| {
        request.is_some() && need.can_answer && says.chars().count() <= ANSWERABLE_CHARS
    });
    Some(Notice {
        id: NoticeId::of_task(&task.task_id, kind, request),
        kind,
        session_id: task.session_id.clone(),
        task_id: Some(task.task_id.as_str().to_owned()),
        turn_id: None,
        request_id: asked.map(|need| need.request_id.clone()),
        title,
        body: match asked {
            Some(_) => strip_controls(says),
            None => one_line(says, BODY_CHARS),
        },
    })
}

fn why(task: &Task) -> &str {
    task.error
        .as_ref()
        .map_or(task.summary.as_str(), |error| error.message.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SINCE: &str = "2026-11-20T10:00:00Z";

    #[test]
    fn an_end_is_told_once_and_in_words() {
        let mut board = TaskBoard::new(SINCE.parse().unwrap());
        assert_eq!(titles(&mut board, &[running()]), Vec::<String>::new());
        assert_eq!(board.n_running(), 1);

        let ended =
            task(json!({"status": "completed", "outcome": "no_changes", "ended_at": SINCE}));
        assert_eq!(
            titles(&mut board, std::slice::from_ref(&ended)),
            ["Tidy up finished without changes"]
        );
        assert_eq!(titles(&mut board, &[running()]), Vec::<String>::new());
        assert_eq!(titles(&mut board, &[ended]), Vec::<String>::new());
    }

    #[test]
    fn every_request_is_a_notice_of_its_own() {
        let mut board = TaskBoard::new(SINCE.parse().unwrap());
        let asking = |request: &str| {
            let need = json!({"kind": "approval", "summary": "May I?", "request_id": request,
                "can_answer": true, "choices": []});
            task(json!({"status": "input_required", "need": need}))
        };

        assert_eq!(titles(&mut board, &[asking("one")]), ["Tidy up needs you"]);
        assert_eq!(titles(&mut board, &[asking("one")]), Vec::<String>::new());
        assert_eq!(titles(&mut board, &[asking("two")]), ["Tidy up needs you"]);
    }

    #[test]
    fn a_request_is_answered_from_a_notice_only_where_its_whole_text_is_in_it() {
        let asking = |summary: &str| {
            let need = json!({"kind": "approval", "summary": summary, "request_id": "r",
                "can_answer": true, "choices": []});
            task(json!({"status": "input_required", "need": need}))
        };
        let notice = |summary: &str| {
            let mut board = TaskBoard::new(SINCE.parse().unwrap());
            board.take_in(vec![asking(summary)]).notices.remove(0)
        };

        let short = notice("Run without a sandbox?\nTidy up.");
        assert_eq!(short.request_id.as_deref(), Some("r"));
        assert_eq!(short.body, "Run without a sandbox?\nTidy up.");

        let long = notice(&format!("Run without a sandbox?\n{}", "x".repeat(300)));
        assert_eq!(long.request_id, None);
        assert_eq!(long.body, "Run without a sandbox?");
    }

    #[test]
    fn what_ended_before_the_start_is_not_told() {
        let mut board = TaskBoard::new(SINCE.parse().unwrap());
        let old = task(json!({"status": "failed", "ended_at": "2026-11-20T09:59:59Z"}));

        assert_eq!(titles(&mut board, &[old]), Vec::<String>::new());
    }

    #[test]
    fn time_that_passes_is_no_change() {
        let mut board = TaskBoard::new(SINCE.parse().unwrap());
        board.take_in(vec![running()]);

        let later = task(json!({"status": "running", "elapsed_ms": 5000}));

        assert_eq!(board.take_in(vec![later]), BoardChange::default());
    }

    #[test]
    fn a_session_belongs_to_its_latest_task() {
        let mut board = TaskBoard::new(SINCE.parse().unwrap());
        let of = |id: &str, ended_at: Value| {
            task(
                json!({"task_id": id, "session_id": "codex:s", "status": "completed",
                "ended_at": ended_at}),
            )
        };
        let (new, old) = (
            "01a1f8b0-2d3b-7d75-be17-000000000002",
            "01a1f8b0-2d3b-7d75-be17-000000000001",
        );
        board.take_in(vec![of(new, json!(null)), of(old, json!(SINCE))]);

        let expected = Observation::RunsFor {
            session: crate::session::SessionId::parse("codex:s").unwrap(),
            task: new.to_owned(),
            ended_at: None,
        };
        assert_eq!(board.sessions(), [expected]);
    }

    // Test support.

    fn titles(board: &mut TaskBoard, tasks: &[Task]) -> Vec<String> {
        let change = board.take_in(tasks.to_vec());
        change
            .notices
            .into_iter()
            .map(|notice| notice.title)
            .collect()
    }

    fn running() -> Task {
        task(json!({"status": "running"}))
    }

    fn task(fields: Value) -> Task {
        let mut value = json!({
            "task_id": "01a1f8b0-2d3b-7d75-be17-000000000000", "thread_id": null, "turn_id": null,
            "session_id": null, "kind": "run", "title": "Tidy up.", "cwd": "/home/dev/acme",
            "sandbox": "read-only", "model": null, "group_id": null, "tags": [],
            "status": "queued", "outcome": null, "phase": null,
            "progress": {"done": 0, "total": 0, "percent": null, "current": null},
            "need": null, "queue_position": null, "created_at": SINCE, "started_at": null,
            "updated_at": SINCE, "ended_at": null, "elapsed_ms": 0, "poll_after_ms": null,
            "summary": "All is tidy.", "final_message": null, "files": [], "commands": [],
            "tests": [], "usage": null, "git": null, "warnings": [], "error": null,
            "truncated": {}, "links": [], "next": [], "evidence": []
        });
        let Value::Object(fields) = fields else {
            unreachable!()
        };
        value.as_object_mut().unwrap().extend(fields);
        serde_json::from_value(value).unwrap()
    }
}
