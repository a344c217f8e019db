//! Claims notices and shows them, on a thread of its own: neither a slow disk nor a daemon that
//! hangs holds up the tray.

use std::time::Duration;

use mission_control_core::notice::Notice;
use mission_control_core::quiet::Quiet;
use mission_control_engine::clock::Clock;
use mission_control_engine::places::Places;
use mission_control_engine::settings::NotificationSettings;
use mission_control_engine::store::Store;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::daemon::{self, Daemon, Handle, Loss, NotShown, Presence};
use super::open::{OpenNotices, Way};
use super::{Decision, Moment, decide};
use crate::backstage;
use crate::desk::Loudness;
use crate::problems;
use crate::target::Target;
use crate::tick::{Tick, Ticks};

/// Something to do about notifications.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Claim a notice and, if it was not claimed before and should be shown, show it.
    Tell(Box<Notice>, Box<Moment>),
    /// The session or task asks for nothing any more.
    NeedIsOver(Target),
    /// The person looks at the session or task.
    LookedAt(Target),
}

/// What is remembered between notices and between starts.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// What was told already; without it nothing may be told, because it could be told twice.
    pub(crate) store: Option<Store>,
    pub(crate) clock: Clock,
    pub(crate) places: Places,
}

/// The way to the thread that shows notices.
#[derive(Clone, Debug)]
pub(crate) struct Post(mpsc::Sender<Errand>);

/// Notices that wait for the daemon. Further ones stay unclaimed, so that nothing is lost: they
/// are told after the next start.
const BACKLOG: usize = 256;

impl Post {
    /// Starts the thread. Without a store nothing is told.
    pub(crate) fn start(remembered: Remembered, ticks: Ticks) -> std::io::Result<Self> {
        let (errands, received) = mpsc::channel(BACKLOG);
        let office = Office {
            remembered,
            wishes: NotificationSettings::default(),
            ticks,
            daemon: None,
            open: OpenNotices::new(),
            complaint: None,
            held: Held::default(),
        };
        std::thread::Builder::new()
            .name("notices".to_owned())
            .spawn(move || tauri::async_runtime::block_on(office.run(received)))?;
        Ok(Self(errands))
    }

    pub(crate) fn send(&self, errand: Errand) {
        if let Err(error) = self.0.try_send(errand) {
            tracing::warn!(%error, "Too many notices wait.");
        }
    }
}

#[derive(Debug)]
struct Office {
    remembered: Remembered,
    wishes: NotificationSettings,
    ticks: Ticks,
    daemon: Option<Daemon>,
    open: OpenNotices<Handle>,
    /// The code of the problem that was reported and not taken back yet.
    complaint: Option<&'static str>,
    held: Held,
}

impl Office {
    async fn run(mut self, mut errands: mpsc::Receiver<Errand>) {
        self.look_for_daemon().await;
        loop {
            tokio::select! {
                biased;
                loss = next_loss(&mut self.daemon) => self.lose(loss),
                reaction = self.open.reaction() => {
                    daemon::withdraw(&reaction.handle).await;
                    self.ticks.send(match (reaction.decision, reaction.way) {
                        (Some((request, decision)), _) => {
                            Tick::AnsweredNotice(reaction.target, request, decision)
                        }
                        (None, Way::Window) => Tick::FollowedNotice(reaction.target),
                        (None, Way::Terminal) => Tick::WantsTerminal(reaction.target),
                        (None, Way::Away) => Tick::SnoozedNotice(reaction.target),
                    });
                }
                () = until(self.held.due) => {
                    for notice in self.held.take_all() {
                        self.ticks.send(Tick::HeldBack(notice));
                    }
                }
                errand = errands.recv() => match errand {
                    Some(errand) => self.run_errand(errand).await,
                    None => return,
                },
            }
        }
    }

    async fn look_for_daemon(&mut self) {
        match Daemon::connect(&self.remembered.places).await {
            Ok(daemon) => {
                if daemon.presence().await == Presence::Missing {
                    tracing::warn!("No notification daemon runs.");
                    self.complain(NO_DAEMON);
                }
                self.daemon = Some(daemon);
            }
            Err(failure) => self.note(failure),
        }
    }

