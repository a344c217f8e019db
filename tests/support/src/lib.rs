//! What the tests share: a scripted model, the real agents in a fresh home, the built program, a desktop.
//!
//! Nothing here knows what Mission Control should say; that is the tests' business.
//! Everything runs on the loopback, in temporary folders, and ends with the value that started it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken set-up should stop the test where it breaks"
)]

pub mod claude;
pub mod cloud;
pub mod codex;
pub mod contract;
pub mod desktop;
pub mod http;
pub mod model;
pub mod process;
pub mod recordings;
pub mod task;
pub mod terminal;
pub mod truth;
pub mod wait;
pub mod watch;
