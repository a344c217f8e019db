//! `codex queue`: leaves a message with a thread, whoever has it open.
//!
//! A program that has the thread open plays it once the thread is idle; it looks every 10 s at the
//! latest. Without one it is played when the thread is taken up again. No daemon is started.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;
use mission_control_core::text::one_line;

use super::exec;
use crate::command::{CommandError, Start, run_as};

/// How long the call may take; it takes a fifth of a second.
const LIMIT: Duration = Duration::from_secs(30);

/// Longest reason of the program that is passed on, in characters.
const REASON: usize = 200;

/// Why a message is not in the queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// The program does not run.
    #[error("queue the message")]
    Run(#[source] CommandError),
    /// It did not end in time: the message may be in the queue.
    #[error("hear in time whether the message is queued")]
    Silent(#[source] CommandError),
    /// This version has no queue.
    #[error("queue the message: this version has no queue")]
    TooOld,
    /// The program refuses, and says why.
    #[error("queue the message: {0}")]
    Refused(String),
}

/// How `codex` is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueProgram<'a> {
    /// The program.
    pub(crate) program: &'a Utf8Path,
    /// Variables that decide what is found where.
    pub(crate) variables: &'a BTreeMap<String, String>,
}

/// Leaves a message with the thread `thread` of the home `home`. Returns its id in the queue, if
/// the program names it.
pub(crate) fn queue(
    at: QueueProgram<'_>,
    home: &Utf8Path,
    thread: &str,
    text: &str,
) -> Result<Option<String>, QueueError> {
    let mut variables = at.variables.clone();
    variables.extend(exec::variables(home));
    // In one word, so that no text is taken for an option.
    let message = format!("--message={text}");
    let finished = run_as(&Start {
        program: at.program,
        arguments: &["queue", "--thread", thread, &message],
        folder: home,
        variables: &variables,
        input: "",
        limit: LIMIT,
    });
    let finished = finished.map_err(|error| match error {
        CommandError::Start { .. } => QueueError::Run(error),
        CommandError::TimedOut { .. } => QueueError::Silent(error),
    })?;
    match finished.code {
        Some(0) => Ok(queued_id(&finished.stdout)),
        // It does not know the command or its options.
        Some(2) => Err(QueueError::TooOld),
        Some(_) | None => Err(QueueError::Refused(reason(&finished.stderr))),
    }
}

/// Reads "Queued message ID for thread THREAD."
fn queued_id(stdout: &str) -> Option<String> {
    let said = stdout.lines().find_map(|line| line.split_once("message "));
    let id = said?.1.split_whitespace().next()?;
    Some(id.to_owned())
}

fn reason(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
    let first = lines.next().unwrap_or("it says nothing");
    one_line(first.trim_start_matches("Error: "), REASON)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::temp_folder;

    /// Queues with a program that is this shell script.
    fn queue_with(script: &str, text: &str) -> (Result<Option<String>, QueueError>, String) {
        let (_guard, home) = temp_folder();
        let program = home.join("codex");
        let told = "printf '%s\\n' \"$CODEX_HOME\" \"$@\" > \"$CODEX_HOME/told\"";
        std::fs::write(&program, format!("#!/bin/sh\n{told}\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let at = QueueProgram {
            program: &program,
            variables: &BTreeMap::new(),
        };

        let queued = queue(at, &home, "a-thread", text);

        let told = std::fs::read_to_string(home.join("told")).unwrap();
        (queued, told.replace(home.as_str(), "HOME"))
    }

    #[test]
    fn a_message_is_one_word_whatever_it_begins_with() {
        let says = "echo 'Queued message 01a1 for thread a-thread.'";

        let (queued, told) = queue_with(says, "--help me\nplease");

        assert_eq!(queued.unwrap().as_deref(), Some("01a1"));
        assert_eq!(
            told,
            "HOME\nqueue\n--thread\na-thread\n--message=--help me\nplease\n"
        );
    }

    #[test]
    fn what_the_program_refuses_has_its_reason() {
        let (old, _) = queue_with("echo \"error: unexpected argument\" >&2; exit 2", "Go on.");
        let gone = "echo 'WARNING: odd' >&2; echo 'Error: no rollout found' >&2; exit 1";
        let (gone, _) = queue_with(gone, "Go on.");
        let (mute, _) = queue_with("exit 7", "Go on.");

        assert!(matches!(old, Err(QueueError::TooOld)), "{old:?}");
        let says = |queued: Result<Option<String>, QueueError>| match queued {
            Err(QueueError::Refused(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(says(gone), "no rollout found");
        assert_eq!(says(mute), "it says nothing");
    }

    #[test]
    fn a_program_that_is_not_there_is_told_apart() {
        let (_guard, home) = temp_folder();
        let at = QueueProgram {
            program: &home.join("absent"),
            variables: &BTreeMap::new(),
        };

        let queued = queue(at, &home, "a-thread", "Go on.");

        assert!(matches!(queued, Err(QueueError::Run(_))), "{queued:?}");
    }
}
