//! Everything that is settled right before the agent is started.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::task::conclude::SpawnFault;
use mission_control_core::task::exec_events::UsageBefore;
use mission_control_core::task::model::TaskId;
use mission_control_core::task::request::{Resume, TaskRequest, ThreadChoice};
use serde::{Deserialize, Serialize};

use crate::source::delegate::{self, CallPlaces, ThreadUse};
use crate::task::folder::{TaskFolder, write_json, write_whole};
use crate::task::git::{self, SeenBefore};
use crate::task::place::Place;
use crate::task::programs::{DEPTH_VARIABLE, Launch, TASK_VARIABLE};
use crate::task::submit::{Kept, MADE_ANEW, is_isolated};
use crate::task::worktree;

/// How long a task waits for another process to let go of its thread; then the agent says so.
const THREAD_PATIENCE: Duration = Duration::from_secs(60);

/// Names this program's own tool server in an agent's configuration.
const OWN_PROGRAM: &str = "mission-control";

/// What was seen right before the start. Its file says that a start was tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Launched {
    /// When.
    pub(super) at: Timestamp,
    /// The repository.
    pub(super) git: SeenBefore,
    /// What the thread had used.
    pub(super) usage: UsageBefore,
    /// The command line, program first.
    pub(super) argv: Vec<String>,
    /// The task's own checkout, or that of the task it goes on with.
    pub(super) worktree: Option<Utf8PathBuf>,
    /// What a reader should know from the start.
    #[serde(default)]
    pub(super) remarks: Vec<String>,
}

impl Launched {
    /// Returns how long the task has been running.
    pub(super) fn ran_until(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.at)).unwrap_or_default()
    }
}

/// Ready to start.
pub(super) struct Prepared {
    pub(super) launch: Launch,
    pub(super) launched: Launched,
}

/// Looks around and writes the files the agent needs.
pub(super) fn prepare(
    kept: &Kept,
    folder: &TaskFolder,
    id: &TaskId,
    now: Timestamp,
) -> Result<Prepared, SpawnFault> {
    let other = |message: String| SpawnFault::Other { message };
    let request = &kept.request;
    let home = &kept.launch.home;
    let own_servers = delegate::tool_servers(home, |command| {
        Utf8Path::new(command).file_stem() == Some(OWN_PROGRAM)
    });
    let schema_file = folder.schema();
    let places = CallPlaces {
        schema_file: &schema_file,
        own_servers: &own_servers,
    };
    let call = delegate::call(request, places).map_err(|fault| other(fault.to_string()))?;
    let files = |error: std::io::Error| other(error.to_string());
    let asked = Utf8PathBuf::from(request.cwd.clone().unwrap_or_default());
    let tasks = folder.path().parent().unwrap_or(folder.path());
    let (worktree, cwd) = if is_isolated(request, &Place::of(&asked)) {
        let worktree = folder.worktree();
        let turn = tasks.join("worktree.lock");
        let base = request.base_ref.as_deref();
        let cwd = worktree::make(&turn, &asked, &worktree, base).map_err(files)?;
        (Some(worktree), cwd)
    } else {
        (worktree::around(tasks, &asked), asked)
    };
    if let Some(schema) = &call.schema {
        write_json(&schema_file, schema).map_err(files)?;
    }
    if let Some(prompt) = &call.stdin {
        write_whole(&folder.prompt(), prompt.as_bytes()).map_err(files)?;
    }
    let usage = match request.thread_choice() {
        Ok(ThreadChoice::Resume(thread) | ThreadChoice::Fork(thread)) => {
            delegate::tokens_so_far(home, &thread).map_or(UsageBefore::Unknown, UsageBefore::Known)
        }
        Ok(ThreadChoice::ResumeLast) => UsageBefore::Unknown,
        Ok(ThreadChoice::New | ThreadChoice::Review(_)) | Err(_) => UsageBefore::Nothing,
    };
    let mut variables: BTreeMap<String, String> = kept.launch.variables.clone();
    variables.insert(TASK_VARIABLE.to_owned(), id.to_string());
    variables.insert(DEPTH_VARIABLE.to_owned(), kept.depth.to_string());
    let launch = Launch {
        program: kept.launch.program.clone(),
        arguments: call.arguments,
        variables,
        stdin: call.stdin.is_some().then(|| folder.prompt()),
        stdout: folder.events(),
        stderr: folder.stderr(),
        cwd,
    };
    let launched = Launched {
        at: now,
        git: git::before(&launch.cwd),
        usage,
        argv: launch.shown(),
        remarks: remarks(request, worktree.as_deref() == Some(&folder.worktree())),
        worktree,
    };
    write_json(&folder.before(), &launched).map_err(files)?;
    Ok(Prepared { launch, launched })
}

/// Returns what a reader should know of a task from the start.
fn remarks(request: &TaskRequest, has_new_checkout: bool) -> Vec<String> {
    let is_reply = request.resume == Resume::Thread && has_new_checkout;
    is_reply.then(|| MADE_ANEW.to_owned()).into_iter().collect()
}

/// How long a task has waited for nothing but its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Patience {
    could_run_at: Option<Duration>,
}

impl Patience {
    /// Returns that of a task that could run at `now`, on the steady clock.
    pub(super) fn waited(&mut self, now: Duration) -> Duration {
        now.saturating_sub(*self.could_run_at.get_or_insert(now))
    }
}

/// Returns whether the thread a task goes on with can be written, or has been waited for long
/// enough.
pub(super) fn is_thread_free(kept: Option<&Kept>, waited: Duration) -> bool {
    let Some(kept) = kept else { return true };
    let Ok(ThreadChoice::Resume(thread)) = kept.request.thread_choice() else {
        return true;
    };
    waited > THREAD_PATIENCE || delegate::thread_use(&kept.launch.home, &thread) == ThreadUse::Free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_the_queue_uses_up_no_patience() {
        let mut patience = Patience::default();
        let waited = [90, 100, 151].map(|at| patience.waited(Duration::from_secs(at)));

        assert_eq!(waited, [0, 10, 61].map(Duration::from_secs));
    }
}
