//! How processes are related: parents, groups, terminals.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod platform;

/// Longest line of ancestors that is followed.
const MOST_ANCESTORS: usize = 64;

/// A live process among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kin {
    /// Its id.
    pub(crate) pid: u32,
    /// Its short name.
    pub(crate) name: String,
    /// Who started it, or took it over; 0 where nobody did.
    pub(crate) parent: u32,
    /// The leader of its group.
    pub(crate) group: u32,
    /// The terminal it belongs to: its device's numbers, major and minor.
    pub(crate) terminal: Option<(u32, u32)>,
}

/// Returns the process that has `pid` now, if one lives and can be seen.
pub(crate) fn of(pid: u32) -> Option<Kin> {
    platform::of(pid)
}

/// Returns all live processes that can be seen.
pub(crate) fn all() -> Vec<Kin> {
    platform::all()
}

/// Returns the processes above `pid`, the nearest first, without the first process of the system.
pub(crate) fn above(pid: u32, of: impl Fn(u32) -> Option<Kin>) -> Vec<u32> {
    let mut found = Vec::new();
    let mut next = of(pid).map(|kin| kin.parent);
    while let Some(parent) = next.filter(|parent| *parent > 1) {
        if found.len() == MOST_ANCESTORS || found.contains(&parent) {
            break;
        }
        found.push(parent);
        next = of(parent).map(|kin| kin.parent);
    }
    found
}

/// Returns those of `all` that stand below `pid`, the nearest first.
pub(crate) fn below(pid: u32, all: &[Kin]) -> Vec<&Kin> {
    let mut found: Vec<&Kin> = Vec::new();
    let mut generation = vec![pid];
    while !generation.is_empty() {
        let is_next = |kin: &&Kin| {
            generation.contains(&kin.parent) && kin.pid != pid && !found.iter().any(|f| f == kin)
        };
        let next: Vec<&Kin> = all.iter().filter(is_next).collect();
        generation = next.iter().map(|kin| kin.pid).collect();
        found.extend(next);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(pid: u32, parent: u32) -> Kin {
        Kin {
            pid,
            name: format!("p{pid}"),
            parent,
            group: pid,
            terminal: None,
        }
    }

    #[test]
    fn ancestors_and_descendants_come_nearest_first() {
        let all = [kin(1, 0), kin(5, 1), kin(7, 5), kin(9, 7), kin(8, 5)];
        let of = |pid| all.iter().find(|kin| kin.pid == pid).cloned();
        let pids = |found: Vec<&Kin>| found.iter().map(|kin| kin.pid).collect::<Vec<_>>();

        assert_eq!(above(9, of), [7, 5]);
        assert_eq!(above(1, of), Vec::<u32>::new());
        assert_eq!(pids(below(5, &all)), [7, 8, 9]);
        assert_eq!(pids(below(9, &all)), Vec::<u32>::new());
    }

    #[test]
    fn a_table_that_changed_while_it_was_read_ends_no_walk() {
        let all = [kin(5, 7), kin(7, 5)];
        let of = |pid| all.iter().find(|kin| kin.pid == pid).cloned();

        assert_eq!(above(5, of), [7, 5]);
        assert_eq!(below(5, &all).len(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_parent_and_a_name() {
        let own = of(std::process::id()).unwrap();

        assert!(own.parent > 0 && !own.name.is_empty());
        assert!(all().contains(&own));
    }
}
