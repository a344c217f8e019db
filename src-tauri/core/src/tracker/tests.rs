//! The tracker over values: scenarios, races and permutations.

use proptest::prelude::*;

use super::sim::{Sim, ended, fact_of, id, located, origin, started, turn};
use super::*;
use crate::observation::{Fact, LocatedFact, Observation, Place, Role, Writer};
use crate::session::{Client, EndedHow, Freshness, Status, TurnOutcome};

#[test]
fn a_session_is_announced_only_when_its_writer_is_known() {
    let mut sim = Sim::new();

    sim.lines("a", [started(), turn(1)]);
    assert_eq!(sim.effects(), Vec::<String>::new());

    sim.held("a");
    assert_eq!(sim.effects(), ["discovered a working", "summary working=1"]);
}

#[test]
fn a_session_is_announced_only_when_something_of_it_was_read() {
    let mut sim = Sim::new();

    sim.held("a");
    sim.lines("a", []);
    assert_eq!(sim.effects(), Vec::<String>::new());

    sim.lines("a", [started()]);
    assert_eq!(sim.effects()[0], "discovered a working");
}

#[test]
fn a_program_that_needs_nobody_to_begin_never_says_your_turn_before_its_first() {
    let mut sim = Sim::new();
    sim.held("a");

    sim.lines("a", [started()]);
    assert_eq!(sim.session("a").activity.unwrap(), "Starting");
    assert_eq!(
        sim.session("a").status_since,
        sim.session("a").started_at.unwrap()
    );
    sim.lines("a", [turn(1)]);

    assert_eq!(
        sim.effects(),
        [
            "discovered a working",
            "summary working=1",
            "updated a working"
        ]
    );
}

#[test]
fn a_terminal_without_a_turn_waits_for_a_person() {
    let mut sim = Sim::new();
    sim.held("a");

    sim.lines("a", [origin(Client::Tui, Role::Main, None)]);

    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn a_turn_that_completes_is_announced_once_and_the_session_pauses() {
    let mut sim = Sim::running_in("a", Client::Tui);

    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.lines(
        "a",
        [Fact::LimitsSeen(crate::session::RateLimits::default())],
    );

    assert_eq!(
        sim.effects(),
        [
            "updated a paused",
            "notice codex:a/t1/turn_completed",
            "summary paused=1",
            "updated a paused"
        ]
    );
}

#[test]
fn a_program_that_leaves_after_its_turn_never_says_your_turn() {
    let mut sim = Sim::running("a");

    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");

    assert_eq!(
        sim.effects(),
        [
            "updated a working",
            "notice codex:a/t1/turn_completed",
            "closed a done",
            "summary done=1"
        ]
    );
}

#[test]
fn a_program_that_stays_after_its_turn_waits_for_a_person() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    assert_eq!(sim.session("a").activity.unwrap(), "Finishing");

    assert_eq!(
        sim.tracker.poll_timeout(),
        Some(sim.now.steady + LEAVES_WITHIN)
    );
    sim.pass(LEAVES_WITHIN);

    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn a_released_session_is_done_and_says_how() {
    for (outcome, how) in [
        (TurnOutcome::Completed, EndedHow::Finished),
        (TurnOutcome::Failed, EndedHow::Failed),
        (TurnOutcome::Interrupted, EndedHow::Interrupted),
    ] {
        let mut sim = Sim::running("a");
        sim.lines("a", [ended(1, outcome)]);

        sim.free("a");

        let session = sim.session("a");
        assert_eq!(
            (session.status, session.ended.unwrap().how),
            (Status::Done, how)
        );
    }
}

#[test]
fn a_person_who_leaves_between_turns_closed_the_session() {
    let mut sim = Sim::new();
    sim.lines(
        "a",
        [
            origin(Client::Tui, Role::Main, None),
            turn(1),
            ended(1, TurnOutcome::Completed),
        ],
    );
    sim.held("a");

    sim.free("a");

    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Closed);
}

#[test]
fn a_writer_that_vanishes_in_a_turn_was_killed_at_once() {
    let mut sim = Sim::running("a");

    sim.free("a");

    assert_eq!(
        sim.effects(),
        [
            "closed a done",
            "notice codex:a/t1/session_died",
            "summary done=1"
        ]
    );
    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Killed);
}

#[test]
fn silence_is_a_remark_and_not_a_status() {
    let mut sim = Sim::running("a");

    sim.pass(QUIET_AFTER);

    let session = sim.session("a");
    assert_eq!(
        (session.status, session.freshness),
        (Status::Working, Freshness::Quiet)
    );
    assert_eq!(sim.tracker.poll_timeout(), None);
}

