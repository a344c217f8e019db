//! The run over values: lives, limits, races in every order.

use proptest::prelude::*;

use super::*;
use crate::task::conclude::Warning;
use crate::task::exec_events::RetryCause;
use crate::task::failure::{ErrorCode, FailureReason};
use crate::task::model::Outcome;
use crate::timeline::ItemStatus;

#[test]
fn a_run_goes_from_queue_to_answer() {
    let mut sim = Sim::new(Consent::NotNeeded);
    assert_eq!(sim.take(), ["claim slot"]);
    assert_eq!(sim.run.status(), TaskStatus::Queued);

    sim.tell(RunInput::SlotGranted);
    assert_eq!(sim.take(), ["spawn", "commit running", "bell"]);

    sim.tell(spawned());
    assert_eq!(sim.take(), ["commit running", "bell"]);

    sim.tell(fact(ExecFact::TurnStarted));
    sim.tell(fact(said("All good.")));
    sim.tell(fact(completed()));
    assert_eq!(sim.take(), ["commit running", "bell"]);

    sim.tell(RunInput::ChildExited(ChildExit::Code(0)));
    assert_eq!(sim.take(), ["check"]);
    sim.tell(RunInput::GroupGone);
    assert_eq!(sim.take(), ["gather", "commit running", "bell"]);

    sim.tell(gathered());
    assert_eq!(sim.take(), ["finish completed", "bell"]);
    assert_eq!(sim.run.poll_timeout(), None);
}

#[test]
fn a_run_that_needs_consent_holds_no_slot_until_it_is_given() {
    let mut sim = Sim::new(Consent::Needed);
    assert_eq!(sim.take(), ["commit input_required", "bell"]);

    sim.tell(RunInput::SlotGranted);
    assert_eq!(sim.take(), ["leave queue"]);

    sim.tell(RunInput::ConsentGiven);
    assert_eq!(sim.take(), ["claim slot", "commit queued", "bell"]);
}

#[test]
fn a_refused_consent_ends_the_task_before_it_starts() {
    let mut sim = Sim::new(Consent::Needed);

    sim.tell(RunInput::ConsentRefused);

    let end = sim.end();
    assert_eq!(
        (end.status, end.outcome),
        (TaskStatus::Cancelled, Outcome::NoChanges)
    );
    assert_eq!(end.reason, Some(FailureReason::ConsentRefused {}));
}

#[test]
fn waiting_for_a_person_stops_the_clocks() {
    let mut sim = Sim::running();
    sim.pass(100);
    sim.tell(RunInput::ConsentNeeded);
    assert_eq!(sim.run.status(), TaskStatus::InputRequired);

    sim.pass(100_000);
    sim.tell(RunInput::ConsentGiven);
    sim.pass(100);

    assert_eq!(sim.run.status(), TaskStatus::Running);
    assert!(!sim.take().contains(&"terminate".to_owned()));
}

#[test]
fn life_is_logged_and_silence_is_remarked_once() {
    let mut sim = Sim::running();
    sim.tell(RunInput::StderrBytes(90));

    sim.pass(125);

    let said = sim.take();
    let count = |what: &str| said.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("heartbeat"), count("silence")), (4, 1), "{said:?}");
    assert_eq!(count("commit"), 4);
}

#[test]
fn a_heartbeat_reads_like_a_line_of_a_log() {
    let heartbeat = Heartbeat {
        number: 5,
        elapsed: Duration::from_secs(150),
        since_byte: Duration::from_secs(15),
        last_stream: Some(Stream::Stderr),
        since_event: Duration::from_secs(62),
        n_stdout_bytes: 12_450,
        n_stderr_bytes: 890,
    };

    assert_eq!(
        heartbeat.line(),
        "HEARTBEAT #5: elapsed=2m 30s, lastActivity=15 s ago (stderr), lastEvent=1m 2s ago, \
         stdout=12450B, stderr=890B"
    );
}

#[test]
fn progress_is_committed_on_every_tenth_event() {
    let mut sim = Sim::running();

    for _ in 0..25 {
        sim.tell(fact(ExecFact::Reasoned {
            text: String::new(),
        }));
    }

    assert_eq!(
        sim.take(),
        ["commit running", "bell", "commit running", "bell"]
    );
}

