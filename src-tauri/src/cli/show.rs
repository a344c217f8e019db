//! `mission-control show`: one session's transcript.

use std::process::ExitCode;

use mission_control_core::event::EventBody;
use mission_control_core::health::{Problem, TranscriptPage};
use mission_control_core::quiet::Quiet;
use mission_control_core::session::{LiveSession, SessionId, Status};
use mission_control_core::timeline::Entry;
use mission_control_engine::monitor::{Monitor, TranscriptError};
use mission_control_engine::store::Store;
use serde::Serialize;

use super::Format;
use super::failure::{Failure, Kind};
use super::homes;
use super::live;
use super::output::Output;
use super::quiet;
use super::timeline;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What is there.
    Once,
    /// What is there and what is added, until the session ends.
    Follow,
}

#[derive(Serialize)]
struct Document<'a> {
    session: &'a LiveSession,
    entries: &'a [Entry],
    truncated: bool,
    skipped_lines: u32,
    quiet: Option<Quiet>,
    problems: &'a [Problem],
}

/// A line of `show --follow --json`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum FollowLine<'a> {
    Session { session: &'a LiveSession },
    Entry { entry: &'a Entry },
}

pub(super) fn run(
    id: &str,
    extent: Extent,
    format: Format,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let monitor = live::watch()?;
    live::block_on(show(&monitor, id, extent, format, output))?;
    Ok(ExitCode::SUCCESS)
}

async fn show(
    monitor: &Monitor,
    id: &str,
    extent: Extent,
    format: Format,
    output: &mut Output,
) -> Result<(), Failure> {
    let Some(session) = monitor.session(id).await else {
        return Err(live::not_found(&monitor.sessions().await, id));
    };
    let mut events = match extent {
        Extent::Once => None,
        Extent::Follow => Some(monitor.subscribe().await),
    };
    let page = read(monitor, &session.id, None).await?;
    match (format, extent) {
        (Format::Json, Extent::Once) => {
            let TranscriptPage {
                entries,
                truncated,
                skipped_lines,
                ..
            } = page;
            let entries = &merged(entries)[..];
            let session = &session;
            let (quiet, problem) = quiet_of(session)?;
            return output.json_document(&Document {
                session,
                entries,
                truncated,
                skipped_lines,
                quiet,
                problems: problem.as_slice(),
            });
        }
        (Format::Json, Extent::Follow) => {
            output.json_line(&FollowLine::Session { session: &session })?;
        }
        (Format::People, _) => {
            let sessions = monitor.sessions().await;
            let home = session.home.as_deref();
            let home = home.filter(|home| homes::names(&sessions).contains_key(home));
            output.text(&timeline::head(&session, home))?;
            let (quiet, problem) = quiet_of(&session)?;
            if let Some(quiet) = quiet {
                let now = live::now().to_zoned(jiff::tz::TimeZone::system());
                output.line(&format!("  notifications {}", quiet::in_words(quiet, &now)))?;
            }
            if let Some(problem) = problem {
                output.line(&live::problem_line(&problem))?;
            }
            if page.truncated {
                output.line("The transcript is very long; only its latest part is shown.")?;
            }
        }
    }
    print(
        merged(page.entries),
        &session,
        format,
        Open::Shown(true),
        output,
    )?;
    if format == Format::People {
        let last = match session.status {
            Status::Done => Some(timeline::end(&session)),
            Status::NeedsYou => timeline::need(&session),
            Status::Working | Status::Paused | Status::Unknown => None,
        };
        if let Some(last) = last {
            output.line(&last)?;
            output.flush()?;
        }
    }
    let Some(events) = &mut events else {
        return Ok(());
    };
    let mut cursor = page.cursor;
    let mut is_over = session.status == Status::Done;
    while !is_over {
        let Some(event) = events.recv().await else {
            return Ok(());
        };
        let Some(changed) = changed(event.body, &session.id) else {
            continue;
        };
        is_over = changed.status == Status::Done;
        let page = read(monitor, &session.id, Some(&cursor)).await?;
        cursor = page.cursor;
        if format == Format::Json {
            output.json_line(&FollowLine::Session { session: &changed })?;
        }
        print(
            merged(page.entries),
            &changed,
            format,
            Open::Shown(is_over),
            output,
        )?;
        if is_over && format == Format::People {
            output.line(&timeline::end(&changed))?;
            output.flush()?;
        }
    }
    Ok(())
}

/// Returns for how long a session is quiet, or what hampered the look: a transcript can be read
/// without it. Where nothing was ever kept, nothing is made.
fn quiet_of(session: &LiveSession) -> Result<(Option<Quiet>, Option<Problem>), Failure> {
    let state = live::options()?.places.state;
    if !Store::exists(&state) {
        return Ok((None, None));
    }
    let quiet =
        Store::open_to_look(&state).and_then(|store| store.quiet_of(&session.id, live::now()));
    Ok(match quiet {
        Ok(quiet) => (quiet, None),
        Err(error) => (None, Some(error.problem())),
    })
}

/// Whether entries that have no end yet are printed; a later entry will replace them.
#[derive(Clone, Copy)]
enum Open {
    Shown(bool),
}

fn print(
    entries: Vec<Entry>,
    session: &LiveSession,
    format: Format,
    Open::Shown(shows_open): Open,
    output: &mut Output,
) -> Result<(), Failure> {
    for entry in &entries {
        match format {
            Format::Json => output.json_line(&FollowLine::Entry { entry })?,
            Format::People if shows_open || !timeline::is_open(entry) => {
                output.text(&timeline::entry(entry, session.status))?;
            }
            Format::People => {}
        }
    }
    output.flush()
}

async fn read(
    monitor: &Monitor,
    id: &SessionId,
    cursor: Option<&str>,
) -> Result<TranscriptPage, Failure> {
    monitor
        .transcript(id, cursor)
        .await
        .map_err(|error| match &error {
            TranscriptError::NotFound(_) => {
                Failure::new(Kind::NotFound, format!("No transcript of session {id}"))
            }
            TranscriptError::Unreadable { .. } => Failure::of(&error),
        })
}

/// Keeps of entries with one key the latest, at the place of the first.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    let mut places = std::collections::BTreeMap::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        match places
            .get(&entry.key)
            .and_then(|place: &usize| kept.get_mut(*place))
        {
            Some(known) => *known = entry,
            None => {
                places.insert(entry.key.clone(), kept.len());
                kept.push(entry);
            }
        }
    }
    kept
}

/// Returns session `id` as an event tells it, if the event is about it.
fn changed(body: EventBody, id: &SessionId) -> Option<LiveSession> {
    match body {
        EventBody::Snapshot { sessions, .. } => {
            sessions.into_iter().find(|session| session.id == *id)
        }
        EventBody::SessionDiscovered { session }
        | EventBody::SessionUpdated { session }
        | EventBody::SessionClosed { session } => (session.id == *id).then_some(*session),
        EventBody::Summary { .. }
        | EventBody::Notice { .. }
        | EventBody::TaskUpdated { .. }
        | EventBody::Heartbeat {} => None,
    }
}
