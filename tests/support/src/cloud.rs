//! Codex Cloud on the loopback: what `codex cloud` of 0.100 talks to in tests. Later versions refuse
//! a service of this kind, so they only show their honest refusals.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::codex;
use crate::http::Message;

/// The version that talks to a service on the loopback.
pub const VERSION: &str = "0.100.0";

/// The only environment of the service: its id and its name.
pub const ENVIRONMENT: (&str, &str) = ("env_1", "acme");

/// The scripted service; it ends when dropped.
#[derive(Debug)]
pub struct Cloud {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    tasks: Mutex<BTreeMap<String, Entry>>,
    submissions: Mutex<Vec<Value>>,
    paths: Mutex<Vec<String>>,
    answers: Mutex<Option<(String, &'static str, Value)>>,
    is_down: AtomicBool,
    is_over: AtomicBool,
}

#[derive(Clone, Debug)]
struct Entry {
    title: String,
    state: &'static str,
    diff: String,
}

impl Cloud {
    /// Starts a service on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind a free port");
        let address = listener.local_addr().expect("read the port");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.is_over.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    serving.serve(&stream);
                }
            }
        });
        Self {
            address,
            shared,
            listener: Some(listener),
        }
    }

    /// Returns the pinned program.
    #[must_use]
    pub fn program() -> PathBuf {
        codex::program_of(VERSION)
    }

    /// Makes a login that the program takes for one, in an agent's home, and returns the variables
    /// that lead it here.
    #[must_use]
    pub fn sign_in(&self, codex_home: &Path) -> BTreeMap<String, String> {
        let claims = json!({
            "email": "dev@acme.example",
            "exp": 4_102_444_800_i64,
            "https://api.openai.com/auth": {
                "chatgpt_account_id": "account", "chatgpt_plan_type": "pro"
            }
        });
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let token = format!("{}.{}.x", part(&json!({ "alg": "none" })), part(&claims));
        let login = json!({
            "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": token, "access_token": token, "refresh_token": "made-up",
                "account_id": "account"
            },
            "last_refresh": "2099-01-01T00:00:00Z"
        });
        std::fs::create_dir_all(codex_home).expect("make the agent's home");
        std::fs::write(codex_home.join("auth.json"), login.to_string()).expect("write a login");
        BTreeMap::from([(
            "CODEX_CLOUD_TASKS_BASE_URL".to_owned(),
            format!("http://{}/backend-api", self.address),
        )])
    }

    /// Says from here on that a task is in `state` (`pending`, `completed`, `failed`) and changed
    /// what `diff` says.
    pub fn set(&self, id: &str, state: &'static str, diff: &str) {
        let mut tasks = self.shared.tasks.lock().unwrap();
        let entry = tasks.entry(id.to_owned()).or_insert_with(|| Entry {
            title: "Elsewhere".to_owned(),
            state,
            diff: String::new(),
        });
        entry.state = state;
        diff.clone_into(&mut entry.diff);
    }

    /// Answers nothing but faults from here on, or answers again.
    pub fn is_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Answers requests whose method and address contain `part` with `status` and `body` from here
    /// on; an empty part stands for none.
    pub fn answers(&self, part: &str, status: &'static str, body: Value) {
        let answer = (!part.is_empty()).then(|| (part.to_owned(), status, body));
        *self.shared.answers.lock().unwrap() = answer;
    }

    /// Returns what was handed in.
    #[must_use]
    pub fn submissions(&self) -> Vec<Value> {
        self.shared.submissions.lock().unwrap().clone()
    }

    /// Returns how often an address that contains `part` was asked for.
    #[must_use]
    pub fn n_asked(&self, part: &str) -> usize {
        let paths = self.shared.paths.lock().unwrap();
        paths.iter().filter(|path| path.contains(part)).count()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener, which looks at the flag after every connection.
        TcpStream::connect(self.address).ok();
        if let Some(listener) = self.listener.take() {
            listener.join().ok();
        }
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let Ok(Some(request)) = Message::read(stream) else {
            return;
        };
        let mut words = request.start.split_whitespace();
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        self.paths.lock().unwrap().push(path.to_owned());
        let named = format!("{method} {path}");
        let scripted = self.answers.lock().unwrap().clone();
        let scripted = scripted.filter(|(part, ..)| named.contains(part.as_str()));
        let (status, body) = if let Some((_, status, body)) = scripted {
            (status, body)
        } else if self.is_down.load(Ordering::SeqCst) {
            ("503 Service Unavailable", json!({ "detail": "down" }))
        } else {
            match self.answer(method, path, &request.body) {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", json!({ "detail": "Not found" })),
            }
        };
        let body = body.to_string();
        let mut stream = stream;
        // A client that left needs no answer.
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok();
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> Option<Value> {
        let path = path.split('?').next().unwrap_or_default();
        if path.ends_with("/environments") {
            let (id, label) = ENVIRONMENT;
            return Some(json!([{ "id": id, "label": label, "is_pinned": true, "task_count": 1 }]));
        }
        let tasks = &mut *self.tasks.lock().unwrap();
        if method == "POST" && path.ends_with("/tasks") {
            let request: Value = serde_json::from_slice(body).ok()?;
            let text = request.pointer("/input_items/0/content/0/text")?.as_str()?;
            let mut submissions = self.submissions.lock().unwrap();
            submissions.push(request.clone());
            let id = format!("task_e_{:08x}", submissions.len());
            let entry = Entry {
                title: text.to_owned(),
                state: "pending",
                diff: String::new(),
            };
            tasks.insert(id.clone(), entry);
            return Some(json!({ "task": { "id": id } }));
        }
        if path.ends_with("/tasks/list") {
            let items: Vec<Value> = tasks.iter().map(|(id, entry)| entry.listed(id)).collect();
            return Some(json!({ "items": items, "cursor": null }));
        }
        if path.ends_with("/sibling_turns") {
            return Some(json!({ "sibling_turns": [] }));
        }
        let id = path.rsplit('/').next()?;
        tasks.get(id).map(|entry| entry.whole(id))
    }
}

