//! Putting hooks into settings and taking them out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::watch::Front;
use serde_json::Value;
use tempfile::TempDir;

use super::text;

/// Homes of both agents, without the agents.
struct Homes {
    folder: TempDir,
    front: Front,
}

impl Homes {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let env = BTreeMap::from(
            [
                ("HOME", path("")),
                ("CODEX_HOME", path("codex")),
                ("CLAUDE_CONFIG_DIR", path("claude")),
                ("PATH", "/usr/bin:/bin".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), env);
        Self { folder, front }
    }

    fn with_both() -> Self {
        let homes = Self::new();
        for name in ["codex", "claude"] {
            fs::create_dir(homes.folder.path().join(name)).unwrap();
        }
        homes
    }

    fn claude(&self) -> PathBuf {
        self.folder.path().join("claude/settings.json")
    }

    fn codex(&self) -> PathBuf {
        self.folder.path().join("codex/config.toml")
    }

    /// Returns the states of Codex and Claude Code.
    #[track_caller]
    fn states(&self, command: &str) -> [String; 2] {
        let said = self.front.json(&["hooks", command, "--json"]);
        let state = |source: &str| {
            let all = said["hooks"].as_array().unwrap();
            let one = all.iter().find(|one| one["source"] == source).unwrap();
            text(&one["state"]).to_owned()
        };
        [state("codex"), state("claude_code")]
    }
}

const CLAUDE: &str = "{\n    \"model\": \"opus\",\n    \"hooks\": {\n        \"PermissionRequest\": [\n            { \"hooks\": [ { \"type\": \"command\", \"command\": \"mine\" } ] }\n        ]\n    }\n}\n";
const CODEX: &str = "# mine\nmodel = \"m\"\n\n[[hooks.PermissionRequest]]\n[[hooks.PermissionRequest.hooks]]\ntype = \"command\"\ncommand = \"mine\"\n";

#[test]
fn files_come_back_byte_for_byte() {
    for (claude, codex) in [
        (CLAUDE, CODEX),
        ("{}", "model = \"m\""),
        ("{ \"hooks\" : { } }\n", ""),
    ] {
        let homes = Homes::with_both();
        fs::write(homes.claude(), claude).unwrap();
        fs::write(homes.codex(), codex).unwrap();
        fs::set_permissions(homes.codex(), fs::Permissions::from_mode(0o600)).unwrap();

        assert_eq!(homes.states("status"), ["absent", "absent"]);
        assert_eq!(homes.states("install"), ["installed", "installed"]);
        let installed = (
            fs::read(homes.claude()).unwrap(),
            fs::read(homes.codex()).unwrap(),
        );
        assert_eq!(homes.states("install"), ["installed", "installed"], "again");
        let again = (
            fs::read(homes.claude()).unwrap(),
            fs::read(homes.codex()).unwrap(),
        );
        assert_eq!(installed, again);
        assert_eq!(homes.states("remove"), ["absent", "absent"]);

        assert_eq!(fs::read_to_string(homes.claude()).unwrap(), claude);
        assert_eq!(fs::read_to_string(homes.codex()).unwrap(), codex);
        let mode = fs::metadata(homes.codex()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let backups = fs::read_dir(homes.front.state().join("backups")).unwrap();
        assert!(backups.count() >= 2);
    }
}

#[test]
fn ours_stands_behind_what_was_there() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), CLAUDE).unwrap();
    fs::write(homes.codex(), CODEX).unwrap();

    homes.states("install");

    let claude: Value = serde_json::from_slice(&fs::read(homes.claude()).unwrap()).unwrap();
    let groups = claude["hooks"]["PermissionRequest"].as_array().unwrap();
    assert_eq!(groups[0]["hooks"][0]["command"], "mine");
    assert!(text(&groups[1]["hooks"][0]["command"]).contains(" hook claude_code --state "));
    let codex = fs::read_to_string(homes.codex()).unwrap();
    assert!(codex.starts_with(CODEX), "{codex}");
}

#[test]
fn files_that_were_not_there_are_gone_again() {
    let homes = Homes::with_both();

    homes.states("install");
    assert!(homes.claude().exists() && homes.codex().exists());
    homes.states("remove");

    assert!(!homes.claude().exists() && !homes.codex().exists());
}

