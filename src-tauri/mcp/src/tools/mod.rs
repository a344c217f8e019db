//! The tools: one static, ordered list, and calling one of them.

mod act;
mod apply;
mod cloud;
mod doctor;
mod log;
mod older;
mod run;
mod sessions;
mod setup;
mod tasks;
mod wait;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use mission_control_core::spelling::nearest_name;
use mission_control_core::task::failure::{ErrorCode, TaskError};
use rmcp::RoleServer;
use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, fault, internal};
use crate::desk::Desk;
use crate::parameters::{Arguments, Parameter, schema};

pub(crate) use act::cancelled;

/// What a tool does to the world, for clients that ask before it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads.
    Reads,
    /// It only reads, also from a service.
    Asks,
    /// It starts work that may change files.
    Starts,
    /// It ends or removes something.
    Destroys,
    /// It changes or removes files, and may fetch them from a service.
    Applies,
}

/// One tool.
pub(crate) struct ToolSpec {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// What it is for, at most 2 KB.
    pub(crate) description: &'static str,
    /// What it takes.
    pub(crate) parameters: &'static [Parameter],
    /// What it returns, as JSON Schema.
    pub(crate) output: fn() -> Value,
    /// What it does to the world.
    pub(crate) effect: Effect,
    /// What only some clients understand, by key.
    pub(crate) meta: &'static [(&'static str, MetaValue)],
    /// Does it.
    pub(crate) run: fn(Call) -> Reply,
}

/// A value in a tool's `_meta`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MetaValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(u32),
}

/// What a tool is called with.
pub(crate) struct Call {
    /// The arguments, read against its parameters.
    pub(crate) arguments: Arguments,
    /// The request.
    pub(crate) context: RequestContext<RoleServer>,
    /// What all calls share.
    pub(crate) desk: Arc<Desk>,
}

/// What a tool will answer.
pub(crate) type Reply = Pin<Box<dyn Future<Output = Result<Answer, TaskError>> + Send>>;

/// All tools, in the order they are listed.
const TOOLS: &[&ToolSpec] = &[
    &apply::APPLY,
    &act::CANCEL,
    &act::CLEANUP,
    &cloud::ENVIRONMENTS,
    &cloud::RESULT,
    &setup::SETUP,
    &cloud::STATUS,
    &cloud::SUBMIT,
    &doctor::DOCTOR,
    &log::LOG,
    &run::REPLY,
    &tasks::RESULT,
    &run::REVIEW,
    &run::RUN,
    &sessions::SESSIONS,
    &tasks::STATUS,
    &tasks::TASKS,
    &wait::WAIT,
];

/// Which tools are listed; all of them can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Those of today.
    Current,
    /// Older families, too.
    WithOlder,
}

/// Returns the tools as clients see them.
pub(crate) fn list(listing: Listing) -> Vec<Tool> {
    let older = match listing {
        Listing::Current => &[],
        Listing::WithOlder => older::OLDER,
    };
    TOOLS
        .iter()
        .chain(older)
        .map(|tool| described(tool))
        .collect()
}

/// Returns one tool as clients see it.
pub(crate) fn get(name: &str) -> Option<Tool> {
    find(name).map(described)
}

/// Calls a tool. None if there is no such tool.
pub(crate) async fn call(
    name: &str,
    arguments: Map<String, Value>,
    context: RequestContext<RoleServer>,
    desk: Arc<Desk>,
) -> Option<Result<Answer, TaskError>> {
    let tool = find(name)?;
    let format = arguments.get(older::FORMAT_NAME).cloned();
    let arguments = match Arguments::read(tool.parameters, arguments) {
        Ok(arguments) => arguments,
        Err(error) => return Some(older::refused(name, format.as_ref(), error)),
    };
    let call = Call {
        arguments,
        context,
        desk,
    };
    Some(guarded(name, || (tool.run)(call)).await)
}

/// Returns the known tool that `name` may mean.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    nearest_name(name, TOOLS.iter().map(|tool| tool.name))
}

