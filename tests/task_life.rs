//! Delegated tasks with a scripted agent: what the real one cannot be made to do.
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

use std::path::Path;

use mission_control_testkit::process::{Exit, Said, StopSignal, comm, send};
use mission_control_testkit::task::{TaskStage, members, supervisors};
use mission_control_testkit::wait::{SOON, wait_for};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

const THREAD: &str = "out {\"type\":\"thread.started\",\"thread_id\":\"0199a2b3-1111-7222-8333-444455556666\"}\nout {\"type\":\"turn.started\"}\n";
const SAYS: &str = "out {\"type\":\"item.completed\",\"item\":{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"All done.\"}}\n";
const DONE: &str =
    "out {\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":9,\"output_tokens\":4}}\n";

fn answer() -> String {
    format!("{THREAD}{SAYS}{DONE}")
}

#[test]
fn an_agent_that_ignores_being_asked_is_ended_by_force() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}stubborn\n"));
    let id = stage.hand_in(&["Work."]);
    stage.wait_until(&id, "it works", |task| task["phase"] == "thinking");

    let said = stage.front.run(&["cancel", &id, "--json"]);

    let task: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(task["status"], "cancelled", "{task:#}");
    assert_eq!(members(&id), Vec::<u32>::new());
    assert!(stage.read(&id, "output.log").contains("Ended by force."));
}

#[test]
fn a_grandchild_that_keeps_the_output_open_holds_nobody_up() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}grandchild\nescape\n{SAYS}{DONE}"));
    let id = stage.hand_in(&["Work."]);

    let (said, task) = stage.wait(&id);

    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    assert_eq!(task["outcome"], "succeeded", "{task:#}");
    assert_eq!(members(&id), Vec::<u32>::new(), "also what left the group");
}

#[test]
fn an_agent_that_answered_may_leave_by_itself_and_is_ended_if_it_does_not() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{}hang\n", answer()));
    let id = stage.hand_in(&["Work."]);

    let (_, task) = stage.wait(&id);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["final_message"], "All done.");
    assert_ne!(task["warnings"], json!([]), "{task:#}");
    stage.wait_until_gone(&id);
}

#[test]
fn both_time_limits_end_a_task_and_say_which() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}hang\n"));
    let idle = stage.hand_in(&["--idle-timeout-seconds", "1", "Work."]);
    let total = stage.hand_in(&["--hard-timeout-seconds", "1", "Work."]);

    let (said, idle) = stage.wait(&idle);
    let (_, total) = stage.wait(&total);

    assert_eq!(said.exit, Exit::Code(1));
    assert_eq!(idle["status"], "timed_out", "{idle:#}");
    assert_eq!(idle["error"]["code"], "TIMEOUT_IDLE");
    assert_eq!(total["error"]["code"], "TIMEOUT_HARD");
}

#[test]
fn bad_ends_have_their_reasons() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let mut run = |script: &str| {
        stage.plays(script);
        let id = stage.hand_in(&["Work."]);
        let (_, task) = stage.wait(&id);
        (
            task["status"].as_str().unwrap().to_owned(),
            task["error"]["message"].as_str().unwrap_or("").to_owned(),
        )
    };
    let failed = |says: &str| ("failed".to_owned(), says.to_owned());

    assert_eq!(
        run(&format!("{THREAD}err Error: it broke\nexit 3\n")),
        failed("Exited with code 3: Error: it broke.")
    );
    assert_eq!(run(&format!("{THREAD}die\n")), failed("Killed by SIGKILL."));
    assert_eq!(
        run("exit 0\n"),
        failed("The agent left with code 0 and without a single event.")
    );
    assert_eq!(
        run(&format!("{THREAD}exit 0\n")),
        failed("The agent left with code 0 in the middle of its turn.")
    );
    assert_eq!(
        run("err error: unexpected argument '--x' found\nexit 2\n"),
        failed("The agent refused its options: unexpected argument '--x' found.")
    );
    let (status, _) = run(&format!("{}exit 1\n", answer()));
    assert_eq!(status, "completed", "the turn ended before");
}

