//! Putting hooks into settings and taking them out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

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

    /// Runs `hooks` with a command, which may fail, and returns the reports about Codex and Claude
    /// Code.
    #[track_caller]
    fn reports(&self, command: &str, exit: i32) -> [Value; 2] {
        let program = env!("CARGO_BIN_EXE_mission-control").as_ref();
        let words = ["hooks", command, "--json"];
        let said = process::run(program, &words, self.front.env(), self.folder.path());
        assert_eq!(said.exit, Exit::Code(exit), "{said:?}");
        let said: Value = serde_json::from_str(&said.stdout).unwrap();
        let [codex, claude] = said["hooks"].as_array().unwrap().as_slice() else {
            panic!("there are two homes: {said}");
        };
        [codex.clone(), claude.clone()]
    }

    /// Runs `hooks` with a command and returns what a person reads.
    #[track_caller]
    fn told(&self, command: &str) -> String {
        let said = self.front.run(&["hooks", command]);
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        said.stdout
    }

    fn memory(&self) -> PathBuf {
        self.front.state().join("hooks/installed.json")
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
fn comments_and_layout_that_a_person_changed_meanwhile_stay() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), CLAUDE).unwrap();
    fs::write(homes.codex(), CODEX).unwrap();
    homes.states("install");
    let claude = fs::read_to_string(homes.claude()).unwrap();
    fs::write(
        homes.claude(),
        claude.replace("\"model\": ", "\"model\":  "),
    )
    .unwrap();
    let codex = fs::read_to_string(homes.codex()).unwrap();
    fs::write(homes.codex(), format!("# top\n{codex}\n# end\n")).unwrap();

    let reports = homes.reports("remove", 0);

    assert_eq!(
        reports.map(|report| report["done"].clone()),
        ["taken_out", "taken_out"]
    );
    let claude = fs::read_to_string(homes.claude()).unwrap();
    assert_eq!(claude, CLAUDE.replace("\"model\": ", "\"model\":  "));
    let codex = fs::read_to_string(homes.codex()).unwrap();
    assert_eq!(codex, format!("# top\n{CODEX}\n# end\n"));
}

#[test]
fn what_was_done_is_said_and_no_more() {
    let homes = Homes::with_both();
    fs::write(homes.codex(), CODEX).unwrap();
    homes.states("install");
    let restored = homes.told("remove");
    homes.states("install");
    let text = fs::read_to_string(homes.codex()).unwrap();
    fs::write(homes.codex(), text + "# end\n").unwrap();
    let taken_out = homes.told("remove");

    let as_it_was = "Removed. The file is as it was.";
    assert!(restored.contains(as_it_was), "{restored}");
    assert!(restored.contains("Removed, with the file"), "{restored}");
    assert!(taken_out.contains("  Removed.\n"), "{taken_out}");
    assert!(!taken_out.contains(as_it_was), "{taken_out}");
    assert!(
        !homes.told("remove").contains("Removed"),
        "nothing is there"
    );
}

#[test]
fn one_file_that_cannot_be_read_keeps_no_other_from_its_hook() {
    let homes = Homes::with_both();
    let damaged = b"model = \"\xff\"\n";
    fs::write(homes.codex(), damaged).unwrap();

    let installed = homes.reports("install", 1);
    let looked_at = homes.reports("status", 0);
    let removed = homes.reports("remove", 1);

    let states = |reports: &[Value; 2]| reports.clone().map(|report| report["state"].clone());
    assert_eq!(states(&installed), ["unreadable", "installed"]);
    assert_eq!(states(&looked_at), ["unreadable", "installed"]);
    assert_eq!(states(&removed), ["unreadable", "absent"]);
    assert!(
        text(&looked_at[0]["says"]).contains("UTF-8"),
        "{looked_at:?}"
    );
    assert!(
        text(&installed[0]["problem"]).contains("UTF-8"),
        "{installed:?}"
    );
    assert_eq!(installed[1]["problem"], Value::Null);
    assert_eq!(fs::read(homes.codex()).unwrap(), damaged);
}

