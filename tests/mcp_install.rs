//! `mission-control mcp`: the agents' real commands are told about the server, and Claude Code's
//! settings about the status line.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mission_control_testkit::process::{self, Exit, Output, Process, Said, Start, StopSignal};
use mission_control_testkit::task::TaskStage;
use mission_control_testkit::wait::{SOON, wait_for};
use mission_control_testkit::watch::Front;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

/// A home with the agents on the search path.
struct Machine {
    front: Front,
    home: TempDir,
}

impl Machine {
    fn new(agents: &[PathBuf]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = process::own_env("PATH").unwrap();
        let mut folders: Vec<PathBuf> = agents.to_vec();
        folders.extend(std::env::split_paths(&path));
        let path = std::env::join_paths(folders)
            .unwrap()
            .into_string()
            .unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let env = [
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), text(home.path())),
            ("CODEX_HOME".to_owned(), text(&home.path().join(".codex"))),
        ];
        fs::create_dir(home.path().join(".codex")).unwrap();
        Self {
            front: Front::new(PROGRAM, env.into()),
            home,
        }
    }

    fn config(&self) -> PathBuf {
        self.home.path().join(".codex/config.toml")
    }

    /// Runs `mcp` with words and returns the report about the only agent.
    #[track_caller]
    fn mcp(&self, words: &[&str]) -> Value {
        let said = self.said(words);
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        document["clients"][0].clone()
    }

    fn said(&self, words: &[&str]) -> Said {
        let mut all = vec!["mcp"];
        all.extend(words);
        all.extend(["--json", "--client", "codex"]);
        self.front.run(&all)
    }
}

fn codex() -> PathBuf {
    let program = mission_control_testkit::codex::program_path();
    program.parent().unwrap().to_owned()
}

#[test]
fn codex_is_told_once_and_forgets_again() {
    let machine = Machine::new(&[codex()]);
    fs::write(machine.config(), "model = \"x\" # mine\n").unwrap();

    let before = machine.mcp(&["status"]);
    let installed = machine.mcp(&["install"]);
    let text = fs::read_to_string(machine.config()).unwrap();
    let again = machine.mcp(&["install"]);
    let status = machine.mcp(&["status"]);
    let removed = machine.mcp(&["remove"]);
    let after = fs::read_to_string(machine.config()).unwrap();

    assert_eq!(before["state"], "absent");
    assert_eq!(
        (&installed["state"], &installed["changed"]),
        (&"installed".into(), &true.into())
    );
    let backup = installed["backup"].as_str().unwrap();
    assert_eq!(
        fs::read_to_string(backup).unwrap(),
        "model = \"x\" # mine\n"
    );
    assert!(
        text.contains(PROGRAM) && text.contains("MISSION_CONTROL_HOME"),
        "{text}"
    );
    assert_eq!(
        (&again["changed"], &again["backup"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(status["entry"]["args"][0], "--mcp");
    assert_eq!(
        (&removed["state"], &removed["changed"]),
        (&"absent".into(), &true.into())
    );
    assert!(
        after.contains("# mine") && !after.contains("mission-control"),
        "{after}"
    );
}

#[test]
fn an_entry_that_starts_something_else_is_told_and_corrected() {
    let machine = Machine::new(&[codex()]);
    let old =
        "[mcp_servers.mission-control]\ncommand = \"/old/mission-control\"\nargs = [\"--mcp\"]\n";
    fs::write(machine.config(), old).unwrap();

    let before = machine.mcp(&["status"]);
    let corrected = machine.mcp(&["install"]);

    assert_eq!(before["state"], "different");
    assert_eq!(before["entry"]["command"], "/old/mission-control");
    assert_eq!(corrected["entry"]["command"], PROGRAM);
    let backup = corrected["backup"].as_str().unwrap();
    assert_eq!(fs::read_to_string(backup).unwrap(), old);
}

#[test]
fn an_agent_that_is_not_there_is_said_so() {
    let machine = Machine::new(&[]);
    let mut machine = machine;
    let nowhere = machine.home.path().to_str().unwrap().to_owned();
    machine.front.set_env("PATH", &nowhere);

    let said = machine.said(&["install"]);

    assert_eq!(said.exit, Exit::Code(4), "{said:?}");
    assert!(
        said.stderr.contains("Codex is not installed"),
        "{}",
        said.stderr
    );
}

#[test]
fn codex_has_no_status_line() {
    let machine = Machine::new(&[codex()]);

    for verb in ["install", "remove", "status"] {
        let said = machine.said(&[verb, "--statusline"]);

        assert_eq!(said.exit, Exit::Code(4), "{said:?}");
        assert!(said.stderr.contains("no status line"), "{}", said.stderr);
    }
    assert!(!machine.config().exists());
}

/// Speaks of servers as Claude Code does.
const CLAUDE: &str = r#"#!/bin/sh
case "$4" in project) file=.mcp.json ;; *) file=${CLAUDE_CONFIG_DIR:-$HOME}/.claude.json ;; esac
servers=$(printf '{"mcpServers":{"%s":{"command":"%s","args":["%s"]}}}' "$5" "$7" "$8")
case "$4" in local) servers=$(printf '{"projects":{"%s":%s}}' "$PWD" "$servers") ;; esac
case "$2" in
    add) echo "$servers" >"$file" ;;
    remove) rm "$file" ;;
