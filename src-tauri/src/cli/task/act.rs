//! `mission-control cancel`, `apply` and `cleanup`.

use std::process::ExitCode;
use std::time::Duration;

use mission_control_core::task::failure::{CancelledBy, ErrorCode};
use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_engine::store::Store;
use mission_control_engine::task::act;
use mission_control_engine::task::apply::{Application, Wanted, apply as have_applied};
use mission_control_engine::task::cleanup::{self, Found, clean_up};
use mission_control_engine::task::cloud::Awaited;
use mission_control_engine::task::waiting::{Waited, wait_for};
use serde::Serialize;

use super::{Desk, now, render, store_failure};
use crate::cli::Format;
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Output;

/// How much longer than the supervisor's own patience a cancellation is waited for.
const SLACK: Duration = Duration::from_secs(20);

/// Whether anything is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// Only shown.
    Show,
    /// Removed.
    Apply,
}

#[derive(Serialize)]
struct Document<'a> {
    applied: bool,
    removed: &'a [Found],
}

pub(super) fn cancel(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let desk = Desk::to_write()?;
    let id = desk.find(id)?;
    let asked = act::cancel(&desk.context, &desk.store, &id, &CancelledBy::Person {})
        .map_err(|error| store_failure(&error))?;
    if let act::Cancelling::Unsupported { page } = asked {
        let failure = Failure::new(Kind::NotAvailable, act::NO_CANCEL.to_owned());
        return Err(match page {
            Some(page) => failure.hint(format!("Its page may allow it: {page}")),
            None => failure,
        });
    }
    let limit = desk.context.settings.term_grace_seconds.duration() + SLACK;
    let look = |store: &Store| -> Result<Option<Task>, Failure> {
        let task = store
            .task_result(&id)
            .map_err(|error| store_failure(&error))?;
        Ok(task.filter(|task| task.status.is_terminal()))
    };
    let no_cloud = || Awaited::These(Vec::new());
    let task = match wait_for(&desk.context, &desk.store, no_cloud, Some(limit), look)? {
        Waited::For(task) => task,
        Waited::TimeUp => {
            return Err(
                Failure::new(Kind::Failed, format!("Task {id} has not ended yet."))
                    .hint(format!("`mission-control task {id}` shows how it stands.")),
            );
        }
    };
    match format {
        Format::Json => output.json_document(&task)?,
        Format::People => output.text(&render::summary(&task, now()))?,
    }
    let is_cancelled = task.status == TaskStatus::Cancelled;
    if !is_cancelled && format == Format::People {
        output.line("It had ended before it could be cancelled.")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn apply(
    id: &str,
    application: Application,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_write()?;
    let id = desk.find(id)?;
    let task = desk.whole(&id)?;
    if !task.status.is_terminal() {
        return Err(Failure::new(
            Kind::Failed,
            format!("Task {id} has not ended."),
        ));
    }
    let wanted = Wanted {
        application,
        folder: None,
        attempt: None,
    };
    let applied = have_applied(&desk.context, &desk.store, &task, wanted, now());
    let applied = applied.map_err(|error| {
        let said = error.said(&task);
        let kind = if said.code == ErrorCode::NotFound {
            Kind::NotFound
        } else if said.code == ErrorCode::Unsupported {
            Kind::NotAvailable
        } else {
            Kind::Failed
        };
        let failure = Failure::new(kind, said.message);
        match said.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    for warning in &applied.warnings {
        render::remark(warning);
    }
    said(application, &applied.shown, output)
}

fn said(application: Application, patch: &str, output: &mut Output) -> Result<ExitCode, Failure> {
    match application {
        Application::Preview => output.text(patch)?,
        Application::Apply => output.line("Applied.")?,
        Application::Discard => output.line("Discarded.")?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn cleanup(
    how: Removal,
    days: Option<u32>,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_write()?;
    let days = days.unwrap_or(desk.context.settings.keep_days);
    let removal = match how {
        Removal::Show => cleanup::Removal::Show,
        Removal::Apply => cleanup::Removal::Apply,
    };
    let removed = clean_up(&desk.context, &desk.store, days, removal, now())
        .map_err(|error| Failure::of(&error))?;
    match format {
        Format::Json => output.json_document(&Document {
            applied: how == Removal::Apply,
            removed: &removed,
        })?,
        Format::People => {
            for found in &removed {
                output.line(&format!("{}  {}", found.what, found.why))?;
            }
            let n = removed.len();
            output.line(&match how {
                Removal::Show if n == 0 => "Nothing to remove.".to_owned(),
                Removal::Show => {
                    format!("{n} would be removed: mission-control cleanup --apply")
                }
                Removal::Apply => format!("{n} removed."),
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
