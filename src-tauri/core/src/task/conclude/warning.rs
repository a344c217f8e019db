//! What a reader of a result should know beside it.

use serde::{Deserialize, Serialize};

use super::outcome::Traces;
use super::{ChildExit, Ending, Evidence, GroupEnd, StopCause};
use crate::task::git::GitSeen;
use crate::task::model::{FileWitness, TaskFile, TaskStatus};
use crate::task::words::{inner_script, signal_name};
use crate::task::work::TurnSeen;
use crate::text::one_line;
use crate::timeline::ItemStatus;

/// How many paths a warning names.
const MAX_PATHS: usize = 5;
/// How many of the agent's own warnings are passed on.
const MAX_SAID: usize = 5;

/// A remark beside a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Warning {
    /// Files were to be changed, and none was.
    AskedToEditUnchanged {},
    /// Files were to be changed, and git could not be asked.
    AskedToEditUnchecked {},
    /// The agent reported changes that git does not show.
    ReportedNotInGit {
        /// Some of the paths.
        paths: Vec<String>,
        /// How many there are.
        n_files: u32,
    },
    /// Git shows changes that the agent did not report.
    InGitNotReported {
        /// Some of the paths.
        paths: Vec<String>,
        /// How many there are.
        n_files: u32,
    },
    /// The agent reported changes outside of the repository.
    OutsideRepository {
        /// Some of the paths.
        paths: Vec<String>,
        /// How many there are.
        n_files: u32,
    },
    /// Some of the files had changes before that were not committed.
    DirtyBefore {
        /// Some of the paths.
        paths: Vec<String>,
        /// How many there are.
        n_files: u32,
    },
    /// Git could not be asked.
    GitUnknown {
        /// Why.
        why: String,
    },
    /// The agent finished its turn and then left badly.
    LeftBadly {
        /// How.
        how: String,
    },
    /// The agent finished its turn and did not leave by itself.
    Lingered {},
    /// An answer came when the task was being ended already.
    AnsweredTooLate {},
    /// Some process could not be ended.
    Survivors {},
    /// The last test run failed.
    TestsFail {
        /// How many tests failed.
        n_failed: u32,
        /// The first that did.
        first: Option<String>,
    },
    /// The last command failed.
    LastCommandFailed {
        /// The command.
        command: String,
        /// Its exit code.
        code: Option<i32>,
    },
    /// The sandbox refused something to a command.
    SandboxDenied {
        /// The line that says so.
        says: String,
    },
    /// Commands were refused by the agent's own reviewer.
    CommandsDeclined {
        /// How many.
        n_commands: u32,
    },
    /// Edits could not be applied.
    EditsFailed {
        /// How many.
        n_edits: u32,
    },
    /// The agent finished without saying anything.
    NoFinalMessage {},
    /// The answer was not among the events and was taken from the transcript.
    TakenFromTranscript {},
    /// Lines of the agent could not be read.
    UnreadLines {
        /// How many.
        n_lines: u32,
    },
    /// The agent itself warned.
    AgentSaid {
        /// What it said.
        message: String,
    },
    /// Secrets were removed.
    SecretsRemoved {
        /// How many.
        n_secrets: u32,
    },
}

