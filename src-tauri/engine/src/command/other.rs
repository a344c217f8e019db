//! Systems without process groups.

use std::process::Command;

use camino::Utf8Path;

pub(super) fn is_program(path: &Utf8Path) -> bool {
    path.with_extension("exe").is_file() || path.is_file()
}

pub(super) fn own_group(_command: &mut Command) {}

pub(super) fn end_group(leader: u32) {
    tracing::warn!(
        pid = leader,
        "A program that took too long could not be ended."
    );
}
