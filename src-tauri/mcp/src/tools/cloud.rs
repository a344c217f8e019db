//! `codex_cloud_submit`, `_status`, `_result` and `_environments`: tasks that run at the vendor.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mission_control_core::task::cloud::CloudEntry;
use mission_control_core::task::failure::{ErrorCode, FailureReason, TaskError};
use mission_control_core::task::model::Task;
use mission_control_engine::task::cloud::{
    self, CloudRequest, CloudSubmitError, Environments, Recorded, environments, id_in_cloud,
};
use mission_control_engine::task::submit::{Novelty, Submitted};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::apply::ATTEMPT;
use super::run::{CWD, GROUP, IDEMPOTENCY_KEY, PROMPT, TITLE, WAIT, follow, started, wait_seconds};
use super::tasks::TASK_ID;
use super::{Call, Effect, MetaValue, Reply, ToolSpec};
use crate::answer::{Answer, fault, internal};
use crate::desk::{Turn, unusable};
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::progress::Progress;
use crate::task::view::{Commands, links, output, whole};

/// Longest difference within an answer, in bytes; the rest is a resource.
const MOST_DIFF: usize = 40_000;

const ENVIRONMENT: Parameter = Parameter::required(
    "environment",
    Kind::Text,
    "The environment to run in: its id or name.",
)
.or(&["environment_id", "env", "env_id", "envId"]);

pub(super) const SUBMIT: ToolSpec = ToolSpec {
    name: "codex_cloud_submit",
    title: "Hand a task to Codex Cloud",
    description: "Hands a task to Codex Cloud, where it runs away from this machine in a \
        prepared environment and starts from a pushed branch. Returns a task_id like codex_run: \
        wait with codex_wait, look with codex_cloud_status, bring its changes here with \
        codex_apply. It cannot be ended from here.",
    parameters: &[
        PROMPT,
        ENVIRONMENT,
        Parameter::optional(
            "branch",
            Kind::Text,
            "The branch to start from, as pushed; the one `cwd` is on if not given.",
        ),
        Parameter::optional(
            "attempts",
            Kind::Integer(1, 4),
            "How many attempts are made side by side; one if not given.",
        ),
        CWD,
        TITLE,
        GROUP,
        IDEMPOTENCY_KEY,
        WAIT,
    ],
    output: started,
    effect: Effect::Starts,
    meta: &[],
    run: |call| -> Reply { Box::pin(submit(call)) },
};

pub(super) const STATUS: ToolSpec = ToolSpec {
    name: "codex_cloud_status",
    title: "Ask Codex Cloud how tasks stand",
    description: "Asks Codex Cloud now. With `task_id` (ours, the cloud's, or the address of the \
        task's page): how that task stands; one of ours that ended is told as it ended, without \
        asking. Without: the latest tasks of the account, whoever \
        handed them in, at most 20 a page.",
    parameters: &[
        Parameter::optional(
            "task_id",
            Kind::Text,
            "The task: our id, the cloud's, or its page.",
        )
        .or(&["id", "url"]),
        Parameter::optional(
            "environment",
            Kind::Text,
            "Only tasks of this environment, by its id.",
        )
        .or(&["environment_id", "env", "env_id"]),
        Parameter::optional("limit", Kind::Integer(1, 20), "How many at most."),
        Parameter::optional("cursor", Kind::Text, "The page after this one."),
    ],
    output: || {
        output(&json!({
            "tasks": { "type": "array", "items": { "type": "object" }, "description": "The account's tasks." },
            "cursor": { "type": ["string", "null"], "description": "Names the next page." },
            "is_known": { "type": "boolean", "description": "Whether it was handed in through Mission Control." },
            "cloud_task": { "type": "object", "description": "A task that was handed in elsewhere." }
        }))
    },
    effect: Effect::Asks,
    meta: &[],
    run: |call| -> Reply {
        Box::pin(async move {
            let arguments = call.arguments;
            call.desk.apart(move |turn| status(turn, &arguments)).await
        })
    },
};

