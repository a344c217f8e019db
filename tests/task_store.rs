//! What tasks are kept in: read-only, full, damaged and used by many at once.

use std::path::Path;

use mission_control_testkit::process::Exit;
use mission_control_testkit::task::TaskStage;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

const THREAD: &str = "out {\"type\":\"thread.started\",\"thread_id\":\"0199a2b3-1111-7222-8333-444455556666\"}\nout {\"type\":\"turn.started\"}\n";
const SAYS: &str = "out {\"type\":\"item.completed\",\"item\":{\"id\":\"1\",\"type\":\"agent_message\",\"text\":\"All done.\"}}\n";
const DONE: &str =
    "out {\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":9,\"output_tokens\":4}}\n";

fn answer() -> String {
    format!("{THREAD}{SAYS}{DONE}")
}

#[test]
fn a_folder_that_cannot_be_written_can_be_read() {
    let mut stage = TaskStage::scripted(PROGRAM);
    stage.plays(&answer());
    let id = stage.hand_in(&["Work."]);
    stage.wait(&id).1.as_object().unwrap();
    stage.wait_until_gone(&id);
    let state = stage.front.state().to_str().unwrap().to_owned();

    let in_sandbox = |words: &str| {
        // A mount namespace of its own, in which the state folder can only be read.
        let script = format!(
            "mount --bind {state} {state} && mount -o remount,bind,ro {state} && exec {PROGRAM} {words}"
        );
        mission_control_testkit::process::run(
            "unshare".as_ref(),
            &["--user", "--map-root-user", "--mount", "sh", "-c", &script],
            stage.front.env(),
            Path::new("/"),
        )
    };

    for words in [
        "tasks --json",
        &format!("task {id} --json"),
        &format!("result {id}"),
        &format!("wait {id} --json"),
        &format!("logs {id}"),
    ] {
        let said = in_sandbox(words);
        assert_eq!(said.exit, Exit::Code(0), "{words}: {said:?}");
        assert!(!said.stdout.is_empty(), "{words}");
    }
    let said = in_sandbox("run Work.");
    assert_eq!(said.exit, Exit::Code(4), "{said:?}");
    assert!(
        said.stderr.contains("MISSION_CONTROL_HOME"),
        "{}",
        said.stderr
    );
}

#[test]
fn many_callers_with_one_key_and_many_supervisors_make_one_run() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let script = stage.plays(&format!("{THREAD}nap 300\n{SAYS}{DONE}"));
    let env = stage.front.env().clone();
    let work = stage.work();

    let ids: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let words = ["run", "--json", "--idempotency-key", "k", "Work."];
                    let said = mission_control_testkit::process::run(
                        PROGRAM.as_ref(),
                        &words,
                        &env,
                        &work,
                    );
                    let task: Value = serde_json::from_str(&said.stdout).unwrap();
                    task["task_id"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        callers.into_iter().map(|c| c.join().unwrap()).collect()
    });
    let id = ids.first().unwrap().clone();
    let others = std::thread::scope(|scope| {
        let more: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let words = ["supervise", id.as_str()];
                    mission_control_testkit::process::run(PROGRAM.as_ref(), &words, &env, &work)
                })
            })
            .collect();
        more.into_iter()
            .map(|m| m.join().unwrap().exit)
            .collect::<Vec<_>>()
    });
    let (_, task) = stage.wait(&id);

    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(others, [Exit::Code(0); 3]);
    assert_eq!(task["status"], "completed", "{task:#}");
    let starts = std::fs::read_to_string(script.with_file_name("script-0.starts")).unwrap();
    assert_eq!(starts.lines().count(), 1);
}

#[test]
fn an_end_on_a_full_disk_is_recorded_when_there_is_room() {
    let mut stage = TaskStage::scripted(PROGRAM);
    let (full, filled) = (stage.file("full"), stage.file("filled"));
    let state = stage.front.state().to_str().unwrap().to_owned();
    let settings = std::fs::read_to_string(stage.front.settings_file()).unwrap();
    let kept = stage.file("settings.toml");
    std::fs::write(&kept, settings).unwrap();
    stage.plays(&format!(
        "{THREAD}{SAYS}{DONE}write {full} now\nuntil {filled}\n"
    ));

    // A disk of its own; filled when the agent has answered, emptied a little later.
    let script = format!(
        "set -e; mount -t tmpfs -o size=2m none {state}; cp {kept} {state}/settings.toml; cd {state}
         id=$({PROGRAM} run --cwd {work} Work. 2>/dev/null)
         while ! [ -e {full} ]; do sleep 0.02; done
         dd if=/dev/zero of={state}/ballast bs=4k 2>/dev/null || true
         touch {filled}; sleep 1
         rm {state}/ballast
         exec {PROGRAM} wait $id --json --timeout 30",
        work = stage.work().display(),
    );
    let said = mission_control_testkit::process::run(
        "unshare".as_ref(),
        &["--user", "--map-root-user", "--mount", "sh", "-c", &script],
        stage.front.env(),
        Path::new("/"),
    );

    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    let printed: Value = serde_json::from_str(&said.stdout).unwrap();
    let task = &printed["tasks"][0];
    assert_eq!(task["outcome"], "succeeded", "{task:#}");
    assert_eq!(task["final_message"], "All done.");
}

#[test]
fn a_damaged_store_is_refused_with_what_to_do_and_left_alone() {
    let stage = TaskStage::scripted(PROGRAM);
    let file = stage.front.state().join("mission-control.db");
    std::fs::write(
        &file,
        "this is no database at all, whatever it is".repeat(99),
    )
    .unwrap();
    let before = std::fs::read(&file).unwrap();

    for words in [&["tasks"][..], &["run", "Work."]] {
        let said = stage.front.run(words);
        assert_eq!(said.exit, Exit::Code(1), "{said:?}");
        assert!(
            said.stderr.contains("Move the file away"),
            "{}",
            said.stderr
        );
    }

    assert_eq!(std::fs::read(&file).unwrap(), before);
}
