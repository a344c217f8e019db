//! Starts processes in groups of their own and ends what it started, by process id.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::{Deadline, SOON, wait_for, wait_until};

/// The signals that tests send.
pub use rustix::process::Signal as StopSignal;

/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Where a process writes its standard output.
#[derive(Debug)]
pub enum Output<'a> {
    /// Into a file.
    File(&'a Path),
    /// Into a pipe that the test reads.
    Pipe,
    /// Nowhere.
    Null,
}

/// What to start.
#[derive(Debug)]
pub struct Start<'a> {
    /// The program.
    pub program: &'a OsStr,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: &'a Path,
    /// Its standard output.
    pub stdout: Output<'a>,
    /// The file for its standard error.
    pub stderr: Option<&'a Path>,
}

/// A process with everything below it; ended when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    status: Option<ExitStatus>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It left with a code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

impl Process {
    /// Starts a process in a group of its own, with nothing on its standard input.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts processes"
    )]
    pub fn start(start: &Start) -> Self {
        let mut command = Command::new(start.program);
        command
            .args(&start.args)
            .env_clear()
            .envs(&start.env)
            .current_dir(start.cwd)
            .stdin(Stdio::null())
            .process_group(0);
        match start.stdout {
            Output::File(path) => command.stdout(File::create(path).expect("create output file")),
            Output::Pipe => command.stdout(Stdio::piped()),
            Output::Null => command.stdout(Stdio::null()),
        };
        match start.stderr {
            Some(path) => command.stderr(File::create(path).expect("create error file")),
            None => command.stderr(Stdio::null()),
        };
        let name = start.program.to_string_lossy().into_owned();
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("could not start `{name}`: {error}"));
        Self {
            child,
            name,
            status: None,
        }
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Hands over the reading end of a piped standard output.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Sends a signal to the process alone.
    pub fn signal(&self, signal: StopSignal) {
        send(self.pid(), signal);
    }

    /// Tells how the process ended, if it has.
    pub fn exit(&mut self) -> Option<Exit> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("ask for the exit status");
        }
        self.status.map(Exit::of)
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> Exit {
        let what = format!("`{}` ends", self.name);
        wait_for(limit, &what, || self.exit())
    }

    /// Ends the process and everything below it: asks first, so that it can tidy up.
    pub fn end(&mut self) {
        if self.exit().is_some() {
            return;
        }
        let below = descendants(self.pid());
        let group = Pid::from_child(&self.child);
        // The group may be gone already; what it left behind is ended one by one.
        kill_process_group(group, Signal::TERM).ok();
        let grace = Deadline::after(GRACE);
        if !wait_until(grace, || self.exit().is_some()) {
            kill_process_group(group, Signal::KILL).ok();
        }
        for process in below {
            if started_at(process.pid) == Some(process.started_at) {
                send(process.pid, Signal::KILL);
            }
        }
        self.wait(SOON);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
            return;
        }
        // A second panic would abort the whole test run.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.end())).ok();
    }
}

impl Exit {
    fn of(status: ExitStatus) -> Self {
        status.code().map_or_else(
            || Self::Signal(status.signal().unwrap_or_default()),
            Self::Code,
        )
    }
}

/// What a finished program said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a program to its end.
#[track_caller]
#[must_use]
pub fn run(program: &OsStr, args: &[&str], env: &BTreeMap<String, String>, cwd: &Path) -> Said {
    let folder = tempfile::tempdir().expect("make a temporary folder");
    let (stdout, stderr) = (folder.path().join("stdout"), folder.path().join("stderr"));
    let mut process = Process::start(&Start {
        program,
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: env.clone(),
        cwd,
        stdout: Output::File(&stdout),
        stderr: Some(&stderr),
    });
    let exit = process.wait(crate::wait::PATIENT);
    let read = |path| {
        String::from_utf8_lossy(&std::fs::read(path).expect("read what it said")).into_owned()
    };
    Said {
        exit,
        stdout: read(&stdout),
        stderr: read(&stderr),
    }
}

/// Returns the value of a variable that the test itself was started with.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the tests' own environment"
)]
pub fn own_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A process that somebody else started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descendant {
    /// Its id.
    pub pid: u32,
    /// Its start, in clock ticks since boot: together with the id it names the process.
    pub started_at: u64,
}

/// Returns all processes below `pid`, nearest first.
#[must_use]
pub fn descendants(pid: u32) -> Vec<Descendant> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").expect("read /proc").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if let Some(parent) = stat_field(pid, 4) {
            children
                .entry(u32::try_from(parent).unwrap_or_default())
                .or_default()
                .push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for &child in children.get(&parent).into_iter().flatten() {
            open.push(child);
            if let Some(started_at) = started_at(child) {
                found.push(Descendant {
                    pid: child,
                    started_at,
                });
            }
        }
    }
    found
}

/// Returns the ids of all processes.
#[must_use]
pub fn all() -> Vec<u32> {
    std::fs::read_dir("/proc")
        .expect("read /proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Tells whether a process only waits to be collected by its parent.
#[must_use]
pub fn is_zombie(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_none_or(|state| state == "Z" || state == "X")
}

/// Returns the short name of a process.
#[must_use]
pub fn comm(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Sends a signal to one process; one that is gone already is fine.
pub fn send(pid: u32, signal: StopSignal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, signal).ok();
}

fn started_at(pid: u32) -> Option<u64> {
    stat_field(pid, 22)
}

/// Returns a numbered field of `/proc/<pid>/stat`, counted from 1 as in its manual page.
fn stat_field(pid: u32, number: usize) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number - 3)?.parse().ok()
}
