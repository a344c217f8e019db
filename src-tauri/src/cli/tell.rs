//! `mission-control tell`.

use std::io::Read as _;
use std::process::ExitCode;

use mission_control_core::message::{Aim, MOST_BYTES, TextFault};
use mission_control_engine::messenger::Messenger;
use mission_control_engine::places::Environment;
use mission_control_engine::settings::Settings;

use super::Format;
use super::failure::{Failure, Kind};
use super::live;
use super::output::Output;

/// When a message is to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// As soon as it can.
    Soonest,
    /// Once the session is idle.
    Idle,
}

pub(super) fn run(
    id: &str,
    text: &str,
    when: When,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let read;
    let text = match text {
        "-" => {
            read = read_text()?;
            &read
        }
        text => text,
    };
    TextFault::check(text).map_err(of_text)?;
    let options = live::options()?;
    let settings =
        Settings::load(&options.places.settings_file).map_err(|error| Failure::of(&error))?;
    let looked = live::look()?;
    let session = live::find(&looked, id)?;
    let aim = match when {
        When::Soonest => session.message_way.aim().unwrap_or(Aim::Queue {}),
        When::Idle => Aim::Queue {},
    };
    let messenger = Messenger::new(&Environment::read(), &settings, &options.places);
    let sent = messenger.send(session, text, &aim).map_err(|error| {
        let kind = if error.is_not_available() {
            Kind::NotAvailable
        } else {
            Kind::Failed
        };
        let failure = Failure::new(kind, error.sentence(&session.id));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    match format {
        Format::Json => output.json_document(&sent)?,
        Format::People => output.line(&sent.sentence())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the message from standard input, up to a byte more than it may have.
fn read_text() -> Result<String, Failure> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(most.saturating_add(1));
    match input.read_to_string(&mut text) {
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        // What is cut may be cut within a character.
        Err(_) if input.limit() == 0 => Err(of_text(TextFault::TooLong)),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Failure::new(Kind::Usage, "The message is not UTF-8.")
                .hint("Send text, not the content of a binary file."))
        }
        Err(error) => Err(Failure::new(
            Kind::Failed,
            format!("Could not read standard input: {error}."),
        )),
    }
}

fn of_text(fault: TextFault) -> Failure {
    Failure::new(Kind::Usage, fault.sentence()).hint(fault.hint())
}
