//! What a task's debug file says about its run, for those who show it.

use std::io;

use mission_control_core::redact::SecretCounts;
use mission_control_core::task::conclude::ChildExit;
use mission_control_core::task::words::signal_name;
use serde::Deserialize;

use super::folder::{TaskFolder, read_json};

/// The highest number of a stop signal.
const LAST_SIGNAL: i32 = 64;

/// Facts about a run that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Bytes the agent wrote on standard output.
    pub n_stdout_bytes: u64,
    /// Bytes the agent wrote on standard error.
    pub n_stderr_bytes: u64,
    /// How the agent left; none if it was never started or that is not known.
    pub exit: Option<ChildExit>,
    /// Whether its output still lies there as the agent wrote it, with nothing removed.
    pub is_untouched: bool,
}

/// The parts of the debug file that are looked at.
#[derive(Deserialize)]
struct Written {
    run: WrittenRun,
    secrets_removed_from_files: SecretCounts,
}

#[derive(Deserialize)]
struct WrittenRun {
    n_stdout_bytes: u64,
    n_stderr_bytes: u64,
    exit: Option<String>,
}

/// Returns what is recorded about a run; none before it ended.
///
/// # Errors
/// When the file cannot be read.
pub fn run_facts(folder: &TaskFolder) -> io::Result<Option<RunFacts>> {
    let written: Option<Written> = read_json(&folder.debug())?;
    Ok(written.map(|written| RunFacts {
        n_stdout_bytes: written.run.n_stdout_bytes,
        n_stderr_bytes: written.run.n_stderr_bytes,
        exit: written.run.exit.as_deref().and_then(read_exit),
        is_untouched: written.secrets_removed_from_files.total() == 0,
    }))
}

/// Returns how the agent left, in words.
pub(crate) fn exit_words(exit: ChildExit) -> String {
    match exit {
        ChildExit::Code(code) => format!("The agent left with code {code}."),
        ChildExit::Signal(signal) => format!("The agent was ended by {}.", signal_name(signal)),
        ChildExit::Unknown => "The agent left.".to_owned(),
    }
}

/// Understands [`exit_words`].
fn read_exit(words: &str) -> Option<ChildExit> {
    let words = words.trim_end_matches('.');
    if let Some(code) = words.strip_prefix("The agent left with code ") {
        return code.parse().ok().map(ChildExit::Code);
    }
    let name = words.strip_prefix("The agent was ended by ")?;
    let mut signals = 1..=LAST_SIGNAL;
    let signal = signals.find(|signal| signal_name(*signal) == name)?;
    Some(ChildExit::Signal(signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_an_agent_left_is_read_back_from_the_words() {
        for exit in [
            ChildExit::Code(0),
            ChildExit::Code(-7),
            ChildExit::Signal(15),
            ChildExit::Signal(LAST_SIGNAL),
        ] {
            assert_eq!(read_exit(&exit_words(exit)), Some(exit));
        }
        assert_eq!(read_exit(&exit_words(ChildExit::Unknown)), None);
    }
}
