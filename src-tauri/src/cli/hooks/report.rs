//! What was found and done at one home, for people and for programs.

use mission_control_core::source::Source;
use serde::Serialize;

use super::State;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// What was found and done at one home.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) source: Source,
    pub(super) home: String,
    pub(super) file: String,
    pub(super) state: State,
    /// What there is to say about the state.
    pub(super) says: Option<String>,
    #[serde(flatten)]
    pub(super) change: Change,
    /// Why what was asked for was not done, in sentences.
    pub(super) problem: Option<String>,
}

/// What was done to the file.
#[derive(Serialize)]
pub(super) struct Change {
    pub(super) done: Done,
    pub(super) changed: bool,
    /// The copy of what was there before.
    pub(super) backup: Option<String>,
    /// What else there is to know about it, in sentences.
    pub(super) remark: Option<String>,
}

/// How far a file is from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Done {
    /// Nothing was done.
    Nothing,
    /// Our entry was added.
    Added,
    /// Our entry was taken out; the rest is as somebody left it.
    TakenOut,
    /// The file is what it was before our entry came into it, byte for byte.
    Restored,
    /// The file was made for our entry, and is gone again.
    Gone,
}

impl Change {
    pub(super) const NOTHING: Self = Self {
        done: Done::Nothing,
        changed: false,
        backup: None,
        remark: None,
    };

    pub(super) const fn new(done: Done, backup: Option<String>, remark: Option<String>) -> Self {
        Self {
            done,
            changed: true,
            backup,
            remark,
        }
    }
}

impl Report {
    pub(super) fn with(self, change: Change) -> Self {
        Self { change, ..self }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        output.line(&format!("{}, {}", self.source.label(), self.home))?;
        if let Some(problem) = &self.problem {
            output.line(&format!("  {problem}"))?;
        }
        if self.problem.is_none() || self.state != State::Unreadable {
            output.line(&format!("  {}", self.sentence()))?;
        }
        if let Some(remark) = &self.change.remark {
            output.line(&format!("  {remark}"))?;
        }
        match &self.change.backup {
            Some(backup) => output.line(&format!("  What was there before is in {backup}")),
            None => Ok(()),
        }
    }

    fn sentence(&self) -> String {
        let says = self.says.as_deref().unwrap_or_default();
        match (self.state, self.source) {
            (State::Installed, Source::ClaudeCode) => {
                "Installed. While the tray runs, what it asks can be answered from here. Sessions that \
                     run already may have to be started again."
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
            (State::Disabled, Source::Codex) => "Installed, and switched off in Codex.".to_owned(),
            (State::Disabled, Source::ClaudeCode) => {
                "Installed, and switched off: `disableAllHooks` is set in this file.".to_owned()
            }
            (State::Different, _) => {
                format!("{says} `mission-control hooks install` corrects it.")
            }
            (State::Absent, _) => match self.change.done {
                Done::Nothing | Done::Added => {
                    "Not installed. `mission-control hooks install` adds the hook."
                }
                Done::TakenOut => "Removed.",
                Done::Restored => "Removed. The file is as it was.",
                Done::Gone => "Removed, with the file: it was made for the hook.",
            }
            .to_owned(),
            (State::Unreadable, _) => says.to_owned(),
        }
    }
}
