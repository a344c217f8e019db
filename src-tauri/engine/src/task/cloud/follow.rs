//! Asking about tasks in the cloud, and writing down what was heard.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mission_control_core::redact::{SecretCounts, redact};
use mission_control_core::task::cloud::{CloudEntry, CloudPage, outcome_of, status_of};
use mission_control_core::task::failure::{FailureReason, TaskError};
use mission_control_core::task::model::{
    DiffStat, FileWitness, Task, TaskEvidence, TaskEvidenceSource, TaskFile, TaskGit, TaskId,
    TaskLink, TaskStatus,
};
use mission_control_core::task::patch::{files_in, size_of};

use super::program;
use crate::clock::Clock;
use crate::source::cloud::{CloudProgram, Listed};
use crate::store::{Access, CloudRow, Store, StoreError};
use crate::task::context::TaskContext;
use crate::task::folder::write_whole;
use crate::task::outcome::{self, DebugFacts, Ended, RecordError};
use crate::task::supervise::journal::Journal;
use crate::task::{bell, words};

/// How many tasks are asked about one by one in one round.
const MOST_SINGLE: usize = 4;

/// Longest between two questions about a task, when the service does not answer.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Which tasks somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// All, whoever handed them in.
    All,
    /// These.
    These(Vec<TaskId>),
}

impl Awaited {
    fn holds(&self, id: &TaskId) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(id),
        }
    }
}

/// Asks about all tasks that are due, on a thread of its own. Cheap when none is.
pub fn ask_in_background(context: &TaskContext, store: &Store) {
    ask_about_in_background(context, store, &Awaited::All);
}

/// Asks about those of some tasks that are due, on a thread of its own. Cheap when none is.
pub fn ask_about_in_background(context: &TaskContext, store: &Store, awaited: &Awaited) {
    if store.access() == Access::Read {
        return;
    }
    match due(context, store, awaited, Clock::start().now().wall) {
        Ok(due) if due.is_empty() => return,
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "Tasks in the cloud cannot be looked for.");
            return;
        }
    }
    let (context, awaited) = (context.clone(), awaited.clone());
    let started = std::thread::Builder::new()
        .name("cloud".to_owned())
        .spawn(move || match Store::open(&context.state) {
            Ok(store) => ask_if_due(&context, &store, &awaited),
            Err(error) => tracing::warn!(%error, "Tasks in the cloud cannot be asked about."),
        });
    if let Err(error) = started {
        tracing::warn!(%error, "Tasks in the cloud cannot be asked about.");
    }
}

/// Ends tasks whose submitter died before the service had answered: a held lock says that it lives.
pub(crate) fn end_unborn(context: &TaskContext, store: &Store) {
    let now = Clock::start().now().wall;
    let ended = store.open_cloud_tasks().and_then(|rows| {
        for row in rows {
            if row.cloud_id.is_some() || context.folder(&row.task_id).is_supervised() {
                continue;
            }
            // It may have been answered between the two looks.
            let row = store.cloud_task(&row.task_id)?;
            let Some(row) = row.filter(|row| row.cloud_id.is_none()) else {
                continue;
            };
            if let Some(task) = store.task_result(&row.task_id)?
                && !task.status.is_terminal()
            {
                let reason = FailureReason::CloudUnconfirmed {};
                finish_failed(context, store, task, TaskStatus::Interrupted, &reason, now)?;
            }
        }
        Ok(())
    });
    if let Err(error) = ended {
        tracing::warn!(%error, "Tasks that never reached the cloud cannot be looked for.");
    }
}

/// Asks about the tasks that are due: one list for all of them, and one question for each that is
/// not on it.
pub fn ask_if_due(context: &TaskContext, store: &Store, awaited: &Awaited) {
    let now = Clock::start().now().wall;
    let asked = due(context, store, awaited, now).and_then(|rows| {
        // Somebody else may have been faster.
        let claimed = store.claim_cloud_questions(rows, now)?;
        ask_about(context, store, &claimed, now)
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "What was heard of tasks in the cloud cannot be recorded.");
    }
}

