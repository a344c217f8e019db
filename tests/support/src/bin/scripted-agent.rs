//! An agent that plays a script: what the real one cannot be made to do.
//!
//! It is called like the real one and looks for its script in `SCRIPTED_AGENT`, a file with one
//! step a line: a word and what belongs to it. It notes every start in a file beside the script.
#![expect(
    clippy::expect_used,
    reason = "a script that cannot be played should stop the test"
)]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use mission_control_testkit::process::own_env;
use mission_control_testkit::wait::Deadline;

/// Nothing here runs longer, whatever becomes of the test.
const AT_MOST: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let path = own_env("SCRIPTED_AGENT").expect("SCRIPTED_AGENT names the script");
    let script = std::fs::read_to_string(&path).expect("read the script");
    let mut starts = OpenOptions::new()
        .append(true)
        .create(true)
        .open(format!("{path}.starts"))
        .expect("note the start");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    writeln!(
        starts,
        "{} {}",
        std::process::id(),
        serde_json::json!(arguments)
    )
    .expect("note the start");
    let deadline = Deadline::after(AT_MOST);
    for line in script.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            // Writes a line.
            "out" => say(rest),
            // Writes the same line so many times.
            "repeat" => {
                let (n, text) = rest.split_once(' ').expect("a number and a text");
                for _ in 0..n.parse::<u32>().expect("a number") {
                    say(text);
                }
            }
            // Writes a command with so many bytes of output.
            "big" => {
                let n = rest.parse().expect("a number");
                let item = serde_json::json!({"type": "item.completed", "item": {
                    "id": "big", "type": "command_execution", "command": "/bin/bash -lc 'cat big'",
                    "aggregated_output": "x".repeat(n), "exit_code": 0, "status": "completed"}});
                say(&item.to_string());
            }
            "err" => {
                std::io::stderr()
                    .write_all(format!("{rest}\n").as_bytes())
                    .expect("write an error");
            }
            // Copies what stands on standard input into a file.
            "stdin" => {
                let mut file = std::fs::File::create(rest).expect("make the file");
                std::io::copy(&mut std::io::stdin(), &mut file).expect("copy standard input");
            }
            // Writes the environment into a file.
            "env" => {
                let all: String = std::env::vars()
                    .map(|(name, value)| format!("{name}={value}\n"))
                    .collect();
                std::fs::write(rest, all).expect("write the environment");
            }
            "write" => {
                let (file, text) = rest.split_once(' ').expect("a file and a text");
                std::fs::write(file, text).expect("write the file");
            }
            // Has a shell run something to its end, where it works.
            "sh" => shell(rest),
            // Waits so many milliseconds, or until a file is there.
            "nap" => pause(Duration::from_millis(rest.parse().expect("a number"))),
            "until" => {
                while !std::path::Path::new(rest).exists() && !deadline.is_past() {
                    pause(Duration::from_millis(5));
                }
            }
            "hang" => pause(AT_MOST),
            // From here on only force ends it.
            "stubborn" => ignore_asking(),
            // Starts something that keeps standard output open: in its group, or in a session of its own.
            "grandchild" => grandchild("exec sleep 100", &[]),
            "escape" => grandchild("exec sleep 100", &["setsid"]),
            "die" => {
                let own = std::process::id();
                let pid = i32::try_from(own)
                    .ok()
                    .and_then(rustix::process::Pid::from_raw)
                    .expect("an id");
                rustix::process::kill_process(pid, rustix::process::Signal::KILL)
                    .expect("end itself");
            }
            "exit" => return ExitCode::from(rest.parse::<u8>().expect("a code")),
            "" => {}
            word => panic!("no step is called `{word}`"),
        }
    }
    ExitCode::SUCCESS
}

fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).expect("write a line");
    stdout.write_all(b"\n").expect("write a line");
    stdout.flush().expect("write a line");
}

#[expect(
    clippy::disallowed_methods,
    reason = "this program is what the tests start"
)]
fn shell(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status();
    assert!(status.expect("start a shell").success(), "{script}");
}

#[expect(
    clippy::disallowed_methods,
    clippy::zombie_processes,
    reason = "this program is what the tests start, and what it starts is to outlive it"
)]
fn grandchild(script: &str, before: &[&str]) {
    let mut words = before.to_vec();
    words.extend(["sh", "-c", script]);
    let (program, rest) = words.split_first().expect("a program");
    Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .spawn()
        .expect("start a grandchild");
}

/// A shell that ignores being asked hands that on to what it becomes; so this program starts
/// itself anew under one.
#[expect(
    clippy::disallowed_methods,
    reason = "this program is what the tests start"
)]
fn ignore_asking() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; sleep 100 & wait; sleep 100"]);
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    panic!("could not become stubborn: {error}");
}

fn pause(duration: Duration) {
    let deadline = Deadline::after(duration);
    mission_control_testkit::wait::rest_until(deadline);
}
