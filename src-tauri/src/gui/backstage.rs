//! The engine as the shell uses it: opened once, with a person's words for what is missing.

use jiff::civil::Time;
use mission_control_core::health::{Check, HealthReport, Problem};
use mission_control_core::task::model::TaskId;
use mission_control_core::task::request::TaskRequest;
use mission_control_engine::clock::{self, Clock};
use mission_control_engine::doctor;
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::{Environment, Places, PlacesError};
use mission_control_engine::settings::{NotificationSettings, Settings};
use mission_control_engine::store::Store;
use serde::{Deserialize, Serialize};

use crate::problems;

/// Everything the shell got from the engine.
#[derive(Debug)]
pub(crate) struct Backstage {
    pub(crate) clock: Clock,
    pub(crate) places: Places,
    pub(crate) monitor: Monitor,
    /// Without it nothing may be told: it could be told twice.
    pub(crate) store: Option<Store>,
    pub(crate) problems: Vec<Problem>,
}

impl Backstage {
    /// Opens the store and starts watching. What fails becomes a problem.
    pub(crate) fn open(places: Places) -> Self {
        let clock = Clock::start();
        let now = clock.now().wall;
        let store = Store::open(&places.state).and_then(|store| {
            store
                .first_start(now)
                .map(|first_start| (store, first_start))
        });
        let (store, notify_since, problems) = match store {
            Ok((store, first_start)) => (Some(store), first_start, Vec::new()),
            Err(error) => {
                let why = problems::chain_of(&error);
                tracing::error!(%why, "The state cannot be kept.");
                let problem = problems::nothing_is_told(error.problem());
                (None, now, vec![problem])
            }
        };
        let monitor = Monitor::start(MonitorOptions {
            places: places.clone(),
            notify_since,
        });
        Self {
            clock,
            places,
            monitor,
            store,
            problems,
        }
    }
}

/// Finds where things are kept. Settings that cannot be used do not stop the tray: the monitor
/// reports them, and the defaults hold.
pub(crate) fn places(environment: &Environment) -> Result<Places, PlacesError> {
    let settings = Settings::load(&environment.settings_file()?);
    let set = settings
        .map_err(PlacesError::from)
        .and_then(|settings| Places::resolve(environment, &settings));
    set.or_else(|_| Places::resolve(environment, &Settings::default()))
}

/// Returns the person's wishes about notifications as they are now.
pub(crate) fn wishes(places: &Places) -> anyhow::Result<NotificationSettings> {
    Ok(Settings::load(&places.settings_file)?.notifications)
}

/// Returns the time on the person's clock.
pub(crate) fn local_time(clock: &Clock) -> Time {
    clock::local(clock.now()).time()
}

/// Looks at this machine anew; takes up to ten seconds. `further` are the shell's own checks.
pub(crate) fn examine(
    places: &Places,
    environment: &Environment,
    further: Vec<Check>,
) -> HealthReport {
    doctor::examine(places, environment, further)
}

/// A part of a task's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LogPart {
    pub(crate) text: String,
    /// Where the next part begins.
    pub(crate) cursor: String,
    /// Whether this part begins anew: what was read before does not hold any more.
    pub(crate) reset: bool,
}

/// What a person decides about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskDecision {
    Accept,
    Decline,
}

/// What a person asks of delegated tasks. Each waits for files and processes, so it is asked on
/// a thread that may block.
#[derive(Debug)]
#[expect(dead_code, reason = "this build's engine has no tasks to ask")]
pub(crate) struct Tasks<'a> {
    pub(crate) places: &'a Places,
    pub(crate) environment: &'a Environment,
}

impl Tasks<'_> {
    /// Reads a task's log from `cursor` on; none reads from the start.
    pub(crate) fn log(&self, _task: &TaskId, _cursor: Option<&str>) -> Result<LogPart, Problem> {
        Err(no_tasks())
    }

    /// Starts a task.
    pub(crate) fn start(&self, _request: &TaskRequest) -> Result<TaskId, Problem> {
        Err(no_tasks())
    }

    /// Ends a task.
    pub(crate) fn cancel(&self, _task: &TaskId) -> Result<(), Problem> {
        Err(no_tasks())
    }

    /// Goes on with a task that ended. Returns the task that does.
    pub(crate) fn reply(&self, _task: &TaskId, _text: &str) -> Result<TaskId, Problem> {
        Err(no_tasks())
    }

    /// Answers what a task asked.
    pub(crate) fn answer(
        &self,
        _task: &TaskId,
        _request: &str,
        _decision: TaskDecision,
    ) -> Result<(), Problem> {
        Err(no_tasks())
    }
}

fn no_tasks() -> Problem {
    problems::not_available("Delegating tasks")
}
