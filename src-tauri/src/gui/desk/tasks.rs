//! Delegated tasks on the desk: those that run and the latest that ended.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use mission_control_core::session::SessionId;
use mission_control_core::task::model::{Task, TaskId, TaskStatus};

use super::face::{choice, shortened};
use crate::target::Target;
use crate::tray::{Choice, MenuEntry};

/// Tasks in the menu, and ended ones that are kept at all.
const MOST_LISTED: usize = 5;

/// For how long the menu lists a task that ended.
const LISTED_FOR: SignedDuration = SignedDuration::from_hours(12);

/// All tasks that are known.
#[derive(Debug, Default)]
pub(super) struct Tasks(BTreeMap<TaskId, Slip>);

/// What is kept of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    title: String,
    status: TaskStatus,
    /// The session it runs as.
    pub(super) session: Option<SessionId>,
    project: Option<String>,
    /// When it was started, or asked for.
    since: Timestamp,
    ended_at: Option<Timestamp>,
}

impl Tasks {
    /// Takes in all tasks anew. Returns those whose request was answered or withdrawn.
    pub(super) fn replace(&mut self, tasks: &[Task]) -> Vec<Target> {
        let before = std::mem::take(&mut self.0);
        for task in tasks {
            self.keep(task);
        }
        let is_answered = |id: &TaskId, slip: &Slip| {
            slip.needs_you() && !self.0.get(id).is_some_and(Slip::needs_you)
        };
        before
            .into_iter()
            .filter(|(id, slip)| is_answered(id, slip))
            .map(|(id, _)| Target::Task(id))
            .collect()
    }

    /// Takes in a task. Returns it if its request was answered or withdrawn.
    pub(super) fn keep(&mut self, task: &Task) -> Option<Target> {
        let slip = Slip::of(task);
        let needs_you = slip.needs_you();
        let before = self.0.insert(task.task_id.clone(), slip);
        self.drop_oldest_ended();
        let was_answered = !needs_you && before.is_some_and(|before| before.needs_you());
        was_answered.then(|| Target::Task(task.task_id.clone()))
    }

    /// Returns how many run.
    pub(super) fn n_running(&self) -> usize {
        let running = |slip: &&Slip| slip.status == TaskStatus::Running;
        self.0.values().filter(running).count()
    }

    /// Returns those that wait for a person.
    pub(super) fn in_need(&self) -> impl Iterator<Item = &Slip> {
        self.0.values().filter(|slip| slip.needs_you())
    }

    /// Returns whether a task waits for a person, if it is known.
    pub(super) fn needs_you(&self, task: &TaskId) -> Option<bool> {
        self.0.get(task).map(Slip::needs_you)
    }

    /// Returns the name of the folder a task works in.
    pub(super) fn project(&self, task: &TaskId) -> Option<String> {
        self.0.get(task)?.project.clone()
    }

    /// Returns the session a task runs as.
    pub(super) fn session(&self, task: &TaskId) -> Option<SessionId> {
        self.0.get(task)?.session.clone()
    }

    /// Returns the menu's lines: those that need somebody, then the latest.
    pub(super) fn lines(&self, now: Timestamp) -> Vec<MenuEntry> {
        let is_recent = |slip: &Slip| {
            slip.ended_at
                .is_none_or(|ended_at| now.duration_since(ended_at) <= LISTED_FOR)
        };
        let mut listed: Vec<(&TaskId, &Slip)> =
            self.0.iter().filter(|(_, slip)| is_recent(slip)).collect();
        listed.sort_by_key(|(id, slip)| (slip.rank(), Reverse(slip.latest()), *id));
        listed.truncate(MOST_LISTED);
        let line = |(id, slip): (&TaskId, &Slip)| {
            let label = format!("{} · {}", slip.title, slip.word(now));
            choice(&label, Choice::Go(Target::Task(id.clone())))
        };
        listed.into_iter().map(line).collect()
    }

    fn drop_oldest_ended(&mut self) {
        let ended = |(id, slip): (&TaskId, &Slip)| Some((slip.ended_at?, id.clone()));
        let mut ended: Vec<(Timestamp, TaskId)> = self.0.iter().filter_map(ended).collect();
        ended.sort();
        let n_too_many = ended.len().saturating_sub(MOST_LISTED);
        for (_, id) in ended.into_iter().take(n_too_many) {
            self.0.remove(&id);
        }
    }
}

impl Slip {
    fn of(task: &Task) -> Self {
        let ended_at = task.ended_at.unwrap_or(task.updated_at);
        Self {
            title: shortened(task.title.lines().next().unwrap_or_default().trim()),
            status: task.status,
            session: task.session_id.clone(),
            project: project_of(&task.cwd),
            since: task.started_at.unwrap_or(task.created_at),
            ended_at: task.status.is_terminal().then_some(ended_at),
        }
    }

    fn needs_you(&self) -> bool {
        self.status == TaskStatus::InputRequired
    }

    fn latest(&self) -> Timestamp {
        self.ended_at.unwrap_or(self.since)
    }

    fn rank(&self) -> u8 {
        match self.status {
            TaskStatus::InputRequired => 0,
            TaskStatus::Running | TaskStatus::Queued => 1,
            TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::TimedOut
            | TaskStatus::Interrupted => 2,
        }
    }

    fn word(&self, now: Timestamp) -> String {
        let word = match self.status {
            TaskStatus::Queued => "Queued",
            TaskStatus::Running => return running_for(now.duration_since(self.since)),
            TaskStatus::InputRequired => "Needs you",
            TaskStatus::Completed => "Finished",
            TaskStatus::Failed => "Failed",
            TaskStatus::Cancelled => "Cancelled",
            TaskStatus::TimedOut => "Took too long",
            TaskStatus::Interrupted => "Interrupted",
        };
        word.to_owned()
    }
}

