//! Calls of tools: what each does, and what it asks a person for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::session::{Need, NeedKind};
use crate::text::{one_line, shorten, strip_controls};

/// Longest command or the like that is named, in characters.
const ACTIVITY_CHARS: usize = 120;
/// Longest request, in characters.
const SUMMARY_CHARS: usize = 2_000;

/// A call that has no result yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Names the call; the same in every process.
    pub id: String,
    /// What it does, in a few words.
    pub activity: String,
    kind: NeedKind,
    summary: String,
    choices: Vec<String>,
    print: CallPrint,
}

/// What a call can be found by where its id is not told: its tool, and each part of its input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPrint {
    tool: String,
    /// By the name of the part.
    parts: BTreeMap<String, u64>,
}

impl CallPrint {
    pub(super) fn new(tool: &str, input: &Map<String, Value>) -> Self {
        let part = |(name, value): (&String, &Value)| {
            let mut hash = Fnv::default();
            hash.value(value);
            (name.clone(), hash.0)
        };
        Self {
            tool: tool.to_owned(),
            parts: input.iter().map(part).collect(),
        }
    }

    /// Returns whether all parts of both are the same.
    fn is_exactly(&self, call: &Call) -> bool {
        *self == call.print
    }

    /// Returns whether `call` may be the one; a transcript adds parts that were left out, and of a
    /// plan the hook may be told nothing at all.
    fn may_be(&self, call: &Call) -> bool {
        let has = |(name, hash): (&String, &u64)| call.print.parts.get(name) == Some(hash);
        let says_enough = !self.parts.is_empty() || call.kind == NeedKind::Plan;
        self.tool == call.print.tool && says_enough && self.parts.iter().all(has)
    }
}

/// Finds the open call of each print, both the oldest first; each call belongs to one print. None
/// where no call fits, or where several do and differ: then nobody may take one for the other.
#[must_use]
pub fn assign<'a>(prints: &[&CallPrint], calls: &[&'a Call]) -> Vec<Option<&'a Call>> {
    let mut free: Vec<&Call> = calls.to_vec();
    let mut found: Vec<Option<&Call>> = vec![None; prints.len()];
    for (print, found) in prints.iter().zip(&mut found) {
        if let Some(at) = free.iter().position(|call| print.is_exactly(call)) {
            *found = Some(free.remove(at));
        }
    }
    for (print, found) in prints.iter().zip(&mut found) {
        if found.is_some() {
            continue;
        }
        let mut fitting = free
            .iter()
            .enumerate()
            .filter(|(_, call)| print.may_be(call));
        let Some((at, first)) = fitting.next() else {
            continue;
        };
        if fitting.all(|(_, call)| call.print == first.print) {
            *found = Some(free.remove(at));
        }
    }
    found
}

/// FNV-1a, 64 bits: the same in every process and version.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Takes in a value; the order of an object's members does not count.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                self.bytes(b"{");
                let sorted: BTreeMap<&String, &Value> = members.iter().collect();
                for (name, value) in sorted {
                    self.bytes(name.as_bytes());
                    self.bytes(b":");
                    self.value(value);
                }
                self.bytes(b"}");
            }
            Value::Array(items) => {
                self.bytes(b"[");
                for item in items {
                    self.value(item);
                    self.bytes(b",");
                }
                self.bytes(b"]");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.bytes(value.to_string().as_bytes());
            }
        }
    }
}

impl Call {
    pub(super) fn new(id: String, tool: &str, input: &Value) -> Self {
        let (kind, summary, choices) = match tool {
            "AskUserQuestion" => {
                let (questions, choices) = questions(input);
                (NeedKind::Question, questions, choices)
            }
            "ExitPlanMode" => {
                let plan = text(input, "plan").unwrap_or("A plan waits for a yes.");
                (NeedKind::Plan, plan.to_owned(), Vec::new())
            }
            _ => (NeedKind::Approval, request(tool, input), Vec::new()),
        };
        Self {
            id,
            activity: activity(tool, input),
            kind,
            summary: shorten(strip_controls(&summary).trim(), SUMMARY_CHARS),
            choices,
            print: CallPrint::new(tool, input.as_object().unwrap_or(&Map::new())),
        }
    }

    /// Returns whether the call is a question or a plan, which always waits for a person.
    #[must_use]
    pub const fn always_waits(&self) -> bool {
        match self.kind {
            NeedKind::Question | NeedKind::Plan => true,
            NeedKind::Approval | NeedKind::Elicitation => false,
        }
    }

