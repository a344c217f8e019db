//! Every rule of the conclusion, on values.

use std::collections::BTreeMap;

use super::*;
use crate::task::exec_events::{ExecFact, ReportedFile};
use crate::task::failure::{CancelledBy, ErrorCode};
use crate::task::git::{DirtyFile, GitFacts, GitSeen};
use crate::timeline::{FileChangeKind, ItemStatus};

#[test]
fn an_answer_is_a_success_unless_something_speaks_against_it() {
    Case::answered().check(TaskStatus::Completed, Outcome::Succeeded, None);
    Case::answered().asked_to_edit().git(&["a.rs"]).check(
        TaskStatus::Completed,
        Outcome::Succeeded,
        None,
    );
}

#[test]
fn an_unchanged_tree_is_no_success_when_edits_were_asked_for() {
    let end = Case::answered().asked_to_edit().git(&[]).check(
        TaskStatus::Completed,
        Outcome::NoChanges,
        None,
    );
    assert_eq!(
        words(&end),
        ["It was asked to change files, and the tree is unchanged."]
    );

    let end = Case::answered()
        .asked_to_edit()
        .check(TaskStatus::Completed, Outcome::Unknown, None);
    assert_eq!(
        words(&end),
        ["It was asked to change files; whether it did could not be checked."]
    );

    Case::answered()
        .git(&[])
        .check(TaskStatus::Completed, Outcome::Succeeded, None);
}

#[test]
fn a_bad_exit_does_not_undo_an_answer() {
    for (exit, words_of_it) in [
        (
            ChildExit::Code(1),
            "The agent finished its turn, but its program exited with code 1.",
        ),
        (
            ChildExit::Signal(9),
            "The agent finished its turn, but its program was killed by SIGKILL.",
        ),
    ] {
        let end =
            Case::answered()
                .left(exit)
                .check(TaskStatus::Completed, Outcome::Succeeded, None);
        assert_eq!(words(&end), [words_of_it]);
    }
}

#[test]
fn a_process_that_left_without_an_end_of_its_turn_failed() {
    Case::new().left(ChildExit::Code(0)).check(
        TaskStatus::Failed,
        Outcome::Unknown,
        Some(ErrorCode::Protocol),
    );
    Case::new()
        .fact(ExecFact::TurnStarted)
        .left(ChildExit::Code(0))
        .check(
            TaskStatus::Failed,
            Outcome::Unknown,
            Some(ErrorCode::Protocol),
        );
    Case::new()
        .fact(ExecFact::TurnStarted)
        .fact(said("Done."))
        .left(ChildExit::Code(7))
        .check(TaskStatus::Failed, Outcome::Unknown, Some(ErrorCode::Exit));
    let end = Case::new().left(ChildExit::Code(143)).check(
        TaskStatus::Failed,
        Outcome::Failed,
        Some(ErrorCode::Exit),
    );
    assert_eq!(end.summary(), "Killed by SIGTERM.");
    Case::new()
        .fact(ExecFact::TurnStarted)
        .git(&["a.rs"])
        .left(ChildExit::Signal(9))
        .check(TaskStatus::Failed, Outcome::Partial, Some(ErrorCode::Exit));
}

#[test]
fn standard_error_tells_why_it_did_not_start_its_turn() {
    #[track_caller]
    fn check(code: i32, stderr: &str, expected: ErrorCode, sentence: &str) {
        let end = Case::new()
            .left(ChildExit::Code(code))
            .stderr(stderr)
            .check(TaskStatus::Failed, Outcome::Failed, Some(expected));
        assert_eq!(end.summary(), sentence);
    }

    check(
        1,
        "Not inside a trusted directory and --skip-git-repo-check was not specified.\n",
        ErrorCode::NotARepo,
        "The folder is not in a trusted git repository.",
    );
    check(
        1,
        "Error: thread/resume: x: no rollout found for thread id 7 (code -32600)\n",
        ErrorCode::NotFound,
        "There is no such thread.",
    );
    check(
        1,
        "Error: thread 7 already has an active writer (code -32600)\n",
        ErrorCode::Busy,
        "Another process still writes this thread.",
    );
    check(
        1,
        "Error: No such file or directory (os error 2)\n\nStack backtrace:\n   0: <unknown>\n",
        ErrorCode::NotFound,
        "The folder does not exist: Error: No such file or directory (os error 2).",
    );
    check(
        2,
        "error: unexpected argument '--full-auto' found\n\nUsage: codex exec [OPTIONS]\n",
        ErrorCode::Unsupported,
        "The agent refused its options: unexpected argument '--full-auto' found.",
    );
    check(
        1,
        "Error loading config.toml: bad key `x`\n",
        ErrorCode::Validation,
        "The agent's configuration cannot be read: Error loading config.toml: bad key `x`.",
    );
    check(
        1,
        "WARN: x\nError: write /x: No space left on device\n",
        ErrorCode::Internal,
        "There is no space left on the disk.",
    );
    check(
        1,
        "No prompt provided via stdin.\n",
        ErrorCode::Exit,
        "Exited with code 1: No prompt provided via stdin.",
    );
    check(
        101,
        "thread 'main' panicked: failed printing to stdout: Broken pipe\n",
        ErrorCode::Exit,
        "Exited with code 101: thread 'main' panicked: failed printing to stdout: Broken pipe.",
    );
}

