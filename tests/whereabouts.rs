//! `open`: to the very terminal of a session, in a real tmux and on a real display, or nowhere.
#![cfg(target_os = "linux")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mission_control_testkit::desktop::{Desktop, Notifications, Panel};
use mission_control_testkit::process::{self, Exit, Output, Process, Said, Start};
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::wait::{SOON, wait_for};
use mission_control_testkit::watch::Front;
use tempfile::TempDir;

const FRONT: &str = env!("CARGO_BIN_EXE_mission-control");

#[test]
fn a_pane_is_selected_for_the_one_client_that_is_attached() {
    let stage = Stage::new(1, BTreeMap::new());
    let tmux = Tmux::start(&stage);
    let pane = tmux.runs_in_a_pane(&stage.agent());
    tmux.does(&["new-window", "-t", "other", "sleep 100"]);
    stage.wait_until_held();
    let client = tmux.client("other");
    assert_ne!(tmux.shown(&client), pane);

    let opened = stage.front.json(&["open", &stage.id, "--json"]);

    assert_eq!(opened["opened"], true, "{opened:#}");
    assert_eq!(opened["tmux"]["pane"], pane.as_str());
    assert_eq!(opened["tmux"]["client"], client.as_str());
    assert!(opened["command"].is_null() && opened["window"].is_null());
    assert_eq!(tmux.shown(&client), pane);
}

#[test]
fn a_pane_that_nobody_looks_at_is_selected_and_the_way_to_it_is_told() {
    let stage = Stage::new(2, BTreeMap::new());
    let tmux = Tmux::start(&stage);
    let pane = tmux.runs_in_a_pane(&stage.agent());
    tmux.does(&["new-window", "-t", "work", "sleep 100"]);
    stage.wait_until_held();

    let said = stage.front.run(&["open", &stage.id]);

    let attach = format!("tmux -S '{}' attach -t '$0'\n", tmux.socket.display());
    assert_eq!((said.exit, said.stdout), (Exit::Code(4), attach));
    assert!(
        said.stderr.contains("Its tmux pane is selected"),
        "{}",
        said.stderr
    );
    assert_eq!(
        tmux.says(&["display-message", "-p", "-t", "work", "#{pane_id}"]),
        pane
    );
}

#[test]
fn of_several_clients_none_is_taken_away_from_what_it_shows() {
    let stage = Stage::new(3, BTreeMap::new());
    let tmux = Tmux::start(&stage);
    tmux.runs_in_a_pane(&stage.agent());
    tmux.does(&["new-session", "-d", "-s", "third", "sleep 100"]);
    stage.wait_until_held();
    let clients = [tmux.client("other"), tmux.client("third")];
    let shown = clients.clone().map(|client| tmux.shown(&client));

    let said = stage.front.run(&["open", &stage.id]);

    assert_eq!(said.exit, Exit::Code(4), "{}", said.stdout);
    assert_eq!(clients.map(|client| tmux.shown(&client)), shown);
}

#[test]
fn without_a_terminal_the_resume_command_is_printed() {
    let stage = Stage::new(4, BTreeMap::new());
    let _agent = stage.start_agent();
    stage.wait_until_held();

    let said = stage.front.run(&["open", &stage.id]);

    let resume = format!("codex resume {}\n", stage.thread);
    assert_eq!((said.exit, said.stdout), (Exit::Code(4), resume));
    assert!(
        said.stderr.contains("Its terminal was not found."),
        "{}",
        said.stderr
    );
}

#[test]
fn the_window_of_the_nearest_ancestor_comes_to_the_front() {
    let desktop = Desktop::start(Panel::Absent, Notifications::Absent);
    let stage = Stage::new(5, desktop.env().clone());
    let _agent = stage.start_agent();
    stage.wait_until_held();
    let _terminal = desktop.window_of("terminal", std::process::id());
    let _elsewhere = desktop.window_of("elsewhere", 1);

    let opened = stage.front.json(&["open", &stage.id, "--json"]);

    assert_eq!(opened["opened"], true, "{opened:#}");
    assert_eq!(opened["window"]["pid"], std::process::id());
    assert_eq!(desktop.window_in_front(), "terminal");

    desktop.claim("elsewhere", std::process::id());
    let said = stage.front.run(&["open", &stage.id]);

    assert_eq!(said.exit, Exit::Code(4), "{}", said.stdout);
    assert!(said.stderr.contains("has 2 windows"), "{}", said.stderr);
    assert_eq!(desktop.window_in_front(), "terminal");
}

/// A recorded session, and the program that looks for its terminal.
struct Stage {
    front: Front,
    folder: TempDir,
    id: String,
    thread: String,
    program: PathBuf,
    rollout: PathBuf,
}

