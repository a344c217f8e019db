//! `codex_run`, `codex_reply` and `codex_review`: handing work to Codex.

use std::time::Duration;

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::task::model::Task;
use mission_control_core::task::request::TaskRequest;
use mission_control_engine::task::reply::{ReplyError, check_kept, inherited};
use mission_control_engine::task::submit::{Novelty, SubmitError, Submitted, submit};
use serde_json::{Map, Value, json};

use super::{Call, Effect, MetaValue, Reply, ToolSpec};
use crate::answer::{Answer, fault, internal};
use crate::desk::{Desk, Turn, unusable};
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::extension::{answer, created};
use crate::task::view::{Commands, output, whole};
use crate::task::waiting::{Ended, Until, wait};

/// Longest a call that starts a task waits for it, in seconds.
const MOST_WAIT_S: i64 = 600;

pub(super) const PROMPT: Parameter = Parameter::required(
    "prompt",
    Kind::Text,
    "What to do, complete in itself: Codex sees neither this conversation nor its files unless \
     they lie in the folder.",
)
.or(&["task", "instruction", "PROMPT", "text", "message"]);

pub(super) const CWD: Parameter = Parameter::optional(
    "cwd",
    Kind::Text,
    "The folder to work in, absolute; this project's if not given.",
)
.or(&[
    "working_dir",
    "working_directory",
    "workingDirectory",
    "workingDir",
    "cd",
]);

const SANDBOX: Parameter = Parameter::optional(
    "sandbox",
    Kind::Choice(&["read-only", "workspace-write", "danger-full-access"]),
    "What Codex may write: nothing (the default), the folder, or everything. The last waits for \
     the person's consent.",
)
.or(&["mode", "sandbox_mode"]);

const MODEL: Parameter = Parameter::optional(
    "model",
    Kind::Text,
    "The model; Codex's own choice if not given.",
);

const EFFORT: Parameter = Parameter::optional(
    "effort",
    Kind::Text,
    "How much the model reasons: minimal, low, medium, high or xhigh.",
)
.or(&["reasoning_effort"]);

pub(super) const TITLE: Parameter = Parameter::optional("title", Kind::Text, "A name for people.");

const IDLE_TIMEOUT: Parameter = Parameter::optional(
    "idle_timeout_seconds",
    Kind::Integer(0, 604_800),
    "End it after so many seconds without an event; 0 means never.",
)
.or(&["idle_timeout"]);

const HARD_TIMEOUT: Parameter = Parameter::optional(
    "hard_timeout_seconds",
    Kind::Integer(0, 604_800),
    "End it after so many seconds in all; 0 means never.",
)
.or(&["timeout", "timeout_seconds", "timeout_sec"]);

pub(super) const IDEMPOTENCY_KEY: Parameter = Parameter::optional(
    "idempotency_key",
    Kind::Text,
    "The same key gives the same task, so that a repeated call starts nothing twice.",
);

pub(super) const GROUP: Parameter = Parameter::optional(
    "group_id",
    Kind::Text,
    "Names a group of tasks that belong together.",
)
.or(&["group"]);

pub(super) const WAIT: Parameter = Parameter::optional(
    "wait_seconds",
    Kind::Integer(0, MOST_WAIT_S),
    "Wait so long for the result in this call; 0 returns the task's id at once.",
)
.or(&["wait"]);

