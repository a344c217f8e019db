//! The app-server's protocol, as far as it tells what threads do and lets a person answer.
//!
//! Format: generated schema of 0.169.0 and recordings, see `docs/formats/codex-live.md`. Fields and
//! methods that are not known are passed over.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::session::{Need, NeedKind};
use crate::task::words::inner_script;
use crate::text::shorten_middle;

/// Longest request that is kept, in bytes.
const SUMMARY_BYTES: usize = 4 * 1024;

/// What the server says of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// It is in no process of this server.
    NotLoaded,
    /// Its turn is over.
    Idle,
    /// A turn runs.
    Active,
    /// A turn waits for a person.
    Waiting,
}

/// Reads a thread's status; none if this version says something unknown.
#[must_use]
pub fn thread_state(status: &Value) -> Option<ThreadState> {
    Some(match status.get("type")?.as_str()? {
        "notLoaded" => ThreadState::NotLoaded,
        "idle" | "systemError" => ThreadState::Idle,
        "active" => {
            let flags = status.get("activeFlags").and_then(Value::as_array);
            let waits = |flag: &Value| {
                flag.as_str()
                    .is_some_and(|flag| flag.starts_with("waitingOn"))
            };
            if flags.is_some_and(|flags| flags.iter().any(waits)) {
                ThreadState::Waiting
            } else {
                ThreadState::Active
            }
        }
        _ => return None,
    })
}

/// Returns whether a thread has no transcript: helper threads such as the one that finds titles.
#[must_use]
pub fn is_without_transcript(thread: &Value) -> bool {
    thread.get("ephemeral").and_then(Value::as_bool) == Some(true)
        || thread.get("path").is_some_and(Value::is_null)
}

/// A request of the server that a person has to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The thread that waits.
    pub thread: String,
    /// What is asked for.
    pub need: Need,
    /// Since when.
    pub at: Option<Timestamp>,
    form: Form,
}

/// How a request is answered.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// With a decision.
    Decision,
    /// With the permissions that are granted.
    Permissions(Value),
    /// With an answer to each question.
    Questions(Vec<Question>),
    /// With an action and what was filled in.
    Elicitation {
        /// Fields that have to be filled in.
        required: Vec<String>,
    },
    /// Not from here.
    Elsewhere,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    id: String,
    text: String,
    options: Vec<String>,
    takes_other: bool,
}

/// Why an answer was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerFault {
    /// It is none of the answers there are.
    NotOffered(String),
    /// It can be answered in the terminal only.
    Elsewhere,
}

impl std::fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOffered(offered) => write!(f, "The answer is {offered}."),
            Self::Elsewhere => f.write_str("This can be answered in its terminal only."),
        }
    }
}

/// Reads a request; none if it is nothing a person has to answer.
#[must_use]
pub fn asked(method: &str, params: &Value) -> Option<Asked> {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let thread = text("threadId")?.to_owned();
    let reason = text("reason")
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let (kind, says, choices, form) = match method {
        "item/commandExecution/requestApproval" => {
            let command = inner_script(text("command").unwrap_or("a command"));
            let says = request("Run this command?", reason, &format!("$ {command}"));
            (NeedKind::Approval, says, decisions(params), Form::Decision)
        }
        "item/fileChange/requestApproval" => {
            let root = text("grantRoot").map(|root| format!("below {root}"));
            let says = request("Change these files?", reason, &root.unwrap_or_default());
            (NeedKind::Approval, says, decisions(params), Form::Decision)
        }
        "item/permissions/requestApproval" => {
            let wanted = params.get("permissions").cloned().unwrap_or_default();
            let says = request("Grant further permissions?", reason, &wanted.to_string());
            let choices = yes_or_no();
            (NeedKind::Approval, says, choices, Form::Permissions(wanted))
        }
        "item/tool/requestUserInput" => {
            let questions = questions(params);
            let (says, choices) = asked_in(&questions);
            (
                NeedKind::Question,
                says,
                choices,
                Form::Questions(questions),
            )
        }
        "mcpServer/elicitation/request" => {
            let server = text("serverName").unwrap_or("a tool server");
            let message = text("message").or_else(|| text("description"));
            let says = format!("{server} asks: {}", message.unwrap_or_default());
            let form = match text("mode") {
                Some("form") => Form::Elicitation {
                    required: required(params),
                },
                _ => Form::Elsewhere,
            };
            (NeedKind::Elicitation, says, yes_or_no(), form)
        }
        _ => return None,
    };
    let item = match text("itemId") {
        Some(item) => item.to_owned(),
        None => format!("elicitation:{}", text("serverName").unwrap_or("-")),
    };
    let started = params.get("startedAtMs").and_then(Value::as_i64);
    Some(Asked {
        thread,
        need: Need {
            kind,
            summary: summary(&says),
            request_id: request_id(text("turnId"), &item),
            can_answer: form != Form::Elsewhere,
            choices,
        },
        at: started.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        form,
    })
}

