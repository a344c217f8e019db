//! Whose turn it is: decided over all open tasks at once.

use std::collections::BTreeMap;

use mission_control_core::task::model::TaskId;

use crate::store::{OpenTask, is_queued};

/// How many tasks run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) n_running: u32,
    /// On one repository.
    pub(crate) n_per_repository: u32,
}

/// Returns whether `id` may run now. `open` is in the order of the queue: whoever stands before
/// and may run keeps its place, whoever may not holds nobody up.
pub(crate) fn may_run(open: &[OpenTask], id: &TaskId, limits: Limits) -> bool {
    let mut taken = Taken::default();
    for task in open.iter().filter(|task| task.holds_slot) {
        if task.id == id.as_str() {
            return true;
        }
        taken.add(task);
    }
    for task in open {
        if task.holds_slot || !is_queued(&task.status) || !taken.has_room(task, limits) {
            continue;
        }
        if task.id == id.as_str() {
            return true;
        }
        taken.add(task);
    }
    false
}

/// Returns the place of `id` among the tasks that wait, from 1.
pub(crate) fn position(open: &[OpenTask], id: &TaskId) -> Option<u32> {
    let mut waiting = open
        .iter()
        .filter(|task| is_queued(&task.status) && !task.holds_slot);
    let before = waiting.position(|task| task.id == id.as_str())?;
    u32::try_from(before + 1).ok()
}

#[derive(Default)]
struct Taken<'a> {
    n_running: u32,
    by_repository: BTreeMap<&'a str, u32>,
    written_trees: Vec<&'a str>,
    threads: Vec<&'a str>,
}

impl<'a> Taken<'a> {
    fn add(&mut self, task: &'a OpenTask) {
        self.n_running += 1;
        if let Some(repository) = &task.repository {
            *self.by_repository.entry(repository).or_default() += 1;
        }
        if task.writes {
            self.written_trees.push(&task.tree);
        }
        self.threads.extend(task.thread_id.as_deref());
    }

    fn has_room(&self, task: &OpenTask, limits: Limits) -> bool {
        let in_repository = task
            .repository
            .as_deref()
            .and_then(|repository| self.by_repository.get(repository));
        let is_written = task.writes && self.written_trees.contains(&task.tree.as_str());
        let is_busy = task
            .thread_id
            .as_deref()
            .is_some_and(|thread| self.threads.contains(&thread));
        self.n_running < limits.n_running
            && in_repository.is_none_or(|n| *n < limits.n_per_repository)
            && !is_written
            && !is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        n_running: 2,
        n_per_repository: 2,
    };

    fn id(n: u32) -> TaskId {
        TaskId::parse(&format!("00000000-0000-7000-8000-{n:012}")).unwrap()
    }

    fn waiting(n: u32) -> OpenTask {
        OpenTask {
            id: id(n).as_str().to_owned(),
            status: "queued".to_owned(),
            priority: 0,
            tree: format!("/tree/{n}"),
            repository: None,
            writes: false,
            thread_id: None,
            holds_slot: false,
        }
    }

    fn running(n: u32) -> OpenTask {
        OpenTask {
            status: "running".to_owned(),
            holds_slot: true,
            ..waiting(n)
        }
    }

    #[track_caller]
    fn check(open: &[OpenTask], expected: &[u32]) {
        let may: Vec<u32> = (1..=9)
            .filter(|n| open.iter().any(|task| task.id == id(*n).as_str()))
            .filter(|n| may_run(open, &id(*n), LIMITS))
            .collect();
        assert_eq!(may, expected);
    }

    #[test]
    fn the_first_in_line_take_the_free_places() {
        check(&[waiting(1), waiting(2), waiting(3)], &[1, 2]);
        check(&[running(1), waiting(2), waiting(3)], &[1, 2]);
        check(&[running(1), running(2), waiting(3)], &[1, 2]);
    }

    #[test]
    fn writers_on_one_tree_take_turns_and_hold_nobody_else_up() {
        let writer = |task: OpenTask| OpenTask {
            tree: "/shared".to_owned(),
            writes: true,
            ..task
        };

        check(
            &[writer(running(1)), writer(waiting(2)), waiting(3)],
            &[1, 3],
        );
        check(
            &[writer(waiting(1)), writer(waiting(2)), waiting(3)],
            &[1, 3],
        );
    }

    #[test]
    fn a_repository_has_a_limit_of_its_own() {
        let of_one = |task: OpenTask| OpenTask {
            repository: Some("/r/.git".to_owned()),
            ..task
        };
        let open = [
            of_one(running(1)),
            of_one(waiting(2)),
            waiting(3),
            of_one(waiting(4)),
        ];
        let limits = Limits {
            n_running: 9,
            n_per_repository: 1,
        };

        assert!(!may_run(&open, &id(2), limits));
        assert!(may_run(&open, &id(3), limits));
        assert!(!may_run(&open, &id(4), limits));
    }

    #[test]
    fn one_thread_has_one_task_at_a_time() {
        let of_thread = |task: OpenTask| OpenTask {
            thread_id: Some("t".to_owned()),
            ..task
        };

        check(&[of_thread(running(1)), of_thread(waiting(2))], &[1]);
    }

    #[test]
    fn who_waits_for_a_person_is_not_in_line() {
        let asking = OpenTask {
            status: "input_required".to_owned(),
            ..waiting(1)
        };

        assert!(!may_run(std::slice::from_ref(&asking), &id(1), LIMITS));
        assert_eq!(position(&[asking, waiting(2)], &id(2)), Some(1));
    }
}
