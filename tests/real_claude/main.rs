//! The real Claude Code against a scripted model, watched through `watch --json` as a person would.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod ends;

use std::time::Duration;

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, MODEL, Reply, VERSION};
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::wait::{PATIENT, SOON};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::{Value, json};

/// What a person still feels as "at once".
const AT_ONCE: Duration = Duration::from_secs(2);

/// A model, a home with the real agent in it, and the program that watches it.
struct Stage {
    model: ClaudeModel,
    home: ClaudeHome,
    front: Front,
}

impl Stage {
    fn new() -> Self {
        let model = ClaudeModel::start();
        let home = ClaudeHome::new(&model);
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        Self { model, home, front }
    }

    /// Waits until a session is registered and returns its id and process.
    #[track_caller]
    fn registered(&self) -> (String, u32) {
        let file = mission_control_testkit::wait::wait_for(PATIENT, "a registered session", || {
            self.home.registry().pop()
        });
        (
            session_id(&file),
            u32::try_from(file["pid"].as_u64().unwrap()).unwrap(),
        )
    }
}

fn session_id(file: &Value) -> String {
    format!("claude_code:{}", text(&file["sessionId"]))
}

/// Waits for as many notices as are expected and compares them.
#[track_caller]
fn told(watch: &mut Watch, expected: &[&str]) {
    let n_told = |watch: &Watch| watch.notices().len();
    while n_told(watch) < expected.len() {
        let n_before = n_told(watch);
        let n_seen = std::cell::Cell::new(0);
        watch.wait_for(SOON, "a further notice", |event| {
            n_seen.set(n_seen.get() + usize::from(event["event"] == "notice"));
            n_seen.get() > n_before
        });
    }
    let notices = watch.notices();
    let kinds: Vec<&str> = notices.iter().map(|notice| text(&notice["kind"])).collect();
    assert_eq!(kinds, expected);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn a_run_without_a_terminal_works_then_is_done_and_tells_so_once() {
    let stage = Stage::new();
    let gate = Gate::default();
    stage.model.plays([Reply::text("It adds.").behind(&gate)]);
    let mut watch = stage.front.watch();

    let mut run = stage.home.print(&[], "What is in this project?");
    gate.wait_until_reached(PATIENT);
    let (id, pid) = stage.registered();
    let working = watch.wait_until(SOON, &id, "works and tells its prompt", |session| {
        session["status"] == "working" && !session["last_prompt"].is_null()
    });
    gate.open();
    assert_eq!(run.wait(PATIENT), Exit::Code(0));
    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    watch.wait_for_heartbeat();

    assert_eq!(working["source"], "claude_code");
    assert_eq!(working["client"], "exec");
    assert_eq!(working["cli_version"], VERSION);
    assert_eq!(working["cwd"], stage.home.project().to_str().unwrap());
    assert_eq!(working["project"], "acme");
    assert_eq!(working["title"], "What is in this project?");
    assert_eq!(working["process"]["pid"], pid);
    assert_eq!(done["model"], MODEL);
    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(done["last_turn"]["outcome"], "completed");
    assert_eq!(done["last_turn"]["message"], "It adds.");
    assert_eq!(done["last_turn"]["id"], working["turn"]["id"]);
    assert_eq!(done["process"], Value::Null);
    assert_eq!(done["skipped_lines"], 0);
    assert_eq!(done["tokens"]["input"], 8012);
    assert_eq!(done["tokens"]["cached_input"], 8000);
    assert_eq!(
        done["resume_command"],
        format!("claude --resume {}", text(&done["source_session_id"]))
    );
    assert_eq!(watch.statuses(&id), ["working", "done"]);
    told(&mut watch, &["turn_completed"]);
}

#[test]
fn a_terminal_works_asks_goes_on_and_is_left() {
    let stage = Stage::new();
    let gate = Gate::default();
    stage.model.plays([
        Reply::command("touch made.txt").behind(&gate),
        Reply::text("Made."),
    ]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, pid) = stage.registered();
    terminal.ask("Make a file.");
    gate.wait_until_reached(PATIENT);
    watch.wait_for_status(AT_ONCE, &id, "working");
    gate.open();
    let asks = watch.wait_until(SOON, &id, "asks in its own words", |session| {
        session["status"] == "needs_you" && !session["need"].is_null()
    });
    terminal.say_yes("Do you want to proceed?");
    let paused = watch.wait_until(SOON, &id, "is over", |session| {
        session["status"] == "paused" && !session["last_turn"].is_null()
    });
    terminal.quit();
    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    watch.wait_for_heartbeat();

    let need = json!({
        "kind": "approval", "summary": "touch made.txt", "request_id": "toolu_000000000001",
        "can_answer": false, "choices": [],
    });
    assert_eq!(asks["need"], need);
    assert_eq!(asks["client"], "tui");
    assert_eq!(asks["evidence"]["from"], "registry");
    assert_eq!(asks["process"]["pid"], pid);
    assert_eq!(paused["last_turn"]["outcome"], "completed");
    assert_eq!(paused["last_turn"]["message"], "Made.");
    assert_eq!(paused["need"], Value::Null);
    assert_eq!(done["ended"]["how"], "closed");
    // Of two changes at once, only the later one is told.
    let statuses = watch.statuses(&id).into_iter();
    let told_of: Vec<_> = statuses.filter(|status| status != "working").collect();
    assert_eq!(told_of, ["needs_you", "paused", "done"]);
    told(&mut watch, &["needs_you", "turn_completed"]);
}

#[test]
fn a_terminal_that_is_killed_in_its_turn_dies_at_once() {
    let stage = Stage::new();
    let gate = Gate::default();
    stage.model.plays([Reply::text("Too late.").behind(&gate)]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, pid) = stage.registered();
    terminal.ask("Think about it.");
    gate.wait_until_reached(PATIENT);
    watch.wait_until(SOON, &id, "works on the prompt", |session| {
        session["status"] == "working" && !session["turn"].is_null()
    });
    process::send(pid, StopSignal::KILL);
    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    watch.wait_for_heartbeat();

    assert_eq!(
        stage.home.registry().len(),
        1,
        "its file stays, saying that it works"
    );
    assert_eq!(done["ended"]["how"], "killed");
    assert_eq!(done["process"], Value::Null);
    told(&mut watch, &["session_died"]);
    drop(terminal);
}

#[test]
fn a_question_and_a_failure_are_told_in_the_agents_words() {
    let stage = Stage::new();
    let question = json!({"questions": [{
        "question": "Which database should we use?", "header": "Database", "multiSelect": false,
        "options": [
            {"label": "SQLite", "description": "One file."},
            {"label": "PostgreSQL", "description": "A server."},
        ],
    }]});
    stage.model.plays([
        Reply::call("AskUserQuestion", question),
        Reply::text("Taken."),
    ]);
    // It is tried again with less of everything before the agent gives up.
    let refusal = Reply::error(400, "the prompt is bad");
    stage.model.plays(std::iter::repeat_n(refusal, 20));
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, _) = stage.registered();
    terminal.ask("Set up storage.");
    let asks = watch.wait_until(SOON, &id, "asks", |session| {
        session["status"] == "needs_you" && !session["need"].is_null()
    });
    terminal.say_yes("Which database should we use?");
    watch.wait_until(SOON, &id, "has its answer", |session| {
        session["status"] == "paused" && session["last_turn"]["message"] == "Taken."
    });
    terminal.ask("Go on.");
    let failed = watch.wait_until(SOON, &id, "failed", |session| {
        session["status"] == "paused" && session["last_turn"]["outcome"] == "failed"
    });

    assert_eq!(asks["need"]["kind"], "question");
    assert_eq!(asks["need"]["summary"], "Which database should we use?");
    assert_eq!(asks["need"]["choices"], json!(["SQLite", "PostgreSQL"]));
    let message = text(&failed["last_turn"]["message"]);
    assert!(message.contains("the prompt is bad"), "{message}");
    told(&mut watch, &["needs_you", "turn_completed", "turn_failed"]);
}