impl Warning {
    /// Returns the warning as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::AskedToEditUnchanged {} => {
                "It was asked to change files, and the tree is unchanged.".to_owned()
            }
            Self::AskedToEditUnchecked {} => {
                "It was asked to change files; whether it did could not be checked.".to_owned()
            }
            Self::ReportedNotInGit { paths, n_files } => format!(
                "{} reported as changed, but git shows no change: {}.",
                files_were(*n_files),
                listed(paths, *n_files)
            ),
            Self::InGitNotReported { paths, n_files } => format!(
                "{} changed without a report of the agent, by a command or by somebody else: {}.",
                files_were(*n_files),
                listed(paths, *n_files)
            ),
            Self::OutsideRepository { paths, n_files } => format!(
                "{} changed outside of the repository: {}.",
                files_were(*n_files),
                listed(paths, *n_files)
            ),
            Self::DirtyBefore { paths, n_files } => format!(
                "{} changed before the task started, too, and not committed: {}. The difference \
                 and its size hold those changes as well.",
                files_were(*n_files),
                listed(paths, *n_files)
            ),
            Self::GitUnknown { why } => format!("Git could not be asked: {}.", one_line(why, 200)),
            Self::LeftBadly { how } => {
                format!("The agent finished its turn, but its program {how}.")
            }
            Self::Lingered {} => {
                "The agent finished its turn, did not leave by itself and was ended.".to_owned()
            }
            Self::AnsweredTooLate {} => {
                "An answer came while the task was being ended; it is kept.".to_owned()
            }
            Self::Survivors {} => "Some of its processes could not be ended.".to_owned(),
            Self::TestsFail { n_failed, first } => {
                let tests = if *n_failed == 1 {
                    "test fails"
                } else {
                    "tests fail"
                };
                match first {
                    Some(first) => {
                        format!("In the last test run {n_failed} {tests}, first `{first}`.")
                    }
                    None => format!("In the last test run {n_failed} {tests}."),
                }
            }
            Self::LastCommandFailed { command, code } => match code {
                Some(code) => format!("The last command exited with code {code}: `{command}`."),
                None => format!("The last command failed: `{command}`."),
            },
            Self::SandboxDenied { says } => format!("The sandbox refused a command: {says}."),
            Self::CommandsDeclined { n_commands: 1 } => "One command was declined.".to_owned(),
            Self::CommandsDeclined { n_commands } => {
                format!("{n_commands} commands were declined.")
            }
            Self::EditsFailed { n_edits: 1 } => "One edit could not be applied.".to_owned(),
            Self::EditsFailed { n_edits } => format!("{n_edits} edits could not be applied."),
            Self::NoFinalMessage {} => "The agent finished without saying anything.".to_owned(),
            Self::TakenFromTranscript {} => {
                "The end was taken from the session's transcript.".to_owned()
            }
            Self::UnreadLines { n_lines: 1 } => "One line could not be read.".to_owned(),
            Self::UnreadLines { n_lines } => format!("{n_lines} lines could not be read."),
            Self::AgentSaid { message } => format!("The agent warned: {}", one_line(message, 300)),
            Self::SecretsRemoved { n_secrets: 1 } => "One secret was removed.".to_owned(),
            Self::SecretsRemoved { n_secrets } => format!("{n_secrets} secrets were removed."),
        }
    }
}

pub(super) fn all(
    evidence: &Evidence<'_>,
    files: &[TaskFile],
    traces: Traces,
    status: TaskStatus,
    has_message: bool,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let is_complete = status == TaskStatus::Completed;
    if is_complete && evidence.asked.expects_changes == Some(true) {
        match traces {
            Traces::Changed => {}
            Traces::Unchanged => warnings.push(Warning::AskedToEditUnchanged {}),
            Traces::Unknown => warnings.push(Warning::AskedToEditUnchecked {}),
        }
    }
    if is_complete && !has_message {
        warnings.push(Warning::NoFinalMessage {});
    }
    warnings.extend(of_ending(evidence));
    warnings.extend(of_work(evidence, is_complete));
    warnings.extend(of_files(evidence, files));
    if evidence.n_unread > 0 {
        warnings.push(Warning::UnreadLines {
            n_lines: evidence.n_unread,
        });
    }
    let said = evidence.work.warnings.iter().take(MAX_SAID);
    warnings.extend(said.map(|message| Warning::AgentSaid {
        message: message.clone(),
    }));
    let n_secrets = evidence.work.secrets.total();
    if n_secrets > 0 {
        warnings.push(Warning::SecretsRemoved { n_secrets });
    }
    warnings
}

