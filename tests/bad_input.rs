//! What other programs, broken disks and typing errors leave behind, given to the built program.
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mission_control_testkit::contract::{list_faults, stream_faults};
use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::wait::SOON;
use mission_control_testkit::watch::Front;
use serde_json::Value;
use tempfile::TempDir;

const THREAD: &str = "01a1f7ea-ce4d-7062-a79a-000000000001";

/// Longer than any line that an agent wrote so far.
const LONG_LINE: usize = 30 * 1024 * 1024;

#[test]
fn an_unreadable_folder_hides_nothing_else() {
    let home = Home::new();
    let good = home.add("01-simple-success");
    home.close_a_folder();

    let said = home.run_as_nobody(&["list", "--all", "--json"]);

    let listed: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    assert_eq!(ids(&listed), [good.session_id()]);
}

#[test]
fn the_doctor_names_an_unreadable_folder() {
    let home = Home::new();
    home.add("01-simple-success");
    let closed = home.close_a_folder();

    let said = home.run_as_nobody(&["doctor", "--json"]);

    assert!(
        said.stdout.contains(&text(&closed)),
        "{}{}",
        said.stdout,
        said.stderr
    );
}

#[test]
fn links_that_lead_nowhere_or_round_are_passed_over() {
    let home = Home::new();
    let good = home.add("01-simple-success");
    let folder = good.path_in(&home.codex_home).parent().unwrap().to_owned();
    symlink("gone.jsonl", folder.join(file_name(THREAD))).unwrap();
    symlink(home.codex_home.join("sessions"), folder.join("round")).unwrap();
    symlink("itself", folder.join("itself")).unwrap();

    let listed = home.list();

    assert_eq!(ids(&listed), [good.session_id()]);
}

#[test]
fn a_line_of_thirty_megabytes_costs_that_line_at_most() {
    let home = Home::new();
    let mut recording = Recording::load("01-simple-success").of_thread(THREAD);
    let (first, rest) = recording.content.split_once('\n').unwrap();
    let filler = "x".repeat(LONG_LINE);
    let long = format!(
        "{{\"timestamp\":\"2026-11-20T07:50:56.700Z\",\"type\":\"response_item\",\
         \"payload\":{{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"{filler}\"}}}}"
    );
    recording.content = format!("{first}\n{long}\n{rest}");
    recording.write_into(&home.codex_home);

    let session = home.only_session();

    assert_eq!(session["last_turn"]["outcome"], "completed");
    assert_eq!(session["cli_version"], "0.169.0");
    assert!(session["skipped_lines"].as_u64().unwrap() <= 1);
}

#[test]
fn a_line_that_never_ends_is_waited_for() {
    let home = Home::new();
    let mut recording = Recording::load("01-simple-success").of_thread(THREAD);
    recording.content.push_str(&"y".repeat(LONG_LINE));
    recording.write_into(&home.codex_home);

    let session = home.only_session();

    assert_eq!(session["last_turn"]["outcome"], "completed");
    assert_eq!(session["skipped_lines"], 0);
}

#[test]
fn a_binary_file_with_a_transcripts_name_hurts_nobody() {
    let home = Home::new();
    let good = home.add("01-simple-success");
    let folder = good.path_in(&home.codex_home).parent().unwrap().to_owned();
    let noise: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(folder.join(file_name(THREAD)), noise).unwrap();
    fs::write(
        folder.join(file_name(&THREAD.replace("01a1", "02a1"))),
        [0_u8; 4096],
    )
    .unwrap();
    fs::write(folder.join(file_name(&THREAD.replace("01a1", "03a1"))), []).unwrap();
    fs::write(folder.join("rollout-notes.jsonl"), "{}\n").unwrap();
    fs::create_dir(folder.join(file_name(&THREAD.replace("01a1", "04a1")))).unwrap();

    let listed = home.list();

    assert!(
        ids(&listed).contains(&good.session_id()),
        "{:?}",
        ids(&listed)
    );
    assert_eq!(list_faults(&listed), Vec::<String>::new());
}

#[test]
fn lines_that_cannot_be_read_are_counted() {
    let home = Home::new();
    let mut recording = Recording::load("01-simple-success").of_thread(THREAD);
    let (first, rest) = recording.content.split_once('\n').unwrap();
    recording.content = format!("{first}\n{{\"half\": \nnot json at all\n{rest}");
    recording.write_into(&home.codex_home);

    let session = home.only_session();

    assert_eq!(session["last_turn"]["outcome"], "completed");
    assert_eq!(session["skipped_lines"], 2);
}

