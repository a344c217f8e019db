//! The real Codex CLI in a fresh home, talking to the scripted model.

mod thread;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Exit, Output, Process, Said, Start, StopSignal};
use crate::terminal::Terminal;
use crate::wait::{PATIENT, SOON, wait_for};
pub use thread::Release;

/// The version that the tests are written for.
pub const VERSION: &str = "0.169.0";

/// A model whose tools are offered one by one.
pub const CLASSIC_MODEL: &str = "gpt-5.5";

/// A model that writes small programs which call the tools: the default of this version.
pub const CODE_MODE_MODEL: &str = "gpt-6.1-sol";

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A home folder with an agent's home in it and a project to work on.
#[derive(Debug)]
pub struct CodexHome {
    folder: TempDir,
    codex_home: PathBuf,
}

/// How to run.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The address of the script, from [`crate::model::Model::plays`].
    pub script: &'a str,
    /// The agent's version.
    pub version: &'a str,
    /// The model's name, which decides the tools.
    pub model: &'a str,
    /// Who approves what the sandbox forbids.
    pub approval: Approval,
    /// Arguments between the options and the prompt, such as `resume ID`.
    pub args: Vec<&'a str>,
    /// The prompt.
    pub prompt: &'a str,
}

/// Who approves what the sandbox forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Nobody.
    Nobody,
    /// A helper thread that asks the model.
    Guardian,
}

/// A running `codex exec --json`; ended when dropped.
#[derive(Debug)]
pub struct CodexRun {
    process: Process,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A command that runs until the test lets it go on.
#[derive(Debug)]
pub struct HeldCommand {
    fifo: PathBuf,
}

impl CodexHome {
    /// Makes a home with the default place of the agent's home.
    #[must_use]
    pub fn new() -> Self {
        Self::with_codex_home(".codex")
    }

