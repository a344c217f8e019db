//! The delegator's cloud tools. What the service does not offer is said instead of imitated.

use std::time::Duration;

use mission_control_core::task::failure::{CancelledBy, TaskError};
use mission_control_core::task::model::{Task, TaskStatus};
use mission_control_engine::store::TaskFilter;
use mission_control_engine::task::cloud::{CloudRequest, environments};
use serde_json::{Value, json};

use super::super::act::cancelled;
use super::super::cloud::{fresh, hand_in, kept_difference, known};
use super::super::setup::{USUAL_EMAIL, USUAL_NAME, page as guide_page, stack};
use super::super::{Call, Effect, Reply, ToolSpec};
use super::delegator::{FOLDER, MAX_OUTPUT, OUTPUT, older};
use super::envelope::{FORMAT, JSON, Said, answer};
use super::result::{Capability, Output, acknowledgement, has_failed, result, state};
use super::{await_end, named};
use crate::cloud::{Guide, Stack};
use crate::desk::unusable;
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::waiting::Ended;

/// How long a wait lasts if nobody says, in seconds.
const USUAL_WAIT_S: usize = 600;
/// How many tasks are looked through.
const MOST_SEARCHED: u32 = 1000;
/// Longest difference in an answer, in bytes.
const MOST_OUTPUT: usize = 36 * 1024;

const TASK_ID: Parameter = Parameter::required("task_id", Kind::Text, "The task.").or(&["taskId"]);

pub(super) const SUBMIT: ToolSpec = older(
    "_codex_cloud_submit",
    "Hand a task to the cloud (older name)",
    "Hands a task to Codex Cloud and returns its id and page. Older name of codex_cloud_submit.",
    &[
        Parameter::required("task", Kind::Text, "What to do."),
        Parameter::required("envId", Kind::Text, "The environment.").or(&["env_id"]),
        Parameter::optional("attempts", Kind::Integer(1, 4), "How many attempts; one."),
        Parameter::optional(
            "model",
            Kind::Text,
            "Accepted without effect: the program has no option for it.",
        ),
        Parameter::optional(
            "allow_destructive_git",
            Kind::Flag,
            "Accepted without effect: nothing here is touched.",
        ),
        Parameter::unlisted("branch", Kind::Text),
        FOLDER,
        FORMAT,
    ],
    Effect::Starts,
    |call| {
        Box::pin(async move {
            let said = submitted(&call).await;
            answer(&call.arguments, SUBMIT.name, "execution_ack", said)
        })
    },
);

pub(super) const STATUS: ToolSpec = older(
    "_codex_cloud_status",
    "Show cloud tasks (older name)",
    "With `taskId` asks how that task stands; otherwise shows the tasks that have not ended, or \
     with `list` all that fit. Older name of codex_cloud_status.",
    &[
        Parameter::optional("taskId", Kind::Text, "The task.").or(&["task_id"]),
        Parameter::optional("list", Kind::Flag, "Show ended tasks, too."),
        FOLDER,
        Parameter::optional("envId", Kind::Text, "Only tasks of this environment.").or(&["env_id"]),
        Parameter::optional(
            "status",
            Kind::Choice(&["submitted", "completed", "failed", "cancelled"]),
            "Only tasks that stand so.",
        ),
        Parameter::optional("limit", Kind::Integer(1, 200), "How many at most; 50."),
        Parameter::optional("showStats", Kind::Flag, "Count all of them, too.").or(&["show_stats"]),
        FORMAT,
    ],
    Effect::Asks,
    |call| {
        Box::pin(async move {
            let said = status(&call).await;
            answer(&call.arguments, STATUS.name, "status_snapshot", said)
        })
    },
);

pub(super) const RESULTS: ToolSpec = older(
    "_codex_cloud_results",
    "Show what came of a cloud task (older name)",
    "Shows what came of a cloud task and the difference it made. Older name of \
     codex_cloud_result.",
    &[TASK_ID, OUTPUT, MAX_OUTPUT, FORMAT],
    Effect::Asks,
    |call| {
        Box::pin(async move {
            let said = results(&call).await;
            answer(&call.arguments, RESULTS.name, "result_set", said)
        })
    },
);

pub(super) const WAIT: ToolSpec = older(
    "_codex_cloud_wait",
    "Wait for a cloud task (older name)",
    "Waits until a cloud task ended. Older name of codex_wait.",
    &[
        TASK_ID,
        Parameter::optional(
            "timeout_sec",
            Kind::Integer(0, 3600),
            "At most so long; 600.",
        )
        .or(&["timeout"]),
        OUTPUT,
        FORMAT,
    ],
    Effect::Asks,
    |call| {
        Box::pin(async move {
            let said = waited(&call).await;
            answer(&call.arguments, WAIT.name, "wait_result", said)
        })
    },
);

pub(super) const CANCEL: ToolSpec = older(
    "_codex_cloud_cancel",
    "End a cloud task (older name)",
    "Answers that Codex offers no way to end a cloud task, with the task's page.",
    &[
        TASK_ID,
        Parameter::optional("reason", Kind::Text, "Why."),
        FORMAT,
    ],
    Effect::Destroys,
    |call| {
        Box::pin(async move {
            let said = cancel(&call).await;
            answer(&call.arguments, CANCEL.name, "execution_ack", said)
        })
    },
);

