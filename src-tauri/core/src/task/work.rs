//! What the agent's events have said so far, without secrets and bounded.
//!
//! Whether it was any good is decided in [`super::conclude`].

use std::collections::BTreeMap;

use super::exec_events::{ExecFact, ExecUsage, PlanStep, ReportedFile, RetryCause};
use super::model::{Phase, TaskCommand};
use super::progress;
use super::test_report::{TestReport, find_test_reports};
use super::words::inner_script;
use crate::redact::{SecretCounts, redact};
use crate::text::{one_line, shorten, shorten_middle};
use crate::timeline::{FileChangeKind, ItemStatus};

/// How many commands are kept: the first ones and the latest.
const MAX_COMMANDS: usize = 200;
/// How many of the first commands stay when there are too many.
const FIRST_COMMANDS: usize = 20;
/// How much of one command's output is kept, in bytes.
const OUTPUT_BYTES: usize = 4_000;
/// Longest command line that is kept, in characters.
const COMMAND_CHARS: usize = 2_000;
/// Longest message that is kept, in bytes. The whole one is in the task's files.
const MESSAGE_BYTES: usize = 1 << 20;
/// How many files, test runs, warnings and refusals are kept.
const MAX_LISTED: usize = 1_000;
/// Longest sentence of the agent about a fault, in characters.
const FAULT_CHARS: usize = 1_000;

/// The latest turn, as far as the events tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TurnSeen {
    /// None was started.
    #[default]
    None,
    /// It runs.
    Running,
    /// It completed.
    Completed,
    /// It failed.
    Failed {
        /// What the agent said.
        message: String,
    },
}

/// Something the sandbox refused to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The command.
    pub command: String,
    /// The line that says so.
    pub says: String,
    /// What it was about.
    pub target: DenialTarget,
}

/// What the sandbox protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialTarget {
    /// The repository itself: no branch, no commit.
    Repository,
    /// Something else.
    Elsewhere,
}

/// Something that was begun and has no end yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenItem {
    item: String,
    pub(super) phase: Phase,
    pub(super) label: String,
}

/// What the agent tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Why.
    pub cause: RetryCause,
    /// What it says.
    pub message: String,
    /// How many times in a row.
    pub n_times: u32,
}

/// Everything the events have said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkLog {
    /// How many events there were, further tries left out.
    pub n_events: u32,
    /// The thread's id.
    pub thread_id: Option<String>,
    /// The latest turn.
    pub turn: TurnSeen,
    /// The agent's latest message.
    pub final_message: Option<String>,
    /// Commands, in order.
    pub commands: Vec<TaskCommand>,
    /// How many commands there were.
    pub n_commands: u32,
    /// How many commands were refused.
    pub n_declined: u32,
    /// Files the agent reported, by path.
    pub files: BTreeMap<String, FileChangeKind>,
    /// Edits that did not work.
    pub n_failed_edits: u32,
    /// Test runs, in order.
    pub tests: Vec<TestReport>,
    /// Tokens used by the thread.
    pub usage: Option<ExecUsage>,
    /// Warnings of the agent, in order.
    pub warnings: Vec<String>,
    /// The agent's latest fault.
    pub fault: Option<String>,
    /// What is being tried again; none when it worked.
    pub retry: Option<Retry>,
    /// What the sandbox refused and was not done later.
    pub denials: Vec<Denial>,
    /// Secrets that were removed.
    pub secrets: SecretCounts,
    pub(super) plan: Vec<PlanStep>,
    pub(super) open: Vec<OpenItem>,
}

impl WorkLog {
    /// Takes in one fact.
    pub fn handle(&mut self, fact: ExecFact) {
        if !matches!(fact, ExecFact::Retrying { .. }) {
            self.n_events = self.n_events.saturating_add(1);
        }
        match fact {
            ExecFact::ThreadStarted { thread } => self.thread_id = Some(thread),
            ExecFact::TurnStarted => {
                self.turn = TurnSeen::Running;
                self.retry = None;
            }
            ExecFact::Said { text } => {
                self.retry = None;
                let text = self.clean(&text);
                self.final_message = Some(shorten_middle(&text, MESSAGE_BYTES));
            }
            ExecFact::Reasoned { .. } => self.retry = None,
            ExecFact::Command {
                item,
                command,
                status,
                exit_code,
                output,
            } => self.command(item, &command, status, exit_code, &output),
            ExecFact::FilesChanged {
                item,
                files,
                status,
            } => self.files_changed(item, files, status),
            ExecFact::ToolCalled {
                item, name, status, ..
            } => {
                let label = one_line(&self.clean(&name), progress::CURRENT_CHARS);
                self.open_or_close(item, Phase::CallingTool, label, status);
            }
            ExecFact::Planned { steps } => {
                self.retry = None;
                self.plan = steps
                    .into_iter()
                    .map(|step| PlanStep {
                        text: one_line(&self.clean(&step.text), progress::CURRENT_CHARS),
                        is_done: step.is_done,
                    })
                    .collect();
            }
            ExecFact::Warned { message } => {
                let message = shorten(&self.clean(&message), FAULT_CHARS);
                if self.warnings.len() < MAX_LISTED && !self.warnings.contains(&message) {
                    self.warnings.push(message);
                }
            }
            ExecFact::Retrying { message, cause } => {
                let n_times = self.retry.as_ref().map_or(0, |retry| retry.n_times);
                self.retry = Some(Retry {
                    cause,
                    message: shorten(&self.clean(&message), FAULT_CHARS),
                    n_times: n_times.saturating_add(1),
                });
            }
            ExecFact::Faulted { message } => {
                self.fault = Some(shorten(&self.clean(&message), FAULT_CHARS));
            }
            ExecFact::TurnCompleted { usage } => {
                self.turn = TurnSeen::Completed;
                self.usage = usage.or(self.usage);
                self.retry = None;
                self.open.clear();
            }
            ExecFact::TurnFailed { message } => {
                let message = shorten(&self.clean(&message), FAULT_CHARS);
                self.turn = TurnSeen::Failed { message };
                self.open.clear();
            }
        }
    }

