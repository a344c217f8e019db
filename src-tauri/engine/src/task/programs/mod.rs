//! The programs that tasks start: the agent, its supervisor, and git.

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "other.rs"]
mod platform;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::redact::redact_arguments;
use mission_control_core::task::conclude::{ChildExit, SpawnFault};
use mission_control_core::task::model::TaskId;

use super::folder::{TaskFolder, append};
use super::mark::{self, ProcessMark};
use crate::source::delegate;

/// Carries a task's id in the environment of its agent and of everything below it.
pub(crate) const TASK_VARIABLE: &str = "MISSION_CONTROL_TASK_ID";

/// Counts how many tasks stand above a process.
pub(crate) const DEPTH_VARIABLE: &str = "MISSION_CONTROL_DEPTH";

/// How long git may look at something.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// How long git may change something: a checkout of a large repository takes its time.
const CHANGE_LIMIT: Duration = Duration::from_mins(5);

/// Settings that decide what git prints, reads and starts: those of a person or repository would
/// make differences that nobody else can read or apply, and a task may have changed them.
const SETTINGS: &[&str] = &[
    "core.quotePath=false",
    "core.fsmonitor=false",
    // Hooks are looked for where none are.
    "core.hooksPath=/dev/null",
    "color.ui=false",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.srcPrefix=a/",
    "diff.dstPrefix=b/",
    "diff.context=3",
    "diff.interHunkContext=0",
    "diff.relative=false",
    "diff.renames=false",
    "diff.submodule=short",
    "diff.suppressBlankEmpty=false",
    "diff.orderFile=/dev/null",
    "apply.whitespace=nowarn",
    "apply.ignoreWhitespace=no",
    "status.relativePaths=false",
    "log.showSignature=false",
    "log.showRoot=true",
];

/// Variables that would change differences as well.
const NOT_PASSED_ON: [&str; 2] = ["GIT_DIFF_OPTS", "GIT_EXTERNAL_DIFF"];

/// How to start an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: Utf8PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Variables beside those of this process.
    pub(crate) variables: BTreeMap<String, String>,
    /// The folder to work in.
    pub(crate) cwd: Utf8PathBuf,
    /// The file on its standard input; none means that it is closed.
    pub(crate) stdin: Option<Utf8PathBuf>,
    /// The file for its standard output.
    pub(crate) stdout: Utf8PathBuf,
    /// The file for its standard error.
    pub(crate) stderr: Utf8PathBuf,
}

/// A started agent.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    mark: ProcessMark,
}

impl Launch {
    /// Returns the command line as it may be kept, program first.
    pub(crate) fn shown(&self) -> Vec<String> {
        let mut words = vec![self.program.to_string()];
        words.extend(delegate::without_values(&self.arguments));
        redact_arguments(&words).0
    }

    /// Starts the agent in a group of its own.
    pub(crate) fn start(&self) -> Result<Agent, SpawnFault> {
        let other = |message: String| SpawnFault::Other { message };
        let open = |path: &Utf8Path| {
            append(path).map_err(|error| other(format!("open `{path}`: {error}")))
        };
        let stdin = match &self.stdin {
            Some(path) => Stdio::from(
                File::open(path).map_err(|error| other(format!("open `{path}`: {error}")))?,
            ),
            None => Stdio::null(),
        };
        if !self.cwd.is_dir() {
            return Err(other(format!("`{}` is not a folder", self.cwd)));
        }
        let mut command = program(&self.program);
        command
            .args(&self.arguments)
            .envs(&self.variables)
            .current_dir(&self.cwd)
            .stdin(stdin)
            .stdout(open(&self.stdout)?)
            .stderr(open(&self.stderr)?);
        platform::in_own_group(&mut command);
        let child = command.spawn().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                SpawnFault::ProgramMissing {
                    program: self.program.to_string(),
                }
            } else {
                other(error.to_string())
            }
        })?;
        let mark = ProcessMark::of_child(child.id());
        Ok(Agent { child, mark })
    }
}

impl Agent {
    /// Returns the agent's process, the leader of its group.
    pub(crate) const fn mark(&self) -> &ProcessMark {
        &self.mark
    }

    /// Returns how it left, once it has.
    pub(crate) fn exit(&mut self) -> Option<ChildExit> {
        match self.child.try_wait() {
            Ok(status) => status.map(exit_of),
            Err(error) => {
                tracing::warn!(%error, "The exit of the agent cannot be asked for.");
                Some(ChildExit::Unknown)
            }
        }
    }
}

fn exit_of(status: ExitStatus) -> ChildExit {
    match (status.code(), platform::signal_of(status)) {
        (Some(code), _) => ChildExit::Code(code),
        (None, Some(signal)) => ChildExit::Signal(signal),
        (None, None) => ChildExit::Unknown,
    }
}

/// How a process is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is asked to end.
    Ask,
    /// It is ended.
    End,
}

/// The processes of a task.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    leader: Option<ProcessMark>,
    label: String,
}

impl Group {
    /// Names the group led by `leader`, and what left it.
    pub(crate) fn of(task: &TaskId, leader: Option<ProcessMark>) -> Self {
        Self {
            leader,
            label: format!("{TASK_VARIABLE}={task}"),
        }
    }

    /// Returns its live processes.
    pub(crate) fn members(&self) -> Vec<ProcessMark> {
        mark::members(self.leader.as_ref(), &self.label)
    }

    /// Ends the group and what left it. Every process is looked at right before.
    pub(crate) fn stop(&self, how: Stop) {
        for member in self.members() {
            if member.is_alive() {
                platform::signal(member.pid, how);
            }
        }
    }
}

