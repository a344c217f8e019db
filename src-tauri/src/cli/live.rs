//! What the commands that look at sessions have in common.

use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_engine::clock::Clock;
use mission_control_engine::monitor::{Monitor, MonitorOptions, Snapshot};
use mission_control_engine::places::Places;

use super::failure::Failure;

/// Said where there is no session.
pub(super) const NOTHING_RUNS: &str = "No agent is running. Start Codex anywhere on this machine \
and the session appears here within a second.\nTo see a session move: mission-control demo";

/// Looks once at all sessions.
pub(super) fn look() -> Result<Snapshot, Failure> {
    let options = options()?;
    Ok(Monitor::look_once(&options))
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
