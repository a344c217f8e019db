//! Everything that touches the world: files, processes, sockets, storage.
//!
//! The engine sees, the core decides. It never talks to a person.

pub mod answering;
pub mod clock;
pub mod command;
pub mod demo;
pub mod doctor;
pub mod hooks;
pub mod interrupt;
pub mod launch;
pub mod messenger;
pub mod monitor;
pub mod places;
pub mod private;
pub mod settings;
pub mod stop;
pub mod store;
pub mod task;
pub mod terminal;
pub mod whereabouts;

mod kin;
mod locks;
mod processes;
mod source;
mod tail;
mod watch;

#[cfg(test)]
mod testing;