/// Starts a supervisor that outlives whoever asked for it.
pub(crate) fn start_supervisor(
    id: &TaskId,
    folder: &TaskFolder,
    variables: &BTreeMap<String, String>,
) -> io::Result<()> {
    let exe = std::env::current_exe()?;
    let exe = Utf8PathBuf::from_path_buf(exe)
        .map_err(|path| io::Error::other(format!("`{}` is not UTF-8", path.display())))?;
    let front = exe.with_file_name(format!("mission-control{}", std::env::consts::EXE_SUFFIX));
    let exe = if front.is_file() { front } else { exe };
    let mut command = program(&exe);
    command
        .args(["supervise", id.as_str()])
        .env_remove(TASK_VARIABLE)
        .envs(variables)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(append(&folder.supervisor_log())?);
    platform::detached(&mut command);
    let mut child = command.spawn()?;
    // A program that lives on has to collect the supervisor when it ends.
    std::thread::Builder::new()
        .name("reaper".to_owned())
        .stack_size(64 << 10)
        .spawn(move || child.wait().map_or((), |_| ()))?;
    Ok(())
}

/// Runs git in a folder and returns what it printed; none when it says no.
pub(crate) fn git(folder: &Utf8Path, arguments: &[&str]) -> io::Result<Option<Vec<u8>>> {
    let said = git_says(folder, arguments, LOOK_LIMIT)?;
    Ok(said.status.success().then_some(said.stdout))
}

/// Runs git in a folder to compare something: it ends with 1 where there are differences.
pub(crate) fn git_compares(folder: &Utf8Path, arguments: &[&str]) -> io::Result<Option<Vec<u8>>> {
    let said = git_says(folder, arguments, LOOK_LIMIT)?;
    Ok(matches!(said.status.code(), Some(0 | 1)).then_some(said.stdout))
}

/// Runs git in a folder to change something.
pub(crate) fn git_does(folder: &Utf8Path, arguments: &[&str]) -> io::Result<Vec<u8>> {
    let said = git_says(folder, arguments, CHANGE_LIMIT)?;
    if said.status.success() {
        return Ok(said.stdout);
    }
    let why = String::from_utf8_lossy(&said.stderr);
    Err(io::Error::other(format!(
        "`git {}`: {}",
        arguments.first().copied().unwrap_or_default(),
        why.trim()
    )))
}

/// A task may have changed the configuration of its repository: no program that is named there
/// is started where git lets us say so, and no answer is waited for longer than `limit`.
fn git_says(folder: &Utf8Path, arguments: &[&str], limit: Duration) -> io::Result<Output> {
    let mut command = program("git".into());
    command.arg("--no-optional-locks");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::in_own_group(&mut command);
    let child = command.spawn()?;
    let pid = child.id();
    // Holds one answer, and nobody may be there to take it.
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("git".to_owned())
        .stack_size(64 << 10)
        .spawn(move || tell.send(child.wait_with_output()).is_ok())?;
    told.recv_timeout(limit).unwrap_or_else(|_| {
        platform::end_group(pid);
        let name = arguments.first().copied().unwrap_or_default();
        let says = format!("`git {name}` took longer than {} s", limit.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, says))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tasks start programs"
)]
fn program(path: &Utf8Path) -> Command {
    Command::new(path)
}

#[cfg(all(test, unix))]
mod tests {
    use mission_control_core::task::git::GitSeen;

    use super::*;
    use crate::testing::temp_folder;

    #[test]
    fn git_that_does_not_answer_is_ended() {
        let (_guard, folder) = temp_folder();
        let alias = [
            "-c",
            "alias.hang=!sh -c 'echo $$ > pid; exec sleep 100'",
            "hang",
        ];
        let limit = Duration::from_millis(500);

        let error = git_says(&folder, &alias, limit).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let pid = std::fs::read_to_string(folder.join("pid")).unwrap();
        let process = ProcessMark::of(pid.trim().parse().unwrap());
        let mut waker = crate::task::wake::Waker::new();
        for _ in 0..100 {
            waker.wait(Duration::from_millis(10));
            if !process.as_ref().is_some_and(ProcessMark::is_alive) {
                return;
            }
        }
        panic!("it lives on");
    }

    #[test]
    fn looking_starts_nothing_that_a_repository_names() {
        let (_guard, folder) = temp_folder();
        let witness = folder.join("witness");
        let starts = format!("touch '{witness}'; cat");
        let script = folder.join("script");
        std::fs::write(&script, format!("#!/bin/sh\n{starts}\n")).unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        let tree = folder.join("tree");
        std::fs::create_dir(&tree).unwrap();
        git_does(&tree, &["init", "--quiet"]).unwrap();
        std::fs::write(tree.join("a"), "one\n").unwrap();
        std::fs::write(tree.join(".gitattributes"), "a diff=evil\n").unwrap();
        git_does(&tree, &["add", "--all"]).unwrap();
        let author = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let commit = [&author[..], &["commit", "--quiet", "--message", "one"]].concat();
        git_does(&tree, &commit).unwrap();
        for key in [
            "core.fsmonitor",
            "diff.external",
            "diff.evil.command",
            "diff.evil.textconv",
        ] {
            git_does(&tree, &["config", key, script.as_str()]).unwrap();
        }

        let seen = crate::task::git::before(&tree);
        std::fs::write(tree.join("a"), "two\n").unwrap();
        let after = crate::task::git::after(&seen, None);

        assert!(!witness.exists());
        let GitSeen::Known(facts) = after else {
            panic!("{after:?}");
        };
        assert_eq!(facts.changed().len(), 1);
    }
}
