//! Threads that are taken up again after a long time, and several homes.

use std::collections::BTreeSet;
use std::time::Duration;

use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::model::{Gate, Script, say};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{PATIENT, SOON, Stopwatch};

use super::{ALL_LISTED, AT_ONCE, Stage, kinds, session_id, text};

#[test]
fn a_year_old_session_is_live_as_soon_as_it_is_resumed() {
    let stage = Stage::new();
    let gate = Gate::default();
    let script = Script::new([say("First.")]).on("again", [say("Second.").behind(&gate)]);
    let script = stage.model.plays("old", script);
    let mut first = stage.home.exec(&Run::new(&script, "Begin."));
    let thread = first.thread_id();
    let id = session_id(&thread);
    first.wait();
    stage.home.make_a_year_older(&thread);
    stage.front.write_settings("");
    let mut watch = stage.front.watch();
    assert_eq!(watch.session(&id), None);

    let mut second = stage
        .home
        .exec(&Run::new(&script, "again").from_thread("resume", &thread));
    gate.wait_until_reached(PATIENT);
    let since = Stopwatch::start();
    watch.wait_for_status(AT_ONCE, &id, "working");
    let took = since.elapsed();
    watch.wait_until(SOON, &id, "tells its prompt", |session| {
        session["last_prompt"] == "again"
    });
    gate.open();
    assert_eq!(second.wait(), Exit::Code(0), "{}", second.stderr());
    let done = watch.wait_for_status(SOON, &id, "done");

    assert!(took < Duration::from_secs(1), "live after {took:?}");
    assert_eq!(done["last_turn"]["message"], "Second.");
    assert_eq!(kinds(&watch.notices()), ["turn_completed"]);
}

#[test]
fn two_homes_are_watched_together() {
    let stage = Stage::new();
    let other = CodexHome::with_codex_home("elsewhere/codex");
    stage.front.write_settings(&format!(
        "{ALL_LISTED}[codex]\nhomes = [{:?}]\n",
        other.codex_home()
    ));
    let script = stage.model.plays("two", Script::new([say("Done.")]));
    let mut watch = stage.front.watch();

    let mut runs = [&stage.home, &other].map(|home| home.exec(&Run::new(&script, "Work.")));

    for run in &mut runs {
        let id = session_id(&run.thread_id());
        let done = watch.wait_for_status(PATIENT, &id, "done");
        assert_eq!(done["ended"]["how"], "finished");
    }
    let homes = [&stage.home, &other].map(|home| home.codex_home());
    let sessions = stage.front.sessions();
    let tagged: BTreeSet<&str> = sessions.values().map(|s| text(&s["home"])).collect();
    let expected = homes.map(|home| home.to_str().unwrap());
    assert_eq!(tagged, BTreeSet::from(expected));
    let listed = stage.front.run(&["list", "--all"]).stdout;
    for name in [".codex: Work", "codex: Work"] {
        assert!(listed.contains(&format!(" {name}")), "{name}: {listed}");
    }
    let shown = stage.front.run(&["show", sessions.keys().next().unwrap()]);
    let is_placed = |home: &str| shown.stdout.contains(&format!(" in {home}"));
    assert!(expected.into_iter().any(is_placed), "{shown:?}");
}
