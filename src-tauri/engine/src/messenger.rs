//! Takes a person's message to a session: into the running turn, as the next one, or to its queue.
//!
//! It goes where it is aimed or nowhere, and it is sent once: what is not known to have arrived is
//! never sent again.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::message::{
    Aim, DROPPED_BY_RUNS, Delivery, MessageWay, Moved, Sent, TextFault, moved,
};
use mission_control_core::session::{LiveSession, SessionId, TurnId};

use crate::answering::{AnsweringError, runtime, servers};
use crate::clock::Clock;
use crate::places::{Environment, Places};
use crate::settings::Settings;
use crate::source::live::{self, Handed, LiveError, Message};
use crate::source::message_queue::{QueueError, QueueProgram, queue};
use crate::source::{Ownership, Serves, ownership};
use crate::task::context::TaskContext;
use crate::task::id::new_uuid;

/// Takes messages to sessions.
#[derive(Clone, Debug)]
pub struct Messenger {
    places: Places,
    program: Utf8PathBuf,
    variables: BTreeMap<String, String>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The text is no message.
    #[error("send the text")]
    Text(TextFault),
    /// The session takes none.
    #[error("send it: the session takes no messages")]
    NotTaken {
        /// Why, and what to do, as sentences.
        why: String,
    },
    /// The session is not as it was when the message was aimed. Nothing was sent.
    #[error("send it: the session has moved on")]
    Moved(Moved),
    /// The agent refused it. Nothing was sent.
    #[error("have it taken: {0}")]
    Refused(String),
    /// The session lies in no home that is known.
    #[error("find the session's home")]
    NoHome,
    /// The agent's program does not run here. Nothing was sent.
    #[error("queue it with `{program}`")]
    NoProgram {
        /// The program.
        program: Utf8PathBuf,
        /// Why.
        why: String,
    },
    /// The agent's program has no queue. Nothing was sent.
    #[error("queue it: `{program}` has no queue")]
    NoQueue {
        /// The program.
        program: Utf8PathBuf,
    },
    /// The conversation with the agent's server broke before anything was sent.
    #[error("talk with the agent")]
    Server(#[source] AnsweringError),
    /// It was sent, and nobody says that it arrived.
    #[error("know whether it arrived")]
    Unconfirmed,
}

impl Messenger {
    /// Makes one that knows where sessions and programs are.
    #[must_use]
    pub fn new(environment: &Environment, settings: &Settings, places: &Places) -> Self {
        let context = TaskContext::of(environment, settings, places.clone());
        Self {
            places: places.clone(),
            program: context.launch.program,
            variables: context.launch.variables,
        }
    }

    /// Takes a message to a session, as it was just looked up. It is sent once.
    ///
    /// # Errors
    /// When it was not sent, or is not known to have arrived.
    pub fn send(&self, session: &LiveSession, text: &str, aim: &Aim) -> Result<Sent, NotSent> {
        TextFault::check(text).map_err(NotSent::Text)?;
        if let MessageWay::None { why } = &session.message_way {
            return Err(NotSent::NotTaken { why: why.clone() });
        }
        if let Some(moved) = moved(session, aim) {
            return Err(NotSent::Moved(moved));
        }
        if let Some(sent) = self.hand_over(session, text, aim)? {
            return Ok(sent);
        }
        match aim {
            Aim::Queue {} => self.queue(session, text),
            Aim::Turn { .. } | Aim::NextTurn {} => Err(NotSent::Moved(Moved::Left)),
        }
    }

    /// Hands it to the server that has the session loaded; none if there is no such server.
    fn hand_over(
        &self,
        session: &LiveSession,
        text: &str,
        aim: &Aim,
    ) -> Result<Option<Sent>, NotSent> {
        let runtime = runtime().map_err(NotSent::Server)?;
        let id = new_uuid(Clock::start().now().wall);
        let message = Message { id: &id, text };
        let homes = servers(&self.places, session.transcript_path.as_deref());
        for home in homes.iter().filter(|home| live::has_clients(home)) {
            let thread = &session.source_session_id;
            let handed = runtime.block_on(live::hand_over(home, thread, message, aim));
            let (delivery, turn, queued) = match handed {
                Ok(Handed::Steered(turn)) => (Delivery::Steered, turn, None),
                Ok(Handed::Started(turn)) => (Delivery::Started, turn, None),
                Ok(Handed::Queued(queued)) => (Delivery::Queued, None, queued),
                Ok(Handed::Moved(moved)) => return Err(NotSent::Moved(moved)),
                // An older server: the program may know how to queue.
                Ok(Handed::Refused(_)) if *aim == (Aim::Queue {}) => return Ok(None),
                Ok(Handed::Refused(why)) => return Err(NotSent::Refused(why)),
                Ok(Handed::Unconfirmed) => return Err(NotSent::Unconfirmed),
                // Another home may have it.
                Ok(Handed::NotLoaded) | Err(LiveError::Connect(_)) => continue,
                Err(error) => return Err(NotSent::Server(AnsweringError::talking(home, error))),
            };
            return Ok(Some(Sent {
                session_id: session.id.clone(),
                delivery,
                turn_id: turn.map(TurnId),
                queued_id: queued,
            }));
        }
        Ok(None)
    }

    /// A program that answers one prompt begins what is queued as it leaves, breaks it off, and may
    /// lose it. Which program has the session open is looked up right before it is queued.
    fn refuse_runs(&self, session: &LiveSession) -> Result<(), NotSent> {
        match ownership(&self.places.homes, session) {
            Ownership::Held(owner) if owner.serves == Serves::OnePrompt => Err(NotSent::NotTaken {
                why: DROPPED_BY_RUNS.to_owned(),
            }),
            Ownership::Held(_)
            | Ownership::Possible { .. }
            | Ownership::Free
            | Ownership::Unknown { .. } => Ok(()),
        }
    }

