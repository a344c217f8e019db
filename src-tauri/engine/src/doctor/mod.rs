//! What was found on this machine, what is missing, and what to do.

mod homes;

use std::path::Path;

use mission_control_core::health::{Check, CheckState, HealthReport, Problem};

use crate::hooks;
use crate::locks::LockTable;
use crate::places::{Environment, Places};
use crate::settings::Settings;
use crate::source;
use crate::store::Store;
use crate::watch::{FolderWatch, MOST_FOLDERS};

/// Looks at everything this program depends on. `further` are checks only a face can make; they
/// come last. Takes as long as the agent's own probes, at most ten seconds.
#[must_use]
pub fn examine(places: &Places, environment: &Environment, further: Vec<Check>) -> HealthReport {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut checks = vec![
        ok("version", "Mission Control", format!("Version {version}.")),
        state(places),
        settings(places),
    ];
    // That the settings cannot be read is a check of its own.
    let settings = Settings::load(&places.settings_file).unwrap_or_default();
    checks.extend(homes::checks(places, &settings));
    checks.extend(source::probe(environment, &settings));
    checks.extend([
        locks(),
        watching(places),
        display(environment),
        session_bus(environment),
        hooked(places),
        lingering(environment),
    ]);
    checks.extend(further);
    HealthReport { version, checks }
}

fn check(id: &str, label: &str, state: CheckState, says: impl Into<String>) -> Check {
    Check {
        id: id.to_owned(),
        label: label.to_owned(),
        state,
        says: says.into(),
        hint: None,
        evidence: None,
    }
}

fn ok(id: &str, label: &str, says: impl Into<String>) -> Check {
    check(id, label, CheckState::Ok, says)
}

fn with_hint(check: Check, hint: impl Into<String>) -> Check {
    Check {
        hint: Some(hint.into()),
        ..check
    }
}

fn of_problem(id: &str, label: &str, problem: Problem) -> Check {
    Check {
        id: id.to_owned(),
        label: label.to_owned(),
        state: CheckState::Problem,
        says: problem.detail.unwrap_or(problem.title),
        hint: problem.hint,
        evidence: None,
    }
}

fn state(places: &Places) -> Check {
    let (id, label) = ("state", "State folder");
    if !Store::exists(&places.state) {
        let says = format!("Nothing is kept in `{}` yet.", places.state);
        return check(id, label, CheckState::Absent, says);
    }
    match Store::open(&places.state) {
        Ok(_) => ok(id, label, format!("`{}` is in order.", places.state)),
        Err(error) => of_problem(id, label, error.problem()),
    }
}

fn settings(places: &Places) -> Check {
    let (id, label) = ("settings", "Settings");
    let path = &places.settings_file;
    match Settings::load(path) {
        Ok(_) if path.exists() => ok(id, label, format!("`{path}` is in order.")),
        Ok(_) => {
            let says = format!("There is no `{path}`; the defaults hold.");
            check(id, label, CheckState::Absent, says)
        }
        Err(error) => with_hint(
            check(
                id,
                label,
                CheckState::Problem,
                format!("Mission Control could not {}.", chain(&error)),
            ),
            "Correct the file; until then the tray uses the defaults and the commands refuse.",
        ),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Which agents call is in their settings; `hooks status` reads those.
fn hooked(places: &Places) -> Check {
    let (id, label) = ("hooks", "Hooks");
    if !hooks::folder(&places.state).is_dir() {
        let says = "None were put in; nothing but answering Claude Code from here needs them.";
        return check(id, label, CheckState::Absent, says);
    }
    let Some(trouble) = hooks::trouble(&places.state) else {
        let tray = if hooks::is_attended(&places.state) {
            "The tray runs: what waits can be answered."
        } else {
            "No tray runs: they wait for nobody."
        };
        return ok(id, label, format!("No call went wrong. {tray}"));
    };
    with_hint(
        check(
            id,
            label,
            CheckState::Warning,
            format!("A call went wrong at {}: {}", trouble.at, trouble.says),
        ),
        "The agent went on without it. `mission-control hooks status` shows how they stand.",
    )
}

/// Under systemd the end of a login may end what it started, delegated tasks included.
fn lingering(environment: &Environment) -> Check {
    let (id, label) = ("lingering", "Tasks after logout");
    if !Path::new("/run/systemd/system").is_dir() {
        return ok(id, label, "Nothing here ends tasks at logout.");
    }
    let user = environment.user.as_deref().unwrap_or_default();
    if !user.is_empty() && Path::new("/var/lib/systemd/linger").join(user).exists() {
        return ok(id, label, "Tasks go on after logout.");
    }
    with_hint(
        check(
            id,
            label,
            CheckState::Warning,
            "The end of your login may end delegated tasks.",
        ),
        "Allow them to go on with `loginctl enable-linger`.",
    )
}

fn locks() -> Check {
    let (id, label) = ("locks", "Who writes a session");
    match LockTable::read().hindrance() {
        None => ok(id, label, "File locks can be looked up."),
        Some(why) => with_hint(
            check(id, label, CheckState::Warning, why),
            "Open sessions are told from ended ones by the running processes alone.",
        ),
    }
}

fn watching(places: &Places) -> Check {
    let (id, label) = ("watching", "Live updates");
    let folders: Vec<_> = places
        .homes
        .iter()
        .map(|home| home.path.clone())
        .filter(|path| path.is_dir())
        .collect();
    match FolderWatch::new(MOST_FOLDERS).set(&folders).hindrance {
        Some(why) => with_hint(
            check(id, label, CheckState::Warning, why),
            "Raise `fs.inotify.max_user_watches` and `fs.inotify.max_user_instances`.",
        ),
        None => {
            let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
            let limit = limit.map(|limit| format!(" The limit is {} watches.", limit.trim()));
            let says = format!(
                "The system tells of changes; at most {MOST_FOLDERS} folders are watched.{}",
                limit.unwrap_or_default()
            );
            ok(id, label, says)
        }
    }
}

fn display(environment: &Environment) -> Check {
    let (id, label) = ("display", "Display");
    match &environment.display {
        Some(display) => ok(id, label, format!("There is one: {display}.")),
        None => with_hint(
            check(id, label, CheckState::Absent, "There is none here."),
            "Without one use `mission-control watch`.",
        ),
    }
}

fn session_bus(environment: &Environment) -> Check {
    let (id, label) = ("session_bus", "Session bus");
    match &environment.session_bus {
        Some(address) => ok(id, label, format!("There is one: {address}.")),
        None => with_hint(
            check(id, label, CheckState::Absent, "There is none here."),
            "Without one there are no notifications and no tray icon.",
        ),
    }
}

#[cfg(test)]
mod tests;