fn project_of(cwd: &str) -> Option<String> {
    let mut parts = cwd.rsplit(['/', '\\']);
    parts.find(|part| !part.is_empty()).map(str::to_owned)
}

fn running_for(elapsed: SignedDuration) -> String {
    match (elapsed.as_hours(), elapsed.as_mins() % 60) {
        (hours @ 1.., minutes) => format!("Running {hours}h {minutes}m"),
        (_, minutes @ 1..) => format!("Running {minutes}m"),
        _ => "Running".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use mission_control_core::event::EventBody;
    use mission_control_core::session::Status;

    use super::super::Desk;
    use super::super::samples::{at, page, session, task, task_id};
    use super::*;
    use crate::tray::TrayIcon;

    #[test]
    fn tasks_that_need_somebody_come_first_and_only_the_latest_follow() {
        let mut desk = Desk::default();
        for number in 1..=4 {
            desk.changed(&updated(&task(number, TaskStatus::Completed)));
        }
        desk.changed(&updated(&task(5, TaskStatus::Running)));
        desk.changed(&updated(&task(6, TaskStatus::InputRequired)));
        desk.changed(&updated(&task(7, TaskStatus::Queued)));

        assert_eq!(
            labels(&desk, 200),
            [
                "1 needs you · 1 task runs",
                "Task 6 · Needs you",
                "Task 7 · Queued",
                "Task 5 · Running 3m",
                "Task 4 · Finished",
                "Task 3 · Finished",
                "Open Mission Control",
                "Quit",
            ]
        );
        assert_eq!(desk.tray(at(200)).icon, TrayIcon::NeedsYou(1));
        assert_eq!(desk.tray(at(200)).tooltip, "1 needs you · 1 task runs");
    }

    #[test]
    fn a_task_that_ended_long_ago_is_not_listed() {
        let mut desk = Desk::default();
        desk.changed(&updated(&task(1, TaskStatus::Failed)));

        assert!(labels(&desk, 101).contains(&"Task 1 · Failed".to_owned()));
        let later = 102 + LISTED_FOR.as_secs();
        assert!(!labels(&desk, later).contains(&"Task 1 · Failed".to_owned()));
    }

    #[test]
    fn only_the_latest_ended_tasks_are_kept() {
        let mut tasks = Tasks::default();
        for number in 1..=20 {
            tasks.keep(&task(number, TaskStatus::Completed));
        }
        tasks.keep(&task(21, TaskStatus::Running));

        assert_eq!(tasks.0.len(), MOST_LISTED + 1);
        assert!(tasks.0.contains_key(&task_id(20)));
    }

    #[test]
    fn a_delegated_session_is_listed_as_its_task() {
        let mut desk = Desk::default();
        let mut delegated = session("1", Status::Working);
        delegated.task_id = Some(task_id(1).to_string());
        let body = |delegated: &_| EventBody::SessionUpdated {
            session: Box::new(Clone::clone(delegated)),
        };
        desk.changed(&body(&delegated));
        desk.changed(&updated(&task(1, TaskStatus::Running)));
        assert_eq!(labels(&desk, 1)[1..2], ["Task 1 · Running"]);
        assert_eq!(desk.tray(at(1)).icon, TrayIcon::Working);

        delegated.status = Status::NeedsYou;
        desk.changed(&body(&delegated));
        assert_eq!(
            labels(&desk, 1)[1..3],
            ["Session 1 · Needs you", "Task 1 · Running"]
        );

        desk.changed(&updated(&task(1, TaskStatus::InputRequired)));
        assert_eq!(labels(&desk, 1)[1..2], ["Task 1 · Needs you"]);
    }

    #[test]
    fn an_answered_task_is_reported_once() {
        let mut desk = Desk::default();
        desk.changed(&updated(&task(1, TaskStatus::InputRequired)));
        let running = updated(&task(1, TaskStatus::Running));

        assert_eq!(desk.changed(&running), [Target::Task(task_id(1))]);
        assert_eq!(desk.changed(&running), []);
    }

    #[test]
    fn a_snapshot_without_the_asking_task_ends_its_request() {
        let mut desk = Desk::default();
        desk.changed(&updated(&task(1, TaskStatus::InputRequired)));

        let answered = desk.changed(&EventBody::Snapshot {
            sessions: Vec::new(),
            tasks: vec![task(2, TaskStatus::Running)],
            summary: mission_control_core::event::Summary::default(),
        });

        assert_eq!(answered, [Target::Task(task_id(1))]);
    }

    #[test]
    fn the_window_can_be_sent_to_a_task() {
        let mut desk = Desk::default();
        let to = Target::Task(task_id(1));

        desk.open(Some(page("1")));
        desk.open(Some(to.clone()));

        assert_eq!(desk.page_arrived(), Some(to));
    }

    #[test]
    fn time_is_told_in_minutes() {
        for (seconds, expected) in [
            (-5, "Running"),
            (59, "Running"),
            (60, "Running 1m"),
            (3599, "Running 59m"),
            (7260, "Running 2h 1m"),
        ] {
            assert_eq!(running_for(SignedDuration::from_secs(seconds)), expected);
        }
    }

    fn labels(desk: &Desk, second: i64) -> Vec<String> {
        let menu = desk.tray(at(second)).menu.into_iter();
        menu.filter_map(|entry| match entry {
            MenuEntry::Heading(label) | MenuEntry::Choice { label, .. } => Some(label),
            MenuEntry::Submenu { .. } | MenuEntry::Separator => None,
        })
        .collect()
    }

    fn updated(task: &Task) -> EventBody {
        EventBody::TaskUpdated {
            task: Box::new(task.clone()),
        }
    }
}
