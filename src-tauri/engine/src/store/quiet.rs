//! Sessions of which a person wants no notifications.

use jiff::Timestamp;
use mission_control_core::quiet::Quiet;
use mission_control_core::session::SessionId;
use rusqlite::OptionalExtension as _;

use super::{Store, StoreError};

impl Store {
    /// Makes a session quiet, or loud again with none.
    ///
    /// # Errors
    /// When that cannot be recorded.
    pub fn set_quiet(
        &self,
        id: &SessionId,
        quiet: Option<Quiet>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let until = match quiet {
            Some(Quiet::Snoozed { until }) => Some(until.to_string()),
            Some(Quiet::Muted {}) => None,
            None => {
                let sql = "DELETE FROM quiet_sessions WHERE session_id = ?1";
                return self.execute(sql, [id.as_str()]).map(|_| ());
            }
        };
        let sql = "INSERT INTO quiet_sessions (session_id, until, set_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (session_id) DO UPDATE SET until = ?2, set_at = ?3";
        self.execute(sql, (id.as_str(), until, now.to_string()))?;
        Ok(())
    }

    /// Returns for how long a session is quiet; none when it is not, or not any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn quiet_of(&self, id: &SessionId, now: Timestamp) -> Result<Option<Quiet>, StoreError> {
        // A database that is only looked at may be older than the table.
        let is_there = "SELECT 1 FROM sqlite_schema WHERE name = 'quiet_sessions'";
        let until = self
            .db
            .query_row(is_there, [], |_| Ok(()))
            .optional()
            .and_then(|there| match there {
                Some(()) => self
                    .db
                    .query_row(
                        "SELECT until FROM quiet_sessions WHERE session_id = ?1",
                        [id.as_str()],
                        |row| row.get::<_, Option<String>>(0),
                    )
                    .optional(),
                None => Ok(None),
            })
            .map_err(|error| self.explain(error))?;
        let quiet = match until {
            None => return Ok(None),
            Some(None) => Quiet::Muted {},
            Some(Some(until)) => {
                let until = until.parse();
                let until = until.map_err(|error: jiff::Error| self.other(error.into()))?;
                Quiet::Snoozed { until }
            }
        };
        Ok(quiet.holds(now).then_some(quiet))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use mission_control_core::source::Source;

    use super::*;
    use crate::testing::temp_folder;

    const NOW: Timestamp = Timestamp::constant(1_763_600_000, 0);

    #[test]
    fn a_session_is_quiet_in_every_process_until_it_is_over_or_undone() {
        let (_guard, folder) = temp_folder();
        let (writer, reader) = (Store::open(&folder).unwrap(), Store::open(&folder).unwrap());
        let (a, b) = (
            SessionId::new(Source::ALL[0], "a"),
            SessionId::new(Source::ALL[0], "b"),
        );
        let until = NOW + SignedDuration::from_mins(30);
        let snoozed = Some(Quiet::Snoozed { until });
        let muted = Some(Quiet::Muted {});

        assert_eq!(reader.quiet_of(&a, NOW).unwrap(), None);
        writer.set_quiet(&a, snoozed, NOW).unwrap();
        assert_eq!(reader.quiet_of(&a, NOW).unwrap(), snoozed);
        assert_eq!(reader.quiet_of(&b, NOW).unwrap(), None);
        assert_eq!(reader.quiet_of(&a, until).unwrap(), None);
        writer.set_quiet(&a, muted, NOW).unwrap();
        assert_eq!(reader.quiet_of(&a, until).unwrap(), muted);
        writer.set_quiet(&a, None, NOW).unwrap();
        writer.set_quiet(&b, None, NOW).unwrap();
        assert_eq!(reader.quiet_of(&a, NOW).unwrap(), None);
    }

    #[test]
    fn an_older_database_that_is_only_looked_at_knows_no_quiet_session() {
        let (_guard, folder) = temp_folder();
        let store = Store::open(&folder).unwrap();
        store.db.execute("DROP TABLE quiet_sessions", []).unwrap();

        let id = SessionId::new(Source::ALL[0], "a");

        assert_eq!(store.quiet_of(&id, NOW).unwrap(), None);
    }
}