#[test]
fn a_jump_of_the_wall_clock_changes_nothing() {
    let mut sim = Sim::running("a");

    sim.now.wall = "2031-01-01T00:00:00Z".parse().unwrap();
    sim.lines(
        "a",
        [Fact::Said {
            text: "still here".into(),
        }],
    );
    sim.tracker.handle_timeout(sim.now);

    let session = sim.session("a");
    assert_eq!(
        (session.status, session.freshness),
        (Status::Working, Freshness::Fresh)
    );
}

#[test]
fn without_evidence_of_a_writer_the_status_is_unknown() {
    let mut sim = Sim::new();
    sim.lines("a", [started(), turn(1), ended(1, TurnOutcome::Completed)]);

    sim.see(
        "a",
        Writer::Unknown {
            why: "runs elsewhere".into(),
        },
    );

    let session = sim.session("a");
    assert_eq!(session.status, Status::Unknown);
    assert_eq!(session.evidence.says, "runs elsewhere");
}

#[test]
fn lines_prove_a_writer_that_cannot_be_seen_until_they_stop() {
    let mut sim = Sim::new();
    sim.lines("a", [started(), turn(1)]);
    sim.see(
        "a",
        Writer::Unknown {
            why: "runs elsewhere".into(),
        },
    );
    assert_eq!(sim.session("a").status, Status::Working);

    sim.pass(QUIET_AFTER);

    assert_eq!(sim.session("a").status, Status::Unknown);
}

#[test]
fn a_parent_is_finished_only_when_its_sub_agents_are() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines(
        "b",
        [origin(Client::Tui, Role::SubAgent, Some("a")), turn(7)],
    );
    sim.held("b");
    sim.effects();

    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    assert_eq!(sim.session("a").status, Status::Working);
    assert_eq!(
        sim.session("a").activity.unwrap(),
        "Waiting for a sub-agent"
    );
    assert_eq!(sim.effects(), ["updated a working"]);

    sim.lines("b", [ended(7, TurnOutcome::Completed)]);
    assert_eq!(
        sim.effects(),
        [
            "updated b paused",
            "updated a paused",
            "notice codex:a/t1/turn_completed",
            "summary paused=1"
        ]
    );
}

#[test]
fn a_helper_thread_is_silent_and_holds_nobody_up() {
    let mut sim = Sim::running("a");
    sim.lines(
        "g",
        [origin(Client::Exec, Role::Helper, Some("a")), turn(7)],
    );
    sim.held("g");
    sim.effects();

    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.lines("g", [ended(7, TurnOutcome::Completed)]);

    assert_eq!(sim.notices(), ["codex:a/t1/turn_completed"]);
    assert!(sim.session("g").helper);
}

#[test]
fn what_ended_before_the_start_is_never_announced() {
    let mut sim = Sim::new();
    sim.agent_clock = "2026-11-19T00:00:00Z".parse().unwrap();

    sim.lines("a", [started(), turn(1), ended(1, TurnOutcome::Completed)]);
    sim.free("a");

    assert_eq!(sim.notices(), Vec::<String>::new());
}

#[test]
fn of_missed_turns_only_the_latest_is_news() {
    let mut sim = Sim::new();

    sim.lines(
        "a",
        [
            started(),
            turn(1),
            ended(1, TurnOutcome::Completed),
            turn(2),
            ended(2, TurnOutcome::Failed),
        ],
    );
    sim.free("a");

    assert_eq!(sim.notices(), ["codex:a/t2/turn_failed"]);
}

#[test]
fn a_rewritten_transcript_is_read_anew_and_announces_nothing_twice() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.effects();
    let before = sim.agent_clock;

    sim.generation = 1;
    sim.offset = 0;
    sim.agent_clock = "2026-11-20T12:00:00Z".parse().unwrap();
    sim.lines("a", [origin(Client::Tui, Role::Main, None), turn(1)]);
    sim.agent_clock = before;
    sim.lines("a", [ended(101, TurnOutcome::Completed)]);

    assert_eq!(sim.notices(), Vec::<String>::new());
    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn lines_of_an_older_generation_are_void() {
    let mut sim = Sim::running("a");
    sim.generation = 2;
    sim.offset = 0;
    sim.lines("a", [started(), turn(5)]);

    sim.generation = 1;
    sim.lines("a", [ended(5, TurnOutcome::Completed)]);

    assert_eq!(sim.session("a").status, Status::Working);
}

