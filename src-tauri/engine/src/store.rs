//! What is shared between processes and survives them: one SQLite database.
