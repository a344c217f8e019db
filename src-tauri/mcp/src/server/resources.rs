//! Resources: the parts of delegated tasks that are too long for an answer.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use camino::Utf8Path;
use mission_control_core::spelling::nearest_name;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::text::shorten;
use mission_control_engine::store::TaskFilter;
use rmcp::model::{
    ErrorData, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};

use super::refusal;
use crate::answer::{fault, internal};
use crate::cloud::{Template, resource as environment, template_named};
use crate::desk::{Desk, unusable};
use crate::task::uri::{Part, parse, resource};

/// How many tasks' results are listed.
const MOST_LISTED: u32 = 20;

/// Longest content that is returned, in bytes; longer files lose their middle.
const MOST_BYTES: u64 = 192 << 10;

pub(super) fn templates() -> Vec<ResourceTemplate> {
    let described = |part: Part| {
        let uri = format!("codex://task/{{task_id}}/{}", part.as_str());
        let mut template = ResourceTemplate::new(uri, format!("task-{}", part.as_str()));
        template.title = Some(format!("A task's {}", part.as_str()));
        template.description = Some(part.about().to_owned());
        template.mime_type = Some(part.mime_type().to_owned());
        template
    };
    let mut environments = ResourceTemplate::new(
        "codex://environment-template/{name}",
        "environment-template",
    );
    environments.title = Some("A template of a Codex Cloud environment".to_owned());
    let names: Vec<&str> = Template::ALL.into_iter().map(Template::name).collect();
    environments.description = Some(format!("One of {}.", names.join(", ")));
    environments.mime_type = Some("application/json".to_owned());
    let parts = Part::ALL.into_iter().map(described);
    parts.chain([environments]).collect()
}

/// Returns the results of the latest tasks that ended, and the templates of environments.
pub(super) async fn list(desk: &Arc<Desk>) -> Result<Vec<Resource>, TaskError> {
    let environments = Template::ALL.into_iter().map(environment);
    if !desk.is_used().await {
        return Ok(environments.collect());
    }
    let results = results(desk).await?;
    Ok(results.into_iter().chain(environments).collect())
}

async fn results(desk: &Arc<Desk>) -> Result<Vec<Resource>, TaskError> {
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
    match template_named(&uri) {
        None => {}
        Some(Ok(template)) => {
            let content = format!("{:#}\n", template.content());
            let contents =
                ResourceContents::text(content, uri.clone()).with_mime_type("application/json");
            return Ok(ReadResourceResult::new(vec![contents]).into());
        }
        Some(Err(name)) => {
            let names = Template::ALL.into_iter().map(Template::name);
            let nearest = nearest_name(name, names.clone());
            let why = match nearest {
                Some(nearest) => format!("did you mean {nearest}"),
                None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err(missing(&why));
        }
    }
    let Some((id, part)) = parse(&uri) else {
        return Err(missing(
            "addresses are codex://task/ID/result, log, diff or debug",
        ));
    };
    let content = desk
        .turn(move |turn| {
            let task = turn.task(&id)?;
            let folder = turn.context.folder(&id);
            let path = match part {
                Part::Result => folder.result(),
                Part::Log => folder.log(),
                Part::Diff => folder.diff(),
                Part::Debug => folder.debug(),
            };
            let content = ends(&path).map_err(|error| {
                if error.kind() != std::io::ErrorKind::NotFound {
                    return internal(&error);
                }
                let what = part.as_str();
                if part == Part::Diff && task.status.is_terminal() {
                    return fault(
                        ErrorCode::NotFound,
                        "the task changed nothing that git shows",
                    );
                }
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
    text.push_str(&format!(
        "\n… {} bytes left out; the whole is in {path} …\n",
        size - 2 * half
    ));
    file.seek(SeekFrom::Start(size - half))?;
    bytes.clear();
    file.take(half).read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_keeps_its_ends_and_names_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("log")).unwrap();
        std::fs::write(&path, format!("begin{}end", "x".repeat(1 << 20))).unwrap();

        let text = ends(&path).unwrap();

        assert!(text.starts_with("begin") && text.ends_with("end"));
        assert!(
            text.contains(path.as_str()) && text.len() < 200_000,
            "{}",
            text.len()
        );
    }
}
