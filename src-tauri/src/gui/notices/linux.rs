//! Notifications over D-Bus, shown by notify-rust.
//!
//! A connection of its own sees what notify-rust does not say: whether a daemon runs, what it can
//! do, and that it left. See docs/adr on notifications.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use mission_control_core::notice::{Notice, NoticeKind};
use mission_control_engine::places::Places;
use notify_rust::{Hint, Notification, NotificationHandle, NotificationResponse, Timeout};
use tauri::Url;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};

use super::open::Answer;
use crate::tasks::Decision;

static APP_ICON: &[u8] = include_bytes!("../../../../icons/64x64.png");

/// What the daemon offers as the label of the one action.
const OPEN_LABEL: &str = "Open";

/// The actions that answer a request.
const ACCEPT_ACTION: &str = "accept";
const DECLINE_ACTION: &str = "decline";

/// The action that goes to the terminal of a session whose request is answered there.
const TERMINAL_ACTION: &str = "terminal";

/// The action that silences a session for a while.
const SNOOZE_ACTION: &str = "snooze";

/// The action a click on the notification itself means.
const DEFAULT_ACTION: &str = "default";

/// A daemon that does not answer for so long is treated as gone.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A shown notification and its connection: daemons answer clicks there only, and some withdraw
/// a notification when it closes.
pub(super) type Handle = Arc<NotificationHandle>;

/// Why a notification is not shown.
#[derive(Debug)]
pub(super) enum NotShown {
    /// There is no session bus, or it went away.
    NoBus(anyhow::Error),
    /// Nothing on the bus shows notifications.
    NoDaemon(anyhow::Error),
}

/// Whether anything shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Missing,
}

/// What became of the way to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The daemon left with all it showed; the next one counts its notifications from the start.
    Daemon,
    /// The bus is gone.
    Bus,
}

/// The way to the notification daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    bus: DBusProxy<'static>,
    proxy: NotificationsProxy<'static>,
    owner_changed: NameOwnerChangedStream,
    icon: Option<Url>,
}

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
}

impl Daemon {
    /// Connects to the session bus. The daemon itself need not run yet.
    pub(super) async fn connect(places: &Places) -> Result<Self, NotShown> {
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
                proxy,
                icon: icon(places),
            })
        };
        connect
            .await
            .map_err(|error: zbus::Error| NotShown::NoBus(error.into()))
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
        replaces: Option<&Handle>,
    ) -> Result<Handle, NotShown> {
        // Asked first, because notify-rust's errors do not tell an absent bus from a daemon.
        let capabilities = self.proxy.get_capabilities().await.map_err(not_shown)?;
        let mut notification = dressed(notice, &capabilities);
        if let Some(icon) = &self.icon {
            notification.image_path(icon.as_str());
        }
        if let Some(earlier) = replaces {
            notification.id(earlier.id());
        }
        let shown = tokio::time::timeout(ANSWER_LIMIT, notification.show_async()).await;
        let handle = shown
            .map_err(anyhow::Error::from)
            .and_then(|shown| shown.map_err(anyhow::Error::from))
            .map_err(NotShown::NoDaemon)?;
        Ok(Arc::new(handle))
    }

    /// Waits until the daemon or the bus is gone.
    pub(super) async fn lost(&mut self) -> Loss {
        while let Some(changed) = self.owner_changed.next().await {
            if changed.args().is_ok_and(|args| args.old_owner().is_some()) {
                return Loss::Daemon;
            }
        }
        Loss::Bus
    }
}

/// Waits for what the person does about a notification.
pub(super) async fn answer(handle: Handle) -> Answer {
    let mut answer = Answer::Closed;
    let heard = |response: &NotificationResponse| match response {
        NotificationResponse::Action(action) if action == ACCEPT_ACTION => {
            answer = Answer::Decided(Decision::Accept);
        }
        NotificationResponse::Action(action) if action == DECLINE_ACTION => {
            answer = Answer::Decided(Decision::Decline);
        }
        NotificationResponse::Action(action) if action == TERMINAL_ACTION => {
            answer = Answer::WentToTerminal;
        }
        NotificationResponse::Action(action) if action == SNOOZE_ACTION => {
            answer = Answer::Snoozed;
        }
        NotificationResponse::Default | NotificationResponse::Action(_) => {
            answer = Answer::Followed;
        }
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => {}
    };
    handle.wait_for_action_async(heard).await;
    answer
}

/// Takes a notification back; one that is gone already is as good.
pub(super) async fn withdraw(handle: &Handle) {
    let closed = tokio::time::timeout(ANSWER_LIMIT, handle.close_async()).await;
    if closed.is_err() {
        tracing::debug!("The notification daemon does not answer.");
    }
}

fn dressed(notice: &Notice, capabilities: &[String]) -> Notification {
    let can = |capability: &str| capabilities.iter().any(|it| it == capability);
    let body = if can("body-markup") {
        escaped(&notice.body)
    } else {
        notice.body.clone()
    };
    let mut notification = Notification::new();
    notification
        .appname("Mission Control")
        .summary(&notice.title)
        .body(&body)
        .hint(Hint::DesktopEntry("mission-control".to_owned()))
        .hint(Hint::Category(category(notice.kind).to_owned()))
        .timeout(expiry(notice.kind));
    if can("actions") {
        notification.action(DEFAULT_ACTION, OPEN_LABEL);
        if notice.request_id.is_some() {
            notification.action(ACCEPT_ACTION, "Approve");
            notification.action(DECLINE_ACTION, "Decline");
        } else if notice.kind == NoticeKind::NeedsYou && notice.task_id.is_none() {
            notification.action(TERMINAL_ACTION, "Go to terminal");
        }
        if notice.session_id.is_some() && notice.task_id.is_none() {
            notification.action(SNOOZE_ACTION, "Snooze 1 h");
        }
    }
    notification
}

fn not_shown(error: zbus::Error) -> NotShown {
    let bus_is_gone = if let zbus::Error::InputOutput(error) = &error {
        error.kind() != std::io::ErrorKind::TimedOut
    } else {
        false
    };
    if bus_is_gone {
        NotShown::NoBus(error.into())
    } else {
        NotShown::NoDaemon(error.into())
    }
}

/// Puts the icon where a daemon can read it; without it notifications have none.
fn icon(places: &Places) -> Option<Url> {
    let (path, written) = (
        places.state.join("icon.png"),
        places.state.join("icon.png.new"),
    );
    let placed = mission_control_engine::private::make_folder(&places.state)
        .and_then(|()| std::fs::write(&written, APP_ICON))
        .and_then(|()| std::fs::rename(&written, &path));
    match placed {
        Ok(()) => Url::from_file_path(&path).ok(),
        Err(error) => {
            tracing::debug!(%error, "Notifications have no icon.");
            None
        }
    }
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

/// Returns when a notification goes by itself. A request stays until it is answered, and is
/// withdrawn then.
const fn expiry(kind: NoticeKind) -> Timeout {
    match kind {
        NoticeKind::NeedsYou => Timeout::Never,
        NoticeKind::TurnCompleted
        | NoticeKind::TurnFailed
        | NoticeKind::TurnInterrupted
        | NoticeKind::SessionDied
        | NoticeKind::TaskFinished => Timeout::Default,
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
