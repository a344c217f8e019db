//! Real MCP clients, each pinned, drive the built server: the official SDKs, the Inspector, the
//! real agents. What is missing is installed by `tests/clients/setup.sh` and never skipped.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mission_control_testkit::codex;
use mission_control_testkit::process::{self, Exit, Said};
use mission_control_testkit::task::TaskStage;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A stage whose tasks end when the file at `GATE` is there.
struct Stage {
    tasks: TaskStage,
    env: BTreeMap<String, String>,
    gate: String,
}

impl Stage {
    fn new() -> Self {
        let mut tasks = TaskStage::scripted(PROGRAM);
        let gate = tasks.file("go");
        tasks.plays(&format!(
            "out {{\"type\":\"thread.started\",\"thread_id\":\"01a1f7ea-ce4d-7062-a79a-000000000009\"}}\n\
             out {{\"type\":\"turn.started\"}}\n\
             until {gate}\n\
             out {{\"type\":\"item.completed\",\"item\":{{\"id\":\"i\",\"type\":\"agent_message\",\"text\":\"All done.\"}}}}\n\
             out {{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":1,\"cached_input_tokens\":0,\"output_tokens\":1}}}}\n"
        ));
        let mut env = tasks.front.env().clone();
        env.insert("GATE".to_owned(), gate.clone());
        let bin = installed("node_modules/.bin");
        let path = format!("{}:{}", bin.display(), env["PATH"]);
        env.insert("PATH".to_owned(), path);
        Self { tasks, env, gate }
    }

