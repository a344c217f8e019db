//! What reaches the controller from outside the engine, and the way there.

use mission_control_core::event::Event;
use mission_control_core::health::{Check, Problem};
use mission_control_core::notice::Notice;
use tauri::ipc::Channel;
use tokio::sync::{mpsc, oneshot};

use crate::args::Args;
use crate::desk::{Focus, Loudness};
use crate::target::Target;
use crate::tasks::Decision;
use crate::tray::Choice;

/// One thing that happened in the shell.
pub(crate) enum Tick {
    /// The person chose something in the tray.
    Chose(Choice),
    /// The program was started a second time.
    LaunchedAgain(Args),
    /// The person followed a notification.
    FollowedNotice(Target),
    /// The person wants to go from a notification to the terminal of its session.
    WantsTerminal(Target),
    /// The person snoozed the session of a notification.
    SnoozedNotice(Target),
    /// The person answered the request of a notification.
    AnsweredNotice(Target, String, Decision),
    /// A notice was claimed: it was shown, or kept back for good.
    Told(Notice),
    /// A request was held back for a while: it is to be told if it is still open.
    HeldBack(Notice),
    /// The window got or lost the keyboard.
    FocusChanged(Focus),
    /// The window is gone.
    WindowClosed,
    /// The page asks where to start.
    PageArrived(oneshot::Sender<Option<Target>>),
    /// The page wants all events.
    Subscribed(Channel<Event>),
    /// Somebody asks for all problems.
    ProblemsAsked(oneshot::Sender<Vec<Problem>>),
    /// The person wants to see the demo.
    DemoAsked(oneshot::Sender<Result<(), Problem>>),
    /// Somebody asks how the desktop was found.
    ChecksAsked(oneshot::Sender<Vec<Check>>),
    /// A panel takes the tray icon.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only on Linux can there be no tray")
    )]
    TrayHostCame,
    /// No panel takes the tray icon.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only on Linux can there be no tray")
    )]
    TrayHostLeft,
    /// The desktop lacks something.
    Lacking(Problem, Loudness),
    /// It is there again.
    FoundAgain(&'static str),
}

/// The way to the controller.
#[derive(Clone, Debug)]
pub(crate) struct Ticks(mpsc::Sender<Tick>);

/// Ticks are acts of a person and changes of the desktop: hundreds waiting mean a controller
/// that hangs. Then further ones are dropped and logged rather than held.
const BACKLOG: usize = 256;

impl Ticks {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Tick>) {
        let (ticks, received) = mpsc::channel(BACKLOG);
        (Self(ticks), received)
    }

    pub(crate) fn send(&self, tick: Tick) {
        if let Err(error) = self.0.try_send(tick) {
            tracing::error!(%error, "The controller does not answer.");
        }
    }
}