    /// Makes a home with the agent's home at `relative`.
    #[must_use]
    pub fn with_codex_home(relative: &str) -> Self {
        program();
        let folder = tempfile::Builder::new()
            .prefix("mc-")
            .tempdir()
            .expect("make a home");
        let home = Self {
            codex_home: folder.path().join(relative),
            folder,
        };
        fs::create_dir_all(&home.codex_home).expect("make the agent's home");
        fs::create_dir_all(home.project()).expect("make a project");
        fs::create_dir_all(home.path().join("tmp")).expect("make a temporary folder");
        let project = home.project();
        let config = format!(
            "model_provider = \"scripted\"\n\
             check_for_update_on_startup = false\n\
             [model_providers.scripted]\n\
             name = \"scripted\"\n\
             base_url = \"http://127.0.0.1:9/v1\"\n\
             wire_api = \"responses\"\n\
             env_key = \"SCRIPTED_KEY\"\n\
             request_max_retries = 1\n\
             stream_max_retries = 1\n\
             [projects.\"{}\"]\n\
             trust_level = \"trusted\"\n\
             [analytics]\n\
             enabled = false\n\
             [tui.model_availability_nux]\n\
             \"gpt-6.1-sol\" = 1\n\
             [notice.model_migrations]\n\
             \"gpt-5.5\" = \"gpt-6-sol\"\n",
            project.display()
        );
        fs::write(home.codex_home.join("config.toml"), config).expect("write config.toml");
        fs::write(
            project.join("calc.py"),
            "def add(a, b):\n    return a + b\n",
        )
        .expect("write a source file");
        for args in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "calc.py"],
            &[
                "-c",
                "user.name=Test",
                "-c",
                "user.email=test@example.invalid",
                "commit",
                "--quiet",
                "-m",
                "start",
            ],
        ] {
            let said = process::run("git".as_ref(), args, &home.env(), &project);
            assert_eq!(said.exit, Exit::Code(0), "git {args:?}: {}", said.stderr);
        }
        home
    }

    /// Returns the folder that is `$HOME`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the agent's home.
    #[must_use]
    pub fn codex_home(&self) -> &Path {
        &self.codex_home
    }

    /// Returns the project's folder.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.path().join("acme")
    }

    /// Returns the environment that the agent and its observers share.
    #[must_use]
    pub fn env(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        BTreeMap::from([
            (
                "PATH".to_owned(),
                process::own_env("PATH").expect("PATH is set"),
            ),
            ("HOME".to_owned(), text(self.path())),
            ("CODEX_HOME".to_owned(), text(&self.codex_home)),
            // In a home below the temporary folder codex makes no sandbox helpers, and every command fails.
            ("TMPDIR".to_owned(), text(&self.path().join("tmp"))),
            ("SCRIPTED_KEY".to_owned(), "none".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ])
    }

    /// Makes everything in this home play the script at `address`: a terminal that is given
    /// overrides runs its threads by itself instead of in the daemon.
    pub fn always_plays(&self, address: &str) {
        let path = self.codex_home.join("config.toml");
        let config = fs::read_to_string(&path).expect("read config.toml");
        let config = config.replace("http://127.0.0.1:9/v1", address);
        let config = format!(
            "model = \"{CLASSIC_MODEL}\"\n{config}\
             [features]\ndefault_mode_request_user_input = true\n"
        );
        fs::write(&path, config).expect("write config.toml");
    }

    /// Makes terminals that are started from now on show these items in their titles.
    pub fn entitle_terminals(&self, items: &[&str]) {
        let path = self.codex_home.join("config.toml");
        let config = fs::read_to_string(&path).expect("read config.toml");
        let line = format!("terminal_title = {items:?}\n");
        // The program may have begun this section itself.
        let config = match config.split_once("[tui]\n") {
            Some((before, after)) => format!("{before}[tui]\n{line}{after}"),
            None => format!("{config}[tui]\n{line}"),
        };
        fs::write(&path, config).expect("write config.toml");
    }

    /// Runs the program with these arguments to its end.
    #[track_caller]
    #[must_use]
    pub fn call(&self, args: &[&str]) -> Said {
        process::run(program().as_os_str(), args, &self.env(), &self.project())
    }

    /// Starts the terminal program in the project.
    #[track_caller]
    #[must_use]
    pub fn tui(&self, args: &[&str]) -> Terminal {
        let program = program().to_str().expect("a path in UTF-8");
        Terminal::start(
            &[&[program][..], args].concat(),
            &self.env(),
            &self.project(),
        )
    }

    /// Ends the daemon that terminals leave behind, and everything else that runs from this home.
    pub fn end_daemon(&self) {
        let own = |pid: &u32| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.starts_with(self.path()))
        };
        for pid in process::all().into_iter().filter(own) {
            process::send(pid, StopSignal::KILL);
        }
    }

    /// Returns the processes of the daemon that serves this home's terminals.
    #[must_use]
    pub fn daemon(&self) -> Vec<u32> {
        let is_server = |pid: &u32| {
            let exe = fs::read_link(format!("/proc/{pid}/exe"));
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|byte| *byte == 0);
            exe.is_ok_and(|exe| exe.starts_with(self.path()))
                && words.any(|word| word == b"--managed-daemon")
        };
        process::all().into_iter().filter(is_server).collect()
    }

    /// Starts `codex exec --json`.
    #[must_use]
    pub fn exec(&self, run: &Run) -> CodexRun {
        let n = fs::read_dir(self.path()).expect("read the home").count();
        let (stdout, stderr) = (
            self.path().join(format!("run-{n}.jsonl")),
            self.path().join(format!("run-{n}.err")),
        );
        let mut args = vec!["exec".to_owned()];
        // Sub-commands of exec take fewer options, so these go before them.
        args.extend(["--json", "-m", run.model].map(str::to_owned));
        match run.approval {
            Approval::Nobody => args.extend(["-s", "workspace-write"].map(str::to_owned)),
            Approval::Guardian => args.push("--approve-for-me".to_owned()),
        }
        args.push("-c".to_owned());
        args.push(format!(
            "model_providers.scripted.base_url=\"{}\"",
            run.script
        ));
        args.extend(run.args.iter().map(|&arg| arg.to_owned()));
        args.push(run.prompt.to_owned());
        let program = program_of(run.version);
        let process = Process::start(&Start {
            program: program.as_os_str(),
            args,
            env: self.env(),
            cwd: &self.project(),
            stdout: Output::File(&stdout),
            stderr: Some(&stderr),
        });
        CodexRun {
            process,
            stdout,
            stderr,
        }
    }

    /// Makes a shell command that runs until [`HeldCommand::release`].
    #[must_use]
    pub fn held_command(&self, name: &str) -> HeldCommand {
        let fifo = self.project().join(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .expect("make a pipe");
        HeldCommand { fifo }
    }

    /// Returns the transcript files, oldest first.
    #[must_use]
    pub fn rollouts(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.codex_home.join("sessions")];
        while let Some(folder) = open.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                match entry.path() {
                    path if path.is_dir() => open.push(path),
                    path if path.extension().is_some_and(|end| end == "jsonl") => found.push(path),
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }

    /// Waits for the transcript of a thread, which appears a moment after its id is printed.
    #[track_caller]
    #[must_use]
    pub fn rollout(&self, thread: &str) -> PathBuf {
        wait_for(SOON, "the thread has a transcript", || {
            self.rollouts()
                .into_iter()
                .find(|path| path.to_string_lossy().contains(thread))
        })
    }

    /// Moves an ended thread a year back: its file's folder and name, the times in it, and no index that knows better.
    pub fn make_a_year_older(&self, thread: &str) {
        let path = self.rollout(thread);
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a file name");
        let date: String = name
            .chars()
            .skip("rollout-".len())
            .take("2026-11-20".len())
            .collect();
        let (year, day) = date.split_once('-').expect("a date");
        let older = format!("{}-{day}", year.parse::<u32>().expect("a year") - 1);
        let content = fs::read_to_string(&path).expect("read the transcript");
        let folder = self
            .codex_home
            .join("sessions")
            .join(older.replace('-', "/"));
        fs::create_dir_all(&folder).expect("make the older folder");
        let moved = folder.join(name.replace(&date, &older));
        fs::write(&moved, content.replace(&date, &older)).expect("write the older transcript");
        let modified = fs::metadata(&path)
            .and_then(|file| file.modified())
            .expect("a time");
        let times = fs::FileTimes::new().set_modified(modified - YEAR);
        let moved = fs::File::options()
            .write(true)
            .open(moved)
            .expect("open the transcript");
        moved.set_times(times).expect("make the file older");
        fs::remove_file(&path).expect("remove the younger transcript");
        for entry in fs::read_dir(&self.codex_home)
            .expect("read the agent's home")
            .flatten()
        {
            if entry.file_name().to_string_lossy().contains(".sqlite") {
                fs::remove_file(entry.path()).expect("remove an index");
            }
        }
    }
}

