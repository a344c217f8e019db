//! What is asked for when a task is started, and reading it from JSON.
//!
//! Whether the folder exists or the model is known is not decided here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::TaskKind;
use crate::spelling::nearest_name;

/// What the agent may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Sandbox {
    /// Nothing.
    #[default]
    #[serde(alias = "read_only", alias = "readOnly")]
    ReadOnly,
    /// The folder it works in and the added ones.
    #[serde(alias = "workspace_write", alias = "workspaceWrite")]
    WorkspaceWrite,
    /// Everything; a person has to consent.
    #[serde(alias = "danger_full_access", alias = "dangerFullAccess")]
    DangerFullAccess,
}

impl Sandbox {
    /// Returns the name the agent's command line knows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }
}

/// Which thread to go on with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Resume {
    /// The one named by `thread_id`, or none.
    #[default]
    None,
    /// The latest one of the folder.
    Last,
    /// The one named by `thread_id`.
    Thread,
}

/// What is reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ReviewTarget {
    /// What is not committed.
    Uncommitted {},
    /// Everything since a branch.
    Base {
        /// The branch.
        branch: String,
    },
    /// One commit.
    Commit {
        /// The commit.
        sha: String,
    },
    /// What the prompt says.
    Prompt {},
}

/// Which of our environment variables the agent's commands inherit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EnvInherit {
    /// All of them.
    #[default]
    All,
    /// `PATH`, `HOME` and the like.
    Core,
    /// None.
    None,
}

/// What environment the agent's commands see.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct EnvPolicy {
    /// What is inherited before the rest applies.
    pub inherit: EnvInherit,
    /// If not empty, only names that match one of these patterns stay.
    #[serde(alias = "includeOnly", alias = "include-only")]
    pub include_only: Vec<String>,
    /// Names that match one of these patterns are removed.
    pub exclude: Vec<String>,
    /// Variables that are set; values may be secret.
    pub set: BTreeMap<String, String>,
}

impl std::fmt::Debug for EnvPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvPolicy")
            .field("inherit", &self.inherit)
            .field("include_only", &self.include_only)
            .field("exclude", &self.exclude)
            .field("set", &self.set.keys())
            .finish()
    }
}

/// Whether the task gets a checkout of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Isolation {
    /// It works in the folder itself.
    #[default]
    None,
    /// It works in a worktree.
    Worktree,
    /// It works in a worktree if it may write and the folder is in a repository.
    Auto,
}

/// What happens when the task ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OnFinish {
    /// Whoever asked for it gets a signal.
    #[default]
    Signal,
    /// Nothing.
    None,
}

