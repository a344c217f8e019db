//! A session's timeline as text.

use anstyle::{AnsiColor, Style};
use mission_control_core::session::{LiveSession, NeedKind, Status, TurnOutcome};
use mission_control_core::text::strip_controls;
use mission_control_core::timeline::{Entry, EntryBody, FileChangeKind, ItemStatus};

use super::format::{name, state, time_of_day, tokens};
use super::output::styled;

/// How many lines of a command's output are shown.
const OUTPUT_LINES: usize = 12;

/// Writes what a session is and why it is said to be in its state; `home` is where it lies, if
/// that needs saying.
pub(super) fn head(session: &LiveSession, home: Option<&str>) -> String {
    let words = state(session);
    let dim = Style::new().dimmed();
    let mut text = styled(Style::new().bold(), name(session));
    text.push('\n');
    let facts = [
        session.model.clone(),
        session.project.clone(),
        session.git_branch.clone(),
        Some(format!("{} tokens", tokens(session.tokens.total))),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    text.push_str(&format!(
        "{}  {}, {}\n",
        styled(words.style, &format!("{} {}", words.sign, words.word)),
        session.source.label(),
        facts.join(", ")
    ));
    for evidence in &session.evidence_trail {
        let from = serde_json::to_value(evidence.from)
            .ok()
            .and_then(|value| value.as_str().map(|name| name.replace('_', " ")))
            .unwrap_or_default();
        let at = evidence
            .at
            .map(|at| format!(" {}", time_of_day(at)))
            .unwrap_or_default();
        text.push_str(&styled(
            dim,
            &format!("  {from}{at}: {}", strip_controls(&evidence.says)),
        ));
        text.push('\n');
    }
    let place = home.map(|home| format!(" in {}", strip_controls(home)));
    let id = format!("  {}{}", session.id, place.unwrap_or_default());
    text.push_str(&styled(dim, &id));
    text.push('\n');
    text
}

/// Says how a session ended.
pub(super) fn end(session: &LiveSession) -> String {
    let words = state(session);
    let at = session.ended.as_ref().and_then(|ended| ended.at);
    let at = at
        .map(|at| format!("{} ", time_of_day(at)))
        .unwrap_or_default();
    let says = format!("{} {}: {}", words.sign, words.word, session.evidence.says);
    format!(
        "{}{}",
        styled(Style::new().dimmed(), &at),
        styled(words.style, &says)
    )
}

/// Says what a session asks a person, and how it is answered.
pub(super) fn need(session: &LiveSession) -> Option<String> {
    let need = session.need.as_ref()?;
    let words = state(session);
    let mut says = format!(
        "{} {}: {}",
        words.sign,
        words.word,
        need.summary.replace('\n', "\n  ")
    );
    let how = if need.can_answer {
        let answer = match need.kind {
            NeedKind::Approval | NeedKind::Plan | NeedKind::Elicitation => "accept|decline",
            NeedKind::Question => "ANSWER",
        };
        let (id, request) = (&session.id, &need.request_id);
        format!("Answer it with: mission-control answer {id} {request} {answer}")
    } else {
        "It is answered where it runs.".to_owned()
    };
    says.push_str(&format!("\n  {how}"));
    Some(styled(words.style, &says))
}

/// Returns whether an entry will be replaced by a fuller one.
pub(super) fn is_open(entry: &Entry) -> bool {
    match &entry.body {
        EntryBody::Command { status, .. }
        | EntryBody::FileChanges { status, .. }
        | EntryBody::ToolCall { status, .. } => *status == ItemStatus::Running,
        EntryBody::TurnStarted { .. }
        | EntryBody::Prompt { .. }
        | EntryBody::Message { .. }
        | EntryBody::Reasoning { .. }
        | EntryBody::WebSearch { .. }
        | EntryBody::SubAgent { .. }
        | EntryBody::Compacted {}
        | EntryBody::TurnEnded { .. } => false,
    }
}

/// Writes one entry of a session in status `session`; control characters of the transcript are stripped.
pub(super) fn entry(entry: &Entry, session: Status) -> String {
    let dim = Style::new().dimmed();
    let time = entry.at.map(time_of_day).unwrap_or_default();
    let stamp = styled(dim, &time);
    match &entry.body {
        EntryBody::TurnStarted { model } => {
            let model = model
                .as_deref()
                .map(|model| format!(" on {model}"))
                .unwrap_or_default();
            format!("\n{stamp} {}\n", styled(dim, &format!("── turn{model} ──")))
        }
        EntryBody::Prompt { text } => {
            format!(
                "{stamp} {}\n{}",
                styled(Style::new().bold(), "You"),
                indented(text)
            )
        }
        EntryBody::Message { text, .. } => {
            format!(
                "{stamp} {}\n{}",
                styled(Style::new().bold(), "Agent"),
                indented(text)
            )
        }
        EntryBody::Reasoning { text } => {
            let first = mission_control_core::text::one_line(&text.replace("**", ""), 100);
            format!("{stamp} {}\n", styled(dim, &format!("thinks: {first}")))
        }
        EntryBody::Command {
            command,
            status,
            exit_code,
            output,
            duration_ms,
            ..
        } => {
            let took = duration_ms
                .map(|ms| format!(" {}", duration(ms)))
                .unwrap_or_default();
            let end = match (status, exit_code) {
                (ItemStatus::Running, _) => running(session).to_owned(),
                (ItemStatus::Declined, _) => "declined".to_owned(),
                (ItemStatus::Completed | ItemStatus::Failed, Some(code)) => format!("exit {code}"),
                (ItemStatus::Completed, None) => "ended".to_owned(),
                (ItemStatus::Failed, None) => "failed".to_owned(),
            };
            format!(
                "{stamp} $ {}  {}\n{}",
                strip_controls(command).replace('\n', "\n           "),
                sign(*status, &format!("{end}{took}")),
                shortened(output)
            )
        }
        EntryBody::FileChanges { changes, status } => {
            let mut text = String::new();
            for change in changes {
                let is_done = *status == ItemStatus::Completed;
                let verb = match change.kind {
                    FileChangeKind::Added if is_done => "added",
                    FileChangeKind::Updated if is_done => "edited",
                    FileChangeKind::Deleted if is_done => "deleted",
                    FileChangeKind::Added => "would add",
                    FileChangeKind::Updated => "would edit",
                    FileChangeKind::Deleted => "would delete",
                };
                let end = match status {
                    ItemStatus::Completed => String::new(),
                    ItemStatus::Running => ", not finished".to_owned(),
                    ItemStatus::Failed | ItemStatus::Declined => format!(", {}", word(*status)),
                };
                let counts = format!("+{} -{}{end}", change.n_added, change.n_removed);
                let path = strip_controls(&change.path);
                text.push_str(&format!(
                    "{stamp} {verb} {path}  {}\n",
                    sign(*status, &counts)
                ));
            }
            text
        }
        EntryBody::ToolCall {
            name,
            output,
            status,
            ..
        } => {
            let word = word(*status);
            format!(
                "{stamp} {}  {}\n{}",
                strip_controls(name),
                sign(*status, word),
                shortened(output)
            )
        }
        EntryBody::WebSearch { query } => {
            format!("{stamp} searched the web: {}\n", strip_controls(query))
        }
        EntryBody::SubAgent { text, status, .. } => {
            let text = mission_control_core::text::one_line(text, 120);
            format!(
                "{stamp} sub-agent {}  {text}\n",
                sign(*status, word(*status))
            )
        }
        EntryBody::Compacted {} => format!("{stamp} {}\n", styled(dim, "conversation shortened")),
        EntryBody::TurnEnded {
            outcome,
            message,
            duration_ms,
        } => {
            let took = duration_ms
                .map(|ms| format!(" after {}", duration(ms)))
                .unwrap_or_default();
            let (word, style) = match outcome {
                TurnOutcome::Completed => ("completed", dim),
                TurnOutcome::Failed => ("failed", red()),
                TurnOutcome::Interrupted => ("interrupted", dim),
            };
            let why = message
                .as_deref()
                .map(|message| format!(": {}", strip_controls(message)))
                .unwrap_or_default();
            format!(
                "{stamp} {}\n",
                styled(style, &format!("── turn {word}{took}{why} ──"))
            )
        }
    }
}

fn red() -> Style {
    Style::new().fg_color(Some(AnsiColor::Red.into()))
}

/// Says how far an item is whose end is not recorded.
const fn running(session: Status) -> &'static str {
    match session {
        Status::Done => "not finished",
        Status::Working | Status::NeedsYou | Status::Paused | Status::Unknown => "running",
    }
}

