//! Terminals, whose threads a daemon runs, or they themselves.

use std::path::PathBuf;

use mission_control_testkit::codex::Run;
use mission_control_testkit::model::{Gate, Script, Step, command, escalated, question, say};
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::terminal::Terminal;
use mission_control_testkit::truth::{Phase, State};
use mission_control_testkit::wait::{Moment, PATIENT, SOON, wait_for};
use serde_json::{Value, json};

use super::stage::{Left, OF_A_RUN, OF_AN_END, Stage, session_id};

/// What a monitor may rest on for a thread that the daemon has loaded.
const OF_THE_DAEMON: &[&str] = &["live_protocol"];

/// How long a daemon keeps the thread of a terminal that was left, and some more.
const UNLOADED_WITHIN: std::time::Duration = std::time::Duration::from_secs(100);

/// What a terminal asks before it runs a command.
const MAY_RUN: &str = "Would you like to run";

const SEEN: &str = "request in a terminal to needs_you told";
const ENDED: &str = "SIGKILL to its end told";
const WENT_ON: &str = "`answer` started to the agent goes on";
const HEARD: &str = "the agent goes on to working told";

/// A terminal in a conversation of its own.
struct Talk {
    terminal: Terminal,
    thread: String,
    id: String,
}

/// A conversation with one request in it: the gates of its three answers, and its command's mark.
struct Asking {
    asks: Gate,
    goes_on: Gate,
    marker: PathBuf,
    line: String,
}

impl Asking {
    fn new(stage: &Stage, name: &str) -> Self {
        let marker = stage.home.path().join(format!("marker-{name}"));
        Self {
            asks: Gate::default(),
            goes_on: Gate::default(),
            line: format!("touch {}", marker.display()),
            marker,
        }
    }

    fn steps(&self) -> [Step; 2] {
        [
            escalated(&self.line).behind(&self.asks),
            say("Asked.").behind(&self.goes_on),
        ]
    }
}

/// Opens a terminal with a prompt and waits until the model is asked at `gate`.
#[track_caller]
fn talk(stage: &mut Stage, prompt: &str, args: &[&str], gate: &Gate) -> Talk {
    let begins = Moment::now();
    let terminal = stage
        .home
        .tui(&[&["-a", "on-request"], args, &[prompt]].concat());
    let known = gate.reached_at(PATIENT);
    let thread = stage.home.thread_of(prompt);
    let id = session_id(&thread);
    stage.truth.may_be(
        Phase::new(&id, State::Paused, begins),
        "a terminal's thread may be seen before its first turn",
    );
    stage.truth.is(Phase::new(&id, State::Working, begins)
        .known_at(known)
        .with("/last_prompt", prompt)
        .with("/client", "tui"));
    Talk {
        terminal,
        thread,
        id,
    }
}

impl Talk {
    /// Lets the agent ask, and takes down that a person is waited for as soon as the terminal shows
    /// it. Returns the request's id.
    #[track_caller]
    fn asks(&self, stage: &mut Stage, asking: &Asking, n_call: usize) -> String {
        let begins = Moment::now();
        asking.asks.open();
        self.terminal.wait_for(&asking.line);
        self.terminal.wait_for(MAY_RUN);
        let known = Moment::now();
        let turn = stage.home.last_turn(&self.thread);
        let request = format!("{turn}/{}", stage.home.tool_call(&self.thread, n_call));
        stage.truth.is(Phase::new(&self.id, State::NeedsYou, begins)
            .known_at(known)
            .measured_as(SEEN)
            .on(OF_THE_DAEMON)
            .with("/need/kind", "approval")
            .with("/need/can_answer", true)
            .with_end("/need/summary", &format!("\n$ {}", asking.line))
            .asks(&turn, &request));
        request
    }

