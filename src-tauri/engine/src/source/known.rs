//! One transcript that is followed, and when to look at it again.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mission_control_core::observation::{Observation, Writer};
use mission_control_core::process::ProcessKey;
use mission_control_core::session::SessionId;

use super::listing::Skipped;
use crate::tail::{Read, Tail};

/// After these pauses the writer is looked up again: a lock is taken a moment after its file
/// appears, and a file is closed a moment after its lock is released.
const PAUSES_MS: [u64; 5] = [10, 30, 80, 200, 500];
/// Until the last of these looks nobody concludes that a file which just appeared has no writer.
const LAST_PAUSE_ENDS: Duration = Duration::from_millis(10 + 30 + 80 + 200 + 500);
/// Lines that come so often although nobody holds the file have a writer who cannot be seen.
const UNEXPLAINED: u8 = 2;
/// Within this time. Short runs that are over before they are looked at lie further apart.
const UNEXPLAINED_WITHIN: Duration = Duration::from_secs(60);

/// A transcript that is followed.
#[derive(Debug)]
pub(super) struct Known {
    /// The home it was found in, by its number.
    pub(super) home: usize,
    pub(super) tail: Tail,
    /// Whether lines were handed on: before that nobody hears of the session.
    pub(super) is_told: bool,
    /// What was last handed on about the writer.
    pub(super) writer: Option<Writer>,
    pub(super) retry: Retry,
    /// Before this a look that finds no writer proves nothing.
    expected_until: Duration,
    unexplained: Option<(u8, Duration)>,
}

impl Known {
    pub(super) fn new(home: usize, tail: Tail) -> Self {
        Self {
            home,
            tail,
            is_told: false,
            writer: None,
            retry: Retry::NONE,
            expected_until: Duration::ZERO,
            unexplained: None,
        }
    }

    /// Returns whether somebody may still write.
    pub(super) fn is_live(&self) -> bool {
        match self.writer {
            Some(Writer::Held { .. } | Writer::Possible { .. } | Writer::Unknown { .. }) => true,
            Some(Writer::Free) | None => false,
        }
    }

    /// Returns the process that writes, or may write.
    pub(super) fn owner(&self) -> Option<ProcessKey> {
        match self.writer {
            Some(Writer::Held { by, .. } | Writer::Possible { by }) => Some(by),
            Some(Writer::Free | Writer::Unknown { .. }) | None => None,
        }
    }

    /// Takes in that the transcript or its lock appeared: the writer may take hold a moment later.
    pub(super) fn expect_writer(&mut self, steady: Duration) {
        self.expected_until = steady + LAST_PAUSE_ENDS;
        self.retry = Retry::after(steady, 0);
    }

    /// Takes in that the writer let go: it may close its file a moment later.
    pub(super) fn expect_nobody(&mut self, steady: Duration) {
        self.expected_until = Duration::ZERO;
        self.unexplained = None;
        self.retry = Retry::after(steady, 0);
    }

    /// Weighs what was concluded about the writer against what else is known; none when it is
    /// too early to say.
    pub(super) fn weigh(
        &mut self,
        concluded: Writer,
        came: Came,
        steady: Duration,
    ) -> Option<Writer> {
        if concluded == Writer::Free && steady < self.expected_until {
            return None;
        }
        match (&concluded, came) {
            (Writer::Free, Came::Lines) if self.writer.is_some() && !self.is_held() => {
                let n = match self.unexplained {
                    Some((n, since)) if steady < since + UNEXPLAINED_WITHIN || n >= UNEXPLAINED => {
                        n
                    }
                    Some(_) | None => 0,
                };
                self.unexplained = Some((n.saturating_add(1), steady));
            }
            (Writer::Free, Came::Lines | Came::Nothing) => {}
            (Writer::Held { .. } | Writer::Possible { .. } | Writer::Unknown { .. }, _) => {
                self.unexplained = None;
            }
        }
        if self.unexplained.is_none_or(|(n, _)| n < UNEXPLAINED) {
            return Some(concluded);
        }
        Some(Writer::Unknown {
            why: "Lines are written, but nobody visible from here holds the file: its writer \
                  belongs to another user, container or machine."
                .to_owned(),
        })
    }

    /// Reads to the end and hands on the lines as those of `session`.
    pub(super) fn drain(&mut self, session: &SessionId, into: &mut Into<'_>) -> Drained {
        let mut came = Came::Nothing;
        loop {
            let tail = &mut self.tail;
            // Nothing of a tail is used again after its reader met a bug.
            let Ok(read) = catch_unwind(AssertUnwindSafe(|| tail.read(into.buffer))) else {
                let path = self.tail.path().to_string();
                let why = "Reading it met a bug in Mission Control.".to_owned();
                into.skipped.insert(Skipped { path, why });
                return Drained::Broken;
            };
            match read {
                Ok(Read::Nothing) => return Drained::Came(came),
                Ok(Read::Lines(lines)) => {
                    came = Came::Lines;
                    if !self.is_told && lines.facts.is_empty() && lines.n_skipped > 0 {
                        into.skipped.insert(Skipped {
                            path: lines.path,
                            why: "It holds nothing that can be read.".to_owned(),
                        });
                        continue;
                    }
                    self.is_told = true;
                    into.observed.push_back(Observation::Lines {
                        session: session.clone(),
                        lines,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Drained::Missing;
                }
                Err(error) => {
                    let path = self.tail.path().to_string();
                    let why = format!("It cannot be read: {error}.");
                    into.skipped.insert(Skipped { path, why });
                    return Drained::Came(came);
                }
            }
        }
    }

    fn is_held(&self) -> bool {
        match self.writer {
            Some(Writer::Held { .. } | Writer::Possible { .. }) => true,
            Some(Writer::Free | Writer::Unknown { .. }) | None => false,
        }
    }
}

/// Where what was read goes.
#[derive(Debug)]
pub(super) struct Into<'a> {
    pub(super) observed: &'a mut VecDeque<Observation>,
    pub(super) skipped: &'a mut BTreeSet<Skipped>,
    pub(super) buffer: &'a mut Vec<u8>,
}

/// What became of a transcript that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    Came(Came),
    /// It is not where it was.
    Missing,
    /// It cannot be followed any more.
    Broken,
}

/// Whether a look brought lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Lines,
    Nothing,
}

/// A few more looks, with growing pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    next: Option<(Duration, usize)>,
}

impl Retry {
    pub(super) const NONE: Self = Self { next: None };

    /// Begins anew at `steady`.
    pub(super) fn from(steady: Duration) -> Self {
        Self::after(steady, 0)
    }

    /// Returns when the next look is due.
    pub(super) fn due(self) -> Option<Duration> {
        self.next.map(|(due, _)| due)
    }

    /// Returns what remains when a look was made at `steady`.
    pub(super) fn following(self, steady: Duration) -> Self {
        match self.next {
            Some((_, step)) => Self::after(steady, step + 1),
            None => Self::NONE,
        }
    }

    fn after(steady: Duration, step: usize) -> Self {
        let pause = PAUSES_MS.get(step).copied().map(Duration::from_millis);
        Self {
            next: pause.map(|pause| (steady + pause, step)),
        }
    }
}