pub(super) const RUN: ToolSpec = ToolSpec {
    name: "codex_run",
    title: "Delegate a task to Codex",
    description: "Hands a task to Codex, which works on it by itself in the background while you \
        go on. Use it for work that stands on its own: an investigation, a change, tests, a second \
        opinion. Returns a task_id at once, or follows as a background task where the client can; \
        the task survives this session. Then codex_wait for the result, or do something else: \
        ended tasks are announced in `pending_signals` of later answers. Several calls run side by \
        side. Read-only unless `sandbox` says otherwise. Not for cloud tasks.",
    parameters: &[
        PROMPT,
        CWD,
        SANDBOX,
        MODEL,
        EFFORT,
        TITLE,
        WAIT,
        Parameter::optional("profile", Kind::Text, "A profile of Codex's configuration."),
        Parameter::optional(
            "config",
            Kind::Object,
            "Overrides of Codex's configuration, by dotted key.",
        ),
        Parameter::optional("add_dirs", Kind::Texts, "Further folders it may write.")
            .or(&["add_dir"]),
        Parameter::optional(
            "images",
            Kind::Texts,
            "Image files that go with the prompt.",
        )
        .or(&["image"]),
        Parameter::optional(
            "output_schema",
            Kind::Object,
            "The JSON Schema the final message has to follow.",
        ),
        Parameter::optional(
            "skip_git_repo_check",
            Kind::Flag,
            "Whether it may run outside of a git repository.",
        ),
        Parameter::optional(
            "ephemeral",
            Kind::Flag,
            "Whether Codex keeps no transcript.",
        ),
        Parameter::optional("thread_id", Kind::Text, "A Codex thread to go on with.").or(&[
            "session_id",
            "SESSION_ID",
            "conversation_id",
            "continuation_id",
        ]),
        Parameter::optional(
            "resume",
            Kind::Choice(&["none", "last", "thread"]),
            "Which thread to go on with: none, the folder's latest, or `thread_id`.",
        ),
        Parameter::optional(
            "fork",
            Kind::Flag,
            "Whether to go on with a copy of the thread.",
        ),
        Parameter::optional(
            "env_policy",
            Kind::Object,
            "What its commands see of the environment: {inherit: all|core|none, include_only: [], \
             exclude: [], set: {}}.",
        ),
        Parameter::optional(
            "isolation",
            Kind::Choice(&["none", "worktree", "auto"]),
            "Whether it works in a git worktree of its own.",
        ),
        Parameter::optional(
            "base_ref",
            Kind::Text,
            "The commit its worktree starts from.",
        ),
        Parameter::optional(
            "keep_worktree",
            Kind::Flag,
            "Whether its worktree stays although nothing changed in it.",
        ),
        IDLE_TIMEOUT,
        HARD_TIMEOUT,
        Parameter::optional(
            "priority",
            Kind::Integer(-1000, 1000),
            "Higher goes first when tasks wait for their turn.",
        ),
        GROUP,
        Parameter::optional("tags", Kind::Texts, "Words to find it by."),
        IDEMPOTENCY_KEY,
        Parameter::optional(
            "on_finish",
            Kind::Choice(&["signal", "none"]),
            "Whether its end is announced to you.",
        ),
        Parameter::optional(
            "max_output_chars",
            Kind::Integer(1, 1_000_000),
            "Longest final message in the result, in characters.",
        ),
        Parameter::optional(
            "expects_changes",
            Kind::Flag,
            "Whether files are to be changed; then a run without changes is no success.",
        ),
        Parameter::unlisted("async", Kind::Flag),
        Parameter::unlisted("confirm", Kind::Flag),
        Parameter::unlisted("allow_destructive_git", Kind::Flag),
    ],
    output: started,
    effect: Effect::Starts,
    meta: &[("anthropic/alwaysLoad", MetaValue::Flag(true))],
    run: |call| -> Reply { Box::pin(run(call)) },
};

