//! Going on with the thread of a task that ended.

use std::io;

use camino::Utf8PathBuf;
use mission_control_core::task::model::Task;
use mission_control_core::task::request::{Isolation, Resume, TaskRequest};
use serde_json::Value;

use super::apply::was_applied;
use super::folder::{TaskFolder, read_json};
use super::submit::Kept;
use super::worktree;

/// What stands in the place of a value that was not kept begins so.
const REMOVED: &str = "[redacted";

/// Why nothing can go on with a task.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// It has not ended.
    #[error("go on with a task that has not ended")]
    NotEnded,
    /// It ended before it had a thread.
    #[error("go on with a task that has no thread")]
    NoThread,
    /// How it was started cannot be found out any more.
    #[error("read how the task was started")]
    Request(#[source] io::Error),
    /// It was started with a secret, and secrets are not kept.
    #[error("go on without the value of `{0}`: secrets are not kept")]
    Removed(String),
}

/// Returns the request that goes on with the thread of the task of a folder, where and as the task worked.
///
/// # Errors
/// When the task has not ended, has no thread, or what it was started with is not known any more.
pub fn reply_to(folder: &TaskFolder, task: &Task, text: String) -> Result<TaskRequest, ReplyError> {
    let mut request = inherited(folder, task)?;
    request.prompt = text;
    check_kept(&request)?;
    Ok(request)
}

/// Returns what a further turn takes over from a task: all but the prompt.
///
/// Whoever changes something in it ends with [`check_kept`].
///
/// # Errors
/// When the task has not ended, has no thread, or how it was started cannot be read.
pub fn inherited(folder: &TaskFolder, task: &Task) -> Result<TaskRequest, ReplyError> {
    if !task.status.is_terminal() {
        return Err(ReplyError::NotEnded);
    }
    let Some(thread) = &task.thread_id else {
        return Err(ReplyError::NoThread);
    };
    let first = read_json::<Kept>(&folder.request())
        .and_then(|kept| kept.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)))
        .map_err(ReplyError::Request)?
        .request;
    let (cwd, isolation) = where_to_go_on(folder, task, &first).map_err(ReplyError::Request)?;
    Ok(TaskRequest {
        cwd: Some(cwd.into_string()),
        isolation,
        sandbox: task.sandbox,
        model: task.model.clone(),
        effort: first.effort,
        profile: first.profile,
        config: first.config,
        add_dirs: first.add_dirs,
        env_policy: first.env_policy,
        idle_timeout_seconds: first.idle_timeout_seconds,
        hard_timeout_seconds: first.hard_timeout_seconds,
        max_output_chars: first.max_output_chars,
        thread_id: Some(thread.clone()),
        resume: Resume::Thread,
        group_id: task.group_id.clone(),
        tags: task.tags.clone(),
        // The folder was accepted for the first turn.
        skip_git_repo_check: true,
        ..TaskRequest::default()
    })
}

/// What was begun in a checkout of its own goes on there while it holds what is not applied, and
/// in a new one afterwards: never in the person's folder itself.
fn where_to_go_on(
    folder: &TaskFolder,
    task: &Task,
    first: &TaskRequest,
) -> io::Result<(Utf8PathBuf, Isolation)> {
    let tasks = folder.path().parent().unwrap_or(folder.path());
    let cwd = Utf8PathBuf::from(&task.cwd);
    let recorded = task.git.as_ref().and_then(|git| git.worktree.clone());
    let checkout = recorded.map(Utf8PathBuf::from);
    let checkout = checkout.or_else(|| worktree::around(tasks, &cwd));
    let Some(checkout) = checkout else {
        return Ok((cwd, first.isolation));
    };
    let made = worktree::made(&checkout)?;
    let asked = made.map_or_else(|| cwd.clone(), |made| made.folder);
    let home = TaskFolder::at(checkout.parent().unwrap_or(&checkout).to_owned());
    if checkout.is_dir() && !was_applied(&home)? {
        let place = if cwd.starts_with(&checkout) {
            cwd
        } else {
            worktree::place_in(&checkout, &asked)
        };
        return Ok((place, Isolation::None));
    }
    Ok((asked, Isolation::Worktree))
}

/// Checks that no value which the agent is started with was removed as a secret.
///
/// # Errors
/// Names the first one that was.
pub fn check_kept(request: &TaskRequest) -> Result<(), ReplyError> {
    let variables = request.env_policy.iter().flat_map(|policy| &policy.set);
    let variables = variables.filter(|(_, value)| value.contains(REMOVED));
    let overrides = request.config.iter();
    let overrides = overrides.filter(|(_, value)| holds_removed(value));
    let removed = variables
        .map(|(name, _)| name)
        .chain(overrides.map(|(key, _)| key));
    match removed.min() {
        None => Ok(()),
        Some(name) => Err(ReplyError::Removed(name.clone())),
    }
}