#[test]
fn a_transcript_cut_in_the_middle_is_read_anew() {
    let home = Home::new();
    let recording = Recording::load("02-commands-and-edits").of_thread(THREAD);
    recording.write_into(&home.codex_home);
    let path = recording.path_in(&home.codex_home);
    let id = recording.session_id();
    let mut watch = home.front.watch();
    watch.wait_until(SOON, &id, "is read to its end", |session| {
        session["last_turn"]["outcome"] == "completed"
    });

    let half = recording.content.len() / 2;
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(half as u64)
        .unwrap();
    watch.wait_until(SOON, &id, "has lost its end", |session| {
        session["last_turn"].is_null()
    });
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(recording.content.get(half..).unwrap().as_bytes())
        .unwrap();
    let again = watch.wait_until(SOON, &id, "has its end again", |session| {
        session["last_turn"]["outcome"] == "completed"
    });

    assert_eq!(again["skipped_lines"], 0);
    assert_eq!(watch.notices(), Vec::<Value>::new());
    assert_eq!(stream_faults(watch.events()), Vec::<String>::new());
}

#[test]
fn a_home_that_vanishes_may_come_back() {
    let home = Home::new();
    let first = home.add("01-simple-success");
    let mut watch = home.front.watch();
    watch.wait_for_status(SOON, &first.session_id(), "done");
    let elsewhere = home.folder.path().join("elsewhere");

    fs::rename(&home.codex_home, &elsewhere).unwrap();
    watch.wait_for_heartbeat();
    fs::rename(&elsewhere, &home.codex_home).unwrap();
    let second = Recording::load("02-commands-and-edits");
    second.write_into(&home.codex_home);

    watch.wait_for_status(SOON, &second.session_id(), "done");
    assert_eq!(watch.notices(), Vec::<Value>::new());
    assert_eq!(stream_faults(watch.events()), Vec::<String>::new());
}

#[test]
fn a_home_that_is_not_there_yet_is_found_when_it_comes() {
    let home = Home::new();
    fs::remove_dir_all(&home.codex_home).unwrap();
    let mut watch = home.front.watch();

    let recording = home.add("01-simple-success");

    watch.wait_for_status(SOON, &recording.session_id(), "done");
}

#[test]
fn times_from_a_wrong_clock_are_no_evidence() {
    let home = Home::new();
    let mut future = Recording::load("01-simple-success").of_thread(THREAD);
    future.content = future.content.replace("2026-11-20T", "2099-11-20T");
    future.write_into(&home.codex_home);
    set_modified(
        &future.path_in(&home.codex_home),
        SystemTime::UNIX_EPOCH + Duration::from_secs(4_100_000_000),
    );
    let mut past = Recording::load("02-commands-and-edits");
    past.content = past.content.replace("2026-11-20T", "1999-11-20T");
    past.write_into(&home.codex_home);
    set_modified(&past.path_in(&home.codex_home), SystemTime::UNIX_EPOCH);
    let mut jumps = Recording::load("06-failed-turn-usage-limit");
    jumps.content = jumps.content.replacen("2026-11-20T", "2030-01-01T", 2);
    jumps.write_into(&home.codex_home);

    let sessions = home.front.sessions();

    for (id, how) in [
        (future.session_id(), "finished"),
        (jumps.session_id(), "failed"),
    ] {
        let session = sessions
            .get(&id)
            .unwrap_or_else(|| panic!("{id} is not listed"));
        assert_eq!(session["status"], "done", "{id}");
        assert_eq!(session["ended"]["how"], how, "{id}");
        assert_eq!(session["freshness"], "fresh", "{id}");
    }
}

#[test]
fn a_typing_error_in_the_settings_is_named_and_left_alone() {
    check_settings_error(&["list", "--json"]);
    check_settings_error(&["watch", "--json"]);
}

#[test]
fn the_doctor_names_a_typing_error_in_the_settings() {
    check_settings_error(&["doctor"]);
    check_settings_error(&["doctor", "--json"]);
}

#[test]
fn reading_commands_need_no_writable_state_folder() {
    let home = Home::new();
    let good = home.add("01-simple-success");

    let said = home.run_as_nobody(&["list", "--all", "--json"]);

    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    assert_eq!(
        ids(&serde_json::from_str(&said.stdout).unwrap()),
        [good.session_id()]
    );
    let left: Vec<_> = fs::read_dir(home.front.state())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["settings.toml"]);
}

