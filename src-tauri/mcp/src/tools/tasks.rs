//! `codex_tasks`, `codex_status` and `codex_result`: looking at delegated tasks.

use camino::Utf8Path;
use mission_control_core::redact::redact;
use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use mission_control_engine::store::TaskFilter;
use mission_control_engine::task::present::present;
use mission_control_engine::task::reconcile::reconcile;
use serde_json::{Value, json};

use super::log::tail;
use super::older::connector;
use super::{Call, Effect, MetaValue, Reply, ToolSpec};
use crate::answer::{Answer, internal};
use crate::desk::{Turn, unusable};
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::view::{Commands, brief, links, output, status_message, whole};

/// How many tasks are listed if nobody says.
const USUAL_LIMIT: usize = 20;

/// How many of the latest tasks are looked through for those that match.
const MOST_SEARCHED: u32 = 1000;

pub(super) const TASK_ID: Parameter = Parameter::required(
    "task_id",
    Kind::Text,
    "The task: its id or the beginning of it.",
)
.or(&["id", "job_id"]);

pub(super) const TASKS: ToolSpec = ToolSpec {
    name: "codex_tasks",
    title: "List delegated tasks",
    description: "Lists the tasks delegated to Codex from this machine, latest first, whoever \
        started them and whatever became of that session.",
    parameters: &[
        Parameter::optional(
            "status",
            Kind::Choice(&[
                "all",
                "open",
                "ended",
                "queued",
                "running",
                "input_required",
                "completed",
                "failed",
                "cancelled",
                "timed_out",
                "interrupted",
            ]),
            "Which tasks; all if not given.",
        ),
        Parameter::optional("cwd", Kind::Text, "Only tasks of this folder or below it.").or(&[
            "working_dir",
            "working_directory",
            "folder",
            "project",
        ]),
        Parameter::optional("group_id", Kind::Text, "Only tasks of this group.").or(&["group"]),
        Parameter::optional(
            "limit",
            Kind::Integer(1, 200),
            "How many at most; 20 if not given.",
        ),
    ],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "tasks": {
                    "type": "array",
                    "description": "The tasks, latest first, in brief.",
                    "items": output(&json!({}))
                },
                "n_matching": {
                    "type": "integer",
                    "description": "How many match; more than listed means raise `limit`."
                },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["tasks", "n_matching"]
        })
    },
    effect: Effect::Reads,
    meta: &[],
    run: |call| -> Reply {
        Box::pin(async move {
            let arguments = call.arguments;
            call.desk.turn(move |turn| list(turn, &arguments)).await
        })
    },
};

pub(super) const STATUS: ToolSpec = ToolSpec {
    name: "codex_status",
    title: "Show how a task stands",
    description: "Shows how one delegated task stands: what it does at the moment, how far it is \
        in its own plan, what it waits for. Returns at once. To wait use codex_wait, which costs \
        one call instead of many.",
    parameters: &[
        TASK_ID,
        Parameter::optional(
            "tail_lines",
            Kind::Integer(1, 1000),
            "Show so many of the last lines of its log, too.",
        ),
    ],
    output: || {
        output(&json!({
            "status_message": { "type": "string" },
            "log_tail": { "type": "string", "description": "The last lines of its log." }
        }))
    },
    effect: Effect::Reads,
    meta: &[],
    run: |call| -> Reply {
        Box::pin(async move {
            let task = named(&call).await?;
            if connector::is_spoken(&call.arguments) {
                return connector::status(&call, &task).await;
            }
            let mut value = whole(&task, Commands::Outcomes)?;
            if let Some(fields) = value.as_object_mut() {
                fields.insert("status_message".to_owned(), status_message(&task).into());
                if let Some(n_lines) = call.arguments.number("tail_lines") {
                    let id = task.task_id.clone();
                    let lines = call
                        .desk
                        .turn(move |turn| log_tail(turn, &id, n_lines))
                        .await?;
                    fields.insert("log_tail".to_owned(), lines.into());
                }
            }
            Ok(Answer::Done {
                value,
                links: links(&task),
            })
        })
    },
};

pub(super) const RESULT: ToolSpec = ToolSpec {
    name: "codex_result",
    title: "Show what came of a task",
    description: "Returns everything that came of a delegated task: final message, outcome with \
        its evidence, changed files, commands with exit codes and output, tests, tokens. While it \
        runs: what there is so far. The whole log is the resource codex://task/{id}/log.",
    parameters: &[TASK_ID],
    output: || output(&json!({})),
    effect: Effect::Reads,
    meta: &[("anthropic/maxResultSizeChars", MetaValue::Number(200_000))],
    run: |call| -> Reply {
        Box::pin(async move {
            let task = named(&call).await?;
            let value = whole(&task, Commands::Output)?;
            Ok(Answer::Done {
                value,
                links: links(&task),
            })
        })
    },
};

/// Returns the last lines of a task's log; empty while there is none.
fn log_tail(turn: &Turn<'_>, id: &TaskId, n_lines: usize) -> Result<String, TaskError> {
    match tail(&turn.context.folder(id).log(), n_lines) {
        Ok(piece) => Ok(piece.text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(internal(&error)),
    }
}

/// Returns the task a call names; a result that is shown has been seen.
async fn named(call: &Call) -> Result<Task, TaskError> {
    let text = call
        .arguments
        .text("task_id")
        .unwrap_or_default()
        .to_owned();
    call.desk
        .turn(move |turn| {
            let task = turn.task(&turn.find(&text)?)?;
            turn.see(&task);
            Ok(task)
        })
        .await
}

fn list(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let status = arguments.text("status").unwrap_or("all");
    // As it is kept.
    let group = redact(arguments.text("group_id").unwrap_or_default()).text;
    let filter = match (arguments.text("group_id"), status) {
        (Some(_), _) => TaskFilter::Group(&group),
        (None, "open" | "queued" | "running" | "input_required") => TaskFilter::Open,
        (None, _) => TaskFilter::Latest(MOST_SEARCHED),
    };
    let cwd = arguments
        .text("cwd")
        .map(|cwd| resolved(Utf8Path::new(cwd)));
    reconcile(turn.context, turn.store);
    let tasks = turn.store.tasks(filter).map_err(|error| unusable(&error))?;
    let matching: Vec<Task> = tasks
        .into_iter()
        .filter(|task| is_wanted(task.status, status))
        .filter(|task| {
            cwd.as_ref()
                .is_none_or(|cwd| resolved(Utf8Path::new(&task.cwd)).starts_with(cwd))
        })
        .collect();
    let limit = arguments.number("limit").unwrap_or(USUAL_LIMIT);
    let n_matching = matching.len();
    let views: Vec<Value> = matching
        .into_iter()
        .take(limit)
        .map(|mut task| {
            present(turn.store, &mut task, turn.now);
            brief(&task)
        })
        .collect();
    Ok(Answer::done(
        json!({ "tasks": views, "n_matching": n_matching }),
    ))
}

fn is_wanted(status: TaskStatus, wanted: &str) -> bool {
    match wanted {
        "all" => true,
        "open" => !status.is_terminal(),
        "ended" => status.is_terminal(),
        wanted => status.as_str() == wanted,
    }
}

/// Links are followed, so that a folder is found by each of its names.
pub(super) fn resolved(path: &Utf8Path) -> camino::Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}
