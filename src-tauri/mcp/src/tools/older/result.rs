//! What the delegator's local tools say about a task: as values, and as a page.

use std::time::Duration;

use mission_control_core::task::model::{FileWitness, Outcome, Task, TaskStatus};
use mission_control_core::task::test_report::TestReport;
use mission_control_core::task::words::{duration_words, inner_script};
use mission_control_core::text::shorten_middle;
use mission_control_core::timeline::FileChangeKind;
use serde_json::{Value, json};

use super::envelope::Said;
use super::markdown::Page;

/// How many failed tests are named.
const MOST_FAILED: usize = 10;

/// How many commands a page lists.
const MOST_COMMANDS: usize = 50;

/// How a task was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capability {
    /// The caller goes on.
    Background,
    /// The caller waits for it.
    Foreground,
}

/// What a task wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// On standard output: its last message.
    pub(super) stdout: String,
    /// On standard error, or the end of it.
    pub(super) stderr: String,
    /// How long both were, in bytes.
    pub(super) original_size: u64,
    /// Longest that is shown of both, in bytes.
    pub(super) max_bytes: usize,
    /// Whether something is missing.
    pub(super) is_cut: bool,
}

impl Output {
    /// Shortens what a task wrote to `max_bytes`, its head and tail kept. Standard error may take
    /// a quarter of that.
    pub(super) fn of(message: &str, stderr: &str, stderr_size: u64, max_bytes: usize) -> Self {
        let of_stderr = stderr.len().min(max_bytes / 4);
        let of_stdout = max_bytes - of_stderr;
        let original_size = message.len() as u64 + stderr_size;
        Self {
            stdout: shorten_middle(message, of_stdout),
            stderr: shorten_middle(stderr, of_stderr),
            original_size,
            max_bytes,
            is_cut: message.len() > of_stdout || stderr_size > of_stderr as u64,
        }
    }
}

/// The states of old.
pub(super) const fn state(task: &Task) -> &'static str {
    match task.status {
        TaskStatus::Queued => "pending",
        TaskStatus::Running | TaskStatus::InputRequired => "working",
        TaskStatus::Completed => match task.outcome {
            Some(Outcome::Failed | Outcome::Partial) => "completed_with_errors",
            _ if !task.warnings.is_empty() => "completed_with_warnings",
            Some(Outcome::Succeeded | Outcome::NoChanges | Outcome::Unknown) | None => "completed",
        },
        TaskStatus::Failed | TaskStatus::TimedOut => "failed",
        // Nobody saw it end, and nothing shows what came of it.
        TaskStatus::Interrupted => match task.outcome {
            Some(Outcome::Unknown) | None => "unknown",
            Some(Outcome::Succeeded | Outcome::NoChanges | Outcome::Partial | Outcome::Failed) => {
                "failed"
            }
        },
        TaskStatus::Cancelled => "canceled",
    }
}

/// Returns whether a task's output is shown although nobody asked for it.
pub(super) fn has_failed(task: &Task) -> bool {
    matches!(state(task), "failed" | "completed_with_errors")
}

/// Returns what an acknowledgement says.
pub(super) fn acknowledgement(tool: &str, task: &Task, capability: Capability) -> Said {
    let capability = match capability {
        Capability::Background => "background",
        Capability::Foreground => "foreground",
    };
    let need = task.need.as_ref().map(|need| need.summary.as_str());
    let data = json!({
        "task_id": task.task_id,
        "thread_id": task.thread_id,
        "accepted": true,
        "capability": capability,
        "state": state(task),
        "need": need,
        "created_at": task.created_at,
        "started_at": task.started_at,
    });
    let mut page = Page::new(tool);
    page.facts(&[
        ("Task", Some(task.task_id.to_string())),
        ("Thread", task.thread_id.clone()),
        ("State", Some(state(task).to_owned())),
        (
            "Place in the queue",
            task.queue_position.map(|n| n.to_string()),
        ),
        ("Sandbox", Some(task.sandbox.as_str().to_owned())),
        ("Folder", Some(task.cwd.clone())),
        ("Started", task.started_at.map(|at| at.to_string())),
        ("Waits for", need.map(str::to_owned)),
    ]);
    let id = &task.task_id;
    page.text(&format!(
        "The task was taken. `_codex_local_wait` with `task_id` \"{id}\" returns when it ends, \
         `_codex_local_results` shows what came of it."
    ));
    Said {
        data,
        page: Some(page.finish()),
        queue_position: task.queue_position,
    }
}

/// Returns what a result says; without `output` why there is none.
pub(super) fn result(tool: &str, task: &Task, output: &Output, is_included: bool) -> Said {
    let shown = if is_included {
        json!({
            "included": true,
            "stdout": output.stdout,
            "stderr": output.stderr,
            "truncated": output.is_cut,
            "max_bytes": output.max_bytes,
            "original_size": output.original_size,
        })
    } else {
        json!({ "included": false, "reason": "include_output is false" })
    };
    let data = json!({
        "task_id": task.task_id,
        "thread_id": task.thread_id,
        "state": state(task),
        "summary": task.summary,
        "duration_seconds": task.elapsed_ms / 1000,
        "completed_ts": task.ended_at,
        "error": task.error,
        "metadata": metadata(task),
        "output": shown,
    });
    Said {
        data,
        page: Some(page(tool, task, output)),
        queue_position: task.queue_position,
    }
}

