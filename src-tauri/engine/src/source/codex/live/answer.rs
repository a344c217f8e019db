//! Answering a pending request: bound to its id, sent once, and confirmed by what the server says.

use std::time::Duration;

use camino::Utf8Path;
use mission_control_core::source::codex::live::{AnswerFault, ThreadState, thread_state};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::LiveError;
use super::link::{Awaited, await_request, let_go, take_up};
use super::wire::{Heard, Wire};

/// How long the server may take to say that an answer counts.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The server took it.
    Confirmed,
    /// It was sent, and the server has not said that it counts.
    Unconfirmed,
    /// The request is not pending: it was answered elsewhere, or never there.
    NotPending,
    /// The thread is not loaded by this server.
    NotLoaded,
    /// The request takes another kind of answer.
    NotOffered(AnswerFault),
}

/// Answers the request `request_id` of a thread.
pub(crate) async fn answer(
    home: &Utf8Path,
    thread: &str,
    request_id: &str,
    text: &str,
) -> Result<Answered, LiveError> {
    let mut wire = Wire::connect(home).await?;
    if take_up(&mut wire, thread).await?.is_none() {
        return Ok(Answered::NotLoaded);
    }
    let answered = answer_pending(&mut wire, thread, request_id, text).await;
    // Whatever came of it, the thread is to go on as if nobody had looked.
    let let_go = let_go(&mut wire, thread).await;
    let answered = answered?;
    let_go.map(|()| answered)
}

async fn answer_pending(
    wire: &mut Wire,
    thread: &str,
    request_id: &str,
    text: &str,
) -> Result<Answered, LiveError> {
    let pending = await_request(wire, thread, |need| need.request_id == request_id).await?;
    let Awaited::Asked(id, asked) = pending else {
        return Ok(Answered::NotPending);
    };
    let result = match asked.answer(text) {
        Ok(result) => result,
        Err(fault) => return Ok(Answered::NotOffered(fault)),
    };
    wire.reply(id.clone(), result).await?;
    let until = Instant::now() + CONFIRMATION;
    loop {
        let heard = match timeout_at(until, wire.hear()).await {
            Ok(heard) => heard?,
            Err(_) => return Ok(Answered::Unconfirmed),
        };
        let Heard::Notification { method, params, .. } = heard else {
            continue;
        };
        let is_about = params.get("threadId").and_then(Value::as_str) == Some(thread);
        let confirms = match method.as_str() {
            "serverRequest/resolved" => params.get("requestId") == Some(&id),
            "thread/status/changed" => params
                .get("status")
                .and_then(thread_state)
                .is_some_and(|state| state != ThreadState::Waiting),
            _ => false,
        };
        if is_about && confirms {
            return Ok(Answered::Confirmed);
        }
    }
}
