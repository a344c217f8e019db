//! From start to end: serving, beginning anew when a handshake fails, and leaving in time.

use std::sync::Arc;
use std::time::Duration;

use mission_control_engine::command::end_underway;
use rmcp::serve_server;
use tokio::sync::watch;

use super::Server;
use crate::desk::Desk;
use crate::tools::Listing;
use crate::wire::{Lease, Outbox, Standing, Wire, streams};

/// How long answers may take after the client has sent its last message.
const GRACE: Duration = Duration::from_millis(700);

/// How long what was started may take to be gone and tidied up.
const TIDYING: Duration = Duration::from_millis(250);

/// Most threads for work that blocks; calls beyond wait for their turn.
const MOST_THREADS: usize = 8;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The event loop cannot be made.
    #[error("start the event loop")]
    Loop(#[source] std::io::Error),
    /// There is nothing to read from or to write to.
    #[error("take standard input and output")]
    Streams(#[source] std::io::Error),
}

/// Serves MCP on standard input and output until the client leaves or the process is told to end.
///
/// # Errors
/// When it cannot start.
pub fn serve(listing: Listing) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MOST_THREADS)
        .build()
        .map_err(ServeError::Loop)?;
    let result = runtime.block_on(converse(listing));
    // Work that blocks a thread is left behind: whatever is worth keeping is in the store. What it
    // started is not.
    runtime.shutdown_background();
    end_underway(TIDYING);
    result
}

async fn converse(listing: Listing) -> Result<(), ServeError> {
    let (input, output) = streams::take().map_err(ServeError::Streams)?;
    let (outbox, writer) = Outbox::new(output);
    let (end, told) = watch::channel(false);
    let (wire, standing) = Wire::new(input, outbox.clone(), told);
    let desk = Arc::new(Desk::new(standing.clone()));
    tokio::select! {
        result = writer => if let Err(error) = result {
            tracing::info!(%error, "The client does not read any more.");
        },
        () = talk(wire, &desk, listing) => {}
        () = farewell(standing, &outbox, end) => {}
    }
    Ok(())
}

/// Serves one handshake after the other; a failed one ends nothing.
async fn talk(mut wire: Wire, desk: &Arc<Desk>, listing: Listing) {
    loop {
        let (lease, home) = Lease::of(wire);
        match serve_server(Server::new(Arc::clone(desk), listing), lease).await {
            Ok(running) => {
                if let Err(error) = running.waiting().await {
                    tracing::error!(%error, "Serving broke down.");
                }
            }
            Err(error) => tracing::warn!(%error, "A handshake failed."),
        }
        let back = home.lock().map(|mut home| home.take());
        match back {
            Ok(Some(back)) => wire = back,
            Ok(None) | Err(_) => return,
        }
    }
}

/// Waits until the client has ended, or this process is told to, and answers are written, or their
/// time is up.
async fn farewell(
    mut standing: watch::Receiver<Standing>,
    outbox: &Outbox,
    end: watch::Sender<bool>,
) {
    tokio::select! {
        ended = standing.wait_for(|standing| standing.has_ended) => if ended.is_err() {
            return;
        },
        () = told_to_end() => {
            end.send_replace(true);
        }
    }
    let answered = async {
        // The sender lives as long as the wire, which is gone only when serving is.
        if standing
            .wait_for(|standing| standing.is_taken_in && standing.awaited == 0)
            .await
            .is_ok()
        {
            outbox.wait_until(Outbox::is_empty).await;
        }
    };
    if tokio::time::timeout(GRACE, answered).await.is_err() {
        tracing::info!("The server ends before everything was answered.");
    }
}

#[cfg(unix)]
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::warn!("Stop signals cannot be waited for; they end the process at once.");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_end() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be waited for; it ends the process at once.");
        std::future::pending::<()>().await;
    }
}