/// A task as it was asked for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are parameters of their own"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskRequest {
    /// What to do.
    #[serde(alias = "task", alias = "instruction", alias = "PROMPT")]
    pub prompt: String,
    /// The folder to work in; the caller's if not given.
    #[serde(
        alias = "workingDir",
        alias = "workingDirectory",
        alias = "working_dir",
        alias = "working_directory",
        alias = "working-dir",
        alias = "working-directory",
        alias = "cd"
    )]
    pub cwd: Option<String>,
    /// What the agent may write.
    #[serde(
        alias = "mode",
        alias = "sandboxMode",
        alias = "sandbox_mode",
        alias = "sandbox-mode"
    )]
    pub sandbox: Sandbox,
    /// The model; the agent's own choice if not given.
    pub model: Option<String>,
    /// How much the model reasons, in the agent's words.
    #[serde(
        alias = "reasoningEffort",
        alias = "reasoning_effort",
        alias = "reasoning-effort"
    )]
    pub effort: Option<String>,
    /// A profile of the agent's configuration.
    pub profile: Option<String>,
    /// Overrides of the agent's configuration, by dotted key.
    #[cfg_attr(test, ts(type = "Record<string, unknown>"))]
    pub config: BTreeMap<String, Value>,
    /// Further folders it may write.
    #[serde(
        alias = "addDirs",
        alias = "add-dirs",
        alias = "add_dir",
        alias = "add-dir"
    )]
    pub add_dirs: Vec<String>,
    /// Images that go with the prompt.
    pub images: Vec<String>,
    /// The JSON Schema of the answer.
    #[serde(alias = "outputSchema", alias = "output-schema")]
    #[cfg_attr(test, ts(type = "unknown"))]
    pub output_schema: Option<Value>,
    /// Whether it may run outside of a git repository.
    #[serde(alias = "skipGitRepoCheck", alias = "skip-git-repo-check")]
    pub skip_git_repo_check: bool,
    /// Whether the agent keeps no transcript.
    pub ephemeral: bool,
    /// The thread to go on with.
    #[serde(
        alias = "threadId",
        alias = "thread-id",
        alias = "sessionId",
        alias = "session_id",
        alias = "session-id",
        alias = "SESSION_ID",
        alias = "conversationId",
        alias = "conversation_id",
        alias = "continuation_id"
    )]
    pub thread_id: Option<String>,
    /// Which thread to go on with.
    pub resume: Resume,
    /// Whether to go on with a copy of the thread.
    pub fork: bool,
    /// What to review, if this is a review.
    pub review: Option<ReviewTarget>,
    /// What environment the agent's commands see.
    #[serde(alias = "envPolicy", alias = "env-policy")]
    pub env_policy: Option<EnvPolicy>,
    /// Whether the task gets a checkout of its own.
    pub isolation: Isolation,
    /// The commit its worktree starts from.
    #[serde(alias = "baseRef", alias = "base-ref")]
    pub base_ref: Option<String>,
    /// Whether its worktree stays although nothing changed in it.
    #[serde(alias = "keepWorktree", alias = "keep-worktree")]
    pub keep_worktree: bool,
    /// Seconds without an event after which it is ended; 0 means never.
    #[serde(
        alias = "idleTimeoutSeconds",
        alias = "idle-timeout-seconds",
        alias = "idle_timeout",
        alias = "idle-timeout"
    )]
    pub idle_timeout_seconds: Option<u32>,
    /// Seconds after which it is ended in any case; 0 means never.
    #[serde(
        alias = "hardTimeoutSeconds",
        alias = "hard-timeout-seconds",
        alias = "timeout_seconds",
        alias = "timeout-seconds",
        alias = "timeoutSeconds",
        alias = "timeout"
    )]
    pub hard_timeout_seconds: Option<u32>,
    /// Higher goes first.
    pub priority: i32,
    /// Names a group of tasks.
    #[serde(alias = "groupId", alias = "group-id", alias = "group")]
    pub group_id: Option<String>,
    /// A name for people.
    pub title: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The same key gives the same task.
    #[serde(alias = "idempotencyKey", alias = "idempotency-key")]
    pub idempotency_key: Option<String>,
    /// What happens when the task ends.
    #[serde(alias = "onFinish", alias = "on-finish")]
    pub on_finish: OnFinish,
    /// Longest final message in the result, in characters.
    #[serde(alias = "maxOutputChars", alias = "max-output-chars")]
    pub max_output_chars: Option<u32>,
    /// Whether files are to be changed; null if nobody said.
    #[serde(alias = "expectsChanges", alias = "expects-changes")]
    pub expects_changes: Option<bool>,
}

/// The thread a task works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadChoice {
    /// A new one.
    New,
    /// A new one that reviews.
    Review(ReviewTarget),
    /// An existing one.
    Resume(String),
    /// The latest one of the folder.
    ResumeLast,
    /// A copy of an existing one.
    Fork(String),
}

/// Why a request cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// A parameter nobody knows.
    UnknownParameter {
        /// Its name.
        name: String,
        /// The known one that looks most like it.
        nearest: Option<&'static str>,
    },
    /// Parameters of the wrong form.
    Malformed {
        /// What is wrong.
        message: String,
    },
    /// An override of the agent's configuration that nobody may give here.
    GuardedConfig {
        /// Its dotted key.
        key: String,
    },
    /// Parameters that contradict each other, or a missing one.
    Contradiction {
        /// What is wrong.
        message: &'static str,
    },
}

