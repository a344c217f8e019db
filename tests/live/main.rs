//! Terminals of the real Codex, whose daemon tells what their threads do, and lets a second client
//! answer.
//!
//! Each home costs a copy of the daemon, so all of it happens in one home, one test after another.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod ends;

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::model::{Model, Script, command, escalated, question, say};
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::terminal::Terminal;
use mission_control_testkit::wait::{PATIENT, SOON, Stopwatch, wait_for};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::Value;

/// How long a daemon keeps the thread of a terminal that was left, and some more.
const UNLOADED_WITHIN: Duration = Duration::from_secs(100);

/// What all tests share.
struct Stage {
    model: Model,
    home: CodexHome,
    front: Front,
    n_prompts: u32,
}

/// A terminal in a conversation of its own.
struct Talk {
    terminal: Terminal,
    watch: Watch,
    id: String,
    marker: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.home.end_daemon();
    }
}

/// A name, and what happens.
type Scene = (&'static str, fn(&mut Stage));

/// What happens in the one home, one after the other.
const SCENES: &[Scene] = &[
    (
        "asked, answered in the terminal",
        a_request_is_seen_told_once_and_over_when_the_terminal_answers,
    ),
    (
        "asked, answered from here",
        an_answer_from_here_reaches_the_agent_once,
    ),
    (
        "asked, declined from here",
        what_is_declined_from_here_is_not_done,
    ),
    (
        "a question, answered from here",
        a_question_takes_one_of_its_answers,
    ),
    (
        "working, interrupted from here",
        a_turn_is_interrupted_and_its_terminal_stays,
    ),
    (
        "left while idle, taken up elsewhere",
        looking_changes_nothing,
    ),
    (
        "terminal killed while working",
        a_terminal_that_is_killed_leaves_its_turn_to_the_daemon,
    ),
    (
        "daemon killed while asked",
        a_daemon_that_dies_ends_what_waited,
    ),
    (
        "left in every way, idle, working and asked",
        ends::threads_outlive_their_terminals,
    ),
    (
        "left in every way without a daemon",
        ends::a_terminal_on_its_own_takes_its_session_along,
    ),
    (
        "gone to by its title",
        a_terminal_is_found_by_the_thread_in_its_title,
    ),
    ("examined", ends::the_doctor_says_how_the_daemon_stands),
];

#[test]
fn what_is_told_of_terminals_is_true() {
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

impl Stage {
    fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        let mut script = Script::new([say("A title")]);
        for n in 0..40 {
            let marker = home.path().join(format!("marker-{n}"));
            let touch = format!("touch {}", marker.display());
            script = script
                .on(&format!("Ask {n}."), [escalated(&touch), say("Asked.")])
                .on(
                    &format!("Work {n}."),
                    [command("sleep 300"), say("Worked.")],
                )
                .on(
                    &format!("Choose {n}."),
                    [question("Which colour?", &["Blue", "Red"]), say("Chosen.")],
                )
                .on(&format!("Say {n}."), [say("Said.")]);
        }
        home.always_plays(&model.plays("live", script));
        Self {
            model,
            home,
            front,
            n_prompts: 0,
        }
    }

    /// Opens a terminal with a prompt of the kind `word`, and finds its session.
    fn talk(&mut self, word: &str) -> Talk {
        self.talk_with(word, &[])
    }

    /// The same with further arguments.
    fn talk_with(&mut self, word: &str, args: &[&str]) -> Talk {
        let n = self.n_prompts;
        self.n_prompts += 1;
        let prompt = format!("{word} {n}.");
        let mut watch = self.front.watch();
        let terminal = self
            .home
            .tui(&[&["-a", "on-request"], args, &[&prompt]].concat());
        let session = watch.wait_for(PATIENT, "the session appears", |event| {
            event["session"]["last_prompt"] == prompt.as_str()
        });
        Talk {
            terminal,
            watch,
            id: session["session"]["id"].as_str().unwrap().to_owned(),
            marker: self.home.path().join(format!("marker-{n}")),
        }
    }

    /// Whether a tool's output that reached the agent of `session` has the word `answer`.
    fn was_told(&self, session: &str, answer: &str) -> bool {
        let thread = session.rsplit(":").next().unwrap();
        let rollout = fs::read_to_string(self.home.rollout(thread)).unwrap();
        let answer = format!("\\\"{answer}\\\"");
        rollout
            .lines()
            .any(|line| line.contains("function_call_output") && line.contains(&answer))
    }
}

impl Talk {
    /// Waits until a person is asked, here and in the terminal.
    fn wait_for_need(&mut self) -> Value {
        self.terminal.wait_for("Would you like to run");
        self.watch
            .wait_until(SOON, &self.id, "needs somebody", |session| {
                session["status"] == "needs_you" && !session["need"].is_null()
            })
    }

    fn wait_for_status(&mut self, status: &str) -> Value {
        self.watch.wait_for_status(PATIENT, &self.id, status)
    }

    /// Leaves the terminal's program as a person does.
    fn quit(&self) {
        self.terminal.type_in("/quit");
        self.terminal.press(&["Enter"]);
        wait_for(PATIENT, "the terminal's end", || {
            (!self.terminal.is_open()).then_some(())
        });
    }

    fn kinds(&self) -> Vec<String> {
        let notices = self.watch.notices();
        let own = notices
            .iter()
            .filter(|notice| notice["session_id"] == self.id.as_str());
        own.map(|notice| notice["kind"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn a_request_is_seen_told_once_and_over_when_the_terminal_answers(stage: &mut Stage) {
    let mut talk = stage.talk("Ask");

    let asked = talk.wait_for_need();
    let listed = stage.front.sessions()[&talk.id].clone();
    talk.terminal.press(&["y"]);
    let paused = talk.wait_for_status("paused");
    talk.quit();

    let need = &asked["need"];
    let touch = format!("\n$ touch {}", talk.marker.display());
    assert!(
        need["summary"].as_str().unwrap().ends_with(&touch),
        "{need}"
    );
    assert_eq!(need["kind"], "approval");
    assert_eq!(need["can_answer"], true);
    let request = need["request_id"].as_str().unwrap();
    assert!(
        request.starts_with(asked["turn"]["id"].as_str().unwrap()),
        "{request}"
    );
    assert_eq!(asked["evidence"]["from"], "live_protocol");
    assert_eq!(
        asked["client"], "tui",
        "the daemon is named by the terminal, not by whoever looks"
    );
    assert_eq!(listed["need"], *need, "whoever starts late is told, too");
    assert_eq!(paused["need"], Value::Null);
    assert!(talk.marker.exists());
    assert_eq!(talk.kinds(), ["needs_you", "turn_completed"]);
    // A thread is there before its first turn.
    let statuses = talk.watch.statuses(&talk.id);
    let begins = usize::from(statuses[0] == "paused");
    // Of two changes at once, only the later one is told.
    let told = statuses.into_iter().skip(begins);
    let told: Vec<_> = told.filter(|status| status != "working").collect();
    assert_eq!(told, ["needs_you", "paused"]);
}

fn an_answer_from_here_reaches_the_agent_once(stage: &mut Stage) {
    let mut talk = stage.talk("Ask");
    let need = talk.wait_for_need()["need"].clone();
    let request = need["request_id"].as_str().unwrap();

    let other = stage.front.run(&["answer", &talk.id, "t/other", "accept"]);
    let odd = stage.front.run(&["answer", &talk.id, request, "perhaps"]);
    let took = Stopwatch::start();
    let answered = stage
        .front
        .run(&["answer", &talk.id, request, "accept", "--json"]);
    talk.wait_for_status("paused");
    let late = stage.front.run(&["answer", &talk.id, request, "accept"]);

    assert_eq!(other.exit, Exit::Code(3), "{other:?}");
    assert!(other.stderr.contains(request), "{other:?}");
    assert_eq!(odd.exit, Exit::Code(2), "{odd:?}");
    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    let answered: Value = serde_json::from_str(&answered.stdout).unwrap();
    assert_eq!(answered["confirmed"], true, "after {:?}", took.elapsed());
    assert_eq!(late.exit, Exit::Code(3), "{late:?}");
    talk.terminal.wait_until_gone("Would you like to run");
    talk.terminal.wait_for("Asked.");
    assert!(talk.marker.exists());
    talk.quit();
}

fn what_is_declined_from_here_is_not_done(stage: &mut Stage) {
    let mut talk = stage.talk("Ask");
    let need = talk.wait_for_need()["need"].clone();

    let request = need["request_id"].as_str().unwrap();
    let answered = stage.front.run(&["answer", &talk.id, request, "decline"]);

    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    talk.wait_for_status("paused");
    talk.terminal.wait_until_gone("Would you like to run");
    assert!(!talk.marker.exists());
    talk.quit();
}

fn a_question_takes_one_of_its_answers(stage: &mut Stage) {
    let mut talk = stage.talk("Choose");
    let session = talk.watch.wait_until(PATIENT, &talk.id, "asks", |session| {
        session["status"] == "needs_you" && !session["need"].is_null()
    });
    let need = &session["need"];
    let request = need["request_id"].as_str().unwrap();

    let answered = stage.front.run(&["answer", &talk.id, request, "red"]);
    talk.wait_for_status("paused");

    assert_eq!(need["kind"], "question");
    assert_eq!(need["choices"], serde_json::json!(["Blue", "Red"]));
    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    talk.terminal.wait_for("Chosen.");
    assert!(stage.was_told(&talk.id, "Red"));
    assert_eq!(talk.kinds(), ["needs_you", "turn_completed"]);
    talk.quit();
}

fn a_turn_is_interrupted_and_its_terminal_stays(stage: &mut Stage) {
    let mut talk = stage.talk("Work");
    talk.watch
        .wait_until(PATIENT, &talk.id, "works", |session| {
            session["status"] == "working" && !session["turn"].is_null()
        });
    stage.model.wait_for_requests("live", 1, PATIENT);

    let stopped = stage.front.run(&["stop", &talk.id, "--json"]);
    talk.wait_for_status("paused");
    let again = stage.front.run(&["stop", &talk.id]);

    assert_eq!(stopped.exit, Exit::Code(0), "{stopped:?}");
    let stopped: Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!(stopped["stopped"], true);
    assert_eq!(stopped["how"], "turn_interrupted");
    assert_eq!(again.exit, Exit::Code(4), "no turn runs: {again:?}");
    assert!(talk.terminal.is_open());
    assert_eq!(talk.kinds(), ["turn_interrupted"]);
    talk.quit();
}

fn looking_changes_nothing(stage: &mut Stage) {
    let mut talk = stage.talk("Say");
    talk.wait_for_status("paused");
    let thread = talk.id.strip_prefix("codex:").unwrap().to_owned();

    talk.quit();
    let after_quit = talk.watch.session(&talk.id).unwrap();
    let done = talk
        .watch
        .wait_for_status(UNLOADED_WITHIN, &talk.id, "done");
    let script = stage.model.plays("again", Script::new([say("Again.")]));
    let resume = Run {
        args: vec!["resume", &thread],
        ..Run::new(&script, "Once more.")
    };
    let mut run = stage.home.exec(&resume);

    assert_eq!(
        after_quit["status"], "paused",
        "the daemon keeps it for a while"
    );
    assert_eq!(done["ended"]["how"], "closed", "{done:#}");
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
}

fn a_terminal_that_is_killed_leaves_its_turn_to_the_daemon(stage: &mut Stage) {
    let mut talk = stage.talk("Work");
    let working = talk.wait_for_status("working");

    drop(talk.terminal);
    talk.watch.wait_for_heartbeat();
    let later = talk.watch.session(&talk.id).unwrap();
    for pid in stage.home.daemon() {
        process::send(pid, StopSignal::KILL);
    }
    let done = talk.watch.wait_for_status(SOON, &talk.id, "done");

    assert_eq!(later["status"], "working");
    assert_eq!(later["turn"]["id"], working["turn"]["id"]);
    assert_eq!(done["ended"]["how"], "killed");
}

fn a_daemon_that_dies_ends_what_waited(stage: &mut Stage) {
    let mut talk = stage.talk("Ask");
    talk.wait_for_need();

    for pid in stage.home.daemon() {
        process::send(pid, StopSignal::KILL);
    }
    let done = talk.watch.wait_for_status(SOON, &talk.id, "done");

    assert_eq!(done["ended"]["how"], "killed");
    assert_eq!(done["need"], Value::Null);
    assert!(!talk.marker.exists());
}

/// Whatever it shows later, the title of a terminal that is told to names the thread it shows.
fn a_terminal_is_found_by_the_thread_in_its_title(stage: &mut Stage) {
    let opened = |stage: &Stage, talk: &Talk| {
        let said = stage.front.run(&["open", &talk.id, "--json"]);
        serde_json::from_str::<Value>(&said.stdout).unwrap()
    };
    let mut untitled = stage.talk("Say");
    untitled.wait_for_status("paused");
    let refused = opened(stage, &untitled);
    untitled.quit();

    stage.home.entitle_terminals(&["project-name", "thread-id"]);
    let mut talks = [stage.talk("Say"), stage.talk("Say")];
    for talk in &mut talks {
        talk.wait_for_status("paused");
    }

    let says = refused["says"].as_str().unwrap();
    assert_eq!(refused["tmux"], Value::Null);
    assert!(
        says.contains("choose `thread-id` in Codex's `/title`"),
        "{says}"
    );
    for talk in talks {
        let found = wait_for(SOON, "its terminal is found", || {
            let opened = opened(stage, &talk);
            (!opened["tmux"].is_null()).then_some(opened)
        });
        assert_eq!(found["tmux"]["socket"], talk.terminal.socket(), "{found}");
        talk.quit();
    }
}
