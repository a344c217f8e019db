//! Compares what was told with what happened.
//!
//! A state is false when it is told before it can have become true, when it is not the next thing
//! that happened, or when it is told although it has long ceased to be true. Nothing that was told
//! is passed over: a session or a notice that no scene knows is false, too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::account::{Account, Told, View};
use super::timeline::{Expected, Phase, Presence, State, Timeline};

/// A state that is told so long after the next one was known was not late but wrong.
pub(super) const LONG_AGO: Duration = Duration::from_secs(5);

/// What a monitor that comes may not have found out yet when it changes: a request takes a moment to
/// be fetched.
pub(super) const CATCHES_UP_WITHIN: Duration = Duration::from_secs(2);

/// What came of the comparison.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// One for each phase that a monitor had to tell.
    pub(super) phases: Vec<Checked>,
    /// Counts by kind.
    pub(super) notices: BTreeMap<String, Tally>,
    /// Everything that is not as it should be.
    pub(super) faults: Vec<Fault>,
}

/// A phase that a monitor had to tell.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) scene: &'static str,
    pub(super) state: State,
    pub(super) series: Option<&'static str>,
    pub(super) is_reached: bool,
    /// From what is known to have happened to the event; none where the monitor came later.
    pub(super) delay: Option<Duration>,
}

/// How many notices of a kind there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many had to be told, over all monitors.
    pub(super) n_expected: usize,
    /// How many of them were.
    pub(super) n_matched: usize,
    /// How many were told, true or not.
    pub(super) n_told: usize,
    /// How many of those were true.
    pub(super) n_true: usize,
    /// How many were told again, or under another id.
    pub(super) n_duplicates: usize,
}

/// What kind of untruth it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Untruth {
    /// A state that was not true.
    FalseState(State),
    /// A true state that was not told.
    Missed(State),
    /// A state that was told with a wrong word about it.
    FalseDetail(State),
    /// A notice of something that did not happen.
    FalseNotice,
    /// A notice that was not told.
    MissedNotice,
    /// A notice that was told twice, or under two ids.
    Duplicate,
    /// Something that is no event.
    Odd,
}

/// One thing that is not as it should be.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) scene: &'static str,
    pub(super) untruth: Untruth,
    pub(super) says: String,
}

/// Compares the accounts of all monitors with the timeline.
pub(super) fn judge(timeline: &Timeline, accounts: &[Account]) -> Verdict {
    let mut verdict = Verdict::default();
    let sessions = timeline.sessions();
    for (session, phases) in &sessions {
        if timeline.is_broken(phases) {
            continue;
        }
        let mut ids = BTreeMap::new();
        for account in accounts {
            let views = account.views.iter();
            let views: Vec<&View> = views.filter(|view| view.session == *session).collect();
            verdict.judge_states(phases, account, &views);
            verdict.judge_notices(phases, account, session, &mut ids);
        }
        for (expected, ids) in ids {
            if ids.len() > 1 {
                let says = format!("{session}: told under several ids: {ids:?}");
                verdict.tally(expected.0).n_duplicates += 1;
                verdict.fault(expected.1, Untruth::Duplicate, says);
            }
        }
    }
    for account in accounts {
        verdict.judge_strangers(timeline, &sessions, account);
        for oddity in &account.oddities {
            let says = format!("{}: {oddity}", account.monitor);
            verdict.fault("", Untruth::Odd, says);
        }
    }
    verdict
}

/// The kind and the scene of an expected notice, its turn and its request.
type Named<'a> = (
    &'static str,
    &'static str,
    &'a str,
    Option<&'a str>,
    // The phase's place among those of its session.
    usize,
);

impl Verdict {
    fn judge_states(&mut self, phases: &[&Phase], account: &Account, views: &[&View]) {
        let first = first_of(phases, account);
        let mut seen: Vec<Vec<&View>> = vec![Vec::new(); phases.len()];
        let mut at: Option<usize> = None;
        let mut is_lying: Option<State> = None;
        for view in views {
            let Some(found) = place(phases, first, at, view) else {
                if is_lying != Some(view.state) {
                    self.false_state(phases, account, at, view, "it was not");
                }
                is_lying = Some(view.state);
                continue;
            };
            let is_new = at != Some(found) || is_lying.is_some();
            let next = phases.get(found + 1);
            let is_over = next.is_some_and(|next| next.known.plus(LONG_AGO) < view.at);
            if is_new && is_over {
                self.false_state(phases, account, Some(found), view, "it long was no more");
            }
            is_lying = None;
            at = Some(found);
            seen[found].push(view);
        }
        for (index, phase) in phases.iter().enumerate().skip(first) {
            self.judge_phase(phases, index, account, &seen[index]);
            for view in &seen[index] {
                if phase.state == State::Gone {
                    continue;
                }
                if let Some(says) = phase.contradiction(&view.whole) {
                    let says = format!("{} of {}: {says}", phase.state.as_str(), phase.session);
                    self.fault(phase.scene, Untruth::FalseDetail(phase.state), says);
                    break;
                }
            }
        }
    }

