//! New ids: UUIDs that sort by time.

use std::hash::{BuildHasher as _, RandomState};

use jiff::Timestamp;
use mission_control_core::task::model::TaskId;

/// Returns an id that nobody had before.
pub(crate) fn new_uuid(now: Timestamp) -> String {
    let millisecond = u64::try_from(now.as_millisecond()).unwrap_or(0);
    // Every state is seeded by the system; pid and time are mixed in beside.
    let random = |salt: u32| RandomState::new().hash_one((salt, std::process::id(), now));
    let (a, b) = (random(1), random(2));
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        (millisecond >> 16) & 0xffff_ffff,
        millisecond & 0xffff,
        a & 0xfff,
        0x8000 | ((a >> 12) & 0x3fff),
        b & 0xffff_ffff_ffff,
    )
}

/// Returns a new task's id.
pub(crate) fn new_task_id(now: Timestamp) -> Option<TaskId> {
    TaskId::parse(&new_uuid(now))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_ids_and_differ() {
        let now = Timestamp::constant(1_763_600_000, 0);

        let ids: BTreeSet<TaskId> = (0..1000).filter_map(|_| new_task_id(now)).collect();

        assert_eq!(ids.len(), 1000);
    }
}