impl std::fmt::Display for RequestFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownParameter {
                name,
                nearest: Some(nearest),
            } => write!(
                f,
                "There is no parameter `{name}`. Did you mean `{nearest}`?"
            ),
            Self::UnknownParameter {
                name,
                nearest: None,
            } => write!(f, "There is no parameter `{name}`."),
            Self::Malformed { message } => write!(f, "The parameters cannot be read: {message}."),
            Self::GuardedConfig { key } => write!(
                f,
                "`config` must not set `{key}`: it decides what the agent may do. Use the \
                 parameters `sandbox`, `add_dirs`, `profile` and `env_policy`."
            ),
            Self::Contradiction { message } => f.write_str(message),
        }
    }
}

impl TaskRequest {
    /// Names of all parameters, as they are written.
    pub const PARAMETERS: &[&str] = &[
        "add_dirs",
        "base_ref",
        "config",
        "cwd",
        "effort",
        "env_policy",
        "ephemeral",
        "expects_changes",
        "fork",
        "group_id",
        "hard_timeout_seconds",
        "idempotency_key",
        "idle_timeout_seconds",
        "images",
        "isolation",
        "keep_worktree",
        "max_output_chars",
        "model",
        "on_finish",
        "output_schema",
        "priority",
        "profile",
        "prompt",
        "resume",
        "review",
        "sandbox",
        "skip_git_repo_check",
        "tags",
        "thread_id",
        "title",
    ];

    /// Reads a request from JSON.
    ///
    /// # Errors
    /// A [`RequestFault`] if a parameter is unknown, has the wrong form or contradicts another.
    pub fn read(value: &Value) -> Result<Self, RequestFault> {
        let request: Self = Self::deserialize(value).map_err(|error| {
            let message = error.to_string();
            unknown_field(&message).map_or(
                RequestFault::Malformed {
                    message: message.clone(),
                },
                |name| RequestFault::UnknownParameter {
                    name: name.to_owned(),
                    nearest: nearest_name(name, Self::PARAMETERS.iter().copied()),
                },
            )
        })?;
        request.thread_choice()?;
        Ok(request)
    }

    /// Returns the thread the task works on.
    ///
    /// # Errors
    /// A [`RequestFault::Contradiction`] if the parameters do not name one.
    pub fn thread_choice(&self) -> Result<ThreadChoice, RequestFault> {
        let contradiction = |message| Err(RequestFault::Contradiction { message });
        if self.prompt.trim().is_empty() && self.review.is_none() {
            return contradiction("`prompt` is missing.");
        }
        if let Some(review) = &self.review {
            if self.thread_id.is_some() || self.fork || self.resume != Resume::None {
                return contradiction("`review` starts a thread of its own.");
            }
            return Ok(ThreadChoice::Review(review.clone()));
        }
        match (self.resume, &self.thread_id) {
            (Resume::Last, Some(_)) => {
                contradiction("`resume` says the latest thread, `thread_id` names one.")
            }
            (Resume::Last, None) if self.fork => {
                contradiction("`fork` needs the thread's id in `thread_id`.")
            }
            (Resume::Last, None) => Ok(ThreadChoice::ResumeLast),
            (Resume::None | Resume::Thread, Some(id)) if self.fork => {
                Ok(ThreadChoice::Fork(id.clone()))
            }
            (Resume::None | Resume::Thread, Some(id)) => Ok(ThreadChoice::Resume(id.clone())),
            (Resume::Thread, None) => {
                contradiction("`resume` needs the thread's id in `thread_id`.")
            }
            (Resume::None, None) if self.fork => {
                contradiction("`fork` needs the thread's id in `thread_id`.")
            }
            (Resume::None, None) => Ok(ThreadChoice::New),
        }
    }

    /// Returns what the task is started as.
    #[must_use]
    pub fn kind(&self) -> TaskKind {
        match self.thread_choice() {
            Ok(ThreadChoice::New) | Err(_) => TaskKind::Run,
            Ok(ThreadChoice::Review(_)) => TaskKind::Review,
            Ok(ThreadChoice::Resume(_) | ThreadChoice::ResumeLast) => TaskKind::Resume,
            Ok(ThreadChoice::Fork(_)) => TaskKind::Fork,
        }
    }
}

/// Returns the name serde complains about, if its complaint is an unknown field.
fn unknown_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    rest.split_once('`').map(|(name, _)| name)
}

#[cfg(test)]
mod tests;