impl<'a> Run<'a> {
    /// Makes a run with tools that are offered one by one, in a sandbox without approvals.
    #[must_use]
    pub const fn new(script: &'a str, prompt: &'a str) -> Self {
        Self {
            script,
            version: VERSION,
            model: CLASSIC_MODEL,
            approval: Approval::Nobody,
            args: Vec::new(),
            prompt,
        }
    }

    /// Makes it go on with a thread: `resume` or `fork`.
    #[must_use]
    pub fn from_thread(mut self, how: &'a str, thread: &'a str) -> Self {
        self.args = vec![how, thread];
        self
    }

    /// Chooses the model, and with it the tools.
    #[must_use]
    pub const fn with_model(mut self, model: &'a str) -> Self {
        self.model = model;
        self
    }

    /// Chooses another version of the agent.
    #[must_use]
    pub const fn with_version(mut self, version: &'a str) -> Self {
        self.version = version;
        self
    }

    /// Lets a helper thread approve.
    #[must_use]
    pub const fn with_guardian(mut self) -> Self {
        self.approval = Approval::Guardian;
        self
    }
}

impl Default for CodexHome {
    fn default() -> Self {
        Self::new()
    }
}

impl CodexRun {
    /// Waits for the thread's id.
    #[track_caller]
    pub fn thread_id(&mut self) -> String {
        wait_for(PATIENT, "codex prints `thread.started`", || {
            let events = self.events();
            let started = events
                .iter()
                .find(|event| event["type"] == "thread.started");
            let id = started
                .and_then(|event| event["thread_id"].as_str())
                .map(str::to_owned);
            let ended = self.process.exit();
            assert!(
                id.is_some() || ended.is_none() || !self.events().is_empty(),
                "codex left without a thread: {ended:?} {}",
                self.stderr()
            );
            id
        })
    }

