//! What is known of one session.

use std::time::Duration;

use jiff::Timestamp;

use super::hold::TakenUp;
use super::{ASKS_AFTER, LEAVES_WITHIN, Now, QUIET_AFTER, WORDS_WITHIN};
use crate::observation::{
    Approver, Coverage, Fact, HookRequest, Lines, LiveDoing, LiveState, LocatedFact, Origin, Place,
    Role, Writer,
};
use crate::session::{
    Client, EvidenceSource, LastTurn, Need, NeedKind, RateLimits, SessionId, Tokens, TurnId,
    TurnOutcome,
};

/// A turn that ended, to be announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TurnEnd {
    pub turn: TurnId,
    pub outcome: TurnOutcome,
    pub message: Option<String>,
    pub ended_at: Option<Timestamp>,
}

/// Where the session's turn stands, by its transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum TurnState {
    /// None has been seen.
    #[default]
    None,
    /// One runs.
    Open {
        id: TurnId,
        started_at: Option<Timestamp>,
        answer: Answer,
    },
    /// The latest is over.
    Over {
        id: TurnId,
        started_at: Option<Timestamp>,
    },
}

/// Whether a turn whose end is not recorded looks over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Pending,
    Given,
    /// Its writer is gone: whoever takes the session up again does not run this turn.
    Abandoned,
}

impl Answer {
    /// Returns whether a further fact of the turn shows that it runs after all.
    const fn is_taken_back_by(self, fact: &Fact) -> bool {
        let is_work = match fact {
            Fact::Said { .. }
            | Fact::Prompted { .. }
            | Fact::ItemStarted { .. }
            | Fact::Asked { .. }
            | Fact::ItemEnded { .. } => true,
            Fact::Started(_)
            | Fact::Context { .. }
            | Fact::TurnStarted { .. }
            | Fact::TurnEnded { .. }
            | Fact::Settled
            | Fact::TurnGivenUp { .. }
            | Fact::TokensCounted(_)
            | Fact::ContextWindow(_)
            | Fact::LimitsSeen(_)
            | Fact::Named { .. } => false,
        };
        match self {
            Self::Pending => false,
            Self::Given => is_work || matches!(fact, Fact::Context { .. }),
            Self::Abandoned => is_work,
        }
    }
}

/// How much later than its first line a process may seem to have started: its start is known to
/// the second only.
const START_SLACK: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// The latest look at who may write the transcript.
#[derive(Clone, Debug)]
pub(super) struct WriterLook {
    pub writer: Writer,
    pub at: Timestamp,
}

/// What the agent itself said last.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub state: LiveState,
    /// Whether it would say if that changed.
    pub is_current: bool,
    /// When a need whose words are not known is told all the same, on the steady clock.
    pub told_at: Duration,
}

/// A request that waits for a person, by a hook or the transcript.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub from: EvidenceSource,
    pub at: Option<Timestamp>,
    pub need: Need,
    /// The items one of which asks; none is left when all came to their ends.
    items: Vec<String>,
    /// Where in the transcript it came up.
    offset: u64,
    /// From when it counts, on the steady clock: what is decided at once waits for nobody.
    counts_from: Duration,
}

impl Ask {
    /// Takes in a fact at `offset` and returns whether somebody is still waited for after it.
    fn outlives(&mut self, fact: &Fact, offset: u64) -> bool {
        if offset < self.offset {
            return true;
        }
        if let Fact::ItemEnded { item } = fact {
            // Which one asks may not be known: the others that were open go on meanwhile.
            self.items.retain(|open| open != item);
            return !self.items.is_empty();
        }
        !fact.is_turn_boundary()
    }
}

/// What is known of one session.
#[derive(Debug)]
pub(super) struct SessionState {
    pub id: SessionId,
    pub title: Option<String>,
    pub home: Option<String>,
    pub path: Option<String>,
    pub place: Place,
    pub writer: Option<WriterLook>,
    /// Somebody who holds a session that was over: it may be for a moment only.
    pub taken_up: Option<TakenUp>,
    /// When the writer was first seen free after it had been held.
    pub released_at: Option<Timestamp>,
    /// While its program is expected to leave after its only turn, on the steady clock.
    pub leaves_until: Option<Duration>,
    pub live: Option<Live>,
    /// When the next request begins to count, on the steady clock.
    pub next_ask: Option<Duration>,
    generation: u32,
    pub content: Content,
    /// When the session becomes quiet unless lines arrive, on the steady clock.
    quiet_at: Duration,
    /// The end of the latest turn that was handed out for announcement.
    announced_until: Option<Timestamp>,
    has_been_read: bool,
}

