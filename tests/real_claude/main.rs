//! The real Claude Code against a scripted model, watched through `watch --json` as a person would:
//! the fields of what is told, and `stop`. Whether it is true is the matter of `truth_claude_code`.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod ends;

use std::time::Duration;

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, MODEL, Reply, VERSION};
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{PATIENT, SOON};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::Value;

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
    assert_eq!(done["ended"]["how"], "interrupted");
    assert_eq!(stage.home.registry(), Vec::<Value>::new());
}