#[test]
fn a_conversation_that_is_cleared_ends_and_another_begins_in_its_process() {
    let stage = Stage::new();
    stage
        .model
        .plays([Reply::text("First."), Reply::text("Second.")]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (first, pid) = stage.registered();
    terminal.ask("Say one.");
    watch.wait_until(SOON, &first, "is over", |session| {
        session["status"] == "paused" && !session["last_turn"].is_null()
    });
    terminal.ask("/clear");
    let closed = watch.wait_for_status(SOON, &first, "done");
    let file = terminal.wait_for_registry("another session", |file| session_id(file) != first);
    let second = session_id(&file);
    terminal.ask("Say two.");
    let paused = watch.wait_until(SOON, &second, "is over", |session| {
        session["status"] == "paused" && session["last_turn"]["message"] == "Second."
    });

    assert_eq!(closed["ended"]["how"], "closed");
    assert_eq!(paused["process"]["pid"], pid);
    told(&mut watch, &["turn_completed", "turn_completed"]);
}

#[test]
fn a_turn_that_is_stopped_before_its_first_word_is_no_death() {
    let stage = Stage::new();
    let gate = Gate::default();
    stage.model.plays([Reply::text("Too late.").behind(&gate)]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, _) = stage.registered();
    terminal.ask("Think about it.");
    gate.wait_until_reached(PATIENT);
    watch.wait_until(SOON, &id, "works on the prompt", |session| {
        session["status"] == "working" && !session["turn"].is_null()
    });
    terminal.press("Escape");
    watch.wait_for_status(SOON, &id, "paused");
    terminal.press("C-c");
    terminal.press("C-c");
    terminal.wait_until_gone();
    let done = watch.wait_for_status(AT_ONCE, &id, "done");

    assert_eq!(done["ended"]["how"], "interrupted");
    told(&mut watch, &["turn_interrupted"]);
}

#[test]
fn what_a_sub_agent_asks_for_is_asked_by_its_session() {
    let stage = Stage::new();
    let part = json!({
        "description": "Make a file", "prompt": "SUBTASK make a file",
        "subagent_type": "general-purpose",
    });
    stage.model.plays([
        Reply::call("Agent", part).to("Delegate it."),
        Reply::text("Delegated.").to("Delegate it."),
        Reply::command("touch made.txt").to("SUBTASK"),
        Reply::text("Made.").to("SUBTASK"),
        Reply::text("It reported.").to("Delegate it."),
    ]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, _) = stage.registered();
    terminal.ask("Delegate it.");
    let asks = watch.wait_until(SOON, &id, "asks", |session| {
        session["status"] == "needs_you" && !session["need"].is_null()
    });
    let child = watch.wait_for(SOON, "the sub-agent", |event| {
        event["session"]["parent_id"] == id.as_str()
    });
    let child = text(&child["session"]["id"]).to_owned();
    terminal.say_yes("Do you want to proceed?");
    let paused = watch.wait_until(SOON, &id, "is over", |session| {
        session["status"] == "paused" && session["last_turn"]["message"] == "It reported."
    });
    let part = watch.wait_for_status(AT_ONCE, &child, "done");

    assert_eq!(asks["need"]["summary"], "touch made.txt");
    assert_eq!(paused["turn"]["count"], 1);
    assert_eq!(part["title"], "Make a file");
    assert_eq!(part["ended"]["how"], "finished");
    assert_eq!(part["resume_command"], Value::Null);
    told(&mut watch, &["needs_you", "turn_completed"]);
}

#[test]
fn a_command_in_the_background_is_named_and_its_end_wakes_the_session() {
    let stage = Stage::new();
    let waits = stage.home.project().join("go");
    let command = format!(
        "until [ -e {} ]; do read -t 0.1 _ < /dev/zero; done",
        waits.display()
    );
    let input = json!({"command": command, "description": "Wait", "run_in_background": true});
    stage.model.plays([
        Reply::call("Bash", input),
        Reply::text("It runs."),
        Reply::text("It is over."),
    ]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&["--allowedTools", "Bash"]);
    let (id, _) = stage.registered();
    terminal.ask("Wait for it.");
    let paused = watch.wait_until(SOON, &id, "waits in the background", |session| {
        session["status"] == "paused"
            && !session["activity"].is_null()
            && !session["last_turn"].is_null()
    });
    std::fs::write(&waits, "").unwrap();
    let woken = watch.wait_until(SOON, &id, "was woken", |session| {
        session["status"] == "paused" && session["last_turn"]["message"] == "It is over."
    });

    assert_eq!(paused["activity"], "A background command runs");
    assert_eq!(paused["last_turn"]["message"], "It runs.");
    assert_eq!(woken["last_prompt"], "Wait for it.");
    assert_eq!(woken["turn"]["count"], 2);
    drop(terminal);
}

#[test]
fn a_session_is_stopped_by_ending_its_process() {
    let stage = Stage::new();
    let gate = Gate::default();
    stage.model.plays([Reply::text("Too late.").behind(&gate)]);
    let mut watch = stage.front.watch();

    let terminal = stage.home.terminal(&[]);
    let (id, pid) = stage.registered();
    terminal.ask("Think about it.");
    gate.wait_until_reached(PATIENT);
    watch.wait_until(SOON, &id, "works on the prompt", |session| {
        session["status"] == "working" && !session["turn"].is_null()
    });
    let stopped = stage.front.json(&["stop", &id, "--json"]);
    let done = watch.wait_for_status(AT_ONCE, &id, "done");
    terminal.wait_until_gone();

    let ended = stopped["processes"].as_array().unwrap().iter();
    let ended: Vec<u64> = ended
        .filter_map(|process| process["pid"].as_u64())
        .collect();
    assert!(ended.contains(&u64::from(pid)), "{stopped}");
    assert_eq!(done["ended"]["how"], "killed");
    assert_eq!(stage.home.registry(), Vec::<Value>::new());
}
