//! What is shared between processes and survives them: one SQLite database.
//!
//! The only module that writes it. Nothing that cannot be understood is ever overwritten.

mod file;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_core::notice::NoticeId;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

/// How long a write waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Only ever added to: older programs go on using the tables they know.
const MIGRATIONS: &[M<'static>] = &[M::up(include_str!("migrations/0001_notices.sql"))];

/// The database, open for writing.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: Utf8PathBuf,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder or file cannot be made or secured.
    #[error("prepare `{path}`")]
    Folder {
        /// The folder or file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It may not be written.
    #[error("write `{path}`")]
    ReadOnly {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process kept it locked.
    #[error("get a turn at writing `{path}`")]
    Busy {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// It is damaged, or not a database.
    #[error("read `{path}`, which is damaged")]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer program wrote it.
    #[error("use `{path}`, which a newer version wrote")]
    Newer {
        /// The file.
        path: String,
    },
    /// Anything else.
    #[error("use `{path}`")]
    Other {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Returns what a person reads about it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (code, hint) = match self {
            Self::Folder { .. } => (
                "state_folder",
                "Make the folder writable, or set `MISSION_CONTROL_HOME` to another one.",
            ),
            Self::ReadOnly { .. } => (
                "state_read_only",
                "Make the file and its folder writable, or set `MISSION_CONTROL_HOME` to another folder.",
            ),
            Self::Busy { .. } => (
                "state_busy",
                "Another program holds the database. End it, or try again.",
            ),
            Self::Damaged { .. } => (
                "state_damaged",
                "Move the file away to start anew; it is kept as it is.",
            ),
            Self::Newer { .. } => (
                "state_newer",
                "Update Mission Control, or set `MISSION_CONTROL_HOME` to another folder.",
            ),
            Self::Other { .. } => ("state", "See the log for the reason."),
        };
        Problem {
            code: code.to_owned(),
            title: "The state cannot be kept.".to_owned(),
            detail: Some(format!("Mission Control could not {self}.")),
            hint: Some(hint.to_owned()),
        }
    }
}

impl Store {
    /// Returns whether there is a database in the state folder.
    #[must_use]
    pub fn exists(state: &Utf8Path) -> bool {
        state.join(file::NAME).exists()
    }

    /// Opens the database in the state folder; makes both where they are missing.
    ///
    /// # Errors
    /// When it cannot be made, opened or brought up to date. It is left as it was then.
    pub fn open(state: &Utf8Path) -> Result<Self, StoreError> {
        let path = file::prepare(state)?;
        let explain = |error| explain(&path, error);
        let mut db = Connection::open(&path).map_err(explain)?;
        db.busy_timeout(PATIENCE).map_err(explain)?;
        db.pragma_update(None, "journal_mode", "wal")
            .map_err(explain)?;
        db.pragma_update(None, "foreign_keys", true)
            .map_err(explain)?;
        migrate(&mut db, &path)?;
        Ok(Self { db, path })
    }

    /// Claims a notice. True exactly once over all processes and all time: then it is to be shown.
    ///
    /// # Errors
    /// When the claim cannot be recorded.
    pub fn claim_notice(&self, id: &NoticeId, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO notices (id, claimed_at) VALUES (?1, ?2)";
        let n = self.db.execute(sql, (id.as_str(), now.to_string()));
        n.map(|n| n == 1)
            .map_err(|error| explain(&self.path, error))
    }

    /// Returns when the program was started first; that is `now` the first time.
    ///
    /// # Errors
    /// When it cannot be recorded or read.
    pub fn first_start(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let sql = "INSERT OR IGNORE INTO meta (key, value) VALUES ('first_start', ?1)";
        let recorded = self.db.execute(sql, [now.to_string()]).and_then(|_| {
            let sql = "SELECT value FROM meta WHERE key = 'first_start'";
            self.db
                .query_row(sql, [], |row| row.get::<_, String>(0))
                .optional()
        });
        let recorded = recorded.map_err(|error| explain(&self.path, error))?;
        let other = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Other {
            path: self.path.to_string(),
            source,
        };
        let recorded = recorded.ok_or_else(|| other("the first start was not recorded".into()))?;
        recorded
            .parse()
            .map_err(|error: jiff::Error| other(error.into()))
    }
}

fn migrate(db: &mut Connection, path: &Utf8Path) -> Result<(), StoreError> {
    // Two processes may start at once: the second finds the tables made and is done when it
    // looks at the version again.
    let migrations = Migrations::from_slice(MIGRATIONS);
    let migrated = migrations
        .to_latest(db)
        .or_else(|_| migrations.to_latest(db));
    migrated.map_err(|error| {
        if let rusqlite_migration::Error::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        ) = error
        {
            let path = path.to_string();
            return StoreError::Newer { path };
        }
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            return explain(path, err);
        }
        StoreError::Other {
            path: path.to_string(),
            source: error.into(),
        }
    })
}

fn explain(path: &Utf8Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_string();
    match source.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            StoreError::ReadOnly { path, source }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Busy { path, source }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, source }
        }
        Some(_) | None => StoreError::Other {
            path,
            source: source.into(),
        },
    }
}

#[cfg(test)]
mod tests;
