//! What the tests share.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::session::LiveSession;
use mission_control_core::source::codex::thread_id_of_file;

use crate::places::Places;

/// How long anything may take that is expected to happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a folder that is removed with the guard.
pub(crate) fn temp_folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(guard.path().canonicalize().unwrap()).unwrap();
    (guard, path)
}

/// Runs `future` to its end, or fails after [`PATIENCE`].
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("it should have happened by now")
}

/// Asks `condition` until it gives a value, or fails after [`PATIENCE`].
#[track_caller]
pub(crate) fn eventually<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let clock = crate::clock::Clock::start();
    let (_never, pause) = mpsc::channel::<()>();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            clock.now().steady < PATIENCE,
            "it should have happened by now"
        );
        assert!(pause.recv_timeout(Duration::from_millis(2)).is_err());
    }
}

/// Recorded rollouts of the real agent, shared with the core.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/testdata/codex");

/// A recorded rollout: its thread, its file name and its text.
pub(crate) struct Recording {
    pub(crate) thread: String,
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Recording {
    /// Reads the first rollout of a scenario.
    #[track_caller]
    pub(crate) fn of(scenario: &str) -> Self {
        let folder = Utf8Path::new(RECORDINGS).join(scenario);
        let mut names: Vec<String> = folder
            .read_dir_utf8()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_owned())
            .filter(|name| thread_id_of_file(name).is_some())
            .collect();
        names.sort();
        let name = names.remove(0);
        Self {
            thread: thread_id_of_file(&name).unwrap().to_owned(),
            text: std::fs::read_to_string(folder.join(&name)).unwrap(),
            name,
        }
    }

    /// The same with times that no process of a test is younger than, as in a live session.
    #[track_caller]
    pub(crate) fn live(scenario: &str) -> Self {
        let recording = Self::of(scenario);
        let text = recording
            .text
            .replace("\"timestamp\":\"2026-", "\"timestamp\":\"2096-");
        Self { text, ..recording }
    }

    /// Cuts the text behind the first line that contains `mark`.
    pub(crate) fn split_behind(&self, mark: &str) -> (&str, &str) {
        let (before, rest) = self.text.split_once(mark).unwrap();
        let end = before.len() + mark.len() + rest.find('\n').unwrap() + 1;
        self.text.split_at(end)
    }
}

pub(crate) fn append(path: &Utf8Path, bytes: impl AsRef<[u8]>) {
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

/// A process that calls itself by the agent's name and has a file open for writing.
pub(crate) struct NamedProcess(Child);

impl NamedProcess {
    #[expect(clippy::disallowed_methods, reason = "tests need a second process")]
    pub(crate) fn with_open(folder: &Utf8Path, name: &str, file: &Utf8Path) -> Self {
        let program = folder.join(name);
        std::os::unix::fs::symlink("/bin/bash", &program).unwrap();
        let mut child = std::process::Command::new(&program)
            .args([
                "-c",
                "exec 3>>\"$1\"; echo open; read _",
                name,
                file.as_str(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "open\n");
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for NamedProcess {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A process that leads a group of its own, until dropped: then it is killed.
pub(crate) struct GroupLeader(Child);

impl GroupLeader {
    #[expect(clippy::disallowed_methods, reason = "tests need a second process")]
    pub(crate) fn start() -> Self {
        let child = std::process::Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for GroupLeader {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An exclusive lock held by a process of its own, until dropped: then the process is killed.
pub(crate) struct Flock(Child);

impl Flock {
    #[expect(clippy::disallowed_methods, reason = "tests need a second process")]
    pub(crate) fn by_child(path: &Utf8Path) -> Self {
        let mut child = std::process::Command::new("flock")
            .args(["--close", path.as_str(), "sh", "-c", "echo held; read _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Flock {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A shell that leads a group of its own and says a number; whatever is left of it is killed when
/// dropped.
pub(crate) struct Fellow {
    child: std::sync::Mutex<Child>,
    pid: u32,
    said: u32,
}

impl Fellow {
    /// Runs a script whose first line of output is a number.
    #[expect(clippy::disallowed_methods, reason = "tests need a second process")]
    pub(crate) fn leader(script: &str) -> Self {
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        Self {
            pid: child.id(),
            said: said.trim().parse().unwrap(),
            child: std::sync::Mutex::new(child),
        }
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) const fn said(&self) -> u32 {
        self.said
    }

    /// Ends a process that the script started.
    #[expect(
        clippy::unused_self,
        reason = "only what such a script started is ended"
    )]
    pub(crate) fn end(&self, pid: u32) {
        let pid = i32::try_from(pid).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

impl Drop for Fellow {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Makes a session that runs its first turn, with `change` made to it.
pub(crate) fn a_session(change: serde_json::Value) -> LiveSession {
    let mut session = serde_json::json!({
        "id": "codex:a",
        "source": "codex",
        "source_session_id": "a",
        "client": "tui",
        "status": "working",
        "status_since": "2026-11-20T10:00:00Z",
        "freshness": "fresh",
        "turn": { "id": "t1" },
        "tokens": { "input": 0, "cached_input": 0, "output": 0, "reasoning": 0, "total": 0 },
        "helper": false,
        "skipped_lines": 0,
        "message_way": { "type": "queue" },
        "can_interrupt": false,
        "stop_way": "process",
        "evidence": { "from": "transcript", "at": null, "says": "A turn runs." },
        "evidence_trail": [],
    });
    for (name, value) in change.as_object().unwrap() {
        session[name] = value.clone();
    }
    serde_json::from_value(session).unwrap()
}

/// Makes places without a home, which are removed with the guard.
pub(crate) fn no_homes() -> (tempfile::TempDir, Places) {
    let (guard, folder) = temp_folder();
    let places = Places {
        settings_file: folder.join("settings.toml"),
        state: folder,
        homes: Vec::new(),
    };
    (guard, places)
}
