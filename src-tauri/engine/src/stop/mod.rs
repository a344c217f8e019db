//! Ends the process that owns a session, and nothing else.
//!
//! Only an owner that is known for certain, serves nobody else and still is the very process that
//! was looked at is ended: asked first, then forced. Of a server that others use, too, only the turn
//! is interrupted, if the server can be asked to. Everything else is refused with the reason.

#[cfg(not(unix))]
#[path = "other.rs"]
mod platform;
#[cfg(unix)]
#[path = "unix.rs"]
mod platform;

mod refusal;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use mission_control_core::notice::{NoticeId, NoticeKind};
use mission_control_core::process::ProcessKey;
use mission_control_core::session::{LiveSession, SessionId, Status};
use mission_control_core::task::failure::CancelledBy;
use mission_control_core::task::model::TaskId;
use serde::Serialize;

use crate::answering::interrupt_blocking;
use crate::clock::Clock;
use crate::kin::{self, Kin};
use crate::places::{Environment, Places};
use crate::settings::Settings;
use crate::source::live::Interrupted;
use crate::source::{Owner, Ownership, Serves, ownership};
use crate::store::{Store, StoreError};
use crate::task::act::{self, Cancelling};
use crate::task::cloud::Awaited;
use crate::task::context::TaskContext;
use crate::task::mark::ProcessMark;
use crate::task::waiting::{Waited, wait_for};
use crate::task::wake::Waker;

pub use refusal::{Refusal, Sharing};

/// How long what was started by the owner may take to follow it.
const FOLLOW: Duration = Duration::from_secs(1);

/// How long the end of a process that was forced may take.
const FORCED: Duration = Duration::from_secs(2);

/// How far two looks may be apart about the start of one process: it is computed from the start
/// of the system, which is known to the second only. Who holds the session is looked up anew.
const START_SLACK: SignedDuration = SignedDuration::from_secs(2);

/// Between looks at processes whose end wakes nobody.
const STEP: Duration = Duration::from_millis(50);

/// How much longer than its supervisor's patience a task may take to end.
const SLACK: Duration = Duration::from_secs(20);

/// What is needed to stop a session.
#[derive(Clone, Copy, Debug)]
pub struct StopPlaces<'a> {
    /// What this program was started with.
    pub environment: &'a Environment,
    /// The settings.
    pub settings: &'a Settings,
    /// Where things are kept.
    pub places: &'a Places,
}

/// What was seen to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The session.
    pub session_id: SessionId,
    /// Whether its owner, its task or its turn was seen to end.
    pub stopped: bool,
    /// How.
    pub how: StoppedHow,
    /// The delegated task it ran for, which was cancelled in its place.
    pub task_id: Option<String>,
    /// The owner first, then what it had started.
    pub processes: Vec<SeenProcess>,
}

/// How a session was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedHow {
    /// Its process was asked to end, and did.
    Asked,
    /// It did not end when it was asked to, and was killed.
    Forced,
    /// The task it runs for was cancelled.
    TaskCancelled,
    /// Its process works for others, too; the turn it ran was interrupted.
    TurnInterrupted,
}

/// A process that belonged to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenProcess {
    /// Its id.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// Whether it was seen to end.
    pub ended: bool,
}

/// Stops a session. `sessions` are all that live, as they were just looked up.
///
/// # Errors
/// When it must not be stopped, or cannot be.
pub fn stop(
    at: &StopPlaces<'_>,
    sessions: &[LiveSession],
    session: &LiveSession,
) -> Result<Stopped, Refusal> {
    if session.status == Status::Done {
        return Err(Refusal::Ended);
    }
    if let Some(cancelled) = cancel_its_task(at, session)? {
        return Ok(cancelled);
    }
    let owner = match ownership(&at.places.homes, session) {
        Ownership::Held(owner) => owner,
        Ownership::Possible { pid } => return Err(Refusal::Possible { pid }),
        Ownership::Free => return Err(Refusal::Ended),
        Ownership::Unknown { why } => return Err(Refusal::Unknown { why }),
    };
    let owner = match unshared(owner, sessions, session) {
        Ok(owner) => owner,
        Err(refusal) => return interrupt_its_turn(at, session, refusal),
    };
    tell_nobody(at.places, session, NoticeKind::SessionDied);
    let grace = at.settings.stop.grace_seconds.duration();
    end(
        session.id.clone(),
        &owner,
        &others(sessions, session),
        grace,
    )
}