#[test]
fn an_adopted_agents_death_is_noticed_while_something_of_it_lives() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}grandchild\nhang\n"));
    let agent_of = |id: &str| {
        let is_agent = |pid: &u32| comm(*pid).as_deref() == Some("scripted-agent");
        members(id).into_iter().find(is_agent)
    };
    let check = |kill_agent_first: &dyn Fn(&str)| {
        let id = stage.hand_in(&["Work."]);
        wait_for(SOON, "it works", || (members(&id).len() == 2).then_some(()));
        let agent = agent_of(&id).unwrap();
        send(stage.supervisor(&id), StopSignal::KILL);
        wait_for(SOON, "the supervisor is gone", || {
            supervisors(&id).is_empty().then_some(())
        });
        kill_agent_first(&id);
        stage.wait_until(&id, "another one goes on", |task| {
            !task["ended_at"].is_null()
                || stage
                    .read(&id, "output.log")
                    .contains("The supervisor was lost")
        });
        send(agent, StopSignal::KILL);

        let task = stage.wait_until(&id, "it ended", |task| !task["ended_at"].is_null());

        assert_eq!(task["status"], "interrupted", "{task:#}");
        stage.wait_until_gone(&id);
        assert_eq!(members(&id), Vec::<u32>::new());
    };

    check(&|_| {});
    check(&|id| send(agent_of(id).unwrap(), StopSignal::KILL));
}

#[test]
fn values_of_variables_are_kept_in_no_file_of_a_task() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());
    let id = stage.hand_in(&["--env-set", "PLAIN=unremarkable-value", "Work."]);
    stage.wait(&id).1.as_object().unwrap();

    let folder = stage.task_file(&id, "");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("unremarkable"), "{path:?}: {text}");
    }
    assert!(stage.read(&id, "debug.json").contains("set.PLAIN="));
}

#[test]
fn what_a_caller_wrote_cannot_steer_the_terminal_of_a_logs_reader() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());

    let id = stage.hand_in(&["--model", "a\u{1b}[2Jb", "Work."]);
    stage.wait(&id).1.as_object().unwrap();
    let said = stage.front.run(&["logs", &id]);

    let log = stage.read(&id, "output.log");
    assert!(!log.contains('\u{1b}'), "{log}");
    assert!(log.contains("Model        ab\n"), "{log}");
    assert_eq!(said.stdout, log);
}

#[test]
fn no_id_means_no_task() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}hang\n"));
    let id = stage.hand_in(&["Work."]);

    let cancelled = stage.front.run(&["cancel", ""]);
    let shown = stage.front.run(&["task", ""]);

    assert_eq!(cancelled.exit, Exit::Code(3), "{cancelled:?}");
    assert_eq!(shown.exit, Exit::Code(3), "{shown:?}");
    assert_eq!(stage.task(&id)["ended_at"], Value::Null);
}

#[test]
fn supervisors_that_cannot_start_are_counted_until_one_can() {
    let mut stage = TaskStage::with(PROGRAM, "max_concurrent = 1\n");
    stage.plays(&format!("{THREAD}hang\n"));
    let first = stage.hand_in(&["Work."]);
    stage.wait_until(&first, "it works", |task| task["phase"] == "thinking");
    stage.plays(&answer());
    let id = stage.hand_in(&["Wait."]);
    let path = stage.task_file(&id, "request.json");
    let request = std::fs::read(&path).unwrap();
    let is_counted = |count: &str| {
        let is_queued = stage.task(&id)["status"] == "queued";
        (is_queued && stage.read(&id, "supervisor.attempt") == count).then_some(())
    };

    wait_for(SOON, "it can start", || is_counted("0\n"));
    std::fs::write(&path, "{").unwrap();
    send(stage.supervisor(&id), StopSignal::KILL);
    wait_for(SOON, "others cannot", || is_counted("2\n"));
    std::fs::write(&path, request).unwrap();

    wait_for(SOON, "another one can", || is_counted("0\n"));
}

