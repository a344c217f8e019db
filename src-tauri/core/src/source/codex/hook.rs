//! What Codex tells a hook before it asks a person: `PermissionRequest`, measured with 0.169.0.
//!
//! The hook is called before anybody decides, also where another agent or a rule decides.

use serde::Deserialize;
use serde_json::Value;

use super::live;
use crate::session::Need;

/// A request for a yes.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionRequest {
    /// The thread that asks.
    pub thread: String,
    /// Where its transcript lies.
    pub transcript_path: Option<String>,
    turn: Option<String>,
    tool: String,
    input: Value,
}

#[derive(Deserialize)]
struct Event {
    hook_event_name: String,
}

#[derive(Deserialize)]
struct Payload {
    session_id: String,
    turn_id: Option<String>,
    transcript_path: Option<String>,
    tool_name: String,
    #[serde(default)]
    tool_input: Value,
}

#[derive(Deserialize)]
struct Line {
    payload: Value,
}

impl PermissionRequest {
    /// Reads what the hook is given; none if it is called for something else.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn read(payload: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let event: Event = serde_json::from_slice(payload)?;
        if event.hook_event_name != "PermissionRequest" {
            return Ok(None);
        }
        let payload: Payload = serde_json::from_slice(payload)?;
        Ok(Some(Self {
            thread: payload.session_id,
            transcript_path: payload.transcript_path,
            turn: payload.turn_id,
            tool: payload.tool_name,
            input: payload.tool_input,
        }))
    }

    /// Finds the call that asks among the latest lines of the transcript.
    #[must_use]
    pub fn item(&self, lines: &[u8]) -> Option<String> {
        let mut open: Vec<(String, String)> = Vec::new();
        for line in lines.split(|byte| *byte == b'\n') {
            let Ok(Line { payload }) = serde_json::from_slice(line) else {
                continue;
            };
            let text = |name: &str| payload.get(name).and_then(Value::as_str);
            let Some(call) = text("call_id") else {
                continue;
            };
            match text("type") {
                Some("function_call" | "custom_tool_call") => {
                    let says = text("arguments").or_else(|| text("input"));
                    open.push((call.to_owned(), says.unwrap_or_default().to_owned()));
                }
                Some("function_call_output" | "custom_tool_call_output") => {
                    open.retain(|(open, _)| open != call);
                }
                Some(_) | None => {}
            }
        }
        let asking = self.command().and_then(|command| {
            let command = command.trim();
            let quoted = Value::from(command).to_string();
            let quoted = quoted.trim_matches('"');
            open.iter()
                .find(|(_, says)| says.contains(command) || says.contains(quoted))
        });
        match (asking, open.as_slice()) {
            (Some((call, _)), _) | (None, [(call, _)]) => Some(call.clone()),
            (None, _) => None,
        }
    }

    /// Returns what a person is asked by the call `item`, or by one that is not known and asked at
    /// `at_ms`, in milliseconds since 1970.
    #[must_use]
    pub fn need(&self, item: Option<&str>, at_ms: i64) -> Need {
        let unnamed = format!("hook:{at_ms}");
        let item = item.unwrap_or(&unnamed);
        let reason = self.input.get("description").and_then(Value::as_str);
        let turn = self.turn.as_deref();
        match (self.tool.as_str(), self.command()) {
            ("apply_patch", Some(patch)) => live::patch(turn, item, &files(patch), reason),
            (_, Some(command)) => live::command(turn, item, command, reason),
            (tool, None) => live::tool(turn, item, tool, &self.input),
        }
    }

    fn command(&self) -> Option<&str> {
        self.input.get("command").and_then(Value::as_str)
    }
}

/// Returns the files a patch is about.
fn files(patch: &str) -> Vec<&str> {
    const MARKS: &[&str] = &["*** Add File: ", "*** Update File: ", "*** Delete File: "];
    let file = |line| MARKS.iter().find_map(|mark| str::strip_prefix(line, mark));
    patch.lines().filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(tool: &str, input: &Value) -> PermissionRequest {
        let payload = json!({
            "session_id": "01a1f7ec-84e5-7cb1-a7a2-453be660bbff", "turn_id": "t1",
            "transcript_path": "/home/dev/.codex/sessions/2026/11/20/rollout.jsonl",
            "cwd": "/home/dev/acme", "hook_event_name": "PermissionRequest", "model": "gpt-5.5",
            "permission_mode": "default", "tool_name": tool, "tool_input": input,
        });
        PermissionRequest::read(payload.to_string().as_bytes())
            .unwrap()
            .unwrap()
    }

    fn call(id: &str, arguments: &Value) -> String {
        json!({"timestamp": "2026-11-20T10:00:00Z", "type": "response_item", "payload": {
            "type": "function_call", "call_id": id, "name": "exec_command",
            "arguments": arguments.to_string()}})
        .to_string()
    }

    fn output(id: &str) -> String {
        json!({"timestamp": "2026-11-20T10:00:01Z", "type": "response_item", "payload": {
            "type": "function_call_output", "call_id": id, "output": "ok"}})
        .to_string()
    }

    #[test]
    fn a_command_is_asked_for_with_its_reason() {
        let asked = request(
            "Bash",
            &json!({"command": "touch /opt/x", "description": "May I?"}),
        );

        assert_eq!(asked.thread, "01a1f7ec-84e5-7cb1-a7a2-453be660bbff");
        let need = asked.need(Some("call_1"), 5);
        assert_eq!(need.summary, "Run this command? May I?\n$ touch /opt/x");
        assert_eq!(need.request_id, "t1/call_1");
        assert!(!need.can_answer);
        assert_eq!(asked.need(None, 5).request_id, "t1/hook:5");
    }

    #[test]
    fn a_patch_names_its_files_and_another_tool_its_input() {
        let patch =
            "*** Begin Patch\n*** Add File: /opt/zz.txt\n+a\n*** Update File: b\n*** End Patch";
        let need = request("apply_patch", &json!({"command": patch})).need(Some("p"), 0);
        assert_eq!(need.summary, "Change these files?\n/opt/zz.txt\nb");

        let need = request("mcp__lab__echo", &json!({"n": 1})).need(Some("p"), 0);
        assert_eq!(need.summary, "Use this tool?\nmcp__lab__echo {\"n\":1}");
    }

    #[test]
    fn the_call_that_asks_is_the_open_one_with_its_command() {
        let asked = request("Bash", &json!({"command": "touch \"/opt/x y\""}));
        let other = call("c1", &json!({"cmd": "ls"}));
        let asking = call(
            "c2",
            &json!({"cmd": "touch \"/opt/x y\"", "justification": "?"}),
        );

        let lines = |lines: &[&str]| lines.join("\n");
        let item = |text: &str| asked.item(text.as_bytes());
        assert_eq!(item(&lines(&[&other, &asking])).as_deref(), Some("c2"));
        assert_eq!(
            item(&lines(&[&other])).as_deref(),
            Some("c1"),
            "the only one"
        );
        let both = [&*other, &*call("c3", &json!({"cmd": "pwd"}))];
        assert_eq!(item(&lines(&both)), None);
        assert_eq!(item(&lines(&[&asking, &output("c2")])), None);
        assert_eq!(item("not a line\n{}"), None);
    }

    #[test]
    fn other_hooks_are_passed_over_and_damaged_input_is_said() {
        let stop = r#"{"hook_event_name":"Stop","session_id":"a"}"#;
        assert_eq!(PermissionRequest::read(stop.as_bytes()).unwrap(), None);
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"hook_event_name":"PermissionRequest"}"#,
        ] {
            assert!(PermissionRequest::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
