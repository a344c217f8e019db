//! Tasks in Codex Cloud through the server, with the real program and a scripted service.

use std::path::{Path, PathBuf};

use mission_control_testkit::cloud::{Cloud, ENVIRONMENT};
use mission_control_testkit::codex;
use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::wait::{PATIENT, wait_for};
use mission_control_testkit::watch::Front;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pipe::{Pipe, meta};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

const DIFF: &str = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n\
                    diff --git a/b.txt b/b.txt\nnew file mode 100644\n--- /dev/null\n+++ b/b.txt\n\
                    @@ -0,0 +1 @@\n+new\n";

/// A signed-in program, a service and a repository on the branch `feature/x`.
pub(crate) struct Stage {
    pub(crate) cloud: Cloud,
    pub(crate) front: Front,
    pub(crate) folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(&Cloud::program(), |cloud, home| cloud.sign_in(home))
    }

    fn with(
        program: &Path,
        sign_in: impl FnOnce(&Cloud, &Path) -> std::collections::BTreeMap<String, String>,
    ) -> Self {
        let cloud = Cloud::start();
        let folder = tempfile::Builder::new()
            .prefix("mc-cloud-")
            .tempdir()
            .unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let codex_home = folder.path().join(".codex");
        std::fs::create_dir(&codex_home).unwrap();
        let mut env = sign_in(&cloud, &codex_home);
        env.insert("PATH".to_owned(), process::own_env("PATH").unwrap());
        env.insert("HOME".to_owned(), text(folder.path()));
        env.insert("CODEX_HOME".to_owned(), text(&codex_home));
        let front = Front::new(PROGRAM, env);
        front.write_settings(&format!(
            "[codex]\nprogram = \"{}\"\n[tasks]\ncloud_poll_seconds = 0.2\n",
            program.display()
        ));
        let stage = Self {
            cloud,
            front,
            folder,
        };
        std::fs::create_dir(stage.work()).unwrap();
        std::fs::write(stage.work().join("a.txt"), "one\n").unwrap();
        for words in [
            &["init", "--quiet", "--initial-branch", "feature/x"][..],
            &["add", "."],
            &[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "commit",
                "--quiet",
                "--message",
                "one",
            ],
        ] {
            let said = process::run("git".as_ref(), words, stage.front.env(), &stage.work());
            assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        }
        stage
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn client(&self) -> Pipe {
        let mut pipe = Pipe::start_in(&self.front, &self.work());
        pipe.shake_hands();
        pipe
    }

    pub(crate) fn submit(&self, pipe: &mut Pipe, prompt: &str) -> Value {
        pipe.done(
            "codex_cloud_submit",
            json!({ "prompt": prompt, "environment": ENVIRONMENT.0 }),
        )
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[track_caller]
pub(crate) fn fails(pipe: &mut Pipe, tool: &str, arguments: Value) -> String {
    let result = pipe.call(tool, arguments);
    assert_eq!(result["isError"], true, "{result:#}");
    text(&result["content"][0]["text"]).to_owned()
}

#[test]
fn a_task_goes_to_the_cloud_and_its_changes_come_back() {
    let stage = Stage::new();
    let mut pipe = stage.client();

    let params = json!({
        "name": "codex_cloud_submit",
        "arguments": { "task": "- Change a.txt", "env": "acme", "attempts": 2 },
        "_meta": { "progressToken": "t" }
    });
    let task = pipe.request("tools/call", params)["result"]["structuredContent"].clone();
    let id = text(&task["task_id"]).to_owned();
    let notices: Vec<Value> = pipe.notes().to_vec();
    let early = wait_for(PATIENT, "its state is known", || {
        let one_second = json!({ "task_id": id, "timeout_seconds": 1 });
        let waited = pipe.done("codex_wait", one_second);
        (!waited["tasks"][0]["cloud"]["state"].is_null()).then_some(waited)
    });
    let waiting = pipe.send(
        "tools/call",
        json!({ "name": "codex_wait", "arguments": { "task_id": id } }),
    );
    stage.cloud.set("task_e_00000001", "completed", DIFF);
    let ended = pipe.answer_to(&json!(waiting))["result"]["structuredContent"]["tasks"][0].clone();

    assert_eq!(task["kind"], "cloud");
    assert_eq!(task["status"], "running");
    assert_eq!(task["cloud"]["id"], "task_e_00000001");
    assert!(text(&task["cloud"]["url"]).ends_with("/codex/tasks/task_e_00000001"));
    assert_eq!(task["cloud"]["branch"], "feature/x");
    assert_eq!(task["sandbox"], "workspace-write");
    let [submission] = stage.cloud.submissions().try_into().unwrap();
    assert_eq!(submission["new_task"]["branch"], "feature/x");
    assert_eq!(submission["new_task"]["environment_id"], ENVIRONMENT.0);
    assert_eq!(
        submission["input_items"][0]["content"][0]["text"],
        "- Change a.txt"
    );
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(notices[0]["params"]["progressToken"], "t");
    assert!(text(&notices[0]["params"]["message"]).contains("acme"));

    assert_eq!(early["tasks"][0]["status"], "running");
    assert_eq!(early["tasks"][0]["cloud"]["state"], "pending");
    assert_eq!(ended["status"], "completed");
    assert_eq!(ended["outcome"], "succeeded");
    assert_eq!(
        ended["git"]["diffstat"],
        json!({ "files": 2, "insertions": 2, "deletions": 1 })
    );
    assert_eq!(
        ended["files"],
        json!([
            { "path": "a.txt", "kind": "updated", "seen_by": "unchecked" },
            { "path": "b.txt", "kind": "added", "seen_by": "unchecked" }
        ])
    );
    assert_eq!(ended["evidence"][0]["from"], "cloud");

    let uri = format!("codex://task/{id}/diff");
    let resource = pipe.request("resources/read", json!({ "uri": uri }));
    assert_eq!(resource["result"]["contents"][0]["text"], DIFF);
    let result = pipe.done(
        "codex_cloud_result",
        json!({ "task_id": "task_e_00000001" }),
    );
    assert_eq!(
        (&result["diff"], &result["task_id"]),
        (&DIFF.into(), &json!(id))
    );

    let shown = pipe.done("codex_apply", json!({ "task_id": id }));
    assert_eq!(
        (&shown["is_done"], &shown["diff"]),
        (&false.into(), &DIFF.into())
    );
    let a = || std::fs::read_to_string(stage.work().join("a.txt")).unwrap();
    assert_eq!(a(), "one\n");
    let applied = pipe.done("codex_apply", json!({ "task_id": id, "action": "apply" }));
    assert_eq!(applied["is_done"], true);
    assert_eq!(a(), "two\n");
    assert_eq!(
        std::fs::read_to_string(stage.work().join("b.txt")).unwrap(),
        "new\n"
    );
    let again = fails(
        &mut pipe,
        "codex_apply",
        json!({ "task_id": id, "action": "apply" }),
    );
    assert!(
        again.starts_with("CONFLICT") && again.contains("were applied to"),
        "{again}"
    );
    assert_eq!(a(), "two\n");
    let none = fails(
        &mut pipe,
        "codex_apply",
        json!({ "task_id": id, "action": "discard" }),
    );
    assert!(none.starts_with("UNSUPPORTED"), "{none}");

    let mut files: Vec<String> = std::fs::read_dir(stage.work())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [".git", "a.txt", "b.txt"],
        "nothing else is written there"
    );
    let log = std::fs::read_to_string(
        stage
            .front
            .state()
            .join("tasks")
            .join(&id)
            .join("output.log"),
    );
    let log = log.unwrap();
    assert!(
        log.contains("Handed to the cloud") && log.contains("Ended: completed"),
        "{log}"
    );
}

#[test]
fn a_client_follows_it_as_a_task_and_cannot_end_it() {
    let stage = Stage::new();
    let mut pipe = Pipe::start_in(&stage.front, &stage.work());
    let extensions = json!({ "io.modelcontextprotocol/tasks": {} });

    let created = pipe.request(
        "tools/call",
        json!({
            "name": "codex_cloud_submit",
            "arguments": { "prompt": "Do it.", "environment": "env_1", "branch": "main" },
            "_meta": meta(extensions.clone())
        }),
    );
    assert_eq!(created["result"]["resultType"], "task", "{created:#}");
    let id = text(&created["result"]["taskId"]).to_owned();
    let about = json!({ "taskId": id, "_meta": meta(extensions) });
    let cancelled = pipe.request("tasks/cancel", about.clone());
    let running = pipe.request("tasks/get", about.clone());
    stage.cloud.set("task_e_00000001", "failed", "");
    // Asking for it is waiting for it.
    let ended = wait_for(PATIENT, "it ends", || {
        let state = pipe.request("tasks/get", about.clone());
        (state["result"]["status"] == "completed").then_some(state)
    });

    assert!(
        text(&cancelled["error"]["message"]).contains("no way to end"),
        "{cancelled:#}"
    );
    assert_eq!(running["result"]["status"], "working");
    assert_eq!(ended["result"]["result"]["isError"], true);
    assert!(text(&ended["result"]["result"]["content"][0]["text"]).starts_with("TURN_FAILED"));
}

#[test]
fn cancelling_is_refused_with_the_tasks_page() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let task = stage.submit(&mut pipe, "Do it.");
    let id = text(&task["task_id"]);

    let refused = fails(&mut pipe, "codex_cancel", json!({ "task_id": id }));
    let said = stage.front.run(&["cancel", id]);

    assert!(
        refused.starts_with("UNSUPPORTED") && refused.contains("/codex/tasks/task_e_00000001"),
        "{refused}"
    );
    assert_eq!(said.exit, Exit::Code(4), "{said:?}");
    assert!(
        said.stderr.contains("/codex/tasks/task_e_00000001"),
        "{said:?}"
    );
    let status = pipe.done("codex_cloud_status", json!({ "task_id": id }));
    assert_eq!(status["status"], "running");
}

