//! Delegated tasks in tests: the program with quick settings, the scripted agent, and every
//! process that a task left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::codex::CodexHome;
use crate::process::{self, Said, StopSignal};
use crate::wait::{SOON, wait_for};
use crate::watch::Front;

/// Periods of a second or less, so that nothing takes longer than it has to.
pub const QUICK: &str = "heartbeat_seconds = 0.5\nsilence_seconds = 0.6\n\
    answer_grace_seconds = 1\nleftover_grace_seconds = 0.2\nterm_grace_seconds = 0.5\n\
    poll_seconds = 0.3\n";

/// A state folder in which a scripted agent runs tasks; whatever a task left is ended with it.
#[derive(Debug)]
pub struct TaskStage {
    /// The program.
    pub front: Front,
    folder: TempDir,
    n_scripts: std::cell::Cell<u32>,
}

impl TaskStage {
    /// Makes a stage with the scripted agent.
    #[must_use]
    pub fn scripted(program: &str) -> Self {
        Self::with(program, "")
    }

    /// Makes a stage with the scripted agent and further settings of tasks.
    #[must_use]
    pub fn with(program: &str, settings: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("mc-task-")
            .tempdir()
            .expect("make a folder");
        let home = folder.path().to_str().expect("a path in UTF-8").to_owned();
        let path = process::own_env("PATH").expect("PATH is set");
        let env = [
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), home.clone()),
            ("CODEX_HOME".to_owned(), format!("{home}/.codex")),
            ("TZ".to_owned(), "UTC".to_owned()),
        ];
        let front = Front::new(program, env.into());
        let agent = Path::new(program).with_file_name("scripted-agent");
        assert!(
            agent.exists(),
            "the scripted agent is not built: cargo build -p mission-control-testkit --bins"
        );
        front.write_settings(&format!(
            "[codex]\nprogram = \"{}\"\n[tasks]\n{QUICK}{settings}",
            agent.display()
        ));
        fs::create_dir_all(folder.path().join("work")).expect("make a folder to work in");
        Self {
            front,
            folder,
            n_scripts: std::cell::Cell::new(0),
        }
    }

    /// Returns the folder that tasks work in.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Returns a path for a file beside the folder that tasks work in.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// Makes the agent play `script` in tasks that are handed in from here on.
    pub fn plays(&mut self, script: &str) -> PathBuf {
        let n = self.n_scripts.get();
        self.n_scripts.set(n + 1);
        let path = self.folder.path().join(format!("script-{n}"));
        fs::write(&path, script).expect("write a script");
        let text = path.to_str().expect("a path in UTF-8");
        self.front.set_env("SCRIPTED_AGENT", text);
        path
    }

    /// Hands a task in and returns its id.
    #[track_caller]
    #[must_use]
    pub fn hand_in(&self, arguments: &[&str]) -> String {
        let work = self.work();
        let mut all = vec!["run", "--json", "--cwd", work.to_str().expect("UTF-8")];
        all.extend(arguments);
        let task = self.front.json(&all);
        task["task_id"].as_str().expect("a task's id").to_owned()
    }

    /// Returns a task as it stands.
    #[track_caller]
    #[must_use]
    pub fn task(&self, id: &str) -> Value {
        self.front.json(&["task", id, "--json"])
    }

    /// Waits until a task is as wanted.
    #[track_caller]
    pub fn wait_until(&self, id: &str, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(SOON, what, || Some(self.task(id)).filter(&is_wanted))
    }

    /// Waits with `wait` until a task ended or needs somebody.
    #[track_caller]
    #[must_use]
    pub fn wait(&self, id: &str) -> (Said, Value) {
        let said = self.front.run(&["wait", id, "--json", "--timeout", "60"]);
        let printed: Value = serde_json::from_str(&said.stdout)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {said:?}"));
        let task = printed["tasks"][0].clone();
        (said, task)
    }

    /// Returns a file of a task.
    #[must_use]
    pub fn task_file(&self, id: &str, name: &str) -> PathBuf {
        self.front.state().join("tasks").join(id).join(name)
    }

    /// Reads a file of a task; empty if it is not there.
    #[must_use]
    pub fn read(&self, id: &str, name: &str) -> String {
        fs::read_to_string(self.task_file(id, name)).unwrap_or_default()
    }

    /// Waits for the supervisor of a task and returns its process id.
    #[track_caller]
    #[must_use]
    pub fn supervisor(&self, id: &str) -> u32 {
        wait_for(SOON, "the task has a supervisor", || {
            supervisors(id).first().copied()
        })
    }

    /// Waits until nothing of a task lives.
    #[track_caller]
    pub fn wait_until_gone(&self, id: &str) {
        wait_for(SOON, "nothing of the task lives", || {
            (members(id).is_empty() && supervisors(id).is_empty()).then_some(())
        });
    }
}

