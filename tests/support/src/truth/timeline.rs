//! What really happened to sessions and when, as the test that caused it knows.

use serde_json::Value;

use crate::wait::Moment;

/// What a session can be said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A turn runs.
    Working,
    /// A turn waits for a person.
    NeedsYou,
    /// The turn is over and the session is open.
    Paused,
    /// Nobody holds the session any more.
    Done,
    /// It is said that nothing can be said.
    Unknown,
    /// It is no longer listed.
    Gone,
}

impl State {
    /// Returns the name that stands in JSON; that of [`State::Gone`] stands nowhere.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::NeedsYou => "needs_you",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Working,
            Self::NeedsYou,
            Self::Paused,
            Self::Done,
            Self::Unknown,
        ];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// Whether every monitor has to tell a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Must,
    /// It is true, but may be over before anybody can tell.
    May,
}

/// One thing that has to stand in what is told of a session.
#[derive(Clone, Debug)]
enum Detail {
    /// The value at a JSON pointer.
    Is(&'static str, Value),
    /// How the text at a JSON pointer ends.
    Ends(&'static str, String),
    /// A part of the text at a JSON pointer.
    Has(&'static str, String),
}

/// A notice that belongs to the beginning of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) kind: &'static str,
    pub(super) turn: String,
    pub(super) request: Option<String>,
}

/// What a session is from one moment to the beginning of the next phase.
#[derive(Clone, Debug)]
pub struct Phase {
    pub(super) scene: &'static str,
    pub(super) session: String,
    pub(super) state: State,
    /// Before this moment it cannot have been true.
    pub(super) begins: Moment,
    /// At this moment it was known to be true.
    pub(super) known: Moment,
    pub(super) presence: Presence,
    pub(super) series: Option<&'static str>,
    pub(super) expected: Vec<Expected>,
    details: Vec<Detail>,
    evidence: &'static [&'static str],
}

impl Phase {
    /// Makes a phase that is known to be true now, and cannot have been so before `begins`: the
    /// moment right before the test did what caused it.
    #[must_use]
    pub fn new(session: &str, state: State, begins: Moment) -> Self {
        Self {
            scene: "",
            session: session.to_owned(),
            state,
            begins,
            known: Moment::now(),
            presence: Presence::Must,
            series: None,
            expected: Vec::new(),
            details: Vec::new(),
            evidence: &[],
        }
    }

    /// Takes the moment at which it was known to be true, where that was earlier.
    #[must_use]
    pub const fn known_at(mut self, known: Moment) -> Self {
        self.known = known;
        self
    }

    /// Adds the delay with which it is told to a series of measurements.
    #[must_use]
    pub const fn measured_as(mut self, series: &'static str) -> Self {
        self.series = Some(series);
        self
    }

    /// Names the places the evidence may come from, as long as the phase lasts.
    #[must_use]
    pub const fn on(mut self, evidence: &'static [&'static str]) -> Self {
        self.evidence = evidence;
        self
    }

    /// Says what has to stand at a JSON pointer of the session.
    #[must_use]
    pub fn with(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.details.push(Detail::Is(pointer, value.into()));
        self
    }

    /// Says how the text at a JSON pointer of the session has to end.
    #[must_use]
    pub fn with_end(mut self, pointer: &'static str, end: &str) -> Self {
        self.details.push(Detail::Ends(pointer, end.to_owned()));
        self
    }

    /// Says what the text at a JSON pointer of the session has to contain.
    #[must_use]
    pub fn with_part(mut self, pointer: &'static str, part: &str) -> Self {
        self.details.push(Detail::Has(pointer, part.to_owned()));
        self
    }

    /// Says that a notice about a turn has to be told with it.
    #[must_use]
    pub fn tells(mut self, kind: &'static str, turn: &str) -> Self {
        self.expected.push(Expected {
            kind,
            turn: turn.to_owned(),
            request: None,
        });
        self
    }

    /// Says that a request has to be told with it: in the session and in a notice.
    #[must_use]
    pub fn asks(mut self, turn: &str, request: &str) -> Self {
        self.expected.push(Expected {
            kind: "needs_you",
            turn: turn.to_owned(),
            request: Some(request.to_owned()),
        });
        self.with("/need/request_id", request)
    }

    /// Tells whether a session as it was told last has everything that belongs to the phase.
    pub(super) fn holds(&self, session: &Value) -> bool {
        session["status"] == self.state.as_str() && self.untrue_detail(session).is_none()
    }

    /// Returns what is not as it should be in the last word about the phase.
    pub(super) fn untrue_detail(&self, session: &Value) -> Option<String> {
        let found = |pointer: &str| session.pointer(pointer).cloned().unwrap_or_default();
        let mut details = self.details.iter();
        details.find_map(|detail| match detail {
            Detail::Is(pointer, value) => {
                let found = found(pointer);
                (found != *value).then(|| format!("{pointer} is {found}, not {value}"))
            }
            Detail::Ends(pointer, end) => {
                let found = found(pointer);
                let is_so = found.as_str().is_some_and(|text| text.ends_with(end));
                (!is_so).then(|| format!("{pointer} is {found}, which does not end in {end:?}"))
            }
            Detail::Has(pointer, part) => {
                let found = found(pointer);
                let is_so = found.as_str().is_some_and(|text| text.contains(part));
                (!is_so).then(|| format!("{pointer} is {found}, without {part:?}"))
            }
        })
    }

    /// Returns what can never be true as long as the phase lasts.
    pub(super) fn contradiction(&self, session: &Value) -> Option<String> {
        let from = session["evidence"]["from"].as_str().unwrap_or_default();
        if !self.evidence.is_empty() && !self.evidence.contains(&from) {
            let says = &session["evidence"]["says"];
            return Some(format!(
                "the evidence comes from {from} ({says}), not from {:?}",
                self.evidence
            ));
        }
        let has_ended = !session["ended"].is_null();
        if has_ended != (self.state == State::Done) {
            return Some(format!("its end is {}", session["ended"]));
        }
        let asks = !session["need"].is_null();
        (asks && self.state != State::NeedsYou)
            .then(|| format!("it asks for {}", session["need"]["summary"]))
    }
}

/// All that is known to have happened, in order.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    phases: Vec<Phase>,
    /// Scenes that broke off: nothing is known of their sessions any more.
    broken: Vec<&'static str>,
}

impl Timeline {
    pub(super) fn push(&mut self, phase: Phase) {
        self.phases.push(phase);
    }

    pub(super) fn break_off(&mut self, scene: &'static str) {
        self.broken.push(scene);
    }

    /// Returns what a session is.
    pub(super) fn latest(&self, session: &str) -> Option<&Phase> {
        self.phases.iter().rfind(|phase| phase.session == session)
    }

    /// Returns all sessions, in the order in which they came up, with their phases.
    pub(super) fn sessions(&self) -> Vec<(&str, Vec<&Phase>)> {
        let mut sessions: Vec<(&str, Vec<&Phase>)> = Vec::new();
        for phase in &self.phases {
            let known = sessions.iter_mut().find(|(id, _)| *id == phase.session);
            match known {
                Some((_, phases)) => phases.push(phase),
                None => sessions.push((&phase.session, vec![phase])),
            }
        }
        sessions
    }

    /// Tells whether a scene of this session broke off.
    pub(super) fn is_broken(&self, phases: &[&Phase]) -> bool {
        phases
            .iter()
            .any(|phase| self.broken.contains(&phase.scene))
    }

    /// Tells whether sessions may be told of that no scene could name any more.
    pub(super) fn has_gaps(&self) -> bool {
        !self.broken.is_empty()
    }
}
