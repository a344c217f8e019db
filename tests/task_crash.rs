//! The crash matrix: somebody is killed at a random moment of a task's life, and the next look
//! finds one truthful end.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use mission_control_core::task::model::TaskId;
use mission_control_engine::store::Store;
use mission_control_testkit::process::{self, Output, Process, Start, StopSignal, own_env};
use mission_control_testkit::task::{TaskStage, members, supervisors};
use mission_control_testkit::wait::{Deadline, Stopwatch, rest_until, wait_for};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

/// Points in `make test`; `make soak` asks for more.
const N_POINTS: u64 = 24;

/// A task has ended so long after somebody looked.
const AFTER_A_LOOK: Duration = Duration::from_secs(5);

/// Killing happens within so many milliseconds of the start, which is longer than a task lives.
const LIFE_MS: u64 = 700;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Supervisor,
    Agent,
    SupervisorThenAgent,
    AgentThenSupervisor,
    SupervisorTwice,
    Caller,
    McpServer,
}

const VICTIMS: [Victim; 7] = [
    Victim::Supervisor,
    Victim::Agent,
    Victim::SupervisorThenAgent,
    Victim::AgentThenSupervisor,
    Victim::SupervisorTwice,
    Victim::Caller,
    Victim::McpServer,
];

#[test]
fn whoever_is_killed_whenever_a_task_has_one_truthful_end() {
    let number = |name: &str| own_env(name).and_then(|text| text.parse::<u64>().ok());
    let n_points = number("MC_CRASH_POINTS").unwrap_or(N_POINTS);
    let first = number("MC_CRASH_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);

    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + n_points {
                        return;
                    }
                    check_point(seed);
                }
            });
        }
    });
}

/// States that a crash leaves between two steps, made by hand.
#[test]
fn whatever_a_crash_left_is_understood() {
    let before = r#"{"at":"2026-11-20T00:00:00Z","git":{"type":"no_repository"},"usage":"nothing","argv":[],"worktree":null}"#;
    let answered = "{\"type\":\"thread.started\",\"thread_id\":\"t\"}\n{\"type\":\"turn.started\"}\n\
         {\"type\":\"item.completed\",\"item\":{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"All done.\"}}\n\
         {\"type\":\"turn.completed\"}\n";
    let cut_off = answered.get(..answered.len() / 2).unwrap();

    // Nothing was tried: it runs as if nothing had been.
    check_left(&[], "completed", 1);
    // A start was tried, and nobody knows of an agent: nobody tries again.
    check_left(&[("before.json", before)], "interrupted", 0);
    // The agent ran and answered.
    check_left(
        &[("before.json", before), ("events.jsonl", answered)],
        "completed",
        0,
    );
    // It was ended in the middle of a line.
    check_left(
        &[("before.json", before), ("events.jsonl", cut_off)],
        "interrupted",
        0,
    );
}

#[track_caller]
fn check_left(files: &[(&str, &str)], status: &str, expected_starts: usize) {
    let (stage, script, id) = lost_in_the_queue();
    for (name, text) in files {
        std::fs::write(stage.task_file(&id, name), text).unwrap();
    }
    let (_, task) = stage.wait(&id);

    assert_eq!(task["status"], status, "{files:?}: {task:#}");
    assert_eq!(n_starts(&script), expected_starts, "{files:?}");
    check_one_signal(&stage, &id, &format!("{files:?}"));
}

/// An end that was written and not told is told once, whoever looks how often.
#[test]
fn an_end_that_was_not_told_is_told_once() {
    let (stage, script, id) = lost_in_the_queue();
    let mut task = stage.task(&id);
    task["status"] = "completed".into();
    task["outcome"] = "succeeded".into();
    task["final_message"] = "All done.".into();
    task["ended_at"] = task["created_at"].clone();
    let ended = serde_json::json!({"task": task, "owner": "project:/x", "debug": {
        "argv": [], "variables": [], "pid": null, "supervisor_pid": 1, "n_stdout_bytes": 0,
        "n_stderr_bytes": 0, "n_events": 0, "secrets_removed": {}, "exit": null}});
    std::fs::write(stage.task_file(&id, "outcome.json"), ended.to_string()).unwrap();

    let (_, told) = stage.wait(&id);
    std::fs::write(stage.task_file(&id, "outcome.json"), ended.to_string()).unwrap();
    let again = stage.task(&id);

    assert_eq!(told["status"], "completed", "{told:#}");
    assert_eq!(again["ended_at"], told["ended_at"]);
    assert_eq!(n_starts(&script), 0);
    check_one_signal(&stage, &id, "told once");
}