#[test]
fn several_are_asked_about_at_once_by_whoever_waits_or_watches() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let first = stage.submit(&mut pipe, "First.");
    let second = stage.submit(&mut pipe, "Second.");
    drop(pipe);

    let n_before = stage.cloud.n_asked("/tasks/list");
    let mut watch = stage.front.watch();
    stage.cloud.set("task_e_00000001", "completed", "");
    stage.cloud.set("task_e_00000002", "completed", DIFF);
    let ids = [text(&first["task_id"]), text(&second["task_id"])];
    let said = stage
        .front
        .run(&["wait", ids[0], ids[1], "--json", "--timeout", "60"]);
    let notices = wait_for(PATIENT, "both are told", || {
        watch.wait_for_heartbeat();
        Some(watch.notices()).filter(|notices| notices.len() == 2)
    });

    assert_eq!(said.exit, Exit::Code(0), "{said:?}");
    let printed: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(printed["tasks"][0]["outcome"], "succeeded");
    assert_eq!(printed["tasks"][0]["summary"], "Ready, without changes.");
    assert_eq!(printed["tasks"][1]["outcome"], "succeeded");
    assert!(stage.cloud.n_asked("/tasks/list") > n_before);
    for notice in &notices {
        assert_eq!(notice["kind"], "task_finished", "{notice:#}");
    }
}

