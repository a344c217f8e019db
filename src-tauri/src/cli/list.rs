//! `mission-control list`.

use std::process::ExitCode;

use mission_control_core::event::Summary;
use mission_control_core::session::{LiveSession, Status};
use serde::Serialize;

use super::Format;
use super::failure::Failure;
use super::live;
use super::output::Output;
use super::table;

/// Which sessions are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that live.
    Live,
    /// Those that ended lately, too.
    All,
}

#[derive(Serialize)]
struct Document<'a> {
    sessions: &'a [LiveSession],
    summary: Summary,
}

pub(super) fn run(which: Which, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let looked = live::look()?;
    let tasks_running = looked.summary.tasks_running;
    let n_ended = looked.summary.done;
    let sessions: Vec<LiveSession> = looked
        .sessions
        .into_iter()
        .filter(|session| which == Which::All || session.status != Status::Done)
        .collect();
    let summary = Summary {
        tasks_running,
        ..Summary::of(&sessions)
    };
    match format {
        Format::Json => output.json_document(&Document {
            sessions: &sessions,
            summary,
        })?,
        Format::People => {
            for problem in &looked.problems {
                output.line(&live::problem_line(problem))?;
            }
            if sessions.is_empty() {
                output.line(live::NOTHING_RUNS)?;
                if n_ended > 0 {
                    output.line(&format!(
                        "{n_ended} ended lately: mission-control list --all"
                    ))?;
                }
            } else {
                for line in table::lines(&sessions, live::now(), output.width()) {
                    output.line(&line)?;
                }
                output.line("")?;
                output.line(&table::summary_line(&summary))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
