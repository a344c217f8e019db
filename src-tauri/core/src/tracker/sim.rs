//! A tracker with simulated time, and the facts that tests play to it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Effect, Now, Tracker};
use crate::observation::{
    Coverage, Fact, Lines, LiveDoing, LiveState, LocatedFact, Observation, Origin, Place, Role,
    Writer,
};
use crate::process::ProcessKey;
use crate::session::{Client, EvidenceSource, LiveSession, SessionId, TurnId, TurnOutcome};
use crate::source::Source;

pub(super) fn id(name: &str) -> SessionId {
    SessionId::new(Source::ALL[0], name)
}

pub(super) fn origin(client: Client, role: Role, parent: Option<&str>) -> Fact {
    Fact::Started(Origin {
        cwd: Some("/home/dev/acme".into()),
        git_branch: None,
        client,
        cli_version: None,
        started_at: Some("2026-11-20T09:59:58Z".parse().unwrap()),
        parent: parent.map(str::to_owned),
        role,
        name: None,
    })
}

pub(super) fn started() -> Fact {
    origin(Client::Exec, Role::Main, None)
}

pub(super) fn turn(n: u32) -> Fact {
    Fact::TurnStarted {
        turn: TurnId(format!("t{n}")),
    }
}

pub(super) fn ended(n: u32, outcome: TurnOutcome) -> Fact {
    Fact::TurnEnded {
        turn: Some(TurnId(format!("t{n}"))),
        outcome,
        message: Some("all done".into()),
    }
}

pub(super) fn fact_of(step: u8) -> Fact {
    match step {
        0 => turn(1),
        1 => ended(1, TurnOutcome::Completed),
        2 => Fact::Said {
            text: "hello".into(),
        },
        3 => Fact::ItemStarted {
            item: "i".into(),
            activity: "Running x".into(),
        },
        4 => Fact::ItemEnded { item: "i".into() },
        _ => Fact::Prompted { text: "go".into() },
    }
}

pub(super) fn located(offset: u64, fact: Fact) -> LocatedFact {
    LocatedFact {
        offset,
        at: Some("2026-11-20T10:00:00Z".parse().unwrap()),
        fact,
    }
}

/// A tracker with simulated time.
pub(super) struct Sim {
    pub(super) tracker: Tracker,
    pub(super) now: Now,
    pub(super) agent_clock: Timestamp,
    pub(super) offset: u64,
    pub(super) generation: u32,
}

impl Sim {
    pub(super) fn new() -> Self {
        let wall: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        Self {
            tracker: Tracker::new(wall),
            now: Now {
                steady: Duration::ZERO,
                wall,
            },
            agent_clock: wall,
            offset: 0,
            generation: 0,
        }
    }

    /// A session in its first turn, held by a process; its effects are drained.
    pub(super) fn running(name: &str) -> Self {
        Self::running_in(name, Client::Exec)
    }

    pub(super) fn running_in(name: &str, client: Client) -> Self {
        let mut sim = Self::new();
        sim.lines(name, [origin(client, Role::Main, None), turn(1)]);
        sim.held(name);
        sim.effects();
        sim
    }

    pub(super) fn lines<const N: usize>(&mut self, name: &str, facts: [Fact; N]) {
        let facts = facts
            .into_iter()
            .map(|fact| {
                self.offset += 100;
                LocatedFact {
                    offset: self.offset,
                    at: Some(self.agent_clock),
                    fact,
                }
            })
            .collect();
        self.deliver(name, facts);
    }

    pub(super) fn deliver(&mut self, name: &str, facts: Vec<LocatedFact>) {
        let lines = Lines {
            home: "/home/dev/.agent".into(),
            path: "rollout.jsonl".into(),
            generation: self.generation,
            coverage: Coverage::Whole,
            latest_at: facts.last().and_then(|fact| fact.at),
            facts,
            n_skipped: 0,
        };
        self.tracker.handle(
            Observation::Lines {
                session: id(name),
                lines,
            },
            self.now,
        );
    }

    pub(super) fn see(&mut self, name: &str, writer: Writer) {
        self.tracker.handle(
            Observation::WriterSeen {
                session: id(name),
                writer,
            },
            self.now,
        );
    }

    pub(super) fn held(&mut self, name: &str) {
        let by = ProcessKey {
            pid: 42,
            started_at: self.now.wall,
        };
        self.see(
            name,
            Writer::Held {
                by,
                from: EvidenceSource::WriterLock,
            },
        );
    }

    pub(super) fn moved(&mut self, name: &str, place: Place) {
        let moved = Observation::TranscriptMoved {
            session: id(name),
            path: "moved.jsonl".into(),
            place,
        };
        self.tracker.handle(moved, self.now);
    }

    pub(super) fn free(&mut self, name: &str) {
        self.see(name, Writer::Free);
    }

    /// The agent says what the session does, a second after the lines.
    pub(super) fn says(&mut self, name: &str, doing: LiveDoing) {
        let at = self.now.wall + jiff::SignedDuration::from_secs(1);
        let from = EvidenceSource::LiveProtocol;
        self.tracker.handle(
            Observation::LiveSeen {
                session: id(name),
                live: LiveState { from, at, doing },
            },
            self.now,
        );
    }

    pub(super) fn falls_silent(&mut self, name: &str) {
        let session = id(name);
        self.tracker
            .handle(Observation::LiveLost { session }, self.now);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.tracker.handle_timeout(self.now);
    }

    pub(super) fn session(&self, name: &str) -> LiveSession {
        self.tracker.session(&id(name)).unwrap()
    }

    /// Drains the effects and returns the ids of the notices among them.
    pub(super) fn notices(&mut self) -> Vec<String> {
        let effects = self.effects();
        effects
            .iter()
            .filter_map(|e| e.strip_prefix("notice ").map(str::to_owned))
            .collect()
    }

    pub(super) fn effects(&mut self) -> Vec<String> {
        let name = |session: &LiveSession| {
            let status = serde_json::to_value(session.status).unwrap();
            format!(
                "{} {}",
                session.id.source_session_id(),
                status.as_str().unwrap()
            )
        };
        std::iter::from_fn(|| self.tracker.poll_effect())
            .map(|effect| match effect {
                Effect::Discovered(session) => format!("discovered {}", name(&session)),
                Effect::Updated(session) => format!("updated {}", name(&session)),
                Effect::Closed(session) => format!("closed {}", name(&session)),
                Effect::Forgotten(id) => format!("forgotten {}", id.source_session_id()),
                Effect::Notice(notice) => format!("notice {}", notice.id.as_str()),
                Effect::Summary(s) => {
                    let counts = [
                        ("working", s.working),
                        ("needs_you", s.needs_you),
                        ("paused", s.paused),
                        ("done", s.done),
                        ("unknown", s.unknown),
                    ];
                    let counts: Vec<String> = counts
                        .iter()
                        .filter(|(_, n)| *n > 0)
                        .map(|(name, n)| format!("{name}={n}"))
                        .collect();
                    format!("summary {}", counts.join(" "))
                }
            })
            .collect()
    }
}