esac
"#;

/// A home with Claude Code, in which tasks can run.
struct ClaudeCode {
    stage: TaskStage,
    settings: PathBuf,
}

impl ClaudeCode {
    fn new() -> Self {
        let mut stage = TaskStage::scripted(PROGRAM);
        let bin = PathBuf::from(stage.file("bin"));
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("claude"), CLAUDE).unwrap();
        fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bin.display(), stage.front.env()["PATH"]);
        stage.front.set_env("PATH", &path);
        let settings = PathBuf::from(stage.file(".claude/settings.json"));
        Self { stage, settings }
    }

    fn with_settings(text: &str) -> Self {
        let claude = Self::new();
        fs::create_dir(claude.settings.parent().unwrap()).unwrap();
        fs::write(&claude.settings, text).unwrap();
        claude
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.settings).unwrap()
    }

    fn said(&self, words: &[&str]) -> Said {
        let mut all = vec!["mcp"];
        all.extend(words);
        let env = self.stage.front.env();
        process::run(PROGRAM.as_ref(), &all, env, &self.stage.work())
    }

    #[track_caller]
    fn mcp(&self, words: &[&str]) -> Value {
        let said = self.said(&[words, &["--client", "claude", "--json"]].concat());
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        document["clients"][0].clone()
    }

    #[track_caller]
    fn install(&self) -> Value {
        self.mcp(&["install", "--statusline"])
    }

    fn status(&self) -> Value {
        self.mcp(&["status"])["statusline"].clone()
    }

    fn line(&self) -> Value {
        let settings: Value = serde_json::from_str(&self.text()).unwrap();
        settings["statusLine"].clone()
    }

    /// Runs what the settings say as Claude Code does: in a shell, with JSON on standard input.
    fn shown(&self) -> Said {
        let command = self.line()["command"].as_str().unwrap().to_owned();
        let shell = format!("printf '%s' '{{\"model\":\"opus\"}}' | {{ {command}; }}");
        let env = self.stage.front.env();
        process::run("sh".as_ref(), &["-c", &shell], env, &self.stage.work())
    }
}

/// Returns settings with a status line that starts `command`.
fn with_line(command: &str) -> String {
    let line = json!({ "statusLine": { "type": "command", "command": command } });
    line.to_string()
}

/// What is of interest of a report about a status line.
fn outcome(report: &Value) -> (&str, bool, bool) {
    let state = report["statusline"].as_str().unwrap();
    let is_backed_up = report["statusline_backup"].is_string();
    (state, report["statusline_changed"] == true, is_backed_up)
}

