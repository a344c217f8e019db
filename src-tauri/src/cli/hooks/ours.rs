//! The command of our hook, as it stands in an agent's settings.

use std::path::Path;

use mission_control_core::source::Source;

use crate::cli::agent_file::{quoted, unquoted};
use crate::cli::failure::{Failure, Kind};
use crate::cli::hook::{COMMAND, STATE};

/// What our hook calls. A program that is gone is not called, and nothing is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    /// The program.
    pub(super) program: String,
    /// The state folder.
    pub(super) state: String,
}

impl Ours {
    /// Returns the command for a shell.
    pub(super) fn command(&self, source: Source) -> String {
        let (program, state) = (quoted(&self.program), quoted(&self.state));
        let agent = source.as_str();
        format!("[ -x {program} ] && {program} {COMMAND} {agent} {STATE} {state} || true")
    }

    /// Makes sure that a shell starts `program`, and that the command is found again.
    ///
    /// # Errors
    /// When it could never be taken out.
    pub(super) fn check(&self, program: &Path) -> Result<(), Failure> {
        let is_found =
            |source: &Source| Self::parse(&self.command(*source), *source).as_ref() == Some(self);
        if program.to_str().is_some() && Source::ALL.iter().all(is_found) {
            return Ok(());
        }
        let title = format!(
            "A hook that calls `{}` would not be found again, so none was added.",
            program.display()
        );
        Err(Failure::new(Kind::Failed, title).hint(
            "Name the program `mission-control`, in a folder whose name is UTF-8 and holds no \
             ` ] && `, then run this command again.",
        ))
    }

    /// Reads a command; none if it is not one of ours.
    pub(super) fn parse(command: &str, source: Source) -> Option<Self> {
        let rest = command.strip_prefix("[ -x ")?.strip_suffix(" || true")?;
        let (program, rest) = rest.split_once(" ] && ")?;
        let call = format!(" {COMMAND} {} {STATE} ", source.as_str());
        let state = rest.strip_prefix(program)?.strip_prefix(&call)?;
        let ours = Self {
            program: unquoted(program)?,
            state: unquoted(state)?,
        };
        let name = Path::new(&ours.program).file_stem()?;
        (name == "mission-control").then_some(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_what_it_was_made_from() {
        for program in [
            "/usr/bin/mission-control",
            "/a b/it's/ä ] && /mission-control",
        ] {
            for source in Source::ALL.iter().copied() {
                let ours = Ours {
                    program: program.to_owned(),
                    state: "/home/dev/my state".to_owned(),
                };

                let command = ours.command(source);

                assert_eq!(
                    Ours::parse(&command, source),
                    Some(ours).filter(|_| !program.contains(" ] && ")),
                    "{command}"
                );
            }
        }
    }

    #[test]
    fn other_commands_are_not_ours() {
        for foreign in [
            "mission-control hook codex",
            "[ -x /a ] && /a hook codex --state /s || true",
            "[ -x /a/mission-control ] && /b/mission-control hook codex --state /s || true",
            "notify.sh || true",
        ] {
            assert_eq!(Ours::parse(foreign, Source::Codex), None, "{foreign}");
        }
    }
}
