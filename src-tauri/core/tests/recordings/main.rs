//! Recordings of the real agents: what each yields, and what every source promises.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test reads its recordings and fails by panicking"
)]

mod claude_code;
mod codex;
mod conformance;
mod reading;
