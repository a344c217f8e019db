//! A language model on the loopback that plays replies one after the other: what the real Claude
//! Code talks to in tests. It speaks the Messages API over server-sent events.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Message;
use crate::model::Gate;
use crate::wait::Deadline;

/// The model that the replies claim to come from.
pub const MODEL: &str = "claude-sonnet-4-5";

/// The scripted model; it ends when dropped.
#[derive(Debug)]
pub struct ClaudeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// One reply.
#[derive(Clone, Debug)]
pub struct Reply {
    says: Says,
    gate: Option<Gate>,
    /// What the conversation has to begin with, where several go on at a time.
    to: Option<String>,
}

#[derive(Clone, Debug)]
enum Says {
    Text(String),
    Call {
        name: String,
        input: Value,
    },
    Error {
        status: u16,
        message: String,
    },
    /// Writes the plan into the file that the request names.
    WrittenPlan(String),
}

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    n_calls: Mutex<usize>,
    connections: Mutex<Vec<JoinHandle<()>>>,
    is_over: AtomicBool,
}

impl Reply {
    /// Says something and ends the turn.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::of(Says::Text(text.to_owned()))
    }

    /// Calls a tool.
    #[must_use]
    pub fn call(name: &str, input: Value) -> Self {
        let name = name.to_owned();
        Self::of(Says::Call { name, input })
    }

    /// Runs a command.
    #[must_use]
    pub fn command(command: &str) -> Self {
        Self::call("Bash", json!({"command": command, "description": "Do it"}))
    }

    /// Writes a plan into the file that the agent keeps it in, as it asks for in its plan mode.
    #[must_use]
    pub fn written_plan(plan: &str) -> Self {
        Self::of(Says::WrittenPlan(plan.to_owned()))
    }

    /// Refuses the request.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        let message = message.to_owned();
        Self::of(Says::Error { status, message })
    }

    /// Holds the reply back until the gate is opened.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Keeps the reply for the conversation whose first prompt holds this text.
    #[must_use]
    pub fn to(mut self, prompt: &str) -> Self {
        self.to = Some(prompt.to_owned());
        self
    }

    fn of(says: Says) -> Self {
        Self {
            says,
            gate: None,
            to: None,
        }
    }
}

impl ClaudeModel {
    /// Starts a model on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a free port");
        let address = listener.local_addr().expect("read the port");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let listener = std::thread::spawn(move || accept(&listener, &accepting));
        Self {
            address,
            shared,
            listener: Some(listener),
        }
    }

    /// Returns the address the agent is to talk to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Appends replies to what is played.
    pub fn plays(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.replies.lock().unwrap().extend(replies);
    }
}

impl ClaudeModel {
    /// Returns the id of the latest tool call that was played.
    #[must_use]
    pub fn last_call(&self) -> String {
        call_id(*self.shared.n_calls.lock().unwrap())
    }
}

impl Drop for ClaudeModel {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener, which looks at the flag after every connection.
        TcpStream::connect(self.address).ok();
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
        let connections = std::mem::take(&mut *self.shared.connections.lock().unwrap());
        for connection in connections {
            connection.join().ok();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let serving = Arc::clone(shared);
        let connection = std::thread::spawn(move || {
            // A client that leaves in the middle of an answer is part of the tests.
            serve(&stream, &serving).ok();
        });
        shared.connections.lock().unwrap().push(connection);
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_nodelay(true)?;
    let Some(request) = Message::read(stream)? else {
        return Ok(());
    };
    let path = request.start.split(' ').nth(1).unwrap_or_default();
    if path.contains("count_tokens") {
        return respond(stream, 200, "application/json", r#"{"input_tokens":10}"#);
    }
    if !path.contains("/messages") {
        return respond(stream, 200, "application/json", "{}");
    }
    let body: Value = serde_json::from_slice(&request.body).map_err(std::io::Error::other)?;
    let reply = shared.reply_to(&body);
    if let Some(gate) = &reply.gate {
        gate.reach();
        while !gate.pass(Deadline::after(Duration::from_millis(100))) {
            if shared.is_over.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }
    let (content, stop) = match &reply.says {
        Says::Error { status, message } => {
            let kind = match status {
                429 => "rate_limit_error",
                500.. => "api_error",
                _ => "invalid_request_error",
            };
            let error = json!({"type": kind, "message": message});
            let body = json!({"type": "error", "error": error});
            return respond(stream, *status, "application/json", &body.to_string());
        }
        Says::Text(text) => (json!({"type": "text", "text": text}), "end_turn"),
        Says::Call { name, input } => (shared.call(name, input), "tool_use"),
        Says::WrittenPlan(plan) => {
            let input = json!({"file_path": plan_file(&body), "content": plan});
            (shared.call("Write", &input), "tool_use")
        }
    };
    if body["stream"] == true {
        return respond(stream, 200, "text/event-stream", &events(&content, stop));
    }
    let mut message = message(json!([content]));
    message["stop_reason"] = json!(stop);
    respond(stream, 200, "application/json", &message.to_string())
}

impl Shared {
    /// Titles and the like are asked for without tools, and get no scripted reply.
    fn reply_to(&self, request: &Value) -> Reply {
        let tools = request["tools"].as_array().into_iter().flatten();
        let has_tools = tools.into_iter().any(|tool| tool["name"] == "Bash");
        let begins = request["messages"][0].to_string();
        let is_for_it = |reply: &Reply| reply.to.as_ref().is_none_or(|to| begins.contains(to));
        let mut replies = self.replies.lock().unwrap();
        let at = replies.iter().position(is_for_it).filter(|_| has_tools);
        at.and_then(|at| replies.remove(at))
            .unwrap_or_else(|| Reply::text("Understood."))
    }

    fn call(&self, name: &str, input: &Value) -> Value {
        let mut n_calls = self.n_calls.lock().unwrap();
        *n_calls += 1;
        json!({"type": "tool_use", "id": call_id(*n_calls), "name": name, "input": input})
    }
}

fn call_id(number: usize) -> String {
    format!("toolu_{number:012}")
}

/// Returns the file that a request names for the plan.
fn plan_file(request: &Value) -> String {
    let text = request.to_string();
    let (before, after) = text.split_once("/plans/").expect("a file for the plan");
    let start = before.rfind(|c: char| c.is_whitespace() || "\"`'(".contains(c));
    let (folder, (name, _)) = (
        before.get(start.map_or(0, |at| at + 1)..),
        after.split_once(".md").expect("a file of Markdown"),
    );
    format!("{}/plans/{name}.md", folder.expect("a folder"))
}

fn message(content: Value) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": content,
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 12, "cache_read_input_tokens": 8000, "output_tokens": 5},
    })
}

fn events(content: &Value, stop: &str) -> String {
    let mut start = content.clone();
    let delta = if content["type"] == "text" {
        start["text"] = json!("");
        json!({"type": "text_delta", "text": content["text"]})
    } else {
        start["input"] = json!({});
        json!({"type": "input_json_delta", "partial_json": content["input"].to_string()})
    };
    let usage = json!({"output_tokens": 5});
    let stops = json!({"stop_reason": stop, "stop_sequence": null});
    let events = [
        json!({"type": "message_start", "message": message(json!([]))}),
        json!({"type": "content_block_start", "index": 0, "content_block": start}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": stops, "usage": usage}),
        json!({"type": "message_stop"}),
    ];
    let text = |event: &Value| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    };
    events.iter().map(text).collect()
}

fn respond(mut stream: &TcpStream, status: u16, kind: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
