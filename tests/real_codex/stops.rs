//! `stop`: who is ended, how, and who is not.

use mission_control_testkit::codex::{self, CodexRun, HeldCommand, Run};
use mission_control_testkit::model::{Model, Script, command, say};
use mission_control_testkit::process::{self, Exit, Output, Process, Start, StopSignal};
use mission_control_testkit::recordings::Recording;
use mission_control_testkit::task::CodexStage;
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use mission_control_testkit::watch::Watch;
use serde_json::{Value, json};

use super::{AT_ONCE, Stage, session_id, text};

#[test]
fn a_session_in_a_slow_command_is_stopped_with_all_it_started() {
    let mut scene = Scene::in_a_command();
    let native = scene.run.native_pid();
    wait_for(SOON, "the command runs", || {
        let below = process::descendants(native);
        let names = below.iter().filter_map(|below| process::comm(below.pid));
        names.into_iter().any(|name| name == "cat").then_some(())
    });

    let stopped = scene.stage.front.json(&["stop", &scene.id, "--json"]);
    let exit = scene.run.wait();
    let done = scene.watch.wait_for_status(AT_ONCE, &scene.id, "done");

    assert_eq!(stopped["session_id"], scene.id.as_str());
    assert_eq!(stopped["stopped"], true);
    assert_eq!(stopped["how"], "asked");
    assert_eq!(stopped["task_id"], Value::Null);
    let processes = stopped["processes"].as_array().unwrap();
    assert_eq!(processes[0]["pid"], native);
    assert_eq!(processes[0]["name"], "codex");
    assert!(processes.len() > 1, "{stopped:#}");
    assert!(
        processes.iter().all(|process| process["ended"] == true),
        "{stopped:#}"
    );
    assert_eq!(exit, Exit::Signal(StopSignal::TERM.as_raw()));
    assert_eq!(done["ended"]["how"], "killed");

    let again = scene.stage.front.run(&["stop", &scene.id]);
    assert_eq!(again.exit, Exit::Code(1));
    let says = format!("mission-control: {} has ended already.\n", scene.id);
    assert_eq!(again.stderr, says);
}

#[test]
fn of_two_sessions_the_other_one_works_on() {
    let mut scene = Scene::in_a_command();
    let held = scene.stage.home.held_command("on");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = scene.stage.model.plays("other", script);
    let mut other = scene.stage.home.exec(&Run::new(&script, "Build that."));
    let other_id = session_id(&other.thread_id());
    scene.watch.wait_for_status(PATIENT, &other_id, "working");

    let said = scene.stage.front.run(&["stop", &scene.id]);
    scene.watch.wait_for_status(AT_ONCE, &scene.id, "done");
    held.release();

    let says = format!("{} was stopped: it ended when it was asked to.\n", scene.id);
    assert_eq!((said.exit, said.stdout), (Exit::Code(0), says));
    assert_eq!(other.wait(), Exit::Code(0), "{}", other.stderr());
}

#[test]
fn a_server_is_refused_and_lives_on() {
    let stage = Stage::new();
    let server = AppServer::with_a_thread(&stage);

    let said = stage.front.run(&["stop", &server.id]);

    assert_eq!(said.exit, Exit::Code(4), "{}", said.stdout);
    assert!(
        said.stderr.contains("it runs in a server (process"),
        "{}",
        said.stderr
    );
    assert!(!process::is_zombie(server.process.pid()));
}

#[test]
fn an_owner_that_ignores_being_asked_is_forced() {
    let stage = Stage::new();
    stage.front.write_settings("[stop]\ngrace_seconds = 0.2\n");
    let owner = Owner::that_ignores_being_asked(&stage);

    let stopped = stage.front.json(&["stop", &owner.id, "--json"]);

    assert_eq!(stopped["stopped"], true, "{stopped:#}");
    assert_eq!(stopped["how"], "forced");
    assert_eq!(stopped["processes"][0]["pid"], owner.process.pid());
    assert!(process::is_zombie(owner.process.pid()));
}

#[test]
fn a_lock_holder_that_is_no_agent_is_left_alone() {
    let stage = Stage::new();
    let owner = Owner::that_is_no_agent(&stage);

    let said = stage.front.run(&["stop", &owner.id]);

    assert_eq!(said.exit, Exit::Code(4), "{}", said.stdout);
    assert!(
        said.stderr.contains("its owner is not known"),
        "{}",
        said.stderr
    );
    assert!(!process::is_zombie(owner.process.pid()));
}

