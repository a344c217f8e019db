//! Why a task did not succeed: typed, and worded in this one place.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::{duration_words, signal_name};
use crate::text::one_line;

/// Longest quotation of a foreign message in a sentence, in characters.
const QUOTE_CHARS: usize = 300;

/// A stable name for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ErrorCode {
    /// What was asked for cannot be read or contradicts itself.
    Validation,
    /// What was named does not exist.
    NotFound,
    /// It contradicts what exists.
    Conflict,
    /// Somebody else holds it.
    Busy,
    /// The agent's program is not installed.
    NotInstalled,
    /// The agent is not logged in.
    Auth,
    /// A usage or rate limit was reached.
    Quota,
    /// The sandbox refused what was asked for.
    SandboxDenied,
    /// The folder is no git repository.
    NotARepo,
    /// A tool server of the agent did not start.
    McpStartup,
    /// Nothing happened for too long.
    TimeoutIdle,
    /// It took too long in all.
    TimeoutHard,
    /// Somebody ended it.
    Cancelled,
    /// The agent's turn failed.
    TurnFailed,
    /// The agent's program ended badly.
    Exit,
    /// The agent waited for something that did not come.
    Stalled,
    /// It was lost with whoever watched it.
    Interrupted,
    /// The agent said something that cannot be, or nothing.
    Protocol,
    /// It cannot be done with this agent or version.
    Unsupported,
    /// The agent's own daemon is not there.
    DaemonDown,
    /// A fault of Mission Control.
    Internal,
}

/// Which time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeLimit {
    /// The time without an event.
    Idle,
    /// The time in all.
    Total,
}

/// Who ended a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CancelledBy {
    /// The person.
    Person {},
    /// A program, such as the agent that had asked for the task.
    Client {
        /// Its name.
        name: String,
    },
}

/// Why a task did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FailureReason {
    /// A stop signal ended the agent, and it was not ours.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// A time limit was reached.
    TimedOut {
        /// Which one.
        which: TimeLimit,
        /// After how long, in milliseconds.
        after_ms: u64,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The agent's program ended with a code that is not zero.
    Exited {
        /// The code.
        code: i32,
        /// What it said last on standard error, or in an error event.
        message: Option<String>,
    },
    /// The agent's program is not installed.
    NotInstalled {
        /// The program.
        program: String,
    },
    /// The agent's program could not be started.
    SpawnError {
        /// What the system said.
        message: String,
    },
    /// Somebody ended it.
    Cancelled {
        /// Who.
        by: CancelledBy,
    },
    /// A person declined to let it run without a sandbox.
    ConsentRefused {},
    /// The supervisor was lost, and the agent with it.
    SupervisorLost {},
    /// Somebody else interrupted the agent's turn.
    TurnInterrupted {},
    /// The agent's turn failed.
    TurnFailed {
        /// What the agent said.
        message: String,
    },
    /// The account's usage limit was reached.
    UsageLimit {
        /// What the agent said.
        message: String,
        /// When to try again, in the agent's words.
        try_again: Option<String>,
        /// When the limit starts anew, where it is known exactly.
        resets_at: Option<Timestamp>,
    },
    /// Too many requests for a short while.
    RateLimited {
        /// What the agent said.
        message: String,
    },
    /// The agent is not logged in, or its login expired.
    NotLoggedIn {
        /// What the agent said.
        message: String,
    },
    /// The folder is no git repository, or not a trusted one.
    NotARepository {},
    /// The folder does not exist.
    FolderMissing {
        /// What the agent said.
        message: String,
    },
    /// The network could not be reached.
    NoNetwork {
        /// What the agent said.
        message: String,
    },
    /// There is no space left on the disk.
    DiskFull {},
    /// The sandbox refused what was asked for.
    SandboxDenied {
        /// What was refused.
        message: String,
    },
    /// Another process writes the thread.
    ThreadBusy {},
    /// There is no such thread.
    ThreadNotFound {},
    /// The agent does not know an option: its version is too old or too new.
    OptionRefused {
        /// What the agent said.
        message: String,
    },
    /// The agent's configuration cannot be read.
    BadConfiguration {
        /// What the agent said.
        message: String,
    },
    /// A tool server that the agent requires did not start.
    McpStartup {
        /// What the agent said.
        message: String,
    },
    /// The vendor says that the task failed there.
    CloudFailed {},
    /// This version or configuration of the agent cannot use the vendor's cloud.
    CloudUnavailable {
        /// What the agent said.
        message: String,
    },
    /// There is no such environment in the vendor's cloud.
    CloudEnvironmentUnknown {
        /// What the agent said.
        message: String,
    },
    /// There is no such task in the vendor's cloud.
    CloudTaskUnknown {
        /// What the agent said.
        message: String,
    },
    /// It is not known whether the vendor took the task.
    CloudUnconfirmed {},
    /// The vendor's cloud refused the account.
    CloudForbidden {
        /// What the agent said.
        message: String,
    },
    /// The vendor's cloud has a fault of its own.
    CloudDown {
        /// What the agent said.
        message: String,
    },
    /// The vendor's cloud did not answer in time.
    CloudSilent {
        /// For so many seconds.
        after_s: u64,
    },
    /// What the vendor's cloud or the agent's program said is not understood.
    CloudOdd {
        /// What the agent said.
        message: String,
    },
    /// There are no changes to show or apply.
    NothingChanged {},
    /// Changes do not fit what the folder holds.
    ApplyConflict {
        /// What was said.
        message: String,
    },
    /// The agent left with code 0 and without a single event.
    Silent {},
    /// The agent left with code 0 in the middle of its turn.
    Unfinished {},
}

