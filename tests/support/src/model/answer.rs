//! Turns one step of a script into the answer to one request, in the tools that the request offers.

use serde_json::{Value, json};

use super::script::{Item, Reply, Script, Step, say};

/// How long a command may run before the agent reports it as still running.
const YIELD_MS: u32 = 30_000;

/// The answer to one request.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    request: &'a Value,
    pub(super) step: Step,
}

impl<'a> Answer<'a> {
    /// Finds the step that the request has arrived at.
    pub(super) fn choose(script: &Script, request: &'a Value) -> Self {
        let input = list(request, "input");
        let prompt_at = input.iter().rposition(|item| prompt_of(item).is_some());
        let prompt = prompt_at
            .and_then(|at| prompt_of(&input[at]))
            .unwrap_or_default();
        let since = &input[prompt_at.map_or(0, |at| at + 1)..];
        let n_outputs = since.iter().filter(|item| is_final_output(item)).count();

        let steps = script.turn(prompt).unwrap_or_default();
        let mut n_calls = 0;
        for step in steps {
            let n_before = n_calls;
            n_calls += step.n_calls();
            // A step without calls stands at its place only when everything before it is answered.
            if n_outputs == n_before {
                return Self {
                    request,
                    step: step.clone(),
                };
            }
        }
        let step = say(&format!(
            "The script has nothing for step {n_outputs} of `{prompt}`."
        ));
        Self { request, step }
    }

    /// Returns the answer as server-sent events.
    pub(super) fn events(&self) -> String {
        let id = format!("resp_{}", self.unique());
        let mut events = vec![json!({
            "type": "response.created",
            "response": {"id": id, "status": "in_progress"},
        })];
        match &self.step.reply {
            Reply::Items(items) => {
                for (index, item) in self.items(items).into_iter().enumerate() {
                    events.push(json!({
                        "type": "response.output_item.done",
                        "output_index": index,
                        "item": item,
                    }));
                }
                events.push(json!({
                    "type": "response.completed",
                    "response": {"id": id, "status": "completed", "usage": {
                        "input_tokens": 1200,
                        "input_tokens_details": {"cached_tokens": 400},
                        "output_tokens": 80,
                        "output_tokens_details": {"reasoning_tokens": 30},
                        "total_tokens": 1280,
                    }},
                }));
            }
            Reply::Failed { code, message } => events.push(json!({
                "type": "response.failed",
                "response": {
                    "id": id,
                    "status": "failed",
                    "error": {"code": code, "message": message},
                },
            })),
            Reply::Dropped | Reply::Http { .. } => {}
        }
        let mut text = String::new();
        for event in events {
            let name = event["type"].as_str().unwrap_or_default();
            text.push_str(&format!("event: {name}\ndata: {event}\n\n"));
        }
        text
    }

    fn items(&self, items: &[Item]) -> Vec<Value> {
        if let Some(session) = self.running_command() {
            return vec![self.function_call(
                "write_stdin",
                None,
                &json!({"session_id": session, "chars": "", "yield_time_ms": YIELD_MS}),
                0,
            )];
        }
        let needs_agents = items.iter().any(|item| matches!(item, Item::SpawnAgent(_)));
        if needs_agents && self.offer("spawn_agent").is_none() {
            return vec![json!({
                "type": "tool_search_call",
                "id": format!("tsc_{}", self.unique()),
                "call_id": format!("call_search_{}", self.unique()),
                "status": "completed",
                "execution": "client",
                "arguments": {"query": "spawn sub agent", "limit": 8},
            })];
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| self.item(item, index))
            .collect()
    }