    /// Takes note whether a phase that had to be told was told, and of its last word.
    fn judge_phase(&mut self, phases: &[&Phase], index: usize, account: &Account, seen: &[&View]) {
        let phase = phases[index];
        if phase.presence == Presence::Must && is_due(phases, index, account) {
            let told = seen.first().map(|view| view.at);
            let is_measured = phase.known >= account.ready;
            self.phases.push(Checked {
                scene: phase.scene,
                state: phase.state,
                series: phase.series,
                is_reached: told.is_some(),
                delay: told
                    .filter(|_| is_measured)
                    .map(|told| told.since(phase.known)),
            });
            if told.is_none() {
                let says = format!(
                    "{}: {} was never told to be {}",
                    account.monitor,
                    phase.session,
                    phase.state.as_str()
                );
                self.fault(phase.scene, Untruth::Missed(phase.state), says);
            }
        }
        // What is told after the next cause is no word about this phase alone.
        let next = phases.get(index + 1);
        let ends = next.map_or(account.ended, |next| next.begins);
        let last = seen.iter().rfind(|view| view.at < ends).or(seen.last());
        let last = last.filter(|_| phase.state != State::Gone);
        if let Some(says) = last.and_then(|view| phase.untrue_detail(&view.whole)) {
            let says = format!(
                "{}: {} of {}: {says}",
                account.monitor,
                phase.state.as_str(),
                phase.session
            );
            self.fault(phase.scene, Untruth::FalseDetail(phase.state), says);
        }
    }

    fn judge_notices<'a>(
        &mut self,
        phases: &[&'a Phase],
        account: &Account,
        session: &str,
        ids: &mut BTreeMap<Named<'a>, BTreeSet<String>>,
    ) {
        let mut told: Vec<(&Told, bool)> = account
            .notices
            .iter()
            .filter(|told| told.session == session)
            .map(|told| (told, false))
            .collect();
        for (index, phase) in phases.iter().enumerate() {
            for expected in &phase.expected {
                let is_due = is_notice_due(phases, index, account, expected);
                // What was over before a monitor came is none of its business.
                let next = phases.get(index + 1);
                let is_open = next.is_none_or(|next| next.begins > account.started);
                let can_be_told = is_due
                    || phase.known > account.started
                    || expected.request.is_some() && is_open;
                let matching = told
                    .iter_mut()
                    .filter(|(told, _)| can_be_told && is_told(told, phase, expected));
                let mut n_matched = 0;
                for (told, is_true) in matching {
                    *is_true = true;
                    n_matched += 1;
                    let request = expected.request.as_deref();
                    let name = (expected.kind, phase.scene, &*expected.turn, request, index);
                    ids.entry(name).or_default().insert(told.id.clone());
                }
                let tally = self.tally(expected.kind);
                tally.n_expected += usize::from(is_due || n_matched > 0);
                tally.n_matched += n_matched.min(1);
                tally.n_duplicates += n_matched.saturating_sub(1);
                let what = format!("{}: {} of {session}", account.monitor, expected.kind);
                if is_due && n_matched == 0 {
                    let says = format!("{what} was never told");
                    self.fault(phase.scene, Untruth::MissedNotice, says);
                }
                if n_matched > 1 {
                    let says = format!("{what} was told {n_matched} times");
                    self.fault(phase.scene, Untruth::Duplicate, says);
                }
            }
        }
        for (told, is_true) in told {
            let tally = self.tally(&told.kind);
            tally.n_told += 1;
            tally.n_true += usize::from(is_true);
            if !is_true {
                let scene = phases.last().map_or("", |phase| phase.scene);
                let says = format!("{}: nothing happened for {}", account.monitor, told.id);
                self.fault(scene, Untruth::FalseNotice, says);
            }
        }
    }

