//! Messages to the real Codex and interruptions of it: terminals on the daemon, terminals and runs
//! of their own.
//!
//! Each home costs a copy of the daemon, so all of it happens in one home, one scene after another.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]
#![expect(clippy::print_stdout, reason = "figures are for whoever looks")]

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use mission_control_testkit::codex::{CodexHome, HeldCommand, Run, program_path};
use mission_control_testkit::model::{Model, Script, command, escalated, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::terminal::Terminal;
use mission_control_testkit::wait::{PATIENT, Stopwatch, wait_for};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::Value;

/// How long a daemon keeps the thread of a terminal that was left, and some more.
const UNLOADED_WITHIN: Duration = Duration::from_secs(100);

/// What all scenes share.
struct Stage {
    model: Model,
    home: CodexHome,
    front: Front,
    held: Vec<HeldCommand>,
}

/// A terminal in a conversation of its own.
struct Talk {
    terminal: Terminal,
    watch: Watch,
    id: String,
}

/// A name, and what happens.
type Scene = (&'static str, fn(&mut Stage));

const SCENES: &[Scene] = &[
    ("into the running turn", a_running_turn_takes_a_message_in),
    ("to an idle terminal", an_idle_terminal_starts_a_turn),
    ("while asked", a_turn_that_waits_takes_a_message_in),
    ("into the queue", a_queued_message_has_a_turn_of_its_own),
    ("interrupted", a_turn_is_interrupted_once),
    (
        "a terminal of its own",
        a_terminal_of_its_own_plays_its_queue,
    ),
    ("interrupted there", an_interruption_holds_the_queue),
    ("a run", a_run_takes_messages_once_it_has_ended),
    (
        "a run of a terminal's",
        a_run_of_a_terminals_thread_is_left_alone,
    ),
    ("left", a_thread_that_was_told_something_unloads),
];

#[test]
fn messages_arrive_where_they_are_said_to() {
    let mut stage = Stage::new();
    let mut untrue = Vec::new();
    for (name, play) in SCENES {
        let played = std::panic::catch_unwind(AssertUnwindSafe(|| play(&mut stage)));
        if played.is_err() {
            untrue.push(*name);
        }
    }
    assert_eq!(untrue, Vec::<&str>::new(), "of {} scenes", SCENES.len());
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.home.end_daemon();
    }
}

impl Stage {
    fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        front.write_settings(&format!(
            "[codex]\nprogram = \"{}\"\n",
            program_path().display()
        ));
        let mut script = Script::new([say("A title")]).on("Say.", [say("Said.")]);
        let mut held = Vec::new();
        for n in 0..SCENES.len() {
            let hold = home.held_command(&format!("held-{n}"));
            script = script
                .on(&format!("Hold {n}."), [command(&hold.line()), say("Held.")])
                .on(&format!("Road {n}."), [say(&format!("Took road {n}."))]);
            held.push(hold);
        }
        let marker = home.path().join("marker");
        let touch = escalated(&format!("touch {}", marker.display()));
        let script = script.on("Ask.", [touch, say("Asked.")]);
        home.always_plays(&model.plays("messages", script));
        Self {
            model,
            home,
            front,
            held,
        }
    }

    /// Opens a terminal with a prompt and finds its session.
    fn talk(&self, prompt: &str, options: &[&str]) -> Talk {
        let mut watch = self.front.watch();
        let args = [options, &["-a", "on-request", prompt]].concat();
        let terminal = self.home.tui(&args);
        let session = watch.wait_for(PATIENT, "the session appears", |event| {
            let session = &event["session"];
            session["last_prompt"] == prompt && session["ended"].is_null()
        });
        Talk {
            terminal,
            watch,
            id: session["session"]["id"].as_str().unwrap().to_owned(),
        }
    }

    /// Tells a session something that has to be taken.
    fn tell(&self, id: &str, text: &str, options: &[&str]) -> Value {
        let args = [&["tell", id, text, "--json"], options].concat();
        let took = Stopwatch::start();
        let sent = self.front.json(&args);
        println!("tell {text:?} {options:?}: {:?}", took.elapsed());
        sent
    }

    /// How often `text` stands in the latest request of the conversation that began with `first`.
    fn n_in_latest(&self, first: &str, text: &str) -> usize {
        let requests = self.model.requests("messages");
        let latest = requests.iter().rev().map(prompts);
        let latest = latest.into_iter().find(|said| {
            said.first().is_some_and(|said| said == first) && said.iter().any(|said| said == text)
        });
        let said = latest.unwrap_or_default();
        said.iter().filter(|said| *said == text).count()
    }
}

