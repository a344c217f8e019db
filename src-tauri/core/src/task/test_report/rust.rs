//! `cargo test` and `cargo nextest`.

use super::{Found, count_of};

/// `test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; …`, once for
/// each binary.
pub(super) fn cargo(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    for line in lines {
        let line = line.trim_end();
        if let Some(result) = line.strip_prefix("test result: ") {
            let Some((verdict, counts)) = result.split_once(". ") else {
                continue;
            };
            if !matches!(verdict, "ok" | "FAILED") {
                continue;
            }
            found.has_summary = true;
            for part in counts.split(';') {
                match count_of(part) {
                    Some((n, "passed")) => found.passed += n,
                    Some((n, "failed")) => found.failed += n,
                    Some((n, "ignored")) => found.skipped += n,
                    _ => {}
                }
            }
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            found.name(name);
        } else if line.starts_with("running ") && line.contains(" test") {
            found.has_surroundings = true;
        }
    }
    found.has_summary.then_some(found)
}

/// `     Summary [   0.012s] 4 tests run: 3 passed (1 slow), 1 failed, 2 skipped`.
pub(super) fn nextest(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    for line in lines {
        let line = line.trim();
        if let Some(rest) = timed(line, "Summary") {
            let Some((tests, counts)) = rest.split_once(" run: ") else {
                continue;
            };
            if !tests.ends_with("test") && !tests.ends_with("tests") {
                continue;
            }
            found.has_summary = true;
            for part in without_brackets(counts).split(',') {
                match count_of(part) {
                    Some((n, "passed")) => found.passed += n,
                    Some((n, "failed" | "timed out" | "exec failed")) => found.failed += n,
                    Some((n, "skipped")) => found.skipped += n,
                    _ => {}
                }
            }
        } else if let Some(name) = ["FAIL", "TIMEOUT", "SIGABRT", "SIGSEGV", "SIGKILL", "XFAIL"]
            .iter()
            .find_map(|word| timed(line, word))
        {
            found.name(without_count(name));
        } else if timed(line, "PASS").is_some() || line.starts_with("Nextest run ID") {
            found.has_surroundings = true;
        }
    }
    found.has_surroundings |= !found.names.is_empty();
    found.has_summary.then_some(found)
}

/// Returns what follows `WORD [   0.012s]`.
fn timed<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?.trim_start().strip_prefix('[')?;
    let (time, rest) = rest.split_once(']')?;
    time.trim()
        .trim_start_matches('>')
        .strip_suffix('s')?
        .parse::<f64>()
        .ok()?;
    Some(rest.trim_start())
}

/// Drops the running number of newer versions: `(3/4) acme tests::adds`.
fn without_count(name: &str) -> &str {
    name.strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map_or(name, |(_, name)| name)
}

fn without_brackets(counts: &str) -> String {
    let mut depth = 0;
    counts
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}
