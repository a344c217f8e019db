//! The agents whose sessions are looked for: one folder each.

pub(crate) mod codex;

/// The agent that tasks are delegated to, and how it is called.
pub(crate) use codex::cloud;
pub(crate) use codex::exec as delegate;
pub(crate) use codex::exec::SOURCE as DELEGATE;
/// What an agent's own server says of its sessions.
pub(crate) use codex::live;
