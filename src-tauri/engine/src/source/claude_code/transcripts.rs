//! Finds transcripts by name and age, without reading them.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::source::claude_code::{
    IsWhole, agent_of_file, folder_of_cwd, session_of_file,
};
use serde::Deserialize;

use super::{agents_folder, projects_folder};
use crate::source::listing::{Skips, age, names};

/// Files whose age is asked for in one look. Beyond this many a session is found by the registry
/// only.
const MOST_FILES: usize = 20_000;

/// A transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The session or sub-agent its name carries.
    pub(super) id: String,
    /// Where it lies.
    pub(super) path: Utf8PathBuf,
    /// When it was last written.
    pub(super) modified: Timestamp,
}

/// Whether a folder has to be looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Whatever may have changed in it.
    Everywhere,
    /// Only if files appeared or vanished since the last look.
    WhereNew,
}

/// When each folder of transcripts changed last.
#[derive(Debug, Default)]
pub(super) struct Folders(BTreeMap<Utf8PathBuf, Timestamp>);

impl Folders {
    /// Finds the transcripts of sessions that were written at or after `since`, latest first.
    pub(super) fn recent(
        &mut self,
        home: &Utf8Path,
        since: Timestamp,
        look: Look,
        skips: &mut Skips,
    ) -> Vec<Found> {
        let projects = projects_folder(home);
        let mut found = Vec::new();
        let mut n_files = 0;
        for name in names(&projects, skips) {
            let folder = projects.join(name);
            let Some(changed) = changed(&folder) else {
                continue;
            };
            let known = self.0.insert(folder.clone(), changed);
            if look == Look::WhereNew && known == Some(changed) {
                continue;
            }
            if n_files > MOST_FILES {
                break;
            }
            n_files += take_files(&folder, since, session_of_file, &mut found, skips);
        }
        found.sort_by(|a, b| {
            b.modified
                .cmp(&a.modified)
                .then_with(|| a.path.cmp(&b.path))
        });
        found
    }
}

/// Returns when files last appeared in a folder or vanished; none when it is no folder.
fn changed(folder: &Utf8Path) -> Option<Timestamp> {
    let metadata = std::fs::metadata(folder).ok()?;
    let modified = metadata.is_dir().then(|| metadata.modified().ok())??;
    Timestamp::try_from(modified).ok()
}

/// Finds the transcripts of sessions in one folder.
pub(super) fn of_folder(folder: &Utf8Path, since: Timestamp, skips: &mut Skips) -> Vec<Found> {
    let mut found = Vec::new();
    take_files(folder, since, session_of_file, &mut found, skips);
    found
}

/// Finds the transcripts of the sub-agents of the session with this transcript.
pub(super) fn of_agents(transcript: &Utf8Path, since: Timestamp, skips: &mut Skips) -> Vec<Found> {
    let mut found = Vec::new();
    take_files(
        &agents_folder(transcript),
        since,
        agent_of_file,
        &mut found,
        skips,
    );
    found
}

/// Finds the transcript of a session, however old it is.
pub(super) fn of_session(home: &Utf8Path, session: &str) -> Option<Utf8PathBuf> {
    let projects = projects_folder(home);
    let name = format!("{session}.jsonl");
    projects
        .read_dir_utf8()
        .ok()?
        .flatten()
        .map(|entry| entry.path().join(&name))
        .find(|path| path.is_file())
}

/// Returns the folder where the transcript of a session that works in `cwd` appears, if it exists.
pub(super) fn folder_of(home: &Utf8Path, cwd: &str) -> Option<Utf8PathBuf> {
    let projects = projects_folder(home);
    let (name, is_whole) = folder_of_cwd(cwd);
    let folder = match is_whole {
        IsWhole::Yes => projects.join(name),
        IsWhole::No => projects
            .read_dir_utf8()
            .ok()?
            .flatten()
            .find(|entry| entry.file_name().starts_with(&name))?
            .path()
            .to_owned(),
    };
    folder.is_dir().then_some(folder)
}

fn take_files(
    folder: &Utf8Path,
    since: Timestamp,
    id_of: impl Fn(&str) -> Option<&str>,
    found: &mut Vec<Found>,
    skips: &mut Skips,
) -> usize {
    let mut n_files = 0;
    for name in names(folder, skips) {
        let Some(id) = id_of(&name).map(str::to_owned) else {
            continue;
        };
        n_files += 1;
        let path = folder.join(name);
        match age(&path) {
            Ok(modified) if modified >= since => found.push(Found { id, path, modified }),
            Ok(_) => {}
            Err(why) => skips.add(path, why),
        }
    }
    n_files
}

#[derive(Deserialize)]
struct AgentMeta {
    description: Option<String>,
}

/// Reads what a sub-agent was started for; none while that is not written.
pub(super) fn description(transcript: &Utf8Path) -> Option<String> {
    let bytes = std::fs::read(transcript.with_extension("meta.json")).ok()?;
    let meta: AgentMeta = serde_json::from_slice(&bytes).ok()?;
    meta.description.filter(|text| !text.trim().is_empty())
}
