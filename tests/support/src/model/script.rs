//! What the scripted model shall say, as values.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::wait::{Deadline, Moment, wait_for};

/// A part of the prompt with which a guardian thread asks whether a command may run.
pub const GUARDIAN_ASKS: &str = "action you are assessing";

/// How a terminal asks the model for a title of a conversation.
pub const TITLE_ASKS: &str = "Generate a concise, single-line task title";

/// The answer with which the model forbids it.
pub const GUARDIAN_SAYS_NO: &str =
    r#"{"risk_level":"high","user_authorization":"low","outcome":"deny","rationale":"Outside."}"#;

/// The steps for each prompt.
#[derive(Clone, Debug, Default)]
pub struct Script {
    turns: Vec<(String, Vec<Step>)>,
}

/// One response of the model.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) gate: Option<Gate>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) reply: Reply,
}

/// What a response consists of.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Messages and tool calls.
    Items(Vec<Item>),
    /// An error instead of a stream.
    Http {
        /// The status code.
        status: u16,
        /// The body.
        body: Value,
    },
    /// A stream that ends with a failure.
    Failed {
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
    /// A stream that breaks off.
    Dropped,
}

/// One part of a response.
#[derive(Clone, Debug)]
pub enum Item {
    /// Text for the person.
    Message(String),
    /// A summary of the model's thoughts.
    Reasoning(String),
    /// A shell command.
    Command(String),
    /// A shell command outside of the sandbox, which somebody has to approve.
    Escalated(String),
    /// A question with some answers to choose from.
    Question(String, Vec<String>),
    /// A change to files, in the agent's patch language.
    Patch(String),
    /// A sub-agent with this task.
    SpawnAgent(String),
    /// A wait for the sub-agents.
    WaitAgents,
}

/// Says something; the last thing a script says ends the turn.
#[must_use]
pub fn say(text: &str) -> Step {
    Step::of(Item::Message(text.to_owned()))
}

/// Runs a shell command.
#[must_use]
pub fn command(line: &str) -> Step {
    Step::of(Item::Command(line.to_owned()))
}

/// Asks to run a shell command outside of the sandbox.
#[must_use]
pub fn escalated(line: &str) -> Step {
    Step::of(Item::Escalated(line.to_owned()))
}

/// Asks the person something.
#[must_use]
pub fn question(text: &str, options: &[&str]) -> Step {
    let options = options.iter().map(|&option| option.to_owned()).collect();
    Step::of(Item::Question(text.to_owned(), options))
}

/// Thinks aloud.
#[must_use]
pub fn reasoning(text: &str) -> Step {
    Step::of(Item::Reasoning(text.to_owned()))
}

/// Changes files.
#[must_use]
pub fn patch(text: &str) -> Step {
    Step::of(Item::Patch(text.to_owned()))
}

/// Starts a sub-agent; the script needs a turn for the task's text.
#[must_use]
pub fn spawn_agent(task: &str) -> Step {
    Step::of(Item::SpawnAgent(task.to_owned()))
}

/// Waits for the sub-agents.
#[must_use]
pub fn wait_agents() -> Step {
    Step::of(Item::WaitAgents)
}

impl Script {
    /// Makes a script that plays `steps` whatever the prompt.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::default().on("", steps)
    }

    /// Adds the steps for prompts that contain `prompt`; a later addition goes before an earlier one.
    #[must_use]
    pub fn on(mut self, prompt: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.turns
            .insert(0, (prompt.to_owned(), steps.into_iter().collect()));
        self
    }

    pub(super) fn turn(&self, prompt: &str) -> Option<&[Step]> {
        let (_, steps) = self.turns.iter().find(|(part, _)| prompt.contains(part))?;
        Some(steps)
    }
}

impl Step {
    /// Answers with an HTTP error.
    #[must_use]
    pub fn http(status: u16, kind: &str, message: &str) -> Self {
        let body = json!({"error": {"type": kind, "code": kind, "message": message}});
        Self::reply(Reply::Http { status, body })
    }

    /// Says that the account's usage limit is reached until `resets_at`, in seconds since 1970.
    #[must_use]
    pub fn usage_limit(resets_at: i64) -> Self {
        let error = json!({
            "type": "usage_limit_reached",
            "message": "The usage limit has been reached",
            "plan_type": "plus",
            "resets_at": resets_at,
        });
        Self::reply(Reply::Http {
            status: 429,
            body: json!({ "error": error }),
        })
    }

