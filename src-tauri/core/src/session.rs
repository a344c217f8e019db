//! A live session as every face shows it: the public JSON contract.
//!
//! These are view values. How they come about is the [`crate::tracker`]'s business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::message::MessageWay;
use crate::process::ProcessKey;
use crate::source::Source;

/// Names a session across sources: `<source>:<id the source gave it>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct SessionId {
    source: Source,
    text: String,
}

impl SessionId {
    /// Makes the id of `source_session_id` within `source`.
    #[must_use]
    pub fn new(source: Source, source_session_id: &str) -> Self {
        Self {
            source,
            text: format!("{}:{source_session_id}", source.as_str()),
        }
    }

    /// Reads an id; none if it does not begin with a known source.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, id) = text.split_once(':')?;
        let source = Source::ALL
            .iter()
            .copied()
            .find(|source| source.as_str() == name)?;
        (!id.is_empty()).then(|| Self {
            source,
            text: text.to_owned(),
        })
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the source that writes the session.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Returns the part behind the source's name.
    #[must_use]
    pub fn source_session_id(&self) -> &str {
        self.text
            .split_once(':')
            .map_or(self.text.as_str(), |(_, id)| id)
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.text
    }
}

impl TryFrom<String> for SessionId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no session id"))
    }
}

/// Names a turn within its session, in the source's own spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct TurnId(pub String);

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Status {
    /// A turn runs.
    Working,
    /// A turn waits for a person: approval, question, plan or elicitation.
    NeedsYou,
    /// The turn is over and the session is open: your turn.
    Paused,
    /// Nobody holds the session any more.
    Done,
    /// There is not enough evidence to say.
    Unknown,
}

/// Whether lines still arrive. A remark beside the status, never instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Freshness {
    /// Something was written lately, or nothing is expected.
    Fresh,
    /// A turn runs and nothing was written for a while.
    Quiet,
}

/// The kind of program a session was started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Client {
    /// A terminal user interface.
    Tui,
    /// One-shot execution.
    Exec,
    /// An editor's extension.
    Ide,
    /// A desktop application.
    App,
    /// A program that uses the agent as a library or server.
    Sdk,
    /// Not recorded.
    Unknown,
}

/// What a waiting session asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum NeedKind {
    /// A command, patch or permission waits for a yes.
    Approval,
    /// The agent asked something.
    Question,
    /// A plan waits for a yes.
    Plan,
    /// A tool server asks for input.
    Elicitation,
}

/// A request that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Need {
    /// What is asked for.
    pub kind: NeedKind,
    /// The request in full.
    pub summary: String,
    /// Names the request; the same in every process.
    pub request_id: String,
    /// Whether an answer can be given from here.
    pub can_answer: bool,
    /// The answers the agent offers.
    pub choices: Vec<String>,
}

impl Need {
    /// Returns the line that tells most: the command it is about, else the question.
    #[must_use]
    pub fn line(&self) -> &str {
        let mut lines = self.summary.lines();
        let command = lines.clone().find(|line| line.starts_with("$ "));
        command.or_else(|| lines.next()).unwrap_or_default()
    }
}

/// The turn that runs, or the latest one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Turn {
    /// The turn's id.
    pub id: TurnId,
    /// Number of this turn in the session, from 1; null when the transcript was not read whole.
    pub count: Option<u32>,
    /// When it started.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub started_at: Option<Timestamp>,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum TurnOutcome {
    /// The agent finished its answer.
    Completed,
    /// The turn ended with an error.
    Failed,
    /// Somebody interrupted it.
    Interrupted,
}

/// The last turn that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct LastTurn {
    /// The turn's id.
    pub id: TurnId,
    /// How it ended.
    pub outcome: TurnOutcome,
    /// The final answer, or what went wrong.
    pub message: Option<String>,
    /// When it ended.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub ended_at: Option<Timestamp>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EndedHow {
    /// Its last turn completed and the program left by itself.
    Finished,
    /// Its last turn failed.
    Failed,
    /// Its last turn was interrupted.
    Interrupted,
    /// The program vanished in the middle of a turn.
    Killed,
    /// A person closed it between turns.
    Closed,
    /// A person put it into the agent's archive, however it had ended.
    Archived,
}

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Ended {
    /// When it ended, as well as that is known.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub at: Option<Timestamp>,
    /// How it ended.
    pub how: EndedHow,
}

