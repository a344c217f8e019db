//! Claims notices and shows them, on a thread of its own: neither a slow disk nor a daemon that
//! hangs holds up the tray.

use std::collections::BTreeMap;

use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_core::session::SessionId;
use mission_control_engine::clock::Clock;
use mission_control_engine::places::Places;
use mission_control_engine::settings::NotificationSettings;
use mission_control_engine::store::Store;
use tokio::sync::mpsc;

use super::daemon::{Daemon, NotShown, Presence, Report, ShownId};
use super::{Decision, Moment, decide};
use crate::backstage;
use crate::desk::Loudness;
use crate::problems;
use crate::tick::{Tick, Ticks};

/// Something to do about notifications.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Claim a notice and, if it was not claimed before and should be shown, show it.
    Tell(Notice, Moment),
    /// The session asks for nothing any more.
    NeedIsOver(SessionId),
    /// The person looks at the session.
    LookedAt(SessionId),
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

/// Notifications remembered in order to replace or withdraw them; one per session.
const MAX_REMEMBERED: usize = 256;

impl Post {
    /// Starts the thread. Without a store nothing is told.
    pub(crate) fn start(remembered: Remembered, ticks: Ticks) -> std::io::Result<Self> {
        let (errands, received) = mpsc::channel(BACKLOG);
        let office = Office {
            remembered,
            wishes: NotificationSettings::default(),
            ticks,
            daemon: None,
            shown: BTreeMap::new(),
            complaint: None,
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
    shown: BTreeMap<SessionId, Shown>,
    /// The code of the problem that was reported and not taken back yet.
    complaint: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    id: ShownId,
    kind: NoticeKind,
}

impl Office {
    async fn run(mut self, mut errands: mpsc::Receiver<Errand>) {
        self.look_for_daemon().await;
        loop {
            tokio::select! {
                biased;
                report = next_report(&mut self.daemon) => match report {
                    Some(report) => self.take(report),
                    None => {
                        tracing::warn!("The session bus is gone.");
                        self.daemon = None;
                        self.shown.clear();
                    }
                },
                errand = errands.recv() => match errand {
                    Some(errand) => self.run_errand(errand).await,
                    None => return,
                },
            }
        }
    }

    async fn look_for_daemon(&mut self) {
        match Daemon::connect().await {
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
            Errand::Tell(notice, moment) => self.tell(notice, &moment).await,
            Errand::NeedIsOver(session) => {
                let is_need = |shown: &Shown| shown.kind == NoticeKind::NeedsYou;
                if self.shown.get(&session).is_some_and(is_need) {
                    self.withdraw(&session).await;
                }
            }
            Errand::LookedAt(session) => self.withdraw(&session).await,
        }
    }

    async fn tell(&mut self, notice: Notice, moment: &Moment) {
        if !self.is_ours(&notice) {
            return;
        }
        self.ask_for_wishes();
        match decide(&notice, &self.wishes, moment) {
            Decision::Show => self.show(&notice).await,
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
        let earlier = notice.session_id.as_ref().and_then(|id| self.shown.get(id));
        let replaces = earlier.map(|shown| shown.id);
        match daemon.show(notice, replaces).await {
            Ok(id) => {
                tracing::info!(notice = notice.id.as_str(), "A notice is shown.");
                self.remember(notice, id);
                if let Some(code) = self.complaint.take() {
                    self.ticks.send(Tick::FoundAgain(code));
                }
            }
            Err(failure) => self.note(failure),
        }
    }

    fn remember(&mut self, notice: &Notice, id: ShownId) {
        if self.shown.len() >= MAX_REMEMBERED {
            self.shown.pop_first();
        }
        let kind = notice.kind;
        if let Some(session) = &notice.session_id {
            self.shown.insert(session.clone(), Shown { id, kind });
        }
    }

    async fn withdraw(&mut self, session: &SessionId) {
        let (Some(shown), Some(daemon)) = (self.shown.remove(session), &self.daemon) else {
            return;
        };
        if let Err(failure) = daemon.withdraw(shown.id).await {
            tracing::debug!(?failure, "A notification was gone already.");
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Followed(id) => {
                if let Some(session) = self.session_of(id) {
                    self.ticks.send(Tick::FollowedNotice(session));
                }
            }
            Report::Closed(id) => {
                if let Some(session) = self.session_of(id) {
                    self.shown.remove(&session);
                }
            }
            Report::AllGone => self.shown.clear(),
        }
    }

    fn session_of(&self, id: ShownId) -> Option<SessionId> {
        let of_id = self.shown.iter().find(|(_, shown)| shown.id == id);
        of_id.map(|(session, _)| session.clone())
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

const NO_BUS: &str = "no_session_bus";
const NO_DAEMON: &str = "no_notification_daemon";

async fn next_report(daemon: &mut Option<Daemon>) -> Option<Report> {
    match daemon {
        Some(daemon) => daemon.report().await,
        None => std::future::pending().await,
    }
}
