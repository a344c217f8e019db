//! The delegator's local tools. Their sandbox is safe by default, as it was.

use std::time::Duration;

use mission_control_core::task::failure::{CancelledBy, ErrorCode, TaskError};
use mission_control_core::task::model::{TaskId, TaskStatus};
use mission_control_engine::store::TaskFilter;
use mission_control_engine::task::act::cancel;
use mission_control_engine::task::cleanup::{Removal, clean_up};
use serde_json::{Map, Value, json};

use super::super::{Call, Effect, Reply, ToolSpec};
use super::envelope::{FORMAT, acknowledgement, answer, result, state};
use super::{await_end, named, start};
use crate::answer::{Answer, fault, internal};
use crate::desk::unusable;
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::waiting::{Until, wait};

/// How long a foreground run is waited for.
const FOREGROUND: Duration = Duration::from_secs(100);

/// How long an acknowledgement waits for the thread's id.
const THREAD: Duration = Duration::from_secs(2);

/// How long the end of a cancelled task is waited for.
const CANCELLING: Duration = Duration::from_secs(20);

const TASK: Parameter = Parameter::required("task", Kind::Text, "What to do.");
const TASK_ID: Parameter = Parameter::required("task_id", Kind::Text, "The task.");
const MODE: Parameter = Parameter::optional(
    "mode",
    Kind::Choice(&[
        "read-only",
        "preview",
        "workspace-write",
        "danger-full-access",
    ]),
    "What may be written; nothing if not given. `preview` writes nothing either.",
);
const MODEL: Parameter = Parameter::optional("model", Kind::Text, "The model.");
const SCHEMA: Parameter = Parameter::optional(
    "outputSchema",
    Kind::Object,
    "The JSON Schema of the answer.",
)
.or(&["output_schema"]);
const FOLDER: Parameter = Parameter::optional("workingDir", Kind::Text, "The folder to work in.")
    .or(&["working_dir", "workingDirectory"]);
const DESTRUCTIVE: Parameter = Parameter::optional(
    "allow_destructive_git",
    Kind::Flag,
    "Accepted without effect: the sandbox decides.",
);
const OUTPUT: Parameter = Parameter::optional(
    "include_output",
    Kind::Flag,
    "Whether the output comes along.",
);
const MAX_OUTPUT: Parameter = Parameter::optional(
    "max_output_bytes",
    Kind::Integer(256, 1 << 20),
    "Longest output; head and tail are kept.",
);

const fn older(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    effect: Effect,
    run: fn(Call) -> Reply,
) -> ToolSpec {
    ToolSpec {
        name,
        title,
        description,
        parameters,
        output: || Value::Null,
        effect,
        meta: &[],
        run,
    }
}

pub(super) const RUN: ToolSpec = older(
    "_codex_local_run",
    "Run a task (older name)",
    "Runs a task and waits for it up to 100 seconds, or returns at once with `async`. Older name \
     of codex_run.",
    &[
        TASK,
        MODE,
        Parameter::optional("confirm", Kind::Flag, "Accepted without effect."),
        MODEL,
        SCHEMA,
        FOLDER,
        Parameter::optional(
            "envPolicy",
            Kind::Choice(&["inherit-none", "inherit-all", "allow-list"]),
            "What its commands see of the environment.",
        )
        .or(&["env_policy"]),
        Parameter::optional("envAllowList", Kind::Texts, "Variables of the allow-list.")
            .or(&["env_allow_list"]),
        Parameter::optional("async", Kind::Flag, "Whether to return at once."),
        DESTRUCTIVE,
        FORMAT,
    ],
    Effect::Starts,
    |call| {
        Box::pin(async move {
            let is_async = call.arguments.flag("async") == Some(true);
            let limit = if is_async { Duration::ZERO } else { FOREGROUND };
            let task = begin(&call, limit).await;
            let has_ended = task.as_ref().is_ok_and(|task| task.status.is_terminal());
            let category = if has_ended {
                "result_set"
            } else {
                "execution_ack"
            };
            let data = task.map(|task| {
                if has_ended {
                    let mut data = result(&task, &call.arguments);
                    if let Some(fields) = data.as_object_mut() {
                        fields.insert("final_message".to_owned(), json!(task.final_message));
                    }
                    data
                } else {
                    acknowledgement(&task)
                }
            });
            answer(&call.arguments, "_codex_local_run", category, data)
        })
    },
);

