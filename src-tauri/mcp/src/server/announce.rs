//! Announcing ended tasks beside whatever was asked for, until their result was seen.

use std::sync::Arc;

use mission_control_core::task::failure::TaskError;
use mission_control_core::task::model::Task;
use mission_control_core::text::one_line;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::desk::{Desk, unusable};
use crate::task::view::status_message;

/// Most tasks that are announced at once.
const MOST: u32 = 3;

/// Adds `pending_signals` to an answer if tasks of this client ended unseen.
pub(super) async fn with_ended_tasks(
    desk: &Arc<Desk>,
    reply: Result<Answer, TaskError>,
) -> Result<Answer, TaskError> {
    let mut reply = reply?;
    let (Answer::Done { value, .. } | Answer::Page { value, .. }) = &mut reply else {
        return Ok(reply);
    };
    if !desk.is_used().await {
        return Ok(reply);
    }
    let unseen = desk
        .turn(|turn| {
            let Some(owner) = &turn.context.owner else {
                return Ok(Vec::new());
            };
            let unseen = turn.store.unseen_ends(owner, MOST);
            unseen.map_err(|error| unusable(&error))
        })
        .await;
    match unseen {
        Ok(unseen) if !unseen.is_empty() => {
            let signals: Vec<Value> = unseen.iter().map(signal).collect();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("pending_signals".to_owned(), signals.into());
            }
        }
        Ok(_) => {}
        // What was asked for is answered all the same.
        Err(error) => {
            tracing::warn!(error = error.message, "Ended tasks cannot be announced.");
        }
    }
    Ok(reply)
}

fn signal(task: &Task) -> Value {
    let title = one_line(&task.title, 60);
    json!({
        "kind": "task_finished",
        "task_id": task.task_id,
        "text": format!("Task “{title}”: {}", status_message(task)),
        "next": format!("codex_result with task_id \"{}\" shows it.", task.task_id),
    })
}
