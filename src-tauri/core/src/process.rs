//! A process that cannot be mistaken for another: pid and start time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A pid together with the start of the process it meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ProcessKey {
    /// The process id.
    pub pid: u32,
    /// When the process started, to the second.
    #[cfg_attr(test, ts(type = "string"))]
    pub started_at: Timestamp,
}
