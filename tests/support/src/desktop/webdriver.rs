//! The window's page, driven through WebKit's own WebDriver.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Desktop, artifact};
use crate::http;
use crate::process::{Output, Process, Start};
use crate::wait::{PATIENT, SOON, wait_for};

/// True in a page that has shown its first data.
const IS_READY: &str = "document.body.dataset.ready === 'true'";

/// The driver's server; ended when dropped, with every program it started.
#[derive(Debug)]
pub struct Driver {
    // Held for its end.
    _process: Process,
    address: SocketAddr,
}

/// A page in a window.
#[derive(Debug)]
pub struct Browser {
    address: SocketAddr,
    session: String,
}

impl Driver {
    /// Starts the driver; programs it starts get the environment `env`.
    #[track_caller]
    #[must_use]
    pub fn start(desktop: &Desktop, env: &BTreeMap<String, String>) -> Self {
        let address = free_address();
        let folder = desktop.folder.path();
        let process = Process::start(&Start {
            program: "WebKitWebDriver".as_ref(),
            args: vec![format!("--port={}", address.port())],
            env: env.clone(),
            cwd: folder,
            stdout: Output::Null,
            stderr: Some(&folder.join("webdriver.err")),
        });
        wait_for(SOON, "the driver answers", || {
            http::request(address, "GET", "/status", "", SOON).ok()
        });
        Self {
            _process: process,
            address,
        }
    }

    /// Starts a program and returns its first page.
    ///
    /// The driver answers only when the program has made a page. `open_window` is called
    /// beside it and has to bring the program to make one.
    #[track_caller]
    #[must_use]
    pub fn open(&self, program: &str, args: &[&str], open_window: impl FnOnce() + Send) -> Browser {
        let options = json!({"webkitgtk:browserOptions": {"binary": program, "args": args}});
        let body = json!({"capabilities": {"alwaysMatch": options}}).to_string();
        let address = self.address;
        let answer = std::thread::scope(|scope| {
            let asking =
                scope.spawn(move || http::request(address, "POST", "/session", &body, PATIENT));
            open_window();
            asking.join().expect("the request does not panic")
        });
        let (status, body) = answer.expect("start a session");
        assert_eq!(status, 200, "start a session: {body}");
        let body: Value = serde_json::from_str(&body).expect("an answer in JSON");
        let session = body["value"]["sessionId"]
            .as_str()
            .expect("a session's id")
            .to_owned();
        Browser { address, session }
    }
}

impl Browser {
    /// Runs a script in the page and returns what it returns.
    #[track_caller]
    #[must_use]
    pub fn script(&self, script: &str) -> Value {
        self.try_script(script)
            .unwrap_or_else(|error| panic!("run `{script}`: {error}"))
    }

    /// Waits until an expression in the page is true.
    #[track_caller]
    pub fn wait_for(&self, what: &str, expression: &str) {
        let script = format!("return Boolean({expression});");
        wait_for(SOON, &format!("in the page: {what} ({expression})"), || {
            (self.try_script(&script).is_ok_and(|value| value == true)).then_some(())
        });
    }

    /// Waits until the page has shown its first data.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        self.wait_for("it has its data", IS_READY);
    }

    /// Waits until what the page holds is on the screen too.
    #[track_caller]
    pub fn wait_until_painted(&self) {
        let script = "const done = arguments[arguments.length - 1];\
                      const next = (n) => n === 0 ? done(true) : requestAnimationFrame(() => next(n - 1));\
                      next(5);";
        let body = json!({"script": script, "args": []}).to_string();
        let painted = self.command("POST", "execute/async", &body);
        assert_eq!(painted, Ok(Value::Bool(true)), "wait for a frame");
    }

    /// Clicks the first element that a selector finds.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let selector = Value::from(selector);
        self.wait_for(
            "there is something to click",
            &format!("document.querySelector({selector})"),
        );
        let script = format!("document.querySelector({selector}).click(); return true;");
        assert_eq!(self.script(&script), true);
    }

    /// Keeps a picture of the page in `test-artifacts/<name>.png`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) {
        let picture = self
            .command("GET", "screenshot", "")
            .expect("take a picture");
        let bytes = decode_base64(picture.as_str().expect("a picture as text"));
        fs::write(artifact(&format!("{name}.png")), bytes).expect("keep the picture");
    }

    /// Ends the session; the driver ends the program with it.
    pub fn close(self) {
        self.command("DELETE", "", "").ok();
    }

    fn try_script(&self, script: &str) -> Result<Value, String> {
        self.command(
            "POST",
            "execute/sync",
            &json!({"script": script, "args": []}).to_string(),
        )
    }

    fn command(&self, method: &str, name: &str, body: &str) -> Result<Value, String> {
        let path = Path::new("/session").join(&self.session).join(name);
        let path = path.to_string_lossy();
        let answer = http::request(
            self.address,
            method,
            path.trim_end_matches('/'),
            body,
            Duration::from_secs(30),
        );
        let (status, body) = answer.map_err(|error| error.to_string())?;
        let answer: Value =
            serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
        if status == 200 {
            Ok(answer["value"].clone())
        } else {
            Err(answer["value"].to_string())
        }
    }
}

/// Returns an address that nobody listens on at the moment.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a free port");
    listener.local_addr().expect("read the port")
}

fn decode_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut n_bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push(u8::try_from((bits >> n_bits) & 0xff).unwrap_or_default());
        }
    }
    bytes
}
