//! The MCP server over the engine: sessions are seen and tasks are delegated by any client.
//!
//! It holds no state of its own: what it says comes from the agents' files and the store, so any
//! process can answer for any task. Nothing is watched or opened before somebody asks.

mod answer;
mod cloud;
mod desk;
mod parameters;
mod server;
mod task;
mod tools;
mod wire;

pub use server::life::{ServeError, serve};
pub use tools::Listing;
