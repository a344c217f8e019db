//! What sessions, turns and notices are and how they change.
//!
//! The crate does no IO and reads no clock: it takes values and a `now`, and returns values.
#![forbid(unsafe_code)]

pub mod event;
pub mod health;
pub mod message;
pub mod notice;
pub mod observation;
pub mod process;
pub mod quiet;
pub mod redact;
pub mod session;
pub mod source;
pub mod spelling;
pub mod task;
pub mod text;
pub mod timeline;
pub mod tracker;
