//! The one window: made when it is wanted, gone when it is closed.

use std::sync::Arc;
use std::time::Duration;

use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::platform::make_frugal;
use crate::target::Target;

/// The window's label, which its permissions are bound to.
pub(crate) const MAIN: &str = "main";

/// How long the page of a new window may take to begin to load.
const BEGINNING: Duration = Duration::from_secs(8);

/// How long a window that is destroyed may take to be gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// How often in a row a window is made.
const MOST_ATTEMPTS: u32 = 3;

/// Brings the window to the front, making it if there is none. May be called any number of times.
pub(crate) fn show(app: &AppHandle, title: String) {
    on_main_thread(app, move |app| show_now(app, title));
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
        return make(app, title, 1);
    };
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// Makes the window, for the `attempt`-th time in a row.
///
/// At times the web view starts no process for a window that is made right after another one was
/// closed: its page never begins to load, and no error is told. Then the window is made anew.
fn make(app: &AppHandle, title: String, attempt: u32) -> tauri::Result<()> {
    let (began, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes) = (Arc::clone(&began), Arc::clone(&gone));
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title(&title)
        .inner_size(1180.0, 780.0)
        .min_inner_size(380.0, 480.0)
        .on_navigation(is_own_page)
        .on_page_load(move |_, _| begins.notify_one())
        .build()?;
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) {
            goes.notify_one();
        }
    });
    window.with_webview(|webview| make_frugal(&webview))?;
    if attempt == MOST_ATTEMPTS {
        return Ok(());
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let begun_or_gone = async {
            tokio::select! {
                () = began.notified() => {}
                () = gone.notified() => {}
            }
        };
        if timeout(BEGINNING, begun_or_gone).await.is_ok() {
            return;
        }
        tracing::warn!("The page does not begin to load; the window is made anew.");
        if let Err(error) = window.destroy() {
            tracing::error!(%error, "The empty window cannot be closed.");
            return;
        }
        if timeout(FAREWELL, gone.notified()).await.is_err() {
            tracing::error!("The empty window does not go.");
            return;
        }
        on_main_thread(&app, move |app| match app.get_webview_window(MAIN) {
            Some(_) => Ok(()),
            None => make(app, title, attempt + 1),
        });
    });
    Ok(())
}

fn on_main_thread(
    app: &AppHandle,
    act: impl FnOnce(&AppHandle) -> tauri::Result<()> + Send + 'static,
) {
    let handle = app.clone();
    let sent = app.run_on_main_thread(move || {
        if let Err(error) = act(&handle) {
            tracing::error!(%error, "The window cannot be shown.");
        }
    });
    if let Err(error) = sent {
        tracing::error!(%error, "The window cannot be shown.");
    }
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
