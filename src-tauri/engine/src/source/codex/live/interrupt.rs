//! Interrupting the turn of a thread: bound to the turn's id, and confirmed by what the server says.

use std::time::Duration;

use camino::Utf8Path;
use mission_control_core::source::codex::live::{ThreadState, thread_state};
use mission_control_core::text::one_line;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::standing::{Standing, standing};
use super::wire::{Heard, Wire};
use super::{LiveError, MOST_REASON};

/// How long a turn may take to end what it runs.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// What became of an interruption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// The thread is idle.
    Confirmed,
    /// It was asked for, and the thread still works.
    Unconfirmed,
    /// That turn does not run there.
    NotRunning,
    /// It runs, and the server refuses; says why.
    Refused(String),
}

/// Interrupts the turn `turn` of a thread. The thread is not taken up for it.
pub(crate) async fn interrupt(
    home: &Utf8Path,
    thread: &str,
    turn: &str,
) -> Result<Interrupted, LiveError> {
    let mut wire = Wire::connect(home).await?;
    let asked = json!({ "threadId": thread, "turnId": turn });
    match wire.ask("turn/interrupt", asked).await {
        Ok(_) => {}
        Err(LiveError::Refused(why)) => {
            tracing::info!(thread, why, "The turn is not interrupted.");
            let why = one_line(&why, MOST_REASON);
            return Ok(match standing(&mut wire, thread, turn).await? {
                Standing::Runs => Interrupted::Refused(why),
                Standing::RunsAnother | Standing::Idle | Standing::NotLoaded => {
                    Interrupted::NotRunning
                }
            });
        }
        Err(error) => return Err(error),
    }
    let until = Instant::now() + CONFIRMATION;
    loop {
        let heard = match timeout_at(until, wire.hear()).await {
            Ok(heard) => heard?,
            Err(_) => return Ok(Interrupted::Unconfirmed),
        };
        let Heard::Notification { method, params, .. } = heard else {
            continue;
        };
        let is_about = params.get("threadId").and_then(Value::as_str) == Some(thread);
        let state = params.get("status").and_then(thread_state);
        let is_idle = method == "thread/status/changed" && state == Some(ThreadState::Idle);
        if is_about && (is_idle || method == "thread/closed") {
            return Ok(Interrupted::Confirmed);
        }
    }
}
