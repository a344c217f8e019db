//! The store over real files.

use mission_control_core::notice::NoticeKind;
use mission_control_core::session::{SessionId, TurnId};
use mission_control_core::source::Source;

use super::*;
use crate::testing::temp_folder;

const NOW: Timestamp = Timestamp::constant(1_763_600_000, 0);

fn notice(turn: &str) -> NoticeId {
    let session = SessionId::new(Source::Codex, "a");
    NoticeId::derive(
        &session,
        Some(&TurnId(turn.to_owned())),
        NoticeKind::TurnCompleted,
        None,
    )
}

#[test]
fn a_notice_is_claimed_once_over_all_connections_and_restarts() {
    let (_guard, folder) = temp_folder();
    let first = Store::open(&folder).unwrap();
    let second = Store::open(&folder).unwrap();

    assert!(second.claim_notice(&notice("1"), NOW).unwrap());
    assert!(!first.claim_notice(&notice("1"), NOW).unwrap());
    assert!(first.claim_notice(&notice("2"), NOW).unwrap());
    drop((first, second));
    assert!(
        !Store::open(&folder)
            .unwrap()
            .claim_notice(&notice("1"), NOW)
            .unwrap()
    );
}

#[test]
fn of_many_who_open_and_claim_at_the_same_time_one_wins() {
    let (_guard, folder) = temp_folder();

    let claims: Vec<bool> = std::thread::scope(|scope| {
        let claims: Vec<_> = (0..8)
            .map(|_| {
                let claim = || Store::open(&folder)?.claim_notice(&notice("1"), NOW);
                scope.spawn(claim)
            })
            .collect();
        claims
            .into_iter()
            .map(|claim| claim.join().unwrap().unwrap())
            .collect()
    });

    assert_eq!(claims.into_iter().filter(|won| *won).count(), 1);
}

#[test]
fn the_first_start_stays() {
    let (_guard, folder) = temp_folder();
    let later = NOW + jiff::SignedDuration::from_hours(1);

    assert_eq!(Store::open(&folder).unwrap().first_start(NOW).unwrap(), NOW);
    assert_eq!(
        Store::open(&folder).unwrap().first_start(later).unwrap(),
        NOW
    );
}

#[cfg(unix)]
#[test]
fn folder_and_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_guard, folder) = temp_folder();
    let state = folder.join("deep/state");
    let store = Store::open(&state).unwrap();
    store.first_start(NOW).unwrap();

    let mode = |path: &Utf8Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for name in [
        "mission-control.db",
        "mission-control.db-wal",
        "mission-control.db-shm",
    ] {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_damaged_database_is_refused_and_left_alone() {
    let (_guard, folder) = temp_folder();
    let path = folder.join("mission-control.db");
    let junk = "this is not a database, whatever its name says. ".repeat(100);
    std::fs::write(&path, &junk).unwrap();

    let error = Store::open(&folder).unwrap_err();

    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(error.problem().code, "state_damaged");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), junk);
}

#[test]
fn a_newer_version_that_only_added_is_used() {
    let (_guard, folder) = temp_folder();
    let store = Store::open(&folder).unwrap();
    store.db.pragma_update(None, "user_version", 99).unwrap();
    drop(store);

    let store = Store::open(&folder).unwrap();

    assert!(store.claim_notice(&notice("1"), NOW).unwrap());
}

#[test]
fn a_newer_version_that_changed_more_is_refused() {
    let (_guard, folder) = temp_folder();
    let store = Store::open(&folder).unwrap();
    store.db.pragma_update(None, "user_version", 99).unwrap();
    let sql = "INSERT INTO meta (key, value) VALUES ('needs_schema', '99')";
    store.db.execute(sql, []).unwrap();
    drop(store);

    let error = Store::open(&folder).unwrap_err();

    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
}

#[test]
fn a_database_that_another_process_keeps_locked_is_busy() {
    let (_guard, folder) = temp_folder();
    let holder = Store::open(&folder).unwrap();
    let store = Store::open(&folder).unwrap();
    store.db.busy_timeout(Duration::ZERO).unwrap();
    holder.db.execute_batch("BEGIN IMMEDIATE").unwrap();

    let error = store.claim_notice(&notice("1"), NOW).unwrap_err();

    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_said() {
    let (_guard, folder) = temp_folder();
    std::fs::write(folder.join("state"), "").unwrap();

    let error = Store::open(&folder.join("state")).unwrap_err();

    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("prepare `{folder}/state`"));
}

#[test]
fn a_task_that_cannot_be_read_hides_no_other() {
    let (_guard, folder) = temp_folder();
    let store = Store::open(&folder).unwrap();
    for (id, view) in [("a", "{}"), ("b", READABLE)] {
        store
            .db
            .execute(
                "INSERT INTO tasks (id, status, priority, tree, writes, owner, created_at,
                 updated_at, ended_at, view)
                 VALUES (?1, 'completed', 0, '/w', 0, 'o', ?2, ?2, ?2, ?3)",
                (id, NOW.to_string(), view),
            )
            .unwrap();
    }
    let titles = |tasks: Vec<mission_control_core::task::model::Task>| -> Vec<String> {
        tasks.into_iter().map(|task| task.title).collect()
    };

    assert_eq!(titles(store.tasks(TaskFilter::Latest(9)).unwrap()), ["One"]);
    assert_eq!(titles(store.unseen_ends("o", 9).unwrap()), ["One"]);
}

pub(crate) const READABLE: &str = r#"{"task_id": "01a1f8c5-3207-7933-b55e-33521c266f1f", "kind": "run",
    "title": "One", "cwd": "/w", "sandbox": "read-only", "status": "completed",
    "progress": {"done": 0, "total": 0}, "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05Z", "elapsed_ms": 5, "summary": "", "tags": [], "files": [],
    "commands": [], "tests": [], "warnings": [], "truncated": {}, "links": [], "next": [],
    "evidence": []}"#;

#[test]
fn many_may_make_the_database_at_once() {
    for _ in 0..20 {
        let (_guard, folder) = temp_folder();
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let folder = folder.clone();
                std::thread::spawn(move || Store::open(&folder).map(drop))
            })
            .collect();

        for opened in opening {
            assert!(matches!(opened.join(), Ok(Ok(()))));
        }
    }
}
