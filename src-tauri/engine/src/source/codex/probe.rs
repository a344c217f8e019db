//! Asks the installed Codex about itself, without network and without reading its secrets.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::health::{Check, CheckState};

use crate::command::{self, CommandError, Finished};
use crate::places::Environment;

/// How long each question may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks for the program, at `program` if the settings name it, and for a login.
pub(crate) fn probe(environment: &Environment, program: Option<&str>) -> Vec<Check> {
    let Some(program) = self::program(environment, program) else {
        return vec![Check {
            id: "codex".to_owned(),
            label: "Codex".to_owned(),
            state: CheckState::Absent,
            says: "There is no `codex` in the folders of `PATH`.".to_owned(),
            hint: Some("Sessions are shown without it; delegating tasks needs it.".to_owned()),
            evidence: None,
        }];
    };
    vec![version(&program), login(&program)]
}

/// Returns the program, at `named` if the settings name it.
pub(crate) fn program(environment: &Environment, named: Option<&str>) -> Option<Utf8PathBuf> {
    match named {
        Some(program) => Some(Utf8PathBuf::from(program)),
        None => command::find("codex", &environment.program_folders),
    }
}

fn version(program: &Utf8Path) -> Check {
    let answer = command::run(program, &["--version"], LIMIT);
    let (state, says) = match answer {
        Ok(finished) if finished.code == Some(0) => (
            CheckState::Ok,
            format!("`{program}` is {}.", first_line(&finished.said())),
        ),
        Ok(finished) => (
            CheckState::Problem,
            format!("`{program} --version` {}.", ending(&finished)),
        ),
        Err(error) => (CheckState::Problem, could_not(&error)),
    };
    let hint = (state != CheckState::Ok).then(|| "Install Codex again.".to_owned());
    check("codex", "Codex", state, says, hint)
}

fn login(program: &Utf8Path) -> Check {
    let answer = command::run(program, &["login", "status"], LIMIT);
    let hint = Some("Run `codex login`.".to_owned());
    let (id, label) = ("codex_login", "Codex login");
    match answer {
        Ok(finished) if finished.code == Some(0) => check(
            id,
            label,
            CheckState::Ok,
            format!("{}.", first_line(&finished.said())),
            None,
        ),
        Ok(finished) if finished.code == Some(1) && !first_line(&finished.said()).is_empty() => {
            check(
                id,
                label,
                CheckState::Warning,
                format!("{}.", first_line(&finished.said())),
                hint,
            )
        }
        Ok(finished) => {
            let says = format!("`{program} login status` {}.", ending(&finished));
            check(id, label, CheckState::Warning, says, hint)
        }
        Err(error) => check(id, label, CheckState::Warning, could_not(&error), hint),
    }
}

fn check(id: &str, label: &str, state: CheckState, says: String, hint: Option<String>) -> Check {
    Check {
        id: id.to_owned(),
        label: label.to_owned(),
        state,
        says,
        hint,
        evidence: None,
    }
}

/// The last warning lines of a wrapper may come first; the answer is the last line that is text.
fn first_line(said: &str) -> &str {
    let is_answer = |line: &&str| !line.is_empty() && !line.starts_with("WARNING");
    let answer = said.lines().map(str::trim).find(is_answer);
    answer.unwrap_or_default().trim_end_matches('.')
}

fn ending(finished: &Finished) -> String {
    match finished.code {
        Some(code) => format!("ended with code {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

fn could_not(error: &CommandError) -> String {
    format!("Mission Control could not {error}.")
}
