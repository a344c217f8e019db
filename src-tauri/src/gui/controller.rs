//! The loop that owns the shell's state: takes events and ticks, lets the desk decide, acts.

use std::time::Duration;

use mission_control_core::event::{Event, EventBody};
use mission_control_core::health::Problem;
use mission_control_core::notice::Notice;
use mission_control_core::session::SessionId;
use mission_control_engine::clock::Clock;
use mission_control_engine::demo::Demo;
use mission_control_engine::monitor::Monitor;
use mission_control_engine::places::Places;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager as _};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::args::Args;
use crate::backstage::Backstage;
use crate::desk::{Desk, Focus, Loudness};
use crate::forward::forward;
use crate::notices::Moment;
use crate::notices::post::{Errand, Post, Remembered};
use crate::sessions::Wish;
use crate::target::{self, Target};
use crate::tick::{Tick, Ticks};
use crate::tray::{self, Choice, Tray, TrayState};
use crate::{backstage, ipc, problems, sessions, window};

/// A panel that is gone for so long is not just restarting.
const HOST_GRACE: Duration = Duration::from_secs(2);

/// Between looks whether the demo has ended.
const DEMO_LOOK: Duration = Duration::from_secs(1);

/// Owns the shell's state and everything it acts with.
pub(crate) struct Controller {
    app: AppHandle,
    ticks: Ticks,
    monitor: Monitor,
    places: Places,
    clock: Clock,
    desk: Desk,
    tray: Option<Tray>,
    post: Option<Post>,
    forwarding: Option<JoinHandle<()>>,
    host_deadline: Option<Instant>,
    demo: Option<Demo>,
    demo_look_due: Option<Instant>,
    drawn: Drawn,
}

/// What was shown last, so that only changes are drawn.
#[derive(Debug, Default)]
struct Drawn {
    tray: Option<TrayState>,
    title: String,
    problems: Vec<Problem>,
}

impl Controller {
    /// Makes the controller over an opened engine.
    pub(crate) fn new(app: AppHandle, ticks: Ticks, backstage: Backstage) -> Self {
        let mut desk = Desk::default();
        for problem in backstage.problems {
            desk.found_lacking(problem, Loudness::Tray);
        }
        let remembered = Remembered {
            store: backstage.store,
            clock: backstage.clock,
            places: backstage.places.clone(),
        };
        let post = Post::start(remembered, ticks.clone())
            .inspect_err(|error| tracing::error!(%error, "Notices cannot be told."))
            .ok();
        Self {
            app,
            ticks,
            monitor: backstage.monitor,
            places: backstage.places,
            clock: backstage.clock,
            desk,
            tray: None,
            post,
            forwarding: None,
            host_deadline: None,
            demo: None,
            demo_look_due: None,
            drawn: Drawn::default(),
        }
    }

    /// Runs until the program ends.
    pub(crate) async fn run(mut self, args: Args, mut ticks: mpsc::Receiver<Tick>) {
        let mut events = Some(self.monitor.subscribe().await);
        let mut hampering = Some(self.monitor.problems());
        self.start_tray().await;
        if args.show || args.session.is_some() {
            self.launched(args).await;
        }
        loop {
            self.draw().await;
            tokio::select! {
                event = next_event(&mut events) => match event {
                    Some(event) => self.handle_event(event),
                    None => {
                        events = None;
                        tracing::error!("The monitor ended.");
                        self.desk.found_lacking(problems::watching_stopped(), Loudness::Tray);
                    }
                },
                problems = next_problems(&mut hampering) => match problems {
                    Some(problems) => self.desk.hampered(problems),
                    None => hampering = None,
                },
                tick = ticks.recv() => match tick {
                    Some(tick) => self.handle_tick(tick).await,
                    None => return,
                },
                () = until(self.host_deadline) => self.handle_no_host(),
                () = until(self.demo_look_due) => self.look_at_demo().await,
            }
        }
    }

    async fn start_tray(&mut self) {
        let state = self.desk.tray(self.clock.now().wall);
        match tray::start(&self.app, state, self.ticks.clone()).await {
            Ok(tray) => self.tray = Some(tray),
            Err(problem) => {
                self.desk.found_lacking(problem, Loudness::Window);
                self.open(None);
            }
        }
    }

    fn handle_event(&mut self, event: Event) {
        for target in self.desk.changed(&event.body) {
            self.post(Errand::NeedIsOver(target));
        }
        match event.body {
            EventBody::Notice { notice } => self.tell(notice),
            EventBody::Snapshot { .. }
            | EventBody::SessionDiscovered { .. }
            | EventBody::SessionUpdated { .. }
            | EventBody::SessionClosed { .. }
            | EventBody::Summary { .. }
            | EventBody::TaskUpdated { .. }
            | EventBody::Heartbeat {} => {}
        }
    }