const fn word(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::Running => "running",
        ItemStatus::Completed => "done",
        ItemStatus::Failed => "failed",
        ItemStatus::Declined => "declined",
    }
}

fn sign(status: ItemStatus, text: &str) -> String {
    match status {
        ItemStatus::Running => styled(Style::new().dimmed(), text),
        ItemStatus::Completed => styled(Style::new().fg_color(Some(AnsiColor::Green.into())), text),
        ItemStatus::Failed | ItemStatus::Declined => styled(red(), text),
    }
}

fn duration(ms: u64) -> String {
    if ms < 1000 {
        return format!("{ms} ms");
    }
    let seconds = ms / 1000;
    if seconds < 60 {
        format!("{seconds}.{}s", ms % 1000 / 100)
    } else {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    }
}

fn indented(text: &str) -> String {
    strip_controls(text)
        .lines()
        .map(|line| format!("         {line}\n"))
        .collect()
}

fn shortened(output: &str) -> String {
    let clean = strip_controls(output);
    let lines: Vec<&str> = clean.trim_end().lines().collect();
    let n_hidden = lines.len().saturating_sub(OUTPUT_LINES);
    let mut text = String::new();
    if n_hidden > 0 {
        text.push_str(&styled(
            Style::new().dimmed(),
            &format!("         … {n_hidden} lines before"),
        ));
        text.push('\n');
    }
    for line in lines.iter().skip(n_hidden) {
        text.push_str(&styled(Style::new().dimmed(), &format!("         {line}")));
        text.push('\n');
    }
    text
}