pub(super) const ENVIRONMENTS: ToolSpec = older(
    "_codex_cloud_list_environments",
    "List cloud environments (older name)",
    "Lists the environments that are known here. Older name of codex_cloud_environments.",
    &[FORMAT],
    Effect::Asks,
    |call| {
        Box::pin(async move {
            let found = call
                .desk
                .apart(|turn| Ok(known(&environments(turn.context, turn.now))));
            let said = found.await;
            answer(&call.arguments, ENVIRONMENTS.name, "registry_info", said)
        })
    },
);

pub(super) const SETUP: ToolSpec = older(
    "_codex_cloud_github_setup",
    "Guide to a cloud environment (older name)",
    "Returns a guide to an environment for a repository at GitHub. Older name of \
     codex_cloud_setup.",
    &[
        Parameter::required("repoUrl", Kind::Text, "https://github.com/OWNER/NAME.")
            .or(&["repo_url"]),
        Parameter::required(
            "stack",
            Kind::Choice(Stack::WORDS),
            "What it is built with.",
        ),
        Parameter::optional("gitUserName", Kind::Text, "The name commits carry.")
            .or(&["git_user_name"]),
        Parameter::optional("gitUserEmail", Kind::Text, "The address commits carry.")
            .or(&["git_user_email"]),
        FORMAT,
    ],
    Effect::Reads,
    |call| -> Reply {
        let said = guide(&call.arguments);
        let reply = answer(&call.arguments, SETUP.name, "registry_info", said);
        Box::pin(std::future::ready(reply))
    },
);

/// Returns the category of a tool's answers.
pub(super) fn category(tool: &str) -> Option<&'static str> {
    let cloud = [
        (&SUBMIT, "execution_ack"),
        (&STATUS, "status_snapshot"),
        (&RESULTS, "result_set"),
        (&WAIT, "wait_result"),
        (&CANCEL, "execution_ack"),
        (&ENVIRONMENTS, "registry_info"),
        (&SETUP, "registry_info"),
    ];
    let known = cloud.into_iter().find(|(spec, _)| spec.name == tool);
    known.map(|(_, category)| category)
}

async fn submitted(call: &Call) -> Result<Said, TaskError> {
    let text = |name: &str| call.arguments.text(name).map(str::to_owned);
    let attempts = call.arguments.number("attempts");
    let request = CloudRequest {
        prompt: text("task").unwrap_or_default(),
        environment: text("envId").unwrap_or_default(),
        branch: text("branch"),
        attempts: attempts.and_then(|n| u32::try_from(n).ok()),
        cwd: text("workingDir"),
        ..CloudRequest::default()
    };
    let task = hand_in(call, request).await?.task;
    let mut said = acknowledgement(SUBMIT.name, &task, Capability::Background);
    add_place(&mut said, &task);
    if call.arguments.text("model").is_some() {
        let warning = "`model` had no effect: the cloud chooses the model.";
        put(&mut said.data, "warnings", json!([warning]));
        if let Some(page) = &mut said.page {
            page.push_str(&format!("\n{warning}\n"));
        }
    }
    Ok(said)
}

async fn status(call: &Call) -> Result<Said, TaskError> {
    if call.arguments.text("taskId").is_some() {
        let id = named(call, "taskId").await?;
        let asked = call.desk.apart(move |turn| fresh(turn, turn.task(&id)?));
        let task = asked.await?;
        let mut said = result(STATUS.name, &task, &Output::default(), false);
        add_place(&mut said, &task);
        return Ok(said);
    }
    let wanted = Wanted::of(&call.arguments);
    call.desk
        .turn(move |turn| {
            let tasks = turn.store.tasks(TaskFilter::Latest(MOST_SEARCHED));
            let mut tasks = tasks.map_err(|error| unusable(&error))?;
            tasks.retain(|task| task.cloud.is_some());
            Ok(wanted.list(&tasks))
        })
        .await
        .map(Said::from)
}

/// Which tasks are listed.
struct Wanted {
    has_ended_ones: bool,
    folder: Option<String>,
    environment: Option<String>,
    status: Option<String>,
    limit: usize,
    has_counts: bool,
}

impl Wanted {
    fn of(arguments: &Arguments) -> Self {
        let text = |name: &str| arguments.text(name).map(str::to_owned);
        let status = text("status");
        Self {
            has_ended_ones: arguments.flag("list") == Some(true) || status.is_some(),
            folder: text("workingDir"),
            environment: text("envId"),
            status,
            limit: arguments.number("limit").unwrap_or(50),
            has_counts: arguments.flag("showStats") == Some(true),
        }
    }

