//! The connector's table about a task, from what is recorded. What is not known is null.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use mission_control_core::task::conclude::ChildExit;
use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::Task;
use mission_control_core::task::words::{duration_words, signal_name};
use mission_control_engine::task::folder::TaskFolder;
use mission_control_engine::task::run_facts::{RunFacts, run_facts};
use serde_json::{Value, json};

use super::super::log::tail;
use super::super::{Call, blocking};
use super::markdown::Page;
use super::reason::{reason_words, status_word};
use super::unreadable;

/// Where a heartbeat stands in a line of the log, after its time.
const HEARTBEAT: &[u8] = b"task  HEARTBEAT #";

/// Facts about a task beside its row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Diagnosis {
    n_stdout_bytes: Option<u64>,
    n_stderr_bytes: Option<u64>,
    last_activity: Option<Activity>,
    n_heartbeats: Option<usize>,
    exit_code: Option<i32>,
    signal: Option<String>,
    log: Option<Utf8PathBuf>,
    result: Option<Utf8PathBuf>,
    debug: Option<Utf8PathBuf>,
    recent_output: Option<String>,
}

/// When a task wrote something last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Activity {
    at: Timestamp,
    kind: &'static str,
    /// How long ago; none when the task has ended.
    ago: Option<Duration>,
}

impl Diagnosis {
    /// Looks at the files of a task, and at the last lines of its log if they are wanted.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub(super) async fn of(
        call: &Call,
        task: &Task,
        n_lines: Option<usize>,
    ) -> Result<Self, TaskError> {
        let id = task.task_id.clone();
        let turn = call
            .desk
            .turn(move |turn| Ok((turn.context.folder(&id), turn.now)));
        let (folder, now) = turn.await?;
        let ended_at = task.ended_at;
        blocking(move || {
            Self::look(&folder, ended_at, n_lines, now).map_err(|error| unreadable(&folder, &error))
        })
        .await
    }

    fn look(
        folder: &TaskFolder,
        ended_at: Option<Timestamp>,
        n_lines: Option<usize>,
        now: Timestamp,
    ) -> std::io::Result<Self> {
        let there = |path: Utf8PathBuf| path.exists().then_some(path);
        let mut diagnosis = Self {
            n_heartbeats: n_heartbeats(&folder.log())?,
            log: there(folder.log()),
            result: there(folder.result()),
            debug: there(folder.debug()),
            ..Self::default()
        };
        let facts = run_facts(folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "A debug file cannot be read; what it says counts as unknown.");
            None
        });
        match facts {
            Some(facts) => diagnosis.ended(folder, &facts)?,
            // Without its debug file nothing is known of an ended run: its output may be a copy.
            None if ended_at.is_some() => {}
            None => diagnosis.running(folder, now)?,
        }
        if let (Some(n_lines), Some(log)) = (n_lines, &diagnosis.log) {
            diagnosis.recent_output = Some(tail(log, n_lines)?.text);
        }
        Ok(diagnosis)
    }

    fn ended(&mut self, folder: &TaskFolder, facts: &RunFacts) -> std::io::Result<()> {
        self.n_stdout_bytes = Some(facts.n_stdout_bytes);
        self.n_stderr_bytes = Some(facts.n_stderr_bytes);
        if facts.is_untouched {
            self.last_activity = last_activity(folder)?;
        }
        match facts.exit {
            Some(ChildExit::Code(code)) => self.exit_code = Some(code),
            Some(ChildExit::Signal(signal)) => self.signal = Some(signal_name(signal)),
            Some(ChildExit::Unknown) | None => {}
        }
        Ok(())
    }

    fn running(&mut self, folder: &TaskFolder, now: Timestamp) -> std::io::Result<()> {
        self.n_stdout_bytes = written(&folder.events())?.map(|(length, _)| length);
        self.n_stderr_bytes = written(&folder.stderr())?.map(|(length, _)| length);
        self.last_activity = last_activity(folder)?.map(|activity| Activity {
            ago: Some(since(activity.at, now)),
            ..activity
        });
        Ok(())
    }

    /// Returns everything as values.
    pub(super) fn value(&self, task: &Task) -> Value {
        let activity = self.last_activity.map(|activity| {
            json!({
                "kind": activity.kind,
                "at": activity.at,
                "ago": activity.ago.map(duration_words),
                "agoMs": activity.ago.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
            })
        });
        let elapsed = elapsed(task);
        let mut value = json!({
            "taskId": task.task_id,
            "threadId": task.thread_id,
            "title": task.title,
            "status": status_word(task.status),
            "content": task.final_message,
            "workingDirectory": task.cwd,
            "sandbox": task.sandbox,
            "model": task.model,
            "createdAt": task.created_at,
            "startedAt": task.started_at,
            "endedAt": task.ended_at,
            "elapsed": elapsed.map(duration_words),
            "elapsedMs": elapsed.map(|_| task.elapsed_ms),
            "lastActivity": activity,
            "stdoutBytes": self.n_stdout_bytes,
            "stderrBytes": self.n_stderr_bytes,
            "heartbeats": self.n_heartbeats,
            "exitCode": self.exit_code,
            "signal": self.signal,
            "failureReason": reason_words(task),
            "failureDetail": task.error.as_ref().map(|error| &error.message),
            "hint": task.error.as_ref().and_then(|error| error.hint.as_ref()),
            "waitsFor": task.need.as_ref().map(|need| &need.summary),
            "logFile": self.log,
            "resultFile": self.result,
            "debugFile": self.debug,
            "next": next(task),
        });
        if let (Some(fields), Some(recent)) = (value.as_object_mut(), &self.recent_output) {
            fields.insert("recentOutput".to_owned(), recent.as_str().into());
        }
        value
    }

    /// Returns everything that is known as a page.
    pub(super) fn page(&self, task: &Task) -> String {
        let bytes = |n: Option<u64>| n.map(|n| format!("{n} B"));
        let path = |path: &Option<Utf8PathBuf>| path.as_ref().map(ToString::to_string);
        let mut page = Page::new(&task.title);
        page.facts(&[
            ("Task", Some(task.task_id.to_string())),
            ("Thread", task.thread_id.clone()),
            ("Status", Some(status_word(task.status).to_owned())),
            (
                "Waits for",
                task.need.as_ref().map(|need| need.summary.clone()),
            ),
            ("Elapsed", elapsed(task).map(duration_words)),
            ("Last activity", self.last_activity.map(Activity::words)),
            ("Stdout", bytes(self.n_stdout_bytes)),
            ("Stderr", bytes(self.n_stderr_bytes)),
            ("Heartbeats", self.n_heartbeats.map(|n| n.to_string())),
            ("Exit code", self.exit_code.map(|code| code.to_string())),
            ("Signal", self.signal.clone()),
            ("Failure reason", reason_words(task)),
            (
                "What to do",
                task.error.as_ref().and_then(|error| error.hint.clone()),
            ),
            ("Log", path(&self.log)),
            ("Result", path(&self.result)),
            ("Debug", path(&self.debug)),
        ]);
        if let Some(message) = &task.final_message {
            page.heading("Result");
            page.text(message);
        }
        if let Some(recent) = &self.recent_output {
            page.heading("Recent output");
            page.quoted(recent);
        }
        for next in next(task) {
            page.text(&next);
        }
        page.finish()
    }
}