pub(super) const REPLY: ToolSpec = ToolSpec {
    name: "codex_reply",
    title: "Go on with a Codex task",
    description: "Gives a further instruction to a Codex thread, which still knows what it did: \
        a correction, a question about its result, the next step. Name the ended task with \
        `task_id`, or any Codex thread with `thread_id`. Sandbox, folder, isolation and model \
        stay as they were unless given: what worked in a checkout of its own goes on there, or \
        in a new one if that was applied or discarded. Returns a new task_id, like codex_run.",
    parameters: &[
        PROMPT,
        Parameter::optional("task_id", Kind::Text, "The task to go on with.").or(&["id"]),
        Parameter::optional("thread_id", Kind::Text, "The Codex thread to go on with.").or(&[
            "session_id",
            "SESSION_ID",
            "conversation_id",
            "continuation_id",
        ]),
        CWD,
        SANDBOX,
        Parameter::optional(
            "isolation",
            Kind::Choice(&["none", "worktree", "auto"]),
            "Whether it works in a git worktree of its own; as before if not given.",
        ),
        MODEL,
        EFFORT,
        TITLE,
        Parameter::optional(
            "fork",
            Kind::Flag,
            "Whether to go on with a copy of the thread.",
        ),
        IDLE_TIMEOUT,
        HARD_TIMEOUT,
        GROUP,
        IDEMPOTENCY_KEY,
        WAIT,
    ],
    output: started,
    effect: Effect::Starts,
    meta: &[],
    run: |call| -> Reply { Box::pin(reply(call)) },
};

pub(super) const REVIEW: ToolSpec = ToolSpec {
    name: "codex_review",
    title: "Let Codex review changes",
    description: "Lets Codex review code changes and report what is wrong with them, without \
        writing anything: what is not committed (the default), everything since a branch, one \
        commit, or what `prompt` describes. Returns a task_id, like codex_run; the findings are \
        its final message.",
    parameters: &[
        Parameter::optional(
            "target",
            Kind::Choice(&["uncommitted", "base", "commit", "prompt"]),
            "What to review; follows from the other parameters if not given.",
        ),
        Parameter::optional("branch", Kind::Text, "The branch to compare with.").or(&["base"]),
        Parameter::optional("sha", Kind::Text, "The commit.").or(&["commit"]),
        Parameter::optional("prompt", Kind::Text, "What to look at, in words.").or(&[
            "instruction",
            "instructions",
            "focus",
            "task",
        ]),
        CWD,
        MODEL,
        EFFORT,
        TITLE,
        IDLE_TIMEOUT,
        HARD_TIMEOUT,
        GROUP,
        IDEMPOTENCY_KEY,
        WAIT,
    ],
    output: started,
    effect: Effect::Starts,
    meta: &[],
    run: |call| -> Reply { Box::pin(review(call)) },
};

async fn run(mut call: Call) -> Result<Answer, TaskError> {
    let is_async = call.arguments.flag("async") == Some(true);
    let wait_s = wait_seconds(&mut call.arguments).or(is_async.then_some(0));
    // Older callers say these; the sandbox decides.
    for older in ["async", "confirm", "allow_destructive_git"] {
        call.arguments.take(older);
    }
    let request = request(std::mem::take(&mut call.arguments).rest())?;
    start(call, wait_s, move |_| Ok(request)).await
}

async fn reply(mut call: Call) -> Result<Answer, TaskError> {
    let wait_s = wait_seconds(&mut call.arguments);
    let task_id = call.arguments.take("task_id");
    let mut fields = std::mem::take(&mut call.arguments).rest();
    let task_id = task_id.as_ref().and_then(Value::as_str).map(str::to_owned);
    match (&task_id, fields.contains_key("thread_id")) {
        (None, false) => {
            return Err(fault(
                ErrorCode::Validation,
                "`task_id` or `thread_id` is missing.",
            ));
        }
        (Some(_), true) => {
            let message = "`task_id` and `thread_id` are both given; one names the thread.";
            return Err(fault(ErrorCode::Validation, message));
        }
        (Some(_), false) | (None, true) => {}
    }
    start(call, wait_s, move |turn| {
        if let Some(task_id) = task_id {
            let task = turn.task(&turn.find(&task_id)?)?;
            return continued(turn, &task, fields);
        }
        fields.entry("resume").or_insert_with(|| json!("thread"));
        request(fields)
    })
    .await
}

