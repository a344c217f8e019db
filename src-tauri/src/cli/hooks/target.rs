//! The settings file of one home: what is in it of ours, and what it is with and without that.

use std::fs;

use camino::Utf8Path;
use mission_control_core::source::Source;
use mission_control_engine::hooks::{self, Trust};
use mission_control_engine::places::Home;

use super::memory::{Known, Memory};
use super::ours::Ours;
use super::report::{Change, Done, Report};
use super::{Desk, Entry, State, Text, claude, codex};
use crate::cli::agent_file::AgentFile;
use crate::cli::failure::{Failure, Kind};

/// The settings file of one home.
pub(super) struct Target {
    home: Home,
    pub(super) file: AgentFile,
    /// What is to be called.
    ours: Ours,
}

/// A file without our entries.
pub(super) struct Left {
    /// Its text; none if the file goes.
    pub(super) text: Option<String>,
    pub(super) done: Done,
    /// Why what it was is not known, in a sentence.
    pub(super) remark: Option<String>,
}

impl Target {
    pub(super) fn new(home: &Home, ours: &Ours) -> Self {
        let file = home.path.join(match home.source {
            Source::Codex => "config.toml",
            Source::ClaudeCode => "settings.json",
        });
        Self {
            home: home.clone(),
            file: AgentFile::new(file.into()),
            ours: ours.clone(),
        }
    }

    /// Returns our entries in its text.
    pub(super) fn find(&self, text: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let found = text.map_or(Ok(Vec::new()), |text| match self.home.source {
            Source::Codex => codex::find(text),
            Source::ClaudeCode => claude::find(text),
        });
        found.map_err(|says| self.failed("read", &says))
    }

    /// Returns whether nothing but the entry that is to be there is.
    pub(super) fn is_as_wanted(&self, entries: &[Entry]) -> bool {
        matches!(entries, [only] if only.ours == self.ours)
    }

    /// Returns a text with our entry.
    pub(super) fn with(&self, text: Option<&str>) -> Result<String, Failure> {
        self.text_with(text, &self.ours)
            .map_err(|says| self.failed("changed", &says))
    }

    fn text_with(&self, text: Option<&str>, ours: &Ours) -> Result<String, String> {
        match self.home.source {
            Source::Codex => codex::with(text, ours),
            Source::ClaudeCode => claude::with(text, ours),
        }
    }

    /// Returns what the file is without our entries: as it was before if nobody changed anything
    /// else since; none if it was not there.
    pub(super) fn without(
        &self,
        text: &str,
        entries: &[Entry],
        memory: &Memory,
    ) -> Result<Left, Failure> {
        let left = match self.home.source {
            Source::Codex => codex::without(text, &self.names()?),
            Source::ClaudeCode => claude::without(text),
        }
        .map_err(|says| self.failed("changed", &says))?;
        let (left, is_empty) = match left {
            Text::Kept(left) => (left, false),
            Text::Empty(left) => (left, true),
        };
        let taken_out = |remark: Option<String>| Left {
            text: Some(left.clone()),
            done: Done::TakenOut,
            remark,
        };
        let copy = match memory.of(self.file.path()) {
            None => return Ok(taken_out(memory.lost().map(str::to_owned))),
            Some(Known::Absent) if is_empty && !self.file.is_link() => {
                return Ok(Left {
                    text: None,
                    done: Done::Gone,
                    remark: None,
                });
            }
            Some(Known::Absent) => return Ok(taken_out(None)),
            Some(Known::Copied { copy }) => copy,
        };
        let before = match fs::read_to_string(copy) {
            Ok(before) => before,
            Err(error) => {
                let remark = format!("What the file was before is not known: `{copy}`: {error}.");
                return Ok(taken_out(Some(remark)));
            }
        };
        let is_as_written = matches!(entries, [only]
            if self.text_with(Some(&before), &only.ours).is_ok_and(|with| with == text));
        // The last line got its end from us.
        let is_same = left == before
            || (!before.ends_with('\n') && left.strip_suffix('\n') == Some(before.as_str()));
        Ok(if is_as_written || is_same {
            Left {
                text: Some(before),
                done: Done::Restored,
                remark: None,
            }
        } else {
            taken_out(None)
        })
    }

    /// Returns the names that Codex may know the file by: it resolves the links of its home.
    fn names(&self) -> Result<Vec<String>, Failure> {
        let named = |home: &Utf8Path| home.join("config.toml").into_string();
        let resolved = self.home.path.canonicalize_utf8();
        let resolved = resolved.map_err(|error| self.failed("changed", &error.to_string()))?;
        Ok(vec![named(&resolved), named(&self.home.path)])
    }

    /// Looks how the agent stands towards our hook.
    pub(super) fn look(&self, desk: &Desk) -> Report {
        let found = self.file.read().and_then(|text| self.find(text.as_deref()));
        let (state, says) = match found.as_deref() {
            Err(failure) => (State::Unreadable, Some(failure.title().to_owned())),
            Ok([]) => (State::Absent, None),
            Ok([only]) if only.ours == self.ours => self.trust(desk),
            Ok(entries) => {
                let other = entries.iter().find(|entry| entry.ours != self.ours);
                let says = match other {
                    Some(other) if other.ours.program != self.ours.program => {
                        format!("It calls `{}`.", other.ours.program)
                    }
                    Some(other) => format!("It keeps its notes in `{}`.", other.ours.state),
                    None => "It is there more than once.".to_owned(),
                };
                (State::Different, Some(says))
            }
        };
        Report {
            source: self.home.source,
            home: self.home.path.to_string(),
            file: self.file.path().display().to_string(),
            state,
            says,
            change: Change::NOTHING,
            problem: None,
        }
    }

    fn trust(&self, desk: &Desk) -> (State, Option<String>) {
        let (source, home) = (self.home.source, &self.home.path);
        let command = self.ours.command(source);
        match hooks::trust(source, home, &command, &desk.environment, &desk.settings) {
            Trust::Trusted => (State::Installed, None),
            Trust::Untrusted => (State::NotTrusted, None),
            Trust::Disabled => (State::Disabled, None),
            Trust::Unknown { why } => (State::Installed, Some(why)),
        }
    }

    fn failed(&self, done: &str, says: &str) -> Failure {
        let path = self.file.path().display();
        let title = format!("`{path}` cannot be {done}: {says}.");
        Failure::new(Kind::Failed, title).hint("It was left as it is.")
    }
}
