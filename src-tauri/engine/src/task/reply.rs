//! Going on with the thread of a task that ended.

use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_core::task::request::{Resume, TaskRequest};

/// Why nothing can go on with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It has not ended.
    #[error("go on with a task that has not ended")]
    NotEnded,
    /// It ended before it had a thread.
    #[error("go on with a task that has no thread")]
    NoThread,
}

/// Returns the request that goes on with a task's thread, where and as the task worked.
///
/// # Errors
/// When the task has not ended, or has no thread.
pub fn reply_to(task: &Task, text: String) -> Result<TaskRequest, ReplyError> {
    match task.status {
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired => {
            return Err(ReplyError::NotEnded);
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => {}
    }
    let Some(thread) = &task.thread_id else {
        return Err(ReplyError::NoThread);
    };
    // What was begun in a checkout of its own goes on there while it exists.
    let worktree = task.git.as_ref().and_then(|git| git.worktree.clone());
    let cwd = worktree.filter(|worktree| std::path::Path::new(worktree).is_dir());
    Ok(TaskRequest {
        prompt: text,
        cwd: Some(cwd.unwrap_or_else(|| task.cwd.clone())),
        sandbox: task.sandbox,
        model: task.model.clone(),
        thread_id: Some(thread.clone()),
        resume: Resume::Thread,
        group_id: task.group_id.clone(),
        tags: task.tags.clone(),
        // The folder was accepted for the first turn.
        skip_git_repo_check: true,
        ..TaskRequest::default()
    })
}

#[cfg(test)]
mod tests {
    use mission_control_core::task::model::TaskGit;

    use super::*;
    use crate::store::tests::READABLE;
    use crate::testing::temp_folder;

    #[test]
    fn what_was_begun_in_a_checkout_goes_on_there_while_it_exists() {
        let (guard, folder) = temp_folder();
        let mut task: Task = serde_json::from_str(READABLE).unwrap();
        task.thread_id = Some("t".to_owned());
        task.git = Some(TaskGit {
            worktree: Some(folder.to_string()),
            ..TaskGit::default()
        });
        let cwd = |task: &Task| reply_to(task, "On.".to_owned()).unwrap().cwd;

        assert_eq!(cwd(&task), Some(folder.to_string()));
        drop(guard);
        assert_eq!(cwd(&task), Some("/w".to_owned()));
    }

    #[test]
    fn nothing_goes_on_with_an_open_task_or_without_a_thread() {
        let mut task: Task = serde_json::from_str(READABLE).unwrap();
        let reply = |task: &Task| reply_to(task, "On.".to_owned()).unwrap_err();

        assert_eq!(reply(&task), ReplyError::NoThread);
        task.status = TaskStatus::Running;
        assert_eq!(reply(&task), ReplyError::NotEnded);
    }
}