async fn review(mut call: Call) -> Result<Answer, TaskError> {
    let wait_s = wait_seconds(&mut call.arguments);
    let target = review_target(&mut call.arguments)?;
    let mut fields = std::mem::take(&mut call.arguments).rest();
    fields.insert("review".to_owned(), target);
    let request = request(fields)?;
    start(call, wait_s, move |_| Ok(request)).await
}

pub(super) fn wait_seconds(arguments: &mut Arguments) -> Option<u64> {
    arguments.take("wait_seconds")?.as_u64()
}

fn review_target(arguments: &mut Arguments) -> Result<Value, TaskError> {
    let mut text = |name: &str| {
        arguments
            .take(name)
            .and_then(|value| Some(value.as_str()?.to_owned()))
    };
    let (branch, sha, target) = (text("branch"), text("sha"), text("target"));
    let goes_with = |name: &str, wanted: &str| {
        let message = format!("`{name}` is for a review of `target` \"{wanted}\" only.");
        Err(fault(ErrorCode::Validation, message))
    };
    let named = target.as_deref();
    if branch.is_some() && (sha.is_some() || named.is_some_and(|named| named != "base")) {
        return goes_with("branch", "base");
    }
    if sha.is_some() && named.is_some_and(|named| named != "commit") {
        return goes_with("sha", "commit");
    }
    let has_prompt = arguments.text("prompt").is_some();
    let target = target.unwrap_or_else(|| {
        let follows = match (&branch, &sha) {
            (Some(_), _) => "base",
            (None, Some(_)) => "commit",
            (None, None) if has_prompt => "prompt",
            (None, None) => "uncommitted",
        };
        follows.to_owned()
    });
    let missing = |name: &str| {
        let message = format!("`{name}` is missing: the review is of a {target}.");
        fault(ErrorCode::Validation, message)
    };
    Ok(match target.as_str() {
        "base" => {
            json!({ "type": "base", "branch": branch.as_ref().ok_or_else(|| missing("branch"))? })
        }
        "commit" => json!({ "type": "commit", "sha": sha.as_ref().ok_or_else(|| missing("sha"))? }),
        "prompt" if !has_prompt => return Err(missing("prompt")),
        target => json!({ "type": target }),
    })
}

pub(super) fn request(fields: Map<String, Value>) -> Result<TaskRequest, TaskError> {
    TaskRequest::read(&Value::Object(fields))
        .map_err(|error| fault(ErrorCode::Validation, error.to_string()))
}

/// Returns the request that goes on with a task's thread, with what is said anew in `fields`.
fn continued(
    turn: &Turn<'_>,
    task: &Task,
    mut fields: Map<String, Value>,
) -> Result<TaskRequest, TaskError> {
    let id = &task.task_id;
    let refused = |error: ReplyError| match error {
        ReplyError::NotEnded => {
            let mut error = fault(ErrorCode::Busy, format!("Task {id} has not ended."));
            error.retryable = true;
            error.hint = Some(format!(
                "codex_wait with task_ids [\"{id}\"] returns when it ends."
            ));
            error
        }
        ReplyError::NoThread => {
            let message = format!("Task {id} has no thread to go on with.");
            fault(ErrorCode::NotFound, message)
        }
        ReplyError::Request(cause) => internal(&cause),
        ReplyError::Removed(name) => {
            let message = format!("The value of `{name}` was not kept: secrets are not.");
            let mut error = fault(ErrorCode::Validation, message);
            error.hint = Some("Say `config` or `env_policy` again in this call.".to_owned());
            error
        }
    };
    let first = inherited(&turn.context.folder(id), task).map_err(refused)?;
    let first = serde_json::to_value(first).map_err(|error| internal(&error))?;
    let is_copy = fields.get("fork").and_then(Value::as_bool) == Some(true);
    for (name, value) in first.as_object().into_iter().flatten() {
        let is_moot = value.is_null() || (is_copy && name == "resume");
        if !is_moot {
            fields.entry(name).or_insert_with(|| value.clone());
        }
    }
    let request = request(fields)?;
    check_kept(&request).map_err(refused)?;
    Ok(request)
}

