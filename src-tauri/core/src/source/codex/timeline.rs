//! Rollout lines as readable timeline entries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::line::{
    CommandArguments, ContentItem, Envelope, ItemCompleted, Line, Tag, TaskComplete, TaskStarted,
    TextEvent, ToolCall, TurnAborted, TurnContext, is_command_tool, is_harness_text, is_output,
    peek, peek_timestamp, shell_line,
};
use super::live;
use super::output::ToolOutput;
use super::patch::{RecordedChange, of_patch_text, recorded};
use crate::session::{TurnId, TurnOutcome};
use crate::source::{LineOutcome, LineRead};
use crate::text::shorten_middle;
use crate::timeline::{Entry, EntryBody, ItemStatus};

/// Longest text kept of a prompt, message or summary, in bytes.
const TEXT_BYTES: usize = 32 * 1024;
/// Longest output kept of a command or tool, in bytes.
const OUTPUT_BYTES: usize = 8 * 1024;

/// Turns rollout lines into timeline entries.
#[derive(Debug, Default)]
pub struct TimelineReader {
    turn: Option<TurnId>,
    model: Option<String>,
    /// Calls without an output yet: what their entry will be.
    open: BTreeMap<String, EntryBody>,
    /// Calls whose item was recorded in full: their raw output says less.
    recorded: BTreeSet<String>,
    has_answer: bool,
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
        if let Some(peeked) = peek(line) {
            if says_nothing(peeked.kind, peeked.payload_kind) {
                return (peek_timestamp(line), LineOutcome::Read);
            }
            if is_output(peeked.kind, peeked.payload_kind)
                && let Ok(line) = serde_json::from_slice::<Line<OutputItem>>(line)
            {
                self.output(line.payload, out);
                return (line.timestamp, LineOutcome::Read);
            }
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else {
            return (None, LineOutcome::Skipped);
        };
        let outcome = match self.read_payload(&envelope, out) {
            Some(()) => LineOutcome::Read,
            None => LineOutcome::Skipped,
        };
        (envelope.timestamp, outcome)
    }

    /// Returns none when a known kind has a shape that cannot be read, or the kind is unknown.
    fn read_payload(&mut self, envelope: &Envelope<'_>, out: &mut Vec<Found>) -> Option<()> {
        let payload = envelope.payload;
        match envelope.kind.as_ref() {
            "turn_context" => self.model = parse::<TurnContext>(payload)?.model,
            "compacted" => out.push(Found::new(EntryBody::Compacted {})),
            "event_msg" => self.read_event(payload, out)?,
            "response_item" => self.read_item(payload, out)?,
            "session_meta"
            | "token_usage_record"
            | "world_state"
            | "retained_context"
            | "inter_agent_communication_metadata" => {}
            _ => return None,
        }
        Some(())
    }

    fn read_event(&mut self, payload: &RawValue, out: &mut Vec<Found>) -> Option<()> {
        let tag: Tag<'_> = parse(payload)?;
        match tag.kind.as_ref() {
            "task_started" | "turn_started" => {
                let started: TaskStarted = parse(payload)?;
                self.turn = Some(TurnId(started.turn_id));
                self.has_answer = false;
                out.push(Found::new(EntryBody::TurnStarted {
                    model: self.model.clone(),
                }));
            }
            "task_complete" | "turn_complete" => {
                let complete: TaskComplete = parse(payload)?;
                let (outcome, message) = match complete.error {
                    Some(error) => (TurnOutcome::Failed, Some(error.message)),
                    None if complete.last_agent_message.is_none()
                        && complete.root_turn_id.is_none()
                        && !self.has_answer =>
                    {
                        (TurnOutcome::Failed, None)
                    }
                    None => (TurnOutcome::Completed, None),
                };
                let duration_ms = complete.duration_ms;
                out.push(Found::new(EntryBody::TurnEnded {
                    outcome,
                    message,
                    duration_ms,
                }));
            }
            "turn_aborted" => {
                let aborted: TurnAborted = parse(payload)?;
                out.push(Found::new(EntryBody::TurnEnded {
                    outcome: TurnOutcome::Interrupted,
                    message: None,
                    duration_ms: aborted.duration_ms,
                }));
            }
            "user_message" => prompt(&parse::<TextEvent>(payload)?.message, out),
            "agent_message" => {
                let text = parse::<TextEvent>(payload)?.message;
                self.message(&text, false, out);
            }
            "agent_reasoning" => {
                reasoning(&parse::<TextEvent>(payload)?.message, out);
            }
            "item_completed" => self.item_completed(&parse(payload)?, out)?,
            // Counted by the facts reader; here they would only be counted twice.
            _ => {}
        }
        Some(())
    }

