//! The settings file: TOML, strict about its keys, never written from here.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;
use jiff::civil::Time;
use mission_control_core::notice::NoticeKind;
use mission_control_core::spelling::nearest_name;
use serde::Deserialize;

/// Everything a person can set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// About Codex.
    pub codex: CodexSettings,
    /// About Claude Code.
    pub claude_code: ClaudeCodeSettings,
    /// When and how to notify.
    pub notifications: NotificationSettings,
    /// What lists hold.
    pub list: ListSettings,
    /// How files are watched.
    pub watch: WatchSettings,
    /// How sessions are stopped.
    pub stop: StopSettings,
    /// How delegated tasks run.
    pub tasks: TaskSettings,
}

/// `[codex]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodexSettings {
    /// Homes besides the usual one: absolute, or beginning with `~/`.
    pub homes: Vec<String>,
    /// The program that runs delegated tasks; the one on the search path if not set.
    pub program: Option<String>,
}

/// `[claude_code]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaudeCodeSettings {
    /// Homes besides the usual one: absolute, or beginning with `~/`.
    pub homes: Vec<String>,
}

impl Settings {
    /// Returns the program of the agent that tasks are delegated to, if one is set.
    #[must_use]
    pub fn delegate_program(&self) -> Option<&str> {
        self.codex.program.as_deref()
    }
}

/// Shortest time between two things that are done again and again.
const SHORTEST: Duration = Duration::from_millis(50);

/// `[notifications]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationSettings {
    /// Whether anything is shown at all.
    pub enabled: bool,
    /// Completed turns shorter than this, in seconds, are not announced.
    pub min_turn_seconds: u32,
    /// When nothing is shown.
    pub quiet_hours: Option<QuietHours>,
    /// What is wished of single projects, by the name of their folder.
    pub projects: BTreeMap<String, ProjectNotifications>,
    /// Which kinds are shown; see [`NotificationSettings::wants`] for those not named.
    pub kinds: BTreeMap<NoticeKind, bool>,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            min_turn_seconds: 0,
            quiet_hours: None,
            projects: BTreeMap::new(),
            kinds: BTreeMap::new(),
        }
    }
}

/// `[notifications.projects."<name>"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectNotifications {
    /// Whether anything of the project is shown.
    pub enabled: bool,
}

impl Default for ProjectNotifications {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl NotificationSettings {
    /// Returns whether notices of `kind` are shown; all are, except turns a person interrupted.
    #[must_use]
    pub fn wants(&self, kind: NoticeKind) -> bool {
        let usual = match kind {
            NoticeKind::TurnInterrupted => false,
            NoticeKind::TurnCompleted
            | NoticeKind::TurnFailed
            | NoticeKind::NeedsYou
            | NoticeKind::SessionDied
            | NoticeKind::TaskFinished => true,
        };
        self.enabled && self.kinds.get(&kind).copied().unwrap_or(usual)
    }

    /// Returns whether anything of a project is shown.
    #[must_use]
    pub fn wants_project(&self, name: &str) -> bool {
        self.projects
            .get(name)
            .is_none_or(|project| project.enabled)
    }
}

/// `[list]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListSettings {
    /// For how many hours an ended session stays listed.
    pub recent_hours: u16,
}

impl Default for ListSettings {
    fn default() -> Self {
        Self { recent_hours: 24 }
    }
}

/// `[watch]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSettings {
    /// How often live files are looked at where the system cannot tell of changes.
    pub poll_seconds: u16,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { poll_seconds: 2 }
    }
}

/// `[stop]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopSettings {
    /// Between asking a session's process to end and ending it.
    pub grace_seconds: Seconds,
}

impl Default for StopSettings {
    fn default() -> Self {
        Self {
            grace_seconds: Seconds::whole(5),
        }
    }
}

/// `[tasks]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSettings {
    /// How many tasks run at the same time.
    pub max_concurrent: u32,
    /// How many of them on one repository.
    pub max_per_repository: u32,
    /// How many tasks may stand above one another.
    pub max_depth: u32,
    /// Between two signs of life in a task's log.
    pub heartbeat_seconds: Seconds,
    /// Without an event before a warning.
    pub silence_seconds: Seconds,
    /// Without an event before a task is ended; 0 means never.
    pub idle_timeout_seconds: Seconds,
    /// In all before a task is ended; 0 means never.
    pub hard_timeout_seconds: Seconds,
    /// For the agent to leave by itself after its answer.
    pub answer_grace_seconds: Seconds,
    /// For processes that are left when the agent has left.
    pub leftover_grace_seconds: Seconds,
    /// Between asking an agent to end and ending it.
    pub term_grace_seconds: Seconds,
    /// Between two looks of a task that waits for its turn.
    pub poll_seconds: Seconds,
    /// Between two questions about a task in the cloud.
    pub cloud_poll_seconds: Seconds,
    /// For the cloud to take a task before the caller is told its id; it goes on being handed in.
    pub cloud_answer_seconds: Seconds,
    /// For how many days a task stays whose result was seen.
    pub keep_days: u32,
    /// What happens when somebody asks to run without a sandbox.
    pub danger_full_access: DangerPolicy,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            max_concurrent: 4,
            max_per_repository: 2,
            max_depth: 1,
            heartbeat_seconds: Seconds::whole(30),
            silence_seconds: Seconds::whole(120),
            idle_timeout_seconds: Seconds::whole(30 * 60),
            hard_timeout_seconds: Seconds::whole(12 * 60 * 60),
            answer_grace_seconds: Seconds::whole(30),
            leftover_grace_seconds: Seconds::whole(2),
            term_grace_seconds: Seconds::whole(10),
            poll_seconds: Seconds::whole(10),
            cloud_poll_seconds: Seconds::whole(15),
            cloud_answer_seconds: Seconds::whole(40),
            keep_days: 30,
            danger_full_access: DangerPolicy::Ask,
        }
    }
}