    /// Finds what was told of sessions that no scene knows.
    fn judge_strangers(
        &mut self,
        timeline: &Timeline,
        sessions: &[(&str, Vec<&Phase>)],
        account: &Account,
    ) {
        let is_known = |id: &str| sessions.iter().any(|(session, _)| *session == id);
        if timeline.has_gaps() {
            return;
        }
        let mut strangers = BTreeSet::new();
        for view in account.views.iter().filter(|view| !is_known(&view.session)) {
            if strangers.insert(&view.session) {
                let says = format!(
                    "{}: there is no session {} (parent {}, helper {})",
                    account.monitor, view.session, view.whole["parent_id"], view.whole["helper"]
                );
                self.fault("", Untruth::FalseState(view.state), says);
            }
        }
        for told in account
            .notices
            .iter()
            .filter(|told| !is_known(&told.session))
        {
            self.tally(&told.kind).n_told += 1;
            let says = format!("{}: there is no session for {}", account.monitor, told.id);
            self.fault("", Untruth::FalseNotice, says);
        }
    }

    fn false_state(
        &mut self,
        phases: &[&Phase],
        account: &Account,
        at: Option<usize>,
        view: &View,
        why: &str,
    ) {
        let after = at.and_then(|at| phases.get(at));
        let scene = after
            .or_else(|| phases.first())
            .map_or("", |phase| phase.scene);
        let later = after.map(|phase| view.at.since(phase.known));
        let says = format!(
            "{}: {} was told to be {} after {} (and {:.0?}), which {why} ({})",
            account.monitor,
            view.session,
            view.state.as_str(),
            after.map_or("nothing", |phase| phase.state.as_str()),
            later.unwrap_or_default(),
            view.whole["evidence"]["says"]
        );
        self.fault(scene, Untruth::FalseState(view.state), says);
    }

    fn tally(&mut self, kind: &str) -> &mut Tally {
        self.notices.entry(kind.to_owned()).or_default()
    }

    fn fault(&mut self, scene: &'static str, untruth: Untruth, says: String) {
        self.faults.push(Fault {
            scene,
            untruth,
            says,
        });
    }
}

/// Returns the phase in which a monitor came.
fn first_of(phases: &[&Phase], account: &Account) -> usize {
    let before = phases
        .iter()
        .rposition(|phase| phase.known <= account.started);
    before.unwrap_or_default()
}

/// Finds the phase that a view speaks of.
fn place(phases: &[&Phase], first: usize, at: Option<usize>, view: &View) -> Option<usize> {
    let from = at.map_or(first, |at| at + 1);
    let holds = |index: usize| {
        let phase = phases[index];
        phase.holds(&view.whole)
    };
    let later = phases.iter().enumerate().skip(from);
    let mut fitting =
        later.filter(|(_, phase)| phase.state == view.state && phase.begins <= view.at);
    // What may be missing between two alike is missing where the words are those of the later one.
    let is_skippable = |to: usize| {
        let mut between = phases[from..to].iter();
        between.all(|phase| phase.presence == Presence::May)
    };
    let nearest = fitting.clone().next().map(|(index, _)| index);
    let exact = fitting
        .find(|(index, _)| {
            phases[*index].presence == Presence::Must && is_skippable(*index) && holds(*index)
        })
        .map(|(index, _)| index);
    let Some(stays) = at.filter(|&at| phases[at].state == view.state) else {
        return exact.or(nearest);
    };
    let has_moved_on = phases[stays].presence == Presence::May || !holds(stays);
    exact.filter(|_| has_moved_on).or(Some(stays))
}

/// Tells whether a monitor lived long enough in a phase to have to tell it.
fn is_due(phases: &[&Phase], index: usize, account: &Account) -> bool {
    let phase = phases[index];
    let next = phases.get(index + 1);
    let caught_up = account.ready.plus(CATCHES_UP_WITHIN);
    let is_there = phase.state != State::Gone && next.is_none_or(|next| next.begins > caught_up);
    phase.known <= account.ended && (phase.known >= account.ready || is_there)
}

fn is_notice_due(phases: &[&Phase], index: usize, account: &Account, expected: &Expected) -> bool {
    let phase = phases[index];
    // Whoever comes while a person is waited for is told; ends are told as they happen.
    let is_open = expected.request.is_some() && is_due(phases, index, account);
    let happens = phase.begins >= account.ready && phase.known <= account.ended;
    phase.presence == Presence::Must && (is_open || happens)
}

fn is_told(told: &Told, phase: &Phase, expected: &Expected) -> bool {
    let request = expected.request.as_deref().unwrap_or_default();
    told.kind == expected.kind
        && told.turn == expected.turn
        && told.id.contains(request)
        && told.at >= phase.begins
}
