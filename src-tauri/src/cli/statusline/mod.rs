//! `mission-control statusline`: one line about delegated tasks for a status bar.

mod original;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_core::task::words::duration_words;
use mission_control_core::text::one_line;
use mission_control_engine::clock::Clock;
use mission_control_engine::store::{Store, TaskFilter};
use mission_control_engine::task::context::TaskContext;
use mission_control_engine::task::present::present;
use serde::Serialize;

use super::Format;
use super::failure::Failure;
use super::output::Output;

/// Longest name of a task, in characters.
const NAME_CHARS: usize = 40;

#[derive(Serialize)]
struct Document {
    text: String,
    running: usize,
    queued: usize,
    needs_you: usize,
}

/// Prints nothing when nothing runs. Looks only: a status bar asks often.
pub(super) fn run(format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let document = look()?;
    match format {
        Format::Json => output.json_document(&document)?,
        Format::People if document.text.is_empty() => {}
        Format::People => output.line(&document.text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what another status line prints and ours below it. Succeeds whatever goes wrong: a
/// status bar shows nothing of a command that failed.
pub(super) fn run_below(original: Option<&str>, output: &mut Output) -> Result<ExitCode, Failure> {
    let (printed, problem) = original.map_or_else(Default::default, original::run);
    if let Some(problem) = problem {
        problem.report();
    }
    // Colours and links of the other one are kept, which `Output` would strip.
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&printed)?;
    match look() {
        Ok(document) if document.text.is_empty() => {}
        Ok(document) => {
            if printed.last().is_some_and(|byte| *byte != b'\n') {
                stdout.write_all(b"\n")?;
            }
            stdout.flush()?;
            drop(stdout);
            output.line(&document.text)?;
        }
        Err(failure) => {
            failure.report();
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn look() -> Result<Document, Failure> {
    let context = TaskContext::from_environment().map_err(|error| Failure::of(&error))?;
    if !Store::exists(&context.state) {
        return Ok(Document::of(&[]));
    }
    let store = Store::open_to_look(&context.state).map_err(|error| Failure::of(&error))?;
    let open = store.tasks(TaskFilter::Open);
    let mut open = open.map_err(|error| Failure::of(&error))?;
    let now = Clock::start().now().wall;
    for task in &mut open {
        present(&store, task, now);
    }
    Ok(Document::of(&open))
}

impl Document {
    fn of(tasks: &[Task]) -> Self {
        let count = |status| tasks.iter().filter(|task| task.status == status).count();
        let mut document = Self {
            text: String::new(),
            running: count(TaskStatus::Running),
            queued: count(TaskStatus::Queued),
            needs_you: count(TaskStatus::InputRequired),
        };
        let counts = [
            (document.needs_you, "needs you"),
            (document.running, "running"),
            (document.queued, "queued"),
        ];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
        if let Some(first) = most_urgent(tasks) {
            let name = one_line(&first.title, NAME_CHARS);
            let ran = duration_words(Duration::from_millis(first.elapsed_ms));
            document.text = format!("Codex: {} · {name} {ran}", counts.join(", "));
        }
        document
    }
}

/// Who waits for somebody goes before who runs, and who runs before who waits for a turn.
fn most_urgent(tasks: &[Task]) -> Option<&Task> {
    let of = |status| tasks.iter().find(|task| task.status == status);
    of(TaskStatus::InputRequired)
        .or_else(|| of(TaskStatus::Running))
        .or_else(|| of(TaskStatus::Queued))
}
