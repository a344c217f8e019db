//! The agents whose sessions are looked for: one folder each.

pub(crate) mod codex;
