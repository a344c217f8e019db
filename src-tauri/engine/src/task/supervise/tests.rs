//! Supervisors over a real store and real files, without an agent.

use mission_control_core::task::model::{Outcome, TaskId};

use super::*;
use crate::places::{Environment, Places};
use crate::settings::Settings;
use crate::store::{NewTask, tests::READABLE};
use crate::testing::temp_folder;

#[test]
fn what_ended_while_its_lock_was_held_is_not_run_again() {
    let (_guard, state) = temp_folder();
    let places = Places {
        settings_file: state.join("settings.toml"),
        state: state.clone(),
        homes: Vec::new(),
    };
    let context = TaskContext::of(&Environment::default(), &Settings::default(), places);
    let store = Store::open(&state).unwrap();
    let mut task: Task = serde_json::from_str(READABLE).unwrap();
    task.status = TaskStatus::Queued;
    let id: TaskId = task.task_id.clone();
    store
        .hand_in(&NewTask {
            task: &task,
            idempotency_key: None,
            priority: 0,
            tree: "/w",
            repository: None,
            writes: false,
            owner: None,
            thread_id: None,
            runs: crate::store::RunsWhere::Here,
        })
        .unwrap();
    let folder = context.folder(&id);
    folder.make().unwrap();
    let lock = folder.lock().unwrap().unwrap();

    let supervised = std::thread::scope(|scope| {
        let late = scope.spawn(|| supervise(&context, &id));
        // Time enough for a look before the lock.
        Waker::new().wait(LOCK_STEP * 4);
        task.status = TaskStatus::Completed;
        task.outcome = Some(Outcome::Succeeded);
        store.finish_task(&task, &task, None).unwrap();
        drop(lock);
        late.join().unwrap()
    });

    assert_eq!(supervised.unwrap(), Supervised::NotNeeded);
    assert!(!folder.log().exists());
}
