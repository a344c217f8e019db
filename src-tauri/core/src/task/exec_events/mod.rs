//! Reading the lines of `codex exec --json`, of every version from 0.45 on.
//!
//! Nothing is decided here: a line becomes an [`ExecFact`] or is counted.

mod line;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use line::is_network_trouble;

use line::LineRead;

use super::model::{TaskUsage, UsageScope};
use crate::timeline::{FileChangeKind, ItemStatus};

/// Longest line that is read; longer ones are counted and passed over. The whole output of one
/// command is one line, and 350 kB were seen.
const MAX_LINE_BYTES: usize = 32 << 20;

/// How many kinds of unknown lines are told apart.
const MAX_UNKNOWN_KINDS: usize = 32;

/// Tokens as the agent counts them: cumulative over the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ExecUsage {
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Input tokens served from a cache.
    pub cached_input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
}

/// What a thread had used before the task's first turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageBefore {
    /// Nothing: the thread is new.
    Nothing,
    /// This much.
    Known(ExecUsage),
    /// It is resumed or forked, and nobody knows.
    Unknown,
}

impl ExecUsage {
    /// Returns what the task itself used, as far as that can be told.
    #[must_use]
    pub const fn of_task(self, before: UsageBefore) -> TaskUsage {
        let (before, covers) = match before {
            UsageBefore::Nothing => (
                Self {
                    input_tokens: 0,
                    cached_input_tokens: 0,
                    output_tokens: 0,
                },
                UsageScope::Task,
            ),
            UsageBefore::Known(before) => (before, UsageScope::Task),
            UsageBefore::Unknown => (
                Self {
                    input_tokens: 0,
                    cached_input_tokens: 0,
                    output_tokens: 0,
                },
                UsageScope::Thread,
            ),
        };
        TaskUsage {
            input: self.input_tokens.saturating_sub(before.input_tokens),
            cached: self
                .cached_input_tokens
                .saturating_sub(before.cached_input_tokens),
            output: self.output_tokens.saturating_sub(before.output_tokens),
            covers,
        }
    }
}

/// One step of the agent's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// What is to be done.
    pub text: String,
    /// Whether it is done.
    pub is_done: bool,
}

/// A file the agent says it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedFile {
    /// Its path, mostly absolute.
    pub path: String,
    /// What happened to it.
    pub kind: FileChangeKind,
}

/// One thing a line says. Texts are as the agent wrote them: not redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecFact {
    /// The thread has an id.
    ThreadStarted {
        /// The id.
        thread: String,
    },
    /// A turn started.
    TurnStarted,
    /// The agent said something.
    Said {
        /// The message.
        text: String,
    },
    /// A summary of the agent's reasoning.
    Reasoned {
        /// The summary.
        text: String,
    },
    /// A command runs or ran.
    Command {
        /// Names the item.
        item: String,
        /// The command as one line of shell.
        command: String,
        /// How far it came.
        status: ItemStatus,
        /// Its exit code.
        exit_code: Option<i32>,
        /// Its output so far.
        output: String,
    },
    /// Files are changed or were.
    FilesChanged {
        /// Names the item.
        item: String,
        /// The files.
        files: Vec<ReportedFile>,
        /// How far it came.
        status: ItemStatus,
    },
    /// A tool is called or was: of a tool server, a web search, or a sub-agent.
    ToolCalled {
        /// Names the item.
        item: String,
        /// What is called, in a few words.
        name: String,
        /// How far it came.
        status: ItemStatus,
        /// What went wrong.
        error: Option<String>,
    },
    /// The agent made a plan or went on with it.
    Planned {
        /// All steps.
        steps: Vec<PlanStep>,
    },
    /// The agent warns of something.
    Warned {
        /// What it says.
        message: String,
    },
    /// The agent tries again to reach its service. No failure.
    Retrying {
        /// What it says.
        message: String,
        /// Whether it waits for the network.
        cause: RetryCause,
    },
    /// Something went wrong; whether the turn fails is said by [`Self::TurnFailed`].
    Faulted {
        /// What it says.
        message: String,
    },
    /// The turn completed.
    TurnCompleted {
        /// Tokens used by the thread so far.
        usage: Option<ExecUsage>,
    },
    /// The turn failed.
    TurnFailed {
        /// What it says.
        message: String,
    },
}

/// Why the agent tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCause {
    /// The network cannot be reached.
    Network,
    /// The service did not answer well.
    Service,
}

/// Lines that were not understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadLines {
    /// Lines and items of kinds this version does not know, by kind.
    pub unknown: BTreeMap<String, u32>,
    /// Lines that are no JSON object of the expected form.
    pub damaged: u32,
    /// Lines that were too long.
    pub oversized: u32,
}

impl UnreadLines {
    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.unknown.values().sum::<u32>() + self.damaged + self.oversized
    }
}

/// Cuts bytes into lines and reads them.
#[derive(Debug, Default)]
pub struct ExecReader {
    pending: Vec<u8>,
    is_skipping: bool,
    offset: u64,
    unread: UnreadLines,
}

impl ExecReader {
    /// Takes in the next bytes and returns what their complete lines say.
    pub fn read(&mut self, mut bytes: &[u8]) -> Vec<ExecFact> {
        let mut facts = Vec::new();
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(at);
            bytes = rest.get(1..).unwrap_or_default();
            self.offset += self.pending.len() as u64 + line.len() as u64 + 1;
            if self.is_skipping {
                self.is_skipping = false;
            } else if self.pending.is_empty() {
                facts.extend(self.read_line(line));
            } else {
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(line);
                facts.extend(self.read_line(&whole));
            }
        }
        self.keep(bytes);
        facts
    }

    /// Reads what is left without an end of line: a line cut off when its writer died.
    pub fn finish(&mut self) -> Vec<ExecFact> {
        let rest = std::mem::take(&mut self.pending);
        self.offset += rest.len() as u64;
        self.read_line(&rest).into_iter().collect()
    }

    /// Returns where the first line begins that was not read: a successor goes on from here.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the lines that were not understood.
    #[must_use]
    pub const fn unread(&self) -> &UnreadLines {
        &self.unread
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.is_skipping {
            self.offset += bytes.len() as u64;
        } else if self.pending.len() + bytes.len() > MAX_LINE_BYTES {
            self.unread.oversized += 1;
            self.is_skipping = true;
            self.offset += self.pending.len() as u64 + bytes.len() as u64;
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    fn read_line(&mut self, line: &[u8]) -> Option<ExecFact> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        match line::read(line) {
            LineRead::Fact(fact) => Some(fact),
            LineRead::Nothing => None,
            LineRead::Unknown(kind) => {
                let kinds = &mut self.unread.unknown;
                let is_known = kinds.contains_key(&kind);
                let kind = if is_known || kinds.len() < MAX_UNKNOWN_KINDS {
                    kind
                } else {
                    "others".to_owned()
                };
                *kinds.entry(kind).or_default() += 1;
                None
            }
            LineRead::Damaged => {
                self.unread.damaged += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
