//! Kinds of lines that no reader here knows, by name: what a newer agent writes.

use std::collections::BTreeMap;

/// Kinds that are kept by name; what is beyond them is counted together.
const MOST_KINDS: usize = 32;

/// Longest name that is kept, in characters.
const NAME_CHARS: usize = 64;

/// How often kinds of lines came that are not known. Bounded, whatever a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownKinds {
    counts: BTreeMap<String, u32>,
    n_others: u32,
}

impl UnknownKinds {
    /// Counts `n` lines of a kind.
    pub fn add(&mut self, kind: &str, n: u32) {
        let name = name(kind);
        let has_room = self.counts.len() < MOST_KINDS;
        match self.counts.get_mut(&name) {
            Some(count) => *count = count.saturating_add(n),
            None if has_room => {
                self.counts.insert(name, n);
            }
            None => self.n_others = self.n_others.saturating_add(n),
        }
    }

    /// Counts what another one counted.
    pub fn add_all(&mut self, other: &Self) {
        for (kind, n) in &other.counts {
            self.add(kind, *n);
        }
        self.n_others = self.n_others.saturating_add(other.n_others);
    }

    /// Returns the kinds with their counts, the commonest first.
    #[must_use]
    pub fn by_count(&self) -> Vec<(&str, u32)> {
        let mut kinds: Vec<(&str, u32)> = self
            .counts
            .iter()
            .map(|(kind, n)| (kind.as_str(), *n))
            .collect();
        kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        kinds
    }

    /// Returns how many lines were counted without a name.
    #[must_use]
    pub const fn n_others(&self) -> u32 {
        self.n_others
    }

    /// Returns whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.n_others == 0
    }
}

/// A file may say anything: only what looks like a name is kept of it.
fn name(kind: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./: ".contains(c);
    kind.chars()
        .take(NAME_CHARS)
        .map(|c| if is_plain(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn kinds_are_counted_by_name_and_never_without_bound() {
        let mut kinds = UnknownKinds::default();
        for n in 0..1000 {
            kinds.add(&format!("kind-{n}"), 1);
        }
        kinds.add("kind-1", 5);
        kinds.add(&"long\u{1b}[2J".repeat(1000), 1);

        assert_eq!(kinds.by_count().len(), MOST_KINDS);
        assert_eq!(kinds.by_count()[0], ("kind-1", 6));
        assert_eq!(kinds.n_others(), 1000 - 32 + 1);
    }

    #[test]
    fn what_two_counted_is_one_count() {
        let (mut one, mut other) = (UnknownKinds::default(), UnknownKinds::default());
        one.add("a", 1);
        other.add("a", 2);
        other.add("\u{1b}]0;b", 1);

        one.add_all(&other);

        assert_eq!(one.by_count(), [("a", 3), ("??0?b", 1)]);
        assert!(UnknownKinds::default().is_empty());
    }

    #[track_caller]
    fn check(source: Source, line: &str, expected: &str) {
        assert_eq!(source.reader().kind_of_line(line.as_bytes()), expected);
    }

    #[test]
    fn a_line_is_named_by_its_types() {
        let codex = Source::ALL[0];
        check(codex, r#"{"type":"new","payload":{}}"#, "new");
        check(
            codex,
            r#"{"type":"event_msg","payload":{"type":"x"}}"#,
            "event_msg/x",
        );
        check(
            codex,
            r#"{"type":"event_msg","payload":{"type":"item_completed","item":{"type":"Song"}}}"#,
            "event_msg/item_completed/Song",
        );
        check(codex, r#"{"type":7}"#, "without a type");
        check(codex, "[]", "without a type");
        check(codex, "{", "no JSON");
        let claude = Source::ALL[1];
        check(claude, r#"{"type":"system","subtype":"x"}"#, "system/x");
        check(claude, r#"{"type":"new"}"#, "new");
        check(claude, "\u{0}", "no JSON");
    }
}