    fn go(&self) {
        std::fs::write(&self.gate, "").unwrap();
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Said {
        process::run(
            program.as_os_str(),
            arguments,
            &self.env,
            &self.tasks.work(),
        )
    }

    /// Runs a driver and returns what it saw.
    #[track_caller]
    fn drive(&self, program: &Path, arguments: &[&str]) -> Value {
        let said = self.run(program, arguments);
        assert_eq!(said.exit, Exit::Code(0), "{}\n{}", said.stdout, said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    }

    fn inspect(&self, words: &[&str]) -> Said {
        let handed_on: Vec<String> = ["MISSION_CONTROL_HOME", "CODEX_HOME", "SCRIPTED_AGENT"]
            .iter()
            .flat_map(|name| ["-e".to_owned(), format!("{name}={}", self.env[*name])])
            .collect();
        let mut all = vec!["--cli", PROGRAM, "--mcp"];
        all.extend(handed_on.iter().map(String::as_str));
        all.extend(words);
        self.run(&installed("node_modules/.bin/mcp-inspector"), &all)
    }
}

#[track_caller]
fn installed(path: &str) -> PathBuf {
    let path = Path::new(ROOT).join("target/agents/mcp-clients").join(path);
    assert!(
        path.exists(),
        "{} is missing: run tests/clients/setup.sh",
        path.display()
    );
    path
}

fn script(name: &str) -> String {
    format!("{ROOT}/tests/clients/{name}")
}

/// What every SDK has to see.
#[track_caller]
fn check(seen: &Value, protocol: Option<&str>) {
    let tools = seen["tools"].as_array().unwrap();
    assert!(
        tools.contains(&json!("codex_run")) && tools.len() == 18,
        "{tools:?}"
    );
    if let Some(protocol) = protocol {
        assert_eq!(seen["protocol"], protocol);
    }
    let progress: Vec<f64> = seen["progress"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    assert!(
        !progress.is_empty() && progress.is_sorted_by(|a, b| a < b),
        "{progress:?}"
    );
    assert_eq!(seen["pending"], true);
    assert_eq!(
        seen["status"], "running",
        "a cancelled wait leaves the task alone"
    );
    assert_eq!(seen["final"], "All done.");
    assert!(seen["page"].as_str().unwrap().starts_with("# Do it."));
}

#[test]
fn the_python_sdk_works_in_both_eras() {
    let python = installed("python/bin/python");
    for (mode, protocol, missing) in [
        ("legacy", "2025-11-25", -32002),
        ("auto", "2026-07-28", -32602),
    ] {
        let stage = Stage::new();

        let seen = stage.drive(&python, &[&script("sdk.py"), PROGRAM, mode]);

        check(&seen, Some(protocol));
        assert_eq!(seen["bad"][0], true);
        assert_eq!(seen["cancelled"], true);
        assert_eq!(
            seen["progress_after_cancel"], seen["progress_at_end"],
            "{seen:#}"
        );
        assert_eq!(seen["missing"], missing);
        if mode == "auto" {
            assert_eq!(seen["states"][0], "working");
            assert_eq!(seen["task"], "All done.");
        }
    }
}

#[test]
fn the_typescript_clients_work_in_both_eras() {
    let node = installed("node_modules/.bin/node");
    // Modules are looked for beside the script.
    let copy = installed("node_modules").with_file_name("sdk.mjs");
    std::fs::copy(script("sdk.mjs"), &copy).unwrap();
    for (which, protocol) in [
        ("v1", None),
        ("legacy", Some("2025-11-25")),
        ("modern", Some("2026-07-28")),
    ] {
        let stage = Stage::new();

        let seen = stage.drive(&node, &[copy.to_str().unwrap(), PROGRAM, which]);

        check(&seen, protocol);
        assert_eq!(seen["server"], "mission-control");
        assert_eq!(seen["bad"]["isError"], true, "{which}");
        assert_eq!(seen["aborted"], true);
    }
}

#[test]
fn the_inspector_finds_no_error_and_follows_a_task() {
    let stage = Stage::new();
    stage.go();

    let listed = stage.inspect(&["--method", "tools/list", "--strict"]);
    let called = stage.inspect(&["--method", "tools/call", "--tool-name", "codex_tasks"]);
    let bad = stage.inspect(&[
        "--method",
        "tools/call",
        "--tool-name",
        "codex_status",
        "--tool-arg",
        "task_id=none",
    ]);
    let unknown = stage.inspect(&["--method", "tools/call", "--tool-name", "nope"]);
    let task = stage.inspect(&[
        "--protocol-era",
        "modern",
        "--method",
        "tools/call",
        "--tool-name",
        "codex_run",
        "--tool-arg",
        "prompt=x",
        "--format",
        "json",
    ]);

    assert_eq!(listed.exit, Exit::Code(0), "{}", listed.stderr);
    assert!(called.exit == Exit::Code(0) && called.stdout.contains("structuredContent"));
    assert_eq!(bad.exit, Exit::Code(5), "{bad:?}");
    assert!(
        bad.stderr.contains("tool_is_error") && bad.stdout.contains("NOT_FOUND"),
        "{bad:?}"
    );
    assert!(unknown.stderr.contains("tool_not_found"), "{unknown:?}");
    assert!(
        task.exit == Exit::Code(0) && task.stdout.contains("All done."),
        "{task:?}"
    );
}

#[test]
fn the_real_codex_delegates_and_waits() {
    let stage = Stage::new();
    let program = codex::program_path();

    let seen = stage.drive(
        Path::new("python3"),
        &[&script("codex.py"), program.to_str().unwrap(), PROGRAM],
    );

    assert_eq!(seen["problems"], json!([]), "{seen:#}");
    assert_eq!(
        seen["calls"],
        json!([["codex_run", "completed"], ["codex_wait", "completed"]])
    );
    assert!(
        seen["told"][1].as_str().unwrap().contains("All done."),
        "{seen:#}"
    );
    assert_eq!(seen["said"], json!(["Delegated and done."]));
}

/// Lets the real Claude Code play a scene and returns what was seen.
#[track_caller]
fn claude_plays(stage: &Stage, scene: &str) -> Value {
    let claude = installed("node_modules/.bin/claude");
    let version = stage.run(&claude, &["--version"]);
    assert!(version.stdout.starts_with("2.1.328 "), "{}", version.stdout);
    stage.drive(
        Path::new("python3"),
        &[
            &script("claude.py"),
            claude.to_str().unwrap(),
            PROGRAM,
            scene,
        ],
    )
}

#[test]
fn the_real_claude_code_shows_tasks_and_is_woken_by_them() {
    let stage = Stage::new();

    let seen = claude_plays(&stage, "tasks");

    assert_eq!(seen["prompt_is_free"], true);
    assert!(
        seen["detail"].as_str().unwrap().contains("working · "),
        "{}",
        seen["detail"]
    );
    for key in ["woken_with", "woken_again_with"] {
        let notice = seen[key].as_str().unwrap();
        assert!(notice.contains("All done."), "{key}: {notice}");
    }
    for key in ["footer_gone", "three_end_independently", "goes_on"] {
        assert_eq!(seen[key], true, "{key}");
    }
}

#[test]
fn the_real_claude_code_shows_the_installed_status_line_while_a_task_runs() {
    let stage = Stage::new();

    let seen = claude_plays(&stage, "statusline");

    assert_eq!(seen["installed"]["statusline"], "wrapped");
    assert_eq!(seen["installed"]["state"], "installed");
    assert!(
        seen["first"].as_str().unwrap().contains("Count the files"),
        "{seen:#}"
    );
    let below = seen["below"].as_array().unwrap();
    assert!(
        below[0].as_str().unwrap().contains("own line")
            && below[1].as_str().unwrap().contains("Codex: 1 running"),
        "own line, ours, footer: {seen:#}"
    );
    assert_ne!(seen["first"], seen["then"]);
    for key in ["nothing_before", "own_stays", "given_back"] {
        assert_eq!(seen[key], true, "{key}: {seen:#}");
    }
}

#[test]
fn a_wait_in_a_background_shell_of_claude_code_wakes_it() {
    let stage = Stage::new();

    let seen = claude_plays(&stage, "shells");

    assert_eq!(seen["prompt_is_free"], true);
    for (at, said) in ["Both done.", "All done."].into_iter().enumerate() {
        let notice = seen["woken_by"][at].as_str().unwrap();
        let output = seen["output"][at].as_str().unwrap();
        assert!(notice.contains("completed (exit code 0)"), "{notice}");
        assert!(output.contains(said), "{said}: {output}");
    }
}