#[test]
fn a_silent_run_is_ended_in_steps() {
    let mut sim = Sim::running();
    sim.pass(IDLE_S);
    assert!(sim.take().contains(&"terminate".to_owned()));

    sim.pass(TERM_S);
    let said = sim.take();
    assert!(
        said.contains(&"kill".to_owned()) && said.contains(&"check".to_owned()),
        "{said:?}"
    );

    sim.tell(RunInput::ChildExited(ChildExit::Signal(9)));
    sim.tell(RunInput::GroupGone);
    sim.tell(gathered());

    let end = sim.end();
    assert_eq!(
        (end.status, end.outcome),
        (TaskStatus::TimedOut, Outcome::Failed)
    );
    assert_eq!(end.error().unwrap().code, ErrorCode::TimeoutIdle);
}

#[test]
fn events_put_off_the_idle_limit_and_further_tries_do_not() {
    let mut busy = Sim::running();
    let mut offline = Sim::running();
    for _ in 0..20 {
        busy.pass(IDLE_S / 10);
        busy.tell(fact(said("working")));
        offline.pass(IDLE_S / 10);
        offline.tell(fact(retrying()));
        offline.tell(RunInput::StdoutBytes(100));
    }

    assert!(!busy.take().contains(&"terminate".to_owned()));
    assert!(offline.take().contains(&"terminate".to_owned()));
    offline.tell(RunInput::ChildExited(ChildExit::Signal(15)));
    offline.tell(RunInput::GroupGone);
    offline.tell(gathered());
    let end = offline.end();
    assert_eq!(end.status, TaskStatus::TimedOut);
    assert_eq!(
        end.reason,
        Some(FailureReason::NoNetwork {
            message: "Reconnecting... waiting for network".to_owned()
        })
    );
}

#[test]
fn a_busy_run_is_ended_at_the_total_limit() {
    let mut sim = Sim::running();

    for _ in 0..(TOTAL_S / 50) {
        sim.pass(50);
        sim.tell(fact(said("working")));
    }

    assert!(sim.take().contains(&"terminate".to_owned()));
}

#[test]
fn a_jump_of_the_wall_clock_changes_nothing() {
    let mut sim = Sim::running();

    sim.now.wall = "2031-01-01T00:00:00Z".parse().unwrap();
    sim.run.handle_timeout(sim.now);

    assert_eq!(sim.take(), Vec::<String>::new());
}

#[test]
fn an_agent_that_answered_is_left_alone_and_then_ended() {
    let mut sim = Sim::answered();

    sim.pass(ANSWER_S - 1);
    assert!(!sim.take().contains(&"terminate".to_owned()));
    sim.pass(1);
    assert!(sim.take().contains(&"terminate".to_owned()));
    sim.tell(RunInput::ChildExited(ChildExit::Signal(15)));
    sim.tell(RunInput::GroupGone);
    sim.tell(gathered());

    let end = sim.end();
    assert_eq!(
        (end.status, end.outcome),
        (TaskStatus::Completed, Outcome::Succeeded)
    );
    assert_eq!(end.warnings, [Warning::Lingered {}]);
}

#[test]
fn a_further_turn_takes_the_answer_back() {
    let mut sim = Sim::answered();

    sim.tell(fact(ExecFact::TurnStarted));
    sim.pass(ANSWER_S + 1);

    assert!(!sim.take().contains(&"terminate".to_owned()));
}

#[test]
fn what_a_child_leaves_behind_is_ended_with_it() {
    let mut sim = Sim::answered();
    sim.tell(RunInput::ChildExited(ChildExit::Code(0)));
    sim.tell(RunInput::GroupAlive);

    sim.pass(LEFTOVER_S + TERM_S + KILL_S);
    let said = sim.take();
    let order: Vec<&String> = said
        .iter()
        .filter(|line| ["terminate", "kill", "gather"].contains(&line.as_str()))
        .collect();
    assert_eq!(order, ["terminate", "kill", "gather"]);
    sim.tell(gathered());

    let end = sim.end();
    assert_eq!(end.status, TaskStatus::Completed);
    assert_eq!(end.warnings, [Warning::Survivors {}]);
}

