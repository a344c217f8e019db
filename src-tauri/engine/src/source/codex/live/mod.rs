//! Codex's own word on what its threads do: the control socket of its daemon.
//!
//! Terminals run their threads in a daemon that anybody of this user may ask. It is only looked at:
//! no daemon is started, no thread is loaded, and a thread is taken up only for the moment in which
//! its pending request is fetched or answered.

mod answer;
mod examine;
mod interrupt;
mod link;
mod message;
mod presence;
mod standing;
#[cfg(not(unix))]
#[path = "wire_other.rs"]
mod wire;
#[cfg(unix)]
#[path = "wire_unix.rs"]
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::observation::{LiveDoing, LiveState, Observation};
use mission_control_core::session::{EvidenceSource, SessionId};
use mission_control_core::source::Source;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub(crate) use answer::{Answered, answer};
pub(crate) use examine::{Standing, examine};
pub(crate) use interrupt::{Interrupted, interrupt};
pub(crate) use message::{Handed, Message, hand_over};
pub(crate) use presence::has_clients;

/// Whose servers these are.
pub(crate) const SOURCE: Source = Source::Codex;

/// How long an answer to a question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a single look may take in all.
const LOOK: Duration = Duration::from_secs(2);

/// Observations that wait for the owner; a server that floods waits as well.
const MOST_WAITING: usize = 256;

/// Longest reason of a server that is passed on, in characters.
const MOST_REASON: usize = 200;

/// Why nothing is heard from a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    /// There is no socket, or nobody listens.
    #[error("connect to the control socket")]
    Connect(#[source] io::Error),
    /// What arrives is no conversation of this kind.
    #[error("talk over the control socket: {0}")]
    Talk(String),
    /// Nothing arrives.
    #[error("hear from the control socket in time")]
    Silent,
    /// The other side ended the conversation.
    #[error("go on: the control socket was closed")]
    Closed,
    /// The server refused a request.
    #[error("have the request answered: {0}")]
    Refused(String),
}

/// Follows the servers of some homes.
#[derive(Debug)]
pub(crate) struct LiveLinks {
    links: BTreeMap<Utf8PathBuf, JoinHandle<()>>,
    sender: mpsc::Sender<Observation>,
    /// Each link finds out about a change that came while it was looking, too.
    stirred: watch::Sender<()>,
    /// Whether a server may be talked to.
    may_talk: fn(&Utf8Path) -> bool,
}

impl LiveLinks {
    /// Starts following. What is heard comes out of the receiver.
    pub(crate) fn new(homes: Vec<Utf8PathBuf>) -> (Self, mpsc::Receiver<Observation>) {
        Self::talking_if(presence::has_clients, homes)
    }

    fn talking_if(
        may_talk: fn(&Utf8Path) -> bool,
        homes: Vec<Utf8PathBuf>,
    ) -> (Self, mpsc::Receiver<Observation>) {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let mut links = Self {
            links: BTreeMap::new(),
            sender,
            stirred: watch::Sender::new(()),
            may_talk,
        };
        for home in homes {
            links.add(home);
        }
        (links, receiver)
    }

    pub(crate) fn add(&mut self, home: Utf8PathBuf) {
        let stirred = self.stirred.subscribe();
        let follow = link::follow(home.clone(), self.sender.clone(), stirred, self.may_talk);
        if let Some(before) = self.links.insert(home, tokio::spawn(follow)) {
            before.abort();
        }
    }

    /// Something changed in a home: a server may be starting.
    pub(crate) fn stir(&self) {
        self.stirred.send_replace(());
    }

    pub(crate) fn remove(&mut self, home: &Utf8Path) {
        if let Some(link) = self.links.remove(home) {
            link.abort();
        }
    }
}

impl Drop for LiveLinks {
    fn drop(&mut self) {
        for link in self.links.values() {
            link.abort();
        }
    }
}

/// Looks once at what the server of a home says of its threads; nothing without a server.
pub(crate) async fn look(home: &Utf8Path, now: Timestamp) -> Vec<Observation> {
    if !presence::has_clients(home) {
        return Vec::new();
    }
    let looked = tokio::time::timeout(LOOK, link::look(home, now)).await;
    match looked {
        Ok(Ok(observations)) => observations,
        Ok(Err(error)) => {
            tracing::debug!(%error, %home, "The control socket tells nothing.");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!(%home, "The control socket takes too long.");
            Vec::new()
        }
    }
}

/// Returns whether a server may be there to be asked.
pub(crate) fn is_there(home: &Utf8Path) -> bool {
    wire::is_there(home)
}

fn socket(home: &Utf8Path) -> Utf8PathBuf {
    home.join("app-server-control/app-server-control.sock")
}

fn seen(thread: &str, at: Timestamp, doing: LiveDoing) -> Observation {
    Observation::LiveSeen {
        session: SessionId::new(Source::Codex, thread),
        live: LiveState {
            from: EvidenceSource::LiveProtocol,
            at,
            doing,
        },
    }
}

fn lost(thread: &str) -> Observation {
    Observation::LiveLost {
        session: SessionId::new(Source::Codex, thread),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
