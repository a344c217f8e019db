//! Systems where relations are not told here.

use super::Kin;

pub(super) fn of(_pid: u32) -> Option<Kin> {
    None
}

pub(super) fn all() -> Vec<Kin> {
    Vec::new()
}
