//! Transcript lines as readable timeline entries.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::calls::{asked, shown_name};
use super::edits;
use super::line::{Answer, Block, Envelope, FAREWELL, Peeked, QUEUED, is_quiet, parse, peek};
use super::user::{self, Notification, ToolResult, UserLine, result_text};
use crate::session::{TurnId, TurnOutcome};
use crate::source::{LineOutcome, LineRead};
use crate::text::shorten_middle;
use crate::timeline::{Entry, EntryBody, ItemStatus};

/// Longest text kept of a prompt, message or summary, in bytes.
const TEXT_BYTES: usize = 32 * 1024;
/// Longest output kept of a command or tool, in bytes.
const OUTPUT_BYTES: usize = 8 * 1024;
/// Calls without an end that are remembered.
const OPEN_CALLS: usize = 256;

/// Turns transcript lines into timeline entries.
#[derive(Debug, Default)]
pub struct TimelineReader {
    /// Whether the transcript is a sub-agent's, once a line said so.
    is_sidechain: Option<bool>,
    turn: Option<TurnId>,
    model: Option<String>,
    /// Calls without an end: when they were made, and what their entry is so far.
    open: BTreeMap<String, (Option<Timestamp>, EntryBody)>,
}

#[derive(Deserialize)]
struct Attachment {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    prompt: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommandResult {
    stdout: Option<String>,
    stderr: Option<String>,
    background_task_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentResult {
    agent_id: Option<String>,
    status: Option<String>,
}

/// An entry before it has its place; none as key means: its place is its key.
struct Found {
    key: Option<String>,
    body: EntryBody,
}

impl From<EntryBody> for Found {
    fn from(body: EntryBody) -> Self {
        Self { key: None, body }
    }
}

impl TimelineReader {
    /// Reads one line; see [`crate::source::TimelineReader::read`].
    pub fn read(&mut self, offset: u64, line: &[u8], entries: &mut Vec<Entry>) -> LineRead {
        let mut out = Vec::new();
        let (at, outcome) = self.read_line(line, &mut out);
        entries.extend(out.into_iter().enumerate().map(|(n, found)| Entry {
            key: found.key.unwrap_or_else(|| format!("{offset}.{n}")),
            at,
            turn_id: self.turn.clone(),
            body: found.body,
        }));
        LineRead { at, outcome }
    }