#[test]
fn waiting_for_all_is_not_over_while_one_runs() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let go = stage.file("go");
    stage.plays(&answer());
    let ended = stage.hand_in(&["Work."]);
    stage.wait(&ended).1.as_object().unwrap();
    stage.plays(&format!("{THREAD}until {go}\n{SAYS}{DONE}"));
    let open = stage.hand_in(&["Work on."]);
    let exit = |which: &str| {
        let said = stage
            .front
            .run(&["wait", &ended, &open, which, "--timeout", "0.2"]);
        said.exit
    };

    assert_eq!(exit("--all"), Exit::Code(6));
    assert_eq!(exit("--any"), Exit::Code(0));
    std::fs::write(&go, "").unwrap();
    stage.wait(&open).1.as_object().unwrap();
    assert_eq!(exit("--all"), Exit::Code(0));
}

#[test]
fn a_missing_program_is_said() {
    let stage = TaskStage::scripted(PROGRAM);
    stage
        .front
        .write_settings("[codex]\nprogram = \"/no/such/program\"\n");
    let id = stage.hand_in(&["Work."]);

    let (said, task) = stage.wait(&id);

    assert_eq!(said.exit, Exit::Code(1));
    assert_eq!(task["error"]["code"], "NOT_INSTALLED", "{task:#}");
}

#[test]
fn prompts_of_any_form_arrive_as_they_are() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let copy = stage.file("stdin.txt");
    let script = stage.plays(&format!("stdin {copy}\n{}", answer()));
    let starts = script.with_file_name("script-0.starts");
    let last_argument = || {
        let text = std::fs::read_to_string(&starts).unwrap();
        let line = text.lines().last().unwrap();
        let (_, arguments) = line.split_once(' ').unwrap();
        let arguments: Vec<String> = serde_json::from_str(arguments).unwrap();
        arguments.last().unwrap().clone()
    };

    for prompt in ["--help", "two\nlines 'and' \"quotes\" $HOME"] {
        let id = stage.hand_in(&["--", prompt]);
        let (_, task) = stage.wait(&id);
        assert_eq!(task["status"], "completed", "{task:#}");
        assert_eq!(last_argument(), prompt);
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "", "closed");
    }
    let long = format!("{}\nthe end", "x".repeat(110_000));
    let id = stage.hand_in(&["--", &long]);
    let (_, task) = stage.wait(&id);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(last_argument(), "-");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), long);
}

#[test]
fn the_same_key_gives_the_same_task() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let script = stage.plays(&answer());

    let first = stage.hand_in(&["--idempotency-key", "k", "Work."]);
    let second = stage.hand_in(&["--idempotency-key", "k", "Work again."]);
    stage.wait(&first).1.as_object().unwrap();
    let third = stage.hand_in(&["--idempotency-key", "k", "And again."]);

    assert_eq!(first, second);
    assert_eq!(first, third);
    let starts = std::fs::read_to_string(script.with_file_name("script-0.starts")).unwrap();
    assert_eq!(starts.lines().count(), 1);
}