/// Returns what a question of a turn asks, from the arguments of the call; it is not answered here.
pub(super) fn question(turn: Option<&str>, call: &str, arguments: &Value) -> Need {
    let (says, choices) = asked_in(&questions(arguments));
    Need {
        kind: NeedKind::Question,
        summary: summary(&says),
        request_id: request_id(turn, call),
        can_answer: false,
        choices,
    }
}

/// Returns what a command that waits for a yes asks; it is not answered here.
pub(super) fn command(turn: Option<&str>, item: &str, command: &str, reason: Option<&str>) -> Need {
    let about = format!("$ {}", inner_script(command));
    unanswerable(turn, item, &request("Run this command?", reason, &about))
}

/// The same for a patch that changes `files`.
pub(super) fn patch(turn: Option<&str>, item: &str, files: &[&str], reason: Option<&str>) -> Need {
    let says = request("Change these files?", reason, &files.join("\n"));
    unanswerable(turn, item, &says)
}

/// The same for another tool.
pub(super) fn tool(turn: Option<&str>, item: &str, tool: &str, input: &Value) -> Need {
    let about = format!("{tool} {input}");
    unanswerable(turn, item, &request("Use this tool?", None, &about))
}

fn unanswerable(turn: Option<&str>, item: &str, says: &str) -> Need {
    Need {
        kind: NeedKind::Approval,
        summary: summary(says),
        request_id: request_id(turn, item),
        can_answer: false,
        choices: Vec::new(),
    }
}

fn summary(says: &str) -> String {
    shorten_middle(says.trim(), SUMMARY_BYTES)
}

fn request_id(turn: Option<&str>, item: &str) -> String {
    format!("{}/{item}", turn.unwrap_or("-"))
}

impl Asked {
    /// Returns the result that carries a person's answer: `accept`, `decline`, or words.
    ///
    /// # Errors
    /// When the request cannot be answered so.
    pub fn answer(&self, text: &str) -> Result<Value, AnswerFault> {
        let word = text.trim();
        let is_yes = matches!(word, "accept" | "yes" | "approve");
        let is_no = matches!(word, "decline" | "no" | "deny");
        match &self.form {
            Form::Decision => match word {
                _ if is_yes => Ok(json!({ "decision": "accept" })),
                _ if is_no => Ok(json!({ "decision": "decline" })),
                "cancel" => Ok(json!({ "decision": "cancel" })),
                "accept_for_session" => Ok(json!({ "decision": "acceptForSession" })),
                _ => Err(self.not_offered("accept, decline, accept_for_session or cancel")),
            },
            Form::Permissions(wanted) if is_yes => {
                Ok(json!({ "permissions": wanted, "scope": "turn" }))
            }
            Form::Permissions(_) if is_no => Ok(json!({ "permissions": {} })),
            Form::Permissions(_) => Err(self.not_offered("accept or decline")),
            Form::Questions(questions) => self.answers(questions, word),
            Form::Elicitation { .. } if is_no => Ok(json!({ "action": "decline" })),
            Form::Elicitation { required } => {
                let content: Option<Map<String, Value>> = serde_json::from_str(word).ok();
                match content {
                    Some(content) => Ok(json!({ "action": "accept", "content": content })),
                    None if is_yes && required.is_empty() => {
                        Ok(json!({ "action": "accept", "content": {} }))
                    }
                    None => Err(self.not_offered(&format!(
                        "decline, or an object of JSON with {}",
                        required.join(", ")
                    ))),
                }
            }
            Form::Elsewhere => Err(AnswerFault::Elsewhere),
        }
    }

    fn answers(&self, questions: &[Question], text: &str) -> Result<Value, AnswerFault> {
        let mut options = questions.iter().flat_map(|question| &question.options);
        let is_offered = options.any(|option| option.eq_ignore_ascii_case(text));
        if !is_offered && matches!(text, "accept" | "approve") {
            // Whoever says so did not read the question.
            let all: Vec<&str> = questions
                .iter()
                .flat_map(|q| &q.options)
                .map(String::as_str)
                .collect();
            let wanted = match all.as_slice() {
                [] => "in words".to_owned(),
                all => format!(
                    "one of {}, or other words where they are taken",
                    all.join(", ")
                ),
            };
            return Err(self.not_offered(&wanted));
        }
        let given: Option<Map<String, Value>> = serde_json::from_str(text).ok();
        let mut answers = Map::new();
        for question in questions {
            let answer = match (&given, questions) {
                (Some(given), _) => given.get(&question.id).and_then(Value::as_str),
                (None, [_]) => Some(text),
                (None, _) => None,
            };
            let Some(answer) = answer else {
                let ids: Vec<&str> = questions.iter().map(|question| &*question.id).collect();
                let wanted = format!("an object of JSON with an answer to {}", ids.join(", "));
                return Err(self.not_offered(&wanted));
            };
            let offered = question
                .options
                .iter()
                .find(|option| option.eq_ignore_ascii_case(answer.trim()));
            let answer = match offered {
                Some(option) => option.as_str(),
                None if question.options.is_empty() || question.takes_other => answer,
                None => return Err(self.not_offered(&question.options.join(", "))),
            };
            answers.insert(question.id.clone(), json!({ "answers": [answer] }));
        }
        Ok(json!({ "answers": answers }))
    }