pub(super) const RESULT: ToolSpec = ToolSpec {
    name: "codex_cloud_result",
    title: "Show what came of a cloud task",
    description: "Returns what came of a task in Codex Cloud, with the difference it made. The \
        service tells no messages or logs; the task's page shows them. codex_apply brings the \
        changes here.",
    parameters: &[TASK_ID, ATTEMPT],
    output: || {
        output(&json!({
            "diff": { "type": ["string", "null"], "description": "What it changed, as git writes it." },
            "is_known": { "type": "boolean", "description": "Whether it was handed in through Mission Control." },
            "cloud_task": { "type": "object", "description": "A task that was handed in elsewhere." }
        }))
    },
    effect: Effect::Asks,
    meta: &[("anthropic/maxResultSizeChars", MetaValue::Number(200_000))],
    run: |call| -> Reply {
        Box::pin(async move {
            let arguments = call.arguments;
            call.desk.apart(move |turn| result(turn, &arguments)).await
        })
    },
};

pub(super) const ENVIRONMENTS: ToolSpec = ToolSpec {
    name: "codex_cloud_environments",
    title: "List known cloud environments",
    description: "Lists the environments of Codex Cloud that are known here: those of the \
        account's latest tasks, and those in a file you may keep. Codex itself lists all of them \
        only in `codex cloud`.",
    parameters: &[],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "environments": { "type": "array", "items": { "type": "object" } },
                "file": { "type": "string", "description": "The file you may keep." },
                "warnings": { "type": "array", "items": { "type": "string" } },
                "next": { "type": "array", "items": { "type": "string" } },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["environments", "file"]
        })
    },
    effect: Effect::Asks,
    meta: &[],
    run: |call| -> Reply {
        Box::pin(async move {
            let found = call
                .desk
                .apart(|turn| Ok(environments(turn.context, turn.now)))
                .await?;
            Ok(Answer::done(known(&found)))
        })
    },
};

async fn submit(mut call: Call) -> Result<Answer, TaskError> {
    let wait_s = wait_seconds(&mut call.arguments);
    let submitted = hand_in(&call, cloud_request(&call.arguments)).await?;
    follow(call, submitted, wait_s).await
}

fn cloud_request(arguments: &Arguments) -> CloudRequest {
    let text = |name: &str| arguments.text(name).map(str::to_owned);
    CloudRequest {
        prompt: text("prompt").unwrap_or_default(),
        environment: text("environment").unwrap_or_default(),
        branch: text("branch"),
        attempts: arguments
            .number("attempts")
            .and_then(|n| u32::try_from(n).ok()),
        title: text("title"),
        cwd: text("cwd"),
        group_id: text("group_id"),
        tags: Vec::new(),
        idempotency_key: text("idempotency_key"),
    }
}

/// Hands a task in, and says so once while the service takes it. A service that takes its time is
/// left to it: the caller hears the task's id.
pub(super) async fn hand_in(call: &Call, request: CloudRequest) -> Result<Submitted, TaskError> {
    let now = Instant::now();
    let says = format!("handing it to Codex Cloud, {}", request.environment);
    Progress::of(&call.context, now).begin(&says, now).await;
    let (recorded, limit) = call
        .desk
        .apart(move |turn| {
            let recorded = cloud::record(turn.context, turn.store, &request, turn.now)
                .map_err(|error| refused(&error))?;
            let limit = turn.context.settings.cloud_answer_seconds;
            Ok((recorded, limit.duration()))
        })
        .await?;
    let handover = match recorded {
        Recorded::New(handover) => handover,
        Recorded::Known(task) => {
            return Ok(Submitted {
                task: *task,
                novelty: Novelty::Known,
            });
        }
    };
    call.desk.has_started(&handover.task().task_id);
    let (task, is_known) = (handover.task().clone(), handover.is_known());
    let desk = Arc::clone(&call.desk);
    let mut delivery = tokio::spawn(async move {
        desk.apart(move |turn| {
            let delivered = handover.deliver(turn.context, turn.store, turn.now);
            delivered.map_err(|error| refused(&error))
        })
        .await
    });
    let delivered = tokio::time::timeout(limit, &mut delivery).await;
    let task = match delivered {
        Ok(Ok(delivered)) => delivered?,
        Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Ok(Err(error)) => return Err(internal(&error)),
        Err(_) => {
            is_known.store(true, Ordering::SeqCst);
            task
        }
    };
    Ok(Submitted {
        task,
        novelty: Novelty::New,
    })
}

