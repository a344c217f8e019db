//! What an agent does at the moment, in a few words.

use std::collections::BTreeMap;

use memchr::memmem;
use serde::Deserialize;

use super::line::{CommandArguments, ToolCall, is_command_tool};
use crate::text::one_line;

/// Longest command that is named, in characters.
const COMMAND_CHARS: usize = 120;
/// Background commands that are remembered; older ones are waited for without their name.
const MAX_BACKGROUND: usize = 32;

/// Commands that run, so that waiting for one can name it.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// By call.
    open: BTreeMap<String, String>,
    /// Those that went on in the background, by the number the tool gave them.
    background: BTreeMap<u64, String>,
}

#[derive(Deserialize)]
struct WaitArguments {
    session_id: u64,
}

impl Commands {
    /// Says what a call does, and remembers a command.
    pub(super) fn begin(&mut self, call: &ToolCall) -> String {
        let text = call
            .arguments
            .as_deref()
            .or(call.input.as_deref())
            .unwrap_or_default();
        let running = match call.name.as_str() {
            name if is_command_tool(name) => Some(command_in(text)),
            "exec" => Some(command_in_script(text)),
            "write_stdin" => Some(self.awaited(text)),
            _ => None,
        };
        match running.flatten() {
            Some(activity) => {
                self.open.insert(call.call_id.clone(), activity.clone());
                activity
            }
            None => other(call),
        }
    }

    /// Takes in what a call gave back: a command may go on in the background.
    pub(super) fn end(&mut self, call_id: &str, output: &[u8]) {
        const SIGN: &[u8] = b"Process running with session ID ";
        let Some(activity) = self.open.remove(call_id) else {
            return;
        };
        let head = output.get(..output.len().min(2048)).unwrap_or(output);
        let Some(at) = memmem::find(head, SIGN) else {
            return;
        };
        let digits = head.get(at + SIGN.len()..).unwrap_or_default();
        let n_digits = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = digits
            .get(..n_digits)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            if self.background.len() >= MAX_BACKGROUND {
                self.background.pop_first();
            }
            self.background.insert(number, activity);
        }
    }

    fn awaited(&self, arguments: &str) -> Option<String> {
        let arguments: WaitArguments = serde_json::from_str(arguments).ok()?;
        self.background.get(&arguments.session_id).cloned()
    }
}

fn command_in(arguments: &str) -> Option<String> {
    let arguments = CommandArguments::parse(arguments)?;
    arguments.command().map(running)
}

/// Names the command a script of the code mode runs first, where it is written out. This is a
/// hint while nothing better is recorded; what really ran is taken from its item.
fn command_in_script(script: &str) -> Option<String> {
    const CALLS: &[&str] = &["exec_command(", "shell_command(", "shell("];
    let arguments = CALLS
        .iter()
        .find_map(|call| Some(script.split_once(call)?.1))?;
    let mut values = serde_json::Deserializer::from_str(arguments).into_iter::<CommandArguments>();
    let arguments = values.next()?.ok()?;
    arguments.command().map(running)
}

fn running(command: &str) -> String {
    format!("Running {}", one_line(command, COMMAND_CHARS))
}

fn other(call: &ToolCall) -> String {
    let server = call
        .namespace
        .as_deref()
        .and_then(|space| space.strip_prefix("mcp__"));
    match (call.name.as_str(), server) {
        (name, Some(server)) => format!("Calling {name} of {server}"),
        (name, None) if is_command_tool(name) => "Running a command".to_owned(),
        ("apply_patch", None) => "Editing files".to_owned(),
        ("exec", None) => "Running tools".to_owned(),
        ("write_stdin", None) => "Waiting for a command".to_owned(),
        ("wait_agent" | "wait", None) => "Waiting for a sub-agent".to_owned(),
        ("spawn_agent", None) => "Starting a sub-agent".to_owned(),
        ("view_image", None) => "Looking at an image".to_owned(),
        ("update_plan", None) => "Updating its plan".to_owned(),
        (name, None) => format!("Calling {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            call_id: id.to_owned(),
            name: name.to_owned(),
            namespace: None,
            arguments: Some(arguments.to_owned()),
            input: None,
        }
    }

    #[test]
    fn a_command_is_named_under_all_its_names() {
        let mut commands = Commands::default();
        let mut says = |name, arguments| commands.begin(&call("c", name, arguments));

        assert_eq!(
            says("exec_command", r#"{"cmd":"cargo test"}"#),
            "Running cargo test"
        );
        assert_eq!(
            says("shell", r#"{"command":["bash","-lc","ls"]}"#),
            "Running ls"
        );
        assert_eq!(
            says(
                "exec",
                r#"const r = await tools.exec_command({"cmd": "make \"x\""}); text(r);"#
            ),
            "Running make \"x\""
        );
        assert_eq!(says("exec", "const a = 1;"), "Running tools");
        assert_eq!(says("exec_command", "broken"), "Running a command");
    }

    #[test]
    fn waiting_for_a_background_command_names_it() {
        let mut commands = Commands::default();
        commands.begin(&call("c1", "exec_command", r#"{"cmd":"make"}"#));

        commands.end(
            "c1",
            br#"{"output":"Wall time: 10 s\nProcess running with session ID 7\nOutput:"}"#,
        );

        let wait = call("c2", "write_stdin", r#"{"session_id":7,"chars":""}"#);
        assert_eq!(commands.begin(&wait), "Running make");
        let wait = call("c3", "write_stdin", r#"{"session_id":8,"chars":""}"#);
        assert_eq!(commands.begin(&wait), "Waiting for a command");
    }
}