#[test]
fn a_resumed_session_works_again() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");
    sim.effects();

    sim.lines("a", [turn(2)]);
    sim.held("a");

    assert_eq!(sim.session("a").status, Status::Working);
    assert_eq!(sim.session("a").turn.unwrap().count, Some(2));
    assert_eq!(sim.session("a").ended, None);
}

#[test]
fn a_session_that_is_over_and_held_for_a_moment_stays_over() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");
    let before = sim.session("a");
    sim.effects();

    sim.held("a");
    assert_eq!(
        sim.tracker.poll_timeout(),
        Some(sim.now.steady + TAKEN_UP_AFTER)
    );
    assert_eq!(sim.session("a"), before);
    sim.free("a");
    sim.pass(TAKEN_UP_AFTER);

    assert_eq!(sim.session("a"), before);
    assert_eq!(sim.effects(), Vec::<String>::new());
    assert_eq!(sim.tracker.poll_timeout(), None);
}

#[test]
fn a_session_that_is_over_and_stays_held_is_open_again() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");

    sim.held("a");
    sim.pass(TAKEN_UP_AFTER / 2);
    sim.held("a");
    assert_eq!(sim.session("a").status, Status::Done);
    sim.pass(TAKEN_UP_AFTER / 2);

    assert_eq!(sim.session("a").status, Status::Paused);
    assert!(sim.session("a").process.is_some());
}

#[test]
fn a_turn_without_a_recorded_end_settles_and_is_finished_by_the_release() {
    let mut sim = Sim::running("a");
    sim.lines(
        "a",
        [
            Fact::Said {
                text: "done".into(),
            },
            Fact::Settled,
        ],
    );
    assert_eq!(sim.session("a").status, Status::Paused);

    sim.lines(
        "a",
        [Fact::ItemStarted {
            item: "i".into(),
            activity: "Running ls".into(),
        }],
    );
    assert_eq!(sim.session("a").status, Status::Working);
    assert_eq!(sim.session("a").activity.unwrap(), "Running ls");

    sim.lines("a", [Fact::ItemEnded { item: "i".into() }, Fact::Settled]);
    sim.free("a");
    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Finished);
    assert_eq!(sim.notices(), ["codex:a/t1/turn_completed"]);
}

#[test]
fn a_session_that_runs_for_a_task_leaves_the_telling_to_the_task() {
    let mut sim = Sim::running_in("a", Client::Tui);
    let runs_for = |ended_at| Observation::RunsFor {
        session: id("a"),
        task: "t".into(),
        ended_at,
    };
    sim.tracker.handle(runs_for(None), sim.now);

    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    assert_eq!(sim.notices(), Vec::<String>::new());
    assert_eq!(sim.session("a").task_id.unwrap(), "t");

    sim.tracker.handle(runs_for(Some(sim.agent_clock)), sim.now);
    sim.agent_clock += jiff::SignedDuration::from_secs(60);
    sim.lines("a", [turn(2), ended(2, TurnOutcome::Completed)]);
    assert_eq!(sim.notices(), ["codex:a/t2/turn_completed"]);
}

#[test]
fn a_transcript_that_is_gone_takes_its_session_along() {
    let mut sim = Sim::running("a");

    sim.tracker
        .handle(Observation::TranscriptGone { session: id("a") }, sim.now);

    assert_eq!(sim.effects(), ["forgotten a", "summary "]);
}

#[test]
fn a_session_that_is_put_away_is_archived_however_it_ended_and_tells_nothing() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Interrupted)]);
    sim.notices();

    sim.moved("a", Place::Archive);
    assert_eq!(sim.session("a").status, Status::Paused, "somebody holds it");
    sim.free("a");

    let archived = sim.session("a");
    assert_eq!(archived.ended.unwrap().how, EndedHow::Archived);
    assert_eq!(
        archived.last_turn.unwrap().outcome,
        TurnOutcome::Interrupted
    );
    assert_eq!(archived.evidence.says, "it lies in the archive");
    assert_eq!(archived.transcript_path.as_deref(), Some("moved.jsonl"));
    assert_eq!(sim.notices(), Vec::<String>::new());

    sim.moved("a", Place::Usual);
    let how = sim.session("a").ended.unwrap().how;
    assert_eq!(how, EndedHow::Interrupted);
    assert_eq!(sim.notices(), Vec::<String>::new());
}

#[test]
fn time_alone_changes_the_counts_too() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.effects();

    sim.pass(LEAVES_WITHIN);

    assert_eq!(sim.effects(), ["updated a paused", "summary paused=1"]);
}