#[test]
fn limits_hold_and_everybody_gets_a_turn_without_help() {
    let mut stage = TaskStage::with(PROGRAM, "max_concurrent = 2\nmax_per_repository = 9\n");
    stage.plays(&format!("{THREAD}nap 150\n{SAYS}{DONE}"));

    let ids: Vec<String> = (0..8).map(|_| stage.hand_in(&["Work."])).collect();
    let listed = stage.front.json(&["tasks", "--json"]);
    let places: Vec<&Value> = listed["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["status"] == "queued")
        .map(|task| &task["queue_position"])
        .collect();
    // Nothing looks at the tasks from here on: they start one another.
    let mut most = 0;
    wait_for(SOON, "all have ended", || {
        let n_running = ids.iter().filter(|id| !members(id).is_empty()).count();
        most = most.max(n_running);
        let n_supervised = ids.iter().filter(|id| !supervisors(id).is_empty()).count();
        (n_supervised == 0).then_some(())
    });

    assert!(most <= 2, "{most} at the same time");
    assert!(!places.is_empty());
    for id in &ids {
        assert_eq!(stage.task(id)["outcome"], "succeeded");
    }
}

#[test]
fn writers_on_one_tree_take_turns() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}nap 200\n{SAYS}{DONE}"));
    let write = &["--sandbox", "workspace-write", "Work."];

    let ids = [stage.hand_in(write), stage.hand_in(write)];
    let mut most = 0;
    wait_for(SOON, "both have ended", || {
        let n_running = ids.iter().filter(|id| !members(id).is_empty()).count();
        most = most.max(n_running);
        let n_supervised = ids.iter().filter(|id| !supervisors(id).is_empty()).count();
        (n_supervised == 0).then_some(())
    });

    assert_eq!(most, 1);
    for id in &ids {
        assert_eq!(stage.task(id)["status"], "completed");
    }
}

#[test]
fn a_supervisor_that_dies_in_the_queue_holds_nobody_up() {
    let mut stage = TaskStage::with(PROGRAM, "max_concurrent = 1\n");
    stage.plays(&format!("{THREAD}nap 300\n{SAYS}{DONE}"));
    let ids: Vec<String> = (0..3).map(|_| stage.hand_in(&["Work."])).collect();
    let second = stage.supervisor(&ids[1]);

    mission_control_testkit::process::send(
        second,
        mission_control_testkit::process::StopSignal::KILL,
    );

    let third = stage.wait(&ids[2]).1;
    let second = stage.wait(&ids[1]).1;
    assert_eq!(third["status"], "completed", "{third:#}");
    assert_eq!(second["status"], "completed", "{second:#}");
}

#[test]
fn full_access_waits_for_a_person() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());
    let prompt = format!("Work.\n{}the end", "Then more. ".repeat(100));
    let danger = &["--sandbox", "danger-full-access", &prompt];

    let yes = stage.hand_in(danger);
    let no = stage.hand_in(danger);
    let (waited, asking) = stage.wait(&yes);
    let wrong = stage.front.run(&["answer", &yes, "something", "accept"]);
    let accepted = stage
        .front
        .run(&["answer", &yes, "danger-full-access", "accept"]);
    let declined = stage
        .front
        .run(&["answer", &no, "danger-full-access", "decline"]);
    let ended = stage.wait_until(&yes, "it ended", |task| !task["ended_at"].is_null());
    let refused = stage.wait_until(&no, "it ended", |task| !task["ended_at"].is_null());

    assert_eq!(waited.exit, Exit::Code(5));
    assert_eq!(asking["status"], "input_required");
    assert_eq!(asking["need"]["request_id"], "danger-full-access");
    assert_eq!(asking["need"]["can_answer"], true);
    assert_eq!(
        asking["need"]["summary"],
        format!("Run without a sandbox?\n{prompt}")
    );
    assert_eq!(asking["summary"], "Run without a sandbox?");
    assert_eq!(wrong.exit, Exit::Code(3), "{wrong:?}");
    assert_eq!(accepted.exit, Exit::Code(0), "{accepted:?}");
    assert_eq!(declined.exit, Exit::Code(0), "{declined:?}");
    assert_eq!(ended["status"], "completed", "{ended:#}");
    assert_eq!(ended["need"], Value::Null);
    assert_eq!(refused["status"], "cancelled", "{refused:#}");
    assert_eq!(refused["error"]["code"], "SANDBOX_DENIED");
}