    fn read_line(&mut self, line: &[u8], out: &mut Vec<Found>) -> (Option<Timestamp>, LineOutcome) {
        match peek(line) {
            Peeked::Quiet => return (None, LineOutcome::Read),
            Peeked::Unknown => {}
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else {
            return (None, LineOutcome::Skipped);
        };
        let outcome = match self.read_envelope(&envelope, out) {
            Some(()) => LineOutcome::Read,
            None => LineOutcome::Skipped,
        };
        (envelope.timestamp, outcome)
    }

    /// Returns none when the kind is not known, or has a shape that cannot be read.
    fn read_envelope(&mut self, envelope: &Envelope<'_>, out: &mut Vec<Found>) -> Option<()> {
        match envelope.kind.as_ref() {
            "user" | "assistant" | "system" | "attachment" => {}
            "custom-title" | "ai-title" | "agent-name" | FAREWELL => return Some(()),
            kind => return is_quiet(kind.as_bytes()).then_some(()),
        }
        let is_sidechain = *self
            .is_sidechain
            .get_or_insert_with(|| envelope.is_sidechain());
        if envelope.is_sidechain() && !is_sidechain {
            return Some(());
        }
        match envelope.kind.as_ref() {
            "user" => self.user(envelope, out)?,
            "assistant" => self.assistant(envelope, out)?,
            "system" => self.system(envelope, out),
            _ => {
                let attachment: Attachment = parse(envelope.attachment?)?;
                let text = result_text(&attachment.prompt);
                if attachment.kind == QUEUED && !text.trim().is_empty() {
                    prompt(&text, out);
                }
            }
        }
        Some(())
    }

    fn user(&mut self, envelope: &Envelope<'_>, out: &mut Vec<Found>) -> Option<()> {
        match user::read(envelope)? {
            UserLine::Prompt(text) => {
                self.start_turn(envelope, out);
                prompt(&text, out);
            }
            UserLine::Command(text) => prompt(&text, out),
            UserLine::Woken(notification) => {
                self.start_turn(envelope, out);
                self.woken(&notification, out);
            }
            UserLine::Interrupted => out.push(turn_ended(TurnOutcome::Interrupted, None, None)),
            UserLine::Results(results) => {
                for result in results {
                    self.result(envelope, &result, out);
                }
            }
            UserLine::Silent => {}
        }
        Some(())
    }

    fn start_turn(&mut self, envelope: &Envelope<'_>, out: &mut Vec<Found>) {
        self.turn = envelope.uuid.clone().map(TurnId);
        let model = self.model.clone();
        out.push(EntryBody::TurnStarted { model }.into());
    }

    /// The end of what ran in the background, told with what woke the agent.
    fn woken(&mut self, notification: &Notification, out: &mut Vec<Found>) {
        if let Some(summary) = &notification.summary {
            prompt(summary, out);
        }
        let status = match notification.status.as_deref() {
            Some("completed") => ItemStatus::Completed,
            Some(_) => ItemStatus::Failed,
            None => return,
        };
        let Some(id) = &notification.call else {
            return;
        };
        if let Some((_, body)) = self.open.remove(id) {
            out.push(Found {
                key: Some(id.clone()),
                body: with_status(body, status),
            });
        }
    }

    fn assistant(&mut self, envelope: &Envelope<'_>, out: &mut Vec<Found>) -> Option<()> {
        let answer: Answer<'_> = parse(envelope.message?)?;
        let blocks = answer.content.iter().filter_map(|raw| parse::<Block>(raw));
        if answer.is_synthetic() {
            if envelope.is_api_error_message == Some(true) {
                let message = blocks.filter_map(|block| match block {
                    Block::Text { text } => Some(text),
                    Block::Thinking { .. }
                    | Block::ToolUse { .. }
                    | Block::ToolResult { .. }
                    | Block::Other => None,
                });
                let message = message.collect::<Vec<_>>().join("\n");
                out.push(turn_ended(TurnOutcome::Failed, Some(message), None));
            }
            return Some(());
        }
        self.model = answer.model.clone().or_else(|| self.model.take());
        for block in blocks {
            match block {
                Block::Text { text } if !text.trim().is_empty() => {
                    let text = shorten_middle(&text, TEXT_BYTES);
                    let is_final = answer.is_last();
                    out.push(EntryBody::Message { text, is_final }.into());
                    let ends_here = envelope.is_run_by_a_program() || envelope.is_sidechain();
                    if is_final && ends_here {
                        out.push(turn_ended(TurnOutcome::Completed, None, None));
                    }
                }
                Block::Thinking { thinking } if !thinking.trim().is_empty() => {
                    let text = shorten_middle(&thinking, TEXT_BYTES);
                    out.push(EntryBody::Reasoning { text }.into());
                }
                Block::ToolUse { id, name, input } => self.call(envelope, id, &name, &input, out),
                Block::Text { .. }
                | Block::Thinking { .. }
                | Block::ToolResult { .. }
                | Block::Other => {}
            }
        }
        Some(())
    }

    fn call(
        &mut self,
        envelope: &Envelope<'_>,
        id: String,
        tool: &str,
        input: &Value,
        out: &mut Vec<Found>,
    ) {
        let body = call_entry(tool, input, envelope.cwd.as_deref());
        if self.open.len() >= OPEN_CALLS {
            self.open.pop_first();
        }
        self.open
            .insert(id.clone(), (envelope.timestamp, body.clone()));
        out.push(Found {
            key: Some(id),
            body,
        });
    }

    fn result(&mut self, envelope: &Envelope<'_>, result: &ToolResult, out: &mut Vec<Found>) {
        let Some((called_at, body)) = self.open.remove(&result.id) else {
            return;
        };
        let status = match envelope.tool_denial_kind.as_deref() {
            Some("interrupted") => ItemStatus::Failed,
            Some(_) => ItemStatus::Declined,
            None if result.is_error => ItemStatus::Failed,
            None => ItemStatus::Completed,
        };
        let duration_ms = duration(called_at, envelope.timestamp);
        let body = ended(body, status, envelope.tool_use_result, result, duration_ms);
        if is_running(&body) {
            self.open
                .insert(result.id.clone(), (called_at, body.clone()));
        }
        out.push(Found {
            key: Some(result.id.clone()),
            body,
        });
    }

    fn system(&self, envelope: &Envelope<'_>, out: &mut Vec<Found>) {
        match envelope.subtype.as_deref() {
            Some("turn_duration")
                if self.turn.is_some() && envelope.pending_background_agent_count.is_none() =>
            {
                out.push(turn_ended(
                    TurnOutcome::Completed,
                    None,
                    envelope.duration_ms,
                ));
            }
            Some("compact_boundary") => out.push(EntryBody::Compacted {}.into()),
            Some(_) | None => {}
        }
    }
}

fn prompt(text: &str, out: &mut Vec<Found>) {
    let text = shorten_middle(text.trim(), TEXT_BYTES);
    out.push(EntryBody::Prompt { text }.into());
}

fn turn_ended(outcome: TurnOutcome, message: Option<String>, duration_ms: Option<u64>) -> Found {
    EntryBody::TurnEnded {
        outcome,
        message,
        duration_ms,
    }
    .into()
}

fn duration(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<u64> {
    let (from, to) = from.zip(to)?;
    u64::try_from(to.duration_since(from).as_millis()).ok()
}

fn call_entry(tool: &str, input: &Value, cwd: Option<&str>) -> EntryBody {
    let text = |key: &str| input.get(key).and_then(Value::as_str).map(str::to_owned);
    let status = ItemStatus::Running;
    match tool {
        "Bash" | "PowerShell" => EntryBody::Command {
            command: text("command").unwrap_or_default(),
            cwd: cwd.map(str::to_owned),
            status,
            exit_code: None,
            output: String::new(),
            duration_ms: None,
        },
        "WebSearch" => EntryBody::WebSearch {
            query: text("query").unwrap_or_default(),
        },
        "Agent" | "Task" => EntryBody::SubAgent {
            thread_id: None,
            text: shorten_middle(
                &text("description")
                    .or_else(|| text("prompt"))
                    .unwrap_or_default(),
                TEXT_BYTES,
            ),
            status,
        },
        "AskUserQuestion" => asking("question", asked(input), status),
        "ExitPlanMode" => asking("plan", text("plan").unwrap_or_default(), status),
        _ if edits::is_edit(tool) => EntryBody::FileChanges {
            changes: edits::intended(tool, input),
            status,
        },
        _ => EntryBody::ToolCall {
            name: shown_name(tool),
            input: if input.is_null() {
                String::new()
            } else {
                shorten_middle(&input.to_string(), OUTPUT_BYTES)
            },
            output: String::new(),
            status,
        },
    }
}

/// Returns the entry of a call that asks a person.
fn asking(name: &str, says: String, status: ItemStatus) -> EntryBody {
    EntryBody::ToolCall {
        name: name.to_owned(),
        input: shorten_middle(&says, OUTPUT_BYTES),
        output: String::new(),
        status,
    }
}

/// Returns the entry of a call with its result.
fn ended(
    body: EntryBody,
    status: ItemStatus,
    reported: Option<&RawValue>,
    result: &ToolResult,
    duration_ms: Option<u64>,
) -> EntryBody {
    let said = || shorten_middle(&result_text(&result.content), OUTPUT_BYTES);
    match body {
        EntryBody::Command { command, cwd, .. } => {
            let reported: Option<CommandResult> = reported.and_then(parse);
            let in_background = reported
                .as_ref()
                .is_some_and(|reported| reported.background_task_id.is_some());
            let output = match reported {
                Some(reported) if !in_background && status == ItemStatus::Completed => {
                    let parts = [reported.stdout, reported.stderr];
                    let parts: Vec<String> = parts
                        .into_iter()
                        .flatten()
                        .filter(|p| !p.is_empty())
                        .collect();
                    shorten_middle(&parts.join("\n"), OUTPUT_BYTES)
                }
                Some(_) | None => said(),
            };
            let exit_code = match status {
                ItemStatus::Completed if !in_background => Some(0),
                ItemStatus::Failed => exit_code(&result_text(&result.content)),
                ItemStatus::Completed | ItemStatus::Running | ItemStatus::Declined => None,
            };
            EntryBody::Command {
                command,
                cwd,
                status: if in_background {
                    ItemStatus::Running
                } else {
                    status
                },
                exit_code,
                output,
                duration_ms: duration_ms.filter(|_| !in_background),
            }
        }
        EntryBody::FileChanges { changes, .. } => EntryBody::FileChanges {
            changes: reported.and_then(edits::done).unwrap_or(changes),
            status,
        },
        EntryBody::SubAgent { text, .. } => {
            let reported: Option<AgentResult> = reported.and_then(parse);
            let is_launched = reported
                .as_ref()
                .is_some_and(|agent| agent.status.as_deref() == Some("async_launched"));
            EntryBody::SubAgent {
                thread_id: reported.and_then(|agent| agent.agent_id),
                text,
                status: if is_launched {
                    ItemStatus::Running
                } else {
                    status
                },
            }
        }
        EntryBody::ToolCall { name, input, .. } => EntryBody::ToolCall {
            name,
            input,
            output: said(),
            status,
        },
        other @ (EntryBody::TurnStarted { .. }
        | EntryBody::Prompt { .. }
        | EntryBody::Message { .. }
        | EntryBody::Reasoning { .. }
        | EntryBody::WebSearch { .. }
        | EntryBody::Compacted {}
        | EntryBody::TurnEnded { .. }) => other,
    }
}

/// A command that failed says so first: `Exit code 2`.
fn exit_code(output: &str) -> Option<i32> {
    let line = output.lines().next()?;
    line.strip_prefix("Exit code ")?.trim().parse().ok()
}

fn is_running(body: &EntryBody) -> bool {
    match body {
        EntryBody::Command { status, .. }
        | EntryBody::FileChanges { status, .. }
        | EntryBody::ToolCall { status, .. }
        | EntryBody::SubAgent { status, .. } => *status == ItemStatus::Running,
        EntryBody::TurnStarted { .. }
        | EntryBody::Prompt { .. }
        | EntryBody::Message { .. }
        | EntryBody::Reasoning { .. }
        | EntryBody::WebSearch { .. }
        | EntryBody::Compacted {}
        | EntryBody::TurnEnded { .. } => false,
    }
}

fn with_status(mut body: EntryBody, ended: ItemStatus) -> EntryBody {
    match &mut body {
        EntryBody::Command { status, .. }
        | EntryBody::FileChanges { status, .. }
        | EntryBody::ToolCall { status, .. }
        | EntryBody::SubAgent { status, .. } => *status = ended,
        EntryBody::TurnStarted { .. }
        | EntryBody::Prompt { .. }
        | EntryBody::Message { .. }
        | EntryBody::Reasoning { .. }
        | EntryBody::WebSearch { .. }
        | EntryBody::Compacted {}
        | EntryBody::TurnEnded { .. } => {}
    }
    body
}
