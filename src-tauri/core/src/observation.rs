//! What the engine saw, as values for the [`crate::tracker::Tracker`].
//!
//! A reader turns transcript lines into [`Fact`]s; the engine adds what it looked up about
//! locks and processes. Nothing here decides a status.

use jiff::Timestamp;

use crate::process::ProcessKey;
use crate::session::{
    Client, EvidenceSource, Need, RateLimits, SessionId, Tokens, TurnId, TurnOutcome,
};

/// How a session came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The folder it was started in.
    pub cwd: Option<String>,
    /// The branch checked out there.
    pub git_branch: Option<String>,
    /// What it was started from.
    pub client: Client,
    /// The agent's version.
    pub cli_version: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// The session that started it, by the source's id.
    pub parent: Option<String>,
    /// Whether it only helps its parent: reviews, titles and the like.
    pub role: Role,
    /// A name given to it at its start, such as a sub-agent's nickname.
    pub name: Option<String>,
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Started by a person or program for its own sake.
    Main,
    /// Started by another session to do a part of its work.
    SubAgent,
    /// Started by the agent for its own needs; folded away and silent.
    Helper,
}

/// Who decides about what needs a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approver {
    /// A person.
    Person,
    /// Another agent, or nobody: no person is asked.
    Nobody,
}

/// One thing a transcript line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The session's head.
    Started(Origin),
    /// What the coming turn runs with.
    Context {
        /// The model.
        model: Option<String>,
        /// The folder.
        cwd: Option<String>,
        /// The branch.
        git_branch: Option<String>,
        /// Who is asked for a yes, where it is said.
        approver: Option<Approver>,
    },
    /// A turn started.
    TurnStarted {
        /// The turn.
        turn: TurnId,
    },
    /// A turn ended.
    TurnEnded {
        /// The turn; none where the format does not name it: then the open one is meant.
        turn: Option<TurnId>,
        /// How it ended.
        outcome: TurnOutcome,
        /// The final answer, or what went wrong.
        message: Option<String>,
    },
    /// The agent answered and nothing is open. Only formats that record no end of a turn say so;
    /// it holds until another line of the same turn follows.
    Settled,
    /// A turn the agent began by itself was given up when its program left: the one before stands.
    TurnGivenUp {
        /// The turn.
        turn: TurnId,
    },
    /// Somebody asked.
    Prompted {
        /// The prompt.
        text: String,
    },
    /// The agent said something.
    Said {
        /// The message.
        text: String,
    },
    /// The agent began something whose end will be recorded.
    ItemStarted {
        /// Names the item.
        item: String,
        /// What it does, in a few words.
        activity: String,
    },
    /// An item that began asks a person something and waits for nothing else.
    Asked {
        /// Names the item.
        item: String,
        /// What is asked.
        need: Need,
    },
    /// It came to its end.
    ItemEnded {
        /// Names the item.
        item: String,
    },
    /// Tokens used so far; a zero context window means: not said here.
    TokensCounted(Tokens),
    /// The size of the model's context.
    ContextWindow(u64),
    /// The account's limits.
    LimitsSeen(RateLimits),
    /// The session was given a name.
    Named {
        /// The name.
        title: String,
    },
}

impl Fact {
    /// Returns whether the fact opens or closes a turn.
    #[must_use]
    pub const fn is_turn_boundary(&self) -> bool {
        match self {
            Self::TurnStarted { .. } | Self::TurnEnded { .. } | Self::TurnGivenUp { .. } => true,
            Self::Started(_)
            | Self::Context { .. }
            | Self::Prompted { .. }
            | Self::Said { .. }
            | Self::Settled
            | Self::ItemStarted { .. }
            | Self::Asked { .. }
            | Self::ItemEnded { .. }
            | Self::TokensCounted(_)
            | Self::ContextWindow(_)
            | Self::LimitsSeen(_)
            | Self::Named { .. } => false,
        }
    }
}

/// A fact with its place in the transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct LocatedFact {
    /// Byte offset of the line it stands in: the source's own order.
    pub offset: u64,
    /// When the agent wrote it.
    pub at: Option<Timestamp>,
    /// What it says.
    pub fact: Fact,
}

