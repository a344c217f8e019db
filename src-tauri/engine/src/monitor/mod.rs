//! Watches every session live and hands out events.
//!
//! One thread owns everything: what was seen goes in, events come out. This is the handle on it.

mod pages;
mod run;
mod subscribers;
mod tasks;

use camino::Utf8PathBuf;
use jiff::SignedDuration;
use mission_control_core::event::{Event, Summary};
use mission_control_core::health::{Problem, TranscriptPage};
use mission_control_core::observation::Observation;
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_core::tracker::Tracker;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::hooks;
use crate::places::{Home, Places};
use crate::settings::Settings;
use crate::source::{Lookouts, live};
use crate::watch::MOST_FOLDERS;

/// Requests that wait for the owner; whoever asks then waits for its turn.
const MOST_REQUESTS: usize = 16;

/// What a monitor is started with.
#[derive(Clone, Debug)]
pub struct MonitorOptions {
    /// Where to look. The settings file there says for how long ended sessions are listed; one
    /// that cannot be used is reported as a problem, and the defaults hold.
    pub places: Places,
    /// Notices are raised for what ended at or after this.
    pub notify_since: jiff::Timestamp,
}

/// A handle on the running monitor. Clones share it; it ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Monitor {
    requests: mpsc::Sender<Request>,
    problems: watch::Receiver<Vec<Problem>>,
}

/// All sessions at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The sessions, newest first: live ones and recently ended ones.
    pub sessions: Vec<LiveSession>,
    /// Their counts.
    pub summary: Summary,
    /// What hampered the look.
    pub problems: Vec<Problem>,
}

/// Why a transcript cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// No such session is known.
    #[error("find session `{0}`")]
    NotFound(String),
    /// The file cannot be read.
    #[error("read `{path}`")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What a handle asks of the owner.
#[derive(Debug)]
enum Request {
    Subscribe(oneshot::Sender<mpsc::Receiver<Event>>),
    Sessions(oneshot::Sender<Vec<LiveSession>>),
    Session(String, oneshot::Sender<Option<LiveSession>>),
    Transcript {
        id: SessionId,
        cursor: Option<String>,
        reply: oneshot::Sender<Result<TranscriptPage, TranscriptError>>,
    },
    AddHome(Home),
    RemoveHome(Home),
}

impl Monitor {
    /// Starts watching on a thread of its own and returns at once.
    #[must_use]
    pub fn start(options: MonitorOptions) -> Self {
        Self::start_with(options, MOST_FOLDERS)
    }

    fn start_with(options: MonitorOptions, most_folders: usize) -> Self {
        let (requests, asked) = mpsc::channel(MOST_REQUESTS);
        let (found, problems) = watch::channel(Vec::new());
        let thread = std::thread::Builder::new().name("monitor".to_owned());
        let started = thread.spawn(move || run::run(&options, most_folders, asked, found));
        if let Err(error) = started {
            tracing::error!(%error, "The monitor's thread could not be started.");
        }
        Self { requests, problems }
    }

    /// Looks once at everything, without watching anything, and returns what there is.
    #[must_use]
    pub fn look_once(options: &MonitorOptions) -> Snapshot {
        Self::look_once_closely(options).0
    }

    /// Looks once and also returns how the look went.
    pub(crate) fn look_once_closely(options: &MonitorOptions) -> (Snapshot, Lookouts) {
        let clock = Clock::start();
        let (settings, problem) = settings_of(&options.places);
        let mut lookout = lookouts(&options.places, &settings);
        let mut tracker = tracker(options);
        lookout.look(clock.now());
        let mut tasks = tasks::Tasks::new(&options.places, &settings, options.notify_since);
        tasks.look(clock.now());
        while let Some(observation) = lookout.poll_observation() {
            tracker.handle(observation, clock.now());
            while tracker.poll_effect().is_some() {}
        }
        for runs_for in tasks.board().sessions() {
            tracker.handle(runs_for, clock.now());
        }
        for said in live_says(&options.places, clock.now().wall) {
            tracker.handle(said, clock.now());
        }
        let sessions = tracker.sessions();
        let snapshot = Snapshot {
            summary: Summary {
                tasks_running: tasks.board().n_running(),
                ..Summary::of(&sessions)
            },
            sessions,
            problems: problem.into_iter().collect(),
        };
        (snapshot, lookout)
    }