/// Hands a task in; it is durable then.
///
/// # Errors
/// When it is refused.
pub(super) async fn hand_in(
    desk: &Desk,
    request: impl FnOnce(&Turn<'_>) -> Result<TaskRequest, TaskError> + Send + 'static,
) -> Result<Submitted, TaskError> {
    let submitted = desk
        .turn(move |turn| {
            let request = request(turn)?;
            submit(turn.context, turn.store, request, turn.now).map_err(|error| refused(&error))
        })
        .await?;
    desk.has_started(&submitted.task.task_id);
    Ok(submitted)
}

/// Hands a task in and answers in the best way the request allows.
async fn start(
    call: Call,
    wait_s: Option<u64>,
    request: impl FnOnce(&Turn<'_>) -> Result<TaskRequest, TaskError> + Send + 'static,
) -> Result<Answer, TaskError> {
    let submitted = hand_in(&call.desk, request).await?;
    follow(call, submitted, wait_s).await
}

/// Answers about a task that was handed in, in the best way the request allows.
pub(super) async fn follow(
    call: Call,
    submitted: Submitted,
    wait_s: Option<u64>,
) -> Result<Answer, TaskError> {
    let id = submitted.task.task_id.clone();
    let follows = call
        .context
        .client_capabilities()
        .is_some_and(|capabilities| capabilities.supports_tasks());
    if wait_s.is_none() && follows {
        return Ok(Answer::Task(created(&submitted.task)));
    }
    let limit = Duration::from_secs(wait_s.unwrap_or(0));
    let ids = [id];
    let (tasks, ended) = wait(&call.desk, &call.context, &ids, Until::All, limit).await?;
    let Some(task) = tasks.into_iter().next() else {
        return Err(fault(ErrorCode::Internal, "The task is gone."));
    };
    if task.status.is_terminal() {
        if ended == Ended::Tasks {
            let seen = task.clone();
            call.desk
                .turn(move |turn| {
                    turn.see(&seen);
                    Ok(())
                })
                .await?;
        }
        return answer(&task);
    }
    let mut value = whole(&task, Commands::Outcomes)?;
    if let Some(fields) = value.as_object_mut() {
        let is_new = submitted.novelty == Novelty::New;
        fields.insert("is_new".to_owned(), is_new.into());
    }
    Ok(Answer::done(value))
}

fn refused(error: &SubmitError) -> TaskError {
    match error {
        SubmitError::Request(error) => fault(ErrorCode::Validation, error.to_string()),
        SubmitError::NoFolder(folder) => {
            let mut error = fault(ErrorCode::NotFound, format!("`{folder}` is not a folder."));
            error.hint = Some("Give `cwd` as an absolute path.".to_owned());
            error
        }
        SubmitError::NoRepository(folder) => {
            let message = format!("`{folder}` is not in a git repository.");
            let mut error = fault(ErrorCode::NotARepo, message);
            error.hint = Some("Use `isolation` \"none\".".to_owned());
            error
        }
        SubmitError::TooDeep => {
            let mut error = fault(
                ErrorCode::Unsupported,
                "A delegated task does not delegate further.",
            );
            error.hint = Some("`max_depth` in the settings allows it.".to_owned());
            error
        }
        SubmitError::Forbidden => {
            let mut error = fault(
                ErrorCode::SandboxDenied,
                "A setting forbids to run without a sandbox.",
            );
            error.hint = Some("Use `sandbox` \"workspace-write\".".to_owned());
            error
        }
        SubmitError::Store(error) => unusable(error),
        SubmitError::Files(_) => internal(error),
    }
}

pub(super) fn started() -> Value {
    output(&json!({
        "is_new": {
            "type": "boolean",
            "description": "False if the idempotency key named a task that was there already."
        }
    }))
}
