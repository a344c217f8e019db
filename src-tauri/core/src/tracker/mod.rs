//! The only writer of a session's status.
//!
//! The tracker takes in what was seen ([`Observation`]) and says what to tell ([`Effect`]).
//! It does no IO and reads no clock: the present is an argument ([`Now`]).

mod hold;
mod reach;
mod state;
mod view;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::event::Summary;
use crate::notice::{Notice, NoticeId, NoticeKind};
use crate::observation::{Observation, Role};
use crate::session::{EndedHow, Freshness, LiveSession, SessionId, Status};
use reach::Errand;
use state::{SessionState, TurnEnd};
use view::Family;

/// A running turn without a line for this long is quiet.
pub const QUIET_AFTER: Duration = Duration::from_secs(120);

/// A program that runs one turn leaves right after it: that is not a person's turn.
pub const LEAVES_WITHIN: Duration = Duration::from_secs(1);

/// A session that was over and is held again is open after this, if nothing else shows it before.
pub const TAKEN_UP_AFTER: Duration = Duration::from_secs(3);

/// A need whose words are not known yet is told without them after this.
const WORDS_WITHIN: Duration = Duration::from_secs(1);

/// A request that a hook or the transcript shows counts after this: what a rule or another hook
/// decides at once waits for nobody.
const ASKS_AFTER: Duration = Duration::from_millis(200);

/// How deep sessions may be nested; deeper ones count as children of nobody.
const MAX_DEPTH: usize = 16;

/// The present, twice: steady for deadlines, and as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time awake since the engine started. Never runs backwards, stands still in suspend.
    pub steady: Duration,
    /// The wall clock. May jump.
    pub wall: Timestamp,
}

/// What the engine should tell the faces.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A session appeared.
    Discovered(Box<LiveSession>),
    /// A session changed.
    Updated(Box<LiveSession>),
    /// A session ended.
    Closed(Box<LiveSession>),
    /// A session is no longer listed.
    Forgotten(SessionId),
    /// The counts changed.
    Summary(Summary),
    /// A person should be told.
    Notice(Notice),
}

/// All sessions and how they change. A pure machine: time is an argument.
#[derive(Debug)]
pub struct Tracker {
    notify_since: Timestamp,
    sessions: BTreeMap<SessionId, Tracked>,
    children: BTreeMap<SessionId, BTreeSet<SessionId>>,
    raised: BTreeSet<NoticeId>,
    /// Sessions that run for a delegated task.
    tasks: BTreeMap<SessionId, RunsFor>,
    summary: Summary,
    effects: VecDeque<Effect>,
    /// The homes that agents use unless they are told of another one.
    usual_homes: BTreeSet<String>,
}

#[derive(Debug)]
struct Tracked {
    state: SessionState,
    /// What the faces were told last; none before a line was read and the writer looked up.
    shown: Option<Box<LiveSession>>,
    /// Turns that ended and wait for child sessions before they are announced.
    ends: Vec<TurnEnd>,
    /// Whether it was told that a person is waited for without saying for what.
    told_without_words: bool,
}

/// The delegated task a session runs for.
#[derive(Debug)]
struct RunsFor {
    task: String,
    ended_at: Option<Timestamp>,
}

impl RunsFor {
    /// Returns whether what happened at `at` is the task's to tell.
    fn covers(&self, at: Option<Timestamp>) -> bool {
        self.ended_at.is_none() || at <= self.ended_at
    }
}

impl Tracker {
    /// Makes a tracker that raises notices for what ended at or after `notify_since`.
    #[must_use]
    pub const fn new(notify_since: Timestamp) -> Self {
        Self {
            notify_since,
            sessions: BTreeMap::new(),
            children: BTreeMap::new(),
            raised: BTreeSet::new(),
            tasks: BTreeMap::new(),
            summary: Summary {
                working: 0,
                needs_you: 0,
                paused: 0,
                done: 0,
                unknown: 0,
                tasks_running: 0,
            },
            effects: VecDeque::new(),
            usual_homes: BTreeSet::new(),
        }
    }

    /// Says which homes agents use unless they are told of another one; sessions of others are taken
    /// up by a command that names theirs.
    pub fn set_usual_homes(&mut self, homes: impl IntoIterator<Item = String>) {
        self.usual_homes = homes.into_iter().collect();
    }

