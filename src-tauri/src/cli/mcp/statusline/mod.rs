//! Claude Code's status line: showing running tasks there, beside what the person has there.
//!
//! An entry of the person is written into the command of ours, whole and as it stood, so that it
//! is found again wherever the settings file goes. Other keys of the file are not touched.

mod ours;

use std::path::Path;

use mission_control_engine::places::Environment;
use serde::Serialize;
use serde_json::Value;

use super::{NAME, Scope};
use crate::cli::agent_file::{AgentFile, Backups, ObjectText};
use crate::cli::failure::{Failure, Kind};
use ours::Ours;

pub(super) use ours::run;

/// The key of Claude Code's settings.
const KEY: &str = "statusLine";

/// How often Claude Code asks for the line while nothing changes, in seconds.
const REFRESH_S: u8 = 5;

/// How Claude Code's status line stands towards this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// There is none.
    Absent,
    /// It is ours.
    Installed,
    /// It is ours, and runs the person's own as well.
    Wrapped,
    /// It is that of a Mission Control somewhere else.
    Different,
    /// It is the person's own.
    Foreign,
    /// The settings file is no JSON object.
    Unreadable,
}

/// One settings file of Claude Code.
pub(super) struct Statusline {
    file: AgentFile,
    /// The program that is to be started.
    program: String,
}

/// What was found and done.
pub(super) struct Outcome {
    pub(super) state: State,
    pub(super) change: Change,
}

/// Whether the settings file was written.
pub(super) enum Change {
    /// It was not.
    None,
    /// It was.
    Written {
        /// Where a copy of what was there before lies, if there was anything.
        backup: Option<String>,
    },
}

/// The settings file as it was read.
enum Found {
    Nothing,
    Text(String),
}

/// The entry of the settings file.
enum Entry<'a> {
    None,
    /// One of a Mission Control, and its text.
    Ours(Ours, &'a str),
    /// The text of another one.
    Foreign(&'a str),
}

impl Found {
    /// Returns whether our line may be in it; every one of ours names this program.
    fn may_be_ours(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(text) => text.contains(NAME) && text.contains(" statusline"),
        }
    }
}

impl Statusline {
    pub(super) fn find(
        scope: Scope,
        environment: &Environment,
        program: &str,
    ) -> Result<Self, Failure> {
        let project = environment.current_folder.clone().unwrap_or_default();
        let file = match scope {
            Scope::User => match (&environment.claude_config_dir, &environment.home) {
                (Some(folder), _) => project.join(folder).join("settings.json"),
                (None, Some(home)) => home.join(".claude/settings.json"),
                (None, None) => {
                    let title = "There is no home folder, so Claude Code's settings are not found.";
                    return Err(Failure::new(Kind::NotFound, title)
                        .hint("Set `HOME` or `CLAUDE_CONFIG_DIR`."));
                }
            },
            Scope::Project => project.join(".claude/settings.json"),
            Scope::Local => project.join(".claude/settings.local.json"),
        };
        Ok(Self {
            file: AgentFile::new(file.into()),
            program: program.to_owned(),
        })
    }

    pub(super) fn file(&self) -> &Path {
        self.file.path()
    }

    /// Looks only.
    pub(super) fn look(&self) -> Result<Outcome, Failure> {
        let state = match self.read()? {
            Found::Nothing => State::Absent,
            Found::Text(text) => match ObjectText::parse(&text) {
                Ok(settings) => self.state(&entry(Some(&settings))),
                Err(_) => State::Unreadable,
            },
        };
        Ok(Outcome {
            state,
            change: Change::None,
        })
    }