fn refused(error: &CloudSubmitError) -> TaskError {
    let with_hint = |code, message: String, hint: &str| {
        let mut error = fault(code, message);
        error.hint = Some(hint.to_owned());
        error
    };
    match error {
        CloudSubmitError::Request(why) => fault(ErrorCode::Validation, format!("{why}.")),
        CloudSubmitError::NoFolder(folder) => with_hint(
            ErrorCode::NotFound,
            format!("`{folder}` is not a folder."),
            "Give `cwd` as an absolute path.",
        ),
        CloudSubmitError::NoBranch(folder) => with_hint(
            ErrorCode::Validation,
            format!("`branch` is missing: `{folder}` is on no branch of a repository."),
            "Name the branch to start from; it has to be pushed.",
        ),
        CloudSubmitError::TooDeep => with_hint(
            ErrorCode::Unsupported,
            "A delegated task does not delegate further.".to_owned(),
            "`max_depth` in the settings allows it.",
        ),
        CloudSubmitError::Refused(reason) => TaskError::of(reason, None),
        CloudSubmitError::Store(error) => unusable(error),
        CloudSubmitError::Files(_) => internal(error),
    }
}

fn asked(reason: &FailureReason) -> TaskError {
    TaskError::of(reason, None)
}

fn status(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let Some(text) = arguments.text("task_id") else {
        return page(turn, arguments);
    };
    match known_here(turn, text)? {
        Named::Ours(task) => {
            let task = fresh(turn, *task)?;
            let mut value = whole(&task, Commands::Outcomes)?;
            put(&mut value, "is_known", true.into());
            Ok(Answer::Done {
                value,
                links: links(&task),
            })
        }
        Named::Foreign(id) => {
            let entry = cloud::look_up(turn.context, &id, turn.now).map_err(|r| asked(&r))?;
            Ok(Answer::done(
                json!({ "is_known": false, "cloud_task": entry }),
            ))
        }
    }
}

fn page(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let limit = arguments
        .number("limit")
        .and_then(|n| u32::try_from(n).ok());
    let page = cloud::list(
        turn.context,
        arguments.text("environment"),
        limit,
        arguments.text("cursor"),
        turn.now,
    );
    let page = page.map_err(|reason| asked(&reason))?;
    let mut tasks = Vec::with_capacity(page.tasks.len());
    for entry in page.tasks {
        tasks.push(listed(turn, &entry)?);
    }
    Ok(Answer::done(
        json!({ "tasks": tasks, "cursor": page.cursor }),
    ))
}

/// Returns an entry of the service's list, with our own id where we know the task.
fn listed(turn: &Turn<'_>, entry: &CloudEntry) -> Result<Value, TaskError> {
    let ids = turn
        .store
        .task_ids(&entry.id)
        .map_err(|error| unusable(&error))?;
    let mut value = serde_json::to_value(entry).map_err(|error| internal(&error))?;
    put(&mut value, "task_id", json!(ids.first()));
    Ok(value)
}

