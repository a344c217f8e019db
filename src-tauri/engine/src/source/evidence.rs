//! How the sources of evidence stand, as checks that `doctor` shows.

use mission_control_core::health::{Check, CheckState, EvidenceHealth, Supply, Tally};
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::{Source, UnknownKinds};

use crate::processes::{OpenFiles, Running};

/// How one source of evidence stands, before it is worded for a person.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) state: CheckState,
    pub(crate) supply: Supply,
    pub(crate) says: String,
    pub(crate) hint: Option<&'static str>,
}

impl Found {
    /// It tells of changes as they happen.
    pub(crate) fn fresh(says: impl Into<String>) -> Self {
        Self {
            state: CheckState::Ok,
            supply: Supply::Fresh,
            says: says.into(),
            hint: None,
        }
    }

    /// It is not there, and nothing needs it.
    pub(crate) fn absent(says: impl Into<String>) -> Self {
        Self {
            state: CheckState::Absent,
            supply: Supply::Unavailable,
            says: says.into(),
            hint: None,
        }
    }

    /// It should tell something and does not.
    pub(crate) fn hindered(says: impl Into<String>, hint: &'static str) -> Self {
        Self {
            state: CheckState::Warning,
            supply: Supply::Unavailable,
            says: says.into(),
            hint: Some(hint),
        }
    }

    /// Makes the check of `from` for the home at `home`, or for the whole machine.
    pub(crate) fn check(self, source: Source, from: EvidenceSource, home: Option<&str>) -> Check {
        let (name, label) = words(from);
        let id = match home {
            Some(home) => format!("{name}:{home}"),
            None => format!("{name}:{}", source.as_str()),
        };
        Check {
            id,
            label: format!("{} {label}", source.label()),
            state: self.state,
            says: self.says,
            hint: self.hint.map(str::to_owned),
            evidence: Some(EvidenceHealth {
                source,
                from,
                home: home.map(str::to_owned),
                supply: self.supply,
                latest_at: None,
                versions: Vec::new(),
                unknown_kinds: Vec::new(),
            }),
        }
    }
}

/// Returns the name for programs and the one for people.
const fn words(from: EvidenceSource) -> (&'static str, &'static str) {
    match from {
        EvidenceSource::LiveProtocol => ("live_protocol", "live protocol"),
        EvidenceSource::Registry => ("registry", "registry"),
        EvidenceSource::Task => ("task", "tasks"),
        EvidenceSource::Hook => ("hook", "hooks"),
        EvidenceSource::Transcript => ("transcript", "transcripts"),
        EvidenceSource::WriterLock => ("writer_lock", "writer locks"),
        EvidenceSource::Process => ("process", "processes"),
    }
}

/// Says what is known of an agent's processes.
pub(super) fn processes(source: Source, running: Option<&[Running]>) -> Check {
    let found = match running {
        None => Found::hindered(
            "Processes cannot be listed.",
            "Without them and without locks nobody can tell whether a session is open.",
        ),
        Some([]) => Found::fresh("None runs."),
        Some(running) => {
            let is_hidden = |running: &&Running| running.open == OpenFiles::Hidden;
            let hidden = running.iter().filter(is_hidden).count();
            let mut says = format!("{}.", counted(running.len(), "runs", "run"));
            if hidden > 0 {
                says.push_str(&format!(
                    " The open files of {hidden} cannot be seen: of another user."
                ));
            }
            Found::fresh(says)
        }
    };
    found.check(source, EvidenceSource::Process, None)
}

pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// Returns the kinds with their counts; those without a name come last.
pub(crate) fn tallies(kinds: &UnknownKinds) -> Vec<Tally> {
    let named = kinds.by_count().into_iter();
    let others = (kinds.n_others() > 0).then_some(("others", kinds.n_others()));
    named
        .chain(others)
        .map(|(name, count)| Tally {
            name: name.to_owned(),
            count,
        })
        .collect()
}
