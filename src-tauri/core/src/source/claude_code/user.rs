//! What a line says that is not the agent's: a prompt, results of tools, a notice.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::line::{Block, Envelope, parse};

/// What a line of the user's side says.
#[derive(Debug, PartialEq)]
pub(super) enum UserLine {
    /// Somebody asked.
    Prompt(String),
    /// Somebody called a command; some are answered by the agent, some are done at once.
    Command(String),
    /// Something that ran in the background woke the agent.
    Woken(Notification),
    /// Somebody stopped the turn.
    Interrupted,
    /// Tools came to their end.
    Results(Vec<ToolResult>),
    /// Nothing that matters here.
    Silent,
}

/// The end of one tool call.
#[derive(Debug, PartialEq)]
pub(super) struct ToolResult {
    pub id: String,
    pub content: Value,
    pub is_error: bool,
}

/// What woke the agent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notification {
    /// The call that started it.
    pub call: Option<String>,
    pub status: Option<String>,
    pub summary: Option<String>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Origin {
    kind: Option<String>,
}

/// Texts that the program writes as if a person had.
const NO_PROMPTS: &[&str] = &[
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<system-reminder>",
];

/// Reads a line of the user's side; none when it has a shape that is not known.
pub(super) fn read(envelope: &Envelope<'_>) -> Option<UserLine> {
    let message: Message<'_> = parse(envelope.message?)?;
    let content = message.content?;
    let mut results = Vec::new();
    let mut text = String::new();
    if content.get().starts_with('"') {
        text = parse(content)?;
    } else {
        let blocks: Vec<&RawValue> = parse(content)?;
        for block in blocks.into_iter().filter_map(parse::<Block>) {
            match block {
                Block::Text { text: more } => {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(&more);
                }
                Block::ToolResult {
                    tool_use_id,
                    content,
                    is_error,
                } => results.push(ToolResult {
                    id: tool_use_id,
                    content,
                    is_error,
                }),
                Block::Thinking { .. } | Block::ToolUse { .. } | Block::Other => {}
            }
        }
    }
    if !results.is_empty() {
        return Some(UserLine::Results(results));
    }
    Some(meaning(envelope, &text))
}

fn meaning(envelope: &Envelope<'_>, text: &str) -> UserLine {
    let text = text.trim();
    if text.starts_with("[Request interrupted by user") {
        return UserLine::Interrupted;
    }
    if envelope.is_meta == Some(true) || envelope.is_compact_summary == Some(true) {
        return UserLine::Silent;
    }
    let is_notification = envelope
        .origin
        .and_then(parse::<Origin>)
        .is_some_and(|origin| origin.kind.as_deref() == Some("task-notification"));
    if is_notification || text.starts_with("<task-notification>") {
        return UserLine::Woken(Notification::read(text));
    }
    if text.starts_with("<command-name>") || text.starts_with("<command-message>") {
        let name = within(text, "command-name").unwrap_or_default();
        let arguments = within(text, "command-args").unwrap_or_default();
        return UserLine::Command(format!("{name} {arguments}").trim().to_owned());
    }
    if text.is_empty() || NO_PROMPTS.iter().any(|mark| text.starts_with(mark)) {
        return UserLine::Silent;
    }
    UserLine::Prompt(text.to_owned())
}

impl Notification {
    fn read(text: &str) -> Self {
        let part = |tag| within(text, tag).map(str::to_owned);
        Self {
            call: part("tool-use-id"),
            status: part("status"),
            summary: part("summary"),
        }
    }
}

/// Returns what stands between a tag and its end.
fn within<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    let (inside, _) = rest.split_once(&format!("</{tag}>"))?;
    Some(inside.trim())
}

/// Returns the readable part of a tool's result.
pub(super) fn result_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<&str> = blocks
                .iter()
                .filter_map(|block| block.get("text").and_then(Value::as_str))
                .collect();
            texts.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: UserLine) {
        let envelope: Envelope<'_> = serde_json::from_str(line).unwrap();
        assert_eq!(read(&envelope), Some(expected));
    }

    #[test]
    fn a_prompt_is_told_from_what_only_looks_like_one() {
        check(
            r#"{"type":"user","message":{"content":" fix it \n"}}"#,
            UserLine::Prompt("fix it".to_owned()),
        );
        check(
            r#"{"type":"user","message":{"content":[{"type":"image"},{"type":"text","text":"see"}]}}"#,
            UserLine::Prompt("see".to_owned()),
        );
        check(
            r#"{"type":"user","isMeta":true,"message":{"content":"fix it"}}"#,
            UserLine::Silent,
        );
        check(
            r#"{"type":"user","message":{"content":"<local-command-stdout>x"}}"#,
            UserLine::Silent,
        );
        check(
            r#"{"type":"user","message":{"content":"<command-name>/review</command-name><command-args>12</command-args>"}}"#,
            UserLine::Command("/review 12".to_owned()),
        );
        check(
            r#"{"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user for tool use]"}]}}"#,
            UserLine::Interrupted,
        );
    }

    #[test]
    fn what_woke_the_agent_is_named() {
        check(
            r#"{"type":"user","origin":{"kind":"task-notification"},"message":{"content":"<task-notification><tool-use-id>t1</tool-use-id><status>completed</status><summary>Job</summary>"}}"#,
            UserLine::Woken(Notification {
                call: Some("t1".to_owned()),
                status: Some("completed".to_owned()),
                summary: Some("Job".to_owned()),
            }),
        );
    }
}
