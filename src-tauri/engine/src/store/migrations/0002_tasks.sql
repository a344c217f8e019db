CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT UNIQUE,
    status TEXT NOT NULL,
    outcome TEXT,
    priority INTEGER NOT NULL,
    tree TEXT NOT NULL,
    repository TEXT,
    writes INTEGER NOT NULL,
    owner TEXT,
    group_id TEXT,
    thread_id TEXT,
    holds_slot INTEGER NOT NULL DEFAULT 0,
    child TEXT,
    cancel TEXT,
    answer TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at TEXT,
    seen_at TEXT,
    view TEXT NOT NULL,
    result TEXT
) STRICT;

CREATE INDEX tasks_by_status ON tasks (status);
CREATE INDEX tasks_by_thread ON tasks (thread_id);

CREATE TABLE task_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL REFERENCES tasks (id),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    says TEXT NOT NULL
) STRICT;

CREATE INDEX task_events_by_task ON task_events (task_id);

CREATE TABLE signals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    dedupe_key TEXT UNIQUE,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    task_id TEXT,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    route_path TEXT NOT NULL DEFAULT 'none',
    surface_path TEXT NOT NULL DEFAULT 'not_surfaced',
    created_at TEXT NOT NULL,
    leased_until TEXT,
    surfaced_at TEXT,
    acked_at TEXT,
    expires_at TEXT
) STRICT;

CREATE INDEX signals_by_recipient ON signals (recipient, state);
