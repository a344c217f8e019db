//! Tasks as lines and pages for people.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use mission_control_core::task::model::{Outcome, Task, TaskStatus};
use mission_control_core::task::words::{duration_words, inner_script};
use mission_control_core::text::{one_line, shorten, strip_controls};
use mission_control_core::timeline::FileChangeKind;

use crate::cli::format::elapsed;
use crate::cli::output::styled;

/// How much of an id is listed: enough of a time-ordered id to be unambiguous.
const ID_CHARS: usize = 13;
/// How much of the answer a summary shows, in characters.
const ANSWER_CHARS: usize = 4_000;
/// How many files and commands a summary names.
const MOST_LISTED: usize = 20;

/// Says something beside the output; nobody needs it.
pub(super) fn remark(text: &str) {
    match std::io::stderr().write_all(format!("{text}\n").as_bytes()) {
        Ok(()) | Err(_) => {}
    }
}

/// Writes tasks as a table.
pub(super) fn table(tasks: &[Task], now: Timestamp, width: usize) -> Vec<String> {
    tasks
        .iter()
        .map(|task| {
            let (sign, word, style) = state(task);
            let id: String = task.task_id.as_str().chars().take(ID_CHARS).collect();
            let age = elapsed(task.created_at, now);
            let title_room = width.saturating_sub(ID_CHARS + 28).max(20);
            let title = one_line(&task.title, title_room / 2);
            let summary = match task.queue_position {
                Some(position) => format!("{} (place {position})", task.summary),
                None => task.summary.clone(),
            };
            let says = one_line(&summary, title_room.saturating_sub(title.chars().count()));
            let state = styled(style, &format!("{sign} {word:<12}"));
            format!(
                "{id}  {state} {age:>8}  {title}  {}",
                styled(Style::new().dimmed(), &says)
            )
        })
        .collect()
}

/// Writes one line about a task that has not ended.
pub(super) fn progress(task: &Task, now: Timestamp) -> String {
    let (sign, word, _) = state(task);
    let since = task.started_at.unwrap_or(task.created_at);
    let steps = match task.progress.percent {
        Some(percent) => format!(" {percent} %"),
        None => String::new(),
    };
    let queue = match task.queue_position {
        Some(position) => format!(" (place {position})"),
        None => String::new(),
    };
    one_line(
        &format!(
            "{sign} {word}{queue}{steps} {} {}",
            elapsed(since, now),
            task.summary
        ),
        100,
    )
}

/// Writes how a task stands.
pub(super) fn page(task: &Task, now: Timestamp) -> String {
    let mut page = head(task, now);
    if let Some(need) = &task.need {
        put(&mut page, "Needs", &need.summary);
    }
    if let Some(position) = task.queue_position {
        put(&mut page, "Queue", &format!("place {position}"));
    }
    body(&mut page, task);
    for next in &task.next {
        put(&mut page, "Next", next);
    }
    page
}

/// Writes what came of a task: the answer first, then what stands behind it.
pub(super) fn result(task: &Task) -> String {
    let mut text = String::new();
    match &task.final_message {
        Some(message) => text.push_str(strip_controls(message).trim_end()),
        None => text.push_str(&strip_controls(&task.summary)),
    }
    text.push('\n');
    text
}

/// Writes everything an agent needs that waited for a task.
pub(super) fn summary(task: &Task, now: Timestamp) -> String {
    let mut text = head(task, now);
    if let Some(need) = &task.need {
        put(&mut text, "Needs", &need.summary);
    }
    body(&mut text, task);
    for next in &task.next {
        put(&mut text, "Next", next);
    }
    if let Some(message) = &task.final_message {
        let message = strip_controls(message);
        let message = message.trim_end();
        let shown = shorten(message, ANSWER_CHARS);
        text.push('\n');
        text.push_str(&shown);
        text.push('\n');
        if shown.len() < message.len() {
            let id = &task.task_id;
            text.push_str(&format!("(shortened: mission-control result {id})\n"));
        }
    }
    text
}

fn head(task: &Task, now: Timestamp) -> String {
    let (sign, word, style) = state(task);
    let mut text = format!(
        "{} {}\n",
        styled(style, &format!("{sign} {word}")),
        strip_controls(&task.title)
    );
    put(&mut text, "Task", task.task_id.as_str());
    if let Some(thread) = &task.thread_id {
        put(&mut text, "Thread", thread);
    }
    put(&mut text, "Folder", &task.cwd);
    let times = match (task.started_at, task.ended_at) {
        (_, Some(_)) => format!(
            "took {}",
            duration_words(Duration::from_millis(task.elapsed_ms))
        ),
        (Some(started), None) => format!("runs for {}", elapsed(started, now)),
        (None, None) => format!("waits for {}", elapsed(task.created_at, now)),
    };
    put(&mut text, "Time", &times);
    put(&mut text, "Says", &one_line(&task.summary, 300));
    text
}

