//! The task's log for people: one time-stamped line for everything that happened.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};

use jiff::Timestamp;
use mission_control_core::redact::redact;
use mission_control_core::task::conclude::ChildExit;
use mission_control_core::task::exec_events::ExecFact;
use mission_control_core::task::model::Task;
use mission_control_core::task::words::{duration_words, inner_script};
use mission_control_core::text::one_line;
use mission_control_core::timeline::ItemStatus;

use crate::clock::Clock;
use crate::task::folder::{TaskFolder, append};
use crate::task::programs::Launch;
use crate::task::run_facts::exit_words;

/// Longest line, in characters.
const LINE_CHARS: usize = 500;

/// Marks what the agent said or did.
const AGENT: &str = "agent";
/// Marks what the supervisor did.
const TASK: &str = "task ";

/// Writes the log. What cannot be written is missed by nobody but its reader.
#[derive(Debug)]
pub(in crate::task) struct Journal {
    file: File,
    clock: Clock,
    /// Lines about the agent that an earlier supervisor wrote: its output is read from the start.
    n_known: usize,
}

impl Journal {
    pub(in crate::task) fn open(
        folder: &TaskFolder,
        task: &Task,
        now: Timestamp,
    ) -> io::Result<Self> {
        let path = folder.log();
        let n_known = n_agent_lines(&path)?;
        let is_new = !path.exists();
        let mut journal = Self {
            file: append(&path)?,
            clock: Clock::start(),
            n_known,
        };
        if is_new {
            let header = [
                ("Task", task.task_id.to_string()),
                ("Title", task.title.clone()),
                ("Folder", task.cwd.clone()),
                ("Sandbox", task.sandbox.as_str().to_owned()),
                (
                    "Model",
                    task.model.clone().unwrap_or_else(|| "default".to_owned()),
                ),
                ("Asked at", task.created_at.to_string()),
                ("Logged from", now.to_string()),
            ];
            let mut text: String = header
                .iter()
                .map(|(name, value)| format!("{name:<12} {}\n", one_line(value, LINE_CHARS)))
                .collect();
            text.push('\n');
            journal.write(&text);
        }
        Ok(journal)
    }

    /// Writes what the supervisor did or noticed.
    pub(in crate::task) fn note(&mut self, says: &str) {
        let now = self.clock.now().wall;
        self.line(TASK, says, now);
    }

    /// Writes with what the agent is started.
    pub(super) fn launching(&mut self, launch: &Launch, now: Timestamp) {
        self.line(TASK, &format!("Starts: {}", launch.shown().join(" ")), now);
    }

    /// Writes how the agent left, and returns the words.
    pub(super) fn exited(&mut self, exit: ChildExit, now: Timestamp) -> String {
        let says = exit_words(exit);
        self.line(TASK, &says, now);
        says
    }

    /// Writes what came of the task.
    pub(in crate::task) fn summary(&mut self, task: &Task) {
        let outcome = task.outcome.map_or("unknown", |outcome| outcome.as_str());
        let elapsed = duration_words(std::time::Duration::from_millis(task.elapsed_ms));
        self.note(&format!(
            "Ended: {} ({outcome}) after {elapsed}. {}",
            task.status.as_str(),
            one_line(&task.summary, LINE_CHARS)
        ));
    }

    /// Writes what the agent said or did.
    pub(super) fn fact(&mut self, fact: &ExecFact, now: Timestamp) {
        let Some(says) = words(fact) else { return };
        if self.n_known > 0 {
            self.n_known -= 1;
            return;
        }
        self.line(AGENT, &redact(&says).text, now);
    }

    fn line(&mut self, who: &str, says: &str, now: Timestamp) {
        let at = now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let says = one_line(says, LINE_CHARS);
        self.write(&format!("{at} {who} {says}\n"));
    }

    fn write(&mut self, text: &str) {
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            tracing::warn!(%error, "The task's log cannot be written.");
        }
    }
}

fn n_agent_lines(path: &camino::Utf8Path) -> io::Result<usize> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut n = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let who = line.split(|byte| *byte == b' ').nth(1);
        n += usize::from(who == Some(AGENT.as_bytes()));
    }
    Ok(n)
}

/// Returns a fact as one line; none if it says nothing to a reader.
fn words(fact: &ExecFact) -> Option<String> {
    let says = match fact {
        ExecFact::ThreadStarted { thread } => format!("Thread {thread}"),
        ExecFact::TurnStarted => "Turn started.".to_owned(),
        ExecFact::Said { text } => format!("Says: {text}"),
        ExecFact::Reasoned { text } => format!("Thinks: {text}"),
        ExecFact::Command {
            command,
            status,
            exit_code,
            output,
            ..
        } => {
            let script = inner_script(command);
            let code = exit_code.map_or_else(String::new, |code| format!(" with code {code}"));
            match status {
                ItemStatus::Running => format!("Runs: {script}"),
                ItemStatus::Completed | ItemStatus::Failed => {
                    format!("Ran{code}, {} B of output: {script}", output.len())
                }
                ItemStatus::Declined => format!("Was not allowed to run: {script}"),
            }
        }
        ExecFact::FilesChanged { files, status, .. } => {
            let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
            let paths = paths.join(", ");
            match status {
                ItemStatus::Running => format!("Changes: {paths}"),
                ItemStatus::Completed => format!("Changed: {paths}"),
                ItemStatus::Failed | ItemStatus::Declined => format!("Could not change: {paths}"),
            }
        }
        ExecFact::ToolCalled { name, status, .. } => match status {
            ItemStatus::Running => format!("Calls: {name}"),
            ItemStatus::Completed => format!("Called: {name}"),
            ItemStatus::Failed | ItemStatus::Declined => format!("Could not call: {name}"),
        },
        ExecFact::Planned { steps } => {
            let n_done = steps.iter().filter(|step| step.is_done).count();
            format!("Plan: {n_done} of {} steps done", steps.len())
        }
        ExecFact::Warned { message } => format!("Warns: {message}"),
        ExecFact::Retrying { message, .. } => format!("Tries again: {message}"),
        ExecFact::Faulted { message } => format!("Error: {message}"),
        ExecFact::TurnCompleted { .. } => "Turn completed.".to_owned(),
        ExecFact::TurnFailed { message } => format!("Turn failed: {message}"),
    };
    Some(says)
}
