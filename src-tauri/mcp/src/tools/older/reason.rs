//! The connector's words for why a task did not succeed.

use mission_control_core::task::failure::{ErrorCode, FailureReason, TaskError};
use mission_control_core::task::model::{Task, TaskStatus};

/// Returns the connector's word for where a task stands. What it did not know, waiting for a turn
/// or for a person, keeps our word.
pub(super) const fn status_word(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Queued | TaskStatus::InputRequired => status.as_str(),
        TaskStatus::Running => "running",
        TaskStatus::Completed => "completed",
        TaskStatus::Failed | TaskStatus::Cancelled | TaskStatus::TimedOut => "failed",
        TaskStatus::Interrupted => "interrupted",
    }
}

/// Returns why a task did not succeed in the connector's words; in ours where it had none.
pub(super) fn reason_words(task: &Task) -> Option<String> {
    if task.status == TaskStatus::Cancelled {
        return Some("Cancelled by user".to_owned());
    }
    task.error.as_ref().map(words)
}

fn words(error: &TaskError) -> String {
    let message = error.message.trim_end_matches('.');
    if error.code == ErrorCode::NotInstalled {
        return "Process error: ENOENT".to_owned();
    }
    if error.message == (FailureReason::SupervisorLost {}).sentence() {
        return "Server restarted while task was running".to_owned();
    }
    if let Some(rest) = message.strip_prefix("Timed out after ") {
        return format!("Timeout after {rest}");
    }
    let unnamed = FailureReason::SpawnError {
        message: String::new(),
    };
    let unnamed = unnamed.sentence();
    if let Some(rest) = message.strip_prefix(unnamed.trim_end_matches('.')) {
        let rest = rest.trim_start_matches(": ");
        return if rest.is_empty() {
            "Process error".to_owned()
        } else {
            format!("Process error: {rest}")
        };
    }
    if error.code == ErrorCode::Exit
        && let Some((first, _)) = message.split_once(": ")
    {
        return first.to_owned();
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use mission_control_core::task::failure::{CancelledBy, TimeLimit};

    use super::super::testing::sample;
    use super::*;

    #[track_caller]
    fn check(status: TaskStatus, reason: &FailureReason, expected: (&str, &str)) {
        let mut task = sample();
        task.status = status;
        task.error = Some(TaskError::of(reason, None));

        let words = reason_words(&task);

        assert_eq!(
            (status_word(status), words.as_deref()),
            (expected.0, Some(expected.1))
        );
    }

    #[test]
    fn reasons_are_worded_as_the_connector_did() {
        let client = CancelledBy::Client {
            name: "x".to_owned(),
        };
        let time_out = |which| FailureReason::TimedOut {
            which,
            after_ms: 300_000,
            limit_ms: 300_000,
        };
        check(
            TaskStatus::Failed,
            &FailureReason::Killed { signal: 15 },
            ("failed", "Killed by SIGTERM"),
        );
        check(
            TaskStatus::TimedOut,
            &time_out(TimeLimit::Total),
            ("failed", "Timeout after 5m 0s (limit 5m 0s)"),
        );
        check(
            TaskStatus::TimedOut,
            &time_out(TimeLimit::Idle),
            (
                "failed",
                "Timeout after 5m 0s without an event (limit 5m 0s)",
            ),
        );
        check(
            TaskStatus::Failed,
            &FailureReason::Exited {
                code: 1,
                message: Some("Error: no".to_owned()),
            },
            ("failed", "Exited with code 1"),
        );
        check(
            TaskStatus::Failed,
            &FailureReason::Exited {
                code: 1,
                message: None,
            },
            ("failed", "Exited with code 1"),
        );
        check(
            TaskStatus::Failed,
            &FailureReason::NotInstalled {
                program: "codex".to_owned(),
            },
            ("failed", "Process error: ENOENT"),
        );
        check(
            TaskStatus::Failed,
            &FailureReason::SpawnError {
                message: "Permission denied (os error 13)".to_owned(),
            },
            ("failed", "Process error: Permission denied (os error 13)"),
        );
        check(
            TaskStatus::Cancelled,
            &FailureReason::Cancelled { by: client },
            ("failed", "Cancelled by user"),
        );
        check(
            TaskStatus::Interrupted,
            &FailureReason::SupervisorLost {},
            ("interrupted", "Server restarted while task was running"),
        );
    }

    #[test]
    fn what_the_connector_had_no_words_for_is_said_in_ours() {
        check(
            TaskStatus::Failed,
            &FailureReason::DiskFull {},
            ("failed", "There is no space left on the disk"),
        );
        check(
            TaskStatus::Interrupted,
            &FailureReason::TurnInterrupted {},
            ("interrupted", "The turn was interrupted from outside"),
        );
        assert_eq!(reason_words(&sample()), None);
        assert_eq!(status_word(TaskStatus::Queued), "queued");
    }
}
