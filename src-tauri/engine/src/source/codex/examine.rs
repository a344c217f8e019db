//! How Codex's sources of evidence stand.

use camino::Utf8Path;
use mission_control_core::health::{Check, CheckState, Supply};
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::codex::thread_id_of_file;

use super::live::{self, SOURCE, Standing};
use super::{lock_folder, processes, thread_of_lock};
use crate::locks::{LockState, LockTable};
use crate::processes::{ProcessTable, Running};
use crate::source::evidence::{Found, counted};

/// The latest version whose live protocol was measured.
const MEASURED: (u32, u32) = (0, 169);

/// Looks at what one home holds beside its transcripts.
pub(crate) fn examine(home: &Utf8Path) -> Vec<Check> {
    let place = Some(home.as_str());
    vec![
        locks(home).check(SOURCE, EvidenceSource::WriterLock, place),
        live_protocol(home).check(SOURCE, EvidenceSource::LiveProtocol, place),
    ]
}

/// Returns the agent's processes; none where processes cannot be listed.
pub(crate) fn running() -> Option<Vec<Running>> {
    let is_wanted = |name: &str| thread_id_of_file(name).is_some();
    ProcessTable::new().look(processes::NAMES, processes::can_write_rollouts, is_wanted)
}

fn locks(home: &Utf8Path) -> Found {
    let table = LockTable::read();
    if let Some(why) = table.hindrance() {
        return Found::hindered(
            why,
            "Open sessions are told from ended ones by the running processes alone.",
        );
    }
    let folder = lock_folder(home);
    let listing = match folder.read_dir_utf8() {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Found::absent(
                "There are none: no thread has run here yet, or Codex is too old. Then open files \
                 and processes show who writes.",
            );
        }
        Err(error) => {
            return Found::hindered(
                format!("`{folder}` cannot be listed: {error}."),
                "Make it readable; until then open files and processes have to do.",
            );
        }
    };
    let (mut held, mut unseen, mut free) = (0, 0, 0);
    let files = listing
        .flatten()
        .filter(|entry| thread_of_lock(entry.file_name()).is_some_and(|t| !t.starts_with('.')));
    for file in files {
        match table.state_of(file.path()) {
            LockState::Held(_) => held += 1,
            LockState::HeldUnseen | LockState::Unknown => unseen += 1,
            LockState::Free | LockState::Absent => free += 1,
        }
    }
    let mut says = format!(
        "Looked up in the system's table of locks: {}.",
        counted(held, "is held", "are held")
    );
    if free > 0 {
        let files = counted(free, "free one was", "free ones were");
        says.push_str(&format!(" {files} left behind."));
    }
    if unseen == 0 {
        return Found::fresh(says);
    }
    let locks = counted(unseen, "lock", "locks");
    says.push_str(&format!(
        " Who holds {locks} more cannot be seen from here: another user, container or machine."
    ));
    Found {
        supply: Supply::Stale,
        ..Found::fresh(says)
    }
}

fn live_protocol(home: &Utf8Path) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => told(runtime.block_on(live::examine(home))),
        Err(error) => Found::hindered(
            format!("The daemon cannot be asked: {error}."),
            "Until then nobody can tell which terminal needs you.",
        ),
    }
}

/// What can be done about a daemon that does not talk.
const NOT_HEARD: &str = "Until it talks, what its threads wait for is not known; transcripts and \
                         locks tell the rest. Quit the terminals and run `codex app-server daemon \
                         stop`.";

fn told(standing: Standing) -> Found {
    match standing {
        Standing::Absent => Found::absent("No daemon has run here: there is no control socket."),
        Standing::LeftBehind => Found {
            supply: Supply::Stale,
            ..Found::absent("No daemon runs; one that ended left its control socket.")
        },
        Standing::Closed(why) => Found::hindered(
            format!("The control socket cannot be opened: {why}."),
            NOT_HEARD,
        ),
        Standing::Unasked => Found {
            supply: Supply::Stale,
            ..Found::absent(
                "A daemon listens and runs no thread. It is left alone until a terminal has one.",
            )
        },
        Standing::Talks { version, n_threads } => {
            let threads = counted(n_threads, "thread is", "threads are");
            let mut says = match &version {
                Some(version) => {
                    format!("The daemon, version {version}, answers; {threads} loaded.")
                }
                None => format!("A daemon that names no version answers; {threads} loaded."),
            };
            if version
                .as_deref()
                .and_then(numbers)
                .is_none_or(|v| v > MEASURED)
            {
                let (major, minor) = MEASURED;
                says.push_str(&format!(
                    " It was measured up to {major}.{minor}; what a newer one says beyond that is \
                     passed over."
                ));
            }
            Found::fresh(says)
        }
        Standing::Silent => Found::hindered("A daemon listens and does not answer.", NOT_HEARD),
        Standing::Refuses(why) => Found::hindered(
            format!("The daemon refuses to talk: {}.", plain(&why)),
            NOT_HEARD,
        ),
        Standing::Odd(what) => Found {
            state: CheckState::Warning,
            ..Found::hindered(
                format!(
                    "What listens there is no daemon that is known: {}.",
                    plain(&what)
                ),
                NOT_HEARD,
            )
        },
    }
}

/// What a stranger says, as part of a sentence.
fn plain(text: &str) -> String {
    let line = mission_control_core::text::one_line(text, 200);
    line.trim_end_matches('.').to_owned()
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Flock, temp_folder};

    const THREAD: &str = "01a1f7ef-e543-7d53-9e20-e853c2e52bae";

    #[test]
    fn locks_are_told_by_who_holds_them() {
        let (_guard, home) = temp_folder();
        assert_eq!(locks(&home).supply, Supply::Unavailable);
        std::fs::create_dir(lock_folder(&home)).unwrap();
        std::fs::write(lock_folder(&home).join(".coordination.lock"), "").unwrap();
        std::fs::write(super::super::lock_file(&home, "left"), "").unwrap();
        let lock = super::super::lock_file(&home, THREAD);
        std::fs::write(&lock, "").unwrap();
        let _child = Flock::by_child(&lock);

        let found = locks(&home);

        assert_eq!(found.supply, Supply::Fresh);
        let says =
            "Looked up in the system's table of locks: 1 is held. 1 free one was left behind.";
        assert_eq!(found.says, says);
    }

    #[test]
    fn a_daemon_of_the_future_is_called_so() {
        let told_of = |version: Option<&str>| {
            let version = version.map(str::to_owned);
            told(Standing::Talks {
                version,
                n_threads: 1,
            })
            .says
        };
        let measured = "The daemon, version 0.169.2, answers; 1 thread is loaded.";

        assert_eq!(told_of(Some("0.169.2")), measured);
        for newer in [Some("0.170.0"), Some("1.0.0"), Some("next"), None] {
            assert!(told_of(newer).contains("passed over"), "{newer:?}");
        }
    }

    #[test]
    fn what_does_not_talk_is_unavailable_and_says_why() {
        let says = |standing: Standing| {
            let found = told(standing);
            assert_eq!(found.supply, Supply::Unavailable);
            assert_eq!(found.state, CheckState::Warning);
            found.says
        };

        assert_eq!(
            says(Standing::Silent),
            "A daemon listens and does not answer."
        );
        assert_eq!(
            says(Standing::Refuses("upgrade\u{1b}[2J first.".to_owned())),
            "The daemon refuses to talk: upgrade first."
        );
        assert_eq!(
            says(Standing::Odd("it says too much".to_owned())),
            "What listens there is no daemon that is known: it says too much."
        );
    }
}