/// What the transcript says; thrown away when it is rewritten.
#[derive(Debug, Default)]
pub(super) struct Content {
    watermark: Option<u64>,
    pub coverage: Option<Coverage>,
    pub origin: Option<Origin>,
    pub model: Option<String>,
    pub cwd: Option<String>,
    pub git_branch: Option<String>,
    pub turn: TurnState,
    pub n_turns: u32,
    pub last_turn: Option<LastTurn>,
    pub first_prompt: Option<String>,
    pub last_prompt: Option<String>,
    pub last_message: Option<String>,
    pub tokens: Tokens,
    pub rate_limits: Option<RateLimits>,
    /// Items without an end, oldest first.
    pub open_items: Vec<(String, String)>,
    /// Requests that wait for a person, oldest first.
    asks: Vec<Ask>,
    approver: Option<Approver>,
    pub last_event_at: Option<Timestamp>,
    pub skipped_lines: u32,
}

impl SessionState {
    pub(super) fn new(id: SessionId, now: Now) -> Self {
        Self {
            id,
            title: None,
            home: None,
            path: None,
            place: Place::Usual,
            writer: None,
            taken_up: None,
            released_at: None,
            leaves_until: None,
            live: None,
            next_ask: None,
            generation: 0,
            content: Content::default(),
            quiet_at: now.steady + QUIET_AFTER,
            announced_until: None,
            has_been_read: false,
        }
    }

    pub(super) const fn writer_was_looked_up(&self) -> bool {
        self.writer.is_some()
    }

    /// Returns whether a whole line has been read; before that nothing can be said of the session.
    pub(super) const fn has_a_line(&self) -> bool {
        self.content.watermark.is_some() || self.content.skipped_lines > 0
    }

    pub(super) const fn quiet_at(&self) -> Duration {
        self.quiet_at
    }

    pub(super) fn role(&self) -> Role {
        self.content
            .origin
            .as_ref()
            .map_or(Role::Main, |origin| origin.role)
    }

    pub(super) fn client(&self) -> Client {
        self.content
            .origin
            .as_ref()
            .map_or(Client::Unknown, |origin| origin.client)
    }

    pub(super) fn parent(&self) -> Option<SessionId> {
        let parent = self.content.origin.as_ref()?.parent.as_deref()?;
        let parent = SessionId::new(self.id.source(), parent);
        (parent != self.id).then_some(parent)
    }

    /// Takes in what the agent says of the session. What it said before that comes too late.
    pub(super) fn live_seen(&mut self, state: LiveState, now: Now) {
        if self.keeps_for_later(&state) {
            return;
        }
        self.count_hold(now);
        let waits_on = match (&self.live, &state.doing) {
            (Some(live), LiveDoing::Waiting { .. }) if live.is_waiting() => Some(live.told_at),
            _ => None,
        };
        let is_late = self.live.as_ref().is_some_and(|live| {
            live.is_current && live.state.from == state.from && live.state.at > state.at
        });
        if is_late {
            return;
        }
        let live = Live {
            state,
            is_current: true,
            told_at: waits_on.unwrap_or(now.steady + WORDS_WITHIN),
        };
        // The last lines of its only turn, or its end, come a moment after it says so.
        if live.is_idle()
            && self.client() == Client::Exec
            && matches!(self.content.turn, TurnState::Open { .. })
        {
            self.leaves_until = Some(now.steady + LEAVES_WITHIN);
        }
        self.live = Some(live);
    }

    /// Takes in that a hook was called. What the transcript shows to be over is passed over.
    pub(super) fn hook_called(&mut self, request: HookRequest, now: Now) {
        let content = &mut self.content;
        let is_known = |ask: &Ask| ask.need.request_id == request.need.request_id;
        let is_open = match &content.turn {
            TurnState::Open { .. } => true,
            TurnState::None => !self.has_been_read,
            TurnState::Over { .. } => false,
        };
        let is_asked = |item: &String| request.item.as_ref().is_none_or(|asking| asking == item);
        let open = content.open_items.iter().map(|(item, _)| item.clone());
        let mut items: Vec<String> = open.filter(is_asked).collect();
        if !self.has_been_read {
            items.extend(request.item.clone());
        }
        let is_over = self.has_been_read && items.is_empty();
        if !is_open || is_over || content.asks.iter().any(is_known) {
            return;
        }
        let age = now.wall.duration_since(request.at).unsigned_abs();
        content.asks.push(Ask {
            from: EvidenceSource::Hook,
            at: Some(request.at),
            need: request.need,
            items,
            offset: request.transcript_bytes,
            counts_from: now.steady + ASKS_AFTER.saturating_sub(age),
        });
    }

