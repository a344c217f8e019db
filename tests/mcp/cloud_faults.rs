//! Codex Cloud when something goes wrong: faults of the service, and servers that end on the way.

use std::path::PathBuf;

use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::wait::{PATIENT, wait_for};
use serde_json::{Value, json};

use crate::cloud::{Stage, fails, text};

const PAGE: &str = "https://chatgpt.com/codex/tasks/task_e_00000009";

/// A program that hands in as slowly as the test wants it to.
struct Slow {
    stage: Stage,
    gate: PathBuf,
}

impl Slow {
    /// Makes one that says `says` on the way `to` when it is let through.
    fn new(settings: &str, says: &str, to: &str) -> Self {
        let mut stage = Stage::new();
        let path = |name: &str| stage.folder.path().join(name);
        let (program, gate, started) = (path("slow"), path("gate"), path("started"));
        let scratch = path("tmp");
        std::fs::create_dir(&scratch).unwrap();
        let arguments = [gate.to_str().unwrap()];
        let made = process::run(
            "mkfifo".as_ref(),
            &arguments,
            stage.front.env(),
            &stage.work(),
        );
        assert_eq!(made.exit, Exit::Code(0), "{made:?}");
        let script = format!(
            "#!/bin/sh\ncase \"$2\" in\nexec) cat > /dev/null; echo $$ > {}; read go < {}; \
             echo '{says}' >&{to}; test {to} = 1;;\nlist) echo '{{\"tasks\":[]}}';;\n\
             *) exit 1;;\nesac\n",
            started.display(),
            gate.display()
        );
        std::fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&program, mode).unwrap();
        stage.front.write_settings(&format!(
            "[codex]\nprogram = \"{}\"\n[tasks]\n{settings}",
            program.display()
        ));
        stage.front.set_env("TMPDIR", scratch.to_str().unwrap());
        Self { stage, gate }
    }

    /// Waits until a task is on its way, and returns the process that hands it in.
    fn wait_until_handing_in(&self) -> u32 {
        let started = self.stage.folder.path().join("started");
        wait_for(PATIENT, "it is being handed in", || {
            std::fs::read_to_string(&started).ok()?.trim().parse().ok()
        })
    }

    fn go(&self) {
        std::fs::write(&self.gate, "go\n").unwrap();
    }

    fn n_scratch(&self) -> usize {
        let below = self.stage.folder.path().join("tmp");
        std::fs::read_dir(below).unwrap().count()
    }
}

fn submission() -> Value {
    json!({ "prompt": "Do it.", "environment": "env_1", "idempotency_key": "k" })
}

fn is_alive(pid: u32) -> bool {
    process::all().contains(&pid) && !process::is_zombie(pid)
}

#[test]
fn what_may_have_arrived_is_kept_and_what_was_refused_is_not() {
    for (status, body, code) in [
        ("500 Internal Server Error", json!({}), "INTERRUPTED"),
        ("200 OK", json!({ "odd": 1 }), "INTERRUPTED"),
        ("403 Forbidden", json!({}), "AUTH"),
        ("429 Too Many Requests", json!({}), "QUOTA"),
        ("404 Not Found", json!({}), "UNSUPPORTED"),
    ] {
        let stage = Stage::new();
        stage.cloud.answers("POST ", status, body);
        let mut pipe = stage.client();

        let said = fails(&mut pipe, "codex_cloud_submit", submission());
        let tasks = pipe.done("codex_tasks", json!({}));

        assert!(said.starts_with(code), "{status}: {said}");
        assert!(
            !said.contains("no such task") && !said.contains("log shows"),
            "{said}"
        );
        let is_kept = code == "INTERRUPTED";
        assert_eq!(
            tasks["n_matching"],
            u32::from(is_kept),
            "{status}: {tasks:#}"
        );
        if is_kept {
            let again = fails(&mut pipe, "codex_cloud_submit", submission());
            assert!(again.contains("another `idempotency_key`"), "{again}");
        }
    }
}

#[test]
fn faults_of_the_service_are_told_apart() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    for (status, code, is_retryable) in [
        ("403 Forbidden", "AUTH", false),
        ("404 Not Found", "UNSUPPORTED", false),
        ("429 Too Many Requests", "QUOTA", true),
        ("500 Internal Server Error", "STALLED", true),
    ] {
        stage.cloud.answers("/tasks/list", status, json!({}));

        let said = fails(&mut pipe, "codex_cloud_status", json!({}));

        assert!(said.starts_with(code), "{said}");
        assert_eq!(said.contains("tried again"), is_retryable, "{said}");
        assert!(
            !said.contains("no such task") && !said.contains("log shows"),
            "{said}"
        );
    }
}

