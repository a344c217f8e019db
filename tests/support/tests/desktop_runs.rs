//! The kit itself: the desktop starts, shows what programs ask for, and ends.

use mission_control_testkit::desktop::{Desktop, Notifications, Panel};
use mission_control_testkit::process::Exit;
use mission_control_testkit::wait::{SOON, wait_for};

#[test]
fn notifications_are_noted_and_shown() {
    let desktop = Desktop::start(Panel::Shown, Notifications::Shown);

    let said = desktop.run("notify-send", &["Built", "All is well."]);

    assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
    let seen = desktop.wait_for_notified(1);
    assert_eq!(
        (seen[0].title.as_str(), seen[0].body.as_str()),
        ("Built", "All is well.")
    );
    assert_eq!(seen.len(), 1);
    desktop.wait_until_notification_is_visible();
    desktop.screenshot("kit-notification");
}

#[test]
fn the_panel_comes_and_goes() {
    let mut desktop = Desktop::start(Panel::Absent, Notifications::Absent);
    assert!(!desktop.bus().has_name("org.kde.StatusNotifierWatcher"));

    desktop.start_panel();
    assert!(desktop.tray_items().is_empty());
    desktop.kill_panel();

    assert!(!desktop.bus().has_name("org.kde.StatusNotifierWatcher"));
    assert!(!desktop.bus().has_name("org.freedesktop.Notifications"));
}

#[test]
fn nothing_outlives_the_desktop() {
    let desktop = Desktop::start(Panel::Shown, Notifications::Shown);
    let pids = desktop.pids();

    drop(desktop);

    for pid in pids {
        wait_for(SOON, "the process is gone", || {
            (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    }
}
