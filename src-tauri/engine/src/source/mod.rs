//! The agents whose sessions are looked for: one folder and one line each.

pub(crate) mod claude_code;
pub(crate) mod codex;
pub(crate) mod evidence;
mod known;
mod listing;
mod owner;

use std::collections::BTreeSet;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use mission_control_core::health::Check;
use mission_control_core::observation::Observation;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::LiveSession;
use mission_control_core::source::{Source, UnknownKinds};
use mission_control_core::tracker::Now;

use crate::hooks::Trust;
use crate::places::{Environment, Home};
use crate::settings::Settings;

/// The hook that waits for a person's answer.
pub(crate) use claude_code::hook;
/// The agent that tasks are delegated to, and how it is called.
pub(crate) use codex::cloud;
pub(crate) use codex::exec as delegate;
pub(crate) use codex::exec::SOURCE as DELEGATE;
/// What an agent's own server says of its sessions.
pub(crate) use codex::live;
/// Leaving a message with an agent.
pub(crate) use codex::queue as message_queue;
pub(crate) use listing::Skipped;
pub(crate) use owner::{Owner, Ownership, Serves};

/// What a lookout is made with.
#[derive(Clone, Debug)]
pub(crate) struct LookoutOptions {
    /// The homes.
    pub(crate) homes: Vec<Utf8PathBuf>,
    /// For how long an ended session is listed.
    pub(crate) recent: SignedDuration,
    /// Between looks at live files where the system does not tell of changes.
    pub(crate) poll: Duration,
    /// Where hooks leave their notes; the folder need not exist.
    pub(crate) hooks: Utf8PathBuf,
}

/// How changes become known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The system tells of them.
    Watched,
    /// They must be looked for.
    Polled,
}

/// Watches all homes of one agent and says what it saw, as observations in the right order. It is
/// told of changes and of time passing; it neither waits nor decides a status.
pub(crate) trait Lookout: std::fmt::Debug {
    /// Returns the next thing that was seen.
    fn poll_observation(&mut self) -> Option<Observation>;

    /// Returns whether [`Self::poll_observation`] has something.
    fn has_observations(&self) -> bool;

    /// Returns whether that very process, one of [`Self::owners`], lives.
    fn is_running(&mut self, process: ProcessKey) -> bool;

    /// Returns when [`Self::handle_timeout`] is due, on the steady clock.
    fn poll_timeout(&self) -> Duration;

    /// Returns the processes whose end matters.
    fn owners(&self) -> BTreeSet<ProcessKey>;

    /// Returns what looks like a session and cannot be used.
    fn skipped(&self) -> &BTreeSet<Skipped>;

    /// Returns the kinds of lines that were read in a home and are not known.
    fn unknown_kinds(&self, home: &Utf8Path) -> UnknownKinds;

    /// Returns the folders whose changes matter, the most important ones first. Only folders that
    /// exist, or the nearest one above them.
    fn folders(&self, now: Now) -> Vec<Utf8PathBuf>;

    /// Says how changes become known from here on.
    fn set_telling(&mut self, telling: Telling, now: Now);

    /// Looks at a further home too.
    fn add_home(&mut self, path: Utf8PathBuf, now: Now);

    /// Stops looking at a home and takes its sessions for gone.
    fn remove_home(&mut self, path: &Utf8Path);

    /// Looks at everything.
    fn look(&mut self, now: Now);

    /// Looks for a session that is not followed, however old it is, by its whole id.
    fn seek(&mut self, source_session_id: &str, now: Now);

    /// Takes in that files or folders changed, of whatever agent.
    fn hear(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now);

    /// Takes in that a process ended.
    fn process_ended(&mut self, process: ProcessKey, now: Now);

    /// Does what is due.
    fn handle_timeout(&mut self, now: Now);
}

fn lookout(source: Source, options: LookoutOptions) -> Box<dyn Lookout> {
    match source {
        Source::Codex => Box::new(codex::Lookout::new(options)),
        Source::ClaudeCode => Box::new(claude_code::Lookout::new(options)),
    }
}

