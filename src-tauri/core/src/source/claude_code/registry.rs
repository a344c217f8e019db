//! The registry: one file for each running process, `sessions/<pid>.json`.
//!
//! It is rewritten in place, so a read may see the end of an older text: then it is read again.

use jiff::Timestamp;
use serde::Deserialize;

use super::Call;
use crate::observation::{LiveDoing, LiveState};
use crate::session::{EvidenceSource, Need};

/// What the registry says about a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The process.
    pub pid: u32,
    /// When it started, as the system counts it.
    pub process_start: Option<String>,
    /// Which processes its number belongs to.
    pub pid_domain: Option<String>,
    /// When it began to say so.
    pub started_at: Option<Timestamp>,
    /// The session it has open.
    pub session: String,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// The session's name.
    pub name: Name,
    /// What it does; none before the first statement, and for runs without a terminal.
    pub reported: Option<(Timestamp, Reported)>,
}

/// A session's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A person, or the agent for its work, gave it this name.
    Given(String),
    /// It has none, or one made from its folder.
    Unnamed,
}

/// What a process says that it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// A turn runs.
    Busy,
    /// The turn is over and a command runs in the background.
    Shell,
    /// The turn is over.
    Idle,
    /// It waits for a person.
    Waiting {
        /// For what, in the agent's words.
        for_what: Option<String>,
    },
}

/// How a turn stands by the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It runs.
    Open,
    /// It is over, or none has begun.
    Over,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    pid: u32,
    session_id: String,
    cwd: Option<String>,
    started_at: Option<i64>,
    proc_start: Option<serde_json::Value>,
    pid_domain: Option<String>,
    name: Option<String>,
    name_source: Option<String>,
    status: Option<String>,
    waiting_for: Option<String>,
    updated_at: Option<i64>,
    status_updated_at: Option<i64>,
}

/// Names that were made for the session, not from its folder.
const GIVEN: &[&str] = &["user", "auto", "hook"];

/// What the agent calls a menu a person opened.
const DIALOG: &str = "dialog open";
/// What the agent calls a question, its own or that of a tool's server.
const INPUT: &str = "input needed";

impl Registered {
    /// Reads a file; none when it cannot be read, perhaps because it is being written.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let file: File = serde_json::from_slice(bytes).ok()?;
        let time = |millis: Option<i64>| millis.and_then(|at| Timestamp::from_millisecond(at).ok());
        let started_at = time(file.started_at);
        let reported = match file.status.as_deref() {
            Some("busy") => Some(Reported::Busy),
            Some("shell") => Some(Reported::Shell),
            Some("idle") => Some(Reported::Idle),
            Some("waiting") => Some(Reported::Waiting {
                for_what: file.waiting_for,
            }),
            Some(_) | None => None,
        };
        let at = time(file.status_updated_at)
            .or_else(|| time(file.updated_at))
            .or(started_at);
        let is_given = file
            .name_source
            .is_some_and(|source| GIVEN.contains(&source.as_str()));
        Some(Self {
            pid: file.pid,
            process_start: file.proc_start.map(|start| match start.as_str() {
                Some(text) => text.to_owned(),
                None => start.to_string(),
            }),
            pid_domain: file.pid_domain,
            started_at,
            session: file.session_id,
            cwd: file.cwd,
            name: match file.name.filter(|name| is_given && !name.trim().is_empty()) {
                Some(name) => Name::Given(name),
                None => Name::Unnamed,
            },
            reported: at.zip(reported),
        })
    }

    /// Says what the session does. `calls` are those that have no result yet, the oldest first,
    /// of the session and its sub-agents; `hooked` are the ids of those that hooks wait for, the one
    /// that was asked about first before the others.
    #[must_use]
    pub fn live_state(&self, turn: Turn, calls: &[&Call], hooked: &[String]) -> Option<LiveState> {
        let (at, reported) = self.reported.as_ref()?;
        let doing = match reported {
            Reported::Busy => LiveDoing::Working,
            Reported::Idle => LiveDoing::Idle,
            Reported::Shell => LiveDoing::Background {
                activity: "A background command runs".to_owned(),
            },
            Reported::Waiting { for_what } => waiting(for_what.as_deref(), turn, calls, hooked),
        };
        Some(LiveState {
            from: EvidenceSource::Registry,
            at: *at,
            doing,
        })
    }

    /// Returns how much a person has to do with what it does: where two processes have one session
    /// open, the larger counts.
    #[must_use]
    pub const fn urgency(&self) -> u8 {
        match &self.reported {
            Some((_, Reported::Waiting { .. })) => 4,
            Some((_, Reported::Busy)) => 3,
            Some((_, Reported::Shell)) => 2,
            Some((_, Reported::Idle)) => 1,
            None => 0,
        }
    }
}

fn waiting(for_what: Option<&str>, turn: Turn, calls: &[&Call], hooked: &[String]) -> LiveDoing {
    // A hook names the very call that asks.
    let call_of = |id: &String| calls.iter().find(|call| call.id == *id);
    if let Some(call) = hooked.iter().find_map(call_of) {
        let need = Some(call.answerable());
        return LiveDoing::Waiting { need };
    }
    match for_what {
        // A menu; in the middle of a call the call waits behind it.
        Some(DIALOG) if calls.is_empty() => match turn {
            Turn::Open => LiveDoing::Working,
            Turn::Over => LiveDoing::Idle,
        },
        Some(INPUT) => LiveDoing::Waiting {
            need: asking(calls).map(Call::input_need),
        },
        Some(_) | None => LiveDoing::Waiting {
            need: approval(calls),
        },
    }
}

