//! The desktop application on a real desktop: tray, window and notifications, with real agents.
#![cfg(feature = "desktop")]
#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

use std::collections::BTreeMap;
use std::path::Path;

use mission_control_testkit::codex::{self, CodexHome, Run};
use mission_control_testkit::desktop::{Browser, Desktop, Driver, Notifications, Panel, TrayItem};
use mission_control_testkit::model::{
    GUARDIAN_ASKS, GUARDIAN_SAYS_NO, Model, Script, command, escalated, say, spawn_agent,
    wait_agents,
};
use mission_control_testkit::process::{self, Exit, Output, Process, Start, StopSignal};
use mission_control_testkit::task::{end_all_below, members};
use mission_control_testkit::wait::{PATIENT, SOON, wait_for};
use tempfile::TempDir;

const GUI: &str = env!("CARGO_BIN_EXE_mission-control-gui");
const FRONT: &str = env!("CARGO_BIN_EXE_mission-control");

#[test]
fn a_run_appears_in_the_window_and_is_told_once() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &[], || {
        let item = stage.desktop.wait_for_tray_item();
        wait_for_tool_tip(&item, "No session is open");
        item.activate();
    });
    let item = stage.desktop.wait_for_tray_item();
    browser.wait_until_ready();
    browser.wait_for(
        "the sessions are shown",
        "document.querySelector('[data-view=sessions]')",
    );
    browser.wait_until_painted();
    stage.desktop.screenshot("2-window-empty");

    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("The calculator adds.")]);
    let script = stage.model.plays("desktop", script);
    let mut run = stage
        .home
        .exec(&Run::new(&script, "Explain the calculator"));
    let id = session_id(&run.thread_id());
    browser.wait_for("the run works", &row(&id, "working"));
    wait_for_tool_tip(&item, "1 working");
    wait_for(SOON, "the menu lists the run", || {
        let menu = item.menu();
        menu.iter()
            .any(|line| line.label == "Explain the calculator · Working")
            .then_some(())
    });
    browser.wait_until_painted();
    browser.screenshot("3-window-working");
    held.release();
    run.wait();

    browser.wait_for("the run is done", &row(&id, "done"));
    let told = stage.desktop.wait_for_notified(1);
    stage.desktop.wait_until_notification_is_visible();
    browser.wait_until_painted();
    stage.desktop.screenshot("4-notification");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].title, "Explain the calculator finished");
    assert!(
        told[0].body.contains("The calculator adds."),
        "{}",
        told[0].body
    );

    stage.desktop.click_notification();
    browser.wait_for("the notification opens its session", &page_of(&id));
    browser.wait_until_painted();
    browser.screenshot("5-session-page");
    browser.wait_until_painted();
    stage.desktop.screenshot("6-session-on-the-desktop");
    assert_eq!(stage.desktop.notified().len(), 1);
    browser.close();
}

#[test]
fn sub_agents_guardians_and_a_restart_tell_nothing() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let script = Script::new([
        say("I hand this over.").and(spawn_agent("SUBTASK count the lines")),
        wait_agents(),
        say("Two lines."),
    ])
    .on(
        "SUBTASK",
        [command("wc -l calc.py"), say("Sub-agent: two.")],
    )
    .on(
        "Second",
        [escalated("touch /nowhere/marker"), say("Second answer.")],
    )
    .on(GUARDIAN_ASKS, [say(GUARDIAN_SAYS_NO)])
    .on("Third", [say("Third answer.")]);
    let script = stage.model.plays("restart", script);

    let mut app = stage.start_app(&[]);
    let _item = stage.desktop.wait_for_tray_item();
    stage.run_to_its_end(&Run::new(&script, "First: count the lines"));
    assert_eq!(titles(&stage, 1), ["First: count the lines finished"]);
    stage.run_to_its_end(&Run::new(&script, "Second question").with_guardian());
    assert_eq!(titles(&stage, 2)[1], "Second question finished");
    stage.desktop.wait_until_notification_is_visible();
    stage.desktop.screenshot("1-tray-and-notifications");

    app.signal(StopSignal::TERM);
    app.wait(SOON);
    wait_for(SOON, "the icon is gone", || {
        stage.desktop.tray_items().is_empty().then_some(())
    });
    let mut app = stage.start_app(&[]);
    let item = stage.desktop.wait_for_tray_item();
    stage.run_to_its_end(&Run::new(&script, "Third question"));

    assert_eq!(titles(&stage, 3).len(), 3);
    assert_eq!(titles(&stage, 3)[2], "Third question finished");
    item.choose("Quit");
    assert_eq!(app.wait(SOON), Exit::Code(0));
}

