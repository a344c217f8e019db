//! The commands the page may call and the events it may hear: the only place with their names.

#![expect(
    clippy::let_underscore_must_use,
    reason = "the macro of Tauri's commands writes it"
)]

use mission_control_core::event::Event;
use mission_control_core::health::{HealthReport, Problem, TranscriptPage};
use mission_control_core::message::{Aim, Sent};
use mission_control_core::quiet::Quiet;
use mission_control_core::session::{LiveSession, SessionId, Status, TurnId};
use mission_control_core::task::model::TaskId;
use mission_control_core::task::request::TaskRequest;
use mission_control_engine::answering::{self, SessionAnswered};
use mission_control_engine::monitor::{Monitor, TranscriptError};
use mission_control_engine::places::{Environment, Places};
use serde::Serialize;
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, Emitter as _, State, Wry};
use tokio::sync::oneshot;

use crate::sessions::{Unreached, Wish};
use crate::target::Target;
use crate::tasks::{Decision, LogPart, Tasks};
use crate::tick::{Tick, Ticks};
use crate::window::MAIN;
use crate::{backstage, launch, problems, sessions};

/// What commands work with.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) monitor: Monitor,
    pub(crate) places: Places,
    pub(crate) environment: Environment,
    pub(crate) ticks: Ticks,
}

/// Where the page starts, or goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Route {
    session_id: Option<SessionId>,
    task_id: Option<TaskId>,
}

impl Route {
    fn to(target: Option<Target>) -> Self {
        let (session_id, task_id) = match target {
            Some(Target::Session(id)) => (Some(id), None),
            Some(Target::Task(id)) => (None, Some(id)),
            None => (None, None),
        };
        Self {
            session_id,
            task_id,
        }
    }
}

/// Returns what answers the page's calls.
pub(crate) fn commands() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        subscribe,
        transcript,
        health,
        problems,
        open_folder,
        open_terminal,
        stop_session,
        interrupt_session,
        tell_session,
        session_quiet,
        set_session_quiet,
        play_demo,
        initial_route,
        task_log,
        start_task,
        cancel_task,
        reply_task,
        answer_task,
        answer_session,
    ]
}

/// Tells the page what is wrong now.
pub(crate) fn tell_problems(app: &AppHandle, problems: &[Problem]) {
    if let Err(error) = app.emit_to(MAIN, "problems", problems) {
        tracing::warn!(%error, "The page cannot be told of problems.");
    }
}

/// Sends the page to a session or task.
pub(crate) fn navigate(app: &AppHandle, target: Target) {
    if let Err(error) = app.emit_to(MAIN, "navigate", Route::to(Some(target))) {
        tracing::warn!(%error, "The page cannot be sent anywhere.");
    }
}

#[tauri::command]
async fn subscribe(counter: State<'_, Counter>, channel: Channel<Event>) -> Result<(), Problem> {
    counter.ticks.send(Tick::Subscribed(channel));
    Ok(())
}

#[tauri::command]
async fn transcript(
    counter: State<'_, Counter>,
    id: SessionId,
    cursor: Option<String>,
) -> Result<TranscriptPage, Problem> {
    let page = counter.monitor.transcript(&id, cursor.as_deref()).await;
    page.map_err(|error| match error {
        TranscriptError::NotFound(id) => problems::session_not_found(&id),
        error @ TranscriptError::Unreadable { .. } => {
            problems::transcript_unreadable(&problems::chain_of(&error))
        }
    })
}

#[tauri::command]
async fn health(counter: State<'_, Counter>) -> Result<HealthReport, Problem> {
    let further = ask(&counter.ticks, Tick::ChecksAsked).await?;
    let (places, environment) = (counter.places.clone(), counter.environment.clone());
    apart(move || backstage::examine(&places, &environment, further)).await
}

#[tauri::command]
async fn problems(counter: State<'_, Counter>) -> Result<Vec<Problem>, Problem> {
    ask(&counter.ticks, Tick::ProblemsAsked).await
}

#[tauri::command]
async fn open_folder(
    app: AppHandle,
    counter: State<'_, Counter>,
    id: SessionId,
) -> Result<(), Problem> {
    launch::open_folder(&app, &known(&counter, &id).await?).await
}

#[tauri::command]
async fn open_terminal(
    app: AppHandle,
    counter: State<'_, Counter>,
    id: SessionId,
) -> Result<Option<Unreached>, Problem> {
    go_to_terminal(&app, &counter, &id).await
}

/// Goes to the terminal of a live session; one that ended is taken up in another.
pub(crate) async fn go_to_terminal(
    app: &AppHandle,
    counter: &Counter,
    id: &SessionId,
) -> Result<Option<Unreached>, Problem> {
    let session = known(counter, id).await?;
    if session.status == Status::Done {
        return launch::open_terminal(app, &session).await.map(|()| None);
    }
    let (places, environment) = (counter.places.clone(), counter.environment.clone());
    apart(move || sessions::go(&places, &environment, &session)).await
}

