//! A session's transcript as readable entries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::session::{TurnId, TurnOutcome};

/// How far an item of work came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ItemStatus {
    /// It was started and has no end yet.
    Running,
    /// It ended well.
    Completed,
    /// It ended badly.
    Failed,
    /// It was refused.
    Declined,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum FileChangeKind {
    /// It was made.
    Added,
    /// It was changed.
    Updated,
    /// It was removed.
    Deleted,
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FileChange {
    /// The file's path.
    pub path: String,
    /// Where it was moved to.
    pub moved_to: Option<String>,
    /// What happened to it.
    pub kind: FileChangeKind,
    /// Lines added.
    pub n_added: u32,
    /// Lines removed.
    pub n_removed: u32,
    /// The change as unified diff, shortened; empty when it was not recorded.
    pub diff: String,
}

/// What a timeline entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EntryBody {
    /// A turn started.
    TurnStarted {
        /// The model it runs on, if known.
        model: Option<String>,
    },
    /// A person or program asked.
    Prompt {
        /// The prompt.
        text: String,
    },
    /// The agent said something.
    Message {
        /// The message, in Markdown.
        text: String,
        /// Whether it is the turn's final answer.
        is_final: bool,
    },
    /// A summary of the agent's reasoning.
    Reasoning {
        /// The summary.
        text: String,
    },
    /// The agent ran a command.
    Command {
        /// The command as one line of shell.
        command: String,
        /// The folder it ran in.
        cwd: Option<String>,
        /// How far it came.
        status: ItemStatus,
        /// Its exit code.
        exit_code: Option<i32>,
        /// Its output, shortened in the middle.
        output: String,
        /// How long it ran, in milliseconds.
        #[cfg_attr(test, ts(type = "number | null"))]
        duration_ms: Option<u64>,
    },
    /// The agent changed files.
    FileChanges {
        /// The files.
        changes: Vec<FileChange>,
        /// How far it came.
        status: ItemStatus,
    },
    /// The agent called another tool.
    ToolCall {
        /// The tool, with its server before it.
        name: String,
        /// The arguments, shortened.
        input: String,
        /// The result, shortened.
        output: String,
        /// How far it came.
        status: ItemStatus,
    },
    /// The agent searched the web.
    WebSearch {
        /// What for.
        query: String,
    },
    /// The agent started or heard from a sub-agent.
    SubAgent {
        /// The sub-agent's own session id, if recorded.
        thread_id: Option<String>,
        /// What happened.
        text: String,
        /// How far it came.
        status: ItemStatus,
    },
    /// The conversation was shortened to fit the context.
    Compacted {},
    /// A turn ended.
    TurnEnded {
        /// How.
        outcome: TurnOutcome,
        /// What went wrong, if something did.
        message: Option<String>,
        /// How long it took, in milliseconds.
        #[cfg_attr(test, ts(type = "number | null"))]
        duration_ms: Option<u64>,
    },
}

/// One entry of a session's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Entry {
    /// Names the entry in its session: a later entry with the same key replaces it.
    pub key: String,
    /// When it was written.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub at: Option<Timestamp>,
    /// The turn it belongs to.
    pub turn_id: Option<TurnId>,
    /// What it says.
    #[serde(flatten)]
    pub body: EntryBody,
}
