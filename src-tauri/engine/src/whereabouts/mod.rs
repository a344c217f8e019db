//! Goes to the terminal that a session runs in, where that can be done exactly.
//!
//! A terminal multiplexer's pane is known by the terminal device of the session's owner, a window
//! by the owner's ancestors. Where either leaves a choice nothing is touched.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

use mission_control_core::session::{Client, LiveSession, SessionId, Status};
use serde::Serialize;

use crate::places::{Environment, Places};
use crate::source::{Ownership, Serves, front_ends, ownership};

/// What came of going to a session's terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// The session.
    pub session_id: SessionId,
    /// Whether its terminal is in front of somebody.
    pub opened: bool,
    /// The multiplexer's pane that was selected.
    pub tmux: Option<TmuxPane>,
    /// The window that was brought to the front.
    pub window: Option<Window>,
    /// What to run in a terminal where it could not be reached.
    pub command: Option<String>,
    /// What happened, as sentences.
    pub says: String,
}

/// A pane of tmux.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TmuxPane {
    /// The socket of its server.
    pub socket: String,
    /// Its session, such as `$1`.
    pub session: String,
    /// Its window, such as `@3`.
    pub window: String,
    /// The pane, such as `%5`.
    pub pane: String,
    /// The client that shows it; none while nobody does.
    pub client: Option<String>,
}

/// A window on the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Its id.
    pub id: u32,
    /// The process that made it.
    pub pid: u32,
}

/// What was reached of the terminal that a process runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reached {
    pane: Option<TmuxPane>,
    window: Option<Window>,
    /// Why not more, as a sentence.
    why_not: Option<String>,
}

/// Goes to the terminal of the process that owns `session`.
#[must_use]
pub fn go(environment: &Environment, places: &Places, session: &LiveSession) -> Opened {
    let reached = match terminal_of(environment, places, session) {
        Ok(pid) => platform::reach(environment, pid),
        Err(why) => Reached {
            why_not: Some(why),
            ..Reached::default()
        },
    };
    told(session, reached)
}

/// Returns the process whose terminal is meant, or why there is none.
fn terminal_of(
    environment: &Environment,
    places: &Places,
    session: &LiveSession,
) -> Result<u32, String> {
    if session.status == Status::Done {
        return Err("It has ended.".to_owned());
    }
    match ownership(&places.homes, session) {
        Ownership::Held(owner) => match owner.serves {
            Serves::Itself | Serves::OnePrompt => Ok(owner.key.pid),
            Serves::Others => shown_by(environment, session).map_err(|why| {
                let pid = owner.key.pid;
                format!(
                    "It runs in a server (process {pid}), which has no terminal of its own. {why}"
                )
            }),
        },
        Ownership::Possible { pid } => Err(format!(
            "Process {pid} may own it, and that cannot be made sure here."
        )),
        Ownership::Free => Err("Nobody holds it any more.".to_owned()),
        Ownership::Unknown { why } => Err(why),
    }
}

/// Returns the one front end whose terminal names the session in its title. A front end of a
/// server shows one session after the other, and nothing else tells which.
fn shown_by(environment: &Environment, session: &LiveSession) -> Result<u32, String> {
    let named = front_ends(session.source).into_iter().filter(|pid| {
        let title = platform::title(environment, *pid);
        title.is_some_and(|title| is_named_in(&title, &session.source_session_id))
    });
    let named: Vec<u32> = named.collect();
    match named.as_slice() {
        [pid] => Ok(*pid),
        [] => Err(session
            .source
            .title_advice()
            .unwrap_or("No terminal names it in its title.")
            .to_owned()),
        [..] => Err("Several terminals name it in their titles.".to_owned()),
    }
}

/// Shortest beginning of an id that names a session, in characters: what front ends cut it to.
const SHORTEST_NAME: usize = 29;

