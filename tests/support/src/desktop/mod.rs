//! A real desktop without a screen: display, session bus, window manager, panel, notifications.
//!
//! Every part is a process of this desktop alone and ends with it. Only one desktop runs at a time.

mod bus;
mod tray;
mod webdriver;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Exit, Output, Process, Said, Start};
use crate::wait::{Deadline, SOON, wait_for, wait_until};
pub use bus::Bus;
pub use tray::{MenuItem, TrayItem};
pub use webdriver::{Browser, Driver};

/// A page before its first data has its background and little else.
const COLORS_OF_AN_EMPTY_PAGE: u32 = 64;

/// Whether the panel shows tray icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// A panel with a tray.
    Shown,
    /// No panel.
    Absent,
}

/// Whether something shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notifications {
    /// A notification daemon runs.
    Shown,
    /// No notification daemon runs, and none can be started.
    Absent,
}

/// A notification that a program asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// The program's name.
    pub app: String,
    /// The first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// The keys and labels of its actions.
    pub actions: Vec<String>,
}

/// The running desktop; ended when dropped.
#[derive(Debug)]
pub struct Desktop {
    // Processes end in this order, the display last.
    panel: Option<Process>,
    others: Vec<Process>,
    bus: Bus,
    bus_daemon: Process,
    display: Process,
    env: BTreeMap<String, String>,
    folder: TempDir,
    _only_one: File,
}