    /// Takes in one observation.
    pub fn handle(&mut self, observation: Observation, now: Now) {
        let id = match observation {
            Observation::Lines { session, lines } => {
                let tracked = self.tracked(&session, now);
                tracked.ends.extend(tracked.state.read_lines(lines, now));
                if let Some(parent) = tracked.state.parent() {
                    self.children
                        .entry(parent)
                        .or_default()
                        .insert(session.clone());
                }
                session
            }
            Observation::WriterSeen { session, writer } => {
                let tracked = self.tracked(&session, now);
                tracked.ends.extend(tracked.state.writer_seen(writer, now));
                session
            }
            Observation::LiveSeen { session, live } => {
                self.tracked(&session, now).state.live_seen(live, now);
                session
            }
            Observation::HookCalled { session, request } => {
                self.tracked(&session, now).state.hook_called(request, now);
                session
            }
            Observation::LiveLost { session } => {
                if let Some(tracked) = self.sessions.get_mut(&session) {
                    tracked.state.live_lost();
                }
                session
            }
            Observation::Renamed { session, title } => {
                if let Some(tracked) = self.sessions.get_mut(&session) {
                    tracked.state.title = Some(title);
                }
                session
            }
            Observation::RunsFor {
                session,
                task,
                ended_at,
            } => {
                self.tasks
                    .insert(session.clone(), RunsFor { task, ended_at });
                session
            }
            Observation::TranscriptMoved {
                session,
                path,
                place,
            } => {
                if let Some(tracked) = self.sessions.get_mut(&session) {
                    tracked.state.path = Some(path);
                    tracked.state.place = place;
                }
                session
            }
            Observation::TranscriptGone { session } => {
                // A parent that waited for it is waiting no longer.
                let parent = self.sessions.get(&session).and_then(|t| t.state.parent());
                self.forget(&session);
                parent.unwrap_or(session)
            }
        };
        self.refresh_with_ancestors(&id, now);
        self.refresh_summary();
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Now) {
        let due: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, tracked)| tracked.deadline().is_some_and(|at| at <= now.steady))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            self.refresh_with_ancestors(&id, now);
        }
        self.refresh_summary();
    }

    /// Returns when [`Self::handle_timeout`] should be called next, on the steady clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.sessions.values().filter_map(Tracked::deadline).min()
    }

    /// Returns the next thing to tell, if any.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns all sessions that have been read and whose writer has been looked up, newest
    /// first.
    #[must_use]
    pub fn sessions(&self) -> Vec<LiveSession> {
        let mut sessions: Vec<LiveSession> = self
            .sessions
            .values()
            .filter_map(|tracked| tracked.shown.as_deref().cloned())
            .collect();
        sessions.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        sessions
    }

    /// Returns one session.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<LiveSession> {
        self.sessions.get(id)?.shown.as_deref().cloned()
    }

    /// Returns the counts.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    fn tracked(&mut self, id: &SessionId, now: Now) -> &mut Tracked {
        self.sessions.entry(id.clone()).or_insert_with(|| Tracked {
            state: SessionState::new(id.clone(), now),
            shown: None,
            ends: Vec::new(),
            told_without_words: false,
        })
    }

    fn forget(&mut self, id: &SessionId) {
        let Some(tracked) = self.sessions.remove(id) else {
            return;
        };
        if let Some(parent) = tracked.state.parent()
            && let Some(siblings) = self.children.get_mut(&parent)
        {
            siblings.remove(id);
        }
        if tracked.shown.is_some() {
            self.effects.push_back(Effect::Forgotten(id.clone()));
        }
    }

    /// A session counts as finished only when its children are, so what changes a child
    /// may change all its ancestors.
    fn refresh_with_ancestors(&mut self, id: &SessionId, now: Now) {
        let mut next = Some(id.clone());
        for _ in 0..MAX_DEPTH {
            let Some(id) = next else { return };
            self.refresh(&id, now);
            next = self.sessions.get(&id).and_then(|t| t.state.parent());
        }
    }

    fn refresh(&mut self, id: &SessionId, now: Now) {
        let family = self.family(id);
        let Some(tracked) = self.sessions.get_mut(id) else {
            return;
        };
        if !tracked.state.writer_was_looked_up() || !tracked.state.has_a_line() {
            return;
        }
        tracked.state.handle_timeout(now);
        let runs_for = self.tasks.get(id);
        let errand = match runs_for.map(|runs_for| runs_for.ended_at) {
            Some(None) => Errand::OpenTask,
            Some(Some(_)) | None => Errand::None,
        };
        let shown = tracked.shown.as_deref();
        let mut view = tracked.state.view(&family, shown, errand, now);
        view.task_id = runs_for.map(|runs_for| runs_for.task.clone());
        if let (Some(command), Some(home)) = (&view.resume_command, &view.home)
            && !self.usual_homes.is_empty()
            && !self.usual_homes.contains(home)
        {
            let variable = view.source.home_variable();
            let home = crate::text::shell_word(home);
            view.resume_command = Some(format!("{variable}={home} {command}"));
        }
        let view = Box::new(view);
        let before = tracked.shown.as_deref();
        let has_died = view
            .ended
            .as_ref()
            .is_some_and(|ended| ended.how == EndedHow::Killed)
            && before.is_none_or(|before| before.status != Status::Done);
        if before.is_none() {
            self.effects.push_back(Effect::Discovered(view.clone()));
        }
        let was_done = before.is_some_and(|before| before.status == Status::Done);
        if view.status == Status::Done && !was_done {
            self.effects.push_back(Effect::Closed(view.clone()));
        } else if before.is_some_and(|before| *before != *view) {
            self.effects.push_back(Effect::Updated(view.clone()));
        }
        tracked.shown = Some(view);
        self.announce(id, &family, has_died, now);
    }

    /// Raises what is due for one session: turns that ended, and a death.
    fn announce(&mut self, id: &SessionId, family: &Family, mut has_died: bool, now: Now) {
        let Some(tracked) = self.sessions.get_mut(id) else {
            return;
        };
        let waits_since = tracked.waits_to_be_told(now);
        let Some(shown) = tracked.shown.as_deref() else {
            return;
        };
        if let Some(runs_for) = self.tasks.get(id) {
            tracked.ends.retain(|end| !runs_for.covers(end.ended_at));
        }
        let mut notices = Vec::new();
        if tracked.state.role() != Role::Helper
            && let Some(since) = waits_since
        {
            notices.push(words::need_notice(shown, since));
        }
        if tracked.state.role() != Role::Main {
            tracked.ends.clear();
            has_died = false;
        }
        if family.n_working == 0 {
            for end in std::mem::take(&mut tracked.ends) {
                if end.ended_at.is_some_and(|at| at >= self.notify_since) {
                    notices.push(words::turn_notice(shown, &end));
                }
            }
        }
        if has_died {
            let at = shown
                .ended
                .as_ref()
                .and_then(|ended| ended.at)
                .unwrap_or(now.wall);
            let is_the_tasks = self.tasks.get(id).is_some_and(|task| task.covers(Some(at)));
            if at >= self.notify_since && !is_the_tasks {
                notices.push(words::death_notice(shown));
            }
        }
        for notice in notices {
            if self.raised.insert(notice.id.clone()) {
                self.effects.push_back(Effect::Notice(notice));
            }
        }
    }

    fn family(&self, id: &SessionId) -> Family {
        let mut n_working = 0;
        let mut pending: Vec<(&SessionId, usize)> = vec![(id, 0)];
        while let Some((parent, depth)) = pending.pop() {
            if depth == MAX_DEPTH {
                continue;
            }
            for child in self.children.get(parent).into_iter().flatten() {
                let Some(tracked) = self.sessions.get(child) else {
                    continue;
                };
                if tracked.state.role() == Role::Helper {
                    continue;
                }
                if tracked
                    .shown
                    .as_deref()
                    .is_some_and(|shown| match shown.status {
                        Status::Working | Status::NeedsYou => true,
                        Status::Paused | Status::Done | Status::Unknown => false,
                    })
                {
                    n_working += 1;
                }
                pending.push((child, depth + 1));
            }
        }
        Family { n_working }
    }

    fn refresh_summary(&mut self) {
        let summary = Summary::of(
            self.sessions
                .values()
                .filter_map(|tracked| tracked.shown.as_deref()),
        );
        if summary != self.summary {
            self.summary = summary;
            self.effects.push_back(Effect::Summary(summary));
        }
    }
}