    /// Takes down that the agent goes on since `begins`.
    #[track_caller]
    fn goes_on(&self, stage: &mut Stage, gate: &Gate, begins: Moment) -> Moment {
        let known = gate.reached_at(PATIENT);
        stage.truth.is(Phase::new(&self.id, State::Working, begins)
            .known_at(known)
            .measured_as(HEARD)
            .on(OF_THE_DAEMON)
            .with("/need", Value::Null));
        known
    }

    /// Opens the last gate and takes down that the turn is over.
    #[track_caller]
    fn completes(&self, stage: &mut Stage, gate: &Gate, says: &str) {
        let begins = Moment::now();
        gate.open();
        self.terminal.wait_for(says);
        self.is_over(stage, begins, "completed");
    }

    /// Takes down that the turn is over and the terminal open.
    fn is_over(&self, stage: &mut Stage, begins: Moment, outcome: &str) {
        let turn = stage.home.last_turn(&self.thread);
        let kind = match outcome {
            "completed" => "turn_completed",
            "interrupted" => "turn_interrupted",
            _ => "turn_failed",
        };
        // Once the daemon lets go, the transcript is all there is until the lock is.
        stage.truth.is(Phase::new(&self.id, State::Paused, begins)
            .on(&["live_protocol", "transcript"])
            .with("/need", Value::Null)
            .with("/last_turn/id", &*turn)
            .with("/last_turn/outcome", outcome)
            .tells(kind, &turn));
    }

    /// Leaves the terminal's program as a person does; the daemon keeps the thread for a while.
    #[track_caller]
    fn quit(self, stage: &mut Stage, how: &'static str) {
        let since = Moment::now();
        self.leave();
        stage.left.push(Left {
            id: self.id,
            since,
            how,
        });
    }

    #[track_caller]
    fn leave(&self) {
        self.terminal.type_in("/quit");
        self.terminal.press(&["Enter"]);
        wait_for(PATIENT, "the terminal's end", || {
            (!self.terminal.is_open()).then_some(())
        });
    }
}

pub(crate) fn left_while_idle(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Say", [say("Said.").behind(&gate)]);
    let talk = talk(stage, &prompt, &[], &gate);
    talk.completes(stage, &gate, "Said.");
    talk.leave();
    let release = stage.home.follow_release(&talk.thread, UNLOADED_WITHIN);
    stage.kept = Some((talk.id, talk.thread, release));
}

/// The end of what [`left_while_idle`] left: when the daemon lets go of it, and not before.
pub(crate) fn unloaded(stage: &mut Stage) {
    let (id, thread, release) = stage.kept.take().expect("a terminal was left");
    let seen = release.wait();
    let (held_at, freed_at) =
        seen.expect("the daemon keeps a thread for a while, and not for ever");
    stage.truth.is(Phase::new(&id, State::Done, held_at)
        .known_at(freed_at)
        .on(OF_AN_END)
        .with("/ended/how", "closed"));

    // Whoever takes it up now finds it as if nobody had looked.
    let gate = Gate::default();
    let script = stage.script(Script::new([say("Again.").behind(&gate)]));
    let run = Run::new(&script, "Once more.").from_thread("resume", &thread);
    let begins = Moment::now();
    let mut run = stage.home.exec(&run);
    let known = gate.reached_at(PATIENT);
    stage.truth.may_be(
        Phase::new(&id, State::Paused, begins),
        "a run that takes a thread up may hold it for seconds before its turn",
    );
    stage
        .truth
        .is(Phase::new(&id, State::Working, begins).known_at(known));
    let turn = stage.home.turn(&thread, 2);
    let since = Moment::now();
    gate.open();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let done = Phase::new(&id, State::Done, since);
    stage.truth.may_be(
        Phase::new(&id, State::Paused, since),
        "a run may take longer than a second to leave after its turn",
    );
    stage
        .truth
        .is(done.on(OF_AN_END).tells("turn_completed", &turn));
}