#[test]
fn each_home_has_a_copy_of_its_own() {
    let homes = Homes::with_both();
    let second = homes.folder.path().join("second");
    fs::create_dir(&second).unwrap();
    homes
        .front
        .write_settings(&format!("[codex]\nhomes = [{second:?}]\n"));
    let second = second.join("config.toml");
    fs::write(homes.codex(), "a = 1").unwrap();
    fs::write(&second, "b = 2").unwrap();

    let said = homes
        .front
        .json(&["hooks", "install", "--client", "codex", "--json"]);
    let _removed = homes.told("remove");

    let copies = [0, 1].map(|at| fs::read_to_string(text(&said["hooks"][at]["backup"])).unwrap());
    assert_eq!(copies, ["a = 1", "b = 2"]);
    assert_eq!(fs::read_to_string(homes.codex()).unwrap(), "a = 1");
    assert_eq!(fs::read_to_string(second).unwrap(), "b = 2");
}

#[test]
fn a_program_whose_hook_would_not_be_found_again_adds_none() {
    let program = Path::new(env!("CARGO_BIN_EXE_mission-control"));
    let folder = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
    let odd: &OsStr = OsStrExt::from_bytes(b"odd\xff");
    for (within, name) in [
        (OsStr::new("a"), "watcher"),
        (OsStr::new("a ] && b"), "mission-control"),
        (odd, "mission-control"),
    ] {
        let homes = Homes::with_both();
        fs::write(homes.codex(), CODEX).unwrap();
        fs::create_dir_all(folder.path().join(within)).unwrap();
        let copy = folder.path().join(within).join(name);
        fs::hard_link(program, &copy).unwrap();

        for _ in 0..2 {
            let said = process::run(
                copy.as_os_str(),
                &["hooks", "install"],
                homes.front.env(),
                homes.folder.path(),
            );

            assert_eq!(said.exit, Exit::Code(1), "{said:?}");
            assert!(said.stderr.contains("none was added"), "{said:?}");
        }
        assert_eq!(fs::read_to_string(homes.codex()).unwrap(), CODEX);
        assert!(!homes.claude().exists());
    }
}

#[test]
fn hooks_are_taken_out_after_the_state_was_thrown_away() {
    for thrown_away in ["", "hooks"] {
        let homes = Homes::with_both();
        fs::write(homes.claude(), CLAUDE).unwrap();
        fs::write(homes.codex(), "model = \"m\"").unwrap();
        homes.states("install");
        let thrown_away = homes.front.state().join(thrown_away);
        fs::remove_dir_all(&thrown_away).unwrap();

        let reports = homes.reports("remove", 0);

        assert_eq!(
            reports.map(|report| report["done"].clone()),
            ["taken_out", "taken_out"]
        );
        assert_eq!(fs::read_to_string(homes.claude()).unwrap(), CLAUDE);
        assert_eq!(
            fs::read_to_string(homes.codex()).unwrap(),
            "model = \"m\"\n"
        );
        assert!(!thrown_away.exists(), "it stays away");
        fs::create_dir_all(homes.front.state()).unwrap();
    }
}

#[test]
fn a_memory_that_cannot_be_kept_is_a_remark() {
    let homes = Homes::with_both();
    fs::write(homes.codex(), CODEX).unwrap();
    fs::create_dir_all(homes.memory()).unwrap();

    let installed = homes.reports("install", 0);
    let removed = homes.reports("remove", 0);

    assert_eq!(installed[0]["state"], "installed");
    assert!(
        text(&installed[0]["remark"]).contains("installed.json"),
        "{installed:?}"
    );
    assert!(
        text(&removed[0]["remark"]).contains("installed.json"),
        "{removed:?}"
    );
    assert_eq!(fs::read_to_string(homes.codex()).unwrap(), CODEX);
}

#[test]
fn a_memory_that_is_damaged_is_put_aside_and_said() {
    let homes = Homes::with_both();
    fs::write(homes.codex(), "a = 1").unwrap();
    homes.states("install");
    let memory = fs::read_to_string(homes.memory()).unwrap();
    let torn = memory.get(..memory.len() / 2).unwrap();
    fs::write(homes.memory(), torn).unwrap();

    let removed = homes.reports("remove", 0);
    let _installed = homes.reports("install", 0);

    assert!(
        text(&removed[0]["remark"]).contains("installed.json"),
        "{removed:?}"
    );
    let aside = homes.memory().with_extension("unreadable");
    assert_eq!(fs::read_to_string(aside).unwrap(), torn);
    assert_eq!(homes.reports("remove", 0)[0]["done"], "restored");
}