fn result(turn: &Turn<'_>, arguments: &Arguments) -> Result<Answer, TaskError> {
    let text = arguments.text("task_id").unwrap_or_default();
    let attempt = arguments
        .number("attempt")
        .and_then(|n| u32::try_from(n).ok());
    let (mut value, links) = match known_here(turn, text)? {
        Named::Ours(task) => {
            let task = fresh(turn, *task)?;
            turn.see(&task);
            let diff = match attempt {
                Some(_) => Some(difference(turn, &task, attempt)?),
                None => kept_difference(turn, &task),
            };
            let mut value = whole(&task, Commands::Outcomes)?;
            put(&mut value, "is_known", true.into());
            put(&mut value, "diff", json!(diff));
            (value, links(&task))
        }
        Named::Foreign(id) => {
            let entry = cloud::look_up(turn.context, &id, turn.now).map_err(|r| asked(&r))?;
            let diff = cloud::difference(turn.context, &id, attempt, turn.now);
            let diff = diff.map_err(|reason| asked(&reason))?;
            let value = json!({ "is_known": false, "cloud_task": entry, "diff": diff });
            (value, Vec::new())
        }
    };
    if let Some(Value::String(diff)) = value.get_mut("diff") {
        *diff = mission_control_core::text::shorten_middle(diff, MOST_DIFF);
    }
    Ok(Answer::Done { value, links })
}

fn difference(turn: &Turn<'_>, task: &Task, attempt: Option<u32>) -> Result<String, TaskError> {
    let id = task.cloud.as_ref().and_then(|place| place.id.as_deref());
    let id = id.ok_or_else(|| fault(ErrorCode::NotFound, "It never reached Codex Cloud."))?;
    cloud::difference(turn.context, id, attempt, turn.now).map_err(|reason| asked(&reason))
}

/// Returns the difference that was kept when a task ended; none if it changed nothing.
pub(super) fn kept_difference(turn: &Turn<'_>, task: &Task) -> Option<String> {
    let path = turn.context.folder(&task.task_id).diff();
    match std::fs::read_to_string(path) {
        Ok(diff) => Some(diff),
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(%error, "A difference cannot be read.");
            }
            None
        }
    }
}

/// What a caller named.
enum Named {
    /// A task that was handed in through Mission Control.
    Ours(Box<Task>),
    /// A task of the account, by its id in the cloud.
    Foreign(String),
}

fn known_here(turn: &Turn<'_>, text: &str) -> Result<Named, TaskError> {
    let ids = turn
        .store
        .task_ids(text)
        .map_err(|error| unusable(&error))?;
    if let ([], Some(id)) = (ids.as_slice(), id_in_cloud(text)) {
        return Ok(Named::Foreign(id.to_owned()));
    }
    let task = turn.task(&turn.find(text)?)?;
    if task.cloud.is_none() {
        let id = &task.task_id;
        let mut error = fault(
            ErrorCode::Validation,
            format!("Task {id} runs on this machine, not in Codex Cloud."),
        );
        error.hint = Some("codex_status and codex_result are for it.".to_owned());
        return Err(error);
    }
    Ok(Named::Ours(Box::new(task)))
}

/// Asks the service about a task that has not ended, and returns how it stands.
pub(super) fn fresh(turn: &Turn<'_>, task: Task) -> Result<Task, TaskError> {
    if task.status.is_terminal() {
        return Ok(task);
    }
    let row = turn.store.cloud_task(&task.task_id);
    let Some(row) = row.map_err(|error| unusable(&error))? else {
        return Ok(task);
    };
    cloud::ask(turn.context, turn.store, &row, turn.now).map_err(|reason| asked(&reason))?;
    turn.task(&task.task_id)
}

pub(super) fn known(found: &Environments) -> Value {
    let mut warnings: Vec<String> = found.file_fault.iter().cloned().collect();
    warnings.extend(
        found
            .service_fault
            .as_ref()
            .map(|reason| format!("The account's tasks are not known: {}", reason.sentence())),
    );
    let mut next: Vec<String> = Vec::new();
    if found.known.is_empty() {
        next.push("`codex cloud` in a terminal shows all environments of the account.".to_owned());
        next.push(format!(
            "Write those you use into {} as {{\"ID\": {{\"name\": \"…\", \"repoUrl\": \"…\", \"stack\": \"…\", \"description\": \"…\"}}}}.",
            found.file
        ));
    }
    json!({
        "environments": found.known,
        "file": found.file,
        "warnings": warnings,
        "next": next,
    })
}

fn put(value: &mut Value, name: &str, content: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(name.to_owned(), content);
    }
}