#[test]
fn the_window_closes_and_opens_while_the_tray_stays() {
    let mut stage = Stage::new(Panel::Shown, Notifications::Shown);
    // Without a driver, which would hold on to the window it began with.
    let mut app = stage.start_app(&[]);
    stage.desktop.wait_for_tray_item().activate();
    wait_for_window(&stage, true);
    wait_until_drawn(&stage);

    stage.desktop.close_window("Mission Control");
    wait_for_window(&stage, false);
    let item = stage.desktop.wait_for_tray_item();
    // A double click is two of these.
    item.activate();
    item.activate();
    wait_for_window(&stage, true);
    wait_until_drawn(&stage);
    assert_eq!(windows(&stage), 1);

    stage.desktop.close_window("Mission Control");
    wait_for_window(&stage, false);
    let second = process::run(FRONT.as_ref(), &[], &stage.env(), stage.home.path());
    assert_eq!(second.exit, Exit::Code(0), "{}", second.stderr);
    wait_for_window(&stage, true);
    assert_eq!(stage.desktop.tray_items().len(), 1);

    stage.desktop.kill_panel();
    stage.desktop.start_panel();
    let item = stage.desktop.wait_for_tray_item();
    item.activate();
    wait_for_window(&stage, true);
    wait_until_drawn(&stage);
    stage.desktop.screenshot("7-after-panel-restart");
    item.choose("Quit");
    assert_eq!(app.wait(SOON), Exit::Code(0));
    wait_for(SOON, "the icon is gone", || {
        stage.desktop.tray_items().is_empty().then_some(())
    });
}

#[test]
fn a_second_start_goes_to_the_session_it_names() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let script = stage.model.plays("named", Script::new([say("Done.")]));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let id = stage.run_to_its_end(&Run::new(&script, "Work"));
    browser.wait_for("the run is done", &row(&id, "done"));

    let second = process::run(
        GUI.as_ref(),
        &["--session", &id],
        &stage.env(),
        stage.home.path(),
    );

    assert_eq!(second.exit, Exit::Code(0), "{}", second.stderr);
    browser.wait_for("it is shown", &page_of(&id));
    browser.close();
}

#[test]
fn the_demo_plays_beside_real_sessions_and_leaves_nothing() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let script = stage.model.plays("real", Script::new([say("Done.")]));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let id = stage.run_to_its_end(&Run::new(&script, "Work"));
    browser.wait_for("the run is done", &row(&id, "done"));

    for _ in 0..2 {
        drop(browser.script("window.__TAURI_INTERNALS__.invoke('play_demo')"));
    }

    let sessions = "document.querySelectorAll('[data-view=sessions] [data-session-id]').length";
    browser.wait_for("the demo's sessions are shown", &format!("{sessions} >= 3"));
    browser.wait_for("the real one is too", &row(&id, "done"));
    browser.wait_until_painted();
    stage.desktop.screenshot("10-demo");
    wait_for(PATIENT, "the demo's sessions are told once", || {
        (stage.desktop.notified().len() == 3).then_some(())
    });
    let is_left = format!("return {sessions} === 1;");
    wait_for(PATIENT, "only the real one is left", || {
        (browser.script(&is_left) == true).then_some(())
    });
    browser.wait_for("it is the real one", &row(&id, "done"));
    browser.close();
}

