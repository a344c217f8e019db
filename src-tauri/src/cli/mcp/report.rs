//! What was found and done at one agent, for people and for programs.

use serde::Serialize;

use super::clients::{Entry, Installation};
use super::statusline::{self, Change, Outcome};
use super::{Client, Scope, State};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// What was found and done at one agent.
#[derive(Serialize)]
pub(super) struct Report {
    client: Client,
    scope: Scope,
    pub(super) state: State,
    entry: Option<Entry>,
    /// Whether what the agent knows of the server was changed.
    changed: bool,
    backup: Option<String>,
    /// None where the agent has no status line that runs a command.
    statusline: Option<statusline::State>,
    statusline_file: Option<String>,
    statusline_changed: bool,
    statusline_backup: Option<String>,
}

impl Report {
    pub(super) fn of(installation: &Installation, state: State, entry: Option<Entry>) -> Self {
        Self {
            client: installation.client,
            scope: installation.scope,
            state,
            entry,
            changed: false,
            backup: None,
            statusline: None,
            statusline_file: None,
            statusline_changed: false,
            statusline_backup: None,
        }
    }

    pub(super) fn with_change(self, backup: Option<String>) -> Self {
        Self {
            changed: true,
            backup,
            ..self
        }
    }

    pub(super) fn with_statusline(
        self,
        installation: &Installation,
        seen: Option<Outcome>,
    ) -> Self {
        let (Some(line), Some(seen)) = (&installation.statusline, seen) else {
            return self;
        };
        let (statusline_changed, statusline_backup) = match seen.change {
            Change::None => (false, None),
            Change::Written { backup } => (true, backup),
        };
        Self {
            statusline: Some(seen.state),
            statusline_file: Some(line.file().to_string_lossy().into_owned()),
            statusline_changed,
            statusline_backup,
            ..self
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        output.line(&self.about_server())?;
        print_backup(self.backup.as_deref(), output)?;
        if let Some(state) = self.statusline {
            output.line(&self.about_statusline(state))?;
        }
        print_backup(self.statusline_backup.as_deref(), output)
    }

    fn about_server(&self) -> String {
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

    fn about_statusline(&self, state: statusline::State) -> String {
        use statusline::State;

        let install = format!(
            "`mission-control mcp install --client {}{} --statusline`",
            self.client.program(),
            match self.scope {
                Scope::User => "",
                Scope::Project => " --scope project",
                Scope::Local => " --scope local",
            }
        );
        match (state, self.statusline_changed) {
            (State::Installed, _) => "Its status line shows running tasks.".to_owned(),
            (State::Wrapped, _) => {
                "Its status line shows running tasks below what you have there.".to_owned()
            }
            (State::Absent, true) => "Its status line is empty again.".to_owned(),
            (State::Foreign, true) => "Its status line is yours alone again.".to_owned(),
            (State::Absent, false) => {
                format!("Its status line does not show tasks. {install} adds them.")
            }
            (State::Foreign, false) => format!(
                "Its status line is yours alone. {install} adds running tasks below what you have there."
            ),
            (State::Different, _) => {
                format!("Its status line starts another Mission Control. {install} corrects it.")
            }
            (State::Unreadable, _) => {
                let file = self
                    .statusline_file
                    .as_deref()
                    .unwrap_or("its settings file");
                format!("Its status line is not known: `{file}` is not a JSON object. Correct it.")
            }
        }
    }
}

fn print_backup(backup: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    match backup {
        Some(backup) => output.line(&format!("  What was there before is in {backup}")),
        None => Ok(()),
    }
}
