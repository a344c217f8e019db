//! `mission-control logs`.

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;

use mission_control_core::task::model::TaskId;
use mission_control_core::text::strip_controls;
use mission_control_engine::store::Store;
use mission_control_engine::task::cloud::Awaited;
use mission_control_engine::task::waiting::{Waited, wait_for};

use super::{Desk, store_failure};
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Output;

/// How much of the log is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What there is.
    Once,
    /// What is added, too, until the task ends.
    Follow,
}

pub(super) fn run(id: &str, extent: Extent, output: &mut Output) -> Result<ExitCode, Failure> {
    let desk = Desk::to_look()?;
    let id = desk.find(id)?;
    let path = desk.context.folder(&id).log();
    let mut file = match File::open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if extent == Extent::Once {
        let Some(mut file) = file else {
            return Err(Failure::new(
                Kind::NotFound,
                format!("Task {id} has no log."),
            ));
        };
        copy(&mut file, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let look = |store: &Store| -> Result<Option<()>, Failure> {
        // Whether it ended is asked first: what it wrote before that is read then.
        let has_ended = has_ended(store, &id)?;
        if file.is_none() {
            file = File::open(&path).ok();
        }
        if let Some(file) = &mut file {
            copy(file, output)?;
        }
        Ok(has_ended.then_some(()))
    };
    let awaited = || Awaited::These(vec![id.clone()]);
    match wait_for(&desk.context, &desk.store, awaited, None, look)? {
        Waited::For(()) | Waited::TimeUp => Ok(ExitCode::SUCCESS),
    }
}

fn has_ended(store: &Store, id: &TaskId) -> Result<bool, Failure> {
    let record = store.task(id).map_err(|error| store_failure(&error))?;
    Ok(record.is_none_or(|record| record.task.status.is_terminal()))
}

fn copy(file: &mut File, output: &mut Output) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if !bytes.is_empty() {
        output.text(&strip_controls(&String::from_utf8_lossy(&bytes)))?;
        output.flush()?;
    }
    Ok(())
}
