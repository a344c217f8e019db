//! What a person reads when the desktop lacks something: all of this program's wording for it.

use mission_control_core::health::Problem;
use mission_control_core::task::model::TaskId;
use mission_control_engine::demo::DemoError;

/// No panel shows tray icons.
pub(crate) fn no_tray_host() -> Problem {
    problem(
        "no_tray_host",
        "There is no tray to sit in.",
        Some("No panel on this desktop shows tray icons (StatusNotifierItem)."),
        Some(
            "On GNOME, turn on the AppIndicator extension. Until then, start Mission Control \
             again to bring this window back.",
        ),
    )
}

/// The tray and notifications need a session bus and there is none.
pub(crate) fn no_session_bus() -> Problem {
    problem(
        "no_session_bus",
        "There is no tray and there are no notifications here.",
        Some("Both need the desktop's session bus, and none can be reached."),
        Some("Start Mission Control from within the desktop session, or with `dbus-run-session`."),
    )
}

/// The tray could not be set up for another reason.
pub(crate) fn tray_refused(why: &str) -> Problem {
    problem(
        "tray_refused",
        "The tray icon cannot be shown.",
        Some(&format!("The panel answered: {why}.")),
        Some("Start Mission Control again once the panel is back."),
    )
}

/// Nothing on the bus shows notifications.
pub(crate) fn no_notification_daemon() -> Problem {
    problem(
        "no_notification_daemon",
        "Notifications cannot be shown.",
        Some("No notification daemon runs on this desktop."),
        Some("Install one, for example dunst. Everything else works."),
    )
}

/// Without its state the program must not tell anything: it could tell it twice.
pub(crate) fn nothing_is_told(state: Problem) -> Problem {
    Problem {
        title: "Notifications are off: what was told already cannot be remembered.".to_owned(),
        hint: state
            .hint
            .map(|hint| format!("{hint} Then start Mission Control again.")),
        ..state
    }
}

/// The engine's event stream ended.
pub(crate) fn watching_stopped() -> Problem {
    problem(
        "watching_stopped",
        "Live updates have stopped.",
        Some("The part that watches sessions ended unexpectedly."),
        Some("Quit Mission Control in the tray's menu and start it again."),
    )
}

/// No known session has this id.
pub(crate) fn session_not_found(id: &str) -> Problem {
    problem(
        "session_not_found",
        &format!("There is no session {id}"),
        None,
        Some("It may have been deleted since the list was read."),
    )
}

/// A transcript cannot be read.
pub(crate) fn transcript_unreadable(why: &str) -> Problem {
    problem(
        "transcript_unreadable",
        "This transcript cannot be read.",
        Some(why),
        None,
    )
}

/// The session's folder is unknown or gone.
pub(crate) fn folder_gone(folder: Option<&str>) -> Problem {
    let detail = folder.map(|folder| format!("{folder} does not exist any more."));
    problem(
        "folder_gone",
        "This session's folder cannot be opened.",
        Some(
            detail
                .as_deref()
                .unwrap_or("The session did not record one."),
        ),
        None,
    )
}

/// Nothing on this machine opens folders.
pub(crate) fn no_folder_opener(folder: &str) -> Problem {
    problem(
        "no_folder_opener",
        "No program here opens folders.",
        Some(&format!("The folder is {folder}")),
        Some("Install xdg-utils, or open the folder yourself."),
    )
}

/// No terminal was found to resume the session in.
pub(crate) fn no_terminal(resume: &str) -> Problem {
    problem(
        "no_terminal",
        "No terminal was found.",
        Some("None of the usual terminal programs is installed here."),
        Some(&format!("Run this in a terminal of yours: {resume}")),
    )
}

/// A program could not be started.
pub(crate) fn not_started(program: &str, why: &str) -> Problem {
    problem(
        "not_started",
        &format!("{program} did not start."),
        Some(&format!("The system answered: {why}.")),
        None,
    )
}