/// What people said in a request, without what the agent adds.
fn prompts(request: &Value) -> Vec<String> {
    let items = request["input"].as_array().into_iter().flatten();
    let of_people = items.filter(|item| item["type"] == "message" && item["role"] == "user");
    let texts = of_people.filter_map(|item| item["content"][0]["text"].as_str());
    let said = texts.filter(|text| !text.starts_with(['<', '#']));
    said.map(str::to_owned).collect()
}

impl Talk {
    /// Waits until a session is so.
    fn wait(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.watch.wait_until(PATIENT, &self.id, what, is_so)
    }

    fn wait_for_way(&mut self, way: &str) -> Value {
        self.wait(way, |session| session["message_way"]["type"] == way)
    }

    /// Leaves the terminal's program as a person does.
    fn quit(&self) {
        self.terminal.type_in("/quit");
        self.terminal.press(&["Enter"]);
        wait_for(PATIENT, "the terminal's end", || {
            (!self.terminal.is_open()).then_some(())
        });
    }
}

fn a_running_turn_takes_a_message_in(stage: &mut Stage) {
    let mut talk = stage.talk("Hold 0.", &[]);
    let working = talk.wait_for_way("steer");

    let sent = stage.tell(&talk.id, "Road 0.", &[]);
    stage.held[0].release();
    talk.terminal.wait_for("Took road 0.");
    let paused = talk.wait_for_way("start");

    assert_eq!(sent["delivery"], "steered");
    assert_eq!(sent["turn_id"], working["turn"]["id"]);
    assert_eq!(working["can_interrupt"], true);
    assert_eq!(working["stop_way"], "turn");
    assert_eq!(paused["can_interrupt"], false);
    assert_eq!(paused["stop_way"], "none");
    assert_eq!(paused["last_turn"]["id"], working["turn"]["id"]);
    assert_eq!(stage.n_in_latest("Hold 0.", "Road 0."), 1);
    talk.quit();
}

fn an_idle_terminal_starts_a_turn(stage: &mut Stage) {
    let mut talk = stage.talk("Say.", &[]);
    let paused = talk.wait_for_way("start");

    let sent = stage.tell(&talk.id, "Road 1.", &[]);
    talk.terminal.wait_for("Took road 1.");
    let started = sent["turn_id"].clone();
    talk.wait("that turn is over", |session| {
        session["last_turn"]["id"] == started && session["status"] == "paused"
    });

    assert_eq!(sent["delivery"], "started");
    assert_ne!(started, paused["turn"]["id"]);
    assert_eq!(stage.n_in_latest("Say.", "Road 1."), 1);
    assert_eq!(
        paused["client"], "tui",
        "whoever sends messages gives no name to what is not its own"
    );
    talk.quit();
}

fn a_turn_that_waits_takes_a_message_in(stage: &mut Stage) {
    let mut talk = stage.talk("Ask.", &[]);
    talk.terminal.wait_for("Would you like to run");
    talk.wait_for_way("steer");

    let sent = stage.tell(&talk.id, "Road 2.", &[]);
    talk.terminal.press(&["y"]);
    talk.terminal.wait_for("Took road 2.");
    talk.wait_for_way("start");

    assert_eq!(sent["delivery"], "steered");
    assert_eq!(stage.n_in_latest("Ask.", "Road 2."), 1);
    talk.quit();
}

