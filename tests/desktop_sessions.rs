//! What a person does about a session in the window, on a real desktop with real agents.
#![cfg(feature = "desktop")]
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

use std::collections::BTreeMap;

use mission_control_testkit::codex::{CodexHome, Run};
use mission_control_testkit::desktop::{Browser, Desktop, Driver, Notifications, Panel};
use mission_control_testkit::model::{Model, Script, command, say};
use mission_control_testkit::process::{self, Exit, StopSignal};
use mission_control_testkit::task::end_all_below;
use mission_control_testkit::wait::{SOON, wait_for};
use tempfile::TempDir;

const GUI: &str = env!("CARGO_BIN_EXE_mission-control-gui");
const FRONT: &str = env!("CARGO_BIN_EXE_mission-control");

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
fn a_terminals_turn_takes_a_message_and_is_interrupted() {
    let stage = Stage::new();
    let held = stage.home.held_command("go");
    let script = Script::new([say("A title")])
        .on("Build it", [command(&held.line()), say("Built.")])
        .on("Use the other file.", [say("Used.")]);
    let script = stage.model.plays("messages", script);
    stage.home.always_plays(&script);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let terminal = stage.home.tui(&["-a", "on-request", "Build it"]);
    browser.wait_for("its row is there", "document.querySelector('.row a.open')");
    drop(browser.script("document.querySelector('.row a.open').click()"));
    browser.wait_for(
        "it says where a message goes",
        "document.querySelector('[data-message-way=steer]')?.innerText.includes('Goes into the running turn')",
    );

    click(&browser, ".top", "Stop…");
    browser.wait_for(
        "it says what will happen",
        "document.querySelector('dialog[open]')?.innerText.includes('only its turn is interrupted')",
    );
    click(&browser, "dialog[open]", "Keep it");
    write(&browser, "Use the other file.");
    browser.wait_until_painted();
    browser.screenshot("18-message");
    click(&browser, ".message", "Send");
    browser.wait_for(
        "it says where it went",
        "document.querySelector('.message').innerText.includes('Sent: the running turn takes it in')",
    );
    click(&browser, ".top", "Interrupt");

    browser.wait_for(
        "the next message starts a turn",
        "document.querySelector('[data-message-way=start]')?.innerText.includes('Starts the next turn')",
    );
    browser.wait_for("nothing is refused", "!document.querySelector('.banner')");
    write(&browser, "Use the other file.");
    press_enter(&browser);
    terminal.wait_for("Used.");
    drop(browser.script("document.documentElement.dataset.theme = 'dark'"));
    browser.wait_until_painted();
    browser.screenshot("19-message-dark");
    browser.wait_for(
        "the box is empty",
        "document.querySelector('.message textarea').value === ''",
    );
    assert_eq!(
        stage.desktop.notified(),
        [],
        "what a person interrupted is no news"
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

#[test]
fn a_muted_session_tells_nothing_and_the_bell_and_the_terminal_agree() {
    let stage = Stage::new();
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = stage.model.plays("quiet", script);
    let mut run = stage.home.exec(&Run::new(&script, "Build it"));
    let id = format!("codex:{}", run.thread_id());
    drop(browser.script(&format!("location.hash = '#/session/{id}'")));

    browser.click(".bell button[aria-pressed=false]");
    browser.wait_for(
        "it is muted",
        "document.querySelector('.bell').innerText.includes('Muted')",
    );
    browser.wait_until_painted();
    browser.screenshot("17-muted");
    let shown = stage.front(&["show", &id, "--json"]);
    assert_eq!(shown["quiet"], serde_json::json!({"type": "muted"}));
    held.release();
    run.wait();
    let script = stage.model.plays("next", Script::new([say("Done.")]));
    stage.home.exec(&Run::new(&script, "Next")).wait();

    let told = stage.desktop.wait_for_notified(1);
    assert_eq!(told[0].title, "Next finished");
    browser.click(".bell button[aria-pressed=true]");
    browser.wait_for(
        "it is loud",
        "document.querySelector('.bell button[aria-pressed=false]')",
    );
    assert!(stage.front(&["show", &id, "--json"])["quiet"].is_null());
    browser.close();
}

#[test]
fn a_session_is_snoozed_from_the_tray_and_from_its_notification() {
    let stage = Stage::new();
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let item = stage.desktop.wait_for_tray_item();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("Built.")]);
    let script = stage.model.plays("quiet", script);
    let mut run = stage.home.exec(&Run::new(&script, "Build it"));
    let id = format!("codex:{}", run.thread_id());
    let quiet = || stage.front(&["show", &id, "--json"])["quiet"].clone();
    let is_quiet = |expected: &'static str| {
        wait_for(SOON, expected, || {
            (quiet()["type"] == expected).then_some(())
        });
    };

    wait_for(SOON, "the session is in the menu", || {
        let menu = item.menu();
        let labels: Vec<&str> = menu.iter().map(|line| line.label.as_str()).collect();
        let of = labels
            .iter()
            .position(|label| *label == "Notifications of")?;
        let expected = [
            "Build it",
            "Snooze for an hour",
            "Mute",
            "Tell me everything",
        ];
        labels
            .get(of + 1..)
            .is_some_and(|below| below.starts_with(&expected))
            .then_some(())
    });
    item.choose("Snooze for an hour");
    is_quiet("snoozed");
    item.choose("Mute");
    is_quiet("muted");
    item.choose("Tell me everything");
    wait_for(SOON, "it is loud", || quiet().is_null().then_some(()));
    held.release();
    run.wait();

    let told = stage.desktop.wait_for_notified(1);
    assert_eq!(told[0].title, "Build it finished");
    assert!(
        told[0].actions.contains(&"Snooze 1 h".to_owned()),
        "{told:?}"
    );
    stage.desktop.wait_until_notification_is_visible();
    stage.desktop.screenshot("18-snooze");
    // A choice is heard once the application listens for it, a moment after it is shown.
    wait_for(SOON, "it is snoozed", || {
        stage.desktop.choose_in_notification("snooze");
        (quiet()["type"] == "snoozed").then_some(())
    });
    browser.close();
}