/// Looks anew who owns a session.
pub(crate) fn ownership(homes: &[Home], session: &LiveSession) -> Ownership {
    let path = session.transcript_path.as_deref().map(Utf8Path::new);
    let found = path.and_then(|path| {
        let is_its_home =
            |home: &&Home| home.source == session.source && path.starts_with(&home.path);
        Some((path, homes.iter().find(is_its_home)?))
    });
    let Some((path, home)) = found else {
        return Ownership::Unknown {
            why: "It lies in no home that is known.".to_owned(),
        };
    };
    match session.source {
        Source::Codex => codex::ownership(&home.path, path, &session.source_session_id),
        Source::ClaudeCode => claude_code::ownership(&home.path, path),
    }
}

/// Does what an agent's hook is there for and returns what it prints.
pub(crate) fn hook_called(
    source: Source,
    payload: &[u8],
    state: &Utf8Path,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<String>, String> {
    match source {
        Source::Codex => codex::hook_called(payload, state, now).map(|()| None),
        Source::ClaudeCode => claude_code::hook_called(payload, state, environment, now),
    }
}

/// Returns whether an agent runs the hook with this command.
pub(crate) fn hook_trust(
    source: Source,
    home: &Utf8Path,
    command: &str,
    environment: &Environment,
    settings: &Settings,
) -> Trust {
    match source {
        Source::Codex => match codex::program(environment, settings.delegate_program()) {
            Some(program) => codex::trust(&program, home, command),
            None => Trust::Unknown {
                why: "There is no `codex` in the folders of `PATH`.".to_owned(),
            },
        },
        Source::ClaudeCode => claude_code::trust(home),
    }
}

/// Returns the front ends of an agent whose sessions run in a server.
pub(crate) fn front_ends(source: Source) -> Vec<u32> {
    match source {
        Source::Codex => codex::front_ends(),
        // Its sessions run in their front ends.
        Source::ClaudeCode => Vec::new(),
    }
}

/// Asks the installed agents about themselves.
pub(crate) fn probe(environment: &Environment, settings: &Settings) -> Vec<Check> {
    let probe = |source: &Source| match source {
        Source::Codex => codex::probe(environment, settings.delegate_program()),
        Source::ClaudeCode => claude_code::probe(environment),
    };
    Source::ALL.iter().flat_map(probe).collect()
}

/// Looks how the sources of evidence in one home stand, but for its transcripts. Changes nothing;
/// takes about two seconds at most.
pub(crate) fn examine(home: &Home) -> Vec<Check> {
    match home.source {
        Source::Codex => codex::examine(&home.path),
        Source::ClaudeCode => claude_code::examine(&home.path),
    }
}

/// Looks at the agents' processes.
pub(crate) fn examine_processes() -> Vec<Check> {
    let look = |source: &Source| {
        let running = match source {
            Source::Codex => codex::running(),
            Source::ClaudeCode => claude_code::running(),
        };
        evidence::processes(*source, running.as_deref())
    };
    Source::ALL.iter().map(look).collect()
}

/// The lookouts of all agents.
#[derive(Debug)]
pub(crate) struct Lookouts(Vec<(Source, Box<dyn Lookout>)>);

impl Lookouts {
    /// Makes a lookout for each agent, with its part of `homes`.
    pub(crate) fn new(
        homes: &[Home],
        recent: SignedDuration,
        poll: Duration,
        hooks: &Utf8Path,
    ) -> Self {
        let of = |source: Source| {
            let homes = homes.iter().filter(|home| home.source == source);
            let options = LookoutOptions {
                homes: homes.map(|home| home.path.clone()).collect(),
                recent,
                poll,
                hooks: hooks.to_owned(),
            };
            (source, lookout(source, options))
        };
        Self(Source::ALL.iter().copied().map(of).collect())
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Box<dyn Lookout>> {
        self.0.iter_mut().map(|(_, lookout)| lookout)
    }

    fn all(&self) -> impl Iterator<Item = &dyn Lookout> {
        self.0.iter().map(|(_, lookout)| lookout.as_ref())
    }

    /// Returns the next thing that was seen.
    pub(crate) fn poll_observation(&mut self) -> Option<Observation> {
        self.each().find_map(|lookout| lookout.poll_observation())
    }

    /// Returns whether [`Self::poll_observation`] has something.
    pub(crate) fn has_observations(&self) -> bool {
        self.all().any(Lookout::has_observations)
    }

    /// Returns whether that very process, one of [`Self::owners`], lives.
    pub(crate) fn is_running(&mut self, process: ProcessKey) -> bool {
        // Keys of one table are compared with that table only.
        self.each()
            .any(|lookout| lookout.owners().contains(&process) && lookout.is_running(process))
    }

    /// Returns when [`Self::handle_timeout`] is due, on the steady clock.
    pub(crate) fn poll_timeout(&self) -> Duration {
        self.all()
            .map(Lookout::poll_timeout)
            .fold(Duration::MAX, Duration::min)
    }

    /// Returns the processes whose end matters.
    pub(crate) fn owners(&self) -> BTreeSet<ProcessKey> {
        self.all().flat_map(Lookout::owners).collect()
    }

    /// Returns what looks like a session and cannot be used.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &Skipped> {
        self.all().flat_map(Lookout::skipped)
    }

    /// Returns the kinds of lines that were read in a home and are not known.
    pub(crate) fn unknown_kinds(&self, home: &Home) -> UnknownKinds {
        let mut of_source = self.0.iter().filter(|(source, _)| *source == home.source);
        let lookout = of_source.next();
        lookout.map_or_else(UnknownKinds::default, |(_, lookout)| {
            lookout.unknown_kinds(&home.path)
        })
    }

    /// Returns the folders whose changes matter, the most important ones first.
    pub(crate) fn folders(&self, now: Now) -> Vec<Utf8PathBuf> {
        let mut folders: Vec<Utf8PathBuf> = Vec::new();
        for folder in self.all().flat_map(|lookout| lookout.folders(now)) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// Says how changes become known from here on.
    pub(crate) fn set_telling(&mut self, telling: Telling, now: Now) {
        self.each()
            .for_each(|lookout| lookout.set_telling(telling, now));
    }

    /// Looks at a further home too.
    pub(crate) fn add_home(&mut self, home: Home, now: Now) {
        if let Some((_, lookout)) = self.0.iter_mut().find(|(source, _)| *source == home.source) {
            lookout.add_home(home.path, now);
        }
    }

    /// Stops looking at a home and takes its sessions for gone.
    pub(crate) fn remove_home(&mut self, home: &Home) {
        if let Some((_, lookout)) = self.0.iter_mut().find(|(source, _)| *source == home.source) {
            lookout.remove_home(&home.path);
        }
    }

    /// Looks at everything.
    pub(crate) fn look(&mut self, now: Now) {
        self.each().for_each(|lookout| lookout.look(now));
    }

    /// Looks for a session that is not followed, however old it is, by its whole id.
    pub(crate) fn seek(&mut self, source_session_id: &str, now: Now) {
        self.each()
            .for_each(|lookout| lookout.seek(source_session_id, now));
    }

    /// Takes in that files or folders changed.
    pub(crate) fn hear(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now) {
        self.each().for_each(|lookout| lookout.hear(changed, now));
    }

    /// Takes in that a process ended.
    pub(crate) fn process_ended(&mut self, process: ProcessKey, now: Now) {
        self.each()
            .for_each(|lookout| lookout.process_ended(process, now));
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.each()
            .filter(|lookout| lookout.poll_timeout() <= now.steady)
            .for_each(|lookout| lookout.handle_timeout(now));
    }
}