/// Returns the owner if `session` and its sub-agents are all it works for, and if it is the one
/// that the session names.
fn unshared(
    owner: Owner,
    sessions: &[LiveSession],
    session: &LiveSession,
) -> Result<Owner, Refusal> {
    let pid = owner.key.pid;
    let sharing = |sharing| Err(Refusal::Shared { pid, sharing });
    if !session
        .process
        .is_some_and(|shown| is_same(shown, owner.key))
    {
        return Err(Refusal::Unknown {
            why: "It changed hands while it was looked at.".to_owned(),
        });
    }
    match owner.serves {
        Serves::Others => return sharing(Sharing::Server),
        Serves::Itself | Serves::OnePrompt => {}
    }
    let family = family(sessions, session);
    let known = sessions
        .iter()
        .filter(|other| other.process.is_some_and(|by| is_same(by, owner.key)));
    let known = known.map(|other| other.source_session_id.as_str());
    let held: BTreeSet<&str> = owner
        .holds
        .iter()
        .map(String::as_str)
        .chain(known)
        .collect();
    let strangers = held.into_iter().filter(|id| !family.contains(id));
    let strangers: Vec<String> = strangers.map(str::to_owned).collect();
    if strangers.is_empty() {
        return Ok(owner);
    }
    let parent = session.parent_id.as_ref();
    match parent.filter(|parent| strangers.iter().any(|id| id == parent.source_session_id())) {
        Some(parent) => sharing(Sharing::Parent(parent.clone())),
        None => sharing(Sharing::Sessions(strangers)),
    }
}

/// Returns whether two looks saw the same process.
fn is_same(one: ProcessKey, other: ProcessKey) -> bool {
    let apart = one.started_at.duration_since(other.started_at).abs();
    one.pid == other.pid && apart <= START_SLACK
}

/// Returns the session and everything that works for it, by the source's ids.
fn family<'a>(sessions: &'a [LiveSession], session: &'a LiveSession) -> BTreeSet<&'a str> {
    let mut members: BTreeSet<&SessionId> = BTreeSet::from([&session.id]);
    loop {
        let is_child = |other: &&LiveSession| {
            !members.contains(&other.id)
                && other
                    .parent_id
                    .as_ref()
                    .is_some_and(|parent| members.contains(parent))
        };
        let children: Vec<&SessionId> = sessions
            .iter()
            .filter(is_child)
            .map(|child| &child.id)
            .collect();
        if children.is_empty() {
            break;
        }
        members.extend(children);
    }
    members
        .into_iter()
        .map(SessionId::source_session_id)
        .collect()
}

/// Returns the processes of other sessions, which are left alone whatever started them.
fn others(sessions: &[LiveSession], session: &LiveSession) -> BTreeSet<u32> {
    let others = sessions
        .iter()
        .filter(|other| other.process != session.process);
    others
        .filter_map(|other| Some(other.process?.pid))
        .collect()
}

/// Interrupts the turn of a session whose process must not be ended for the reason `refusal`.
fn interrupt_its_turn(
    at: &StopPlaces<'_>,
    session: &LiveSession,
    refusal: Refusal,
) -> Result<Stopped, Refusal> {
    let is_shared = matches!(
        refusal,
        Refusal::Shared {
            sharing: Sharing::Server | Sharing::Sessions(_),
            ..
        }
    );
    let works = matches!(session.status, Status::Working | Status::NeedsYou);
    let turn = session.turn.as_ref().filter(|_| is_shared && works);
    let Some(turn) = turn else {
        return Err(refusal);
    };
    tell_nobody(at.places, session, NoticeKind::TurnInterrupted);
    let transcript = session.transcript_path.as_deref();
    let stopped = match interrupt_blocking(at.places, &session.id, transcript, &turn.id.0)? {
        Interrupted::Confirmed => true,
        Interrupted::Unconfirmed => false,
        Interrupted::NotRunning | Interrupted::Refused(_) => return Err(refusal),
    };
    Ok(Stopped {
        session_id: session.id.clone(),
        stopped,
        how: StoppedHow::TurnInterrupted,
        task_id: None,
        processes: Vec::new(),
    })
}