#[test]
fn a_status_line_is_added_once_and_goes_again() {
    let claude = ClaudeCode::new();

    let before = claude.status();
    let installed = claude.install();
    let text = claude.text();
    let again = claude.install();
    let text_again = claude.text();
    let removed = claude.mcp(&["remove"]);

    assert_eq!(before, "absent");
    assert_eq!(outcome(&installed), ("installed", true, false));
    assert_eq!(
        (&installed["state"], installed["statusline_file"].as_str()),
        (&"installed".into(), claude.settings.to_str())
    );
    let command = format!("{PROGRAM} statusline");
    let expected = json!({ "type": "command", "command": command, "refreshInterval": 5 });
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["statusLine"],
        expected
    );
    assert_eq!(outcome(&again), ("installed", false, false));
    assert_eq!((&again["changed"], text_again), (&false.into(), text));
    assert_eq!(outcome(&removed), ("absent", true, true));
    assert_eq!(removed["state"], "absent");
    assert!(!claude.settings.exists(), "the file was only ours");
}

#[test]
fn settings_come_back_byte_for_byte() {
    for (original, expected) in [
        ("{}", "installed"),
        ("{ }\n", "installed"),
        ("{\n  \"zeta\": 1,\n  \"alpha\": [ 2 ]\n}\n", "installed"),
        ("{\"model\":\"opus\"}", "installed"),
        ("{\r\n\t\"statusLine\": null\r\n}", "wrapped"),
        (
            "{ \"statusLine\" : {\"command\":\"a 'b' \\\"c\\\"\" ,\n\"type\":\"command\"}, \"x\": 1e3 }",
            "wrapped",
        ),
        (
            "{\n  \"statusLine\": {\n    \"type\": \"command\",\n    \"command\": \"~/bar.sh | tr '\\\\n' ' ' # ü\",\n    \"padding\": 2\n  },\n  \"b\": 1\n}\n",
            "wrapped",
        ),
    ] {
        let claude = ClaudeCode::with_settings(original);
        fs::set_permissions(&claude.settings, fs::Permissions::from_mode(0o600)).unwrap();

        let installed = claude.install();
        let text = claude.text();
        let again = claude.install();
        let status = claude.status();
        let mode = fs::metadata(&claude.settings).unwrap().permissions().mode();
        let removed = claude.mcp(&["remove"]);

        assert_eq!(outcome(&installed), (expected, true, true), "{original}");
        let backup = installed["statusline_backup"].as_str().unwrap();
        assert_eq!(fs::read_to_string(backup).unwrap(), original);
        assert!(Path::new(backup).starts_with(claude.stage.front.state().join("backups")));
        assert_ne!(text, original);
        assert_eq!(outcome(&again), (expected, false, false));
        assert_eq!((status, mode & 0o777), (expected.into(), 0o600));
        let after = if expected == "wrapped" {
            "foreign"
        } else {
            "absent"
        };
        assert_eq!(outcome(&removed), (after, true, true));
        assert_eq!(claude.text(), original);
        let folder = claude.settings.parent().unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "nothing is left");
    }
}

#[test]
fn another_status_line_goes_on_and_tasks_stand_below_it() {
    let bar = "printf '\\033[31m'; sed 's/.*model\":\"\\([a-z]*\\).*/I am \\1/'; printf 'x\\033[0m'; exit 3";
    let mut claude = ClaudeCode::with_settings(&with_line(bar));
    let gate = claude.stage.file("go");
    claude.stage.plays(&format!("until {gate}\n"));
    claude.install();

    let before = claude.shown();
    let task = claude.stage.hand_in(&["Count it."]);
    claude
        .stage
        .wait_until(&task, "it runs", |task| task["status"] == "running");
    let during = claude.shown();
    fs::write(&gate, "").unwrap();
    claude.stage.wait_until_gone(&task);
    let after = claude.shown();

    let own = "\u{1b}[31mI am opusx\u{1b}[0m";
    for said in [&before, &during, &after] {
        assert_eq!((said.exit, said.stderr.as_str()), (Exit::Code(0), ""));
    }
    assert_eq!((before.stdout.as_str(), after.stdout.as_str()), (own, own));
    let (first, second) = during.stdout.split_once('\n').unwrap();
    assert_eq!(first, own);
    assert!(
        second.starts_with("Codex: 1 running · Count it. "),
        "{second}"
    );
}