impl Desktop {
    /// Starts a desktop and waits until each part answers.
    #[track_caller]
    #[must_use]
    pub fn start(panel: Panel, notifications: Notifications) -> Self {
        let only_one = only_one();
        let folder = tempfile::Builder::new()
            .prefix("mc-desktop-")
            .tempdir()
            .expect("make a folder");
        let mut env = environment(folder.path());

        let (display, name) = start_display(&env, folder.path());
        env.insert("DISPLAY".to_owned(), name);
        let (bus_daemon, address) = start_bus(&env, folder.path());
        env.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), address);
        let bus = Bus::new(env.clone(), folder.path());

        let mut desktop = Self {
            panel: None,
            others: Vec::new(),
            bus,
            bus_daemon,
            display,
            env,
            folder,
            _only_one: only_one,
        };
        desktop.start_part("openbox", &[]);
        desktop.wait_for_window_manager();
        desktop.start_monitor();
        if notifications == Notifications::Shown {
            desktop.start_part("dunst", &[]);
            desktop.bus.wait_for_name("org.freedesktop.Notifications");
        }
        if panel == Panel::Shown {
            desktop.start_panel();
        }
        desktop
    }

    /// Starts the panel and waits for its tray.
    #[track_caller]
    pub fn start_panel(&mut self) {
        self.panel = Some(self.part("xfce4-panel", &["--disable-wm-check"], Output::Null));
        wait_for(SOON, "the panel has a tray", || {
            tray::has_host(&self.bus).then_some(())
        });
    }

    /// Kills the panel and with it the tray.
    #[track_caller]
    pub fn kill_panel(&mut self) {
        self.panel = None;
        wait_for(SOON, "the tray is gone", || {
            (!self.bus.has_name(tray::WATCHER)).then_some(())
        });
    }

    /// Returns the environment of programs on this desktop.
    #[must_use]
    pub const fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Returns the session bus.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Returns the ids of the display and the bus, for tests that check what outlives them.
    #[must_use]
    pub fn pids(&self) -> [u32; 2] {
        [self.display.pid(), self.bus_daemon.pid()]
    }

    /// Returns the icons in the tray.
    #[must_use]
    pub fn tray_items(&self) -> Vec<TrayItem> {
        tray::items(&self.bus)
    }

    /// Waits for an icon in the tray.
    #[track_caller]
    #[must_use]
    pub fn wait_for_tray_item(&self) -> TrayItem {
        wait_for(SOON, "an icon appears in the tray", || {
            self.tray_items().into_iter().next()
        })
    }

    /// Returns the titles of the windows that a person sees.
    #[must_use]
    pub fn windows(&self) -> Vec<String> {
        let said = self.run("wmctrl", &["-l"]);
        said.stdout
            .lines()
            .filter_map(|line| line.splitn(4, char::is_whitespace).nth(3))
            .map(|rest| {
                rest.trim_start()
                    .split_once(' ')
                    .map_or("", |(_, title)| title)
                    .trim()
                    .to_owned()
            })
            .collect()
    }

    /// Closes a window as the cross in its frame does.
    #[track_caller]
    pub fn close_window(&self, title: &str) {
        let said = self.run("wmctrl", &["-c", title]);
        assert_eq!(said.exit, Exit::Code(0), "close `{title}`: {}", said.stderr);
    }

    /// Opens a window that says it was made by the process `pid`, and waits until it is in front.
    #[track_caller]
    #[must_use]
    pub fn window_of(&self, title: &str, pid: u32) -> Process {
        let process = self.part("xmessage", &["-title", title, title], Output::Null);
        wait_for(SOON, "the window is in front", || {
            (self.window_in_front() == title).then_some(())
        });
        self.claim(title, pid);
        process
    }

    /// Lets a window say that it was made by the process `pid`.
    #[track_caller]
    pub fn claim(&self, title: &str, pid: u32) {
        let pid = pid.to_string();
        let args = [
            "-name",
            title,
            "-f",
            "_NET_WM_PID",
            "32c",
            "-set",
            "_NET_WM_PID",
            &pid,
        ];
        let said = self.run("xprop", &args);
        assert_eq!(said.exit, Exit::Code(0), "claim `{title}`: {}", said.stderr);
    }

    /// Brings a window to the front as a person does, and waits until it is there.
    #[track_caller]
    pub fn bring_to_front(&self, title: &str) {
        let said = self.run("wmctrl", &["-a", title]);
        assert_eq!(
            said.exit,
            Exit::Code(0),
            "activate `{title}`: {}",
            said.stderr
        );
        wait_for(SOON, "the window is in front", || {
            self.window_in_front().contains(title).then_some(())
        });
    }

    /// Returns the title of the window that has the keyboard.
    #[must_use]
    pub fn window_in_front(&self) -> String {
        let said = self.run("xdotool", &["getactivewindow", "getwindowname"]);
        said.stdout.trim().to_owned()
    }

    /// Returns every notification that was asked for so far, whatever became of it.
    #[must_use]
    pub fn notified(&self) -> Vec<Notified> {
        let Ok(file) = File::open(self.monitor_file()) else {
            return Vec::new();
        };
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        lines
            .filter_map(|line| notified(&serde_json::from_str(&line).ok()?))
            .collect()
    }

    /// Waits until so many notifications were asked for, and returns all.
    #[track_caller]
    #[must_use]
    pub fn wait_for_notified(&self, n: usize) -> Vec<Notified> {
        wait_for(SOON, &format!("{n} notifications are shown"), || {
            let seen = self.notified();
            (seen.len() >= n).then_some(seen)
        })
    }

    /// Waits until a notification is on the screen.
    #[track_caller]
    pub fn wait_until_notification_is_visible(&self) {
        wait_for(SOON, "a notification is on the screen", || {
            let said = self.run("xdotool", &["search", "--onlyvisible", "--class", "dunst"]);
            (said.exit == Exit::Code(0)).then_some(())
        });
    }

    /// Chooses the default action of the notification that was shown last.
    #[track_caller]
    pub fn click_notification(&self) {
        self.bus.tell(
            "org.freedesktop.Notifications",
            "/org/freedesktop/Notifications",
            "org.dunstproject.cmd0",
            "NotificationAction",
            &["u", "0"],
        );
    }

    /// dunst offers named actions in a menu only; this is what choosing one there sends. Which
    /// number it gave is its own business.
    #[track_caller]
    pub fn choose_in_notification(&self, action: &str) {
        for n in 1..=8 {
            let said = self.run(
                "gdbus",
                &[
                    "emit",
                    "--session",
                    "--object-path",
                    "/org/freedesktop/Notifications",
                    "--signal",
                    "org.freedesktop.Notifications.ActionInvoked",
                    &format!("uint32 {n}"),
                    &format!("'{action}'"),
                ],
            );
            assert_eq!(said.exit, Exit::Code(0), "{}", said.stderr);
        }
    }

    /// Keeps a picture of the screen in `test-artifacts/<name>.png`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) {
        let path = artifact(&format!("{name}.png"));
        let said = self.run(
            "import",
            &["-window", "root", path.to_str().expect("a path in UTF-8")],
        );
        assert_eq!(said.exit, Exit::Code(0), "take a picture: {}", said.stderr);
    }

    /// Waits whether a window comes to show more than an empty page, as a person sees it.
    ///
    /// The driver's session does not always outlive the window it began with.
    #[must_use]
    pub fn is_window_drawn_within(&self, limit: Duration, title: &str) -> bool {
        let picture = self.folder.path().join("window.png");
        let picture = picture.to_str().expect("a path in UTF-8");
        wait_until(Deadline::after(limit), || {
            let taken = self.run("import", &["-window", title, picture]);
            if taken.exit != Exit::Code(0) {
                return false;
            }
            let looked = self.run("identify", &["-format", "%k", picture]);
            let n_colors: Option<u32> = looked.stdout.trim().parse().ok();
            n_colors.is_some_and(|n| n > COLORS_OF_AN_EMPTY_PAGE)
        })
    }

    /// Runs a program on this desktop to its end.
    #[must_use]
    pub fn run(&self, program: &str, args: &[&str]) -> Said {
        process::run(program.as_ref(), args, &self.env, self.folder.path())
    }

    fn start_part(&mut self, program: &str, args: &[&str]) {
        let part = self.part(program, args, Output::Null);
        self.others.push(part);
    }

    #[track_caller]
    fn wait_for_window_manager(&mut self) {
        let mut answer = String::new();
        let is_there = wait_until(Deadline::after(SOON), || {
            let said = self.run("wmctrl", &["-m"]);
            answer = said.stderr;
            said.exit == Exit::Code(0)
        });
        let exits: Vec<Option<Exit>> = self.others.iter_mut().map(Process::exit).collect();
        let errors = fs::read_to_string(self.folder.path().join("openbox.err"));
        assert!(
            is_there,
            "the window manager does not answer: {answer} {errors:?} {exits:?} {:?}",
            self.display.exit()
        );
    }

    /// Notes every call for a notification, independently of the daemon.
    fn start_monitor(&mut self) {
        let file = self.monitor_file();
        let address = format!("--address={}", self.bus.address());
        let rule =
            "--match=type='method_call',interface='org.freedesktop.Notifications',member='Notify'";
        let monitor = self.part(
            "busctl",
            &[&address, "--json=short", rule, "monitor"],
            Output::File(&file),
        );
        self.others.push(monitor);
        // The monitor is deaf until the bus has made it one, so it has to hear a first call.
        wait_for(SOON, "the monitor hears", || {
            self.bus
                .try_ask(
                    "org.freedesktop.DBus",
                    "/",
                    "org.freedesktop.Notifications",
                    "Notify",
                    &[],
                )
                .ok();
            (fs::metadata(&file).is_ok_and(|file| file.len() > 0)).then_some(())
        });
    }

    fn monitor_file(&self) -> PathBuf {
        self.folder.path().join("notifications.jsonl")
    }

    fn part(&self, program: &str, args: &[&str], stdout: Output) -> Process {
        Process::start(&Start {
            program: program.as_ref(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: self.env.clone(),
            cwd: self.folder.path(),
            stdout,
            stderr: Some(&self.folder.path().join(format!("{program}.err"))),
        })
    }
}