impl FailureReason {
    /// Returns the reason as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let quoted = |before: &str, message: &str| {
            let message = one_line(message, QUOTE_CHARS);
            match message.as_str() {
                "" => format!("{before}."),
                message if message.ends_with(['.', '!', '?', '…']) => {
                    format!("{before}: {message}")
                }
                message => format!("{before}: {message}."),
            }
        };
        match self {
            Self::Killed { signal } => format!("Killed by {}.", signal_name(*signal)),
            Self::TimedOut {
                which,
                after_ms,
                limit_ms,
            } => {
                let after = duration_words(Duration::from_millis(*after_ms));
                let limit = duration_words(Duration::from_millis(*limit_ms));
                match which {
                    TimeLimit::Idle => {
                        format!("Timed out after {after} without an event (limit {limit}).")
                    }
                    TimeLimit::Total => format!("Timed out after {after} (limit {limit})."),
                }
            }
            Self::Exited { code, message } => quoted(
                &format!("Exited with code {code}"),
                message.as_deref().unwrap_or_default(),
            ),
            Self::NotInstalled { program } => format!("`{program}` is not installed."),
            Self::SpawnError { message } => quoted("The agent could not be started", message),
            Self::Cancelled { by } => match by {
                CancelledBy::Person {} => "Cancelled by you.".to_owned(),
                CancelledBy::Client { name } => format!("Cancelled by {}.", one_line(name, 60)),
            },
            Self::ConsentRefused {} => "Running without a sandbox was declined.".to_owned(),
            Self::SupervisorLost {} => {
                "The supervisor was lost while the task ran, and the agent ended unseen.".to_owned()
            }
            Self::TurnInterrupted {} => "The turn was interrupted from outside.".to_owned(),
            Self::TurnFailed { message } => quoted("The turn failed", message),
            Self::UsageLimit {
                try_again,
                resets_at,
                ..
            } => match (resets_at, try_again) {
                (Some(at), _) => format!("The usage limit is reached until {at}."),
                (None, Some(when)) => {
                    format!(
                        "The usage limit is reached; try again {}.",
                        one_line(when, 60)
                    )
                }
                (None, None) => "The usage limit is reached.".to_owned(),
            },
            Self::RateLimited { message } => {
                quoted("The service refused further requests", message)
            }
            Self::NotLoggedIn { message } => quoted("The agent is not logged in", message),
            Self::NotARepository {} => "The folder is not in a trusted git repository.".to_owned(),
            Self::FolderMissing { message } => quoted("The folder does not exist", message),
            Self::NoNetwork { message } => quoted("The network could not be reached", message),
            Self::DiskFull {} => "There is no space left on the disk.".to_owned(),
            Self::SandboxDenied { message } => quoted("The sandbox refused it", message),
            Self::ThreadBusy {} => "Another process still writes this thread.".to_owned(),
            Self::ThreadNotFound {} => "There is no such thread.".to_owned(),
            Self::OptionRefused { message } => quoted("The agent refused its options", message),
            Self::BadConfiguration { message } => {
                quoted("The agent's configuration cannot be read", message)
            }
            Self::McpStartup { message } => {
                quoted("A tool server of the agent did not start", message)
            }
            Self::CloudFailed {} => "The task failed in the cloud.".to_owned(),
            Self::CloudUnavailable { message } => {
                quoted("Codex Cloud cannot be used from here", message)
            }
            Self::CloudEnvironmentUnknown { message } => {
                quoted("There is no such environment in Codex Cloud", message)
            }
            Self::CloudTaskUnknown { message } => {
                quoted("There is no such task in Codex Cloud", message)
            }
            Self::CloudUnconfirmed {} => {
                "It is not known whether Codex Cloud took the task.".to_owned()
            }
            Self::CloudForbidden { message } => quoted("Codex Cloud refused the account", message),
            Self::CloudDown { message } => quoted("Codex Cloud has a fault", message),
            Self::CloudSilent { after_s } => {
                format!("Codex Cloud did not answer within {after_s} s.")
            }
            Self::CloudOdd { message } => {
                quoted("The answer of Codex Cloud is not understood", message)
            }
            Self::NothingChanged {} => "Nothing was changed.".to_owned(),
            Self::ApplyConflict { message } => {
                quoted("The changes do not fit what the folder holds", message)
            }
            Self::Silent {} => "The agent left with code 0 and without a single event.".to_owned(),
            Self::Unfinished {} => {
                "The agent left with code 0 in the middle of its turn.".to_owned()
            }
        }
    }

    /// Returns the reason's stable name for programs.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Killed { .. } | Self::Exited { .. } => ErrorCode::Exit,
            Self::TimedOut {
                which: TimeLimit::Idle,
                ..
            } => ErrorCode::TimeoutIdle,
            Self::TimedOut {
                which: TimeLimit::Total,
                ..
            } => ErrorCode::TimeoutHard,
            Self::NotInstalled { .. } => ErrorCode::NotInstalled,
            Self::SpawnError { .. } | Self::DiskFull {} => ErrorCode::Internal,
            Self::Cancelled { .. } => ErrorCode::Cancelled,
            Self::ConsentRefused {} | Self::SandboxDenied { .. } => ErrorCode::SandboxDenied,
            Self::SupervisorLost {} | Self::TurnInterrupted {} | Self::CloudUnconfirmed {} => {
                ErrorCode::Interrupted
            }
            Self::TurnFailed { .. } | Self::CloudFailed {} => ErrorCode::TurnFailed,
            Self::UsageLimit { .. } | Self::RateLimited { .. } => ErrorCode::Quota,
            Self::NotLoggedIn { .. } | Self::CloudForbidden { .. } => ErrorCode::Auth,
            Self::NotARepository {} => ErrorCode::NotARepo,
            Self::FolderMissing { .. }
            | Self::ThreadNotFound {}
            | Self::CloudEnvironmentUnknown { .. }
            | Self::CloudTaskUnknown { .. } => ErrorCode::NotFound,
            Self::ApplyConflict { .. } | Self::NothingChanged {} => ErrorCode::Conflict,
            Self::NoNetwork { .. } | Self::CloudDown { .. } | Self::CloudSilent { .. } => {
                ErrorCode::Stalled
            }
            Self::ThreadBusy {} => ErrorCode::Busy,
            Self::OptionRefused { .. } | Self::CloudUnavailable { .. } => ErrorCode::Unsupported,
            Self::BadConfiguration { .. } => ErrorCode::Validation,
            Self::McpStartup { .. } => ErrorCode::McpStartup,
            Self::Silent {} | Self::Unfinished {} | Self::CloudOdd { .. } => ErrorCode::Protocol,
        }
    }

    /// Returns whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Killed { .. }
            | Self::TimedOut { .. }
            | Self::SupervisorLost {}
            | Self::TurnInterrupted {}
            | Self::TurnFailed { .. }
            | Self::UsageLimit { .. }
            | Self::RateLimited { .. }
            | Self::NoNetwork { .. }
            | Self::ThreadBusy {}
            | Self::McpStartup { .. }
            | Self::CloudFailed {}
            | Self::CloudDown { .. }
            | Self::CloudSilent { .. }
            | Self::Silent {}
            | Self::Unfinished {} => true,
            Self::Exited { .. }
            | Self::NotInstalled { .. }
            | Self::SpawnError { .. }
            | Self::Cancelled { .. }
            | Self::ConsentRefused {}
            | Self::NotLoggedIn { .. }
            | Self::NotARepository {}
            | Self::FolderMissing { .. }
            | Self::DiskFull {}
            | Self::SandboxDenied { .. }
            | Self::ThreadNotFound {}
            | Self::OptionRefused { .. }
            | Self::CloudUnavailable { .. }
            | Self::CloudEnvironmentUnknown { .. }
            | Self::CloudTaskUnknown { .. }
            | Self::CloudUnconfirmed {}
            | Self::CloudForbidden { .. }
            | Self::CloudOdd { .. }
            | Self::NothingChanged {}
            | Self::ApplyConflict { .. }
            | Self::BadConfiguration { .. } => false,
        }
    }

    /// Returns what to do about it, as a sentence.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        let hint = match self {
            Self::Killed { signal: 9 } => {
                "The system may have run out of memory; the thread can be resumed."
            }
            Self::Killed { .. }
            | Self::Unfinished {}
            | Self::SupervisorLost {}
            | Self::TurnInterrupted {} => "Go on with a reply: the thread can be resumed.",
            Self::TimedOut { .. } => {
                "Go on with a reply, or ask again with a longer limit; 0 means no limit."
            }
            Self::Exited { code: 101, .. } => "The agent's program crashed; an update may help.",
            Self::Exited { .. } | Self::Silent {} => {
                "The task's log shows what the program wrote before it left."
            }
            Self::NotInstalled { .. } => "Install it, or name its path in the settings.",
            Self::SpawnError { .. } => "`mission-control doctor` shows what was found.",
            Self::Cancelled { .. } | Self::NothingChanged {} => return None,
            Self::ConsentRefused {} => "Ask for `workspace-write` instead.",
            Self::TurnFailed { .. } => "Go on with a reply to try again.",
            Self::UsageLimit { .. } => "Go on with a reply when the limit has started anew.",
            Self::RateLimited { .. } => "Try again in a minute.",
            Self::NotLoggedIn { .. } => "Run `codex login`.",
            Self::NotARepository {} => {
                "Choose a folder in a git repository, or ask with `skip_git_repo_check`."
            }
            Self::FolderMissing { .. } => "Check `cwd`.",
            Self::NoNetwork { .. } => {
                "Check the connection, then try again, or go on with a reply."
            }
            Self::DiskFull {} => "Make room, then go on with a reply.",
            Self::SandboxDenied { .. } => {
                "Ask with a wider `sandbox` or `add_dirs`, or do this step outside of the sandbox."
            }
            Self::ThreadBusy {} => "Wait until it has left, then try again.",
            Self::ThreadNotFound {} => "`mission-control list --all` shows what can be resumed.",
            Self::OptionRefused { .. } => {
                "Update the agent; `mission-control doctor` shows its version."
            }
            Self::CloudFailed {} => "The task's page says why.",
            Self::CloudUnavailable { .. } => "`mission-control doctor` shows the agent's version.",
            Self::CloudEnvironmentUnknown { .. } => {
                "`codex_cloud_environments` shows those that were used; `codex cloud` shows all."
            }
            Self::CloudTaskUnknown { .. } => "`codex cloud list` shows the tasks of your account.",
            Self::CloudUnconfirmed {} => {
                "`codex cloud list` shows whether it is there; if not, ask again, with another `idempotency_key` if one was given."
            }
            Self::CloudForbidden { .. } => "`codex login` with an account that may use it.",
            Self::CloudDown { .. } | Self::CloudSilent { .. } => "Try again in a few minutes.",
            Self::CloudOdd { .. } => {
                "`codex cloud` in a terminal may say more; `mission-control doctor` shows the agent's version."
            }
            Self::ApplyConflict { .. } => {
                "Look at the difference first, and commit or undo what is in its way."
            }
            Self::BadConfiguration { .. } => "Correct the agent's `config.toml`.",
            Self::McpStartup { .. } => "Check the agent's tool servers, or switch them off.",
        };
        Some(hint)
    }
}

