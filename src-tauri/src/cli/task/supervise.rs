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
    match supervise(&context, &id).map_err(|error| Failure::of(&error))? {
        Supervised::Recorded | Supervised::NotNeeded => Ok(ExitCode::SUCCESS),
        Supervised::LeftForOthers => Ok(ExitCode::FAILURE),
    }
}
