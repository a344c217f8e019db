//! `mission-control watch`: events for programs, a live table for people.

use std::process::ExitCode;
use std::time::Duration;

use mission_control_core::event::{Event, EventBody, Summary};
use mission_control_core::session::{LiveSession, Status};
use mission_control_engine::monitor::Monitor;
use tokio::sync::mpsc;

use super::Format;
use super::failure::Failure;
use super::format::{name, second_line, state, time_of_day};
use super::live;
use super::output::{Output, styled};
use super::table;

/// How often a table on a terminal is drawn anew so that times tick.
const TICK: Duration = Duration::from_secs(1);

pub(super) fn run(format: Format, output: &mut Output) -> Result<ExitCode, Failure> {
    let monitor = live::watch()?;
    live::block_on(watch(&monitor, format, Until::Forever, output))?;
    Ok(ExitCode::SUCCESS)
}

/// When watching ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Never.
    Forever,
    /// When all sessions have ended.
    AllDone,
}

/// Shows events until the monitor ends or `until` is reached.
pub(super) async fn watch(
    monitor: &Monitor,
    format: Format,
    until: Until,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut events = monitor.subscribe().await;
    match format {
        Format::Json => {
            let mut board = Board::default();
            while let Some(event) = events.recv().await {
                output.json_line(&event)?;
                board.apply(event.body);
                if until == Until::AllDone && board.is_all_done() {
                    break;
                }
            }
        }
        Format::People if output.is_terminal() => draw(monitor, &mut events, until, output).await?,
        Format::People => print_changes(&mut events, until, output).await?,
    }
    Ok(())
}

/// The sessions as the events tell them.
#[derive(Debug, Default)]
struct Board {
    sessions: Vec<LiveSession>,
    is_complete: bool,
}

impl Board {
    /// Takes in an event and returns the session it changed, as it was before.
    fn apply(&mut self, body: EventBody) -> Option<LiveSession> {
        match body {
            EventBody::Snapshot { sessions, .. } => {
                self.sessions = sessions;
                self.is_complete = true;
                None
            }
            EventBody::SessionDiscovered { session }
            | EventBody::SessionUpdated { session }
            | EventBody::SessionClosed { session } => {
                match self
                    .sessions
                    .iter_mut()
                    .find(|known| known.id == session.id)
                {
                    Some(known) => Some(std::mem::replace(known, *session)),
                    None => {
                        self.sessions.insert(0, *session);
                        None
                    }
                }
            }
            EventBody::Summary { .. }
            | EventBody::Notice { .. }
            | EventBody::TaskUpdated { .. }
            | EventBody::Heartbeat {} => None,
        }
    }

    fn is_all_done(&self) -> bool {
        !self.sessions.is_empty()
            && self
                .sessions
                .iter()
                .all(|session| session.status == Status::Done)
    }
}

/// Prints a line for each change a person would tell another.
async fn print_changes(
    events: &mut mpsc::Receiver<Event>,
    until: Until,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut board = Board::default();
    while let Some(event) = events.recv().await {
        let time = time_of_day(event.at);
        match event.body {
            EventBody::Snapshot {
                sessions,
                tasks,
                summary,
            } => {
                if sessions.is_empty() && until == Until::Forever {
                    output.line(live::NOTHING_RUNS)?;
                }
                for line in table::lines(&sessions, event.at, output.width()) {
                    output.line(&line)?;
                }
                board.apply(EventBody::Snapshot {
                    sessions,
                    tasks,
                    summary,
                });
            }
            EventBody::Notice { notice } => {
                output.line(&format!("{time}  ! {}", notice.title))?;
            }
            body @ (EventBody::SessionDiscovered { .. }
            | EventBody::SessionUpdated { .. }
            | EventBody::SessionClosed { .. }) => {
                let after = body.clone();
                let before = board.apply(body);
                if let Some(session) = after.session()
                    && !session.helper
                    && before
                        .as_ref()
                        .is_none_or(|before| is_worth_a_line(before, session))
                {
                    output.line(&format!("{time}  {}", change_line(session)))?;
                }
            }
            EventBody::Summary { .. } | EventBody::TaskUpdated { .. } | EventBody::Heartbeat {} => {
            }
        }
        output.flush()?;
        if until == Until::AllDone && board.is_all_done() {
            break;
        }
    }
    Ok(())
}

fn is_worth_a_line(before: &LiveSession, after: &LiveSession) -> bool {
    before.status != after.status
        || before.activity != after.activity && after.activity.is_some()
        || before.last_message != after.last_message
        || before.freshness != after.freshness
}

fn change_line(session: &LiveSession) -> String {
    let words = state(session);
    let title = name(session);
    let sign = styled(words.style, &format!("{} {:<11}", words.sign, words.word));
    match second_line(session) {
        Some(detail) => {
            format!(
                "{sign} {}: {}",
                table::fit(title, 40),
                table::fit(&detail, 100)
            )
        }
        None => format!("{sign} {}", table::fit(title, 40)),
    }
}

/// Draws the table in place, at most ten times a second.
async fn draw(
    monitor: &Monitor,
    events: &mut mpsc::Receiver<Event>,
    until: Until,
    output: &mut Output,
) -> Result<(), Failure> {
    const AT_MOST_EVERY: Duration = Duration::from_millis(100);
    let mut board = Board::default();
    let problems = monitor.problems();
    loop {
        let event = tokio::time::timeout(TICK, events.recv()).await;
        match event {
            Ok(Some(event)) => {
                board.apply(event.body);
                // Whatever came meanwhile is drawn together with it.
                let deadline =
                    tokio::time::sleep_until(tokio::time::Instant::now() + AT_MOST_EVERY);
                tokio::pin!(deadline);
                loop {
                    tokio::select! {
                        () = &mut deadline => break,
                        next = events.recv() => match next {
                            Some(next) => { board.apply(next.body); }
                            None => break,
                        },
                    }
                }
            }
            Ok(None) => return Ok(()),
            Err(_elapsed) => {}
        }
        if !board.is_complete {
            continue;
        }
        let problems = problems.borrow().clone();
        let mut lines: Vec<String> = problems.iter().map(live::problem_line).collect();
        if board.sessions.is_empty() && until == Until::Forever {
            lines.extend(live::NOTHING_RUNS.lines().map(str::to_owned));
        } else {
            lines.push(table::summary_line(&Summary::of(&board.sessions)));
            lines.push(String::new());
            lines.extend(table::lines(&board.sessions, live::now(), output.width()));
        }
        if let Some(height) = output.height() {
            lines.truncate(height.saturating_sub(1).max(1));
        }
        output.frame(&lines)?;
        if until == Until::AllDone && board.is_all_done() {
            return Ok(());
        }
    }
}
