//! Runs another status line's command as Claude Code would, with a limit.

#[cfg(not(unix))]
#[path = "other.rs"]
mod platform;
#[cfg(unix)]
#[path = "unix.rs"]
mod platform;

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Child;

use crate::cli::failure::{Failure, Kind};

/// How long it may take. Claude Code asks again after five seconds.
const LIMIT: Duration = Duration::from_secs(3);

/// More than any status bar shows.
const MAX_PRINTED: usize = 64 * 1024;

/// How a run came to its end.
enum End {
    Left,
    TookTooLong,
    PrintedTooMuch,
    AskedToStop,
}

/// Runs a command with our standard input; returns what it printed, all the same if it failed.
pub(super) fn run(command: &str) -> (Vec<u8>, Option<Failure>) {
    let mut printed = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let end = runtime.and_then(|runtime| runtime.block_on(run_in_time(command, &mut printed)));
    let why = match end {
        Ok(End::Left | End::AskedToStop) => return (printed, None),
        Ok(End::TookTooLong) => format!("it had not ended after {} s", LIMIT.as_secs()),
        Ok(End::PrintedTooMuch) => format!("it printed more than {MAX_PRINTED} bytes"),
        Err(error) => error.to_string(),
    };
    let title = format!("Your own status line did not work: {why}.");
    let failure = Failure::new(Kind::Failed, title)
        .hint(format!("It is this command; correct it: {command}"));
    (printed, Some(failure))
}

async fn run_in_time(command: &str, printed: &mut Vec<u8>) -> io::Result<End> {
    let asked_to_stop = platform::asked_to_stop()?;
    let mut child = platform::shell(command)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let end = tokio::select! {
        end = tokio::time::timeout(LIMIT, follow(&mut child, printed)) => {
            end.unwrap_or(Ok(End::TookTooLong))
        }
        () = asked_to_stop => Ok(End::AskedToStop),
    };
    if !matches!(end, Ok(End::Left)) {
        platform::end(&mut child)?;
    }
    end
}

async fn follow(child: &mut Child, printed: &mut Vec<u8>) -> io::Result<End> {
    if let Some(mut stdout) = child.stdout.take() {
        while stdout.read_buf(printed).await? > 0 {
            if printed.len() > MAX_PRINTED {
                printed.truncate(MAX_PRINTED);
                return Ok(End::PrintedTooMuch);
            }
        }
    }
    child.wait().await?;
    Ok(End::Left)
}