    /// Returns what was printed so far.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.stdout).expect("read codex's output");
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Returns what was printed to the standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).expect("read codex's errors")
    }

    /// Waits for the end.
    #[track_caller]
    pub fn wait(&mut self) -> Exit {
        self.process.wait(PATIENT)
    }

    /// Returns the id of the process that owns the thread: the native program below npm's wrapper.
    #[track_caller]
    #[must_use]
    pub fn native_pid(&self) -> u32 {
        wait_for(SOON, "codex's native process runs", || {
            let below = process::descendants(self.process.pid());
            let native = below
                .iter()
                .find(|child| process::comm(child.pid).as_deref() == Some("codex"));
            native.map(|child| child.pid)
        })
    }

    /// Sends a signal to npm's wrapper, as a terminal or a task runner does.
    pub fn signal(&self, signal: StopSignal) {
        self.process.signal(signal);
    }

    /// Sends a signal to the native program.
    pub fn signal_native(&self, signal: StopSignal) {
        process::send(self.native_pid(), signal);
    }
}

impl HeldCommand {
    /// Returns the command line; it ends by itself after some minutes, whatever happens to the test.
    #[must_use]
    pub fn line(&self) -> String {
        let name = self
            .fifo
            .file_name()
            .expect("a file name")
            .to_string_lossy();
        format!("timeout 300 cat {name} && echo built")
    }

    /// Waits until the command runs.
    #[track_caller]
    pub fn wait_until_running(&self) {
        let (Some(folder), Some(name)) = (self.fifo.parent(), self.fifo.file_name()) else {
            panic!("{} is no file in a folder", self.fifo.display());
        };
        let line = [b"cat\0", name.as_encoded_bytes(), b"\0"].concat();
        wait_for(PATIENT, "the held command runs", || {
            let runs = |pid: &u32| {
                fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words == line)
                    && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder)
            };
            process::all().iter().find(|pid| runs(pid)).map(|_| ())
        });
    }

    /// Waits until the command runs and lets it finish.
    #[track_caller]
    pub fn release(&self) {
        wait_for(PATIENT, "the held command runs", || {
            self.let_go().then_some(())
        });
    }

    /// Closes the pipe's other end; false when nobody reads it.
    fn let_go(&self) -> bool {
        match rustix::fs::open(&self.fifo, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(_) => false,
        }
    }
}

impl Drop for HeldCommand {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Returns the pinned program's path.
#[must_use]
pub fn program_path() -> &'static Path {
    program()
}

/// Returns another pinned version's program and stops the test when it is not there.
#[track_caller]
#[must_use]
pub fn program_of(version: &str) -> PathBuf {
    let path = repository().join(format!(
        "target/agents/codex-{version}/node_modules/.bin/codex"
    ));
    assert!(
        path.exists(),
        "codex {version} is not installed: run tests/setup/agents.sh"
    );
    path
}

/// Returns the pinned program and stops the test when it is not there.
#[track_caller]
fn program() -> &'static Path {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| {
        let path = repository().join(format!(
            "target/agents/codex-{VERSION}/node_modules/.bin/codex"
        ));
        if !path.exists() {
            return Err(format!(
                "codex {VERSION} is not installed: run tests/setup/agents.sh"
            ));
        }
        let home = tempfile::tempdir().expect("make a home");
        let env = BTreeMap::from([
            (
                "PATH".to_owned(),
                process::own_env("PATH").expect("PATH is set"),
            ),
            (
                "HOME".to_owned(),
                home.path().to_string_lossy().into_owned(),
            ),
        ]);
        let said = process::run(path.as_os_str(), &["--version"], &env, home.path());
        if said.stdout.trim() != format!("codex-cli {VERSION}") {
            return Err(format!(
                "the tests need codex {VERSION}, found `{}`",
                said.stdout.trim()
            ));
        }
        Ok(path)
    });
    match found {
        Ok(path) => path,
        Err(problem) => panic!("{problem}"),
    }
}

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("find the repository")
}
