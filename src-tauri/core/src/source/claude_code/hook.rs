//! What Claude Code tells a `PermissionRequest` hook, and how the hook answers; measured with
//! 2.1.328.
//!
//! The hook is called when the dialog opens; whoever answers first counts. A plan is approved only
//! where its input is given back, so it always is.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::calls::CallPrint;

/// A request for a yes, an answer or a plan's approval.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionRequest {
    /// The session that asks.
    pub session: String,
    /// The sub-agent that asks, if one does.
    pub agent: Option<String>,
    /// Where the session's transcript lies.
    pub transcript_path: Option<String>,
    tool: String,
    input: Map<String, Value>,
}

/// Why an answer cannot be given: what can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOffered(pub String);

impl std::fmt::Display for NotOffered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The answer is {}.", self.0)
    }
}

#[derive(Deserialize)]
struct Event {
    hook_event_name: String,
}

#[derive(Deserialize)]
struct Payload {
    session_id: String,
    agent_id: Option<String>,
    transcript_path: Option<String>,
    tool_name: String,
    tool_input: Option<Map<String, Value>>,
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
        // It becomes a part of a file's name.
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_plain = |agent: &String| agent.bytes().all(is_part);
        if !payload.agent_id.as_ref().is_none_or(is_plain) {
            return Ok(None);
        }
        Ok(Some(Self {
            session: payload.session_id,
            agent: payload.agent_id,
            transcript_path: payload.transcript_path,
            tool: payload.tool_name,
            input: payload.tool_input.unwrap_or_default(),
        }))
    }

    /// Returns what the call of the transcript can be found by.
    #[must_use]
    pub fn print(&self) -> CallPrint {
        CallPrint::new(&self.tool, &self.input)
    }

    /// Returns what the hook prints for a person's answer: `accept`, `decline`, or words.
    ///
    /// # Errors
    /// When the request cannot be answered so.
    pub fn answer(&self, text: &str) -> Result<String, NotOffered> {
        let word = text.trim();
        let is_yes = matches!(word, "accept" | "yes" | "approve");
        let is_no = matches!(word, "decline" | "no" | "deny");
        let decision = match self.tool.as_str() {
            "AskUserQuestion" if word == "decline" && !self.offers(word) => declined(),
            // Whoever says so did not read the question.
            "AskUserQuestion" if word == "accept" && !self.offers(word) => {
                return Err(NotOffered(self.wanted()));
            }
            "AskUserQuestion" => allowed(&self.with_answers(word)?),
            _ if is_yes => allowed(&self.input),
            _ if is_no => declined(),
            _ => return Err(NotOffered("accept or decline".to_owned())),
        };
        let output = json!({"hookSpecificOutput": {
            "hookEventName": "PermissionRequest",
            "decision": decision,
        }});
        Ok(output.to_string())
    }

    /// Returns the input with an answer to each question.
    fn with_answers(&self, text: &str) -> Result<Map<String, Value>, NotOffered> {
        let questions = self.questions();
        let given: Option<Map<String, Value>> = serde_json::from_str(text).ok();
        let mut answers = Map::new();
        for question in &questions {
            let answer = match (&given, questions.as_slice()) {
                (Some(given), _) => given.get(question.text).and_then(Value::as_str),
                (None, [_]) => Some(text),
                (None, _) => None,
            };
            let answer = answer.map(str::trim).filter(|answer| !answer.is_empty());
            let answer = answer.ok_or_else(|| NotOffered(self.wanted()))?;
            let is_it = |label: &&&str| label.eq_ignore_ascii_case(answer);
            let answer = question
                .labels
                .iter()
                .find(is_it)
                .copied()
                .unwrap_or(answer);
            answers.insert(question.text.to_owned(), Value::from(answer));
        }
        if answers.is_empty() {
            let wanted = "decline; its questions cannot be read here".to_owned();
            return Err(NotOffered(wanted));
        }
        let mut input = self.input.clone();
        input.insert("answers".to_owned(), Value::Object(answers));
        Ok(input)
    }

    /// Says what an answer to the questions is.
    fn wanted(&self) -> String {
        let questions = self.questions();
        let all: Vec<&str> = questions.iter().map(|question| question.text).collect();
        match questions.as_slice() {
            [only] if only.labels.is_empty() => "in words, or decline".to_owned(),
            [only] => format!("one of {}, other words, or decline", only.labels.join(", ")),
            _ => format!(
                "an object of JSON with an answer to {}, or decline",
                all.join(", ")
            ),
        }
    }

    fn offers(&self, word: &str) -> bool {
        let questions = self.questions();
        let mut labels = questions.iter().flat_map(|question| &question.labels);
        labels.any(|label| label.eq_ignore_ascii_case(word))
    }

    fn questions(&self) -> Vec<Question<'_>> {
        let all = self.input.get("questions").and_then(Value::as_array);
        all.into_iter()
            .flatten()
            .filter_map(Question::read)
            .collect()
    }
}

