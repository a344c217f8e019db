//! The table of `docs/formats/codex-live.md`: how sessions of terminals end.

use std::time::Duration;

use mission_control_testkit::process::{self, StopSignal};
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use serde_json::Value;

use super::{Stage, Talk, UNLOADED_WITHIN};

/// What a person still feels as "at once".
const AT_ONCE: Duration = Duration::from_secs(2);

/// How a terminal is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// By its command.
    Quitting,
    /// By closing its window.
    Hangup,
    /// By killing its programs.
    Killing,
}

impl Left {
    const ALL: [Self; 3] = [Self::Quitting, Self::Hangup, Self::Killing];

    /// Leaves the terminal and returns what goes on being watched. The daemon may be a child of
    /// the terminal that started it.
    fn leave(self, talk: Talk, stage: &Stage) -> Talk {
        match self {
            Self::Quitting => talk.quit(),
            Self::Hangup => talk.terminal.close(),
            Self::Killing => {
                let program = talk.terminal.pid();
                let daemon = stage.home.daemon();
                let below = process::descendants(program).into_iter().map(|of| of.pid);
                let own = below.filter(|pid| !daemon.contains(pid));
                for pid in own.chain([program]) {
                    process::send(pid, StopSignal::KILL);
                }
                wait_for(PATIENT, "the terminal's end", || {
                    (!talk.terminal.is_open()).then_some(())
                });
            }
        }
        talk
    }
}

fn how(session: &Value) -> &str {
    session["ended"]["how"].as_str().unwrap_or_default()
}

/// Waits for the last of these notices and compares all.
#[track_caller]
fn told(talk: &mut Talk, kinds: &[&str]) {
    let last = kinds.last().unwrap();
    talk.watch.wait_for(SOON, last, |event| {
        let notice = &event["notice"];
        notice["session_id"] == talk.id.as_str() && notice["kind"] == *last
    });
    assert_eq!(talk.kinds(), kinds);
}

/// Terminals of the daemon leave their threads to it, however they are left.
pub(super) fn threads_outlive_their_terminals(stage: &mut Stage) {
    let idle = Left::ALL.map(|left| {
        let mut talk = stage.talk("Say");
        talk.wait_for_status("paused");
        (left, left.leave(talk, stage))
    });
    let working = Left::ALL.map(|left| {
        let mut talk = stage.talk("Work");
        talk.wait_for_status("working");
        stage.model.wait_for_requests("live", 1, PATIENT);
        (left, left.leave(talk, stage))
    });
    let mut asked = stage.talk("Ask");
    let need = asked.wait_for_need()["need"].clone();
    let mut asked = Left::Hangup.leave(asked, stage);

    let sessions = stage.front.sessions();
    assert_eq!(sessions[&asked.id]["status"], "needs_you");
    assert_eq!(
        sessions[&asked.id]["need"], need,
        "it can still be answered"
    );
    for (left, talk) in &working {
        assert_eq!(sessions[&talk.id]["status"], "working", "{left:?}");
    }
    for (left, mut talk) in idle {
        let done = talk
            .watch
            .wait_for_status(UNLOADED_WITHIN, &talk.id, "done");
        assert_eq!(how(&done), "closed", "{left:?}");
        told(&mut talk, &["turn_completed"]);
    }

    for pid in stage.home.daemon() {
        process::send(pid, StopSignal::KILL);
    }
    for (left, mut talk) in working {
        let done = talk.watch.wait_for_status(AT_ONCE, &talk.id, "done");
        assert_eq!(how(&done), "killed", "{left:?}");
        told(&mut talk, &["session_died"]);
        let later = stage.front.sessions();
        assert_eq!(how(&later[&talk.id]), "killed", "seen afterwards, {left:?}");
    }
    let done = asked.watch.wait_for_status(AT_ONCE, &asked.id, "done");
    assert_eq!(how(&done), "killed");
}

/// Terminals that run their threads by themselves take them along.
pub(super) fn a_terminal_on_its_own_takes_its_session_along(stage: &mut Stage) {
    let cases = [
        ("Say", Left::Quitting, "closed", &["turn_completed"][..]),
        ("Say", Left::Hangup, "closed", &["turn_completed"]),
        ("Say", Left::Killing, "closed", &["turn_completed"]),
        ("Work", Left::Quitting, "interrupted", &["turn_interrupted"]),
        ("Work", Left::Hangup, "killed", &["session_died"]),
        ("Work", Left::Killing, "killed", &["session_died"]),
        // It says nothing of what it waits for.
        ("Ask", Left::Hangup, "killed", &["session_died"]),
    ];
    for (word, left, expected, kinds) in cases {
        let mut talk = stage.talk_with(word, &["--no-daemon"]);
        match word {
            "Say" => talk.wait_for_status("paused"),
            "Ask" => {
                talk.terminal.wait_for("Would you like to run");
                Value::Null
            }
            _ => talk
                .watch
                .wait_until(PATIENT, &talk.id, "works", |session| {
                    session["activity"]
                        .as_str()
                        .is_some_and(|a| a.contains("sleep"))
                }),
        };

        let mut talk = left.leave(talk, stage);
        let done = talk.watch.wait_for_status(SOON, &talk.id, "done");
        let later = stage.front.sessions();

        assert_eq!(how(&done), expected, "{word} {left:?}");
        assert_eq!(
            how(&later[&talk.id]),
            expected,
            "afterwards, {word} {left:?}"
        );
        told(&mut talk, kinds);
    }
}

/// `doctor` follows the daemon through its life.
pub(super) fn the_doctor_says_how_the_daemon_stands(stage: &mut Stage) {
    let live_protocol = |stage: &Stage| {
        let report = stage.front.json(&["doctor", "--json"]);
        let checks = report["checks"].as_array().unwrap().iter();
        let mut live = checks.filter(|check| check["evidence"]["from"] == "live_protocol");
        let check = live.next().unwrap().clone();
        let supply = check["evidence"]["supply"].as_str().unwrap().to_owned();
        (supply, check["says"].as_str().unwrap().to_owned())
    };
    let mut talk = stage.talk("Say");
    talk.wait_for_status("paused");

    let (supply, says) = live_protocol(stage);
    assert_eq!(supply, "fresh", "{says}");
    assert!(
        says.starts_with("The daemon, version 0.169.0, answers;"),
        "{says}"
    );

    for pid in stage.home.daemon() {
        process::send(pid, StopSignal::STOP);
    }
    let (supply, says) = live_protocol(stage);
    assert_eq!(supply, "unavailable");
    assert_eq!(says, "A daemon listens and does not answer.");

    for pid in stage.home.daemon() {
        process::send(pid, StopSignal::KILL);
    }
    talk.watch.wait_for_status(SOON, &talk.id, "done");
    let (supply, says) = live_protocol(stage);
    assert_eq!(supply, "stale");
    assert_eq!(
        says,
        "No daemon runs; one that ended left its control socket."
    );
}
