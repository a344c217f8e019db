//! `mission-control --mcp`, and telling agents that it is there: `mcp install`, `remove`, `status`.

mod clients;
mod report;
mod serve;
mod statusline;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use mission_control_core::source::Source;
use mission_control_engine::clock::Clock;
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;
use serde::Serialize;

use super::failure::{Failure, Kind};
use super::output::Output;
use super::{Format, FormatArguments};
use clients::Installation;
use report::Report;

pub(super) use serve::serve;

/// The name agents know the server by.
const NAME: &str = "mission-control";

/// Telling agents about the MCP server.
#[derive(Debug, Subcommand)]
pub(super) enum McpCommand {
    /// Tell an agent about the server, through the agent's own command
    Install {
        #[command(flatten)]
        where_: WhereArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Take the server out of an agent's configuration again
    Remove {
        #[command(flatten)]
        where_: WhereArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Say which agents know about the server
    Status {
        #[command(flatten)]
        where_: WhereArguments,
        #[command(flatten)]
        format: FormatArguments,
    },
    /// Print what another status line prints, and the one about tasks below it
    #[command(hide = true)]
    Statusline {
        /// The other one, as `install` wrote it down
        #[arg(long)]
        around: String,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct WhereArguments {
    /// The agent; every one that is installed if not given
    #[arg(long)]
    client: Option<Client>,
    /// For which projects: all of yours, this one for everybody, this one for you
    #[arg(long, default_value = "user")]
    scope: Scope,
    /// Claude Code's status line, too; with `remove`, nothing but that
    #[arg(long)]
    statusline: bool,
}

/// An agent that can use MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Client {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// Where an agent writes an entry down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// For all projects of this person.
    User,
    /// In the project, for everybody.
    Project,
    /// In this project, for this person.
    Local,
}

/// How an agent stands towards the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It starts this program.
    Installed,
    /// An entry of the name starts something else.
    Different,
    /// There is no entry.
    Absent,
    /// The agent itself is not installed.
    NoClient,
}

/// What is done at one agent.
type Act = fn(&Installation, Extent) -> Result<Report, Failure>;

/// What of an agent is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// What it knows of the server.
    Server,
    /// Its status line, too.
    Statusline,
}

#[derive(Serialize)]
struct Document {
    clients: Vec<Report>,
}

pub(super) fn run(command: McpCommand, output: &mut Output) -> Result<ExitCode, Failure> {
    let (where_, format, act) = match command {
        McpCommand::Install { where_, format } => (where_, format, install as Act),
        McpCommand::Remove { where_, format } => (where_, format, remove as Act),
        McpCommand::Status { where_, format } => (where_, format, status as Act),
        McpCommand::Statusline { around } => return statusline::run(&around, output),
    };
    let environment = Environment::read();
    let places = Places::from_environment()
        .or_else(|_| Places::resolve(&environment, &Settings::default()))
        .map_err(|error| Failure::of(&error))?;
    let wanted: Vec<Client> = match where_.client {
        Some(client) => vec![client],
        None => vec![Client::Claude, Client::Codex],
    };
    let extent = if where_.statusline {
        Extent::Statusline
    } else {
        Extent::Server
    };
    let mut reports = Vec::new();
    for client in wanted {
        if client == Client::Codex
            && let Some(failure) = where_.refusal_of_codex()
        {
            if where_.client.is_none() {
                continue;
            }
            return Err(failure);
        }
        let now = Clock::start().now().wall;
        let installation = Installation::find(client, where_.scope, &environment, &places, now)?;
        let report = act(&installation, extent)?;
        if report.state == State::NoClient && where_.client.is_some() {
            return Err(Failure::new(
                Kind::NotAvailable,
                format!(
                    "{} is not installed: there is no `{}` on the search path.",
                    client.title(),
                    client.program()
                ),
            ));
        }
        reports.push(report);
    }
    match Format::from(format) {
        Format::Json => output.json_document(&Document { clients: reports })?,
        Format::People => {
            for report in &reports {
                report.print(output)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn install(installation: &Installation, extent: Extent) -> Result<Report, Failure> {
    let before = installation.entry()?;
    let state = installation.state(before.as_ref());
    if state == State::NoClient {
        return Ok(Report::of(installation, state, before));
    }
    let line = installation.statusline.as_ref();
    if let (Some(line), Extent::Statusline) = (line, extent) {
        line.check()?;
    }
    let report = match state {
        State::NoClient | State::Installed => Report::of(installation, state, before),
        State::Different | State::Absent => {
            let backup = installation.back_up()?;
            if state == State::Different {
                installation.remove()?;
            }
            installation.add()?;
            installation.changed(State::Installed, backup)?
        }
    };
    // Last, so that an agent that does not take the server finds its settings as they were.
    let seen = match (line, extent) {
        (Some(line), Extent::Statusline) => Some(line.install(&installation.backups)?),
        (Some(line), Extent::Server) => Some(line.look()?),
        (None, Extent::Statusline | Extent::Server) => None,
    };
    Ok(report.with_statusline(installation, seen))
}

fn remove(installation: &Installation, extent: Extent) -> Result<Report, Failure> {
    let before = installation.entry()?;
    let state = installation.state(before.as_ref());
    if state == State::NoClient {
        return Ok(Report::of(installation, state, before));
    }
    let line = installation.statusline.as_ref();
    line.map(statusline::Statusline::check_ours).transpose()?;
    let report = match (state, extent) {
        (State::NoClient | State::Absent, _) | (_, Extent::Statusline) => {
            Report::of(installation, state, before)
        }
        (State::Different | State::Installed, Extent::Server) => {
            let backup = installation.back_up()?;
            installation.remove()?;
            installation.changed(State::Absent, backup)?
        }
    };
    let seen = line.map(|line| line.remove(&installation.backups));
    let seen = seen.transpose()?;
    Ok(report.with_statusline(installation, seen))
}

fn status(installation: &Installation, _extent: Extent) -> Result<Report, Failure> {
    let entry = installation.entry()?;
    let state = installation.state(entry.as_ref());
    let report = Report::of(installation, state, entry);
    if state == State::NoClient {
        return Ok(report);
    }
    let line = installation.statusline.as_ref();
    let seen = line.map(statusline::Statusline::look).transpose()?;
    Ok(report.with_statusline(installation, seen))
}

impl WhereArguments {
    /// Says why Codex cannot be meant.
    fn refusal_of_codex(self) -> Option<Failure> {
        if self.scope != Scope::User {
            let title = "Codex keeps MCP servers for all projects only.";
            return Some(Failure::new(Kind::NotAvailable, title).hint("Leave out `--scope`."));
        }
        if self.statusline && self.client == Some(Client::Codex) {
            let title = "Codex has no status line that runs a command.";
            return Some(Failure::new(Kind::NotAvailable, title).hint("Leave out `--statusline`."));
        }
        None
    }
}

impl Installation {
    /// Makes sure that the agent did what it was told.
    fn changed(&self, expected: State, backup: Option<String>) -> Result<Report, Failure> {
        let entry = self.entry()?;
        let state = self.state(entry.as_ref());
        if state != expected {
            let title = format!("{} did not take the change.", self.client.title());
            let failure = Failure::new(Kind::Failed, title);
            return Err(match backup {
                Some(backup) => failure.hint(format!("What was there before is in {backup}")),
                None => failure,
            });
        }
        Ok(Report::of(self, state, entry).with_change(backup))
    }
}

impl Client {
    /// Returns the source of its sessions.
    pub(super) const fn source(self) -> Source {
        match self {
            Self::Claude => Source::ClaudeCode,
            Self::Codex => Source::Codex,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}
