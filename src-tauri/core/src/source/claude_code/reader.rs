//! Transcript lines as facts: what happened.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::line::{Answer, Block, Envelope, FAREWELL, Peeked, QUEUED, is_quiet, parse, peek};
use super::tokens::Count;
use super::user::{self, UserLine};
use super::{Call, Turn};
use crate::observation::{Fact, LocatedFact, Origin, Role};
use crate::session::{Client, TurnId, TurnOutcome};
use crate::source::{LineOutcome, LineRead};
use crate::text::shorten;

/// Longest text kept of a prompt or message, in characters.
const TEXT_CHARS: usize = 400;
/// Calls without a result that are remembered.
const OPEN_CALLS: usize = 64;

/// Turns transcript lines into facts.
#[derive(Debug, Default)]
pub struct Reader {
    /// Where the next line starts if none is passed over.
    next_offset: Option<u64>,
    /// Whose transcript this is, once a line said so.
    role: Option<Role>,
    context: Context,
    turn: TurnState,
    /// A command somebody called: the agent may answer it.
    command: Option<(TurnId, String)>,
    calls: Vec<Call>,
    tokens: Count,
    title: Title,
    /// When the latest line was written: some carry no time.
    latest_at: Option<Timestamp>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Context {
    model: Option<String>,
    cwd: Option<String>,
    git_branch: Option<String>,
}

#[derive(Debug, Default)]
enum TurnState {
    /// None runs. The answer that ended the latest may have further lines.
    #[default]
    Over,
    Ended {
        message_id: Option<String>,
    },
    Open(OpenTurn),
    /// Lines were passed over: what runs is not known before the next prompt.
    Unknown,
}

#[derive(Debug)]
struct OpenTurn {
    id: TurnId,
    answer: Option<String>,
    /// When the model said its last word, unless more follows.
    settled_at: Option<Option<Timestamp>>,
    /// Whether it waits for sub-agents: their reports belong to it.
    awaits: Awaits,
}

#[derive(Debug, PartialEq, Eq)]
enum Awaits {
    Nothing,
    SubAgents,
}

/// Who gave the session its name.
#[derive(Debug, Default, PartialEq, Eq)]
enum Title {
    #[default]
    None,
    Generated,
    Person,
}

#[derive(Deserialize)]
struct QueuedCommand {
    #[serde(default)]
    prompt: serde_json::Value,
    #[serde(rename = "isMeta")]
    is_meta: Option<bool>,
}

#[derive(Deserialize)]
struct AttachmentKind {
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompactMetadata {
    post_tokens: Option<u64>,
}

/// The facts of one line.
struct Out<'a> {
    offset: u64,
    at: Option<Timestamp>,
    facts: &'a mut Vec<LocatedFact>,
}

impl Out<'_> {
    fn push(&mut self, fact: Fact) {
        self.push_at(self.at, fact);
    }

    fn push_at(&mut self, at: Option<Timestamp>, fact: Fact) {
        let offset = self.offset;
        self.facts.push(LocatedFact { offset, at, fact });
    }
}

impl Reader {
    /// Reads one line; see [`crate::source::Reader::read`].
    pub fn read(&mut self, offset: u64, line: &[u8], facts: &mut Vec<LocatedFact>) -> LineRead {
        if self.next_offset.is_some_and(|expected| offset > expected) {
            self.passed_over();
        }
        self.next_offset = Some(offset + line.len() as u64 + 1);
        let quiet = LineRead {
            at: None,
            outcome: LineOutcome::Read,
        };
        match peek(line) {
            Peeked::Quiet => return quiet,
            Peeked::Unknown => {}
        }
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else {
            return LineRead {
                at: None,
                outcome: LineOutcome::Skipped,
            };
        };
        let at = envelope.timestamp;
        self.latest_at = self.latest_at.max(at);
        let mut out = Out { offset, at, facts };
        let outcome = match self.read_line(&envelope, &mut out) {
            Some(()) => LineOutcome::Read,
            None => LineOutcome::Skipped,
        };
        LineRead { at, outcome }
    }

    /// Returns the calls that have no result yet, the oldest first.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Returns how the turn stands.
    #[must_use]
    pub const fn turn(&self) -> Turn {
        match self.turn {
            TurnState::Open(_) => Turn::Open,
            TurnState::Over | TurnState::Ended { .. } | TurnState::Unknown => Turn::Over,
        }
    }

