//! What is shared between processes and survives them: one SQLite database.
//!
//! The only module that writes it. Nothing that cannot be understood is ever overwritten.

mod cloud;
mod file;
mod history;
mod quiet;
mod tasks;
mod unseen;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::health::Problem;
use mission_control_core::notice::NoticeId;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use crate::clock::Clock;

pub use cloud::CloudRow;
pub use history::TaskEvent;
pub use tasks::{
    HandedIn, NewSignal, NewTask, OpenTask, RunsWhere, TaskFilter, TaskRecord, is_queued,
};

/// How long a write waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Only ever added to: older programs go on using the tables they know.
const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_notices.sql")),
    M::up(include_str!("migrations/0002_tasks.sql")),
    M::up(include_str!("migrations/0003_cloud.sql")),
    M::up(include_str!("migrations/0004_quiet.sql")),
];

/// The number of migrations a program has to know to use the database; kept in `meta` by a
/// migration that older programs must not go on without.
const NEEDS_SCHEMA: &str = "needs_schema";

/// Programs that do not know this many migrations would start a supervisor for a task that runs
/// in the cloud.
const CLOUD_SCHEMA: usize = 3;

/// The database.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: Utf8PathBuf,
    access: Access,
}

/// What may be done with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Write,
    /// It is looked at only: its folder cannot be written from here.
    Read,
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
        // Where the file cannot be written it is opened for reading without a word.
        if db.is_readonly("main").map_err(explain)? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            return Err(explain(rusqlite::Error::SqliteFailure(code, None)));
        }
        db.pragma_update(None, "foreign_keys", true)
            .map_err(explain)?;
        set_up(&mut db, &path)?;
        Ok(Self {
            db,
            path,
            access: Access::Write,
        })
    }

    /// Opens the database to look at it: like [`Store::open`], and where nothing can be written,
    /// as it is. Without a database there is nothing in it.
    ///
    /// # Errors
    /// When it cannot be opened or understood.
    pub fn open_to_look(state: &Utf8Path) -> Result<Self, StoreError> {
        match Self::open(state) {
            Err(StoreError::ReadOnly { .. } | StoreError::Folder { .. }) => {}
            opened => return opened,
        }
        let path = file::path(state);
        let explain = |error| explain(&path, error);
        let db = if path.exists() {
            open_read_only(&path).map_err(explain)?
        } else {
            let mut db = Connection::open_in_memory().map_err(explain)?;
            migrate(&mut db, &path)?;
            db
        };
        db.busy_timeout(PATIENCE).map_err(explain)?;
        let store = Self {
            db,
            path,
            access: Access::Read,
        };
        store.is_understood()?;
        Ok(store)
    }

    /// Returns what may be done with the database.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Returns how the file system failed, as an error of this store.
    fn explain(&self, error: rusqlite::Error) -> StoreError {
        explain(&self.path, error)
    }

    fn other(&self, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
        StoreError::Other {
            path: self.path.to_string(),
            source,
        }
    }

    fn is_understood(&self) -> Result<(), StoreError> {
        if is_too_new(&self.db).map_err(|error| self.explain(error))? {
            return Err(StoreError::Newer {
                path: self.path.to_string(),
            });
        }
        Ok(())
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

/// Makes what the database lacks. Several processes may do so at once, and SQLite refuses a change
/// of the journal at once where it waits for everything else.
fn set_up(db: &mut Connection, path: &Utf8Path) -> Result<(), StoreError> {
    let clock = Clock::start();
    loop {
        let journal = db.pragma_update(None, "journal_mode", "wal");
        let made = journal
            .map_err(|error| explain(path, error))
            .and_then(|()| migrate(db, path));
        match made {
            Err(StoreError::Busy { .. }) if clock.now().steady < PATIENCE => {
                // Waits for whoever writes.
                db.execute_batch("BEGIN IMMEDIATE; COMMIT")
                    .map_err(|error| explain(path, error))?;
            }
            made => return made,
        }
    }
}

fn migrate(db: &mut Connection, path: &Utf8Path) -> Result<(), StoreError> {
    // Two processes may start at once: the second finds the tables made and is done when it
    // looks at the version again.
    let migrations = Migrations::from_slice(MIGRATIONS);
    let migrated = migrations
        .to_latest(db)
        .or_else(|_| migrations.to_latest(db));
    migrated.or_else(|error| {
        if let rusqlite_migration::Error::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        ) = error
        {
            return match is_too_new(db) {
                Ok(false) => Ok(()),
                Ok(true) => Err(StoreError::Newer {
                    path: path.to_string(),
                }),
                Err(error) => Err(explain(path, error)),
            };
        }
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            return Err(explain(path, err));
        }
        Err(StoreError::Other {
            path: path.to_string(),
            source: error.into(),
        })
    })
}

/// Returns whether a newer program changed more than it added.
fn is_too_new(db: &Connection) -> rusqlite::Result<bool> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if version <= known {
        return Ok(false);
    }
    let needs: Option<String> = db
        .query_row(
            "SELECT value FROM meta WHERE key = ?1",
            [NEEDS_SCHEMA],
            |row| row.get(0),
        )
        .optional()?;
    Ok(needs.is_some_and(|needs| needs.parse().map_or(true, |needs: i64| needs > known)))
}

/// A database in a folder that cannot be written has no place for the files that readers and
/// writers share. While a writer lives they are there; otherwise the file itself is whole.
fn open_read_only(path: &Utf8Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let uri = |options: &str| {
        let escaped: String = path
            .as_str()
            .chars()
            .map(|c| match c {
                '%' => "%25".to_owned(),
                '?' => "%3f".to_owned(),
                '#' => "%23".to_owned(),
                c => c.to_string(),
            })
            .collect();
        format!("file:{escaped}?{options}")
    };
    let looked = |options: &str| {
        let db = Connection::open_with_flags(uri(options), flags)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(db)
    };
    looked("mode=ro").or_else(|_: rusqlite::Error| looked("mode=ro&immutable=1"))
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
pub(crate) mod tests;
