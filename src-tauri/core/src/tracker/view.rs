//! A session's state as the faces see it: the one place where a status is decided.

use jiff::Timestamp;

use super::Now;
use super::reach::Errand;
use super::state::{Answer, Live, SessionState, TurnState};
use super::words;
use crate::observation::{Coverage, LiveDoing, Place, Role, Writer};
use crate::process::ProcessKey;
use crate::session::{
    Client, Ended, EndedHow, Evidence, EvidenceSource, Freshness, LiveSession, Need, Status, Turn,
    TurnOutcome,
};
use crate::text::one_line;

/// What matters of a session's descendants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// Sub-agents whose turn runs; helper threads do not count.
    pub n_working: u32,
}

/// Whether somebody can still write the session.
enum Life {
    Live,
    Over,
    Unclear,
}

impl SessionState {
    /// Makes the view; `shown` is the one before.
    pub(super) fn view(
        &self,
        family: &Family,
        shown: Option<&LiveSession>,
        errand: Errand,
        now: Now,
    ) -> LiveSession {
        let content = &self.content;
        let origin = content.origin.as_ref();
        let is_quiet = self.quiet_at() <= now.steady;
        let (status, how) = self.status(family, is_quiet, now);
        let ended = how.map(|how| Ended {
            at: self.ended_at(),
            how,
        });
        let status_since = match shown {
            Some(shown) if shown.status == status => shown.status_since,
            Some(_) | None => self.since(status, now).unwrap_or(now.wall),
        };
        let (evidence, evidence_trail) = self.evidence(status, family, now);
        let reach = self.reach(status, errand);
        let cwd = content.cwd.clone();
        LiveSession {
            id: self.id.clone(),
            source: self.id.source(),
            source_session_id: self.id.source_session_id().to_owned(),
            title: self.title(),
            project: cwd.as_deref().and_then(project),
            cwd,
            git_branch: content.git_branch.as_deref().map(one_word_line),
            model: content.model.as_deref().map(one_word_line),
            client: self.client(),
            cli_version: origin
                .and_then(|origin| origin.cli_version.as_deref())
                .map(one_word_line),
            status,
            status_since,
            freshness: match status {
                Status::Working if is_quiet => Freshness::Quiet,
                Status::Working
                | Status::NeedsYou
                | Status::Paused
                | Status::Done
                | Status::Unknown => Freshness::Fresh,
            },
            need: self.need(status, now),
            activity: self.activity(status, family),
            turn: self.turn(),
            last_turn: content.last_turn.clone(),
            ended,
            last_prompt: content.last_prompt.clone(),
            last_message: content.last_message.clone(),
            started_at: origin.and_then(|origin| origin.started_at),
            last_event_at: content.last_event_at,
            tokens: content.tokens,
            rate_limits: content.rate_limits.clone(),
            parent_id: self.parent(),
            helper: self.role() == Role::Helper,
            process: self.process(),
            task_id: None,
            home: self.home.clone(),
            transcript_path: self.path.clone(),
            skipped_lines: content.skipped_lines,
            resume_command: Some(
                self.id
                    .source()
                    .resume_command(self.id.source_session_id())
                    .join(" "),
            )
            .filter(|command| !command.is_empty()),
            message_way: reach.message_way,
            can_interrupt: reach.can_interrupt,
            stop_way: reach.stop_way,
            evidence,
            evidence_trail,
        }
    }

    fn status(&self, family: &Family, is_quiet: bool, now: Now) -> (Status, Option<EndedHow>) {
        let own = match self.live_status() {
            Some(status) => (status, None),
            None => match self.status_by_transcript(is_quiet) {
                (Status::Working, None) if self.ask(now).is_some() => (Status::NeedsYou, None),
                status => status,
            },
        };
        // Whoever puts a session away has seen how it ended.
        let own = match (own, self.place) {
            ((Status::Done, Some(_)), Place::Archive) => (Status::Done, Some(EndedHow::Archived)),
            (own, Place::Archive | Place::Usual) => own,
        };
        match own.0 {
            Status::Paused | Status::Done if family.n_working > 0 => (Status::Working, None),
            Status::Paused
            | Status::Done
            | Status::Working
            | Status::NeedsYou
            | Status::Unknown => own,
        }
    }