fn body(text: &mut String, task: &Task) {
    if let Some(error) = &task.error {
        put(
            text,
            "Error",
            &format!("{:?}: {}", error.code, error.message),
        );
        if let Some(hint) = &error.hint {
            put(text, "Hint", hint);
        }
    }
    for warning in &task.warnings {
        put(text, "Warning", warning);
    }
    for report in &task.tests {
        let command = one_line(inner_script(&report.command), 60);
        let counts = format!(
            "{} passed, {} failed, {} skipped: {command}",
            report.passed, report.failed, report.skipped
        );
        put(text, "Tests", &counts);
    }
    for file in task.files.iter().take(MOST_LISTED) {
        let kind = match file.kind {
            FileChangeKind::Added => "A",
            FileChangeKind::Updated => "M",
            FileChangeKind::Deleted => "D",
        };
        put(text, "File", &format!("{kind} {}", file.path));
    }
    more(text, "File", task.files.len());
    for command in task.commands.iter().take(MOST_LISTED) {
        let code = command
            .exit_code
            .map_or_else(|| "–".to_owned(), |code| code.to_string());
        let script = one_line(inner_script(&command.command), 100);
        put(text, "Command", &format!("[{code}] {script}"));
    }
    more(text, "Command", task.commands.len());
    if let Some(stat) = task.git.as_ref().and_then(|git| git.diffstat) {
        let words = format!(
            "{} files, +{} -{}",
            stat.files, stat.insertions, stat.deletions
        );
        put(text, "Diff", &words);
    }
    if let Some(usage) = &task.usage {
        let words = format!(
            "{} in ({} cached), {} out",
            usage.input, usage.cached, usage.output
        );
        put(text, "Tokens", &words);
    }
    for link in task.links.iter().filter(|link| link.rel == "log") {
        put(text, "Log", &link.target);
    }
}

fn more(text: &mut String, name: &str, n: usize) {
    if n > MOST_LISTED {
        put(text, name, &format!("and {} more", n - MOST_LISTED));
    }
}

fn put(text: &mut String, name: &str, value: &str) {
    let value = strip_controls(value);
    // Writing to a string cannot fail.
    if writeln!(text, "  {name:<8} {value}").is_err() {
        text.push('\n');
    }
}

fn state(task: &Task) -> (&'static str, &'static str, Style) {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match task.status {
        TaskStatus::Queued => ("…", "Queued", Style::new().dimmed()),
        TaskStatus::Running => ("◐", "Running", colour(AnsiColor::Blue)),
        TaskStatus::InputRequired => ("◆", "Needs you", colour(AnsiColor::Yellow).bold()),
        TaskStatus::Completed => match task.outcome {
            Some(Outcome::Succeeded) | None => ("✓", "Succeeded", colour(AnsiColor::Green)),
            Some(Outcome::Unknown) => ("✓", "Completed", colour(AnsiColor::Green)),
            Some(Outcome::NoChanges) => ("○", "No changes", colour(AnsiColor::Yellow)),
            Some(Outcome::Partial) => ("◑", "Partial", colour(AnsiColor::Yellow)),
            Some(Outcome::Failed) => ("✕", "Failed", colour(AnsiColor::Red)),
        },
        TaskStatus::Failed => ("✕", "Failed", colour(AnsiColor::Red)),
        TaskStatus::Cancelled => ("⊘", "Cancelled", Style::new().dimmed()),
        TaskStatus::TimedOut => ("✕", "Timed out", colour(AnsiColor::Red)),
        TaskStatus::Interrupted => ("⊘", "Interrupted", colour(AnsiColor::Magenta)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        let evil = "a\u{1b}]0;title\u{7}\u{1b}[2Jb\r\u{202e}c";
        let task: Task = serde_json::from_value(serde_json::json!({
            "task_id": "01a1f8c5-3207-7933-b55e-33521c266f1f", "kind": "run", "title": evil,
            "cwd": evil, "sandbox": "read-only", "status": "completed",
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
            "elapsed_ms": 5, "summary": evil, "warnings": [evil], "final_message": evil,
            "tags": [], "progress": {"done": 0, "total": 0}, "files": [], "commands": [],
            "tests": [], "truncated": {}, "links": [], "next": [evil], "evidence": [],
        }))
        .unwrap();
        let now = task.created_at;
        let mut plain = task.clone();
        plain.title = "abc".to_owned();
        plain.cwd.clone_from(&plain.title);
        plain.summary.clone_from(&plain.title);
        plain.final_message = Some(plain.title.clone());
        plain.warnings = vec![plain.title.clone()];
        plain.next = vec![plain.title.clone()];

        assert_eq!(result(&task), result(&plain));
        assert_eq!(page(&task, now), page(&plain, now));
        assert_eq!(summary(&task, now), summary(&plain, now));
    }
}
