//! The log file in the state folder. Prompts and file contents never go there.

use std::fs::File;
use std::sync::Mutex;

use camino::Utf8Path;
use mission_control_engine::private;
use tracing_subscriber::EnvFilter;

/// A log larger than this is put aside at the next start; one older one is kept.
const MAX_BYTES: u64 = 1 << 20;

/// What is logged: our own changes, and what libraries find unusual.
const FILTER: &str =
    "warn,mission_control=info,mission_control_gui=info,mission_control_engine=info";

/// Starts logging to `log/mission-control.log` below the state folder.
pub(crate) fn start(state: &Utf8Path) -> anyhow::Result<()> {
    let folder = state.join("log");
    private::make_folder(&folder)?;
    let path = folder.join("mission-control.log");
    if std::fs::metadata(&path).is_ok_and(|file| file.len() > MAX_BYTES) {
        std::fs::rename(&path, folder.join("mission-control.old.log"))?;
    }
    let file = private::only(File::options().append(true).create(true)).open(&path)?;
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init()
        .map_err(anyhow::Error::from_boxed)?;
    std::panic::set_hook(Box::new(
        |panic| tracing::error!(%panic, "A part panicked."),
    ));
    Ok(())
}
