//! Plays a recorded session into a temporary home, so that a newcomer sees sessions move.
//!
//! The home looks to every watcher like a real one: lines are appended one by one and the
//! writer's lock is held while they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use mission_control_core::source::Source;

use crate::clock::{self, Clock};
use crate::places::Home;
use crate::source::codex;

/// See `demo/README.md`.
const SCRIPT: &str = include_str!("../demo/script.txt");

/// How long the sessions stay open after the last line.
const OPEN_AFTERWARDS: Duration = Duration::from_secs(3);

/// A demo that plays. It ends by itself; dropping it ends it earlier and removes its home.
#[derive(Debug)]
pub struct Demo {
    home: Home,
    /// Dropped to end the player.
    stop: Option<mpsc::Sender<()>>,
    player: Option<JoinHandle<()>>,
}

/// Why the demo cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its home cannot be made.
    #[error("make the demo's home `{path}`")]
    Home {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its player cannot be started.
    #[error("start the demo")]
    Start(#[source] io::Error),
}

impl Demo {
    /// Makes a home in the folder for temporary files and begins to play into it.
    ///
    /// # Errors
    /// When the home cannot be made or the player cannot be started.
    pub fn start() -> Result<Self, DemoError> {
        let folder = Utf8PathBuf::from_path_buf(std::env::temp_dir());
        let folder = folder.map_err(|path| DemoError::Home {
            path: path.to_string_lossy().into_owned(),
            source: io::Error::new(io::ErrorKind::InvalidFilename, "its name is not UTF-8"),
        })?;
        Self::start_in(&folder)
    }

    /// Makes a home in `folder` and begins to play into it.
    ///
    /// # Errors
    /// When the home cannot be made or the player cannot be started.
    pub fn start_in(folder: &Utf8Path) -> Result<Self, DemoError> {
        Self::start_at(folder, 1)
    }

    /// Begins to play `speed` times as fast.
    fn start_at(folder: &Utf8Path, speed: u32) -> Result<Self, DemoError> {
        let path = folder.join(format!("mission-control-demo-{}", std::process::id()));
        let stage = Stage::new(&path).map_err(|source| DemoError::Home {
            path: path.to_string(),
            source,
        })?;
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("demo".to_owned());
        let player = thread.spawn(move || {
            if let Err(error) = stage.play(speed, &stopped) {
                tracing::warn!(%error, "The demo ended early.");
            }
        });
        Ok(Self {
            home: Home {
                source: Source::Codex,
                path,
            },
            stop: Some(stop),
            player: Some(player.map_err(DemoError::Start)?),
        })
    }

    /// Returns the home it plays into, to be watched in place of the agents' own.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// Returns whether everything has been played.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.player.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(Err(_)) = self.player.take().map(JoinHandle::join) {
            tracing::warn!("The demo's player panicked.");
        }
        let path = &self.home.path;
        if let Err(error) = std::fs::remove_dir_all(path) {
            tracing::warn!(%path, %error, "The demo's home could not be removed.");
        }
    }
}

/// The home that is played into.
struct Stage {
    home: Utf8PathBuf,
    clock: Clock,
    started: Timestamp,
    rollouts: BTreeMap<u32, Rollout>,
}

/// A session that is being played, and its lock while it is open.
struct Rollout {
    file: File,
    lock: File,
    lock_path: Utf8PathBuf,
}

impl Stage {
    fn new(home: &Utf8Path) -> io::Result<Self> {
        let clock = Clock::start();
        let now = clock.now();
        // Where everybody may write, a folder that is there already may be somebody else's.
        std::fs::create_dir(home)?;
        std::fs::create_dir_all(codex::lock_folder(home))?;
        std::fs::create_dir_all(codex::dated_folder(home, clock::local(now).date()))?;
        Ok(Self {
            home: home.to_owned(),
            clock,
            started: now.wall,
            rollouts: BTreeMap::new(),
        })
    }

    /// Plays to the end, or until the other end of `stopped` is dropped.
    fn play(mut self, speed: u32, stopped: &mpsc::Receiver<()>) -> io::Result<()> {
        for cue in SCRIPT.lines().filter_map(Cue::parse) {
            if self.is_stopped_before(Duration::from_millis(cue.at_ms) / speed, stopped) {
                return Ok(());
            }
            let line = fill(cue.line, self.started);
            let mut rollout = match self.rollouts.remove(&cue.rollout) {
                Some(rollout) => rollout,
                None => self.open(cue.rollout)?,
            };
            writeln!(rollout.file, "{line}")?;
            self.rollouts.insert(cue.rollout, rollout);
        }
        let afterwards = self.clock.now().steady + OPEN_AFTERWARDS / speed;
        if !self.is_stopped_before(afterwards, stopped) {
            for rollout in self.rollouts.into_values() {
                drop(rollout.file);
                std::fs::remove_file(&rollout.lock_path)?;
                rollout.lock.unlock()?;
            }
        }
        Ok(())
    }