impl Tracked {
    /// Returns since when a person is waited for, if that is to be told now: with its words, or
    /// without where they do not come.
    fn waits_to_be_told(&mut self, now: Now) -> Option<Timestamp> {
        let shown = self.shown.as_deref()?;
        if shown.status != Status::NeedsYou {
            self.told_without_words = false;
            return None;
        }
        let Some(live) = &self.state.live else {
            return self.state.ask(now)?.at.or(Some(now.wall));
        };
        let has_words = shown.need.is_some();
        if !has_words && (self.told_without_words || now.steady < live.told_at) {
            return None;
        }
        if has_words && self.told_without_words {
            return None;
        }
        self.told_without_words = !has_words;
        Some(live.state.at)
    }

    /// When the view changes although nothing is seen: a running turn becomes quiet, a program that
    /// should have left is still there, or one that took a session up keeps it.
    fn deadline(&self) -> Option<Duration> {
        let shown = self.shown.as_deref()?;
        if let Some(hold) = &self.state.taken_up {
            return Some(hold.counts_at);
        }
        if shown.status == Status::NeedsYou && shown.need.is_none() {
            let live = self.state.live.as_ref();
            return live
                .filter(|_| !self.told_without_words)
                .map(|live| live.told_at);
        }
        if shown.status != Status::Working {
            return None;
        }
        let quiet_at = (shown.freshness == Freshness::Fresh).then(|| self.state.quiet_at());
        [self.state.leaves_until, quiet_at, self.state.next_ask]
            .into_iter()
            .flatten()
            .min()
    }
}

/// Returns the kind of notice an outcome deserves.
const fn notice_kind(outcome: crate::session::TurnOutcome) -> NoticeKind {
    match outcome {
        crate::session::TurnOutcome::Completed => NoticeKind::TurnCompleted,
        crate::session::TurnOutcome::Failed => NoticeKind::TurnFailed,
        crate::session::TurnOutcome::Interrupted => NoticeKind::TurnInterrupted,
    }
}

#[cfg(test)]
mod ask_tests;
#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;