    fn not_offered(&self, offered: &str) -> AnswerFault {
        AnswerFault::NotOffered(offered.to_owned())
    }
}

impl Question {
    fn sentence(&self) -> String {
        if self.options.is_empty() {
            return self.text.clone();
        }
        format!("{} ({})", self.text, self.options.join(", "))
    }
}

/// Returns all questions, and the answers that are offered where there is one.
fn asked_in(questions: &[Question]) -> (String, Vec<String>) {
    let all: Vec<String> = questions.iter().map(Question::sentence).collect();
    let choices = match questions {
        [only] => only.options.clone(),
        _ => Vec::new(),
    };
    (all.join("\n"), choices)
}

/// A question with its reason on one line, and below it what it is about.
fn request(question: &str, reason: Option<&str>, about: &str) -> String {
    let reason = reason.unwrap_or_default().replace('\n', " ");
    let first = format!("{question} {reason}");
    format!("{}\n{about}", first.trim_end())
}

fn yes_or_no() -> Vec<String> {
    vec!["accept".to_owned(), "decline".to_owned()]
}

/// What a decision may be; amendments of the policy are left to the terminal.
fn decisions(params: &Value) -> Vec<String> {
    let offered = params.get("availableDecisions").and_then(Value::as_array);
    let mut choices = yes_or_no();
    let offers = |word: &str| offered.is_some_and(|all| all.iter().any(|one| one == word));
    if offers("acceptForSession") {
        choices.push("accept_for_session".to_owned());
    }
    if offers("cancel") {
        choices.push("cancel".to_owned());
    }
    choices
}

fn questions(params: &Value) -> Vec<Question> {
    let all = params.get("questions").and_then(Value::as_array);
    let read = |question: &Value| {
        let text = |name: &str| question.get(name).and_then(Value::as_str);
        let options = question.get("options").and_then(Value::as_array);
        let label = |option: &Value| Some(option.get("label")?.as_str()?.to_owned());
        Some(Question {
            id: text("id")?.to_owned(),
            text: text("question").or_else(|| text("header"))?.to_owned(),
            options: options.into_iter().flatten().filter_map(label).collect(),
            takes_other: question.get("isOther").and_then(Value::as_bool) == Some(true),
        })
    };
    all.into_iter().flatten().filter_map(read).collect()
}