/// Why a task did not succeed, as programs and people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TaskError {
    /// A stable name for programs.
    pub code: ErrorCode,
    /// What happened, as a sentence.
    pub message: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What to do about it, as a sentence.
    pub hint: Option<String>,
    /// The last lines of standard error, redacted.
    pub stderr_tail: Option<String>,
}

impl TaskError {
    /// Words `reason`; `stderr_tail` is expected redacted.
    #[must_use]
    pub fn of(reason: &FailureReason, stderr_tail: Option<String>) -> Self {
        Self {
            code: reason.code(),
            message: reason.sentence(),
            retryable: reason.is_retryable(),
            hint: reason.hint().map(str::to_owned),
            stderr_tail: stderr_tail.filter(|tail| !tail.trim().is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_sentences() {
        #[track_caller]
        fn check(reason: FailureReason, sentence: &str, code: ErrorCode) {
            assert_eq!(reason.sentence(), sentence);
            assert_eq!(reason.code(), code);
        }

        check(
            FailureReason::Killed { signal: 15 },
            "Killed by SIGTERM.",
            ErrorCode::Exit,
        );
        check(
            FailureReason::TimedOut {
                which: TimeLimit::Total,
                after_ms: 300_120,
                limit_ms: 300_000,
            },
            "Timed out after 5m 0s (limit 5m 0s).",
            ErrorCode::TimeoutHard,
        );
        check(
            FailureReason::Exited {
                code: 3,
                message: Some("\nError: no\nmore".to_owned()),
            },
            "Exited with code 3: Error: no.",
            ErrorCode::Exit,
        );
        check(
            FailureReason::UsageLimit {
                message: String::new(),
                try_again: Some("at 8:27 AM".to_owned()),
                resets_at: None,
            },
            "The usage limit is reached; try again at 8:27 AM.",
            ErrorCode::Quota,
        );
        check(
            FailureReason::Cancelled {
                by: CancelledBy::Client {
                    name: "claude-code".to_owned(),
                },
            },
            "Cancelled by claude-code.",
            ErrorCode::Cancelled,
        );
    }

    #[test]
    fn codes_are_the_public_ones() {
        assert_eq!(
            serde_json::to_value(ErrorCode::NotARepo).unwrap(),
            "NOT_A_REPO"
        );
        assert_eq!(
            serde_json::to_value(ErrorCode::McpStartup).unwrap(),
            "MCP_STARTUP"
        );
    }
}
