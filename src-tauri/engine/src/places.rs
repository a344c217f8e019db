//! Where things are kept. The only reader of the environment.

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;

use crate::settings::{Settings, SettingsError};

/// Where this program and the agents keep their files; all paths absolute.
#[derive(Clone, Debug)]
pub struct Places {
    /// This program's state folder.
    pub state: Utf8PathBuf,
    /// The settings file.
    pub settings_file: Utf8PathBuf,
    /// The agents' homes.
    pub homes: Vec<Home>,
}

/// One home of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Whose.
    pub source: Source,
    /// Where.
    pub path: Utf8PathBuf,
}

/// What stands for display and session bus on systems where they are part of the system.
const BUILT_IN: Option<&str> = if cfg!(any(windows, target_os = "macos")) {
    Some("part of the system")
} else {
    None
};

/// What the environment says, as it was when it was read.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `$MISSION_CONTROL_HOME`.
    pub mission_control_home: Option<Utf8PathBuf>,
    /// `$CODEX_HOME`.
    pub codex_home: Option<Utf8PathBuf>,
    /// `$CLAUDE_CONFIG_DIR`.
    pub claude_config_dir: Option<Utf8PathBuf>,
    /// The person's home folder.
    pub home: Option<Utf8PathBuf>,
    /// Where the platform keeps state.
    pub state_folder: Option<Utf8PathBuf>,
    /// Where the platform keeps settings.
    pub config_folder: Option<Utf8PathBuf>,
    /// The folder relative paths start from.
    pub current_folder: Option<Utf8PathBuf>,
    /// The folders programs are looked for in.
    pub program_folders: Vec<Utf8PathBuf>,
    /// The display, if there is one: `$WAYLAND_DISPLAY`, `$DISPLAY`, or part of the system.
    pub display: Option<String>,
    /// The X11 display, if there is one: `$DISPLAY`.
    pub x11_display: Option<String>,
    /// `$TMUX_TMPDIR`, the folder of tmux's sockets.
    pub tmux_folder: Option<Utf8PathBuf>,
    /// The address of the session bus, if there is one.
    pub session_bus: Option<String>,
    /// The person's name on this system.
    pub user: Option<String>,
    /// The session of the agent that started this program, if one did.
    pub session: Option<String>,
    /// The process of the agent that called this program as a hook, if it says so.
    pub hook_caller: Option<u32>,
    /// How that agent was started.
    pub entrypoint: Option<String>,
    /// The folder that agent works in.
    pub project_folder: Option<Utf8PathBuf>,
    /// How many delegated tasks stand above this program.
    pub task_depth: u32,
}

/// Why it cannot be said where things are.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// No home folder, and no variable that replaces it.
    #[error("find a folder for state: neither `HOME` nor `MISSION_CONTROL_HOME` is set")]
    NoHome,
    /// A further home in the settings is neither absolute nor below `~`.
    #[error("use `{0}` as a home: it is neither absolute nor begins with `~/`")]
    Relative(String),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn read() -> Self {
        let runtime_bus = || {
            let socket = utf8(dirs::runtime_dir())?.join("bus");
            socket.exists().then(|| format!("unix:path={socket}"))
        };
        Self {
            mission_control_home: path_variable("MISSION_CONTROL_HOME"),
            codex_home: path_variable("CODEX_HOME"),
            claude_config_dir: path_variable("CLAUDE_CONFIG_DIR"),
            home: utf8(dirs::home_dir()),
            state_folder: utf8(dirs::state_dir().or_else(dirs::data_local_dir)),
            config_folder: utf8(dirs::config_dir()),
            current_folder: utf8(std::env::current_dir().ok()),
            program_folders: variable("PATH")
                .map(|path| {
                    std::env::split_paths(&path)
                        .filter_map(|p| utf8(Some(p)))
                        .collect()
                })
                .unwrap_or_default(),
            display: variable("WAYLAND_DISPLAY")
                .or_else(|| variable("DISPLAY"))
                .or_else(|| BUILT_IN.map(str::to_owned)),
            x11_display: variable("DISPLAY"),
            tmux_folder: path_variable("TMUX_TMPDIR"),
            session_bus: variable("DBUS_SESSION_BUS_ADDRESS")
                .or_else(runtime_bus)
                .or_else(|| BUILT_IN.map(str::to_owned)),
            user: variable("USER"),
            session: variable("CLAUDE_CODE_SESSION_ID")
                .map(|id| format!("claude_code:{id}"))
                .or_else(|| variable("CODEX_THREAD_ID").map(|id| format!("codex:{id}"))),
            hook_caller: variable("CLAUDE_PID").and_then(|pid| pid.parse().ok()),
            entrypoint: variable("CLAUDE_CODE_ENTRYPOINT"),
            project_folder: path_variable("CLAUDE_PROJECT_DIR"),
            task_depth: variable("MISSION_CONTROL_DEPTH")
                .and_then(|depth| depth.parse().ok())
                .unwrap_or(0),
        }
    }

    /// Returns where the settings file is, or would be.
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn settings_file(&self) -> Result<Utf8PathBuf, PlacesError> {
        if let Some(home) = &self.mission_control_home {
            return Ok(self.absolute(home).join("settings.toml"));
        }
        let config = self.config_folder.as_ref().ok_or(PlacesError::NoHome)?;
        Ok(config.join("mission-control").join("settings.toml"))
    }

    fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        match &self.current_folder {
            Some(current) => current.join(path),
            None => path.to_owned(),
        }
    }

    fn expanded(&self, text: &str) -> Result<Utf8PathBuf, PlacesError> {
        let below_home = if text == "~" {
            Some("")
        } else {
            text.strip_prefix("~/")
        };
        if let Some(rest) = below_home {
            let home = self.home.as_ref().ok_or(PlacesError::NoHome)?;
            return Ok(if rest.is_empty() {
                home.clone()
            } else {
                home.join(rest)
            });
        }
        let path = Utf8PathBuf::from(text);
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(PlacesError::Relative(text.to_owned()))
        }
    }
}

