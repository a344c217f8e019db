//! The recorder finds what it is for: each test tells it something untrue.

use std::time::Duration;

use serde_json::{Value, json};

use super::account::Account;
use super::judge::{Untruth, judge};
use super::report::{Report, percentile};
use super::timeline::{Phase, Presence, State, Timeline};
use crate::wait::Moment;

const ID: &str = "codex:1";

#[test]
fn the_truth_has_no_faults() {
    check(&STORY, &[]);
}

#[test]
fn a_state_that_was_not_is_false() {
    check(
        &[
            (1, Session("working")),
            (12, Session("unknown")),
            (13, Session("working")),
            (21, Session("needs_you")),
            (21, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        &[Untruth::FalseState(State::Unknown)],
    );
}

#[test]
fn a_state_before_its_cause_is_false() {
    check(
        &[
            (1, Session("working")),
            (15, Session("needs_you")),
            (16, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        &[
            Untruth::FalseState(State::NeedsYou),
            Untruth::Missed(State::NeedsYou),
            Untruth::MissedNotice,
            Untruth::FalseNotice,
        ],
    );
}

#[test]
fn a_state_long_after_its_end_is_false() {
    check(
        &[
            (27, Session("working")),
            (28, Session("needs_you")),
            (28, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        &[Untruth::FalseState(State::Working)],
    );
}

#[test]
fn a_state_that_is_not_told_is_missed() {
    check(
        &[
            (1, Session("working")),
            (21, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        &[Untruth::Missed(State::NeedsYou)],
    );
}

#[test]
fn states_in_the_wrong_order_are_false() {
    check(
        &[
            (1, Session("working")),
            (21, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
            (32, Session("needs_you")),
        ],
        &[
            Untruth::Missed(State::NeedsYou),
            Untruth::FalseState(State::NeedsYou),
        ],
    );
}

#[test]
fn a_notice_told_twice_is_a_duplicate() {
    check(&with(&STORY, &[(22, Notice("a"))]), &[Untruth::Duplicate]);
}

#[test]
fn a_notice_under_two_ids_is_a_duplicate() {
    let other = Story {
        events: vec![
            (1, Session("working")),
            (21, Session("needs_you")),
            (21, Notice("other")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        from: 0,
        to: 50,
    };
    check_all(&[Story::whole(&STORY), other], &[Untruth::Duplicate]);
}

#[test]
fn a_notice_of_nothing_is_false() {
    check(
        &with(&STORY, &[(33, Ended("again")), (34, Strange)]),
        &[Untruth::FalseNotice, Untruth::Duplicate],
    );
}

#[test]
fn a_session_nobody_started_is_false() {
    check(
        &with(&STORY, &[(33, Stranger)]),
        &[Untruth::FalseState(State::Working)],
    );
}

#[test]
fn a_wrong_word_about_a_state_is_found() {
    check(
        &[
            (1, Guessed("working")),
            (21, Session("needs_you")),
            (21, Notice("a")),
            (31, Session("done")),
            (31, Ended("b")),
        ],
        &[Untruth::FalseDetail(State::Working)],
    );
    check(
        &[
            (1, Session("working")),
            (21, Session("needs_you")),
            (21, Notice("a")),
            (31, Guessed("done")),
            (31, Ended("b")),
        ],
        &[Untruth::FalseDetail(State::Done)],
    );
}

#[test]
fn whoever_comes_late_is_asked_for_what_is_then_and_for_nothing_before() {
    let late = |events: &[(u64, What)]| Story {
        events: events.to_vec(),
        from: 23,
        to: 50,
    };
    let end = [(31, Session("done")), (31, Ended("b"))];
    let whole = Story::whole(&STORY);
    let true_one = late(&with(
        &[(24, Session("needs_you")), (24, Notice("a"))],
        &end,
    ));
    let silent = late(&with(&[(24, Session("needs_you"))], &end));
    let past = late(&with(
        &[
            (24, Session("working")),
            (25, Session("needs_you")),
            (25, Notice("a")),
        ],
        &end,
    ));

    check_all(&[whole.clone(), true_one], &[]);
    check_all(&[whole.clone(), silent], &[Untruth::MissedNotice]);
    check_all(&[whole, past], &[Untruth::FalseState(State::Working)]);
}

#[test]
fn whoever_comes_right_before_a_change_may_miss_what_was_before() {
    let end = [(31, Session("done")), (31, Ended("b"))];
    for before in [
        &[][..],
        &[(29, Session("needs_you"))],
        &[(29, Session("needs_you")), (29, Notice("a"))],
    ] {
        let story = Story {
            events: with(before, &end),
            from: 29,
            to: 50,
        };
        check_all(&[story], &[]);
    }
}

#[test]
fn whoever_comes_after_the_end_tells_nothing_of_it() {
    let after = |events: &[(u64, What)]| Story {
        events: events.to_vec(),
        from: 40,
        to: 50,
    };
    check_all(&[after(&[(41, Session("done"))])], &[]);
    check_all(
        &[after(&[(41, Session("done")), (42, Ended("b"))])],
        &[Untruth::FalseNotice],
    );
}

#[test]
fn a_short_state_may_be_missing_and_may_be_told() {
    let start = Moment::now();
    let mut timeline = Timeline::default();
    for (state, begins, presence) in [
        (State::Working, 0, Presence::Must),
        (State::Paused, 10, Presence::May),
        (State::Done, 10, Presence::Must),
    ] {
        let mut phase = phase(start, state, begins, begins + 1);
        phase.presence = presence;
        timeline.push(phase);
    }
    let told = |states: &[&'static str]| {
        let mut at = 10;
        let events = states.iter().map(|state| {
            at += 1;
            (at, Session(state))
        });
        let events = std::iter::once((1, Session("working"))).chain(events);
        Story {
            events: events.collect(),
            from: 0,
            to: 50,
        }
    };
    let faults = |states| {
        let verdict = judge(&timeline, &[told(states).account(start, "one")]);
        verdict.faults.len()
    };

    assert_eq!(faults(&["done"]), 0);
    assert_eq!(faults(&["paused", "done"]), 0);
    assert_eq!(faults(&["done", "paused"]), 1);
}

#[test]
fn the_same_state_twice_is_told_apart_by_its_words() {
    let start = Moment::now();
    let mut timeline = Timeline::default();
    timeline.push(phase(start, State::NeedsYou, 0, 1).asks("t", "a"));
    let mut between = phase(start, State::Working, 10, 11);
    between.presence = Presence::May;
    timeline.push(between);
    timeline.push(phase(start, State::NeedsYou, 10, 12).asks("t", "b"));
    let told = |events: &[(u64, What)]| {
        let story = Story {
            events: events.to_vec(),
            from: 0,
            to: 50,
        };
        let verdict = judge(&timeline, &[story.account(start, "one")]);
        verdict.faults.len()
    };

    let both = [
        (1, Asks("a")),
        (1, Notice("a")),
        (13, Asks("b")),
        (13, Notice("b")),
    ];
    assert_eq!(told(&both), 0);
    assert_eq!(told(&both[..2]), 2, "the second is missed, and its notice");
}

#[test]
fn a_state_that_may_be_missing_does_not_take_the_place_of_its_like() {
    let start = Moment::now();
    let mut timeline = Timeline::default();
    for (state, begins, presence) in [
        (State::Working, 0, Presence::Must),
        (State::Paused, 10, Presence::May),
        (State::Working, 10, Presence::May),
        (State::Paused, 20, Presence::Must),
    ] {
        let mut phase = phase(start, state, begins, begins + 1);
        phase.presence = presence;
        timeline.push(phase);
    }
    let faults = |states: &[(u64, &'static str)]| {
        let events = states.iter().map(|(at, state)| (*at, Session(state)));
        let story = Story::whole(&events.collect::<Vec<_>>());
        judge(&timeline, &[story.account(start, "one")])
            .faults
            .len()
    };

    assert_eq!(faults(&[(1, "working"), (21, "paused")]), 0);
    let all = [
        (1, "working"),
        (11, "paused"),
        (12, "working"),
        (21, "paused"),
    ];
    assert_eq!(faults(&all), 0);
    assert_eq!(faults(&all[..3]), 1);
}

#[test]
fn the_report_counts_and_says_no() {
    let (start, timeline) = story();
    let accounts = [Story::whole(&with(&STORY, &[(22, Notice("a"))])).account(start, "one")];
    let verdict = judge(&timeline, &accounts);
    let report = Report::new(
        vec!["scene"],
        vec!["other"],
        verdict,
        [("delay", vec![Duration::from_millis(7)])].into(),
        vec![("scene", "too short")],
    );

    let faults = report.faults();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("other: the scene broke off"),
        "{faults:?}"
    );
    assert!(faults[1].contains("told 2 times"), "{faults:?}");
    let table = report.table();
    for part in [
        "needs_you      1/1     0    1000.0 ms",
        "needs_you                   1        2    100 %     100 %          1",
        "note: scene: too short",
        "2 untruths",
    ] {
        assert!(
            words(&table).contains(&words(part)),
            "no `{part}` in {table}"
        );
    }
}

#[test]
fn a_percentile_is_a_value_that_was_measured() {
    let values: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
    assert_eq!(percentile(&values, 50), Some(Duration::from_millis(10)));
    assert_eq!(percentile(&values, 95), Some(Duration::from_millis(19)));
    assert_eq!(percentile(&values, 100), Some(Duration::from_millis(20)));
    assert_eq!(percentile(&values[..1], 50), Some(Duration::from_millis(1)));
    assert_eq!(percentile(&[], 50), None);
}

/// A true story of a session that works, asks and ends, in seconds.
const STORY: [(u64, What); 5] = [
    (1, Session("working")),
    (21, Session("needs_you")),
    (21, Notice("a")),
    (31, Session("done")),
    (31, Ended("b")),
];

#[derive(Clone, Copy, Debug)]
enum What {
    /// The session has this status.
    Session(&'static str),
    /// It has, and the evidence is wrong.
    Guessed(&'static str),
    /// It asks for this request.
    Asks(&'static str),
    /// Another session works.
    Stranger,
    /// A notice of a request.
    Notice(&'static str),
    /// A notice of the end.
    Ended(&'static str),
    /// A notice of a turn that never was.
    Strange,
}
use What::{Asks, Ended, Guessed, Notice, Session, Strange, Stranger};

#[derive(Clone, Debug)]
struct Story {
    events: Vec<(u64, What)>,
    from: u64,
    to: u64,
}

impl Story {
    fn whole(events: &[(u64, What)]) -> Self {
        Self {
            events: events.to_vec(),
            from: 0,
            to: 50,
        }
    }

    fn account(&self, start: Moment, monitor: &str) -> Account {
        let mut events = vec![(self.from, json!({"event": "snapshot", "sessions": []}))];
        for (at, what) in &self.events {
            events.push((*at, event(*what)));
        }
        let events = events.iter().map(|(at, event)| (second(start, *at), event));
        Account::read(
            monitor,
            second(start, self.from),
            second(start, self.to),
            events,
        )
    }
}

fn event(what: What) -> Value {
    let session = |id: &str, status: &str, from: &str, request: Option<&str>| {
        let need = request.map(|request| json!({"request_id": request, "summary": "?"}));
        let ended = (status == "done").then(|| json!({"how": "finished"}));
        json!({"event": "session_updated", "session": {
            "id": id, "status": status, "need": need, "ended": ended,
            "evidence": {"from": from, "says": "so"},
        }})
    };
    let notice = |kind: &str, turn: &str, id: &str| {
        json!({"event": "notice", "notice": {
            "id": id, "kind": kind, "session_id": ID, "turn_id": turn,
        }})
    };
    match what {
        Session(status) => session(ID, status, "transcript", None),
        Guessed(status) => session(ID, status, "process", None),
        Asks(request) => session(ID, "needs_you", "transcript", Some(request)),
        Stranger => session("codex:2", "working", "transcript", None),
        Notice(id) => notice("needs_you", "t", &format!("request-{id}")),
        Ended(id) => notice("turn_completed", "t", id),
        Strange => notice("turn_failed", "t", "c"),
    }
}

fn second(start: Moment, at: u64) -> Moment {
    start.plus(Duration::from_secs(at))
}

fn phase(start: Moment, state: State, begins: u64, known: u64) -> Phase {
    let begins = second(start, begins);
    let mut phase = Phase::new(ID, state, begins).known_at(second(start, known));
    phase.scene = "scene";
    phase
}

/// A session that works from the first second, asks from the 20th and is done from the 30th.
fn story() -> (Moment, Timeline) {
    let start = Moment::now();
    let mut timeline = Timeline::default();
    timeline.push(phase(start, State::Working, 0, 1).on(&["transcript"]));
    let mut asks = phase(start, State::NeedsYou, 20, 20);
    asks.expected = Phase::new(ID, State::NeedsYou, start)
        .asks("t", "request")
        .expected;
    timeline.push(asks);
    let done = phase(start, State::Done, 30, 31).on(&["transcript"]);
    timeline.push(done.tells("turn_completed", "t"));
    (start, timeline)
}

fn with(one: &[(u64, What)], other: &[(u64, What)]) -> Vec<(u64, What)> {
    [one, other].concat()
}

#[track_caller]
fn check(events: &[(u64, What)], expected: &[Untruth]) {
    check_all(&[Story::whole(events)], expected);
}

/// Judges what monitors told of the story.
#[track_caller]
fn check_all(stories: &[Story], expected: &[Untruth]) {
    let (start, timeline) = story();
    let accounts: Vec<Account> = stories
        .iter()
        .enumerate()
        .map(|(n, story)| story.account(start, &n.to_string()))
        .collect();

    let verdict = judge(&timeline, &accounts);

    let mut found: Vec<Untruth> = verdict.faults.iter().map(|fault| fault.untruth).collect();
    found.sort_unstable();
    found.dedup();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{:#?}", verdict.faults);
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