#[test]
fn facts_that_never_come_do_not_hold_up_the_end() {
    let mut sim = Sim::answered();
    sim.tell(RunInput::ChildExited(ChildExit::Code(0)));
    sim.tell(RunInput::GroupGone);

    sim.pass(60);

    assert_eq!(sim.end().status, TaskStatus::Completed);
}

#[test]
fn a_cancellation_waits_for_the_agent_that_is_being_started() {
    let mut sim = Sim::new(Consent::NotNeeded);
    sim.tell(RunInput::SlotGranted);
    sim.tell(cancelled("first"));
    sim.take();

    sim.tell(spawned());

    assert_eq!(sim.take(), ["terminate", "commit running", "bell"]);
}

#[test]
fn a_cancellation_in_the_queue_starts_nothing() {
    let mut sim = Sim::new(Consent::NotNeeded);

    sim.tell(cancelled("first"));
    sim.tell(RunInput::SlotGranted);

    assert_eq!(
        sim.take(),
        ["claim slot", "leave queue", "finish cancelled", "bell"]
    );
    assert_eq!(sim.end().outcome, Outcome::NoChanges);
}

#[test]
fn a_missing_program_is_named() {
    let mut sim = Sim::new(Consent::NotNeeded);
    sim.tell(RunInput::SlotGranted);

    sim.tell(RunInput::SpawnFailed(SpawnFault::ProgramMissing {
        program: "codex".to_owned(),
    }));

    let error = sim.end().error().unwrap();
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::NotInstalled, "`codex` is not installed.")
    );
}

#[test]
fn a_successor_watches_a_process_that_is_not_its_child() {
    let mut sim = Sim::new(Consent::NotNeeded);
    sim.tell(RunInput::Reattached {
        process: PROCESS(),
        ran_before: Duration::from_secs(60),
    });
    sim.take();

    sim.pass(1);
    assert_eq!(sim.take(), ["check"]);
    sim.tell(fact(ExecFact::TurnStarted));
    sim.tell(fact(said("All good.")));
    sim.tell(fact(completed()));
    sim.tell(RunInput::GroupGone);
    sim.tell(gathered());

    assert_eq!(sim.end().status, TaskStatus::Completed);
}

#[test]
fn a_successor_counts_the_time_before_it() {
    let mut sim = Sim::new(Consent::NotNeeded);
    sim.tell(RunInput::Reattached {
        process: PROCESS(),
        ran_before: Duration::from_secs(TOTAL_S - 10),
    });

    sim.pass(9);
    assert!(!sim.take().contains(&"terminate".to_owned()));
    sim.pass(1);
    assert!(sim.take().contains(&"terminate".to_owned()));
}

#[test]
fn an_agent_that_is_gone_unseen_was_interrupted_or_had_answered() {
    for (facts, status) in [
        (vec![ExecFact::TurnStarted], TaskStatus::Interrupted),
        (
            vec![ExecFact::TurnStarted, said("x"), completed()],
            TaskStatus::Completed,
        ),
    ] {
        let mut sim = Sim::new(Consent::NotNeeded);
        sim.tell(RunInput::FoundGone);
        for one in facts {
            sim.tell(fact(one));
        }
        sim.tell(gathered());

        assert_eq!(sim.end().status, status);
    }
}

/// What may happen to a running task at about the same time.
fn racers() -> Vec<(&'static str, RunInput)> {
    vec![
        ("answer", fact(completed())),
        ("cancel", cancelled("first")),
        ("cancel again", cancelled("second")),
        ("exit", RunInput::ChildExited(ChildExit::Code(0))),
        ("gone", RunInput::GroupGone),
    ]
}