/// Returns a task that waits for its turn and has lost its supervisor, with its own script.
fn lost_in_the_queue() -> (TaskStage, std::path::PathBuf, String) {
    let mut stage = TaskStage::with(PROGRAM, "max_concurrent = 1\n");
    let go = stage.file("go");
    stage.plays(&format!("until {go}\n"));
    let first = stage.hand_in(&["First."]);
    wait_for(AFTER_A_LOOK, "the first one runs", || {
        (!members(&first).is_empty()).then_some(())
    });
    let script = stage.plays(
        "out {\"type\":\"thread.started\",\"thread_id\":\"t\"}\nout {\"type\":\"turn.started\"}\n\
         out {\"type\":\"turn.completed\"}\n",
    );
    let id = stage.hand_in(&["Second."]);
    process::send(stage.supervisor(&id), StopSignal::KILL);
    wait_for(AFTER_A_LOOK, "it is gone", || {
        supervisors(&id).is_empty().then_some(())
    });
    std::fs::write(&go, "").unwrap();
    (stage, script, id)
}

#[track_caller]
fn check_one_signal(stage: &TaskStage, id: &str, point: &str) {
    let state = Utf8Path::from_path(stage.front.state()).unwrap();
    let store = Store::open(state).unwrap();
    let n_signals = store.n_signals_of(&TaskId::parse(id).unwrap()).unwrap();
    assert_eq!(n_signals, 1, "{point}: one signal");
}

#[track_caller]
fn check_point(seed: u64) {
    let mut random = Random(seed);
    let victim = VICTIMS[usize::try_from(random.below(7)).unwrap()];
    let moment = Duration::from_millis(random.below(LIFE_MS));
    let point = format!("MC_CRASH_SEED={seed} MC_CRASH_POINTS=1: {victim:?} after {moment:?}");
    let mut stage = TaskStage::scripted(PROGRAM);
    let naps: Vec<u64> = (0..4).map(|_| random.below(80)).collect();
    let script = stage.plays(&format!(
        "nap {}\nout {{\"type\":\"thread.started\",\"thread_id\":\"0199a2b3-1111-7222-8333-444455556666\"}}\n\
         out {{\"type\":\"turn.started\"}}\nnap {}\n\
         out {{\"type\":\"item.completed\",\"item\":{{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"All done.\"}}}}\n\
         nap {}\nout {{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":1,\"output_tokens\":1}}}}\nnap {}\n",
        naps[0], naps[1], naps[2], naps[3]
    ));

    let id = match victim {
        Victim::Caller => kill_caller(&stage, &run_command(), random.below(80)),
        Victim::McpServer => kill_caller(&stage, &server_command(&stage), random.below(200)),
        Victim::Supervisor
        | Victim::Agent
        | Victim::SupervisorThenAgent
        | Victim::AgentThenSupervisor
        | Victim::SupervisorTwice => {
            let id = stage.hand_in(&["Work."]);
            rest_until(Deadline::after(moment));
            strike(victim, &id, &stage, &mut random);
            Some(id)
        }
    };

    let Some(id) = id else {
        assert_eq!(n_starts(&script), 0, "{point}: nobody asked for a task");
        return;
    };
    let looked = Stopwatch::start();
    let task = wait_for(
        AFTER_A_LOOK,
        &format!("{point}: the task has ended"),
        || {
            let task = stage.task(&id);
            (!task["ended_at"].is_null()).then_some(task)
        },
    );
    assert!(looked.elapsed() <= AFTER_A_LOOK, "{point}");
    wait_for(AFTER_A_LOOK, &format!("{point}: nothing is left"), || {
        (members(&id).is_empty() && supervisors(&id).is_empty()).then_some(())
    });
    check_truth(&point, &stage, &id, &task, n_starts(&script));
}

