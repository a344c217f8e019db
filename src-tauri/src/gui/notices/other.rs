//! Notifications for macOS and Windows, shown by notify-rust. They have not been run on either.
//!
//! A click cannot be followed and a notification cannot be taken back there yet.

use mission_control_core::notice::Notice;
use mission_control_engine::places::Places;
use notify_rust::Notification;

use super::open::Answer;

/// A shown notification; nothing can be done about it any more.
#[derive(Clone, Debug)]
pub(super) struct Handle;

/// Why a notification is not shown.
#[derive(Debug)]
pub(super) enum NotShown {
    /// There is no way to the system's notifications.
    #[expect(dead_code, reason = "only a bus can be absent")]
    NoBus(anyhow::Error),
    /// The system refused the notification.
    NoDaemon(anyhow::Error),
}

/// Whether anything shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Missing,
}

/// What became of the way to the system's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(dead_code, reason = "the system stays")]
pub(super) enum Loss {
    Daemon,
    Bus,
}

/// The way to the system's notifications.
#[derive(Debug)]
pub(super) struct Daemon;

impl Daemon {
    /// Finds the way to the system's notifications.
    pub(super) async fn connect(_places: &Places) -> Result<Self, NotShown> {
        Ok(Self)
    }

    /// Returns whether anything shows notifications.
    pub(super) async fn presence(&self) -> Presence {
        Presence::There
    }

    /// Shows `notice`.
    pub(super) async fn show(
        &self,
        notice: &Notice,
        _replaces: Option<&Handle>,
    ) -> Result<Handle, NotShown> {
        let shown = Notification::new()
            .appname("Mission Control")
            .summary(&notice.title)
            .body(&notice.body)
            .show();
        shown
            .map(|_| Handle)
            .map_err(|error| NotShown::NoDaemon(error.into()))
    }

    /// Waits until the way is gone: it stays.
    pub(super) async fn lost(&mut self) -> Loss {
        std::future::pending().await
    }
}

/// Waits for what the person does about a notification: nothing is heard of it.
pub(super) async fn answer(_handle: Handle) -> Answer {
    Answer::Closed
}

/// Takes a notification back.
pub(super) async fn withdraw(_handle: &Handle) {}
