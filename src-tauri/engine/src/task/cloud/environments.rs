//! The environments that are known: the program has no list of them, but its tasks name theirs, and
//! a person may keep a file.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::task::failure::FailureReason;
use serde::{Deserialize, Serialize};

use super::list;
use crate::task::context::TaskContext;

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CloudEnvironment {
    /// Its id, where it is known.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The address of its repository.
    pub repo_url: Option<String>,
    /// What it is built with.
    pub stack: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How it is known: `file`, `tasks` or both.
    pub known_from: Vec<&'static str>,
}

/// What is known of environments, and what hindered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environments {
    /// The environments, those of the file first.
    pub known: Vec<CloudEnvironment>,
    /// The file a person may keep.
    pub file: Utf8PathBuf,
    /// Why the file was not read; none also if there is none.
    pub file_fault: Option<String>,
    /// Why the service was not asked with success.
    pub service_fault: Option<FailureReason>,
}

/// An entry of the file, by id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, alias = "repo_url")]
    repo_url: Option<String>,
    #[serde(default)]
    stack: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Returns the environments of the file and of the account's latest tasks.
#[must_use]
pub fn environments(context: &TaskContext, now: Timestamp) -> Environments {
    let file = context.cloud_environments.clone();
    let (mut known, file_fault) = match read(&file) {
        Ok(known) => (known, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let service_fault = match list(context, None, None, None, now) {
        Ok(page) => {
            for entry in page.tasks {
                add(&mut known, entry.environment, entry.environment_label);
            }
            None
        }
        Err(reason) => Some(reason),
    };
    Environments {
        known,
        file,
        file_fault,
        service_fault,
    }
}

fn read(file: &Utf8Path) -> Result<Vec<CloudEnvironment>, String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("`{file}` cannot be read: {error}.")),
    };
    let entries: BTreeMap<String, Entry> = serde_json::from_str(&text)
        .map_err(|error| format!("`{file}` is not understood: {error}."))?;
    let known = entries.into_iter().map(|(id, entry)| CloudEnvironment {
        id: Some(id),
        name: entry.name,
        repo_url: entry.repo_url,
        stack: entry.stack,
        description: entry.description,
        known_from: vec!["file"],
    });
    Ok(known.collect())
}

/// Adds an environment that a task ran in. Tasks name it by id, by name, or both.
fn add(known: &mut Vec<CloudEnvironment>, id: Option<String>, name: Option<String>) {
    if id.is_none() && name.is_none() {
        return;
    }
    let same = known.iter_mut().find(|other| match (&id, &other.id) {
        (Some(id), Some(other)) => id == other,
        _ => name.is_some() && name == other.name,
    });
    match same {
        Some(same) => {
            same.id = same.id.take().or(id);
            same.name = same.name.take().or(name);
            if !same.known_from.contains(&"tasks") {
                same.known_from.push("tasks");
            }
        }
        None => known.push(CloudEnvironment {
            id,
            name,
            known_from: vec!["tasks"],
            ..CloudEnvironment::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::temp_folder;

    #[test]
    fn the_file_and_the_tasks_tell_of_the_same_environments() {
        let (_guard, folder) = temp_folder();
        let file = folder.join("environments.json");
        let text =
            r#"{"env_1":{"name":"acme","repoUrl":"https://github.com/acme/acme","stack":"rust"}}"#;
        std::fs::write(&file, text).unwrap();
        let text = |text: &str| Some(text.to_owned());

        let mut known = read(&file).unwrap();
        add(&mut known, None, text("acme"));
        add(&mut known, text("env_1"), None);
        add(&mut known, text("env_2"), text("beta"));
        add(&mut known, None, text("beta"));
        add(&mut known, None, None);

        let found: Vec<_> = known
            .iter()
            .map(|known| {
                (
                    known.id.as_deref(),
                    known.name.as_deref(),
                    known.known_from.clone(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (Some("env_1"), Some("acme"), vec!["file", "tasks"]),
                (Some("env_2"), Some("beta"), vec!["tasks"]),
            ]
        );
    }

    #[test]
    fn a_file_that_is_wrong_is_named() {
        let (_guard, folder) = temp_folder();
        let file = folder.join("environments.json");
        assert_eq!(read(&file), Ok(Vec::new()));

        std::fs::write(&file, r#"{"env_1":{"nmae":"acme"}}"#).unwrap();

        let fault = read(&file).unwrap_err();
        assert!(
            fault.contains("environments.json") && fault.contains("nmae"),
            "{fault}"
        );
    }
}
