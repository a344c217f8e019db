//! `mission-control run` and `reply`.

use std::process::ExitCode;

use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_core::task::request::{Resume, TaskRequest};
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
    let request = reply_to(&task, text)?;
    let code = hand_in(&desk, request, afterwards, format, output)?;
    desk.leave_open();
    Ok(code)
}

fn reply_to(task: &Task, text: String) -> Result<TaskRequest, Failure> {
    let id = &task.task_id;
    let Some(thread) = &task.thread_id else {
        return Err(Failure::new(
            Kind::Failed,
            format!("Task {id} has no thread to go on with."),
        ));
    };
    match task.status {
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired => {
            return Err(
                Failure::new(Kind::Failed, format!("Task {id} has not ended."))
                    .hint(format!("`mission-control wait {id}` ends when it ends.")),
            );
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => {}
    }
    // What was begun in a checkout of its own goes on there while it exists.
    let worktree = task.git.as_ref().and_then(|git| git.worktree.clone());
    let cwd = worktree.filter(|worktree| std::path::Path::new(worktree).is_dir());
    Ok(TaskRequest {
        prompt: text,
        cwd: Some(cwd.unwrap_or_else(|| task.cwd.clone())),
        sandbox: task.sandbox,
        model: task.model.clone(),
        thread_id: Some(thread.clone()),
        resume: Resume::Thread,
        group_id: task.group_id.clone(),
        tags: task.tags.clone(),
        // The folder was accepted for the first turn.
        skip_git_repo_check: true,
        ..TaskRequest::default()
    })
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
