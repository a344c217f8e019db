//! Runs other programs to their end, with a limit. The only place that starts processes here.

#[cfg(not(unix))]
#[path = "other.rs"]
mod platform;
#[cfg(unix)]
#[path = "unix.rs"]
mod platform;

use std::io;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it wrote to its standard output, then to its standard error.
    pub(crate) said: String,
}

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not be started.
    #[error("start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("wait for `{program}`: it had not ended after {limit_s} s")]
    TimedOut {
        /// The program.
        program: String,
        /// The limit in seconds.
        limit_s: u64,
    },
}

/// Finds a program in the folders of `PATH`.
pub(crate) fn find(name: &str, folders: &[Utf8PathBuf]) -> Option<Utf8PathBuf> {
    let candidates = folders.iter().map(|folder| folder.join(name));
    candidates
        .into_iter()
        .find(|path| platform::is_program(path))
}

/// Runs a program without input in a group of its own; the group is ended after `limit`.
pub(crate) fn run(
    program: &Utf8Path,
    arguments: &[&str],
    limit: Duration,
) -> Result<Finished, CommandError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that starts processes"
    )]
    let mut command = std::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::own_group(&mut command);
    let failed = |source| CommandError::Start {
        program: program.to_string(),
        source,
    };
    let child = command.spawn().map_err(failed)?;
    let group = child.id();
    let (sender, ended) = mpsc::sync_channel(1);
    let waiting = std::thread::spawn(move || {
        // Nobody listens any more after the limit.
        drop(sender.send(child.wait_with_output()));
    });
    match ended.recv_timeout(limit) {
        Ok(Ok(output)) => Ok(Finished {
            code: output.status.code(),
            said: [output.stdout, output.stderr]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .concat(),
        }),
        Ok(Err(source)) => Err(failed(source)),
        Err(_) => {
            platform::end_group(group);
            if waiting.join().is_err() {
                tracing::warn!(%program, "Waiting for a program panicked.");
            }
            Err(CommandError::TimedOut {
                program: program.to_string(),
                limit_s: limit.as_secs(),
            })
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn both_outputs_and_the_exit_code_are_seen() {
        let finished = run(
            "/bin/sh".into(),
            &["-c", "echo out; echo err >&2; exit 3"],
            LIMIT,
        );

        let expected = Finished {
            code: Some(3),
            said: "out\nerr\n".to_owned(),
        };
        assert_eq!(finished.unwrap(), expected);
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_it_started() {
        let forever = ["-c", "sleep 1000 & sleep 1000"];
        let error = run("/bin/sh".into(), &forever, Duration::from_millis(50)).unwrap_err();

        assert!(matches!(error, CommandError::TimedOut { .. }));
    }

    #[test]
    fn a_missing_program_is_said() {
        let error = run("/nowhere/program".into(), &[], LIMIT).unwrap_err();

        assert_eq!(error.to_string(), "start `/nowhere/program`");
    }

    #[test]
    fn only_programs_are_found() {
        let folders = ["/nowhere", "/etc", "/bin"].map(Utf8PathBuf::from);
        assert_eq!(find("sh", &folders), Some("/bin/sh".into()));
        assert_eq!(find("passwd", &folders[..2]), None);
    }
}
