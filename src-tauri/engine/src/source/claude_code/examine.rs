//! How Claude Code's sources of evidence stand.

use camino::Utf8Path;
use mission_control_core::health::{Check, Supply};
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::Source;

use super::registry::{Registry, Tallied};
use super::{NAMES, registry_folder};
use crate::processes::{ProcessTable, Running};
use crate::source::evidence::{Found, counted};

/// Looks at what one home holds beside its transcripts.
pub(crate) fn examine(home: &Utf8Path) -> Vec<Check> {
    let registry = registry(home);
    vec![registry.check(
        Source::ClaudeCode,
        EvidenceSource::Registry,
        Some(home.as_str()),
    )]
}

/// Returns the agent's processes; none where processes cannot be listed.
pub(crate) fn running() -> Option<Vec<Running>> {
    ProcessTable::new().look(NAMES, |_| true, |_| false)
}

fn registry(home: &Utf8Path) -> Found {
    let folder = registry_folder(home);
    match folder.read_dir_utf8() {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Found::absent(
                "There is none: no session has run here yet, or Claude Code is too old. Then \
                 lines that arrive show what works.",
            );
        }
        Err(error) => {
            return Found::hindered(
                format!("`{folder}` cannot be listed: {error}."),
                "Make it readable; until then processes and lines have to do.",
            );
        }
    }
    let mut registry = Registry::default();
    registry.read_all(0, home, &mut ProcessTable::new());
    told(&registry.tallied(&folder))
}

fn told(tallied: &Tallied) -> Found {
    let Tallied {
        alive,
        gone,
        elsewhere,
        unreadable,
    } = *tallied;
    let mut says = format!(
        "{} told of by a process that lives.",
        counted(alive, "session is", "sessions are")
    );
    if gone > 0 {
        let files = counted(gone, "file was", "files were");
        says.push_str(&format!(" {files} left behind by killed processes."));
    }
    if elsewhere > 0 {
        let files = counted(elsewhere, "file is", "files are");
        says.push_str(&format!(" {files} of another container or machine."));
    }
    if unreadable == 0 {
        return Found {
            supply: if alive == 0 && elsewhere > 0 {
                Supply::Stale
            } else {
                Supply::Fresh
            },
            ..Found::fresh(says)
        };
    }
    let files = counted(unreadable, "file", "files");
    says.push_str(&format!(" {files} cannot be read."));
    Found {
        supply: Supply::Stale,
        ..Found::hindered(
            says,
            "A file that is just written is readable a moment later; else Claude Code may be \
             newer than what is known here.",
        )
    }
}

#[cfg(test)]
mod tests {
    use mission_control_core::health::CheckState;

    use super::*;
    use crate::testing::temp_folder;

    fn write(home: &Utf8Path, name: &str, text: &str) {
        let folder = registry_folder(home);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    #[track_caller]
    fn check(home: &Utf8Path, state: CheckState, supply: Supply, says: &str) {
        let found = registry(home);
        assert_eq!((found.state, found.supply), (state, supply), "{found:?}");
        assert_eq!(found.says, says);
    }

    #[test]
    fn a_registry_is_told_by_its_living_dead_and_unreadable_files() {
        let (_guard, home) = temp_folder();
        assert_eq!(registry(&home).supply, Supply::Unavailable);

        let id = "0a5e1f50-6f2c-4e57-9d0b-1a2b3c4d5e6f";
        let file = |pid: u32, start: u64| {
            format!(r#"{{"pid":{pid},"procStart":"{start}","sessionId":"{id}","cwd":"/x"}}"#)
        };
        let pid = std::process::id();
        let own = file(pid, crate::processes::start_ticks(pid).unwrap());
        write(&home, &format!("{pid}.json"), &own);
        let says = "1 session is told of by a process that lives.";
        check(&home, CheckState::Ok, Supply::Fresh, says);

        write(&home, "1.json", &file(1, 7));
        write(&home, "1.key", "never read");
        let says = format!("{says} 1 file was left behind by killed processes.");
        check(&home, CheckState::Ok, Supply::Fresh, &says);

        write(&home, "2.json", "{");
        let says = format!("{says} 1 file cannot be read.");
        check(&home, CheckState::Warning, Supply::Stale, &says);
    }
}
