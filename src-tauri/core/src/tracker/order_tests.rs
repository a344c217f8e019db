//! Whatever order lines, the agent's own word and looks at the writer arrive in: each source keeps
//! its own order, and nothing is promised between them but that lines come before a release.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::sim::{Sim, ended, id, origin, turn};
use crate::observation::{Fact, LiveDoing, LiveState, LocatedFact, Observation, Role, Writer};
use crate::process::ProcessKey;
use crate::session::{
    Client, EndedHow, EvidenceSource, LiveSession, Need, NeedKind, Status, TurnOutcome,
};

/// One turn of a session.
#[derive(Clone, Debug)]
struct TurnOf {
    /// None for one that does not end; only the last may be so.
    outcome: Option<TurnOutcome>,
    n_requests: u8,
}

/// What happens in a session.
#[derive(Clone, Debug)]
struct Story {
    turns: Vec<TurnOf>,
    /// Whether its process is gone at the end.
    ends: bool,
}

/// What each source tells of a story, in its own order.
#[derive(Clone, Debug, Default)]
struct Told {
    lines: VecDeque<LocatedFact>,
    live: VecDeque<Option<LiveState>>,
    writer: VecDeque<Writer>,
}

fn stories() -> impl Strategy<Value = Story> {
    let outcome = prop_oneof![
        3 => Just(Some(TurnOutcome::Completed)),
        1 => Just(Some(TurnOutcome::Failed)),
        1 => Just(Some(TurnOutcome::Interrupted)),
        2 => Just(None),
    ];
    let turn = (outcome, 0u8..3).prop_map(|(outcome, n_requests)| TurnOf {
        outcome,
        n_requests,
    });
    (prop::collection::vec(turn, 1..4), any::<bool>()).prop_map(|(mut turns, ends)| {
        let last = turns.len() - 1;
        for turn in &mut turns[..last] {
            turn.outcome.get_or_insert(TurnOutcome::Completed);
        }
        Story { turns, ends }
    })
}

fn request(turn: usize, n: u8) -> Need {
    Need {
        kind: NeedKind::Approval,
        summary: "$ touch x".into(),
        request_id: format!("t{turn}/i{n}"),
        can_answer: true,
        choices: Vec::new(),
    }
}

fn start() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

impl Story {
    fn told(&self) -> Told {
        let mut told = Told::default();
        let mut seconds = 0;
        let mut at = || {
            seconds += 1;
            start() + SignedDuration::from_secs(seconds)
        };
        let line = |told: &mut Told, at: Timestamp, fact: Fact| {
            let offset = 100 * u64::try_from(told.lines.len()).unwrap();
            let at = Some(at);
            told.lines.push_back(LocatedFact { offset, at, fact });
        };
        let says = |told: &mut Told, at: Timestamp, doing: LiveDoing| {
            let from = EvidenceSource::LiveProtocol;
            told.live.push_back(Some(LiveState { from, at, doing }));
        };
        line(&mut told, at(), origin(Client::Tui, Role::Main, None));
        for (n, of) in self.turns.iter().enumerate() {
            line(&mut told, at(), turn(u32::try_from(n).unwrap()));
            says(&mut told, at(), LiveDoing::Working);
            for asked in 0..of.n_requests {
                let need = Some(request(n, asked));
                says(&mut told, at(), LiveDoing::Waiting { need });
                says(&mut told, at(), LiveDoing::Working);
            }
            if let Some(outcome) = of.outcome {
                line(&mut told, at(), ended(u32::try_from(n).unwrap(), outcome));
                says(&mut told, at(), LiveDoing::Idle);
            }
        }
        let by = ProcessKey {
            pid: 42,
            started_at: start(),
        };
        let from = EvidenceSource::WriterLock;
        told.writer.push_back(Writer::Held { by, from });
        if self.ends {
            told.writer.push_back(Writer::Free);
            told.live.push_back(None);
        }
        told
    }

    /// The notices that may be told of it.
    fn notices(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let session = id("a");
        for (n, of) in self.turns.iter().enumerate() {
            for asked in 0..of.n_requests {
                all.insert(format!("{session}/-/needs_you/t{n}/i{asked}"));
            }
            all.extend(of.outcome.map(|outcome| {
                let kind = match outcome {
                    TurnOutcome::Completed => "turn_completed",
                    TurnOutcome::Failed => "turn_failed",
                    TurnOutcome::Interrupted => "turn_interrupted",
                };
                format!("{session}/t{n}/{kind}")
            }));
        }
        if self.ends {
            let last = self.turns.len() - 1;
            all.insert(format!("{session}/t{last}/session_died"));
        }
        all
    }

