//! Measures how soon what the real agents do is told, and prints it as rows beside the goals.
//!
//! The one argument is the program to measure. Agents answer to scripted models on the loopback,
//! and everything happens as often as [`N`] says.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made should stop"
)]

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, Reply};
use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::model::{Gate, Model, Script, TITLE_ASKS, command, escalated, say};
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::truth::percentile;
use mission_control_testkit::wait::{Deadline, Moment, PATIENT, SOON, wait_for, wait_until};
use mission_control_testkit::watch::{Front, Watch};
use serde_json::Value;

/// How often each thing is measured.
const N: usize = 25;

/// How long a prompt may take from the key to the model.
const SENT_WITHIN: Duration = Duration::from_secs(2);

const SOON_TOLD: &str = "p95 ≤ 300 ms";
const SOON_OVER: &str = "≤ 2,000 ms";

fn main() {
    let program = std::env::args().nth(1).expect("the program to measure");
    let program = Path::new(&program)
        .canonicalize()
        .expect("find the program");
    let program = program.to_str().expect("a path in UTF-8");
    codex_requests(program);
    codex_deaths(program);
    claude_code_requests(program);
    claude_code_deaths(program);
}

/// A home whose daemon ends with it, whatever becomes of the measurement.
struct Daemon<'a>(&'a CodexHome);

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        self.0.end_daemon();
    }
}

fn codex_requests(program: &str) {
    let (model, home) = (Model::start(), CodexHome::new());
    let _daemon = Daemon(&home);
    let front = Front::new(program, home.env());
    let script = Script::default().on(TITLE_ASKS, [say("A title")]);
    home.always_plays(&model.plays("live", script));
    let mut watch = front.watch();
    let mut terminal = None;
    let (mut shown, mut sent, mut run, mut heard) = (vec![], vec![], vec![], vec![]);
    for n in 0..N {
        let (asks, goes_on) = (Gate::default(), Gate::default());
        let marker = home.path().join(format!("marker-{n}"));
        let line = format!("touch {}", marker.display());
        let prompt = format!("Ask number {n}.");
        let steps = [
            escalated(&line).behind(&asks),
            say(&format!("Answer {n}.")).behind(&goes_on),
        ];
        model.also_plays("live", &prompt, steps);
        let terminal = terminal.get_or_insert_with(|| home.tui(&["-a", "on-request"]));
        terminal.type_in(&prompt);
        // Right after other keys the terminal takes it for a new line.
        wait_for(PATIENT, "the prompt is sent", || {
            terminal.press(&["Enter"]);
            wait_until(Deadline::after(SENT_WITHIN), || asks.is_reached()).then_some(())
        });
        let id = format!("codex:{}", home.thread_of("Ask number 0."));

        let answered = Moment::now();
        asks.open();
        terminal.wait_for(&line);
        terminal.wait_for("Would you like to run");
        let open = Moment::now();
        let told = watch.told_at(SOON, "what is asked for", |session| {
            let asked = session["need"]["summary"].as_str().unwrap_or_default();
            session["id"] == id.as_str() && asked.ends_with(&line)
        });
        let request = need(&watch, &id);
        let has_run = std::thread::spawn(move || {
            wait_for(SOON, "the command has run", || {
                marker.exists().then(Moment::now)
            })
        });
        let started = Moment::now();
        let said = front.run(&["answer", &id, &request, "accept"]);
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        let runs = has_run.join().expect("the command has run");
        let asked_again = goes_on.reached_at(SOON);
        goes_on.open();
        terminal.wait_for(&format!("Answer {n}."));
        shown.push(told.since(open));
        sent.push(told.since(answered));
        run.push(runs.since(started));
        heard.push(asked_again.since(started));
    }
    drop(terminal);
    row("Codex: dialog opens → needs-you told", &shown, SOON_TOLD);
    row("Codex: model answers → needs-you told", &sent, "-");
    row("Codex: `answer` starts → command has run", &run, SOON_TOLD);
    row("Codex: `answer` starts → model asked again", &heard, "-");
}