#[test]
fn in_every_order_the_first_decisive_evidence_wins_and_there_is_one_end() {
    let racers = racers();
    for order in permutations(racers.len() + 1) {
        let mut sim = Sim::running();
        sim.tell(fact(ExecFact::TurnStarted));
        sim.tell(fact(said("All good.")));
        let mut names = Vec::new();
        for at in &order {
            match racers.get(*at) {
                Some((name, input)) => {
                    names.push(*name);
                    sim.tell(input.clone());
                }
                None => {
                    names.push("time-out");
                    sim.leap(TOTAL_S);
                }
            }
        }
        sim.settle();

        let place = |what| names.iter().position(|name| *name == what);
        let end = sim.end();
        match names[0] {
            "answer" => assert_eq!(end.status, TaskStatus::Completed, "{names:?}"),
            "cancel" | "cancel again" => {
                assert_eq!(end.status, TaskStatus::Cancelled, "{names:?}");
            }
            "time-out" => assert_eq!(end.status, TaskStatus::TimedOut, "{names:?}"),
            // It had left by itself: its output counts, if it is read before patience ends.
            _ if place("answer") < place("time-out") => {
                assert_eq!(end.status, TaskStatus::Completed, "{names:?}");
            }
            _ => assert!(
                matches!(
                    end.status,
                    TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Interrupted
                ),
                "{names:?}"
            ),
        }
        if end.status == TaskStatus::Cancelled {
            let who = if names[0] == "cancel" {
                "first"
            } else {
                "second"
            };
            assert_eq!(end.summary(), format!("Cancelled by {who}."));
        }
        assert_eq!(sim.n_ends, 1, "{names:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, a run that is waited for ends, and ends once.
    #[test]
    fn every_run_ends_exactly_once(steps in prop::collection::vec((0usize..20, 0u64..400), 0..40)) {
        let mut sim = Sim::new(Consent::NotNeeded);
        for (step, seconds) in steps {
            sim.leap(seconds);
            sim.tell(any_input(step));
        }
        sim.tell(RunInput::ConsentGiven);
        sim.tell(RunInput::SlotGranted);
        sim.tell(spawned());
        sim.settle();

        prop_assert_eq!(sim.n_ends, 1);
        prop_assert!(sim.run.status().is_terminal());
        prop_assert_eq!(sim.run.status(), sim.end().status);
    }
}

fn any_input(step: usize) -> RunInput {
    let mut inputs = vec![
        RunInput::SlotGranted,
        RunInput::ConsentNeeded,
        RunInput::ConsentGiven,
        RunInput::ConsentRefused,
        spawned(),
        RunInput::SpawnFailed(SpawnFault::Other {
            message: "no".to_owned(),
        }),
        RunInput::Reattached {
            process: PROCESS(),
            ran_before: Duration::from_secs(5),
        },
        RunInput::FoundGone,
        RunInput::StdoutBytes(1),
        fact(ExecFact::TurnStarted),
        fact(ExecFact::TurnFailed {
            message: "no".to_owned(),
        }),
        fact(ExecFact::Command {
            item: "i".to_owned(),
            command: "ls".to_owned(),
            status: ItemStatus::Running,
            exit_code: None,
            output: String::new(),
        }),
        RunInput::AnswerSeen,
        RunInput::GroupAlive,
        gathered(),
    ];
    inputs.extend(racers().into_iter().map(|(_, input)| input));
    let n_inputs = inputs.len();
    inputs.swap_remove(step % n_inputs)
}

// Test support.

const IDLE_S: u64 = 300;
const TOTAL_S: u64 = 1_000;
const ANSWER_S: u64 = 30;
const LEFTOVER_S: u64 = 2;
const TERM_S: u64 = 10;
const KILL_S: u64 = 5;

#[expect(non_snake_case, reason = "a constant but for the parsing of its time")]
fn PROCESS() -> ProcessKey {
    ProcessKey {
        pid: 7,
        started_at: "2026-11-20T08:00:00Z".parse().unwrap(),
    }
}

fn spawned() -> RunInput {
    RunInput::Spawned { process: PROCESS() }
}

const fn fact(fact: ExecFact) -> RunInput {
    RunInput::Fact(fact)
}

fn said(text: &str) -> ExecFact {
    ExecFact::Said {
        text: text.to_owned(),
    }
}

const fn completed() -> ExecFact {
    ExecFact::TurnCompleted { usage: None }
}

fn retrying() -> ExecFact {
    ExecFact::Retrying {
        message: "Reconnecting... waiting for network".to_owned(),
        cause: RetryCause::Network,
    }
}

fn cancelled(name: &str) -> RunInput {
    RunInput::CancelRequested {
        by: CancelledBy::Client {
            name: name.to_owned(),
        },
    }
}

fn gathered() -> RunInput {
    RunInput::Gathered(Box::default())
}

/// All orders of `0..n`.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    permutations(n - 1)
        .into_iter()
        .flat_map(|order| {
            (0..n).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, n - 1);
                longer
            })
        })
        .collect()
}

