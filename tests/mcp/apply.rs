//! Applying what a task changed in a checkout of its own, as awkward as repositories can be.

use std::path::PathBuf;

use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::task::TaskStage;
use serde_json::{Value, json};

use crate::pipe::Pipe;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");
const THREAD: &str = "01a1f7ea-ce4d-7062-a79a-000000000019";
const PERSON: [&str; 4] = ["-c", "user.name=a", "-c", "user.email=a@b"];

/// A repository with one commit of `a.txt`, in which an agent plays scripts.
struct Stage {
    tasks: TaskStage,
}

impl Stage {
    fn new() -> Self {
        let stage = Self::without_commit();
        std::fs::write(stage.work().join("a.txt"), "one\ntwo\nthree\nfour\nfive\n").unwrap();
        stage.git(&["add", "."]);
        stage.commit("one");
        stage
    }

    fn without_commit() -> Self {
        let stage = Self {
            tasks: TaskStage::scripted(PROGRAM),
        };
        stage.git(&["init", "--quiet", "--initial-branch", "main"]);
        stage
    }

    fn work(&self) -> PathBuf {
        self.tasks.work()
    }

    #[track_caller]
    fn git(&self, words: &[&str]) -> String {
        let said = process::run("git".as_ref(), words, self.tasks.front.env(), &self.work());
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        said.stdout
    }