#[test]
fn a_request_in_quiet_hours_is_told_when_they_end_if_it_is_still_open() {
    let stage = Stage::new();
    stage.write_settings(&format!(
        "[notifications]\nquiet_hours = '{}'\n{NO_ENDS}",
        stage.all_day()
    ));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let asks = |prompt: &str| {
        let request = serde_json::json!({
            "prompt": prompt,
            "cwd": stage.home.project(),
            "sandbox": "danger-full-access",
        });
        drop(browser.script(&format!(
            "location.hash = '#/tasks'; \
             window.__TAURI_INTERNALS__.invoke('start_task', {{ request: {request} }})\
             .then((id) => {{ window.task = id; }})"
        )));
        browser.wait_for(
            "it asks",
            "document.querySelector(`.row[data-task-id=\"${window.task}\"][data-task-status=input_required]`)",
        );
        browser
            .script("return window.task")
            .as_str()
            .unwrap()
            .to_owned()
    };
    let over = asks("Forgotten");
    let _open = asks("Tidy up");
    stage.front(&["cancel", &over, "--json"]);

    stage.write_settings(&format!("[notifications]\n{NO_ENDS}"));

    let told = stage.desktop.wait_for_notified(1);
    assert_eq!(told[0].title, "Tidy up needs you");
    let script = stage.model.plays("next", Script::new([say("Done.")]));
    stage.home.exec(&Run::new(&script, "Next")).wait();
    let told = stage.desktop.wait_for_notified(2);
    let titles: Vec<&str> = told.iter().map(|told| told.title.as_str()).collect();
    assert_eq!(titles, ["Tidy up needs you", "Next finished"]);
    browser.close();
}

/// Only requests are told of tasks.
const NO_ENDS: &str = "kinds = { task_finished = false }\n";

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

    /// Returns a span of the day with the present far from its ends.
    fn all_day(&self) -> &'static str {
        let written = self.home.path().metadata().unwrap().modified().unwrap();
        let since_1970 = written.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let hour = since_1970.unwrap().as_secs() / 3600 % 24;
        if (6..18).contains(&hour) {
            "00:00-23:59"
        } else {
            "12:01-12:00"
        }
    }

    fn write_settings(&self, text: &str) {
        std::fs::write(self.state.path().join("settings.toml"), text).unwrap();
    }

    /// Runs a command that prints JSON.
    #[track_caller]
    fn front(&self, args: &[&str]) -> serde_json::Value {
        let said = process::run(FRONT.as_ref(), args, &self.env(), self.home.path());
        assert_eq!(said.exit, Exit::Code(0), "{args:?}: {}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
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

impl Drop for Stage {
    fn drop(&mut self) {
        end_all_below(self.state.path());
        self.home.end_daemon();
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

/// Writes a message into the session's page.
#[track_caller]
fn write(browser: &Browser, text: &str) {
    drop(browser.script(&format!(
        "const box = document.querySelector('.message textarea'); box.focus(); \
         box.value = '{text}'; box.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )));
}

/// Presses Enter in the message.
#[track_caller]
fn press_enter(browser: &Browser) {
    drop(browser.script(
        "document.querySelector('.message textarea').dispatchEvent(\
         new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))",
    ));
}
