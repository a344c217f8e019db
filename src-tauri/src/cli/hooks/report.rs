//! What was found and done at one home, for people and for programs.

use camino::Utf8Path;
use mission_control_core::source::Source;
use mission_control_engine::places::Home;
use serde::Serialize;

use super::State;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// What was found and done at one home.
#[derive(Serialize)]
pub(super) struct Report {
    source: Source,
    home: String,
    file: String,
    state: State,
    /// What there is to say about the state.
    says: Option<String>,
    changed: bool,
    backup: Option<String>,
}

impl Report {
    pub(super) fn new(
        home: &Home,
        file: Option<&Utf8Path>,
        state: State,
        says: Option<String>,
    ) -> Self {
        Self {
            source: home.source,
            home: home.path.to_string(),
            file: file.map(ToString::to_string).unwrap_or_default(),
            state,
            says,
            changed: false,
            backup: None,
        }
    }

    pub(super) fn with_change(self, changed: bool, backup: Option<String>) -> Self {
        Self {
            changed,
            backup,
            ..self
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        output.line(&format!("{}, {}", self.source.label(), self.home))?;
        output.line(&format!("  {}", self.sentence()))?;
        match &self.backup {
            Some(backup) => output.line(&format!("  What was there before is in {backup}")),
            None => Ok(()),
        }
    }

    fn sentence(&self) -> String {
        let says = self.says.as_deref().unwrap_or_default();
        match (self.state, self.source) {
            (State::Installed, Source::ClaudeCode) => {
                "Installed. What it asks while the tray runs can be answered from here, by sessions \
                 that start from now on at the latest."
                    .to_owned()
            }
            (State::Installed, Source::Codex) if self.says.is_some() => {
                format!("Installed. Whether you trust the hook is not known: {says}")
            }
            (State::Installed, Source::Codex) => {
                "Installed and trusted. Requests of sessions outside the daemon are seen.".to_owned()
            }
            (State::NotTrusted, _) => {
                "Installed, not trusted yet: open Codex and type /hooks.".to_owned()
            }
            (State::Disabled, _) => "Installed, and switched off in Codex.".to_owned(),
            (State::Different, _) => format!(
                "It calls {says}, or keeps its notes elsewhere. `mission-control hooks install` \
                 corrects it."
            ),
            (State::Absent, _) if self.changed => "Removed. The file is as it was.".to_owned(),
            (State::Absent, _) => {
                "Not installed. `mission-control hooks install` adds the hook.".to_owned()
            }
            (State::Unreadable, _) => format!("`{}` cannot be read: {says}.", self.file),
        }
    }
}
