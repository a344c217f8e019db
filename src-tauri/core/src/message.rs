//! A message from a person to a session: where it can go, where it shall go, and where it went.

use serde::{Deserialize, Serialize};

use crate::session::{LiveSession, SessionId, TurnId};

/// Longest message, in bytes: a program that queues it takes it as one argument.
pub const MOST_BYTES: usize = 100_000;

/// Why a program that answers one prompt takes no messages.
pub const DROPPED_BY_RUNS: &str =
    "It answers one prompt and drops what else it is told. Send it once it has ended.";

/// What becomes of a message to a session that is sent at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum MessageWay {
    /// The running turn takes it in at its next step; it may be queued as well.
    Steer {
        /// The turn.
        turn_id: TurnId,
    },
    /// It starts the next turn.
    Start {},
    /// It waits with the agent until the session is idle.
    Queue {},
    /// It waits with the agent until the session is taken up again: nobody plays it before.
    Keep {},
    /// It waits with the agent until after the next turn: the last one was interrupted, and that
    /// holds the queue.
    Hold {},
    /// It cannot be sent.
    None {
        /// Why, and what to do, as sentences.
        why: String,
    },
}

/// Where a message shall go. It goes there or nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Aim {
    /// Into this turn, while it runs.
    Turn {
        /// The turn.
        turn_id: TurnId,
    },
    /// Into a turn of its own, which starts at once.
    NextTurn {},
    /// Into the agent's queue.
    Queue {},
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Delivery {
    /// The running turn has it and takes it in at its next step.
    Steered,
    /// It started a turn.
    Started,
    /// It is in the agent's queue, and is played once the session is idle.
    Queued,
    /// It is in the agent's queue, and is played when the session is taken up again.
    Kept,
    /// It is in the agent's queue, and is played after the session's next turn.
    Held,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Sent {
    /// The session.
    pub session_id: SessionId,
    /// Where it went.
    pub delivery: Delivery,
    /// The turn that has it; null while it is queued.
    pub turn_id: Option<TurnId>,
    /// Its id in the agent's queue; null where it is not queued.
    pub queued_id: Option<String>,
}

impl MessageWay {
    /// Returns where a message goes that is to arrive as soon as it can; none if it cannot.
    #[must_use]
    pub fn aim(&self) -> Option<Aim> {
        match self {
            Self::Steer { turn_id } => Some(Aim::Turn {
                turn_id: turn_id.clone(),
            }),
            Self::Start {} => Some(Aim::NextTurn {}),
            Self::Queue {} | Self::Keep {} | Self::Hold {} => Some(Aim::Queue {}),
            Self::None { .. } => None,
        }
    }
}

impl Sent {
    /// Says what happened, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let id = &self.session_id;
        match self.delivery {
            Delivery::Steered => {
                format!("{id} has it: the running turn takes it in at its next step.")
            }
            Delivery::Started => format!("{id} has it: it started a turn."),
            Delivery::Queued => {
                format!(
                    "Queued for {id}: it is played once the session is idle; after an interruption, once another turn is over."
                )
            }
            Delivery::Kept => {
                format!("Queued for {id}: it is played when the session is taken up again.")
            }
            Delivery::Held => format!(
                "Queued for {id}: its last turn was interrupted, so it is played after the next one."
            ),
        }
    }
}

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// There is nothing in it.
    Empty,
    /// It is too long.
    TooLong,
    /// It holds a character that no program can be given.
    Nul,
}

impl TextFault {
    /// Looks whether a text can be sent.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(text: &str) -> Result<(), Self> {
        if text.trim().is_empty() {
            Err(Self::Empty)
        } else if text.len() > MOST_BYTES {
            Err(Self::TooLong)
        } else if text.contains('\0') {
            Err(Self::Nul)
        } else {
            Ok(())
        }
    }

    /// Says what is wrong, as a sentence.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::Empty => "The message is empty.".to_owned(),
            Self::TooLong => format!("The message is longer than {MOST_BYTES} bytes."),
            Self::Nul => "The message holds a null character.".to_owned(),
        }
    }

    /// Says what to do about it, as a sentence.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Empty => "Give it as text, or `-` to read it from standard input.",
            Self::TooLong => "Write it into a file and name that file in the message.",
            Self::Nul => "Send text, not the content of a binary file.",
        }
    }
}

/// Why a session does not take a message that it took a moment ago.
#[must_use]
pub fn moved(session: &LiveSession, aim: &Aim) -> Option<Moved> {
    match (aim, &session.message_way) {
        (Aim::Turn { turn_id }, MessageWay::Steer { turn_id: running }) if turn_id == running => {
            None
        }
        (Aim::Turn { .. }, MessageWay::Steer { .. }) => Some(Moved::AnotherTurn),
        (
            Aim::Turn { .. },
            MessageWay::Start {} | MessageWay::Queue {} | MessageWay::Keep {} | MessageWay::Hold {},
        ) => Some(Moved::TurnOver),
        (Aim::NextTurn {}, MessageWay::Steer { .. } | MessageWay::Queue {}) => {
            Some(Moved::TurnBegan)
        }
        (Aim::NextTurn {}, MessageWay::Keep {} | MessageWay::Hold {}) => Some(Moved::Left),
        (Aim::NextTurn {}, MessageWay::Start {})
        | (Aim::Queue {}, _)
        | (_, MessageWay::None { .. }) => None,
    }
}

/// What happened in a session since a person aimed a message at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The turn it was meant for is over.
    TurnOver,
    /// Another turn runs.
    AnotherTurn,
    /// A turn began.
    TurnBegan,
    /// Its program has left.
    Left,
}

impl Moved {
    /// Says what happened, as a fragment after "Nothing was sent:".
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::TurnOver => "the turn it was meant for is over",
            Self::AnotherTurn => "another turn runs than the one it was meant for",
            Self::TurnBegan => "a turn began meanwhile",
            Self::Left => "its program has left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_cannot_be_sent_says_why() {
        let long = "a".repeat(MOST_BYTES + 1);
        let cases = [
            ("Go on.", Ok(())),
            (" \n\t", Err(TextFault::Empty)),
            (long.as_str(), Err(TextFault::TooLong)),
            ("a\0b", Err(TextFault::Nul)),
        ];

        for (text, expected) in cases {
            assert_eq!(TextFault::check(text), expected, "{}", text.len());
        }
        assert_eq!(TextFault::check(&"a".repeat(MOST_BYTES)), Ok(()));
    }
}
