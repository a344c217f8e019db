//! What every part of delegation needs to know about this machine.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::task::model::TaskId;
use mission_control_core::task::run::RunTimings;
use serde::{Deserialize, Serialize};

use super::folder::TaskFolder;
use super::queue::Limits;
use crate::places::{Environment, Places, PlacesError};
use crate::settings::{Settings, TaskSettings};
use crate::source::{DELEGATE, delegate};

/// Beside the settings.
const ENVIRONMENTS: &str = "environments.json";

/// Where tasks are kept and how they run.
#[derive(Clone, Debug)]
pub struct TaskContext {
    /// The state folder.
    pub state: Utf8PathBuf,
    /// The settings.
    pub settings: TaskSettings,
    /// The folder relative paths start from.
    pub cwd: Utf8PathBuf,
    /// Who asks: the session of an agent, or its project.
    pub owner: Option<String>,
    /// How many tasks stand above this program.
    pub depth: u32,
    /// The file in which a person may describe environments of the cloud.
    pub cloud_environments: Utf8PathBuf,
    pub(crate) launch: LaunchPlaces,
    /// Variables a supervisor needs to find the same state and settings as this program.
    pub(crate) supervisor_variables: BTreeMap<String, String>,
}

/// What a task's agent is started with; kept beside the request, so that another supervisor
/// starts it in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaunchPlaces {
    /// The agent's program.
    pub(crate) program: Utf8PathBuf,
    /// The agent's home.
    pub(crate) home: Utf8PathBuf,
    /// Variables that decide what is found where.
    pub(crate) variables: BTreeMap<String, String>,
}

impl TaskContext {
    /// Finds everything from the environment of this process and its settings file.
    ///
    /// # Errors
    /// When there is no home folder, or the settings cannot be used.
    pub fn from_environment() -> Result<Self, PlacesError> {
        let environment = Environment::read();
        let settings = Settings::load(&environment.settings_file()?)?;
        let places = Places::resolve(&environment, &settings)?;
        Ok(Self::of(&environment, &settings, places))
    }

    /// Finds everything from values.
    #[must_use]
    pub fn of(environment: &Environment, settings: &Settings, places: Places) -> Self {
        let program = match settings.delegate_program() {
            Some(program) => Utf8PathBuf::from(program),
            None => delegate::program_in(&environment.program_folders)
                .unwrap_or_else(|| Utf8PathBuf::from(delegate::PROGRAM)),
        };
        let home = places
            .homes
            .iter()
            .find(|home| home.source == DELEGATE)
            .map(|home| home.path.clone())
            .unwrap_or_default();
        let mut variables = delegate::variables(&home);
        let folders = &environment.program_folders;
        if let Ok(path) = std::env::join_paths(folders)
            && let Ok(path) = path.into_string()
        {
            variables.insert("PATH".to_owned(), path);
        }
        if let Some(home) = &environment.home {
            variables.insert("HOME".to_owned(), home.to_string());
        }
        let cwd = environment
            .current_folder
            .clone()
            .unwrap_or_else(|| Utf8PathBuf::from("/"));
        let owner = environment.session.clone().or_else(|| {
            let project = environment.project_folder.as_ref()?;
            Some(format!("project:{project}"))
        });
        // The state folder decides where the settings are, but only where the variable names it.
        let supervisor_variables = environment
            .mission_control_home
            .as_ref()
            .map(|_| ("MISSION_CONTROL_HOME".to_owned(), places.state.to_string()));
        Self {
            supervisor_variables: supervisor_variables.into_iter().collect(),
            state: places.state,
            settings: settings.tasks.clone(),
            owner: owner.or_else(|| Some(format!("project:{cwd}"))),
            cwd,
            cloud_environments: places.settings_file.with_file_name(ENVIRONMENTS),
            depth: environment.task_depth,
            launch: LaunchPlaces {
                program,
                home,
                variables,
            },
        }
    }

    /// Returns a task's folder.
    #[must_use]
    pub fn folder(&self, id: &TaskId) -> TaskFolder {
        TaskFolder::of(&self.state, id)
    }

    /// Returns the folder that holds the folders of all tasks.
    pub(crate) fn tasks(&self) -> Utf8PathBuf {
        self.state.join("tasks")
    }

    /// Returns `path` as an absolute one.
    #[must_use]
    pub fn absolute(&self, path: &str) -> Utf8PathBuf {
        self.cwd.join(Utf8Path::new(path))
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            n_running: self.settings.max_concurrent,
            n_per_repository: self.settings.max_per_repository,
        }
    }

    pub(crate) fn timings(&self) -> RunTimings {
        let settings = &self.settings;
        RunTimings {
            heartbeat: settings.heartbeat_seconds.duration(),
            silence: settings.silence_seconds.duration(),
            idle_limit: settings.idle_timeout_seconds.limit(),
            total_limit: settings.hard_timeout_seconds.limit(),
            answer_grace: settings.answer_grace_seconds.duration(),
            leftover_grace: settings.leftover_grace_seconds.duration(),
            term_grace: settings.term_grace_seconds.duration(),
            ..RunTimings::default()
        }
    }
}
