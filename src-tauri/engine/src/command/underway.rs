//! What runs at the moment, so that nothing of it outlives this program.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::platform;

static NOW: Mutex<Now> = Mutex::new(Now {
    groups: BTreeSet::new(),
    n_calls: 0,
    is_over: false,
});
static LESS: Condvar = Condvar::new();

struct Now {
    groups: BTreeSet<u32>,
    n_calls: u32,
    is_over: bool,
}

/// A program that runs, by its group.
pub(super) struct Started(u32);

/// Something that has to be tidied up when its program has ended.
pub(crate) struct Underway(());

/// Ends every program that runs, starts no further one, and waits at most for `limit` until what
/// they left is tidied up. For the end of this program.
pub fn end_underway(limit: Duration) {
    let mut now = now();
    now.is_over = true;
    for group in &now.groups {
        platform::end_group(*group);
    }
    let waited =
        LESS.wait_timeout_while(now, limit, |now| !now.groups.is_empty() || now.n_calls > 0);
    if waited.is_err() {
        tracing::warn!("What was underway panicked.");
    }
}

impl Started {
    /// Starts a program, unless this one is about to end.
    pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        let mut now = now();
        if now.is_over {
            return Err(io::Error::other("this program is about to end"));
        }
        let child = command.spawn()?;
        now.groups.insert(child.id());
        let group = child.id();
        Ok((child, Self(group)))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        now().groups.remove(&self.0);
        LESS.notify_all();
    }
}

impl Underway {
    pub(crate) fn begin() -> Self {
        now().n_calls += 1;
        Self(())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut now = now();
        now.n_calls = now.n_calls.saturating_sub(1);
        LESS.notify_all();
    }
}

fn now() -> MutexGuard<'static, Now> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}
