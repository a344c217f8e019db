//! A delegated task as every face shows it: the public JSON contract.
//!
//! These are view values. How they come about is the business of [`super::run`] and
//! [`super::conclude`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cloud::CloudPlace;
use super::failure::TaskError;
use super::request::Sandbox;
use super::test_report::TestReport;
use crate::session::{Need, SessionId};
use crate::timeline::{FileChangeKind, ItemStatus};

/// Names a task. The text is a UUID and therefore safe as the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct TaskId(String);

impl TaskId {
    /// Reads an id; none if it is no UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TaskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no task id"))
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum TaskStatus {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// It waits for a person.
    InputRequired,
    /// The agent finished its turn.
    Completed,
    /// It ended without finishing its turn.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// It was ended because it took too long.
    TimedOut,
    /// It was lost with whoever watched it; it can be resumed.
    Interrupted,
}

impl TaskStatus {
    /// Returns the name used in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns whether nothing can follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::InputRequired => false,
            Self::Completed
            | Self::Failed
            | Self::Cancelled
            | Self::TimedOut
            | Self::Interrupted => true,
        }
    }
}

/// What came of a task, as far as there is evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Outcome {
    /// The agent finished, and nothing speaks against it.
    Succeeded,
    /// It ended and left the files as they were, although they were to be changed or it was ended.
    NoChanges,
    /// Some of it was done.
    Partial,
    /// Nothing of use was done.
    Failed,
    /// There is not enough evidence to say.
    Unknown,
}

impl Outcome {
    /// Returns the name used in JSON and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NoChanges => "no_changes",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What a task was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum TaskKind {
    /// A thread of its own.
    Run,
    /// A further turn of an existing thread.
    Resume,
    /// A copy of an existing thread.
    Fork,
    /// A review of changes.
    Review,
    /// It runs at the agent's vendor.
    Cloud,
}

/// What a running task is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Phase {
    /// The agent's program starts.
    Starting,
    /// The model works.
    Thinking,
    /// A command runs.
    RunningCommand,
    /// Files are changed.
    Editing,
    /// Another tool, a search or a sub-agent works.
    CallingTool,
    /// The agent answered and its program is about to leave.
    Finalizing,
}

/// How far the agent is in its own plan. Nothing here is estimated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskProgress {
    /// Steps done.
    pub done: u32,
    /// Steps planned; zero without a plan.
    pub total: u32,
    /// Steps done in percent; null without a plan.
    pub percent: Option<u32>,
    /// What it does at the moment.
    pub current: Option<String>,
}

/// Who says that a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum FileWitness {
    /// The agent reported it and git shows it.
    Both,
    /// The agent reported it and git does not show it.
    AgentOnly,
    /// Git shows it and the agent did not report it: a command did it, or somebody else.
    GitOnly,
    /// The agent reported it and git could not be asked.
    Unchecked,
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskFile {
    /// Its path, from the repository's root where it lies inside.
    pub path: String,
    /// What happened to it.
    pub kind: FileChangeKind,
    /// Who says so.
    pub seen_by: FileWitness,
}

/// One command the agent ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskCommand {
    /// The command as one line of shell.
    pub command: String,
    /// How far it came.
    pub status: ItemStatus,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Its output, shortened in the middle.
    pub output: String,
}

/// What a count of tokens covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum UsageScope {
    /// This task alone.
    Task,
    /// The whole thread, earlier turns included: what it had used before is not known.
    Thread,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskUsage {
    /// Input tokens, cached ones included.
    #[cfg_attr(test, ts(type = "number"))]
    pub input: u64,
    /// Input tokens served from a cache.
    #[cfg_attr(test, ts(type = "number"))]
    pub cached: u64,
    /// Output tokens, reasoning included.
    #[cfg_attr(test, ts(type = "number"))]
    pub output: u64,
    /// What these numbers cover.
    pub covers: UsageScope,
}

/// The size of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DiffStat {
    /// Files changed.
    pub files: u32,
    /// Lines added.
    pub insertions: u32,
    /// Lines removed.
    pub deletions: u32,
}

/// What git says about a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskGit {
    /// The commit it started from.
    pub base: Option<String>,
    /// The commit it ended on.
    pub head: Option<String>,
    /// The branch it ended on.
    pub branch: Option<String>,
    /// The worktree it ran in, if it had its own.
    pub worktree: Option<String>,
    /// How much it changed.
    pub diffstat: Option<DiffStat>,
}

/// A part of the result that was shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Cut {
    /// How much is shown: characters of a text, members of a list.
    #[cfg_attr(test, ts(type = "number"))]
    pub shown: u64,
    /// How much there is.
    #[cfg_attr(test, ts(type = "number"))]
    pub total: u64,
}

/// Where more is to be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskLink {
    /// What it is: `result`, `log`, `diff`, `debug`.
    pub rel: String,
    /// A path or address.
    pub target: String,
}