    /// Makes sure that the settings can be changed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.parsed(&self.read()?).map(drop)
    }

    /// Makes sure that our line can be taken away, if there may be one.
    pub(super) fn check_ours(&self) -> Result<(), Failure> {
        let found = self.read()?;
        match self.parsed(&found) {
            Err(failure) if found.may_be_ours() => Err(failure),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Adds our line, around the person's own if there is one.
    pub(super) fn install(&self, backups: &Backups) -> Result<Outcome, Failure> {
        let found = self.read()?;
        let settings = self.parsed(&found)?;
        let alone = Ours {
            program: self.program.clone(),
            around: None,
        };
        let value = match entry(settings.as_ref()) {
            Entry::None => fresh(&alone),
            Entry::Ours(ours, _) if ours.program == self.program => return self.look(),
            Entry::Ours(ours, text) => {
                let around = ours.around;
                with_command(text, &Ours { around, ..alone })
            }
            Entry::Foreign(text) => {
                let around = Some(text.to_owned());
                at_least_as_often(&with_command(text, &Ours { around, ..alone }))
            }
        };
        let text = settings.map_or_else(|| made(&value), |settings| settings.with(KEY, &value));
        self.change(Some(&text), backups)
    }

    /// Takes our line away and gives the person's own back.
    pub(super) fn remove(&self, backups: &Backups) -> Result<Outcome, Failure> {
        let found = self.read()?;
        let settings = match self.parsed(&found) {
            Err(_) if !found.may_be_ours() => return self.look(),
            parsed => parsed?,
        };
        let Some(settings) = settings else {
            return self.look();
        };
        let Entry::Ours(ours, before) = entry(Some(&settings)) else {
            return self.look();
        };
        // A file that only we ever wrote into goes as it came.
        let is_made =
            || matches!(&found, Found::Text(text) if *text == made(before)) && !self.file.is_link();
        let text = match &ours.around {
            Some(original) => Some(settings.with(KEY, original)),
            None if is_made() => None,
            None => Some(settings.without(KEY)),
        };
        self.change(text.as_deref(), backups)
    }

    fn state(&self, entry: &Entry) -> State {
        match entry {
            Entry::None => State::Absent,
            Entry::Foreign(_) => State::Foreign,
            Entry::Ours(ours, _) if ours.program != self.program => State::Different,
            Entry::Ours(Ours { around: None, .. }, _) => State::Installed,
            Entry::Ours(
                Ours {
                    around: Some(_), ..
                },
                _,
            ) => State::Wrapped,
        }
    }

    fn read(&self) -> Result<Found, Failure> {
        Ok(match self.file.read()? {
            Some(text) => Found::Text(text),
            None => Found::Nothing,
        })
    }

    fn parsed<'a>(&self, found: &'a Found) -> Result<Option<ObjectText<'a>>, Failure> {
        let Found::Text(text) = found else {
            return Ok(None);
        };
        let parsed = ObjectText::parse(text).map(Some);
        parsed.map_err(|error| self.file.no_object(&error))
    }

    fn change(&self, text: Option<&str>, backups: &Backups) -> Result<Outcome, Failure> {
        let backup = self.file.change(text, backups)?;
        Ok(Outcome {
            change: Change::Written { backup },
            ..self.look()?
        })
    }
}

fn entry<'a>(settings: Option<&ObjectText<'a>>) -> Entry<'a> {
    let Some(text) = settings.and_then(|settings| settings.value(KEY)) else {
        return Entry::None;
    };
    match ours::command(text).and_then(|command| Ours::parse(&command)) {
        Some(ours) => Entry::Ours(ours, text),
        None => Entry::Foreign(text),
    }
}

fn fresh(ours: &Ours) -> String {
    let command = quoted(&ours.command());
    format!(r#"{{ "type": "command", "command": {command}, "refreshInterval": {REFRESH_S} }}"#)
}

/// Returns a settings file with nothing else in it.
fn made(value: &str) -> String {
    format!("{{\n  \"{KEY}\": {value}\n}}\n")
}

/// Returns an entry with another command and whatever else it says, such as its padding.
fn with_command(entry: &str, ours: &Ours) -> String {
    // What starts no command is nothing that Claude Code understands; it is kept, not shown.
    match (ours::command(entry), ObjectText::parse(entry)) {
        (Some(_), Ok(object)) => object.with("command", &quoted(&ours.command())),
        (Some(_) | None, Ok(_) | Err(_)) => fresh(ours),
    }
}

/// Returns an entry that is asked for as often as ours has to be, or more often.
fn at_least_as_often(entry: &str) -> String {
    let Ok(object) = ObjectText::parse(entry) else {
        return entry.to_owned();
    };
    let every_s: Option<f64> = object
        .value("refreshInterval")
        .and_then(|value| value.parse().ok());
    match every_s {
        Some(every_s) if every_s <= f64::from(REFRESH_S) => entry.to_owned(),
        Some(_) | None => object.with("refreshInterval", &REFRESH_S.to_string()),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