    fn status(&self) -> (Status, Option<EndedHow>) {
        let outcome = self.turns.last().unwrap().outcome;
        match (self.ends, outcome) {
            (false, None) => (Status::Working, None),
            (false, Some(_)) => (Status::Paused, None),
            (true, None) => (Status::Done, Some(EndedHow::Killed)),
            (true, Some(TurnOutcome::Completed)) => (Status::Done, Some(EndedHow::Closed)),
            (true, Some(TurnOutcome::Failed)) => (Status::Done, Some(EndedHow::Failed)),
            (true, Some(TurnOutcome::Interrupted)) => (Status::Done, Some(EndedHow::Interrupted)),
        }
    }
}

/// Plays a story in the order that `choices` make, some things twice, and returns the session and
/// all notices.
fn play(story: &Story, choices: &[u8]) -> (LiveSession, Vec<String>) {
    let mut sim = Sim::new();
    sim.now.wall = start() + SignedDuration::from_secs(60);
    let mut told = story.told();
    let mut notices = Vec::new();
    let mut choices = choices.iter().copied().cycle();
    let mut handed: Vec<LocatedFact> = Vec::new();
    while !(told.lines.is_empty() && told.live.is_empty() && told.writer.is_empty()) {
        let choice = choices.next().unwrap();
        match choice % 4 {
            0 => {
                // Lines come in batches.
                let n = usize::from(choice / 4 % 3 + 1).min(told.lines.len());
                let batch: Vec<LocatedFact> = told.lines.drain(..n).collect();
                handed.extend(batch.iter().cloned());
                if !batch.is_empty() {
                    sim.deliver("a", batch);
                }
            }
            1 => {
                if let Some(live) = told.live.pop_front() {
                    let session = id("a");
                    let observation = match live {
                        Some(live) => Observation::LiveSeen { session, live },
                        None => Observation::LiveLost { session },
                    };
                    sim.tracker.handle(observation.clone(), sim.now);
                    if choice / 4 % 4 == 0 {
                        sim.tracker.handle(observation, sim.now);
                    }
                }
            }
            2 => {
                let is_release = told.writer.front() == Some(&Writer::Free);
                if (!is_release || told.lines.is_empty())
                    && let Some(writer) = told.writer.pop_front()
                {
                    sim.see("a", writer);
                }
            }
            // The machine sleeps or its clock is set, and lines that were read before come again.
            _ => {
                let jump = SignedDuration::from_mins(i64::from(choice) * 7919 % 10_000);
                sim.now.wall = start() + jump;
                sim.tracker.handle_timeout(sim.now);
                if !handed.is_empty() {
                    sim.deliver("a", handed.clone());
                }
            }
        }
        notices.extend(sim.notices());
    }
    sim.tracker.handle_timeout(sim.now);
    notices.extend(sim.notices());
    (sim.session("a"), notices)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_order_of_arrival_gives_the_same_state_and_no_notice_twice(
        story in stories(),
        choices in prop::collection::vec(any::<u8>(), 8..60),
    ) {
        // Every kind of step is there, so that the play comes to its end.
        let choices: Vec<u8> = choices.into_iter().chain([0, 1, 2]).collect();

        let (session, notices) = play(&story, &choices);

        let how = session.ended.as_ref().map(|ended| ended.how);
        prop_assert_eq!((session.status, how), story.status());
        prop_assert_eq!(&session.need, &None);
        let outcome = session.last_turn.as_ref().map(|turn| turn.outcome);
        let mut outcomes = story.turns.iter().rev().filter_map(|turn| turn.outcome);
        prop_assert_eq!(outcome, outcomes.next());
        let told: BTreeSet<String> = notices.iter().cloned().collect();
        prop_assert_eq!(told.len(), notices.len(), "{:?}", notices);
        prop_assert!(told.is_subset(&story.notices()), "{:?}", notices);
        let has_died = notices.iter().any(|notice| notice.ends_with("session_died"));
        prop_assert_eq!(has_died, how == Some(EndedHow::Killed));
    }

    /// Of the turns that were read one by one, none goes untold.
    #[test]
    fn every_end_of_a_turn_is_told_once_where_lines_come_as_they_are_written(
        story in stories(),
        choices in prop::collection::vec(any::<u8>(), 8..60),
    ) {
        let one_by_one = |choice: u8| if choice.is_multiple_of(4) { 0 } else { choice };
        let choices = choices.into_iter().map(one_by_one);
        let choices: Vec<u8> = choices.chain([0, 1, 2]).collect();

        let (_, notices) = play(&story, &choices);

        let ends = notices.iter().filter(|notice| notice.contains("/turn_")).count();
        let expected = story.turns.iter().filter(|turn| turn.outcome.is_some()).count();
        prop_assert_eq!(ends, expected, "{:?}", notices);
    }
}

#[test]
fn what_was_said_before_a_release_and_comes_after_it_keeps_nobody_waiting() {
    let mut sim = Sim::running_in("a", Client::Tui);
    sim.free("a");

    let need = Some(request(1, 0));
    sim.says("a", LiveDoing::Waiting { need });
    sim.falls_silent("a");

    assert_eq!(sim.session("a").status, Status::Done);
    assert_eq!(sim.session("a").need, None);
}