/// Asks about one task now.
///
/// # Errors
/// When the service does not answer.
pub fn ask(
    context: &TaskContext,
    store: &Store,
    row: &CloudRow,
    now: Timestamp,
) -> Result<(), FailureReason> {
    let Some(cloud_id) = &row.cloud_id else {
        return Ok(());
    };
    let cloud = program(context, now);
    let entry = cloud.status(cloud_id)?;
    heard(context, store, &cloud, row, &entry, now).map_err(|error| FailureReason::SpawnError {
        message: error.to_string(),
    })
}

/// Returns the tasks it is time to ask about.
fn due(
    context: &TaskContext,
    store: &Store,
    awaited: &Awaited,
    now: Timestamp,
) -> Result<Vec<CloudRow>, StoreError> {
    let pause = context.settings.cloud_poll_seconds.duration();
    let mut rows = store.open_cloud_tasks()?;
    rows.retain(|row| row.cloud_id.is_some() && awaited.holds(&row.task_id));
    Ok(due_of(rows, pause, now))
}

/// Picks the rows it is time to ask about. With the first of them come those whose time is near, for
/// one call tells of many.
fn due_of(mut rows: Vec<CloudRow>, pause: Duration, now: Timestamp) -> Vec<CloudRow> {
    let asked_at = |row: &CloudRow| row.asked_at.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    let is_due =
        |row: &CloudRow| now.duration_since(asked_at(row)) >= pause_after(pause, row.n_failures);
    if !rows.iter().any(is_due) {
        return Vec::new();
    }
    let is_near = |row: &CloudRow| {
        row.n_failures == 0 && now.duration_since(asked_at(row)) >= pause_after(pause / 2, 0)
    };
    rows.retain(|row| is_due(row) || is_near(row));
    // Who has waited longest comes first, for not all have their turn in one round.
    rows.sort_by_key(asked_at);
    rows
}

/// A service that does not answer is asked more and more seldom.
fn pause_after(pause: Duration, n_failures: u32) -> SignedDuration {
    let pause = pause.saturating_mul(1 << n_failures.min(16));
    SignedDuration::try_from(pause.min(LONGEST_PAUSE)).unwrap_or(SignedDuration::MAX)
}

fn ask_about(
    context: &TaskContext,
    store: &Store,
    rows: &[CloudRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let cloud = program(context, now);
    // One call tells of all that changed lately.
    let listed = if rows.len() > 1 {
        cloud.list(Listed::default())
    } else {
        Ok(CloudPage {
            tasks: Vec::new(),
            cursor: None,
        })
    };
    let mut n_single = 0;
    for row in rows {
        let cloud_id = row.cloud_id.as_deref().unwrap_or_default();
        let on_list = listed
            .as_ref()
            .map(|page| {
                page.tasks
                    .iter()
                    .find(|entry| entry.id == cloud_id)
                    .cloned()
            })
            .map_err(Clone::clone);
        let entry = match on_list {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) if n_single == MOST_SINGLE => {
                // Its turn comes with the next look.
                store.release_cloud_question(row, now)?;
                continue;
            }
            Ok(None) => {
                n_single += 1;
                cloud.status(cloud_id)
            }
            Err(reason) => Err(reason),
        };
        match entry {
            Ok(entry) => {
                store.count_cloud_failures(&row.task_id, 0)?;
                heard(context, store, &cloud, row, &entry, now)?;
            }
            Err(reason) => unheard(context, store, row, &reason, now)?,
        }
    }
    Ok(())
}

/// Writes down what the service says of a task.
fn heard(
    context: &TaskContext,
    store: &Store,
    cloud: &CloudProgram<'_>,
    row: &CloudRow,
    entry: &CloudEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut task) = store.task_result(&row.task_id)? else {
        return Ok(());
    };
    if task.status.is_terminal() {
        return Ok(());
    }
    let before = task.cloud.as_ref().and_then(|place| place.state.clone());
    let is_news = before.as_deref() != Some(&entry.state);
    if let Some(place) = &mut task.cloud {
        place.state = Some(entry.state.clone());
        place.checked_at = Some(now);
        if place.url.is_none() {
            place.url.clone_from(&entry.url);
        }
    }
    task.updated_at = now;
    task.elapsed_ms = elapsed_ms(&task, now);
    // A question that was answered once needs no warning any more.
    task.warnings
        .retain(|warning| !warning.starts_with(UNHEARD));
    let status = status_of(&entry.state);
    if is_news {
        note(
            context,
            &task,
            &format!("The cloud says: {}.", entry.state),
            now,
        );
    }
    if !status.is_terminal() {
        task.status = status;
        words::describe(&mut task);
        store.record_progress(&task)?;
        if is_news {
            bell::ring(&context.state, &task.task_id);
        }
        return Ok(());
    }
    take_changes(context, cloud, row, entry, &mut task);
    let changes = task.git.as_ref().and_then(|git| git.diffstat);
    task.status = status;
    task.outcome = Some(outcome_of(status));
    if status == TaskStatus::Failed {
        task.error = Some(TaskError::of(&FailureReason::CloudFailed {}, None));
    }
    task.summary = ended_words(status, changes);
    let says = format!("the cloud says `{}`", entry.state);
    finish(context, store, task, says, now)
}

