//! What a tool says: everything in the structured part when it worked, everything in the text
//! when it did not, for clients show the model only one of them. And never too much.

use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_core::text::{shorten, shorten_middle};
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, Resource};
use serde_json::{Map, Value, json};

/// Longest answer as JSON, in bytes. It is sent twice, as text and structured, and together that
/// stays below what clients hand to a model.
pub(crate) const MAX_BYTES: usize = 44 * 1024;

/// Longest sentence about an error, in characters: it may quote what was asked for.
pub(crate) const MAX_MESSAGE: usize = 1000;

/// Shortest a text is made to fit, in bytes.
const SHORTEST: usize = 256;

/// What a tool answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It worked; an object.
    Done {
        /// All there is to say.
        value: Value,
        /// Where more is to be read.
        links: Vec<Resource>,
    },
    /// What was asked for came to a bad end.
    Bad {
        /// Why.
        error: Box<TaskError>,
        /// All there is to say.
        value: Value,
    },
    /// It worked: a page for people, and the same as an object.
    Page {
        /// The page.
        text: String,
        /// All there is to say.
        value: Value,
    },
    /// It did not work, and an object of an older form says everything about it.
    Refused(Value),
    /// A page, for clients that expect nothing else.
    Text(String),
    /// The client follows it as a task of its own.
    Task(CreateTaskResult),
}

impl Answer {
    pub(crate) const fn done(value: Value) -> Self {
        Self::Done {
            value,
            links: Vec::new(),
        }
    }
}

/// Makes an error of a code and a sentence.
pub(crate) fn fault(code: ErrorCode, message: impl Into<String>) -> TaskError {
    TaskError {
        code,
        message: message.into(),
        retryable: false,
        hint: None,
        stderr_tail: None,
    }
}

/// Makes an error of something that could not be done, with all its causes.
pub(crate) fn internal(error: &dyn std::error::Error) -> TaskError {
    let mut message = format!("Could not {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message.push('.');
    fault(ErrorCode::Internal, message)
}

/// Returns the answer as the protocol has it.
pub(crate) fn response(reply: Result<Answer, TaskError>) -> CallToolResponse {
    match reply {
        Ok(Answer::Done { value, links }) => {
            let value = fit(value, MAX_BYTES);
            let mut content = vec![ContentBlock::text(value.to_string())];
            content.extend(links.into_iter().map(ContentBlock::resource_link));
            let mut result = CallToolResult::success(content);
            result.structured_content = Some(value);
            result.into()
        }
        Ok(Answer::Bad { error, value }) => failed(&error, Some(value)).into(),
        Ok(Answer::Page { text, value }) => {
            let text = shorten_middle(&text, MAX_BYTES);
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(fit(value, MAX_BYTES));
            result.into()
        }
        Ok(Answer::Refused(value)) => {
            let value = fit(value, MAX_BYTES);
            let text = ContentBlock::text(value.to_string());
            let mut result = CallToolResult::error(vec![text]);
            result.structured_content = Some(value);
            result.into()
        }
        Ok(Answer::Text(page)) => CallToolResult::success(vec![ContentBlock::text(page)]).into(),
        Ok(Answer::Task(task)) => task.into(),
        Err(error) => failed(&error, None).into(),
    }
}

/// Returns a result that says what is wrong in its text, and again structured.
pub(crate) fn failed(error: &TaskError, value: Option<Value>) -> CallToolResult {
    let error = &TaskError {
        message: shorten(&error.message, MAX_MESSAGE),
        ..error.clone()
    };
    let mut text = format!("{}: {}", code_name(error.code), error.message);
    if let Some(hint) = &error.hint {
        text.push_str("\nHint: ");
        text.push_str(hint);
    }
    if error.retryable {
        text.push_str("\nIt may work when it is tried again.");
    }
    if let Some(tail) = &error.stderr_tail {
        text.push_str("\nIts last words:\n");
        text.push_str(tail);
    }
    let structured = match value.map(|value| fit(value, MAX_BYTES)) {
        Some(value) => {
            text.push('\n');
            text.push_str(&value.to_string());
            value
        }
        None => json!({ "error": error }),
    };
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(structured);
    result
}

/// Returns a code the way clients see it, such as `NOT_FOUND`.
pub(crate) fn code_name(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(name)) => name,
        Ok(_) | Err(_) => "INTERNAL".to_owned(),
    }
}

