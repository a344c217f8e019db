//! What was found in the agents' homes, and how the evidence in them stands.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::health::{Check, CheckState, Supply, Tally};
use mission_control_core::session::{EvidenceSource, LiveSession, Status};
use mission_control_core::source::UnknownKinds;

use super::{check, with_hint};
use crate::clock::Clock;
use crate::monitor::{Monitor, MonitorOptions};
use crate::places::{Home, Places};
use crate::settings::Settings;
use crate::source::evidence::{Found, counted, tallies};
use crate::source::{self, Lookouts, Skipped};
use crate::watch::{FolderWatch, MOST_FOLDERS};

/// Reasons, kinds and versions that are named in one sentence.
const MOST_NAMED: usize = 5;

/// What is watched, and why not all of it.
struct Watched {
    folders: Vec<Utf8PathBuf>,
    hindrance: Option<String>,
}

pub(super) fn checks(places: &Places, settings: &Settings) -> Vec<Check> {
    let options = MonitorOptions {
        places: places.clone(),
        notify_since: jiff::Timestamp::MAX,
    };
    // A server that hangs costs its time once, however many homes there are.
    let (looked, examined) = std::thread::scope(|scope| {
        let examine = |home| scope.spawn(move || source::examine(home));
        let examining: Vec<_> = places.homes.iter().map(examine).collect();
        let looked = Monitor::look_once_closely(&options);
        let examined = examining
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join);
        (looked, examined.collect::<Vec<_>>())
    });
    let (snapshot, lookouts) = looked;
    let folders = lookouts.folders(Clock::start().now());
    let watched = Watched {
        hindrance: FolderWatch::new(MOST_FOLDERS).set(&folders).hindrance,
        folders,
    };
    let skipped: Vec<&Skipped> = lookouts.skipped().collect();
    let mut checks = Vec::new();
    for (home, examined) in places.homes.iter().zip(examined) {
        let is_here = |session: &&LiveSession| {
            session.source == home.source && session.home.as_deref() == Some(home.path.as_str())
        };
        let sessions: Vec<&LiveSession> = snapshot.sessions.iter().filter(is_here).collect();
        checks.push(home_check(home, &sessions, &skipped));
        if !home.path.is_dir() {
            continue;
        }
        let poll_seconds = settings.watch.poll_seconds;
        checks.push(transcripts(
            home,
            &sessions,
            &lookouts,
            &watched,
            poll_seconds,
        ));
        match examined {
            Ok(evidence) => checks.extend(evidence),
            Err(_) => checks.push(check(
                &format!("examine:{}", home.path),
                &format!("{} evidence", home.source.label()),
                CheckState::Problem,
                "Looking at it met a bug in Mission Control.",
            )),
        }
    }
    checks.extend(source::examine_processes());
    checks
}

fn home_check(home: &Home, sessions: &[&LiveSession], skipped: &[&Skipped]) -> Check {
    let id = format!("home:{}", home.path);
    let label = format!("{} home", home.source.label());
    if !home.path.is_dir() {
        let says = format!("There is no `{}`.", home.path);
        let absent = check(&id, &label, CheckState::Absent, says);
        return with_hint(absent, "It is watched for and used as soon as it appears.");
    }
    let is_here = |skipped: &&&Skipped| Utf8Path::new(&skipped.path).starts_with(&home.path);
    let skipped: Vec<&&Skipped> = skipped.iter().filter(is_here).collect();
    let says = format!("`{}` holds {}.", home.path, summary(sessions));
    if skipped.is_empty() {
        return check(&id, &label, CheckState::Ok, says);
    }
    let mut reasons: Vec<String> = skipped
        .iter()
        .take(MOST_NAMED)
        .map(|skipped| format!("`{}`: {}", skipped.path, skipped.why))
        .collect();
    if skipped.len() > MOST_NAMED {
        reasons.push(format!("And {} more.", skipped.len() - MOST_NAMED));
    }
    let says = format!(
        "{says} {} could not be used.",
        counted(skipped.len(), "file or folder", "files or folders")
    );
    with_hint(
        check(&id, &label, CheckState::Warning, says),
        reasons.join(" "),
    )
}