    /// What the agent itself says counts more than what its transcript shows.
    fn live_status(&self) -> Option<Status> {
        let live = self.latest_live()?;
        Some(match live.state.doing {
            LiveDoing::Working => Status::Working,
            LiveDoing::Waiting { .. } => Status::NeedsYou,
            LiveDoing::Background { .. } | LiveDoing::Idle if self.leaves_until.is_some() => {
                Status::Working
            }
            LiveDoing::Background { .. } | LiveDoing::Idle => Status::Paused,
        })
    }

    /// Returns what the agent said last, unless it said that nothing runs and a turn began since.
    fn latest_live(&self) -> Option<&Live> {
        let began_at = match &self.content.turn {
            TurnState::Open {
                started_at,
                answer: Answer::Pending,
                ..
            } => *started_at,
            TurnState::Open { .. } | TurnState::Over { .. } | TurnState::None => None,
        };
        self.live
            .as_ref()
            .filter(|live| !live.is_idle() || began_at.is_none_or(|began| began <= live.state.at))
    }

    /// What is asked for; nothing can be answered through an agent that fell silent.
    fn need(&self, status: Status, now: Now) -> Option<Need> {
        let Some(live) = &self.live else {
            let ask = self.ask(now).filter(|_| status == Status::NeedsYou)?;
            return Some(ask.need.clone());
        };
        match &live.state.doing {
            LiveDoing::Waiting { need: Some(need) } if status == Status::NeedsYou => Some(Need {
                can_answer: need.can_answer && live.is_current,
                ..need.clone()
            }),
            LiveDoing::Waiting { .. }
            | LiveDoing::Working
            | LiveDoing::Background { .. }
            | LiveDoing::Idle => None,
        }
    }

    fn status_by_transcript(&self, is_quiet: bool) -> (Status, Option<EndedHow>) {
        match (&self.content.turn, self.life()) {
            (
                TurnState::Open {
                    answer: Answer::Pending,
                    ..
                },
                Life::Live,
            ) => (Status::Working, None),
            (
                TurnState::Open {
                    answer: Answer::Pending | Answer::Abandoned,
                    ..
                },
                Life::Over,
            ) => (Status::Done, Some(EndedHow::Killed)),
            // Lines that arrive prove a writer even where it cannot be seen.
            (TurnState::Open { .. }, Life::Unclear) if !is_quiet => (Status::Working, None),
            (_, Life::Unclear) => (Status::Unknown, None),
            (_, Life::Live) if self.leaves_until.is_some() => (Status::Working, None),
            (TurnState::None, Life::Live) if self.starts_by_itself() => (Status::Working, None),
            (_, Life::Live) => (Status::Paused, None),
            (_, Life::Over) => (Status::Done, Some(self.how_it_ended())),
        }
    }

    /// Returns whether its program begins the first turn without a person.
    fn starts_by_itself(&self) -> bool {
        self.client() == Client::Exec || self.role() != Role::Main
    }

    fn life(&self) -> Life {
        match self.writer.as_ref().map(|look| &look.writer) {
            Some(Writer::Held { .. } | Writer::Possible { .. }) => Life::Live,
            Some(Writer::Free) => Life::Over,
            Some(Writer::Unknown { .. }) | None => Life::Unclear,
        }
    }

    fn how_it_ended(&self) -> EndedHow {
        match (
            self.content.last_turn.as_ref().map(|turn| turn.outcome),
            self.client(),
        ) {
            (Some(TurnOutcome::Failed), _) => EndedHow::Failed,
            (Some(TurnOutcome::Interrupted), _) => EndedHow::Interrupted,
            (Some(TurnOutcome::Completed), Client::Tui | Client::Ide | Client::App)
                if self.role() == Role::Main =>
            {
                EndedHow::Closed
            }
            (Some(TurnOutcome::Completed), _) => EndedHow::Finished,
            (None, _) => EndedHow::Closed,
        }
    }

    fn ended_at(&self) -> Option<Timestamp> {
        self.released_at.or(self.content.last_event_at)
    }

    fn since(&self, status: Status, now: Now) -> Option<Timestamp> {
        let turn_start = match self.content.turn {
            TurnState::Open { started_at, .. } => started_at,
            TurnState::None => self.content.origin.as_ref().and_then(|o| o.started_at),
            TurnState::Over { .. } => None,
        };
        match status {
            Status::NeedsYou => match &self.live {
                Some(live) => Some(live.state.at),
                None => self.ask(now).and_then(|ask| ask.at).or(turn_start),
            },
            Status::Working => turn_start,
            Status::Paused => self
                .content
                .last_turn
                .as_ref()
                .and_then(|turn| turn.ended_at)
                .or(self.content.last_event_at),
            Status::Done => self.ended_at(),
            Status::Unknown => self.content.last_event_at,
        }
    }

