//! What the tray shows, as values. The back ends only draw them.

use mission_control_core::session::SessionId;

use crate::sessions::Wish;
use crate::target::Target;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod backend;
mod pictures;

pub(crate) use backend::{Tray, start};

/// Everything the tray shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrayState {
    pub(crate) icon: TrayIcon,
    /// Counts only: some panels read tooltips as HTML, so nothing foreign goes in.
    pub(crate) tooltip: String,
    pub(crate) menu: Vec<MenuEntry>,
}

/// The most urgent state there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrayIcon {
    /// So many sessions wait for a person; at least one.
    NeedsYou(u32),
    /// Watching is hampered.
    Problem,
    /// Something ended since the window was last looked at.
    DoneUnseen,
    /// Something runs.
    Working,
    /// Nothing runs.
    Idle,
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MenuEntry {
    /// Text that cannot be chosen.
    Heading(String),
    /// Text that can.
    Choice {
        label: String,
        choice: Choice,
    },
    /// Text that opens a menu of its own.
    Submenu {
        label: String,
        entries: Vec<Self>,
    },
    Separator,
}

/// What can be chosen in the tray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Open the window where it was.
    Open,
    /// Open the window at a page.
    Go(Target),
    /// Change what is told of a session.
    Quieten(SessionId, Wish),
    /// End the program.
    Quit,
}