fn metadata(task: &Task) -> Value {
    let paths = |wanted: Option<FileChangeKind>| -> Vec<&str> {
        let of_kind = task
            .files
            .iter()
            .filter(|file| wanted.is_none_or(|kind| file.kind == kind));
        of_kind.map(|file| file.path.as_str()).collect()
    };
    let diffstat = task.git.as_ref().and_then(|git| git.diffstat);
    let errors: Vec<Value> = task
        .error
        .iter()
        .map(|error| {
            let suggestions: Vec<&str> = error.hint.iter().map(String::as_str).collect();
            json!({ "type": error.code, "message": error.message, "suggestions": suggestions })
        })
        .collect();
    let tokens = task.usage.map(|usage| {
        let percent = (usage.input > 0).then(|| usage.cached * 100 / usage.input);
        json!({
            "input": usage.input,
            "cached": usage.cached,
            "output": usage.output,
            "covers": usage.covers,
            "cache_hit_percent": percent,
        })
    });
    json!({
        "duration": task.elapsed_ms / 1000,
        "file_operations": {
            "modified_files": paths(None),
            "added_files": paths(Some(FileChangeKind::Added)),
            "deleted_files": paths(Some(FileChangeKind::Deleted)),
            "insertions": diffstat.map(|stat| stat.insertions),
            "deletions": diffstat.map(|stat| stat.deletions),
        },
        "test_results": test_results(task),
        "errors": errors,
        "warnings": task.warnings,
        "tokens": tokens,
        "outcome": task.outcome,
    })
}

/// Adds up the latest run of each command: what failed first and passed then has passed.
fn test_results(task: &Task) -> Option<Value> {
    let mut latest: Vec<&TestReport> = Vec::new();
    for report in &task.tests {
        latest.retain(|earlier| {
            (earlier.parser, &earlier.command) != (report.parser, &report.command)
        });
        latest.push(report);
    }
    let failed: Vec<&str> = latest
        .iter()
        .flat_map(|report| &report.failed_names)
        .map(String::as_str)
        .take(MOST_FAILED)
        .collect();
    let sum =
        |count: fn(&TestReport) -> u32| latest.iter().map(|report| count(report)).sum::<u32>();
    (!latest.is_empty()).then(|| {
        json!({
            "passed": sum(|report| report.passed),
            "failed": sum(|report| report.failed),
            "skipped": sum(|report| report.skipped),
            "failed_tests": failed,
        })
    })
}

