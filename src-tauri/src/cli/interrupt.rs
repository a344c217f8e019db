//! `mission-control interrupt`.

use std::process::ExitCode;

use mission_control_engine::interrupt::{NotInterrupted, interrupt};

use super::Format;
use super::failure::{Failure, Kind};
use super::live;
use super::output::Output;

pub(super) fn run(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let options = live::options()?;
    let looked = live::look()?;
    let session = live::find(&looked, id)?;
    let failed = |error: &NotInterrupted| {
        let kind = match error {
            NotInterrupted::NotAvailable { .. } => Kind::NotAvailable,
            NotInterrupted::NoTurn
            | NotInterrupted::Over
            | NotInterrupted::Refused(_)
            | NotInterrupted::Server(_) => Kind::Failed,
        };
        let failure = Failure::new(kind, error.sentence(&session.id));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    };
    let interrupted = interrupt(&options.places, session, None).map_err(|error| failed(&error))?;
    match format {
        Format::Json => output.json_document(&interrupted)?,
        Format::People => output.line(&interrupted.sentence())?,
    }
    Ok(if interrupted.interrupted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
