//! Whether what is told of Claude Code's sessions is true: the real program, a known timeline.
//!
//! All scenes share one home and two monitors that watch from the first scene to the last: a
//! session that is over is judged as long as the suite runs.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a missing value fails the scene"
)]

mod crowds;
mod delegating;
mod monitors;
mod requests;
mod runs;
mod stage;
mod terminals;

use mission_control_testkit::truth::{Scene, play_all};
use stage::Stage;

const SCENES: &[Scene<Stage>] = &[
    ("run: success", runs::success),
    ("run: slow silent command", runs::slow_command),
    ("run: error of the service", runs::service_error),
    ("run: rate limit", runs::rate_limit),
    ("run: SIGINT", runs::interrupted),
    ("run: SIGTERM", runs::terminated),
    ("run: SIGKILL", runs::killed),
    ("run: continued", runs::continued),
    ("terminal: left while idle", terminals::left_while_idle),
    ("terminal: error of the service", terminals::service_error),
    ("terminal: Esc before the first word", terminals::stopped),
    ("terminal: Esc in a command", terminals::stopped_in_command),
    (
        "terminal: left while working",
        terminals::left_while_working,
    ),
    ("terminal: closed while working", terminals::closed),
    ("terminal: SIGKILL while working", terminals::killed),
    ("terminal: cleared", terminals::cleared),
    ("terminal: taken up again", terminals::resumed),
    ("terminal: allowed", requests::allowed),
    ("terminal: denied", requests::denied),
    ("terminal: a question", requests::question),
    ("terminal: a plan", requests::plan),
    ("terminal: SIGKILL while asked", requests::killed),
    ("terminal: sub-agent that asks", delegating::sub_agent),
    (
        "terminal: command in the background",
        delegating::background,
    ),
    ("two homes at once", crowds::two_homes),
    ("eight sessions at once", crowds::eight),
    ("monitor started late", monitors::late),
    ("monitor restarted", monitors::restarted),
];

#[test]
fn what_is_told_of_claude_code_is_true() {
    let mut stage = Stage::new();
    play_all(&mut stage, |stage| &mut stage.truth, SCENES);
    let report = std::mem::take(&mut stage.truth).finish();
    report.print();
    assert_eq!(report.faults(), Vec::<String>::new());
}
