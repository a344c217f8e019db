//! `jest`, `vitest`, `mocha` and `node --test`.

use super::{Found, count_of};

/// `Tests:       1 failed, 1 skipped, 2 passed, 4 total`.
pub(super) fn jest(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    for line in lines {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("Tests:") {
            if !counts.trim_end().ends_with(" total") {
                continue;
            }
            found.has_summary = true;
            for part in counts.split(',') {
                match count_of(part) {
                    Some((n, "passed")) => found.passed += n,
                    Some((n, "failed")) => found.failed += n,
                    Some((n, "skipped" | "todo" | "pending")) => found.skipped += n,
                    _ => {}
                }
            }
        } else if line.starts_with("Test Suites:") {
            found.has_surroundings = true;
        } else if let Some(name) = line.strip_prefix("● ")
            && name.contains(" › ")
        {
            found.name(name);
        }
    }
    found.has_summary.then_some(found)
}

/// `      Tests  1 failed | 2 passed | 1 skipped (4)`.
pub(super) fn vitest(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    for line in lines {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("Tests  ") {
            let counts = counts.trim();
            let Some((counts, total)) = counts.rsplit_once(" (") else {
                continue;
            };
            if !total.ends_with(')') || count_of(counts.split('|').next()?).is_none() {
                continue;
            }
            found.has_summary = true;
            for part in counts.split('|') {
                match count_of(part) {
                    Some((n, "passed")) => found.passed += n,
                    Some((n, "failed")) => found.failed += n,
                    Some((n, "skipped" | "todo")) => found.skipped += n,
                    _ => {}
                }
            }
        } else if line.starts_with("Test Files  ") {
            found.has_surroundings = true;
        } else if let Some(name) = line.strip_prefix("FAIL  ")
            && name.contains(" > ")
        {
            found.name(name);
        }
    }
    found.has_summary.then_some(found)
}

/// `  2 passing (5ms)`, `  1 failing`, `  1 pending`, then the failures by number.
pub(super) fn mocha(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    let mut name: Option<Vec<&str>> = None;
    for line in lines {
        let trimmed = line.trim();
        let is_indented = line.starts_with("  ");
        match count_of(trimmed) {
            Some((n, word)) if is_indented && is_time_of_passing(word) => {
                found.has_summary = true;
                found.passed += n;
                continue;
            }
            Some((n, "failing")) if is_indented && found.has_summary => {
                found.has_surroundings = true;
                found.failed += n;
                continue;
            }
            Some((n, "pending")) if is_indented && found.has_summary => {
                found.has_surroundings = true;
                found.skipped += n;
                continue;
            }
            _ => {}
        }
        if !found.has_summary {
            found.has_surroundings |= trimmed.starts_with("✔ ") || trimmed.starts_with("✓ ");
            continue;
        }
        if let Some(first) = numbered(trimmed) {
            name = Some(vec![first]);
        } else if let Some(parts) = &mut name {
            parts.push(trimmed);
        }
        if trimmed.ends_with(':')
            && let Some(parts) = name.take()
        {
            found.name(parts.join(" ").trim_end_matches(':'));
        }
    }
    found.has_summary.then_some(found)
}

/// `passing (5ms)`.
fn is_time_of_passing(word: &str) -> bool {
    word.strip_prefix("passing (")
        .and_then(|time| time.strip_suffix(')'))
        .is_some_and(|time| {
            time.ends_with(['s', 'm', 'h']) && time.starts_with(|c: char| c.is_ascii_digit())
        })
}

/// `1) Array`.
fn numbered(line: &str) -> Option<&str> {
    let (number, name) = line.split_once(") ")?;
    number.parse::<u32>().ok()?;
    Some(name)
}

/// `ℹ tests 4`, `ℹ pass 3`, `ℹ fail 1` …, or the same behind `#` where it prints TAP.
pub(super) fn node_test(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    let (mut has_tests, mut has_pass, mut has_fail) = (false, false, false);
    for line in lines {
        let trimmed = line.trim();
        let count = line
            .strip_prefix("ℹ ")
            .or_else(|| line.strip_prefix("# "))
            .and_then(|count| count.trim().split_once(' '))
            .and_then(|(word, n)| Some((word, n.parse::<u32>().ok()?)));
        match count {
            Some(("tests", _)) => has_tests = true,
            Some(("pass", n)) => {
                has_pass = true;
                found.passed += n;
            }
            Some(("fail", n)) => {
                has_fail = true;
                found.failed += n;
            }
            Some(("cancelled", n)) => found.failed += n,
            Some(("skipped" | "todo", n)) => found.skipped += n,
            Some(("suites" | "duration_ms", _)) => found.has_surroundings = true,
            _ => {
                if let Some(name) = trimmed.strip_prefix("✖ ") {
                    if name != "failing tests:" {
                        found.name(name.rsplit_once(" (").map_or(name, |(name, _)| name));
                    }
                } else if let Some(name) = trimmed.strip_prefix("not ok ") {
                    let name = name.split_once(" - ").map_or(name, |(_, name)| name);
                    if !name.contains("# TODO") {
                        found.name(name);
                    }
                }
            }
        }
    }
    found.has_summary = has_tests && has_pass && has_fail;
    found.has_summary.then_some(found)
}
