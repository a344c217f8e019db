//! Asks the installed Claude Code about itself, without network and without reading its secrets.

use std::time::Duration;

use mission_control_core::health::{Check, CheckState};

use crate::command;
use crate::places::Environment;

/// How long the question may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks for the program and asks it for its version.
pub(crate) fn probe(environment: &Environment) -> Vec<Check> {
    let Some(program) = command::find("claude", &environment.program_folders) else {
        return vec![Check {
            id: "claude_code".to_owned(),
            label: "Claude Code".to_owned(),
            state: CheckState::Absent,
            says: "There is no `claude` in the folders of `PATH`.".to_owned(),
            hint: Some("Sessions are shown without it.".to_owned()),
            evidence: None,
        }];
    };
    let (state, says) = match command::run(&program, &["--version"], LIMIT) {
        Ok(finished) if finished.code == Some(0) => {
            let said = finished.said();
            let version = said.lines().map(str::trim).find(|line| !line.is_empty());
            let version = version.unwrap_or("of a version it does not name");
            (CheckState::Ok, format!("`{program}` is {version}."))
        }
        Ok(finished) => {
            let ending = match finished.code {
                Some(code) => format!("ended with code {code}"),
                None => "was ended by a signal".to_owned(),
            };
            (
                CheckState::Problem,
                format!("`{program} --version` {ending}."),
            )
        }
        Err(error) => (
            CheckState::Problem,
            format!("Mission Control could not {error}."),
        ),
    };
    vec![Check {
        id: "claude_code".to_owned(),
        label: "Claude Code".to_owned(),
        state,
        says,
        hint: (state != CheckState::Ok).then(|| "Install Claude Code again.".to_owned()),
        evidence: None,
    }]
}