fn page(tool: &str, task: &Task, output: &Output) -> String {
    let mut page = Page::new(&format!("{tool}: {}", task.title));
    let has_started = task.started_at.is_some();
    let elapsed = duration_words(Duration::from_millis(task.elapsed_ms));
    let progress = &task.progress;
    page.facts(&[
        ("Task", Some(task.task_id.to_string())),
        ("Thread", task.thread_id.clone()),
        ("State", Some(state(task).to_owned())),
        (
            "Outcome",
            task.outcome.map(|outcome| outcome.as_str().to_owned()),
        ),
        (
            "Place in the queue",
            task.queue_position.map(|n| n.to_string()),
        ),
        (
            "Steps of its plan",
            (progress.total > 0).then(|| format!("{} of {}", progress.done, progress.total)),
        ),
        ("At the moment", progress.current.clone()),
        (
            "Waits for",
            task.need.as_ref().map(|need| need.summary.clone()),
        ),
        ("Duration", has_started.then_some(elapsed)),
        ("Ended", task.ended_at.map(|at| at.to_string())),
        (
            "Tokens",
            task.usage.map(|usage| {
                let (input, cached, output) = (usage.input, usage.cached, usage.output);
                format!("{input} in ({cached} cached), {output} out")
            }),
        ),
    ]);
    if let Some(error) = &task.error {
        page.heading("Error");
        page.text(&error.message);
        if let Some(hint) = &error.hint {
            page.text(hint);
        }
    }
    if !task.warnings.is_empty() {
        page.heading("Warnings");
        let warnings: Vec<String> = task
            .warnings
            .iter()
            .map(|says| format!("- {says}"))
            .collect();
        page.text(&warnings.join("\n"));
    }
    if !task.files.is_empty() {
        page.heading("Files");
        let rows: Vec<Vec<String>> = task
            .files
            .iter()
            .map(|file| {
                let kind = match file.kind {
                    FileChangeKind::Added => "added",
                    FileChangeKind::Updated => "changed",
                    FileChangeKind::Deleted => "deleted",
                };
                let seen_by = match file.seen_by {
                    FileWitness::Both => "agent and git",
                    FileWitness::AgentOnly => "agent; git does not show it",
                    FileWitness::GitOnly => "git; not reported by the agent",
                    FileWitness::Unchecked => "agent; not checked",
                };
                vec![file.path.clone(), kind.to_owned(), seen_by.to_owned()]
            })
            .collect();
        page.table(&["File", "Change", "Seen by"], &rows);
    }
    if !task.tests.is_empty() {
        page.heading("Tests");
        let rows: Vec<Vec<String>> = task
            .tests
            .iter()
            .map(|report| {
                vec![
                    inner_script(&report.command).to_owned(),
                    report.passed.to_string(),
                    report.failed.to_string(),
                    report.skipped.to_string(),
                ]
            })
            .collect();
        page.table(&["Command", "Passed", "Failed", "Skipped"], &rows);
    }
    if !task.commands.is_empty() {
        page.heading("Commands");
        let rows: Vec<Vec<String>> = task
            .commands
            .iter()
            .take(MOST_COMMANDS)
            .map(|command| {
                let code = command.exit_code.map(|code| code.to_string());
                let script = inner_script(&command.command).to_owned();
                vec![script, code.unwrap_or_else(|| "–".to_owned())]
            })
            .collect();
        page.table(&["Command", "Exit code"], &rows);
        if task.commands.len() > MOST_COMMANDS {
            let more = task.commands.len() - MOST_COMMANDS;
            page.text(&format!("And {more} more."));
        }
    }
    if !output.stdout.is_empty() {
        page.heading("Output");
        page.text(&output.stdout);
    }
    if !output.stderr.trim().is_empty() {
        page.heading("Standard error");
        page.quoted(&output.stderr);
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use mission_control_core::task::model::TaskCommand;

    use super::super::testing::sample;
    use super::*;

    #[track_caller]
    fn check(task: &Task, expected: &str) {
        assert_eq!(state(task), expected);
    }

    #[test]
    fn every_state_of_old_is_reached() {
        use TaskStatus::{
            Cancelled, Completed, Failed, InputRequired, Interrupted, Queued, Running, TimedOut,
        };
        for (status, outcome, expected) in [
            (Queued, None, "pending"),
            (Running, None, "working"),
            (InputRequired, None, "working"),
            (Completed, Some(Outcome::Succeeded), "completed"),
            (Completed, Some(Outcome::Partial), "completed_with_errors"),
            (Completed, Some(Outcome::Failed), "completed_with_errors"),
            (Failed, Some(Outcome::Failed), "failed"),
            (TimedOut, Some(Outcome::Failed), "failed"),
            (Interrupted, Some(Outcome::Partial), "failed"),
            (Interrupted, Some(Outcome::Unknown), "unknown"),
            (Cancelled, Some(Outcome::NoChanges), "canceled"),
        ] {
            let mut task = sample();
            (task.status, task.outcome) = (status, outcome);
            check(&task, expected);
        }
        let mut task = sample();
        task.warnings.push("Look.".to_owned());
        check(&task, "completed_with_warnings");
    }

    #[test]
    fn what_failed_first_and_passed_then_has_passed() {
        let mut task = sample();
        let report = |passed: u32, failed: u32| -> TestReport {
            serde_json::from_value(json!({
                "parser": "cargo", "confidence": "high", "command": "cargo test",
                "passed": passed, "failed": failed, "skipped": 0, "failed_names": []
            }))
            .unwrap()
        };
        task.tests = vec![report(1, 2), report(3, 0)];

        let metadata = metadata(&task);

        assert_eq!(
            metadata["test_results"],
            json!({ "passed": 3, "failed": 0, "skipped": 0, "failed_tests": [] })
        );
    }

    #[test]
    fn output_keeps_head_and_tail_and_says_what_is_missing() {
        let message = format!("begin{}end", "x".repeat(1000));

        let cut = Output::of(&message, "stderr", 6, 100);
        let whole = Output::of("all", "", 0, 100);

        assert!(cut.stdout.starts_with("begin") && cut.stdout.ends_with("end"));
        assert_eq!(
            (cut.is_cut, cut.original_size, cut.stderr.as_str()),
            (true, 1014, "stderr")
        );
        assert_eq!((whole.is_cut, whole.stdout.as_str()), (false, "all"));
    }

    #[test]
    fn a_page_has_tables_and_no_json() {
        let mut task = sample();
        task.commands = vec![TaskCommand {
            command: "/bin/bash -lc 'a | b'".to_owned(),
            status: mission_control_core::timeline::ItemStatus::Completed,
            exit_code: Some(2),
            output: String::new(),
        }];

        let said = result("_tool", &task, &Output::of("Done.", "", 0, 1000), false);

        let page = said.page.unwrap();
        assert!(page.contains("| State | completed |"), "{page}");
        assert!(page.contains("| a \\| b | 2 |"), "{page}");
        assert!(page.contains("## Output\n\nDone."), "{page}");
        assert!(!page.contains('{'), "{page}");
    }
}
