//! A terminal without a screen: a program in a tmux of its own, typed into and read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::{self, Exit, Said};
use crate::wait::{Deadline, PATIENT, SOON, wait_until};

/// A terminal with one program in it; both end when dropped.
#[derive(Debug)]
pub struct Terminal {
    folder: TempDir,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
}

impl Terminal {
    /// Starts a program in a terminal.
    #[track_caller]
    #[must_use]
    pub fn start(program: &[&str], env: &BTreeMap<String, String>, cwd: &Path) -> Self {
        let mut env = env.clone();
        env.insert("TERM".to_owned(), "xterm-256color".to_owned());
        let folder = tempfile::Builder::new()
            .prefix("mc-tmux-")
            .tempdir()
            .expect("make a folder");
        let terminal = Self {
            folder,
            env,
            cwd: cwd.to_owned(),
        };
        let size = ["new-session", "-d", "-x", "140", "-y", "50"];
        let said = terminal.tmux(&[&size[..], program].concat());
        assert_eq!(said.exit, Exit::Code(0), "start a terminal: {said:?}");
        terminal
    }

    /// Returns what stands on the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).stdout
    }

    /// Returns the socket of its tmux.
    #[must_use]
    pub fn socket(&self) -> String {
        let socket = self.folder.path().join("tmux");
        socket.to_str().expect("a path in UTF-8").to_owned()
    }

    /// Returns the process that was started in it.
    #[track_caller]
    #[must_use]
    pub fn pid(&self) -> u32 {
        let said = self.tmux(&["list-panes", "-F", "#{pane_pid}"]);
        said.stdout.trim().parse().expect("a process in the pane")
    }

    /// Closes its window: the program hears that its terminal hung up.
    pub fn close(&self) {
        drop(self.tmux(&["kill-server"]));
    }

    /// Returns whether the program still runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tmux(&["list-sessions"]).exit == Exit::Code(0)
    }

    /// Waits until a text stands on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let mut screen = String::new();
        let is_there = wait_until(Deadline::after(PATIENT), || {
            screen = self.screen();
            screen.contains(text)
        });
        assert!(is_there, "not on the screen: {text}\n{screen}");
    }

    /// Waits until a text is gone from the screen.
    #[track_caller]
    pub fn wait_until_gone(&self, text: &str) {
        let mut screen = String::new();
        let is_gone = wait_until(Deadline::after(PATIENT), || {
            screen = self.screen();
            !screen.contains(text)
        });
        assert!(is_gone, "still on the screen: {text}\n{screen}");
    }

    /// Types a text until it stands there: keys get lost while the screen changes.
    #[track_caller]
    pub fn type_in(&self, text: &str) {
        let mut screen = String::new();
        let is_typed = wait_until(Deadline::after(PATIENT), || {
            self.press(&["-l", text]);
            let is_there = wait_until(Deadline::after(SOON), || {
                screen = self.screen();
                screen.contains(text)
            });
            if !is_there {
                self.press(&["C-u"]);
            }
            is_there
        });
        assert!(is_typed, "cannot be typed: {text}\n{screen}");
    }

    /// Presses keys, by the names tmux has for them.
    pub fn press(&self, keys: &[&str]) {
        drop(self.tmux(&[&["send-keys"], keys].concat()));
    }

    /// Closes the terminal under its program, as a window that is closed.
    pub fn kill(&self) {
        drop(self.tmux(&["kill-server"]));
    }

    fn tmux(&self, words: &[&str]) -> Said {
        let socket = self.socket();
        let all = [&["-f", "/dev/null", "-S", &socket], words].concat();
        process::run("tmux".as_ref(), &all, &self.env, &self.cwd)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.kill();
    }
}