    fn item(&self, item: &Item, index: usize) -> Value {
        match item {
            Item::Message(text) => json!({
                "type": "message",
                "id": format!("msg_{}_{index}", self.unique()),
                "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            }),
            Item::Reasoning(text) => json!({
                "type": "reasoning",
                "id": format!("rs_{}_{index}", self.unique()),
                "summary": [{"type": "summary_text", "text": text}],
                "encrypted_content": "scripted",
            }),
            Item::Command(line) => {
                self.command(&json!({"cmd": line, "yield_time_ms": YIELD_MS}), index)
            }
            Item::Escalated(line) => {
                let why = format!("May I run `{line}`?");
                let arguments = json!({
                    "cmd": line,
                    "sandbox_permissions": "require_escalated",
                    "justification": why,
                });
                self.command(&arguments, index)
            }
            Item::Question(text, options) => {
                let options: Vec<Value> = options
                    .iter()
                    .map(|label| json!({ "label": label, "description": label }))
                    .collect();
                let asked = json!({ "questions": [{
                    "id": "choice", "header": "Choice", "question": text, "options": options,
                }] });
                self.function_call("request_user_input", None, &asked, index)
            }
            Item::Patch(text) => self.patch(text, index),
            Item::SpawnAgent(task) => self.spawn_agent(task, index),
            Item::WaitAgents => self.wait_agents(index),
        }
    }

    /// Runs a command, told in the arguments of the newest shell tool.
    fn command(&self, arguments: &Value, index: usize) -> Value {
        let line = &arguments["cmd"];
        if self.offer("exec_command").is_some() {
            return self.function_call("exec_command", None, arguments, index);
        }
        if self.offer("exec").is_some() {
            let script = format!(
                "let r = await tools.exec_command({arguments});\n\
                 while (r.session_id && r.exit_code === undefined) {{\n\
                   r = await tools.write_stdin({{\"session_id\": r.session_id, \"chars\": \"\", \
                 \"yield_time_ms\": {YIELD_MS}}});\n\
                 }}\n\
                 text(JSON.stringify(r));"
            );
            return self.custom_call("exec", &script, index);
        }
        if self.offer("shell_command").is_some() {
            return self.function_call("shell_command", None, &json!({ "command": line }), index);
        }
        let arguments = json!({"command": ["bash", "-lc", line]});
        self.function_call("shell", None, &arguments, index)
    }

    fn patch(&self, text: &str, index: usize) -> Value {
        if self.offer("apply_patch").is_none() && self.offer("exec").is_some() {
            let patch = json!(text);
            let script =
                format!("const r = await tools.apply_patch({patch});\ntext(JSON.stringify(r));");
            return self.custom_call("exec", &script, index);
        }
        self.custom_call("apply_patch", text, index)
    }

    fn spawn_agent(&self, task: &str, index: usize) -> Value {
        let namespace = self.offer("spawn_agent").flatten();
        let arguments = if namespace.as_deref() == Some("collaboration") {
            json!({"task_name": "part", "message": task, "fork_turns": "none"})
        } else {
            json!({ "message": task })
        };
        self.function_call("spawn_agent", namespace.as_deref(), &arguments, index)
    }

    fn wait_agents(&self, index: usize) -> Value {
        let namespace = self.offer("wait_agent").flatten();
        let mut arguments = json!({"timeout_ms": 60_000});
        let agents: Vec<Value> = list(self.request, "input")
            .iter()
            .filter_map(|item| serde_json::from_str::<Value>(item["output"].as_str()?).ok())
            .filter_map(|output| output.get("agent_id").cloned())
            .collect();
        if !agents.is_empty() {
            arguments["targets"] = Value::Array(agents);
        }
        self.function_call("wait_agent", namespace.as_deref(), &arguments, index)
    }

    fn function_call(
        &self,
        name: &str,
        namespace: Option<&str>,
        arguments: &Value,
        index: usize,
    ) -> Value {
        let mut call = json!({
            "type": "function_call",
            "id": format!("fc_{}_{index}", self.unique()),
            "call_id": format!("call_{}_{index}", self.unique()),
            "name": name,
            "arguments": arguments.to_string(),
        });
        if let Some(namespace) = namespace {
            call["namespace"] = json!(namespace);
        }
        call
    }

    fn custom_call(&self, name: &str, input: &str, index: usize) -> Value {
        json!({
            "type": "custom_tool_call",
            "id": format!("ctc_{}_{index}", self.unique()),
            "call_id": format!("call_{}_{index}", self.unique()),
            "status": "completed",
            "name": name,
            "input": input,
        })
    }

    /// Returns the running command's session when the latest output says that it still runs.
    fn running_command(&self) -> Option<u64> {
        let input = list(self.request, "input");
        let latest = input.iter().rfind(|item| is_output(item))?;
        running_session(latest)
    }

    /// Looks for a tool: `Some(namespace)` when the request offers it.
    fn offer(&self, tool: &str) -> Option<Option<String>> {
        let mut lists = vec![list(self.request, "tools")];
        for item in list(self.request, "input") {
            if matches!(kind(item), "additional_tools" | "tool_search_output") {
                lists.push(list(item, "tools"));
            }
        }
        for offered in lists.into_iter().flatten() {
            if offered["name"] == tool && kind(offered) != "namespace" {
                return Some(None);
            }
            if kind(offered) == "namespace"
                && list(offered, "tools")
                    .iter()
                    .any(|inner| inner["name"] == tool)
            {
                return Some(offered["name"].as_str().map(str::to_owned));
            }
        }
        None
    }

    /// Returns a text that no other request of this thread has.
    fn unique(&self) -> String {
        let key = self.request["prompt_cache_key"]
            .as_str()
            .unwrap_or("thread");
        format!(
            "{}_{}",
            key.replace('-', ""),
            list(self.request, "input").len()
        )
    }
}

/// Returns the text of a prompt that a person or a parent agent wrote.
fn prompt_of(item: &Value) -> Option<&str> {
    match kind(item) {
        "message" if item["role"] == "user" => {
            let text = list(item, "content")
                .iter()
                .find_map(|part| part["text"].as_str())?;
            (!text.starts_with('<') && !text.starts_with("# AGENTS")).then_some(text)
        }
        "agent_message" => {
            let content = list(item, "content");
            let first = content.first()?["text"].as_str()?;
            first.starts_with("Message Type: NEW_TASK").then_some(())?;
            content
                .get(1)
                .and_then(|part| part["encrypted_content"].as_str())
                .or(Some(first))
        }
        _ => None,
    }
}

fn is_output(item: &Value) -> bool {
    kind(item).ends_with("_output")
}

/// Tells whether an output ends a call of the script, rather than one that the model made up on the way.
fn is_final_output(item: &Value) -> bool {
    is_output(item) && kind(item) != "tool_search_output" && running_session(item).is_none()
}

fn running_session(output: &Value) -> Option<u64> {
    let text = output["output"].as_str()?;
    let (_, after) = text.split_once("Process running with session ID ")?;
    after.split_whitespace().next()?.parse().ok()
}

fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or("message")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}
