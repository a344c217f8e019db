//! What follows from requests that a hook or the transcript shows.

use super::sim::{Sim, ended, id, origin, turn};
use super::*;
use crate::observation::{Approver, Fact, HookRequest, LiveDoing, Observation, Role};
use crate::session::{Client, EvidenceSource, Need, NeedKind, TurnOutcome};

fn need(kind: NeedKind, item: &str) -> Need {
    Need {
        kind,
        summary: "Run this command?\n$ touch x".to_owned(),
        request_id: format!("t1/{item}"),
        can_answer: false,
        choices: Vec::new(),
    }
}

fn began(item: &str) -> Fact {
    Fact::ItemStarted {
        item: item.to_owned(),
        activity: "Running touch x".to_owned(),
    }
}

fn over(item: &str) -> Fact {
    Fact::ItemEnded {
        item: item.to_owned(),
    }
}

fn settings(approver: Approver) -> Fact {
    Fact::Context {
        model: None,
        cwd: None,
        git_branch: None,
        approver: Some(approver),
    }
}

/// A hook is called after all lines so far.
fn called(sim: &mut Sim, item: Option<&str>) {
    let request = HookRequest {
        at: sim.now.wall,
        transcript_bytes: sim.offset + 1,
        item: item.map(str::to_owned),
        need: need(NeedKind::Approval, item.unwrap_or("-")),
    };
    let session = id("a");
    sim.tracker
        .handle(Observation::HookCalled { session, request }, sim.now);
}

fn told(item: &str) -> String {
    format!("{}/-/needs_you/t1/{item}", id("a"))
}

fn status(sim: &Sim) -> Status {
    sim.session("a").status
}

#[test]
fn a_hook_tells_once_that_a_person_is_waited_for_until_the_item_ends() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [began("i1"), began("i2")]);

    called(&mut sim, Some("i1"));
    assert_eq!(status(&sim), Status::Working, "a rule may decide at once");
    assert_eq!(
        sim.tracker.poll_timeout(),
        Some(sim.now.steady + ASKS_AFTER)
    );
    sim.pass(ASKS_AFTER);
    let waiting = sim.session("a");
    called(&mut sim, Some("i1"));

    assert_eq!(waiting.status, Status::NeedsYou);
    assert_eq!(waiting.need.unwrap().request_id, "t1/i1");
    assert_eq!(waiting.evidence.from, EvidenceSource::Hook);
    assert!(
        waiting.evidence.says.contains("touch x"),
        "{}",
        waiting.evidence.says
    );
    assert_eq!(sim.notices(), [told("i1")]);
    sim.lines("a", [over("i2")]);
    assert_eq!(status(&sim), Status::NeedsYou, "another item ended");
    sim.lines("a", [over("i1")]);
    assert_eq!(status(&sim), Status::Working);
    assert_eq!(sim.session("a").need, None);
}

#[test]
fn what_is_decided_at_once_is_no_need() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [began("i1")]);

    called(&mut sim, Some("i1"));
    sim.lines("a", [over("i1")]);
    sim.pass(ASKS_AFTER);

    assert_eq!(status(&sim), Status::Working);
    assert_eq!(sim.notices(), Vec::<String>::new());
}

#[test]
fn whoever_asks_nobody_needs_nobody() {
    for (client, approver, expected) in [
        (Client::Tui, Approver::Person, Status::NeedsYou),
        (Client::Tui, Approver::Nobody, Status::Working),
        (Client::Exec, Approver::Person, Status::Working),
    ] {
        let mut sim = Sim::running_in("a", client);
        sim.lines("a", [settings(approver), began("i1")]);

        called(&mut sim, Some("i1"));
        sim.pass(ASKS_AFTER);

        assert_eq!(status(&sim), expected, "{client:?} {approver:?}");
    }
}

#[test]
fn a_request_whose_item_is_not_known_is_over_when_none_is_left_that_may_ask() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [began("i1"), began("i2")]);
    called(&mut sim, None);
    sim.pass(ASKS_AFTER);
    assert_eq!(status(&sim), Status::NeedsYou);

    sim.lines("a", [Fact::Said { text: "So.".into() }, began("i3")]);
    assert_eq!(status(&sim), Status::NeedsYou);
    sim.lines("a", [over("i2")]);
    assert_eq!(status(&sim), Status::NeedsYou, "the other one may ask");
    sim.lines("a", [over("i1")]);
    assert_eq!(status(&sim), Status::Working);
}

#[test]
fn an_old_request_counts_at_once_and_one_that_is_over_never() {
    let late = |facts: &[Fact], item: Option<&str>| {
        let mut sim = Sim::new();
        let request = HookRequest {
            at: sim.now.wall - jiff::SignedDuration::from_secs(60),
            transcript_bytes: 250,
            item: item.map(str::to_owned),
            need: need(NeedKind::Approval, "i1"),
        };
        sim.lines("a", [origin(Client::Tui, Role::Main, None), turn(1)]);
        for fact in facts {
            sim.lines("a", [fact.clone()]);
        }
        sim.held("a");
        let session = id("a");
        sim.tracker
            .handle(Observation::HookCalled { session, request }, sim.now);
        status(&sim)
    };

    assert_eq!(late(&[began("i1")], Some("i1")), Status::NeedsYou);
    assert_eq!(late(&[began("i1")], None), Status::NeedsYou);
    assert_eq!(
        late(&[began("i1"), over("i1")], Some("i1")),
        Status::Working
    );
    assert_eq!(late(&[began("i1"), over("i1")], None), Status::Working);
    assert_eq!(
        late(&[ended(1, TurnOutcome::Interrupted)], None),
        Status::Paused
    );
}

#[test]
fn what_the_agent_itself_says_counts_more_than_a_hook() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [began("i1")]);
    sim.says("a", LiveDoing::Working);

    called(&mut sim, Some("i1"));
    sim.pass(ASKS_AFTER);

    assert_eq!(status(&sim), Status::Working);
    assert_eq!(sim.notices(), Vec::<String>::new());
    assert!(
        sim.tracker
            .poll_timeout()
            .is_none_or(|due| due > sim.now.steady),
        "nothing is due for ever"
    );
}

#[test]
fn a_question_of_the_transcript_waits_for_a_person_until_it_is_answered_or_dropped() {
    let question = || Fact::Asked {
        item: "q1".to_owned(),
        need: need(NeedKind::Question, "q1"),
    };
    for end in [over("q1"), ended(1, TurnOutcome::Interrupted)] {
        let mut sim = Sim::running_in("a", Client::Tui);
        sim.lines("a", [settings(Approver::Nobody), began("q1"), question()]);
        sim.pass(ASKS_AFTER);
        let asking = sim.session("a");
        sim.lines("a", [end]);

        assert_eq!(asking.status, Status::NeedsYou);
        assert_eq!(asking.evidence.from, EvidenceSource::Transcript);
        assert_eq!(sim.notices().first(), Some(&told("q1")));
        assert_ne!(status(&sim), Status::NeedsYou);
        assert_eq!(sim.session("a").need, None);
    }
}

#[test]
fn a_request_ends_with_its_process() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.lines("a", [began("i1")]);
    called(&mut sim, Some("i1"));
    sim.pass(ASKS_AFTER);

    sim.free("a");

    assert_eq!(status(&sim), Status::Done);
    assert_eq!(sim.session("a").need, None);
}