    /// Returns none when the kind is not known, or has a shape that cannot be read.
    fn read_line(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Option<()> {
        match envelope.kind.as_ref() {
            "user" | "assistant" | "system" | "attachment" => {}
            "custom-title" => {
                self.named(envelope.custom_title.as_deref(), Title::Person, out);
                return Some(());
            }
            "ai-title" => {
                self.named(envelope.ai_title.as_deref(), Title::Generated, out);
                return Some(());
            }
            "agent-name" => {
                self.named(envelope.agent_name.as_deref(), Title::Generated, out);
                return Some(());
            }
            FAREWELL => {
                self.left(out);
                return Some(());
            }
            kind => return is_quiet(kind.as_bytes()).then_some(()),
        }
        let role = self.begin(envelope, out);
        // Older versions wrote what sub-agents did between the lines of their parent.
        if role == Role::Main && envelope.is_sidechain() {
            return Some(());
        }
        match envelope.kind.as_ref() {
            "user" => self.user(envelope, out),
            "assistant" => self.assistant(envelope, out),
            "system" => self.system(envelope, out),
            _ => self.attachment(envelope, out),
        }
    }

    fn passed_over(&mut self) {
        self.turn = TurnState::Unknown;
        self.command = None;
        self.calls.clear();
        self.tokens.passed_over();
    }

    /// Takes what every line of the conversation carries.
    fn begin(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Role {
        if let Some(role) = self.role {
            return role;
        }
        let (role, parent) = if envelope.is_sidechain() {
            (Role::SubAgent, envelope.session_id.clone())
        } else {
            (Role::Main, None)
        };
        self.role = Some(role);
        self.context.cwd.clone_from(&envelope.cwd);
        self.context.git_branch = envelope.branch();
        out.push(Fact::Started(Origin {
            cwd: envelope.cwd.clone(),
            git_branch: envelope.branch(),
            client: client(envelope.entrypoint.as_deref()),
            cli_version: envelope.version.clone(),
            started_at: envelope.timestamp,
            parent,
            role,
            name: None,
        }));
        role
    }

    fn named(&mut self, title: Option<&str>, by: Title, out: &mut Out<'_>) {
        let Some(title) = title.map(str::trim).filter(|title| !title.is_empty()) else {
            return;
        };
        if self.title == Title::Person && by == Title::Generated {
            return;
        }
        self.title = by;
        out.push(Fact::Named {
            title: shorten(title, TEXT_CHARS),
        });
    }

    fn user(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Option<()> {
        let turn = || TurnId(envelope.uuid.clone().unwrap_or_default());
        match user::read(envelope)? {
            UserLine::Prompt(text) => {
                self.start_turn(turn(), envelope, out);
                out.push(prompted(&text));
            }
            UserLine::Command(text) => self.command = Some((turn(), text)),
            UserLine::Woken(_) => match &mut self.turn {
                TurnState::Open(open) if open.awaits == Awaits::SubAgents => {
                    open.awaits = Awaits::Nothing;
                    open.settled_at = None;
                }
                TurnState::Open(_)
                | TurnState::Over
                | TurnState::Ended { .. }
                | TurnState::Unknown => self.start_turn(turn(), envelope, out),
            },
            UserLine::Interrupted => self.end_turn(TurnOutcome::Interrupted, None, out),
            UserLine::Results(results) => {
                for result in results {
                    self.calls.retain(|call| call.id != result.id);
                    out.push(Fact::ItemEnded { item: result.id });
                }
            }
            UserLine::Silent => {}
        }
        Some(())
    }

    fn start_turn(&mut self, id: TurnId, envelope: &Envelope<'_>, out: &mut Out<'_>) {
        self.settle(out);
        self.command = None;
        self.calls.clear();
        out.push(Fact::TurnStarted { turn: id.clone() });
        self.turn = TurnState::Open(OpenTurn {
            id,
            answer: None,
            settled_at: None,
            awaits: Awaits::Nothing,
        });
        self.place(envelope, out);
    }

    /// Takes in that the program leaves: a turn that runs is not gone on with.
    fn left(&mut self, out: &mut Out<'_>) {
        if let TurnState::Open(OpenTurn {
            settled_at: None, ..
        }) = self.turn
        {
            out.at = self.latest_at;
            self.end_turn(TurnOutcome::Interrupted, None, out);
        }
    }

    /// Ends a turn that was answered and whose end was not recorded.
    fn settle(&mut self, out: &mut Out<'_>) {
        let TurnState::Open(open) = &mut self.turn else {
            return;
        };
        let Some(settled_at) = open.settled_at else {
            return;
        };
        let ended = Fact::TurnEnded {
            turn: Some(open.id.clone()),
            outcome: TurnOutcome::Completed,
            message: open.answer.take(),
        };
        out.push_at(settled_at, ended);
        self.turn = TurnState::Over;
    }

    fn end_turn(&mut self, outcome: TurnOutcome, message: Option<String>, out: &mut Out<'_>) {
        let TurnState::Open(open) = &mut self.turn else {
            return;
        };
        let message = match outcome {
            TurnOutcome::Completed => message.or_else(|| open.answer.take()),
            TurnOutcome::Failed | TurnOutcome::Interrupted => message,
        };
        out.push(Fact::TurnEnded {
            turn: Some(open.id.clone()),
            outcome,
            message,
        });
        self.calls.clear();
        self.turn = TurnState::Over;
    }

    /// Says where the agent works, if that is news.
    fn place(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) {
        let context = Context {
            model: self.context.model.clone(),
            cwd: envelope.cwd.clone().or_else(|| self.context.cwd.clone()),
            git_branch: envelope
                .branch()
                .or_else(|| self.context.git_branch.clone()),
        };
        self.in_context(context, out);
    }

    fn in_context(&mut self, context: Context, out: &mut Out<'_>) {
        if self.context == context {
            return;
        }
        out.push(Fact::Context {
            model: context.model.clone(),
            cwd: context.cwd.clone(),
            git_branch: context.git_branch.clone(),
            approver: None,
        });
        self.context = context;
    }

    fn assistant(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Option<()> {
        let answer: Answer<'_> = parse(envelope.message?)?;
        let blocks: Vec<Block> = answer.content.iter().filter_map(|raw| block(raw)).collect();
        if answer.is_synthetic() {
            if envelope.is_api_error_message == Some(true) {
                self.answered(envelope, &answer, out);
                let text = texts(&blocks);
                self.end_turn(TurnOutcome::Failed, Some(text), out);
            }
            return Some(());
        }
        self.answered(envelope, &answer, out);
        if let Some(model) = answer.model.clone()
            && self.context.model.as_ref() != Some(&model)
        {
            let context = Context {
                model: Some(model),
                cwd: self.context.cwd.clone(),
                git_branch: self.context.git_branch.clone(),
            };
            self.in_context(context, out);
        }
        self.count(envelope, &answer, out);
        let has_text = !texts(&blocks).is_empty();
        for block in blocks {
            self.take(block, out);
        }
        if answer.is_last() {
            self.said_its_last(envelope, &answer, has_text, out);
        }
        Some(())
    }

    /// Takes in that the agent answers: whatever it answers to is a turn.
    fn answered(&mut self, envelope: &Envelope<'_>, answer: &Answer<'_>, out: &mut Out<'_>) {
        let is_new = match &self.turn {
            TurnState::Open(_) | TurnState::Unknown => false,
            TurnState::Over => true,
            TurnState::Ended { message_id } => *message_id != answer.id,
        };
        if !is_new {
            return;
        }
        match self.command.take() {
            Some((turn, command)) => {
                self.start_turn(turn, envelope, out);
                out.push(prompted(&command));
            }
            None => {
                let id = TurnId(envelope.uuid.clone().unwrap_or_default());
                self.start_turn(id, envelope, out);
            }
        }
    }

    fn count(&mut self, envelope: &Envelope<'_>, answer: &Answer<'_>, out: &mut Out<'_>) {
        let Some(usage) = answer.usage else {
            return;
        };
        let message = answer.id.as_deref().unwrap_or_default();
        let request = envelope.request_id.as_deref().unwrap_or_default();
        let counted = self.tokens.add(format!("{message} {request}"), usage);
        if let Some(tokens) = counted {
            out.push(Fact::TokensCounted(tokens));
        }
    }

    fn take(&mut self, block: Block, out: &mut Out<'_>) {
        match block {
            Block::Text { text } => {
                let text = shorten(text.trim(), TEXT_CHARS);
                if text.is_empty() {
                    return;
                }
                if let TurnState::Open(open) = &mut self.turn {
                    open.answer = Some(text.clone());
                }
                out.push(Fact::Said { text });
            }
            Block::ToolUse { id, name, input } => {
                let call = Call::new(id, &name, &input);
                out.push(Fact::ItemStarted {
                    item: call.id.clone(),
                    activity: call.activity.clone(),
                });
                self.calls.retain(|known| known.id != call.id);
                if self.calls.len() >= OPEN_CALLS {
                    self.calls.remove(0);
                }
                self.calls.push(call);
            }
            Block::Thinking { .. } | Block::ToolResult { .. } | Block::Other => {}
        }
    }

    /// The last answer ends the turn of a program or a sub-agent; in a terminal a line of its own
    /// does, because hooks may make the agent go on.
    fn said_its_last(
        &mut self,
        envelope: &Envelope<'_>,
        answer: &Answer<'_>,
        has_text: bool,
        out: &mut Out<'_>,
    ) {
        let TurnState::Open(open) = &mut self.turn else {
            return;
        };
        let ends_here = envelope.is_run_by_a_program() || envelope.is_sidechain();
        if ends_here && has_text {
            self.end_turn(TurnOutcome::Completed, None, out);
            self.turn = TurnState::Ended {
                message_id: answer.id.clone(),
            };
            return;
        }
        open.settled_at = Some(envelope.timestamp);
        out.push(Fact::Settled);
    }

    fn system(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Option<()> {
        match envelope.subtype.as_deref() {
            Some("turn_duration") => {
                let n_agents = envelope.pending_background_agent_count.unwrap_or(0);
                match &mut self.turn {
                    TurnState::Open(open) if n_agents > 0 => {
                        open.awaits = Awaits::SubAgents;
                        open.settled_at = Some(envelope.timestamp);
                        out.push(Fact::Settled);
                    }
                    TurnState::Open(_)
                    | TurnState::Over
                    | TurnState::Ended { .. }
                    | TurnState::Unknown => self.end_turn(TurnOutcome::Completed, None, out),
                }
            }
            Some("compact_boundary") => {
                let metadata = envelope.compact_metadata.and_then(parse::<CompactMetadata>);
                if let Some(tokens) = metadata.and_then(|metadata| metadata.post_tokens) {
                    out.push(Fact::TokensCounted(self.tokens.shortened(tokens)));
                }
            }
            // The others are remarks to the person.
            Some(_) | None => {}
        }
        Some(())
    }

    /// A prompt that was typed while a turn ran may be handed to that turn.
    fn attachment(&mut self, envelope: &Envelope<'_>, out: &mut Out<'_>) -> Option<()> {
        let attachment = envelope.attachment?;
        let AttachmentKind { kind } = parse(attachment)?;
        if kind == QUEUED {
            let queued: QueuedCommand = parse(attachment)?;
            let text = user::result_text(&queued.prompt);
            let is_prompt = queued.is_meta != Some(true)
                && !text.trim().is_empty()
                && !text.starts_with("<task-notification>");
            if is_prompt {
                out.push(prompted(&text));
            }
        }
        Some(())
    }
}

fn prompted(text: &str) -> Fact {
    Fact::Prompted {
        text: shorten(text.trim(), TEXT_CHARS),
    }
}

fn block(raw: &RawValue) -> Option<Block> {
    parse(raw)
}

fn texts(blocks: &[Block]) -> String {
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Text { text } => Some(text.trim()),
            Block::Thinking { .. }
            | Block::ToolUse { .. }
            | Block::ToolResult { .. }
            | Block::Other => None,
        })
        .collect();
    texts.join("\n")
}

fn client(entrypoint: Option<&str>) -> Client {
    match entrypoint {
        Some("cli") => Client::Tui,
        Some("sdk-cli") => Client::Exec,
        Some("claude-desktop") => Client::App,
        Some(name) if name.starts_with("sdk-") => Client::Sdk,
        Some(name) if name.contains("vscode") || name.contains("jetbrains") => Client::Ide,
        Some(_) | None => Client::Unknown,
    }
}

#[cfg(test)]
mod tests;
