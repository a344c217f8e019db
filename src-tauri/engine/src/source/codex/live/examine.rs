//! How the server of a home stands: there or not, and whether it talks as it should.

use std::time::Duration;

use camino::Utf8Path;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::wire::{self, Wire};
use super::{LOOK, LiveError, presence, socket};

/// How long somebody who listens may take to let a visitor in.
const KNOCK: Duration = Duration::from_millis(500);

/// What was found at a control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is no socket.
    Absent,
    /// There is one, and nobody listens: a server that ended left it.
    LeftBehind,
    /// It may not be opened, or is something else.
    Closed(String),
    /// Somebody listens who runs no thread. It was not talked to: its first client gives its name
    /// to all it will run.
    Unasked,
    /// It talks.
    Talks {
        /// Its version, if it names one.
        version: Option<String>,
        /// Threads it has loaded.
        n_threads: usize,
    },
    /// It was asked, and nothing came in time.
    Silent,
    /// It refuses to talk.
    Refuses(String),
    /// What it says is no conversation of this kind.
    Odd(String),
}

/// Looks how the server of a home stands, within about two seconds. Starts nothing and takes up
/// no thread.
pub(crate) async fn examine(home: &Utf8Path) -> Standing {
    examine_if(presence::has_clients, home).await
}

pub(super) async fn examine_if(may_talk: fn(&Utf8Path) -> bool, home: &Utf8Path) -> Standing {
    let path = socket(home);
    if std::fs::symlink_metadata(&path).is_err() {
        return Standing::Absent;
    }
    match std::fs::metadata(&path) {
        Ok(_) if wire::is_there(home) => {}
        Ok(_) => return Standing::Closed("it is no socket".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Standing::LeftBehind,
        Err(error) => return Standing::Closed(error.to_string()),
    }
    if !may_talk(home) {
        return match timeout(KNOCK, wire::knock(home)).await {
            Ok(Ok(())) => Standing::Unasked,
            Ok(Err(error)) => not_let_in(&error),
            Err(_) => Standing::Silent,
        };
    }
    match timeout(LOOK, talk(home)).await {
        Ok(Ok(talks)) => talks,
        Ok(Err(error)) => fault(error),
        Err(_) => Standing::Silent,
    }
}

async fn talk(home: &Utf8Path) -> Result<Standing, LiveError> {
    let mut wire = Wire::connect(home).await?;
    let version = wire.user_agent().and_then(version_in).map(str::to_owned);
    let loaded = wire.ask("thread/loaded/list", json!({})).await?;
    let Some(threads) = loaded.get("data").and_then(Value::as_array) else {
        return Ok(Standing::Odd("it names no threads".to_owned()));
    };
    Ok(Standing::Talks {
        version,
        n_threads: threads.len(),
    })
}

fn fault(error: LiveError) -> Standing {
    match error {
        LiveError::Connect(error) => not_let_in(&error),
        LiveError::Talk(what) => Standing::Odd(what),
        LiveError::Silent => Standing::Silent,
        LiveError::Closed => Standing::Refuses("it ends the conversation".to_owned()),
        LiveError::Refused(why) => Standing::Refuses(why),
    }
}

fn not_let_in(error: &std::io::Error) -> Standing {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    if [ConnectionRefused, NotFound].contains(&error.kind()) {
        return Standing::LeftBehind;
    }
    Standing::Closed(error.to_string())
}

/// Returns the version in `name/1.2.3 (system)`.
fn version_in(user_agent: &str) -> Option<&str> {
    let version = user_agent.split_once('/')?.1.split_whitespace().next()?;
    let begins_well = version.starts_with(|c: char| c.is_ascii_digit());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    (begins_well && version.len() <= 64 && version.chars().all(is_plain)).then_some(version)
}
