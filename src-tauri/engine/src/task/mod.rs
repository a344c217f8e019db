//! Delegated tasks: handed in, supervised by a process each, found again after any crash.
//!
//! A task's status is decided by [`mission_control_core::task::run::TaskRun`] alone; here things
//! are done and looked at.

pub mod act;
pub mod apply;
pub mod bell;
pub mod cleanup;
pub mod cloud;
pub mod context;
pub mod folder;
pub mod mark;
pub mod present;
pub mod reconcile;
pub mod reply;
pub mod run_facts;
pub mod submit;
pub mod supervise;
pub mod waiting;

mod footprint;
mod git;
pub(crate) mod id;
mod outcome;
mod place;
mod programs;
mod queue;
mod report;
pub(crate) mod wake;
mod words;
mod worktree;