    /// Hands on what a person answered in a notification, while everything else goes on. Where
    /// that is not possible the window opens, which says how things stand.
    fn answer(&self, target: Target, request: String, decision: crate::tasks::Decision) {
        let (monitor, places, ticks) = (
            self.monitor.clone(),
            self.places.clone(),
            self.ticks.clone(),
        );
        tauri::async_runtime::spawn(async move {
            let answered = match &target {
                Target::Task(id) => ipc::answer_task(id.clone(), request, decision).await,
                Target::Session(id) => match monitor.session(id.as_str()).await {
                    Some(session) => {
                        ipc::answer_for(&places, &session, &request, decision.as_str()).await
                    }
                    None => Err(problems::session_not_found(id.as_str())),
                },
            };
            if let Err(problem) = answered {
                tracing::warn!(?target, problem = %problem.title, "An answer was not taken.");
                ticks.send(Tick::FollowedNotice(target));
            }
        });
    }

    /// Changes what is told of a session. Where that is not possible the window opens, which says
    /// how things stand.
    fn quieten(&self, id: SessionId, wish: Wish) {
        let (places, ticks) = (self.places.clone(), self.ticks.clone());
        tauri::async_runtime::spawn_blocking(move || {
            match sessions::set_quiet(&places, &id, wish) {
                Ok(quiet) => tracing::info!(session = %id, ?quiet, "What is told of it changed."),
                Err(problem) => {
                    tracing::warn!(session = %id, problem = %problem.title, "A wish was not kept.");
                    ticks.send(Tick::FollowedNotice(Target::Session(id)));
                }
            }
        });
    }

    /// Goes to a session's terminal. Where that is not possible the window opens, which offers the
    /// command that takes the session up.
    async fn go_to_terminal(&mut self, target: Target) {
        if let Target::Session(id) = &target {
            let counter = self.app.state::<ipc::Counter>();
            match ipc::go_to_terminal(&self.app, &counter, id).await {
                Ok(None) => return,
                Ok(Some(unreached)) => {
                    let why = unreached.problem.detail.unwrap_or_default();
                    tracing::info!(session = %id, %why, "A terminal was not reached.");
                }
                Err(problem) => {
                    tracing::warn!(session = %id, problem = %problem.title, "A terminal was not opened.");
                }
            }
        }
        self.open(Some(target));
    }

    async fn handle_tick(&mut self, tick: Tick) {
        match tick {
            Tick::Chose(Choice::Open) => self.open(None),
            Tick::Chose(Choice::Go(target)) | Tick::FollowedNotice(target) => {
                self.open(Some(target));
            }
            Tick::WantsTerminal(target) => self.go_to_terminal(target).await,
            Tick::Chose(Choice::Quieten(id, wish)) => self.quieten(id, wish),
            Tick::SnoozedNotice(Target::Session(id)) => self.quieten(id, Wish::Snooze),
            Tick::SnoozedNotice(Target::Task(task)) => {
                tracing::warn!(%task, "A task cannot be snoozed.");
            }
            Tick::AnsweredNotice(target, request, decision) => {
                self.answer(target, request, decision);
            }
            Tick::Chose(Choice::Quit) => {
                // Nothing is dropped when the program exits; the demo's home must go.
                self.demo = None;
                self.app.exit(0);
            }
            Tick::LaunchedAgain(args) => self.launched(args).await,
            Tick::Told(notice) => self.desk.told(&notice),
            Tick::HeldBack(notice) if self.desk.still_needs(&notice) => self.tell(notice),
            Tick::HeldBack(notice) => {
                tracing::info!(
                    notice = notice.id.as_str(),
                    "A request is over before it was told."
                );
            }
            Tick::FocusChanged(focus) => self.desk.focus_changed(focus),
            Tick::WindowClosed => {
                self.desk.window_closed();
                self.stop_forwarding();
            }
            Tick::PageArrived(answer) => reply(answer, self.desk.page_arrived()),
            Tick::Subscribed(channel) => self.subscribe(channel).await,
            Tick::ProblemsAsked(answer) => reply(answer, self.desk.problems()),
            Tick::DemoAsked(answer) => reply(answer, self.play_demo().await),
            Tick::ChecksAsked(answer) => reply(answer, self.desk.checks()),
            Tick::TrayHostCame => {
                self.host_deadline = None;
                self.desk.found_again(&problems::no_tray_host().code);
            }
            Tick::TrayHostLeft => self.host_deadline = Some(Instant::now() + HOST_GRACE),
            Tick::Lacking(problem, loudness) => self.desk.found_lacking(problem, loudness),
            Tick::FoundAgain(code) => self.desk.found_again(code),
        }
    }

