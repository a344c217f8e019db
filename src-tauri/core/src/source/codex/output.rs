//! What a tool gave back, in the shapes of all versions.

use serde::Deserialize;
use serde_json::Value;

use crate::timeline::ItemStatus;

/// A tool's output, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ToolOutput {
    pub text: String,
    pub exit_code: Option<i32>,
    pub duration_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Metadata {
    exit_code: Option<i32>,
    duration_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct WithMetadata {
    output: String,
    metadata: Metadata,
}

impl ToolOutput {
    /// Reads the `output` of a `function_call_output`: text, or an array of parts with text.
    pub(super) fn of(output: &Value) -> Self {
        let text = match output {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts: Vec<&str> = parts
                    .iter()
                    .filter_map(|part| part.get("text")?.as_str())
                    .collect();
                texts.join("\n")
            }
            Value::Object(object) => object
                .get("content")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
        };
        Self::of_text(text)
    }

    fn of_text(text: String) -> Self {
        // 0.45: {"output": …, "metadata": {"exit_code", "duration_seconds"}}
        if text.starts_with('{')
            && let Ok(with) = serde_json::from_str::<WithMetadata>(&text)
        {
            return Self {
                text: with.output,
                exit_code: with.metadata.exit_code,
                duration_ms: with.metadata.duration_seconds.and_then(millis),
            };
        }
        // 0.100 and later: header lines, then "Output:".
        let Some((header, body)) = text.split_once("\nOutput:\n") else {
            return Self {
                text,
                ..Self::default()
            };
        };
        let is_header = header.lines().count() <= 8
            && ["Chunk ID: ", "Exit code: ", "Wall time: ", "Script "]
                .iter()
                .any(|beginning| header.starts_with(beginning));
        if !is_header {
            return Self {
                text,
                ..Self::default()
            };
        }
        let after = |beginning: &str| header.lines().find_map(|line| line.strip_prefix(beginning));
        let exit_code = after("Process exited with code ").or_else(|| after("Exit code: "));
        let seconds = after("Wall time: ")
            .and_then(|time| time.split(' ').next())
            .and_then(|seconds| seconds.parse::<f64>().ok());
        Self {
            text: body.to_owned(),
            exit_code: exit_code.and_then(|code| code.trim().parse().ok()),
            duration_ms: seconds.and_then(millis),
        }
    }

    /// Says how the tool ended, as well as its output tells.
    pub(super) fn status(&self) -> ItemStatus {
        const REFUSED: &[&str] = &[
            "rejected by user",
            "approval policy is Never; reject",
            "Rejected(",
        ];
        const FAILED: &[&str] = &[
            "verification failed",
            "aborted by user",
            "exec_command failed",
            "unsupported call",
        ];
        let head = self
            .text
            .get(..self.text.len().min(400))
            .unwrap_or(&self.text);
        match self.exit_code {
            _ if REFUSED.iter().any(|sign| head.contains(sign)) => ItemStatus::Declined,
            Some(0) => ItemStatus::Completed,
            Some(_) => ItemStatus::Failed,
            None if FAILED.iter().any(|sign| head.contains(sign)) => ItemStatus::Failed,
            None => ItemStatus::Completed,
        }
    }
}

fn millis(seconds: f64) -> Option<u64> {
    std::time::Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|duration| u64::try_from(duration.as_millis()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, text: &str, exit_code: Option<i32>, status: ItemStatus) {
        let read = ToolOutput::of(&Value::String(output.to_owned()));

        assert_eq!(
            (read.text.as_str(), read.exit_code, read.status()),
            (text, exit_code, status)
        );
    }

    #[test]
    fn outputs_of_all_versions() {
        check(
            r#"{"output":"no such file\n","metadata":{"exit_code":1,"duration_seconds":0.5}}"#,
            "no such file\n",
            Some(1),
            ItemStatus::Failed,
        );
        check(
            "Chunk ID: 18cef0\nWall time: 0.0000 seconds\nProcess exited with code 0\nOriginal token count: 1\nOutput:\nhi\n",
            "hi\n",
            Some(0),
            ItemStatus::Completed,
        );
        check(
            "Exit code: 2\nWall time: 0 seconds\nOutput:\nbad",
            "bad",
            Some(2),
            ItemStatus::Failed,
        );
        check("Plan updated", "Plan updated", None, ItemStatus::Completed);
        check(
            "patch rejected by user",
            "patch rejected by user",
            None,
            ItemStatus::Declined,
        );
        check("{\"x\":1}", "{\"x\":1}", None, ItemStatus::Completed);
    }
}
