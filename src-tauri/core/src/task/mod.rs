//! Delegated tasks: what is asked for, how a run goes, and what came of it.

pub mod board;
pub mod cloud;
pub mod conclude;
pub mod exec_events;
pub mod failure;
pub mod git;
pub mod model;
pub mod patch;
pub mod progress;
pub mod request;
pub mod run;
mod symptoms;
pub mod test_report;
pub mod words;
pub mod work;
