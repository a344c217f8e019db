//! `mission-control hook AGENT --state FOLDER`: what an agent calls before it asks a person.
//!
//! It prints a person's answer or nothing, and always succeeds: whatever goes wrong here, the agent
//! goes on as if nobody had been called.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::panic::catch_unwind;
use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;
use mission_control_engine::hooks;
use mission_control_engine::places::Environment;

/// The word the command begins with.
pub(super) const COMMAND: &str = "hook";
/// What stands before the state folder.
pub(super) const STATE: &str = "--state";

/// A call, as its arguments say it.
pub(super) enum Call {
    /// One that is understood.
    Known { source: Source, state: Utf8PathBuf },
    /// One of an entry that another version made.
    Foreign,
}

/// Reads the arguments; none if they are for something else.
pub(super) fn call(arguments: impl Iterator<Item = OsString>) -> Option<Call> {
    let mut words = arguments.skip(1);
    if words.next()? != COMMAND {
        return None;
    }
    let words: Option<Vec<String>> = words.take(4).map(|word| word.into_string().ok()).collect();
    Some(match words.as_deref() {
        Some([agent, option, state]) if option == STATE => Source::ALL
            .iter()
            .copied()
            .find(|source| source.as_str() == agent)
            .map_or(Call::Foreign, |source| Call::Known {
                source,
                state: state.into(),
            }),
        Some(_) | None => Call::Foreign,
    })
}

impl Call {
    /// Answers the call.
    pub(super) fn answer(self) -> ExitCode {
        // A terminal shows what a hook writes to its standard error.
        std::panic::set_hook(Box::new(|_| {}));
        match self {
            Self::Known { source, state } => {
                let done = catch_unwind(|| answered(source, &state));
                let trouble = match done {
                    Ok(Ok(())) => None,
                    Ok(Err(says)) => Some(says),
                    Err(_) => Some("The hook panicked.".to_owned()),
                };
                if let Some(says) = trouble {
                    hooks::note_trouble(&state, &says);
                }
            }
            Self::Foreign => ignored(),
        }
        ExitCode::SUCCESS
    }
}

/// Takes what the agent says, so that it is not told of a broken pipe. Nobody can be told of more:
/// where the notes are is not known.
fn ignored() {
    let mut stdin = std::io::stdin().lock();
    if !stdin.is_terminal() {
        drop(std::io::copy(&mut stdin, &mut std::io::sink()));
    }
}

fn answered(source: Source, state: &Utf8Path) -> Result<(), String> {
    let mut payload = Vec::new();
    let mut stdin = std::io::stdin().lock();
    (&mut stdin)
        .take(hooks::MOST_BYTES + 1)
        .read_to_end(&mut payload)
        .map_err(|error| format!("What the agent says cannot be read: {error}"))?;
    if payload.len() as u64 > hooks::MOST_BYTES {
        // The agent is not to see a pipe that breaks.
        return Err(match std::io::copy(&mut stdin, &mut std::io::sink()) {
            Ok(_) => "The agent says more than is read.".to_owned(),
            Err(error) => format!("What the agent says cannot be read: {error}"),
        });
    }
    let environment = Environment::read();
    let Some(said) = hooks::called(source, &payload, state, &environment)? else {
        return Ok(());
    };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{said}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("The answer cannot be handed to the agent: {error}"))
}