/// Returns the place of something to look at after the tests.
#[must_use]
pub fn artifact(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-artifacts");
    fs::create_dir_all(&folder).expect("make the folder of artifacts");
    folder.join(name)
}

/// Waits for the other desktops of this machine's tests to end.
fn only_one() -> File {
    let file = File::create(std::env::temp_dir().join("mission-control-desktop-test.lock"));
    let file = file.expect("make a lock file");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("take the lock");
    file
}

fn environment(folder: &Path) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        (
            "PATH".to_owned(),
            process::own_env("PATH").expect("PATH is set"),
        ),
        ("HOME".to_owned(), text(folder)),
    ]);
    for (name, value) in [
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("NO_AT_BRIDGE", "1"),
        ("GTK_A11Y", "none"),
        ("GDK_BACKEND", "x11"),
        ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ("XFCE_PANEL_MIGRATE_DEFAULT", "1"),
        // WebDriver can only drive a web view that was made for it.
        ("TAURI_AUTOMATION", "true"),
        ("TAURI_WEBVIEW_AUTOMATION", "true"),
    ] {
        env.insert(name.to_owned(), value.to_owned());
    }
    for (name, part) in [
        ("XDG_RUNTIME_DIR", "runtime"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
    ] {
        let path = folder.join(part);
        fs::create_dir_all(&path).expect("make a folder");
        rustix::fs::chmod(&path, rustix::fs::Mode::RWXU).expect("keep others out");
        env.insert(name.to_owned(), text(&path));
    }
    env
}

