//! Short names for the homes of agents that have several.

use std::collections::{BTreeMap, BTreeSet};

use mission_control_core::session::LiveSession;
use mission_control_core::source::Source;

/// Returns a short name for each home of an agent with several; none for an agent with one.
pub(super) fn names(sessions: &[LiveSession]) -> BTreeMap<&str, String> {
    let mut homes: BTreeMap<Source, BTreeSet<&str>> = BTreeMap::new();
    for session in sessions {
        let of_source = homes.entry(session.source).or_default();
        of_source.extend(session.home.as_deref());
    }
    let several = homes.values().filter(|homes| homes.len() > 1);
    several
        .flat_map(|all| all.iter().map(|home| (*home, shortest(home, all))))
        .collect()
}

/// Returns the fewest last parts of a path that no other one ends in.
fn shortest(home: &str, all: &BTreeSet<&str>) -> String {
    let parts: Vec<&str> = home.split(['/', '\\']).filter(|p| !p.is_empty()).collect();
    let mut names = (1..=parts.len()).filter_map(|n| Some(parts.get(parts.len() - n..)?.join("/")));
    let is_its_own = |name: &String| {
        let ending = format!("/{name}");
        let ends = all.iter().filter(|other| other.ends_with(&ending));
        ends.count() == 1
    };
    names.find(is_its_own).unwrap_or_else(|| home.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(homes: &[&str], expected: &[&str]) {
        let all: BTreeSet<&str> = homes.iter().copied().collect();

        let names: Vec<String> = homes.iter().map(|home| shortest(home, &all)).collect();

        assert_eq!(names, expected);
    }

    #[test]
    fn a_home_is_named_by_as_much_of_its_path_as_tells_it_from_the_others() {
        check(
            &["/home/dev/.codex", "/home/dev/clients/.codex", "/srv/two"],
            &["dev/.codex", "clients/.codex", "two"],
        );
        check(&["/.codex", "/a/.codex"], &["/.codex", "a/.codex"]);
    }
}
