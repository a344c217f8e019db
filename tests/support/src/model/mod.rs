//! A language model on the loopback that plays scripts: what the real agents talk to in tests.
//!
//! It speaks the Responses API over server-sent events. A script is chosen by the address
//! (`/s/<script>/v1/responses`), the step within it by what the request already holds, so a
//! repeated request gets the same answer.

mod answer;
mod script;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::http::Message;
use crate::wait::{Deadline, wait_for};
use answer::Answer;
pub use script::{
    GUARDIAN_ASKS, GUARDIAN_SAYS_NO, Gate, Reply, Script, Step, TITLE_ASKS, command, escalated,
    patch, question, reasoning, say, spawn_agent, wait_agents,
};

/// The scripted model; it ends when dropped.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    scripts: Mutex<BTreeMap<String, Arc<Script>>>,
    requests: Mutex<Vec<(String, Value)>>,
    connections: Mutex<Vec<JoinHandle<()>>>,
    is_over: AtomicBool,
}

impl Model {
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

    /// Registers a script and returns the base address under which it is played.
    #[must_use]
    pub fn plays(&self, name: &str, script: Script) -> String {
        let mut scripts = self.shared.scripts.lock().unwrap();
        let before = scripts.insert(name.to_owned(), Arc::new(script));
        assert!(before.is_none(), "the script `{name}` is registered twice");
        format!("http://{}/s/{name}/v1", self.address)
    }

    /// Adds the steps for prompts that contain `prompt` to a registered script.
    pub fn also_plays(&self, name: &str, prompt: &str, steps: impl IntoIterator<Item = Step>) {
        let mut scripts = self.shared.scripts.lock().unwrap();
        let script = scripts.get_mut(name).expect("a registered script");
        let more = Script::clone(script).on(prompt, steps);
        // A title is asked for with the prompt in it.
        *script = Arc::new(more.on(TITLE_ASKS, [say("A title")]));
    }

    /// Returns the requests for a script so far.
    #[must_use]
    pub fn requests(&self, name: &str) -> Vec<Value> {
        let requests = self.shared.requests.lock().unwrap();
        requests
            .iter()
            .filter(|(script, _)| script == name)
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// Waits until a script was asked for `n` responses.
    #[track_caller]
    pub fn wait_for_requests(&self, name: &str, n: usize, limit: Duration) {
        let what = format!("the model is asked {n} times for `{name}`");
        wait_for(limit, &what, || {
            (self.requests(name).len() >= n).then_some(())
        });
    }
}

impl Drop for Model {
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

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.is_over() {
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

fn serve(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_nodelay(true)?;
    let Some(request) = Message::read(stream)? else {
        return Ok(());
    };
    let path = request.start.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let name = path
        .strip_prefix("/s/")
        .and_then(|rest| rest.strip_suffix("/v1/responses"));
    let script = name.and_then(|name| shared.scripts.lock().unwrap().get(name).map(Arc::clone));
    let (Some(name), Some(script)) = (name, script) else {
        return write_response(stream, 404, &[], "application/json", b"{}");
    };
    let body: Value = serde_json::from_slice(&request.body).map_err(std::io::Error::other)?;
    shared
        .requests
        .lock()
        .unwrap()
        .push((name.to_owned(), body.clone()));

    let answer = Answer::choose(&script, &body);
    if let Some(gate) = &answer.step.gate {
        gate.reach();
        while !gate.pass(Deadline::after(Duration::from_millis(100))) {
            if shared.is_over() || has_left(stream) {
                return Ok(());
            }
        }
    }
    match &answer.step.reply {
        Reply::Http { status, body } => {
            let body = body.to_string();
            write_response(
                stream,
                *status,
                &answer.step.headers,
                "application/json",
                body.as_bytes(),
            )
        }
        Reply::Dropped => {
            let body = answer.events();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                 content-length: {}\r\n\r\n",
                body.len() + 1000
            )?;
            stream.write_all(body.as_bytes())
        }
        Reply::Items(_) | Reply::Failed { .. } => {
            let body = answer.events();
            write_response(
                stream,
                200,
                &answer.step.headers,
                "text/event-stream",
                body.as_bytes(),
            )
        }
    }
}

fn has_left(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).ok();
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).ok();
    matches!(seen, Ok(0))
}

fn write_response(
    mut stream: &TcpStream,
    status: u16,
    headers: &[(String, String)],
    content_type: &str,
    body: &[u8],
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\nconnection: close\r\n\
         content-length: {}\r\n",
        body.len()
    )?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(body)
}
