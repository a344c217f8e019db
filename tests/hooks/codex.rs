//! The real Codex without its daemon: what it asks is told by its transcript and the hook.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use mission_control_testkit::codex::{CodexHome, program_path};
use mission_control_testkit::model::{Model, Script, escalated, question, say};
use mission_control_testkit::process::{Output, Process, Start};
use mission_control_testkit::terminal::Terminal;
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::{Value, json};

use super::text;

/// A home, the model, and the program that watches.
struct Stage {
    _model: Model,
    home: CodexHome,
    front: Front,
}

impl Stage {
    fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        let program = program_path().display();
        front.write_settings(&format!("[codex]\nprogram = \"{program}\"\n"));
        let touch = |name: &str| format!("touch {}", home.path().join(name).display());
        let script = Script::new([say("A title")])
            .on("Ask.", [escalated(&touch("marker")), say("Asked.")])
            .on(
                "Ask twice.",
                [
                    escalated(&touch("first")),
                    escalated(&touch("second")),
                    say("Asked."),
                ],
            )
            .on(
                "Choose.",
                [question("Which colour?", &["Blue", "Red"]), say("Chosen.")],
            );
        home.always_plays(&model.plays("hooks", script));
        Self {
            _model: model,
            home,
            front,
        }
    }

    fn hooks(&self, command: &str) -> Value {
        let said = self
            .front
            .json(&["hooks", command, "--client", "codex", "--json"]);
        said["hooks"][0].clone()
    }

    /// Returns what Codex says of this method, where `home` is its home.
    #[track_caller]
    fn asked(&self, home: &Path, method: &str, params: &Value) -> Value {
        let requests = [
            json!({"id": 1, "method": "initialize", "params": {
                "clientInfo": {"name": "editor", "title": "Editor", "version": "1"},
                "capabilities": {"experimentalApi": true}}}),
            json!({"method": "initialized"}),
            json!({"id": 2, "method": method, "params": params}),
        ];
        let lines: String = requests.iter().map(|line| format!("{line}\n")).collect();
        let folder = tempfile::tempdir().unwrap();
        let (input, output) = (folder.path().join("input"), folder.path().join("output"));
        fs::write(&input, lines).unwrap();
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let held = self.home.held_command(name);
        let line = format!(
            "(cat {}; {}) | {} app-server",
            input.display(),
            held.line(),
            program_path().display()
        );
        let mut env = self.home.env();
        env.insert("CODEX_HOME".to_owned(), home.to_str().unwrap().to_owned());
        let mut process = Process::start(&Start {
            program: "sh".as_ref(),
            args: vec!["-c".to_owned(), line],
            env,
            cwd: &self.home.project(),
            stdout: Output::File(&output),
            stderr: Some(&folder.path().join("stderr")),
        });
        let answer = wait_for(PATIENT, "Codex answers", || {
            let said = fs::read_to_string(&output).unwrap();
            let mut lines = said
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            lines.find(|line: &Value| line["id"] == 2)
        });
        held.release();
        process.wait(PATIENT);
        answer["result"].clone()
    }

    /// Returns the names that Codex has for the hooks with these commands, and whether it trusts
    /// them.
    #[track_caller]
    fn hooks_of(&self, home: &Path) -> BTreeMap<String, Value> {
        let said = self.asked(home, "hooks/list", &json!({"cwds": [home]}));
        let hooks = said["data"][0]["hooks"].as_array().unwrap();
        let named = |hook: &Value| (text(&hook["command"]).to_owned(), hook.clone());
        hooks.iter().map(named).collect()
    }

    /// Trusts all hooks, as `/hooks` of the terminal does.
    #[track_caller]
    fn trust_all(&self, home: &Path) {
        let hooks = self.hooks_of(home);
        let notes: BTreeMap<&str, Value> = hooks
            .values()
            .map(|hook| {
                (
                    text(&hook["key"]),
                    json!({"trusted_hash": hook["currentHash"]}),
                )
            })
            .collect();
        let edit = json!({"keyPath": "hooks.state", "value": notes, "mergeStrategy": "upsert"});
        let said = self.asked(home, "config/batchWrite", &json!({"edits": [edit]}));
        assert_eq!(said["status"], "ok", "{said}");
    }

    /// Opens a terminal without the daemon.
    fn terminal(&self, prompt: &str) -> Terminal {
        self.home.tui(&["--no-daemon", "-a", "on-request", prompt])
    }
}

#[track_caller]
fn session(watch: &mut Watch, prompt: &str) -> String {
    let event = watch.wait_for(PATIENT, "the session appears", |event| {
        event["session"]["last_prompt"] == prompt
    });
    text(&event["session"]["id"]).to_owned()
}

#[track_caller]
fn need(watch: &mut Watch, id: &str) -> Value {
    watch.wait_until(SOON, id, "needs somebody", |session| {
        session["status"] == "needs_you" && !session["need"].is_null()
    })
}

fn kinds(watch: &Watch) -> Vec<String> {
    let notices = watch.notices();
    let kind = |notice: &Value| text(&notice["kind"]).to_owned();
    notices.iter().map(kind).collect()
}

