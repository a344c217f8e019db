//! Prompts a person picks from a menu.

use mission_control_core::spelling::nearest_name;
use rmcp::model::{
    ErrorData, GetPromptResponse, GetPromptResult, JsonObject, Prompt, PromptArgument,
    PromptMessage, Role,
};

use super::unknown;

struct Spec {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    argument: (&'static str, &'static str, bool),
    text: fn(&str) -> String,
}

const PROMPTS: &[Spec] = &[
    Spec {
        name: "delegate",
        title: "Delegate to Codex",
        about: "Hand a task to Codex and go on working.",
        argument: ("task", "What Codex is to do.", true),
        text: |task| {
            format!(
                "Delegate this to Codex with codex_run: {task}\n\n\
                 Write a prompt that is complete in itself: the goal, the folder and files that \
                 matter, what counts as done. Choose the sandbox it needs. Then go on with other \
                 work; when the result arrives, check it and tell me what came of it."
            )
        },
    },
    Spec {
        name: "review",
        title: "Let Codex review",
        about: "Let Codex review changes and judge its findings.",
        argument: (
            "focus",
            "What to look at; the uncommitted changes if not given.",
            false,
        ),
        text: |focus| {
            let what = if focus.is_empty() {
                "the uncommitted changes"
            } else {
                focus
            };
            format!(
                "Let Codex review {what} with codex_review and wait for it with codex_wait. Check \
                 each finding against the code before you believe it. Tell me the ones that hold, \
                 the most serious first, and which you reject and why."
            )
        },
    },
    Spec {
        name: "status",
        title: "How do the tasks stand?",
        about: "See what Codex is doing and what has ended.",
        argument: ("folder", "Only this folder.", false),
        text: |folder| {
            let only = if folder.is_empty() {
                String::new()
            } else {
                format!(" Only the folder {folder} matters.")
            };
            format!(
                "Show me with codex_tasks and codex_sessions what Codex is doing at the moment, \
                 what has ended since I last asked and what needs me.{only} A few lines, no table \
                 unless there is much."
            )
        },
    },
];

pub(super) fn list() -> Vec<Prompt> {
    let described = |spec: &Spec| {
        let (name, about, is_required) = spec.argument;
        let argument = PromptArgument::new(name)
            .with_description(about)
            .with_required(is_required);
        Prompt::new(spec.name, Some(spec.about), Some(vec![argument])).with_title(spec.title)
    };
    PROMPTS.iter().map(described).collect()
}

pub(super) fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResponse, ErrorData> {
    let Some(spec) = PROMPTS.iter().find(|spec| spec.name == name) else {
        let nearest = nearest_name(name, PROMPTS.iter().map(|spec| spec.name));
        return Err(unknown("prompt", name, nearest));
    };
    let (argument, _, is_required) = spec.argument;
    if let Some(other) = arguments.keys().find(|key| *key != argument) {
        return Err(unknown("argument", other, Some(argument)));
    }
    let value = arguments.get(argument).and_then(|value| value.as_str());
    let value = value.unwrap_or_default().trim();
    if is_required && value.is_empty() {
        return Err(ErrorData::invalid_params(
            format!("`{argument}` is missing."),
            None,
        ));
    }
    let message = PromptMessage::new_text(Role::User, (spec.text)(value));
    let result = GetPromptResult::new(vec![message]).with_description(spec.about);
    Ok(result.into())
}
