//! Rollout lines as facts: what happened, of all vocabularies from 0.45 to 0.169.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::activity::Commands;
use super::line::{
    CallId, ContentItem, Envelope, ItemCompleted, ItemId, Line, Tag, TaskComplete, TaskStarted,
    TextEvent, ThreadSettings, TokenCount, TokenUsageRecord, ToolCall, TurnAborted, TurnContext,
    is_harness_text, is_output, peek, peek_timestamp,
};
use super::live;
use super::origin::SessionMeta;
use crate::observation::{Fact, LocatedFact};
use crate::session::{Need, RateLimit, RateLimits, Tokens, TurnId, TurnOutcome};
use crate::source::{LineOutcome, LineRead};

/// Longest text kept of a prompt or message, in characters.
const TEXT_CHARS: usize = 400;

/// Turns rollout lines into facts.
#[derive(Debug, Default)]
pub struct Reader {
    head: Option<Head>,
    /// The turn that was opened by the lines read so far.
    open_turn: Option<OpenTurn>,
    has_turn_events: bool,
    commands: Commands,
}

#[derive(Debug)]
struct Head {
    lacks_turn_events: bool,
}

#[derive(Debug)]
struct OpenTurn {
    id: TurnId,
    trigger: Trigger,
    /// Whether the agent has said anything in it.
    answer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Person,
    /// The agent goes on by itself; a program that leaves gives such a turn up.
    Goal,
    /// Taken from a prompt, because the format records no start.
    Prompt,
}