#[test]
fn a_sub_agent_that_is_gone_holds_its_parent_up_no_longer() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines(
        "b",
        [origin(Client::Tui, Role::SubAgent, Some("a")), turn(7)],
    );
    sim.held("b");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.effects();

    sim.tracker
        .handle(Observation::TranscriptGone { session: id("b") }, sim.now);

    assert_eq!(
        sim.effects(),
        [
            "forgotten b",
            "updated a paused",
            "notice codex:a/t1/turn_completed",
            "summary paused=1"
        ]
    );
}

#[test]
fn a_session_killed_in_its_turn_and_resumed_waits_for_a_person() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.free("a");
    sim.effects();

    sim.held("a");
    sim.pass(TAKEN_UP_AFTER);
    assert_eq!(sim.session("a").status, Status::Paused);

    let settings = Fact::Context {
        model: Some("m".into()),
        cwd: None,
        git_branch: None,
        approver: None,
    };
    sim.lines("a", [settings]);
    assert_eq!(sim.session("a").status, Status::Paused);

    sim.lines("a", [turn(2)]);
    assert_eq!(sim.session("a").status, Status::Working);
}

#[test]
fn a_writer_that_is_younger_than_the_last_line_cannot_run_its_turn() {
    let mut sim = Sim::new();
    sim.lines("a", [origin(Client::Tui, Role::Main, None), turn(1)]);
    sim.now.wall += jiff::SignedDuration::from_secs(3600);

    sim.held("a");

    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn a_clock_that_is_set_back_loses_no_notice() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.lines("a", [turn(2)]);
    sim.effects();

    let earlier = sim.agent_clock - jiff::SignedDuration::from_secs(300);
    sim.tracker.notify_since = earlier;
    sim.agent_clock = earlier;
    sim.lines("a", [ended(2, TurnOutcome::Completed)]);

    assert_eq!(sim.notices(), ["codex:a/t2/turn_completed"]);
}

proptest! {
    /// However lines are cut into batches, repeated or sent late, the end is the same.
    #[test]
    fn late_and_repeated_lines_never_undo_newer_evidence(
        steps in prop::collection::vec(0u8..6, 1..30),
        cuts in prop::collection::vec(any::<bool>(), 30),
        echoes in prop::collection::vec(0usize..30, 0..6),
    ) {
        let facts: Vec<LocatedFact> = steps
            .iter()
            .enumerate()
            .map(|(n, step)| located(u64::try_from(n).unwrap() * 10, fact_of(*step)))
            .collect();
        let mut straight = Sim::new();
        straight.deliver("a", facts.clone());
        straight.held("a");

        let mut cut = Sim::new();
        let mut batch = Vec::new();
        for (n, fact) in facts.iter().enumerate() {
            batch.push(fact.clone());
            if cuts[n] {
                cut.deliver("a", std::mem::take(&mut batch));
            }
            if echoes.contains(&n) && cuts[n] {
                cut.deliver("a", facts[..=n / 2].to_vec());
            }
        }
        cut.deliver("a", batch);
        cut.held("a");

        let (mut a, mut b) = (straight.session("a"), cut.session("a"));
        a.status_since = straight.now.wall;
        b.status_since = straight.now.wall;
        prop_assert_eq!(a, b);
    }

    /// A death, a release and lines may be seen in any order around a turn's end; the status is
    /// the truth of the last look, and no notice comes twice.
    #[test]
    fn no_order_of_looks_raises_a_notice_twice(looks in prop::collection::vec(0u8..4, 0..20)) {
        let mut sim = Sim::running("a");
        let mut is_ended = false;
        for look in looks {
            match look {
                0 => sim.held("a"),
                1 => sim.free("a"),
                2 => sim.see("a", Writer::Unknown { why: "x".into() }),
                _ if !is_ended => {
                    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
                    is_ended = true;
                }
                _ => {}
            }
        }
        sim.free("a");
        let mut notices = sim.notices();
        let n = notices.len();
        notices.dedup();
        prop_assert_eq!(n, notices.len());
        prop_assert_eq!(sim.session("a").status, Status::Done);
        let how = sim.session("a").ended.unwrap().how;
        prop_assert_eq!(how, if is_ended { EndedHow::Finished } else { EndedHow::Killed });
    }
}

#[test]
fn a_session_of_another_home_is_taken_up_there() {
    let command = |usual: &str| {
        let mut sim = Sim::new();
        sim.tracker.set_usual_homes([usual.to_owned()]);
        sim.lines("a", [started(), turn(1)]);
        sim.held("a");
        sim.session("a").resume_command.unwrap()
    };

    assert_eq!(command("/home/dev/.agent"), "codex resume a");
    assert_eq!(
        command("/home/dev/.codex"),
        "CODEX_HOME=/home/dev/.agent codex resume a"
    );
}
