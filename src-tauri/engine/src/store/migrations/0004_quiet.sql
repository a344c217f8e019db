CREATE TABLE quiet_sessions (
    session_id TEXT PRIMARY KEY NOT NULL,
    until TEXT,
    set_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