/// Who decided about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// A hook.
    Hook,
    /// The person in the terminal, or a rule.
    Other,
}

/// Returns who decided about the call `call`, if this line of the transcript says so: the one about
/// the hook, or the one with the call's result.
#[must_use]
pub fn decided(line: &[u8], call: &str) -> Option<DecidedBy> {
    memchr::memmem::find(line, call.as_bytes())?;
    let line: Value = serde_json::from_slice(line).ok()?;
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str);
    if text("/attachment/type") == Some("hook_permission_decision")
        && text("/attachment/toolUseID") == Some(call)
    {
        return Some(DecidedBy::Hook);
    }
    // A request to the model repeats the result in a line of its own.
    let content = line.pointer("/message/content").and_then(Value::as_array);
    let content = content.filter(|_| text("/type") == Some("user"))?;
    let is_result = |block: &Value| {
        let text = |name: &str| block.get(name).and_then(Value::as_str);
        text("type") == Some("tool_result") && text("tool_use_id") == Some(call)
    };
    if !content.iter().any(is_result) {
        return None;
    }
    Some(match text("/permissionDecision/source") {
        Some("hook") => DecidedBy::Hook,
        Some(_) | None => DecidedBy::Other,
    })
}

struct Question<'a> {
    text: &'a str,
    labels: Vec<&'a str>,
}

impl<'a> Question<'a> {
    fn read(question: &'a Value) -> Option<Self> {
        let options = question.get("options").and_then(Value::as_array);
        let label = |option: &'a Value| option.get("label")?.as_str();
        Some(Self {
            text: question.get("question")?.as_str()?,
            labels: options.into_iter().flatten().filter_map(label).collect(),
        })
    }
}

fn allowed(input: &Map<String, Value>) -> Value {
    json!({"behavior": "allow", "updatedInput": input})
}