/// Begins the warning about a service that does not answer.
const UNHEARD: &str = "The cloud did not answer";

/// Writes down that the service does not answer. The task goes on there, as far as anybody knows.
fn unheard(
    context: &TaskContext,
    store: &Store,
    row: &CloudRow,
    reason: &FailureReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    store.count_cloud_failures(&row.task_id, row.n_failures.saturating_add(1))?;
    let Some(mut task) = store.task_result(&row.task_id)? else {
        return Ok(());
    };
    let says = format!("{UNHEARD}: {}", redact(&reason.sentence()).text);
    if task.status.is_terminal() || task.warnings.contains(&says) {
        return Ok(());
    }
    note(context, &task, &says, now);
    task.warnings
        .retain(|warning| !warning.starts_with(UNHEARD));
    task.warnings.push(says);
    task.updated_at = now;
    words::describe(&mut task);
    store.record_progress(&task)?;
    bell::ring(&context.state, &task.task_id);
    Ok(())
}

/// Fetches the difference a task made and tells its files from it.
fn take_changes(
    context: &TaskContext,
    cloud: &CloudProgram<'_>,
    row: &CloudRow,
    entry: &CloudEntry,
    task: &mut Task,
) {
    let mut size = entry.diffstat;
    let is_empty = size.is_some_and(|size| size.files == 0);
    let wants = status_of(&entry.state) == TaskStatus::Completed && !is_empty;
    if wants {
        let cloud_id = row.cloud_id.as_deref().unwrap_or_default();
        let path = context.folder(&row.task_id).diff();
        let fetched = cloud
            .diff(cloud_id, None)
            .map_err(|reason| reason.sentence())
            .and_then(|patch| {
                let patch = redact(&patch).text;
                write_whole(&path, patch.as_bytes()).map_err(|error| error.to_string())?;
                Ok(patch)
            });
        match fetched {
            Ok(patch) => {
                let file = |(path, kind)| TaskFile {
                    path,
                    kind,
                    seen_by: FileWitness::Unchecked,
                };
                task.files = files_in(&patch).into_iter().map(file).collect();
                size = size.or(Some(size_of(&patch)));
            }
            Err(why) => task
                .warnings
                .push(format!("The difference could not be fetched: {why}")),
        }
    }
    let branch = task.cloud.as_ref().map(|place| place.branch.clone());
    task.git = Some(TaskGit {
        branch,
        diffstat: size,
        ..TaskGit::default()
    });
}

fn ended_words(status: TaskStatus, changes: Option<DiffStat>) -> String {
    match (status, changes) {
        (TaskStatus::Failed, _) => FailureReason::CloudFailed {}.sentence(),
        (_, Some(DiffStat { files: 0, .. })) => "Ready, without changes.".to_owned(),
        (_, Some(size)) => format!(
            "Ready: {} changed (+{} −{}).",
            match size.files {
                1 => "1 file".to_owned(),
                n => format!("{n} files"),
            },
            size.insertions,
            size.deletions
        ),
        (_, None) => "Ready.".to_owned(),
    }
}

/// Ends a task that came to nothing.
pub(super) fn finish_failed(
    context: &TaskContext,
    store: &Store,
    mut task: Task,
    status: TaskStatus,
    reason: &FailureReason,
    now: Timestamp,
) -> Result<Task, StoreError> {
    task.status = status;
    task.outcome = Some(outcome_of(status));
    task.error = Some(TaskError::of(reason, None));
    task.summary = reason.sentence();
    let id = task.task_id.clone();
    let kept = task.clone();
    finish(context, store, task, reason.sentence(), now)?;
    Ok(store.task_result(&id)?.unwrap_or(kept))
}