#[test]
fn a_service_that_does_not_answer_is_said_and_asked_again() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let task = stage.submit(&mut pipe, "Do it.");
    let id = text(&task["task_id"]).to_owned();

    stage.cloud.is_down(true);
    let waited = wait_for(PATIENT, "it warns", || {
        let waited = pipe.done("codex_wait", json!({ "task_id": id, "timeout_seconds": 1 }));
        let warns = waited["tasks"][0]["warnings"].as_array().unwrap().len() == 1;
        warns.then_some(waited)
    });
    let asked = fails(&mut pipe, "codex_cloud_status", json!({ "task_id": id }));
    stage.cloud.is_down(false);
    stage.cloud.set("task_e_00000001", "completed", DIFF);
    let ended = pipe.done("codex_wait", json!({ "task_id": id }));

    assert_eq!(waited["tasks"][0]["status"], "running");
    assert!(text(&waited["tasks"][0]["warnings"][0]).contains("did not answer"));
    assert!(asked.contains("503"), "{asked}");
    assert_eq!(ended["tasks"][0]["status"], "completed");
    assert_eq!(ended["tasks"][0]["warnings"], json!([]));
}

#[test]
fn what_is_refused_leaves_nothing_and_can_be_tried_again() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let submit = |environment: &str| json!({ "prompt": "Do it.", "environment": environment, "idempotency_key": "k" });

    let unknown = fails(&mut pipe, "codex_cloud_submit", submit("nope"));
    let none = pipe.done("codex_tasks", json!({}));
    let first = pipe.done("codex_cloud_submit", submit("env_1"));
    let second = pipe.done("codex_cloud_submit", submit("env_1"));
    let empty = fails(
        &mut pipe,
        "codex_cloud_submit",
        json!({ "prompt": " ", "env": "x" }),
    );
    let nowhere = fails(
        &mut pipe,
        "codex_cloud_submit",
        json!({ "prompt": "x", "env": "x", "cwd": stage.folder.path() }),
    );

    assert!(
        unknown.starts_with("NOT_FOUND") && unknown.contains("nope"),
        "{unknown}"
    );
    assert_eq!(none["n_matching"], 0);
    assert_eq!(first["task_id"], second["task_id"]);
    assert_eq!(
        (&first["is_new"], &second["is_new"]),
        (&true.into(), &false.into())
    );
    assert_eq!(stage.cloud.submissions().len(), 1);
    assert!(empty.starts_with("VALIDATION"), "{empty}");
    assert!(nowhere.contains("`branch` is missing"), "{nowhere}");
    let left: Vec<_> = std::fs::read_dir(stage.front.state().join("tasks"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_task_whose_arrival_is_not_known_says_so() {
    let stage = Stage::new();
    let program = stage.folder.path().join("silent");
    std::fs::write(&program, "#!/bin/sh\ncat >/dev/null\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, mode).unwrap();
    stage
        .front
        .write_settings(&format!("[codex]\nprogram = \"{}\"\n", program.display()));
    let mut pipe = stage.client();

    let said = fails(
        &mut pipe,
        "codex_cloud_submit",
        json!({ "prompt": "Do it.", "environment": "env_1" }),
    );
    let tasks = pipe.done("codex_tasks", json!({}));

    assert!(
        said.starts_with("INTERRUPTED") && said.contains("not known"),
        "{said}"
    );
    assert_eq!(tasks["tasks"][0]["status"], "interrupted");
}

#[test]
fn tasks_from_elsewhere_can_be_looked_at() {
    let stage = Stage::new();
    stage.cloud.set("task_e_0000beef", "completed", DIFF);
    let mut pipe = stage.client();
    let own = stage.submit(&mut pipe, "Do it.");

    let page = pipe.done("codex_cloud_status", json!({ "limit": 5 }));
    let url = "https://chatgpt.com/codex/tasks/task_e_0000beef";
    let status = pipe.done("codex_cloud_status", json!({ "task_id": url }));
    let result = pipe.done("codex_cloud_result", json!({ "task_id": url }));
    let missing = fails(
        &mut pipe,
        "codex_cloud_status",
        json!({ "task_id": "task_e_0000dead" }),
    );

    let tasks = page["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0]["task_id"], own["task_id"]);
    assert_eq!(tasks[1]["task_id"], Value::Null);
    assert_eq!(tasks[1]["state"], "ready");
    assert_eq!(status["is_known"], false);
    assert_eq!(status["cloud_task"]["state"], "ready");
    assert_eq!(result["diff"], DIFF);
    assert!(missing.starts_with("NOT_FOUND"), "{missing}");
}

#[test]
fn a_program_without_a_login_or_with_another_service_says_so() {
    let signed_out = Stage::with(codex::program_path(), |_, _| Default::default());
    let elsewhere = Stage::with(codex::program_path(), |cloud, home| cloud.sign_in(home));
    let submit = json!({ "prompt": "Do it.", "environment": "env_1" });

    let mut pipe = signed_out.client();
    let auth = fails(&mut pipe, "codex_cloud_submit", submit.clone());
    let known = pipe.done("codex_cloud_environments", json!({}));
    let mut pipe = elsewhere.client();
    let unsupported = fails(&mut pipe, "codex_cloud_submit", submit);

    assert!(
        auth.starts_with("AUTH") && auth.contains("codex login"),
        "{auth}"
    );
    assert!(unsupported.starts_with("UNSUPPORTED"), "{unsupported}");
    assert_eq!(known["environments"], json!([]));
    assert!(
        text(&known["warnings"][0]).contains("not logged in"),
        "{known:#}"
    );
    assert_eq!(elsewhere.cloud.submissions(), Vec::<Value>::new());
}

#[test]
fn environments_are_known_from_tasks_and_from_the_persons_file() {
    let stage = Stage::new();
    stage.cloud.set("task_e_0000beef", "pending", "");
    let mut pipe = stage.client();

    let tasks = pipe.done("codex_cloud_environments", json!({}));
    let file = text(&tasks["file"]).to_owned();
    std::fs::write(&file, r#"{"env_9":{"name":"nine","stack":"go"}}"#).unwrap();
    let both = pipe.done("codex_cloud_environments", json!({}));
    std::fs::write(&file, "{").unwrap();
    let broken = pipe.done("codex_cloud_environments", json!({}));

    assert_eq!(tasks["environments"][0]["name"], ENVIRONMENT.1);
    assert_eq!(tasks["environments"][0]["known_from"], json!(["tasks"]));
    assert_eq!(both["environments"][0]["id"], "env_9");
    assert_eq!(both["environments"][0]["stack"], "go");
    assert_eq!(both["environments"][1]["name"], ENVIRONMENT.1);
    assert!(
        text(&broken["warnings"][0]).contains("environments.json"),
        "{broken:#}"
    );
}

#[test]
fn setting_up_is_explained_and_templates_are_resources() {
    let front = crate::pipe::front();
    let mut pipe = Pipe::legacy(&front);

    let setup = pipe.done(
        "codex_cloud_setup",
        json!({ "repoUrl": "https://github.com/acme/acme", "stack": "python" }),
    );
    let refused = fails(
        &mut pipe,
        "codex_cloud_setup",
        json!({ "repo_url": "https://example.com/acme", "stack": "python" }),
    );
    let listed = pipe.request("resources/list", json!({}));
    let read = |pipe: &mut Pipe, name: &str| {
        let uri = format!("codex://environment-template/{name}");
        pipe.request("resources/read", json!({ "uri": uri }))
    };
    let template = read(&mut pipe, "github-python");
    let unknown = read(&mut pipe, "github-pyhton");

    assert!(text(&setup["guide"]).contains("acme/acme"), "{setup:#}");
    assert!(refused.starts_with("VALIDATION"), "{refused}");
    let uris: Vec<&str> = listed["result"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| text(&resource["uri"]))
        .collect();
    assert_eq!(
        uris,
        [
            "codex://environment-template/github-node-typescript",
            "codex://environment-template/github-python",
            "codex://environment-template/github-go",
            "codex://environment-template/github-rust",
            "codex://environment-template/basic-codex-cloud"
        ]
    );
    let content: Value =
        serde_json::from_str(text(&template["result"]["contents"][0]["text"])).unwrap();
    assert_eq!(content, setup["template"]);
    for field in [
        "setupScript",
        "maintenanceScript",
        "requiredSecrets",
        "environmentVariables",
        "instructions",
    ] {
        assert!(!content[field].is_null(), "{field}");
    }
    assert!(
        text(&unknown["error"]["message"]).contains("did you mean github-python"),
        "{unknown:#}"
    );
}

#[test]
fn the_older_names_answer_in_their_own_form() {
    let stage = Stage::new();
    let mut pipe = stage.client();
    let json = |pipe: &mut Pipe, tool: &str, arguments: Value| {
        let mut arguments = arguments;
        arguments["format"] = "json".into();
        pipe.call(tool, arguments)["structuredContent"].clone()
    };

    let submit = json!({ "task": "Do it.", "envId": "env_1", "model": "m", "attempts": 1 });
    let taken = json(&mut pipe, "_codex_cloud_submit", submit);
    let id = taken["data"]["task_id"].clone();
    let open = json(&mut pipe, "_codex_cloud_status", json!({}));
    let refused = json(&mut pipe, "_codex_cloud_cancel", json!({ "task_id": id }));
    let late = json(
        &mut pipe,
        "_codex_cloud_wait",
        json!({ "task_id": id, "timeout_sec": 0 }),
    );
    stage.cloud.set("task_e_00000001", "completed", DIFF);
    let waited = json(&mut pipe, "_codex_cloud_wait", json!({ "task_id": id }));
    let results = json(
        &mut pipe,
        "_codex_cloud_results",
        json!({ "task_id": id, "include_output": true }),
    );
    let none = json(
        &mut pipe,
        "_codex_cloud_status",
        json!({ "showStats": true }),
    );
    let all = json(
        &mut pipe,
        "_codex_cloud_status",
        json!({ "list": true, "status": "completed", "envId": "env_1" }),
    );
    let known = json(&mut pipe, "_codex_cloud_list_environments", json!({}));
    let guide = pipe.call(
        "_codex_cloud_github_setup",
        json!({ "repoUrl": "https://github.com/acme/acme", "stack": "go" }),
    );
    let wrong = json(
        &mut pipe,
        "_codex_cloud_submit",
        json!({ "task": "x", "envID2": "y" }),
    );

    assert_eq!(taken["schema_id"], "codex/v3.6/execution_ack/v1");
    assert_eq!(taken["data"]["capability"], "background");
    assert!(text(&taken["data"]["url"]).ends_with("task_e_00000001"));
    assert!(text(&taken["data"]["warnings"][0]).contains("`model` had no effect"));
    assert_eq!(open["data"]["tasks"][0]["state"], "working");
    assert_eq!(refused["status"], "error");
    assert_eq!(refused["error"]["code"], "UNSUPPORTED");
    assert!(text(&refused["error"]["details"]["hint"]).contains("task_e_00000001"));
    assert_eq!(
        (&late["data"]["timed_out"], &late["data"]["state"]),
        (&true.into(), &"working".into())
    );
    assert_eq!(
        (&waited["data"]["timed_out"], &waited["data"]["state"]),
        (&false.into(), &"completed".into())
    );
    assert_eq!(results["data"]["output"]["stdout"], DIFF);
    assert_eq!(
        results["data"]["metadata"]["file_operations"]["modified_files"],
        json!(["a.txt", "b.txt"])
    );
    assert_eq!(none["data"]["tasks"], json!([]));
    assert_eq!(none["data"]["summary"]["completed"], 1);
    assert_eq!(all["data"]["n_listed"], 1);
    assert_eq!(known["schema_id"], "codex/v3.6/registry_info/v1");
    assert_eq!(known["data"]["environments"][0]["name"], ENVIRONMENT.1);
    assert!(text(&guide["content"][0]["text"]).contains("# acme/acme in Codex Cloud"));
    assert_eq!(wrong["error"]["code"], "VALIDATION");
    assert!(
        text(&wrong["error"]["message"]).contains("`envId`"),
        "{wrong:#}"
    );
}
