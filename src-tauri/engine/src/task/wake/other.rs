//! Systems where nothing wakes: short waits.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use camino::Utf8Path;

/// How long one wait lasts at most.
const STEP: Duration = Duration::from_millis(200);

/// Waits for a moment.
#[derive(Debug)]
pub(crate) struct Waker {
    // Nothing is ever sent: receiving from it is a wait with an end.
    never: (Sender<()>, Receiver<()>),
}

impl Waker {
    pub(crate) fn new() -> Self {
        Self { never: channel() }
    }

    pub(crate) fn watch_folder(&mut self, _folder: &Utf8Path) {}

    pub(crate) fn watch_file(&mut self, _file: &Utf8Path) {}

    pub(crate) fn watch_process(&mut self, _pid: u32) {}

    pub(crate) fn forget_process(&mut self) {}

    pub(crate) fn wait(&mut self, limit: Duration) {
        match self.never.1.recv_timeout(limit.min(STEP)) {
            Ok(()) | Err(_) => {}
        }
    }
}
