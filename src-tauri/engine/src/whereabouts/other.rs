//! Systems where a terminal cannot be gone to exactly.

use super::Reached;
use crate::places::Environment;

pub(super) fn reach(_environment: &Environment, _pid: u32) -> Reached {
    Reached {
        why_not: Some("Terminals cannot be gone to on this system.".to_owned()),
        ..Reached::default()
    }
}

pub(super) const fn title(_environment: &Environment, _pid: u32) -> Option<String> {
    None
}
