//! Delegated tasks that run in the vendor's cloud: handed in and asked about.
//!
//! No process of this machine belongs to such a task. It is asked about while somebody waits for
//! it or looks, one of all who do so at a time; what was heard is in the store.

mod environments;
mod follow;
mod submit;

use jiff::Timestamp;
use mission_control_core::task::cloud::{CloudEntry, CloudPage};
use mission_control_core::task::failure::FailureReason;

use super::context::TaskContext;
use super::id;
use crate::source::cloud::{CloudProgram, Listed, cloud_id};

pub use environments::{CloudEnvironment, Environments, environments};
pub(crate) use follow::end_unborn;
pub use follow::{Awaited, ask, ask_about_in_background, ask_if_due, ask_in_background};
pub use submit::{CloudRequest, CloudSubmitError, Handover, Recorded, record};

/// Returns the id a task in the cloud has there, from the id or the address of its page.
#[must_use]
pub fn id_in_cloud(text: &str) -> Option<&str> {
    cloud_id(text)
}

/// Returns the tasks of the account, the latest first, whoever handed them in.
///
/// # Errors
/// When the program or the service does not answer.
pub fn list(
    context: &TaskContext,
    environment: Option<&str>,
    limit: Option<u32>,
    cursor: Option<&str>,
    now: Timestamp,
) -> Result<CloudPage, FailureReason> {
    program(context, now).list(Listed {
        environment,
        limit,
        cursor,
    })
}

/// Returns how a task of the account stands that was handed in elsewhere.
///
/// # Errors
/// When the program or the service does not answer.
pub fn look_up(
    context: &TaskContext,
    cloud_id: &str,
    now: Timestamp,
) -> Result<CloudEntry, FailureReason> {
    program(context, now).status(cloud_id)
}

/// Returns what a task of the account changed, of one of its attempts.
///
/// # Errors
/// When the program or the service does not answer.
pub fn difference(
    context: &TaskContext,
    cloud_id: &str,
    attempt: Option<u32>,
    now: Timestamp,
) -> Result<String, FailureReason> {
    program(context, now).diff(cloud_id, attempt)
}

fn program(context: &TaskContext, now: Timestamp) -> CloudProgram<'_> {
    CloudProgram {
        program: &context.launch.program,
        variables: &context.launch.variables,
        call: id::new_uuid(now),
    }
}
