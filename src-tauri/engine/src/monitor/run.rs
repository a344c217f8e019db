//! The owner of all sessions: one loop that takes in what happens and tells the subscribers.

use std::collections::BTreeSet;
use std::sync::mpsc as blocking;
use std::time::Duration;

use camino::Utf8PathBuf;
use mission_control_core::event::{EventBody, Summary};
use mission_control_core::health::Problem;
use mission_control_core::observation::Observation;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::SessionId;
use mission_control_core::task::board::{BoardChange, TaskBoard};
use mission_control_core::tracker::{Effect, Now, Tracker};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::pages::{self, PageRequest};
use super::subscribers::Subscribers;
use super::tasks::Tasks;
use super::{MonitorOptions, Request, TranscriptError, find, live_homes, lookouts, settings_of};
use crate::clock::Clock;
use crate::processes::Exit;
use crate::source::live::{self, LiveLinks};
use crate::source::{Lookouts, Telling};
use crate::watch::{Changes, FolderWatch};

/// Between signs of life, for whoever must notice a stream that broke.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Until the next try to give a slow subscriber its snapshot.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Folders that come and go faster than they can be watched must not keep the loop for ever.
const MOST_ROUNDS: usize = 16;

/// Runs until the last handle is dropped.
pub(super) fn run(
    options: &MonitorOptions,
    most_folders: usize,
    requests: mpsc::Receiver<Request>,
    problems: watch::Sender<Vec<Problem>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(async {
                let owner = Owner::new(options, problems, most_folders);
                owner.run(requests).await;
            });
        }
        Err(error) => tracing::error!(%error, "The monitor could not be started."),
    }
}

/// Owns all state.
struct Owner {
    clock: Clock,
    tracker: Tracker,
    lookout: Lookouts,
    /// What the agents' own servers say.
    live: LiveLinks,
    live_says: mpsc::Receiver<Observation>,
    live_homes: Vec<Utf8PathBuf>,
    tasks: Tasks,
    watch: FolderWatch,
    subscribers: Subscribers,
    heartbeat_due: Duration,
    /// When to try again to give slow subscribers their snapshot.
    catch_up_due: Duration,
    n_tasks_running: u32,
    /// Awaits the end of every process in `followed`.
    ends: JoinSet<ProcessKey>,
    followed: BTreeSet<ProcessKey>,
    pages: Option<blocking::SyncSender<PageRequest>>,
    settings_problem: Option<Problem>,
    problems: watch::Sender<Vec<Problem>>,
}

/// What woke the loop.
enum Woken {
    Asked(Option<Request>),
    Changed(Changes),
    Ended(ProcessKey),
    Said(Observation),
    TimeCame,
}