/// Returns whether a title holds the id of a session, or as much of it as can be no other's.
fn is_named_in(title: &str, id: &str) -> bool {
    title
        .split(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
        .any(|word| word.len() >= SHORTEST_NAME && id.starts_with(word))
}

fn told(session: &LiveSession, reached: Reached) -> Opened {
    let Reached {
        pane,
        window,
        why_not,
    } = reached;
    let shown_in = pane.as_ref().and_then(|pane| pane.client.clone());
    let opened = window.is_some() || shown_in.is_some();
    let attach = pane.as_ref().filter(|pane| pane.client.is_none());
    let command = match attach {
        _ if opened => None,
        Some(pane) => Some(pane.attach_command()),
        None => session.resume_command.clone(),
    };
    let did = match (&pane, &window) {
        (Some(_), Some(_)) => "Its tmux pane is selected, and its window is in front.".to_owned(),
        (None, Some(_)) => "Its window is in front.".to_owned(),
        (Some(pane), None) => match &pane.client {
            Some(client) => format!("Its tmux pane is selected and shown on {client}."),
            None => "Its tmux pane is selected, and nobody is attached to it alone.".to_owned(),
        },
        (None, None) => "Its terminal was not found.".to_owned(),
    };
    let says = match why_not {
        Some(why) if !opened && is_held(session) => {
            format!("{did} {why} It can be taken up once its program has ended.")
        }
        Some(why) if !opened => format!("{did} {why}"),
        Some(_) | None => did,
    };
    Opened {
        session_id: session.id.clone(),
        opened,
        tmux: pane,
        window,
        command,
        says,
    }
}

/// Returns whether a program that nobody can be led to still has the session.
fn is_held(session: &LiveSession) -> bool {
    session.client == Client::Exec && session.process.is_some()
}

impl TmuxPane {
    /// Returns the command that shows the pane in a terminal.
    fn attach_command(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        format!(
            "tmux -S {} attach -t {}",
            quoted(&self.socket),
            quoted(&self.session)
        )
    }
}

#[cfg(test)]
mod tests {
    use mission_control_core::source::Source;

    use super::*;

    fn session() -> LiveSession {
        let session = serde_json::json!({
            "id": SessionId::new(Source::Codex, "a"),
            "source": "codex",
            "source_session_id": "a",
            "client": "tui",
            "status": "working",
            "status_since": "2026-11-20T10:00:00Z",
            "freshness": "fresh",
            "tokens": { "input": 0, "cached_input": 0, "output": 0, "reasoning": 0, "total": 0 },
            "helper": false,
            "skipped_lines": 0,
            "resume_command": "resume a",
            "evidence": { "from": "transcript", "at": null, "says": "A turn runs." },
            "evidence_trail": [],
            "message_way": { "type": "queue" },
            "can_interrupt": false,
            "stop_way": "process",
        });
        serde_json::from_value(session).unwrap()
    }

    fn pane(client: Option<&str>) -> TmuxPane {
        TmuxPane {
            socket: "/tmp/it's".to_owned(),
            session: "$1".to_owned(),
            window: "@2".to_owned(),
            pane: "%3".to_owned(),
            client: client.map(str::to_owned),
        }
    }

    #[track_caller]
    fn check(reached: Reached, opened: bool, says: &str, command: Option<&str>) {
        let told = told(&session(), reached);

        assert_eq!(told.opened, opened);
        assert_eq!(told.says, says);
        assert_eq!(told.command.as_deref(), command);
    }

    #[test]
    fn what_was_reached_is_said_and_else_what_to_run() {
        let window = Some(Window { id: 1, pid: 2 });
        let why_not = Some("Two windows could be it.".to_owned());
        check(
            Reached {
                pane: Some(pane(Some("/dev/pts/1"))),
                window: window.clone(),
                why_not: None,
            },
            true,
            "Its tmux pane is selected, and its window is in front.",
            None,
        );
        check(
            Reached {
                pane: Some(pane(Some("/dev/pts/1"))),
                window: None,
                why_not: why_not.clone(),
            },
            true,
            "Its tmux pane is selected and shown on /dev/pts/1.",
            None,
        );
        check(
            Reached {
                pane: Some(pane(None)),
                ..Reached::default()
            },
            false,
            "Its tmux pane is selected, and nobody is attached to it alone.",
            Some(r"tmux -S '/tmp/it'\''s' attach -t '$1'"),
        );
        check(
            Reached {
                window,
                ..Reached::default()
            },
            true,
            "Its window is in front.",
            None,
        );
        check(
            Reached {
                why_not,
                ..Reached::default()
            },
            false,
            "Its terminal was not found. Two windows could be it.",
            Some("resume a"),
        );
    }

    #[test]
    fn a_session_that_nobody_holds_has_no_terminal() {
        let mut done = session();
        done.status = Status::Done;

        let environment = Environment {
            mission_control_home: Some("/nowhere".into()),
            home: Some("/nowhere".into()),
            ..Environment::default()
        };
        let settings = crate::settings::Settings::default();
        let places = Places::resolve(&environment, &settings).unwrap();

        assert_eq!(
            terminal_of(&environment, &places, &done),
            Err("It has ended.".to_owned())
        );
        assert_eq!(
            terminal_of(&environment, &places, &session()),
            Err("It lies in no home that is known.".to_owned())
        );
    }

    #[test]
    fn a_title_names_a_session_by_enough_of_its_id_or_not_at_all() {
        const ID: &str = "01a1f9b1-3e09-7cf2-b019-43b4923e0965";

        for title in [
            ID,
            "01a1f9b1-3e09-7cf2-b019-43b49... | acme",
            "acme (01a1f9b1-3e09-7cf2-b019-43b4923e0965)",
        ] {
            assert!(is_named_in(title, ID), "{title}");
        }
        for title in [
            "acme",
            "01a1f9b1-3e09",
            "01a1f9b1-3e09-7cf2-b019-43b50...",
            "x01a1f9b1-3e09-7cf2-b019-43b4923e09651",
            "",
        ] {
            assert!(!is_named_in(title, ID), "{title}");
        }
    }
}