#[test]
fn a_setting_allows_or_forbids_full_access() {
    let mut allowed = TaskStage::with(PROGRAM, "danger_full_access = \"allow\"\n");
    allowed.plays(&answer());
    let forbidden = TaskStage::with(PROGRAM, "danger_full_access = \"forbid\"\n");
    let danger = &["--sandbox", "danger-full-access", "Work."];

    let id = allowed.hand_in(danger);
    let (_, task) = allowed.wait(&id);
    let refused = forbidden
        .front
        .run(&["run", "--sandbox", "danger-full-access", "Work."]);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(refused.exit, Exit::Code(4), "{refused:?}");
}

#[test]
fn a_task_within_a_task_is_refused() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let environment = stage.file("environment.txt");
    stage.plays(&format!("env {environment}\n{}", answer()));
    let id = stage.hand_in(&["Work."]);
    stage.wait(&id).1.as_object().unwrap();

    let seen = std::fs::read_to_string(&environment).unwrap();
    stage.front.set_env("MISSION_CONTROL_DEPTH", "1");
    let said = stage.front.run(&["run", "Work."]);

    assert!(seen.contains("MISSION_CONTROL_DEPTH=1\n"), "{seen}");
    assert!(seen.contains(&format!("MISSION_CONTROL_TASK_ID={id}\n")));
    assert_eq!(said.exit, Exit::Code(4), "{said:?}");
}

#[test]
fn no_secret_is_kept_or_shown() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    stage.plays(&format!(
        "{THREAD}err using {token}\n\
         out {{\"type\":\"item.completed\",\"item\":{{\"id\":\"c\",\"type\":\"command_execution\",\"command\":\"/bin/bash -lc 'curl -H {key}'\",\"aggregated_output\":\"{token}\",\"exit_code\":0,\"status\":\"completed\"}}}}\n\
         out {{\"type\":\"item.completed\",\"item\":{{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"The key is {key}.\"}}}}\n{DONE}"
    ));
    let prompt = format!("Use {key} please.");
    let id = stage.hand_in(&["--config", &format!("a.token=\"{token}\""), &prompt]);

    let (said, task) = stage.wait(&id);
    stage.wait_until_gone(&id);

    assert_eq!(task["status"], "completed", "{task:#}");
    for secret in [key, token] {
        assert!(!said.stdout.contains(secret), "{}", said.stdout);
        for path in files_below(stage.front.state()) {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!is_there, "{secret} is in {}", path.display());
        }
    }
    let text = task["final_message"].as_str().unwrap();
    assert_eq!(text, "The key is [redacted:api_key].");
}

#[test]
fn waiting_ends_with_a_code_that_tells() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let go = stage.file("go");
    stage.plays(&answer());
    let good = stage.hand_in(&["Good."]);
    stage.plays("exit 1\n");
    let bad = stage.hand_in(&["Bad."]);
    stage.plays(&format!("{THREAD}until {go}\n{SAYS}{DONE}"));
    let slow = stage.hand_in(&["Slow."]);
    let wait = |arguments: &[&str]| {
        let mut all = vec!["wait"];
        all.extend(arguments);
        stage.front.run(&all)
    };
    let code = |said: &Said| match said.exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => panic!("{signal}"),
    };

    assert_eq!(code(&wait(&[&good])), 0);
    assert_eq!(code(&wait(&[&good, &bad])), 1);
    assert_eq!(code(&wait(&[&slow, "--timeout", "0.2"])), 6);
    assert_eq!(code(&wait(&["--any", &slow, &good])), 0);
    assert_eq!(code(&wait(&[&slow, &good, "--timeout", "0.2"])), 6);
    assert_eq!(code(&wait(&["no-such-task"])), 3);
    std::fs::write(&go, "").unwrap();
    let said = wait(&["--all", &good, &slow]);
    assert_eq!(code(&said), 0, "{said:?}");
    assert!(said.stdout.contains("All done."), "{}", said.stdout);
    assert_eq!(said.stderr, "", "quiet where nobody watches");
    let beginning: String = good.chars().take(30).collect();
    assert_eq!(code(&wait(&[&beginning])), 0);
}

