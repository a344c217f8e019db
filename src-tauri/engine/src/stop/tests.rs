//! Who is stopped and who is not.

use mission_control_core::process::ProcessKey;
use mission_control_core::source::Source;

use super::*;
use crate::testing::{Fellow, GroupLeader, temp_folder};

fn id(text: &str) -> SessionId {
    SessionId::new(Source::Codex, text)
}

fn key(pid: u32) -> ProcessKey {
    ProcessKey {
        pid,
        started_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn session(of: &str, pid: u32, parent: Option<&str>) -> LiveSession {
    let session = serde_json::json!({
        "id": id(of),
        "source": "codex",
        "source_session_id": of,
        "client": "exec",
        "status": "working",
        "status_since": "2026-11-20T10:00:00Z",
        "freshness": "fresh",
        "tokens": { "input": 0, "cached_input": 0, "output": 0, "reasoning": 0, "total": 0 },
        "parent_id": parent.map(id),
        "helper": false,
        "process": key(pid),
        "skipped_lines": 0,
        "evidence": { "from": "transcript", "at": null, "says": "A turn runs." },
        "evidence_trail": [],
        "message_way": { "type": "queue" },
        "can_interrupt": false,
        "stop_way": "process",
    });
    serde_json::from_value(session).unwrap()
}

fn owner(pid: u32, holds: &[&str]) -> Owner {
    Owner {
        key: key(pid),
        mark: ProcessMark {
            pid,
            start: 1,
            boot: None,
        },
        name: "agent".to_owned(),
        serves: Serves::Itself,
        holds: holds.iter().map(|&id| id.to_owned()).collect(),
    }
}

#[track_caller]
fn check(owner: Owner, sessions: &[LiveSession], expected: Result<(), &str>) {
    let first = &sessions[0];

    let found = unshared(owner, sessions, first)
        .map(|_| ())
        .map_err(|refusal| refusal.sentence(&first.id));

    assert_eq!(found, expected.map_err(str::to_owned));
}

#[test]
fn a_process_of_one_session_with_its_sub_agents_is_its_own() {
    let alone = [session("a", 7, None)];
    check(owner(7, &["a"]), &alone, Ok(()));

    let family = [
        session("a", 7, None),
        session("b", 7, Some("a")),
        session("c", 7, Some("b")),
        session("other", 8, None),
    ];
    check(owner(7, &["a", "b", "c"]), &family, Ok(()));
}

#[test]
fn a_process_of_several_sessions_is_shared() {
    let says = "codex:a is not stopped: its process 7 holds other sessions too: b.";
    let both = [session("a", 7, None), session("b", 7, None)];
    check(owner(7, &["a"]), &both, Err(says));
    check(owner(7, &["a", "b"]), &both[..1], Err(says));
}

#[test]
fn a_sub_agent_is_not_stopped_without_its_parent() {
    let both = [session("b", 7, Some("a")), session("a", 7, None)];

    let says = "codex:b is not stopped: it is a sub-agent within the process 7 of codex:a.";
    check(owner(7, &["a", "b"]), &both, Err(says));
}

#[test]
fn a_server_is_never_stopped() {
    let alone = [session("a", 7, None)];
    let server = Owner {
        serves: Serves::Others,
        ..owner(7, &["a"])
    };

    let says = "codex:a is not stopped: it runs in a server (process 7) that other programs use.";
    check(server, &alone, Err(says));
}

#[test]
fn an_owner_other_than_the_one_that_was_shown_is_left_alone() {
    let shown = [session("a", 7, None)];
    let mut younger = owner(7, &["a"]);
    younger.key.started_at += jiff::SignedDuration::from_secs(9);

    let says = "codex:a is not stopped: its owner is not known. \
                It changed hands while it was looked at.";
    check(owner(8, &["a"]), &shown, Err(says));
    check(younger, &shown, Err(says));

    let mut by_another_table = owner(7, &["a"]);
    by_another_table.key.started_at += jiff::SignedDuration::from_secs(1);
    check(by_another_table, &shown, Ok(()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_took_over_the_pid_is_left_alone() {
    let process = GroupLeader::start();
    let mut mark = ProcessMark::of(process.pid()).unwrap();
    mark.start -= 1;
    let owner = Owner {
        mark,
        ..owner(process.pid(), &["a"])
    };

    let ended = end(id("a"), &owner, &BTreeSet::new(), Duration::ZERO);

    assert!(matches!(ended, Err(Refusal::Ended)), "{ended:?}");
    assert!(ProcessMark::of(process.pid()).is_some());
}

#[cfg(target_os = "linux")]
#[track_caller]
fn ended(fellow: &Fellow, spared: &[u32], grace: Duration) -> Stopped {
    let pid = fellow.pid();
    let owner = Owner {
        mark: ProcessMark::of(pid).unwrap(),
        ..owner(pid, &["a"])
    };
    end(id("a"), &owner, &spared.iter().copied().collect(), grace).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_asked_ends_and_takes_its_group_along() {
    let fellow = Fellow::leader("sleep 100 & echo $!; wait");

    let stopped = ended(&fellow, &[], Duration::from_secs(10));

    assert!(stopped.stopped);
    assert_eq!(stopped.how, StoppedHow::Asked);
    let pids: Vec<(u32, bool)> = stopped.processes.iter().map(|p| (p.pid, p.ended)).collect();
    assert_eq!(pids, [(fellow.pid(), true), (fellow.said(), true)]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_does_not_listen_is_forced() {
    let fellow = Fellow::leader("trap '' TERM; echo 0; while :; do read _ || sleep 100; done");

    let stopped = ended(&fellow, &[], Duration::from_millis(100));

    assert!(stopped.stopped);
    assert_eq!(stopped.how, StoppedHow::Forced);
    assert!(
        stopped.sentences(Duration::from_millis(100))[0].contains("by force"),
        "{stopped:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn of_a_group_that_somebody_else_leads_only_the_owner_ends() {
    let leader = Fellow::leader("sh -c 'echo $$; exec sleep 100' & wait");
    let (inner, outer) = (leader.said(), leader.pid());
    let owner = Owner {
        mark: ProcessMark::of(inner).unwrap(),
        ..owner(inner, &["a"])
    };

    let stopped = end(id("a"), &owner, &BTreeSet::new(), Duration::from_secs(10)).unwrap();

    assert!(stopped.stopped);
    let pids: Vec<u32> = stopped
        .processes
        .iter()
        .map(|process| process.pid)
        .collect();
    assert_eq!(pids, [inner]);
    assert_ne!(outer, inner);
}

#[cfg(target_os = "linux")]
#[test]
fn what_left_the_group_is_told_and_left_alone() {
    let fellow = Fellow::leader("setsid sleep 100 & echo $!; wait");
    let left = fellow.said();
    let mark = crate::testing::eventually(|| {
        let kin = kin::of(left)?;
        // It has left its group before it is what it becomes.
        let has_become = kin.group == left && kin.name == "sleep";
        has_become.then(|| ProcessMark::of(left).unwrap())
    });

    let stopped = ended(&fellow, &[], Duration::from_secs(10));

    assert!(stopped.stopped && mark.is_alive());
    let name = kin::of(left).unwrap().name;
    let expected = format!("Still running: {name} ({left}).");
    assert_eq!(stopped.sentences(Duration::ZERO)[1], expected);
    fellow.end(left);
}

#[cfg(target_os = "linux")]
#[test]
fn the_owner_of_another_session_is_spared_wherever_it_stands() {
    let fellow = Fellow::leader("sleep 100 & echo $!; wait");
    let other = fellow.said();
    let mark = ProcessMark::of(other).unwrap();

    let stopped = ended(&fellow, &[other], Duration::from_secs(10));

    assert_eq!(stopped.processes.len(), 1);
    assert!(stopped.stopped && mark.is_alive());
    fellow.end(other);
}

#[test]
fn an_ended_session_is_not_stopped() {
    let (_guard, folder) = temp_folder();
    let mut done = session("a", 7, None);
    done.status = Status::Done;
    let environment = Environment {
        mission_control_home: Some(folder.clone()),
        home: Some(folder.clone()),
        ..Environment::default()
    };
    let settings = Settings::default();
    let places = Places::resolve(&environment, &settings).unwrap();
    let at = StopPlaces {
        environment: &environment,
        settings: &settings,
        places: &places,
    };

    let refusal = stop(&at, std::slice::from_ref(&done), &done).unwrap_err();

    assert_eq!(refusal.sentence(&done.id), "codex:a has ended already.");
    assert!(!refusal.is_not_available());
}
