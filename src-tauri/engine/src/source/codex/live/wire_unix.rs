//! The conversation itself: JSON-RPC in WebSocket frames over a Unix socket.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::FileTypeExt as _;

use camino::Utf8Path;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{LiveError, PATIENCE, socket};

/// Longest message that is taken in, in bytes: threads may be long.
const MOST_BYTES: usize = 64 << 20;

/// Most that was said while an answer is waited for.
const MOST_KEPT: usize = 4096;

/// Something the server said.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something happened.
    Notification {
        method: String,
        params: Value,
        at_ms: Option<i64>,
    },
    /// The server asks for something.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Wire {
    stream: WebSocketStream<UnixStream>,
    /// Heard while an answer was waited for.
    kept: VecDeque<Heard>,
    n_requests: i64,
    /// How the server names itself and its version.
    user_agent: Option<String>,
}

enum Incoming {
    Heard(Heard),
    Answer(i64, Result<Value, LiveError>),
    Other,
}

/// Returns whether there is a socket; a daemon that died may have left it.
pub(super) fn is_there(home: &Utf8Path) -> bool {
    std::fs::metadata(socket(home)).is_ok_and(|file| file.file_type().is_socket())
}

/// Looks whether somebody listens, and says nothing to it.
pub(super) async fn knock(home: &Utf8Path) -> std::io::Result<()> {
    UnixStream::connect(socket(home).as_std_path())
        .await
        .map(drop)
}

impl Wire {
    pub(super) async fn connect(home: &Utf8Path) -> Result<Self, LiveError> {
        let path = socket(home);
        let connecting = timeout(PATIENCE, UnixStream::connect(path.as_std_path()));
        let stream = connecting.await.map_err(|_| LiveError::Silent)?;
        let stream = stream.map_err(LiveError::Connect)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MOST_BYTES))
            .max_frame_size(Some(MOST_BYTES));
        let shaking =
            tokio_tungstenite::client_async_with_config("ws://localhost/", stream, Some(config));
        let shaken = timeout(PATIENCE, shaking).await;
        let (stream, _) = shaken
            .map_err(|_| LiveError::Silent)?
            .map_err(|error| LiveError::Talk(error.to_string()))?;
        let mut wire = Self {
            stream,
            kept: VecDeque::new(),
            n_requests: 0,
            user_agent: None,
        };
        let hello = json!({
            "clientInfo": {
                "name": "mission_control",
                "title": "Mission Control",
                "version": env!("CARGO_PKG_VERSION"),
            },
            "capabilities": { "experimentalApi": true },
        });
        let said = wire.ask("initialize", hello).await?;
        let named = said.get("userAgent").and_then(Value::as_str);
        wire.user_agent = named.map(str::to_owned);
        wire.send(&json!({ "method": "initialized" })).await?;
        Ok(wire)
    }

    /// Returns how the server names itself, if it does.
    pub(super) fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Asks and returns the answer; what is said meanwhile is kept.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, LiveError> {
        let mut answers = self.ask_all(method, vec![params]).await?;
        answers.pop().unwrap_or(Err(LiveError::Silent))
    }

    /// Asks several things at once and returns the answers in their order; what is said meanwhile
    /// is kept.
    pub(super) async fn ask_all(
        &mut self,
        method: &str,
        all: Vec<Value>,
    ) -> Result<Vec<Result<Value, LiveError>>, LiveError> {
        let first = self.n_requests + 1;
        let mut answers = BTreeMap::new();
        let n_asked = all.len();
        for params in all {
            self.n_requests += 1;
            let id = self.n_requests;
            self.send(&json!({ "id": id, "method": method, "params": params }))
                .await?;
        }
        let last = self.n_requests;
        let answered = async {
            while answers.len() < n_asked {
                match self.next().await? {
                    Incoming::Answer(of, result) if (first..=last).contains(&of) => {
                        answers.insert(of, result);
                    }
                    Incoming::Heard(heard) if self.kept.len() < MOST_KEPT => {
                        self.kept.push_back(heard);
                    }
                    Incoming::Heard(_) => {
                        return Err(LiveError::Talk("it says too much".to_owned()));
                    }
                    Incoming::Answer(..) | Incoming::Other => {}
                }
            }
            Ok(())
        };
        timeout(PATIENCE, answered)
            .await
            .map_err(|_| LiveError::Silent)??;
        Ok(answers.into_values().collect())
    }

    /// Answers a request of the server.
    pub(super) async fn reply(&mut self, id: Value, result: Value) -> Result<(), LiveError> {
        self.send(&json!({ "id": id, "result": result })).await
    }

    /// Waits for the next thing that is said. Nothing is lost when the wait is given up.
    pub(super) async fn hear(&mut self) -> Result<Heard, LiveError> {
        loop {
            if let Some(heard) = self.kept.pop_front() {
                return Ok(heard);
            }
            if let Incoming::Heard(heard) = self.next().await? {
                return Ok(heard);
            }
        }
    }

    /// Puts back what was heard, in its order.
    pub(super) fn put_back(&mut self, heard: Vec<Heard>) {
        for heard in heard.into_iter().rev() {
            self.kept.push_front(heard);
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), LiveError> {
        let sending = self.stream.send(Message::text(message.to_string()));
        let sent = timeout(PATIENCE, sending).await;
        sent.map_err(|_| LiveError::Silent)?.map_err(broken)
    }

    async fn next(&mut self) -> Result<Incoming, LiveError> {
        let frame = self.stream.next().await.ok_or(LiveError::Closed)?;
        match frame.map_err(broken)? {
            Message::Text(text) => Ok(understood(text.as_str())),
            Message::Close(_) => Err(LiveError::Closed),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                Ok(Incoming::Other)
            }
        }
    }
}

/// A server that is killed says no farewell; that is an end like any other.
fn broken(error: Error) -> LiveError {
    let is_end = matches!(
        error,
        Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Io(_)
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
    );
    if is_end {
        LiveError::Closed
    } else {
        LiveError::Talk(error.to_string())
    }
}

/// What is not understood is passed over: a newer server may say more.
fn understood(text: &str) -> Incoming {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else {
        tracing::debug!("The control socket says something that is no JSON.");
        return Incoming::Other;
    };
    let mut take = |name: &str| message.get_mut(name).map(Value::take);
    let id = take("id").filter(|id| !id.is_null());
    let method = take("method").and_then(|method| Some(method.as_str()?.to_owned()));
    match (id, method) {
        (Some(id), Some(method)) => Incoming::Heard(Heard::Request {
            id,
            method,
            params: take("params").unwrap_or_default(),
        }),
        (None, Some(method)) => Incoming::Heard(Heard::Notification {
            method,
            at_ms: take("emittedAtMs").and_then(|at| at.as_i64()),
            params: take("params").unwrap_or_default(),
        }),
        (Some(id), None) => {
            let result = match take("error") {
                Some(error) => {
                    let says = error.get("message").and_then(Value::as_str);
                    Err(LiveError::Refused(says.unwrap_or("no reason").to_owned()))
                }
                None => Ok(take("result").unwrap_or_default()),
            };
            id.as_i64()
                .map_or(Incoming::Other, |id| Incoming::Answer(id, result))
        }
        (None, None) => Incoming::Other,
    }
}