#[test]
fn a_trusted_hook_tells_what_is_asked_until_the_terminal_answers() {
    let stage = Stage::new();
    assert_eq!(stage.hooks("install")["state"], "not_trusted");
    let mut watch = stage.front.watch();

    let terminal = stage.terminal("Ask twice.");
    terminal.wait_for("Hooks need review");
    terminal.press(&["2"]);
    terminal.press(&["Enter"]);
    let id = session(&mut watch, "Ask twice.");
    terminal.wait_for("Would you like to run");
    let first = need(&mut watch, &id);
    let listed = stage.front.sessions()[&id].clone();
    terminal.press(&["y"]);
    let second = watch.wait_until(SOON, &id, "asks again", |session| {
        session["status"] == "needs_you"
            && session["need"]["request_id"] != first["need"]["request_id"]
    });
    terminal.wait_for("second");
    terminal.press(&["y"]);
    let over = watch.wait_for_status(PATIENT, &id, "paused");
    watch.wait_for_heartbeat();

    assert_eq!(stage.hooks("status")["state"], "installed");
    assert_eq!(first["need"]["kind"], "approval");
    assert_eq!(first["need"]["can_answer"], false);
    assert!(
        text(&first["need"]["summary"]).ends_with("/first"),
        "{first}"
    );
    assert!(
        text(&second["need"]["summary"]).ends_with("/second"),
        "{second}"
    );
    assert!(text(&first["need"]["request_id"]).starts_with(text(&first["turn"]["id"])));
    assert_eq!(first["evidence"]["from"], "hook");
    assert_eq!(
        listed["need"], first["need"],
        "whoever starts late is told, too"
    );
    assert_eq!(over["need"], Value::Null);
    assert_eq!(kinds(&watch), ["needs_you", "needs_you", "turn_completed"]);

    assert_eq!(stage.hooks("remove")["state"], "absent");
    let after = fs::read_to_string(stage.home.codex_home().join("config.toml")).unwrap();
    // Codex wrote settings of its own meanwhile, and a note about our hook.
    assert!(!after.contains("[hooks"), "{after}");
    assert!(after.contains("model_provider = \"scripted\""), "{after}");
}

#[test]
fn what_a_person_trusts_stays_trusted_when_ours_comes_and_goes() {
    let mut stage = Stage::new();
    let link = stage.home.path().join("link");
    symlink(stage.home.codex_home(), &link).unwrap();
    stage.front.set_env("CODEX_HOME", link.to_str().unwrap());
    let config = stage.home.codex_home().join("config.toml");
    let mine = |command: &str| {
        format!(
            "\n[[hooks.PermissionRequest]]\n\n[[hooks.PermissionRequest.hooks]]\n\
             type = \"command\"\ncommand = \"{command}\"\n"
        )
    };
    let add = |text: &str| fs::write(&config, fs::read_to_string(&config).unwrap() + text).unwrap();
    let states = || {
        let hooks = stage.hooks_of(&link);
        ["before", "behind"].map(|command| text(&hooks[command]["trustStatus"]).to_owned())
    };
    add(&mine("before"));
    stage.trust_all(&link);
    let noted = fs::read_to_string(&config).unwrap();

    assert_eq!(stage.hooks("install")["state"], "not_trusted");
    stage.trust_all(&link);
    assert_eq!(stage.hooks("status")["state"], "installed");
    let restored = stage.hooks("remove");
    assert_eq!(restored["done"], "restored", "{restored}");
    assert_eq!(fs::read_to_string(&config).unwrap(), noted);

    stage.hooks("install");
    add(&mine("behind"));
    stage.trust_all(&link);
    assert_eq!(states(), ["trusted", "trusted"]);
    let moved = fs::read_to_string(&config).unwrap();
    let moved = moved.replace("/mission-control ", "/elsewhere/mission-control ");
    fs::write(&config, moved).unwrap();
    assert_eq!(stage.hooks("status")["state"], "different");
    assert_eq!(stage.hooks("install")["state"], "not_trusted");
    assert_eq!(states(), ["trusted", "trusted"]);
    stage.trust_all(&link);
    assert_eq!(stage.hooks("status")["state"], "installed");
    assert_eq!(stage.hooks("remove")["done"], "taken_out");
    assert_eq!(states(), ["trusted", "trusted"]);
    let after = fs::read_to_string(&config).unwrap();
    assert_eq!(after.matches("trusted_hash").count(), 2, "{after}");
}

#[test]
fn a_question_needs_no_hook() {
    let stage = Stage::new();
    let mut watch = stage.front.watch();

    let terminal = stage.terminal("Choose.");
    let id = session(&mut watch, "Choose.");
    let asked = need(&mut watch, &id);
    terminal.wait_for("Which colour?");
    terminal.press(&["1"]);
    terminal.press(&["Enter"]);
    watch.wait_for_status(PATIENT, &id, "paused");
    watch.wait_for_heartbeat();

    assert_eq!(asked["need"]["kind"], "question");
    assert_eq!(asked["need"]["summary"], "Which colour? (Blue, Red)");
    assert_eq!(asked["need"]["choices"], json!(["Blue", "Red"]));
    assert_eq!(asked["need"]["can_answer"], false);
    assert_eq!(asked["evidence"]["from"], "transcript");
    assert_eq!(kinds(&watch), ["needs_you", "turn_completed"]);
}

#[test]
fn a_hook_that_is_not_trusted_is_not_called() {
    let stage = Stage::new();
    stage.hooks("install");
    let mut watch = stage.front.watch();

    let terminal = stage.terminal("Ask.");
    terminal.wait_for("Hooks need review");
    terminal.press(&["3"]);
    terminal.press(&["Enter"]);
    let id = session(&mut watch, "Ask.");
    terminal.wait_for("Would you like to run");
    watch.wait_for_heartbeat();
    let asking = watch.session(&id).unwrap();
    terminal.press(&["y"]);
    watch.wait_for_status(PATIENT, &id, "paused");

    assert_eq!(stage.hooks("status")["state"], "not_trusted");
    assert_eq!(asking["status"], "working", "nothing shows that it asks");
}