/// A run, its clock, and the commands it gave.
struct Sim {
    run: TaskRun,
    now: Now,
    said: Vec<String>,
    end: Option<Conclusion>,
    n_ends: u32,
}

impl Sim {
    fn new(consent: Consent) -> Self {
        let now = Now {
            steady: Duration::from_secs(1_000_000),
            wall: "2026-11-20T08:00:00Z".parse().unwrap(),
        };
        let timings = RunTimings {
            answer_grace: Duration::from_secs(ANSWER_S),
            leftover_grace: Duration::from_secs(LEFTOVER_S),
            term_grace: Duration::from_secs(TERM_S),
            kill_grace: Duration::from_secs(KILL_S),
            check: Duration::from_secs(1),
            ..RunTimings::default()
        }
        .with_limits(Some(300), Some(1_000));
        let mut sim = Self {
            run: TaskRun::new(Asked::default(), consent, timings, now),
            now,
            said: Vec::new(),
            end: None,
            n_ends: 0,
        };
        sim.drain();
        sim
    }

    fn running() -> Self {
        let mut sim = Self::new(Consent::NotNeeded);
        sim.tell(RunInput::SlotGranted);
        sim.tell(spawned());
        sim.take();
        sim
    }

    fn answered() -> Self {
        let mut sim = Self::running();
        sim.tell(fact(ExecFact::TurnStarted));
        sim.tell(fact(said("All good.")));
        sim.tell(fact(completed()));
        sim.take();
        sim
    }

    fn tell(&mut self, input: RunInput) {
        self.run.handle(input, self.now);
        self.drain();
    }

    /// Lets time pass, and whatever is due in it happen at its time.
    fn pass(&mut self, seconds: u64) {
        let end = self.now.steady + Duration::from_secs(seconds);
        while let Some(due) = self.run.poll_timeout().filter(|due| *due <= end) {
            self.now.steady = due.max(self.now.steady);
            self.run.handle_timeout(self.now);
            self.drain();
            let next = self.run.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now.steady),
                "a deadline stands still"
            );
        }
        self.now.steady = end;
    }

    /// Lets time pass and looks only at its end.
    fn leap(&mut self, seconds: u64) {
        self.now.steady += Duration::from_secs(seconds);
        self.run.handle_timeout(self.now);
        self.drain();
    }

    /// Lets the machine run out by itself.
    fn settle(&mut self) {
        self.pass(10 * TOTAL_S);
    }

    fn drain(&mut self) {
        while let Some(command) = self.run.poll_command() {
            let line = match command {
                RunCommand::ClaimSlot => "claim slot".to_owned(),
                RunCommand::LeaveQueue => "leave queue".to_owned(),
                RunCommand::Spawn => "spawn".to_owned(),
                RunCommand::CommitProgress(snapshot) => {
                    format!("commit {}", snapshot.status.as_str())
                }
                RunCommand::RingBell => "bell".to_owned(),
                RunCommand::LogHeartbeat(heartbeat) => format!("heartbeat {}", heartbeat.number),
                RunCommand::WarnSilence(silence) => format!("silence {}", silence.line()),
                RunCommand::Terminate(_) => "terminate".to_owned(),
                RunCommand::Kill(_) => "kill".to_owned(),
                RunCommand::CheckGone(_) => "check".to_owned(),
                RunCommand::Gather => "gather".to_owned(),
                RunCommand::Finish(end) => {
                    self.n_ends += 1;
                    let line = format!("finish {}", end.status.as_str());
                    self.end = Some(*end);
                    line
                }
            };
            self.said.push(line);
        }
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    #[track_caller]
    fn end(&self) -> Conclusion {
        self.end.clone().unwrap()
    }
}
