//! `mission-control hooks`: asking agents, with the person's yes, to call us before they ask
//! somebody.

mod claude;
mod codex;
mod memory;
mod ours;
mod report;

use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand};
use mission_control_core::source::Source;
use mission_control_engine::clock::Clock;
use mission_control_engine::hooks::{self, Trust};
use mission_control_engine::places::{Environment, Home, Places};
use mission_control_engine::settings::Settings;
use mission_control_engine::store::Store;
use serde::Serialize;

use super::agent_file::{AgentFile, Backups};
use super::failure::{Failure, Kind};
use super::mcp::Client;
use super::output::Output;
use super::{Format, FormatArguments};
use memory::Memory;
use ours::Ours;
use report::Report;

/// Hooks of agents: seeing more, and answering Claude Code from here.
#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Ask agents to call Mission Control before they ask you
    Install {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Take the hooks out of the agents' settings again
    Remove {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Say which agents call Mission Control
    Status {
        #[command(flatten)]
        which: WhichArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct WhichArguments {
    /// The agent; every one that has a home here if not given
    #[arg(long)]
    client: Option<Client>,
}

/// What was found in an agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// Nothing of ours.
    None,
    /// An entry of ours, and its place in the list of its event.
    Ours { at: usize, ours: Ours },
}

/// Settings without our entry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    /// Something of the person's is left.
    Kept(String),
    /// Nothing is left but perhaps empty brackets.
    Empty(String),
}

/// How an agent stands towards our hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It calls this program.
    Installed,
    /// It calls this program once a person trusts the hook.
    NotTrusted,
    /// A person switched it off in the agent.
    Disabled,
    /// It would call a Mission Control somewhere else, or one with another state folder.
    Different,
    /// There is no hook.
    Absent,
    /// The settings cannot be read.
    Unreadable,
}

/// The settings file of one home.
struct Target {
    home: Home,
    file: AgentFile,
    ours: Ours,
}

/// What is done at one home.
type Act = fn(&Target, &Desk) -> Result<Report, Failure>;

/// What every home needs.
struct Desk {
    environment: Environment,
    settings: Settings,
    places: Places,
    backups: Backups,
}

#[derive(Serialize)]
struct Document {
    hooks: Vec<Report>,
    /// What went wrong last in a call.
    trouble: Option<hooks::Trouble>,
}

