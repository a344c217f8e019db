//! Ended tasks whose result nobody has seen.

use mission_control_core::task::model::Task;

use super::tasks::readable;
use super::{Store, StoreError};

impl Store {
    /// Returns the tasks of `owner` that ended and whose result was not seen, oldest first, at
    /// most `limit`, without their long lists. One that cannot be read is left out.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unseen_ends(&self, owner: &str, limit: u32) -> Result<Vec<Task>, StoreError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.db.prepare_cached(
                "SELECT view FROM tasks WHERE owner = ?1 AND ended_at IS NOT NULL
                 AND seen_at IS NULL ORDER BY seq LIMIT ?2",
            )?;
            let views = statement.query_map((owner, limit), |row| row.get(0))?;
            views.collect()
        };
        let views = read().map_err(|error| self.explain(error))?;
        Ok(readable(&views))
    }
}