/// Tokens used so far, cumulative over the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Tokens {
    /// Input tokens, cached ones included.
    #[cfg_attr(test, ts(type = "number"))]
    pub input: u64,
    /// Input tokens served from a cache.
    #[cfg_attr(test, ts(type = "number"))]
    pub cached_input: u64,
    /// Output tokens, reasoning included.
    #[cfg_attr(test, ts(type = "number"))]
    pub output: u64,
    /// Output tokens spent on reasoning.
    #[cfg_attr(test, ts(type = "number"))]
    pub reasoning: u64,
    /// Input and output together.
    #[cfg_attr(test, ts(type = "number"))]
    pub total: u64,
    /// Tokens of the latest response: what the context holds.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub context_used: Option<u64>,
    /// Size of the model's context window in tokens.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub context_window: Option<u64>,
}

/// One usage limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RateLimit {
    /// How much is used, in percent.
    pub used_percent: f64,
    /// Length of the window in minutes.
    pub window_minutes: Option<u32>,
    /// When the window starts anew.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub resets_at: Option<Timestamp>,
}

/// The account's usage limits as the agent last saw them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RateLimits {
    /// The short window.
    pub primary: Option<RateLimit>,
    /// The long window.
    pub secondary: Option<RateLimit>,
    /// The account's plan.
    pub plan: Option<String>,
    /// Which limit was reached, if one was.
    pub reached: Option<String>,
}

/// Where a fact about a session came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum EvidenceSource {
    /// The agent's own live protocol.
    LiveProtocol,
    /// A registry file the agent keeps.
    Registry,
    /// A task this program runs.
    Task,
    /// A hook the person installed.
    Hook,
    /// The session's transcript.
    Transcript,
    /// The lock on the session's transcript.
    WriterLock,
    /// The process table.
    Process,
}

/// One reason for a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Evidence {
    /// Where it came from.
    pub from: EvidenceSource,
    /// When the agent wrote it, or when it was looked up.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub at: Option<Timestamp>,
    /// What it says, in words for a person.
    pub says: String,
}

/// What stopping a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum StopWay {
    /// Its process is ended.
    Process,
    /// Only its turn is interrupted: its process works for others, too.
    Turn,
    /// The task it runs for is cancelled.
    Task,
    /// It cannot be stopped.
    None,
}

/// One session, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct LiveSession {
    /// Names the session in every command.
    pub id: SessionId,
    /// Which agent writes it.
    pub source: Source,
    /// The agent's own id for it.
    pub source_session_id: String,
    /// A name, or the first prompt's first line.
    pub title: Option<String>,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// The folder's last part.
    pub project: Option<String>,
    /// The branch at its start.
    pub git_branch: Option<String>,
    /// The model of the latest turn.
    pub model: Option<String>,
    /// What it was started from.
    pub client: Client,
    /// The agent's version.
    pub cli_version: Option<String>,
    /// What it is doing.
    pub status: Status,
    /// Since when.
    #[cfg_attr(test, ts(type = "string"))]
    pub status_since: Timestamp,
    /// Whether lines still arrive.
    pub freshness: Freshness,
    /// What it asks a person for.
    pub need: Option<Need>,
    /// What it does at the moment, in a few words.
    pub activity: Option<String>,
    /// The running turn, or the latest.
    pub turn: Option<Turn>,
    /// The last turn that ended.
    pub last_turn: Option<LastTurn>,
    /// Its end; null while it lives.
    pub ended: Option<Ended>,
    /// The latest prompt, shortened.
    pub last_prompt: Option<String>,
    /// The agent's latest message, shortened.
    pub last_message: Option<String>,
    /// When it started.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub started_at: Option<Timestamp>,
    /// When its latest line was written.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub last_event_at: Option<Timestamp>,
    /// Tokens used.
    pub tokens: Tokens,
    /// The account's limits as it last saw them.
    pub rate_limits: Option<RateLimits>,
    /// The session that started it.
    pub parent_id: Option<SessionId>,
    /// Whether it is a helper thread, folded under its parent and silent.
    pub helper: bool,
    /// The process that owns it.
    pub process: Option<ProcessKey>,
    /// The delegated task it runs for.
    pub task_id: Option<String>,
    /// The agent's home it lies in.
    #[serde(default)]
    pub home: Option<String>,
    /// Where its transcript lies.
    pub transcript_path: Option<String>,
    /// Transcript lines that could not be read.
    pub skipped_lines: u32,
    /// The command that takes the session up again in a terminal.
    pub resume_command: Option<String>,
    /// What becomes of a message that is sent to it at this moment.
    pub message_way: MessageWay,
    /// Whether the running turn can be interrupted from here.
    pub can_interrupt: bool,
    /// What stopping it does.
    pub stop_way: StopWay,
    /// The evidence that decides the status.
    pub evidence: Evidence,
    /// All evidence, the deciding one first.
    pub evidence_trail: Vec<Evidence>,
}
