//! What all scenes share.

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, Reply, Terminal};
use mission_control_testkit::model::Gate;
use mission_control_testkit::process::{Exit, Process};
use mission_control_testkit::truth::{Phase, Recorder, State};
use mission_control_testkit::wait::{Moment, PATIENT, wait_for};
use mission_control_testkit::watch::Front;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a monitor may rest on that a turn runs: its prompt may be written before the program says so.
pub(crate) const OF_A_TURN: &[&str] = &["registry", "transcript"];

/// What a monitor may rest on as long as a program runs: what that says of itself.
pub(crate) const OF_ITSELF: &[&str] = &["registry"];

/// What it may rest on that a session is over: that no process has it.
pub(crate) const OF_AN_END: &[&str] = &["process", "registry"];

/// What all scenes share.
pub(crate) struct Stage {
    pub(crate) model: ClaudeModel,
    pub(crate) home: ClaudeHome,
    /// Another home that is watched, too.
    pub(crate) other: ClaudeHome,
    pub(crate) front: Front,
    pub(crate) truth: Recorder,
    /// Processes whose files in the registry are known.
    known: BTreeSet<u64>,
    n_prompts: u32,
}

/// A session and the process that has it open.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) session: String,
    pub(crate) id: String,
    pub(crate) pid: u32,
}

/// A run without a terminal at a known place.
pub(crate) struct Underway {
    pub(crate) run: Process,
    pub(crate) open: Open,
    pub(crate) turn: String,
}

