//! Standard input and output, taken away from everything else in the process.
//!
//! What lies behind them differs: pipes and sockets are driven by the event loop, everything else
//! by a thread each.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod platform;

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

pub(crate) use platform::take;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Chunks a reading thread may be ahead; then it waits, and with it the client.
const MOST_CHUNKS: usize = 4;

/// Where messages come from.
pub(crate) enum Input {
    /// Something the event loop can wait for.
    Ready(Box<dyn AsyncRead + Send + Unpin>),
    /// A thread that reads.
    Thread(mpsc::Receiver<Vec<u8>>),
}

/// Where messages go.
pub(crate) enum Output {
    /// Something the event loop can wait for.
    Ready(Box<dyn AsyncWrite + Send + Unpin>),
    /// Something only a thread can wait for.
    File(File),
}

impl Input {
    /// Makes an input of a file that blocks.
    pub(crate) fn of_file(mut file: File) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(MOST_CHUNKS);
        let thread = std::thread::Builder::new().name("stdin".to_owned());
        thread.spawn(move || {
            let mut buffer = vec![0; CHUNK];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n_bytes) => {
                        let chunk = buffer.get(..n_bytes).unwrap_or_default().to_vec();
                        if sender.blocking_send(chunk).is_err() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        tracing::warn!(%error, "Standard input could not be read.");
                        break;
                    }
                }
            }
        })?;
        Ok(Self::Thread(receiver))
    }

    /// Reads what is there and gives it to `take`; false when nothing more will come. Nothing is
    /// lost when this is dropped before it is done.
    pub(crate) async fn read(&mut self, take: impl FnOnce(&[u8])) -> bool {
        match self {
            Self::Ready(input) => {
                let mut buffer = [0; 8 * 1024];
                match input.read(&mut buffer).await {
                    Ok(0) => false,
                    Ok(n_bytes) => {
                        take(buffer.get(..n_bytes).unwrap_or_default());
                        true
                    }
                    Err(error) => {
                        tracing::warn!(%error, "Standard input could not be read.");
                        false
                    }
                }
            }
            Self::Thread(chunks) => match chunks.recv().await {
                Some(chunk) => {
                    take(&chunk);
                    true
                }
                None => false,
            },
        }
    }
}

impl Output {
    /// Writes what comes until nothing more comes, and calls `written` with the number of bytes
    /// after each write.
    pub(crate) async fn write_all(
        self,
        mut frames: mpsc::UnboundedReceiver<Vec<u8>>,
        written: impl Fn(usize) + Send + 'static,
    ) -> io::Result<()> {
        match self {
            Self::Ready(mut output) => {
                while let Some(batch) = frames.recv().await.map(|first| gather(first, &mut frames))
                {
                    output.write_all(&batch).await?;
                    output.flush().await?;
                    written(batch.len());
                }
                Ok(())
            }
            Self::File(mut file) => {
                let (done, ended) = tokio::sync::oneshot::channel();
                let thread = std::thread::Builder::new().name("stdout".to_owned());
                thread.spawn(move || {
                    let result = loop {
                        let first = frames.blocking_recv();
                        let Some(batch) = first.map(|first| gather(first, &mut frames)) else {
                            break Ok(());
                        };
                        if let Err(error) = file.write_all(&batch).and_then(|()| file.flush()) {
                            break Err(error);
                        }
                        written(batch.len());
                    };
                    // Nobody is left to be told when the server has ended.
                    done.send(result).unwrap_or_default();
                })?;
                ended.await.unwrap_or(Ok(()))
            }
        }
    }
}

/// Puts frames that wait together, so that they are written at once.
fn gather(mut batch: Vec<u8>, frames: &mut mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<u8> {
    while batch.len() < CHUNK {
        match frames.try_recv() {
            Ok(frame) => batch.extend_from_slice(&frame),
            Err(_) => break,
        }
    }
    batch
}
