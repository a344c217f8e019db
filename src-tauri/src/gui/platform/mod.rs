//! What differs between operating systems, apart from tray and notifications.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod system;

pub(crate) use system::{FOLDER_OPENER, TERMINALS, into_own_group, make_frugal, missing_display};

/// A terminal program and what stands between its name and the command it is to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) program: &'static str,
    pub(crate) before_command: &'static [&'static str],
}