fn holds_removed(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(REMOVED),
        Value::Array(items) => items.iter().any(holds_removed),
        Value::Object(fields) => fields.values().any(holds_removed),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use camino::Utf8Path;
    use mission_control_core::task::model::{TaskGit, TaskStatus};
    use serde_json::json;

    use super::*;
    use crate::store::tests::READABLE;
    use crate::task::context::LaunchPlaces;
    use crate::task::folder::write_json;
    use crate::testing::temp_folder;

    /// Returns the folder of a task that was asked for with `request`.
    fn asked(state: &Utf8Path, task: &Task, request: Value) -> TaskFolder {
        let folder = TaskFolder::of(state, &task.task_id);
        folder.make().unwrap();
        let kept = Kept {
            request: TaskRequest::read(&request).unwrap(),
            launch: LaunchPlaces {
                program: "codex".into(),
                home: "/h".into(),
                variables: BTreeMap::new(),
            },
            depth: 1,
        };
        write_json(&folder.request(), &kept).unwrap();
        folder
    }

    fn ended() -> Task {
        let mut task: Task = serde_json::from_str(READABLE).unwrap();
        task.thread_id = Some("t".to_owned());
        task
    }

    #[test]
    fn what_was_begun_in_a_checkout_goes_on_there_while_it_exists() {
        let (_state_guard, state) = temp_folder();
        let (guard, checkout) = temp_folder();
        let mut task = ended();
        task.git = Some(TaskGit {
            worktree: Some(checkout.to_string()),
            ..TaskGit::default()
        });
        let folder = asked(&state, &task, json!({ "prompt": "x" }));
        let cwd = |task: &Task| reply_to(&folder, task, "On.".to_owned()).unwrap().cwd;

        assert_eq!(cwd(&task), Some(checkout.to_string()));
        drop(guard);
        assert_eq!(cwd(&task), Some("/w".to_owned()));
        let request = reply_to(&folder, &task, "On.".to_owned()).unwrap();
        assert_eq!(request.isolation, Isolation::Worktree);
    }

    #[test]
    fn the_agent_is_set_up_as_it_was_and_asked_anew() {
        let (_guard, state) = temp_folder();
        let task = ended();
        let set_up = json!({
            "prompt": "First", "effort": "high", "profile": "p", "add_dirs": ["/a"],
            "config": { "model_provider": "local" }, "env_policy": { "set": { "A": "1" } },
            "hard_timeout_seconds": 9, "title": "First", "images": ["/i.png"],
            "isolation": "worktree", "idempotency_key": "k",
        });
        let folder = asked(&state, &task, set_up);

        let request = reply_to(&folder, &task, "On.".to_owned()).unwrap();

        let expected = json!({
            "prompt": "On.", "cwd": "/w", "thread_id": "t", "resume": "thread",
            "sandbox": task.sandbox, "model": task.model, "skip_git_repo_check": true,
            "group_id": task.group_id, "tags": task.tags,
            "effort": "high", "profile": "p", "add_dirs": ["/a"],
            "config": { "model_provider": "local" }, "env_policy": { "set": { "A": "1" } },
            "hard_timeout_seconds": 9, "isolation": "worktree",
        });
        assert_eq!(request, TaskRequest::read(&expected).unwrap());
    }

    #[test]
    fn a_value_that_was_removed_is_named() {
        #[track_caller]
        fn check(request: Value, name: &str) {
            let (_guard, state) = temp_folder();
            let task = ended();
            let folder = asked(&state, &task, request);

            let error = reply_to(&folder, &task, "On.".to_owned()).unwrap_err();

            assert_eq!(
                error.to_string(),
                format!("go on without the value of `{name}`: secrets are not kept")
            );
        }

        check(
            json!({ "prompt": "x", "env_policy": { "set": { "TOKEN": "[redacted]" } } }),
            "TOKEN",
        );
        check(
            json!({ "prompt": "x", "config": { "a": { "b": ["Bearer [redacted:key]"] } } }),
            "a",
        );
    }

    #[test]
    fn nothing_goes_on_with_an_open_task_without_a_thread_or_without_its_request() {
        let (_guard, state) = temp_folder();
        let mut task = ended();
        let folder = TaskFolder::of(&state, &task.task_id);
        let reply = |task: &Task| reply_to(&folder, task, "On.".to_owned()).unwrap_err();

        assert_eq!(reply(&task).to_string(), "read how the task was started");
        task.thread_id = None;
        assert!(matches!(reply(&task), ReplyError::NoThread));
        task.status = TaskStatus::Running;
        assert!(matches!(reply(&task), ReplyError::NotEnded));
    }
}
