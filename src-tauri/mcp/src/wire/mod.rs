//! The transport below the protocol library: lines in, frames out, guarded on both ways.

mod gate;
mod lines;
mod outbox;
mod refusal;
pub(crate) mod streams;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::value::RawValue;
use tokio::sync::watch;

use gate::{Gate, Verdict};
use lines::{Lines, MAX_LINE};
pub(crate) use outbox::Outbox;
use refusal::{FAULT, frame};
use streams::Input;

/// Longest message that is sent, in bytes. Answers are kept far shorter by whoever makes them.
const MAX_FRAME: usize = 4 << 20;

/// What was sent before is there within this time.
const AT_ONCE: Duration = Duration::from_millis(5);

/// How the connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether the client will send nothing more.
    pub(crate) has_ended: bool,
    /// Whether everything it sent was taken in.
    pub(crate) is_taken_in: bool,
    /// Requests whose answer is still to come.
    pub(crate) awaited: usize,
}

/// The connection to the client.
pub(crate) struct Wire {
    input: Input,
    lines: Lines,
    gate: Gate,
    outbox: Outbox,
    standing: watch::Sender<Standing>,
    /// Whether this process was told to end.
    told: watch::Receiver<bool>,
}

/// A connection on loan: whoever served it gives it back, so that serving can start anew.
pub(crate) struct Lease {
    wire: Option<Wire>,
    home: Arc<Mutex<Option<Wire>>>,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("send a message")]
pub(crate) struct SendError;

impl Wire {
    pub(crate) fn new(
        input: Input,
        outbox: Outbox,
        told: watch::Receiver<bool>,
    ) -> (Self, watch::Receiver<Standing>) {
        let (standing, seen) = watch::channel(Standing::default());
        let wire = Self {
            input,
            lines: Lines::default(),
            gate: Gate::default(),
            outbox,
            standing,
            told,
        };
        (wire, seen)
    }

    /// Waits for the next message. After the last one it waits for ever: when serving ends is
    /// decided elsewhere.
    async fn next(&mut self) -> ClientJsonRpcMessage {
        loop {
            // What was taken in before is answered first: otherwise a client that sends much and
            // reads nothing fills the memory with answers on their way to the outbox.
            tokio::task::yield_now().await;
            let has_room = self.outbox.has_room();
            if has_room && let Some(message) = self.take() {
                return message;
            }
            let has_ended = self.standing.borrow().has_ended;
            if has_ended && has_room {
                self.standing.send_if_modified(|standing| {
                    !std::mem::replace(&mut standing.is_taken_in, true)
                });
                std::future::pending::<()>().await;
            }
            let outbox = self.outbox.clone();
            let room = outbox.wait_until(Outbox::has_room);
            if has_ended || self.lines.waiting() > MAX_LINE {
                room.await;
                continue;
            }
            let lines = &mut self.lines;
            tokio::select! {
                is_open = self.input.read(|bytes| lines.feed(bytes)) => if !is_open {
                    self.standing.send_modify(|standing| standing.has_ended = true);
                },
                () = room, if !has_room => {}
                () = is_told(&mut self.told) => self.take_what_is_there().await,
            }
        }
    }

    /// Reads what was sent before this process was told to end, and nothing after it.
    async fn take_what_is_there(&mut self) {
        let lines = &mut self.lines;
        let mut is_open = true;
        while is_open && lines.waiting() <= MAX_LINE {
            let read = self.input.read(|bytes| lines.feed(bytes));
            match tokio::time::timeout(AT_ONCE, read).await {
                Ok(is_still_open) => is_open = is_still_open,
                Err(_) => break,
            }
        }
        self.standing
            .send_modify(|standing| standing.has_ended = true);
    }

    /// Takes the next message out of what was read.
    fn take(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let line = self.lines.next().or_else(|| {
                let has_ended = self.standing.borrow().has_ended;
                has_ended.then(|| self.lines.rest()).flatten()
            })?;
            let verdict = self.gate.take(&line);
            self.tell();
            match verdict {
                Verdict::Pass(message) => return Some(*message),
                Verdict::Refuse(frame) => self.outbox.put(frame),
                Verdict::Ignore => {}
            }
            if !self.outbox.has_room() {
                return None;
            }
        }
    }

    fn put(&mut self, message: &ServerJsonRpcMessage) -> Result<(), SendError> {
        if self.gate.may_send(message) {
            let mut bytes = serde_json::to_vec(message).map_err(|error| {
                tracing::error!(%error, "A message could not be written as JSON.");
                SendError
            })?;
            bytes.push(b'\n');
            if bytes.len() > MAX_FRAME {
                tracing::warn!(n_bytes = bytes.len(), "An answer was too long to send.");
                bytes = too_long(message);
            }
            self.outbox.put(bytes);
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        let awaited = self.gate.awaited();
        self.standing.send_if_modified(|standing| {
            std::mem::replace(&mut standing.awaited, awaited) != awaited
        });
    }
}

/// Waits until this process is told to end.
async fn is_told(told: &mut watch::Receiver<bool>) {
    if told.wait_for(|told| *told).await.is_err() {
        // Serving is over, and so is this wait.
        std::future::pending::<()>().await;
    }
}

/// Says instead of an answer that it is too long; other messages are dropped.
fn too_long(message: &ServerJsonRpcMessage) -> Vec<u8> {
    let ServerJsonRpcMessage::Response(response) = message else {
        return Vec::new();
    };
    let id = serde_json::to_string(&response.id).ok();
    let id = id.and_then(|id| RawValue::from_string(id).ok());
    let message = format!("The answer is longer than {} MiB.", MAX_FRAME >> 20);
    frame(id.as_deref(), FAULT, &message)
}

impl Lease {
    /// Lends out a connection.
    pub(crate) fn of(mut wire: Wire) -> (Self, Arc<Mutex<Option<Wire>>>) {
        wire.gate.start_anew();
        let home = Arc::new(Mutex::new(None));
        let lease = Self {
            wire: Some(wire),
            home: Arc::clone(&home),
        };
        (lease, home)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        *home = self.wire.take();
    }
}

impl Transport<RoleServer> for Lease {
    type Error = SendError;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), SendError>> + Send + 'static {
        // Frames are put in the order in which the library hands them over, before anything else
        // can happen.
        let result = match &mut self.wire {
            Some(wire) => wire.put(&message),
            None => Err(SendError),
        };
        std::future::ready(result)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        match &mut self.wire {
            Some(wire) => Some(wire.next().await),
            None => None,
        }
    }

    async fn close(&mut self) -> Result<(), SendError> {
        Ok(())
    }
}
