//! The real Codex CLI against a scripted model, watched through `watch --json` as a person would:
//! the fields of what is told, and `stop`. Whether it is true is the matter of `truth_codex`.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

mod ends;
mod stops;
mod threads;
mod turns;

use std::time::Duration;

use mission_control_testkit::codex::CodexHome;
use mission_control_testkit::model::Model;
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::wait::SOON;
use mission_control_testkit::watch::{Front, Watch};
use serde_json::Value;

/// What a person still feels as "at once".
const AT_ONCE: Duration = Duration::from_secs(2);

/// Settings that list recordings too, however old they have become.
const ALL_LISTED: &str = "[list]\nrecent_hours = 65000\n";

/// A model, a home with the real agent in it, and the program that watches it.
struct Stage {
    model: Model,
    home: CodexHome,
    front: Front,
}

impl Stage {
    fn new() -> Self {
        let (model, home) = (Model::start(), CodexHome::new());
        let front = Front::new(env!("CARGO_BIN_EXE_mission-control"), home.env());
        front.write_settings(ALL_LISTED);
        Self { model, home, front }
    }

    /// Adds an old transcript and waits until it is listed: what is told before, is told by then.
    #[track_caller]
    fn settle(&self, watch: &mut Watch) {
        let marker = Recording::load("01-simple-success");
        marker.write_into(self.home.codex_home());
        watch.wait_for_status(SOON, &marker.session_id(), "done");
    }
}

fn session_id(thread: &str) -> String {
    format!("codex:{thread}")
}

fn kinds(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| text(&notice["kind"])).collect()
}

fn n_events(events: &[Value], name: &str, id: &str) -> usize {
    events
        .iter()
        .filter(|event| event["event"] == name && event["session"]["id"] == id)
        .count()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