#[test]
fn a_task_that_the_window_starts_is_in_the_tray_and_told_once() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    stage.delegates_to_codex();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("It adds.")]);
    let script = stage.model.plays("task", script);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();

    let id = start_task(
        &browser,
        &serde_json::json!({
            "prompt": "Explain the calculator",
            "cwd": stage.home.project(),
            "sandbox": "workspace-write",
            "model": "scripted-model",
            "config": { "model_providers.scripted.base_url": script },
        }),
    );
    let item = stage.desktop.wait_for_tray_item();
    wait_for_tool_tip(&item, "1 task runs");
    let its_session = "document.querySelector('[data-view=sessions] [data-status=working]')";
    browser.wait_for("its session is listed in the window", its_session);
    let line = "Explain the calculator · Running";
    wait_for(PATIENT, "the menu lists it, its session not", || {
        let labels: Vec<String> = item.menu().into_iter().map(|item| item.label).collect();
        let mine = labels.iter().filter(|label| label.contains("calculator"));
        (mine.collect::<Vec<_>>() == [line]).then_some(())
    });
    item.choose(line);
    let page = format!("document.querySelector('[data-task-id=\"{id}\"]')");
    browser.wait_for("the menu leads to it", &page);
    browser.wait_until_painted();
    stage.desktop.screenshot("11-task");
    drop(browser.script("location.hash = '#/sessions'"));
    held.release();

    assert_eq!(titles(&stage, 1), ["Explain the calculator finished"]);
    stage.desktop.click_notification();
    browser.wait_for("the notification leads to it", &page);
    drop(browser.script(&format!(
        "window.__TAURI_INTERNALS__.invoke('task_log', {{ id: '{id}', cursor: null }})\
         .then((part) => {{ window.log = part.text; }});"
    )));
    browser.wait_for("its log can be read", "window.log.includes('It adds.')");
    assert_eq!(stage.desktop.notified().len(), 1);
    browser.close();
}

#[test]
fn a_task_is_cancelled_and_gone_on_with_in_the_window() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    stage.delegates_to_codex();
    let held = stage.home.held_command("go");
    let script = Script::new([command(&held.line()), say("It adds.")])
        .on("Only its name", [say("It is called calc.")]);
    let script = stage.model.plays("task", script);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let id = start_task(
        &browser,
        &serde_json::json!({
            "prompt": "Explain the calculator",
            "cwd": stage.home.project(),
            "sandbox": "workspace-write",
            "model": "scripted-model",
            "config": { "model_providers.scripted.base_url": script },
        }),
    );
    drop(browser.script(&format!("location.hash = '#/task/{id}'")));
    let log = "document.querySelector('.detail').innerText";
    browser.wait_for("its command runs", &format!("{log}.includes('cat go')"));
    let agent = members(&id);
    assert!(!agent.is_empty());

    click(&browser, ".detail-head", "Cancel…");
    click(&browser, "dialog[open]", "Cancel task");

    browser.wait_for(
        "it is cancelled",
        &format!("{log}.includes('Cancelled by you.')"),
    );
    wait_for(SOON, "nothing of it lives", || {
        members(&id).is_empty().then_some(())
    });
    browser.wait_until_painted();
    stage.desktop.screenshot("13-cancelled");

    drop(browser.script(
        "const field = document.querySelector('.reply textarea');\
         field.value = 'Only its name';\
         field.dispatchEvent(new Event('input', { bubbles: true }));",
    ));
    click(&browser, ".reply", "Reply");

    browser.wait_for(
        "the answer to the reply is shown",
        &format!("{log}.includes('It is called calc.')"),
    );
    browser.wait_until_painted();
    stage.desktop.screenshot("14-reply");
    browser.close();
}

#[test]
fn a_request_that_fits_is_answered_in_its_notification() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let request = serde_json::json!({
        "prompt": "Tidy up",
        "cwd": stage.home.project(),
        "sandbox": "danger-full-access",
    });
    drop(browser.script(&format!(
        "location.hash = '#/tasks'; window.__TAURI_INTERNALS__.invoke('start_task', {{ request: {request} }})"
    )));
    browser.wait_for(
        "it asks",
        "document.querySelector('.row[data-task-status=input_required]')",
    );
    assert_eq!(titles(&stage, 1), ["Tidy up needs you"]);
    stage.desktop.wait_until_notification_is_visible();
    stage.desktop.screenshot("12-request");

    stage.desktop.choose_in_notification("decline");

    let declined = "document.querySelector('.row[data-task-status=cancelled]')";
    browser.wait_for("it was declined", declined);
    browser.close();
}

