//! What the delegator's `_codex_local_status` says about all tasks: as values, and as a page.

use std::time::Duration;

use mission_control_core::task::model::{Task, TaskId};
use mission_control_core::task::words::duration_words;
use serde_json::{Value, json};

use super::envelope::Said;
use super::markdown::Page;
use super::result::state;

/// Says which tasks run, wait and ended lately, at most `limit` of these. `tasks` are as they
/// stand at present, the latest first.
pub(super) fn snapshot_of(tool: &str, tasks: &[Task], limit: usize, max_concurrent: u32) -> Said {
    let count = |wanted: &str| tasks.iter().filter(|task| state(task) == wanted).count();
    let (n_running, n_queued) = (count("working"), count("pending"));
    let (open, ended): (Vec<&Task>, Vec<&Task>) =
        tasks.iter().partition(|task| !task.status.is_terminal());
    let ended: Vec<&Task> = ended.into_iter().take(limit).collect();
    let mut queue: Vec<(u32, &TaskId)> = open
        .iter()
        .filter_map(|task| Some((task.queue_position?, &task.task_id)))
        .collect();
    queue.sort_unstable();
    let data = json!({
        "summary": {
            "running": n_running,
            "queued": n_queued,
            "max_concurrent": max_concurrent,
            "recently_completed": ended.len(),
        },
        "tasks": open.iter().map(|task| open_task(task)).collect::<Vec<Value>>(),
        "queue": queue
            .iter()
            .map(|(position, id)| json!({ "task_id": id, "position": position }))
            .collect::<Vec<Value>>(),
        "recently_completed": ended.iter().map(|task| ended_task(task)).collect::<Vec<Value>>(),
    });
    let mut page = Page::new(tool);
    page.text(&format!(
        "{n_running} running (at most {max_concurrent} at a time), {n_queued} queued."
    ));
    if !open.is_empty() {
        page.heading("Open");
        let rows: Vec<Vec<String>> = open.iter().map(|task| open_row(task)).collect();
        page.table(
            &[
                "Task",
                "Title",
                "State",
                "Place",
                "Elapsed",
                "Plan",
                "At the moment",
            ],
            &rows,
        );
    }
    if !ended.is_empty() {
        page.heading("Ended lately");
        let rows: Vec<Vec<String>> = ended.iter().map(|task| ended_row(task)).collect();
        page.table(&["Task", "Title", "State", "Ended"], &rows);
    }
    Said {
        page: Some(page.finish()),
        ..data.into()
    }
}

fn open_task(task: &Task) -> Value {
    json!({
        "task_id": task.task_id,
        "title": task.title,
        "state": state(task),
        "started_ts": task.started_at,
        "elapsed_seconds": task.started_at.map(|_| task.elapsed_ms / 1000),
        "progress": {
            "percent": task.progress.percent,
            "completed_steps": task.progress.done,
            "total_steps": task.progress.total,
            "current_activity": task.progress.current,
        },
    })
}

fn ended_task(task: &Task) -> Value {
    json!({
        "task_id": task.task_id,
        "title": task.title,
        "state": state(task),
        "completed_ts": task.ended_at,
    })
}

fn open_row(task: &Task) -> Vec<String> {
    let elapsed = task
        .started_at
        .map(|_| duration_words(Duration::from_millis(task.elapsed_ms)));
    let progress = &task.progress;
    let plan = progress
        .percent
        .map(|percent| format!("{}/{} ({percent} %)", progress.done, progress.total));
    vec![
        task.task_id.to_string(),
        task.title.clone(),
        state(task).to_owned(),
        task.queue_position
            .map(|position| position.to_string())
            .unwrap_or_default(),
        elapsed.unwrap_or_default(),
        plan.unwrap_or_default(),
        progress.current.clone().unwrap_or_default(),
    ]
}

fn ended_row(task: &Task) -> Vec<String> {
    vec![
        task.task_id.to_string(),
        task.title.clone(),
        state(task).to_owned(),
        task.ended_at.map(|at| at.to_string()).unwrap_or_default(),
    ]
}
