//! `mission-control --mcp`, and telling agents that it is there: `mcp install`, `remove`, `status`.

mod clients;
mod serve;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use mission_control_engine::clock::Clock;
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;
use serde::Serialize;

use super::failure::{Failure, Kind};
use super::output::Output;
use super::{Format, FormatArguments};
use clients::{Entry, Installation};

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
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct WhereArguments {
    /// The agent; every one that is installed if not given
    #[arg(long)]
    client: Option<Client>,
    /// For which projects: all of yours, this one for everybody, this one for you
    #[arg(long, default_value = "user")]
    scope: Scope,
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
type Act = fn(&Installation) -> Result<Report, Failure>;

#[derive(Serialize)]
struct Document {
    clients: Vec<Report>,
}

/// What was found and done at one agent.
#[derive(Serialize)]
struct Report {
    client: Client,
    scope: Scope,
    state: State,
    entry: Option<Entry>,
    changed: bool,
    backup: Option<String>,
}

pub(super) fn run(command: McpCommand, output: &mut Output) -> Result<ExitCode, Failure> {
    let (where_, format, act) = match command {
        McpCommand::Install { where_, format } => (where_, format, install as Act),
        McpCommand::Remove { where_, format } => (where_, format, remove as Act),
        McpCommand::Status { where_, format } => (where_, format, status as Act),
    };
    let environment = Environment::read();
    let places = Places::from_environment()
        .or_else(|_| Places::resolve(&environment, &Settings::default()))
        .map_err(|error| Failure::of(&error))?;
    let wanted: Vec<Client> = match where_.client {
        Some(client) => vec![client],
        None => vec![Client::Claude, Client::Codex],
    };
    let mut reports = Vec::new();
    for client in wanted {
        if client == Client::Codex && where_.scope != Scope::User {
            if where_.client.is_none() {
                continue;
            }
            return Err(Failure::new(
                Kind::NotAvailable,
                "Codex keeps MCP servers for all projects only.",
            )
            .hint("Leave out `--scope`."));
        }
        let now = Clock::start().now().wall;
        let installation = Installation::find(client, where_.scope, &environment, &places, now)?;
        let report = act(&installation)?;
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
                output.line(&report.sentence())?;
                if let Some(backup) = &report.backup {
                    output.line(&format!("  What was there before is in {backup}"))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn install(installation: &Installation) -> Result<Report, Failure> {
    let before = installation.entry()?;
    let state = installation.state(before.as_ref());
    match state {
        State::NoClient | State::Installed => return installation.report(state, before),
        State::Different | State::Absent => {}
    }
    let backup = installation.back_up()?;
    if state == State::Different {
        installation.remove()?;
    }
    installation.add()?;
    installation.changed(State::Installed, backup)
}

fn remove(installation: &Installation) -> Result<Report, Failure> {
    let before = installation.entry()?;
    let state = installation.state(before.as_ref());
    match state {
        State::NoClient | State::Absent => return installation.report(state, before),
        State::Different | State::Installed => {}
    }
    let backup = installation.back_up()?;
    installation.remove()?;
    installation.changed(State::Absent, backup)
}

fn status(installation: &Installation) -> Result<Report, Failure> {
    let entry = installation.entry()?;
    installation.report(installation.state(entry.as_ref()), entry)
}

impl Installation {
    #[expect(clippy::unnecessary_wraps, reason = "the last step of fallible ones")]
    fn report(&self, state: State, entry: Option<Entry>) -> Result<Report, Failure> {
        Ok(Report {
            client: self.client,
            scope: self.scope,
            state,
            entry,
            changed: false,
            backup: None,
        })
    }

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
        Ok(Report {
            changed: true,
            backup,
            ..self.report(state, entry)?
        })
    }
}

impl Client {
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

impl Report {
    fn sentence(&self) -> String {
        let client = self.client.title();
        match (self.state, self.changed) {
            (State::Installed, true) => {
                format!("{client} knows Mission Control from its next start on.")
            }
            (State::Installed, false) => format!("{client} knows Mission Control."),
            (State::Absent, true) => format!("{client} knows Mission Control no more."),
            (State::Absent, false) => format!("{client} does not know Mission Control."),
            (State::Different, _) => {
                let starts = self
                    .entry
                    .as_ref()
                    .map_or("something else", |entry| &entry.command);
                format!(
                    "{client} starts {starts} under this name. `mission-control mcp install` corrects it."
                )
            }
            (State::NoClient, _) => format!("{client} is not installed."),
        }
    }
}