/// The agent's own events are the truth.
#[track_caller]
fn check_truth(point: &str, stage: &TaskStage, id: &str, task: &Value, n_starts: usize) {
    let events = stage.read(id, "events.jsonl");
    let has_answered = events.contains("turn.completed");
    let status = task["status"].as_str().unwrap();
    assert!(
        n_starts <= 1,
        "{point}: the agent was started {n_starts} times"
    );
    if has_answered {
        assert_eq!(status, "completed", "{point}: {task:#}");
        assert_eq!(
            task["final_message"], "All done.",
            "{point}: no result is lost"
        );
        assert_eq!(task["outcome"], "succeeded", "{point}");
    } else {
        assert!(
            ["failed", "interrupted"].contains(&status),
            "{point}: {status} without an answer: {task:#}"
        );
        assert!(!task["error"].is_null(), "{point}: {task:#}");
    }
    let later = stage.task(id);
    assert_eq!(
        later["ended_at"], task["ended_at"],
        "{point}: an end is for ever"
    );
    assert_eq!(
        later["status"], task["status"],
        "{point}: an end is for ever"
    );
    check_one_signal(stage, id, point);
}

fn strike(victim: Victim, id: &str, stage: &TaskStage, random: &mut Random) {
    let kill = |pids: Vec<u32>| {
        for pid in pids {
            process::send(pid, StopSignal::KILL);
        }
    };
    let pause = Duration::from_millis(random.below(60));
    match victim {
        Victim::Caller | Victim::McpServer => {}
        Victim::Supervisor => kill(supervisors(id)),
        Victim::Agent => kill(members(id)),
        Victim::SupervisorThenAgent => {
            kill(supervisors(id));
            rest_until(Deadline::after(pause));
            kill(members(id));
        }
        Victim::AgentThenSupervisor => {
            kill(members(id));
            rest_until(Deadline::after(pause / 6));
            kill(supervisors(id));
        }
        Victim::SupervisorTwice => {
            kill(supervisors(id));
            // A look starts another one.
            let looked = stage.task(id);
            assert_eq!(looked["task_id"], *id);
            rest_until(Deadline::after(pause));
            kill(supervisors(id));
        }
    }
}

fn run_command() -> Vec<String> {
    [PROGRAM, "run", "--json", "Work."]
        .map(str::to_owned)
        .to_vec()
}

/// A server that is asked to hand a task in, and whose client stays.
fn server_command(stage: &TaskStage) -> Vec<String> {
    let capabilities = serde_json::json!({});
    let requests = [
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"}}}),
        serde_json::json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        serde_json::json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "codex_run", "arguments": {"prompt": "Work.", "cwd": stage.work()}}}),
    ];
    let (pipe, text) = (stage.file("requests.pipe"), stage.file("requests"));
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    std::fs::write(&text, lines.join("\n") + "\n").unwrap();
    let script = "mkfifo \"$1\" && exec 3<>\"$1\" && cat \"$2\" >&3 && exec \"$0\" --mcp <&3";
    let words = ["/bin/sh", "-c", script, PROGRAM, &pipe, &text];
    words.map(str::to_owned).to_vec()
}

/// Kills whoever hands a task in while it does, and returns the task if there is one.
fn kill_caller(stage: &TaskStage, command: &[String], after_ms: u64) -> Option<String> {
    let work = stage.work();
    let stderr = stage.file("caller.err");
    let mut caller = Process::start(&Start {
        program: command[0].as_ref(),
        args: command[1..].to_vec(),
        env: stage.front.env().clone(),
        cwd: &work,
        stdout: Output::Null,
        stderr: Some(Path::new(&stderr)),
    });
    rest_until(Deadline::after(Duration::from_millis(after_ms)));
    caller.signal(StopSignal::KILL);
    caller.wait(AFTER_A_LOOK);
    let listed = stage.front.json(&["tasks", "--json"]);
    let task = listed["tasks"].as_array().unwrap().first().cloned();
    task.map(|task| task["task_id"].as_str().unwrap().to_owned())
}

fn n_starts(script: &Path) -> usize {
    let starts = script.with_file_name(format!(
        "{}.starts",
        script.file_name().unwrap().to_str().unwrap()
    ));
    std::fs::read_to_string(starts).map_or(0, |text| text.lines().count())
}

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
