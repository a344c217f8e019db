//! A task to look at in tests.

use mission_control_core::task::model::Task;

/// Returns a task that was completed.
pub(super) fn sample() -> Task {
    let json = serde_json::json!({
        "task_id": "01a1f8c5-3207-7933-b55e-33521c266f1f", "kind": "run", "title": "One",
        "cwd": "/w", "sandbox": "read-only", "status": "completed", "outcome": "succeeded",
        "progress": { "done": 0, "total": 0 }, "created_at": "2026-01-02T03:04:05Z",
        "started_at": "2026-01-02T03:04:06Z", "updated_at": "2026-01-02T03:04:11Z",
        "ended_at": "2026-01-02T03:04:11Z", "elapsed_ms": 5000, "summary": "Done.", "tags": [],
        "files": [], "commands": [], "tests": [], "warnings": [], "truncated": {}, "links": [],
        "next": [], "evidence": []
    });
    serde_json::from_value(json).unwrap()
}
