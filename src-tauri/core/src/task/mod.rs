//! Delegated tasks: what is asked for, how a run goes, and what came of it.

pub mod exec_events;
pub mod failure;
pub mod model;
pub mod request;
pub mod test_report;
pub mod words;
