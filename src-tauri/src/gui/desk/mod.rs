//! What the shell knows: sessions, the window, what was seen, what is lacking. Values in, values out.

mod checks;
mod counts;
mod face;
#[cfg(test)]
mod samples;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use mission_control_core::event::{EventBody, Summary};
use mission_control_core::health::Problem;
use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_core::session::{EndedHow, LiveSession, SessionId, Status, TurnId};
use mission_control_core::task::model::TaskId;

use crate::target::Target;
use tasks::Tasks;

/// Everything the shell decides from.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    cards: BTreeMap<SessionId, Card>,
    tasks: Tasks,
    summary: Summary,
    unseen: BTreeSet<SessionId>,
    window: Window,
    focus: Focus,
    hampering: Vec<Problem>,
    lacking: BTreeMap<String, Lack>,
}

/// What is kept of a session: what the tray shows and notices need.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Card {
    title: String,
    status: Status,
    since: Timestamp,
    place: Place,
    ended: Option<EndedHow>,
    last_turn: Option<(TurnId, i64)>,
    task: Option<TaskId>,
    /// The request that is open, where its name is known.
    need: Option<String>,
    project: Option<String>,
    parent: Option<SessionId>,
}

/// Whether a session stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Own,
    /// A sub-agent or helper thread, shown with its parent.
    UnderParent,
}

/// The one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Window {
    #[default]
    Closed,
    /// Its page has not asked yet where to start.
    Loading {
        start_at: Option<Target>,
    },
    Ready,
}

/// Whether the window has the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Focus {
    Here,
    #[default]
    Elsewhere,
}

/// How loud a lack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loudness {
    /// The tray shows it: watching or telling does not work.
    Tray,
    /// The window shows it: a fact about this desktop, permanent on many machines.
    Window,
}

#[derive(Clone, Debug)]
struct Lack {
    problem: Problem,
    loudness: Loudness,
}

impl Desk {
    /// Takes in what happened. Returns what had a request that was answered or withdrawn.
    pub(crate) fn changed(&mut self, body: &EventBody) -> Vec<Target> {
        match body {
            EventBody::Snapshot {
                sessions,
                tasks,
                summary,
            } => {
                self.summary = *summary;
                let before = std::mem::take(&mut self.cards);
                for session in sessions {
                    self.keep(session);
                }
                let answered = before
                    .into_iter()
                    .filter(|(id, card)| is_answered(card, self.cards.get(id)))
                    .map(|(id, _)| Target::Session(id));
                let mut answered: Vec<Target> = answered.collect();
                answered.extend(self.tasks.replace(tasks));
                answered
            }
            EventBody::SessionDiscovered { session }
            | EventBody::SessionUpdated { session }
            | EventBody::SessionClosed { session } => {
                let before = self.cards.remove(&session.id);
                self.keep(session);
                before
                    .filter(|card| is_answered(card, self.cards.get(&session.id)))
                    .map(|_| Target::Session(session.id.clone()))
                    .into_iter()
                    .collect()
            }
            EventBody::TaskUpdated { task } => self.tasks.keep(task).into_iter().collect(),
            EventBody::Summary { summary } => {
                self.summary = *summary;
                Vec::new()
            }
            EventBody::Notice { .. } | EventBody::Heartbeat {} => Vec::new(),
        }
    }

    /// Takes in that a notice was claimed: from now on its session is news.
    pub(crate) fn told(&mut self, notice: &Notice) {
        let is_ending = match notice.kind {
            NoticeKind::TurnCompleted
            | NoticeKind::TurnFailed
            | NoticeKind::SessionDied
            | NoticeKind::TaskFinished => true,
            NoticeKind::TurnInterrupted | NoticeKind::NeedsYou => false,
        };
        if is_ending && self.focus == Focus::Elsewhere {
            self.unseen.extend(notice.session_id.clone());
        }
    }