    /// Leaves it with the agent, whoever has the session open.
    fn queue(&self, session: &LiveSession, text: &str) -> Result<Sent, NotSent> {
        let path = session.transcript_path.as_deref().map(Utf8Path::new);
        let of_it = |home: &Utf8Path| path.is_some_and(|path| path.starts_with(home));
        let mut homes = self.places.homes.iter();
        let home = homes.find(|home| home.source == session.source && of_it(&home.path));
        let home = &home.ok_or(NotSent::NoHome)?.path;
        self.refuse_runs(session)?;
        let program = QueueProgram {
            program: &self.program,
            variables: &self.variables,
        };
        let queued = queue(program, home, &session.source_session_id, text);
        let queued_id = queued.map_err(|error| {
            tracing::info!(%error, "The message is not known to be queued.");
            let program = self.program.clone();
            match error {
                QueueError::Run(source) => NotSent::NoProgram {
                    program,
                    why: source.to_string(),
                },
                QueueError::TooOld => NotSent::NoQueue { program },
                QueueError::Refused(why) => NotSent::Refused(why),
                QueueError::Silent(_) => NotSent::Unconfirmed,
            }
        })?;
        let delivery = match &session.message_way {
            MessageWay::Keep {} => Delivery::Kept,
            MessageWay::Hold {} => Delivery::Held,
            MessageWay::Steer { .. }
            | MessageWay::Start {}
            | MessageWay::Queue {}
            | MessageWay::None { .. } => Delivery::Queued,
        };
        Ok(Sent {
            session_id: session.id.clone(),
            delivery,
            turn_id: None,
            queued_id,
        })
    }
}

impl NotSent {
    /// Returns whether it is refused here because of what the session or this machine is: to try
    /// again would not help.
    #[must_use]
    pub const fn is_not_available(&self) -> bool {
        match self {
            Self::NotTaken { .. }
            | Self::NoHome
            | Self::NoProgram { .. }
            | Self::NoQueue { .. } => true,
            Self::Text(_)
            | Self::Moved(_)
            | Self::Refused(_)
            | Self::Server(_)
            | Self::Unconfirmed => false,
        }
    }

    /// Says why, as a sentence about session `id`.
    #[must_use]
    pub fn sentence(&self, id: &SessionId) -> String {
        match self {
            Self::Text(fault) => fault.sentence(),
            Self::NotTaken { why } => format!("{id} takes no message. {why}"),
            Self::Moved(moved) => format!("Nothing was sent to {id}: {}.", moved.says()),
            Self::Refused(why) => format!("Nothing was sent to {id}. Its agent says: {why}"),
            Self::NoHome => format!("Nothing was sent to {id}: it lies in no home that is known."),
            Self::NoProgram { program, .. } => {
                format!("Nothing was sent to {id}: `{program}` cannot be started to queue it.")
            }
            Self::NoQueue { program } => {
                format!("Nothing was sent to {id}: `{program}` is too old to queue messages.")
            }
            Self::Server(error) => {
                format!("Nothing was sent to {id}: Mission Control could not {error}.")
            }
            Self::Unconfirmed => format!(
                "It is not known whether the message reached {id}: nobody said so. It is not sent again."
            ),
        }
    }

    /// Says what to do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Text(fault) => fault.hint(),
            Self::NotTaken { .. } => return None,
            Self::Moved(Moved::Left) => "Send it again to have it queued.",
            Self::Moved(_) => "Look at the session, then send it again if it still fits.",
            Self::Refused(_) => "Have it queued, or type it in its terminal.",
            Self::NoHome => "Add the home to the settings.",
            Self::NoProgram { .. } => "Install the agent, or name its program in the settings.",
            Self::NoQueue { .. } => "Update the agent, or type the message in its terminal.",
            Self::Server(_) => "Try again, or type it in its terminal.",
            Self::Unconfirmed => "Look at the session before you send it again.",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{a_session, no_homes};

    #[track_caller]
    fn check(way: serde_json::Value, aim: &Aim, sentence: &str) {
        let session = a_session(json!({ "message_way": way }));
        let (_guard, places) = no_homes();
        let messenger = Messenger {
            places,
            program: Utf8PathBuf::from("absent"),
            variables: BTreeMap::new(),
        };

        let error = messenger.send(&session, "Go on.", aim).unwrap_err();

        assert_eq!(error.sentence(&session.id), sentence);
    }

    #[test]
    fn what_is_not_sent_says_why() {
        let turn = Aim::Turn {
            turn_id: TurnId("t1".to_owned()),
        };
        check(
            json!({ "type": "none", "why": "It sleeps." }),
            &Aim::Queue {},
            "codex:a takes no message. It sleeps.",
        );
        check(
            json!({ "type": "steer", "turn_id": "t2" }),
            &turn,
            "Nothing was sent to codex:a: another turn runs than the one it was meant for.",
        );
        check(
            json!({ "type": "start" }),
            &turn,
            "Nothing was sent to codex:a: the turn it was meant for is over.",
        );
        // Its server is gone.
        check(
            json!({ "type": "steer", "turn_id": "t1" }),
            &turn,
            "Nothing was sent to codex:a: its program has left.",
        );
        check(
            json!({ "type": "keep" }),
            &Aim::Queue {},
            "Nothing was sent to codex:a: it lies in no home that is known.",
        );
    }
}
