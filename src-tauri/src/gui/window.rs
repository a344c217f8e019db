//! The one window: made when it is wanted, gone when it is closed.

use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder};

use crate::platform::make_frugal;
use crate::target::Target;

/// The window's label, which its permissions are bound to.
pub(crate) const MAIN: &str = "main";

/// Brings the window to the front, making it if there is none. May be called any number of times.
pub(crate) fn show(app: &AppHandle, title: String) {
    let on_main_thread = app.clone();
    let sent = app.run_on_main_thread(move || {
        if let Err(error) = show_now(&on_main_thread, title) {
            tracing::error!(%error, "The window cannot be shown.");
        }
    });
    if let Err(error) = sent {
        tracing::error!(%error, "The window cannot be shown.");
    }
}

/// Writes the window's title, if there is a window.
pub(crate) fn entitle(app: &AppHandle, title: &str) {
    let Some(window) = app.get_webview_window(MAIN) else {
        return;
    };
    if let Err(error) = window.set_title(title) {
        tracing::warn!(%error, "The window's title cannot be set.");
    }
}

/// Returns the page that is open.
#[must_use]
pub(crate) fn open_page(app: &AppHandle) -> Option<Target> {
    Target::of_address(&app.get_webview_window(MAIN)?.url().ok()?)
}

fn show_now(app: &AppHandle, title: String) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(MAIN) else {
        WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
            .title(title)
            .inner_size(1180.0, 780.0)
            .min_inner_size(380.0, 480.0)
            .on_navigation(is_own_page)
            .build()?
            .with_webview(|webview| make_frugal(&webview))?;
        return Ok(());
    };
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// Returns whether `url` is the bundled page; transcripts may hold links to anywhere.
fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bundled_page_is_ever_loaded() {
        for (address, expected) in [
            ("tauri://localhost/index.html", true),
            ("https://tauri.localhost/", true),
            ("https://example.com/", false),
            ("tauri://elsewhere/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(
                is_own_page(&Url::parse(address).unwrap()),
                expected,
                "{address}"
            );
        }
    }
}