/// What happens when somebody asks to run without a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DangerPolicy {
    /// The task waits for a person's consent.
    Ask,
    /// It runs.
    Allow,
    /// It is refused.
    Forbid,
}

/// A length of time, written in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(Duration);

impl Seconds {
    const fn whole(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Returns the length of time.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Returns the length of time as a limit; none means that there is none.
    #[must_use]
    pub const fn limit(self) -> Option<Duration> {
        if self.0.is_zero() { None } else { Some(self.0) }
    }
}

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| format!("`{seconds}` is not a number of seconds"))
    }
}

/// A span of the day, such as `22:00-07:00`, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct QuietHours {
    from: Time,
    until: Time,
}

impl QuietHours {
    /// Returns whether `time` lies in the span; the span may cross midnight.
    #[must_use]
    pub fn contain(&self, time: Time) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

impl TryFrom<String> for QuietHours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wanted = || format!("`{text}` is not a span such as `22:00-07:00`");
        let (from, until) = text.split_once('-').ok_or_else(wanted)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wanted());
        Ok(Self {
            from: time(from)?,
            until: time(until)?,
        })
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there and cannot be read.
    #[error("read the settings file `{path}`")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something this program does not understand.
    #[error("understand line {line} of the settings file `{path}`: {says}")]
    Malformed {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there, naming the key.
        says: String,
    },
}

impl Settings {
    /// Reads the settings file; an absent file means the defaults.
    ///
    /// # Errors
    /// When the file cannot be read or understood. It is never changed.
    pub fn load(path: &Utf8Path) -> Result<Self, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(SettingsError::Unreadable {
                path: path.to_string(),
                source,
            }),
        }
    }

    fn parse(path: &Utf8Path, text: &str) -> Result<Self, SettingsError> {
        let malformed = |line, says| SettingsError::Malformed {
            path: path.to_string(),
            line,
            says,
        };
        let settings: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            malformed(
                line_at(text, start),
                explain(error.message(), key_at(text, start)),
            )
        })?;
        let refused = |value: &str, says: &str| {
            let line = text.find(value).map_or(1, |byte| line_at(text, byte));
            Err(malformed(line, format!("`{value}` {says}")))
        };
        if settings.list.recent_hours == 0 {
            return refused("recent_hours", "must be at least 1");
        }
        if settings.watch.poll_seconds == 0 {
            return refused("poll_seconds", "must be at least 1");
        }
        for (key, n) in [
            ("max_concurrent", settings.tasks.max_concurrent),
            ("max_per_repository", settings.tasks.max_per_repository),
        ] {
            if n == 0 {
                return refused(key, "must be at least 1");
            }
        }
        for (key, length) in [
            ("heartbeat_seconds", settings.tasks.heartbeat_seconds),
            ("poll_seconds", settings.tasks.poll_seconds),
        ] {
            if length.duration() < SHORTEST {
                let tasks = text.find("[tasks]").unwrap_or(0);
                let in_tasks = text.get(tasks..).and_then(|text| text.find(key));
                let line = in_tasks.map_or(1, |byte| line_at(text, tasks + byte));
                return Err(malformed(line, format!("`{key}` must be at least 0.05")));
            }
        }
        let is_usable = |home: &&String| {
            Utf8Path::new(home).is_absolute() || *home == "~" || home.starts_with("~/")
        };
        let mut homes = settings
            .codex
            .homes
            .iter()
            .chain(&settings.claude_code.homes);
        match homes.find(|home| !is_usable(home)) {
            Some(home) => refused(home, "is neither absolute nor begins with `~/`"),
            None => Ok(settings),
        }
    }
}

fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}

/// Returns the key of the line that holds `byte`, if that line has one.
fn key_at(text: &str, byte: usize) -> Option<&str> {
    let line = text.lines().nth(line_at(text, byte) - 1)?;
    let key = line.split_once('=')?.0.trim();
    (!key.is_empty()).then_some(key)
}

