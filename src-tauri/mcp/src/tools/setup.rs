//! `codex_cloud_setup`: how a repository gets its environment in Codex Cloud.

use mission_control_core::task::failure::{ErrorCode, TaskError};
use serde_json::json;

use super::{Call, Effect, Reply, ToolSpec};
use crate::answer::{Answer, fault};
use crate::cloud::{Guide, GuideError, Stack, Template, guide, resource};
use crate::parameters::{Kind, Parameter};

/// The name commits carry if nobody says.
pub(super) const USUAL_NAME: &str = "Codex Agent";
/// The address commits carry if nobody says.
pub(super) const USUAL_EMAIL: &str = "codex@example.com";

pub(super) const SETUP: ToolSpec = ToolSpec {
    name: "codex_cloud_setup",
    title: "Guide to a cloud environment",
    description: "Returns a guide, with scripts to paste, for making an environment in Codex \
        Cloud for a repository at GitHub. It changes nothing: environments are made in the \
        settings of Codex Cloud.",
    parameters: &[
        Parameter::required(
            "repo_url",
            Kind::Text,
            "The repository: https://github.com/OWNER/NAME.",
        )
        .or(&["repository", "url"]),
        Parameter::required(
            "stack",
            Kind::Choice(Stack::WORDS),
            "What it is built with.",
        ),
        Parameter::optional("git_user_name", Kind::Text, "The name commits carry there."),
        Parameter::optional(
            "git_user_email",
            Kind::Text,
            "The address commits carry there.",
        ),
    ],
    output: || {
        json!({
            "type": "object",
            "properties": {
                "guide": { "type": "string", "description": "The guide, as Markdown." },
                "template": { "type": "object", "description": "Scripts, variables and secrets." },
                "truncated": { "type": "object", "description": "What was shortened, by field." }
            },
            "required": ["guide", "template"]
        })
    },
    effect: Effect::Reads,
    meta: &[],
    run: |call| -> Reply { Box::pin(std::future::ready(run(&call))) },
};

fn run(call: &Call) -> Result<Answer, TaskError> {
    let text = |name: &str| call.arguments.text(name);
    let stack = stack(text("stack").unwrap_or_default())?;
    let page = page(&Guide {
        repo_url: text("repo_url").unwrap_or_default(),
        stack,
        git_user_name: text("git_user_name").unwrap_or(USUAL_NAME),
        git_user_email: text("git_user_email").unwrap_or(USUAL_EMAIL),
    })?;
    let template = Template::GitHub(stack);
    Ok(Answer::Done {
        value: json!({ "guide": page, "template": template.content() }),
        links: vec![resource(template)],
    })
}

pub(super) fn stack(word: &str) -> Result<Stack, TaskError> {
    let words = Stack::WORDS.join(", ");
    Stack::parse(word).ok_or_else(|| {
        fault(
            ErrorCode::Validation,
            format!("`stack` takes one of {words}."),
        )
    })
}

pub(super) fn page(about: &Guide<'_>) -> Result<String, TaskError> {
    guide(about).map_err(|GuideError::NotGitHub| {
        fault(
            ErrorCode::Validation,
            "The address of the repository has the form https://github.com/OWNER/NAME.",
        )
    })
}