    fn is_stopped_before(&self, due: Duration, stopped: &mpsc::Receiver<()>) -> bool {
        let pause = due.saturating_sub(self.clock.now().steady);
        stopped.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    fn open(&self, number: u32) -> io::Result<Rollout> {
        let thread = id(number, self.started);
        let lock_path = codex::lock_file(&self.home, &thread);
        let lock = File::create(&lock_path)?;
        lock.lock()?;
        let now = clock::local(self.clock.now());
        let name = format!(
            "rollout-{}-{thread}.jsonl",
            now.strftime("%Y-%m-%dT%H-%M-%S")
        );
        let folder = codex::dated_folder(&self.home, now.date());
        std::fs::create_dir_all(&folder)?;
        let file = File::options()
            .append(true)
            .create_new(true)
            .open(folder.join(name))?;
        Ok(Rollout {
            file,
            lock,
            lock_path,
        })
    }
}

/// One line of the script.
struct Cue {
    at_ms: u64,
    rollout: u32,
    line: &'static str,
}

impl Cue {
    fn parse(text: &'static str) -> Option<Self> {
        let (at_ms, rest) = text.split_once(' ')?;
        let (rollout, line) = rest.split_once(' ')?;
        Some(Self {
            at_ms: at_ms.parse().ok()?,
            rollout: rollout.parse().ok()?,
            line,
        })
    }
}

/// Replaces the placeholders of a line.
fn fill(line: &str, started: Timestamp) -> String {
    let mut parts = line.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let value = part
            .split_once('}')
            .and_then(|(placeholder, rest)| Some((value_of(placeholder, started)?, rest)));
        match value {
            Some((value, rest)) => {
                filled.push_str(&value);
                filled.push_str(rest);
            }
            None => {
                filled.push('{');
                filled.push_str(part);
            }
        }
    }
    filled
}

fn value_of(placeholder: &str, started: Timestamp) -> Option<String> {
    let kind = placeholder.chars().next()?;
    let number: i64 = placeholder.strip_prefix(kind)?.parse().ok()?;
    let at = started
        .checked_add(SignedDuration::from_millis(number))
        .ok()?;
    match kind {
        'T' => Some(format!("{at:.3}")),
        'S' => Some(at.as_second().to_string()),
        'M' => Some(at.as_millisecond().to_string()),
        'U' => Some(id(u32::try_from(number).ok()?, started)),
        _ => None,
    }
}

/// Makes an id that no other demo has, in the form and order of real ones.
fn id(number: u32, started: Timestamp) -> String {
    let made = started.as_millisecond() + i64::from(number);
    let (high, low) = (made >> 16, made & 0xffff);
    format!(
        "{high:08x}-{low:04x}-7{number:03x}-8000-{:012x}",
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use mission_control_core::event::EventBody;
    use mission_control_core::session::{EndedHow, Status};

    use super::*;
    use crate::monitor::{Monitor, MonitorOptions};
    use crate::places::Places;
    use crate::testing::{block_on, eventually, temp_folder};

    fn monitor(demo: &Demo, folder: &Utf8Path) -> Monitor {
        Monitor::start(MonitorOptions {
            places: Places {
                state: folder.join("state"),
                settings_file: folder.join("settings.toml"),
                homes: vec![demo.home().clone()],
            },
            notify_since: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn sessions_are_live_while_it_plays_and_done_afterwards() {
        let (_guard, folder) = temp_folder();
        let demo = Demo::start_at(&folder, 50).unwrap();

        let seen = block_on(async {
            let monitor = monitor(&demo, &folder);
            let mut events = monitor.subscribe().await;
            let mut statuses = std::collections::BTreeSet::new();
            let mut n_done = 0;
            let mut n_notices = 0;
            // One notice for each session that a person would have started.
            while (n_done, n_notices) != (3, 2) {
                match events.recv().await.unwrap().body {
                    EventBody::SessionDiscovered { session }
                    | EventBody::SessionUpdated { session } => {
                        statuses.insert(session.status);
                        assert_eq!(session.skipped_lines, 0);
                    }
                    EventBody::SessionClosed { session } => {
                        assert_eq!(session.ended.unwrap().how, EndedHow::Finished);
                        n_done += 1;
                    }
                    EventBody::Notice { .. } => n_notices += 1,
                    EventBody::Snapshot { .. }
                    | EventBody::Summary { .. }
                    | EventBody::TaskUpdated { .. }
                    | EventBody::Heartbeat {} => {}
                }
            }
            statuses
        });

        assert!(seen.contains(&Status::Working), "{seen:?}");
        eventually(|| demo.has_ended().then_some(()));
        let home = demo.home().path.clone();
        drop(demo);
        assert!(!home.exists());
    }

    #[test]
    fn it_can_be_ended_early() {
        let (_guard, folder) = temp_folder();
        let demo = Demo::start_in(&folder).unwrap();
        let home = demo.home().path.clone();
        assert!(home.exists() && !demo.has_ended());

        drop(demo);

        assert!(!home.exists());
    }

    #[test]
    fn every_line_of_the_script_is_filled() {
        for cue in SCRIPT.lines() {
            let cue = Cue::parse(cue).unwrap();
            let line: serde_json::Value =
                serde_json::from_str(&fill(cue.line, Timestamp::UNIX_EPOCH)).unwrap();
            assert!(line["timestamp"].is_string());
        }
    }
}