/// Says it in one line, with the key, and with the nearest known name where one is not known.
fn explain(message: &str, key: Option<&str>) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown ");
    let (true, Some(given)) = (is_unknown, names.next()) else {
        let message = message.trim_end().replace('\n', ", ");
        return match key {
            Some(key) => format!("`{key}`: {message}"),
            None => message,
        };
    };
    match nearest_name(given, names) {
        Some(known) => format!("`{given}` is not known; perhaps `{known}` is meant"),
        None => format!("`{given}` is not known ({})", message.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Utf8Path::new("/s.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn absent_keys_mean_the_defaults() {
        assert_eq!(parse(""), Ok(Settings::default()));
        assert_eq!(parse("[list]\n").unwrap().list.recent_hours, 24);
    }

    #[test]
    fn everything_that_is_set_arrives() {
        let settings = parse(
            "[codex]\nhomes = ['~/work']\n[notifications]\nmin_turn_seconds = 5\n\
             quiet_hours = '22:00-07:00'\nkinds = { turn_completed = false, turn_interrupted = true }\n\
             [notifications.projects.\"my site\"]\nenabled = false\n[notifications.projects.acme]\n\
             [stop]\ngrace_seconds = 0.5\n",
        )
        .unwrap();

        let notifications = &settings.notifications;
        assert_eq!(settings.codex.homes, ["~/work"]);
        assert!(!notifications.wants(NoticeKind::TurnCompleted));
        assert!(notifications.wants(NoticeKind::TurnInterrupted));
        assert!(notifications.wants(NoticeKind::NeedsYou));
        assert!(!notifications.wants_project("my site"));
        assert!(notifications.wants_project("acme") && notifications.wants_project("other"));
        let grace = settings.stop.grace_seconds.duration();
        assert_eq!(grace, Duration::from_millis(500));
        let quiet = notifications.quiet_hours.unwrap();
        assert!(quiet.contain(Time::constant(23, 30, 0, 0)));
        assert!(quiet.contain(Time::constant(6, 59, 0, 0)));
        assert!(!quiet.contain(Time::constant(7, 0, 0, 0)));
    }

    #[test]
    fn lengths_of_time_may_have_fractions() {
        let tasks = parse("[tasks]\npoll_seconds = 0.25\nidle_timeout_seconds = 0\n")
            .unwrap()
            .tasks;

        assert_eq!(tasks.poll_seconds.duration(), Duration::from_millis(250));
        assert_eq!(tasks.idle_timeout_seconds.limit(), None);
        assert!(parse("[tasks]\npoll_seconds = -1\n").is_err());
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(
            parse(text).unwrap_err().split_once(": ").unwrap(),
            (expected.split_once(": ").unwrap())
        );
    }

    #[test]
    fn a_typo_names_its_line_and_the_nearest_key() {
        let at = |line| format!("understand line {line} of the settings file `/s.toml`");
        check_refused(
            "# mine\n[notifications]\nenabeld = true\n",
            &format!(
                "{}: `enabeld` is not known; perhaps `enabled` is meant",
                at(3)
            ),
        );
        check_refused(
            "[watsh]\n",
            &format!("{}: `watsh` is not known; perhaps `watch` is meant", at(1)),
        );
        check_refused(
            "[notifications]\nkinds = { need_you = true }\n",
            &format!(
                "{}: `need_you` is not known; perhaps `needs_you` is meant",
                at(2)
            ),
        );
        check_refused(
            "[watch]\npoll_seconds = \"often\"\n",
            &format!(
                "{}: `poll_seconds`: invalid type: string \"often\", expected u16",
                at(2)
            ),
        );
        check_refused(
            "recent = \n",
            &format!(
                "{}: `recent`: string values must be quoted, expected literal string",
                at(1)
            ),
        );
        check_refused(
            "[codex]\nhomes = ['/srv', 'relative/home']\n",
            &format!(
                "{}: `relative/home` is neither absolute nor begins with `~/`",
                at(2)
            ),
        );
        check_refused(
            "\n[watch]\npoll_seconds = 0\n",
            &format!("{}: `poll_seconds` must be at least 1", at(3)),
        );
        check_refused(
            "[watch]\npoll_seconds = 1\n[tasks]\npoll_seconds = 0\n",
            &format!("{}: `poll_seconds` must be at least 0.05", at(4)),
        );
        check_refused(
            "[tasks]\nheartbeat_seconds = 0.01\n",
            &format!("{}: `heartbeat_seconds` must be at least 0.05", at(2)),
        );
        check_refused(
            "[notifications]\nquiet_hours = 'late'\n",
            &format!(
                "{}: `quiet_hours`: `late` is not a span such as `22:00-07:00`",
                at(2)
            ),
        );
    }
}
