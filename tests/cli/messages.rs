//! What is said of messages and interruptions that cannot be.

use std::fmt::Write as _;
use std::path::Path;

use mission_control_testkit::process::Exit;
use mission_control_testkit::recordings::Recording;

use super::Place;

/// A sub-agent, whose transcript lies beside its parent's in the recording.
const CHILD: &str = "01a1f7ea-ca58-7d13-aa41-438187a30396";

#[test]
fn what_cannot_be_told_or_interrupted_says_why_and_what_to_do() {
    let place = Place::with(&["02-commands-and-edits", "12-subagent-v2"]);
    let session = Recording::load("02-commands-and-edits").session_id();
    add_child(&place);
    let long = "a".repeat(100_001);
    let calls: &[(&str, &[&str])] = &[
        ("an unknown session", &["tell", "nope", "Go on."]),
        ("no text", &["tell", &session]),
        ("an empty text", &["tell", &session, " "]),
        ("an empty input", &["tell", &session, "-"]),
        ("a long text", &["tell", &session, &long]),
        ("a sub-agent", &["tell", CHILD, "Go on."]),
        ("no program", &["tell", &session, "Go on.", "--json"]),
        ("an unknown session", &["interrupt", "nope"]),
        ("an ended session", &["interrupt", &session]),
    ];

    let mut told = String::new();
    for (what, call) in calls {
        let said = place.run(call);
        let Exit::Code(code) = said.exit else {
            panic!("{call:?}: {said:?}");
        };
        assert_eq!(said.stdout, "", "{call:?}");
        writeln!(told, "{what}: {code}\n{}", said.stderr).unwrap();
    }

    let told = told.replace(&session, "SESSION").replace(CHILD, "CHILD");
    insta::assert_snapshot!(told);
}

fn add_child(place: &Place) {
    let parent = Recording::load("12-subagent-v2").path_in(&place.codex_home());
    let name = format!("rollout-2026-11-20T07-45-22-{CHILD}.jsonl");
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = recorded.join("src-tauri/core/testdata/codex/12-subagent-v2");
    std::fs::copy(recorded.join(&name), parent.with_file_name(&name)).unwrap();
}