    /// Subscribes to events: a snapshot first, as soon as the first look is complete, then
    /// changes with rising `seq`. A subscriber that is too slow gets a new snapshot.
    pub async fn subscribe(&self) -> mpsc::Receiver<Event> {
        let subscribed = self.ask(Request::Subscribe).await;
        // A monitor that ended hands out a stream that ended.
        subscribed.unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Returns all sessions as they are.
    pub async fn sessions(&self) -> Vec<LiveSession> {
        self.ask(Request::Sessions).await.unwrap_or_default()
    }

    /// Returns one session: by its id, by the source's id, or by an unambiguous beginning of either.
    pub async fn session(&self, id: &str) -> Option<LiveSession> {
        self.ask(|reply| Request::Session(id.to_owned(), reply))
            .await
            .flatten()
    }

    /// Reads a session's timeline from `cursor` on; none reads from the start.
    ///
    /// # Errors
    /// When there is no such session or its transcript cannot be read.
    pub async fn transcript(
        &self,
        id: &SessionId,
        cursor: Option<&str>,
    ) -> Result<TranscriptPage, TranscriptError> {
        let request = |reply| Request::Transcript {
            id: id.clone(),
            cursor: cursor.map(str::to_owned),
            reply,
        };
        let answer = self.ask(request).await;
        answer.unwrap_or_else(|| Err(TranscriptError::NotFound(id.to_string())))
    }

    /// Watches a further home from here on, until it is removed.
    pub async fn add_home(&self, home: Home) {
        self.tell(Request::AddHome(home)).await;
    }

    /// Stops watching a home; its sessions are not listed any more.
    pub async fn remove_home(&self, home: &Home) {
        self.tell(Request::RemoveHome(home.clone())).await;
    }

    /// Returns what hampers watching, as it changes.
    #[must_use]
    pub fn problems(&self) -> watch::Receiver<Vec<Problem>> {
        self.problems.clone()
    }

    /// Tells the owner; one that ended watches nothing any more.
    async fn tell(&self, request: Request) {
        drop(self.requests.send(request).await);
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Snapshot {
    /// Returns one session: by its id, by the source's id, or by an unambiguous beginning of either.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&LiveSession> {
        find(&self.sessions, id)
    }

    /// Reads a session's timeline from `cursor` on, as [`Monitor::transcript`] does.
    ///
    /// # Errors
    /// When there is no such session or its transcript cannot be read.
    pub fn transcript(
        &self,
        id: &SessionId,
        cursor: Option<&str>,
    ) -> Result<TranscriptPage, TranscriptError> {
        let session = self.sessions.iter().find(|session| session.id == *id);
        let path =
            session.and_then(|session| Some((session.source, session.transcript_path.clone()?)));
        let (source, path) = path.ok_or_else(|| TranscriptError::NotFound(id.to_string()))?;
        pages::Pages::default().read(source, path.into(), cursor)
    }
}

/// Finds a session by its id, by the source's id, or by an unambiguous beginning of either.
fn find<'a>(sessions: &'a [LiveSession], id: &str) -> Option<&'a LiveSession> {
    let is_exact =
        |session: &&LiveSession| session.id.as_str() == id || session.source_session_id == id;
    if let Some(session) = sessions.iter().find(is_exact) {
        return Some(session);
    }
    let mut matching = sessions.iter().filter(|session| {
        session.id.as_str().starts_with(id) || session.source_session_id.starts_with(id)
    });
    let first = matching.next()?;
    (!id.is_empty() && matching.next().is_none()).then_some(first)
}

fn settings_of(places: &Places) -> (Settings, Option<Problem>) {
    match Settings::load(&places.settings_file) {
        Ok(settings) => (settings, None),
        Err(error) => {
            let problem = Problem {
                code: "settings".to_owned(),
                title: "The settings are not used.".to_owned(),
                detail: Some(format!("Mission Control could not {error}.")),
                hint: Some("Correct the file; until then the defaults are used.".to_owned()),
            };
            (Settings::default(), Some(problem))
        }
    }
}

/// Makes a tracker that knows which homes are the usual ones.
fn tracker(options: &MonitorOptions) -> Tracker {
    let mut tracker = Tracker::new(options.notify_since);
    let homes = options.places.usual_homes().into_iter();
    tracker.set_usual_homes(homes.map(|home| home.path.to_string()));
    tracker
}

fn lookouts(places: &Places, settings: &Settings) -> Lookouts {
    Lookouts::new(
        &places.homes,
        SignedDuration::from_hours(i64::from(settings.list.recent_hours)),
        std::time::Duration::from_secs(settings.watch.poll_seconds.into()),
        &hooks::folder(&places.state),
    )
}

fn live_homes(places: &Places) -> Vec<Utf8PathBuf> {
    let homes = places.homes.iter();
    let homes = homes.filter(|home| home.source == live::SOURCE);
    homes.map(|home| home.path.clone()).collect()
}

/// Asks the agents' own servers once, where there are any.
fn live_says(places: &Places, now: jiff::Timestamp) -> Vec<Observation> {
    let mut homes = live_homes(places);
    homes.retain(|home| live::is_there(home));
    if homes.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            let mut all = Vec::new();
            for home in &homes {
                all.extend(live::look(home, now).await);
            }
            all
        }),
        Err(error) => {
            tracing::warn!(%error, "The agents' own servers cannot be asked.");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
