//! The envelope and payloads of a rollout line, as far as they are used.
//!
//! Format: one JSON object a line, `{"timestamp", ["ordinal"], "type", "payload"}`; see
//! `docs/formats/codex-rollout.md`. Everything that is not named here is passed over.

use std::borrow::Cow;

use jiff::Timestamp;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::observation::Approver;

/// A line, its payload not yet read.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    pub timestamp: Option<Timestamp>,
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub payload: &'a RawValue,
}

/// A line with a payload of a known kind, read in one pass: for the kinds that make up most bytes.
#[derive(Debug, Deserialize)]
pub(super) struct Line<P> {
    pub timestamp: Option<Timestamp>,
    pub payload: P,
}

/// What a line is, read from its beginning without parsing the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peek<'a> {
    /// The line's type.
    pub kind: &'a [u8],
    /// The payload's type, where it is the payload's first key.
    pub payload_kind: Option<&'a [u8]>,
}

/// How many bytes of a line are searched for its type.
const PEEK_BYTES: usize = 160;

/// Reads the type of a line that is written the way Codex writes it; none sends it to the parser.
pub(super) fn peek(line: &[u8]) -> Option<Peek<'_>> {
    let head = line.get(..line.len().min(PEEK_BYTES))?;
    if !head.starts_with(b"{\"timestamp\":\"") || line.last() != Some(&b'}') {
        return None;
    }
    let at = memmem::find(head, b"\"type\":\"")? + 8;
    let kind = until_quote(head.get(at..)?)?;
    let rest = head.get(at + kind.len()..)?;
    let payload_kind = rest
        .strip_prefix(b"\",\"payload\":{\"type\":\"")
        .and_then(until_quote);
    Some(Peek { kind, payload_kind })
}

/// Reads the timestamp of a line whose beginning was recognised by [`peek`].
pub(super) fn peek_timestamp(line: &[u8]) -> Option<Timestamp> {
    let text = until_quote(line.get(14..line.len().min(64))?)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn until_quote(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..memchr::memchr(b'"', bytes)?)
}

/// Returns whether a line of these types is what a tool gave back.
pub(super) fn is_output(kind: &[u8], payload_kind: Option<&[u8]>) -> bool {
    const OUTPUTS: &[&[u8]] = &[b"function_call_output", b"custom_tool_call_output"];
    kind == b"response_item" && payload_kind.is_some_and(|payload| OUTPUTS.contains(&payload))
}

/// The `type` of a payload that has one.
#[derive(Debug, Deserialize)]
pub(super) struct Tag<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TurnContext {
    pub model: Option<String>,
    pub cwd: Option<String>,
    pub approval_policy: Option<serde_json::Value>,
    pub approvals_reviewer: Option<String>,
}