    fn list(&self, tasks: &[Task]) -> Value {
        let is_wanted = |task: &&Task| {
            (self.has_ended_ones || !task.status.is_terminal())
                && self
                    .folder
                    .as_ref()
                    .is_none_or(|folder| *folder == task.cwd)
                && self
                    .status
                    .as_ref()
                    .is_none_or(|status| status == registered(task))
                && self.environment.as_ref().is_none_or(|environment| {
                    let place = task.cloud.as_ref();
                    place.is_some_and(|place| place.environment == *environment)
                })
        };
        let listed: Vec<Value> = tasks
            .iter()
            .filter(is_wanted)
            .take(self.limit)
            .map(|task| {
                json!({
                    "task_id": task.task_id,
                    "state": state(task),
                    "title": task.title,
                    "cloud": task.cloud,
                    "started_ts": task.started_at,
                    "completed_ts": task.ended_at,
                    "elapsed_seconds": task.elapsed_ms / 1000,
                    "progress": null,
                })
            })
            .collect();
        let count = |status: &str| {
            tasks
                .iter()
                .filter(|task| registered(task) == status)
                .count()
        };
        let mut data = json!({ "tasks": listed, "n_listed": listed.len() });
        if self.has_counts {
            let counts = json!({
                "total": tasks.len(),
                "submitted": count("submitted"),
                "completed": count("completed"),
                "failed": count("failed"),
                "cancelled": count("cancelled"),
            });
            put(&mut data, "summary", counts);
        }
        data
    }
}

/// The four states of the delegator's cloud registry.
const fn registered(task: &Task) -> &'static str {
    match task.status {
        TaskStatus::Queued | TaskStatus::Running | TaskStatus::InputRequired => "submitted",
        TaskStatus::Completed => "completed",
        TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Interrupted => "failed",
        TaskStatus::Cancelled => "cancelled",
    }
}

async fn results(call: &Call) -> Result<Said, TaskError> {
    let id = named(call, "task_id").await?;
    let asked = call.desk.apart(move |turn| {
        let task = fresh(turn, turn.task(&id)?)?;
        turn.see(&task);
        let diff = kept_difference(turn, &task).unwrap_or_default();
        Ok((task, diff))
    });
    let (task, diff) = asked.await?;
    Ok(told(call, RESULTS.name, &task, &diff))
}

async fn waited(call: &Call) -> Result<Said, TaskError> {
    let seconds = call.arguments.number("timeout_sec").unwrap_or(USUAL_WAIT_S);
    let limit = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    let id = named(call, "task_id").await?;
    let awaited = await_end(call, id, limit).await?;
    let task = awaited.task;
    let looked = task.clone();
    let kept = call
        .desk
        .turn(move |turn| Ok(kept_difference(turn, &looked).unwrap_or_default()));
    let mut said = told(call, WAIT.name, &task, &kept.await?);
    let is_late = awaited.ended == Ended::TimeUp;
    put(&mut said.data, "timed_out", is_late.into());
    Ok(said)
}

fn told(call: &Call, tool: &str, task: &Task, diff: &str) -> Said {
    let is_page = call.arguments.text(FORMAT.name) != Some(JSON);
    let wants = call.arguments.flag("include_output") == Some(true);
    let is_included = is_page || wants || has_failed(task);
    let output = if is_included {
        let most = call.arguments.number("max_output_bytes");
        let most = most.unwrap_or(MOST_OUTPUT).min(MOST_OUTPUT);
        Output::of(diff, "", 0, most)
    } else {
        Output::default()
    };
    let mut said = result(tool, task, &output, is_included);
    add_place(&mut said, task);
    said
}

async fn cancel(call: &Call) -> Result<Value, TaskError> {
    let id = named(call, "task_id").await?;
    let info = call.context.client_info();
    let name = info.map_or_else(|| "an MCP client".to_owned(), |info| info.name);
    call.desk
        .turn(move |turn| {
            cancelled(turn, &id, CancelledBy::Client { name })?;
            let task = turn.task(&id)?;
            Ok(json!({
                "success": false,
                "task_id": task.task_id,
                "status": state(&task),
                "message": "It had ended before.",
            }))
        })
        .await
}

fn guide(arguments: &Arguments) -> Result<Said, TaskError> {
    let text = |name: &str| arguments.text(name);
    let page = guide_page(&Guide {
        repo_url: text("repoUrl").unwrap_or_default(),
        stack: stack(text("stack").unwrap_or_default())?,
        git_user_name: text("gitUserName").unwrap_or(USUAL_NAME),
        git_user_email: text("gitUserEmail").unwrap_or(USUAL_EMAIL),
    })?;
    Ok(Said {
        data: json!({ "guide": page }),
        page: Some(page),
        queue_position: None,
    })
}

/// Adds where the task runs, and its page.
fn add_place(said: &mut Said, task: &Task) {
    put(&mut said.data, "cloud", json!(task.cloud));
    let url = task.cloud.as_ref().and_then(|place| place.url.as_ref());
    put(&mut said.data, "url", json!(url));
    if let (Some(page), Some(url)) = (&mut said.page, url) {
        page.push_str(&format!("\nIts page: {url}\n"));
    }
}

fn put(data: &mut Value, name: &str, content: Value) {
    if let Some(fields) = data.as_object_mut() {
        fields.insert(name.to_owned(), content);
    }
}
