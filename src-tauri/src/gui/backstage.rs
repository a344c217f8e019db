//! The engine as the shell uses it: opened once, with a person's words for what is missing.

use jiff::civil::Time;
use mission_control_core::health::{Check, HealthReport, Problem};
use mission_control_engine::clock::{self, Clock};
use mission_control_engine::doctor;
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::{Environment, Places, PlacesError};
use mission_control_engine::settings::{NotificationSettings, Settings};
use mission_control_engine::store::Store;

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