impl Owner {
    fn new(
        options: &MonitorOptions,
        problems: watch::Sender<Vec<Problem>>,
        most_folders: usize,
    ) -> Self {
        let (settings, settings_problem) = settings_of(&options.places);
        let live_homes = live_homes(&options.places);
        let (live, live_says) = LiveLinks::new(live_homes.clone());
        Self {
            clock: Clock::start(),
            tracker: super::tracker(options),
            lookout: lookouts(&options.places, &settings),
            live,
            live_says,
            live_homes,
            tasks: Tasks::new(&options.places, &settings, options.notify_since),
            watch: FolderWatch::new(most_folders),
            subscribers: Subscribers::default(),
            heartbeat_due: Duration::MAX,
            catch_up_due: Duration::ZERO,
            n_tasks_running: 0,
            ends: JoinSet::new(),
            followed: BTreeSet::new(),
            pages: None,
            settings_problem,
            problems,
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        // Watched first and looked at then: what happens in between is seen twice, not never.
        let now = self.clock.now();
        self.watch.set(&self.folders(now));
        self.lookout.look(now);
        self.look_at_tasks(now);
        // Whoever asks first is to hear what the agents themselves say.
        for home in self.live_homes.clone() {
            for said in live::look(&home, now.wall).await {
                self.tracker.handle(said, now);
            }
        }
        self.settle();
        loop {
            let due = tokio::time::Instant::from_std(self.clock.instant_at(self.due()));
            let woken = tokio::select! {
                request = requests.recv() => Woken::Asked(request),
                changes = self.watch.changed() => Woken::Changed(changes),
                Some(Ok(process)) = self.ends.join_next() => Woken::Ended(process),
                Some(said) = self.live_says.recv() => Woken::Said(said),
                () = tokio::time::sleep_until(due) => Woken::TimeCame,
            };
            let now = self.clock.now();
            match woken {
                Woken::Asked(None) => return,
                Woken::Asked(Some(request)) => self.answer(request, now),
                Woken::Changed(Changes::Paths(paths)) => {
                    if paths.iter().any(|path| self.tasks.concerns(path)) {
                        self.look_at_tasks(now);
                    }
                    self.lookout.hear(&paths, now);
                    self.live.stir();
                }
                Woken::Changed(Changes::Anything) => {
                    self.look_at_tasks(now);
                    self.lookout.look(now);
                }
                Woken::Ended(process) => {
                    self.followed.remove(&process);
                    self.lookout.process_ended(process, now);
                }
                Woken::Said(said) => self.tracker.handle(said, now),
                Woken::TimeCame => self.do_what_is_due(now),
            }
            self.settle();
        }
    }

    fn due(&self) -> Duration {
        let catch_up = self.subscribers.are_behind().then_some(self.catch_up_due);
        let heartbeat = (!self.subscribers.is_empty()).then_some(self.heartbeat_due);
        let tasks = Some(self.tasks.poll_timeout());
        [self.tracker.poll_timeout(), catch_up, heartbeat, tasks]
            .into_iter()
            .flatten()
            .fold(self.lookout.poll_timeout(), Duration::min)
    }

    fn do_what_is_due(&mut self, now: Now) {
        if self.lookout.poll_timeout() <= now.steady {
            self.lookout.handle_timeout(now);
        }
        if self
            .tracker
            .poll_timeout()
            .is_some_and(|due| due <= now.steady)
        {
            self.tracker.handle_timeout(now);
        }
        if self.heartbeat_due <= now.steady {
            self.subscribers.send(&EventBody::Heartbeat {}, now.wall);
            self.heartbeat_due = now.steady + HEARTBEAT;
        }
        if self.tasks.poll_timeout() <= now.steady {
            let change = self.tasks.look_again(now);
            self.tell_of_tasks(change, now);
        }
        if self.catch_up_due <= now.steady {
            self.catch_up_due = now.steady + CATCH_UP;
            let (tracker, board) = (&self.tracker, self.tasks.board());
            self.subscribers
                .catch_up(|| snapshot(tracker, board), now.wall);
        }
    }

    /// Carries what was seen to the tracker and what follows from it to everybody, until nothing
    /// more follows.
    fn settle(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let now = self.clock.now();
            while let Some(observation) = self.lookout.poll_observation() {
                self.tracker.handle(observation, now);
            }
            self.tell(now);
            self.follow_owners(now);
            let watching = self.watch.set(&self.folders(now));
            self.lookout.set_telling(
                match watching.hindrance {
                    Some(_) => Telling::Polled,
                    None => Telling::Watched,
                },
                now,
            );
            self.report(watching.hindrance);
            if watching.added.is_empty() && !self.lookout.has_observations() {
                return;
            }
            // What appeared before the folders were watched was told by nobody.
            self.lookout.hear(&watching.added, now);
        }
    }

    /// Returns the folders to watch.
    fn folders(&self, now: Now) -> Vec<Utf8PathBuf> {
        // The doorbell first: it must not fall behind when there are too many.
        let mut folders: Vec<Utf8PathBuf> = self.tasks.folder().into_iter().collect();
        folders.extend(self.lookout.folders(now));
        folders
    }

    /// Looks at the delegated tasks and tells what changed.
    fn look_at_tasks(&mut self, now: Now) {
        let change = self.tasks.look(now);
        self.tell_of_tasks(change, now);
    }

    fn tell_of_tasks(&mut self, change: BoardChange, now: Now) {
        if change == BoardChange::default() {
            return;
        }
        for runs_for in self.tasks.board().sessions() {
            self.tracker.handle(runs_for, now);
        }
        for task in change.changed {
            let task = Box::new(task);
            self.subscribers
                .send(&EventBody::TaskUpdated { task }, now.wall);
        }
        let n_running = self.tasks.board().n_running();
        if std::mem::replace(&mut self.n_tasks_running, n_running) != n_running {
            let summary = summary(&self.tracker, self.tasks.board());
            self.subscribers
                .send(&EventBody::Summary { summary }, now.wall);
        }
        for notice in change.notices {
            self.subscribers.tell(notice, now.wall);
        }
    }

