//! `codex_wait`: waiting for tasks without polling.

use std::time::Duration;

use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::{Task, TaskId, TaskStatus};
use mission_control_core::text::one_line;
use serde_json::{Value, json};

use super::older::connector;
use super::{Call, Effect, MetaValue, Reply, ToolSpec};
use crate::answer::Answer;
use crate::parameters::{Kind, Parameter};
use crate::task::view::{Commands, brief, how_to_answer, links, output as task_output, whole};
use crate::task::waiting::{Ended, Until, wait};

/// How long a call waits if nobody says, in seconds: below every client's own limit.
const USUAL_S: usize = 50;

/// Longest wait, in seconds.
const MOST_S: usize = 600;

pub(super) const WAIT: ToolSpec = ToolSpec {
    name: "codex_wait",
    title: "Wait for Codex tasks",
    description: "Waits until a delegated task ends or needs the person, and returns its whole \
        result: final message, files, commands, tests. Returns early; after `timeout_seconds` \
        (50 if not given) it returns how the tasks stand: then call it again, or do something \
        else. What a task needs is told once; called again, it waits on. With several task_ids it returns as soon as one ends, unless `until` is \"all\". \
        Without task_ids it waits for every open task that this session started.",
    parameters: &[
        Parameter::optional(
            "task_ids",
            Kind::Texts,
            "The tasks, by id or beginning of it.",
        )
        .or(&["task_id", "id", "ids", "job_id"]),
        Parameter::optional(
            "until",
            Kind::Choice(&["any", "all"]),
            "Return when one of them ended (the default), or when all did.",
        ),
        Parameter::optional(
            "timeout_seconds",
            Kind::Integer(0, 600),
            "Wait at most so long. Many clients give up after 60 seconds.",
        )
        .or(&["timeout", "timeout_sec", "wait_seconds", "max_seconds"]),
        Parameter::unlisted("timeout_ms", Kind::Integer(0, 604_800_000)),
        Parameter::unlisted("poll_interval_ms", Kind::Integer(0, 604_800_000)),
    ],
    output,
    effect: Effect::Reads,
    meta: &[("anthropic/alwaysLoad", MetaValue::Flag(true))],
    run: |call| -> Reply { Box::pin(run(call)) },
};

async fn run(call: Call) -> Result<Answer, TaskError> {
    let named = call.arguments.texts("task_ids");
    let until = match call.arguments.text("until") {
        Some("all") => Until::All,
        Some(_) | None => Until::Any,
    };
    // An older spelling, in which 0 means for ever; nothing waits for ever here.
    let older_s = call
        .arguments
        .number("timeout_ms")
        .map(|limit| match limit {
            0 => MOST_S,
            limit => limit.div_ceil(1000).min(MOST_S),
        });
    let own_s = call.arguments.number("timeout_seconds");
    let is_connectors = connector::is_spoken(&call.arguments);
    let limit = match connector::limit(&call.arguments) {
        Some(limit) if own_s.is_none() && is_connectors => limit,
        Some(_) | None => {
            let limit_s = own_s.or(older_s).unwrap_or(USUAL_S);
            Duration::from_secs(u64::try_from(limit_s).unwrap_or(u64::MAX))
        }
    };
    let started = call.desk.started();
    let (ids, n_others): (Vec<TaskId>, usize) = call
        .desk
        .turn(move |turn| {
            if named.is_empty() {
                return turn.own_open_tasks(&started);
            }
            let ids: Result<_, _> = named.iter().map(|text| turn.find(text)).collect();
            Ok((ids?, 0))
        })
        .await?;
    if ids.is_empty() {
        let summary = match n_others {
            0 => "No delegated task is open.".to_owned(),
            n => format!(
                "No task of this session is open; {n} others of this project are: codex_tasks with status \"open\" names them."
            ),
        };
        return Ok(Answer::done(json!({
            "tasks": [],
            "is_over": true,
            "pending": [],
            "summary": summary,
        })));
    }
    let (tasks, ended) = wait(&call.desk, &call.context, &ids, until, limit).await?;
    let seen: Vec<Task> = tasks.clone();
    if ended != Ended::Given {
        call.desk
            .turn(move |turn| {
                for task in &seen {
                    turn.see(task);
                }
                Ok(())
            })
            .await?;
    }
    if let ([task], true) = (tasks.as_slice(), is_connectors) {
        return connector::waited(&call, task, ended).await;
    }
    said(&tasks, ended)
}

fn said(tasks: &[Task], ended: Ended) -> Result<Answer, TaskError> {
    let mut views = Vec::with_capacity(tasks.len());
    for task in tasks {
        let is_worth_it = task.status.is_terminal() || tasks.len() == 1;
        views.push(if is_worth_it {
            whole(task, Commands::Outcomes)?
        } else {
            brief(task)
        });
    }
    let pending: Vec<&TaskId> = tasks
        .iter()
        .filter(|task| !task.status.is_terminal())
        .map(|task| &task.task_id)
        .collect();
    let n_ended = tasks.len() - pending.len();
    let mut summary = match ended {
        Ended::TimeUp if n_ended == 0 => "Still running; call codex_wait again.".to_owned(),
        Ended::Tasks | Ended::TimeUp | Ended::Given => {
            format!("{n_ended} of {} ended.", tasks.len())
        }
    };
    let needy = |task: &&Task| task.status == TaskStatus::InputRequired;
    for task in tasks.iter().filter(needy) {
        let question = task.need.as_ref().map(|need| one_line(&need.summary, 200));
        summary.push_str(&format!(
            " {} waits for a person: {} {}",
            task.task_id,
            question.unwrap_or_default(),
            how_to_answer(task)
        ));
    }
    Ok(Answer::Done {
        value: json!({
            "tasks": views,
            "is_over": pending.is_empty(),
            "pending": pending,
            "summary": summary,
        }),
        links: tasks.iter().flat_map(links).collect(),
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "tasks": {
                "type": "array",
                "description": "The tasks, in the order they were named; ended ones whole.",
                "items": task_output(&json!({}))
            },
            "is_over": { "type": "boolean", "description": "Whether all of them ended." },
            "pending": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Those that have not ended: what to wait for next."
            },
            "summary": { "type": "string" }
        },
        "required": ["tasks", "is_over", "pending"]
    })
}