pub(crate) fn answered_there(stage: &mut Stage) {
    let asking = Asking::new(stage, "there");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    let request = talk.asks(stage, &asking, 1);
    // Whoever comes now is told, too, and whoever only looks.
    stage.truth.start_monitor(&stage.front, "third");
    stage.truth.repeats(&talk.id);
    let listed = stage.front.sessions()[&talk.id].clone();
    assert_eq!(listed["status"], "needs_you");
    assert_eq!(listed["need"]["request_id"], *request);

    let begins = Moment::now();
    talk.terminal.press(&["y"]);
    talk.goes_on(stage, &asking.goes_on, begins);
    assert!(asking.marker.exists());
    stage.truth.end_monitor("third");
    talk.completes(stage, &asking.goes_on, "Asked.");
    talk.quit(stage, "closed");
}

/// A monitor that fetches a request while it is answered has to learn that it was.
pub(crate) fn answered_while_fetched(stage: &mut Stage) {
    let asking = Asking::new(stage, "fetched");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    talk.asks(stage, &asking, 1);

    stage
        .truth
        .start_monitor(&stage.front, "comes at the answer");
    let begins = Moment::now();
    talk.terminal.press(&["y"]);
    talk.goes_on(stage, &asking.goes_on, begins);
    talk.completes(stage, &asking.goes_on, "Asked.");
    stage.truth.end_monitor("comes at the answer");
    talk.quit(stage, "closed");
}

pub(crate) fn answered_from_here(stage: &mut Stage) {
    let asking = Asking::new(stage, "here");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    let request = talk.asks(stage, &asking, 1);

    let other = stage.front.run(&["answer", &talk.id, "t/other", "accept"]);
    let odd = stage.front.run(&["answer", &talk.id, &request, "perhaps"]);
    let begins = Moment::now();
    let answered = stage
        .front
        .run(&["answer", &talk.id, &request, "accept", "--json"]);
    let known = talk.goes_on(stage, &asking.goes_on, begins);
    stage.truth.measured(WENT_ON, known.since(begins));
    let late = stage.front.run(&["answer", &talk.id, &request, "accept"]);

    assert_eq!(other.exit, Exit::Code(3), "{other:?}");
    assert!(other.stderr.contains(&request), "{other:?}");
    assert_eq!(odd.exit, Exit::Code(2), "{odd:?}");
    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    let answered: Value = serde_json::from_str(&answered.stdout).expect("JSON");
    assert_eq!(answered["confirmed"], true);
    assert_eq!(late.exit, Exit::Code(3), "{late:?}");
    talk.terminal.wait_until_gone(MAY_RUN);
    assert!(asking.marker.exists());
    talk.completes(stage, &asking.goes_on, "Asked.");
    talk.quit(stage, "closed");
}

pub(crate) fn declined_there(stage: &mut Stage) {
    let asking = Asking::new(stage, "no-there");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    talk.asks(stage, &asking, 1);

    // The terminal offers no with other words than yes: the turn ends there and then.
    let begins = Moment::now();
    talk.terminal.press(&["Escape"]);
    stage.truth.may_be(
        Phase::new(&talk.id, State::Working, begins),
        "a turn that waited goes on until it has been interrupted",
    );
    talk.terminal.wait_until_gone(MAY_RUN);
    talk.is_over(stage, begins, "interrupted");
    assert!(!asking.marker.exists());
    talk.quit(stage, "interrupted");
}

pub(crate) fn declined_from_here(stage: &mut Stage) {
    let asking = Asking::new(stage, "no-here");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    let request = talk.asks(stage, &asking, 1);

    let begins = Moment::now();
    let answered = stage.front.run(&["answer", &talk.id, &request, "decline"]);
    let known = talk.goes_on(stage, &asking.goes_on, begins);
    stage.truth.measured(WENT_ON, known.since(begins));
    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    talk.terminal.wait_until_gone(MAY_RUN);
    assert!(!asking.marker.exists());
    talk.completes(stage, &asking.goes_on, "Asked.");
    talk.quit(stage, "closed");
}