    /// Returns what the call asks for when it waits for a yes.
    #[must_use]
    pub fn need(&self) -> Need {
        Need {
            kind: self.kind,
            summary: self.summary.clone(),
            request_id: self.id.clone(),
            can_answer: false,
            choices: self.choices.clone(),
        }
    }

    /// Returns what the call asks for when it can be answered from here.
    #[must_use]
    pub fn answerable(&self) -> Need {
        let need = self.need();
        let choices = match need.kind {
            NeedKind::Approval | NeedKind::Plan => ["accept", "decline"].map(str::to_owned).into(),
            NeedKind::Question | NeedKind::Elicitation => need.choices,
        };
        Need {
            can_answer: true,
            choices,
            ..need
        }
    }

    /// Returns what the call asks for when it waits for an answer.
    #[must_use]
    pub fn input_need(&self) -> Need {
        let kind = match self.kind {
            NeedKind::Approval | NeedKind::Elicitation => NeedKind::Elicitation,
            NeedKind::Question | NeedKind::Plan => self.kind,
        };
        Need {
            kind,
            ..self.need()
        }
    }
}

fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}

/// Returns the path of the file a tool works on.
pub(super) fn path(input: &Value) -> Option<&str> {
    text(input, "file_path").or_else(|| text(input, "notebook_path"))
}

/// Returns the server and the tool of a call that another program serves.
fn served(tool: &str) -> Option<(&str, &str)> {
    tool.strip_prefix("mcp__")?.split_once("__")
}

/// Returns how a tool is called in a timeline, with its server before it.
pub(super) fn shown_name(tool: &str) -> String {
    match served(tool) {
        Some((server, tool)) => format!("{server}: {tool}"),
        None => tool.to_owned(),
    }
}

fn activity(tool: &str, input: &Value) -> String {
    let short = |text: &str| one_line(text, ACTIVITY_CHARS);
    let file = || {
        let path = path(input).unwrap_or("a file");
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        short(name)
    };
    match tool {
        "Bash" | "PowerShell" => match text(input, "command") {
            Some(command) => format!("Running {}", short(command)),
            None => "Running a command".to_owned(),
        },
        "Read" => format!("Reading {}", file()),
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => format!("Editing {}", file()),
        "Grep" | "Glob" => match text(input, "pattern") {
            Some(pattern) => format!("Searching for {}", short(pattern)),
            None => "Searching".to_owned(),
        },
        "WebSearch" => "Searching the web".to_owned(),
        "WebFetch" => match text(input, "url") {
            Some(url) => format!("Fetching {}", short(url)),
            None => "Fetching a page".to_owned(),
        },
        "Agent" | "Task" => "Starting a sub-agent".to_owned(),
        "AskUserQuestion" => "Asking a question".to_owned(),
        "ExitPlanMode" => "Presenting a plan".to_owned(),
        "EnterPlanMode" => "Planning".to_owned(),
        "TodoWrite" | "TaskCreate" | "TaskUpdate" => "Updating its plan".to_owned(),
        "Monitor" => "Watching in the background".to_owned(),
        _ => match served(tool) {
            Some((server, tool)) => format!("Calling {} of {}", short(tool), short(server)),
            None => format!("Calling {}", short(tool)),
        },
    }
}

fn request(tool: &str, input: &Value) -> String {
    let words = match tool {
        "Bash" | "PowerShell" | "Monitor" => text(input, "command").map(str::to_owned),
        "Edit" | "MultiEdit" | "NotebookEdit" => path(input).map(|path| format!("Edit {path}")),
        "Write" => path(input).map(|path| format!("Write {path}")),
        "Read" => path(input).map(|path| format!("Read {path}")),
        "WebFetch" => text(input, "url").map(|url| format!("Fetch {url}")),
        "WebSearch" => text(input, "query").map(|query| format!("Search the web for {query}")),
        _ => None,
    };
    words.unwrap_or_else(|| {
        let name = shown_name(tool);
        if input.as_object().is_some_and(|keys| !keys.is_empty()) {
            format!("{name} {input}")
        } else {
            name
        }
    })
}

/// Returns the questions, one a line, each with the answers that are offered.
pub(super) fn asked(input: &Value) -> String {
    let all = input.get("questions").and_then(Value::as_array);
    let sentence = |question: &Value| {
        let asks = text(question, "question")?;
        let labels = labels(question);
        Some(if labels.is_empty() {
            asks.to_owned()
        } else {
            format!("{asks} ({})", labels.join(", "))
        })
    };
    let sentences: Vec<String> = all.into_iter().flatten().filter_map(sentence).collect();
    sentences.join("\n")
}

