//! What waits to be written, counted, so that a client that does not read costs a bounded amount.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

use super::streams::Output;

/// Bytes that may wait before no further request is taken in.
const MOST_WAITING: usize = 2 << 20;

/// Counts what waits.
#[derive(Debug, Default)]
struct Level {
    waiting: AtomicUsize,
    changed: Notify,
}

/// The way out.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    level: Arc<Level>,
}

impl Outbox {
    /// Makes an outbox and what writes it out; the latter ends when the client has gone.
    pub(crate) fn new(output: Output) -> (Self, impl Future<Output = std::io::Result<()>>) {
        // Bounded by `has_room`, which the intake asks before it takes the next request.
        let (frames, queue) = mpsc::unbounded_channel();
        let level = Arc::new(Level::default());
        let written = Arc::clone(&level);
        let writer = output.write_all(queue, move |n_bytes| {
            written.waiting.fetch_sub(n_bytes, Ordering::AcqRel);
            written.changed.notify_waiters();
        });
        (Self { frames, level }, writer)
    }

    /// Puts a frame, with its line end, behind all others.
    pub(crate) fn put(&self, frame: Vec<u8>) {
        self.level.waiting.fetch_add(frame.len(), Ordering::AcqRel);
        // When the writer has gone, the process is about to end.
        if self.frames.send(frame).is_err() {
            tracing::debug!("A message is dropped: the client has gone.");
        }
    }

    /// Returns whether a further request can be taken in.
    pub(crate) fn has_room(&self) -> bool {
        self.level.waiting.load(Ordering::Acquire) < MOST_WAITING
    }

    /// Returns whether everything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.level.waiting.load(Ordering::Acquire) == 0
    }

    /// Waits until something was written or `is_reached` holds already.
    pub(crate) async fn wait_until(&self, is_reached: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.level.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_reached(self) {
                return;
            }
            changed.await;
        }
    }
}