fn of_ending(evidence: &Evidence<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let has_answered = evidence.work.turn == TurnSeen::Completed;
    match evidence.ending {
        Ending::Stopped {
            cause: StopCause::Lingered,
            ..
        } => warnings.push(Warning::Lingered {}),
        Ending::Stopped {
            cause: StopCause::TimedOut { .. } | StopCause::Cancelled { .. },
            ..
        } if has_answered => warnings.push(Warning::AnsweredTooLate {}),
        Ending::Left(ChildExit::Code(code)) if has_answered && *code != 0 => {
            warnings.push(Warning::LeftBadly {
                how: format!("exited with code {code}"),
            });
        }
        Ending::Left(ChildExit::Signal(signal)) if has_answered => {
            warnings.push(Warning::LeftBadly {
                how: format!("was killed by {}", signal_name(*signal)),
            });
        }
        Ending::SpawnFailed(_)
        | Ending::CancelledBeforeStart { .. }
        | Ending::ConsentRefused
        | Ending::Left(_)
        | Ending::Stopped { .. } => {}
    }
    let is_from_transcript = evidence.gathered.transcript.is_some()
        && !evidence.work.has_answered()
        && matches!(evidence.ending, Ending::Left(_));
    if is_from_transcript {
        warnings.push(Warning::TakenFromTranscript {});
    }
    match evidence.group {
        GroupEnd::Gone => {}
        GroupEnd::Survives => warnings.push(Warning::Survivors {}),
    }
    warnings
}

fn of_work(evidence: &Evidence<'_>, is_complete: bool) -> Vec<Warning> {
    let work = evidence.work;
    let mut warnings = Vec::new();
    let failing = work.latest_tests().last().copied().filter(|r| r.failed > 0);
    if let Some(report) = failing {
        warnings.push(Warning::TestsFail {
            n_failed: report.failed,
            first: report.failed_names.first().cloned(),
        });
    }
    let last = work
        .commands
        .last()
        .filter(|command| command.status == ItemStatus::Failed);
    if let Some(command) = last
        && is_complete
        && failing.is_none()
    {
        warnings.push(Warning::LastCommandFailed {
            command: one_line(inner_script(&command.command), 120),
            code: command.exit_code,
        });
    }
    if let Some(denial) = work.denials.last() {
        warnings.push(Warning::SandboxDenied {
            says: denial.says.clone(),
        });
    }
    if work.n_declined > 0 {
        warnings.push(Warning::CommandsDeclined {
            n_commands: work.n_declined,
        });
    }
    if work.n_failed_edits > 0 {
        warnings.push(Warning::EditsFailed {
            n_edits: work.n_failed_edits,
        });
    }
    warnings
}

fn of_files(evidence: &Evidence<'_>, files: &[TaskFile]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let those = |is_meant: &dyn Fn(&TaskFile) -> bool| {
        let mut paths: Vec<String> = files
            .iter()
            .filter(|file| is_meant(file))
            .map(|file| file.path.clone())
            .collect();
        let n_files = u32::try_from(paths.len()).unwrap_or(u32::MAX);
        paths.truncate(MAX_PATHS);
        (n_files > 0).then_some((paths, n_files))
    };
    let seen_by = |witness| those(&|file| file.seen_by == witness);
    match &evidence.gathered.git {
        GitSeen::NoRepository => {}
        GitSeen::Unknown { why } => warnings.push(Warning::GitUnknown { why: why.clone() }),
        GitSeen::Known(facts) => {
            let changed = facts.changed();
            let was_dirty = |file: &TaskFile| {
                facts.dirty_before.contains_key(&file.path) && changed.contains_key(&file.path)
            };
            if let Some((paths, n_files)) = those(&was_dirty) {
                warnings.push(Warning::DirtyBefore { paths, n_files });
            }
            if let Some((paths, n_files)) = seen_by(FileWitness::AgentOnly) {
                warnings.push(Warning::ReportedNotInGit { paths, n_files });
            }
            if let Some((paths, n_files)) = seen_by(FileWitness::GitOnly) {
                warnings.push(Warning::InGitNotReported { paths, n_files });
            }
            if let Some((paths, n_files)) = seen_by(FileWitness::Unchecked) {
                warnings.push(Warning::OutsideRepository { paths, n_files });
            }
        }
    }
    warnings
}

fn files_were(n_files: u32) -> String {
    match n_files {
        1 => "One file was".to_owned(),
        n => format!("{n} files were"),
    }
}

fn listed(paths: &[String], n_files: u32) -> String {
    let shown = u32::try_from(paths.len()).unwrap_or(u32::MAX);
    let mut list = paths
        .iter()
        .map(|path| format!("`{path}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if n_files > shown {
        list.push_str(&format!(" and {} more", n_files - shown));
    }
    list
}
