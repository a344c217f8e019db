//! A client that writes and reads raw lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::wait::{Deadline, SOON, Stopwatch, wait_for};
use mission_control_testkit::watch::Front;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

/// How long a test makes sure that nothing comes.
const A_MOMENT: Duration = Duration::from_millis(200);

/// A running server and what it wrote.
pub(crate) struct Pipe {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    n_requests: i64,
    notes: Vec<Value>,
}

/// Returns a program with a state folder and homes of its own.
pub(crate) fn front() -> Front {
    let path = process::own_env("PATH").unwrap();
    let front = Front::new(PROGRAM, [("PATH".to_owned(), path)].into());
    let state = front.state().to_str().unwrap().to_owned();
    let mut front = front;
    front.set_env("HOME", &state);
    front.set_env("CODEX_HOME", &format!("{state}/codex"));
    front
}

impl Pipe {
    /// Starts the server.
    pub(crate) fn start(front: &Front) -> Self {
        Self::start_in(front, front.state())
    }

    /// Starts the server in a folder.
    pub(crate) fn start_in(front: &Front, cwd: &Path) -> Self {
        Self::start_with(front, cwd, &[])
    }

    /// Starts the server in a folder with further arguments.
    #[expect(
        clippy::disallowed_methods,
        reason = "the server needs both of its streams"
    )]
    pub(crate) fn start_with(front: &Front, cwd: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("--mcp")
            .args(arguments)
            .env_clear()
            .envs(front.env())
            .current_dir(cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                match reader.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if sender.send(line).is_err() => return,
                    Ok(_) => {}
                }
            }
        });
        Self {
            child,
            stdin,
            lines,
            n_requests: 0,
            notes: Vec::new(),
        }
    }

    /// Starts the server and shakes hands in the way of before 2026-07-28.
    pub(crate) fn legacy(front: &Front) -> Self {
        let mut pipe = Self::start(front);
        pipe.shake_hands();
        pipe
    }

    pub(crate) fn shake_hands(&mut self) {
        let params = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "raw", "version": "1" }
        });
        self.request("initialize", params);
        self.write_line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    pub(crate) fn write_line(&mut self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> i64 {
        self.n_requests += 1;
        let id = self.n_requests;
        let line = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write_line(&line.to_string());
        id
    }

    /// Sends a request and returns its whole answer.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.answer_to(&json!(id))
    }

    /// Calls a tool and returns its result.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.request("tools/call", params);
        assert!(answer["result"].is_object(), "{answer:#}");
        answer["result"].clone()
    }

    /// Calls a tool that works and returns its structured part.
    #[track_caller]
    pub(crate) fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{result:#}");
        result["structuredContent"].clone()
    }

    /// Waits for the answer to a request; what comes before it is kept.
    #[track_caller]
    pub(crate) fn answer_to(&mut self, id: &Value) -> Value {
        let deadline = Deadline::after(SOON);
        loop {
            let message = self.next(deadline.left());
            let message = message.unwrap_or_else(|| panic!("no answer to {id}"));
            if message["id"] == *id && message["method"].is_null() {
                return message;
            }
            self.notes.push(message);
        }
    }

    /// Returns the next message; none when nothing comes within `limit`.
    #[track_caller]
    pub(crate) fn next(&mut self, limit: Duration) -> Option<Value> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Some(serde_json::from_slice(&line).unwrap_or_else(|error| {
                panic!("not JSON: {error}: {}", String::from_utf8_lossy(&line))
            })),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Makes sure that nothing comes for a moment.
    #[track_caller]
    pub(crate) fn is_silent(&mut self) {
        let message = self.next(A_MOMENT);
        assert_eq!(message, None);
    }

    /// Makes sure that the server lives and answers.
    #[track_caller]
    pub(crate) fn is_well(&mut self) {
        let answer = self.request("tools/list", json!({}));
        assert!(answer["result"]["tools"].is_array(), "{answer:#}");
    }

    /// Returns what came beside answers so far.
    pub(crate) fn notes(&self) -> &[Value] {
        &self.notes
    }

    /// Closes the server's standard input.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits for the end and returns how long it took and the exit code.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> (Duration, Option<i32>) {
        let watch = Stopwatch::start();
        let status = wait_for(SOON, "the server ends", || self.child.try_wait().unwrap());
        (watch.elapsed(), status.code())
    }

    pub(crate) fn signal(&self, signal: StopSignal) {
        process::send(self.child.id(), signal);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns how much memory the server holds alone, in kilobytes.
    pub(crate) fn anonymous_kb(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.pid());
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with("Pss_Anon:"));
        let number = line
            .and_then(|line| line.split_whitespace().nth(1))
            .unwrap();
        number.parse().unwrap()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.stdin = None;
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Returns what a request of 2026-07-28 carries.
pub(crate) fn meta(extensions: Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "elicitation": {},
            "extensions": extensions
        },
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" }
    })
}