impl Activity {
    fn words(self) -> String {
        match self.ago {
            Some(ago) => format!("{} ago ({})", duration_words(ago), self.kind),
            None => format!("{} ({})", self.at, self.kind),
        }
    }
}

/// How long a task has been running; none before its program was started.
fn elapsed(task: &Task) -> Option<Duration> {
    task.started_at
        .map(|_| Duration::from_millis(task.elapsed_ms))
}

fn next(task: &Task) -> Vec<String> {
    if !task.status.is_terminal() {
        let id = &task.task_id;
        return vec![format!(
            "codex_wait with taskId \"{id}\" returns when it ends."
        )];
    }
    let thread = task.thread_id.iter();
    thread
        .map(|thread| format!("codex_agent with sessionId \"{thread}\" goes on with its thread."))
        .collect()
}

fn last_activity(folder: &TaskFolder) -> std::io::Result<Option<Activity>> {
    let mut last: Option<Activity> = None;
    for (kind, path) in [("stdout", folder.events()), ("stderr", folder.stderr())] {
        let Some((length, at)) = written(&path)? else {
            continue;
        };
        if length > 0 && last.is_none_or(|last| at > last.at) {
            last = Some(Activity {
                at,
                kind,
                ago: None,
            });
        }
    }
    Ok(last)
}

/// Returns how much a file holds and when it was written to; none if there is no such file.
fn written(path: &Utf8Path) -> std::io::Result<Option<(u64, Timestamp)>> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let at = Timestamp::try_from(metadata.modified()?).map_err(std::io::Error::other)?;
    Ok(Some((metadata.len(), at)))
}