impl Places {
    /// Finds the places from the environment of this process and its settings file.
    ///
    /// # Errors
    /// When there is no home folder, or the settings cannot be used.
    pub fn from_environment() -> Result<Self, PlacesError> {
        let environment = Environment::read();
        let settings = Settings::load(&environment.settings_file()?)?;
        Self::resolve(&environment, &settings)
    }

    /// Returns the homes that agents use unless they are told of another one: the first of each.
    #[must_use]
    pub fn usual_homes(&self) -> Vec<&Home> {
        let first = |source: &Source| self.homes.iter().find(|home| home.source == *source);
        Source::ALL.iter().filter_map(first).collect()
    }

    /// Finds the places from values. Nothing is created.
    ///
    /// # Errors
    /// When there is no home folder, or a home in the settings is relative.
    pub fn resolve(environment: &Environment, settings: &Settings) -> Result<Self, PlacesError> {
        let state = match &environment.mission_control_home {
            Some(home) => environment.absolute(home),
            None => environment
                .state_folder
                .as_ref()
                .ok_or(PlacesError::NoHome)?
                .join("mission-control"),
        };
        let mut homes: Vec<Home> = Vec::new();
        for source in Source::ALL.iter().copied() {
            let (set, usual, further) = match source {
                Source::Codex => (&environment.codex_home, ".codex", &settings.codex.homes),
                Source::ClaudeCode => (
                    &environment.claude_config_dir,
                    ".claude",
                    &settings.claude_code.homes,
                ),
            };
            let usual = match (set, &environment.home) {
                (Some(home), _) => Some(environment.absolute(home)),
                (None, Some(home)) => Some(home.join(usual)),
                (None, None) => None,
            };
            let further = further.iter().map(|text| environment.expanded(text));
            for path in usual.into_iter().map(Ok).chain(further) {
                let path = path?;
                let home = Home { source, path };
                if !homes.contains(&home) {
                    homes.push(home);
                }
            }
        }
        Ok(Self {
            state,
            settings_file: environment.settings_file()?,
            homes,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn path_variable(name: &str) -> Option<Utf8PathBuf> {
    variable(name).map(Utf8PathBuf::from)
}

fn utf8(path: Option<std::path::PathBuf>) -> Option<Utf8PathBuf> {
    path.and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment {
            home: Some("/home/dev".into()),
            state_folder: Some("/home/dev/.local/state".into()),
            config_folder: Some("/home/dev/.config".into()),
            current_folder: Some("/srv/base".into()),
            ..Environment::default()
        }
    }

    fn homes(places: &Places) -> Vec<&str> {
        places.homes.iter().map(|home| home.path.as_str()).collect()
    }

    #[test]
    fn without_variables_the_platform_decides() {
        let places = Places::resolve(&environment(), &Settings::default()).unwrap();

        assert_eq!(places.state, "/home/dev/.local/state/mission-control");
        assert_eq!(
            places.settings_file,
            "/home/dev/.config/mission-control/settings.toml"
        );
        assert_eq!(homes(&places), ["/home/dev/.codex", "/home/dev/.claude"]);
    }

    #[test]
    fn variables_win_and_become_absolute() {
        let environment = Environment {
            mission_control_home: Some("state".into()),
            codex_home: Some("agents/codex".into()),
            claude_config_dir: Some("agents/claude".into()),
            ..environment()
        };

        let places = Places::resolve(&environment, &Settings::default()).unwrap();

        assert_eq!(places.state, "/srv/base/state");
        assert_eq!(places.settings_file, "/srv/base/state/settings.toml");
        assert_eq!(
            homes(&places),
            ["/srv/base/agents/codex", "/srv/base/agents/claude"]
        );
    }

    #[test]
    fn further_homes_come_from_the_settings_once_each() {
        let mut settings = Settings::default();
        settings.codex.homes = ["/srv/codex", "~/second", "~/.codex"]
            .map(str::to_owned)
            .into();
        settings.claude_code.homes = vec!["/srv/codex".to_owned()];

        let places = Places::resolve(&environment(), &settings).unwrap();

        assert_eq!(
            homes(&places),
            [
                "/home/dev/.codex",
                "/srv/codex",
                "/home/dev/second",
                "/home/dev/.claude",
                "/srv/codex"
            ]
        );
    }

    #[test]
    fn a_relative_home_in_the_settings_is_refused() {
        let mut settings = Settings::default();
        settings.codex.homes = vec!["second".to_owned()];

        let error = Places::resolve(&environment(), &settings).unwrap_err();

        assert!(matches!(error, PlacesError::Relative(text) if text == "second"));
    }
}