impl TurnContext {
    /// Returns who is asked for a yes.
    pub(super) fn approver(&self) -> Option<Approver> {
        let policy = self.approval_policy.as_ref()?;
        let is_reviewed = self.approvals_reviewer.as_deref().unwrap_or("user") != "user";
        Some(if policy.as_str() == Some("never") || is_reviewed {
            Approver::Nobody
        } else {
            Approver::Person
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ThreadSettings {
    pub thread_settings: TurnContext,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaskStarted {
    pub turn_id: String,
    pub model_context_window: Option<u64>,
    pub turn_attribution: Option<TurnAttribution>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TurnAttribution {
    pub turn_trigger: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaskComplete {
    pub turn_id: Option<String>,
    pub last_agent_message: Option<String>,
    pub error: Option<TurnError>,
    pub root_turn_id: Option<String>,
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TurnError {
    pub message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TurnAborted {
    pub turn_id: Option<String>,
    pub duration_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_output_tokens: u64,
    pub total_tokens: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenUsageRecord {
    pub usage: Usage,
    pub thread_token_usage: Usage,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenCount {
    pub info: Option<TokenInfo>,
    pub rate_limits: Option<RateLimits>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenInfo {
    pub total_token_usage: Usage,
    pub last_token_usage: Option<Usage>,
    pub model_context_window: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimits {
    pub primary: Option<RateLimit>,
    pub secondary: Option<RateLimit>,
    pub plan_type: Option<String>,
    pub rate_limit_reached_type: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimit {
    pub used_percent: f64,
    pub window_minutes: Option<u32>,
    /// Seconds since the epoch; 0.100 and later.
    pub resets_at: Option<i64>,
    /// Seconds from the line's time on; 0.45.
    pub resets_in_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TextEvent {
    #[serde(alias = "text")]
    pub message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ItemCompleted<'a> {
    #[serde(borrow)]
    pub item: &'a RawValue,
    pub started_at_ms: Option<i64>,
    pub completed_at_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TextPart {
    #[serde(default)]
    pub text: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ContentItem {
    #[serde(default)]
    pub content: Vec<TextPart>,
    pub phase: Option<String>,
}

impl ContentItem {
    /// Returns its texts, joined.
    pub(super) fn text(self) -> String {
        let texts: Vec<String> = self
            .content
            .into_iter()
            .filter_map(|part| part.text)
            .collect();
        texts.join("\n")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ItemId {
    #[serde(default)]
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolCall {
    #[serde(default)]
    pub call_id: String,
    pub name: String,
    pub namespace: Option<String>,
    #[serde(default)]
    pub arguments: Option<String>,
    #[serde(default)]
    pub input: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CallId {
    #[serde(default)]
    pub call_id: String,
}

/// The arguments of the tools that run a command, under all their names.
#[derive(Debug, Deserialize)]
pub(super) struct CommandArguments {
    cmd: Option<String>,
    command: Option<CommandText>,
    pub workdir: Option<String>,
}

#[derive(Debug)]
struct CommandText(String);

impl<'de> Deserialize<'de> for CommandText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Array(words) => {
                let words: Vec<String> = words
                    .iter()
                    .filter_map(|word| word.as_str().map(str::to_owned))
                    .collect();
                shell_line(&words)
            }
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Object(_) => String::new(),
        };
        Ok(Self(text))
    }
}

impl CommandArguments {
    /// Reads the arguments of a command tool; none if they are of another shape.
    pub(super) fn parse(arguments: &str) -> Option<Self> {
        serde_json::from_str(arguments).ok()
    }

    /// Returns the command as a person would type it.
    pub(super) fn command(&self) -> Option<&str> {
        self.cmd
            .as_deref()
            .or_else(|| self.command.as_ref().map(|text| text.0.as_str()))
    }
}

/// Returns whether `name` is a tool that runs a command.
pub(super) fn is_command_tool(name: &str) -> bool {
    matches!(
        name,
        "exec_command" | "shell" | "shell_command" | "local_shell" | "container.exec"
    )
}

/// Writes an argument vector as one line of shell; `bash -lc SCRIPT` is the script alone.
pub(super) fn shell_line(words: &[String]) -> String {
    if let [shell, flag, script] = words {
        let shell = shell.rsplit('/').next().unwrap_or(shell);
        if matches!(shell, "bash" | "sh" | "zsh") && matches!(flag.as_str(), "-c" | "-lc") {
            return script.clone();
        }
    }
    let quoted: Vec<Cow<'_, str>> = words.iter().map(|word| quote(word)).collect();
    quoted.join(" ")
}

fn quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

/// Returns whether a user message was written by the harness, not by a person.
pub(super) fn is_harness_text(text: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "<environment_context>",
        "<turn_aborted>",
        "<user_instructions>",
        "<skills",
        "<permissions",
        "<collaboration_mode>",
        "<subagent_notification>",
        "# AGENTS",
    ];
    let text = text.trim_start();
    BEGINNINGS
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peek_reads_type_and_payload_type() {
        let line = br#"{"timestamp":"2026-11-20T07:50:56.618Z","ordinal":12,"type":"event_msg","payload":{"type":"task_started","turn_id":"a"}}"#;

        let peeked = peek(line).unwrap();

        assert_eq!(peeked.kind, b"event_msg");
        assert_eq!(peeked.payload_kind, Some(&b"task_started"[..]));
        assert_eq!(
            peek_timestamp(line),
            Some("2026-11-20T07:50:56.618Z".parse().unwrap())
        );
    }

    #[test]
    fn peek_leaves_other_spellings_to_the_parser() {
        assert_eq!(peek(br#"{"type":"event_msg","payload":{}}"#), None);
        assert_eq!(peek(b""), None);
        assert_eq!(
            peek(br#"{"timestamp":"2026-11-20T07:50:56.618Z","type":"x","payl"#),
            None
        );
    }

    #[test]
    fn shell_lines_read_as_typed() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();

        assert_eq!(
            shell_line(&words(&["/bin/bash", "-lc", "ls | wc -l"])),
            "ls | wc -l"
        );
        assert_eq!(
            shell_line(&words(&["git", "commit", "-m", "it's"])),
            r"git commit -m 'it'\''s'"
        );
    }
}
