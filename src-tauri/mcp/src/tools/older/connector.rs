//! The connector's `codex_agent`. Unlike then, it may write nothing unless it is told so.

use std::time::Duration;

use mission_control_core::task::failure::TaskError;
use serde_json::{Map, Value, json};

use super::super::{Call, Effect, Reply, ToolSpec};
use super::start;
use crate::answer::Answer;
use crate::parameters::{Kind, Parameter};
use crate::task::extension::answer;
use crate::task::view::{Commands, whole};

/// How long a synchronous call waits: many clients give up soon after.
const SYNCHRONOUS: Duration = Duration::from_secs(100);

pub(super) const AGENT: ToolSpec = ToolSpec {
    name: "codex_agent",
    title: "Delegate a task (older name)",
    description: "Hands a task to Codex and waits for it up to 100 seconds, or returns at once \
        with `async`. Read-only unless `sandbox` says otherwise. Older name of codex_run.",
    parameters: &[
        Parameter::required("task", Kind::Text, "What to do.").or(&["prompt"]),
        Parameter::required("workingDirectory", Kind::Text, "The folder to work in.")
            .or(&["working_directory", "cwd"]),
        Parameter::optional(
            "sandbox",
            Kind::Choice(&["read-only", "workspace-write", "danger-full-access"]),
            "What may be written; nothing if not given.",
        ),
        Parameter::optional("model", Kind::Text, "The model."),
        Parameter::optional("async", Kind::Flag, "Whether to return at once."),
        Parameter::optional(
            "timeoutMs",
            Kind::Integer(0, 604_800_000),
            "End the task after so long; 0 means never.",
        )
        .or(&["timeout_ms"]),
        Parameter::optional("sessionId", Kind::Text, "The thread to go on with.")
            .or(&["session_id", "thread_id"]),
    ],
    output: || Value::Null,
    effect: Effect::Starts,
    meta: &[],
    run: |call| -> Reply { Box::pin(run(call)) },
};

async fn run(call: Call) -> Result<Answer, TaskError> {
    let mut fields = Map::new();
    for (old, new) in [
        ("task", "prompt"),
        ("workingDirectory", "cwd"),
        ("sandbox", "sandbox"),
        ("model", "model"),
        ("sessionId", "thread_id"),
    ] {
        if let Some(value) = call.arguments.get(old) {
            fields.insert(new.to_owned(), value.clone());
        }
    }
    if let Some(limit) = call.arguments.number("timeoutMs") {
        fields.insert(
            "hard_timeout_seconds".to_owned(),
            json!(limit.div_ceil(1000)),
        );
    }
    let is_async = call.arguments.flag("async") == Some(true);
    let limit = if is_async {
        Duration::ZERO
    } else {
        SYNCHRONOUS
    };
    let task = start(&call, fields, limit).await?;
    let mut reply = if task.status.is_terminal() {
        answer(&task)?
    } else {
        Answer::done(whole(&task, Commands::Outcomes)?)
    };
    if let Answer::Done { value, .. } | Answer::Bad { value, .. } = &mut reply
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert("taskId".to_owned(), json!(task.task_id));
        fields.insert("threadId".to_owned(), json!(task.thread_id));
        fields.insert("content".to_owned(), json!(task.final_message));
        fields.insert("deprecated_alias".to_owned(), true.into());
    }
    Ok(reply)
}