impl Reader {
    /// Reads one line; see [`crate::source::Reader::read`].
    pub fn read(&mut self, offset: u64, line: &[u8], facts: &mut Vec<LocatedFact>) -> LineRead {
        if let Some(peeked) = peek(line) {
            if says_nothing(peeked.kind, peeked.payload_kind) {
                return LineRead {
                    at: peek_timestamp(line),
                    outcome: LineOutcome::Read,
                };
            }
            if is_output(peeked.kind, peeked.payload_kind)
                && let Ok(output) = serde_json::from_slice::<Line<CallId>>(line)
            {
                let at = output.timestamp;
                let fact = self.output(output.payload, line);
                facts.push(LocatedFact { offset, at, fact });
                return LineRead {
                    at,
                    outcome: LineOutcome::Read,
                };
            }
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else {
            return LineRead {
                at: None,
                outcome: LineOutcome::Skipped,
            };
        };
        let at = envelope.timestamp;
        let mut out = Vec::new();
        let outcome = match self.read_payload(offset, &envelope, &mut out) {
            Some(outcome) => outcome,
            None => LineOutcome::Skipped,
        };
        facts.extend(out.into_iter().map(|fact| LocatedFact { offset, at, fact }));
        LineRead { at, outcome }
    }

    /// Returns none when a known kind has a shape that cannot be read.
    fn read_payload(
        &mut self,
        offset: u64,
        envelope: &Envelope<'_>,
        out: &mut Vec<Fact>,
    ) -> Option<LineOutcome> {
        let payload = envelope.payload;
        match envelope.kind.as_ref() {
            "session_meta" => {
                let meta: SessionMeta = parse(payload)?;
                // Forks of old versions copied their parent's lines, its head included.
                if self.head.is_none() {
                    self.head = Some(Head {
                        lacks_turn_events: meta.lacks_turn_events(),
                    });
                    out.push(Fact::Started(meta.into_origin()));
                }
            }
            "turn_context" => {
                let context: TurnContext = parse(payload)?;
                out.push(context_fact(context));
            }
            "token_usage_record" => {
                let record: TokenUsageRecord = parse(payload)?;
                out.push(Fact::TokensCounted(tokens(
                    record.thread_token_usage,
                    Some(record.usage),
                )));
            }
            "event_msg" => return self.read_event(offset, envelope, out),
            "response_item" => return self.read_item(payload, out),
            "world_state"
            | "compacted"
            | "retained_context"
            | "inter_agent_communication_metadata" => {}
            _ => return Some(LineOutcome::Skipped),
        }
        Some(LineOutcome::Read)
    }

    fn read_event(
        &mut self,
        offset: u64,
        envelope: &Envelope<'_>,
        out: &mut Vec<Fact>,
    ) -> Option<LineOutcome> {
        let payload = envelope.payload;
        let tag: Tag<'_> = parse(payload)?;
        match tag.kind.as_ref() {
            "task_started" | "turn_started" => {
                let started: TaskStarted = parse(payload)?;
                self.has_turn_events = true;
                let is_goal = started
                    .turn_attribution
                    .and_then(|attribution| attribution.turn_trigger)
                    .is_some_and(|trigger| trigger == "goal");
                let id = TurnId(started.turn_id);
                out.push(Fact::TurnStarted { turn: id.clone() });
                out.extend(started.model_context_window.map(Fact::ContextWindow));
                let trigger = if is_goal {
                    Trigger::Goal
                } else {
                    Trigger::Person
                };
                self.open_turn = Some(OpenTurn {
                    id,
                    trigger,
                    answer: None,
                });
            }
            "task_complete" | "turn_complete" => {
                let complete: TaskComplete = parse(payload)?;
                self.has_turn_events = true;
                out.push(self.turn_completed(complete));
            }
            "turn_aborted" => {
                let aborted: TurnAborted = parse(payload)?;
                out.push(self.turn_aborted(aborted));
            }
            "user_message" => {
                let event: TextEvent = parse(payload)?;
                self.prompted(offset, &event.message, out);
            }
            "agent_message" => {
                let event: TextEvent = parse(payload)?;
                self.said(&event.message, out);
            }
            "token_count" => {
                let count: TokenCount = parse(payload)?;
                token_facts(count, envelope.timestamp, out);
            }
            "thread_settings_applied" => {
                let settings: ThreadSettings = parse(payload)?;
                out.push(context_fact(settings.thread_settings));
            }
            "item_completed" => {
                let completed: ItemCompleted<'_> = parse(payload)?;
                return self.item_completed(offset, completed.item, out);
            }
            kind if QUIET_EVENTS.contains(&kind) => {}
            _ => return Some(LineOutcome::Skipped),
        }
        Some(LineOutcome::Read)
    }

    fn output(&mut self, output: CallId, text: &[u8]) -> Fact {
        self.commands.end(&output.call_id, text);
        Fact::ItemEnded {
            item: output.call_id,
        }
    }

    fn turn_completed(&mut self, complete: TaskComplete) -> Fact {
        let open = self.open_turn.take();
        let answer = open.and_then(|open| open.answer);
        let message = complete.last_agent_message.or(answer);
        let (outcome, message) = match (complete.error, message) {
            (Some(error), _) => (TurnOutcome::Failed, Some(error.message)),
            (None, Some(message)) => (TurnOutcome::Completed, Some(message)),
            // Before `root_turn_id` a failure was recorded as a turn without an answer.
            (None, None) if complete.root_turn_id.is_none() => (TurnOutcome::Failed, None),
            (None, None) => (TurnOutcome::Completed, None),
        };
        Fact::TurnEnded {
            turn: complete.turn_id.map(TurnId),
            outcome,
            message,
        }
    }

    fn turn_aborted(&mut self, aborted: TurnAborted) -> Fact {
        let open = self.open_turn.take();
        let turn = aborted
            .turn_id
            .map(TurnId)
            .or_else(|| open.as_ref().map(|o| o.id.clone()));
        match (open.map(|open| open.trigger), turn) {
            (Some(Trigger::Goal), Some(turn)) => Fact::TurnGivenUp { turn },
            (_, turn) => Fact::TurnEnded {
                turn,
                outcome: TurnOutcome::Interrupted,
                message: None,
            },
        }
    }

    fn prompted(&mut self, offset: u64, text: &str, out: &mut Vec<Fact>) {
        if is_harness_text(text) {
            return;
        }
        let lacks_turn_events = self
            .head
            .as_ref()
            .is_some_and(|head| head.lacks_turn_events);
        if lacks_turn_events && !self.has_turn_events {
            if let Some(open) = self.open_turn.take() {
                out.push(Fact::TurnEnded {
                    turn: Some(open.id),
                    outcome: TurnOutcome::Completed,
                    message: open.answer,
                });
            }
            let id = TurnId(format!("line-{offset}"));
            out.push(Fact::TurnStarted { turn: id.clone() });
            self.open_turn = Some(OpenTurn {
                id,
                trigger: Trigger::Prompt,
                answer: None,
            });
        }
        out.push(Fact::Prompted {
            text: crate::text::shorten(text.trim(), TEXT_CHARS),
        });
    }

    fn said(&mut self, text: &str, out: &mut Vec<Fact>) {
        let text = crate::text::shorten(text.trim(), TEXT_CHARS);
        if let Some(open) = &mut self.open_turn {
            open.answer = Some(text.clone());
        }
        out.push(Fact::Said { text });
    }

    /// Returns what a call asks a person; no other call waits for nothing but a person.
    fn question(&self, call: &ToolCall) -> Option<Need> {
        if call.name != "request_user_input" || call.namespace.is_some() {
            return None;
        }
        let arguments = serde_json::from_str(call.arguments.as_deref()?).ok()?;
        let turn = self.open_turn.as_ref().map(|open| open.id.0.as_str());
        Some(live::question(turn, &call.call_id, &arguments))
    }

    fn item_completed(
        &mut self,
        offset: u64,
        item: &RawValue,
        out: &mut Vec<Fact>,
    ) -> Option<LineOutcome> {
        let tag: Tag<'_> = parse(item)?;
        match tag.kind.as_ref() {
            "UserMessage" => {
                let content: ContentItem = parse(item)?;
                self.prompted(offset, &content.text(), out);
            }
            "AgentMessage" => {
                let content: ContentItem = parse(item)?;
                self.said(&content.text(), out);
            }
            "CommandExecution" | "FileChange" | "McpToolCall" | "CollabAgentToolCall" => {
                let item: ItemId = parse(item)?;
                out.push(Fact::ItemEnded { item: item.id });
            }
            "Reasoning" | "WebSearch" | "ImageView" | "SubAgentActivity" | "ContextCompaction"
            | "Plan" | "HookPrompt" | "EnteredReviewMode" | "ExitedReviewMode" => {}
            _ => return Some(LineOutcome::Skipped),
        }
        Some(LineOutcome::Read)
    }

    fn read_item(&mut self, payload: &RawValue, out: &mut Vec<Fact>) -> Option<LineOutcome> {
        let tag: Tag<'_> = parse(payload)?;
        match tag.kind.as_ref() {
            "function_call" | "custom_tool_call" => {
                let call: ToolCall = parse(payload)?;
                let question = self.question(&call);
                out.push(Fact::ItemStarted {
                    activity: self.commands.begin(&call),
                    item: call.call_id.clone(),
                });
                out.extend(question.map(|need| Fact::Asked {
                    item: call.call_id,
                    need,
                }));
            }
            "function_call_output" | "custom_tool_call_output" => {
                out.push(self.output(parse(payload)?, payload.get().as_bytes()));
            }
            "message" => {
                // 0.45 records no end of a turn: an answer with nothing after it is the best sign.
                let role: Role = parse(payload)?;
                if let Some(open) = &self.open_turn
                    && open.trigger == Trigger::Prompt
                    && role.role == "assistant"
                {
                    out.push(Fact::Settled);
                }
            }
            kind if QUIET_ITEMS.contains(&kind) => {}
            _ => return Some(LineOutcome::Skipped),
        }
        Some(LineOutcome::Read)
    }
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    role: String,
}

/// Events that are known and say nothing about a session's state.
const QUIET_EVENTS: &[&str] = &[
    "agent_reasoning",
    "agent_reasoning_raw_content",
    "agent_reasoning_section_break",
    "background_event",
    "context_compacted",
    "deprecation_notice",
    "entered_review_mode",
    "error",
    "exec_command_begin",
    "exec_command_end",
    "exited_review_mode",
    "image_generation_end",
    "item_started",
    "mcp_tool_call_begin",
    "mcp_tool_call_end",
    "model_reroute",
    "patch_apply_begin",
    "patch_apply_end",
    "stream_error",
    "sub_agent_activity",
    "thread_goal_updated",
    "thread_name_updated",
    "thread_queue_changed",
    "thread_rolled_back",
    "turn_diff",
    "undo_completed",
    "view_image_tool_call",
    "warning",
    "web_search_begin",
    "web_search_end",
];

/// Response items that are known and say nothing about a session's state.
const QUIET_ITEMS: &[&str] = &[
    "additional_tools",
    "agent_message",
    "compaction",
    "compaction_summary",
    "configuration_update",
    "context_compaction",
    "ghost_snapshot",
    "image_generation_call",
    "local_shell_call",
    "other",
    "reasoning",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];

/// Decides from a line's beginning that nothing in it matters: the large lines are of such kinds.
fn says_nothing(kind: &[u8], payload_kind: Option<&[u8]>) -> bool {
    const QUIET_ITEMS: &[&[u8]] = &[b"reasoning", b"additional_tools", b"web_search_call"];
    let has = |kinds: &[&[u8]]| payload_kind.is_some_and(|payload| kinds.contains(&payload));
    match kind {
        b"world_state" | b"compacted" => true,
        b"response_item" => has(QUIET_ITEMS),
        b"event_msg" => has(&[b"agent_reasoning"]),
        _ => false,
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn context_fact(context: TurnContext) -> Fact {
    Fact::Context {
        approver: context.approver(),
        model: context.model,
        cwd: context.cwd,
        git_branch: None,
    }
}

fn token_facts(count: TokenCount, at: Option<Timestamp>, out: &mut Vec<Fact>) {
    if let Some(info) = count.info {
        out.push(Fact::TokensCounted(tokens(
            info.total_token_usage,
            info.last_token_usage,
        )));
        out.extend(info.model_context_window.map(Fact::ContextWindow));
    }
    if let Some(limits) = count.rate_limits {
        let limit = |limit: super::line::RateLimit| RateLimit {
            used_percent: limit.used_percent,
            window_minutes: limit.window_minutes,
            resets_at: resets_at(&limit, at),
        };
        out.push(Fact::LimitsSeen(RateLimits {
            primary: limits.primary.map(limit),
            secondary: limits.secondary.map(limit),
            plan: limits.plan_type,
            reached: limits.rate_limit_reached_type,
        }));
    }
}

fn resets_at(limit: &super::line::RateLimit, at: Option<Timestamp>) -> Option<Timestamp> {
    match (limit.resets_at, limit.resets_in_seconds) {
        (Some(seconds), _) => Timestamp::from_second(seconds).ok(),
        (None, Some(seconds)) => at.and_then(|at| {
            at.checked_add(jiff::SignedDuration::from_secs(seconds))
                .ok()
        }),
        (None, None) => None,
    }
}

fn tokens(total: super::line::Usage, last: Option<super::line::Usage>) -> Tokens {
    Tokens {
        input: total.input_tokens,
        cached_input: total.cached_input_tokens,
        output: total.output_tokens,
        reasoning: total.reasoning_output_tokens,
        total: total.total_tokens,
        context_used: last.map(|last| last.total_tokens),
        context_window: None,
    }
}
