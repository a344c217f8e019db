//! Turns that run, succeed and fail.

use mission_control_testkit::codex::{CLASSIC_MODEL, Run, VERSION};
use mission_control_testkit::contract::{list_faults, stream_faults};
use mission_control_testkit::model::{Gate, Script, reasoning, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{PATIENT, SOON};
use serde_json::Value;

use super::{Stage, kinds, n_events, session_id, text};

/// The first second of the year 2100.
const RESETS_AT: i64 = 4_102_444_800;

#[test]
fn a_run_works_then_is_done_and_tells_so_once() {
    let stage = Stage::new();
    let gate = Gate::default();
    let answer = reasoning("Look first.").and(say("There is a calculator.\nIt adds."));
    let answer = answer.with_limits(42, 7, RESETS_AT).behind(&gate);
    let script = stage.model.plays("success", Script::new([answer]));
    let mut watch = stage.front.watch();

    let mut run = stage
        .home
        .exec(&Run::new(&script, "What is in this project?"));
    let id = session_id(&run.thread_id());
    gate.wait_until_reached(PATIENT);
    let native_pid = run.native_pid();
    let working = watch.wait_until(
        SOON,
        &id,
        "works and tells its prompt and process",
        |session| {
            session["status"] == "working"
                && !session["last_prompt"].is_null()
                && !session["process"].is_null()
        },
    );
    gate.open();
    assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");
    watch.wait_for_heartbeat();
    let notices = watch.notices();
    let statuses = watch.statuses(&id);
    let events = watch.finish();

    assert_eq!(working["source"], "codex");
    assert_eq!(working["client"], "exec");
    assert_eq!(working["cli_version"], VERSION);
    assert_eq!(working["model"], CLASSIC_MODEL);
    assert_eq!(working["cwd"], stage.home.project().to_str().unwrap());
    assert_eq!(working["project"], "acme");
    assert_eq!(working["git_branch"], "main");
    assert_eq!(working["title"], "What is in this project?");
    assert_eq!(working["last_prompt"], "What is in this project?");
    assert_eq!(working["process"]["pid"], native_pid);
    assert_eq!(working["turn"]["count"], 1);
    assert_eq!(working["ended"], Value::Null);
    assert_eq!(working["parent_id"], Value::Null);
    assert_eq!(working["helper"], false);
    assert_eq!(working["skipped_lines"], 0);

    assert_eq!(done["ended"]["how"], "finished");
    assert_eq!(done["last_turn"]["outcome"], "completed");
    assert_eq!(
        done["last_turn"]["message"],
        "There is a calculator.\nIt adds."
    );
    assert_eq!(done["last_turn"]["id"], working["turn"]["id"]);
    assert_eq!(done["process"], Value::Null);
    assert_eq!(done["activity"], Value::Null);
    assert_eq!(done["skipped_lines"], 0);
    assert_eq!(done["tokens"]["input"], 1200);
    assert_eq!(done["tokens"]["cached_input"], 400);
    assert_eq!(done["tokens"]["output"], 80);
    assert_eq!(done["tokens"]["reasoning"], 30);
    assert_eq!(done["tokens"]["total"], 1280);
    assert_eq!(done["rate_limits"]["primary"]["used_percent"], 42.0);
    assert_eq!(
        done["rate_limits"]["primary"]["resets_at"],
        "2100-01-01T00:00:00Z"
    );
    assert_eq!(done["rate_limits"]["secondary"]["used_percent"], 7.0);
    assert_eq!(
        done["transcript_path"],
        stage.home.rollout(&run.thread_id()).to_str().unwrap()
    );

    assert_eq!(kinds(&notices), ["turn_completed"]);
    assert_eq!(notices[0]["session_id"], id);
    assert_eq!(notices[0]["turn_id"], working["turn"]["id"]);
    assert!(
        text(&notices[0]["body"]).contains("There is a calculator."),
        "{}",
        notices[0]
    );
    assert!(
        [&["working", "done"][..], &["working", "paused", "done"]]
            .contains(&as_strs(&statuses).as_slice()),
        "{statuses:?}"
    );
    assert_eq!(n_events(&events, "session_discovered", &id), 1);
    assert_eq!(n_events(&events, "session_closed", &id), 1);
    assert_eq!(stream_faults(&events), Vec::<String>::new());
}

#[test]
fn the_list_is_the_same_as_the_stream() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("Done.")]).on("wait", [say("Done later.").behind(&gate)]);
    let script = stage.model.plays("list", script);
    let mut ended = stage.home.exec(&Run::new(&script, "Work."));
    ended.wait();
    let mut live = stage.home.exec(&Run::new(&script, "Work and wait."));
    gate.wait_until_reached(PATIENT);
    let (ended, live) = (
        session_id(&ended.thread_id()),
        session_id(&live.thread_id()),
    );

    let short = stage.front.json(&["list", "--json"]);
    let all = stage.front.json(&["list", "--all", "--json"]);

    assert_eq!(list_faults(&all), Vec::<String>::new());
    assert_eq!(ids(&short), [live.as_str()]);
    assert_eq!(all["summary"]["working"], 1);
    let mut expected = [ended.as_str(), live.as_str()];
    expected.sort_unstable();
    let mut found = ids(&all);
    found.sort_unstable();
    assert_eq!(found, expected);
    gate.open();
}

fn ids(list: &Value) -> Vec<&str> {
    list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| text(&session["id"]))
        .collect()
}

fn as_strs(strings: &[String]) -> Vec<&str> {
    strings.iter().map(String::as_str).collect()
}
