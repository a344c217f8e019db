//! Everything that touches the world: files, processes, sockets, storage.
//!
//! The engine sees, the core decides. It never talks to a person.

pub mod doctor;
pub mod monitor;
pub mod places;
pub mod settings;
pub mod store;
