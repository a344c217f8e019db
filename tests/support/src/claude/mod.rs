//! The real Claude Code in a fresh home, in a terminal or without one, talking to a scripted model.

mod model;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{self, Output, Process, Start};
use crate::wait::{Deadline, PATIENT, wait_for, wait_until};
pub use model::{ClaudeModel, MODEL, Reply};

/// The version that the tests are written for.
pub const VERSION: &str = "2.1.328";

/// How long a key may take to close a question.
const GIVES_WAY: Duration = Duration::from_secs(1);

const KEY_END: &str = "00000000000000000000";

/// A home folder with Claude Code set up in it and a project to work on.
#[derive(Debug)]
pub struct ClaudeHome {
    folder: TempDir,
    model_url: String,
}

/// Claude Code in a terminal; ended when dropped.
#[derive(Debug)]
pub struct Terminal {
    home: PathBuf,
    project: PathBuf,
    env: BTreeMap<String, String>,
    socket: PathBuf,
}

impl ClaudeHome {
    /// Makes a home whose agent talks to `model`.
    #[must_use]
    pub fn new(model: &ClaudeModel) -> Self {
        program();
        let folder = tempfile::Builder::new()
            .prefix("mc-")
            .tempdir()
            .expect("make a home");
        let home = Self {
            folder,
            model_url: model.url(),
        };
        fs::create_dir_all(home.project()).expect("make a project");
        fs::create_dir_all(home.claude_home()).expect("make the agent's home");
        fs::create_dir_all(home.path().join("tmp")).expect("make a temporary folder");
        let project = home.project().to_str().expect("a path in UTF-8").to_owned();
        let trusted =
            json!({"hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true});
        let state = json!({
            "hasCompletedOnboarding": true, "theme": "dark", "numStartups": 5,
            "customApiKeyResponses": {"approved": [KEY_END], "rejected": []},
            "projects": {project: trusted},
        });
        fs::write(home.claude_home().join(".claude.json"), state.to_string())
            .expect("write the agent's state");
        home
    }

    /// Returns the folder that is `$HOME`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the folder the agent works in.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.path().join("acme")
    }

    /// Returns the agent's home.
    #[must_use]
    pub fn claude_home(&self) -> PathBuf {
        self.path().join(".claude")
    }

    /// Returns the environment of the agent and of whoever watches it.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        let text = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
        let variables = [
            ("PATH", process::own_env("PATH").expect("PATH is set")),
            ("HOME", text(self.path().to_owned())),
            ("CLAUDE_CONFIG_DIR", text(self.claude_home())),
            ("TMPDIR", text(self.path().join("tmp"))),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
            (
                "ANTHROPIC_API_KEY",
                format!("sk-ant-api03-{}{KEY_END}", "0".repeat(60)),
            ),
            ("ANTHROPIC_BASE_URL", self.model_url.clone()),
            ("DISABLE_TELEMETRY", "1".to_owned()),
            ("DISABLE_AUTOUPDATER", "1".to_owned()),
            ("DISABLE_ERROR_REPORTING", "1".to_owned()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
            ("ENABLE_TOOL_SEARCH", "false".to_owned()),
            ("CLAUDE_CODE_MAX_RETRIES", "1".to_owned()),
        ];
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Starts a run without a terminal.
    #[must_use]
    pub fn print(&self, args: &[&str], prompt: &str) -> Process {
        let mut all = vec!["-p".to_owned(), prompt.to_owned()];
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        Process::start(&Start {
            program: program().as_os_str(),
            args: all,
            env: self.env(),
            cwd: &self.project(),
            stdout: Output::File(&self.new_file("stdout")),
            stderr: Some(&self.new_file("stderr")),
        })
    }

    /// Returns a place for a file that is not there yet.
    fn new_file(&self, name: &str) -> PathBuf {
        let n = fs::read_dir(self.path()).expect("read the home").count();
        self.path().join(format!("{name}-{n}"))
    }

    /// Starts the agent in a terminal, where it asks before it runs commands, and waits until it
    /// can be written to.
    #[must_use]
    pub fn terminal(&self, args: &[&str]) -> Terminal {
        let terminal = Terminal {
            home: self.claude_home(),
            project: self.project(),
            env: self.env(),
            socket: self.new_file("tmux"),
        };
        let program = program();
        let program = program.to_str().expect("a path in UTF-8");
        let mut words = vec!["new-session", "-d", "-x", "130", "-y", "40", program];
        words.extend(["--permission-mode", "manual"]);
        words.extend(args);
        terminal.tmux(&words);
        terminal.wait_for_registry("it can be written to", |file| file["status"] == "idle");
        terminal.wait_for_text("❯");
        terminal
    }

    /// Waits until a session has a transcript and returns its lines.
    #[track_caller]
    #[must_use]
    pub fn lines_of(&self, session: &str) -> Vec<Value> {
        let name = format!("{session}.jsonl");
        let path = wait_for(PATIENT, "the session has a transcript", || {
            let folders = fs::read_dir(self.claude_home().join("projects")).ok()?;
            let mut paths = folders.flatten().map(|folder| folder.path().join(&name));
            paths.find(|path| path.exists())
        });
        let text = fs::read_to_string(path).expect("read the transcript");
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until a session has a prompt as `is_it` says, and returns the id of its turn.
    #[track_caller]
    #[must_use]
    pub fn turn(&self, session: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> String {
        wait_for(PATIENT, what, || {
            let mut lines = self.lines_of(session).into_iter();
            let prompt = lines.find(|line| line["type"] == "user" && is_it(line))?;
            prompt["uuid"].as_str().map(str::to_owned)
        })
    }

    /// Removes the file that a killed process left in the registry: it says for ever that it waits.
    pub fn forget_registered(&self, pid: u32) {
        let path = self.claude_home().join(format!("sessions/{pid}.json"));
        fs::remove_file(path).expect("a file that was left");
    }

    /// Returns what the registry says now.
    #[must_use]
    pub fn registry(&self) -> Vec<Value> {
        registry(&self.claude_home())
    }
}

impl Terminal {
    /// Types a prompt and sends it.
    pub fn ask(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.wait_for_text(text);
        self.press("Enter");
    }

    /// Presses a key, by its name in tmux.
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Takes the first answer that is offered.
    #[track_caller]
    pub fn say_yes(&self, question: &str) {
        self.answer(question, "Enter");
    }

    /// Leaves a question without an answer, as a person does who does not want it.
    #[track_caller]
    pub fn say_no(&self, question: &str) {
        self.answer(question, "Escape");
    }

    /// Presses a key until a question is gone. It is not taken before the question has stood for a
    /// moment, and pressed again too soon it would do something else.
    #[track_caller]
    fn answer(&self, question: &str, key: &str) {
        self.wait_for_text(question);
        wait_for(PATIENT, "the question is answered", || {
            self.press(key);
            wait_until(Deadline::after(GIVES_WAY), || {
                let mut files = registry(&self.home).into_iter();
                files.all(|file| file["status"] != "waiting")
            })
            .then_some(())
        });
    }

    /// Returns what is on the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) {
        let mut last = String::new();
        let what = format!("`{text}` on the screen");
        wait_for(PATIENT, &what, || {
            last = self.screen();
            last.contains(text).then_some(())
        });
    }

    /// Waits until a file of the registry looks as `is_so` says.
    #[track_caller]
    pub fn wait_for_registry(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(PATIENT, what, || {
            registry(&self.home).into_iter().find(|file| is_so(file))
        })
    }

    /// Leaves as a person does and waits until the terminal is gone.
    #[track_caller]
    pub fn quit(&self) {
        self.ask("/exit");
        self.wait_until_gone();
    }

    /// Closes the terminal under its program, as a window that is closed.
    pub fn kill(&self) {
        self.tmux(&["kill-server"]);
    }

    /// Waits until the terminal is gone.
    #[track_caller]
    pub fn wait_until_gone(&self) {
        wait_for(PATIENT, "the end of the terminal", || {
            self.tmux(&["list-sessions"]).is_empty().then_some(())
        });
    }

    fn tmux(&self, words: &[&str]) -> String {
        let socket = self.socket.to_str().expect("a path in UTF-8");
        let mut all = vec!["-S", socket];
        all.extend(words);
        process::run(OsStr::new("tmux"), &all, &self.env, &self.project).stdout
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}

fn registry(home: &Path) -> Vec<Value> {
    let listing = fs::read_dir(home.join("sessions"));
    let paths = listing.into_iter().flatten().flatten();
    paths
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        // A file may be caught while it is written, or vanish.
        .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
        .collect()
}

/// Returns the pinned program; `tests/clients/setup.sh` installs it.
fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root.join("target/agents/mcp-clients/node_modules/.bin/claude");
    assert!(
        program.exists(),
        "{} is missing: run tests/clients/setup.sh",
        program.display()
    );
    // Its own name is kept: the file it is a link to has another one.
    let folder = program.parent().expect("a folder");
    let folder = folder.canonicalize().expect("find the folder");
    folder.join("claude")
}