    fn message(&mut self, text: &str, is_final: bool, out: &mut Vec<Found>) {
        self.has_answer = true;
        let text = shorten_middle(text, TEXT_BYTES);
        out.push(Found::new(EntryBody::Message { text, is_final }));
    }

    fn item_completed(
        &mut self,
        completed: &ItemCompleted<'_>,
        out: &mut Vec<Found>,
    ) -> Option<()> {
        let item = completed.item;
        let tag: Tag<'_> = parse(item)?;
        match tag.kind.as_ref() {
            "UserMessage" => prompt(&parse::<ContentItem>(item)?.text(), out),
            "AgentMessage" => {
                let content: ContentItem = parse(item)?;
                let is_final = content.phase.as_deref() == Some("final_answer");
                self.message(&content.text(), is_final, out);
            }
            "Reasoning" => {
                let summary: ReasoningItem = parse(item)?;
                reasoning(&summary.summary_text.join("\n\n"), out);
            }
            "CommandExecution" => {
                let command: CommandItem = parse(item)?;
                let between = completed.completed_at_ms.zip(completed.started_at_ms);
                let duration_ms = command
                    .duration
                    .map(|duration| duration.millis())
                    .or_else(|| between.and_then(|(end, start)| u64::try_from(end - start).ok()));
                self.close(
                    command.id,
                    out,
                    EntryBody::Command {
                        command: shell_line(&command.command),
                        cwd: command
                            .cwd
                            .map(|cwd| cwd.trim_start_matches("file://").to_owned()),
                        status: status(&command.status),
                        exit_code: command.exit_code,
                        output: shorten_middle(&command.aggregated_output, OUTPUT_BYTES),
                        duration_ms,
                    },
                );
            }
            "FileChange" => {
                let change: FileChangeItem = parse(item)?;
                let status = status(&change.status);
                let changes = recorded(change.changes);
                self.close(change.id, out, EntryBody::FileChanges { changes, status });
            }
            "McpToolCall" => {
                let call: McpItem = parse(item)?;
                let output = call.result.as_ref().or(call.error.as_ref());
                self.close(
                    call.id,
                    out,
                    EntryBody::ToolCall {
                        name: format!("{}: {}", call.server, call.tool),
                        input: compact(&call.arguments),
                        output: output.map(result_text).unwrap_or_default(),
                        status: status(&call.status),
                    },
                );
            }
            "WebSearch" => {
                let search: WebSearchItem = parse(item)?;
                out.push(Found::new(EntryBody::WebSearch {
                    query: search.query,
                }));
            }
            "CollabAgentToolCall" => {
                let call: CollabItem = parse(item)?;
                let text = match call.tool.as_str() {
                    "spawn_agent" => call.prompt.unwrap_or_default(),
                    tool => format!("{tool} finished"),
                };
                self.close(
                    call.id,
                    out,
                    EntryBody::SubAgent {
                        thread_id: call.receiver_thread_ids.into_iter().next(),
                        text: shorten_middle(&text, TEXT_BYTES),
                        status: status(&call.status),
                    },
                );
            }
            "SubAgentActivity" => {
                let activity: SubAgentItem = parse(item)?;
                let is_started = activity.kind == "started";
                out.push(Found::new(EntryBody::SubAgent {
                    text: format!(
                        "{} {}",
                        activity.agent_path.unwrap_or_default(),
                        activity.kind
                    ),
                    thread_id: activity.agent_thread_id,
                    status: if is_started {
                        ItemStatus::Running
                    } else {
                        ItemStatus::Completed
                    },
                }));
            }
            "ImageView" => {
                let view: ImageItem = parse(item)?;
                self.close(
                    view.id,
                    out,
                    EntryBody::ToolCall {
                        name: "view image".to_owned(),
                        input: view.path.trim_start_matches("file://").to_owned(),
                        output: String::new(),
                        status: ItemStatus::Completed,
                    },
                );
            }
            _ => {}
        }
        Some(())
    }