    /// Returns the request that waits for a person, where nothing better is known.
    pub(super) fn ask(&self, now: Now) -> Option<&Ask> {
        self.person_asks().find(|ask| ask.counts_from <= now.steady)
    }

    /// Requests that a person decides about; a program that runs one turn asks nobody.
    fn person_asks(&self) -> impl Iterator<Item = &Ask> {
        let decides = |ask: &&Ask| match ask.need.kind {
            NeedKind::Approval => self.content.approver != Some(Approver::Nobody),
            NeedKind::Question | NeedKind::Plan | NeedKind::Elicitation => true,
        };
        let asks_nobody = self.client() == Client::Exec;
        let asks = self.content.asks.iter();
        asks.filter(move |_| !asks_nobody).filter(decides)
    }

    /// The agent fell silent. That it waits for a person stays true until something shows that it
    /// does not, such as that nobody holds the session; for the rest the transcript knows as much.
    pub(super) fn live_lost(&mut self) {
        let is_released = self
            .writer
            .as_ref()
            .is_some_and(|look| look.writer == Writer::Free);
        let waiting = self.live.take().filter(Live::is_waiting);
        self.live = waiting.filter(|_| !is_released).map(|live| Live {
            is_current: false,
            ..live
        });
    }

    /// Ends the wait for a program to leave, or to do something, once its time is over, and finds the
    /// request that counts next.
    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.leaves_until = self.leaves_until.filter(|until| now.steady < *until);
        let due = self.person_asks().map(|ask| ask.counts_from);
        self.next_ask = due.filter(|due| *due > now.steady).min();
        if self.is_held_for_long(now) {
            self.count_hold(now);
        }
    }

    /// Takes in a look at the writer and returns the turn that it ended: one that looked over
    /// and whose end the format does not record.
    pub(super) fn writer_seen(&mut self, writer: Writer, now: Now) -> Option<TurnEnd> {
        if self.takes_up(&writer, now) {
            return None;
        }
        self.taken_up = None;
        self.writer_counts(writer, now)
    }

    pub(super) fn writer_counts(&mut self, writer: Writer, now: Now) -> Option<TurnEnd> {
        if self
            .writer
            .as_ref()
            .is_some_and(|look| look.writer == writer)
        {
            return None;
        }
        let is_free = writer == Writer::Free;
        let dropped = self.turn_dropped_before(&writer);
        self.abandon_turn_of_another(&writer);
        let was_held = self.writer.as_ref().is_some_and(|look| match look.writer {
            Writer::Held { .. } | Writer::Possible { .. } => true,
            Writer::Free | Writer::Unknown { .. } => false,
        });
        if is_free {
            self.live = None;
            self.leaves_until = None;
        }
        match writer {
            Writer::Free if was_held => self.released_at = Some(now.wall),
            Writer::Free => {}
            Writer::Held { .. } | Writer::Possible { .. } | Writer::Unknown { .. } => {
                self.released_at = None;
            }
        }
        self.writer = Some(WriterLook {
            writer,
            at: now.wall,
        });
        if let Some(turn) = dropped {
            let at = self.content.last_event_at;
            let outcome = TurnOutcome::Interrupted;
            return Some(self.content.end_turn(Some(turn), outcome, None, at));
        }
        let settled = match &self.content.turn {
            TurnState::Open {
                id,
                answer: Answer::Given,
                ..
            } if is_free => id.clone(),
            TurnState::Open { .. } | TurnState::Over { .. } | TurnState::None => return None,
        };
        let message = self.content.last_message.clone();
        let at = self.content.last_event_at;
        Some(
            self.content
                .end_turn(Some(settled), TurnOutcome::Completed, message, at),
        )
    }

    /// A turn that was stopped before its first word may leave no line: then the agent, which said
    /// that it was idle before it left, knows better than its transcript.
    fn turn_dropped_before(&self, writer: &Writer) -> Option<TurnId> {
        let live = self.live.as_ref().filter(|live| live.is_current)?;
        match &self.content.turn {
            // That it was idle before the turn says nothing about the turn.
            TurnState::Open {
                id,
                started_at,
                answer: Answer::Pending,
            } if live.is_idle()
                && *writer == Writer::Free
                && started_at.is_none_or(|started_at| live.state.at >= started_at) =>
            {
                Some(id.clone())
            }
            TurnState::Open { .. } | TurnState::Over { .. } | TurnState::None => None,
        }
    }

    /// A turn whose writer vanished leaves no marker, and resuming writes nothing before the next
    /// turn: so the open turn belongs to whoever was there when its latest line was written.
    fn abandon_turn_of_another(&mut self, writer: &Writer) {
        let last_event_at = self.content.last_event_at;
        let TurnState::Open { answer, .. } = &mut self.content.turn else {
            return;
        };
        let is_another = match writer {
            Writer::Free => true,
            Writer::Held { by, .. } => {
                last_event_at.is_some_and(|at| by.started_at.duration_since(at) > START_SLACK)
            }
            Writer::Possible { .. } | Writer::Unknown { .. } => false,
        };
        if is_another && *answer == Answer::Pending {
            *answer = Answer::Abandoned;
        }
    }

    /// Takes in lines and returns the turns that ended in them.
    pub(super) fn read_lines(&mut self, lines: Lines, now: Now) -> Vec<TurnEnd> {
        if lines.generation < self.generation {
            return Vec::new();
        }
        if lines.generation > self.generation {
            self.generation = lines.generation;
            self.content = Content::default();
        }
        if !lines.facts.is_empty() {
            self.count_hold(now);
        }
        let is_first_read = !self.has_been_read;
        self.has_been_read = true;
        self.home = Some(lines.home);
        self.path = Some(lines.path);
        self.content.coverage = Some(lines.coverage);
        self.content.skipped_lines = self.content.skipped_lines.saturating_add(lines.n_skipped);
        self.note_activity(lines.latest_at, is_first_read, now);
        let is_decisive = lines
            .facts
            .iter()
            .any(|located| shows_progress(&located.fact));
        if is_decisive && !is_first_read {
            self.live = self.live.take().filter(|live| live.is_current);
        }
        let mut ends = self.content.apply(lines.facts, now);
        self.leaves_until = match (&self.content.turn, self.client()) {
            (TurnState::Over { .. }, Client::Exec) if !is_first_read && !ends.is_empty() => {
                Some(now.steady + LEAVES_WITHIN)
            }
            (TurnState::Over { .. }, _) => self.leaves_until,
            (TurnState::Open { .. }, _) if self.live.as_ref().is_some_and(Live::is_idle) => {
                self.leaves_until
            }
            (TurnState::Open { .. } | TurnState::None, _) => None,
        };
        // Of what was missed only the latest turn is news, and of a rewritten file what was not
        // announced before. Otherwise the place in the file proves that a line is new.
        if is_first_read && ends.len() > 1 {
            ends.drain(..ends.len() - 1);
        }
        if self.generation > 0 {
            ends.retain(|end| self.announced_until < end.ended_at);
        }
        self.announced_until = ends
            .iter()
            .map(|end| end.ended_at)
            .max()
            .unwrap_or_default()
            .max(self.announced_until);
        ends
    }

    fn note_activity(&mut self, latest_at: Option<Timestamp>, is_first_read: bool, now: Now) {
        self.content.last_event_at = self.content.last_event_at.max(latest_at);
        let age = match latest_at {
            Some(at) if is_first_read => now.wall.duration_since(at).unsigned_abs(),
            Some(_) => Duration::ZERO,
            None => return,
        };
        self.quiet_at = now.steady + QUIET_AFTER.saturating_sub(age);
    }
}

