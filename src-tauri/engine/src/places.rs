//! Where things are kept.

use camino::Utf8PathBuf;
use mission_control_core::source::Source;

/// Where this program and the agents keep their files; all paths absolute.
#[derive(Clone, Debug)]
pub struct Places {
    /// This program's state folder.
    pub state: Utf8PathBuf,
    /// The settings file.
    pub settings_file: Utf8PathBuf,
    /// The agents' homes.
    pub homes: Vec<Home>,
}

/// One home of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Whose.
    pub source: Source,
    /// Where.
    pub path: Utf8PathBuf,
}