#[test]
fn what_a_person_changed_meanwhile_stays() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), CLAUDE).unwrap();
    fs::write(homes.codex(), CODEX).unwrap();
    homes.states("install");
    let changed = fs::read_to_string(homes.claude())
        .unwrap()
        .replace("opus", "sonnet");
    fs::write(homes.claude(), changed).unwrap();
    let changed = fs::read_to_string(homes.codex()).unwrap() + "\n[tui]\ntheme = \"a\"\n";
    fs::write(homes.codex(), changed).unwrap();

    homes.states("remove");

    let claude = fs::read_to_string(homes.claude()).unwrap();
    assert_eq!(claude, CLAUDE.replace("opus", "sonnet"));
    let codex = fs::read_to_string(homes.codex()).unwrap();
    assert_eq!(codex, format!("{CODEX}\n[tui]\ntheme = \"a\"\n"));
}

#[test]
fn settings_that_cannot_be_read_are_left_alone() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), "{ \"model\": ").unwrap();

    let said = homes.front.run(&["hooks", "install", "--client", "claude"]);

    assert_eq!(said.exit, Exit::Code(1));
    assert!(
        said.stderr.contains("Nothing was changed"),
        "{}",
        said.stderr
    );
    assert_eq!(fs::read_to_string(homes.claude()).unwrap(), "{ \"model\": ");
    assert_eq!(homes.states("status")[1], "unreadable");
}

#[test]
fn a_home_that_is_not_there_is_said() {
    let homes = Homes::new();

    let said = homes.front.run(&["hooks", "install", "--client", "codex"]);

    assert_eq!(said.exit, Exit::Code(4));
    assert!(
        said.stderr.contains("Start the agent once"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_hook_of_another_place_is_seen_and_corrected() {
    let homes = Homes::with_both();
    homes.states("install");
    for file in [homes.claude(), homes.codex()] {
        let moved = fs::read_to_string(&file).unwrap();
        let moved = moved.replace("/mission-control ", "/elsewhere/mission-control ");
        fs::write(file, moved).unwrap();
    }

    assert_eq!(homes.states("status"), ["different", "different"]);
    assert_eq!(homes.states("install"), ["installed", "installed"]);
    assert_eq!(homes.states("remove"), ["absent", "absent"]);
}

#[test]
fn a_call_says_nothing_and_succeeds_whatever_it_is_given() {
    let homes = Homes::with_both();
    homes.states("install");
    let program = env!("CARGO_BIN_EXE_mission-control");
    let state = homes.front.state().to_str().unwrap();
    for payload in [
        "",
        "no json",
        "{}",
        r#"{"hook_event_name":"PermissionRequest","session_id":"a","tool_name":"Bash","transcript_path":"/nowhere"}"#,
    ] {
        for agent in ["codex", "claude_code"] {
            for state in [state, "/nowhere/at/all"] {
                let script =
                    format!("printf '%s' '{payload}' | {program} hook {agent} --state {state}");
                let said = process::run(
                    "/bin/sh".as_ref(),
                    &["-c", &script],
                    homes.front.env(),
                    homes.folder.path(),
                );

                assert_eq!(said.exit, Exit::Code(0), "{payload}");
                assert_eq!(
                    (said.stdout.as_str(), said.stderr.as_str()),
                    ("", ""),
                    "{payload}"
                );
            }
        }
    }
}

#[test]
fn a_call_of_another_version_says_nothing_and_succeeds() {
    let homes = Homes::with_both();
    let program = env!("CARGO_BIN_EXE_mission-control");
    for words in [
        "",
        "codex",
        "gemini --state /s",
        "codex --state /s --event PermissionRequest",
        "--help",
        "$(printf '\\377') --state /s",
    ] {
        let script = format!("head -c 1000000 /dev/zero | {program} hook {words}");
        let said = process::run(
            "/bin/sh".as_ref(),
            &["-c", &script],
            homes.front.env(),
            homes.folder.path(),
        );

        assert_eq!(said.exit, Exit::Code(0), "{words}");
        assert_eq!(
            (said.stdout.as_str(), said.stderr.as_str()),
            ("", ""),
            "{words}"
        );
    }
}

#[test]
fn an_installed_command_is_silent_when_the_program_is_gone() {
    let homes = Homes::with_both();
    homes.states("install");
    let settings: Value = serde_json::from_slice(&fs::read(homes.claude()).unwrap()).unwrap();
    let command = text(&settings["hooks"]["PermissionRequest"][0]["hooks"][0]["command"]);
    let gone = command.replace(
        env!("CARGO_BIN_EXE_mission-control"),
        "/nowhere/mission-control",
    );
    assert_ne!(command, gone);

    let said = process::run(
        "/bin/sh".as_ref(),
        &["-c", &gone],
        homes.front.env(),
        homes.folder.path(),
    );

    assert_eq!(said.exit, Exit::Code(0));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
}
