//! What follows from what an agent says of its own sessions.

use super::sim::{Sim, ended, id, origin, turn};
use super::*;
use crate::observation::{Fact, LiveDoing, LiveState, Observation, Role};
use crate::session::{Client, EndedHow, EvidenceSource, Need, NeedKind, Status, TurnOutcome};

fn live(doing: LiveDoing) -> LiveState {
    LiveState {
        from: EvidenceSource::LiveProtocol,
        at: "2026-11-20T10:00:01Z".parse().unwrap(),
        doing,
    }
}

fn approval(request: &str) -> LiveDoing {
    LiveDoing::Waiting {
        need: Some(Need {
            kind: NeedKind::Approval,
            summary: "touch /opt/x".to_owned(),
            request_id: request.to_owned(),
            can_answer: true,
            choices: vec!["accept".to_owned(), "decline".to_owned()],
        }),
    }
}

/// The id of the notice of a request.
fn told(request: &str) -> String {
    format!("{}/-/needs_you/{request}", id("a"))
}

const UNNAMED: LiveDoing = LiveDoing::Waiting { need: None };

#[test]
fn what_the_agent_says_of_itself_decides_and_each_request_is_told_once() {
    let mut sim = Sim::running_in("a", Client::Tui);

    sim.says("a", approval("t1/i1"));
    let session = sim.session("a");
    sim.says("a", approval("t1/i1"));
    sim.says("a", LiveDoing::Working);
    sim.says("a", approval("t1/i2"));

    assert_eq!(session.status, Status::NeedsYou);
    assert_eq!(session.need.as_ref().unwrap().request_id, "t1/i1");
    assert!(session.need.unwrap().can_answer);
    assert_eq!(session.evidence.from, EvidenceSource::LiveProtocol);
    assert!(
        session.evidence.says.contains("touch /opt/x"),
        "{}",
        session.evidence.says
    );
    assert_eq!(sim.notices(), [told("t1/i1"), told("t1/i2")]);
}

#[test]
fn a_need_is_told_with_its_words_or_after_a_while_without() {
    let mut sim = Sim::running_in("a", Client::Tui);

    sim.says("a", UNNAMED);
    assert_eq!(sim.session("a").status, Status::NeedsYou);
    assert_eq!(sim.notices(), Vec::<String>::new());
    sim.says("a", approval("t1/i1"));
    assert_eq!(sim.notices(), [told("t1/i1")]);

    sim.says("a", LiveDoing::Working);
    sim.says("a", UNNAMED);
    assert_eq!(
        sim.tracker.poll_timeout(),
        Some(sim.now.steady + WORDS_WITHIN)
    );
    sim.pass(WORDS_WITHIN);
    assert_eq!(sim.notices(), [told("since-1795168801000")]);
    assert_eq!(sim.tracker.poll_timeout(), None);
    sim.says("a", approval("t1/i2"));
    assert_eq!(sim.notices(), Vec::<String>::new(), "it was told already");
}

#[test]
fn silence_takes_no_need_back_and_progress_does() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.says("a", approval("t1/i1"));

    sim.falls_silent("a");
    let silent = sim.session("a");
    sim.lines(
        "a",
        [Fact::Said {
            text: "Well.".into(),
        }],
    );
    let still = sim.session("a").status;
    sim.lines("a", [Fact::ItemEnded { item: "i1".into() }]);

    assert_eq!(silent.status, Status::NeedsYou);
    assert!(!silent.need.unwrap().can_answer);
    assert!(
        silent.evidence.says.contains("silent"),
        "{}",
        silent.evidence.says
    );
    assert_eq!(still, Status::NeedsYou);
    assert_eq!(sim.session("a").status, Status::Working);
    assert_eq!(sim.session("a").need, None);
}

#[test]
fn a_writer_that_vanishes_ends_what_the_agent_said() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.says("a", approval("t1/i1"));

    sim.falls_silent("a");
    sim.free("a");

    assert_eq!(sim.session("a").status, Status::Done);
    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Killed);
    assert_eq!(sim.session("a").need, None);
}