/// Shortens an object until it is at most `max` bytes of JSON: first the longest texts, head and
/// tail kept, then the longest lists. What was shortened is named in `truncated`.
pub(crate) fn fit(mut value: Value, max: usize) -> Value {
    let mut length = value.to_string().len();
    if length <= max {
        return value;
    }
    let mut cuts = Map::new();
    // Each round halves the largest part, so few are needed.
    for _ in 0..64 {
        if length + 1024 <= max {
            break;
        }
        let Some((path, part)) = largest(&mut value, String::new()) else {
            break;
        };
        match part {
            Value::String(text) => {
                let before = text.len();
                *text = shorten_middle(text, (before / 2).max(SHORTEST));
                note(&mut cuts, path, "bytes", before);
            }
            Value::Array(items) => {
                let before = items.len();
                let head = before.div_ceil(4);
                let tail = before / 4;
                items.drain(head..before - tail);
                note(&mut cuts, path, "entries", before);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => break,
        }
        length = value.to_string().len();
    }
    if let Some(object) = value.as_object_mut() {
        let truncated = object.entry("truncated").or_insert_with(|| json!({}));
        if let Some(truncated) = truncated.as_object_mut() {
            for (path, cut) in cuts {
                truncated.entry(path).or_insert(cut);
            }
        }
    }
    value
}

/// Remembers how much there was before the first cut.
fn note(cuts: &mut Map<String, Value>, path: String, unit: &str, before: usize) {
    cuts.entry(path)
        .or_insert_with(|| json!({ "of": before, "unit": unit }));
}

/// Finds the largest text or list that can be shortened, and its place.
fn largest(value: &mut Value, path: String) -> Option<(String, &mut Value)> {
    if let Value::Array(items) = &*value {
        // One heavy entry is shortened itself; many light ones are left out.
        let Some(at) = heavy_entry(items) else {
            return (items.len() > 2).then_some((path, value));
        };
        let inner = value.as_array_mut()?.get_mut(at)?;
        return largest(inner, format!("{path}[{at}]"));
    }
    match value {
        Value::Object(object) => {
            let (key, inner) = object
                .iter_mut()
                .filter(|(key, _)| *key != "truncated")
                .max_by_key(|(_, inner)| weight(inner))?;
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            (weight(inner) > 0).then(|| largest(inner, path))?
        }
        Value::String(text) if text.len() > 2 * SHORTEST => Some((path, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// Returns the entry that makes up more than half of a list.
fn heavy_entry(items: &[Value]) -> Option<usize> {
    let total: usize = items.iter().map(weight).sum();
    items
        .iter()
        .position(|item| weight(item) * 2 > total && weight(item) > 0)
}

fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) if text.len() <= 2 * SHORTEST => 0,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(_) | Value::Array(_) | Value::Object(_) => value.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_keeps_its_ends_and_says_so() {
        let text = format!("begin{}end", "x".repeat(200_000));
        let value = json!({ "task_id": "t", "final_message": text, "files": [1, 2] });

        let fitted = fit(value, MAX_BYTES);

        let message = fitted["final_message"].as_str().unwrap();
        assert!(message.starts_with("begin") && message.ends_with("end"));
        assert!(fitted.to_string().len() <= MAX_BYTES);
        assert_eq!(fitted["truncated"]["final_message"]["of"], 200_008);
        assert_eq!(
            (&fitted["task_id"], &fitted["files"]),
            (&json!("t"), &json!([1, 2]))
        );
    }

    #[test]
    fn long_lists_lose_their_middle() {
        let items: Vec<Value> = (0..5000)
            .map(|n| json!({ "n": n, "path": "src/x.rs" }))
            .collect();
        let last = items.last().unwrap().clone();

        let fitted = fit(json!({ "files": items }), MAX_BYTES);

        let files = fitted["files"].as_array().unwrap();
        assert!(fitted.to_string().len() <= MAX_BYTES);
        assert_eq!((&files[0]["n"], files.last()), (&json!(0), Some(&last)));
        assert_eq!(
            fitted["truncated"]["files"],
            json!({ "of": 5000, "unit": "entries" })
        );
    }

    #[test]
    fn an_error_says_everything_in_its_text() {
        let mut error = fault(ErrorCode::NotFound, "No task 12.");
        error.hint = Some("codex_tasks shows the tasks.".to_owned());

        let result = failed(&error, None);

        let text = result.content[0].as_text().unwrap().text.clone();
        assert_eq!(
            text,
            "NOT_FOUND: No task 12.\nHint: codex_tasks shows the tasks."
        );
        assert_eq!(result.is_error, Some(true));
    }
}