/// The terminal of a live session cannot be gone to.
pub(crate) fn terminal_not_found(why: &str) -> Problem {
    problem(
        "terminal_not_found",
        "You have to go to this session yourself.",
        Some(why),
        Some("The command that takes it up in a terminal is in the clipboard."),
    )
}

/// A session was not stopped.
pub(crate) fn not_stopped(why: &str, hint: Option<String>) -> Problem {
    problem(
        "not_stopped",
        "The session was not stopped.",
        Some(why),
        hint.as_deref(),
    )
}

/// A turn was not interrupted.
pub(crate) fn not_interrupted(why: &str, hint: Option<&str>) -> Problem {
    problem(
        "not_interrupted",
        "The turn was not interrupted.",
        Some(why),
        hint,
    )
}

/// A message was not sent.
pub(crate) fn not_sent(why: &str, hint: Option<&str>) -> Problem {
    problem("not_sent", "The message was not sent.", Some(why), hint)
}

/// A message was sent, and nobody says that it arrived.
pub(crate) fn perhaps_sent(why: &str, hint: Option<&str>) -> Problem {
    problem(
        "perhaps_sent",
        "The message may not have arrived.",
        Some(why),
        hint,
    )
}

/// A session was stopped, and something it had started lives on.
pub(crate) fn left_running(what: &str) -> Problem {
    problem(
        "left_running",
        "The session was stopped, but not all it had started.",
        Some(what),
        None,
    )
}

/// The demo cannot be played.
pub(crate) fn no_demo(why: &DemoError) -> Problem {
    problem(
        "no_demo",
        "The demo cannot be played.",
        Some(&chain_of(why)),
        None,
    )
}

/// A task was not taken.
pub(crate) fn task_refused(why: &str) -> Problem {
    problem("task_refused", "The task was not taken.", Some(why), None)
}

/// No known task has this id.
pub(crate) fn task_not_found(id: &TaskId) -> Problem {
    problem(
        "task_not_found",
        &format!("There is no task {id}"),
        None,
        Some("It may have been cleaned up since the list was read."),
    )
}

/// The task waits for nothing of that kind.
pub(crate) fn nothing_asked() -> Problem {
    problem(
        "nothing_asked",
        "This task does not wait for an answer.",
        Some("It was answered elsewhere, or it ended."),
        None,
    )
}

/// The request of a session is not open any more.
pub(crate) fn request_is_over() -> Problem {
    problem(
        "request_is_over",
        "This session does not wait for that answer any more.",
        Some("It was answered elsewhere, or the turn is over."),
        None,
    )
}

/// A session cannot be answered from here.
pub(crate) fn not_reachable() -> Problem {
    problem(
        "not_reachable",
        "This session cannot be answered from here.",
        Some("Its agent cannot be reached."),
        Some("Answer it where it runs."),
    )
}

/// A request takes another kind of answer.
pub(crate) fn not_offered(says: &str) -> Problem {
    problem(
        "not_offered",
        "That is no answer to this.",
        Some(says),
        None,
    )
}

/// It is not known whether an answer arrived.
pub(crate) fn answer_lost(why: &str) -> Problem {
    problem(
        "answer_lost",
        "It is not known whether the answer arrived.",
        Some(why),
        Some("Look where the session runs."),
    )
}

/// A task's log cannot be read.
pub(crate) fn log_unreadable(why: &str) -> Problem {
    problem(
        "log_unreadable",
        "This task's log cannot be read.",
        Some(&format!("The system answered: {why}.")),
        None,
    )
}

/// Something that cannot happen did.
pub(crate) fn internal(what: &str) -> Problem {
    problem(
        "internal",
        "Mission Control made a mistake.",
        Some(what),
        Some("Start it again; its log says more."),
    )
}

/// Returns an error with all its causes, as a sentence.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = format!("Could not {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text.push('.');
    text
}

fn problem(code: &str, title: &str, detail: Option<&str>, hint: Option<&str>) -> Problem {
    Problem {
        code: code.to_owned(),
        title: title.to_owned(),
        detail: detail.map(str::to_owned),
        hint: hint.map(str::to_owned),
    }
}
