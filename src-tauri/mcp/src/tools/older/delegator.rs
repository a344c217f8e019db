//! The delegator's local tools. Their sandbox is safe by default, as it was.

use std::time::Duration;

use camino::Utf8Path;
use mission_control_core::redact::redact;
use mission_control_core::task::failure::{CancelledBy, ErrorCode, TaskError};
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use mission_control_engine::store::TaskFilter;
use mission_control_engine::task::act::Cancelling;
use mission_control_engine::task::cleanup::{Removal, clean_up};
use mission_control_engine::task::present::present;
use serde_json::{Map, Value, json};

use super::super::act::cancelled as end;
use super::super::log::tail;
use super::super::tasks::resolved;
use super::super::{Call, Effect, Reply, ToolSpec, blocking};
use super::envelope::{FORMAT, JSON, Said, answer};
use super::result::{Capability, Output, acknowledgement, has_failed, result, state};
use super::snapshot::snapshot_of;
use super::{Awaited, await_end, in_older_names, named, start, unreadable};
use crate::answer::{fault, internal};
use crate::desk::unusable;
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::waiting::{Ended, Until, wait};

/// How long a foreground run is waited for.
const FOREGROUND: Duration = Duration::from_secs(100);

/// How long an acknowledgement waits for the thread's id.
const THREAD: Duration = Duration::from_secs(2);

/// How many of the latest tasks are looked through.
const MOST_SEARCHED: u32 = 1000;

/// How much output an answer holds, in bytes.
const MOST_OUTPUT: usize = 36 * 1024;

/// How many lines of standard error are looked at.
const STDERR_LINES: usize = 1000;

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
pub(super) const FOLDER: Parameter =
    Parameter::optional("workingDir", Kind::Text, "The folder to work in.")
        .or(&["working_dir", "workingDirectory"]);
const DESTRUCTIVE: Parameter = Parameter::optional(
    "allow_destructive_git",
    Kind::Flag,
    "Accepted without effect: the sandbox decides.",
);
pub(super) const OUTPUT: Parameter = Parameter::optional(
    "include_output",
    Kind::Flag,
    "Whether the output comes along in JSON; always when the task failed, and in a page.",
);
pub(super) const MAX_OUTPUT: Parameter = Parameter::optional(
    "max_output_bytes",
    Kind::Integer(1, 1 << 30),
    "Longest output, 65536 if not given; head and tail are kept. No answer holds more than 36864.",
);

pub(super) const fn older(
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
            let tool = RUN.name;
            let (limit, capability) = match call.arguments.flag("async") {
                Some(true) => (Duration::ZERO, Capability::Background),
                Some(false) | None => (FOREGROUND, Capability::Foreground),
            };
            match begin(&call, limit).await {
                Ok(Awaited { task, .. }) if task.status.is_terminal() => {
                    let said = outcome(&call, tool, &task).await.map(|mut said| {
                        if let Some(fields) = said.data.as_object_mut() {
                            fields.insert("final_message".to_owned(), json!(task.final_message));
                        }
                        said
                    });
                    answer(&call.arguments, tool, "result_set", said)
                }
                begun => {
                    let said = begun.map(|begun| acknowledgement(tool, &begun.task, capability));
                    answer(&call.arguments, tool, "execution_ack", said)
                }
            }
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
            let tool = EXEC.name;
            let task = match begin(&call, Duration::ZERO).await {
                Ok(begun) => with_thread(&call, begun.task.task_id).await,
                Err(error) => Err(error),
            };
            let said = task.map(|task| acknowledgement(tool, &task, Capability::Background));
            answer(&call.arguments, tool, "execution_ack", said)
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
        MODEL,
        FOLDER,
        DESTRUCTIVE,
        FORMAT,
    ],
    Effect::Starts,
    |call| {
        Box::pin(async move {
            let tool = RESUME.name;
            let begun = begin(&call, Duration::ZERO).await;
            let said =
                begun.map(|begun| acknowledgement(tool, &begun.task, Capability::Background));
            answer(&call.arguments, tool, "execution_ack", said)
        })
    },
);

