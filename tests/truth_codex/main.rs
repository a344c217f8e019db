//! Whether what is told of Codex's sessions is true: the real program, a known timeline.
//!
//! All scenes share one home, because each home with a daemon costs a copy of it, and two monitors
//! that watch from the first scene to the last: a session that is over is judged as long as the
//! suite runs.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a missing value fails the scene"
)]

mod crowds;
mod ends;
mod monitors;
mod runs;
mod stage;
mod terminals;
mod threads;

use mission_control_testkit::truth::{Scene, play_all};
use stage::Stage;

/// What happens, one after the other. The first waits for the last: a daemon keeps what was left
/// for a minute.
const SCENES: &[Scene<Stage>] = &[
    ("terminal left while idle", terminals::left_while_idle),
    ("run: success", runs::success),
    ("run: slow silent command", runs::slow_command),
    ("run: slow silent command, code mode", runs::slow_code),
    ("run: error of the model", runs::model_error),
    ("run: stream broken off", runs::broken_stream),
    ("run: usage limit", runs::usage_limit),
    ("run: SIGINT", ends::interrupted),
    ("run: SIGTERM", ends::terminated),
    ("run: SIGKILL", ends::killed),
    ("run: only its wrapper killed", ends::wrapper_killed),
    ("run: resumed", threads::resumed),
    ("run: forked", threads::forked),
    ("run: sub-agent", threads::sub_agent),
    ("run: sub-agent, code mode", threads::sub_agent_in_code_mode),
    ("run: automatic review", threads::reviewed),
    ("run: archived", threads::archived),
    ("run: deleted", threads::deleted),
    ("run: version 0.100", crowds::legacy_run),
    ("recordings of four older versions", crowds::recordings),
    ("two homes at once", crowds::two_homes),
    ("30 sessions at once", crowds::thirty),
    ("monitor started late", monitors::late),
    ("monitor restarted", monitors::restarted),
    ("terminal: answered there", terminals::answered_there),
    (
        "terminal: answered while a monitor comes",
        terminals::answered_while_fetched,
    ),
    (
        "terminal: answered from here",
        terminals::answered_from_here,
    ),
    ("terminal: declined there", terminals::declined_there),
    (
        "terminal: declined from here",
        terminals::declined_from_here,
    ),
    ("terminal: a question", terminals::asked_a_question),
    ("terminal: two requests in a turn", terminals::two_requests),
    ("terminal: interrupted from here", terminals::interrupted),
    ("terminal: failed turn", terminals::failed),
    ("terminal without the daemon", terminals::without_daemon),
    (
        "terminal without the daemon, killed",
        terminals::without_daemon_killed,
    ),
    ("terminal left while idle: its end", terminals::unloaded),
    ("terminal left while working", terminals::left_while_working),
    (
        "terminal killed while working",
        terminals::killed_while_working,
    ),
    ("daemon killed while asked", terminals::daemon_killed),
];

#[test]
fn what_is_told_of_codex_is_true() {
    let mut stage = Stage::new();
    play_all(&mut stage, |stage| &mut stage.truth, SCENES);
    let report = std::mem::take(&mut stage.truth).finish();
    report.print();
    assert_eq!(report.faults(), Vec::<String>::new());
}
