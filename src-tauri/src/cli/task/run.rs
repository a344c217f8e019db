//! `mission-control run` and `reply`.

use std::process::ExitCode;

use mission_control_core::task::model::TaskId;
use mission_control_core::task::request::TaskRequest;
use mission_control_engine::task::reply::{ReplyError, reply_to};
use mission_control_engine::task::submit::{Novelty, SubmitError, submit};

use super::arguments::RunArguments;
use super::{Desk, now, render, store_failure, wait};
use crate::cli::Format;
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Output;

/// What happens when the task was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// Its id is printed.
    Leave,
    /// It is waited for, and what came of it is printed.
    Wait,
}

pub(super) fn run(
    arguments: RunArguments,
    afterwards: Afterwards,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let request = arguments.request()?;
    let desk = Desk::to_write()?;
    let code = hand_in(&desk, request, afterwards, format, output)?;
    desk.leave_open();
    Ok(code)
}

pub(super) fn reply(
    id: &str,
    text: String,
    afterwards: Afterwards,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_write()?;
    let id = desk.find(id)?;
    let task = desk.whole(&id)?;
    let request = reply_to(&desk.context.folder(&id), &task, text)
        .map_err(|error| not_continued(&id, error))?;
    let code = hand_in(&desk, request, afterwards, format, output)?;
    desk.leave_open();
    Ok(code)
}

fn not_continued(id: &TaskId, error: ReplyError) -> Failure {
    match error {
        ReplyError::NoThread => Failure::new(
            Kind::Failed,
            format!("Task {id} has no thread to go on with."),
        ),
        ReplyError::NotEnded => Failure::new(Kind::Failed, format!("Task {id} has not ended."))
            .hint(format!("`mission-control wait {id}` ends when it ends.")),
        error @ (ReplyError::Request(_) | ReplyError::Removed(_)) => {
            Failure::of(&error).hint(format!(
                "`mission-control run --thread-id` goes on with its thread, set up anew; \
                 `mission-control task {id}` names the thread."
            ))
        }
    }
}

fn hand_in(
    desk: &Desk,
    request: TaskRequest,
    afterwards: Afterwards,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let submitted =
        submit(&desk.context, &desk.store, request, now()).map_err(|error| refused(&error))?;
    let task = desk.present(submitted.task);
    if afterwards == Afterwards::Wait {
        return wait::for_one(desk, &task, format, output);
    }
    match format {
        Format::Json => output.json_document(&task)?,
        Format::People => {
            output.line(task.task_id.as_str())?;
            output.flush()?;
            render::remark(&match submitted.novelty {
                Novelty::New => task.next.join("\n"),
                Novelty::Known => "This key was used before: it is that task.".to_owned(),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(error: &SubmitError) -> Failure {
    match error {
        SubmitError::Request(fault) => Failure::new(Kind::Usage, fault.to_string()),
        SubmitError::Store(error) => store_failure(error),
        SubmitError::NoFolder(folder) => {
            Failure::new(Kind::NotFound, format!("`{folder}` is not a folder."))
        }
        SubmitError::NoRepository(_) => Failure::of(error),
        SubmitError::TooDeep | SubmitError::Forbidden => {
            Failure::of(error).of_kind(Kind::NotAvailable)
        }
        SubmitError::Files(io) if is_read_only(io) => Failure::of(error)
            .of_kind(Kind::NotAvailable)
            .hint("Make the state folder writable, or set `MISSION_CONTROL_HOME` to another one."),
        SubmitError::Files(_) => Failure::of(error),
    }
}

fn is_read_only(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied
    )
}
