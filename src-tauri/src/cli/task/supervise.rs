//! `mission-control supervise`: what `run` starts.

use std::process::ExitCode;

use mission_control_core::task::model::TaskId;
use mission_control_engine::task::context::TaskContext;
use mission_control_engine::task::supervise::{Supervised, supervise};

use crate::cli::failure::{Failure, Kind};

pub(super) fn run(id: &str) -> Result<ExitCode, Failure> {
    let id = TaskId::parse(id)
        .ok_or_else(|| Failure::new(Kind::Usage, format!("`{id}` is no task id.")))?;
    let context = TaskContext::from_environment().map_err(|error| Failure::of(&error))?;
    // Standard error is the supervisor's own log.
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .try_init();
    if let Err(error) = log {
        return Err(Failure::new(
            Kind::Failed,
            format!("Nothing can be logged: {error}."),
        ));
    }
    match supervise(&context, &id).map_err(|error| Failure::of(&error))? {
        Supervised::Recorded | Supervised::NotNeeded => Ok(ExitCode::SUCCESS),
        Supervised::LeftForOthers => Ok(ExitCode::FAILURE),
    }
}