pub(super) const STATUS: ToolSpec = older(
    "_codex_local_status",
    "Show what runs (older name)",
    "Shows which tasks run, wait and ended lately. Older name of codex_tasks.",
    &[
        Parameter::optional(
            "workingDir",
            Kind::Text,
            "The folder whose tasks are shown when `showAll` is false; this one if not given.",
        )
        .or(&["working_dir", "workingDirectory"]),
        Parameter::optional(
            "showAll",
            Kind::Flag,
            "Tasks of all folders; true if not given.",
        )
        .or(&["show_all"]),
        Parameter::optional(
            "limit",
            Kind::Integer(1, 200),
            "How many ended tasks at most; 5 if not given.",
        ),
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
        Box::pin(async move {
            let said = match looked_up(&call, Duration::ZERO).await {
                Ok(Awaited { task, .. }) => outcome(&call, RESULTS.name, &task).await,
                Err(error) => Err(error),
            };
            answer(&call.arguments, RESULTS.name, "result_set", said)
        })
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
            Kind::Integer(0, 86_400),
            "At most so many seconds; 300 if not given.",
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
        Box::pin(async move {
            let said = waited(&call, limit).await;
            answer(&call.arguments, WAIT.name, "wait_result", said)
        })
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
    "Removes ended tasks whose result was seen, at once unless `dryRun` is true. A task that runs \
     is never touched, however long. Older name of codex_cleanup.",
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
        Parameter::optional(
            "dryRun",
            Kind::Flag,
            "Only show what would be removed; false if not given: they are removed.",
        )
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

/// Returns the category of a tool's answers, as far as nothing else is known of them; none if
/// the tool is no local one.
pub(super) fn category(tool: &str) -> Option<&'static str> {
    let local = [
        (&RUN, "execution_ack"),
        (&EXEC, "execution_ack"),
        (&RESUME, "execution_ack"),
        (&STATUS, "status_snapshot"),
        (&RESULTS, "result_set"),
        (&WAIT, "wait_result"),
        (&CANCEL, "execution_ack"),
        (&CLEANUP, "registry_info"),
    ];
    let known = local.into_iter().find(|(spec, _)| spec.name == tool);
    known.map(|(_, category)| category)
}

async fn begin(call: &Call, limit: Duration) -> Result<Awaited, TaskError> {
    let begun = start(call, fields(&call.arguments)?, limit).await;
    begun.map_err(|error| {
        let names = [("`cwd`", "`workingDir`"), ("`sandbox`", "`mode`")];
        in_older_names(error, &names)
    })
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
    let policy = match (arguments.text("envPolicy"), allowed.is_empty()) {
        (Some("allow-list"), true) => {
            let mut error = fault(ErrorCode::Validation, "`envAllowList` is missing.");
            error.hint = Some("Name the variables that its commands may see.".to_owned());
            return Err(error);
        }
        (Some("allow-list"), false) => Some(json!({ "inherit": "all", "include_only": allowed })),
        (_, false) => {
            let message = "`envAllowList` goes with `envPolicy` \"allow-list\" only.";
            let mut error = fault(ErrorCode::Validation, message);
            error.hint = Some("Say `envPolicy`, or leave the list out.".to_owned());
            return Err(error);
        }
        (Some("inherit-none"), true) => Some(json!({ "inherit": "none" })),
        (Some("inherit-all"), true) => Some(json!({ "inherit": "all" })),
        // What the older default really came to: nothing was said, and the agent decided.
        (Some(_) | None, true) => None,
    };
    if let Some(policy) = policy {
        fields.insert("env_policy".to_owned(), policy);
    }
    Ok(fields)
}

/// Waits a moment so that the acknowledgement has the thread's id.
async fn with_thread(call: &Call, id: TaskId) -> Result<Task, TaskError> {
    let mut changes = call.desk.changes().await?;
    let started = async {
        loop {
            let looked = id.clone();
            let task = call.desk.turn(move |turn| turn.task(&looked)).await?;
            if task.thread_id.is_some()
                || task.status.is_terminal()
                || changes.changed().await.is_err()
            {
                return Ok(task);
            }
        }
    };
    match tokio::time::timeout(THREAD, started).await {
        Ok(task) => task,
        Err(_) => call.desk.turn(move |turn| turn.task(&id)).await,
    }
}

async fn snapshot(call: &Call) -> Result<Said, TaskError> {
    let limit = call.arguments.number("limit").unwrap_or(5);
    let folder = match call.arguments.flag("showAll") {
        Some(false) => Some(call.arguments.text("workingDir").map(str::to_owned)),
        Some(true) | None => None,
    };
    call.desk
        .turn(move |turn| {
            let tasks = turn.store.tasks(TaskFilter::Latest(MOST_SEARCHED));
            let mut tasks = tasks.map_err(|error| unusable(&error))?;
            if let Some(folder) = folder {
                let folder = folder.unwrap_or_else(|| turn.context.cwd.to_string());
                let folder = resolved(&turn.context.absolute(&folder));
                tasks.retain(|task| resolved(Utf8Path::new(&task.cwd)).starts_with(&folder));
            }
            for task in &mut tasks {
                present(turn.store, task, turn.now);
            }
            let max_concurrent = turn.context.settings.max_concurrent;
            Ok(snapshot_of(STATUS.name, &tasks, limit, max_concurrent))
        })
        .await
}

/// Returns the task a call names when it ended, or after at most `limit`.
async fn looked_up(call: &Call, limit: Duration) -> Result<Awaited, TaskError> {
    let id = named(call, "task_id").await?;
    await_end(call, id, limit).await
}

async fn waited(call: &Call, limit: Duration) -> Result<Said, TaskError> {
    let Awaited { task, ended } = looked_up(call, limit).await?;
    let mut said = outcome(call, WAIT.name, &task).await?;
    if let Some(fields) = said.data.as_object_mut() {
        fields.insert("timed_out".to_owned(), (ended == Ended::TimeUp).into());
    }
    if let (Some(page), Ended::TimeUp) = (&mut said.page, ended) {
        page.push_str("\nThe time was up before it ended: wait again, or do something else.\n");
    }
    Ok(said)
}

/// Says what came of a task, with as much of its output as the call asks for.
async fn outcome(call: &Call, tool: &str, task: &Task) -> Result<Said, TaskError> {
    let is_page = call.arguments.text(FORMAT.name) != Some(JSON);
    let is_included =
        is_page || has_failed(task) || call.arguments.flag("include_output") == Some(true);
    let output = if is_included {
        let max_bytes = call.arguments.number("max_output_bytes");
        let max_bytes = max_bytes.unwrap_or(MOST_OUTPUT).min(MOST_OUTPUT);
        output(call, task, max_bytes).await?
    } else {
        Output::default()
    };
    Ok(result(tool, task, &output, is_included))
}

async fn output(call: &Call, task: &Task, max_bytes: usize) -> Result<Output, TaskError> {
    let id = task.task_id.clone();
    let folder = call.desk.turn(move |turn| Ok(turn.context.folder(&id)));
    let folder = folder.await?;
    let message = task.final_message.clone().unwrap_or_default();
    blocking(move || match tail(&folder.stderr(), STDERR_LINES) {
        Ok(piece) => {
            let stderr = redact(&piece.text).text;
            Ok(Output::of(&message, &stderr, piece.size, max_bytes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Output::of(&message, "", 0, max_bytes))
        }
        Err(error) => Err(unreadable(&folder, &error)),
    })
    .await
}

async fn cancelled(call: &Call) -> Result<Value, TaskError> {
    let id = named(call, "task_id").await?;
    let info = call.context.client_info();
    let name = info.map_or_else(|| "an MCP client".to_owned(), |info| info.name);
    let asked = id.clone();
    let asked = call
        .desk
        .turn(move |turn| end(turn, &asked, CancelledBy::Client { name }))
        .await?;
    let ids = [id];
    wait(&call.desk, &call.context, &ids, Until::Over, CANCELLING).await?;
    let [id] = ids;
    let task = await_end(call, id, Duration::ZERO).await?.task;
    let message = match asked {
        Cancelling::HadEnded => format!("It had ended before: {}.", state(&task)),
        Cancelling::Asked | Cancelling::Unsupported { .. } => task.summary.clone(),
    };
    Ok(json!({
        "success": task.status == TaskStatus::Cancelled,
        "task_id": task.task_id,
        "status": state(&task),
        "message": message,
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
            let n_removed = match removal {
                Removal::Apply => found.len(),
                Removal::Show => 0,
            };
            Ok(json!({
                "dry_run": removal == Removal::Show,
                "older_than_hours": u64::from(days) * 24,
                "found": found.len(),
                "removed": n_removed,
                "marked_failed": 0,
                "tasks": found,
            }))
        })
        .await
}
