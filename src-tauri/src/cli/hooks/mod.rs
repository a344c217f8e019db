//! `mission-control hooks`: asking agents, with the person's yes, to call us before they ask
//! somebody.

mod claude;
mod codex;
mod memory;
mod ours;
mod report;
mod target;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use mission_control_engine::clock::Clock;
use mission_control_engine::hooks;
use mission_control_engine::places::{Environment, Home, Places};
use mission_control_engine::private;
use mission_control_engine::settings::Settings;
use serde::Serialize;

use super::agent_file::Backups;
use super::failure::{Failure, Kind};
use super::mcp::Client;
use super::output::Output;
use super::{Format, FormatArguments};
use memory::{Known, Memory};
use ours::Ours;
use report::{Change, Done, Report};
use target::Target;

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

/// An entry of ours in an agent's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Its place in the list of its event.
    at: usize,
    ours: Ours,
}

/// Settings without our entries.
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
    /// It would call a Mission Control somewhere else, one with another state folder, or one twice.
    Different,
    /// There is no hook.
    Absent,
    /// The settings cannot be read.
    Unreadable,
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
    let is_install = matches!(command, HooksCommand::Install { .. });
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
    if is_install {
        ours.check(&program)?;
    }
    let backups = Backups::new(places.clone(), Clock::start().now().wall);
    let desk = Desk {
        environment,
        settings,
        places,
        backups,
    };
    let mut reports = Vec::new();
    for target in targets(which.client, &desk.places, &ours)? {
        reports.push(act(&target, &desk).unwrap_or_else(|failure| Report {
            problem: Some(failure.sentences()),
            ..target.look(&desk)
        }));
    }
    let document = Document {
        hooks: reports,
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
    let n_failed = document
        .hooks
        .iter()
        .filter(|one| one.problem.is_some())
        .count();
    if n_failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    output.flush()?;
    let title = format!(
        "{n_failed} of {} settings files could not be changed.",
        document.hooks.len()
    );
    Err(Failure::new(Kind::Failed, title)
        .hint("What was done to the others stands. Correct that, then run this command again."))
}

/// Returns the homes that are meant and there.
fn targets(client: Option<Client>, places: &Places, ours: &Ours) -> Result<Vec<Target>, Failure> {
    let is_meant = |home: &&Home| client.is_none_or(|client| client.source() == home.source);
    let homes: Vec<&Home> = places.homes.iter().filter(is_meant).collect();
    let there: Vec<Target> = homes
        .iter()
        .filter(|home| home.path.is_dir())
        .map(|home| Target::new(home, ours))
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

fn install(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    let text = target.file.read()?;
    let entries = target.find(text.as_deref())?;
    if target.is_as_wanted(&entries) {
        return Ok(target.look(desk));
    }
    let state = &desk.places.state;
    let mut memory = Memory::read(state);
    let left = match &text {
        Some(text) if !entries.is_empty() => Some(target.without(text, &entries, &memory)?),
        Some(_) | None => None,
    };
    let before = match &left {
        Some(left) => left.text.as_deref(),
        None => text.as_deref(),
    };
    let after = target.with(before)?;
    // Without the folder a call takes it that nobody installed the hook.
    let folder = hooks::folder(state);
    private::make_folder(&folder).map_err(|error| {
        Failure::new(Kind::Failed, format!("`{folder}` cannot be made: {error}."))
    })?;
    let backup = desk.backups.copy(target.file.path())?;
    match left.as_ref().map(|left| left.done) {
        None => {
            let known = backup
                .clone()
                .map_or(Known::Absent, |copy| Known::Copied { copy });
            memory.put_in(target.file.path(), known);
        }
        // What was before is remembered already.
        Some(Done::Restored | Done::Gone) => {}
        Some(Done::Nothing | Done::Added | Done::TakenOut) => {
            memory.take_out(target.file.path());
        }
    }
    let remark = memory.write(state).err();
    target.file.put(Some(&after))?;
    let backup = backup.map(Into::into);
    Ok(target
        .look(desk)
        .with(Change::new(Done::Added, backup, remark)))
}

fn remove(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    let Some(text) = target.file.read()? else {
        return Ok(target.look(desk));
    };
    let entries = target.find(Some(&text))?;
    if entries.is_empty() {
        return Ok(target.look(desk));
    }
    let state = &desk.places.state;
    let mut memory = Memory::read(state);
    let left = target.without(&text, &entries, &memory)?;
    // A state folder that was thrown away stays away.
    let backup = if state.is_dir() {
        desk.backups.copy(target.file.path())?
    } else {
        None
    };
    target.file.put(left.text.as_deref())?;
    let written = if memory.take_out(target.file.path()) {
        memory.write(state).err()
    } else {
        None
    };
    let backup = backup.map(Into::into);
    let remark = left.remark.or(written);
    Ok(target
        .look(desk)
        .with(Change::new(left.done, backup, remark)))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is one of several acts, and the others may fail"
)]
fn status(target: &Target, desk: &Desk) -> Result<Report, Failure> {
    Ok(target.look(desk))
}
