//! Carries events to the page, never more than it can take.

use mission_control_core::event::Event;
use tauri::WebviewWindow;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

/// Events under way to the page. Beyond, they wait in the monitor's own bounded queue, which
/// turns into a fresh snapshot when it overflows: a page that hangs costs no memory.
const MAX_UNDER_WAY: usize = 64;

/// Forwards `events` to the page until either is gone.
pub(crate) async fn forward(
    window: WebviewWindow,
    channel: Channel<Event>,
    mut events: mpsc::Receiver<Event>,
) {
    let mut batch = Vec::with_capacity(MAX_UNDER_WAY);
    while events.recv_many(&mut batch, MAX_UNDER_WAY).await > 0 {
        for event in batch.drain(..) {
            if let Err(error) = channel.send(event) {
                tracing::debug!(%error, "The page takes no events any more.");
                return;
            }
        }
        if !has_caught_up(&window).await {
            return;
        }
    }
}

/// Waits until the page has run all scripts sent to it; events arrive as such.
async fn has_caught_up(window: &WebviewWindow) -> bool {
    let (done, mut is_done) = mpsc::channel(1);
    let asked = window.eval_with_callback("0", move |_| {
        if done.try_send(()).is_err() {
            tracing::debug!("The page answered twice.");
        }
    });
    asked.is_ok() && is_done.recv().await.is_some()
}