    fn tell(&mut self, now: Now) {
        let mut has_forgotten = false;
        while let Some(effect) = self.tracker.poll_effect() {
            let body = match effect {
                Effect::Discovered(session) => EventBody::SessionDiscovered { session },
                Effect::Updated(session) => EventBody::SessionUpdated { session },
                Effect::Closed(session) => EventBody::SessionClosed { session },
                Effect::Summary(_) => EventBody::Summary {
                    summary: summary(&self.tracker, self.tasks.board()),
                },
                Effect::Notice(notice) => {
                    self.subscribers.tell(notice, now.wall);
                    continue;
                }
                Effect::Forgotten(_) => {
                    has_forgotten = true;
                    continue;
                }
            };
            self.subscribers.send(&body, now.wall);
        }
        if has_forgotten {
            let body = snapshot(&self.tracker, self.tasks.board());
            self.subscribers.send(&body, now.wall);
        }
    }

    /// Awaits the end of every process that owns a session, so that it is seen at once.
    fn follow_owners(&mut self, now: Now) {
        for process in self.lookout.owners() {
            if self.followed.contains(&process) {
                continue;
            }
            // Taken hold of first and compared then, so that a reused pid cannot slip in between.
            let exit = Exit::of(process.pid);
            if !self.lookout.is_running(process) {
                self.lookout.process_ended(process, now);
                continue;
            }
            let Some(exit) = exit else {
                continue;
            };
            self.followed.insert(process);
            self.ends.spawn(async move {
                exit.wait().await;
                process
            });
        }
    }

    fn report(&self, hindrance: Option<String>) {
        let slow = hindrance.map(|detail| Problem {
            code: "watch_limit".to_owned(),
            title: "Live updates are slow.".to_owned(),
            detail: Some(format!(
                "{detail} Folders are looked through every few seconds instead."
            )),
            hint: Some(
                "Raise `fs.inotify.max_user_watches` and `fs.inotify.max_user_instances`."
                    .to_owned(),
            ),
        });
        let problems: Vec<Problem> = self.settings_problem.iter().cloned().chain(slow).collect();
        self.problems.send_if_modified(|known| {
            let is_new = *known != problems;
            *known = problems;
            is_new
        });
    }

    fn answer(&mut self, request: Request, now: Now) {
        // Whoever asked may have stopped waiting; then there is nobody to tell.
        match request {
            Request::Subscribe(reply) => {
                if self.subscribers.is_empty() {
                    self.heartbeat_due = now.steady + HEARTBEAT;
                }
                let events = {
                    let body = snapshot(&self.tracker, self.tasks.board());
                    self.subscribers.add(body, now.wall)
                };
                drop(reply.send(events));
            }
            Request::Sessions(reply) => drop(reply.send(self.tracker.sessions())),
            Request::Session(id, reply) => {
                if find(&self.tracker.sessions(), &id).is_none() {
                    let thread = id.rsplit(':').next().unwrap_or_default();
                    self.lookout.seek(thread, now);
                    self.settle();
                }
                drop(reply.send(find(&self.tracker.sessions(), &id).cloned()));
            }
            Request::Transcript { id, cursor, reply } => match self.page_request(&id, cursor) {
                Some(request) => self.read_page(request(reply)),
                None => drop(reply.send(Err(TranscriptError::NotFound(id.to_string())))),
            },
            Request::AddHome(home) => {
                if home.source == live::SOURCE {
                    self.live.add(home.path.clone());
                }
                self.lookout.add_home(home, now);
            }
            Request::RemoveHome(home) => {
                if home.source == live::SOURCE {
                    self.live.remove(&home.path);
                }
                self.lookout.remove_home(&home);
            }
        }
    }

    fn page_request(
        &self,
        id: &SessionId,
        cursor: Option<String>,
    ) -> Option<impl FnOnce(pages::Reply) -> PageRequest + use<>> {
        let session = self.tracker.session(id)?;
        let path = session.transcript_path?.into();
        let source = session.source;
        Some(move |reply| PageRequest {
            source,
            path,
            cursor,
            reply,
        })
    }

    /// Has a page read on the thread for that, which is started when it is first needed.
    fn read_page(&mut self, request: PageRequest) {
        let sender = self.pages.get_or_insert_with(pages::start);
        if let Err(error) = sender.try_send(request) {
            let (blocking::TrySendError::Full(request)
            | blocking::TrySendError::Disconnected(request)) = error;
            request.refuse();
        }
    }
}

fn snapshot(tracker: &Tracker, board: &TaskBoard) -> EventBody {
    EventBody::Snapshot {
        sessions: tracker.sessions(),
        tasks: board.tasks().to_vec(),
        summary: summary(tracker, board),
    }
}

fn summary(tracker: &Tracker, board: &TaskBoard) -> Summary {
    Summary {
        tasks_running: board.n_running(),
        ..tracker.summary()
    }
}
