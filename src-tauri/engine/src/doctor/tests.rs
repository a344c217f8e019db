//! The report over real folders and a scripted agent.

use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::health::{EvidenceHealth, Supply, Tally};
use mission_control_core::session::EvidenceSource;
use mission_control_core::source::Source;

use super::*;
use crate::places::Home;
use crate::testing::{Recording, append, temp_folder};

struct World {
    _guard: tempfile::TempDir,
    folder: Utf8PathBuf,
    places: Places,
}

impl World {
    fn new() -> Self {
        let (guard, folder) = temp_folder();
        let places = Places {
            state: folder.join("state"),
            settings_file: folder.join("settings.toml"),
            homes: vec![Home {
                source: Source::Codex,
                path: folder.join("home"),
            }],
        };
        Self {
            _guard: guard,
            folder,
            places,
        }
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn report(&self) -> HealthReport {
        let environment = Environment {
            program_folders: vec![self.folder.clone()],
            ..Environment::default()
        };
        examine(&self.places, &environment, Vec::new())
    }

    fn examine(&self) -> Vec<(String, CheckState, String)> {
        let report = self.report();
        let short = |text: &str, folder: &Utf8Path| text.replace(folder.as_str(), "");
        report
            .checks
            .into_iter()
            .map(|check| {
                (
                    short(&check.id, &self.folder),
                    check.state,
                    short(&check.says, &self.folder),
                )
            })
            .collect()
    }

    #[track_caller]
    fn assert_says(&self, id: &str, state: CheckState, says: &str) {
        let checks = self.examine();
        let found = checks.iter().find(|(found, ..)| found == id);
        assert_eq!(found, Some(&(id.to_owned(), state, says.to_owned())));
    }
}

#[test]
fn on_an_empty_machine_things_are_absent_and_nothing_is_a_problem() {
    let world = World::new();

    let states: Vec<_> = world
        .examine()
        .into_iter()
        .map(|(id, state, _)| (id, state))
        // Whether this machine ends tasks at logout is the machine's business.
        .filter(|(id, _)| id != "lingering")
        .collect();

    let expected = [
        ("version", CheckState::Ok),
        ("state", CheckState::Absent),
        ("settings", CheckState::Absent),
        ("home:/home", CheckState::Absent),
        ("process:codex", CheckState::Ok),
        ("process:claude_code", CheckState::Ok),
        ("codex", CheckState::Absent),
        ("claude_code", CheckState::Absent),
        ("locks", CheckState::Ok),
        ("watching", CheckState::Ok),
        ("display", CheckState::Absent),
        ("session_bus", CheckState::Absent),
        ("hooks", CheckState::Absent),
    ];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
    assert!(!world.places.state.exists());
}

#[test]
fn a_home_says_what_it_holds_and_what_could_not_be_used() {
    let world = World::new();
    let day = world.folder.join("home/sessions/2026/11/20");
    std::fs::create_dir_all(&day).unwrap();
    let recording = Recording::of("01-simple-success");
    append(&day.join(&recording.name), &recording.text);
    let held =
        "`/home` holds 1 recent session (1 done), the latest line from 2026-11-20T07:50:56Z.";
    world.assert_says("home:/home", CheckState::Ok, held);

    append(&day.join("rollout-x.jsonl"), "");

    let says = format!("{held} 1 file or folder could not be used.");
    world.assert_says("home:/home", CheckState::Warning, &says);
}

#[test]
fn each_source_of_evidence_says_how_it_stands() {
    let world = World::new();
    let home = world.folder.join("home");
    std::fs::create_dir_all(home.join("sessions/2026/11/20")).unwrap();
    let recording = Recording::of("01-simple-success");
    let newer = "{\"type\":\"event_msg\",\"payload\":{\"type\":\"sung\"}}\n";
    let text = format!("{}{newer}{newer}{{\"type\":\"song\"}}\n", recording.text);
    append(
        &home.join("sessions/2026/11/20").join(&recording.name),
        &text,
    );

    let report = world.report();
    let evidence: Vec<(&str, &EvidenceHealth)> = report
        .checks
        .iter()
        .filter_map(|check| Some((check.says.as_str(), check.evidence.as_ref()?)))
        .collect();

    let stands: Vec<(EvidenceSource, Supply)> = evidence
        .iter()
        .filter(|(_, evidence)| evidence.home.as_deref() == Some(home.as_str()))
        .map(|(_, evidence)| (evidence.from, evidence.supply))
        .collect();
    let expected = [
        (EvidenceSource::Transcript, Supply::Fresh),
        (EvidenceSource::WriterLock, Supply::Unavailable),
        (EvidenceSource::LiveProtocol, Supply::Unavailable),
    ];
    assert_eq!(stands, expected);
    let (says, transcripts) = evidence[0];
    let tally = |name: &str, count: u32| Tally {
        name: name.to_owned(),
        count,
    };
    assert_eq!(
        transcripts.unknown_kinds,
        [tally("event_msg/sung", 2), tally("song", 1)]
    );
    assert_eq!(transcripts.versions, [tally("0.169.0", 1)]);
    assert!(transcripts.latest_at.is_some());
    let sentence = "Written by `0.169.0` (1). 3 lines were read that nobody here knows: \
                    `event_msg/sung` (2), `song` (1).";
    assert!(says.ends_with(sentence), "{says}");
}

#[test]
fn the_agent_is_asked_about_itself() {
    let world = World::new();
    world.program(
        "codex",
        "case \"$*\" in --version) echo codex-cli 0.169.0;; 'login status') echo Not logged in >&2; exit 1;; esac",
    );
    world.assert_says("codex", CheckState::Ok, "`/codex` is codex-cli 0.169.0.");
    world.assert_says("codex_login", CheckState::Warning, "Not logged in.");

    world.program(
        "codex",
        "case \"$*\" in --version) exit 7;; *) echo Logged in using ChatGPT;; esac",
    );
    world.assert_says(
        "codex",
        CheckState::Problem,
        "`/codex --version` ended with code 7.",
    );
    world.assert_says("codex_login", CheckState::Ok, "Logged in using ChatGPT.");
}

#[test]
fn every_installed_agent_is_asked_for_its_version() {
    let world = World::new();
    world.program("claude", "echo '2.1.328 (Claude Code)'");
    world.assert_says(
        "claude_code",
        CheckState::Ok,
        "`/claude` is 2.1.328 (Claude Code).",
    );

    world.program("claude", "exit 7");
    world.assert_says(
        "claude_code",
        CheckState::Problem,
        "`/claude --version` ended with code 7.",
    );
}

#[test]
fn damaged_state_and_settings_are_problems() {
    let world = World::new();
    std::fs::create_dir(&world.places.state).unwrap();
    std::fs::write(
        world.places.state.join("mission-control.db"),
        "junk".repeat(500),
    )
    .unwrap();
    std::fs::write(&world.places.settings_file, "[watch]\npoll_second = 3\n").unwrap();

    world.assert_says(
        "state",
        CheckState::Problem,
        "Mission Control could not read `/state/mission-control.db`, which is damaged.",
    );
    world.assert_says(
        "settings",
        CheckState::Problem,
        "Mission Control could not understand line 2 of the settings file `/settings.toml`: \
         `poll_second` is not known; perhaps `poll_seconds` is meant.",
    );
}

#[test]
fn hooks_are_looked_at_where_there_are_any() {
    let (_guard, state) = crate::testing::temp_folder();
    let places = Places {
        settings_file: state.join("settings.toml"),
        state: state.clone(),
        homes: Vec::new(),
    };
    assert_eq!(hooked(&places).state, CheckState::Absent);

    std::fs::create_dir_all(hooks::folder(&state)).unwrap();
    assert_eq!(hooked(&places).state, CheckState::Ok);
    assert!(hooked(&places).says.contains("No tray runs"));

    hooks::note_trouble(&state, "The disk is full.");
    let warned = hooked(&places);
    assert_eq!(warned.state, CheckState::Warning);
    assert!(
        warned.says.ends_with("The disk is full."),
        "{}",
        warned.says
    );
}
