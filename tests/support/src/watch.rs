//! The built front program, run and watched as a person or a script would.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Exit, Output, Process, Said, Start, StopSignal};
use crate::wait::{Deadline, Moment, PATIENT, SOON};

/// The program with a state folder of its own and somebody's environment.
#[derive(Debug)]
pub struct Front {
    program: PathBuf,
    env: BTreeMap<String, String>,
    state: TempDir,
}

/// A running `watch --json`; ended when dropped.
#[derive(Debug)]
pub struct Watch {
    process: Process,
    lines: Receiver<(Moment, String)>,
    events: Vec<Value>,
    /// When the line of each event was received.
    received: Vec<Moment>,
    stderr: PathBuf,
}

impl Front {
    /// Takes the program at `program` into the environment `env`.
    #[must_use]
    pub fn new(program: &str, mut env: BTreeMap<String, String>) -> Self {
        let state = tempfile::Builder::new()
            .prefix("mc-state-")
            .tempdir()
            .expect("make a state folder");
        let path = state.path().to_str().expect("a path in UTF-8").to_owned();
        env.insert("MISSION_CONTROL_HOME".to_owned(), path);
        Self {
            program: PathBuf::from(program),
            env,
            state,
        }
    }

    /// Returns the state folder.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Returns the environment it is started with.
    #[must_use]
    pub const fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Sets a variable for later starts.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// Writes the settings file.
    pub fn write_settings(&self, text: &str) {
        fs::write(self.settings_file(), text).expect("write the settings");
    }

    /// Returns the place of the settings file.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.state().join("settings.toml")
    }

    /// Runs one command to its end.
    #[track_caller]
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Said {
        process::run(self.program.as_os_str(), args, &self.env, self.state())
    }

    /// Runs one command that has to succeed and to print JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self, args: &[&str]) -> Value {
        let said = self.run(args);
        assert_eq!(said.exit, Exit::Code(0), "{args:?}: {}", said.stderr);
        serde_json::from_str(&said.stdout)
            .unwrap_or_else(|error| panic!("{args:?} printed no JSON: {error}\n{}", said.stdout))
    }

    /// Returns the sessions of `list --all --json`, by their id.
    #[track_caller]
    #[must_use]
    pub fn sessions(&self) -> BTreeMap<String, Value> {
        let listed = self.json(&["list", "--all", "--json"]);
        let sessions = listed["sessions"].as_array().expect("a list of sessions");
        sessions
            .iter()
            .map(|session| (text(session, "id"), session.clone()))
            .collect()
    }

    /// Starts `watch --json` and waits for its first snapshot.
    #[track_caller]
    #[must_use]
    pub fn watch(&self) -> Watch {
        let stderr = self.state().join("watch.err");
        let mut process = Process::start(&Start {
            program: self.program.as_os_str(),
            args: vec!["watch".to_owned(), "--json".to_owned()],
            env: self.env.clone(),
            cwd: self.state(),
            stdout: Output::Pipe,
            stderr: Some(&stderr),
        });
        let stdout = process.take_stdout().expect("a piped output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send((Moment::now(), line)).is_err() {
                    return;
                }
            }
        });
        let mut watch = Watch {
            process,
            lines,
            events: Vec::new(),
            received: Vec::new(),
            stderr,
        };
        watch.wait_for(SOON, "the first snapshot", |event| {
            event["event"] == "snapshot"
        });
        watch
    }
}

impl Watch {
    /// Returns every event so far.
    #[must_use]
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// Returns every event so far with the moment in which its line was received.
    pub fn timed_events(&self) -> impl Iterator<Item = (Moment, &Value)> {
        self.received.iter().copied().zip(&self.events)
    }

