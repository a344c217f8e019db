//! The real Claude Code and the real tray: a person answers on the desktop.

use std::collections::BTreeMap;

use mission_control_testkit::claude::{ClaudeHome, ClaudeModel, Reply};
use mission_control_testkit::desktop::{Desktop, Driver, Notifications, Panel};
use mission_control_testkit::process::{self, Exit};
use mission_control_testkit::wait::{PATIENT, wait_for};
use serde_json::json;
use tempfile::TempDir;

const GUI: &str = env!("CARGO_BIN_EXE_mission-control-gui");
const FRONT: &str = env!("CARGO_BIN_EXE_mission-control");

struct Stage {
    desktop: Desktop,
    model: ClaudeModel,
    home: ClaudeHome,
    state: TempDir,
}

impl Stage {
    fn new() -> Self {
        let model = ClaudeModel::start();
        let home = ClaudeHome::new(&model);
        Self {
            desktop: Desktop::start(Panel::Shown, Notifications::Shown),
            model,
            home,
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn env(&self) -> BTreeMap<String, String> {
        let mut env = self.desktop.env().clone();
        env.extend(self.home.env());
        let state = self.state.path().to_str().unwrap().to_owned();
        env.insert("MISSION_CONTROL_HOME".to_owned(), state.clone());
        env.insert("TMUX_TMPDIR".to_owned(), state);
        env
    }
}

#[test]
fn claude_code_is_answered_from_its_notification_and_from_the_window() {
    let stage = Stage::new();
    let install = ["hooks", "install"];
    let said = process::run(FRONT.as_ref(), &install, &stage.env(), stage.state.path());
    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    let question = json!({"questions": [{
        "question": "Which database should we use?", "header": "Database", "multiSelect": false,
        "options": [
            {"label": "SQLite", "description": "One file."},
            {"label": "PostgreSQL", "description": "A server."},
        ],
    }]});
    stage.model.plays([
        Reply::command("touch made.txt"),
        Reply::call("AskUserQuestion", question),
        Reply::text("All done."),
    ]);
    let driver = Driver::start(&stage.desktop, &stage.env());
    let browser = driver.open(GUI, &["--show"], || {});
    browser.wait_until_ready();

    let terminal = stage.home.terminal(&[]);
    terminal.ask("Set it up.");
    let needs = "document.querySelector('.row[data-status=needs_you]')";
    browser.wait_for("it asks", needs);
    let told = stage.desktop.wait_for_notified(1);
    stage.desktop.wait_until_notification_is_visible();
    stage.desktop.screenshot("18-claude-asks");
    assert_eq!(told[0].title, "Set it up needs you");
    stage.desktop.choose_in_notification("accept");
    wait_for(PATIENT, "it was approved", || {
        stage.home.project().join("made.txt").exists().then_some(())
    });

    assert_eq!(stage.desktop.wait_for_notified(2).len(), 2);
    drop(browser.script(
        "location.hash = '#/session/' + encodeURIComponent(document.querySelector('.row[data-status=needs_you]').dataset.sessionId)",
    ));
    // A request that has only just come up takes no click: it may have been meant for another one.
    let option = "[...document.querySelectorAll('.answer button[aria-disabled=false]')]\
                  .find((button) => button.textContent.includes('PostgreSQL'))";
    browser.wait_for("the page offers the answers", option);
    browser.wait_until_painted();
    browser.screenshot("19-claude-question");
    drop(browser.script(&format!("{option}.click()")));

    browser.wait_for(
        "its end is seen on its page",
        "document.querySelector('main[data-view=session][data-status=paused]')",
    );
    terminal.wait_for_text("PostgreSQL");
    browser.close();
}