#[test]
fn a_session_of_a_delegated_task_is_stopped_by_cancelling_it() {
    let model = Model::start();
    let stage = CodexStage::new(env!("CARGO_BIN_EXE_mission-control"), "");
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = model.plays("task", script);
    let task = stage.hand_in(&script, &["--sandbox", "workspace-write", "Build it."]);
    let running = stage.wait_until(PATIENT, &task, "it has a session", |task| {
        !task["session_id"].is_null()
    });
    let id = text(&running["session_id"]);
    wait_for(SOON, "the session is listed", || {
        let sessions = stage.front.sessions();
        (sessions.get(id)?["task_id"] == task.as_str()).then_some(())
    });

    let stopped = stage.front.json(&["stop", id, "--json"]);

    assert_eq!(stopped["how"], "task_cancelled");
    assert_eq!(stopped["task_id"], task.as_str());
    assert_eq!(stopped["stopped"], true);
    let ended = stage.front.json(&["task", &task, "--json"]);
    assert_eq!(ended["status"], "cancelled");
}

/// An agent in the middle of a command, and somebody who watches.
struct Scene {
    watch: Watch,
    id: String,
    run: CodexRun,
    _held: HeldCommand,
    stage: Stage,
}

impl Scene {
    #[track_caller]
    fn in_a_command() -> Self {
        let stage = Stage::new();
        let held = stage.home.held_command("go");
        let script = Script::new([command(&held.line()), say("Built.")]);
        let script = stage.model.plays("stop", script);
        let mut watch = stage.front.watch();
        let mut run = stage.home.exec(&Run::new(&script, "Build it."));
        let id = session_id(&run.thread_id());
        watch.wait_until(PATIENT, &id, "works on a command", |session| {
            session["status"] == "working" && text(&session["activity"]).contains("cat go")
        });
        Self {
            watch,
            id,
            run,
            _held: held,
            stage,
        }
    }
}

/// A process that holds a recorded session.
struct Owner {
    process: Process,
    id: String,
}

impl Owner {
    fn that_ignores_being_asked(stage: &Stage) -> Self {
        let recording = Recording::load("02-commands-and-edits");
        recording.write_into(stage.home.codex_home());
        let program = stage.home.path().join("codex");
        std::os::unix::fs::symlink("/bin/bash", &program).unwrap();
        let rollout = recording.path_in(stage.home.codex_home());
        let script = "trap '' TERM; exec 3>>\"$1\"; sleep 100; :";
        let arguments = ["-c", script, "codex", rollout.to_str().unwrap()];
        Self::start(stage, &recording, program.as_os_str(), &arguments)
    }

    fn that_is_no_agent(stage: &Stage) -> Self {
        let recording = Recording::load("02-commands-and-edits");
        recording.write_into(stage.home.codex_home());
        let locks = stage.home.codex_home().join("thread-writer-locks");
        std::fs::create_dir_all(&locks).unwrap();
        let lock = locks.join(format!("{}.lock", recording.thread));
        let arguments = [lock.to_str().unwrap(), "sleep", "100"];
        Self::start(stage, &recording, "flock".as_ref(), &arguments)
    }

    #[track_caller]
    fn start(
        stage: &Stage,
        recording: &Recording,
        program: &std::ffi::OsStr,
        arguments: &[&str],
    ) -> Self {
        let process = Process::start(&Start {
            program,
            args: arguments.iter().map(|&word| word.to_owned()).collect(),
            env: stage.home.env(),
            cwd: &stage.home.project(),
            stdout: Output::Null,
            stderr: None,
        });
        let id = recording.session_id();
        wait_for(SOON, "the session is held", || {
            let sessions = stage.front.sessions();
            (sessions[&id]["process"]["pid"] == process.pid()).then_some(())
        });
        Self { process, id }
    }
}

/// A server that has a thread loaded, as an editor's does.
struct AppServer {
    process: Process,
    id: String,
    _held: HeldCommand,
}

impl AppServer {
    #[track_caller]
    fn with_a_thread(stage: &Stage) -> Self {
        let script = stage.model.plays("server", Script::new([say("Done.")]));
        let mut run = stage.home.exec(&Run::new(&script, "Work."));
        let thread = run.thread_id();
        assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
        let requests = [
            json!({"id": 1, "method": "initialize", "params": {"clientInfo": {
                "name": "editor", "title": "Editor", "version": "1"}}}),
            json!({"method": "initialized"}),
            json!({"id": 2, "method": "thread/resume", "params": {"threadId": thread}}),
        ];
        let lines: String = requests.iter().map(|line| format!("{line}\n")).collect();
        let input = stage.home.path().join("requests");
        std::fs::write(&input, lines).unwrap();
        let held = stage.home.held_command("connected");
        let line = format!(
            "(cat {}; {}) | {} app-server",
            input.display(),
            held.line(),
            codex::program_path().display()
        );
        let process = Process::start(&Start {
            program: "sh".as_ref(),
            args: vec!["-c".to_owned(), line],
            env: stage.home.env(),
            cwd: &stage.home.project(),
            stdout: Output::Null,
            stderr: Some(&stage.home.path().join("server.err")),
        });
        let id = session_id(&thread);
        wait_for(PATIENT, "the server has loaded the thread", || {
            let sessions = stage.front.sessions();
            (!sessions[&id]["process"].is_null()).then_some(())
        });
        Self {
            process,
            id,
            _held: held,
        }
    }
}