    /// Adds the entry of an item that was recorded in full.
    fn close(&mut self, id: String, out: &mut Vec<Found>, body: EntryBody) {
        self.open.remove(&id);
        self.recorded.insert(id.clone());
        out.push(Found {
            key: Some(id),
            body,
        });
    }

    fn read_item(&mut self, payload: &RawValue, out: &mut Vec<Found>) -> Option<()> {
        let tag: Tag<'_> = parse(payload)?;
        match tag.kind.as_ref() {
            "function_call" | "custom_tool_call" => {
                let call: ToolCall = parse(payload)?;
                if let Some(body) = call_entry(&call) {
                    self.open.insert(call.call_id.clone(), body.clone());
                    out.push(Found {
                        key: Some(call.call_id),
                        body,
                    });
                }
            }
            "function_call_output" | "custom_tool_call_output" => {
                self.output(parse(payload)?, out);
            }
            _ => {}
        }
        Some(())
    }

    fn output(&mut self, output: OutputItem, out: &mut Vec<Found>) {
        if let Some(body) = self.open.remove(&output.call_id)
            && !self.recorded.contains(&output.call_id)
        {
            let body = ended(body, &ToolOutput::of(&output.output));
            out.push(Found {
                key: Some(output.call_id),
                body,
            });
        }
    }
}

/// An entry before it has its place; none as key means: its place is its key.
struct Found {
    key: Option<String>,
    body: EntryBody,
}

impl Found {
    const fn new(body: EntryBody) -> Self {
        Self { key: None, body }
    }
}

#[derive(Deserialize)]
struct ReasoningItem {
    #[serde(default)]
    summary_text: Vec<String>,
}

#[derive(Deserialize)]
struct CommandItem {
    id: String,
    #[serde(default)]
    command: Vec<String>,
    cwd: Option<String>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    aggregated_output: String,
    exit_code: Option<i32>,
    duration: Option<Duration>,
}

#[derive(Clone, Copy, Deserialize)]
struct Duration {
    secs: u64,
    nanos: u64,
}

impl Duration {
    const fn millis(self) -> u64 {
        self.secs
            .saturating_mul(1000)
            .saturating_add(self.nanos / 1_000_000)
    }
}

