//! Runs other programs to their end, with a limit. The only place that starts processes here.

#[cfg(not(unix))]
#[path = "other.rs"]
mod platform;
#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
mod underway;

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use underway::Started;
pub(crate) use underway::Underway;
pub use underway::end_underway;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it wrote to its standard output.
    pub(crate) stdout: String,
    /// What it wrote to its standard error.
    pub(crate) stderr: String,
}

impl Finished {
    /// Returns everything it wrote, its standard error last.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// What a program is started with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// The program.
    pub(crate) program: &'a Utf8Path,
    /// Its arguments.
    pub(crate) arguments: &'a [&'a str],
    /// The folder it works in.
    pub(crate) folder: &'a Utf8Path,
    /// Variables beside those of this process.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// What it reads from its standard input; nothing if empty.
    pub(crate) input: &'a str,
    /// How long it may take.
    pub(crate) limit: Duration,
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

/// Runs a program without input in the folder for temporary files.
pub(crate) fn run(
    program: &Utf8Path,
    arguments: &[&str],
    limit: Duration,
) -> Result<Finished, CommandError> {
    let folder = std::env::temp_dir();
    let failed = || CommandError::Start {
        program: program.to_string(),
        source: io::Error::other("the folder for temporary files is not UTF-8"),
    };
    let folder = Utf8Path::from_path(&folder).ok_or_else(failed)?;
    run_as(&Start {
        program,
        arguments,
        folder,
        variables: &BTreeMap::new(),
        input: "",
        limit,
    })
}

/// Runs a program in a group of its own; the group is ended after the limit.
pub(crate) fn run_as(start: &Start<'_>) -> Result<Finished, CommandError> {
    see_out(start, see_through)
}

/// The same with a program that leaves when its input ends, whether it has answered or not: the
/// input ends after the first line that begins with `last`.
pub(crate) fn converse(start: &Start<'_>, last: &str) -> Result<Finished, CommandError> {
    let last = last.to_owned();
    see_out(start, move |child, input| talk(child, &input, &last))
}

fn see_out(
    start: &Start<'_>,
    see: impl FnOnce(Child, String) -> io::Result<Output> + Send + 'static,
) -> Result<Finished, CommandError> {
    let (program, limit) = (start.program, start.limit);
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that starts processes"
    )]
    let mut command = std::process::Command::new(program);
    command
        .args(start.arguments)
        .current_dir(start.folder)
        .envs(start.variables)
        .stdin(if start.input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    platform::own_group(&mut command);
    let failed = |source| CommandError::Start {
        program: program.to_string(),
        source,
    };
    let (child, _started) = Started::spawn(&mut command).map_err(failed)?;
    let group = child.id();
    let (sender, ended) = mpsc::sync_channel(1);
    let input = start.input.to_owned();
    let waiting = std::thread::spawn(move || {
        // Nobody listens any more after the limit.
        drop(sender.send(see(child, input)));
    });
    match ended.recv_timeout(limit) {
        Ok(Ok(output)) => Ok(Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
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

/// Hands a program its input and waits for its end.
fn see_through(mut child: Child, input: String) -> io::Result<Output> {
    let Some(mut stdin) = child.stdin.take() else {
        return child.wait_with_output();
    };
    // A program may answer before it has read everything, so both go on at the same time.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output();
    match writing.join() {
        // One that left without reading has its reasons, and says them.
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(_) => output,
        Err(_) => Err(io::Error::other("handing over the input panicked")),
    }
}

/// Says `input` to a program and listens until it has said what begins with `last`.
fn talk(mut child: Child, input: &str, last: &str) -> io::Result<Output> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return child.wait_with_output();
    };
    stdin.write_all(input.as_bytes())?;
    let mut said = Vec::new();
    let mut lines = BufReader::new(stdout);
    loop {
        let from = said.len();
        let is_over = lines.read_until(b'\n', &mut said)? == 0;
        let line = said.get(from..).unwrap_or_default();
        if is_over || line.starts_with(last.as_bytes()) {
            break;
        }
    }
    drop(stdin);
    lines.read_to_end(&mut said)?;
    let output = child.wait_with_output()?;
    Ok(Output {
        stdout: said,
        ..output
    })
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
            stdout: "out\n".to_owned(),
            stderr: "err\n".to_owned(),
        };
        assert_eq!(finished.unwrap(), expected);
    }

    #[test]
    fn input_variables_and_folder_arrive() {
        let variables = BTreeMap::from([("WORD".to_owned(), "yes".to_owned())]);
        let start = Start {
            program: "/bin/sh".into(),
            arguments: &["-c", "cat; echo $WORD; pwd"],
            folder: "/usr".into(),
            variables: &variables,
            input: &"x".repeat(100_000),
            limit: LIMIT,
        };

        let said = run_as(&start).unwrap().said();

        assert_eq!(said, format!("{}yes\n/usr\n", start.input));
        let deaf = Start {
            arguments: &["-c", "echo no >&2; exit 1"],
            ..start
        };
        assert_eq!(run_as(&deaf).unwrap().said(), "no\n");
    }

    #[test]
    fn a_conversation_ends_after_the_last_answer() {
        let talker = "read a; echo hm; read b; echo $b; cat; echo bye; echo err >&2";
        let start = Start {
            program: "/bin/sh".into(),
            arguments: &["-c", talker],
            folder: "/".into(),
            variables: &BTreeMap::new(),
            input: "1\n2 is it\n",
            limit: LIMIT,
        };

        let finished = converse(&start, "2 ").unwrap();

        assert_eq!(finished.said(), "hm\n2 is it\nbye\nerr\n");
        assert_eq!(finished.code, Some(0));
        let silent = Start {
            arguments: &["-c", "read a"],
            ..start
        };
        assert_eq!(converse(&silent, "2 ").unwrap().said(), "");
        let endless = Start {
            arguments: &["-c", "cat > /dev/null"],
            limit: Duration::from_millis(50),
            ..start
        };
        assert!(matches!(
            converse(&endless, "2 "),
            Err(CommandError::TimedOut { .. })
        ));
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
