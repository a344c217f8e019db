//! Systems that do not tell who holds a lock.

use std::fs::Metadata;

use super::Lock;

pub(super) fn read() -> Result<Vec<Lock>, String> {
    Err("This system does not tell who holds a file lock.".to_owned())
}

pub(super) fn identity(_metadata: &Metadata) -> ((u32, u32), u64) {
    ((0, 0), 0)
}