#[test]
fn a_failed_turn_says_why() {
    #[track_caller]
    fn check(message: &str, expected: ErrorCode, sentence: &str) {
        let end = Case::new()
            .fact(ExecFact::TurnStarted)
            .fact(ExecFact::TurnFailed {
                message: message.to_owned(),
            })
            .left(ChildExit::Code(1))
            .check(TaskStatus::Failed, Outcome::Failed, Some(expected));
        assert_eq!(end.summary(), sentence);
    }

    check(
        "We’re currently experiencing high demand.",
        ErrorCode::TurnFailed,
        "The turn failed: We’re currently experiencing high demand.",
    );
    check(
        "You’ve hit your usage limit. Upgrade to Pro (https://x) or try again at 8:27 AM.",
        ErrorCode::Quota,
        "The usage limit is reached; try again at 8:27 AM.",
    );
    check(
        "Missing environment variable: `LAB_KEY`.",
        ErrorCode::Auth,
        "The agent is not logged in: Missing environment variable: `LAB_KEY`.",
    );
    check(
        "unexpected status 401 Unauthorized",
        ErrorCode::Auth,
        "The agent is not logged in: unexpected status 401 Unauthorized.",
    );
    check(
        "exceeded retry limit, last status: 429 Too Many Requests",
        ErrorCode::Quota,
        "The service refused further requests: exceeded retry limit, last status: 429 Too Many Requests.",
    );
    check(
        "stream disconnected: failed to lookup address information",
        ErrorCode::Stalled,
        "The network could not be reached: stream disconnected: failed to lookup address information.",
    );
}

#[test]
fn a_known_reset_time_is_told() {
    let mut case = Case::new()
        .fact(ExecFact::TurnFailed {
            message: "You've hit your usage limit.".to_owned(),
        })
        .left(ChildExit::Code(1));
    case.gathered.limit_resets_at = Some("2026-11-20T09:00:00Z".parse().unwrap());

    let end = case.check(TaskStatus::Failed, Outcome::Failed, Some(ErrorCode::Quota));

    assert_eq!(
        end.summary(),
        "The usage limit is reached until 2026-11-20T09:00:00Z."
    );
}

#[test]
fn failing_commands_and_tests_are_remarks_unless_edits_were_asked_for() {
    let tests_fail = |case: Case| {
        case.command(
            "cargo test",
            101,
            "running 2 tests\ntest a ... FAILED\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
        )
    };

    let end = tests_fail(Case::answered()).check(TaskStatus::Completed, Outcome::Succeeded, None);
    assert_eq!(
        words(&end),
        ["In the last test run 1 test fails, first `a`."]
    );
    tests_fail(Case::answered().asked_to_edit().git(&["a.rs"])).check(
        TaskStatus::Completed,
        Outcome::Partial,
        None,
    );
    let end = Case::answered().command("grep x y", 1, "").check(
        TaskStatus::Completed,
        Outcome::Succeeded,
        None,
    );
    assert_eq!(
        words(&end),
        ["The last command exited with code 1: `grep x y`."]
    );
}

#[test]
fn tests_that_pass_in_the_end_count() {
    let run = |result: &str| {
        format!("running 1 test\ntest result: {result}; 0 ignored; 0 measured; 0 filtered out")
    };

    Case::answered()
        .asked_to_edit()
        .git(&["a.rs"])
        .command("cargo test", 101, &run("FAILED. 0 passed; 1 failed"))
        .command("cargo test", 0, &run("ok. 1 passed; 0 failed"))
        .check(TaskStatus::Completed, Outcome::Succeeded, None);
}

