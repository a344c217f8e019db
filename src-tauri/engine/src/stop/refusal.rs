//! Why a session is not stopped.

use std::io;

use mission_control_core::session::SessionId;

use crate::answering::AnsweringError;
use crate::store::StoreError;

/// Why a session is not stopped.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("stop it: it has ended")]
    Ended,
    /// Its process works for others too.
    #[error("stop it: its process {pid} works for others too")]
    Shared {
        /// The process.
        pid: u32,
        /// For whom.
        sharing: Sharing,
    },
    /// Processes run that could own it; which one cannot be known here.
    #[error("stop it: process {pid} may own it or not")]
    Possible {
        /// One of them.
        pid: u32,
    },
    /// Its owner cannot be known.
    #[error("stop it: its owner is not known")]
    Unknown {
        /// Why, as a sentence.
        why: String,
    },
    /// Its task runs where nobody can end it from here.
    #[error("stop it: its task runs elsewhere")]
    Elsewhere,
    /// The system does not allow it.
    #[error("end process {pid}")]
    NotAllowed {
        /// The process.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It runs in a server, and the conversation with that broke.
    #[error("interrupt its turn")]
    Server(#[from] AnsweringError),
    /// The task it runs for cannot be cancelled.
    #[error("cancel the task it runs for")]
    Store(#[from] StoreError),
}

/// For whom else a process works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Programs that connect to it: it is a server.
    Server,
    /// The session that started this one as its sub-agent.
    Parent(SessionId),
    /// These sessions, by the source's ids.
    Sessions(Vec<String>),
}

impl Refusal {
    /// Returns whether it is refused here because of what the session is: to try again would not
    /// help.
    #[must_use]
    pub const fn is_not_available(&self) -> bool {
        match self {
            Self::Shared { .. }
            | Self::Possible { .. }
            | Self::Unknown { .. }
            | Self::Elsewhere => true,
            Self::Ended | Self::NotAllowed { .. } | Self::Server(_) | Self::Store(_) => false,
        }
    }

    /// Says why, as a sentence about session `id`.
    #[must_use]
    pub fn sentence(&self, id: &SessionId) -> String {
        match self {
            Self::Ended => format!("{id} has ended already."),
            Self::Shared {
                pid,
                sharing: Sharing::Server,
            } => format!(
                "{id} is not stopped: it runs in a server (process {pid}) that other programs use."
            ),
            Self::Shared {
                pid,
                sharing: Sharing::Parent(parent),
            } => format!(
                "{id} is not stopped: it is a sub-agent within the process {pid} of {parent}."
            ),
            Self::Shared {
                pid,
                sharing: Sharing::Sessions(others),
            } => format!(
                "{id} is not stopped: its process {pid} holds other sessions too: {}.",
                others.join(", ")
            ),
            Self::Possible { pid } => format!(
                "{id} is not stopped: process {pid} may own it, and that cannot be made sure here."
            ),
            Self::Unknown { why } => {
                format!("{id} is not stopped: its owner is not known. {why}")
            }
            Self::Elsewhere => format!("{id} is not stopped: its task does not run here."),
            Self::NotAllowed { pid, source } => {
                format!("{id} could not be stopped: process {pid} cannot be ended: {source}.")
            }
            Self::Server(error) => format!(
                "It is not known whether the turn of {id} was interrupted: Mission Control could not {error}."
            ),
            Self::Store(error) => {
                format!("{id} could not be stopped: Mission Control could not {error}.")
            }
        }
    }

    /// Says what to do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Shared {
                sharing: Sharing::Server | Sharing::Sessions(_),
                ..
            } => Some("Interrupt or close it where it was started.".to_owned()),
            Self::Shared {
                sharing: Sharing::Parent(parent),
                ..
            } => Some(format!("To stop both: mission-control stop {parent}")),
            Self::Possible { .. } | Self::Unknown { .. } => {
                Some("Close it where it was started.".to_owned())
            }
            Self::Store(error) => error.problem().hint,
            Self::Server(_) => Some("Look at it where it was started.".to_owned()),
            Self::Ended | Self::Elsewhere | Self::NotAllowed { .. } => None,
        }
    }
}