pub(super) const EXEC: ToolSpec = older(
    "_codex_local_exec",
    "Start a task (older name)",
    "Starts a task and returns its id and thread at once. Older name of codex_run.",
    &[
        TASK,
        FOLDER,
        MODE,
        SCHEMA,
        Parameter::optional(
            "skipGitRepoCheck",
            Kind::Flag,
            "Run outside of a repository, too.",
        )
        .or(&["skip_git_repo_check"]),
        MODEL,
        DESTRUCTIVE,
        FORMAT,
    ],
    Effect::Starts,
    |call| {
        Box::pin(async move {
            let data = match begin(&call, Duration::ZERO).await {
                Ok(task) => with_thread(&call, task.task_id).await,
                Err(error) => Err(error),
            };
            answer(&call.arguments, "_codex_local_exec", "execution_ack", data)
        })
    },
);

pub(super) const RESUME: ToolSpec = older(
    "_codex_local_resume",
    "Go on with a thread (older name)",
    "Goes on with a thread. Older name of codex_reply.",
    &[
        Parameter::required("threadId", Kind::Text, "The thread.").or(&["thread_id"]),
        TASK,
        MODE,
        SCHEMA,
        FOLDER,
        DESTRUCTIVE,
        FORMAT,
    ],
    Effect::Starts,
    |call| {
        Box::pin(async move {
            let data = begin(&call, Duration::ZERO).await;
            let data = data.map(|task| acknowledgement(&task));
            answer(
                &call.arguments,
                "_codex_local_resume",
                "execution_ack",
                data,
            )
        })
    },
);

pub(super) const STATUS: ToolSpec = older(
    "_codex_local_status",
    "Show what runs (older name)",
    "Shows which tasks run, wait and ended lately. Older name of codex_tasks.",
    &[
        FOLDER,
        Parameter::optional(
            "showAll",
            Kind::Flag,
            "Tasks of all folders; true if not given.",
        )
        .or(&["show_all"]),
        Parameter::optional("limit", Kind::Integer(1, 200), "How many at most."),
        FORMAT,
    ],
    Effect::Reads,
    |call| {
        Box::pin(async move {
            let data = snapshot(&call).await;
            answer(
                &call.arguments,
                "_codex_local_status",
                "status_snapshot",
                data,
            )
        })
    },
);

pub(super) const RESULTS: ToolSpec = older(
    "_codex_local_results",
    "Show a result (older name)",
    "Shows what came of a task. Older name of codex_result.",
    &[
        TASK_ID,
        OUTPUT,
        MAX_OUTPUT,
        Parameter::optional("include_events", Kind::Flag, "Reserved, as it was."),
        FORMAT,
    ],
    Effect::Reads,
    |call| {
        Box::pin(ended(
            call,
            "_codex_local_results",
            "result_set",
            Duration::ZERO,
        ))
    },
);

pub(super) const WAIT: ToolSpec = older(
    "_codex_local_wait",
    "Wait for a task (older name)",
    "Waits until a task ended. Older name of codex_wait.",
    &[
        TASK_ID,
        Parameter::optional(
            "timeout_sec",
            Kind::Integer(0, 3600),
            "At most so long; 300.",
        )
        .or(&["timeout"]),
        OUTPUT,
        MAX_OUTPUT,
        FORMAT,
    ],
    Effect::Reads,
    |call| {
        let limit = call.arguments.number("timeout_sec").unwrap_or(300);
        let limit = Duration::from_secs(u64::try_from(limit).unwrap_or(300));
        Box::pin(ended(call, "_codex_local_wait", "wait_result", limit))
    },
);

