//! What is said about a task that has not ended, and what can be done next.

use mission_control_core::task::cloud::CloudPlace;
use mission_control_core::task::model::{Phase, Task, TaskLink, TaskStatus};
use mission_control_core::text::one_line;

use super::folder::TaskFolder;

/// Longest question in a summary, in characters.
const QUESTION_CHARS: usize = 300;
/// When to look again at a task that waits, in milliseconds.
const POLL_AFTER_MS: u32 = 5_000;

/// Fills in what follows from the rest of the task.
pub(crate) fn describe(task: &mut Task) {
    task.poll_after_ms = (!task.status.is_terminal()).then_some(POLL_AFTER_MS);
    if let Some(place) = task.cloud.clone() {
        describe_in_cloud(task, &place);
        return;
    }
    let id = task.task_id.as_str();
    match task.status {
        TaskStatus::Queued => task.summary = "Waits for its turn.".to_owned(),
        TaskStatus::InputRequired => {
            task.summary = task.need.as_ref().map_or_else(
                || "Waits for a person.".to_owned(),
                |need| one_line(&need.summary, QUESTION_CHARS),
            );
        }
        TaskStatus::Running => task.summary = running(task),
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => {}
    }
    task.next = match (task.status, &task.need) {
        (TaskStatus::InputRequired, Some(need)) => vec![format!(
            "`mission-control answer {id} {} accept` or `decline`.",
            need.request_id
        )],
        (TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired, _) => vec![
            format!("`mission-control wait {id}` ends when it ends."),
            format!("`mission-control cancel {id}` ends it."),
        ],
        (
            TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::TimedOut
            | TaskStatus::Interrupted,
            _,
        ) if task.thread_id.is_some() => {
            vec![format!(
                "`mission-control reply {id} TEXT` goes on with this thread."
            )]
        }
        (
            TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::TimedOut
            | TaskStatus::Interrupted,
            _,
        ) => Vec::new(),
    };
}

/// No process of this machine belongs to such a task, and nobody can end it from here.
fn describe_in_cloud(task: &mut Task, place: &CloudPlace) {
    let id = task.task_id.as_str();
    let has_changes = task
        .git
        .as_ref()
        .and_then(|git| git.diffstat)
        .is_some_and(|size| size.files > 0);
    match task.status {
        TaskStatus::Queued => task.summary = "Is being handed to the cloud.".to_owned(),
        TaskStatus::Running | TaskStatus::InputRequired => {
            task.summary = match &place.state {
                Some(state) => format!("In the cloud: {state}."),
                None => "The cloud took it.".to_owned(),
            };
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut
        | TaskStatus::Interrupted => {}
    }
    task.next = if !task.status.is_terminal() {
        vec![format!("`mission-control wait {id}` ends when it ends.")]
    } else if has_changes {
        vec![
            format!("`mission-control apply {id} --preview` shows what it changed."),
            format!("`mission-control apply {id}` brings that into its folder."),
        ]
    } else {
        Vec::new()
    };
    if let Some(url) = &place.url {
        task.next.push(format!("Its page is {url}"));
    }
}

fn running(task: &Task) -> String {
    if let Some(current) = &task.progress.current {
        return format!("At the moment: {current}");
    }
    match task.phase {
        Some(Phase::Starting) | None => "Starts.",
        Some(Phase::Thinking) => "Thinks.",
        Some(Phase::RunningCommand) => "Runs a command.",
        Some(Phase::Editing) => "Edits files.",
        Some(Phase::CallingTool) => "Calls a tool.",
        Some(Phase::Finalizing) => "Answered and is about to leave.",
    }
    .to_owned()
}

/// Names the task's files.
pub(crate) fn link(task: &mut Task, folder: &TaskFolder) {
    let link = |rel: &str, target: camino::Utf8PathBuf| TaskLink {
        rel: rel.to_owned(),
        target: target.into_string(),
    };
    task.links = vec![
        link("result", folder.result()),
        link("log", folder.log()),
        link("events", folder.events()),
        link("debug", folder.debug()),
    ];
}