fn codex_deaths(program: &str) {
    let (model, home) = (Model::start(), CodexHome::new());
    let front = Front::new(program, home.env());
    let mut watch = front.watch();
    let mut over = Vec::new();
    for n in 0..N {
        let gate = Gate::default();
        let held = home.held_command(&format!("held-{n}"));
        let steps = [command(&held.line()).behind(&gate), say("Built.")];
        let script = model.plays(&format!("run-{n}"), Script::new(steps));
        let mut run = home.exec(&Run::new(&script, "Build it."));
        gate.reached_at(PATIENT);
        gate.open();
        held.wait_until_running();
        let id = format!("codex:{}", run.thread_id());
        watch.wait_for_status(SOON, &id, "working");
        let native = run.native_pid();
        let killed = Moment::now();
        process::send(native, StopSignal::KILL);
        over.push(end_of(&mut watch, &id).since(killed));
        run.wait();
    }
    row("Codex: SIGKILL → end told", &over, SOON_OVER);
}

fn claude_code_requests(program: &str) {
    let model = ClaudeModel::start();
    let home = ClaudeHome::new(&model);
    let front = Front::new(program, home.env());
    let mut watch = front.watch();
    let terminal = home.terminal(&[]);
    let file = home.registry().pop().expect("a registered session");
    let session = file["sessionId"].as_str().expect("an id");
    let id = format!("claude_code:{session}");
    let (mut shown, mut sent, mut heard) = (vec![], vec![], vec![]);
    for n in 0..N {
        let (asks, goes_on) = (Gate::default(), Gate::default());
        let line = format!("touch made-{n}.txt");
        model.plays([
            Reply::command(&line).behind(&asks),
            Reply::text(&format!("Answer {n}.")).behind(&goes_on),
        ]);
        terminal.ask(&format!("Make number {n}."));
        asks.reached_at(PATIENT);

        let answered = Moment::now();
        asks.open();
        terminal.wait_for_text(&line);
        terminal.wait_for_text("Do you want to proceed?");
        let open = Moment::now();
        let told = watch.told_at(SOON, "what is asked for", |session| {
            session["id"] == id.as_str() && session["need"]["summary"] == line.as_str()
        });
        let n_before = watch.events().len();
        terminal.say_yes("Do you want to proceed?");
        let asked_again = goes_on.reached_at(SOON);
        let works = watch.told_after(SOON, n_before, "that it works", |session| {
            session["id"] == id.as_str() && session["status"] == "working"
        });
        goes_on.open();
        terminal.wait_for_text(&format!("Answer {n}."));
        watch.wait_for_status(SOON, &id, "paused");
        shown.push(told.since(open));
        sent.push(told.since(answered));
        heard.push(works.since(asked_again));
    }
    terminal.quit();
    row(
        "Claude Code: dialog opens → needs-you told",
        &shown,
        SOON_TOLD,
    );
    row("Claude Code: model answers → needs-you told", &sent, "-");
    row(
        "Claude Code: agent goes on → working told",
        &heard,
        SOON_TOLD,
    );
}

fn claude_code_deaths(program: &str) {
    let model = ClaudeModel::start();
    let home = ClaudeHome::new(&model);
    let front = Front::new(program, home.env());
    let mut watch = front.watch();
    let mut over = Vec::new();
    for n in 0..N {
        let gate = Gate::default();
        let prompt = format!("Think number {n}.");
        model.plays([Reply::text("Too late.").behind(&gate).to(&prompt)]);
        let mut run = home.print(&[], &prompt);
        gate.reached_at(PATIENT);
        let session = watch.wait_for(SOON, "the session works", |event| {
            event["session"]["last_prompt"] == prompt.as_str()
                && event["session"]["status"] == "working"
        });
        let id = session["session"]["id"].as_str().expect("an id").to_owned();
        let killed = Moment::now();
        run.signal(StopSignal::KILL);
        over.push(end_of(&mut watch, &id).since(killed));
        run.wait(SOON);
    }
    row("Claude Code: SIGKILL → end told", &over, SOON_OVER);
}

fn need(watch: &Watch, id: &str) -> String {
    let session = watch.session(id).expect("a session");
    let request = session["need"]["request_id"].as_str();
    request.expect("a request").to_owned()
}

fn end_of(watch: &mut Watch, id: &str) -> Moment {
    watch.told_at(SOON, "the end", |session: &Value| {
        session["id"] == id && session["status"] == "done"
    })
}

/// Prints a measurement.
fn row(what: &str, values: &[Duration], goal: &str) {
    let ms = |percent| {
        let value = percentile(values, percent).unwrap_or_default();
        format!("{:.0}", value.as_secs_f64() * 1000.0)
    };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "  {what}: p50 {} ms, p95 {} ms, max {} ms, n {}  (goal {goal})",
        ms(50),
        ms(95),
        ms(100),
        values.len()
    )
    .expect("print a row");
}