/// Where a fact about a task came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum TaskEvidenceSource {
    /// The agent's own events.
    Events,
    /// How its process ended.
    Exit,
    /// What it wrote on standard error.
    Stderr,
    /// The output of a command it ran.
    CommandOutput,
    /// Git, before and after.
    Git,
    /// The session's transcript.
    Transcript,
    /// The vendor's cloud.
    Cloud,
    /// The supervisor itself.
    Supervisor,
}

/// One reason for a task's status or outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskEvidence {
    /// Where it came from.
    pub from: TaskEvidenceSource,
    /// What it says, in words for a person.
    pub says: String,
}

/// One task, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Task {
    /// Names the task in every command.
    pub task_id: TaskId,
    /// The agent's id of the thread.
    pub thread_id: Option<String>,
    /// The agent's id of the turn, where it names it.
    pub turn_id: Option<String>,
    /// The session it runs as.
    pub session_id: Option<SessionId>,
    /// What it was started as.
    pub kind: TaskKind,
    /// A name, or the prompt's first line.
    pub title: String,
    /// The folder it works in.
    pub cwd: String,
    /// What it may write.
    pub sandbox: Sandbox,
    /// The model that was asked for.
    pub model: Option<String>,
    /// Where it runs, if not on this machine.
    #[serde(default)]
    pub cloud: Option<CloudPlace>,
    /// The group it was started in.
    pub group_id: Option<String>,
    /// Words given at its start.
    pub tags: Vec<String>,
    /// Where it stands.
    pub status: TaskStatus,
    /// What came of it; null until it ended.
    pub outcome: Option<Outcome>,
    /// What it is busy with; null unless it runs.
    pub phase: Option<Phase>,
    /// How far it is in its own plan.
    pub progress: TaskProgress,
    /// What it waits for.
    pub need: Option<Need>,
    /// Its place in the queue, from 1; null unless it waits there.
    pub queue_position: Option<u32>,
    /// When it was asked for.
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// When its process was started.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub started_at: Option<Timestamp>,
    /// When this was written.
    #[cfg_attr(test, ts(type = "string"))]
    pub updated_at: Timestamp,
    /// When it ended.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub ended_at: Option<Timestamp>,
    /// How long it has been running, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub elapsed_ms: u64,
    /// When to look again, in milliseconds; null when it ended.
    pub poll_after_ms: Option<u32>,
    /// One or two sentences.
    pub summary: String,
    /// The agent's last message.
    pub final_message: Option<String>,
    /// Files changed.
    pub files: Vec<TaskFile>,
    /// Commands run.
    pub commands: Vec<TaskCommand>,
    /// Test runs found in the output of commands.
    pub tests: Vec<TestReport>,
    /// Tokens used.
    pub usage: Option<TaskUsage>,
    /// What git says.
    pub git: Option<TaskGit>,
    /// What a reader should know, as sentences.
    pub warnings: Vec<String>,
    /// Why it did not succeed.
    pub error: Option<TaskError>,
    /// What was shortened, by field.
    pub truncated: BTreeMap<String, Cut>,
    /// Where more is to be found.
    pub links: Vec<TaskLink>,
    /// What can be done next, as sentences.
    pub next: Vec<String>,
    /// The evidence behind status and outcome, the deciding one first.
    pub evidence: Vec<TaskEvidence>,
}

impl Task {
    /// Makes a task that was just asked for and waits for its turn.
    #[must_use]
    pub fn new(
        task_id: TaskId,
        kind: TaskKind,
        title: String,
        cwd: String,
        created_at: Timestamp,
    ) -> Self {
        Self {
            task_id,
            thread_id: None,
            turn_id: None,
            session_id: None,
            kind,
            title,
            cwd,
            sandbox: Sandbox::ReadOnly,
            model: None,
            cloud: None,
            group_id: None,
            tags: Vec::new(),
            status: TaskStatus::Queued,
            outcome: None,
            phase: None,
            progress: TaskProgress::default(),
            need: None,
            queue_position: None,
            created_at,
            started_at: None,
            updated_at: created_at,
            ended_at: None,
            elapsed_ms: 0,
            poll_after_ms: None,
            summary: String::new(),
            final_message: None,
            files: Vec::new(),
            commands: Vec::new(),
            tests: Vec::new(),
            usage: None,
            git: None,
            warnings: Vec::new(),
            error: None,
            truncated: BTreeMap::new(),
            links: Vec::new(),
            next: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_names_a_task() {
        let id = TaskId::parse("0199A2B3-1111-7222-8333-444455556666").unwrap();

        assert_eq!(id.as_str(), "0199a2b3-1111-7222-8333-444455556666");
        for text in [
            "",
            "../../etc/passwd",
            "0199a2b3-1111-7222-8333-44445555666g",
        ] {
            assert_eq!(TaskId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_names_in_the_store_are_the_names_in_json() {
        for status in [
            TaskStatus::Queued,
            TaskStatus::Running,
            TaskStatus::InputRequired,
            TaskStatus::Completed,
            TaskStatus::Failed,
            TaskStatus::Cancelled,
            TaskStatus::TimedOut,
            TaskStatus::Interrupted,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