impl Drop for TaskStage {
    fn drop(&mut self) {
        end_all_below(self.front.state());
    }
}

/// Ends everything that belongs to the tasks of a state folder.
pub fn end_all_below(state: &Path) {
    let Ok(entries) = fs::read_dir(state.join("tasks")) else {
        return;
    };
    for entry in entries.flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        for pid in supervisors(&id).into_iter().chain(members(&id)) {
            process::send(pid, StopSignal::KILL);
        }
    }
}

/// Returns the processes that carry a task's id in their environment: the agent and what it started.
#[must_use]
pub fn members(id: &str) -> Vec<u32> {
    let label = format!("MISSION_CONTROL_TASK_ID={id}");
    process::all()
        .into_iter()
        .filter(|pid| {
            !process::is_zombie(*pid)
                && fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                    environment
                        .split(|byte| *byte == 0)
                        .any(|variable| variable == label.as_bytes())
                })
        })
        .collect()
}

/// Returns the supervisors of a task.
#[must_use]
pub fn supervisors(id: &str) -> Vec<u32> {
    process::all()
        .into_iter()
        .filter(|pid| {
            !process::is_zombie(*pid)
                && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
                    words.get(1..3) == Some(&[b"supervise".as_slice(), id.as_bytes()])
                })
        })
        .collect()
}

/// The real agent, driven through tasks.
#[derive(Debug)]
pub struct CodexStage {
    /// The agent's home.
    pub home: CodexHome,
    /// The program.
    pub front: Front,
}

impl CodexStage {
    /// Makes a stage with the real agent that plays the script at `address`.
    #[must_use]
    pub fn new(program: &str, settings: &str) -> Self {
        let home = CodexHome::new();
        let front = Front::new(program, home.env());
        front.write_settings(&format!(
            "[codex]\nprogram = \"{}\"\n[tasks]\n{QUICK}{settings}",
            crate::codex::program_path().display()
        ));
        Self { home, front }
    }

    /// Returns the arguments of `run` for the script at `address`.
    #[must_use]
    pub fn arguments(&self, address: &str, more: &[&str]) -> Vec<String> {
        let project = self.home.project();
        let project = project.to_str().expect("a path in UTF-8");
        let base = format!("model_providers.scripted.base_url=\"{address}\"");
        let mut all: Vec<String> = [
            "run",
            "--json",
            "--cwd",
            project,
            "--model",
            crate::codex::CLASSIC_MODEL,
            "--config",
            &base,
        ]
        .map(str::to_owned)
        .to_vec();
        all.extend(more.iter().map(|&word| word.to_owned()));
        all
    }

    /// Runs a task to its end and returns it.
    #[track_caller]
    #[must_use]
    pub fn run(&self, address: &str, more: &[&str]) -> Value {
        let mut arguments = self.arguments(address, more);
        arguments.push("--wait".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = self.front.run(&arguments);
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// Hands a task in and returns its id.
    #[track_caller]
    #[must_use]
    pub fn hand_in(&self, address: &str, more: &[&str]) -> String {
        let arguments = self.arguments(address, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let task = self.front.json(&arguments);
        task["task_id"].as_str().expect("a task's id").to_owned()
    }

    /// Waits until a task is as wanted.
    #[track_caller]
    pub fn wait_until(
        &self,
        limit: Duration,
        id: &str,
        what: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        wait_for(limit, what, || {
            Some(self.front.json(&["task", id, "--json"])).filter(&is_wanted)
        })
    }
}

impl Drop for CodexStage {
    fn drop(&mut self) {
        end_all_below(self.front.state());
    }
}