impl Entry {
    fn display(&self) -> Value {
        let count = |sign: &str, head: &str| {
            let lines = self.diff.lines();
            lines
                .filter(|line| line.starts_with(sign) && !line.starts_with(head))
                .count()
        };
        json!({
            "environment_label": ENVIRONMENT.1,
            "latest_turn_status_display": {
                "turn_status": self.state,
                "diff_stats": {
                    "files_modified": self.diff.matches("diff --git").count(),
                    "lines_added": count("+", "+++"),
                    "lines_removed": count("-", "---"),
                }
            }
        })
    }

    fn listed(&self, id: &str) -> Value {
        json!({
            "id": id,
            "title": self.title,
            "has_generated_title": true,
            "created_at": 1_763_600_000.0,
            "updated_at": 1_763_600_000.0,
            "archived": false,
            "has_unread_turn": false,
            "pull_requests": [],
            "task_status_display": self.display(),
        })
    }

    fn whole(&self, id: &str) -> Value {
        let turn = |items: Value| {
            json!({
                "id": "turn_1", "turn_status": self.state, "attempt_placement": 0,
                "sibling_turn_ids": [], "output_items": items
            })
        };
        json!({
            "task": {
                "id": id, "title": self.title, "archived": false, "external_pull_requests": [],
                "task_status_display": self.display(),
            },
            "current_user_turn": { "id": "turn_0" },
            "current_assistant_turn": turn(json!([])),
            "current_diff_task_turn": turn(json!([{ "type": "output_diff", "diff": self.diff }])),
        })
    }
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        for (to, from) in group.iter_mut().skip(1).zip(chunk) {
            *to = *from;
        }
        let bits = u32::from_be_bytes(group);
        for n in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * n)) & 63;
            let letter = LETTERS.get(index as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_without_padding() {
        assert_eq!(base64url(b""), "");
        assert_eq!(base64url(b"f"), "Zg");
        assert_eq!(base64url(b"fo"), "Zm8");
        assert_eq!(base64url(b"foo"), "Zm9v");
        assert_eq!(base64url(&[0xff, 0xfe]), "__4");
    }
}