#[derive(Deserialize)]
struct FileChangeItem {
    id: String,
    #[serde(default)]
    changes: BTreeMap<String, RecordedChange>,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct McpItem {
    id: String,
    #[serde(default)]
    server: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    status: String,
    result: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct WebSearchItem {
    #[serde(default)]
    query: String,
}

#[derive(Deserialize)]
struct CollabItem {
    id: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    status: String,
    prompt: Option<String>,
    #[serde(default)]
    receiver_thread_ids: Vec<String>,
}

#[derive(Deserialize)]
struct SubAgentItem {
    #[serde(default)]
    kind: String,
    agent_thread_id: Option<String>,
    agent_path: Option<String>,
}

#[derive(Deserialize)]
struct ImageItem {
    id: String,
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
struct OutputItem {
    #[serde(default)]
    call_id: String,
    #[serde(default)]
    output: Value,
}

fn says_nothing(kind: &[u8], payload_kind: Option<&[u8]>) -> bool {
    const QUIET_ITEMS: &[&[u8]] = &[
        b"reasoning",
        b"message",
        b"additional_tools",
        b"web_search_call",
    ];
    let has = |kinds: &[&[u8]]| payload_kind.is_some_and(|payload| kinds.contains(&payload));
    match kind {
        b"world_state" | b"token_usage_record" => true,
        b"response_item" => has(QUIET_ITEMS),
        b"event_msg" => has(&[b"token_count", b"thread_settings_applied"]),
        _ => false,
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn prompt(text: &str, out: &mut Vec<Found>) {
    if !is_harness_text(text) {
        out.push(Found::new(EntryBody::Prompt {
            text: shorten_middle(text.trim(), TEXT_BYTES),
        }));
    }
}

fn reasoning(text: &str, out: &mut Vec<Found>) {
    if !text.trim().is_empty() {
        out.push(Found::new(EntryBody::Reasoning {
            text: shorten_middle(text, TEXT_BYTES),
        }));
    }
}

/// Makes the entry of a call that has only begun; none for calls that are shown otherwise.
fn call_entry(call: &ToolCall) -> Option<EntryBody> {
    let text = call
        .arguments
        .as_deref()
        .or(call.input.as_deref())
        .unwrap_or_default();
    if is_command_tool(&call.name) {
        let arguments = CommandArguments::parse(text)?;
        return Some(EntryBody::Command {
            command: arguments.command().unwrap_or_default().to_owned(),
            cwd: arguments.workdir,
            status: ItemStatus::Running,
            exit_code: None,
            output: String::new(),
            duration_ms: None,
        });
    }
    match call.name.as_str() {
        "apply_patch" => Some(EntryBody::FileChanges {
            changes: of_patch_text(text),
            status: ItemStatus::Running,
        }),
        // Code mode wraps its tools in a script; they are recorded one by one.
        "exec" | "write_stdin" | "wait_agent" | "wait" | "spawn_agent" | "close_agent"
        | "view_image" => None,
        "request_user_input" => {
            let arguments = serde_json::from_str(text).unwrap_or_default();
            Some(EntryBody::ToolCall {
                name: "question".to_owned(),
                input: live::question(None, "", &arguments).summary,
                output: String::new(),
                status: ItemStatus::Running,
            })
        }
        name => Some(EntryBody::ToolCall {
            name: match call.namespace.as_deref() {
                Some(space) => format!("{}: {name}", space.trim_start_matches("mcp__")),
                None => name.to_owned(),
            },
            input: shorten_middle(text, OUTPUT_BYTES),
            output: String::new(),
            status: ItemStatus::Running,
        }),
    }
}

/// Adds what the raw output says to the entry of a call.
fn ended(body: EntryBody, result: &ToolOutput) -> EntryBody {
    match body {
        EntryBody::Command { command, cwd, .. } => EntryBody::Command {
            command,
            cwd,
            status: result.status(),
            exit_code: result.exit_code,
            output: shorten_middle(&result.text, OUTPUT_BYTES),
            duration_ms: result.duration_ms,
        },
        EntryBody::FileChanges { changes, .. } => EntryBody::FileChanges {
            changes,
            status: result.status(),
        },
        EntryBody::ToolCall { name, input, .. } => EntryBody::ToolCall {
            name,
            input,
            output: shorten_middle(&result.text, OUTPUT_BYTES),
            status: result.status(),
        },
        body @ (EntryBody::TurnStarted { .. }
        | EntryBody::Prompt { .. }
        | EntryBody::Message { .. }
        | EntryBody::Reasoning { .. }
        | EntryBody::WebSearch { .. }
        | EntryBody::SubAgent { .. }
        | EntryBody::Compacted {}
        | EntryBody::TurnEnded { .. }) => body,
    }
}

fn status(text: &str) -> ItemStatus {
    match text {
        "failed" => ItemStatus::Failed,
        "declined" => ItemStatus::Declined,
        "in_progress" | "inProgress" => ItemStatus::Running,
        _ => ItemStatus::Completed,
    }
}

fn compact(value: &Value) -> String {
    if value.is_null() {
        String::new()
    } else {
        shorten_middle(&value.to_string(), OUTPUT_BYTES)
    }
}

/// Returns the text parts of an MCP result, or all of it where it has none.
fn result_text(result: &Value) -> String {
    let texts: Vec<&str> = result
        .get("content")
        .and_then(Value::as_array)
        .map(|parts| {
            parts
                .iter()
                .filter_map(|part| part.get("text")?.as_str())
                .collect()
        })
        .unwrap_or_default();
    if texts.is_empty() {
        compact(result)
    } else {
        shorten_middle(&texts.join("\n"), OUTPUT_BYTES)
    }
}
