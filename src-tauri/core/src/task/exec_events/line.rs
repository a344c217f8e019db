//! The envelope and items of a line of `codex exec --json`, as far as they are used.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ExecFact, PlanStep, ReportedFile, RetryCause};
use crate::timeline::{FileChangeKind, ItemStatus};

/// What became of one line.
pub(super) enum LineRead {
    Fact(ExecFact),
    Nothing,
    Unknown(String),
    Damaged,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    thread_id: Option<String>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    message: Option<String>,
}

/// Reads one line.
pub(super) fn read(line: &[u8]) -> LineRead {
    let text = String::from_utf8_lossy(line);
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(&text) else {
        return LineRead::Damaged;
    };
    let fact = match envelope.kind.as_ref() {
        "thread.started" => match envelope.thread_id {
            Some(thread) => ExecFact::ThreadStarted { thread },
            None => return LineRead::Damaged,
        },
        "turn.started" => ExecFact::TurnStarted,
        "turn.completed" => ExecFact::TurnCompleted {
            usage: envelope
                .usage
                .and_then(|usage| serde_json::from_str(usage.get()).ok()),
        },
        "turn.failed" => ExecFact::TurnFailed {
            message: envelope
                .error
                .and_then(|error| serde_json::from_str::<Message>(error.get()).ok())
                .map(|error| error.message)
                .or(envelope.message)
                .unwrap_or_default(),
        },
        "error" => error_fact(envelope.message.unwrap_or_default()),
        "item.started" | "item.updated" | "item.completed" => {
            let stage = if envelope.kind == "item.completed" {
                Stage::Over
            } else {
                Stage::Open
            };
            return envelope
                .item
                .map_or(LineRead::Damaged, |item| read_item(item, stage));
        }
        kind => return LineRead::Unknown(kind.chars().take(60).collect()),
    };
    LineRead::Fact(fact)
}

/// `error` events are mostly announcements of a further try:
/// `Reconnecting... 2/5 (…)`, `Reconnecting... waiting for network (…)`, and in 0.45
/// `stream error: …; retrying 1/5 in 204ms…`.
pub(super) fn error_fact(message: String) -> ExecFact {
    let is_retry = message.starts_with("Reconnecting")
        || (message.starts_with("stream error") && message.contains("; retrying "));
    if !is_retry {
        return ExecFact::Faulted { message };
    }
    let cause = if is_network_trouble(&message) {
        RetryCause::Network
    } else {
        RetryCause::Service
    };
    ExecFact::Retrying { message, cause }
}

/// Returns whether a message of the agent says that the network cannot be reached.
#[must_use]
pub(in crate::task) fn is_network_trouble(message: &str) -> bool {
    [
        "waiting for network",
        "failed to lookup address",
        "Could not resolve host",
        "Temporary failure in name resolution",
        "dns error",
        "Network is unreachable",
        "No route to host",
        "Connection refused",
        "connection refused",
        "tcp connect error",
        "error sending request",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Over,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct ItemHead<'a> {
    #[serde(default)]
    id: String,
    #[serde(rename = "type", alias = "item_type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct TextItem {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct CommandItem {
    #[serde(default)]
    command: String,
    #[serde(default)]
    aggregated_output: String,
    exit_code: Option<i32>,
}

#[derive(Deserialize)]
struct FilesItem {
    #[serde(default)]
    changes: Vec<FileItem>,
}

#[derive(Deserialize)]
struct FileItem {
    path: String,
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct McpItem {
    #[serde(default)]
    server: String,
    #[serde(default)]
    tool: String,
    error: Option<Message>,
}

#[derive(Deserialize)]
struct SearchItem {
    #[serde(default)]
    query: String,
}

#[derive(Deserialize)]
struct PlanItem {
    #[serde(default)]
    items: Vec<PlanItemStep>,
}

#[derive(Deserialize)]
struct PlanItemStep {
    #[serde(default)]
    text: String,
    #[serde(default)]
    completed: bool,
}

fn read_item(item: &RawValue, stage: Stage) -> LineRead {
    let json = item.get();
    let Ok(head) = serde_json::from_str::<ItemHead<'_>>(json) else {
        return LineRead::Damaged;
    };
    let status = item_status(head.status.as_deref(), stage);
    let kind = head.kind.into_owned();
    let item = head.id;
    let fact = match kind.as_str() {
        "agent_message" | "assistant_message" => match stage {
            Stage::Over => parse::<TextItem>(json).map(|said| ExecFact::Said { text: said.text }),
            Stage::Open => return LineRead::Nothing,
        },
        "reasoning" => match stage {
            Stage::Over => {
                parse::<TextItem>(json).map(|said| ExecFact::Reasoned { text: said.text })
            }
            Stage::Open => return LineRead::Nothing,
        },
        "command_execution" => parse::<CommandItem>(json).map(|command| ExecFact::Command {
            item,
            command: command.command,
            status,
            exit_code: command.exit_code,
            output: command.aggregated_output,
        }),
        "file_change" => parse::<FilesItem>(json).map(|change| ExecFact::FilesChanged {
            item,
            files: change.changes.into_iter().map(reported_file).collect(),
            status,
        }),
        "mcp_tool_call" => parse::<McpItem>(json).map(|call| ExecFact::ToolCalled {
            item,
            name: format!("{}/{}", call.server, call.tool),
            status,
            error: call.error.map(|error| error.message),
        }),
        "collab_tool_call" => parse::<McpItem>(json).map(|call| ExecFact::ToolCalled {
            item,
            name: match call.tool.as_str() {
                "spawn_agent" => "start a sub-agent".to_owned(),
                "wait" => "wait for a sub-agent".to_owned(),
                tool => format!("sub-agent: {tool}"),
            },
            status,
            error: None,
        }),
        "web_search" => parse::<SearchItem>(json).map(|search| ExecFact::ToolCalled {
            item,
            name: format!("search the web: {}", search.query),
            status,
            error: None,
        }),
        "todo_list" => parse::<PlanItem>(json).map(|plan| ExecFact::Planned {
            steps: plan
                .items
                .into_iter()
                .map(|step| PlanStep {
                    text: step.text,
                    is_done: step.completed,
                })
                .collect(),
        }),
        "error" => parse::<Message>(json).map(|error| ExecFact::Warned {
            message: error.message,
        }),
        kind => {
            let kind: String = kind.chars().take(60).collect();
            return LineRead::Unknown(format!("item {kind}"));
        }
    };
    fact.map_or(LineRead::Damaged, LineRead::Fact)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

fn item_status(status: Option<&str>, stage: Stage) -> ItemStatus {
    match (status, stage) {
        (Some("failed"), _) => ItemStatus::Failed,
        (Some("declined"), _) => ItemStatus::Declined,
        (_, Stage::Open) => ItemStatus::Running,
        (_, Stage::Over) => ItemStatus::Completed,
    }
}

fn reported_file(file: FileItem) -> ReportedFile {
    ReportedFile {
        path: file.path,
        kind: match file.kind.as_str() {
            "add" => FileChangeKind::Added,
            "delete" => FileChangeKind::Deleted,
            _ => FileChangeKind::Updated,
        },
    }
}