pub(super) const CANCEL: ToolSpec = older(
    "_codex_local_cancel",
    "End a task (older name)",
    "Ends a task and says what was seen to end. Older name of codex_cancel.",
    &[
        TASK_ID,
        Parameter::optional("reason", Kind::Text, "Why."),
        FORMAT,
    ],
    Effect::Destroys,
    |call| {
        Box::pin(async move {
            let data = cancelled(&call).await;
            answer(
                &call.arguments,
                "_codex_local_cancel",
                "execution_ack",
                data,
            )
        })
    },
);

pub(super) const CLEANUP: ToolSpec = older(
    "_codex_cleanup_registry",
    "Remove old tasks (older name)",
    "Removes ended tasks whose result was seen. A task that runs is never touched, however long. \
     Older name of codex_cleanup.",
    &[
        Parameter::optional(
            "stuckTaskMaxAgeSeconds",
            Kind::Integer(0, 604_800),
            "Accepted without effect: no task is stuck, each is supervised.",
        ),
        Parameter::optional(
            "oldTaskMaxAgeHours",
            Kind::Integer(0, 876_000),
            "Ended before so many hours, in whole days; 24.",
        ),
        Parameter::optional("dryRun", Kind::Flag, "Only show what would be removed.")
            .or(&["dry_run"]),
        FORMAT,
    ],
    Effect::Destroys,
    |call| {
        Box::pin(async move {
            let data = cleaned(&call).await;
            answer(
                &call.arguments,
                "_codex_cleanup_registry",
                "registry_info",
                data,
            )
        })
    },
);

async fn begin(
    call: &Call,
    limit: Duration,
) -> Result<mission_control_core::task::model::Task, TaskError> {
    start(call, fields(&call.arguments)?, limit).await
}

/// Translates the parameters of a start.
fn fields(arguments: &Arguments) -> Result<Map<String, Value>, TaskError> {
    let mut fields = Map::new();
    for (old, new) in [
        ("task", "prompt"),
        ("model", "model"),
        ("outputSchema", "output_schema"),
        ("workingDir", "cwd"),
        ("skipGitRepoCheck", "skip_git_repo_check"),
        ("threadId", "thread_id"),
    ] {
        if let Some(value) = arguments.get(old) {
            fields.insert(new.to_owned(), value.clone());
        }
    }
    let sandbox = match arguments.text("mode") {
        None | Some("preview") => "read-only",
        Some(mode) => mode,
    };
    fields.insert("sandbox".to_owned(), sandbox.into());
    let allowed = arguments.texts("envAllowList");
    let policy = match arguments.text("envPolicy") {
        Some("inherit-none") => Some(json!({ "inherit": "none" })),
        Some("allow-list") if allowed.is_empty() => {
            return Err(fault(ErrorCode::Validation, "`envAllowList` is missing."));
        }
        Some("allow-list") => Some(json!({ "inherit": "all", "include_only": allowed })),
        Some(_) | None => None,
    };
    if let Some(policy) = policy {
        fields.insert("env_policy".to_owned(), policy);
    }
    Ok(fields)
}

/// Waits a moment so that the acknowledgement has the thread's id.
async fn with_thread(call: &Call, id: TaskId) -> Result<Value, TaskError> {
    let mut changes = call.desk.changes().await?;
    let started = async {
        loop {
            let looked = id.clone();
            let task = call.desk.turn(move |turn| turn.task(&looked)).await?;
            if task.thread_id.is_some()
                || task.status.is_terminal()
                || changes.changed().await.is_err()
            {
                return Ok(acknowledgement(&task));
            }
        }
    };
    match tokio::time::timeout(THREAD, started).await {
        Ok(data) => data,
        Err(_) => {
            let task = call.desk.turn(move |turn| turn.task(&id)).await?;
            Ok(acknowledgement(&task))
        }
    }
}

