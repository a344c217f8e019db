//! What a person does about a session in the window, on a real desktop with real agents.
#![cfg(feature = "desktop")]
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

use std::collections::BTreeMap;

use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::desktop::{Browser, Desktop, Driver, Notifications, Panel};
use mission_control_testkit::model::{Model, Script, command, say};
use mission_control_testkit::process::{Exit, StopSignal};
use mission_control_testkit::wait::{SOON, wait_for};
use tempfile::TempDir;

const GUI: &str = env!("CARGO_BIN_EXE_mission-control-gui");

#[test]
fn a_session_is_stopped_after_a_second_thought() {
    let stage = Stage::new();
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = stage.model.plays("stop", script);
    let mut run = stage.home.exec(&Run::new(&script, "Build it"));
    let id = format!("codex:{}", run.thread_id());
    let page = |status: &str| {
        format!("document.querySelector('[data-session-id=\"{id}\"][data-status={status}].page')")
    };
    drop(browser.script(&format!("location.hash = '#/session/{id}'")));
    browser.wait_for("it works", &page("working"));

    click(&browser, ".top", "Stop…");
    browser.wait_until_painted();
    browser.screenshot("15-stop");
    click(&browser, "dialog[open]", "Keep it");
    browser.wait_for("it works on", &page("working"));
    click(&browser, ".top", "Stop…");
    click(&browser, "dialog[open]", "Stop session");

    browser.wait_for("it is stopped", &page("done"));
    assert_eq!(run.wait(), Exit::Signal(StopSignal::TERM.as_raw()));
    let script = stage.model.plays("next", Script::new([say("Done.")]));
    stage.home.exec(&Run::new(&script, "Next")).wait();
    let told = stage.desktop.wait_for_notified(1);
    assert_eq!(
        told[0].title, "Next finished",
        "what a person stopped is no news"
    );
    browser.close();
}

#[test]
fn the_window_leads_to_the_terminal_or_copies_how_to_get_there() {
    let stage = Stage::new();
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = stage.model.plays("open", script);
    let mut run = stage.home.exec(&Run::new(&script, "Build it"));
    let thread = run.thread_id();
    drop(browser.script(&format!("location.hash = '#/session/codex:{thread}'")));

    click(&browser, ".top", "Go to terminal");
    browser.wait_for(
        "it says that it cannot",
        "document.querySelector('.banner')?.innerText.includes('go to this session yourself')",
    );
    browser.wait_for(
        "it says what was copied",
        "document.querySelector('.banner')?.innerText.includes('Copied')",
    );
    browser.wait_until_painted();
    browser.screenshot("16-no-terminal");

    let _terminal = stage.desktop.window_of("its-terminal", std::process::id());
    stage.desktop.bring_to_front("Mission Control");
    click(&browser, ".top", "Go to terminal");

    wait_for(SOON, "its window is in front", || {
        (stage.desktop.window_in_front() == "its-terminal").then_some(())
    });
    browser.wait_for("nothing is refused", "!document.querySelector('.banner')");
    browser.close();
}

/// A desktop with a model and an agent's home.
struct Stage {
    desktop: Desktop,
    model: Model,
    home: CodexHome,
    state: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self {
            desktop: Desktop::start(Panel::Shown, Notifications::Shown),
            model: Model::start(),
            home: CodexHome::new(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns the environment of the application: this desktop, the agent's home, a fresh state
    /// folder.
    fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.desktop.env().clone();
        env.extend(self.home.env());
        let state = self.state.path().to_str().unwrap().to_owned();
        env.insert("MISSION_CONTROL_HOME".to_owned(), state.clone());
        // Whoever runs the tests has terminals of their own.
        env.insert("TMUX_TMPDIR".to_owned(), state);
        env
    }
}

/// Clicks the button that says `label` as soon as it is there and can be clicked.
#[track_caller]
fn click(browser: &Browser, within: &str, label: &str) {
    let button = format!(
        "[...document.querySelectorAll('{within} button:enabled')]\
         .find((button) => button.textContent.trim().startsWith('{label}'))"
    );
    browser.wait_for(&format!("`{label}` can be clicked"), &button);
    drop(browser.script(&format!("{button}.click()")));
}
