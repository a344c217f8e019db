use serde_json::json;

use super::*;

#[test]
fn every_spelling_means_the_same_parameter() {
    let canonical = TaskRequest::read(&json!({
        "prompt": "Fix it", "cwd": "/r", "sandbox": "workspace-write", "effort": "high",
        "add_dirs": ["/x"], "skip_git_repo_check": true, "thread_id": "t",
        "env_policy": {"inherit": "core", "include_only": ["PATH"]},
        "idle_timeout_seconds": 60, "hard_timeout_seconds": 600,
    }))
    .unwrap();

    let camel = TaskRequest::read(&json!({
        "task": "Fix it", "workingDir": "/r", "sandboxMode": "workspaceWrite",
        "reasoningEffort": "high", "addDirs": ["/x"], "skipGitRepoCheck": true, "threadId": "t",
        "envPolicy": {"inherit": "core", "includeOnly": ["PATH"]},
        "idleTimeoutSeconds": 60, "hardTimeoutSeconds": 600,
    }));
    let kebab = TaskRequest::read(&json!({
        "instruction": "Fix it", "working-directory": "/r", "mode": "workspace_write",
        "reasoning-effort": "high", "add-dirs": ["/x"], "skip-git-repo-check": true,
        "session-id": "t", "env-policy": {"inherit": "core", "include-only": ["PATH"]},
        "idle-timeout": 60, "timeout": 600,
    }));

    assert_eq!(camel, Ok(canonical.clone()));
    assert_eq!(kebab, Ok(canonical));
}

#[test]
fn a_request_reads_back_what_it_wrote() {
    let request = TaskRequest {
        prompt: "Review".to_owned(),
        review: Some(ReviewTarget::Base {
            branch: "main".to_owned(),
        }),
        expects_changes: Some(false),
        ..TaskRequest::default()
    };

    let written = serde_json::to_value(&request).unwrap();

    assert_eq!(TaskRequest::read(&written), Ok(request));
    let names: Vec<&str> = written
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, TaskRequest::PARAMETERS);
}

#[test]
fn nothing_is_written_and_nothing_is_dangerous_unless_asked_for() {
    let request = TaskRequest::read(&json!({"prompt": "Look"})).unwrap();

    assert_eq!(request.sandbox, Sandbox::ReadOnly);
    assert_eq!(request.isolation, Isolation::None);
    assert_eq!(request.expects_changes, None);
}

#[test]
fn an_unknown_parameter_names_the_one_that_was_meant() {
    #[track_caller]
    fn check(name: &str, nearest: Option<&str>) {
        let fault = TaskRequest::read(&json!({"prompt": "x", name: 1})).unwrap_err();

        let expected = nearest.map_or_else(
            || format!("There is no parameter `{name}`."),
            |nearest| format!("There is no parameter `{name}`. Did you mean `{nearest}`?"),
        );
        assert_eq!(fault.to_string(), expected);
    }

    check("promt", Some("prompt"));
    check("outputschema", Some("output_schema"));
    check("skipGitCheck", Some("skip_git_repo_check"));
    check("envPolicies", Some("env_policy"));
    check("schema", Some("output_schema"));
    check("models", Some("model"));
    check("idle_time_out_seconds", Some("idle_timeout_seconds"));
    check("frobnicate", None);
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    #[track_caller]
    fn check(value: Value, says: &str) {
        assert_eq!(TaskRequest::read(&value).unwrap_err().to_string(), says);
    }

    check(json!({}), "`prompt` is missing.");
    check(json!({"prompt": " \n"}), "`prompt` is missing.");
    check(
        json!({"prompt": "x", "fork": true}),
        "`fork` needs the thread's id in `thread_id`.",
    );
    check(
        json!({"prompt": "x", "resume": "last", "thread_id": "t"}),
        "`resume` says the latest thread, `thread_id` names one.",
    );
    check(
        json!({"prompt": "x", "review": {"type": "uncommitted"}, "thread_id": "t"}),
        "`review` starts a thread of its own.",
    );
    check(
        json!({"prompt": 7}),
        "The parameters cannot be read: invalid type: integer `7`, expected a string.",
    );
}

#[test]
fn the_thread_follows_from_the_parameters() {
    #[track_caller]
    fn check(value: Value, choice: ThreadChoice, kind: TaskKind) {
        let request = TaskRequest::read(&value).unwrap();

        assert_eq!(request.thread_choice(), Ok(choice));
        assert_eq!(request.kind(), kind);
    }

    check(json!({"prompt": "x"}), ThreadChoice::New, TaskKind::Run);
    check(
        json!({"prompt": "x", "thread_id": "t"}),
        ThreadChoice::Resume("t".to_owned()),
        TaskKind::Resume,
    );
    check(
        json!({"prompt": "x", "resume": "last"}),
        ThreadChoice::ResumeLast,
        TaskKind::Resume,
    );
    check(
        json!({"prompt": "x", "thread_id": "t", "fork": true}),
        ThreadChoice::Fork("t".to_owned()),
        TaskKind::Fork,
    );
    check(
        json!({"review": {"type": "commit", "sha": "abc"}}),
        ThreadChoice::Review(ReviewTarget::Commit {
            sha: "abc".to_owned(),
        }),
        TaskKind::Review,
    );
}

#[test]
fn values_of_the_environment_do_not_show_in_debug() {
    let policy = EnvPolicy {
        set: [("TOKEN".to_owned(), "hunter2".to_owned())].into(),
        ..EnvPolicy::default()
    };

    let shown = format!("{policy:?}");

    assert!(
        shown.contains("TOKEN") && !shown.contains("hunter2"),
        "{shown}"
    );
}
