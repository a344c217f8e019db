//! `codex_sessions`: the agents' sessions on this machine.

use camino::Utf8Path;
use mission_control_core::event::Summary;
use mission_control_core::session::{LiveSession, Status};
use mission_control_core::task::failure::{ErrorCode, TaskError};
use mission_control_engine::clock::Clock;
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::Places;
use serde_json::{Value, json};

use super::{Effect, Reply, ToolSpec, blocking};
use crate::answer::{Answer, fault, internal};
use crate::parameters::{Arguments, Kind, Parameter};

/// How many sessions are listed if nobody says.
const USUAL_LIMIT: usize = 20;

pub(super) const SESSIONS: ToolSpec = ToolSpec {
    name: "codex_sessions",
    title: "List agent sessions",
    description: "Lists the Codex and Claude Code sessions on this machine, whoever started them: what each is \
        doing, in which folder, what it asks a person for, its last message. Statuses: working, \
        needs_you, paused (its turn is over), done, unknown. Without filters: those that live, \
        newest first. Tasks you delegated are in codex_tasks.",
    parameters: &[
        Parameter::optional(
            "status",
            Kind::Choice(&[
                "live",
                "all",
                "working",
                "needs_you",
                "paused",
                "done",
                "unknown",
            ]),
            "Which sessions; `live` (the default) are all but done ones.",
        ),
        Parameter::optional(
            "cwd",
            Kind::Text,
            "Only sessions that work in this folder or below it.",
        )
        .or(&["working_dir", "working_directory", "folder", "project"]),
        Parameter::optional(
            "id",
            Kind::Text,
            "One session, with everything known about it: its id or the beginning of it.",
        )
        .or(&["session_id", "thread_id"]),
        Parameter::optional(
            "limit",
            Kind::Integer(1, 200),
            "How many at most; 20 if not given.",
        ),
    ],
    output,
    effect: Effect::Reads,
    meta: &[],
    run: |call| -> Reply { Box::pin(blocking(move || look(&call.arguments))) },
};

fn look(arguments: &Arguments) -> Result<Answer, TaskError> {
    let places = Places::from_environment().map_err(|error| internal(&error))?;
    let looked = Monitor::look_once(&MonitorOptions {
        places,
        notify_since: Clock::start().now().wall,
    });
    if let Some(id) = arguments.text("id") {
        let Some(session) = looked.session(id) else {
            let mut error = fault(ErrorCode::NotFound, format!("No session {id}."));
            error.hint = Some("codex_sessions with `status` \"all\" shows them.".to_owned());
            return Err(error);
        };
        let session = serde_json::to_value(session).map_err(|error| internal(&error))?;
        return Ok(Answer::done(
            json!({ "sessions": [session], "n_matching": 1 }),
        ));
    }
    let status = arguments.text("status").unwrap_or("live");
    let cwd = arguments
        .text("cwd")
        .map(|cwd| resolved(Utf8Path::new(cwd)));
    let matching: Vec<&LiveSession> = looked
        .sessions
        .iter()
        .filter(|session| is_wanted(session.status, status))
        .filter(|session| {
            cwd.as_ref().is_none_or(|cwd| {
                let own = session.cwd.as_deref().map(Utf8Path::new);
                own.is_some_and(|own| resolved(own).starts_with(cwd))
            })
        })
        .collect();
    let limit = arguments.number("limit").unwrap_or(USUAL_LIMIT);
    let sessions: Vec<Value> = matching
        .iter()
        .take(limit)
        .map(|session| brief(session))
        .collect();
    Ok(Answer::done(json!({
        "sessions": sessions,
        "n_matching": matching.len(),
        "summary": Summary::of(&looked.sessions),
        "problems": looked.problems,
    })))
}

/// Links are followed, so that a folder is found by each of its names.
fn resolved(path: &Utf8Path) -> camino::Utf8PathBuf {
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

fn is_wanted(status: Status, wanted: &str) -> bool {
    match status {
        Status::Working => matches!(wanted, "live" | "all" | "working"),
        Status::NeedsYou => matches!(wanted, "live" | "all" | "needs_you"),
        Status::Paused => matches!(wanted, "live" | "all" | "paused"),
        Status::Done => matches!(wanted, "all" | "done"),
        Status::Unknown => matches!(wanted, "live" | "all" | "unknown"),
    }
}

/// Returns what tells one session from another; the rest is asked for by `id`.
fn brief(session: &LiveSession) -> Value {
    json!({
        "id": session.id,
        "title": session.title,
        "cwd": session.cwd,
        "git_branch": session.git_branch,
        "client": session.client,
        "model": session.model,
        "status": session.status,
        "status_since": session.status_since,
        "freshness": session.freshness,
        "need": session.need,
        "activity": session.activity,
        "last_turn": session.last_turn.as_ref().map(|turn| json!({
            "outcome": turn.outcome,
            "ended_at": turn.ended_at,
        })),
        "ended": session.ended,
        "last_prompt": session.last_prompt,
        "last_message": session.last_message,
        "last_event_at": session.last_event_at,
        "parent_id": session.parent_id,
        "helper": session.helper,
        "task_id": session.task_id,
        "evidence": session.evidence.says,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "sessions": {
                "type": "array",
                "description": "The sessions, newest first.",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": { "type": "string", "description": "Names the session everywhere." },
                        "status": {
                            "type": "string",
                            "enum": ["working", "needs_you", "paused", "done", "unknown"]
                        },
                        "cwd": { "type": ["string", "null"], "description": "The folder it works in." },
                        "title": { "type": ["string", "null"], "description": "Its name, or the first line of its prompt." },
                        "need": { "type": ["object", "null"], "description": "What it asks a person for." },
                        "activity": { "type": ["string", "null"], "description": "What it does at the moment." },
                        "last_message": { "type": ["string", "null"], "description": "Its latest message, shortened." }
                    },
                    "required": ["id", "status"]
                }
            },
            "n_matching": {
                "type": "integer",
                "description": "How many sessions match; more than listed means raise `limit`."
            },
            "summary": { "type": "object", "description": "How many sessions stand where." },
            "problems": { "type": "array", "items": { "type": "object" }, "description": "What hampers looking." },
            "truncated": { "type": "object", "description": "What was shortened, by field." }
        },
        "required": ["sessions", "n_matching"]
    })
}
