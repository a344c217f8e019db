//! What all scenes share.

use mission_control_testkit::codex::{CodexHome, CodexRun, Release, Run};
use mission_control_testkit::model::{Gate, Model, Script, Step, TITLE_ASKS, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::truth::{Phase, Recorder, State};
use mission_control_testkit::wait::{Moment, PATIENT};
use mission_control_testkit::watch::Front;

/// What a monitor may rest on that a run of its own works: its transcript.
pub(crate) const OF_A_RUN: &[&str] = &["transcript"];

/// What it may rest on that a session is over: its lock.
pub(crate) const OF_AN_END: &[&str] = &["writer_lock"];

/// The script that all terminals play.
const LIVE: &str = "live";

/// What all scenes share.
pub(crate) struct Stage {
    pub(crate) model: Model,
    pub(crate) home: CodexHome,
    /// Another home that is watched, too.
    pub(crate) other: CodexHome,
    pub(crate) front: Front,
    pub(crate) truth: Recorder,
    /// Sessions that a daemon keeps although their terminals are gone, and since when.
    pub(crate) left: Vec<Left>,
    /// The session of which the daemon is watched until it lets go, and its thread.
    pub(crate) kept: Option<(String, String, Release)>,
    n_prompts: u32,
}

/// A session that a daemon keeps although its terminal is gone.
pub(crate) struct Left {
    pub(crate) id: String,
    pub(crate) since: Moment,
    pub(crate) how: &'static str,
}

/// A run of `codex exec` at a known place.
pub(crate) struct Underway {
    pub(crate) run: CodexRun,
    pub(crate) thread: String,
    pub(crate) id: String,
    pub(crate) turn: String,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.home.end_daemon();
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let other = CodexHome::with_codex_home("elsewhere/codex");
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        // Recordings are listed too, however old they have become.
        front.write_settings(&format!(
            "[list]\nrecent_hours = 65000\n[codex]\nhomes = [{:?}]\n",
            other.codex_home()
        ));
        let script = Script::default().on(TITLE_ASKS, [say("A title")]);
        home.always_plays(&model.plays(LIVE, script));
        let mut truth = Recorder::default();
        truth.start_monitor(&front, "first");
        truth.start_monitor(&front, "second");
        Self {
            model,
            home,
            other,
            front,
            truth,
            left: Vec::new(),
            kept: None,
            n_prompts: 0,
        }
    }

    /// Adds an old transcript and waits until it is told: what is told before, is told by then.
    pub(crate) fn settle(&mut self) {
        self.n_prompts += 1;
        let thread = format!("01a1f7e6-0000-7000-8000-{:012}", self.n_prompts);
        let recording = Recording::load("01-simple-success").of_thread(&thread);
        let begins = Moment::now();
        recording.write_into(self.home.codex_home());
        let done = Phase::new(&recording.session_id(), State::Done, begins);
        self.truth.is(done.on(OF_AN_END));
    }

    /// Registers a script for one scene.
    pub(crate) fn script(&mut self, script: Script) -> String {
        self.n_prompts += 1;
        self.model.plays(&format!("run-{}", self.n_prompts), script)
    }

    /// Registers steps for a prompt of a terminal and returns the prompt.
    pub(crate) fn prompt(&mut self, word: &str, steps: impl IntoIterator<Item = Step>) -> String {
        self.n_prompts += 1;
        let prompt = format!("{word} number {}.", self.n_prompts);
        self.model.also_plays(LIVE, &prompt, steps);
        prompt
    }

    /// Starts a run, waits until the model is asked at `gate`, and takes down that it works.
    #[track_caller]
    pub(crate) fn underway(&mut self, run: &Run, gate: &Gate) -> Underway {
        let begins = Moment::now();
        let mut started = self.home.exec(run);
        let known = gate.reached_at(PATIENT);
        let thread = started.thread_id();
        let id = session_id(&thread);
        let working = Phase::new(&id, State::Working, begins);
        self.truth.is(working
            .known_at(known)
            .on(OF_A_RUN)
            .with("/last_prompt", run.prompt));
        Underway {
            turn: self.home.turn(&thread, 1),
            run: started,
            thread,
            id,
        }
    }

    /// Waits until a run has ended and takes down how.
    #[track_caller]
    pub(crate) fn ends(
        &mut self,
        underway: &mut Underway,
        since: Moment,
        exit: Exit,
        done: impl FnOnce(Phase) -> Phase,
    ) {
        let left = underway.run.wait();
        let phase = Phase::new(&underway.id, State::Done, since);
        assert_eq!(left, exit, "{}", underway.run.stderr());
        self.truth.may_be(
            Phase::new(&underway.id, State::Paused, since),
            "a run may take longer than a second to leave after its turn",
        );
        self.truth.is(done(
            phase
                .on(OF_AN_END)
                .with("/process", serde_json::Value::Null)
                .with("/activity", serde_json::Value::Null),
        ));
    }
}

pub(crate) fn session_id(thread: &str) -> String {
    format!("codex:{thread}")
}
