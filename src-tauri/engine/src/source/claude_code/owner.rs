//! Which process has one session open, looked up for that session alone.

use std::collections::BTreeSet;

use camino::Utf8Path;
use mission_control_core::process::ProcessKey;
use mission_control_core::source::claude_code::{is_session_id, session_of_file};

use super::NAMES;
use super::registry::Registry;
use crate::processes::{Described, ProcessTable};
use crate::source::{Owner, Ownership, Serves};
use crate::task::mark::ProcessMark;

/// Looks who has the session open whose transcript, or whose sub-agent's, lies at `transcript` in
/// the home at `home`.
pub(crate) fn ownership(home: &Utf8Path, transcript: &Utf8Path) -> Ownership {
    let Some(session) = session_of(transcript) else {
        return Ownership::Unknown {
            why: "Its transcript carries no session's name.".to_owned(),
        };
    };
    let mut table = ProcessTable::new();
    let by = match holders(home, session, &mut table).as_slice() {
        [by] => *by,
        [] => return Ownership::Free,
        [..] => {
            return Ownership::Unknown {
                why: "Several processes have it open.".to_owned(),
            };
        }
    };
    let mark = ProcessMark::of(by.pid);
    // The process that was marked has it open only if the same one has it open afterwards.
    let is_same = holders(home, session, &mut table).as_slice() == [by];
    let Some(mark) = mark.filter(|mark| is_same && mark.is_alive()) else {
        return Ownership::Unknown {
            why: "It changed hands while it was looked at.".to_owned(),
        };
    };
    let is_program = |described: &Described| NAMES.contains(&described.name.as_str());
    let running = table.look(NAMES, is_program, |_| false);
    let mut running = running.iter().flatten();
    let Some(running) = running.find(|running| running.key == by) else {
        return Ownership::Unknown {
            why: format!("Process {} holds it and is no agent that is known.", by.pid),
        };
    };
    Ownership::Held(Owner {
        key: by,
        mark,
        name: running.described.name.clone(),
        serves: Serves::Itself,
        holds: BTreeSet::from([session.to_owned()]),
    })
}

/// Returns the session a transcript belongs to; a sub-agent's lies in the session's folder.
fn session_of(transcript: &Utf8Path) -> Option<&str> {
    let name = transcript.file_name()?;
    let folder = || transcript.parent()?.parent()?.file_name();
    session_of_file(name).or_else(|| folder().filter(|id| is_session_id(id)))
}

/// Returns the live processes that have the session open.
fn holders(home: &Utf8Path, session: &str, table: &mut ProcessTable) -> Vec<ProcessKey> {
    let mut registry = Registry::default();
    registry.read_all(0, home, table);
    let alive = registry.alive();
    alive
        .filter(|(entry, _)| entry.registered.session == session)
        .map(|(_, key)| key)
        .collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::processes;
    use crate::source::claude_code::registry_folder;
    use crate::testing::{GroupLeader, NamedProcess, temp_folder};

    const SESSION: &str = "f6aee77e-ddfa-43ea-8fe1-fb91d0cde38d";

    fn register(home: &Utf8Path, pid: u32) {
        let start = processes::start_ticks(pid).unwrap();
        let text = format!(r#"{{"pid":{pid},"sessionId":"{SESSION}","procStart":"{start}"}}"#);
        std::fs::create_dir_all(registry_folder(home)).unwrap();
        std::fs::write(registry_folder(home).join(format!("{pid}.json")), text).unwrap();
    }

    #[test]
    fn the_registered_process_owns_its_session_and_its_sub_agents() {
        let (_guard, home) = temp_folder();
        let program = NamedProcess::with_open(&home, "claude", &home.join("file"));
        register(&home, program.pid());
        let folder = home.join("projects/-home-dev-acme");

        for name in [
            format!("{SESSION}.jsonl"),
            format!("{SESSION}/subagents/agent-a1.jsonl"),
        ] {
            let Ownership::Held(owner) = ownership(&home, &folder.join(&name)) else {
                panic!("{name}: {:?}", ownership(&home, &folder.join(&name)));
            };
            assert_eq!(owner.key.pid, program.pid());
            assert_eq!(owner.holds, BTreeSet::from([SESSION.to_owned()]));
        }
        drop(program);
        let transcript = folder.join(format!("{SESSION}.jsonl"));
        assert_eq!(ownership(&home, &transcript), Ownership::Free);
    }

    #[test]
    fn a_stranger_that_is_registered_is_no_owner() {
        let (_guard, home) = temp_folder();
        let stranger = GroupLeader::start();
        register(&home, stranger.pid());

        let found = ownership(&home, &home.join(format!("{SESSION}.jsonl")));

        let why = format!(
            "Process {} holds it and is no agent that is known.",
            stranger.pid()
        );
        assert_eq!(found, Ownership::Unknown { why });
    }

    #[test]
    fn of_two_processes_neither_is_the_owner() {
        let ((_guard, home), (_other_guard, other)) = (temp_folder(), temp_folder());
        let programs = [&home, &other]
            .map(|folder| NamedProcess::with_open(folder, "claude", &folder.join("f")));
        for program in &programs {
            register(&home, program.pid());
        }

        let found = ownership(&home, &home.join(format!("{SESSION}.jsonl")));

        let why = "Several processes have it open.".to_owned();
        assert_eq!(found, Ownership::Unknown { why });
    }
}