impl Live {
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.state.doing, LiveDoing::Waiting { .. })
    }

    pub(super) const fn is_idle(&self) -> bool {
        match self.state.doing {
            LiveDoing::Idle | LiveDoing::Background { .. } => true,
            LiveDoing::Working | LiveDoing::Waiting { .. } => false,
        }
    }
}

/// Returns whether a turn that waited for a person cannot be waiting any more.
const fn shows_progress(fact: &Fact) -> bool {
    fact.is_turn_boundary() || matches!(fact, Fact::ItemEnded { .. } | Fact::Settled)
}

impl Content {
    fn apply(&mut self, facts: Vec<LocatedFact>, now: Now) -> Vec<TurnEnd> {
        let watermark = self.watermark;
        let mut ends = Vec::new();
        for LocatedFact { offset, at, fact } in facts {
            if watermark.is_some_and(|seen| offset <= seen)
                || self.watermark.is_some_and(|seen| offset < seen)
            {
                continue;
            }
            self.watermark = Some(offset);
            self.asks.retain_mut(|ask| ask.outlives(&fact, offset));
            if let Fact::Asked { item, need } = fact {
                self.asks.push(Ask {
                    from: EvidenceSource::Transcript,
                    at,
                    need,
                    items: vec![item],
                    offset,
                    counts_from: now.steady + ASKS_AFTER,
                });
                continue;
            }
            ends.extend(self.apply_one(fact, at));
        }
        ends
    }

