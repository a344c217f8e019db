//! What the commands that look at sessions have in common.

use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_core::session::LiveSession;
use mission_control_engine::clock::Clock;
use mission_control_engine::monitor::{Monitor, MonitorOptions, Snapshot};
use mission_control_engine::places::Places;

use super::failure::{Failure, Kind};

/// Said where there is no session.
pub(super) const NOTHING_RUNS: &str = "No session is open. Start Codex or Claude Code anywhere on this machine \
and the session appears here with its first prompt.\nTo see a session move: mission-control demo";

/// Looks once at all sessions.
pub(super) fn look() -> Result<Snapshot, Failure> {
    let options = options()?;
    Ok(Monitor::look_once(&options))
}

/// Finds one session: by its id, by the source's id, or by an unambiguous beginning of either.
pub(super) fn find<'a>(looked: &'a Snapshot, id: &str) -> Result<&'a LiveSession, Failure> {
    looked
        .session(id)
        .ok_or_else(|| not_found(&looked.sessions, id))
}

/// Says why `id` names none of `sessions`: none begins so, or several do.
pub(super) fn not_found(sessions: &[LiveSession], id: &str) -> Failure {
    let begins = |session: &&LiveSession| {
        session.source_session_id.starts_with(id) || session.id.as_str().starts_with(id)
    };
    let several: Vec<&str> = sessions
        .iter()
        .filter(begins)
        .map(|session| session.id.as_str())
        .take(5)
        .collect();
    if id.is_empty() || several.len() < 2 {
        return Failure::new(Kind::NotFound, format!("There is no session `{id}`."))
            .hint("`mission-control list --all` shows the sessions of this machine.");
    }
    Failure::new(
        Kind::NotFound,
        format!("More than one session begins with `{id}`."),
    )
    .hint(format!(
        "Give more of the id, such as {}",
        several.join("\nor ")
    ))
}

/// Starts watching all sessions; notices are raised for what ends from here on.
pub(super) fn watch() -> Result<Monitor, Failure> {
    Ok(Monitor::start(options()?))
}

/// Returns the places of this machine and the present as the start of notices.
pub(super) fn options() -> Result<MonitorOptions, Failure> {
    let places = Places::from_environment().map_err(|error| Failure::of(&error))?;
    Ok(MonitorOptions {
        places,
        notify_since: now(),
    })
}

/// Returns the wall clock's time.
pub(super) fn now() -> Timestamp {
    Clock::start().now().wall
}

/// Writes a problem as one line.
pub(super) fn problem_line(problem: &Problem) -> String {
    let parts = [
        Some(&problem.title),
        problem.detail.as_ref(),
        problem.hint.as_ref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    format!("! {}", parts.join(" "))
}

/// Runs a command that waits for things on a small event loop.
pub(super) fn block_on<F: Future<Output = Result<T, Failure>>, T>(task: F) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(&error))?;
    runtime.block_on(task)
}