#[test]
fn entries_are_never_left_or_added_twice() {
    let homes = Homes::with_both();
    homes.states("install");
    let elsewhere = |text: &str| text.replace("--state ", "--state /elsewhere");
    let codex = fs::read_to_string(homes.codex()).unwrap();
    fs::write(
        homes.codex(),
        format!("{}\n{codex}\n{codex}", elsewhere(&codex)),
    )
    .unwrap();
    let mut claude: Value = serde_json::from_slice(&fs::read(homes.claude()).unwrap()).unwrap();
    let groups = claude["hooks"]["PermissionRequest"].as_array_mut().unwrap();
    let other = serde_json::from_str(&elsewhere(&groups[0].to_string())).unwrap();
    groups.insert(0, other);
    fs::write(homes.claude(), claude.to_string()).unwrap();
    let n_entries = || {
        [homes.codex(), homes.claude()].map(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.matches("|| true").count()
        })
    };
    assert_eq!(n_entries(), [3, 2]);

    assert_eq!(homes.states("status"), ["different", "different"]);
    assert_eq!(homes.states("install"), ["installed", "installed"]);
    let installed = n_entries();
    assert_eq!(homes.states("remove"), ["absent", "absent"]);

    assert_eq!(installed, [1, 1]);
    assert_eq!(n_entries(), [0, 0]);
}

#[test]
fn what_is_kept_is_for_its_owner_only_and_holds_no_settings() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), "{ \"env\": { \"KEY\": \"secret\" } }").unwrap();
    fs::remove_dir(homes.front.state()).unwrap();
    homes.reports("install", 0);

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(homes.front.state()), 0o700);
    for folder in ["hooks", "backups"] {
        let folder = homes.front.state().join(folder);
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        let files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!files.is_empty(), "{}", folder.display());
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
    let memory = fs::read_to_string(homes.memory()).unwrap();
    assert!(!memory.contains("secret"), "{memory}");
}

#[test]
fn hooks_that_claude_code_does_not_run_are_said() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), "{ \"disableAllHooks\": true }").unwrap();

    let [_, claude] = homes.reports("install", 0);
    let said = homes.front.run(&["hooks", "status", "--client", "claude"]);

    assert_eq!(claude["state"], "disabled");
    assert!(said.stdout.contains("`disableAllHooks` is set"), "{said:?}");
    assert!(!said.stdout.contains("Codex"), "{said:?}");
}

#[test]
fn trust_of_others_stays_theirs_also_where_the_home_is_a_link() {
    let mut homes = Homes::with_both();
    let link = homes.folder.path().join("link");
    symlink(homes.folder.path().join("codex"), &link).unwrap();
    homes.front.set_env("CODEX_HOME", link.to_str().unwrap());
    fs::write(homes.codex(), CODEX).unwrap();
    homes.states("install");
    let real = homes.codex().canonicalize().unwrap();
    let note = |file: &str, place: &str| {
        format!(
            "\n[hooks.state.\"{file}:permission_request:{place}\"]\ntrusted_hash = \"sha256:00\"\n"
        )
    };
    let real = real.to_str().unwrap();
    let others = note(&format!("/work{real}"), "1:0") + &note(real, "0:0");
    let behind = CODEX.split_once("\n\n").unwrap().1;
    let text = fs::read_to_string(homes.codex()).unwrap();
    let (own, moves) = (note(real, "1:0"), note(real, "2:0"));
    fs::write(
        homes.codex(),
        format!("{text}\n{behind}\n[hooks.state]\n{others}{own}{moves}\n\n"),
    )
    .unwrap();

    homes.reports("remove", 0);

    let moved = note(real, "1:0");
    assert_eq!(
        fs::read_to_string(homes.codex()).unwrap(),
        format!("{CODEX}\n{behind}\n[hooks.state]\n{others}{moved}\n\n")
    );
}

#[test]
fn settings_that_cannot_be_read_are_left_alone() {
    let homes = Homes::with_both();
    fs::write(homes.claude(), "{ \"model\": ").unwrap();

    let said = homes.front.run(&["hooks", "install", "--client", "claude"]);

    assert_eq!(said.exit, Exit::Code(1));
    assert!(said.stdout.contains("It was left as it is."), "{said:?}");
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