#[test]
fn the_log_is_followed_to_its_end() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!("{THREAD}nap 300\n{SAYS}{DONE}"));
    let id = stage.hand_in(&["Work."]);

    let said = stage.front.run(&["logs", "-f", &id]);

    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    assert!(said.stdout.starts_with("Task "), "{}", said.stdout);
    assert!(
        said.stdout.contains("agent Says: All done."),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("Ended: completed (succeeded)"),
        "{}",
        said.stdout
    );
}

#[test]
fn cleaning_up_shows_first_and_keeps_what_nobody_saw() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());
    let seen = stage.hand_in(&["Seen."]);
    let unseen = stage.hand_in(&["Unseen."]);
    stage.wait(&seen).1.as_object().unwrap();
    stage.wait_until(&unseen, "it ended", |task| !task["ended_at"].is_null());
    stage.wait_until_gone(&unseen);

    let ancient = stage
        .front
        .json(&["cleanup", "--days", "5000000", "--json"]);
    let shown = stage.front.json(&["cleanup", "--days", "0", "--json"]);
    let still = stage.front.run(&["task", &seen]);
    let applied = stage
        .front
        .json(&["cleanup", "--days", "0", "--apply", "--json"]);

    assert_eq!(ancient["removed"], json!([]));
    assert_eq!(shown["applied"], false);
    assert_eq!(shown["removed"][0]["what"], *seen);
    assert_eq!(still.exit, Exit::Code(0));
    assert_eq!(applied["removed"].as_array().unwrap().len(), 1);
    assert_eq!(stage.front.run(&["task", &seen]).exit, Exit::Code(3));
    assert_eq!(stage.front.run(&["task", &unseen]).exit, Exit::Code(0));
    assert!(!stage.task_file(&seen, "output.log").exists());
}

#[test]
fn cleaning_up_ends_what_an_ended_task_left_and_nothing_else() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());
    let id = stage.hand_in(&["Work."]);
    stage.wait(&id).1.as_object().unwrap();
    stage.wait_until_gone(&id);
    let work = stage.work();
    let start = |task: &str| {
        let mut env = stage.front.env().clone();
        env.insert("MISSION_CONTROL_TASK_ID".to_owned(), task.to_owned());
        mission_control_testkit::process::Process::start(&mission_control_testkit::process::Start {
            program: "cat".as_ref(),
            args: vec!["/dev/ptmx".to_owned()],
            env,
            cwd: &work,
            stdout: mission_control_testkit::process::Output::Null,
            stderr: None,
        })
    };
    let mut orphan = start(&id);
    let mut stranger = start("0199a2b3-1111-7222-8333-444455556666");

    let shown = stage.front.json(&["cleanup", "--json"]);
    let is_alive = orphan.exit().is_none();
    let applied = stage.front.json(&["cleanup", "--apply", "--json"]);
    let exit = orphan.wait(SOON);

    assert_eq!(exit, Exit::Signal(15), "it was asked first");
    assert_eq!(
        shown["removed"][0]["what"],
        format!("process {}", orphan.pid())
    );
    assert!(is_alive, "shown only");
    assert_eq!(applied["removed"].as_array().unwrap().len(), 1);
    assert_eq!(stranger.exit(), None, "not a task of this store");
}

#[test]
fn a_flood_of_output_is_read_and_kept() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&format!(
        "{THREAD}repeat 20000 not an event\nbig 3000000\n{SAYS}{DONE}"
    ));
    let id = stage.hand_in(&["Work."]);

    let (_, task) = stage.wait(&id);

    assert_eq!(task["status"], "completed", "{task:#}");
    assert_eq!(task["final_message"], "All done.");
    let length = std::fs::metadata(stage.task_file(&id, "events.jsonl"))
        .unwrap()
        .len();
    assert!(length > 3_000_000, "{length}");
    assert_ne!(task["warnings"], json!([]), "unread lines are told");
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => files.push(path),
            }
        }
    }
    files
}