    /// Returns whether a turn ended and none followed.
    #[must_use]
    pub const fn has_answered(&self) -> bool {
        match self.turn {
            TurnSeen::Completed | TurnSeen::Failed { .. } => true,
            TurnSeen::None | TurnSeen::Running => false,
        }
    }

    /// Returns the latest test run of each runner and command.
    #[must_use]
    pub fn latest_tests(&self) -> Vec<&TestReport> {
        let mut latest: Vec<&TestReport> = Vec::new();
        for report in &self.tests {
            latest.retain(|earlier| {
                (earlier.parser, &earlier.command) != (report.parser, &report.command)
            });
            latest.push(report);
        }
        latest
    }

    fn command(
        &mut self,
        item: String,
        command: &str,
        status: ItemStatus,
        exit_code: Option<i32>,
        output: &str,
    ) {
        let command = shorten(&self.clean(command), COMMAND_CHARS);
        let label = one_line(inner_script(&command), progress::CURRENT_CHARS);
        self.open_or_close(item, Phase::RunningCommand, label, status);
        if status == ItemStatus::Running {
            return;
        }
        self.n_commands = self.n_commands.saturating_add(1);
        let output = self.clean(output);
        if self.tests.len() < MAX_LISTED {
            self.tests.extend(find_test_reports(&command, &output));
        }
        match status {
            ItemStatus::Running => {}
            ItemStatus::Completed => self.denials.retain(|denial| denial.command != command),
            ItemStatus::Declined => self.n_declined = self.n_declined.saturating_add(1),
            ItemStatus::Failed => {
                if let Some(denial) = denial_in(&command, &output)
                    && self.denials.len() < MAX_LISTED
                {
                    self.denials.push(denial);
                }
            }
        }
        if self.commands.len() == MAX_COMMANDS {
            self.commands.remove(FIRST_COMMANDS);
        }
        self.commands.push(TaskCommand {
            command,
            status,
            exit_code,
            output: shorten_middle(&output, OUTPUT_BYTES),
        });
    }

    fn files_changed(&mut self, item: String, files: Vec<ReportedFile>, status: ItemStatus) {
        let label = match files.as_slice() {
            [file] => file_name(&file.path).to_owned(),
            files => format!("{} files", files.len()),
        };
        self.open_or_close(item, Phase::Editing, label, status);
        match status {
            ItemStatus::Running => {}
            ItemStatus::Failed | ItemStatus::Declined => {
                self.n_failed_edits = self.n_failed_edits.saturating_add(1);
            }
            ItemStatus::Completed => {
                for file in files {
                    if self.files.len() < MAX_LISTED || self.files.contains_key(&file.path) {
                        let before = self.files.get(&file.path).copied();
                        self.files.insert(file.path, followed_by(before, file.kind));
                    }
                }
            }
        }
    }

    fn open_or_close(&mut self, item: String, phase: Phase, label: String, status: ItemStatus) {
        self.retry = None;
        self.open.retain(|open| open.item != item);
        if status == ItemStatus::Running {
            self.open.push(OpenItem { item, phase, label });
        }
    }

    fn clean(&mut self, text: &str) -> String {
        let redacted = redact(text);
        self.secrets.add(&redacted.counts);
        redacted.text
    }
}

/// What two changes of one file come to.
const fn followed_by(before: Option<FileChangeKind>, after: FileChangeKind) -> FileChangeKind {
    match (before, after) {
        (Some(FileChangeKind::Added), FileChangeKind::Updated) => FileChangeKind::Added,
        (Some(FileChangeKind::Deleted), FileChangeKind::Added) => FileChangeKind::Updated,
        (_, after) => after,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Returns what the sandbox refused to a command that failed, if its output says so.
fn denial_in(command: &str, output: &str) -> Option<Denial> {
    let line = output.lines().rev().find(|line| {
        [
            "Read-only file system",
            "Operation not permitted",
            "read-only file system",
            "operation not permitted",
        ]
        .iter()
        .any(|sign| line.contains(sign))
            || line.contains("Permission denied") && line.contains(".git/")
    })?;
    let target = if line.contains(".git/") || line.contains(".git:") || line.contains(".git'") {
        DenialTarget::Repository
    } else {
        DenialTarget::Elsewhere
    };
    Some(Denial {
        command: command.to_owned(),
        says: one_line(line, FAULT_CHARS),
        target,
    })
}
