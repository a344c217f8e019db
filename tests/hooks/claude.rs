//! The real Claude Code, whose hook waits while a tray runs.

use std::time::Duration;

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, Reply, Terminal};
use mission_control_testkit::process::{Exit, Said};
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::{Value, json};

use super::{hooks, text, tray};

/// A model, a home with the hook in it, and the program that watches it.
struct Stage {
    model: ClaudeModel,
    home: ClaudeHome,
    front: Front,
}

/// A terminal that asks something.
struct Asking {
    terminal: Terminal,
    watch: Watch,
    id: String,
    need: Value,
}

impl Stage {
    fn new() -> Self {
        let model = ClaudeModel::start();
        let home = ClaudeHome::new(&model);
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        let said = front.json(&["hooks", "install", "--json"]);
        assert_eq!(said["hooks"][0]["state"], "installed", "{said}");
        Self { model, home, front }
    }

    /// Has a terminal ask for what the replies make it ask for.
    fn asks(&self, args: &[&str], replies: impl IntoIterator<Item = Reply>) -> Asking {
        self.model.plays(replies);
        let mut watch = self.front.watch();
        let terminal = self.home.terminal(args);
        terminal.ask("Do it.");
        let session = watch.wait_for(SOON, "a session that asks", |event| {
            event["session"]["status"] == "needs_you" && !event["session"]["need"].is_null()
        });
        let session = session["session"].clone();
        Asking {
            terminal,
            watch,
            id: text(&session["id"]).to_owned(),
            need: session["need"].clone(),
        }
    }

    fn answer(&self, asking: &Asking, answer: &str) -> Said {
        let request = text(&asking.need["request_id"]);
        self.front
            .run(&["answer", &asking.id, request, answer, "--json"])
    }

    fn made(&self) -> bool {
        self.home.project().join("made.txt").exists()
    }

    /// Returns the notes of hooks that wait.
    fn notes(&self) -> usize {
        let entries = std::fs::read_dir(hooks(&self.front)).unwrap();
        let is_note = |name: &str| name.starts_with("claude_code~");
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| is_note(&name.to_string_lossy()))
            .count()
    }
}

impl Asking {
    fn is_over(&mut self) -> Value {
        self.watch.wait_until(SOON, &self.id, "is over", |session| {
            session["status"] == "paused" && !session["last_turn"].is_null()
        })
    }
}

fn touch() -> [Reply; 2] {
    [Reply::command("touch made.txt"), Reply::text("Made.")]
}

#[track_caller]
fn confirmed(said: &Said) {
    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(said["confirmed"], true, "{said}");
}

#[test]
fn a_yes_from_here_lets_it_go_on_at_once() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);

    let mut asking = stage.asks(&[], touch());
    asking.terminal.wait_for_text("Do you want to proceed?");
    let said = stage.answer(&asking, "accept");
    let over = asking.is_over();
    asking.watch.wait_for_heartbeat();

    let need = json!({
        "kind": "approval", "summary": "touch made.txt", "request_id": "toolu_000000000001",
        "can_answer": true, "choices": ["accept", "decline"],
    });
    assert_eq!(asking.need, need);
    confirmed(&said);
    assert!(stage.made());
    assert_eq!(over["last_turn"]["message"], "Made.");
    assert_eq!(stage.notes(), 0);
    let told = asking.watch.notices();
    let kinds: Vec<&str> = told.iter().map(|notice| text(&notice["kind"])).collect();
    assert_eq!(kinds, ["needs_you", "turn_completed"]);
    assert_eq!(
        told[0]["request_id"], "toolu_000000000001",
        "it can be answered there"
    );
    let again = stage.answer(&asking, "accept");
    assert_ne!(again.exit, Exit::Code(0));
}

#[test]
fn a_no_from_here_keeps_it_from_doing_it() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);

    let mut asking = stage.asks(&[], touch());
    let wrong = stage.answer(&asking, "perhaps");
    let said = stage.answer(&asking, "decline");
    asking.is_over();

    assert_eq!(wrong.exit, Exit::Code(2), "{}", wrong.stdout);
    assert!(
        wrong.stderr.contains("accept or decline"),
        "{}",
        wrong.stderr
    );
    confirmed(&said);
    assert!(!stage.made());
}