/// Returns the questions, one a line, and the answers that are offered where there is one.
fn questions(input: &Value) -> (String, Vec<String>) {
    let asked: Vec<&Value> = input
        .get("questions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let texts: Vec<&str> = asked
        .iter()
        .filter_map(|one| text(one, "question"))
        .collect();
    let choices = match asked.as_slice() {
        [only] => labels(only),
        _ => Vec::new(),
    };
    if texts.is_empty() {
        return ("It asks a question.".to_owned(), choices);
    }
    (texts.join("\n"), choices)
}

fn labels(question: &Value) -> Vec<String> {
    question
        .get("options")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|option| text(option, "label").map(|label| one_line(label, ACTIVITY_CHARS)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(tool: &str, input: &Value) -> Call {
        Call::new("toolu_1".to_owned(), tool, input)
    }

    #[test]
    fn a_command_is_asked_for_in_its_own_words() {
        let call = call(
            "Bash",
            &json!({"command": "touch a\ntouch b", "description": "d"}),
        );

        assert_eq!(call.activity, "Running touch a");
        let expected = Need {
            kind: NeedKind::Approval,
            summary: "touch a\ntouch b".to_owned(),
            request_id: "toolu_1".to_owned(),
            can_answer: false,
            choices: Vec::new(),
        };
        assert_eq!(call.need(), expected);
    }

    #[test]
    fn a_question_comes_with_its_answers_and_a_plan_is_one() {
        let question = json!({"questions": [{"question": "Which?", "options": [
            {"label": "This"}, {"label": "That"}]}]});
        let asked = call("AskUserQuestion", &question).need();
        assert_eq!(asked.kind, NeedKind::Question);
        assert_eq!(asked.summary, "Which?");
        assert_eq!(asked.choices, ["This", "That"]);

        let plan = call("ExitPlanMode", &json!({"plan": "# Plan\n1. Do it\n"}));
        assert_eq!(plan.need().kind, NeedKind::Plan);
        assert_eq!(plan.need().summary, "# Plan\n1. Do it");
        assert!(plan.always_waits());
    }

    #[test]
    fn a_served_tool_names_its_server() {
        let call = call("mcp__probe__job", &json!({"n": 1}));

        assert_eq!(call.activity, "Calling job of probe");
        assert_eq!(call.need().summary, "probe: job {\"n\":1}");
        assert_eq!(call.input_need().kind, NeedKind::Elicitation);
    }

    #[test]
    fn each_print_has_a_call_of_its_own_or_none() {
        let open = |id: &str, tool: &str, input: &Value| Call::new(id.to_owned(), tool, input);
        let print = |tool: &str, input: &Value| CallPrint::new(tool, input.as_object().unwrap());
        #[track_caller]
        fn check(prints: &[CallPrint], calls: &[Call], expected: &[Option<&str>]) {
            let prints: Vec<&CallPrint> = prints.iter().collect();
            let calls: Vec<&Call> = calls.iter().collect();
            let found = assign(&prints, &calls);
            let ids: Vec<Option<&str>> = found.iter().map(|c| c.map(|c| &*c.id)).collect();
            assert_eq!(ids, expected);
        }
        let (whole, part) = (json!({"table": "tmp", "n": 1}), json!({"table": "tmp"}));
        let nothing = json!({});
        let (wide, narrow) = (open("b", "drop", &whole), open("a", "drop", &nothing));

        let both = [wide.clone(), narrow];
        check(&[print("drop", &nothing)], &both, &[Some("a")]);
        check(
            &[print("drop", &part), print("drop", &nothing)],
            &both,
            &[Some("b"), Some("a")],
        );
        check(
            &[print("drop", &nothing)],
            std::slice::from_ref(&wide),
            &[None],
        );
        let differing = [wide, open("c", "drop", &json!({"table": "tmp", "n": 2}))];
        check(&[print("drop", &part)], &differing, &[None]);
        check(&[print("keep", &part)], &differing, &[None]);
        let plan = open("p", "ExitPlanMode", &json!({"plan": "1. Do it"}));
        check(&[print("ExitPlanMode", &nothing)], &[plan], &[Some("p")]);
        let same = [open("1", "get", &part), open("2", "get", &part)];
        let twice = [
            print("get", &part),
            print("get", &part),
            print("get", &part),
        ];
        check(&twice, &same, &[Some("1"), Some("2"), None]);
    }

    #[test]
    fn an_input_of_another_shape_is_named_by_its_tool() {
        assert_eq!(call("Bash", &json!([1])).need().summary, "Bash");
        assert_eq!(call("Edit", &Value::Null).activity, "Editing a file");
        assert_eq!(
            call("AskUserQuestion", &json!({"questions": 3}))
                .need()
                .summary,
            "It asks a question."
        );
    }
}
