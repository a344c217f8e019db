//! The one window: made when it is wanted, gone when it is closed.

use mission_control_core::session::SessionId;
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder};

use crate::platform::make_frugal;

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

/// Returns the session whose page is open.
#[must_use]
pub(crate) fn open_page(app: &AppHandle) -> Option<SessionId> {
    session_of(&app.get_webview_window(MAIN)?.url().ok()?)
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

/// Returns the session an address such as `tauri://localhost/#/session/<id>` shows.
fn session_of(url: &Url) -> Option<SessionId> {
    let id = url.fragment()?.strip_prefix("/session/")?;
    session_id(&percent_decoded(id)?)
}

/// Returns `text` as a session's id; whether there is such a session is the engine's to say.
#[must_use]
pub(crate) fn session_id(text: &str) -> Option<SessionId> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_session(address: &str, expected: Option<&str>) {
        let url = Url::parse(address).unwrap();

        let session = session_of(&url);

        assert_eq!(session.as_ref().map(SessionId::as_str), expected);
    }

    #[test]
    fn the_address_tells_which_session_is_open() {
        check_session(
            "tauri://localhost/#/session/codex%3A0199",
            Some("codex:0199"),
        );
        check_session(
            "tauri://localhost/index.html#/session/codex:1",
            Some("codex:1"),
        );
        check_session("tauri://localhost/#/sessions", None);
        check_session("tauri://localhost/", None);
        check_session("tauri://localhost/#/session/%zz", None);
    }

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
