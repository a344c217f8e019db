//! What a person does about a session, as the page asks for it.

use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_core::message::{Aim, Sent};
use mission_control_core::quiet::{Quiet, USUAL_SNOOZE};
use mission_control_core::session::{LiveSession, SessionId, TurnId};
use mission_control_engine::clock::Clock;
use mission_control_engine::interrupt;
use mission_control_engine::messenger::{Messenger, NotSent};
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::{Environment, Places};
use mission_control_engine::settings::Settings;
use mission_control_engine::stop::{self, StopPlaces};
use mission_control_engine::store::Store;
use mission_control_engine::whereabouts;
use serde::{Deserialize, Serialize};

use crate::problems;

/// Ends the process that owns a session. Everything is looked up anew. Returns what is worth
/// knowing beside that it ended.
pub(crate) fn stop(
    places: &Places,
    environment: &Environment,
    id: &SessionId,
) -> Result<Option<Problem>, Problem> {
    let settings = Settings::load(&places.settings_file)
        .map_err(|error| problems::not_stopped(&problems::chain_of(&error), None))?;
    let sessions = look(places);
    let session = sessions
        .iter()
        .find(|session| session.id == *id)
        .ok_or_else(|| problems::session_not_found(id.as_str()))?;
    let at = StopPlaces {
        environment,
        settings: &settings,
        places,
    };
    let stopped = stop::stop(&at, &sessions, session)
        .map_err(|refusal| problems::not_stopped(&refusal.sentence(id), refusal.hint()))?;
    let mut says = stopped
        .sentences(settings.stop.grace_seconds.duration())
        .into_iter();
    match (stopped.stopped, says.next(), says.next()) {
        (true, _, None) => Ok(None),
        (true, _, Some(left)) => Ok(Some(problems::left_running(&left))),
        (false, says, _) => Err(problems::not_stopped(&says.unwrap_or_default(), None)),
    }
}

/// Interrupts a turn of a session, if that turn still runs.
pub(crate) fn interrupt(
    places: &Places,
    session: &LiveSession,
    turn: &TurnId,
) -> Result<(), Problem> {
    let interrupted = interrupt::interrupt(places, session, Some(turn)).map_err(|error| {
        problems::not_interrupted(&error.sentence(&session.id), error.hint().as_deref())
    })?;
    if interrupted.interrupted {
        Ok(())
    } else {
        Err(problems::not_interrupted(&interrupted.sentence(), None))
    }
}

/// Sends a message to a session, where it is aimed or nowhere.
pub(crate) fn tell(
    places: &Places,
    environment: &Environment,
    session: &LiveSession,
    text: &str,
    aim: &Aim,
) -> Result<Sent, Problem> {
    let settings = Settings::load(&places.settings_file)
        .map_err(|error| problems::not_sent(&problems::chain_of(&error), None))?;
    Messenger::new(environment, &settings, places)
        .send(session, text, aim)
        .map_err(|error| match error {
            NotSent::Unconfirmed => {
                problems::perhaps_sent(&error.sentence(&session.id), error.hint())
            }
            NotSent::Text(_)
            | NotSent::NotTaken { .. }
            | NotSent::Moved(_)
            | NotSent::Refused(_)
            | NotSent::NoHome
            | NotSent::NoProgram { .. }
            | NotSent::NoQueue { .. }
            | NotSent::Server(_) => problems::not_sent(&error.sentence(&session.id), error.hint()),
        })
}

/// A terminal that could not be reached, and what to run in one instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unreached {
    pub(crate) command: Option<String>,
    pub(crate) problem: Problem,
}

/// Goes to the terminal that a live session runs in.
pub(crate) fn go(
    places: &Places,
    environment: &Environment,
    session: &LiveSession,
) -> Option<Unreached> {
    let opened = whereabouts::go(environment, places, session);
    (!opened.opened).then(|| Unreached {
        problem: problems::terminal_not_found(&opened.says),
        command: opened.command,
    })
}

/// What a person wishes of a session's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// None for the usual time.
    Snooze,
    /// None.
    Mute,
    /// All.
    Loud,
}

/// Returns for how long a session is quiet.
pub(crate) fn quiet(places: &Places, id: &SessionId) -> Result<Option<Quiet>, Problem> {
    let store = Store::open(&places.state).map_err(|error| error.problem())?;
    store.quiet_of(id, now()).map_err(|error| error.problem())
}

/// Makes a session quiet, or loud again, and returns for how long it is quiet.
pub(crate) fn set_quiet(
    places: &Places,
    id: &SessionId,
    wish: Wish,
) -> Result<Option<Quiet>, Problem> {
    let now = now();
    let quiet = match wish {
        Wish::Snooze => Some(Quiet::Snoozed {
            until: now + USUAL_SNOOZE,
        }),
        Wish::Mute => Some(Quiet::Muted {}),
        Wish::Loud => None,
    };
    Store::open(&places.state)
        .and_then(|store| store.set_quiet(id, quiet, now))
        .map_err(|error| error.problem())?;
    Ok(quiet)
}

fn now() -> Timestamp {
    Clock::start().now().wall
}

fn look(places: &Places) -> Vec<LiveSession> {
    let options = MonitorOptions {
        places: places.clone(),
        notify_since: now(),
    };
    Monitor::look_once(&options).sessions
}
