//! The engine as the shell uses it: opened once, with a person's words for what is missing.

use std::collections::BTreeSet;

use mission_control_core::health::{HealthReport, Problem};
use mission_control_core::notice::{NoticeId, NoticeKind};
use mission_control_engine::monitor::{Monitor, MonitorOptions};
use mission_control_engine::places::Places;

use crate::notices::Rules;

/// Everything the shell got from the engine.
#[derive(Debug)]
pub(crate) struct Backstage {
    pub(crate) places: Places,
    pub(crate) monitor: Monitor,
    pub(crate) rules: Rules,
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
    /// Opens settings and store and starts watching. What fails becomes a problem.
    pub(crate) fn open(places: Places) -> Self {
        let monitor = Monitor::start(MonitorOptions {
            places: places.clone(),
            notify_since: now(),
        });
        Self {
            places,
            monitor,
            rules: Rules {
                enabled: true,
                kinds: [NoticeKind::NeedsYou, NoticeKind::TurnCompleted].into(),
                quiet_hours: None,
                min_turn_s: 0,
            },
            claims: Some(Claims::default()),
            problems: Vec::new(),
        }
    }
}

/// Finds where things are kept.
pub(crate) fn places() -> anyhow::Result<Places> {
    Ok(Places {
        state: "/tmp/mission-control".into(),
        settings_file: "/tmp/mission-control/settings.toml".into(),
        homes: Vec::new(),
    })
}

/// Looks at this machine anew.
pub(crate) fn examine(_places: &Places) -> HealthReport {
    HealthReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks: Vec::new(),
    }
}

/// Returns the time on the person's clock.
pub(crate) fn local_time() -> jiff::civil::Time {
    now().to_zoned(jiff::tz::TimeZone::system()).time()
}

/// Returns the time.
#[expect(
    clippy::disallowed_methods,
    reason = "the engine's clock is not merged yet"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Plays a recorded session into a temporary home.
pub(crate) async fn play_demo() -> Result<(), Problem> {
    Err(crate::problems::not_available("The demo"))
}