    /// Takes in that the window is to be shown. Returns where its page should go at once.
    pub(crate) fn open(&mut self, at: Option<Target>) -> Option<Target> {
        self.unseen.clear();
        match &mut self.window {
            Window::Closed => {
                self.window = Window::Loading { start_at: at };
                None
            }
            Window::Loading { start_at } => {
                if at.is_some() {
                    *start_at = at;
                }
                None
            }
            Window::Ready => at,
        }
    }

    /// Takes in that the page has arrived. Returns where it should start.
    pub(crate) fn page_arrived(&mut self) -> Option<Target> {
        match std::mem::replace(&mut self.window, Window::Ready) {
            Window::Loading { start_at } => start_at,
            Window::Closed | Window::Ready => None,
        }
    }

    /// Takes in that the window is gone.
    pub(crate) fn window_closed(&mut self) {
        self.window = Window::Closed;
        self.focus = Focus::Elsewhere;
    }

    /// Takes in that the window got or lost the keyboard.
    pub(crate) fn focus_changed(&mut self, focus: Focus) {
        self.focus = focus;
        match focus {
            Focus::Here => self.unseen.clear(),
            Focus::Elsewhere => {}
        }
    }

    /// Takes in what hampers watching.
    pub(crate) fn hampered(&mut self, problems: Vec<Problem>) {
        self.hampering = problems;
    }

    /// Takes in that the desktop lacks something.
    pub(crate) fn found_lacking(&mut self, problem: Problem, loudness: Loudness) {
        self.lacking
            .insert(problem.code.clone(), Lack { problem, loudness });
    }

    /// Takes in that what was lacking is there.
    pub(crate) fn found_again(&mut self, code: &str) {
        self.lacking.remove(code);
    }

    /// Returns all problems, the engine's first.
    #[must_use]
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let lacking = self.lacking.values().map(|lack| &lack.problem);
        self.hampering.iter().chain(lacking).cloned().collect()
    }

    /// Returns whether the window exists.
    #[must_use]
    pub(crate) fn has_window(&self) -> bool {
        self.window != Window::Closed
    }

    /// Returns whether the window has the keyboard.
    #[must_use]
    pub(crate) const fn focus(&self) -> Focus {
        self.focus
    }

    /// Returns how long the turn `notice` is about took, in seconds, where that is known.
    #[must_use]
    pub(crate) fn turn_s(&self, notice: &Notice) -> Option<i64> {
        let (turn, seconds) = self
            .cards
            .get(notice.session_id.as_ref()?)?
            .last_turn
            .as_ref()?;
        (notice.turn_id.as_ref() == Some(turn)).then_some(*seconds)
    }

    /// Returns whether what `notice` asks for is still asked for.
    #[must_use]
    pub(crate) fn still_needs(&self, notice: &Notice) -> bool {
        let of_session = notice.session_id.as_ref().and_then(|id| self.cards.get(id));
        let of_task = notice.task_id.as_deref().and_then(TaskId::parse);
        of_session.is_some_and(|card| card.status == Status::NeedsYou)
            || of_task.is_some_and(|task| self.tasks.needs_you(&task) == Some(true))
    }

    /// Returns the name of the folder that `notice` is about.
    #[must_use]
    pub(crate) fn project(&self, notice: &Notice) -> Option<String> {
        let card = notice.session_id.as_ref().and_then(|id| self.cards.get(id));
        let of_session = card.and_then(|card| card.project.clone());
        let of_task = || {
            let task = notice.task_id.as_deref().and_then(TaskId::parse)?;
            self.tasks.project(&task)
        };
        of_session.or_else(of_task)
    }

    /// Returns the session that `notice` is about and those it works for.
    #[must_use]
    pub(crate) fn line(&self, notice: &Notice) -> Vec<SessionId> {
        let task = notice.task_id.as_deref().and_then(TaskId::parse);
        let of_task = || self.tasks.session(&task?);
        let mut line: Vec<SessionId> = Vec::new();
        let mut next = notice.session_id.clone().or_else(of_task);
        while let Some(id) = next.filter(|id| !line.contains(id)) {
            next = self.cards.get(&id).and_then(|card| card.parent.clone());
            line.push(id);
        }
        line
    }

    /// Keeps a session's card; one that is taken up again is no news any more.
    fn keep(&mut self, session: &LiveSession) {
        match session.status {
            Status::Working | Status::NeedsYou => {
                self.unseen.remove(&session.id);
            }
            Status::Paused | Status::Done | Status::Unknown => {}
        }
        self.cards.insert(session.id.clone(), Card::of(session));
    }
}

