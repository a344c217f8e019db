//! The MCP server as a client meets it: raw lines over a pipe to the built program.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod abuse;
mod answers;
mod apply;
mod cloud;
mod cloud_faults;
mod connector;
mod older;
mod pipe;
mod tasks;
mod tools;
