//! The connector's `codex_agent`, and its form of an answer where its spelling of parameters asks
//! for it. Unlike then, nothing may be written unless it is told so.

use std::time::Duration;

use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::Task;
use serde_json::{Map, Value, json};

use super::super::{Call, Effect, Reply, ToolSpec};
use super::diagnosis::Diagnosis;
use super::{in_older_names, start};
use crate::answer::Answer;
use crate::parameters::{Arguments, Kind, Parameter};
use crate::task::view::{Commands, complaint, whole};
use crate::task::waiting::Ended;

/// How long a synchronous call waits: many clients give up soon after.
const SYNCHRONOUS: Duration = Duration::from_secs(100);

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// How many lines of the log are shown if nobody says.
const USUAL_LINES: usize = 50;

/// Names as only the connector wrote them.
const SPELLINGS: &[&str] = &["taskId", "tailLines", "pollIntervalMs", "timeoutMs"];

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

/// Returns whether a call of a tool that the connector had as well is written as it wrote them.
pub(in super::super) fn is_spoken(arguments: &Arguments) -> bool {
    arguments.is_written(SPELLINGS)
}

/// Returns how long the connector's `timeoutMs` waits; none if it is not given.
pub(in super::super) fn limit(arguments: &Arguments) -> Option<Duration> {
    let limit = arguments.number("timeout_ms")?;
    Some(match u64::try_from(limit) {
        Ok(0) | Err(_) => FOR_EVER,
        Ok(limit) => Duration::from_millis(limit),
    })
}

/// Answers how a task stands, with the end of its log.
pub(in super::super) async fn status(call: &Call, task: &Task) -> Result<Answer, TaskError> {
    let n_lines = call.arguments.number("tail_lines").unwrap_or(USUAL_LINES);
    let diagnosis = Diagnosis::of(call, task, Some(n_lines)).await?;
    Ok(told(task, &diagnosis, Map::new()))
}

/// Answers how a task stands after it was waited for.
pub(in super::super) async fn waited(
    call: &Call,
    task: &Task,
    ended: Ended,
) -> Result<Answer, TaskError> {
    let diagnosis = Diagnosis::of(call, task, None).await?;
    let mut further = Map::new();
    further.insert("timedOut".to_owned(), (ended == Ended::TimeUp).into());
    Ok(told(task, &diagnosis, further))
}

/// Answers how a task stands after its end was asked for.
pub(in super::super) async fn cancelled(
    call: &Call,
    task: &Task,
    is_cancelled: bool,
) -> Result<Answer, TaskError> {
    let diagnosis = Diagnosis::of(call, task, None).await?;
    let mut further = Map::new();
    further.insert("cancelled".to_owned(), is_cancelled.into());
    Ok(told(task, &diagnosis, further))
}

fn told(task: &Task, diagnosis: &Diagnosis, further: Map<String, Value>) -> Answer {
    let mut value = diagnosis.value(task);
    if let Some(fields) = value.as_object_mut() {
        fields.extend(further);
    }
    Answer::Page {
        text: diagnosis.page(task),
        value,
    }
}

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
    let begun = start(&call, fields, limit).await;
    let begun = begun.map_err(|error| in_older_names(error, &[("`cwd`", "`workingDirectory`")]))?;
    let task = begun.task;
    let diagnosis = Diagnosis::of(&call, &task, None).await?;
    let mut value = whole(&task, Commands::Outcomes)?;
    if let (Some(fields), Value::Object(told)) = (value.as_object_mut(), diagnosis.value(&task)) {
        // The connector's `content` is the same text.
        fields.remove("final_message");
        fields.extend(told);
        fields.insert("deprecated_alias".to_owned(), true.into());
    }
    Ok(match complaint(&task) {
        Some(error) => Answer::Bad {
            error: Box::new(error),
            value,
        },
        None => Answer::Page {
            text: diagnosis.page(&task),
            value,
        },
    })
}
