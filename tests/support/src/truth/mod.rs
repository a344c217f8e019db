//! Whether what is told of sessions is true: a recorder that knows what happened, and when.
//!
//! A scene causes something, waits until it is known to have happened, and says so with a
//! [`Phase`]. Monitors run all the while. At the end everything they told is compared with
//! everything that happened: states, their evidence and details, and notices. The recorder takes
//! no word of a monitor for what happened.

mod account;
mod judge;
mod recorder;
mod report;
mod timeline;

#[cfg(test)]
mod tests;

pub use recorder::{Recorder, Scene, play_all};
pub use report::{Report, percentile};
pub use timeline::{Phase, State};