#[tauri::command]
async fn stop_session(
    counter: State<'_, Counter>,
    id: SessionId,
) -> Result<Option<Problem>, Problem> {
    let (places, environment) = (counter.places.clone(), counter.environment.clone());
    apart(move || sessions::stop(&places, &environment, &id)).await?
}

#[tauri::command]
async fn interrupt_session(
    counter: State<'_, Counter>,
    id: SessionId,
    turn: TurnId,
) -> Result<(), Problem> {
    let session = known(&counter, &id).await?;
    let places = counter.places.clone();
    apart(move || sessions::interrupt(&places, &session, &turn)).await?
}

#[tauri::command]
async fn tell_session(
    counter: State<'_, Counter>,
    id: SessionId,
    text: String,
    aim: Aim,
) -> Result<Sent, Problem> {
    let session = known(&counter, &id).await?;
    let (places, environment) = (counter.places.clone(), counter.environment.clone());
    apart(move || sessions::tell(&places, &environment, &session, &text, &aim)).await?
}

#[tauri::command]
async fn session_quiet(
    counter: State<'_, Counter>,
    id: SessionId,
) -> Result<Option<Quiet>, Problem> {
    let places = counter.places.clone();
    apart(move || sessions::quiet(&places, &id)).await?
}

#[tauri::command]
async fn set_session_quiet(
    counter: State<'_, Counter>,
    id: SessionId,
    wish: Wish,
) -> Result<Option<Quiet>, Problem> {
    let places = counter.places.clone();
    apart(move || sessions::set_quiet(&places, &id, wish)).await?
}

#[tauri::command]
async fn play_demo(counter: State<'_, Counter>) -> Result<(), Problem> {
    ask(&counter.ticks, Tick::DemoAsked).await?
}

#[tauri::command]
async fn initial_route(counter: State<'_, Counter>) -> Result<Route, Problem> {
    let target = ask(&counter.ticks, Tick::PageArrived).await?;
    let Some(Target::Session(id)) = target else {
        return Ok(Route::to(target));
    };
    let known = counter.monitor.session(id.as_str()).await;
    let id = known.map_or(id, |session| session.id);
    Ok(Route::to(Some(Target::Session(id))))
}

#[tauri::command]
async fn task_log(id: TaskId, cursor: Option<String>) -> Result<LogPart, Problem> {
    of_tasks(move |tasks| tasks.log(&id, cursor.as_deref())).await
}

#[tauri::command]
async fn start_task(request: TaskRequest) -> Result<TaskId, Problem> {
    of_tasks(move |tasks| tasks.start(request)).await
}

#[tauri::command]
async fn cancel_task(id: TaskId) -> Result<(), Problem> {
    of_tasks(move |tasks| tasks.cancel(&id)).await
}

#[tauri::command]
async fn reply_task(id: TaskId, text: String) -> Result<TaskId, Problem> {
    of_tasks(move |tasks| tasks.reply(&id, text)).await
}

#[tauri::command]
pub(crate) async fn answer_task(
    id: TaskId,
    request: String,
    decision: Decision,
) -> Result<(), Problem> {
    of_tasks(move |tasks| tasks.answer(&id, &request, decision)).await
}

#[tauri::command]
async fn answer_session(
    counter: State<'_, Counter>,
    id: SessionId,
    request: String,
    answer: String,
) -> Result<(), Problem> {
    let session = known(&counter, &id).await?;
    answer_for(&counter.places, &session, &request, &answer).await
}

/// Hands a person's answer to the agent of a session.
pub(crate) async fn answer_for(
    places: &Places,
    session: &LiveSession,
    request: &str,
    answer: &str,
) -> Result<(), Problem> {
    let transcript = session.transcript_path.as_deref();
    let answered = answering::answer(places, &session.id, transcript, request, answer).await;
    match answered {
        // What the agent says next shows whether it counts.
        Ok(SessionAnswered::Confirmed | SessionAnswered::Unconfirmed) => Ok(()),
        Ok(SessionAnswered::NotPending) => Err(problems::request_is_over()),
        Ok(SessionAnswered::NotReachable) => Err(problems::not_reachable()),
        Ok(SessionAnswered::NotOffered(says)) => Err(problems::not_offered(&says)),
        Err(error) => Err(problems::answer_lost(&problems::chain_of(&error))),
    }
}

async fn of_tasks<T: Send + 'static>(
    act: impl FnOnce(&Tasks) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    apart(move || act(&Tasks::open()?)).await?
}

/// Does something slow on a thread that may block.
async fn apart<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tauri::async_runtime::spawn_blocking(act).await;
    done.map_err(|error| problems::internal(&error.to_string()))
}

async fn known(counter: &Counter, id: &SessionId) -> Result<LiveSession, Problem> {
    let session = counter.monitor.session(id.as_str()).await;
    session.ok_or_else(|| problems::session_not_found(id.as_str()))
}

async fn ask<T>(
    ticks: &Ticks,
    question: impl FnOnce(oneshot::Sender<T>) -> Tick,
) -> Result<T, Problem> {
    let (answer, answered) = oneshot::channel();
    ticks.send(question(answer));
    answered
        .await
        .map_err(|_| problems::internal("Its controller does not answer."))
}
