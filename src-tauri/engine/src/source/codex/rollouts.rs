//! Finds rollouts by name and age, without reading them.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use mission_control_core::source::codex::thread_id_of_file;

use super::{archive_folder, dated_folder, sessions_folder};
use crate::source::listing::{Skips, age, names};

/// Files whose age is asked for in one look, newest names first. A resumed session keeps its
/// old name; beyond this many it is found by its lock or its open file only.
const MOST_FILES: usize = 5_000;

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The thread its name carries.
    pub(crate) thread: String,
    /// Where it lies.
    pub(crate) path: Utf8PathBuf,
    /// When it was last written.
    pub(crate) modified: Timestamp,
}

/// What one look at a home found.
#[derive(Debug, Default)]
pub(crate) struct Finds {
    /// Rollouts, those written last first.
    pub(crate) found: Vec<Found>,
    /// What was passed over.
    pub(crate) skipped: Skips,
    n_files: usize,
}

/// Finds the rollouts written at or after `since`.
pub(crate) fn recent(home: &Utf8Path, since: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for year in dated(&sessions_folder(home), 4, &mut finds) {
        for month in dated(&year, 2, &mut finds) {
            for day in dated(&month, 2, &mut finds) {
                if finds.n_files > MOST_FILES {
                    break;
                }
                take_files(&day, since, &mut finds);
            }
        }
    }
    // The archive counts for itself: however large it is, it hides nothing that is not in it.
    finds.n_files = 0;
    take_files(&archive_folder(home), since, &mut finds);
    finds.found.sort_by(|a, b| {
        b.modified
            .cmp(&a.modified)
            .then_with(|| a.path.cmp(&b.path))
    });
    finds
}

/// Finds the rollouts of one folder.
pub(super) fn of_folder(folder: &Utf8Path, since: Timestamp) -> Finds {
    let mut finds = Finds::default();
    take_files(folder, since, &mut finds);
    finds
}

/// Finds the rollout of `thread`: where its id's time says, then in the archive, then anywhere.
pub(super) fn of_thread(home: &Utf8Path, thread: &str) -> Option<Utf8PathBuf> {
    let likely = date_of_thread(thread).into_iter().flat_map(|date| {
        [0, 1, -1]
            .into_iter()
            .filter_map(move |days| date.checked_add(days.days()).ok())
    });
    likely
        .map(|date| dated_folder(home, date))
        .chain([archive_folder(home)])
        .find_map(|folder| in_folder(&folder, thread))
        .or_else(|| {
            let mut finds = Finds::default();
            let years = dated(&sessions_folder(home), 4, &mut finds);
            let months = years
                .iter()
                .flat_map(|year| dated(year, 2, &mut Finds::default()));
            months
                .flat_map(|month| dated(&month, 2, &mut Finds::default()))
                .find_map(|day| in_folder(&day, thread))
        })
}

/// A thread's id begins with the milliseconds of its making.
fn date_of_thread(thread: &str) -> Option<Date> {
    let digits: String = thread.chars().filter(|c| *c != '-').take(12).collect();
    let made = i64::from_str_radix(&digits, 16).ok()?;
    let made = Timestamp::from_millisecond(made).ok()?;
    Some(made.to_zoned(TimeZone::system()).date())
}

fn in_folder(folder: &Utf8Path, thread: &str) -> Option<Utf8PathBuf> {
    folder.read_dir_utf8().ok()?.flatten().find_map(|entry| {
        (thread_id_of_file(entry.file_name()) == Some(thread)).then(|| entry.path().to_owned())
    })
}

/// Returns the folders in `parent` whose name is a number of so many digits, latest first.
fn dated(parent: &Utf8Path, n_digits: usize, finds: &mut Finds) -> Vec<Utf8PathBuf> {
    let mut folders: Vec<Utf8PathBuf> = names(parent, &mut finds.skipped)
        .into_iter()
        .filter(|name| name.len() == n_digits && name.bytes().all(|b| b.is_ascii_digit()))
        .map(|name| parent.join(name))
        .collect();
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders
}

fn take_files(folder: &Utf8Path, since: Timestamp, finds: &mut Finds) {
    let names = names(folder, &mut finds.skipped);
    for name in names {
        let is_transcript = name.ends_with(".jsonl") || name.ends_with(".jsonl.zst");
        let Some(thread) = thread_id_of_file(&name) else {
            if is_transcript {
                finds
                    .skipped
                    .add(folder.join(&name), "Its name carries no session id.");
            }
            continue;
        };
        let thread = thread.to_owned();
        finds.n_files += 1;
        let path = folder.join(name);
        match age(&path) {
            Ok(modified) if modified >= since => finds.found.push(Found {
                thread,
                path,
                modified,
            }),
            Ok(_) => {}
            Err(why) => finds.skipped.add(path, why),
        }
    }
}