/// How the transcripts of a home are followed, and what is not understood in them.
fn transcripts(
    home: &Home,
    sessions: &[&LiveSession],
    lookouts: &Lookouts,
    watched: &Watched,
    poll_seconds: u16,
) -> Check {
    let is_here = |folder: &&Utf8PathBuf| folder.starts_with(&home.path);
    let n_folders = watched.folders.iter().filter(is_here).count();
    let mut found = match &watched.hindrance {
        None => Found::fresh(format!(
            "The system tells of changes in {}.",
            counted(n_folders, "folder", "folders")
        )),
        Some(why) => Found {
            supply: Supply::Stale,
            ..Found::hindered(
                format!("Open ones are looked at every {poll_seconds} s. {why}"),
                "Raise `fs.inotify.max_user_watches` and `fs.inotify.max_user_instances`.",
            )
        },
    };
    let versions = versions(sessions);
    if !versions.is_empty() {
        let named = named(&versions);
        found.says.push_str(&format!(" Written by {named}."));
    }
    let unknown = unknown_sentence(&lookouts.unknown_kinds(home), &mut found);
    let path = Some(home.path.as_str());
    let mut check = found.check(home.source, EvidenceSource::Transcript, path);
    if let Some(evidence) = &mut check.evidence {
        evidence.latest_at = sessions.iter().filter_map(|s| s.last_event_at).max();
        evidence.versions = versions;
        evidence.unknown_kinds = unknown;
    }
    check
}

/// Says which kinds of lines are not known, and returns them.
fn unknown_sentence(kinds: &UnknownKinds, found: &mut Found) -> Vec<Tally> {
    let kinds = tallies(kinds);
    if !kinds.is_empty() {
        let lines: u32 = kinds.iter().map(|kind| kind.count).sum();
        let lines = match lines {
            1 => "1 line was".to_owned(),
            n => format!("{n} lines were"),
        };
        let named = named(&kinds);
        let sentence = format!(" {lines} read that nobody here knows: {named}.");
        found.says.push_str(&sentence);
    }
    kinds
}

/// Returns the versions that wrote the sessions, the commonest first.
fn versions(sessions: &[&LiveSession]) -> Vec<Tally> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for version in sessions.iter().filter_map(|s| s.cli_version.as_deref()) {
        *counts.entry(version).or_default() += 1;
    }
    let mut tallies: Vec<Tally> = counts
        .into_iter()
        .map(|(name, count)| Tally {
            name: name.to_owned(),
            count,
        })
        .collect();
    tallies.sort_by_key(|tally| std::cmp::Reverse(tally.count));
    tallies
}

fn named(tallies: &[Tally]) -> String {
    let mut named: Vec<String> = tallies
        .iter()
        .take(MOST_NAMED)
        .map(|tally| format!("`{}` ({})", tally.name, tally.count))
        .collect();
    if tallies.len() > MOST_NAMED {
        named.push(format!("{} more", tallies.len() - MOST_NAMED));
    }
    named.join(", ")
}

fn summary(sessions: &[&LiveSession]) -> String {
    let mut statuses: BTreeMap<Status, usize> = BTreeMap::new();
    for session in sessions {
        *statuses.entry(session.status).or_default() += 1;
    }
    let counts: Vec<String> = statuses
        .into_iter()
        .map(|(status, n)| format!("{n} {}", word(status)))
        .collect();
    let mut summary = counted(sessions.len(), "recent session", "recent sessions");
    if !counts.is_empty() {
        summary.push_str(&format!(" ({})", counts.join(", ")));
    }
    if let Some(newest) = sessions
        .iter()
        .filter_map(|session| session.last_event_at)
        .max()
    {
        summary.push_str(&format!(", the latest line from {newest:.0}"));
    }
    summary
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Working => "working",
        Status::NeedsYou => "waiting for you",
        Status::Paused => "paused",
        Status::Done => "done",
        Status::Unknown => "unknown",
    }
}
