//! Sessions and notices for the desk's tests.

use jiff::{SignedDuration, Timestamp};
use mission_control_core::health::Problem;
use mission_control_core::notice::{Notice, NoticeId, NoticeKind};
use mission_control_core::session::{LiveSession, SessionId, Status, TurnId};
use mission_control_core::source::Source;
use mission_control_core::task::model::{Task, TaskId, TaskStatus};

use crate::target::Target;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

pub(super) fn id(text: &str) -> SessionId {
    SessionId::new(Source::ALL[0], text)
}

pub(super) fn page(of: &str) -> Target {
    Target::Session(id(of))
}

pub(super) fn task_id(number: u8) -> TaskId {
    TaskId::parse(&format!("0199a2b3-1111-7222-8333-4444555566{number:02}")).unwrap()
}

/// Returns task `number`, which runs as the session of the same number and was started at that
/// second.
pub(super) fn task(number: u8, status: TaskStatus) -> Task {
    let ended_at = status.is_terminal().then(|| at(100 + i64::from(number)));
    let task = serde_json::json!({
        "task_id": task_id(number),
        "session_id": id(&number.to_string()),
        "kind": "run",
        "title": format!("Task {number}"),
        "cwd": "/work",
        "sandbox": "read-only",
        "tags": [],
        "status": status,
        "progress": { "done": 0, "total": 0, "percent": null, "current": null },
        "created_at": at(i64::from(number)),
        "started_at": at(i64::from(number)),
        "updated_at": at(i64::from(number)),
        "ended_at": ended_at,
        "elapsed_ms": 0,
        "summary": "",
        "files": [],
        "commands": [],
        "tests": [],
        "warnings": [],
        "truncated": {},
        "links": [],
        "next": [],
        "evidence": [],
    });
    serde_json::from_value(task).unwrap()
}

pub(super) fn notice(of: &str, kind: NoticeKind) -> Notice {
    let turn = TurnId("turn".to_owned());
    Notice {
        id: NoticeId::derive(&id(of), Some(&turn), kind, None),
        kind,
        session_id: Some(id(of)),
        task_id: None,
        turn_id: Some(turn),
        request_id: None,
        title: "title".to_owned(),
        body: "body".to_owned(),
    }
}

/// Returns a session whose last turn, `turn`, took 95 seconds.
pub(super) fn session(of: &str, status: Status) -> LiveSession {
    let session = serde_json::json!({
        "id": id(of),
        "source": Source::ALL[0],
        "source_session_id": of,
        "title": format!("Session {of}"),
        "client": "tui",
        "status": status,
        "status_since": at(10),
        "freshness": "fresh",
        "turn": { "id": "turn", "count": 1, "started_at": at(5) },
        "last_turn": {
            "id": "turn", "outcome": "completed", "message": null, "ended_at": at(100)
        },
        "tokens": { "input": 0, "cached_input": 0, "output": 0, "reasoning": 0, "total": 0 },
        "helper": false,
        "skipped_lines": 0,
        "evidence": { "from": "transcript", "at": null, "says": "A turn ended." },
        "evidence_trail": [],
        "message_way": { "type": "queue" },
        "can_interrupt": false,
        "stop_way": "process",
    });
    serde_json::from_value(session).unwrap()
}

/// Returns a problem the engine has.
pub(super) fn slow() -> Problem {
    Problem {
        code: "watch_limit".to_owned(),
        title: "Live updates are slow.".to_owned(),
        detail: None,
        hint: None,
    }
}