#[test]
fn what_a_terminal_asks_is_approved_here_and_there() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let marker = |n: u32| stage.home.path().join(format!("marker-{n}"));
    let touch = |n: u32| escalated(&format!("touch {}", marker(n).display()));
    let script = Script::new([say("A title")])
        .on("Make two markers.", [touch(1), touch(2), say("Both made.")]);
    stage
        .home
        .always_plays(&stage.model.plays("terminal", script));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();

    let terminal = stage.home.tui(&["-a", "on-request", "Make two markers."]);
    let needs = "document.querySelector('.row[data-status=needs_you]')";
    browser.wait_for("it asks", needs);
    assert_eq!(titles(&stage, 1), ["Make two markers needs you"]);
    stage.desktop.wait_until_notification_is_visible();
    stage.desktop.screenshot("13-terminal-asks");
    stage.desktop.choose_in_notification("accept");
    wait_for(PATIENT, "the first was approved", || {
        marker(1).exists().then_some(())
    });

    assert_eq!(titles(&stage, 2)[1], "Make two markers needs you");
    browser.wait_for("it asks again", needs);
    drop(browser.script(
        "location.hash = '#/session/' + encodeURIComponent(document.querySelector('.row[data-status=needs_you]').dataset.sessionId)",
    ));
    browser.wait_for(
        "the page shows the request",
        "document.body.innerText.includes('marker-2')",
    );
    browser.wait_until_painted();
    browser.screenshot("14-session-asks");
    browser.wait_for(
        "it can be approved",
        "document.querySelector('.answer .btn.primary[aria-disabled=false]')",
    );
    browser.click(".answer .btn.primary");
    wait_for(PATIENT, "the second was approved", || {
        marker(2).exists().then_some(())
    });
    terminal.wait_for("Both made.");
    browser.wait_for(
        "its end is seen on its page",
        "document.querySelector('main[data-view=session][data-status=paused]')",
    );
    assert_eq!(
        stage.desktop.notified().len(),
        2,
        "nobody is told what they look at"
    );
    drop(terminal);
    browser.close();
}

#[test]
fn a_second_subscription_takes_the_place_of_the_first() {
    let stage = Stage::new(Panel::Shown, Notifications::Shown);
    let script = stage.model.plays("twice", Script::new([say("Done.")]));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();
    let subscribe = |name: &str| {
        drop(browser.script(&format!(
            "window.{name} = []; const tauri = window.__TAURI_INTERNALS__; \
             const id = tauri.transformCallback((message) => window.{name}.push(message)); \
             tauri.invoke('subscribe', {{ channel: '__CHANNEL__:' + id }});"
        )));
        browser.wait_for("it hears a snapshot", &format!("window.{name}.length > 0"));
    };
    subscribe("first");
    subscribe("second");
    let before = browser.script("return window.first.length");

    stage.run_to_its_end(&Run::new(&script, "Work"));

    browser.wait_for("the second hears it", "window.second.length > 3");
    assert_eq!(browser.script("return window.first.length"), before);
    browser.close();
}

#[test]
fn without_a_display_it_says_how_to_go_on() {
    let home = tempfile::tempdir().unwrap();
    let without = without_desktop(&home);
    let mut with_wrong_one = without.clone();
    with_wrong_one.insert("DISPLAY".to_owned(), ":59999".to_owned());

    for (program, env) in [
        (GUI, &without),
        (FRONT, &without),
        (GUI, &with_wrong_one),
        (FRONT, &with_wrong_one),
    ] {
        let said = process::run(program.as_ref(), &[], env, home.path());

        let sentence = said.stderr.trim_end();
        assert_eq!(said.exit, Exit::Code(4), "{program}: {sentence}");
        assert!(
            sentence.contains("mission-control watch"),
            "{program}: {sentence}"
        );
        assert!(sentence.ends_with('.'), "{program}: {sentence}");
    }
}

#[test]
fn without_a_tray_the_window_opens_by_itself() {
    let mut stage = Stage::new(Panel::Absent, Notifications::Shown);
    let driver = Driver::start(&stage.desktop, &stage.env());

    let browser = driver.open(GUI, &[], || {});
    browser.wait_until_ready();
    browser.wait_for("it says why", "document.body.innerText.includes('no tray')");
    browser.wait_until_painted();
    stage.desktop.screenshot("8-no-tray");
    stage.desktop.start_panel();

    let item = stage.desktop.wait_for_tray_item();
    assert_eq!(item.property("Status"), "Active");
    browser.close();
}

#[test]
fn without_a_bus_the_window_still_opens() {
    let stage = Stage::new(Panel::Absent, Notifications::Absent);
    let mut env = stage.env();
    env.insert(
        "DBUS_SESSION_BUS_ADDRESS".to_owned(),
        "unix:path=/nonexistent".to_owned(),
    );
    let driver = Driver::start(&stage.desktop, &env);

    let browser = driver.open(GUI, &[], || {});

    browser.wait_until_ready();
    browser.wait_for(
        "it says why",
        "document.body.innerText.includes('session bus')",
    );
    browser.close();
}