    /// Begins a stream and ends it with a failure.
    #[must_use]
    pub fn failed(code: &str, message: &str) -> Self {
        Self::reply(Reply::Failed {
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    /// Begins a stream and breaks it off.
    #[must_use]
    pub fn dropped() -> Self {
        Self::reply(Reply::Dropped)
    }

    /// Adds the items of another step to this response.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let (Reply::Items(items), Reply::Items(more)) = (&mut self.reply, other.reply) else {
            panic!("only messages and tool calls share a response");
        };
        items.extend(more);
        self
    }

    /// Holds the response back until `gate` is open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Sends the headers that tell how much of the account's limits is used.
    #[must_use]
    pub fn with_limits(
        mut self,
        primary_percent: u32,
        secondary_percent: u32,
        resets_at: i64,
    ) -> Self {
        for (window, percent, minutes) in [
            ("primary", primary_percent, 300),
            ("secondary", secondary_percent, 10_080),
        ] {
            let header = |name: &str, value: String| (format!("x-codex-{window}-{name}"), value);
            self.headers
                .push(header("used-percent", percent.to_string()));
            self.headers
                .push(header("window-minutes", minutes.to_string()));
            self.headers.push(header("reset-at", resets_at.to_string()));
        }
        self
    }

    /// Tells how many tool outputs this response leads to.
    pub(super) fn n_calls(&self) -> usize {
        let Reply::Items(items) = &self.reply else {
            return 0;
        };
        items.iter().filter(|item| item.is_call()).count()
    }

    pub(super) const fn reply(reply: Reply) -> Self {
        Self {
            gate: None,
            headers: Vec::new(),
            reply,
        }
    }

    fn of(item: Item) -> Self {
        Self::reply(Reply::Items(vec![item]))
    }
}

impl Item {
    fn is_call(&self) -> bool {
        match self {
            Self::Message(_) | Self::Reasoning(_) => false,
            Self::Command(_)
            | Self::Escalated(_)
            | Self::Question(..)
            | Self::Patch(_)
            | Self::SpawnAgent(_)
            | Self::WaitAgents => true,
        }
    }
}

/// Holds responses back until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<GateState>);

#[derive(Debug, Default)]
struct GateState {
    state: Mutex<GateCounts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateCounts {
    is_open: bool,
    n_waiting: usize,
    /// When the first response stood there.
    reached_at: Option<Moment>,
    /// How many responses ever stood there.
    n_reached: usize,
}

impl Gate {
    /// Lets everything through from here on.
    pub fn open(&self) {
        self.0.state.lock().unwrap().is_open = true;
        self.0.changed.notify_all();
    }

    /// Waits until a response stands at the gate.
    #[track_caller]
    pub fn wait_until_reached(&self, limit: Duration) {
        wait_for(limit, "a response stands at the gate", || {
            (self.0.state.lock().unwrap().n_waiting > 0).then_some(())
        });
    }

    /// Waits until a response stood at the gate, and returns when that was.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers only wait for the moment"
    )]
    pub fn reached_at(&self, limit: Duration) -> Moment {
        wait_for(limit, "a response stands at the gate", || {
            self.0.state.lock().unwrap().reached_at
        })
    }

    /// Tells whether a response stood at the gate.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.0.state.lock().unwrap().reached_at.is_some()
    }

    /// Waits until so many responses stood at the gate.
    #[track_caller]
    pub fn wait_until_reached_by(&self, n: usize, limit: Duration) {
        let what = format!("{n} responses stand at the gate");
        wait_for(limit, &what, || {
            (self.0.state.lock().unwrap().n_reached >= n).then_some(())
        });
    }

    /// Takes note that a response has come to the gate.
    pub(crate) fn reach(&self) {
        let mut state = self.0.state.lock().unwrap();
        state.n_reached += 1;
        state.reached_at.get_or_insert_with(Moment::now);
    }

    /// Waits at the gate; false when it is still shut at the deadline.
    pub(crate) fn pass(&self, deadline: Deadline) -> bool {
        let mut state = self.0.state.lock().unwrap();
        state.n_waiting += 1;
        while !state.is_open && !deadline.is_past() {
            state = self
                .0
                .changed
                .wait_timeout(state, deadline.left())
                .unwrap()
                .0;
        }
        state.n_waiting -= 1;
        state.is_open
    }
}
