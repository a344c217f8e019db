//! Lines as the agent writes them, one behaviour each.

use serde_json::{Value, json};

use super::*;

/// Feeds lines one after the other and keeps what they say.
struct Feed {
    reader: Reader,
    offset: u64,
    facts: Vec<LocatedFact>,
    n_skipped: u32,
}

impl Feed {
    fn new() -> Self {
        Self {
            reader: Reader::default(),
            offset: 0,
            facts: Vec::new(),
            n_skipped: 0,
        }
    }

    fn of(lines: &[Value]) -> Self {
        let mut feed = Self::new();
        feed.lines(lines);
        feed
    }

    fn lines(&mut self, lines: &[Value]) {
        for line in lines {
            let text = line.to_string();
            let read = self
                .reader
                .read(self.offset, text.as_bytes(), &mut self.facts);
            self.n_skipped += u32::from(read.outcome == LineOutcome::Skipped);
            self.offset += text.len() as u64 + 1;
        }
    }

    /// Returns how turns began and ended, as words.
    fn turns(&self) -> Vec<String> {
        let word = |located: &LocatedFact| match &located.fact {
            Fact::TurnStarted { turn } => Some(format!("{} started", turn.0)),
            Fact::TurnEnded {
                turn,
                outcome,
                message,
            } => Some(format!(
                "{} {outcome:?} {}",
                turn.as_ref().unwrap().0,
                message.as_deref().unwrap_or("-")
            )),
            Fact::Settled => Some("settled".to_owned()),
            Fact::Started(_)
            | Fact::Context { .. }
            | Fact::TurnGivenUp { .. }
            | Fact::Prompted { .. }
            | Fact::Said { .. }
            | Fact::ItemStarted { .. }
            | Fact::Asked { .. }
            | Fact::ItemEnded { .. }
            | Fact::TokensCounted(_)
            | Fact::ContextWindow(_)
            | Fact::LimitsSeen(_)
            | Fact::Named { .. } => None,
        };
        self.facts.iter().filter_map(word).collect()
    }

    fn titles(&self) -> Vec<&str> {
        let facts = self.facts.iter().map(|located| &located.fact);
        facts
            .filter_map(|fact| {
                if let Fact::Named { title } = fact {
                    Some(title.as_str())
                } else {
                    None
                }
            })
            .collect()
    }
}

fn line(kind: &str, id: &str, further: Value) -> Value {
    let mut line = json!({
        "type": kind, "uuid": id, "timestamp": "2026-11-20T08:00:00Z", "isSidechain": false,
        "cwd": "/home/dev/acme", "gitBranch": "HEAD", "version": "2.1.328", "entrypoint": "cli",
        "sessionId": "s",
    });
    for (key, value) in further.as_object().unwrap() {
        line[key] = value.clone();
    }
    line
}

fn prompt(id: &str, text: &str) -> Value {
    line("user", id, json!({"message": {"content": text}}))
}

fn answer(id: &str, text: &str, stop: &str) -> Value {
    line(
        "assistant",
        id,
        json!({"message": {"id": format!("m-{id}"), "model": "opus", "stop_reason": stop,
            "content": [{"type": "text", "text": text}]}}),
    )
}

fn call(id: &str, call: &str) -> Value {
    line(
        "assistant",
        id,
        json!({"message": {"id": format!("m-{id}"), "model": "opus", "stop_reason": "tool_use",
            "content": [{"type": "tool_use", "id": call, "name": "Bash", "input": {"command": "ls"}}]}}),
    )
}

fn result(call: &str) -> Value {
    let content = json!([{"type": "tool_result", "tool_use_id": call, "content": "x"}]);
    line("user", "r", json!({"message": {"content": content}}))
}

fn over(n_agents: u32) -> Value {
    let mut over = line("system", "d", json!({"subtype": "turn_duration"}));
    if n_agents > 0 {
        over["pendingBackgroundAgentCount"] = json!(n_agents);
    }
    over
}

#[test]
fn a_turn_runs_from_its_prompt_to_its_end() {
    let feed = Feed::of(&[
        prompt("p1", "do it"),
        call("a1", "t1"),
        result("t1"),
        answer("a2", "Done.", "end_turn"),
        over(0),
    ]);

    assert_eq!(
        feed.turns(),
        ["p1 started", "settled", "p1 Completed Done."]
    );
    assert_eq!(feed.reader.turn(), Turn::Over);
}

#[test]
fn a_turn_without_a_recorded_end_ends_with_the_next_prompt_if_it_was_answered() {
    let answered = Feed::of(&[
        prompt("p1", "do it"),
        answer("a1", "Done.", "end_turn"),
        prompt("p2", "go on"),
    ]);
    assert_eq!(
        answered.turns(),
        ["p1 started", "settled", "p1 Completed Done.", "p2 started"]
    );

    let dropped = Feed::of(&[prompt("p1", "do it"), prompt("p2", "go on")]);
    assert_eq!(dropped.turns(), ["p1 started", "p2 started"]);
}

#[test]
fn the_last_answer_ends_the_turn_of_a_program_once() {
    let sdk = |mut line: Value| {
        line["entrypoint"] = json!("sdk-cli");
        line
    };
    let mut more = answer("a1", "More.", "end_turn");
    more["uuid"] = json!("a2");

    let feed = Feed::of(&[
        sdk(prompt("p1", "do it")),
        sdk(answer("a1", "Done.", "end_turn")),
        sdk(more),
    ]);

    assert_eq!(feed.turns(), ["p1 started", "p1 Completed Done."]);
}

