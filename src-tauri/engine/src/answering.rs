//! Answering what a session asks a person, through its agent's own server or the hook that waits,
//! and interrupting it.

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::session::SessionId;

use crate::places::Places;
use crate::source::hook;
use crate::source::live::{self, Answered, Interrupted, LiveError};

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionAnswered {
    /// The agent took it and goes on.
    Confirmed,
    /// It was sent, and the agent has not said that it counts.
    Unconfirmed,
    /// The request is not pending: it was answered elsewhere, or was never there.
    NotPending,
    /// The session cannot be reached from here: it is to be answered where it runs.
    NotReachable,
    /// The request takes another kind of answer; says which.
    NotOffered(String),
}

/// Why it is not known what became of an answer.
#[derive(Debug, thiserror::Error)]
#[error("{with}")]
pub struct AnsweringError {
    with: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl AnsweringError {
    pub(crate) fn talking(home: &Utf8Path, error: LiveError) -> Self {
        Self {
            with: format!("talk with the agent's server of `{home}`"),
            source: error.into(),
        }
    }
}

/// Answers the request `request` of a session with `accept`, `decline` or words. It is sent once.
///
/// # Errors
/// When the conversation with the agent's server breaks; then the answer may have arrived.
pub async fn answer(
    places: &Places,
    session: &SessionId,
    transcript: Option<&str>,
    request: &str,
    text: &str,
) -> Result<SessionAnswered, AnsweringError> {
    if session.source() != live::SOURCE {
        return answer_hook(places, session, request, text).await;
    }
    for home in servers(places, transcript) {
        let thread = session.source_session_id();
        let answered = live::answer(&home, thread, request, text).await;
        return Ok(match answered {
            Ok(Answered::Confirmed) => SessionAnswered::Confirmed,
            Ok(Answered::Unconfirmed) => SessionAnswered::Unconfirmed,
            Ok(Answered::NotPending) => SessionAnswered::NotPending,
            Ok(Answered::NotOffered(fault)) => SessionAnswered::NotOffered(fault.to_string()),
            // Another home may have it.
            Ok(Answered::NotLoaded) | Err(LiveError::Connect(_)) => continue,
            Err(error) => {
                return Err(AnsweringError::talking(&home, error));
            }
        });
    }
    Ok(SessionAnswered::NotReachable)
}

/// Hands an answer to the hook that waits for it.
async fn answer_hook(
    places: &Places,
    session: &SessionId,
    request: &str,
    text: &str,
) -> Result<SessionAnswered, AnsweringError> {
    let id = session.source_session_id();
    let answered = hook::answer(&places.state, id, request, text).await;
    Ok(match answered {
        Ok(hook::Answered::Confirmed) => SessionAnswered::Confirmed,
        Ok(hook::Answered::Unconfirmed) => SessionAnswered::Unconfirmed,
        Ok(hook::Answered::NotPending) => SessionAnswered::NotPending,
        Ok(hook::Answered::NoHook) => SessionAnswered::NotReachable,
        Ok(hook::Answered::Withdrawn) => {
            return Err(AnsweringError {
                with: "hand the answer to the hook that waits".to_owned(),
                source: "it did not take it in time, and the answer was withdrawn; try again"
                    .into(),
            });
        }
        Ok(hook::Answered::NotOffered(says)) => SessionAnswered::NotOffered(says),
        Err(error) => {
            return Err(AnsweringError {
                with: "hand the answer to the hook that waits".to_owned(),
                source: error.into(),
            });
        }
    })
}

/// The same, for whoever has no runtime.
///
/// # Errors
/// As [`answer`].
pub fn answer_blocking(
    places: &Places,
    session: &SessionId,
    transcript: Option<&str>,
    request: &str,
    text: &str,
) -> Result<SessionAnswered, AnsweringError> {
    runtime()?.block_on(answer(places, session, transcript, request, text))
}

/// Interrupts a turn of a session.
///
/// # Errors
/// When the conversation with the agent's server breaks; then the turn may have been interrupted.
pub(crate) fn interrupt_blocking(
    places: &Places,
    session: &SessionId,
    transcript: Option<&str>,
    turn: &str,
) -> Result<Interrupted, AnsweringError> {
    if session.source() != live::SOURCE {
        return Ok(Interrupted::NotRunning);
    }
    let runtime = runtime()?;
    for home in servers(places, transcript) {
        let thread = session.source_session_id();
        match runtime.block_on(live::interrupt(&home, thread, turn)) {
            // Another home may have it.
            Ok(Interrupted::NotRunning) | Err(LiveError::Connect(_)) => {}
            Ok(
                interrupted @ (Interrupted::Confirmed
                | Interrupted::Unconfirmed
                | Interrupted::Refused(_)),
            ) => return Ok(interrupted),
            Err(error) => {
                return Err(AnsweringError::talking(&home, error));
            }
        }
    }
    Ok(Interrupted::NotRunning)
}

/// Makes a runtime for one conversation.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, AnsweringError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AnsweringError {
            with: "start what talks with the agent's server".to_owned(),
            source: error.into(),
        })
}

/// Returns the homes whose server may have a session, the one of its transcript first.
pub(crate) fn servers(places: &Places, transcript: Option<&str>) -> Vec<Utf8PathBuf> {
    let homes = places.homes.iter();
    let homes = homes.filter(|home| home.source == live::SOURCE && live::is_there(&home.path));
    let mut homes: Vec<Utf8PathBuf> = homes.map(|home| home.path.clone()).collect();
    homes.sort_by_key(|home| !transcript.is_some_and(|path| Utf8Path::new(path).starts_with(home)));
    homes
}