#[test]
fn the_other_status_line_is_shown_whatever_fails() {
    for (bar, shown, problem) in [
        (
            "echo mine",
            "mine\n".to_owned(),
            "Could not understand line 1 of the settings",
        ),
        ("yes", "y\n".repeat(32 * 1024), "more than 65536 bytes"),
        ("/nowhere/bar", String::new(), "/nowhere/bar"),
    ] {
        let claude = ClaudeCode::with_settings(&with_line(bar));
        claude.install();
        claude.stage.front.write_settings("not = toml = at all");

        let said = claude.shown();

        assert_eq!((said.exit, said.stdout), (Exit::Code(0), shown), "{bar}");
        assert!(said.stderr.contains(problem), "{bar}: {}", said.stderr);
    }
}

#[test]
fn a_status_line_that_hangs_is_ended_with_all_it_started() {
    let claude = ClaudeCode::new();
    let pid_file = claude.stage.file("pid");
    let bar = format!("echo mine; sleep 1000 & echo $! >{pid_file}; wait");
    fs::create_dir(claude.settings.parent().unwrap()).unwrap();
    fs::write(&claude.settings, with_line(&bar)).unwrap();
    claude.install();

    let said = claude.shown();

    assert_eq!((said.exit, said.stdout.as_str()), (Exit::Code(0), "mine\n"));
    assert!(
        said.stderr.contains("had not ended after 3 s"),
        "{}",
        said.stderr
    );
    wait_until_ended(&pid_file);
}

#[test]
fn a_status_line_that_is_given_up_takes_the_other_one_along() {
    let claude = ClaudeCode::new();
    let pid_file = claude.stage.file("pid");
    let bar = format!("sleep 1000 & echo $! >{pid_file}.part; mv {pid_file}.part {pid_file}; wait");
    fs::create_dir(claude.settings.parent().unwrap()).unwrap();
    fs::write(&claude.settings, with_line(&bar)).unwrap();
    claude.install();
    let command = claude.line()["command"].as_str().unwrap().to_owned();

    let mut shown = Process::start(&Start {
        program: "sh".as_ref(),
        args: vec!["-c".to_owned(), format!("exec {command}")],
        env: claude.stage.front.env().clone(),
        cwd: &claude.stage.work(),
        stdout: Output::Null,
        stderr: None,
    });
    wait_for(SOON, "the other one runs", || {
        Path::new(&pid_file).exists().then_some(())
    });
    shown.signal(StopSignal::TERM);

    shown.wait(SOON);
    wait_until_ended(&pid_file);
}

