//! The agents' own commands and configuration files.
//!
//! Files are only read here; what changes these is the agent's own command.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use mission_control_engine::places::{Environment, Places};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statusline::Statusline;
use super::{Client, NAME, Scope, State};
use crate::cli::agent_file::Backups;
use crate::cli::failure::{Failure, Kind};

/// What an agent starts under our name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) command: String,
    #[serde(default)]
    pub(super) args: Vec<String>,
}

/// One agent on this machine.
pub(super) struct Installation {
    pub(super) client: Client,
    pub(super) scope: Scope,
    /// Its program; none if it is not installed.
    program: Option<PathBuf>,
    /// The file its entry is written into.
    file: PathBuf,
    /// The project folder, as the agent names it.
    project: String,
    /// What it is to start.
    own: Entry,
    /// Variables the server needs and the agent would not hand on.
    variables: Vec<String>,
    /// Its status line, where it has one.
    pub(super) statusline: Option<Statusline>,
    pub(super) backups: Backups,
}

impl Installation {
    pub(super) fn find(
        client: Client,
        scope: Scope,
        environment: &Environment,
        places: &Places,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let home = environment.home.clone().unwrap_or_default();
        let project = environment.current_folder.clone().unwrap_or_default();
        let file = match (client, scope) {
            (Client::Claude, Scope::User | Scope::Local) => {
                let folder = environment.claude_config_dir.as_ref().unwrap_or(&home);
                folder.join(".claude.json")
            }
            (Client::Claude, Scope::Project) => project.join(".mcp.json"),
            (Client::Codex, _) => environment
                .codex_home
                .clone()
                .unwrap_or_else(|| home.join(".codex"))
                .join("config.toml"),
        };
        let name = format!("{}{}", client.program(), std::env::consts::EXE_SUFFIX);
        let folders = environment.program_folders.iter();
        let program = folders
            .map(|folder| folder.join(&name))
            .find(|path| path.is_file());
        // Codex starts servers with a small set of variables only.
        let variables = match client {
            Client::Claude => Vec::new(),
            Client::Codex => [
                ("MISSION_CONTROL_HOME", &environment.mission_control_home),
                ("CODEX_HOME", &environment.codex_home),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
            .collect(),
        };
        let own = own.to_string_lossy().into_owned();
        let statusline = match client {
            Client::Claude => Some(Statusline::find(scope, environment, &own)?),
            Client::Codex => None,
        };
        Ok(Self {
            client,
            scope,
            program: program.map(Into::into),
            file: file.into(),
            project: project.into_string(),
            own: Entry {
                command: own,
                args: vec!["--mcp".to_owned()],
            },
            variables,
            statusline,
            backups: Backups::new(places.clone(), now),
        })
    }

    /// Says how an entry stands to this program.
    pub(super) fn state(&self, entry: Option<&Entry>) -> State {
        match (&self.program, entry) {
            (None, _) => State::NoClient,
            (Some(_), None) => State::Absent,
            (Some(_), Some(entry)) if *entry == self.own => State::Installed,
            (Some(_), Some(_)) => State::Different,
        }
    }

    /// Returns the agent's entry of our name, if it has one.
    pub(super) fn entry(&self) -> Result<Option<Entry>, Failure> {
        if self.program.is_none() {
            return Ok(None);
        }
        match self.client {
            Client::Claude => self.entry_in_json(),
            Client::Codex => {
                let said = self.ask(&["mcp", "list", "--json"])?;
                let servers: Vec<Value> = serde_json::from_str(&said).map_err(|error| {
                    let title = format!("The list of Codex's MCP servers cannot be read: {error}.");
                    Failure::new(Kind::Failed, title)
                })?;
                let own = servers.iter().find(|server| server["name"] == NAME);
                let transport = own.and_then(|server| server.get("transport"));
                Ok(transport.and_then(|entry| Entry::deserialize(entry).ok()))
            }
        }
    }

    fn entry_in_json(&self) -> Result<Option<Entry>, Failure> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let document: Value =
            serde_json::from_str(&text).map_err(|error| self.unreadable(&error))?;
        let scope = match self.scope {
            Scope::User | Scope::Project => Some(&document),
            Scope::Local => document
                .get("projects")
                .and_then(|all| all.get(&self.project)),
        };
        let entry = scope.and_then(|scope| scope.get("mcpServers")?.get(NAME));
        Ok(entry.and_then(|entry| Entry::deserialize(entry).ok()))
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Failure {
        let title = format!("`{}` cannot be read: {error}.", self.file.display());
        Failure::new(Kind::Failed, title)
    }

    /// Copies the file that is about to be changed; returns where to, if there is one.
    pub(super) fn back_up(&self) -> Result<Option<String>, Failure> {
        Ok(self.backups.copy(&self.file)?.map(Into::into))
    }

    pub(super) fn add(&self) -> Result<(), Failure> {
        let mut arguments = vec!["mcp", "add"];
        match self.client {
            Client::Claude => arguments.extend(["--scope", self.scope.word()]),
            Client::Codex => {
                for variable in &self.variables {
                    arguments.extend(["--env", variable.as_str()]);
                }
            }
        }
        arguments.extend([NAME, "--", self.own.command.as_str()]);
        arguments.extend(self.own.args.iter().map(String::as_str));
        self.ask(&arguments).map(drop)
    }

    pub(super) fn remove(&self) -> Result<(), Failure> {
        let mut arguments = vec!["mcp", "remove"];
        if self.client == Client::Claude {
            arguments.extend(["--scope", self.scope.word()]);
        }
        arguments.push(NAME);
        self.ask(&arguments).map(drop)
    }

    /// Runs the agent's own command and returns what it said.
    fn ask(&self, arguments: &[&str]) -> Result<String, Failure> {
        let program = self
            .program
            .as_deref()
            .unwrap_or_else(|| self.client.program().as_ref());
        let failed = |why: &str| {
            let command = format!("{} {}", self.client.program(), arguments.join(" "));
            Failure::new(
                Kind::Failed,
                format!("`{command}` did not work: {}", why.trim()),
            )
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that runs the agents' own commands"
        )]
        let said = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(&error.to_string()))?;
        if !said.status.success() {
            let stderr = String::from_utf8_lossy(&said.stderr);
            let stdout = String::from_utf8_lossy(&said.stdout);
            return Err(failed(if stderr.trim().is_empty() {
                &stdout
            } else {
                &stderr
            }));
        }
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }
}

impl Scope {
    const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        }
    }
}
