//! `mission-control answer`: what a session or a task asks a person.

use std::process::ExitCode;

use mission_control_core::session::{LiveSession, SessionId, Status};
use mission_control_core::source::Source;
use mission_control_core::task::model::TaskId;
use mission_control_engine::answering::{self, SessionAnswered};
use mission_control_engine::task::act;
use serde::Serialize;

use super::{Desk, store_failure};
use crate::cli::Format;
use crate::cli::failure::{Failure, Kind};
use crate::cli::live;
use crate::cli::output::Output;

#[derive(Serialize)]
struct Document<'a> {
    session_id: Option<&'a str>,
    task_id: Option<&'a TaskId>,
    request_id: &'a str,
    answer: &'a str,
    /// Whether whoever asked said that the answer counts.
    confirmed: bool,
}

pub(super) fn answer(
    id: &str,
    request: &str,
    answer: &str,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_look()?;
    let ids = desk.store.task_ids(id);
    let ids = ids.map_err(|error| store_failure(&error))?;
    if !ids.is_empty() {
        return answer_task(id, request, answer, format, output);
    }
    // Whoever waits is not to wait for a look at everything.
    if let Some(session) = SessionId::parse(id)
        && let Some(confirmed) = answered_at_once(&session, request, answer)?
    {
        return said_of(&session, request, answer, confirmed, format, output);
    }
    let sessions = live::look()?;
    match sessions.session(id) {
        Some(session) => answer_session(session, request, answer, format, output),
        None => Err(Failure::new(
            Kind::NotFound,
            format!("There is no session and no task `{id}`."),
        )
        .hint("`mission-control list` and `mission-control tasks` show them.")),
    }
}

fn answer_task(
    id: &str,
    request: &str,
    answer: &str,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let desk = Desk::to_write()?;
    let id = desk.find(id)?;
    let parsed = act::Answer::parse(answer).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            "The answer is `accept` or `decline`.".to_owned(),
        )
    })?;
    let answered = act::answer(&desk.context, &desk.store, &id, request, parsed)
        .map_err(|error| store_failure(&error))?;
    match answered {
        act::Answered::Taken => {
            let document = Document {
                session_id: None,
                task_id: Some(&id),
                request_id: request,
                answer,
                confirmed: true,
            };
            said(&document, format, output)
        }
        act::Answered::NothingAsked => Err(Failure::new(
            Kind::NotFound,
            format!("Task {id} does not wait for `{request}`."),
        )),
    }
}

/// Answers a session that is named in full. None where it has to be looked at, to say why it cannot
/// be answered; else whether it was confirmed.
fn answered_at_once(
    session: &SessionId,
    request: &str,
    answer: &str,
) -> Result<Option<bool>, Failure> {
    let places = live::options()?.places;
    let answered = answering::answer_blocking(&places, session, None, request, answer);
    Ok(match answered.map_err(|error| Failure::of(&error))? {
        SessionAnswered::Confirmed => Some(true),
        SessionAnswered::Unconfirmed => Some(false),
        SessionAnswered::NotOffered(says) => return Err(Failure::new(Kind::Usage, says)),
        SessionAnswered::NotPending | SessionAnswered::NotReachable => None,
    })
}

fn said_of(
    session: &SessionId,
    request: &str,
    answer: &str,
    confirmed: bool,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let document = Document {
        session_id: Some(session.as_str()),
        task_id: None,
        request_id: request,
        answer,
        confirmed,
    };
    said(&document, format, output)
}

fn answer_session(
    session: &LiveSession,
    request: &str,
    answer: &str,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let places = live::options()?.places;
    let transcript = session.transcript_path.as_deref();
    let answered = answering::answer_blocking(&places, &session.id, transcript, request, answer);
    let id = &session.id;
    let confirmed = match answered.map_err(|error| Failure::of(&error))? {
        SessionAnswered::Confirmed => true,
        SessionAnswered::Unconfirmed => false,
        SessionAnswered::NotPending => return Err(not_pending(session, request)),
        SessionAnswered::NotOffered(says) => return Err(Failure::new(Kind::Usage, says)),
        SessionAnswered::NotReachable => {
            let title = format!("Session {id} cannot be answered from here.");
            let failure = Failure::new(Kind::NotAvailable, title);
            return Err(match session.status {
                Status::NeedsYou if session.source == Source::ClaudeCode => failure.hint(
                    "Answer it where it runs. After `mission-control hooks install`, what is asked \
                     while the tray runs can be answered from here.",
                ),
                Status::NeedsYou => failure.hint("Answer it where it runs."),
                Status::Working | Status::Paused | Status::Done | Status::Unknown => {
                    failure.hint("It asks for nothing.")
                }
            });
        }
    };
    said_of(id, request, answer, confirmed, format, output)
}

fn not_pending(session: &LiveSession, request: &str) -> Failure {
    let id = &session.id;
    let title = format!("Session {id} does not wait for `{request}` any more, or never did.");
    let failure = Failure::new(Kind::NotFound, title);
    match &session.need {
        Some(need) => failure.hint(format!("It waits for `{}`.", need.request_id)),
        None => failure.hint("It was answered elsewhere, or its turn is over."),
    }
}

fn said(document: &Document<'_>, format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    match format {
        Format::Json => output.json_document(document)?,
        Format::People if document.confirmed => output.line("Answered.")?,
        Format::People => {
            output.line("The answer was sent; the agent has not said that it counts.")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