fn a_queued_message_has_a_turn_of_its_own(stage: &mut Stage) {
    let mut talk = stage.talk("Hold 3.", &[]);
    let working = talk.wait_for_way("steer");

    let sent = stage.tell(&talk.id, "Road 3.", &["--queue"]);
    stage.held[3].release();
    talk.terminal.wait_for("Took road 3.");
    let paused = talk.wait("both turns are over", |session| {
        session["last_prompt"] == "Road 3." && session["status"] == "paused"
    });

    assert_eq!(sent["delivery"], "queued");
    assert!(sent["queued_id"].is_string(), "{sent}");
    assert_eq!(sent["turn_id"], Value::Null);
    assert_ne!(paused["last_turn"]["id"], working["turn"]["id"]);
    assert_eq!(stage.n_in_latest("Hold 3.", "Road 3."), 1);
    talk.quit();
}

fn a_turn_is_interrupted_once(stage: &mut Stage) {
    let mut talk = stage.talk("Hold 4.", &[]);
    let working = talk.wait_for_way("steer");
    let held = stage.tell(&talk.id, "Road 4.", &["--queue"]);

    let took = Stopwatch::start();
    let interrupted = stage.front.json(&["interrupt", &talk.id, "--json"]);
    println!("interrupt: {:?}", took.elapsed());
    talk.wait_for_way("start");
    let again = stage.front.run(&["interrupt", &talk.id]);
    let screen = talk.terminal.screen();
    let next = stage.tell(&talk.id, "Say.", &[]);
    talk.terminal.wait_for("Took road 4.");

    assert_eq!(interrupted["interrupted"], true);
    assert_eq!(interrupted["turn_id"], working["turn"]["id"]);
    assert_eq!(again.exit, Exit::Code(1), "{again:?}");
    assert!(talk.terminal.is_open());
    assert_eq!(held["delivery"], "queued");
    assert!(
        !screen.contains("Took road 4."),
        "the queue waits for the next turn: {screen}"
    );
    assert_eq!(next["delivery"], "started");
    let notices = talk.watch.notices();
    let own = notices
        .iter()
        .filter(|told| told["turn_id"] == working["turn"]["id"]);
    let kinds: Vec<&str> = own.map(|told| told["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["turn_interrupted"]);
    talk.quit();
}

fn a_terminal_of_its_own_plays_its_queue(stage: &mut Stage) {
    let mut talk = stage.talk("Hold 5.", &["--no-daemon"]);
    talk.wait_for_way("queue");

    let busy = stage.tell(&talk.id, "Road 5.", &[]);
    let interrupted = stage.front.run(&["interrupt", &talk.id]);
    stage.held[5].release();
    talk.terminal.wait_for("Took road 5.");
    talk.wait("idle", |session| {
        session["status"] == "paused" && session["last_prompt"] == "Road 5."
    });
    let took = Stopwatch::start();
    let idle = stage.tell(&talk.id, "Road 6.", &[]);
    talk.terminal.wait_for("Took road 6.");
    println!("queue of an idle terminal of its own: {:?}", took.elapsed());

    assert_eq!(busy["delivery"], "queued");
    assert!(busy["queued_id"].is_string(), "{busy}");
    assert_eq!(idle["delivery"], "queued");
    assert_eq!(stage.n_in_latest("Hold 5.", "Road 5."), 1);
    assert_eq!(stage.n_in_latest("Hold 5.", "Road 6."), 1);
    assert_eq!(interrupted.exit, Exit::Code(4), "{interrupted:?}");
    let stop = format!("mission-control stop {}", talk.id);
    assert!(interrupted.stderr.contains(&stop), "{interrupted:?}");
    talk.quit();
}

fn an_interruption_holds_the_queue(stage: &mut Stage) {
    let mut talk = stage.talk("Hold 7.", &["--no-daemon"]);
    talk.wait_for_way("queue");
    talk.terminal.wait_for("esc to interrupt");
    talk.terminal.press(&["Escape"]);
    talk.wait_for_way("hold");

    let held = stage.tell(&talk.id, "Road 8.", &[]);
    talk.terminal.type_in("Say.");
    talk.terminal.press(&["Enter"]);
    talk.terminal.wait_for("Took road 8.");
    let screen = talk.terminal.screen();

    assert_eq!(held["delivery"], "held");
    let said = screen.find("Said.").unwrap();
    assert!(said < screen.find("Took road 8.").unwrap(), "{screen}");
    talk.quit();
}

fn a_run_takes_messages_once_it_has_ended(stage: &mut Stage) {
    let first = Script::new([command(&stage.held[6].line()), say("Held.")]);
    let first = stage.model.plays("run", first);
    let mut run = stage.home.exec(&Run::new(&first, "Hold."));
    let thread = run.thread_id();
    let id = format!("codex:{thread}");
    stage.model.wait_for_requests("run", 1, PATIENT);

    let while_running = stage.front.run(&["tell", &id, "Road 6."]);
    stage.held[6].release();
    let exit = run.wait();
    let sent = stage.tell(&id, "Road 7.", &[]);
    let script = stage.model.plays("next", Script::new([say("Done.")]));
    let resume = Run::new(&script, "Go on.").from_thread("resume", &thread);
    let next_exit = stage.home.exec(&resume).wait();

    assert_eq!(while_running.exit, Exit::Code(4), "{while_running:?}");
    assert!(
        while_running.stderr.contains("Send it once it has ended."),
        "{while_running:?}"
    );
    assert_eq!(exit, Exit::Code(0), "{}", run.stderr());
    assert_eq!(sent["delivery"], "kept");
    assert_eq!(next_exit, Exit::Code(0));
    let requests = stage.model.requests("next");
    let said: Vec<String> = requests.last().map(prompts).unwrap();
    let n_told = said.iter().filter(|said| said.starts_with("Road")).count();
    assert_eq!(n_told, 1, "{said:?}");
}

fn a_run_of_a_terminals_thread_is_left_alone(stage: &mut Stage) {
    let mut talk = stage.talk("Say.", &["--no-daemon"]);
    talk.wait("idle", |session| session["status"] == "paused");
    talk.quit();
    talk.wait_for_way("keep");
    let thread = talk.id.strip_prefix("codex:").unwrap().to_owned();
    let script = Script::new([command(&stage.held[8].line()), say("Held.")]);
    let script = stage.model.plays("terminals-run", script);
    let resume = Run::new(&script, "Hold.").from_thread("resume", &thread);
    let mut run = stage.home.exec(&resume);
    stage.model.wait_for_requests("terminals-run", 1, PATIENT);
    talk.wait("works", |session| session["status"] == "working");

    let told = stage.front.run(&["tell", &talk.id, "Road 6."]);
    stage.held[8].release();

    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    assert_eq!(told.exit, Exit::Code(4), "{told:?}");
}

fn a_thread_that_was_told_something_unloads(stage: &mut Stage) {
    let mut talk = stage.talk("Say.", &[]);
    talk.wait_for_way("start");
    stage.tell(&talk.id, "Road 7.", &[]);
    talk.terminal.wait_for("Took road 7.");
    talk.wait_for_way("start");

    talk.quit();
    let done = talk
        .watch
        .wait_for_status(UNLOADED_WITHIN, &talk.id, "done");
    let by_its_beginning = stage.front.run(&["tell", &talk.id, "Road 7.", "--json"]);

    assert_eq!(done["ended"]["how"], "closed");
    assert_eq!(done["message_way"]["type"], "keep");
    let kept: Value = serde_json::from_str(&by_its_beginning.stdout).unwrap();
    assert_eq!(kept["delivery"], "kept");
}