pub(super) fn run(command: HooksCommand, output: &mut Output) -> Result<ExitCode, Failure> {
    let (which, format, act) = match command {
        HooksCommand::Install { which, format } => (which, format, install as Act),
        HooksCommand::Remove { which, format } => (which, format, remove as Act),
        HooksCommand::Status { which, format } => (which, format, status as Act),
    };
    let environment = Environment::read();
    let settings = environment
        .settings_file()
        .map_err(|error| Failure::of(&error))
        .and_then(|file| Settings::load(&file).map_err(|error| Failure::of(&error)))?;
    let places = Places::resolve(&environment, &settings).map_err(|error| Failure::of(&error))?;
    let program = std::env::current_exe()?;
    let ours = Ours {
        program: program.to_string_lossy().into_owned(),
        state: places.state.to_string(),
    };
    let backups = Backups::new(places.clone(), Clock::start().now().wall);
    let desk = Desk {
        environment,
        settings,
        places,
        backups,
    };
    let targets = targets(which.client, &desk.places, &ours)?;
    let reports: Result<Vec<Report>, Failure> =
        targets.iter().map(|target| act(target, &desk)).collect();
    let document = Document {
        hooks: reports?,
        trouble: hooks::trouble(&desk.places.state),
    };
    match Format::from(format) {
        Format::Json => output.json_document(&document)?,
        Format::People => {
            for report in &document.hooks {
                report.print(output)?;
            }
            if let Some(trouble) = &document.trouble {
                output.line(&format!(
                    "The last call that went wrong, {}: {}",
                    trouble.at, trouble.says
                ))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the homes that are meant and there.
fn targets(client: Option<Client>, places: &Places, ours: &Ours) -> Result<Vec<Target>, Failure> {
    let is_meant = |home: &&Home| client.is_none_or(|client| client.source() == home.source);
    let homes: Vec<&Home> = places.homes.iter().filter(is_meant).collect();
    let there: Vec<Target> = homes
        .iter()
        .filter(|home| home.path.is_dir())
        .map(|home| Target {
            home: (*home).clone(),
            file: AgentFile::new(file_of(home).into()),
            ours: ours.clone(),
        })
        .collect();
    if there.is_empty() {
        let homes: Vec<&str> = homes.iter().map(|home| home.path.as_str()).collect();
        let title = format!(
            "There is no agent's home: {} is not there.",
            homes.join(", ")
        );
        return Err(Failure::new(Kind::NotAvailable, title)
            .hint("Start the agent once, then run this command again."));
    }
    Ok(there)
}

fn file_of(home: &Home) -> Utf8PathBuf {
    home.path.join(match home.source {
        Source::Codex => "config.toml",
        Source::ClaudeCode => "settings.json",
    })
}

fn install(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    let text = target.file.read()?;
    let before = target.find(text.as_deref())?;
    let backup = match before {
        Entry::Ours { ref ours, .. } if *ours == target.ours => None,
        Entry::None | Entry::Ours { .. } => {
            // Opening the store makes the state folder, for its owner only.
            Store::open(&desk.places.state).map_err(|error| Failure::of(&error))?;
            std::fs::create_dir_all(hooks::folder(&desk.places.state))?;
            let mut memory = Memory::read(&desk.places.state)?;
            let before = match before {
                Entry::None => text,
                Entry::Ours { .. } => {
                    target.without(text.as_deref().unwrap_or_default(), &memory)?
                }
            };
            let after = target.with(before.as_deref())?;
            let backup = target.file.change(Some(&after), &desk.backups)?;
            memory.put_in(target.file.path(), before.as_deref(), &after);
            memory.write(&desk.places.state)?;
            backup
        }
    };
    let is_changed = before != target.entry();
    Ok(target.look(desk)?.with_change(is_changed, backup))
}

fn remove(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    let text = target.file.read()?;
    let (Some(text), Entry::Ours { .. }) = (&text, target.find(text.as_deref())?) else {
        return target.look(desk);
    };
    let mut memory = Memory::read(&desk.places.state)?;
    let after = target.without(text, &memory)?;
    let backup = target.file.change(after.as_deref(), &desk.backups)?;
    memory.take_out(target.file.path());
    memory.write(&desk.places.state)?;
    Ok(target.look(desk)?.with_change(true, backup))
}

fn status(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    target.look(desk)
}

impl Target {
    /// The entry that is to be there, at whatever place.
    fn entry(&self) -> Entry {
        let ours = self.ours.clone();
        Entry::Ours { at: 0, ours }
    }

    fn find(&self, text: Option<&str>) -> Result<Entry, Failure> {
        self.read(text).map_err(|says| self.invalid(&says))
    }

    fn read(&self, text: Option<&str>) -> Result<Entry, String> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Entry::None);
        };
        let found = match self.home.source {
            Source::Codex => codex::find(text)?,
            Source::ClaudeCode => claude::find(text)?,
        };
        Ok(found)
    }

    fn with(&self, text: Option<&str>) -> Result<String, Failure> {
        let text = text.filter(|text| !text.trim().is_empty());
        match self.home.source {
            Source::Codex => codex::with(text, &self.ours),
            Source::ClaudeCode => claude::with(text, &self.ours),
        }
        .map_err(|says| self.invalid(&says))
    }

    /// Returns what the file is without our entry: as it was before if nothing else was changed;
    /// none if it was not there.
    fn without(&self, text: &str, memory: &Memory) -> Result<Option<String>, Failure> {
        let (left, is_empty) = match self.home.source {
            Source::Codex => codex::without(text),
            Source::ClaudeCode => claude::without(text),
        }
        .map(|left| match left {
            Text::Kept(left) => (left, false),
            Text::Empty(left) => (left, true),
        })
        .map_err(|says| self.invalid(&says))?;
        let Some(known) = memory.of(self.file.path()) else {
            return Ok(Some(left));
        };
        let is_same = match self.home.source {
            Source::Codex => codex::is_same,
            Source::ClaudeCode => claude::is_same,
        };
        Ok(match known.before() {
            Some(before) if known.wrote(text) || is_same(before, &left) => Some(before.to_owned()),
            None if is_empty && !self.file.is_link() => None,
            Some(_) | None => Some(left),
        })
    }

    fn look(&self, desk: &Desk) -> Result<Report, Failure> {
        let found = self.read(self.file.read()?.as_deref());
        let (state, says) = match &found {
            Err(says) => (State::Unreadable, Some(says.clone())),
            Ok(Entry::None) => (State::Absent, None),
            Ok(Entry::Ours { ours, .. }) if *ours != self.ours => {
                (State::Different, Some(ours.program.clone()))
            }
            Ok(Entry::Ours { ours, .. }) => {
                let command = ours.command(self.home.source);
                let (environment, settings) = (&desk.environment, &desk.settings);
                let home = &self.home;
                match hooks::trust(home.source, &home.path, &command, environment, settings) {
                    Trust::Trusted => (State::Installed, None),
                    Trust::Untrusted => (State::NotTrusted, None),
                    Trust::Disabled => (State::Disabled, None),
                    Trust::Unknown { why } => (State::Installed, Some(why)),
                }
            }
        };
        Ok(Report::new(
            &self.home,
            Utf8Path::from_path(self.file.path()),
            state,
            says,
        ))
    }

    fn invalid(&self, says: &str) -> Failure {
        let title = format!(
            "`{}` cannot be changed: {says}.",
            self.file.path().display()
        );
        Failure::new(Kind::Failed, title).hint("Nothing was changed.")
    }
}