async fn snapshot(call: &Call) -> Result<Value, TaskError> {
    let limit = call.arguments.number("limit").unwrap_or(5);
    let folder = match call.arguments.flag("showAll") {
        Some(false) => Some(call.arguments.text("workingDir").map(str::to_owned)),
        Some(true) | None => None,
    };
    call.desk
        .turn(move |turn| {
            let tasks = turn.store.tasks(TaskFilter::Latest(1000));
            let mut tasks = tasks.map_err(|error| unusable(&error))?;
            if let Some(folder) = folder {
                let folder = folder.unwrap_or_else(|| turn.context.cwd.to_string());
                tasks.retain(|task| task.cwd == folder);
            }
            let count = |wanted: &str| tasks.iter().filter(|task| state(task) == wanted).count();
            let (running, queued) = (count("working"), count("pending"));
            let (open, ended): (Vec<_>, Vec<_>) =
                tasks.iter().partition(|task| !task.status.is_terminal());
            let open: Vec<Value> = open
                .iter()
                .map(|task| {
                    json!({
                        "task_id": task.task_id,
                        "state": state(task),
                        "started_ts": task.started_at,
                        "elapsed_seconds": task.elapsed_ms / 1000,
                        "progress": {
                            "percent": task.progress.percent,
                            "completed_steps": task.progress.done,
                            "total_steps": task.progress.total,
                            "current_activity": task.progress.current,
                        },
                    })
                })
                .collect();
            let recent: Vec<Value> = ended
                .iter()
                .take(limit)
                .map(|task| {
                    json!({
                        "task_id": task.task_id,
                        "state": state(task),
                        "completed_ts": task.ended_at,
                    })
                })
                .collect();
            Ok(json!({
                "summary": {
                    "running": running,
                    "queued": queued,
                    "recently_completed": recent.len(),
                },
                "tasks": open,
                "recently_completed": recent,
            }))
        })
        .await
}

async fn ended(
    call: Call,
    tool: &'static str,
    category: &'static str,
    limit: Duration,
) -> Result<Answer, TaskError> {
    let data = match named(&call, "task_id").await {
        Ok(id) => await_end(&call, id, limit).await,
        Err(error) => Err(error),
    };
    let data = data.map(|task| {
        let mut data = result(&task, &call.arguments);
        if category == "wait_result"
            && let Some(fields) = data.as_object_mut()
        {
            let has_ended = task.status.is_terminal();
            fields.insert("timed_out".to_owned(), (!has_ended).into());
        }
        data
    });
    answer(&call.arguments, tool, category, data)
}

async fn cancelled(call: &Call) -> Result<Value, TaskError> {
    let id = named(call, "task_id").await?;
    let info = call.context.client_info();
    let name = info.map_or_else(|| "an MCP client".to_owned(), |info| info.name);
    let asked = id.clone();
    call.desk
        .turn(move |turn| {
            cancel(
                turn.context,
                turn.store,
                &asked,
                &CancelledBy::Client { name },
            )
            .map_err(|error| unusable(&error))
        })
        .await?;
    let ids = [id];
    wait(&call.desk, &call.context, &ids, Until::Over, CANCELLING).await?;
    let [id] = ids;
    let task = await_end(call, id, Duration::ZERO).await?;
    Ok(json!({
        "success": task.status == TaskStatus::Cancelled,
        "task_id": task.task_id,
        "status": state(&task),
        "message": task.summary,
        "reason": call.arguments.text("reason"),
    }))
}

async fn cleaned(call: &Call) -> Result<Value, TaskError> {
    let removal = match call.arguments.flag("dryRun") {
        Some(true) => Removal::Show,
        Some(false) | None => Removal::Apply,
    };
    let hours = call.arguments.number("oldTaskMaxAgeHours").unwrap_or(24);
    let days = u32::try_from(hours.div_ceil(24)).unwrap_or(u32::MAX);
    call.desk
        .turn(move |turn| {
            let found = clean_up(turn.context, turn.store, days, removal, turn.now)
                .map_err(|error| internal(&error))?;
            Ok(json!({
                "dry_run": removal == Removal::Show,
                "removed": found.len(),
                "tasks": found,
            }))
        })
        .await
}
