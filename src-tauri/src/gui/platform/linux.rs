//! Linux: a display may be absent, and there are many terminals.

use mission_control_engine::places::Environment;

use tauri::webview::PlatformWebview;
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

use super::Terminal;

/// Opens a folder in the person's file program.
pub(crate) const FOLDER_OPENER: &str = "xdg-open";

/// Terminals in the order they are tried: the person's choice first, as Debian records it.
pub(crate) const TERMINALS: &[Terminal] = &[
    terminal("x-terminal-emulator", &["-e"]),
    terminal("gnome-terminal", &["--"]),
    terminal("konsole", &["-e"]),
    terminal("xfce4-terminal", &["-x"]),
    terminal("xterm", &["-e"]),
    terminal("kitty", &[]),
    terminal("alacritty", &["-e"]),
    terminal("foot", &[]),
];

/// Returns what to say if there is no display to show anything on.
///
/// Without this Tauri panics.
pub(crate) fn missing_display(environment: &Environment) -> Option<&'static str> {
    if environment.display.is_none() {
        return Some(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no tray \
             or window can be shown. In a terminal, `mission-control watch` shows the same live.",
        );
    }
    gtk::init().is_err().then_some(
        "The display that DISPLAY or WAYLAND_DISPLAY names cannot be reached, so no tray or \
         window can be shown. In a terminal, `mission-control watch` shows the same live.",
    )
}

/// Lets the page be drawn without the graphics card: lists need none, and the web process then
/// holds 80 MB less.
pub(crate) fn make_frugal(webview: &PlatformWebview) {
    if let Some(settings) = webview.inner().settings() {
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
    }
}

/// Lets the program live on when this one is ended from a terminal.
pub(crate) fn into_own_group(command: &mut tokio::process::Command) {
    command.process_group(0);
}

const fn terminal(program: &'static str, before_command: &'static [&'static str]) -> Terminal {
    Terminal {
        program,
        before_command,
    }
}