fn required(params: &Value) -> Vec<String> {
    let names = params.pointer("/requestedSchema/required");
    let names = names.and_then(Value::as_array);
    let text = |name: &Value| name.as_str().map(str::to_owned);
    names.into_iter().flatten().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSCRIPT: &str = include_str!("../../../testdata/live/approval-over-the-socket.jsonl");

    fn command(more: Value) -> Asked {
        let mut params = json!({
            "threadId": "a", "turnId": "t1", "itemId": "call_1", "startedAtMs": 1_795_160_491_305_i64,
            "reason": "May I?", "command": "/bin/bash -lc 'touch /opt/x'", "cwd": "/home/dev/acme",
        });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        asked("item/commandExecution/requestApproval", &params).unwrap()
    }

    #[test]
    fn a_recorded_conversation_is_understood() {
        let messages: Vec<Value> = TRANSCRIPT
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let states: Vec<ThreadState> = messages
            .iter()
            .filter(|message| message["method"] == "thread/status/changed")
            .filter_map(|message| thread_state(&message["params"]["status"]))
            .collect();
        let requests: Vec<Asked> = messages
            .iter()
            .filter_map(|message| asked(message["method"].as_str()?, &message["params"]))
            .collect();

        assert!(states.contains(&ThreadState::Waiting), "{states:?}");
        assert!(states.contains(&ThreadState::Active), "{states:?}");
        assert_eq!(requests.len(), 2);
        let need = &requests[0].need;
        assert_eq!(
            need.summary,
            "Run this command? May I create /opt/acme-marker?\n$ touch /opt/acme-marker"
        );
        assert_eq!(
            need.request_id,
            "01a1f7e7-44ee-7271-a34c-f52c99f6c57b/call_b0dbfd4b4351423db97a"
        );
        assert_eq!(need.choices, ["accept", "decline", "cancel"]);
    }

    #[test]
    fn a_state_that_is_not_known_is_none() {
        assert_eq!(
            thread_state(&json!({ "type": "idle" })),
            Some(ThreadState::Idle)
        );
        assert_eq!(
            thread_state(&json!({ "type": "active", "activeFlags": ["waitingOnTheMoon"] })),
            Some(ThreadState::Waiting)
        );
        assert_eq!(
            thread_state(&json!({ "type": "active" })),
            Some(ThreadState::Active)
        );
        assert_eq!(thread_state(&json!({ "type": "dreaming" })), None);
        assert_eq!(thread_state(&json!("idle")), None);
    }

    #[test]
    fn decisions_are_words() {
        let asked = command(json!({ "availableDecisions": ["accept", "acceptForSession"] }));

        assert_eq!(
            asked.answer("accept").unwrap(),
            json!({ "decision": "accept" })
        );
        assert_eq!(
            asked.answer(" no ").unwrap(),
            json!({ "decision": "decline" })
        );
        assert_eq!(
            asked.answer("accept_for_session").unwrap(),
            json!({ "decision": "acceptForSession" })
        );
        let fault = asked.answer("maybe").unwrap_err();
        assert!(fault.to_string().contains("accept, decline"), "{fault}");
        assert_eq!(
            asked.need.choices,
            ["accept", "decline", "accept_for_session"]
        );
    }

    #[test]
    fn questions_take_an_option_or_words() {
        let question = |id: &str, other: bool| {
            json!({ "id": id, "header": "H", "question": "Which color?", "isOther": other,
                    "options": [{ "label": "Red", "description": "" }, { "label": "Blue", "description": "" }] })
        };
        let ask = |questions: Value| {
            let params = json!({ "threadId": "a", "turnId": "t", "itemId": "i", "isBlocking": true,
                                 "questions": questions });
            asked("item/tool/requestUserInput", &params).unwrap()
        };

        let one = ask(json!([question("color", false)]));
        let open = ask(json!([question("color", true)]));
        let two = ask(json!([question("a", false), question("b", false)]));

        assert_eq!(one.need.choices, ["Red", "Blue"]);
        assert_eq!(one.need.summary, "Which color? (Red, Blue)");
        assert_eq!(
            one.answer("red").unwrap(),
            json!({ "answers": { "color": { "answers": ["Red"] } } })
        );
        assert!(one.answer("green").is_err());
        assert!(open.answer("accept").is_err(), "it is no answer to this");
        assert_eq!(
            open.answer("green").unwrap(),
            json!({ "answers": { "color": { "answers": ["green"] } } })
        );
        assert!(two.answer("Red").unwrap_err().to_string().contains("a, b"));
        assert_eq!(
            two.answer(r#"{"a":"Red","b":"Blue"}"#).unwrap()["answers"]["b"]["answers"],
            json!(["Blue"])
        );
    }

    #[test]
    fn permissions_and_forms_are_granted_as_asked() {
        let wanted = json!({ "network": { "enabled": true } });
        let params = json!({ "threadId": "a", "turnId": "t", "itemId": "i", "cwd": "/",
                             "permissions": wanted });
        let permissions = asked("item/permissions/requestApproval", &params).unwrap();
        let form = |required: Value| {
            let params = json!({ "threadId": "a", "turnId": null, "serverName": "tools",
                "mode": "form", "message": "Which one?",
                "requestedSchema": { "type": "object", "properties": {}, "required": required } });
            asked("mcpServer/elicitation/request", &params).unwrap()
        };
        let url = json!({ "threadId": "a", "serverName": "tools", "mode": "url", "message": "Go",
                          "url": "https://x.example", "elicitationId": "e" });
        let url = asked("mcpServer/elicitation/request", &url).unwrap();

        assert_eq!(permissions.answer("accept").unwrap()["permissions"], wanted);
        assert_eq!(
            permissions.answer("decline").unwrap()["permissions"],
            json!({})
        );
        let plain = form(json!([]));
        assert_eq!(plain.need.request_id, "-/elicitation:tools");
        assert_eq!(plain.answer("accept").unwrap()["action"], "accept");
        assert!(form(json!(["name"])).answer("accept").is_err());
        let filled = form(json!(["name"])).answer(r#"{"name":"x"}"#).unwrap();
        assert_eq!(filled["content"]["name"], "x");
        assert!(!url.need.can_answer);
        assert_eq!(url.answer("accept"), Err(AnswerFault::Elsewhere));
    }

    #[test]
    fn what_nobody_has_to_answer_is_no_request() {
        assert_eq!(asked("currentTime/read", &json!({ "threadId": "a" })), None);
        assert_eq!(
            asked("item/commandExecution/requestApproval", &json!({})),
            None
        );
    }
}