/// A terminal in a turn.
pub(crate) struct Talk {
    pub(crate) terminal: Terminal,
    pub(crate) open: Open,
    pub(crate) turn: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let model = ClaudeModel::start();
        let (home, other) = (ClaudeHome::new(&model), ClaudeHome::new(&model));
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        front.write_settings(&format!(
            "[list]\nrecent_hours = 65000\n[claude_code]\nhomes = [{:?}]\n",
            other.claude_home()
        ));
        let mut truth = Recorder::default();
        truth.start_monitor(&front, "first");
        truth.start_monitor(&front, "second");
        Self {
            model,
            home,
            other,
            front,
            truth,
            known: BTreeSet::new(),
            n_prompts: 0,
        }
    }

    /// Makes a prompt that no other has, and the replies to the conversation that begins with it.
    pub(crate) fn prompt(
        &mut self,
        word: &str,
        replies: impl IntoIterator<Item = Reply>,
    ) -> String {
        self.n_prompts += 1;
        let prompt = format!("{word} number {}.", self.n_prompts);
        self.replies(&prompt, replies);
        prompt
    }

    /// Adds replies to the conversation that begins with `prompt`.
    pub(crate) fn replies(&self, prompt: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().map(|reply| reply.to(prompt));
        self.model.plays(replies.collect::<Vec<_>>());
    }

    /// Waits until a process that is not known yet has registered its session.
    #[track_caller]
    pub(crate) fn registered(&mut self, home: Which) -> Open {
        let home = match home {
            Which::One => &self.home,
            Which::Other => &self.other,
        };
        let known = &self.known;
        let file = wait_for(PATIENT, "a registered session", || {
            let mut files = home.registry().into_iter();
            files.find(|file| {
                let is_new = file["pid"]
                    .as_u64()
                    .is_some_and(|pid| !known.contains(&pid));
                // Before that a session that is taken up has another id.
                is_new && !file["status"].is_null()
            })
        });
        let pid = file["pid"].as_u64().expect("a process");
        self.known.insert(pid);
        open(&file)
    }

    /// Starts a run, waits until the model is asked at `gate`, and takes down that it works.
    #[track_caller]
    pub(crate) fn underway(&mut self, args: &[&str], prompt: &str, gate: &Gate) -> Underway {
        let begins = Moment::now();
        let run = self.home.print(args, prompt);
        self.works(run, begins, prompt, gate, Which::One)
    }

    #[track_caller]
    pub(crate) fn works(
        &mut self,
        run: Process,
        begins: Moment,
        prompt: &str,
        gate: &Gate,
        home: Which,
    ) -> Underway {
        let known = gate.reached_at(PATIENT);
        let open = self.registered(home);
        self.truth.is(Phase::new(&open.id, State::Working, begins)
            .known_at(known)
            .on(OF_A_TURN)
            .with("/last_prompt", prompt)
            .with("/process/pid", open.pid));
        let turn = self.turn(&open, prompt, home);
        Underway { run, open, turn }
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
        let left = underway.run.wait(PATIENT);
        let phase = Phase::new(&underway.open.id, State::Done, since);
        assert_eq!(left, exit);
        self.truth.may_be(
            Phase::new(&underway.open.id, State::Paused, since),
            "a run may take longer than a second to leave after its turn",
        );
        self.truth.is(done(
            phase
                .on(OF_AN_END)
                .with("/process", Value::Null)
                .with("/activity", Value::Null),
        ));
    }

    /// Opens a terminal, types a prompt and waits until the model is asked at `gate`.
    #[track_caller]
    pub(crate) fn talk(&mut self, args: &[&str], prompt: &str, gate: &Gate) -> Talk {
        let terminal = self.home.terminal(args);
        let open = self.registered(Which::One);
        self.ask(&terminal, &open, prompt, gate);
        let turn = self.turn(&open, prompt, Which::One);
        Talk {
            terminal,
            open,
            turn,
        }
    }

    /// Types a prompt, waits until the model is asked at `gate`, and takes down that it works.
    #[track_caller]
    pub(crate) fn ask(&mut self, terminal: &Terminal, open: &Open, prompt: &str, gate: &Gate) {
        let begins = Moment::now();
        terminal.ask(prompt);
        let known = gate.reached_at(PATIENT);
        self.truth.is(Phase::new(&open.id, State::Working, begins)
            .known_at(known)
            .on(OF_A_TURN)
            .with("/last_prompt", prompt));
    }

    /// Returns the id of the turn that a prompt began.
    #[track_caller]
    pub(crate) fn turn(&self, open: &Open, prompt: &str, home: Which) -> String {
        let home = match home {
            Which::One => &self.home,
            Which::Other => &self.other,
        };
        home.turn(&open.session, "the prompt is written", |line| {
            line["message"]["content"] == prompt
        })
    }

    /// Opens the last gate of a turn and takes down that it is over and the terminal open.
    #[track_caller]
    pub(crate) fn completes(&mut self, talk: &Talk, gate: &Gate, says: &str) {
        let begins = Moment::now();
        gate.open();
        talk.terminal.wait_for_text(says);
        let paused = Phase::new(&talk.open.id, State::Paused, begins);
        self.truth.is(paused
            .on(OF_ITSELF)
            .with("/need", Value::Null)
            .with("/last_turn/id", &*talk.turn)
            .with("/last_turn/outcome", "completed")
            .with("/last_turn/message", says)
            .tells("turn_completed", &talk.turn));
    }

    /// Takes down that a turn was stopped and the terminal is open.
    pub(crate) fn is_stopped(&mut self, talk: &Talk, begins: Moment) {
        let paused = Phase::new(&talk.open.id, State::Paused, begins);
        self.truth.is(paused
            .on(OF_ITSELF)
            .with("/need", Value::Null)
            .with("/last_turn/id", &*talk.turn)
            .with("/last_turn/outcome", "interrupted")
            .tells("turn_interrupted", &talk.turn));
    }

    /// Leaves the terminal as a person does and takes down that the session is over.
    #[track_caller]
    pub(crate) fn quit(&mut self, talk: &Talk, how: &str) {
        let begins = Moment::now();
        talk.terminal.quit();
        self.is_over(&talk.open, begins, |done| done.with("/ended/how", how));
    }

    /// Takes down that nobody has the session open any more.
    pub(crate) fn is_over(
        &mut self,
        open: &Open,
        begins: Moment,
        how: impl FnOnce(Phase) -> Phase,
    ) {
        let done = Phase::new(&open.id, State::Done, begins);
        self.truth
            .is(how(done.on(OF_AN_END).with("/process", Value::Null)));
    }
}

/// One of the two homes.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    One,
    Other,
}

fn open(file: &Value) -> Open {
    let session = file["sessionId"].as_str().expect("a session").to_owned();
    Open {
        id: format!("claude_code:{session}"),
        session,
        pid: file["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok())
            .expect("a process"),
    }
}
