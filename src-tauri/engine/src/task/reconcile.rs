//! Finding tasks whose supervisor is gone, and giving them another one.
//!
//! Cheap when nothing is wrong: one look at the open tasks and at their locks.

use std::time::{Duration, SystemTime};

use mission_control_core::task::model::TaskId;

use super::cloud;
use super::context::TaskContext;
use super::folder::TaskFolder;
use super::outcome::{self, RecordError};
use super::submit::supervise;
use super::supervise::SuperviseError;
use crate::clock::Clock;
use crate::store::{Access, Store};

/// A supervisor that was started so lately may not hold its lock yet.
const STARTING: Duration = Duration::from_secs(1);
/// Between two supervisors of a task that none of them can look after.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Starts a supervisor for every task that lost its own. Does nothing where nothing can be
/// written, and nothing from within a task: a supervisor is not to run in an agent's sandbox.
pub fn reconcile(context: &TaskContext, store: &Store) {
    if store.access() == Access::Read || context.depth > 0 {
        return;
    }
    let open = match store.open_tasks() {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error, "Open tasks cannot be looked for.");
            return;
        }
    };
    cloud::end_unborn(context, store);
    for task in open {
        let Some(id) = TaskId::parse(&task.id) else {
            continue;
        };
        let folder = context.folder(&id);
        if folder.is_supervised() || was_tried_lately(&folder) {
            continue;
        }
        tracing::info!(%id, "A task lost its supervisor and gets another one.");
        supervise(context, &id);
    }
}

fn was_tried_lately(folder: &TaskFolder) -> bool {
    let tried = std::fs::metadata(folder.attempt()).and_then(|file| file.modified());
    let now = SystemTime::from(Clock::start().now().wall);
    let pause = pause_after(folder.n_attempts());
    tried.is_ok_and(|tried| {
        now.duration_since(tried)
            .map_or(true, |since| since < pause)
    })
}

/// What keeps a supervisor from its work seldom goes away by itself.
fn pause_after(n_attempts: u32) -> Duration {
    let n_doublings = n_attempts.saturating_sub(1).min(16);
    (STARTING * (1 << n_doublings)).min(LONGEST_PAUSE)
}

/// Tells the database about an end that is only in its file.
pub(crate) fn import(
    context: &TaskContext,
    store: &Store,
    id: &TaskId,
) -> Result<bool, SuperviseError> {
    outcome::import(context, store, id).map_err(|error| match error {
        RecordError::Store(error) => SuperviseError::Store(error),
        RecordError::Files(error) => SuperviseError::Files(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supervisors_in_vain_are_started_more_and_more_seldom() {
        let pauses = [0, 1, 2, 3, 8, 9, 10, u32::MAX].map(pause_after);

        assert_eq!(
            pauses.map(|pause| pause.as_secs()),
            [1, 1, 2, 4, 128, 256, 300, 300]
        );
    }
}
