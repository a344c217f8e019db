//! What was found in the agents' homes.

use std::collections::BTreeMap;

use camino::Utf8Path;
use mission_control_core::health::{Check, CheckState};
use mission_control_core::session::{LiveSession, Status};

use super::{check, with_hint};
use crate::monitor::{Monitor, MonitorOptions};
use crate::places::{Home, Places};
use crate::source::Skipped;

/// Reasons that are listed for one home.
const MOST_REASONS: usize = 5;

pub(super) fn checks(places: &Places) -> Vec<Check> {
    let options = MonitorOptions {
        places: places.clone(),
        notify_since: jiff::Timestamp::MAX,
    };
    let (snapshot, skipped) = Monitor::look_once_closely(&options);
    let home_check = |home| home_check(home, &snapshot.sessions, &skipped);
    places.homes.iter().map(home_check).collect()
}

fn home_check(home: &Home, sessions: &[LiveSession], skipped: &[Skipped]) -> Check {
    let id = format!("home:{}", home.path);
    let label = format!("{} home", home.source.label());
    if !home.path.is_dir() {
        let says = format!("There is no `{}`.", home.path);
        let absent = check(&id, &label, CheckState::Absent, says);
        return with_hint(absent, "It is watched for and used as soon as it appears.");
    }
    let is_here = |path: &str| Utf8Path::new(path).starts_with(&home.path);
    let sessions: Vec<&LiveSession> = sessions
        .iter()
        .filter(|session| session.transcript_path.as_deref().is_some_and(is_here))
        .collect();
    let skipped: Vec<&Skipped> = skipped
        .iter()
        .filter(|skipped| is_here(&skipped.path))
        .collect();
    let says = format!("`{}` holds {}.", home.path, summary(&sessions));
    if skipped.is_empty() {
        return check(&id, &label, CheckState::Ok, says);
    }
    let mut reasons: Vec<String> = skipped
        .iter()
        .take(MOST_REASONS)
        .map(|skipped| format!("`{}`: {}", skipped.path, skipped.why))
        .collect();
    if skipped.len() > MOST_REASONS {
        reasons.push(format!("And {} more.", skipped.len() - MOST_REASONS));
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
    let n_skipped: u32 = sessions.iter().map(|session| session.skipped_lines).sum();
    if n_skipped > 0 {
        summary.push_str(&format!(", {n_skipped} lines of a kind that is not known"));
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

fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}