/// Starts a display and returns its name. It stays as it is when its last client leaves, which
/// would otherwise throw out a window manager that is just coming.
fn start_display(env: &BTreeMap<String, String>, folder: &Path) -> (Process, String) {
    let args = [
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1280x800x24",
        "-noreset",
        "-nolisten",
        "tcp",
    ];
    let (process, number) = start_and_read_line("Xvfb", &args, env, folder);
    (process, format!(":{number}"))
}

/// Starts a session bus that can start nothing but the panel's settings, and returns its address.
fn start_bus(env: &BTreeMap<String, String>, folder: &Path) -> (Process, String) {
    let services = folder.join("services");
    fs::create_dir_all(&services).expect("make a folder");
    let settings = "org.xfce.Xfconf.service";
    fs::copy(
        Path::new("/usr/share/dbus-1/services").join(settings),
        services.join(settings),
    )
    .expect("copy the panel's settings service");
    let config = folder.join("bus.conf");
    let content = format!(
        "<busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
         <servicedir>{}</servicedir><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
         </policy></busconfig>",
        folder.display(),
        services.display()
    );
    fs::write(&config, content).expect("write the bus's settings");
    let config = format!("--config-file={}", config.display());
    start_and_read_line(
        "dbus-daemon",
        &[&config, "--nofork", "--print-address"],
        env,
        folder,
    )
}

fn start_and_read_line(
    program: &str,
    args: &[&str],
    env: &BTreeMap<String, String>,
    folder: &Path,
) -> (Process, String) {
    let stderr = folder.join(format!("{program}.err"));
    let mut process = Process::start(&Start {
        program: program.as_ref(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: env.clone(),
        cwd: folder,
        stdout: Output::Pipe,
        stderr: Some(&stderr),
    });
    let mut line = String::new();
    let stdout = process.take_stdout().expect("a piped output");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("read the first line");
    let line = line.trim().to_owned();
    let said = fs::read_to_string(&stderr).unwrap_or_default();
    assert!(!line.is_empty(), "{program} did not start: {said}");
    (process, line)
}

fn notified(message: &Value) -> Option<Notified> {
    (message["destination"] != "org.freedesktop.DBus").then_some(())?;
    let arguments = message["payload"]["data"].as_array()?;
    let part = |at: usize| Some(arguments.get(at)?.as_str()?.to_owned());
    let actions = arguments.get(5)?.as_array()?;
    Some(Notified {
        app: part(0)?,
        title: part(3)?,
        body: part(4)?,
        actions: actions
            .iter()
            .filter_map(|action| action.as_str().map(str::to_owned))
            .collect(),
    })
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
