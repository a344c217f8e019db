//! How one thread stands at this moment, asked of its server. The thread is not taken up for it.

use mission_control_core::source::codex::live::{ThreadState, thread_state};
use serde_json::{Value, json};

use super::LiveError;
use super::wire::Wire;

/// How a thread stands towards one of its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// That turn runs, as far as the server says.
    Runs,
    /// Another turn runs.
    RunsAnother,
    /// No turn runs.
    Idle,
    /// The thread is not loaded.
    NotLoaded,
}

/// Returns how a thread stands towards the turn `turn`.
pub(super) async fn standing(
    wire: &mut Wire,
    thread: &str,
    turn: &str,
) -> Result<Standing, LiveError> {
    match works(wire, thread).await? {
        Some(true) => {}
        Some(false) => return Ok(Standing::Idle),
        None => return Ok(Standing::NotLoaded),
    }
    let asked = json!({ "threadId": thread, "limit": 1, "sortDirection": "desc" });
    let turns = match wire.ask("thread/turns/list", asked).await {
        Ok(turns) => turns,
        // An older server does not name its turns.
        Err(LiveError::Refused(_)) => return Ok(Standing::Runs),
        Err(error) => return Err(error),
    };
    let running = turns.pointer("/data/0/id").and_then(Value::as_str);
    Ok(match running {
        Some(running) if running != turn => Standing::RunsAnother,
        Some(_) | None => Standing::Runs,
    })
}

/// Returns whether a turn of the thread runs; none if the thread is not loaded.
pub(super) async fn works(wire: &mut Wire, thread: &str) -> Result<Option<bool>, LiveError> {
    let asked = json!({ "threadId": thread, "includeTurns": false });
    let read = match wire.ask("thread/read", asked).await {
        Ok(read) => read,
        Err(LiveError::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let state = read.pointer("/thread/status").and_then(thread_state);
    Ok(match state {
        Some(ThreadState::Active | ThreadState::Waiting) => Some(true),
        Some(ThreadState::Idle) => Some(false),
        Some(ThreadState::NotLoaded) | None => None,
    })
}