/// A question waits by itself; else the oldest call is the one that asks.
fn asking<'a>(calls: &[&'a Call]) -> Option<&'a Call> {
    let question = calls.iter().find(|call| call.always_waits());
    question.or(calls.first()).copied()
}

fn approval(calls: &[&Call]) -> Option<Need> {
    calls.first().map(|call| call.need())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::NeedKind;

    const FILE: &str = r#"{"pid":19084,"sessionId":"f6aee77e-ddfa-43ea-8fe1-fb91d0cde38d","cwd":"/home/dev/acme","startedAt":1795161952890,"procStart":"288691","version":"2.1.328","kind":"interactive","entrypoint":"cli","pidDomain":"linux:0:pid:[4026531836]","name":"acme-d9","nameSource":"derived","status":"waiting","updatedAt":1795161952957,"statusUpdatedAt":1795161952958,"waitingFor":"permission prompt"}"#;

    fn file(change: &[(&str, &str)]) -> Registered {
        let text = change
            .iter()
            .fold(FILE.to_owned(), |text, (from, to)| text.replace(from, to));
        Registered::read(text.as_bytes()).unwrap()
    }

    fn bash() -> Call {
        Call::new("t1".to_owned(), "Bash", &json!({"command": "touch a"}))
    }

    #[track_caller]
    fn doing(file: &Registered, turn: Turn, calls: &[&Call]) -> LiveDoing {
        file.live_state(turn, calls, &[]).unwrap().doing
    }

    #[test]
    fn a_file_says_who_runs_what() {
        let read = file(&[]);

        assert_eq!(read.pid, 19084);
        assert_eq!(read.process_start.as_deref(), Some("288691"));
        assert_eq!(read.session, "f6aee77e-ddfa-43ea-8fe1-fb91d0cde38d");
        assert_eq!(read.name, Name::Unnamed);
        let (at, _) = read.reported.unwrap();
        assert_eq!(at.as_millisecond(), 1_795_161_952_958);
        assert_eq!(
            file(&[("derived", "user"), ("acme-d9", "My task")]).name,
            Name::Given("My task".to_owned())
        );
    }

    #[test]
    fn a_file_that_is_being_written_is_not_read() {
        let torn = format!("{FILE}ing\"}}");
        assert_eq!(Registered::read(torn.as_bytes()), None);
        assert_eq!(Registered::read(b""), None);
        assert_eq!(Registered::read(b"[1]"), None);
    }

    #[test]
    fn each_status_has_its_meaning() {
        let says = |status| file(&[("\"waiting\"", status)]);
        let (turn, no_calls) = (Turn::Open, &[][..]);
        assert_eq!(doing(&says("\"busy\""), turn, no_calls), LiveDoing::Working);
        assert_eq!(doing(&says("\"idle\""), turn, no_calls), LiveDoing::Idle);
        assert_eq!(
            doing(&says("\"shell\""), turn, no_calls),
            LiveDoing::Background {
                activity: "A background command runs".to_owned()
            }
        );
        assert_eq!(says("\"unheard of\"").reported, None);
        assert_eq!(
            file(&[("\"status\":\"waiting\",", "")]).reported,
            None,
            "nothing is said at first"
        );
    }

    #[test]
    fn what_is_waited_for_comes_from_the_open_call() {
        let waits = file(&[]);
        let (bash, question) = (
            bash(),
            Call::new("t2".to_owned(), "AskUserQuestion", &json!({})),
        );

        assert_eq!(
            doing(&waits, Turn::Open, &[]),
            LiveDoing::Waiting { need: None }
        );
        assert_eq!(
            doing(&waits, Turn::Open, &[&bash]),
            LiveDoing::Waiting {
                need: Some(bash.need())
            }
        );
        let input = file(&[("permission prompt", INPUT)]);
        assert_eq!(
            doing(&input, Turn::Open, &[&bash, &question]),
            LiveDoing::Waiting {
                need: Some(question.need())
            }
        );
        let LiveDoing::Waiting { need: Some(need) } = doing(&input, Turn::Open, &[&bash]) else {
            panic!("it waits for a person");
        };
        assert_eq!(need.kind, NeedKind::Elicitation);
    }

    #[test]
    fn a_hook_names_the_call_that_asks_and_takes_the_answer() {
        let other = Call::new("t0".to_owned(), "Bash", &json!({"command": "touch b"}));
        let hooked = ["gone".to_owned(), "t1".to_owned(), "t0".to_owned()];

        let said = file(&[]).live_state(Turn::Open, &[&other, &bash()], &hooked);

        let Some(LiveDoing::Waiting { need: Some(need) }) = said.map(|said| said.doing) else {
            panic!("it waits for a person");
        };
        assert_eq!(need.request_id, "t1");
        assert!(need.can_answer);
        assert_eq!(need.choices, ["accept", "decline"]);
    }

    #[test]
    fn a_menu_is_no_request_but_a_call_behind_it_is() {
        let dialog = file(&[("permission prompt", DIALOG)]);

        assert_eq!(doing(&dialog, Turn::Over, &[]), LiveDoing::Idle);
        assert_eq!(doing(&dialog, Turn::Open, &[]), LiveDoing::Working);
        assert_eq!(
            doing(&dialog, Turn::Open, &[&bash()]),
            LiveDoing::Waiting {
                need: Some(bash().need())
            }
        );
    }
}