/// Counts the signs of life in a log; none if there is no log.
fn n_heartbeats(log: &Utf8Path) -> std::io::Result<Option<usize>> {
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut n = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let mut after_time = line.splitn(2, |byte| *byte == b' ').skip(1);
        n += usize::from(
            after_time
                .next()
                .is_some_and(|says| says.starts_with(HEARTBEAT)),
        );
    }
    Ok(Some(n))
}

/// Clocks that were set back make nothing happen in the future.
fn since(at: Timestamp, now: Timestamp) -> Duration {
    let since = now.duration_since(at).max(SignedDuration::ZERO);
    since.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;

    fn folder() -> (tempfile::TempDir, TaskFolder) {
        let guard = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(guard.path()).unwrap();
        let folder = TaskFolder::of(state, &sample().task_id);
        folder.make().unwrap();
        (guard, folder)
    }

    #[test]
    fn of_a_task_without_files_nothing_is_invented() {
        let (_guard, folder) = folder();
        let mut task = sample();
        (task.started_at, task.final_message) = (None, None);

        let diagnosis = Diagnosis::look(&folder, None, Some(5), task.created_at).unwrap();

        assert_eq!(diagnosis, Diagnosis::default());
        let value = diagnosis.value(&task);
        for unknown in [
            "elapsed",
            "lastActivity",
            "stdoutBytes",
            "heartbeats",
            "exitCode",
            "signal",
            "failureReason",
            "logFile",
            "recentOutput",
        ] {
            assert_eq!(value[unknown], Value::Null, "{unknown}");
        }
        let page = diagnosis.page(&task);
        assert!(
            !page.contains("Elapsed") && !page.contains("Stdout"),
            "{page}"
        );
    }

    #[test]
    fn a_running_task_is_told_from_what_it_wrote() {
        let (_guard, folder) = folder();
        std::fs::write(folder.events(), "12345\n").unwrap();
        std::fs::write(folder.stderr(), "").unwrap();
        std::fs::write(
            folder.log(),
            "Title  x\n\nT1 task  HEARTBEAT #1: elapsed=1 s\nT2 agent Says: HEARTBEAT #7\n\
             T3 agent Says: task  HEARTBEAT #8\nT4 task  HEARTBEAT #1: elapsed=2 s\n",
        )
        .unwrap();
        let (_, at) = written(&folder.events()).unwrap().unwrap();

        let diagnosis =
            Diagnosis::look(&folder, None, Some(1), at + SignedDuration::from_secs(15)).unwrap();

        let value = diagnosis.value(&sample());
        assert_eq!(value["lastActivity"]["ago"], "15 s");
        assert_eq!(value["lastActivity"]["kind"], "stdout");
        assert_eq!(
            (&value["stdoutBytes"], &value["stderrBytes"]),
            (&json!(6), &json!(0))
        );
        assert_eq!(value["heartbeats"], 2);
        assert_eq!(
            value["recentOutput"],
            "T4 task  HEARTBEAT #1: elapsed=2 s\n"
        );
        assert!(
            diagnosis
                .page(&sample())
                .contains("| Last activity | 15 s ago (stdout) |")
        );
    }

    #[test]
    fn an_ended_task_is_told_from_its_debug_file_alone() {
        let (_guard, folder) = folder();
        std::fs::write(folder.events(), "[redacted]\n").unwrap();
        let task = sample();
        let debug = |removed: Value| {
            json!({
                "run": { "n_stdout_bytes": 12450, "n_stderr_bytes": 890,
                    "exit": "The agent was ended by SIGTERM." },
                "secrets_removed_from_files": removed,
            })
            .to_string()
        };
        let look = || Diagnosis::look(&folder, task.ended_at, None, task.created_at).unwrap();

        let without = look();
        std::fs::write(folder.debug(), debug(json!({ "jwt": 1 }))).unwrap();
        let redacted = look();
        std::fs::write(folder.debug(), debug(json!({}))).unwrap();
        let untouched = look();

        assert_eq!(
            (without.n_stdout_bytes, without.last_activity),
            (None, None)
        );
        assert_eq!(redacted.n_stdout_bytes, Some(12450));
        assert_eq!(redacted.signal.as_deref(), Some("SIGTERM"));
        assert_eq!(redacted.last_activity, None, "the copy was written by us");
        assert_eq!(untouched.last_activity.unwrap().ago, None);
        std::fs::write(folder.debug(), "{").unwrap();
        assert_eq!(
            look().n_stdout_bytes,
            None,
            "what cannot be read is unknown"
        );
    }
}