#[test]
fn wrong_usage_and_unknown_sessions_have_exit_codes_of_their_own() {
    let home = Home::new();

    assert_eq!(home.front.run(&["lsit"]).exit, Exit::Code(2));
    assert_eq!(home.front.run(&["list", "--nope"]).exit, Exit::Code(2));
    assert_eq!(
        home.front.run(&["show", "codex:nobody"]).exit,
        Exit::Code(3)
    );
}

/// A command fails with the file, the line and the key, and changes nothing.
#[track_caller]
fn check_settings_error(command: &[&str]) {
    for (settings, line, key) in [
        (
            "[list]\nrecent_hours = 5\n\n[notifications]\nenabeld = true\n",
            5,
            "enabeld",
        ),
        ("[watch]\npoll_seconds = \"often\"\n", 2, "poll_seconds"),
        ("[codex]\nhomes = [\"relative/home\"]\n", 2, "relative/home"),
        ("[lst]\n", 1, "lst"),
        ("recent = \n", 1, "recent"),
    ] {
        let home = Home::new();
        home.front.write_settings(settings);

        let said = home.front.run(command);

        let words = format!("{}{}", said.stdout, said.stderr);
        let what = format!("{command:?} with {settings:?} says: {words}");
        assert_eq!(said.exit, Exit::Code(1), "{what}");
        assert!(
            words.contains(&text(&home.front.settings_file())),
            "no file: {what}"
        );
        assert!(words.contains(key), "no `{key}`: {what}");
        assert!(
            words.contains(&format!("line {line}")),
            "no line {line}: {what}"
        );
        let after = fs::read_to_string(home.front.settings_file()).unwrap();
        assert_eq!(after, settings, "changed by {command:?}");
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

/// An agent's home without an agent.
struct Home {
    folder: TempDir,
    codex_home: PathBuf,
    front: Front,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let codex_home = folder.path().join(".codex");
        fs::create_dir(&codex_home).unwrap();
        let env = BTreeMap::from([
            ("PATH".to_owned(), process::own_env("PATH").unwrap()),
            ("HOME".to_owned(), text(folder.path())),
            ("TZ".to_owned(), "UTC".to_owned()),
        ]);
        let front = Front::new(PROGRAM, env);
        // The recordings grow older than what is usually listed.
        front.write_settings("[list]\nrecent_hours = 65000\n");
        Self {
            folder,
            codex_home,
            front,
        }
    }

    fn add(&self, recording: &str) -> Recording {
        let recording = Recording::load(recording);
        recording.write_into(&self.codex_home);
        recording
    }

    /// Adds a folder that nobody may look into.
    fn close_a_folder(&self) -> PathBuf {
        let closed = self.codex_home.join("sessions/2026/11/19");
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        closed
    }

    #[track_caller]
    fn list(&self) -> Value {
        self.front.json(&["list", "--all", "--json"])
    }

    #[track_caller]
    fn only_session(&self) -> Value {
        let sessions = self.front.sessions();
        sessions
            .get(&format!("codex:{THREAD}"))
            .cloned()
            .unwrap_or_else(|| panic!("not listed: {sessions:#?}"))
    }

    /// Runs a command as a user whom permissions bind: the super-user may read everything.
    fn run_as_nobody(&self, args: &[&str]) -> process::Said {
        if !rustix::process::geteuid().is_root() {
            return self.front.run(args);
        }
        let program = self.folder.path().join("mission-control");
        fs::copy(PROGRAM, &program).unwrap();
        for folder in [self.folder.path(), self.front.state()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut all = vec!["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
        let program = text(&program);
        all.push(&program);
        all.extend(args);
        process::run(
            "setpriv".as_ref(),
            &all,
            self.front.env(),
            self.folder.path(),
        )
    }
}

fn ids(list: &Value) -> Vec<String> {
    let sessions = list.get("sessions").and_then(Value::as_array).unwrap();
    sessions
        .iter()
        .filter_map(|session| session.get("id")?.as_str().map(str::to_owned))
        .collect()
}

fn file_name(thread: &str) -> String {
    format!("rollout-2026-11-20T07-45-49-{thread}.jsonl")
}

fn set_modified(path: &Path, at: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(at)).unwrap();
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
