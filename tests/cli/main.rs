//! What a person reads on the command line, from the built program.
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod messages;

use std::collections::BTreeMap;

use mission_control_testkit::process::{Exit, Said};
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::watch::Front;
use tempfile::TempDir;

/// Ended sessions are listed however old the recordings have become.
const ALL_LISTED: &str = "[list]\nrecent_hours = 65000\n";

#[test]
fn nothing_runs_and_it_says_how_to_go_on() {
    let place = Place::empty();

    let said = place.run(&["list"]);

    assert_eq!(said.exit, Exit::Code(0));
    assert!(
        said.stdout.starts_with("No session is open. Start Codex"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("mission-control demo"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_list_names_state_title_place_agent_and_time() {
    let place = Place::with(&[
        "02-commands-and-edits",
        "05-failed-turn-http500",
        "12-subagent-v2",
    ]);

    let said = place.run(&["list", "--all"]);

    let lines: Vec<String> = said.stdout.lines().map(without_times).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_transcript_is_readable() {
    let place = Place::with(&["02-commands-and-edits"]);

    let said = place.run(&["show", "01a1f7ef-e543"]);

    let lines: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| !line.starts_with("  writer lock"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_unknown_session_is_not_found() {
    let place = Place::empty();

    let said = place.run(&["show", "nope"]);

    assert_eq!(said.exit, Exit::Code(3));
    assert!(said.stdout.is_empty(), "{}", said.stdout);
    assert_eq!(
        said.stderr,
        "mission-control: There is no session `nope`.\n`mission-control list --all` shows the sessions of this machine.\n"
    );
}

#[test]
fn a_beginning_that_several_sessions_share_is_told_apart() {
    let place = Place::with(&["02-commands-and-edits", "01-simple-success"]);

    let said = place.run(&["show", "01a1f7ef"]);

    assert_eq!(said.exit, Exit::Code(3));
    assert!(
        said.stderr
            .contains("More than one session begins with `01a1f7ef`."),
        "{}",
        said.stderr
    );
}

#[test]
fn a_session_that_is_not_listed_any_more_is_shown_by_its_whole_id() {
    let place = Place::with(&["02-commands-and-edits"]);
    place.front.write_settings("[list]\nrecent_hours = 1\n");
    let file = Recording::load("02-commands-and-edits").path_in(&place.codex_home());
    let old = std::time::SystemTime::UNIX_EPOCH;
    let times = std::fs::FileTimes::new().set_modified(old);
    std::fs::File::options()
        .append(true)
        .open(file)
        .unwrap()
        .set_times(times)
        .unwrap();

    assert!(!place.run(&["list", "--all"]).stdout.contains("Fix the add"));
    let said = place.run(&["show", "01a1f7ef-e543-7d53-9e20-e853c2e52bae"]);

    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    assert!(
        said.stdout.contains("Fix the add function"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_session_is_snoozed_and_muted_and_loud_again() {
    let place = Place::with(&["02-commands-and-edits"]);
    let id = "codex:01a1f7ef-e543-7d53-9e20-e853c2e52bae";
    let quiet = || {
        let said = place.run(&["show", id, "--json"]).stdout;
        serde_json::from_str::<serde_json::Value>(&said).unwrap()["quiet"].clone()
    };
    assert!(quiet().is_null());

    let said = place.run(&["mute", "01a1f7ef-e543"]);
    assert_eq!(said.stdout, format!("{id}: notifications are off.\n"));
    assert_eq!(quiet()["type"], "muted");
    let listed = place.run(&["list", "--all", "--json"]).stdout;
    assert!(!listed.contains("quiet"), "{listed}");
    let shown = place.run(&["show", id]).stdout;
    assert!(shown.contains("\n  notifications are off\n"), "{shown}");

    let said = place.run(&["snooze", id, "90m", "--json"]);
    let snoozed: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(snoozed["session_id"], id);
    assert_eq!(
        (snoozed["quiet"]["type"].as_str(), &snoozed["quiet"]),
        (Some("snoozed"), &quiet())
    );

    let said = place.run(&["snooze", id, "--off"]);
    assert_eq!(said.stdout, format!("{id}: notifications come again.\n"));
    assert!(quiet().is_null());
}

#[test]
fn what_is_no_length_of_time_is_a_wrong_call() {
    let place = Place::with(&["02-commands-and-edits"]);

    for words in [&["soon"][..], &["until", "noon"], &["1h", "--off"]] {
        let mut args = vec!["snooze", "01a1f7ef-e543"];
        args.extend(words);
        assert_eq!(place.run(&args).exit, Exit::Code(2), "{words:?}");
    }
    assert_eq!(place.run(&["mute", "nope"]).exit, Exit::Code(3));
}

#[test]
fn a_state_that_cannot_be_read_hides_no_transcript() {
    let place = Place::with(&["02-commands-and-edits"]);
    let database = place.front.state().join("mission-control.db");
    std::fs::write(database, "no database at all, ".repeat(100)).unwrap();

    let said = place.run(&["show", "01a1f7ef-e543"]);

    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    assert!(
        said.stdout.contains("! The state cannot be kept."),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("Fix the add function"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_wrong_call_is_told_with_code_2_and_help_with_code_0() {
    let place = Place::empty();

    assert_eq!(place.run(&["frobnicate"]).exit, Exit::Code(2));
    assert_eq!(place.run(&["--help"]).exit, Exit::Code(0));
    assert_eq!(
        place.run(&["--version"]).stdout,
        format!("mission-control {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn without_a_display_the_desktop_is_not_available() {
    let place = Place::empty();

    let said = place.run(&[]);

    assert_eq!(said.exit, Exit::Code(4));
    assert!(
        said.stderr.contains("mission-control watch"),
        "{}",
        said.stderr
    );
}

#[test]
fn control_bytes_of_a_transcript_never_reach_the_terminal() {
    let place = Place::empty();
    let recording = Recording::load("01-simple-success");
    let path = recording.path_in(&place.codex_home());
    recording.write_into(&place.codex_home());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace(
            "The project has",
            r"\u001b]0;owned\u0007\u001b[2JThe project has",
        ),
    )
    .unwrap();

    for args in [&["list", "--all"][..], &["show", &recording.session_id()]] {
        let said = place.run(args);

        assert!(said.stdout.contains("What is in"), "{}", said.stdout);
        assert!(
            !said.stdout.contains('\u{1b}') && !said.stdout.contains("owned"),
            "{}",
            said.stdout
        );
    }
}

// Test support.

struct Place {
    folder: TempDir,
    front: Front,
}

impl Place {
    fn empty() -> Self {
        Self::with(&[])
    }

    fn with(recordings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let env = BTreeMap::from([
            ("HOME".to_owned(), path("home")),
            ("CODEX_HOME".to_owned(), path("codex")),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("NO_COLOR".to_owned(), "1".to_owned()),
        ]);
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), env);
        front.write_settings(ALL_LISTED);
        let place = Self { folder, front };
        for name in recordings {
            Recording::load(name).write_into(&place.codex_home());
        }
        place
    }

    fn codex_home(&self) -> std::path::PathBuf {
        self.folder.path().join("codex")
    }

    fn run(&self, args: &[&str]) -> Said {
        self.front.run(args)
    }
}

/// Replaces how long ago something was, which the clock decides.
fn without_times(line: &str) -> String {
    let Some((before, after)) = line.split_once(" ago") else {
        return line.to_owned();
    };
    let words: Vec<&str> = before.split(' ').collect();
    // A number without a unit is the column before it.
    let is_time = |word: &&&str| {
        let number = word.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
        number.len() < word.len() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let n_time = words.iter().rev().take_while(is_time).count();
    let kept = words.get(..words.len() - n_time).unwrap_or_default();
    format!("{} … ago{after}", kept.join(" ").trim_end())
}
