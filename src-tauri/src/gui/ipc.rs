//! The commands the page may call and the events it may hear: the only place with their names.

#![expect(
    clippy::let_underscore_must_use,
    reason = "the macro of Tauri's commands writes it"
)]

use mission_control_core::event::Event;
use mission_control_core::health::{HealthReport, Problem, TranscriptPage};
use mission_control_core::session::{LiveSession, SessionId};
use mission_control_engine::monitor::{Monitor, TranscriptError};
use mission_control_engine::places::Places;
use serde::Serialize;
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, Emitter as _, State, Wry};
use tokio::sync::oneshot;

use crate::tick::{Tick, Ticks};
use crate::window::MAIN;
use crate::{backstage, launch, problems};

/// What commands work with.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) monitor: Monitor,
    pub(crate) places: Places,
    pub(crate) ticks: Ticks,
}

/// Where the page starts, or goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Route {
    session_id: Option<SessionId>,
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
        play_demo,
        initial_route,
    ]
}

/// Tells the page what is wrong now.
pub(crate) fn tell_problems(app: &AppHandle, problems: &[Problem]) {
    if let Err(error) = app.emit_to(MAIN, "problems", problems) {
        tracing::warn!(%error, "The page cannot be told of problems.");
    }
}

/// Sends the page to a session.
pub(crate) fn navigate(app: &AppHandle, session_id: SessionId) {
    let route = Route {
        session_id: Some(session_id),
    };
    if let Err(error) = app.emit_to(MAIN, "navigate", route) {
        tracing::warn!(%error, "The page cannot be sent to a session.");
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
    let places = counter.places.clone();
    let examined = tauri::async_runtime::spawn_blocking(move || backstage::examine(&places)).await;
    let mut report = examined.map_err(|error| problems::internal(&error.to_string()))?;
    report
        .checks
        .extend(ask(&counter.ticks, Tick::ChecksAsked).await?);
    Ok(report)
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
) -> Result<(), Problem> {
    launch::open_terminal(&app, &known(&counter, &id).await?).await
}

#[tauri::command]
async fn play_demo() -> Result<(), Problem> {
    backstage::play_demo().await
}

#[tauri::command]
async fn initial_route(counter: State<'_, Counter>) -> Result<Route, Problem> {
    let Some(id) = ask(&counter.ticks, Tick::PageArrived).await? else {
        return Ok(Route { session_id: None });
    };
    let known = counter.monitor.session(id.as_str()).await;
    Ok(Route {
        session_id: Some(known.map_or(id, |session| session.id)),
    })
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
