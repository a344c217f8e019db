//! What a thread's own transcript and processes show, read without the program that is tested.

use std::fs;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::CodexHome;
use crate::wait::{Deadline, Moment, PATIENT, SOON, wait_for, wait_until};

impl CodexHome {
    /// Waits for the thread that was given `prompt`, and returns its id.
    #[track_caller]
    #[must_use]
    pub fn thread_of(&self, prompt: &str) -> String {
        let what = format!("a transcript has the prompt `{prompt}`");
        wait_for(PATIENT, &what, || {
            let mut paths = self.rollouts().into_iter();
            let path = paths.find(|path| {
                let text = fs::read_to_string(path).unwrap_or_default();
                text.contains(prompt) && head(&text)["parent_thread_id"].is_null()
            })?;
            Some(thread_in(&path))
        })
    }

    /// Returns the ids of the threads that a thread started.
    #[must_use]
    pub fn children_of(&self, thread: &str) -> Vec<String> {
        let rollouts = self.rollouts().into_iter();
        rollouts
            .filter(|path| {
                let text = fs::read_to_string(path).unwrap_or_default();
                head(&text)["parent_thread_id"] == thread
            })
            .map(|path| thread_in(&path))
            .collect()
    }

    /// Waits until a thread has begun its turn number `n`, from 1, and returns the turn's id.
    #[track_caller]
    #[must_use]
    pub fn turn(&self, thread: &str, n: usize) -> String {
        let what = format!("turn {n} of {thread}");
        wait_for(SOON, &what, || {
            let payloads = self.payloads(thread).into_iter();
            let mut started = payloads.filter(|payload| payload["type"] == "task_started");
            text(&started.nth(n - 1)?["turn_id"])
        })
    }

    /// Returns the id of the turn that a thread began last.
    #[track_caller]
    #[must_use]
    pub fn last_turn(&self, thread: &str) -> String {
        wait_for(SOON, &format!("a turn of {thread}"), || {
            let payloads = self.payloads(thread).into_iter();
            let mut started = payloads.filter(|payload| payload["type"] == "task_started");
            text(&started.next_back()?["turn_id"])
        })
    }

    /// Waits until the turn that a thread began last has ended.
    #[track_caller]
    pub fn wait_for_turn_end(&self, thread: &str) {
        wait_for(SOON, &format!("the end of a turn of {thread}"), || {
            let payloads = self.payloads(thread).into_iter();
            let mut marks = payloads.filter_map(|payload| text(&payload["type"]));
            let last = marks.rfind(|kind| kind.starts_with("task_") || kind == "turn_aborted")?;
            (last != "task_started").then_some(())
        });
    }

    /// Waits until a thread has called its tool number `n`, from 1, and returns the call's id.
    #[track_caller]
    #[must_use]
    pub fn tool_call(&self, thread: &str, n: usize) -> String {
        let what = format!("call {n} of {thread}");
        wait_for(SOON, &what, || {
            let payloads = self.payloads(thread).into_iter();
            let mut calls = payloads.filter(|payload| {
                payload["type"] == "function_call" || payload["type"] == "custom_tool_call"
            });
            text(&calls.nth(n - 1)?["call_id"])
        })
    }

    /// Tells whether a tool's output that reached the agent has the word `answer`.
    #[must_use]
    pub fn was_told(&self, thread: &str, answer: &str) -> bool {
        let answer = format!("\"{answer}\"");
        let mut payloads = self.payloads(thread).into_iter();
        payloads.any(|payload| {
            payload["type"] == "function_call_output"
                && payload["output"]
                    .as_str()
                    .is_some_and(|output| output.contains(&answer))
        })
    }

    /// Looks from now on, in the background, whether the daemon still has a thread's transcript or
    /// lock open.
    #[must_use]
    pub fn follow_release(&self, thread: &str, limit: Duration) -> Release {
        let (home, thread) = (self.codex_home().to_owned(), thread.to_owned());
        let daemon = self.daemon();
        Release(std::thread::spawn(move || {
            let mut held_at = None;
            let mut freed_at = None;
            let _is_freed = wait_until(Deadline::after(limit), || {
                let look = Moment::now();
                if is_open_in(&home, &thread, &daemon) {
                    held_at = Some(look);
                } else {
                    freed_at = Some(look);
                }
                freed_at.is_some()
            });
            Some((held_at?, freed_at?))
        }))
    }

    fn payloads(&self, thread: &str) -> Vec<Value> {
        let rollout = fs::read_to_string(self.rollout(thread)).expect("read the transcript");
        let lines = rollout.lines();
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|mut line| line["payload"].take())
            .collect()
    }
}

/// The end of a thread's life in a daemon, awaited in the background.
#[derive(Debug)]
pub struct Release(JoinHandle<Option<(Moment, Moment)>>);

impl Release {
    /// Waits for it. Returns when the thread was last seen to be held, and when first to be free;
    /// nothing when both were not seen.
    #[must_use]
    pub fn wait(self) -> Option<(Moment, Moment)> {
        self.0.join().ok().flatten()
    }
}

/// Tells whether one of `processes` has the transcript or the lock of a thread open.
fn is_open_in(codex_home: &Path, thread: &str, processes: &[u32]) -> bool {
    let files = processes
        .iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok());
    files
        .flat_map(|files| files.flatten())
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|path| path.starts_with(codex_home) && path.to_string_lossy().contains(thread))
}

/// Returns the first line of a transcript; null while it is not written.
fn head(rollout: &str) -> Value {
    let line = rollout.lines().next().unwrap_or_default();
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    line["payload"].clone()
}

/// Returns the id at the end of a transcript's name.
fn thread_in(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.expect("a file name in UTF-8");
    let at = stem.len() - "01a1f7e6-b06c-7ff1-9e3e-0a01a2524c74".len();
    stem.get(at..).expect("an id").to_owned()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
