//! `mission-control open`.

use std::process::ExitCode;

use mission_control_engine::monitor::Monitor;
use mission_control_engine::places::Environment;
use mission_control_engine::whereabouts;

use super::Format;
use super::failure::{Failure, Kind};
use super::live;
use super::output::Output;

pub(super) fn run(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let options = live::options()?;
    let looked = Monitor::look_once(&options);
    let session = live::find(&looked, id)?;
    let opened = whereabouts::go(&Environment::read(), &options.places, session);
    match (format, &opened.command) {
        (Format::Json, _) => output.json_document(&opened)?,
        (Format::People, _) if opened.opened => output.line(&opened.says)?,
        (Format::People, Some(command)) => output.line(command)?,
        (Format::People, None) => {}
    }
    if opened.opened {
        return Ok(ExitCode::SUCCESS);
    }
    output.flush()?;
    let failure = Failure::new(Kind::NotAvailable, opened.says);
    Err(match opened.command {
        Some(_) => failure.hint("The command above takes the session up in a terminal."),
        None => failure,
    })
}
