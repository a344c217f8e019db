//! A task's result as a page for people.

use std::fmt::Write as _;
use std::time::Duration;

use mission_control_core::task::model::{FileWitness, Task};
use mission_control_core::task::words::{duration_words, inner_script};
use mission_control_core::text::one_line;
use mission_control_core::timeline::FileChangeKind;

/// How many commands are listed.
const MOST_COMMANDS: usize = 50;

/// Returns the result as Markdown.
pub(crate) fn markdown(task: &Task) -> String {
    let mut page = String::new();
    let outcome = task.outcome.map_or("unknown", |outcome| outcome.as_str());
    let elapsed = duration_words(Duration::from_millis(task.elapsed_ms));
    push(&mut page, format_args!("# {}", task.title));
    push(
        &mut page,
        format_args!(
            "\n**{}** ({outcome}) after {elapsed}. {}",
            task.status.as_str(),
            task.summary
        ),
    );
    if let Some(hint) = task.error.as_ref().and_then(|error| error.hint.as_ref()) {
        push(&mut page, format_args!("{hint}"));
    }
    for warning in &task.warnings {
        push(&mut page, format_args!("\n> {warning}"));
    }
    if let Some(message) = &task.final_message {
        push(&mut page, format_args!("\n## Answer\n\n{message}"));
    }
    if !task.files.is_empty() {
        push(&mut page, format_args!("\n## Files\n"));
        for file in &task.files {
            let kind = match file.kind {
                FileChangeKind::Added => "added",
                FileChangeKind::Updated => "changed",
                FileChangeKind::Deleted => "deleted",
            };
            let seen_by = match file.seen_by {
                FileWitness::Both => "",
                FileWitness::AgentOnly => " (git does not show it)",
                FileWitness::GitOnly => " (not reported by the agent)",
                FileWitness::Unchecked => " (not checked)",
            };
            push(&mut page, format_args!("- `{}` {kind}{seen_by}", file.path));
        }
    }
    if !task.tests.is_empty() {
        push(&mut page, format_args!("\n## Tests\n"));
        for report in &task.tests {
            let command = one_line(inner_script(&report.command), 100);
            push(
                &mut page,
                format_args!(
                    "- `{command}`: {} passed, {} failed, {} skipped",
                    report.passed, report.failed, report.skipped
                ),
            );
            for name in &report.failed_names {
                push(&mut page, format_args!("  - failed: {name}"));
            }
        }
    }
    if !task.commands.is_empty() {
        push(&mut page, format_args!("\n## Commands\n"));
        for command in task.commands.iter().take(MOST_COMMANDS) {
            let code = command
                .exit_code
                .map_or_else(|| "–".to_owned(), |code| code.to_string());
            let script = one_line(inner_script(&command.command), 200);
            push(&mut page, format_args!("- [{code}] `{script}`"));
        }
        if task.commands.len() > MOST_COMMANDS {
            let more = task.commands.len() - MOST_COMMANDS;
            push(&mut page, format_args!("- and {more} more"));
        }
    }
    push(&mut page, format_args!("\n## Facts\n"));
    push(&mut page, format_args!("- Task: {}", task.task_id));
    if let Some(thread) = &task.thread_id {
        push(&mut page, format_args!("- Thread: {thread}"));
    }
    push(&mut page, format_args!("- Folder: {}", task.cwd));
    if let Some(usage) = &task.usage {
        push(
            &mut page,
            format_args!(
                "- Tokens: {} in ({} cached), {} out",
                usage.input, usage.cached, usage.output
            ),
        );
    }
    for evidence in &task.evidence {
        push(&mut page, format_args!("- Evidence: {}", evidence.says));
    }
    page
}

fn push(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if writeln!(page, "{line}").is_err() {
        page.push('\n');
    }
}