#[test]
fn an_idle_agent_is_no_working_one_whatever_its_transcript_lacks() {
    let mut sim = Sim::running_in("a", Client::Tui);

    sim.says("a", LiveDoing::Idle);
    assert_eq!(sim.session("a").status, Status::Paused);
    sim.says(
        "a",
        LiveDoing::Background {
            activity: "A command runs on".into(),
        },
    );
    assert_eq!(
        sim.session("a").activity.as_deref(),
        Some("A command runs on")
    );
    sim.says("a", LiveDoing::Working);
    assert_eq!(sim.session("a").status, Status::Working);
    sim.falls_silent("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn a_turn_that_began_after_the_agent_said_it_was_idle_runs() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.says("a", LiveDoing::Idle);
    sim.effects();

    sim.agent_clock += jiff::SignedDuration::from_secs(2);
    sim.lines("a", [turn(2)]);
    let session = sim.session("a");
    sim.now.wall += jiff::SignedDuration::from_secs(3);
    sim.says("a", LiveDoing::Idle);

    assert_eq!(session.status, Status::Working);
    assert_eq!(session.evidence.from, EvidenceSource::Transcript);
    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn what_is_said_of_a_session_that_was_over_opens_it_at_once() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");

    sim.held("a");
    assert_eq!(sim.session("a").status, Status::Done);
    sim.says("a", LiveDoing::Idle);

    assert_eq!(sim.session("a").status, Status::Paused);
    assert!(sim.session("a").process.is_some());
}

#[test]
fn a_program_that_takes_a_session_up_to_run_a_turn_never_says_your_turn_before_it() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");
    sim.effects();

    sim.held("a");
    sim.says("a", LiveDoing::Idle);
    assert_eq!(sim.session("a").status, Status::Done);
    sim.says("a", LiveDoing::Working);

    assert_eq!(sim.session("a").status, Status::Working);
    assert!(sim.session("a").process.is_some());
}

#[test]
fn a_program_that_takes_a_session_up_and_stays_idle_waits_for_a_person() {
    let mut sim = Sim::running("a");
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    sim.free("a");

    sim.held("a");
    sim.says("a", LiveDoing::Idle);
    sim.pass(TAKEN_UP_AFTER);

    assert_eq!(sim.session("a").status, Status::Paused);
    assert_eq!(sim.session("a").evidence.from, EvidenceSource::LiveProtocol);
}

#[test]
fn what_was_said_before_the_latest_comes_too_late() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.says("a", LiveDoing::Working);

    let mut late = live(approval("t1/i1"));
    late.at = "2026-11-20T10:00:00Z".parse().unwrap();
    let session = id("a");
    sim.tracker.handle(
        Observation::LiveSeen {
            session,
            live: late,
        },
        sim.now,
    );

    assert_eq!(sim.session("a").status, Status::Working);
}

#[test]
fn a_need_of_a_sub_agent_is_told_and_one_of_a_helper_is_not() {
    for (role, n_notices) in [(Role::SubAgent, 1), (Role::Helper, 0)] {
        let mut sim = Sim::new();
        sim.lines("a", [origin(Client::Tui, role, Some("p")), turn(1)]);
        sim.held("a");

        sim.says("a", approval("t1/i1"));

        assert_eq!(sim.notices().len(), n_notices, "{role:?}");
    }
}

#[test]
fn a_need_is_told_however_long_it_has_been_open() {
    let mut sim = Sim::running_in("a", Client::Tui);
    let mut old = live(approval("t1/i1"));
    old.at = "2026-11-20T09:59:59Z".parse().unwrap();

    let session = id("a");
    sim.tracker
        .handle(Observation::LiveSeen { session, live: old }, sim.now);

    assert_eq!(sim.session("a").status, Status::NeedsYou);
    assert_eq!(sim.notices(), [told("t1/i1")]);
}

#[test]
fn a_program_that_runs_one_turn_and_says_that_it_is_idle_is_about_to_leave() {
    let mut sim = Sim::running_in("a", Client::Exec);

    sim.lines("a", [turn(1)]);
    sim.says("a", LiveDoing::Working);
    sim.says("a", LiveDoing::Idle);
    sim.lines("a", [ended(1, TurnOutcome::Completed)]);
    assert_eq!(sim.session("a").status, Status::Working);

    sim.free("a");
    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Finished);
}

#[test]
fn a_program_that_stays_idle_waits_for_a_person_whatever_its_transcript_lacks() {
    let mut sim = Sim::running_in("a", Client::Exec);

    sim.lines("a", [turn(1)]);
    sim.says("a", LiveDoing::Idle);
    assert_eq!(sim.session("a").status, Status::Working);

    sim.pass(LEAVES_WITHIN);
    assert_eq!(sim.session("a").status, Status::Paused);
}

#[test]
fn a_turn_that_was_stopped_without_a_line_was_interrupted_and_not_killed() {
    let mut sim = Sim::running("a");

    sim.lines("a", [turn(1)]);
    sim.says("a", LiveDoing::Idle);
    sim.free("a");

    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Interrupted);
    assert_eq!(sim.notices().len(), 1);
}

#[test]
fn an_agent_that_is_killed_says_nothing_of_it() {
    let mut sim = Sim::running("a");

    sim.lines("a", [turn(1)]);
    sim.says("a", LiveDoing::Working);
    sim.free("a");

    assert_eq!(sim.session("a").ended.unwrap().how, EndedHow::Killed);
}

#[test]
fn an_agent_that_works_before_its_prompt_is_written_starts() {
    let mut sim = Sim::running("a");
    sim.lines("a", [turn(1), ended(1, TurnOutcome::Completed)]);

    sim.pass(Duration::from_secs(1));
    sim.says("a", LiveDoing::Working);

    assert_eq!(sim.session("a").activity.unwrap(), "Starting");
}