#[test]
fn a_question_takes_an_option_from_here() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);
    let question = json!({"questions": [{
        "question": "Which database should we use?", "header": "Database", "multiSelect": false,
        "options": [
            {"label": "SQLite", "description": "One file."},
            {"label": "PostgreSQL", "description": "A server."},
        ],
    }]});
    let replies = [
        Reply::call("AskUserQuestion", question),
        Reply::text("Chosen."),
    ];

    let mut asking = stage.asks(&[], replies);
    let said = stage.answer(&asking, "postgresql");
    asking.is_over();

    assert_eq!(asking.need["kind"], "question");
    assert_eq!(asking.need["choices"], json!(["SQLite", "PostgreSQL"]));
    assert_eq!(asking.need["can_answer"], true);
    confirmed(&said);
    asking.terminal.wait_for_text("PostgreSQL");
}

#[test]
fn a_plan_is_approved_from_here() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);
    let replies = [
        Reply::call("ExitPlanMode", json!({"plan": "1. Do it"})),
        Reply::text("Planned."),
    ];

    let mut asking = stage.asks(&["--permission-mode", "plan"], replies);
    let said = stage.answer(&asking, "accept");
    let over = asking.is_over();

    assert_eq!(asking.need["kind"], "plan");
    confirmed(&said);
    assert_eq!(over["last_turn"]["message"], "Planned.");
}

#[test]
fn the_terminal_may_answer_first() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);

    let mut asking = stage.asks(&[], touch());
    asking.terminal.say_yes("Do you want to proceed?");
    let over = asking.is_over();
    wait_for(SOON, "the hook gives up", || {
        (stage.notes() == 0).then_some(())
    });
    let late = stage.answer(&asking, "decline");

    assert_eq!(over["last_turn"]["message"], "Made.");
    assert!(stage.made());
    assert_ne!(late.exit, Exit::Code(0), "{}", late.stdout);
    asking.watch.wait_for_heartbeat();
    assert_eq!(asking.watch.notices().len(), 2);
}

#[test]
fn a_request_that_is_dropped_is_waited_for_no_longer() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);

    let asking = stage.asks(&[], touch());
    asking.terminal.wait_for_text("Do you want to proceed?");
    wait_for(PATIENT, "the request is dropped", || {
        asking.terminal.press("Escape");
        let mut files = stage.home.registry().into_iter();
        (!files.any(|file| file["status"] == "waiting")).then_some(())
    });

    let late = stage.answer(&asking, "accept");
    assert_ne!(late.exit, Exit::Code(0), "{}", late.stdout);
    assert!(!stage.made());
}

#[test]
fn without_a_tray_nothing_waits_and_the_terminal_answers() {
    let stage = Stage::new();

    let mut asking = stage.asks(&[], touch());
    let refused = stage.answer(&asking, "accept");
    asking.terminal.say_yes("Do you want to proceed?");
    asking.is_over();

    assert_eq!(asking.need["can_answer"], false);
    assert_eq!(refused.exit, Exit::Code(4), "{}", refused.stderr);
    assert_eq!(stage.notes(), 0);
}

#[test]
fn a_tray_that_ends_takes_its_hooks_along() {
    let stage = Stage::new();
    let tray = tray(&stage.front);

    let mut asking = stage.asks(&[], touch());
    drop(tray);
    wait_for(SOON, "the hook gives up", || {
        (stage.notes() == 0).then_some(())
    });
    let mute = asking
        .watch
        .wait_until(SOON, &asking.id, "is not answered here", |session| {
            session["need"]["can_answer"] == false
        });
    asking.terminal.say_yes("Do you want to proceed?");
    asking.is_over();

    assert_eq!(mute["status"], "needs_you");
    assert!(stage.made());
}

#[test]
fn a_run_without_a_terminal_is_not_held_up() {
    let stage = Stage::new();
    let _tray = tray(&stage.front);
    stage.model.plays(touch());

    let mut run = stage.home.print(&["--permission-mode", "manual"], "Do it.");

    assert_eq!(run.wait(Duration::from_secs(30)), Exit::Code(0));
    assert!(!stage.made(), "nobody said yes");
    assert_eq!(stage.notes(), 0);
}
