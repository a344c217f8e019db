//! `mission-control wait`: ends when tasks end or need somebody.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mission_control_core::task::model::{Outcome, Task, TaskId, TaskStatus};
use mission_control_engine::store::Store;
use mission_control_engine::task::cloud::Awaited;
use mission_control_engine::task::waiting::{Waited, wait_for};
use serde::Serialize;

use super::{Desk, now, render, show};
use crate::cli::Format;
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Output;

/// Until which of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The first one that ends.
    Any,
    /// All of them.
    All,
}

#[derive(Serialize)]
struct Document<'a> {
    tasks: &'a [Task],
}

pub(super) fn run(
    ids: &[String],
    until: Until,
    timeout: Option<f64>,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let limit = timeout.map(Duration::try_from_secs_f64).transpose();
    let limit = limit.map_err(|_| {
        Failure::new(
            Kind::Usage,
            "`--timeout` needs a number of seconds.".to_owned(),
        )
    })?;
    let desk = Desk::to_look()?;
    let ids: Vec<TaskId> = ids
        .iter()
        .map(|id| desk.find(id))
        .collect::<Result<_, _>>()?;
    let tasks = wait(&desk, &ids, until, limit, format, output)?;
    match format {
        Format::Json => output.json_document(&Document { tasks: &tasks })?,
        Format::People => {
            for task in &tasks {
                output.text(&render::summary(task, now()))?;
            }
        }
    }
    for task in &tasks {
        show::see(&desk, task)?;
    }
    Ok(exit_code(&tasks, until))
}

/// Waits for one task that was just handed in.
pub(super) fn for_one(
    desk: &Desk,
    task: &Task,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let ids = [task.task_id.clone()];
    let tasks = wait(desk, &ids, Until::All, None, format, output)?;
    for task in &tasks {
        match format {
            Format::Json => output.json_document(task)?,
            Format::People => output.text(&render::summary(task, now()))?,
        }
        show::see(desk, task)?;
    }
    Ok(exit_code(&tasks, Until::All))
}

fn wait(
    desk: &Desk,
    ids: &[TaskId],
    until: Until,
    limit: Option<Duration>,
    format: Format,
    output: &Output,
) -> Result<Vec<Task>, Failure> {
    let mut progress = Progress::new(format, output);
    let look = |store: &Store| -> Result<Option<Vec<Task>>, Failure> {
        let tasks = read(desk, store, ids)?;
        progress.show(&tasks);
        Ok(is_over(&tasks, until).then_some(tasks))
    };
    let awaited = || Awaited::These(ids.to_vec());
    let waited = wait_for(&desk.context, &desk.store, awaited, limit, look);
    progress.clear();
    match waited? {
        Waited::For(tasks) => Ok(tasks),
        Waited::TimeUp => read(desk, &desk.store, ids),
    }
}

fn read(desk: &Desk, store: &Store, ids: &[TaskId]) -> Result<Vec<Task>, Failure> {
    ids.iter()
        .map(|id| {
            let task = store
                .task_result(id)
                .map_err(|error| super::store_failure(&error))?;
            let task = task
                .ok_or_else(|| Failure::new(Kind::NotFound, format!("Task {id} was removed.")))?;
            Ok(desk.present(task))
        })
        .collect()
}

fn is_over(tasks: &[Task], until: Until) -> bool {
    let needs_somebody = tasks
        .iter()
        .any(|task| task.status == TaskStatus::InputRequired);
    let mut ended = tasks.iter().map(|task| task.status.is_terminal());
    needs_somebody
        || match until {
            Until::Any => ended.any(|ended| ended),
            Until::All => ended.all(|ended| ended),
        }
}

/// Returns 5 when a task needs somebody, 6 when it is not over yet, 1 when one that ended did not
/// succeed, and 0 otherwise.
pub(super) fn exit_code(tasks: &[Task], until: Until) -> ExitCode {
    ExitCode::from(code(tasks, until))
}

fn code(tasks: &[Task], until: Until) -> u8 {
    let has = |wanted: fn(&Task) -> bool| tasks.iter().any(wanted);
    if has(|task| task.status == TaskStatus::InputRequired) {
        5
    } else if !is_over(tasks, until) {
        6
    } else if has(|task| task.status.is_terminal() && !has_succeeded(task)) {
        1
    } else {
        0
    }
}

fn has_succeeded(task: &Task) -> bool {
    task.status == TaskStatus::Completed
        && match task.outcome {
            Some(Outcome::Succeeded | Outcome::Unknown) | None => true,
            Some(Outcome::NoChanges | Outcome::Partial | Outcome::Failed) => false,
        }
}

/// One line on a terminal that says how things stand; silent elsewhere.
struct Progress {
    is_shown: bool,
    last: String,
}

impl Progress {
    fn new(format: Format, output: &Output) -> Self {
        Self {
            is_shown: format == Format::People && output.is_terminal(),
            last: String::new(),
        }
    }

    fn show(&mut self, tasks: &[Task]) {
        if !self.is_shown {
            return;
        }
        let open: Vec<&Task> = tasks
            .iter()
            .filter(|task| !task.status.is_terminal())
            .collect();
        let line = match open.as_slice() {
            [] => String::new(),
            [task] => render::progress(task, now()),
            tasks => format!("{} tasks have not ended.", tasks.len()),
        };
        if line != self.last {
            self.draw(&line);
            self.last = line;
        }
    }

    fn clear(&mut self) {
        if self.is_shown && !self.last.is_empty() {
            self.draw("");
        }
    }

    /// What cannot be drawn is missed by nobody: the summary is printed elsewhere.
    fn draw(&mut self, line: &str) {
        let mut stderr = std::io::stderr().lock();
        let drawn = write!(stderr, "\r\u{1b}[K{line}").and_then(|()| stderr.flush());
        self.is_shown = drawn.is_ok();
    }
}
