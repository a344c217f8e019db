//! `mission-control tasks`, `task` and `result`.

use std::process::ExitCode;

use mission_control_core::task::model::Task;
use mission_control_engine::store::{Access, TaskFilter};
use mission_control_engine::task::reconcile::reconcile;
use serde::Serialize;

use super::{Desk, now, render, store_failure, wait};
use crate::cli::Format;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Which tasks are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that have not ended.
    Open,
    /// The latest.
    Latest(u32),
}

#[derive(Serialize)]
struct Document<'a> {
    tasks: &'a [Task],
}

pub(super) fn tasks(
    which: Which,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_look()?;
    reconcile(&desk.context, &desk.store);
    let filter = match which {
        Which::Open => TaskFilter::Open,
        Which::Latest(n) => TaskFilter::Latest(n),
    };
    let tasks = desk
        .store
        .tasks(filter)
        .map_err(|error| store_failure(&error))?;
    let tasks: Vec<Task> = tasks.into_iter().map(|task| desk.present(task)).collect();
    match format {
        Format::Json => output.json_document(&Document { tasks: &tasks })?,
        Format::People if tasks.is_empty() => {
            output.line("No task was handed in.")?;
            output
                .line("To hand one in: mission-control run \"What is in this folder?\" --wait")?;
        }
        Format::People => {
            for line in render::table(&tasks, now(), output.width()) {
                output.line(&line)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn task(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let desk = Desk::to_look()?;
    let id = desk.find(id)?;
    let task = desk.whole(&id)?;
    match format {
        Format::Json => output.json_document(&task)?,
        Format::People => output.text(&render::page(&task, now()))?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn result(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let desk = Desk::to_look()?;
    let id = desk.find(id)?;
    let task = desk.whole(&id)?;
    match format {
        Format::Json => output.json_document(&task)?,
        Format::People if task.status.is_terminal() => output.text(&render::result(&task))?,
        Format::People => output.text(&render::page(&task, now()))?,
    }
    see(&desk, &task)?;
    Ok(wait::exit_code(
        std::slice::from_ref(&task),
        wait::Until::All,
    ))
}

/// Remembers that somebody saw what came of a task, where that can be written.
pub(super) fn see(desk: &Desk, task: &Task) -> Result<(), Failure> {
    if !task.status.is_terminal() || desk.store.access() == Access::Read {
        return Ok(());
    }
    desk.store
        .mark_seen(&task.task_id, now())
        .map_err(|error| store_failure(&error))
}