#[test]
fn a_slow_service_keeps_no_caller_from_its_id() {
    let slow = Slow::new("cloud_answer_seconds = 0.2\n", PAGE, "1");
    let mut pipe = slow.stage.client();

    let task = pipe.done("codex_cloud_submit", submission());
    let open = pipe.done("codex_status", json!({ "task_id": task["task_id"] }));
    slow.go();
    let taken = wait_for(PATIENT, "it is taken", || {
        let status = pipe.done("codex_status", json!({ "task_id": task["task_id"] }));
        (status["status"] != "queued").then_some(status)
    });

    assert_eq!(
        (&task["status"], &task["is_new"]),
        (&"queued".into(), &true.into())
    );
    assert_eq!(open["status"], "queued");
    assert_eq!(taken["status"], "running", "{taken:#}");
    assert_eq!(taken["cloud"]["id"], "task_e_00000009");
}

#[test]
fn a_refusal_that_comes_late_is_the_end_of_the_task() {
    let slow = Slow::new("cloud_answer_seconds = 0.2\n", "Not signed in.", "2");
    let mut pipe = slow.stage.client();

    let task = pipe.done("codex_cloud_submit", submission());
    slow.go();
    let ended = pipe.done("codex_wait", json!({ "task_id": task["task_id"] }));

    assert_eq!(ended["tasks"][0]["status"], "failed", "{ended:#}");
    assert_eq!(ended["tasks"][0]["error"]["code"], "AUTH");
}

#[test]
fn a_server_that_ends_on_the_way_leaves_nothing_behind() {
    for how in ["SIGTERM", "SIGINT", "eof", "SIGKILL"] {
        let slow = Slow::new("", PAGE, "1");
        let mut pipe = slow.stage.client();
        let params = json!({ "name": "codex_cloud_submit", "arguments": submission() });
        pipe.send("tools/call", params);
        let program = slow.wait_until_handing_in();

        match how {
            "SIGTERM" => pipe.signal(StopSignal::TERM),
            "SIGINT" => pipe.signal(StopSignal::INT),
            "SIGKILL" => pipe.signal(StopSignal::KILL),
            _ => pipe.close(),
        }
        pipe.ended();

        wait_for(PATIENT, "what it started ends", || {
            (!is_alive(program)).then_some(())
        });
        if how != "SIGKILL" {
            assert_eq!(slow.n_scratch(), 0, "{how}");
        }
        let mut next = slow.stage.client();
        let tasks = next.done("codex_tasks", json!({}));
        assert_eq!(
            tasks["tasks"][0]["status"], "interrupted",
            "{how}: {tasks:#}"
        );
        next.done("codex_cloud_status", json!({}));
        assert_eq!(slow.n_scratch(), 0, "{how}: the next call sweeps");
    }
}

#[test]
fn of_tasks_that_are_not_listed_a_few_are_asked_about_at_once_and_all_in_turn() {
    let stage = Stage::new();
    let path = |name: &str| stage.folder.path().join(name);
    let (program, calls) = (path("counting"), path("calls"));
    let script = format!(
        "#!/bin/sh\ncase \"$2\" in\nexec) cat > /dev/null; echo x >> {tasks}; \
         echo https://chatgpt.com/codex/tasks/task_e_$(wc -l < {tasks});;\n\
         list) echo list >> {calls}; echo '{{\"tasks\":[]}}';;\n\
         status) echo \"$3\" >> {calls}; echo '[PENDING] x';;\nesac\n",
        tasks = path("tasks").display(),
        calls = calls.display(),
    );
    std::fs::write(&program, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, mode).unwrap();
    stage.front.write_settings(&format!(
        "[codex]\nprogram = \"{}\"\n[tasks]\ncloud_poll_seconds = 0.2\n",
        program.display()
    ));
    let mut pipe = stage.client();
    let ids: Vec<Value> = (0..6)
        .map(|_| stage.submit(&mut pipe, "Do it.")["task_id"].clone())
        .collect();

    let waiting = json!({ "name": "codex_wait", "arguments": { "task_ids": ids } });
    pipe.send("tools/call", waiting);
    let calls = wait_for(PATIENT, "all are asked about", || {
        let calls = std::fs::read_to_string(&calls).unwrap_or_default();
        let is_asked = |n| calls.lines().any(|line| line == format!("task_e_{n}"));
        (1..=6).all(is_asked).then_some(calls)
    });

    for round in calls.split("list\n") {
        assert!(round.lines().count() <= 4, "{calls}");
    }
}

#[test]
fn only_what_is_waited_for_is_asked_about() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let one = stage.submit(&mut pipe, "One.");
    stage.submit(&mut pipe, "Other.");
    let n_lists = stage.cloud.n_asked("/tasks/list");

    let waiting = json!({ "name": "codex_wait", "arguments": { "task_id": one["task_id"] } });
    let waiting = pipe.send("tools/call", waiting);
    wait_for(PATIENT, "it is asked about", || {
        (stage.cloud.n_asked("task_e_00000001") >= 2).then_some(())
    });
    stage.cloud.set("task_e_00000001", "completed", "");
    let ended = pipe.answer_to(&json!(waiting))["result"]["structuredContent"].clone();

    assert_eq!(text(&ended["tasks"][0]["status"]), "completed");
    assert_eq!(stage.cloud.n_asked("task_e_00000002"), 0);
    assert_eq!(stage.cloud.n_asked("/tasks/list"), n_lists);
}