    /// Without a tray the window is the only way in: it opens by itself.
    fn handle_no_host(&mut self) {
        self.host_deadline = None;
        tracing::warn!("No panel on this desktop shows tray icons.");
        self.desk
            .found_lacking(problems::no_tray_host(), Loudness::Window);
        if !self.desk.has_window() {
            self.open(None);
        }
    }

    async fn launched(&mut self, args: Args) {
        let at = match args.session {
            Some(text) => match self.monitor.session(&text).await {
                Some(session) => Some(session.id),
                None => target::session_id(&text),
            },
            None => None,
        };
        self.open(at.map(Target::Session));
    }

    fn open(&mut self, at: Option<Target>) {
        if let Some(target) = &at {
            self.post(Errand::LookedAt(target.clone()));
        }
        let go_to = self.desk.open(at);
        window::show(&self.app, self.desk.window_title());
        if let Some(target) = go_to {
            ipc::navigate(&self.app, target);
        }
    }

    /// Plays the demo beside the real homes. One that plays already is enough.
    async fn play_demo(&mut self) -> Result<(), Problem> {
        if self.demo.is_some() {
            return Ok(());
        }
        let demo = Demo::start().map_err(|error| problems::no_demo(&error))?;
        self.monitor.add_home(demo.home().clone()).await;
        self.demo = Some(demo);
        self.demo_look_due = Some(Instant::now() + DEMO_LOOK);
        Ok(())
    }

    async fn look_at_demo(&mut self) {
        if self.demo.as_ref().is_some_and(|demo| !demo.has_ended()) {
            self.demo_look_due = Some(Instant::now() + DEMO_LOOK);
            return;
        }
        self.demo_look_due = None;
        if let Some(demo) = self.demo.take() {
            self.monitor.remove_home(demo.home()).await;
        }
    }

    fn tell(&mut self, notice: Notice) {
        let moment = Moment {
            looking_at: match self.desk.focus() {
                Focus::Here => window::open_page(&self.app),
                Focus::Elsewhere => None,
            },
            turn_s: self.desk.turn_s(&notice),
            local: backstage::local_time(&self.clock),
            project: self.desk.project(&notice),
            line: self.desk.line(&notice),
        };
        self.post(Errand::Tell(Box::new(notice), Box::new(moment)));
    }

    fn post(&self, errand: Errand) {
        if let Some(post) = &self.post {
            post.send(errand);
        }
    }

    async fn subscribe(&mut self, channel: Channel<Event>) {
        self.stop_forwarding();
        let Some(window) = self.app.get_webview_window(window::MAIN) else {
            return;
        };
        let events = self.monitor.subscribe().await;
        self.forwarding = Some(tauri::async_runtime::spawn(forward(
            window, channel, events,
        )));
    }

    fn stop_forwarding(&mut self) {
        if let Some(forwarding) = self.forwarding.take() {
            forwarding.abort();
        }
    }

    /// Draws what changed. The monitor's signs of life come often enough for the minutes in it.
    async fn draw(&mut self) {
        let state = self.desk.tray(self.clock.now().wall);
        if let Some(tray) = &self.tray
            && self.drawn.tray.as_ref() != Some(&state)
        {
            tray.draw(state.clone()).await;
            self.drawn.tray = Some(state);
        }
        let title = self.desk.window_title();
        if self.drawn.title != title {
            window::entitle(&self.app, &title);
            self.drawn.title = title;
        }
        let problems = self.desk.problems();
        if self.drawn.problems != problems {
            ipc::tell_problems(&self.app, &problems);
            self.drawn.problems = problems;
        }
    }
}

async fn next_event(events: &mut Option<mpsc::Receiver<Event>>) -> Option<Event> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_problems(
    hampering: &mut Option<watch::Receiver<Vec<Problem>>>,
) -> Option<Vec<Problem>> {
    let Some(problems) = hampering else {
        return std::future::pending().await;
    };
    problems.changed().await.ok()?;
    Some(problems.borrow_and_update().clone())
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Answers a command; one that was given up by the page needs no answer.
fn reply<T>(answer: oneshot::Sender<T>, value: T) {
    drop(answer.send(value));
}