/// Claims the notice of what the person wants, so that it is not told as news.
pub(crate) fn tell_nobody(places: &Places, session: &LiveSession, kind: NoticeKind) {
    let turn = session.turn.as_ref().map(|turn| &turn.id);
    let notice = NoticeId::derive(&session.id, turn, kind, None);
    let now = Clock::start().now().wall;
    let claimed = Store::open(&places.state).and_then(|store| store.claim_notice(&notice, now));
    if let Err(error) = claimed {
        tracing::warn!(%error, "The end of a session that is stopped will be told as news.");
    }
}

/// A process that belongs to a session.
#[derive(Debug)]
struct Member {
    mark: ProcessMark,
    name: String,
}

/// Ends the owner, with its group if it leads one.
fn end(
    session_id: SessionId,
    owner: &Owner,
    spared: &BTreeSet<u32>,
    grace: Duration,
) -> Result<Stopped, Refusal> {
    let pid = owner.key.pid;
    let all = kin::all();
    let leads = all.iter().any(|kin| kin.pid == pid && kin.group == pid);
    let is_other =
        |kin: &&Kin| kin.pid != pid && kin.pid != std::process::id() && !spared.contains(&kin.pid);
    let member = |seen: &Kin| {
        let mark = ProcessMark::of(seen.pid)?;
        let name = seen.name.clone();
        // Marked first and compared then, so that a reused pid cannot slip in between.
        (kin::of(seen.pid).as_ref() == Some(seen)).then_some(Member { mark, name })
    };
    let in_group = all.iter().filter(|kin| leads && kin.group == pid);
    let group: Vec<Member> = in_group.filter(is_other).filter_map(member).collect();
    let is_elsewhere = |kin: &&&Kin| !group.iter().any(|member| member.mark.pid == kin.pid);
    let started: Vec<Member> = kin::below(pid, &all)
        .into_iter()
        .filter(|kin| is_other(kin))
        .filter(|kin| is_elsewhere(&kin))
        .filter_map(member)
        .collect();
    let own = Member {
        mark: owner.mark.clone(),
        name: owner.name.clone(),
    };
    let targets: Vec<&Member> = std::iter::once(&own).chain(&group).collect();

    let mut waiting = Waiting::new();
    let how = if own.mark.is_alive() {
        signal_all(&targets, platform::Stop::Ask)?;
        waiting.until_gone(&targets, grace);
        if targets.iter().any(|target| target.mark.is_alive()) {
            signal_all(&targets, platform::Stop::End)?;
            waiting.until_gone(&targets, FORCED);
            StoppedHow::Forced
        } else {
            StoppedHow::Asked
        }
    } else {
        return Err(Refusal::Ended);
    };
    let followers: Vec<&Member> = started.iter().collect();
    waiting.until_gone(&followers, FOLLOW);
    let seen = |member: &&Member| SeenProcess {
        pid: member.mark.pid,
        name: member.name.clone(),
        ended: !member.mark.is_alive(),
    };
    Ok(Stopped {
        session_id,
        stopped: !own.mark.is_alive(),
        how,
        task_id: None,
        processes: targets.iter().chain(&followers).map(seen).collect(),
    })
}