pub(crate) fn asked_a_question(stage: &mut Stage) {
    let (asks, goes_on) = (Gate::default(), Gate::default());
    let steps = [
        question("Which colour?", &["Blue", "Red"]).behind(&asks),
        say("Chosen.").behind(&goes_on),
    ];
    let prompt = stage.prompt("Choose", steps);
    let talk = talk(stage, &prompt, &[], &asks);

    let begins = Moment::now();
    asks.open();
    talk.terminal.wait_for("Which colour?");
    let known = Moment::now();
    let turn = stage.home.last_turn(&talk.thread);
    let request = format!("{turn}/{}", stage.home.tool_call(&talk.thread, 1));
    stage.truth.is(Phase::new(&talk.id, State::NeedsYou, begins)
        .known_at(known)
        .measured_as(SEEN)
        .on(OF_THE_DAEMON)
        .with("/need/kind", "question")
        .with("/need/choices", json!(["Blue", "Red"]))
        .asks(&turn, &request));

    let begins = Moment::now();
    let answered = stage.front.run(&["answer", &talk.id, &request, "red"]);
    let known = talk.goes_on(stage, &goes_on, begins);
    stage.truth.measured(WENT_ON, known.since(begins));
    assert_eq!(answered.exit, Exit::Code(0), "{answered:?}");
    assert!(stage.home.was_told(&talk.thread, "Red"));
    talk.completes(stage, &goes_on, "Chosen.");
    talk.quit(stage, "closed");
}

pub(crate) fn two_requests(stage: &mut Stage) {
    let (one, two) = (Asking::new(stage, "one"), Asking::new(stage, "two"));
    let steps = [
        escalated(&one.line).behind(&one.asks),
        escalated(&two.line).behind(&two.asks),
        say("Asked.").behind(&two.goes_on),
    ];
    let prompt = stage.prompt("Ask", steps);
    let talk = talk(stage, &prompt, &[], &one.asks);
    talk.asks(stage, &one, 1);
    let begins = Moment::now();
    talk.terminal.press(&["y"]);
    talk.goes_on(stage, &two.asks, begins);
    talk.asks(stage, &two, 2);
    let begins = Moment::now();
    talk.terminal.press(&["y"]);
    talk.goes_on(stage, &two.goes_on, begins);
    talk.completes(stage, &two.goes_on, "Asked.");
    talk.quit(stage, "closed");
}

pub(crate) fn interrupted(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [say("Too late.").behind(&gate)]);
    let talk = talk(stage, &prompt, &[], &gate);

    let begins = Moment::now();
    let stopped = stage.front.run(&["stop", &talk.id, "--json"]);
    talk.is_over(stage, begins, "interrupted");
    let again = stage.front.run(&["stop", &talk.id]);

    assert_eq!(stopped.exit, Exit::Code(0), "{stopped:?}");
    let stopped: Value = serde_json::from_str(&stopped.stdout).expect("JSON");
    assert_eq!(stopped["stopped"], true);
    assert_eq!(stopped["how"], "turn_interrupted");
    assert_eq!(again.exit, Exit::Code(4), "no turn runs: {again:?}");
    assert!(talk.terminal.is_open());
    talk.quit(stage, "interrupted");
}

pub(crate) fn failed(stage: &mut Stage) {
    let gate = Gate::default();
    let step = Step::http(400, "invalid_request_error", "The model is odd.");
    let prompt = stage.prompt("Fail", [step.behind(&gate)]);
    let talk = talk(stage, &prompt, &[], &gate);
    let begins = Moment::now();
    gate.open();
    talk.terminal.wait_for("The model is odd.");
    talk.is_over(stage, begins, "failed");
    talk.quit(stage, "failed");
}