impl Card {
    fn of(session: &LiveSession) -> Self {
        let is_own = !session.helper && session.parent_id.is_none();
        Self {
            title: face::title_of(session),
            status: session.status,
            since: session.status_since,
            place: if is_own {
                Place::Own
            } else {
                Place::UnderParent
            },
            ended: session.ended.as_ref().map(|ended| ended.how),
            last_turn: last_turn_of(session),
            task: session.task_id.as_deref().and_then(TaskId::parse),
            need: session.need.as_ref().map(|need| need.request_id.clone()),
            project: session.project.clone(),
            parent: session.parent_id.clone(),
        }
    }
}

fn last_turn_of(session: &LiveSession) -> Option<(TurnId, i64)> {
    let last = session.last_turn.as_ref()?;
    let turn = session.turn.as_ref().filter(|turn| turn.id == last.id)?;
    let seconds = last.ended_at?.duration_since(turn.started_at?).as_secs();
    Some((last.id.clone(), seconds))
}

/// Returns whether the request that was open is not any more: nothing is asked for, or something
/// else. A name that becomes known later is that of the same request.
fn is_answered(before: &Card, after: Option<&Card>) -> bool {
    let is_gone = |after: &Card| {
        let is_another = before.need.is_some() && after.need.is_some() && before.need != after.need;
        after.status != Status::NeedsYou || is_another
    };
    before.status == Status::NeedsYou && after.is_none_or(is_gone)
}

#[cfg(test)]
mod tests {
    use mission_control_core::session::{Need, NeedKind};
    use mission_control_core::task::model::TaskStatus;

    use super::samples::{id, notice, page, session, task, task_id};
    use super::*;

    #[test]
    fn an_answered_request_is_reported_once() {
        let mut desk = Desk::default();
        let mut asking = session("1", Status::NeedsYou);
        desk.changed(&updated(&asking));
        asking.status = Status::Working;

        assert_eq!(desk.changed(&updated(&asking)), [page("1")]);
        assert_eq!(desk.changed(&updated(&asking)), []);
    }

    #[test]
    fn a_snapshot_without_the_asking_session_ends_its_request() {
        let mut desk = Desk::default();
        desk.changed(&updated(&session("1", Status::NeedsYou)));

        let answered = desk.changed(&EventBody::Snapshot {
            tasks: Vec::new(),
            sessions: vec![session("2", Status::Working)],
            summary: Summary::default(),
        });

        assert_eq!(answered, [page("1")]);
    }

    #[test]
    fn a_request_that_another_one_follows_is_reported() {
        let mut desk = Desk::default();
        let mut asking = session("1", Status::NeedsYou);
        desk.changed(&updated(&asking));

        asking.need = Some(need("a"));
        assert_eq!(desk.changed(&updated(&asking)), [], "it got its words");
        asking.activity = Some("Waiting".to_owned());
        assert_eq!(desk.changed(&updated(&asking)), []);
        asking.need = Some(need("b"));
        assert_eq!(desk.changed(&updated(&asking)), [page("1")]);
        asking.need = None;
        assert_eq!(desk.changed(&updated(&asking)), [], "its words were lost");
        asking.status = Status::Paused;
        assert_eq!(desk.changed(&updated(&asking)), [page("1")]);
    }

    #[test]
    fn a_request_that_vanishes_with_its_session_is_reported() {
        let mut desk = Desk::default();
        let mut asking = session("1", Status::NeedsYou);
        asking.need = Some(need("a"));
        desk.changed(&updated(&asking));
        asking.status = Status::Done;
        asking.need = None;

        let answered = desk.changed(&EventBody::SessionClosed {
            session: Box::new(asking),
        });

        assert_eq!(answered, [page("1")]);
    }