#[test]
fn a_refusal_by_the_sandbox_is_no_success() {
    let commit = "fatal: Unable to create '/r/.git/index.lock': Read-only file system";
    Case::answered()
        .asked_to_edit()
        .git(&["a.rs"])
        .command("git commit -am x", 128, commit)
        .check(
            TaskStatus::Completed,
            Outcome::Partial,
            Some(ErrorCode::SandboxDenied),
        );
    Case::answered()
        .asked_to_edit()
        .git(&[])
        .command("touch /etc/x", 1, "touch: /etc/x: Read-only file system")
        .check(
            TaskStatus::Completed,
            Outcome::Failed,
            Some(ErrorCode::SandboxDenied),
        );

    let end = Case::answered()
        .command("touch /etc/x", 1, "touch: /etc/x: Read-only file system")
        .check(TaskStatus::Completed, Outcome::Succeeded, None);
    assert!(words(&end).contains(
        &"The sandbox refused a command: touch: /etc/x: Read-only file system.".to_owned()
    ));
}

#[test]
fn what_was_changed_before_is_named_when_the_difference_holds_it() {
    let dirty = |content: &str| DirtyFile {
        kind: FileChangeKind::Updated,
        content: content.to_owned(),
    };
    let mut case = Case::answered().git(&[]);
    case.gathered.git = GitSeen::Known(Box::new(GitFacts {
        root: "/r".to_owned(),
        dirty_before: [("a.rs", "1"), ("same.rs", "1")]
            .map(|(path, content)| (path.to_owned(), dirty(content)))
            .into(),
        dirty_after: [("a.rs", "2"), ("same.rs", "1")]
            .map(|(path, content)| (path.to_owned(), dirty(content)))
            .into(),
        ..GitFacts::default()
    }));

    let end = case.check(TaskStatus::Completed, Outcome::Succeeded, None);

    assert_eq!(
        words(&end)[0],
        "One file was changed before the task started, too, and not committed: `a.rs`. \
         The difference and its size hold those changes as well."
    );
}

#[test]
fn git_and_the_agent_are_held_against_each_other() {
    let end = Case::answered()
        .fact(ExecFact::FilesChanged {
            item: "i".to_owned(),
            files: ["/r/a.rs", "/r/ignored.log", "/elsewhere/x"]
                .map(|path| ReportedFile {
                    path: path.to_owned(),
                    kind: FileChangeKind::Updated,
                })
                .to_vec(),
            status: ItemStatus::Completed,
        })
        .fact(completed())
        .git(&["a.rs", "b.rs"])
        .check(TaskStatus::Completed, Outcome::Succeeded, None);

    assert_eq!(
        words(&end),
        [
            "One file was reported as changed, but git shows no change: `ignored.log`.",
            "One file was changed without a report of the agent, by a command or by somebody else: `b.rs`.",
            "One file was changed outside of the repository: `/elsewhere/x`.",
        ]
    );
}

#[test]
fn what_was_ended_keeps_what_it_had_done() {
    let time_out = || StopCause::TimedOut {
        which: TimeLimit::Total,
        after: Duration::from_secs(61),
        limit: Duration::from_secs(60),
    };
    let cancel = || StopCause::Cancelled {
        by: CancelledBy::Person {},
    };

    let running = || Case::new().fact(ExecFact::TurnStarted);
    running().stopped(time_out()).check(
        TaskStatus::TimedOut,
        Outcome::Failed,
        Some(ErrorCode::TimeoutHard),
    );
    running().git(&["a.rs"]).stopped(time_out()).check(
        TaskStatus::TimedOut,
        Outcome::Partial,
        Some(ErrorCode::TimeoutHard),
    );
    running().stopped(cancel()).check(
        TaskStatus::Cancelled,
        Outcome::Unknown,
        Some(ErrorCode::Cancelled),
    );
    running().git(&[]).stopped(cancel()).check(
        TaskStatus::Cancelled,
        Outcome::NoChanges,
        Some(ErrorCode::Cancelled),
    );
    let end = Case::answered().stopped(cancel()).check(
        TaskStatus::Cancelled,
        Outcome::Unknown,
        Some(ErrorCode::Cancelled),
    );
    assert_eq!(end.final_message.as_deref(), Some("All good."));
    assert_eq!(
        words(&end),
        ["An answer came while the task was being ended; it is kept."]
    );
}