    fn title(&self) -> Option<String> {
        let content = &self.content;
        let name = content
            .origin
            .as_ref()
            .and_then(|origin| origin.name.as_deref());
        self.title
            .as_deref()
            .or(content.first_prompt.as_deref())
            .or(name)
            .map(|title| one_line(title, 120))
            .filter(|title| !title.is_empty())
    }

    fn turn(&self) -> Option<Turn> {
        let (id, started_at) = match &self.content.turn {
            TurnState::Open { id, started_at, .. } | TurnState::Over { id, started_at } => {
                (id.clone(), *started_at)
            }
            TurnState::None => return None,
        };
        let count = match self.content.coverage {
            Some(Coverage::Whole) => Some(self.content.n_turns),
            Some(Coverage::HeadAndTail) | None => None,
        };
        Some(Turn {
            id,
            count,
            started_at,
        })
    }

    fn activity(&self, status: Status, family: &Family) -> Option<String> {
        match (status, &self.content.turn) {
            (
                Status::Working,
                TurnState::Open {
                    answer: Answer::Pending,
                    ..
                },
            ) => self
                .content
                .open_items
                .last()
                .map(|(_, activity)| activity.clone()),
            (Status::Working, TurnState::None) if family.n_working == 0 => {
                Some("Starting".to_owned())
            }
            (Status::Working, TurnState::Over { .. })
                if family.n_working == 0 && self.works_since_its_last_turn() =>
            {
                Some("Starting".to_owned())
            }
            (Status::Working, _) if family.n_working == 0 => Some("Finishing".to_owned()),
            (Status::Working, _) => Some(words::waiting_for_children(family.n_working)),
            (Status::Paused, _) => match self.live.as_ref().map(|live| &live.state.doing) {
                Some(LiveDoing::Background { activity }) => Some(activity.clone()),
                Some(LiveDoing::Working | LiveDoing::Waiting { .. } | LiveDoing::Idle) | None => {
                    None
                }
            },
            (Status::NeedsYou | Status::Done | Status::Unknown, _) => None,
        }
    }

    /// Returns whether the agent began to work after the latest turn that is recorded.
    fn works_since_its_last_turn(&self) -> bool {
        let ended_at = self
            .content
            .last_turn
            .as_ref()
            .and_then(|turn| turn.ended_at);
        self.live
            .as_ref()
            .is_some_and(|live| match live.state.doing {
                LiveDoing::Working => ended_at.is_none_or(|ended_at| live.state.at > ended_at),
                LiveDoing::Waiting { .. } | LiveDoing::Background { .. } | LiveDoing::Idle => false,
            })
    }

    fn process(&self) -> Option<ProcessKey> {
        match self.writer.as_ref().map(|look| &look.writer) {
            Some(Writer::Held { by, .. } | Writer::Possible { by }) => Some(*by),
            Some(Writer::Free | Writer::Unknown { .. }) | None => None,
        }
    }

    /// Returns the evidence that decides, and all of it.
    fn evidence(&self, status: Status, family: &Family, now: Now) -> (Evidence, Vec<Evidence>) {
        let transcript = words::transcript_evidence(self);
        let writer = words::writer_evidence(self);
        let writer_decides = match status {
            Status::Done | Status::Unknown => true,
            Status::Working | Status::NeedsYou | Status::Paused => false,
        };
        let mut trail = Vec::new();
        trail.extend(self.latest_live().map(words::live_evidence));
        if status == Status::NeedsYou && self.live.is_none() {
            trail.extend(self.ask(now).map(words::ask_evidence));
        }
        if family.n_working > 0 && !matches!(self.content.turn, TurnState::Open { .. }) {
            trail.push(words::children_evidence(family.n_working));
        }
        if writer_decides {
            trail.extend(words::archive_evidence(self));
            trail.extend(writer);
            trail.push(transcript);
        } else {
            trail.push(transcript);
            trail.extend(writer);
        }
        let decisive = trail.first().cloned().unwrap_or_else(|| Evidence {
            from: EvidenceSource::Transcript,
            at: None,
            says: "nothing is known".to_owned(),
        });
        (decisive, trail)
    }
}

/// Returns a short text from a transcript as one line without anything a terminal would obey.
fn one_word_line(text: &str) -> String {
    one_line(text, 200)
}

/// Returns the last part of a folder's path.
fn project(cwd: &str) -> Option<String> {
    cwd.rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .map(one_word_line)
}
