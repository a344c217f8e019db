//! The command of our status line, in which another status line can be kept.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::agent_file::{decoded, encoded, quoted, unquoted};
use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Output;
use crate::cli::statusline;

/// What stands behind the program where our line is alone.
const ALONE: &str = " statusline";

/// What stands behind the program, and before the other status line, where it is not.
const AROUND: &str = " mcp statusline --around ";

/// A status line of ours, as its command says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    /// The program that is started.
    pub(super) program: String,
    /// The text of the entry that was there before.
    pub(super) around: Option<String>,
}

impl Ours {
    /// Reads a command; none if it is not one of ours.
    pub(super) fn parse(command: &str) -> Option<Self> {
        let (program, around) = match command.split_once(AROUND) {
            Some((program, encoded)) => (program, Some(decoded(encoded)?)),
            None => (command.strip_suffix(ALONE)?, None),
        };
        let program = unquoted(program)?;
        let name = Path::new(&program).file_stem()?;
        (name == "mission-control").then_some(Self { program, around })
    }

    /// Returns the command for a shell.
    pub(super) fn command(&self) -> String {
        let program = quoted(&self.program);
        match &self.around {
            None => format!("{program}{ALONE}"),
            Some(original) => format!("{program}{AROUND}{}", encoded(original)),
        }
    }
}

/// Returns what an entry of the settings starts.
pub(super) fn command(entry: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(entry).ok()?;
    Some(entry.get("command")?.as_str()?.to_owned())
}

/// Prints what the kept status line prints, and ours below it.
pub(in crate::cli) fn run(around: &str, output: &mut Output) -> Result<ExitCode, Failure> {
    let Some(original) = decoded(around) else {
        let title = "The status line that was kept cannot be read.";
        return Err(Failure::new(Kind::Usage, title).hint(
            "Put your own back into Claude Code's settings; copies of them are in the state \
             folder under `backups`.",
        ));
    };
    statusline::run_below(command(&original).as_deref(), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_what_it_was_made_from() {
        for program in ["/usr/bin/mission-control", "/a b/it's/$x/ä/mission-control"] {
            for around in [
                None,
                Some("null"),
                Some("{\n  \"command\": \"a 'b' | %c \\\"ü\"}"),
            ] {
                let ours = Ours {
                    program: program.to_owned(),
                    around: around.map(str::to_owned),
                };

                assert_eq!(Ours::parse(&ours.command()), Some(ours));
            }
        }
    }

    #[test]
    fn one_written_by_hand_is_ours_and_other_commands_are_not() {
        let program = |command| Ours::parse(command).map(|ours| ours.program);

        assert_eq!(
            program("~/bin/mission-control statusline").as_deref(),
            Some("~/bin/mission-control")
        );
        for foreign in [
            "bar.sh",
            "bar statusline",
            "cat; mission-control statusline",
            "mission-control statusline | head -1",
            "'mission-control statusline",
        ] {
            assert_eq!(program(foreign), None, "{foreign}");
        }
    }
}