    fn apply_one(&mut self, fact: Fact, at: Option<Timestamp>) -> Option<TurnEnd> {
        if let TurnState::Open { answer, .. } = &mut self.turn
            && answer.is_taken_back_by(&fact)
        {
            *answer = Answer::Pending;
        }
        match fact {
            Fact::Started(origin) => {
                self.cwd = self.cwd.take().or_else(|| origin.cwd.clone());
                self.git_branch = self.git_branch.take().or_else(|| origin.git_branch.clone());
                self.origin = Some(origin);
            }
            Fact::Context {
                model,
                cwd,
                git_branch,
                approver,
            } => {
                self.approver = approver.or(self.approver);
                self.model = model.or_else(|| self.model.take());
                self.cwd = cwd.or_else(|| self.cwd.take());
                self.git_branch = git_branch.or_else(|| self.git_branch.take());
            }
            Fact::TurnStarted { turn } => {
                self.n_turns += 1;
                self.open_items.clear();
                self.turn = TurnState::Open {
                    id: turn,
                    started_at: at,
                    answer: Answer::Pending,
                };
            }
            Fact::TurnEnded {
                turn,
                outcome,
                message,
            } => {
                return Some(self.end_turn(turn, outcome, message, at));
            }
            Fact::TurnGivenUp { turn } => {
                self.n_turns = self.n_turns.saturating_sub(1);
                self.open_items.clear();
                self.turn = TurnState::Over {
                    id: turn,
                    started_at: None,
                };
            }
            Fact::Settled => {
                if let TurnState::Open { answer, .. } = &mut self.turn {
                    *answer = Answer::Given;
                }
            }
            Fact::Prompted { text } => {
                self.first_prompt.get_or_insert_with(|| text.clone());
                self.last_prompt = Some(text);
            }
            Fact::Said { text } => self.last_message = Some(text),
            Fact::ItemStarted { item, activity } => {
                self.open_items.retain(|(open, _)| *open != item);
                self.open_items.push((item, activity));
            }
            Fact::ItemEnded { item } => self.open_items.retain(|(open, _)| *open != item),
            // Kept by whoever applies the facts.
            Fact::Asked { .. } => {}
            Fact::TokensCounted(tokens) => {
                self.tokens = Tokens {
                    context_window: tokens.context_window.or(self.tokens.context_window),
                    context_used: tokens.context_used.or(self.tokens.context_used),
                    ..tokens
                };
            }
            Fact::ContextWindow(size) => self.tokens.context_window = Some(size),
            Fact::LimitsSeen(limits) => self.rate_limits = Some(limits),
            Fact::Named { title } => self.first_prompt = Some(title),
        }
        None
    }

    fn end_turn(
        &mut self,
        turn: Option<TurnId>,
        outcome: TurnOutcome,
        message: Option<String>,
        at: Option<Timestamp>,
    ) -> TurnEnd {
        let (open_id, started_at) = match std::mem::take(&mut self.turn) {
            TurnState::Open { id, started_at, .. } | TurnState::Over { id, started_at } => {
                (Some(id), started_at)
            }
            TurnState::None => (None, None),
        };
        let id = turn
            .or(open_id)
            .unwrap_or_else(|| TurnId("unnamed".to_owned()));
        self.open_items.clear();
        self.turn = TurnState::Over {
            id: id.clone(),
            started_at,
        };
        let message = message.map(|message| crate::text::shorten(message.trim(), 400));
        self.last_turn = Some(LastTurn {
            id: id.clone(),
            outcome,
            message: message.clone(),
            ended_at: at,
        });
        TurnEnd {
            turn: id,
            outcome,
            message,
            ended_at: at,
        }
    }
}