    #[track_caller]
    fn commit(&self, message: &str) {
        self.git(&[&PERSON[..], &["commit", "--quiet", "--message", message]].concat());
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    fn client(&self) -> Pipe {
        let mut pipe = Pipe::start_in(&self.tasks.front, &self.work());
        pipe.shake_hands();
        pipe
    }

    /// Makes tasks of clients from here on run `steps` and answer.
    fn plays(&mut self, steps: &str) {
        let item = json!({ "type": "item.completed", "item": {
            "id": "i1", "type": "agent_message", "text": "Done." } });
        self.tasks.plays(&format!(
            "out {{\"type\":\"thread.started\",\"thread_id\":\"{THREAD}\"}}\n\
             out {{\"type\":\"turn.started\"}}\n{steps}\nout {item}\n\
             out {{\"type\":\"turn.completed\",\"usage\":{{\"input_tokens\":1,\
             \"cached_input_tokens\":0,\"output_tokens\":1}}}}\n"
        ));
    }

    /// Has a task run `steps` in a checkout of its own, and returns the task as it ended.
    #[track_caller]
    fn isolated(&mut self, steps: &str) -> (Pipe, Value) {
        self.plays(steps);
        let mut pipe = self.client();
        let task = pipe.done("codex_run", isolated(json!({})));
        assert_eq!(task["status"], "completed", "{task:#}");
        (pipe, task)
    }
}

fn isolated(more: Value) -> Value {
    let mut arguments = json!({ "prompt": "Do it.", "sandbox": "workspace-write",
        "isolation": "worktree", "wait_seconds": 50 });
    let all = arguments.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    arguments
}

fn about(task: &Value, action: &str) -> Value {
    json!({ "task_id": task["task_id"], "action": action })
}

fn checkout(task: &Value) -> PathBuf {
    PathBuf::from(task["git"]["worktree"].as_str().unwrap())
}

#[track_caller]
fn refused(pipe: &mut Pipe, tool: &str, arguments: Value) -> String {
    let result = pipe.call(tool, arguments);
    assert_eq!(result["isError"], true, "{result:#}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

fn warnings(value: &Value) -> String {
    value["warnings"].to_string()
}

#[test]
fn of_many_who_apply_at_once_one_does_and_the_others_hear_why_not() {
    let mut stage = Stage::new();
    let (_pipe, task) = stage.isolated("sh printf 'new\\n' >> a.txt");
    let mut pipes: Vec<Pipe> = (0..4).map(|_| stage.client()).collect();

    let params = json!({ "name": "codex_apply", "arguments": about(&task, "apply") });
    let sent: Vec<i64> = pipes
        .iter_mut()
        .map(|pipe| pipe.send("tools/call", params.clone()))
        .collect();
    let answers: Vec<Value> = pipes
        .iter_mut()
        .zip(sent)
        .map(|(pipe, id)| pipe.answer_to(&json!(id))["result"].clone())
        .collect();

    let done = |answer: &&Value| answer["structuredContent"]["is_done"] == true;
    assert_eq!(answers.iter().filter(done).count(), 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| !done(answer)) {
        let error = &answer["structuredContent"]["error"];
        let is_busy = error["code"] == "BUSY" && error["retryable"] == true;
        let message = error["message"].as_str().unwrap();
        assert!(is_busy || message.contains("were applied to"), "{error:#}");
    }
    assert_eq!(stage.read("a.txt"), "one\ntwo\nthree\nfour\nfive\nnew\n");
}

#[test]
fn a_repository_within_the_checkout_is_refused_and_kept() {
    let mut stage = Stage::new();
    let (mut pipe, task) = stage.isolated(
        "sh echo more >> a.txt; mkdir app; cd app; git init --quiet; echo x > x; git add x; \
         git -c user.name=a -c user.email=a@b commit --quiet --message x",
    );

    let shown = pipe.done("codex_apply", about(&task, "preview"));
    let said = refused(&mut pipe, "codex_apply", about(&task, "apply"));

    assert!(warnings(&task).contains("`app`"), "{task:#}");
    assert!(warnings(&shown).contains("`app`"), "{shown:#}");
    assert!(
        said.starts_with("CONFLICT") && said.contains("`app`"),
        "{said}"
    );
    assert!(
        !stage.read("a.txt").contains("more"),
        "nothing is applied in part"
    );
    assert!(checkout(&task).join("app/x").exists());
    let discarded = pipe.done("codex_apply", about(&task, "discard"));
    assert_eq!(discarded["is_done"], true);
    assert!(!checkout(&task).exists());
}

#[test]
fn a_repository_without_a_commit_keeps_the_rest_from_nobody() {
    let mut stage = Stage::new();
    let (mut pipe, task) =
        stage.isolated("sh echo more >> a.txt; mkdir app; cd app; git init --quiet; echo x > x");

    let shown = pipe.done("codex_apply", about(&task, "preview"));
    let said = refused(&mut pipe, "codex_apply", about(&task, "apply"));
    std::fs::remove_dir_all(checkout(&task).join("app")).unwrap();
    pipe.done("codex_apply", about(&task, "apply"));

    assert!(warnings(&shown).contains("`app`"), "{shown:#}");
    assert_eq!(
        shown["files"],
        json!([{ "path": "a.txt", "kind": "updated" }])
    );
    assert!(
        said.starts_with("CONFLICT") && said.contains("`app`"),
        "{said}"
    );
    assert!(stage.read("a.txt").ends_with("more\n"));
}

#[test]
fn files_in_the_folder_of_a_submodule_are_not_lost() {
    let mut stage = Stage::new();
    let commit = stage.git(&["rev-parse", "HEAD"]);
    let link = format!("160000,{},sub", commit.trim());
    stage.git(&["update-index", "--add", "--cacheinfo", &link]);
    stage.commit("link");
    let (mut pipe, task) = stage.isolated("sh echo in > sub/in.txt");

    let said = refused(&mut pipe, "codex_apply", about(&task, "apply"));

    assert!(
        said.starts_with("CONFLICT") && said.contains("`sub`"),
        "{said}"
    );
    assert!(checkout(&task).join("sub/in.txt").exists());
}

#[test]
fn secrets_are_not_shown_and_applied_whole() {
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let mut stage = Stage::new();
    let (mut pipe, task) = stage.isolated(&format!("sh echo 'token={secret}' > key.txt"));

    let shown = pipe.done("codex_apply", about(&task, "preview"));
    let line = stage
        .tasks
        .front
        .run(&["apply", task["task_id"].as_str().unwrap(), "--preview"]);
    let applied = pipe.done("codex_apply", about(&task, "apply"));

    for said in [&shown, &applied] {
        assert!(
            said["diff"].as_str().unwrap().contains("[redacted"),
            "{said:#}"
        );
        assert!(!said.to_string().contains(&secret), "{said:#}");
    }
    assert!(!line.stdout.contains(&secret), "{line:?}");
    assert_eq!(stage.read("key.txt"), format!("token={secret}\n"));
}

#[test]
fn a_persons_git_settings_change_nothing() {
    let mut stage = Stage::new();
    for (key, value) in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.srcPrefix", "x/"),
        ("diff.dstPrefix", "y/"),
        ("diff.context", "0"),
        ("diff.orderFile", "/nowhere"),
        ("apply.whitespace", "error-all"),
        ("status.showUntrackedFiles", "no"),
        ("color.ui", "always"),
    ] {
        stage.git(&["config", key, value]);
    }
    let (mut pipe, task) = stage.isolated("sh sed -i 's/three/3 /' a.txt; echo 'new  ' > new.txt");

    let address = format!("codex://task/{}/diff", task["task_id"].as_str().unwrap());
    let kept = pipe.request("resources/read", json!({ "uri": address }));
    let shown = pipe.done("codex_apply", about(&task, "preview"));
    pipe.done("codex_apply", about(&task, "apply"));

    let expected =
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,5 +1,5 @@\n one\n two\n-three\n+3 \n four\n five\n";
    assert!(
        shown["diff"].as_str().unwrap().contains(expected),
        "{shown:#}"
    );
    let kept = kept["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(kept.contains(expected), "{kept}");
    assert!(kept.contains("+++ b/new.txt"), "{kept}");
    assert_eq!(
        shown["diffstat"],
        json!({ "files": 2, "insertions": 2, "deletions": 1 })
    );
    assert_eq!(stage.read("a.txt"), "one\ntwo\n3 \nfour\nfive\n");
    assert_eq!(stage.read("new.txt"), "new  \n");
}

#[test]
fn a_reply_stays_in_the_checkout_and_its_changes_are_applied_with_the_rest() {
    let mut stage = Stage::new();
    let (_, task) = stage.isolated("sh echo 1 > first.txt");
    stage.plays("sh test -e first.txt; echo 2 > second.txt");
    let mut pipe = stage.client();

    let reply = json!({ "task_id": task["task_id"], "prompt": "On.", "wait_seconds": 50 });
    let reply = pipe.done("codex_reply", reply);
    let is_untouched = stage.read("second.txt").is_empty();
    let applied = pipe.done("codex_apply", about(&reply, "apply"));
    let again = refused(&mut pipe, "codex_apply", about(&task, "apply"));

    assert_eq!(reply["status"], "completed", "{reply:#}");
    assert_eq!(checkout(&reply), checkout(&task));
    assert!(
        reply["next"].to_string().contains("codex_apply"),
        "{reply:#}"
    );
    assert!(is_untouched);
    assert_eq!(applied["folder"], stage.work().to_str().unwrap());
    assert_eq!(
        (stage.read("first.txt"), stage.read("second.txt")),
        ("1\n".to_owned(), "2\n".to_owned())
    );
    assert!(again.contains("were applied to"), "{again}");
}

#[test]
fn a_reply_after_applying_gets_a_checkout_of_its_own_and_says_so() {
    let mut stage = Stage::new();
    let (mut pipe, task) = stage.isolated("sh echo 1 > first.txt");
    pipe.done("codex_apply", about(&task, "apply"));
    stage.plays("sh echo 2 > second.txt");
    let mut pipe = stage.client();

    let reply = json!({ "task_id": task["task_id"], "prompt": "On.", "wait_seconds": 50 });
    let reply = pipe.done("codex_reply", reply);
    let is_untouched = stage.read("second.txt").is_empty();
    pipe.done("codex_apply", about(&reply, "apply"));

    assert!(is_untouched, "the folder is written by applying alone");
    assert_ne!(checkout(&reply), checkout(&task));
    assert!(warnings(&reply).contains("made anew"), "{reply:#}");
    assert_eq!(stage.read("second.txt"), "2\n");
}

#[test]
fn nobody_applies_while_a_reply_works_in_the_checkout() {
    let mut stage = Stage::new();
    let (_, task) = stage.isolated("sh echo 1 > first.txt");
    let gate = stage.tasks.file("go");
    stage.plays(&format!("until {gate}"));
    let mut pipe = stage.client();

    let reply = json!({ "task_id": task["task_id"], "prompt": "On." });
    let reply = pipe.done("codex_reply", reply);
    let busy = refused(&mut pipe, "codex_apply", about(&task, "apply"));
    std::fs::write(&gate, "").unwrap();
    let ended = json!({ "task_id": reply["task_id"] });
    pipe.done("codex_wait", ended);

    assert!(busy.starts_with("BUSY"), "{busy}");
    pipe.done("codex_apply", about(&task, "apply"));
    assert_eq!(stage.read("first.txt"), "1\n");
}

#[test]
fn commits_and_branches_of_a_checkout_are_named() {
    let mut stage = Stage::new();
    let (mut pipe, task) = stage.isolated(
        "sh git switch --quiet --create feature; echo 1 > one.txt; git add .; \
         git -c user.name=a -c user.email=a@b commit --quiet --message 'Add one'",
    );

    let applied = pipe.done("codex_apply", about(&task, "apply"));

    for said in [&task, &applied] {
        let warnings = warnings(said);
        assert!(warnings.contains("1 commit made"), "{warnings}");
        assert!(
            warnings.contains("Add one") && warnings.contains("`feature`"),
            "{warnings}"
        );
    }
    assert_eq!(stage.read("one.txt"), "1\n");
    assert!(
        stage
            .git(&["log", "--oneline", "feature"])
            .contains("Add one")
    );
}

#[test]
fn what_git_ignores_is_not_thrown_away_without_a_word() {
    let mut stage = Stage::new();
    std::fs::write(stage.work().join(".gitignore"), "build/\n").unwrap();
    stage.git(&["add", "."]);
    stage.commit("ignore");
    let (mut pipe, task) = stage.isolated("sh mkdir build; echo out > build/out");
    let nothing = refused(&mut pipe, "codex_apply", about(&task, "apply"));
    pipe.done("codex_apply", about(&task, "discard"));
    let (mut pipe, both) = stage.isolated("sh mkdir build; echo out > build/out; echo 1 > one.txt");

    let applied = pipe.done("codex_apply", about(&both, "apply"));
    let stays = checkout(&both).join("build/out").exists();
    let again = refused(&mut pipe, "codex_apply", about(&both, "apply"));
    pipe.done("codex_apply", about(&both, "discard"));

    assert!(warnings(&task).contains("`build/`"), "{task:#}");
    assert!(
        nothing.starts_with("CONFLICT: Nothing was changed"),
        "{nothing}"
    );
    assert!(stays && warnings(&applied).contains("stays"), "{applied:#}");
    assert!(again.contains("were applied to"), "{again}");
    assert!(!checkout(&both).exists());
}

#[test]
fn cleaning_up_keeps_changes_and_removes_what_git_ignores() {
    let mut stage = Stage::new();
    std::fs::write(stage.work().join(".gitignore"), "build/\n").unwrap();
    stage.git(&["add", "."]);
    stage.commit("ignore");
    let (_, ignored) = stage.isolated("sh mkdir build; echo out > build/out");
    let (mut pipe, changed) = stage.isolated("sh echo 1 > one.txt");

    let cleaned = pipe.done("codex_cleanup", json!({ "dry_run": false, "days": 0 }));

    assert!(
        cleaned["found"]
            .to_string()
            .contains(ignored["task_id"].as_str().unwrap()),
        "{cleaned:#}"
    );
    assert!(!checkout(&ignored).exists());
    assert!(checkout(&changed).join("one.txt").exists());
    assert_eq!(stage.git(&["worktree", "list"]).lines().count(), 2);
}

#[test]
fn answers_about_what_cannot_be_applied_are_true() {
    let mut stage = Stage::new();
    let (mut pipe, nothing) = stage.isolated("sh true");
    let unchanged = refused(&mut pipe, "codex_apply", about(&nothing, "apply"));
    let (mut pipe, task) = stage.isolated("sh echo 1 > one.txt");
    let elsewhere = |cwd: &str| {
        let mut arguments = about(&task, "apply");
        arguments["cwd"] = cwd.into();
        arguments
    };
    let no_folder = refused(&mut pipe, "codex_apply", elsewhere("/no/such/folder"));
    let no_repository = refused(&mut pipe, "codex_apply", elsewhere("/"));
    // Without its index nothing can be compared; it can be thrown away.
    stage.git(&["update-ref", "-d", "HEAD"]);
    std::fs::write(checkout(&task).join("one.txt"), "2").unwrap();
    let objects = stage.work().join(".git/objects");
    std::fs::rename(&objects, stage.work().join(".git/away")).unwrap();
    std::fs::create_dir(&objects).unwrap();
    let discarded = pipe.done("codex_apply", about(&task, "discard"));
    let after = refused(&mut pipe, "codex_apply", about(&task, "preview"));

    assert!(
        unchanged.starts_with("CONFLICT: Nothing was changed"),
        "{unchanged}"
    );
    assert!(no_folder.starts_with("NOT_FOUND"), "{no_folder}");
    assert!(no_repository.starts_with("NOT_A_REPO"), "{no_repository}");
    assert!(
        !no_repository.contains("skip_git_repo_check"),
        "{no_repository}"
    );
    assert_eq!(discarded["is_done"], true);
    assert!(
        warnings(&discarded).contains("could not be shown"),
        "{discarded:#}"
    );
    assert!(!checkout(&task).exists());
    assert!(after.contains("were discarded on"), "{after}");
}

#[test]
fn what_no_checkout_can_be_made_of_is_refused_before_a_task_is_taken() {
    let mut stage = Stage::new();
    stage.plays("sh true");
    std::fs::create_dir(stage.work().join("fresh")).unwrap();
    let fresh = stage.work().join("fresh");
    let mut pipe = stage.client();
    for (more, word) in [
        (json!({ "base_ref": "nope" }), "base_ref"),
        (json!({ "base_ref": "" }), "base_ref"),
        (json!({ "base_ref": "-f" }), "base_ref"),
        (
            json!({ "base_ref": "HEAD", "isolation": "none" }),
            "base_ref",
        ),
        (json!({ "cwd": fresh }), "is not in the commit"),
    ] {
        let said = refused(&mut pipe, "codex_run", isolated(more));
        assert!(
            said.starts_with("VALIDATION") && said.contains(word),
            "{said}"
        );
    }
    let empty = Stage::without_commit();
    let mut other = empty.client();
    let said = refused(&mut other, "codex_run", isolated(json!({})));
    assert!(
        said.starts_with("VALIDATION") && said.contains("no commit"),
        "{said}"
    );

    let tasks = pipe.done("codex_tasks", json!({}));
    assert_eq!(tasks["n_matching"], 0, "{tasks:#}");
    assert_eq!(stage.git(&["worktree", "list"]).lines().count(), 1);
    let taken = pipe.done("codex_run", isolated(json!({ "base_ref": "main" })));
    assert_eq!(taken["status"], "completed", "{taken:#}");
}
