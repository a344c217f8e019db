//! Notifications over D-Bus, on one connection for the life of the program.
//!
//! One connection, because daemons answer clicks to the connection that asked and some shells
//! withdraw a notification when its sender leaves the bus. See docs/adr on notifications.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use mission_control_core::notice::{Notice, NoticeKind};
use tauri::image::Image;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
use zbus::zvariant::Value;

static APP_ICON: Image<'static> = tauri::include_image!("./icons/64x64.png");

/// What the daemon offers as the label of the one action.
const OPEN_LABEL: &str = "Open";

/// The action a click on the notification itself means.
const DEFAULT_ACTION: &str = "default";

/// A daemon that does not answer for so long is treated as gone.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Names a shown notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownId(u32);

/// Why a notification is not shown.
#[derive(Debug)]
pub(super) enum NotShown {
    /// There is no session bus, or it went away.
    NoBus(zbus::Error),
    /// Nothing on the bus shows notifications.
    NoDaemon(zbus::Error),
}

/// What the daemon reports of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The person wants to go there.
    Followed(ShownId),
    /// It is gone.
    Closed(ShownId),
    /// The daemon itself is gone; the next one counts its notifications from the start.
    AllGone,
}

/// Whether anything shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Missing,
}

/// The way to the notification daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    bus: DBusProxy<'static>,
    proxy: NotificationsProxy<'static>,
    acted: ActionInvokedStream,
    closed: NotificationClosedStream,
    owner_changed: NameOwnerChangedStream,
}

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[expect(clippy::too_many_arguments, reason = "the interface is like this")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;

    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

impl Daemon {
    /// Connects to the session bus. The daemon itself need not run yet.
    pub(super) async fn connect() -> Result<Self, NotShown> {
        let connect = async {
            let connection = zbus::connection::Builder::session()?
                .method_timeout(ANSWER_LIMIT)
                .build()
                .await?;
            let proxy = NotificationsProxy::new(&connection).await?;
            let bus = DBusProxy::new(&connection).await?;
            let name = proxy.inner().destination().to_string();
            Ok(Self {
                owner_changed: bus
                    .receive_name_owner_changed_with_args(&[(0, &name)])
                    .await?,
                bus,
                acted: proxy.receive_action_invoked().await?,
                closed: proxy.receive_notification_closed().await?,
                proxy,
            })
        };
        connect.await.map_err(NotShown::NoBus)
    }

    /// Returns whether a daemon runs or would be started by the bus; starts none.
    pub(super) async fn presence(&self) -> Presence {
        let look = async {
            let name = self.proxy.inner().destination();
            let owned = self.bus.name_has_owner(name.clone()).await?;
            let activatable = self.bus.list_activatable_names().await?;
            zbus::Result::Ok(
                owned
                    || activatable
                        .iter()
                        .any(|other| other.as_str() == name.as_str()),
            )
        };
        match look.await {
            Ok(true) => Presence::There,
            Ok(false) => Presence::Missing,
            Err(error) => {
                tracing::warn!(%error, "The bus does not say whether a notification daemon runs.");
                Presence::Missing
            }
        }
    }

    /// Shows `notice`, in the place of an earlier one if that is still there.
    pub(super) async fn show(
        &self,
        notice: &Notice,
        replaces: Option<ShownId>,
    ) -> Result<ShownId, NotShown> {
        let capabilities = self.proxy.get_capabilities().await.map_err(not_shown)?;
        let can = |capability: &str| capabilities.iter().any(|it| it == capability);
        let body = if can("body-markup") {
            escaped(&notice.body)
        } else {
            notice.body.clone()
        };
        let actions: &[&str] = if can("actions") {
            &[DEFAULT_ACTION, OPEN_LABEL]
        } else {
            &[]
        };
        let shown = self.proxy.notify(
            "Mission Control",
            replaces.map_or(0, |id| id.0),
            "",
            &notice.title,
            &body,
            actions,
            hints(notice.kind),
            expiry(notice.kind),
        );
        shown.await.map(ShownId).map_err(not_shown)
    }

    /// Takes a notification back.
    pub(super) async fn withdraw(&self, id: ShownId) -> Result<(), NotShown> {
        self.proxy.close_notification(id.0).await.map_err(not_shown)
    }

    /// Waits for the daemon's next report; none when the bus is gone.
    pub(super) async fn report(&mut self) -> Option<Report> {
        loop {
            tokio::select! {
                acted = self.acted.next() => {
                    let acted = acted?;
                    if let Ok(args) = acted.args() {
                        return Some(Report::Followed(ShownId(args.id)));
                    }
                }
                closed = self.closed.next() => {
                    let closed = closed?;
                    if let Ok(args) = closed.args() {
                        return Some(Report::Closed(ShownId(args.id)));
                    }
                }
                changed = self.owner_changed.next() => {
                    let changed = changed?;
                    if changed.args().is_ok_and(|args| args.old_owner().is_some()) {
                        return Some(Report::AllGone);
                    }
                }
            }
        }
    }
}

fn not_shown(error: zbus::Error) -> NotShown {
    let bus_is_gone = if let zbus::Error::InputOutput(error) = &error {
        error.kind() != std::io::ErrorKind::TimedOut
    } else {
        false
    };
    if bus_is_gone {
        NotShown::NoBus(error)
    } else {
        NotShown::NoDaemon(error)
    }
}

fn hints(kind: NoticeKind) -> HashMap<&'static str, Value<'static>> {
    let icon = &APP_ICON;
    let (width, height) = (signed(icon.width()), signed(icon.height()));
    let pixels = (width, height, width * 4, true, 8, 4, icon.rgba().to_vec());
    HashMap::from([
        ("desktop-entry", Value::from("mission-control")),
        ("category", Value::from(category(kind))),
        ("image-data", Value::from(pixels)),
    ])
}

fn signed(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(0)
}

const fn category(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::NeedsYou => "im.received",
        NoticeKind::TurnFailed | NoticeKind::SessionDied => "transfer.error",
        NoticeKind::TurnCompleted | NoticeKind::TurnInterrupted | NoticeKind::TaskFinished => {
            "transfer.complete"
        }
    }
}

/// Returns when a notification goes by itself, in the daemon's terms: 0 is never, -1 as usual.
/// A request stays until it is answered, and is withdrawn then.
const fn expiry(kind: NoticeKind) -> i32 {
    match kind {
        NoticeKind::NeedsYou => 0,
        NoticeKind::TurnCompleted
        | NoticeKind::TurnFailed
        | NoticeKind::TurnInterrupted
        | NoticeKind::SessionDied
        | NoticeKind::TaskFinished => -1,
    }
}

/// Returns `text` without meaning for daemons that read markup: agents write what they like.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_text_is_never_markup() {
        assert_eq!(
            escaped("<img src='x'> & <b>"),
            "&lt;img src='x'&gt; &amp; &lt;b&gt;"
        );
    }
}