#[test]
fn a_lost_run_is_recovered_from_its_transcript_or_interrupted() {
    let lost = || {
        Case::new()
            .fact(ExecFact::TurnStarted)
            .left(ChildExit::Unknown)
    };
    lost().check(
        TaskStatus::Interrupted,
        Outcome::Unknown,
        Some(ErrorCode::Interrupted),
    );

    let mut recovered = lost();
    recovered.gathered.transcript = Some(TranscriptEnd {
        outcome: TurnOutcome::Completed,
        message: Some("All good.".to_owned()),
    });
    let end = recovered.check(TaskStatus::Completed, Outcome::Succeeded, None);
    assert_eq!(end.final_message.as_deref(), Some("All good."));
    assert_eq!(
        words(&end),
        ["The end was taken from the session's transcript."]
    );

    let mut aborted = Case::new()
        .fact(ExecFact::TurnStarted)
        .left(ChildExit::Code(1));
    aborted.gathered.transcript = Some(TranscriptEnd {
        outcome: TurnOutcome::Interrupted,
        message: None,
    });
    let end = aborted.check(
        TaskStatus::Interrupted,
        Outcome::Unknown,
        Some(ErrorCode::Interrupted),
    );
    assert_eq!(end.summary(), "The turn was interrupted from outside.");
}

#[test]
fn nothing_secret_reaches_a_conclusion() {
    let end = Case::new()
        .stderr("Error: DB_PASSWORD=hunter22 refused\n")
        .left(ChildExit::Code(1))
        .check(TaskStatus::Failed, Outcome::Failed, Some(ErrorCode::Exit));

    let written = serde_json::to_string(&end).unwrap();
    assert!(!written.contains("hunter22"), "{written}");
    assert_eq!(serde_json::from_str::<Conclusion>(&written).unwrap(), end);
}

// Test support.

fn said(text: &str) -> ExecFact {
    ExecFact::Said {
        text: text.to_owned(),
    }
}

const fn completed() -> ExecFact {
    ExecFact::TurnCompleted { usage: None }
}

fn words(end: &Conclusion) -> Vec<String> {
    end.warnings.iter().map(Warning::sentence).collect()
}

struct Case {
    asked: Asked,
    ending: Ending,
    work: WorkLog,
    gathered: Gathered,
}

impl Case {
    fn new() -> Self {
        Self {
            asked: Asked::default(),
            ending: Ending::Left(ChildExit::Code(0)),
            work: WorkLog::default(),
            gathered: Gathered::default(),
        }
    }

    fn answered() -> Self {
        Self::new()
            .fact(ExecFact::TurnStarted)
            .fact(said("All good."))
            .fact(completed())
    }

    fn fact(mut self, fact: ExecFact) -> Self {
        self.work.handle(fact);
        self
    }

    fn command(self, command: &str, code: i32, output: &str) -> Self {
        let status = if code == 0 {
            ItemStatus::Completed
        } else {
            ItemStatus::Failed
        };
        self.fact(ExecFact::Command {
            item: "i".to_owned(),
            command: command.to_owned(),
            status,
            exit_code: Some(code),
            output: output.to_owned(),
        })
    }

    fn asked_to_edit(mut self) -> Self {
        self.asked.expects_changes = Some(true);
        self
    }

    fn git(mut self, changed: &[&str]) -> Self {
        let committed: BTreeMap<String, FileChangeKind> = changed
            .iter()
            .map(|path| ((*path).to_owned(), FileChangeKind::Updated))
            .collect();
        for path in changed.iter().filter(|path| **path != "b.rs") {
            self.work
                .files
                .insert(format!("/r/{path}"), FileChangeKind::Updated);
        }
        self.gathered.git = GitSeen::Known(Box::new(GitFacts {
            root: "/r".to_owned(),
            committed,
            ..GitFacts::default()
        }));
        self
    }

    fn left(mut self, exit: ChildExit) -> Self {
        self.ending = Ending::Left(exit);
        self
    }

    fn stopped(mut self, cause: StopCause) -> Self {
        self.ending = Ending::Stopped {
            cause,
            exit: ChildExit::Signal(15),
        };
        self
    }

    fn stderr(mut self, stderr: &str) -> Self {
        self.gathered.stderr_tail = stderr.to_owned();
        self
    }

    #[track_caller]
    fn check(self, status: TaskStatus, outcome: Outcome, code: Option<ErrorCode>) -> Conclusion {
        let end = conclude(&Evidence {
            asked: self.asked,
            ending: &self.ending,
            group: GroupEnd::Gone,
            work: &self.work,
            n_unread: 0,
            gathered: &self.gathered,
        });

        assert_eq!((end.status, end.outcome), (status, outcome), "{end:?}");
        assert_eq!(end.error().map(|error| error.code), code, "{end:?}");
        end
    }
}