/// Such a terminal runs its thread by itself and tells nobody that it asks.
pub(crate) fn without_daemon(stage: &mut Stage) {
    let asking = Asking::new(stage, "alone");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &["--no-daemon"], &asking.asks);
    stage
        .truth
        .remark("that it asks is written nowhere: it is told to work, and never to be over");
    asking.asks.open();
    talk.terminal.wait_for(MAY_RUN);
    stage.settle();

    talk.terminal.press(&["y"]);
    asking.goes_on.reached_at(PATIENT);
    stage.settle();
    let begins = Moment::now();
    asking.goes_on.open();
    talk.terminal.wait_for("Asked.");
    let turn = stage.home.last_turn(&talk.thread);
    stage.truth.is(Phase::new(&talk.id, State::Paused, begins)
        .on(OF_A_RUN)
        .with("/last_turn/outcome", "completed")
        .tells("turn_completed", &turn));

    let begins = Moment::now();
    talk.leave();
    stage.truth.is(Phase::new(&talk.id, State::Done, begins)
        .on(OF_AN_END)
        .with("/ended/how", "closed"));
}

pub(crate) fn without_daemon_killed(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [say("Too late.").behind(&gate)]);
    let talk = talk(stage, &prompt, &["--no-daemon"], &gate);
    let turn = stage.home.last_turn(&talk.thread);
    let begins = Moment::now();
    talk.terminal.kill();
    stage.truth.is(Phase::new(&talk.id, State::Done, begins)
        .on(OF_AN_END)
        .with("/ended/how", "killed")
        .tells("session_died", &turn));
}

pub(crate) fn left_while_working(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [say("Worked.").behind(&gate)]);
    let talk = talk(stage, &prompt, &[], &gate);

    // The daemon goes on with the turn.
    let since = Moment::now();
    talk.leave();
    stage.settle();
    let begins = Moment::now();
    gate.open();
    stage.home.wait_for_turn_end(&talk.thread);
    talk.is_over(stage, begins, "completed");
    stage.left.push(Left {
        id: talk.id,
        since,
        how: "closed",
    });
}

pub(crate) fn killed_while_working(stage: &mut Stage) {
    let gate = Gate::default();
    let prompt = stage.prompt("Work", [command("sleep 300").behind(&gate)]);
    let talk = talk(stage, &prompt, &[], &gate);
    let turn = stage.home.last_turn(&talk.thread);

    // The daemon goes on with the turn.
    talk.terminal.kill();
    stage.settle();
    let begins = Moment::now();
    kill_daemon(stage);
    stage.truth.is(Phase::new(&talk.id, State::Done, begins)
        .known_at(begins)
        .measured_as(ENDED)
        .on(OF_AN_END)
        .with("/ended/how", "killed")
        .tells("session_died", &turn));
    all_left_end(stage);
}

pub(crate) fn daemon_killed(stage: &mut Stage) {
    let asking = Asking::new(stage, "killed");
    let prompt = stage.prompt("Ask", asking.steps());
    let talk = talk(stage, &prompt, &[], &asking.asks);
    talk.asks(stage, &asking, 1);
    let turn = stage.home.last_turn(&talk.thread);

    let begins = Moment::now();
    kill_daemon(stage);
    stage.truth.is(Phase::new(&talk.id, State::Done, begins)
        .known_at(begins)
        .measured_as(ENDED)
        .on(OF_AN_END)
        .with("/ended/how", "killed")
        .with("/need", Value::Null)
        .tells("session_died", &turn));
    assert!(!asking.marker.exists());
    all_left_end(stage);
}

/// Ends the daemon's processes by force and waits until they are gone.
#[track_caller]
fn kill_daemon(stage: &Stage) {
    let daemon = stage.home.daemon();
    assert!(!daemon.is_empty(), "no daemon runs");
    for pid in &daemon {
        process::send(*pid, StopSignal::KILL);
    }
    wait_for(SOON, "the daemon is gone", || {
        daemon
            .iter()
            .all(|pid| process::is_zombie(*pid))
            .then_some(())
    });
}

/// Nobody holds what terminals left behind once the daemon is gone.
fn all_left_end(stage: &mut Stage) {
    for left in std::mem::take(&mut stage.left) {
        let done = Phase::new(&left.id, State::Done, left.since);
        stage
            .truth
            .is(done.on(OF_AN_END).with("/ended/how", left.how));
    }
}