/// Signals each process that still is the one it was, looked at right before.
fn signal_all(targets: &[&Member], how: platform::Stop) -> Result<(), Refusal> {
    for target in targets {
        if !target.mark.is_alive() {
            continue;
        }
        match platform::signal(target.mark.pid, how) {
            Err(source) if target.mark.is_alive() => {
                return Err(Refusal::NotAllowed {
                    pid: target.mark.pid,
                    source,
                });
            }
            // It ended between the look and the signal.
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Waits for processes to end.
struct Waiting {
    clock: Clock,
    waker: Waker,
}

impl Waiting {
    fn new() -> Self {
        Self {
            clock: Clock::start(),
            waker: Waker::new(),
        }
    }

    /// Waits until none of them lives, at most for `limit`.
    fn until_gone(&mut self, members: &[&Member], limit: Duration) {
        let end = self.clock.now().steady + limit;
        while let Some(alive) = members.iter().find(|member| member.mark.is_alive()) {
            let left = end.saturating_sub(self.clock.now().steady);
            if left.is_zero() {
                break;
            }
            self.waker.watch_process(alive.mark.pid);
            self.waker.wait(left.min(STEP));
        }
        self.waker.forget_process();
    }
}

/// Cancels the delegated task that a session runs for; none when it runs for none that is open.
fn cancel_its_task(at: &StopPlaces<'_>, session: &LiveSession) -> Result<Option<Stopped>, Refusal> {
    let Some(id) = session.task_id.as_deref().and_then(TaskId::parse) else {
        return Ok(None);
    };
    let context = TaskContext::of(at.environment, at.settings, at.places.clone());
    let store = Store::open(&context.state)?;
    let is_over = |store: &Store| -> Result<Option<()>, StoreError> {
        let task = store.task_result(&id)?;
        Ok(task
            .is_none_or(|task| task.status.is_terminal())
            .then_some(()))
    };
    if is_over(&store)?.is_some() {
        return Ok(None);
    }
    match act::cancel(&context, &store, &id, &CancelledBy::Person {})? {
        Cancelling::Asked | Cancelling::HadEnded => {}
        Cancelling::Unsupported { .. } => return Err(Refusal::Elsewhere),
    }
    let limit = context.settings.term_grace_seconds.duration() + SLACK;
    let no_cloud = || Awaited::These(Vec::new());
    let ended = match wait_for(&context, &store, no_cloud, Some(limit), is_over)? {
        Waited::For(()) => true,
        Waited::TimeUp => false,
    };
    Ok(Some(Stopped {
        session_id: session.id.clone(),
        stopped: ended,
        how: StoppedHow::TaskCancelled,
        task_id: Some(id.to_string()),
        processes: Vec::new(),
    }))
}

impl Stopped {
    /// Says what happened, as sentences.
    #[must_use]
    pub fn sentences(&self, grace: Duration) -> Vec<String> {
        let id = &self.session_id;
        let first = match (self.how, self.stopped, &self.task_id) {
            (StoppedHow::TaskCancelled, true, Some(task)) => {
                format!("{id} runs for the task {task}, which was cancelled.")
            }
            (StoppedHow::TaskCancelled, ..) => {
                "The task it runs for was asked to end and has not ended yet.".to_owned()
            }
            (StoppedHow::TurnInterrupted, true, _) => format!(
                "The turn of {id} was interrupted. The session stays open: other programs use its process."
            ),
            (StoppedHow::TurnInterrupted, false, _) => {
                format!("{id} was asked to interrupt its turn and still works.")
            }
            (StoppedHow::Asked, true, _) => {
                format!("{id} was stopped: it ended when it was asked to.")
            }
            (StoppedHow::Forced, true, _) => format!(
                "{id} was stopped by force: it had not ended {} s after it was asked to.",
                grace.as_secs_f64()
            ),
            (StoppedHow::Asked | StoppedHow::Forced, false, _) => {
                format!("{id} could not be stopped: its process does not end.")
            }
        };
        let left = self.processes.iter().filter(|process| !process.ended);
        let left: Vec<String> = left
            .map(|process| format!("{} ({})", process.name, process.pid))
            .collect();
        let left = (!left.is_empty()).then(|| format!("Still running: {}.", left.join(", ")));
        std::iter::once(first).chain(left).collect()
    }
}

#[cfg(test)]
mod tests;
