//! `mission-control stop`.

use std::process::ExitCode;

use mission_control_engine::monitor::Monitor;
use mission_control_engine::places::Environment;
use mission_control_engine::settings::Settings;
use mission_control_engine::stop::{StopPlaces, stop};

use super::Format;
use super::failure::{Failure, Kind};
use super::live;
use super::output::Output;

pub(super) fn run(id: &str, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let options = live::options()?;
    let settings =
        Settings::load(&options.places.settings_file).map_err(|error| Failure::of(&error))?;
    let looked = Monitor::look_once(&options);
    let session = live::find(&looked, id)?;
    let at = StopPlaces {
        environment: &Environment::read(),
        settings: &settings,
        places: &options.places,
    };
    let stopped = stop(&at, &looked.sessions, session).map_err(|refusal| {
        let kind = if refusal.is_not_available() {
            Kind::NotAvailable
        } else {
            Kind::Failed
        };
        let failure = Failure::new(kind, refusal.sentence(&session.id));
        match refusal.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    match format {
        Format::Json => output.json_document(&stopped)?,
        Format::People => {
            for sentence in stopped.sentences(settings.stop.grace_seconds.duration()) {
                output.line(&sentence)?;
            }
        }
    }
    Ok(if stopped.stopped {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
