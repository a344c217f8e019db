//! Notifications through notify-rust, for macOS and Windows. They have not been run on either.
//!
//! A click cannot be followed and a notification cannot be taken back there yet.

use mission_control_core::notice::Notice;
use notify_rust::Notification;

/// Names a shown notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownId;

/// Why a notification is not shown.
#[derive(Debug)]
pub(super) enum NotShown {
    /// There is no way to the system's notifications.
    #[expect(dead_code, reason = "only a bus can be absent")]
    NoBus(notify_rust::error::Error),
    /// The system refused the notification.
    NoDaemon(notify_rust::error::Error),
}

/// What the system reports of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(dead_code, reason = "nothing is reported yet")]
pub(super) enum Report {
    /// The person wants to go there.
    Followed(ShownId),
    /// It is gone.
    Closed(ShownId),
    /// All of them are gone.
    AllGone,
}

/// Whether anything shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Missing,
}

/// The way to the system's notifications.
#[derive(Debug)]
pub(super) struct Daemon;

impl Daemon {
    /// Finds the way to the system's notifications.
    pub(super) async fn connect() -> Result<Self, NotShown> {
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
        _replaces: Option<ShownId>,
    ) -> Result<ShownId, NotShown> {
        Notification::new()
            .appname("Mission Control")
            .summary(&notice.title)
            .body(&notice.body)
            .show()
            .map(|_| ShownId)
            .map_err(NotShown::NoDaemon)
    }

    /// Takes a notification back.
    pub(super) async fn withdraw(&self, _id: ShownId) -> Result<(), NotShown> {
        Ok(())
    }

    /// Waits for the next report.
    pub(super) async fn report(&mut self) -> Option<Report> {
        std::future::pending().await
    }
}
