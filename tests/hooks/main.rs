//! Hooks of the real agents: put in, taken out, and what they tell and carry.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod claude;
mod codex;
#[cfg(feature = "desktop")]
mod desktop;
mod install;

use std::fs::File;
use std::path::PathBuf;

use mission_control_testkit::watch::Front;
use serde_json::Value;

/// Stands for the tray, which holds this lock for as long as it runs.
fn tray(front: &Front) -> File {
    let file = File::create(hooks(front).join("tray.lock")).unwrap();
    file.lock().unwrap();
    file
}

fn hooks(front: &Front) -> PathBuf {
    front.state().join("hooks")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