#[track_caller]
fn wait_until_ended(pid_file: &str) {
    let pid = fs::read_to_string(pid_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    wait_for(SOON, "what it started ends", || {
        process::is_zombie(pid).then_some(())
    });
}

#[test]
fn what_was_changed_meanwhile_stays() {
    let original = "{\n  \"statusLine\": {\"type\": \"command\", \"command\": \"bar\"}\n}\n";
    let claude = ClaudeCode::with_settings(original);
    claude.install();
    // Claude Code writes its settings anew, in its own way.
    let mut line = claude.line();
    line["padding"] = 3.into();
    let rewritten =
        format!("{{\n  \"theme\": \"dark\",\n  \"statusLine\": {line:#},\n  \"model\": \"x\"\n}}");
    fs::write(&claude.settings, rewritten).unwrap();

    let status = claude.status();
    let again = claude.install();
    let removed = claude.mcp(&["remove", "--statusline"]);

    assert_eq!(status, "wrapped");
    assert_eq!(outcome(&again), ("wrapped", false, false));
    assert_eq!(outcome(&removed), ("foreign", true, true));
    assert_eq!(
        removed["state"], "installed",
        "only the status line was meant"
    );
    assert_eq!(
        claude.text(),
        "{\n  \"theme\": \"dark\",\n  \"statusLine\": {\"type\": \"command\", \"command\": \"bar\"},\n  \"model\": \"x\"\n}"
    );

    let own = with_line("another");
    fs::write(&claude.settings, &own).unwrap();
    let removed = claude.mcp(&["remove"]);

    assert_eq!(outcome(&removed), ("foreign", false, false));
    assert_eq!(claude.text(), own);
}

#[test]
fn what_else_the_other_status_line_says_stays() {
    for (every, expected) in [(json!(null), 5), (json!(60), 5), (json!(2), 2)] {
        let mut line = json!({ "type": "command", "command": "bar", "padding": 2, "x": [1] });
        if every.is_number() {
            line["refreshInterval"] = every;
        }
        let claude = ClaudeCode::with_settings(&json!({ "statusLine": line }).to_string());

        claude.install();

        let installed = claude.line();
        line["refreshInterval"] = expected.into();
        line["command"] = installed["command"].clone();
        assert_eq!(installed, line);
    }
}

#[test]
fn settings_that_are_no_object_are_left_alone() {
    for broken in ["{ \"model\": ", "[]", "// mine\n{}"] {
        let claude = ClaudeCode::with_settings(broken);
        let status = claude.status();

        let said = claude.said(&["install", "--statusline", "--client", "claude"]);

        assert_eq!(status, "unreadable");
        assert_eq!(said.exit, Exit::Code(1), "{said:?}");
        let names_file = said.stderr.contains(claude.settings.to_str().unwrap());
        assert!(
            names_file && said.stderr.contains("Nothing was changed"),
            "{}",
            said.stderr
        );
        assert_eq!(claude.text(), broken);
        assert!(!Path::new(&claude.stage.file(".claude.json")).exists());
    }
}

#[test]
fn a_server_that_is_not_taken_leaves_the_settings_as_they_were() {
    let claude = ClaudeCode::with_settings("{}");
    let program = claude.stage.file("bin/claude");
    fs::write(&program, "#!/bin/sh\necho no >&2\nexit 1\n").unwrap();

    let said = claude.said(&["install", "--statusline", "--client", "claude"]);

    assert_eq!(said.exit, Exit::Code(1), "{said:?}");
    assert_eq!(claude.text(), "{}");
}

#[test]
fn broken_settings_without_our_line_keep_nobody_from_removing_the_server() {
    let claude = ClaudeCode::new();
    claude.mcp(&["install"]);
    let broken = r#"{ "permissions": ["mcp__mission-control__codex_run"], "#;
    fs::create_dir_all(claude.settings.parent().unwrap()).unwrap();
    fs::write(&claude.settings, broken).unwrap();

    let removed = claude.mcp(&["remove"]);

    assert_eq!(
        outcome(&removed),
        ("unreadable", false, false),
        "{removed:#}"
    );
    assert_eq!(removed["state"], "absent");
    assert_eq!(claude.text(), broken);
}

#[test]
fn a_link_to_the_settings_stays_one() {
    let claude = ClaudeCode::new();
    let target = PathBuf::from(claude.stage.file("dotfiles/claude.json"));
    fs::create_dir(claude.settings.parent().unwrap()).unwrap();
    fs::create_dir(target.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../dotfiles/claude.json", &claude.settings).unwrap();

    let to_nothing = claude.said(&["install", "--statusline", "--client", "claude"]);
    fs::write(&target, "{\"a\":1}").unwrap();
    claude.install();
    let is_link = claude.settings.is_symlink();
    let text = fs::read_to_string(&target).unwrap();
    claude.mcp(&["remove"]);

    assert_eq!(to_nothing.exit, Exit::Code(1), "{to_nothing:?}");
    assert!(
        to_nothing.stderr.contains("It is a link"),
        "{}",
        to_nothing.stderr
    );
    assert!(is_link && text.contains(PROGRAM), "{text}");
    assert!(claude.settings.is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "{\"a\":1}");
}

#[test]
fn each_scope_has_its_own_settings() {
    let claude = ClaudeCode::with_settings("{}");
    for (scope, name) in [
        ("project", "settings.json"),
        ("local", "settings.local.json"),
    ] {
        let file = claude.stage.work().join(".claude").join(name);

        let installed = claude.said(&[
            "install",
            "--statusline",
            "--client",
            "claude",
            "--scope",
            scope,
        ]);
        let text = fs::read_to_string(&file).unwrap();
        let user = claude.status();
        let removed = claude.mcp(&["remove", "--statusline", "--scope", scope]);

        assert!(text.contains(PROGRAM), "{installed:?}\n{text}");
        assert_eq!(
            (user, outcome(&removed)),
            ("absent".into(), ("absent", true, true))
        );
        assert!(!file.exists());
    }
    assert_eq!(claude.text(), "{}");
}

#[test]
fn the_settings_are_where_the_variable_says() {
    let mut claude = ClaudeCode::new();
    let folder = claude.stage.file("elsewhere");
    claude.stage.front.set_env("CLAUDE_CONFIG_DIR", &folder);
    claude.settings = Path::new(&folder).join("settings.json");
    fs::create_dir(&folder).unwrap();

    claude.mcp(&["remove"]);
    let installed = claude.said(&["install", "--statusline", "--client", "claude"]);

    assert!(claude.text().contains(PROGRAM), "{installed:?}");
}

#[test]
fn the_line_of_another_mission_control_is_corrected_with_what_it_keeps() {
    let old = "/old/mission-control statusline";
    let claude = ClaudeCode::with_settings(&with_line(old));

    let before = claude.status();
    let corrected = claude.install();

    assert_eq!(
        (before, outcome(&corrected)),
        ("different".into(), ("installed", true, true))
    );
    assert_eq!(claude.line()["command"], format!("{PROGRAM} statusline"));

    let original = with_line("echo mine");
    fs::write(&claude.settings, &original).unwrap();
    claude.install();
    let moved = claude
        .text()
        .replace(PROGRAM, "'/old place/mission-control'");
    fs::write(&claude.settings, moved).unwrap();

    let before = claude.status();
    let corrected = claude.install();
    let shown = claude.shown();
    claude.mcp(&["remove"]);

    assert_eq!(
        (before, outcome(&corrected)),
        ("different".into(), ("wrapped", true, true))
    );
    assert_eq!(shown.stdout, "mine\n");
    assert_eq!(claude.text(), original);
}

#[test]
fn without_a_client_the_status_line_is_claude_codes_alone() {
    let claude = ClaudeCode::with_settings(&with_line("bar"));
    let path = claude.stage.file("bin");
    let mut env = claude.stage.front.env().clone();
    env.insert("PATH".to_owned(), format!("{path}:/usr/bin:/bin"));
    let run = |words: &[&str]| process::run(PROGRAM.as_ref(), words, &env, &claude.stage.work());

    let status = run(&["mcp", "status"]);
    let installed = run(&["mcp", "install", "--statusline", "--json"]);
    let told = run(&["mcp", "status"]);

    let document: Value = serde_json::from_str(&installed.stdout).unwrap();
    assert_eq!(document["clients"][0]["statusline"], "wrapped");
    assert_eq!(document["clients"][1]["statusline"], Value::Null);
    assert!(status.stdout.contains("yours alone"), "{}", status.stdout);
    assert!(
        told.stdout
            .contains("shows running tasks below what you have there"),
        "{}",
        told.stdout
    );
}