    /// Returns the id of the watching process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Returns the first event, past or to come, that `is_it` accepts.
    #[track_caller]
    pub fn wait_for(
        &mut self,
        limit: Duration,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Value {
        if let Some(event) = self.events.iter().find(|event| is_it(event)) {
            return event.clone();
        }
        let deadline = Deadline::after(limit);
        loop {
            let event = self.next(deadline, what);
            if is_it(&event) {
                return event;
            }
        }
    }

    /// Waits until a session looks as `is_so` says, and returns it.
    #[track_caller]
    pub fn wait_until(
        &mut self,
        limit: Duration,
        session_id: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Deadline::after(limit);
        let what = format!("{session_id}: {what}");
        loop {
            if let Some(session) = self.session(session_id).filter(|session| is_so(session)) {
                return session;
            }
            self.next(deadline, &what);
        }
    }

    /// Waits until a session was told that looks as `is_so` says, and returns when that was first.
    #[track_caller]
    pub fn told_at(
        &mut self,
        limit: Duration,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Moment {
        self.told_after(limit, 0, what, is_so)
    }

    /// Does the same, and passes over the first `n` events.
    #[track_caller]
    pub fn told_after(
        &mut self,
        limit: Duration,
        n: usize,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Moment {
        let deadline = Deadline::after(limit);
        let mut n_seen = n;
        loop {
            let told = self.timed_events().skip(n_seen);
            let mut so = told.filter(|(_, event)| described(event).any(&is_so));
            if let Some(at) = so.next().map(|(at, _)| at) {
                return at;
            }
            drop(so);
            n_seen = self.events.len();
            self.next(deadline, what);
        }
    }

    /// Waits until what was told so far is as `is_so` says; false when it is not within `limit`, or
    /// when the program ended.
    #[must_use]
    pub fn comes_to(&mut self, limit: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let deadline = Deadline::after(limit);
        loop {
            if is_so(self) {
                return true;
            }
            let Ok((at, line)) = self.lines.recv_timeout(deadline.left()) else {
                return false;
            };
            self.take(at, &line);
        }
    }

    /// Waits until a session has this status, and returns it.
    #[track_caller]
    pub fn wait_for_status(&mut self, limit: Duration, session_id: &str, status: &str) -> Value {
        self.wait_until(limit, session_id, status, |session| {
            session["status"] == status
        })
    }

    /// Waits for one more heartbeat: long enough for everything that is done from time to time.
    #[track_caller]
    pub fn wait_for_heartbeat(&mut self) {
        let before = self.n_heartbeats();
        let deadline = Deadline::after(PATIENT);
        while self.n_heartbeats() == before {
            self.next(deadline, "a heartbeat");
        }
    }

    /// Returns a session as the events so far describe it.
    #[must_use]
    pub fn session(&self, session_id: &str) -> Option<Value> {
        let mut events = self.events.iter().rev();
        let told = events.find_map(|event| described(event).find(|one| one["id"] == session_id));
        told.cloned()
    }

    /// Tells whether the latest snapshot and what came after it have a session.
    #[must_use]
    pub fn lists(&self, session_id: &str) -> bool {
        let snapshot = self
            .events
            .iter()
            .rposition(|event| event["event"] == "snapshot");
        let latest = self.events.iter().skip(snapshot.unwrap_or_default());
        latest
            .flat_map(described)
            .any(|session| session["id"] == session_id)
    }

    /// Returns a session after every event that describes it, with the event's number in the stream.
    #[must_use]
    pub fn history(&self, session_id: &str) -> Vec<(usize, Value)> {
        let mut history = Vec::new();
        for (at, event) in self.events.iter().enumerate() {
            history.extend(
                described(event)
                    .filter(|session| session["id"] == session_id)
                    .map(|session| (at, session.clone())),
            );
        }
        history
    }

    /// Returns the statuses a session went through, without repetition.
    #[must_use]
    pub fn statuses(&self, session_id: &str) -> Vec<String> {
        let mut statuses: Vec<String> = self
            .history(session_id)
            .iter()
            .map(|(_, session)| text(session, "status"))
            .collect();
        statuses.dedup();
        statuses
    }

    /// Returns every notice so far.
    #[must_use]
    pub fn notices(&self) -> Vec<Value> {
        let notices = self
            .events
            .iter()
            .filter(|event| event["event"] == "notice");
        notices.map(|event| event["notice"].clone()).collect()
    }

    /// Ends the program as a person does and returns every event.
    #[track_caller]
    #[must_use]
    pub fn finish(mut self) -> Vec<Value> {
        self.end();
        std::mem::take(&mut self.events)
    }

    /// Ends the program as a person does and takes in what it still says.
    #[track_caller]
    pub fn end(&mut self) {
        self.process.signal(StopSignal::INT);
        self.process.wait(SOON);
        while let Ok((at, line)) = self.lines.recv_timeout(SOON) {
            self.take(at, &line);
        }
    }

    /// Waits for one more event.
    #[track_caller]
    fn next(&mut self, deadline: Deadline, what: &str) -> Value {
        match self.lines.recv_timeout(deadline.left()) {
            Ok((at, line)) => self.take(at, &line),
            Err(RecvTimeoutError::Timeout) => panic!("not in time: {what}\n{}", self.story()),
            Err(RecvTimeoutError::Disconnected) => {
                let exit = self.process.wait(SOON);
                panic!("`watch` ended ({exit:?}) before: {what}\n{}", self.story())
            }
        }
    }

    #[track_caller]
    fn take(&mut self, at: Moment, line: &str) -> Value {
        let event: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("`watch` printed no JSON: {error}\n{line}"));
        self.events.push(event.clone());
        self.received.push(at);
        event
    }

    fn n_heartbeats(&self) -> usize {
        self.events
            .iter()
            .filter(|event| event["event"] == "heartbeat")
            .count()
    }

    /// Tells what was seen, for a person who wonders why a test failed.
    fn story(&self) -> String {
        let mut story = String::from("seen so far:\n");
        for event in &self.events {
            let mut about: Vec<&Value> =
                event["sessions"].as_array().into_iter().flatten().collect();
            about.extend(event.get("session"));
            story.push_str(&format!("  {} {}", event["seq"], text(event, "event")));
            for session in about {
                let part = |name| session[name].as_str().unwrap_or("-");
                let turn = &session["last_turn"]["outcome"];
                story.push_str(&format!(
                    "\n      {} {} activity={} last_turn={turn} ended={} because {}",
                    part("id"),
                    part("status"),
                    session["activity"],
                    session["ended"]["how"],
                    session["evidence"]["says"],
                ));
            }
            if let Some(notice) = event.get("notice") {
                story.push_str(&format!("\n      {notice}"));
            }
            story.push('\n');
        }
        story.push_str("its standard error:\n");
        story.push_str(&fs::read_to_string(&self.stderr).unwrap_or_default());
        story
    }
}

/// Returns the sessions that an event describes.
pub(crate) fn described(event: &Value) -> impl Iterator<Item = &Value> {
    let listed = event["sessions"].as_array().into_iter().flatten();
    listed.chain(event.get("session"))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