fn declined() -> Value {
    json!({"behavior": "deny", "message": "The user declined this."})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(tool: &str, input: &Value) -> PermissionRequest {
        let payload = json!({
            "session_id": "d2010af0-4ec5-4cb2-92c4-5e65f251da6a", "agent_id": "a1",
            "transcript_path": "/home/dev/.claude/projects/-home-dev-acme/d2010af0.jsonl",
            "cwd": "/home/dev/acme", "permission_mode": "default",
            "hook_event_name": "PermissionRequest", "tool_name": tool, "tool_input": input,
            "permission_suggestions": [],
        });
        PermissionRequest::read(payload.to_string().as_bytes())
            .unwrap()
            .unwrap()
    }

    fn decision(request: &PermissionRequest, answer: &str) -> Value {
        let output: Value = serde_json::from_str(&request.answer(answer).unwrap()).unwrap();
        assert_eq!(
            output.pointer("/hookSpecificOutput/hookEventName").unwrap(),
            "PermissionRequest"
        );
        output
            .pointer("/hookSpecificOutput/decision")
            .unwrap()
            .clone()
    }

    #[test]
    fn a_yes_gives_the_input_back_and_a_no_says_so() {
        let plan = json!({"plan": "# Plan", "planFilePath": "/home/dev/.claude/plans/a.md"});
        for (tool, input) in [
            ("Bash", json!({"command": "touch a"})),
            ("ExitPlanMode", plan),
        ] {
            let asked = request(tool, &input);

            let yes = json!({"behavior": "allow", "updatedInput": input});
            assert_eq!(decision(&asked, " accept "), yes);
            assert_eq!(decision(&asked, "decline").get("behavior").unwrap(), "deny");
            let says = asked.answer("perhaps").unwrap_err().to_string();
            assert_eq!(says, "The answer is accept or decline.");
        }
    }

    #[test]
    fn a_question_takes_an_option_or_words() {
        let input = json!({"questions": [{"question": "Which?", "options": [
            {"label": "SQLite"}, {"label": "No"}]}]});
        let asked = request("AskUserQuestion", &input);

        let answer = |words: &str| {
            let decision = decision(&asked, words);
            decision.pointer("/updatedInput/answers/Which?").cloned()
        };
        assert_eq!(answer("sqlite"), Some(json!("SQLite")));
        assert_eq!(answer("no"), Some(json!("No")), "an option called No");
        assert_eq!(answer("another one"), Some(json!("another one")));
        assert_eq!(decision(&asked, "decline").get("behavior").unwrap(), "deny");
        assert!(asked.answer("  ").is_err());
        let says = asked.answer("accept").unwrap_err().to_string();
        assert_eq!(
            says,
            "The answer is one of SQLite, No, other words, or decline."
        );
    }

    #[test]
    fn several_questions_take_an_object() {
        let input = json!({"questions": [
            {"question": "A?", "options": [{"label": "X"}]}, {"question": "B?", "options": []}]});
        let asked = request("AskUserQuestion", &input);

        let given = decision(&asked, r#"{"A?": "x", "B?": "words"}"#);
        let answers = given.pointer("/updatedInput/answers").unwrap();
        assert_eq!(answers, &json!({"A?": "X", "B?": "words"}));
        for missing in ["X", r#"{"A?": "X"}"#] {
            let says = asked.answer(missing).unwrap_err().to_string();
            assert!(says.contains("A?, B?"), "{says}");
        }
        let unreadable = request("AskUserQuestion", &json!({"questions": 3}));
        assert!(unreadable.answer("X").is_err());
    }

    #[test]
    fn the_transcript_says_who_decided() {
        let hook = json!({"type": "attachment", "attachment": {
            "type": "hook_permission_decision", "decision": "allow", "toolUseID": "toolu_1"}});
        let result = json!({"type": "user", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]}});
        let said = |line: &Value, call| decided(line.to_string().as_bytes(), call);

        assert_eq!(said(&hook, "toolu_1"), Some(DecidedBy::Hook));
        assert_eq!(said(&result, "toolu_1"), Some(DecidedBy::Other));
        let mut by_hook = result.clone();
        by_hook["permissionDecision"] = json!({"decision": "reject", "source": "hook"});
        assert_eq!(said(&by_hook, "toolu_1"), Some(DecidedBy::Hook));
        for line in [&hook, &result, &json!({"text": "toolu_2"})] {
            assert_eq!(said(line, "toolu_2"), None, "{line}");
        }
        let mut blob = result;
        blob["type"] = json!("api-request-blob");
        assert_eq!(said(&blob, "toolu_1"), None, "it says what was sent");
        assert_eq!(decided(b"toolu_1 {", "toolu_1"), None);
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
        let odd = r#"{"hook_event_name":"PermissionRequest","session_id":"a","tool_name":"b","tool_input":null,"agent_id":"../c"}"#;
        assert_eq!(PermissionRequest::read(odd.as_bytes()).unwrap(), None);
    }
}
