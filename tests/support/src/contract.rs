//! The public JSON of sessions and events, field by field, as outsiders may rely on it.

use serde_json::Value;

/// The fields of a session, with the kinds of value each may have.
const SESSION: &[(&str, &str)] = &[
    ("id", "text"),
    ("source", "text"),
    ("source_session_id", "text"),
    ("title", "text|null"),
    ("cwd", "text|null"),
    ("project", "text|null"),
    ("git_branch", "text|null"),
    ("model", "text|null"),
    ("client", "tui|exec|ide|app|sdk|unknown"),
    ("cli_version", "text|null"),
    ("status", "working|needs_you|paused|done|unknown"),
    ("status_since", "time"),
    ("freshness", "fresh|quiet"),
    ("need", "object|null"),
    ("activity", "text|null"),
    ("turn", "object|null"),
    ("last_turn", "object|null"),
    ("ended", "object|null"),
    ("last_prompt", "text|null"),
    ("last_message", "text|null"),
    ("started_at", "time|null"),
    ("last_event_at", "time|null"),
    ("tokens", "object"),
    ("rate_limits", "object|null"),
    ("parent_id", "text|null"),
    ("helper", "bool"),
    ("process", "object|null"),
    ("task_id", "text|null"),
    ("transcript_path", "text|null"),
    ("skipped_lines", "number"),
    ("evidence", "object"),
];

const NEED: &[(&str, &str)] = &[
    ("kind", "approval|question|plan|elicitation"),
    ("summary", "text"),
    ("request_id", "text"),
    ("can_answer", "bool"),
    ("choices", "list"),
];

const TURN: &[(&str, &str)] = &[
    ("id", "text"),
    ("count", "number|null"),
    ("started_at", "time|null"),
];

const LAST_TURN: &[(&str, &str)] = &[
    ("id", "text"),
    ("outcome", "completed|failed|interrupted"),
    ("message", "text|null"),
    ("ended_at", "time|null"),
];

const ENDED: &[(&str, &str)] = &[
    ("at", "time|null"),
    ("how", "finished|failed|interrupted|killed|closed"),
];

const TOKENS: &[(&str, &str)] = &[
    ("input", "number"),
    ("cached_input", "number"),
    ("output", "number"),
    ("reasoning", "number"),
    ("total", "number"),
    ("context_window", "number|null"),
];

const PROCESS: &[(&str, &str)] = &[("pid", "number"), ("started_at", "any")];

const EVIDENCE: &[(&str, &str)] = &[
    (
        "from",
        "live_protocol|registry|task|hook|transcript|writer_lock|process",
    ),
    ("at", "time|null"),
    ("says", "text"),
];

const SUMMARY: &[(&str, &str)] = &[
    ("working", "number"),
    ("needs_you", "number"),
    ("paused", "number"),
    ("done", "number"),
    ("unknown", "number"),
    ("tasks_running", "number"),
];

const NOTICE: &[(&str, &str)] = &[
    ("id", "text"),
    (
        "kind",
        "turn_completed|turn_failed|turn_interrupted|needs_you|session_died|task_finished",
    ),
    ("session_id", "text"),
    ("task_id", "text|null"),
    ("turn_id", "text|null"),
    ("title", "text"),
    ("body", "text"),
];

/// Returns what is wrong with a session, one sentence each.
#[must_use]
pub fn session_faults(session: &Value) -> Vec<String> {
    let mut faults = faults("session", session, SESSION);
    for (name, fields) in [
        ("need", NEED),
        ("turn", TURN),
        ("last_turn", LAST_TURN),
        ("ended", ENDED),
        ("tokens", TOKENS),
        ("process", PROCESS),
        ("evidence", EVIDENCE),
    ] {
        if session[name].is_object() {
            faults.extend(self::faults(name, &session[name], fields));
        }
    }
    let id = format!(
        "{}:{}",
        as_text(session, "source"),
        as_text(session, "source_session_id")
    );
    if session["id"] != id {
        faults.push(format!("session.id is {}, not {id}", session["id"]));
    }
    if session["status"] == "done" && session["ended"].is_null() {
        faults.push("a session that is done does not say how it ended".to_owned());
    }
    if session["status"] != "done" && !session["ended"].is_null() {
        faults.push(format!(
            "a session that is {} has an end",
            session["status"]
        ));
    }
    if (session["status"] == "needs_you") == session["need"].is_null() {
        faults.push(format!(
            "status {} with need {}",
            session["status"], session["need"]
        ));
    }
    faults
}

/// Returns what is wrong with `list --json`, one sentence each.
#[must_use]
pub fn list_faults(list: &Value) -> Vec<String> {
    let mut faults = faults("list", list, &[("sessions", "list"), ("summary", "object")]);
    faults.extend(self::faults("summary", &list["summary"], SUMMARY));
    faults.extend(
        list["sessions"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(session_faults),
    );
    faults
}

/// Returns what is wrong with a whole stream of events, one sentence each.
#[must_use]
pub fn stream_faults(events: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    if events
        .first()
        .is_none_or(|event| event["event"] != "snapshot")
    {
        found.push("the first event is not a snapshot".to_owned());
    }
    let mut before: Option<u64> = None;
    for event in events {
        let seq = event["seq"].as_u64();
        if before.is_some_and(|before| seq != Some(before + 1)) && event["event"] != "snapshot" {
            found.push(format!(
                "the event after number {before:?} has number {seq:?}"
            ));
        }
        before = seq;
        found.extend(event_faults(event));
    }
    found
}

fn event_faults(event: &Value) -> Vec<String> {
    let mut found = faults(
        "event",
        event,
        &[("event", "text"), ("seq", "number"), ("at", "time")],
    );
    match as_text(event, "event") {
        "snapshot" => found.extend(list_faults(event)),
        "session_discovered" | "session_updated" | "session_closed" => {
            found.extend(session_faults(&event["session"]));
        }
        "summary" => found.extend(faults("summary", event, SUMMARY)),
        "notice" => found.extend(faults("notice", &event["notice"], NOTICE)),
        "task_updated" | "heartbeat" => {}
        other => found.push(format!("there is no event `{other}`")),
    }
    found
}

fn faults(of: &str, value: &Value, fields: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, kinds) in fields {
        match value.get(name) {
            None => found.push(format!("{of}.{name} is missing")),
            Some(field) if !kinds.split('|').any(|kind| is_kind(field, kind)) => {
                found.push(format!("{of}.{name} is {field}, not {kinds}"));
            }
            Some(_) => {}
        }
    }
    found
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "any" => true,
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "list" => value.is_array(),
        "text" => value.is_string(),
        "time" => value.as_str().is_some_and(is_utc_time),
        word => value == word,
    }
}

/// Tells whether a text looks like `2026-11-20T09:50:00Z`, with or without a fraction.
fn is_utc_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00";
    bytes.len() > shape.len()
        && text.ends_with('Z')
        && bytes.iter().zip(shape).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        })
}

fn as_text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
