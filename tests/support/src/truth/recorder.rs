//! Takes down what happens while monitors watch.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::Value;

use super::account::Account;
use super::judge::judge;
use super::report::Report;
use super::timeline::{Phase, Presence, State, Timeline};
use crate::wait::{Moment, PATIENT, SOON};
use crate::watch::{Front, Watch};

/// Takes down what happens while monitors watch.
#[derive(Debug, Default)]
pub struct Recorder {
    timeline: Timeline,
    monitors: Vec<Monitor>,
    accounts: Vec<Account>,
    scene: &'static str,
    scenes: Vec<&'static str>,
    broken: Vec<&'static str>,
    series: BTreeMap<&'static str, Vec<Duration>>,
    remarks: Vec<(&'static str, &'static str)>,
}

/// A running `watch --json`.
#[derive(Debug)]
struct Monitor {
    name: &'static str,
    started: Moment,
    watch: Watch,
}

impl Recorder {
    /// Plays a scene. One that breaks off fails the suite, and its sessions are not judged.
    pub fn play(&mut self, scene: &'static str) -> &mut Self {
        self.scene = scene;
        self.scenes.push(scene);
        self
    }

    /// Takes note that the scene which is played broke off.
    pub fn break_off(&mut self) {
        self.broken.push(self.scene);
        self.timeline.break_off(self.scene);
    }

    /// Starts a monitor.
    #[track_caller]
    pub fn start_monitor(&mut self, front: &Front, name: &'static str) {
        let started = Moment::now();
        let watch = front.watch();
        self.monitors.push(Monitor {
            name,
            started,
            watch,
        });
    }

    /// Ends a monitor; what it told is kept.
    #[track_caller]
    pub fn end_monitor(&mut self, name: &str) {
        let at = self.monitors.iter().position(|one| one.name == name);
        let mut monitor = self
            .monitors
            .swap_remove(at.unwrap_or_else(|| panic!("no monitor is called `{name}`")));
        let ended = Moment::now();
        monitor.watch.end();
        self.accounts.push(Account::read(
            name,
            monitor.started,
            ended,
            monitor.watch.timed_events(),
        ));
    }

    /// Takes down a phase and waits until all monitors have told it, or should have.
    pub fn is(&mut self, mut phase: Phase) {
        phase.scene = self.scene;
        self.timeline.push(phase.clone());
        if phase.presence == Presence::May {
            return;
        }
        self.wait_until_told(&phase);
    }

    /// Waits until a monitor that came late has told what a session is, too.
    pub fn repeats(&mut self, session: &str) {
        if let Some(phase) = self.timeline.latest(session).cloned() {
            self.wait_until_told(&phase);
        }
    }

    fn wait_until_told(&mut self, phase: &Phase) {
        for monitor in &mut self.monitors {
            // Whether it came to this is judged at the end.
            let _is_told = monitor.watch.comes_to(SOON, |watch| match phase.state {
                State::Gone => !watch.lists(&phase.session),
                State::Working | State::NeedsYou | State::Paused | State::Done | State::Unknown => {
                    watch
                        .session(&phase.session)
                        .is_some_and(|session| phase.holds(&session))
                }
            });
        }
    }

    /// Takes down a phase that is true and may be too short to be told, and why.
    pub fn may_be(&mut self, mut phase: Phase, why: &'static str) {
        phase.presence = Presence::May;
        self.remark(why);
        self.is(phase);
    }

    /// Takes down what this scene cannot see, and why.
    pub fn remark(&mut self, says: &'static str) {
        let remark = (self.scene, says);
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Adds a measurement to a series.
    pub fn measured(&mut self, series: &'static str, took: Duration) {
        self.series.entry(series).or_default().push(took);
    }

    /// Lets all monitors tell what they have to tell while nothing happens.
    #[track_caller]
    pub fn wait_for_heartbeats(&mut self) {
        for monitor in &mut self.monitors {
            monitor.watch.wait_for_heartbeat();
        }
    }

    /// Returns what `find` makes of the events of the first monitor, as soon as it makes something:
    /// for what nobody else names, such as the ids of sub-agents.
    #[track_caller]
    pub fn learn<T>(&mut self, what: &str, find: impl Fn(&Value) -> Option<T>) -> T {
        let monitor = self.monitors.first_mut();
        let watch = &mut monitor.expect("a monitor runs").watch;
        let event = watch.wait_for(PATIENT, what, |event| find(event).is_some());
        find(&event).expect("it was found")
    }

    /// Ends all monitors and compares.
    #[must_use]
    pub fn finish(mut self) -> Report {
        for name in self.monitors.iter().map(|one| one.name).collect::<Vec<_>>() {
            self.end_monitor(name);
        }
        let verdict = judge(&self.timeline, &self.accounts);
        Report::new(self.scenes, self.broken, verdict, self.series, self.remarks)
    }
}

/// A name, and what happens.
pub type Scene<Stage> = (&'static str, fn(&mut Stage));

/// Plays scenes on a stage, one after the other, whatever becomes of each.
pub fn play_all<Stage>(
    stage: &mut Stage,
    recorder: impl Fn(&mut Stage) -> &mut Recorder,
    scenes: &[Scene<Stage>],
) {
    for (name, scene) in scenes {
        recorder(stage).play(name);
        if catch_unwind(AssertUnwindSafe(|| scene(stage))).is_err() {
            recorder(stage).break_off();
        }
    }
}