    async fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Tell(notice, moment) => self.tell(*notice, &moment).await,
            Errand::NeedIsOver(target) => {
                drop(self.held.take(&target));
                withdraw(self.open.take_request(&target)).await;
            }
            Errand::LookedAt(target) => {
                for notice in self.held.take(&target) {
                    if self.is_ours(&notice) {
                        tracing::info!(notice = notice.id.as_str(), "It was seen in the window.");
                    }
                }
                withdraw(self.open.take(&target)).await;
            }
        }
    }

    fn lose(&mut self, loss: Loss) {
        self.open.clear();
        match loss {
            Loss::Daemon => {}
            Loss::Bus => {
                tracing::warn!("The session bus is gone.");
                self.daemon = None;
            }
        }
    }

    async fn tell(&mut self, notice: Notice, moment: &Moment) {
        self.ask_for_wishes();
        let decision = decide(&notice, &self.wishes, self.quiet(moment), moment);
        if let Decision::Hold(because) = decision {
            tracing::info!(notice = notice.id.as_str(), ?because, "A request waits.");
            self.held.add(notice);
            return;
        }
        if !self.is_ours(&notice) {
            return;
        }
        match decision {
            Decision::Show | Decision::Hold(_) => self.show(&notice).await,
            Decision::Silent(because) => {
                tracing::info!(
                    notice = notice.id.as_str(),
                    ?because,
                    "A notice is kept back."
                );
            }
        }
        self.ticks.send(Tick::Told(notice));
    }

    /// Returns what the person wished of the session a notice is about, or of one it works for.
    fn quiet(&self, moment: &Moment) -> Option<Quiet> {
        let store = self.remembered.store.as_ref()?;
        let now = self.remembered.clock.now().wall;
        let of = |id| match store.quiet_of(id, now) {
            Ok(quiet) => quiet,
            Err(error) => {
                let why = problems::chain_of(&error);
                tracing::warn!(%why, "Whether a session is quiet is not known: it is told.");
                None
            }
        };
        moment.line.iter().find_map(of)
    }

    fn is_ours(&self, notice: &Notice) -> bool {
        let Some(store) = &self.remembered.store else {
            return false;
        };
        let now = self.remembered.clock.now().wall;
        store.claim_notice(&notice.id, now).unwrap_or_else(|error| {
            let why = problems::chain_of(&error);
            tracing::error!(notice = notice.id.as_str(), %why, "A notice cannot be claimed.");
            let problem = problems::nothing_is_told(error.problem());
            self.ticks.send(Tick::Lacking(problem, Loudness::Tray));
            false
        })
    }

    /// Reads the wishes anew, so that a change holds at once; a broken file changes nothing.
    fn ask_for_wishes(&mut self) {
        match backstage::wishes(&self.remembered.places) {
            Ok(wishes) => self.wishes = wishes,
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(%why, "The settings cannot be used.");
            }
        }
    }

    async fn show(&mut self, notice: &Notice) {
        if self.daemon.is_none() {
            self.look_for_daemon().await;
        }
        let Some(daemon) = &self.daemon else {
            return;
        };
        match daemon.show(notice, self.open.of(notice)).await {
            Ok(handle) => {
                tracing::info!(notice = notice.id.as_str(), "A notice is shown.");
                let answer = daemon::answer(handle.clone());
                withdraw(self.open.opened(notice, handle, answer)).await;
                if let Some(code) = self.complaint.take() {
                    self.ticks.send(Tick::FoundAgain(code));
                }
            }
            Err(failure) => self.note(failure),
        }
    }

    /// Logs the first failure of its kind and reports it; later ones are the same story.
    fn note(&mut self, failure: NotShown) {
        let (code, error) = match failure {
            NotShown::NoBus(error) => {
                self.daemon = None;
                (NO_BUS, error)
            }
            NotShown::NoDaemon(error) => (NO_DAEMON, error),
        };
        if self.complaint != Some(code) {
            tracing::warn!(%error, code, "Notifications cannot be shown.");
        }
        self.complain(code);
    }

    fn complain(&mut self, code: &'static str) {
        let problem = if code == NO_BUS {
            problems::no_session_bus()
        } else {
            problems::no_notification_daemon()
        };
        self.complaint = Some(code);
        self.ticks.send(Tick::Lacking(problem, Loudness::Window));
    }
}

/// Requests that wait for the end of quiet hours or of a snooze.
#[derive(Debug, Default)]
struct Held {
    notices: Vec<Notice>,
    due: Option<Instant>,
}

/// Between looks whether they are still held back. Both ends may move at any time, and neither
/// is told; while nothing is held back nothing is looked at.
const HELD_LOOK: Duration = Duration::from_secs(5);

impl Held {
    fn add(&mut self, notice: Notice) {
        if !self.notices.iter().any(|held| held.id == notice.id) {
            self.notices.push(notice);
        }
        self.due.get_or_insert_with(|| Instant::now() + HELD_LOOK);
    }

    fn take(&mut self, target: &Target) -> Vec<Notice> {
        let is_meant = |notice: &Notice| match target {
            Target::Session(session) => notice.session_id.as_ref() == Some(session),
            Target::Task(_) => Target::of(notice).as_ref() == Some(target),
        };
        let (taken, kept) = std::mem::take(&mut self.notices)
            .into_iter()
            .partition(is_meant);
        self.notices = kept;
        taken
    }

    fn take_all(&mut self) -> Vec<Notice> {
        self.due = None;
        std::mem::take(&mut self.notices)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

const NO_BUS: &str = "no_session_bus";
const NO_DAEMON: &str = "no_notification_daemon";

async fn next_loss(daemon: &mut Option<Daemon>) -> Loss {
    match daemon {
        Some(daemon) => daemon.lost().await,
        None => std::future::pending().await,
    }
}

async fn withdraw(handle: Option<Handle>) {
    if let Some(handle) = handle {
        daemon::withdraw(&handle).await;
    }
}
