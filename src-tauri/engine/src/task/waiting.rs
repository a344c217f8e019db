//! Waiting for tasks without polling.

use std::time::Duration;

use super::cloud::{Awaited, ask_about_in_background};
use super::context::TaskContext;
use super::reconcile::reconcile;
use super::wake::Waker;
use super::{bell, folder};
use crate::clock::Clock;
use crate::store::{Access, Store, StoreError};

/// How long a missed bell may delay a waiter.
const BELL_MISSED: Duration = Duration::from_secs(2);

/// Which end of waiting came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited<T> {
    /// What was waited for.
    For(T),
    /// The time was up.
    TimeUp,
}

/// Waits until `look` returns something, at most for `limit`. Looks whenever a task changed, and
/// now and then in case that was missed. Of tasks in the cloud those in `awaited` are asked about.
///
/// # Errors
/// Whatever `look` returns.
pub fn wait_for<T, E: From<StoreError>>(
    context: &TaskContext,
    store: &Store,
    awaited: impl Fn() -> Awaited,
    limit: Option<Duration>,
    mut look: impl FnMut(&Store) -> Result<Option<T>, E>,
) -> Result<Waited<T>, E> {
    let clock = Clock::start();
    let bell = bell::folder(&context.state);
    let mut waker = Waker::new();
    // Without the folder nothing was ever handed in, or nothing can be written here.
    let is_there = bell.is_dir() || folder::make_private_folder(&bell).is_ok();
    if is_there {
        waker.watch_folder(&bell);
    }
    let mut version = None;
    let mut looked_at = None;
    loop {
        let now = clock.now().steady;
        let is_due = looked_at.is_none_or(|at: Duration| now >= at + BELL_MISSED);
        if is_due {
            reconcile(context, store);
            ask_about_in_background(context, store, &awaited());
            looked_at = Some(now);
        }
        if is_due && store.access() == Access::Read {
            // What was opened as it was does not show what came later.
            let fresh = Store::open_to_look(&context.state)?;
            if let Some(found) = look(&fresh)? {
                return Ok(Waited::For(found));
            }
        }
        let current = store.data_version()?;
        if version != Some(current) {
            version = Some(current);
            if let Some(found) = look(store)? {
                return Ok(Waited::For(found));
            }
        }
        let left = limit.map(|limit| limit.saturating_sub(clock.now().steady));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Waited::TimeUp);
        }
        waker.wait(left.map_or(BELL_MISSED, |left| left.min(BELL_MISSED)));
    }
}