impl Stage {
    /// Makes a stage with a session of its own: a copy elsewhere has owners too.
    fn new(number: u8, mut env: BTreeMap<String, String>) -> Self {
        let folder = tempfile::Builder::new().prefix("mc-").tempdir().unwrap();
        let path = |name: &str| text(&folder.path().join(name));
        env.insert("PATH".to_owned(), process::own_env("PATH").unwrap());
        env.insert("HOME".to_owned(), path("home"));
        env.insert("CODEX_HOME".to_owned(), path("codex"));
        // Whoever runs the tests has terminals of their own.
        env.insert("TMUX_TMPDIR".to_owned(), path("tmux"));
        for name in ["home", "codex", "tmux", "bin"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let front = Front::new(FRONT, env);
        front.write_settings("[list]\nrecent_hours = 65000\n");
        let thread = format!("01a1f7ef-e543-7d53-9e20-0000000000{number:02}");
        let recording = Recording::load("02-commands-and-edits").of_thread(&thread);
        recording.write_into(&folder.path().join("codex"));
        let program = folder.path().join("bin/codex");
        std::os::unix::fs::symlink("/bin/bash", &program).unwrap();
        Self {
            id: recording.session_id(),
            rollout: recording.path_in(&folder.path().join("codex")),
            thread,
            front,
            program,
            folder,
        }
    }

    /// Returns the command line of an agent that holds the session.
    fn agent(&self) -> Vec<String> {
        let script = "exec 3>>\"$1\"; sleep 100; :";
        let rollout = text(&self.rollout);
        [
            text(&self.program).as_str(),
            "-c",
            script,
            "codex",
            &rollout,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Starts such an agent below this test.
    fn start_agent(&self) -> Process {
        let agent = self.agent();
        let (program, args) = agent.split_first().unwrap();
        Process::start(&Start {
            program: program.as_ref(),
            args: args.to_vec(),
            env: self.front.env().clone(),
            cwd: self.folder.path(),
            stdout: Output::Null,
            stderr: None,
        })
    }

    #[track_caller]
    fn wait_until_held(&self) {
        wait_for(SOON, "the session is held", || {
            let sessions = self.front.sessions();
            (!sessions[&self.id]["process"].is_null()).then_some(())
        });
    }
}

/// A tmux server of its own, with the sessions `work` and `other`; ended when dropped.
struct Tmux {
    socket: PathBuf,
    env: BTreeMap<String, String>,
    folder: PathBuf,
    clients: std::cell::RefCell<Vec<Process>>,
}

impl Tmux {
    #[track_caller]
    fn start(stage: &Stage) -> Self {
        let mut env = stage.front.env().clone();
        env.insert("TERM".to_owned(), "xterm".to_owned());
        let tmux = Self {
            socket: stage.folder.path().join("socket"),
            env,
            folder: stage.folder.path().to_owned(),
            clients: std::cell::RefCell::default(),
        };
        tmux.does(&["new-session", "-d", "-s", "work", "sleep 100"]);
        tmux.does(&["new-session", "-d", "-s", "other", "sleep 100"]);
        tmux
    }

    /// Runs a command in a pane of its own and returns the pane.
    #[track_caller]
    fn runs_in_a_pane(&self, command: &[String]) -> String {
        let mut args = vec!["split-window", "-t", "work", "-P", "-F", "#{pane_id}"];
        args.extend(command.iter().map(String::as_str));
        self.says(&args)
    }

    /// Attaches a client to a session and returns its name.
    #[track_caller]
    fn client(&self, session: &str) -> String {
        let attach = format!("exec tmux -S {} attach -t {session}", self.socket.display());
        // Where its input ends, the client leaves.
        let line = format!("sleep 100 | script -qfc '{attach}' /dev/null");
        let process = Process::start(&Start {
            program: "sh".as_ref(),
            args: ["-c", &line].map(str::to_owned).to_vec(),
            env: self.env.clone(),
            cwd: &self.folder,
            stdout: Output::Null,
            stderr: None,
        });
        self.clients.borrow_mut().push(process);
        wait_for(SOON, "the client is attached", || {
            let listed = self.says(&["list-clients", "-t", session, "-F", "#{client_name}"]);
            (!listed.is_empty()).then_some(listed)
        })
    }

    /// Returns the pane that a client shows.
    #[track_caller]
    fn shown(&self, client: &str) -> String {
        self.says(&["display-message", "-p", "-c", client, "#{pane_id}"])
    }

    #[track_caller]
    fn does(&self, args: &[&str]) {
        drop(self.says(args));
    }

    #[track_caller]
    fn says(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.exit, Exit::Code(0), "tmux {args:?}: {}", said.stderr);
        said.stdout.trim().to_owned()
    }

    fn run(&self, args: &[&str]) -> Said {
        let socket = text(&self.socket);
        let mut all = vec!["-S", &socket];
        all.extend(args);
        process::run("tmux".as_ref(), &all, &self.env, &self.folder)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        drop(self.run(&["kill-server"]));
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
