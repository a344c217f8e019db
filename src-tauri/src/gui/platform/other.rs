//! macOS and Windows. It has not been run on either.

use mission_control_engine::places::Environment;

use tauri::webview::PlatformWebview;

use super::Terminal;

/// Opens a folder in the person's file program.
pub(crate) const FOLDER_OPENER: &str = if cfg!(windows) { "explorer" } else { "open" };

/// No terminal is started here yet; the command is offered to be copied instead.
pub(crate) const TERMINALS: &[Terminal] = &[];

/// Returns what to say if there is no display to show anything on: there always is one.
pub(crate) const fn missing_display(_environment: &Environment) -> Option<&'static str> {
    None
}

/// Lets the page be drawn with less memory; nothing is known to help here.
pub(crate) const fn make_frugal(_webview: &PlatformWebview) {}

/// Lets the program live on when this one is ended from a terminal.
pub(crate) const fn into_own_group(_command: &mut tokio::process::Command) {}
