//! The commands about delegated tasks.

mod act;
mod answer;
mod arguments;
mod logs;
mod render;
mod run;
mod show;
mod supervise;
mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;
use mission_control_core::task::model::{Task, TaskId};
use mission_control_engine::clock::Clock;
use mission_control_engine::store::{Store, StoreError};
use mission_control_engine::task::apply::Application;
use mission_control_engine::task::context::TaskContext;
use mission_control_engine::task::reconcile::reconcile;

use super::FormatArguments;
use super::failure::{Failure, Kind};
use super::output::Output;
use arguments::RunArguments;

/// Delegated tasks.
#[derive(Debug, Subcommand)]
pub(super) enum TaskCommand {
    /// Hand a task to an agent; it goes on whatever happens to this terminal
    Run {
        #[command(flatten)]
        request: Box<RunArguments>,
        /// Wait until it ends, and print what came of it
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// List delegated tasks, the latest first
    Tasks {
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: u32,
        /// Only those that have not ended
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Show how one task stands
    Task {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print what came of a task
    Result {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print a task's log
    Logs {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        /// Go on printing what is added, until the task ends
        #[arg(long, short)]
        follow: bool,
    },
    /// Wait until tasks end or need somebody, and print a summary
    ///
    /// Exits with 0 when they succeeded, 1 when one did not, 5 when one needs somebody, and 6
    /// when at the time-out one still runs, or with `--any` all of them.
    Wait {
        /// The tasks' ids, or unambiguous beginnings of them
        #[arg(required = true)]
        ids: Vec<String>,
        /// Until the first of them ends
        #[arg(long, conflicts_with = "all")]
        any: bool,
        /// Until all of them ended; this is the default
        #[arg(long)]
        all: bool,
        /// At most so many seconds
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<f64>,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// End a task
    Cancel {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Go on with a task's thread
    Reply {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        /// What to do next
        text: String,
        /// Wait until it ends, and print what came of it
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Answer what a session or a task asks
    Answer {
        /// The session's or task's id, or an unambiguous beginning of it
        id: String,
        /// The request, as `need.request_id` names it
        request: String,
        /// `accept`, `decline`, or words where the request takes them
        answer: String,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Bring what a task changed in its own checkout into its folder
    Apply {
        /// The task's id, or an unambiguous beginning of it
        id: String,
        /// Only print the difference
        #[arg(long, conflicts_with = "discard")]
        preview: bool,
        /// Throw the changes away
        #[arg(long)]
        discard: bool,
    },
    /// Remove tasks whose result was seen and that ended long ago; shows only what it would do
    Cleanup {
        /// Do it
        #[arg(long)]
        apply: bool,
        /// Ended before so many days; the settings decide if not given
        #[arg(long)]
        days: Option<u32>,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// See one task through; started by `run`
    #[command(hide = true)]
    Supervise {
        /// The task's id
        id: String,
    },
}

pub(super) fn run(command: TaskCommand, output: &mut Output) -> Result<ExitCode, Failure> {
    match command {
        TaskCommand::Run {
            request,
            wait,
            format,
        } => run::run(*request, after(wait), format.into(), output),
        TaskCommand::Tasks {
            limit,
            open,
            format,
        } => {
            let which = if open {
                show::Which::Open
            } else {
                show::Which::Latest(limit)
            };
            show::tasks(which, format.into(), output)
        }
        TaskCommand::Task { id, format } => show::task(&id, format.into(), output),
        TaskCommand::Result { id, format } => show::result(&id, format.into(), output),
        TaskCommand::Logs { id, follow } => {
            let extent = if follow {
                logs::Extent::Follow
            } else {
                logs::Extent::Once
            };
            logs::run(&id, extent, output)
        }
        TaskCommand::Wait {
            ids,
            any,
            all: _,
            timeout,
            format,
        } => {
            let until = if any {
                wait::Until::Any
            } else {
                wait::Until::All
            };
            wait::run(&ids, until, timeout, format.into(), output)
        }
        TaskCommand::Cancel { id, format } => act::cancel(&id, format.into(), output),
        TaskCommand::Reply {
            id,
            text,
            wait,
            format,
        } => run::reply(&id, text, after(wait), format.into(), output),
        TaskCommand::Answer {
            id,
            request,
            answer,
            format,
        } => answer::answer(&id, &request, &answer, format.into(), output),
        TaskCommand::Apply {
            id,
            preview,
            discard,
        } => {
            let application = match (preview, discard) {
                (true, _) => Application::Preview,
                (false, true) => Application::Discard,
                (false, false) => Application::Apply,
            };
            act::apply(&id, application, output)
        }
        TaskCommand::Cleanup {
            apply,
            days,
            format,
        } => {
            let how = if apply {
                act::Removal::Apply
            } else {
                act::Removal::Show
            };
            act::cleanup(how, days, format.into(), output)
        }
        TaskCommand::Supervise { id } => supervise(&id),
    }
}

/// Returns the task that these arguments ask to see through.
pub(super) fn supervised_id(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut arguments = arguments.skip(1);
    let (command, id) = (arguments.next()?, arguments.next()?);
    let is_meant = command == "supervise" && arguments.next().is_none();
    is_meant.then(|| id.into_string().ok()).flatten()
}

/// Sees one task through.
pub(super) fn supervise(id: &str) -> Result<ExitCode, Failure> {
    supervise::run(id)
}

const fn after(wait: bool) -> run::Afterwards {
    if wait {
        run::Afterwards::Wait
    } else {
        run::Afterwards::Leave
    }
}

/// What the commands look at.
struct Desk {
    context: TaskContext,
    store: Store,
}

impl Desk {
    /// Opens the store to look at it, wherever this runs.
    fn to_look() -> Result<Self, Failure> {
        let context = TaskContext::from_environment().map_err(|error| Failure::of(&error))?;
        let store = Store::open_to_look(&context.state).map_err(|error| store_failure(&error))?;
        Ok(Self { context, store })
    }

    /// Opens the store to change it.
    fn to_write() -> Result<Self, Failure> {
        let context = TaskContext::from_environment().map_err(|error| Failure::of(&error))?;
        let store = Store::open(&context.state).map_err(|error| store_failure(&error))?;
        Ok(Self { context, store })
    }

    /// Ends without closing the store: the supervisor goes on with it, and to tidy it up for the
    /// moment between the two takes longer than everything else.
    fn leave_open(self) {
        std::mem::forget(self.store);
    }

    /// Finds the task whose id begins with `text`, after giving every lost task a supervisor.
    fn find(&self, text: &str) -> Result<TaskId, Failure> {
        reconcile(&self.context, &self.store);
        let ids = self
            .store
            .task_ids(text)
            .map_err(|error| store_failure(&error))?;
        match ids.as_slice() {
            [id] => Ok(id.clone()),
            [] => Err(
                Failure::new(Kind::NotFound, format!("There is no task `{text}`."))
                    .hint("`mission-control tasks` shows the tasks."),
            ),
            _ => Err(Failure::new(
                Kind::NotFound,
                format!("More than one task begins with `{text}`."),
            )
            .hint("Give more of the id.")),
        }
    }

    /// Returns a task whole.
    fn whole(&self, id: &TaskId) -> Result<Task, Failure> {
        let task = self
            .store
            .task_result(id)
            .map_err(|error| store_failure(&error))?;
        let task =
            task.ok_or_else(|| Failure::new(Kind::NotFound, format!("There is no task `{id}`.")))?;
        Ok(self.present(task))
    }

    /// Fills in what changes by itself.
    fn present(&self, mut task: Task) -> Task {
        mission_control_engine::task::present::present(&self.store, &mut task, now());
        task
    }
}

fn now() -> Timestamp {
    Clock::start().now().wall
}

/// Says why the store cannot be used and what to do about it.
pub(super) fn store_failure(error: &StoreError) -> Failure {
    let problem = error.problem();
    let kind = match error {
        StoreError::ReadOnly { .. } | StoreError::Folder { .. } => Kind::NotAvailable,
        StoreError::Busy { .. }
        | StoreError::Damaged { .. }
        | StoreError::Newer { .. }
        | StoreError::Other { .. } => Kind::Failed,
    };
    let title = Failure::of(error);
    let failure = title.of_kind(kind);
    match problem.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