fn finish(
    context: &TaskContext,
    store: &Store,
    mut task: Task,
    says: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let folder = context.folder(&task.task_id);
    task.updated_at = now;
    task.ended_at = Some(now);
    task.elapsed_ms = elapsed_ms(&task, now);
    task.evidence = vec![TaskEvidence {
        from: TaskEvidenceSource::Cloud,
        says,
    }];
    words::describe(&mut task);
    words::link(&mut task, &folder);
    if let Some(url) = task.cloud.as_ref().and_then(|place| place.url.clone()) {
        task.links.push(TaskLink {
            rel: "page".to_owned(),
            target: url,
        });
    }
    match Journal::open(&folder, &task, now) {
        Ok(mut journal) => journal.summary(&task),
        Err(error) => tracing::warn!(%error, "The task's log cannot be written."),
    }
    let ended = Ended {
        owner: store.task_owner(&task.task_id)?,
        task,
        debug: DebugFacts {
            argv: Vec::new(),
            variables: Vec::new(),
            pid: None,
            supervisor_pid: std::process::id(),
            n_stdout_bytes: 0,
            n_stderr_bytes: 0,
            n_events: 0,
            secrets_removed: SecretCounts::default(),
            exit: None,
        },
    };
    match outcome::record(context, store, &ended) {
        Ok(()) => Ok(()),
        Err(RecordError::Store(error)) => Err(error),
        Err(RecordError::Files(error)) => {
            tracing::warn!(%error, "The task's files are not complete.");
            Ok(())
        }
    }
}

fn note(context: &TaskContext, task: &Task, says: &str, now: Timestamp) {
    match Journal::open(&context.folder(&task.task_id), task, now) {
        Ok(mut journal) => journal.note(says),
        Err(error) => tracing::warn!(%error, "The task's log cannot be written."),
    }
}

fn elapsed_ms(task: &Task, now: Timestamp) -> u64 {
    let since = now.duration_since(task.started_at.unwrap_or(task.created_at));
    u64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_service_is_asked_more_and_more_seldom() {
        let pause = Duration::from_secs(15);

        let seconds = [0, 1, 2, 3, 4, 5, 40].map(|n| pause_after(pause, n).as_secs());

        assert_eq!(seconds, [15, 30, 60, 120, 240, 300, 300]);
        assert_eq!(pause_after(Duration::from_secs(3600), 0).as_secs(), 300);
    }

    #[test]
    fn whose_time_is_near_is_asked_about_with_the_first() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let pause = Duration::from_secs(30);
        let row = |id: &str, seconds_ago: i64, n_failures| CloudRow {
            task_id: TaskId::parse("00000000-0000-7000-8000-000000000001").unwrap(),
            cloud_id: Some(id.to_owned()),
            asked_at: (now - SignedDuration::from_secs(seconds_ago)).to_string(),
            n_failures,
        };
        let ids = |rows: Vec<CloudRow>| -> Vec<String> {
            let due = due_of(rows, pause, now);
            due.into_iter().filter_map(|row| row.cloud_id).collect()
        };

        let one_is_due = [
            row("near", 29, 0),
            row("due", 31, 0),
            row("fresh", 14, 0),
            row("failing", 31, 1),
        ];
        let none_is_due = [row("near", 29, 0), row("failing", 59, 1)];

        assert_eq!(ids(one_is_due.into()), ["due", "near"]);
        assert_eq!(ids(none_is_due.into()), [""; 0]);
    }

    #[test]
    fn an_end_is_worded_by_what_changed() {
        let size = |files| {
            Some(DiffStat {
                files,
                insertions: 2,
                deletions: 1,
            })
        };

        assert_eq!(
            ended_words(TaskStatus::Completed, size(1)),
            "Ready: 1 file changed (+2 −1)."
        );
        assert_eq!(
            ended_words(TaskStatus::Completed, size(0)),
            "Ready, without changes."
        );
        assert_eq!(ended_words(TaskStatus::Completed, None), "Ready.");
    }
}
