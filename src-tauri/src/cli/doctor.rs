//! `mission-control doctor`.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use mission_control_core::health::{Check, CheckState, Supply};
use mission_control_engine::doctor::examine;
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;

use super::Format;
use super::failure::Failure;
use super::output::{Output, styled};

pub(super) fn run(format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let environment = Environment::read();
    // Settings that cannot be used are one of the things to report.
    let places = Places::from_environment()
        .or_else(|_| Places::resolve(&environment, &Settings::default()))
        .map_err(|error| Failure::of(&error))?;
    let report = examine(&places, &environment, Vec::new());
    match format {
        Format::Json => output.json_document(&report)?,
        Format::People => {
            output.line(&format!("Mission Control {}", report.version))?;
            for check in &report.checks {
                output.text(&lines(check))?;
            }
        }
    }
    let has_problem = report
        .checks
        .iter()
        .any(|check| check.state == CheckState::Problem);
    Ok(if has_problem {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn lines(check: &Check) -> String {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    let (sign, style) = match check.state {
        CheckState::Ok => ("✓", colour(AnsiColor::Green)),
        CheckState::Absent => ("–", Style::new().dimmed()),
        CheckState::Warning => ("!", colour(AnsiColor::Yellow)),
        CheckState::Problem => ("✕", colour(AnsiColor::Red)),
    };
    let mut text = format!(
        "{} {:<24} {}\n",
        styled(style, sign),
        check.label,
        says(check)
    );
    if let Some(hint) = &check.hint {
        text.push_str(&styled(
            Style::new().dimmed(),
            &format!("  {:<24} {hint}", ""),
        ));
        text.push('\n');
    }
    text
}

/// Evidence that is not fresh says so first: its sign alone would leave open what that means.
fn says(check: &Check) -> String {
    let supply = check.evidence.as_ref().map(|evidence| evidence.supply);
    match supply {
        Some(Supply::Stale) => format!("Stale. {}", check.says),
        Some(Supply::Unavailable) => format!("Unavailable. {}", check.says),
        Some(Supply::Fresh) | None => check.says.clone(),
    }
}