#[test]
fn without_a_notification_daemon_the_window_says_so() {
    let stage = Stage::new(Panel::Shown, Notifications::Absent);
    let script = stage.model.plays("quiet", Script::new([say("Done.")]));
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();

    let id = stage.run_to_its_end(&Run::new(&script, "Work"));

    browser.wait_for("the run is done", &row(&id, "done"));
    browser.wait_for(
        "it says so",
        "document.body.innerText.includes('Notifications cannot be shown')",
    );
    browser.wait_until_painted();
    stage.desktop.screenshot("9-no-notifications");
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
    fn new(panel: Panel, notifications: Notifications) -> Self {
        Self {
            desktop: Desktop::start(panel, notifications),
            model: Model::start(),
            home: CodexHome::new(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns the environment of the application: this desktop, the agent's home, a fresh state folder.
    fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.desktop.env().clone();
        env.extend(self.home.env());
        env.insert("MISSION_CONTROL_HOME".to_owned(), text(self.state.path()));
        env
    }

    /// Lets tasks run the agent that the tests installed.
    fn delegates_to_codex(&self) {
        let program = codex::program_path().display();
        let settings = format!("[codex]\nprogram = \"{program}\"\n");
        std::fs::write(self.state.path().join("settings.toml"), settings).unwrap();
    }

    fn start_app(&self, args: &[&str]) -> Process {
        Process::start(&Start {
            program: GUI.as_ref(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: self.env(),
            cwd: self.home.path(),
            stdout: Output::Null,
            stderr: Some(&self.home.path().join("app.err")),
        })
    }

    #[track_caller]
    fn run_to_its_end(&self, run: &Run) -> String {
        let mut run = self.home.exec(run);
        let id = session_id(&run.thread_id());
        assert_eq!(run.wait(), Exit::Code(0), "{}", run.stderr());
        id
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.home.end_daemon();
        end_all_below(self.state.path());
    }
}

#[track_caller]
fn titles(stage: &Stage, n: usize) -> Vec<String> {
    let told = stage.desktop.wait_for_notified(n);
    told.into_iter().map(|notified| notified.title).collect()
}

#[track_caller]
fn wait_for_tool_tip(item: &TrayItem, part: &str) {
    wait_for(PATIENT, &format!("the tray says `{part}`"), || {
        item.tool_tip().contains(part).then_some(())
    });
}

fn windows(stage: &Stage) -> usize {
    let titles = stage.desktop.windows();
    titles
        .iter()
        .filter(|title| title.contains("Mission Control"))
        .count()
}

/// Waits until the window shows its page, with time for making the window anew once or twice.
#[track_caller]
fn wait_until_drawn(stage: &Stage) {
    let is_drawn = stage
        .desktop
        .is_window_drawn_within(PATIENT, "Mission Control");
    assert!(is_drawn, "the window stays empty");
}

#[track_caller]
fn wait_for_window(stage: &Stage, is_open: bool) {
    wait_for(SOON, &format!("window open: {is_open}"), || {
        ((windows(stage) == 1) == is_open).then_some(())
    });
}

fn without_desktop(home: &TempDir) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("PATH".to_owned(), process::own_env("PATH").unwrap()),
        ("HOME".to_owned(), text(home.path())),
        (
            "MISSION_CONTROL_HOME".to_owned(),
            text(&home.path().join("state")),
        ),
    ])
}

/// Starts a task as the window does and returns its id.
#[track_caller]
fn start_task(browser: &Browser, request: &serde_json::Value) -> String {
    drop(browser.script(&format!(
        "window.__TAURI_INTERNALS__.invoke('start_task', {{ request: {request} }})\
         .then((id) => {{ window.task = id; }}, (problem) => {{ window.task = problem; }});"
    )));
    browser.wait_for("it is taken", "window.task");
    let id = browser.script("return window.task");
    id.as_str().unwrap_or_else(|| panic!("{id:#}")).to_owned()
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

/// An expression that is true when the list shows a session in this state.
fn row(id: &str, status: &str) -> String {
    format!(
        "document.querySelector('[data-view=sessions] [data-session-id=\"{id}\"][data-status={status}]')"
    )
}

fn page_of(id: &str) -> String {
    format!("document.querySelector('[data-view=session][data-session-id=\"{id}\"]')")
}

fn session_id(thread: &str) -> String {
    format!("codex:{thread}")
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