#[test]
fn a_turn_that_waits_for_sub_agents_goes_on_with_their_report() {
    let report = line(
        "user",
        "w1",
        json!({"origin": {"kind": "task-notification"},
            "message": {"content": "<task-notification></task-notification>"}}),
    );

    let feed = Feed::of(&[
        prompt("p1", "delegate"),
        answer("a1", "Waiting.", "end_turn"),
        over(1),
        report.clone(),
        answer("a2", "It reported.", "end_turn"),
        over(0),
        report,
    ]);

    assert_eq!(
        feed.turns(),
        [
            "p1 started",
            "settled",
            "settled",
            "settled",
            "p1 Completed It reported.",
            "w1 started"
        ]
    );
}

#[test]
fn interruptions_and_errors_end_the_turn() {
    let error = line(
        "assistant",
        "e",
        json!({"isApiErrorMessage": true, "message": {"id": "x", "model": "<synthetic>",
            "stop_reason": "stop_sequence", "content": [{"type": "text", "text": "API Error: 400"}]}}),
    );

    let feed = Feed::of(&[
        prompt("p1", "do it"),
        call("a1", "t1"),
        prompt("i", "[Request interrupted by user for tool use]"),
        prompt("p2", "again"),
        error,
    ]);

    assert_eq!(
        feed.turns(),
        [
            "p1 started",
            "p1 Interrupted -",
            "p2 started",
            "p2 Failed API Error: 400"
        ]
    );
    assert!(feed.reader.calls().is_empty());
}

#[test]
fn a_turn_that_the_program_leaves_was_interrupted() {
    let farewell = || json!({"type": "cost-state", "sessionId": "s", "totalCostUSD": 0.1});

    let left = Feed::of(&[
        prompt("p1", "do it"),
        call("a1", "t1"),
        farewell(),
        farewell(),
    ]);
    let over = Feed::of(&[
        prompt("p1", "do it"),
        answer("a1", "Done.", "end_turn"),
        over(0),
        farewell(),
    ]);
    let answered = Feed::of(&[
        prompt("p1", "do it"),
        answer("a1", "Done.", "end_turn"),
        farewell(),
    ]);

    assert_eq!(left.turns(), ["p1 started", "p1 Interrupted -"]);
    assert!(left.facts.last().unwrap().at.is_some(), "it has its time");
    assert!(!over.turns().concat().contains("Interrupted"));
    assert!(!answered.turns().concat().contains("Interrupted"));
    assert_eq!(left.n_skipped, 0);
}

#[test]
fn a_command_starts_a_turn_only_when_the_agent_answers_it() {
    let command = |id, name| prompt(id, &format!("<command-name>{name}</command-name>"));

    let feed = Feed::of(&[
        command("c1", "/clear"),
        prompt("p1", "do it"),
        over(0),
        command("c2", "/review"),
        answer("a1", "Reviewed.", "end_turn"),
    ]);

    assert_eq!(
        feed.turns(),
        ["p1 started", "p1 Completed -", "c2 started", "settled"]
    );
}

#[test]
fn after_lines_that_were_passed_over_no_turn_is_guessed() {
    let mut feed = Feed::of(&[prompt("p1", "do it"), call("a1", "t1")]);
    feed.offset += 1_000_000;

    feed.lines(&[
        call("a2", "t2"),
        over(0),
        prompt("p3", "go on"),
        answer("a3", "Done.", "end_turn"),
        over(0),
    ]);

    assert_eq!(
        feed.turns(),
        ["p1 started", "p3 started", "settled", "p3 Completed Done."]
    );
}

#[test]
fn a_call_is_open_until_its_result() {
    let mut feed = Feed::of(&[prompt("p1", "do it"), call("a1", "t1"), call("a2", "t2")]);
    let ids = |feed: &Feed| -> Vec<String> {
        let calls = feed.reader.calls().iter();
        calls.map(|call| call.id.clone()).collect()
    };
    assert_eq!(ids(&feed), ["t1", "t2"]);

    feed.lines(&[result("t1")]);

    assert_eq!(ids(&feed), ["t2"]);
}

#[test]
fn lines_of_sub_agents_among_their_parents_are_left_out() {
    let mut aside = prompt("x", "a part of it");
    aside["isSidechain"] = json!(true);

    let feed = Feed::of(&[prompt("p1", "do it"), aside]);

    assert_eq!(feed.turns(), ["p1 started"]);
}

#[test]
fn a_transcript_of_a_sub_agent_names_its_parent() {
    let mut first = prompt("p1", "a part of it");
    first["isSidechain"] = json!(true);
    first["agentId"] = json!("a48");

    let feed = Feed::of(&[first]);

    let Fact::Started(origin) = &feed.facts[0].fact else {
        panic!("a transcript begins with its origin");
    };
    assert_eq!(origin.parent.as_deref(), Some("s"));
    assert_eq!(origin.role, Role::SubAgent);
    assert_eq!(origin.git_branch, None);
}

#[test]
fn a_name_a_person_gave_outlives_generated_ones() {
    let feed = Feed::of(&[
        json!({"type": "ai-title", "aiTitle": "Generated"}),
        json!({"type": "custom-title", "customTitle": "Mine"}),
        json!({"type": "agent-name", "agentName": "Generated again"}),
    ]);

    assert_eq!(feed.titles(), ["Generated", "Mine"]);
}

#[test]
fn unknown_kinds_and_shapes_are_counted() {
    let feed = Feed::of(&[
        json!({"type": "unheard-of"}),
        json!({"type": "user"}),
        json!([1]),
        json!({"type": "summary", "summary": "x"}),
        line("system", "x", json!({"subtype": "unheard-of"})),
    ]);

    assert_eq!(feed.n_skipped, 3);
}