/// Runs what may take long or block on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TaskError> + Send + 'static,
) -> Result<T, TaskError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(internal(&error)),
    }
}

/// Runs a tool so that a panic in it becomes an answer.
async fn guarded(name: &str, start: impl FnOnce() -> Reply) -> Result<Answer, TaskError> {
    let panicked = |_| {
        tracing::error!(tool = name, "A tool panicked.");
        fault(
            ErrorCode::Internal,
            format!("`{name}` broke down by a fault of Mission Control; the server goes on."),
        )
    };
    let mut reply = std::panic::catch_unwind(AssertUnwindSafe(start)).map_err(panicked)?;
    std::future::poll_fn(|context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| reply.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| std::task::Poll::Ready(Err(panicked(panic))))
    })
    .await
}

fn find(name: &str) -> Option<&'static ToolSpec> {
    let mut all = TOOLS.iter().chain(older::OLDER).copied();
    all.find(|tool| tool.name == name)
}

fn described(tool: &ToolSpec) -> Tool {
    let annotations = ToolAnnotations::with_title(tool.title);
    let annotations = match tool.effect {
        Effect::Reads => annotations.read_only(true).open_world(false),
        Effect::Asks => annotations.read_only(true).open_world(true),
        Effect::Starts => annotations
            .read_only(false)
            .destructive(false)
            .idempotent(false)
            .open_world(true),
        Effect::Destroys => annotations
            .read_only(false)
            .destructive(true)
            .idempotent(true)
            .open_world(false),
        Effect::Applies => annotations
            .read_only(false)
            .destructive(true)
            .idempotent(true)
            .open_world(true),
    };
    let mut described = Tool::new(tool.name, tool.description, schema(tool.parameters))
        .with_title(tool.title)
        .with_annotations(annotations);
    if let Value::Object(mut output) = (tool.output)() {
        // Some clients hold errors against the schema as well, so nothing is required in it.
        output.remove("required");
        if let Some(Value::Object(properties)) = output.get_mut("properties") {
            properties.insert("pending_signals".to_owned(), announcements());
            properties.entry("error").or_insert_with(error);
        }
        described = described.with_raw_output_schema(Arc::new(output));
    }
    if !tool.meta.is_empty() {
        let meta = tool.meta.iter().map(|(key, value)| {
            let value = match value {
                MetaValue::Flag(flag) => Value::from(*flag),
                MetaValue::Number(number) => Value::from(*number),
            };
            ((*key).to_owned(), value)
        });
        described = described.with_meta(MetaObject(meta.collect::<JsonObject>()));
    }
    described
}

/// What may come with every answer.
fn announcements() -> Value {
    json!({
        "type": "array",
        "items": { "type": "object" },
        "description": "Tasks that ended and whose result was not seen yet."
    })
}

fn error() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "Why it did not work: code, message, retryable, hint."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longest name with a client's prefix, and what clients cut descriptions to.
    const MAX_NAME: usize = 64 - "mcp__mission-control__".len();
    const MAX_DESCRIPTION: usize = 2048;

    #[test]
    fn tools_are_ordered_and_short_enough_for_every_client() {
        let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();

        assert!(names.is_sorted(), "{names:?}");
        for tool in list(Listing::Current) {
            assert!(tool.name.len() <= MAX_NAME, "{}", tool.name);
            assert!(
                tool.description.unwrap().len() <= MAX_DESCRIPTION,
                "{}",
                tool.name
            );
            assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
            assert_eq!(
                tool.output_schema.unwrap()["type"],
                "object",
                "{}",
                tool.name
            );
        }
    }

    #[tokio::test]
    async fn a_tool_that_panics_answers() {
        fn boom(_: ()) -> Reply {
            Box::pin(async {
                tokio::task::yield_now().await;
                panic!("later")
            })
        }

        let at_once = guarded("boom", || panic!("at once")).await;
        let later = guarded("boom", || boom(())).await;

        for reply in [at_once, later] {
            assert_eq!(reply.unwrap_err().code, ErrorCode::Internal);
        }
    }
}
