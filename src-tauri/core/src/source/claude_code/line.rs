//! The envelope of a transcript line and the parts of a message, as far as they are used.
//!
//! Format: one JSON object a line. Lines of the conversation carry `uuid`, `timestamp`, `cwd` and
//! more beside their `type`; the others are short notes, or large copies of requests.

use std::borrow::Cow;

use jiff::Timestamp;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A line, its message not yet read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    pub subtype: Option<String>,
    pub timestamp: Option<Timestamp>,
    pub uuid: Option<String>,
    pub is_sidechain: Option<bool>,
    pub is_meta: Option<bool>,
    pub is_compact_summary: Option<bool>,
    pub is_api_error_message: Option<bool>,
    pub session_id: Option<String>,
    pub cwd: Option<String>,
    pub git_branch: Option<String>,
    pub version: Option<String>,
    pub entrypoint: Option<String>,
    pub request_id: Option<String>,
    pub duration_ms: Option<u64>,
    pub pending_background_agent_count: Option<u32>,
    pub custom_title: Option<String>,
    pub ai_title: Option<String>,
    pub agent_name: Option<String>,
    #[serde(borrow)]
    pub message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub attachment: Option<&'a RawValue>,
    #[serde(borrow)]
    pub origin: Option<&'a RawValue>,
    #[serde(borrow)]
    pub tool_use_result: Option<&'a RawValue>,
    pub tool_denial_kind: Option<String>,
    #[serde(borrow)]
    pub compact_metadata: Option<&'a RawValue>,
}

impl Envelope<'_> {
    pub(super) fn is_sidechain(&self) -> bool {
        self.is_sidechain == Some(true)
    }

    /// Returns the branch; outside of a repository the agent writes `HEAD`.
    pub(super) fn branch(&self) -> Option<String> {
        self.git_branch
            .clone()
            .filter(|branch| branch != "HEAD" && !branch.is_empty())
    }

    /// Returns whether a program runs this turn: then nothing but the last answer ends it.
    pub(super) fn is_run_by_a_program(&self) -> bool {
        self.entrypoint
            .as_deref()
            .is_some_and(|entrypoint| entrypoint.starts_with("sdk-"))
    }
}

/// What the agent answered; one line holds one part of the answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<'a> {
    pub id: Option<String>,
    pub model: Option<String>,
    #[serde(default, borrow)]
    pub content: Vec<&'a RawValue>,
    pub stop_reason: Option<String>,
    pub usage: Option<Usage>,
}

impl Answer<'_> {
    /// Returns whether the agent wrote this itself, without asking a model.
    pub(super) fn is_synthetic(&self) -> bool {
        self.model.as_deref() == Some("<synthetic>")
    }

    /// Returns whether the model has said all it wanted to say in this turn.
    pub(super) fn is_last(&self) -> bool {
        match self.stop_reason.as_deref() {
            Some("tool_use" | "pause_turn") | None => false,
            Some(_) => true,
        }
    }
}

/// What one request cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub input_tokens: u64,
    pub cache_creation_input_tokens: u64,
    pub cache_read_input_tokens: u64,
    pub output_tokens: u64,
    pub output_tokens_details: Option<OutputDetails>,
}

/// What the output of a request was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct OutputDetails {
    pub thinking_tokens: u64,
}

/// One part of a message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
    },
    ToolUse {
        id: String,
        #[serde(default)]
        name: String,
        #[serde(default)]
        input: serde_json::Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: serde_json::Value,
        #[serde(default)]
        is_error: bool,
    },
    #[serde(other)]
    Other,
}

/// What a line is, read from its beginning without parsing the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peeked {
    /// Nothing in it matters.
    Quiet,
    /// It has to be parsed.
    Unknown,
}

/// How many bytes of a line are searched for its kind.
const PEEK_BYTES: usize = 256;

/// Notes and copies that say nothing about a session's state. Some are very large.
const QUIET_KINDS: &[&str] = &[
    "api-request",
    "api-request-blob",
    "api-request-shape",
    "atis-latch",
    "attribution-snapshot",
    "file-history-delta",
    "file-history-snapshot",
    "last-prompt",
    "mode",
    "permission-mode",
    "pr-link",
    "progress",
    "queue-operation",
    "summary",
    "tag",
    "tools-used",
];

/// What is written when the program leaves, or the conversation is cleared: what it cost.
pub(super) const FAREWELL: &str = "cost-state";

/// Decides from a line's beginning, as Claude Code writes it, that nothing in it matters: the
/// largest lines are of such kinds.
pub(super) fn peek(line: &[u8]) -> Peeked {
    const ATTACHMENT: &[u8] = b"\"attachment\":{\"type\":\"";
    let head = line.get(..line.len().min(PEEK_BYTES)).unwrap_or(line);
    if line.last() != Some(&b'}') {
        return Peeked::Unknown;
    }
    if let Some(rest) = head.strip_prefix(b"{\"type\":\"") {
        return match until_quote(rest) {
            Some(kind) if is_quiet(kind) => Peeked::Quiet,
            Some(_) | None => Peeked::Unknown,
        };
    }
    if !head.starts_with(b"{\"parentUuid\":") {
        return Peeked::Unknown;
    }
    let attachment = memmem::find(head, ATTACHMENT)
        .and_then(|at| head.get(at + ATTACHMENT.len()..))
        .and_then(until_quote);
    match attachment {
        Some(kind) if kind != QUEUED.as_bytes() => Peeked::Quiet,
        Some(_) | None => Peeked::Unknown,
    }
}

/// The attachment that hands a prompt to a turn that runs.
pub(super) const QUEUED: &str = "queued_command";

/// Returns whether lines of this kind say nothing.
pub(super) fn is_quiet(kind: &[u8]) -> bool {
    QUIET_KINDS.iter().any(|quiet| quiet.as_bytes() == kind)
}

fn until_quote(text: &[u8]) -> Option<&[u8]> {
    text.get(..memchr::memchr(b'"', text)?)
}

/// Reads a value of which only a known part matters; none when it has another shape.
pub(super) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_quiet_lines_are_told_by_their_beginning() {
        let quiet: &[&[u8]] = &[
            br#"{"type":"api-request-shape","sessionId":"a","shape":{}}"#,
            br#"{"type":"mode","mode":"normal"}"#,
            br#"{"parentUuid":"a","isSidechain":false,"attachment":{"type":"prompt_snapshot"}}"#,
            br#"{"parentUuid":null,"isSidechain":true,"agentId":"a","attachment":{"type":"date"}}"#,
        ];
        for line in quiet {
            assert_eq!(peek(line), Peeked::Quiet);
        }

        let others: &[&[u8]] = &[
            br#"{"type":"mode","mode":"nor"#,
            br#"{"type":"unheard-of"}"#,
            br#"{"parentUuid":"a","isSidechain":false,"attachment":{"type":"queued_command"}}"#,
            br#"{"parentUuid":null,"message":{"content":"\"attachment\":{\"type\":\"date\"}"}}"#,
            b"",
            b"}",
        ];
        for line in others {
            assert_eq!(peek(line), Peeked::Unknown);
        }
    }
}