    #[test]
    fn what_was_held_back_is_needed_as_long_as_it_is_asked_for() {
        let mut desk = Desk::default();
        let about = notice("1", NoticeKind::NeedsYou);
        assert!(!desk.still_needs(&about));

        let mut asking = session("1", Status::NeedsYou);
        desk.changed(&updated(&asking));
        assert!(desk.still_needs(&about));

        asking.status = Status::Working;
        desk.changed(&updated(&asking));
        assert!(!desk.still_needs(&about));
    }

    #[test]
    fn a_task_that_asks_is_needed_and_knows_its_session_and_project() {
        let mut desk = Desk::default();
        let mut about = notice("1", NoticeKind::NeedsYou);
        about.session_id = None;
        about.task_id = Some(task_id(1).to_string());
        let update = |status| EventBody::TaskUpdated {
            task: Box::new(task(1, status)),
        };

        desk.changed(&update(TaskStatus::InputRequired));
        assert!(desk.still_needs(&about));
        assert_eq!(desk.project(&about).as_deref(), Some("work"));
        assert_eq!(desk.line(&about), [id("1")]);

        desk.changed(&update(TaskStatus::Running));
        assert!(!desk.still_needs(&about));
    }

    #[test]
    fn a_sub_agent_belongs_to_the_project_and_the_line_of_its_parents() {
        let mut desk = Desk::default();
        let mut child = session("child", Status::NeedsYou);
        child.parent_id = Some(id("middle"));
        child.project = Some("acme".to_owned());
        let mut middle = session("middle", Status::Working);
        middle.parent_id = Some(id("top"));
        for session in [&child, &middle] {
            desk.changed(&updated(session));
        }
        let about = notice("child", NoticeKind::NeedsYou);

        assert_eq!(desk.project(&about).as_deref(), Some("acme"));
        assert_eq!(desk.line(&about), [id("child"), id("middle"), id("top")]);
    }

    #[test]
    fn a_window_that_loads_starts_at_the_latest_wish() {
        let mut desk = Desk::default();

        assert_eq!(desk.open(Some(page("1"))), None);
        assert_eq!(desk.open(Some(page("2"))), None);
        assert_eq!(desk.open(None), None);

        assert_eq!(desk.page_arrived(), Some(page("2")));
    }

    #[test]
    fn an_open_page_is_sent_to_the_session_and_a_reload_stays() {
        let mut desk = Desk::default();
        desk.open(None);
        desk.page_arrived();

        assert_eq!(desk.open(Some(page("1"))), Some(page("1")));
        assert_eq!(desk.page_arrived(), None);
    }

    #[test]
    fn a_closed_window_forgets_where_it_was_to_start() {
        let mut desk = Desk::default();
        desk.open(Some(page("1")));
        desk.window_closed();
        desk.open(None);

        assert_eq!(desk.page_arrived(), None);
    }

    #[test]
    fn a_turns_length_is_known_for_the_turn_it_belongs_to_only() {
        let mut desk = Desk::default();
        let mut done = session("1", Status::Paused);
        let about = notice("1", NoticeKind::TurnCompleted);
        assert_eq!(desk.turn_s(&about), None);
        desk.changed(&updated(&done));
        assert_eq!(desk.turn_s(&about), Some(95));

        if let Some(turn) = &mut done.turn {
            turn.id = TurnId("next".to_owned());
        }
        desk.changed(&updated(&done));

        assert_eq!(desk.turn_s(&about), None);
    }

    fn need(request: &str) -> Need {
        Need {
            kind: NeedKind::Approval,
            summary: "Run it?".to_owned(),
            request_id: request.to_owned(),
            can_answer: false,
            choices: Vec::new(),
        }
    }

    fn updated(session: &LiveSession) -> EventBody {
        EventBody::SessionUpdated {
            session: Box::new(session.clone()),
        }
    }
}
