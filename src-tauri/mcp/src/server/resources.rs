//! Resources: the parts of delegated tasks that are too long for an answer.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use camino::Utf8Path;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::text::shorten;
use mission_control_engine::store::TaskFilter;
use rmcp::model::{
    ErrorData, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};

use super::refusal;
use crate::answer::{fault, internal};
use crate::desk::{Desk, unusable};
use crate::task::uri::{Part, parse, resource};

/// How many tasks' results are listed.
const MOST_LISTED: u32 = 20;

/// Longest content that is returned, in bytes; longer files lose their middle.
const MOST_BYTES: u64 = 1 << 20;

pub(super) fn templates() -> Vec<ResourceTemplate> {
    let described = |part: Part| {
        let uri = format!("codex://task/{{task_id}}/{}", part.as_str());
        let mut template = ResourceTemplate::new(uri, format!("task-{}", part.as_str()));
        template.title = Some(format!("A task's {}", part.as_str()));
        template.description = Some(part.about().to_owned());
        template.mime_type = Some(part.mime_type().to_owned());
        template
    };
    Part::ALL.into_iter().map(described).collect()
}

/// Returns the results of the latest tasks that ended.
pub(super) async fn list(desk: &Arc<Desk>) -> Result<Vec<Resource>, TaskError> {
    if !desk.is_used().await {
        return Ok(Vec::new());
    }
    desk.turn(|turn| {
        let tasks = turn.store.tasks(TaskFilter::Latest(MOST_LISTED));
        let tasks = tasks.map_err(|error| unusable(&error))?;
        let ended = tasks.iter().filter(|task| task.status.is_terminal());
        Ok(ended
            .map(|task| resource(&task.task_id, &task.title, Part::Result))
            .collect())
    })
    .await
}

pub(super) async fn read(desk: &Arc<Desk>, uri: String) -> Result<ReadResourceResponse, ErrorData> {
    let missing = |why: &str| {
        let message = format!("There is no {}: {why}.", shorten(&uri, 200));
        ErrorData::resource_not_found(message, None)
    };
    let Some((id, part)) = parse(&uri) else {
        return Err(missing(
            "addresses are codex://task/ID/result, log or debug",
        ));
    };
    let content = desk
        .turn(move |turn| {
            let task = turn.task(&id)?;
            let folder = turn.context.folder(&id);
            let path = match part {
                Part::Result => folder.result(),
                Part::Log => folder.log(),
                Part::Debug => folder.debug(),
            };
            let content = ends(&path).map_err(|error| {
                if error.kind() != std::io::ErrorKind::NotFound {
                    return internal(&error);
                }
                let what = part.as_str();
                fault(ErrorCode::NotFound, format!("the task has no {what} yet"))
            })?;
            if part == Part::Result {
                turn.see(&task);
            }
            Ok(content)
        })
        .await;
    match content {
        Ok(content) => {
            let contents =
                ResourceContents::text(content, uri.clone()).with_mime_type(part.mime_type());
            Ok(ReadResourceResult::new(vec![contents]).into())
        }
        Err(error) if error.code == ErrorCode::NotFound => {
            Err(missing(error.message.trim_end_matches('.')))
        }
        Err(error) => Err(refusal(error)),
    }
}

/// Reads a file; of a long one its first and last part.
fn ends(path: &Utf8Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= MOST_BYTES {
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let half = MOST_BYTES / 2;
    (&mut file).take(half).read_to_end(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.push_str(&format!("\n… {} bytes left out …\n", size - 2 * half));
    file.seek(SeekFrom::Start(size - half))?;
    bytes.clear();
    file.take(half).read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    Ok(text)
}