/// How much of the transcript has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Every line up to here.
    Whole,
    /// The head and the latest lines; what lies between was passed over.
    HeadAndTail,
}

/// Lines read from a transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The agent's home that the transcript belongs to.
    pub home: String,
    /// Where the transcript lies.
    pub path: String,
    /// Rises when the file was replaced or rewritten; facts of an older generation are void.
    pub generation: u32,
    /// How much has been read, these lines included.
    pub coverage: Coverage,
    /// The facts, in the order of the file.
    pub facts: Vec<LocatedFact>,
    /// When the latest of the lines was written, readable or not.
    pub latest_at: Option<Timestamp>,
    /// Lines among them that could not be read.
    pub n_skipped: u32,
}

/// Who may write a session's transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A process holds it.
    Held {
        /// The process.
        by: ProcessKey,
        /// How that is known: the lock, or the process's open files.
        from: EvidenceSource,
    },
    /// Processes run that could hold it; which one cannot be known here.
    Possible {
        /// One of them.
        by: ProcessKey,
    },
    /// Nobody holds it.
    Free,
    /// It cannot be known.
    Unknown {
        /// Why, in words for a person.
        why: String,
    },
}

/// Where an agent keeps a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Among those that may be taken up again.
    #[default]
    Usual,
    /// In its archive: somebody put the session away.
    Archive,
}

/// What an agent itself says of a session at the moment: over its live protocol, in a registry it
/// keeps, or through a hook.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveState {
    /// How it says so.
    pub from: EvidenceSource,
    /// When it said so; what carries no time has that of its receipt.
    pub at: Timestamp,
    /// What it says.
    pub doing: LiveDoing,
}

/// What a session does, in the agent's own words.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveDoing {
    /// A turn runs.
    Working,
    /// A turn waits for a person.
    Waiting {
        /// For what; none while only the fact is known.
        need: Option<Need>,
    },
    /// The turn is over, and something it started goes on beside the conversation.
    Background {
        /// What, in a few words.
        activity: String,
    },
    /// The turn is over.
    Idle,
}

/// A hook said that the agent asks for a yes. Nobody says when that is over; the transcript shows
/// it.
#[derive(Clone, Debug, PartialEq)]
pub struct HookRequest {
    /// When the hook was called.
    pub at: Timestamp,
    /// How long the transcript was then, in bytes: what stands behind it came later.
    pub transcript_bytes: u64,
    /// The item that waits, if it is known.
    pub item: Option<String>,
    /// What is asked for.
    pub need: Need,
}

/// One thing the engine saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Lines were read. The transcript was read to its end before the writer was reported free.
    Lines {
        /// Whose.
        session: SessionId,
        /// The lines.
        lines: Lines,
    },
    /// The writer was looked up.
    WriterSeen {
        /// Whose.
        session: SessionId,
        /// What was found.
        writer: Writer,
    },
    /// The agent said what a session does. From here on it alone decides that.
    LiveSeen {
        /// Whose.
        session: SessionId,
        /// What it said.
        live: LiveState,
    },
    /// The agent says nothing of the session any more: it has let go of it, or fell silent.
    LiveLost {
        /// Whose.
        session: SessionId,
    },
    /// A hook said that the agent asks for a yes.
    HookCalled {
        /// Whose.
        session: SessionId,
        /// What it said.
        request: HookRequest,
    },
    /// The session was given a name elsewhere.
    Renamed {
        /// Which.
        session: SessionId,
        /// The name.
        title: String,
    },
    /// The session runs for a delegated task, whose notices replace its own while it runs.
    RunsFor {
        /// Which.
        session: SessionId,
        /// The task.
        task: String,
        /// When the task ended; turns after that are the session's own again.
        ended_at: Option<Timestamp>,
    },
    /// The transcript lies elsewhere than before.
    TranscriptMoved {
        /// Whose.
        session: SessionId,
        /// Where it lies.
        path: String,
        /// What that place is for.
        place: Place,
    },
    /// The transcript is gone: deleted, or its home vanished.
    TranscriptGone {
        /// Whose.
        session: SessionId,
    },
}
