//! `pytest`.

use super::{Found, count_of};

/// `==== 1 failed, 2 passed, 1 xfailed in 0.04s ====`, or the same without its frame with `-q`.
pub(super) fn pytest(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    for line in lines {
        let line = line.trim_end();
        if line.starts_with("=====") && line.contains(" test session starts ") {
            found.has_surroundings = true;
        } else if let Some(counts) = summary(line) {
            found.has_summary = true;
            for part in counts.split(',') {
                match count_of(part) {
                    Some((n, "passed" | "xpassed")) => found.passed += n,
                    Some((n, "failed" | "error" | "errors")) => found.failed += n,
                    Some((n, "skipped" | "xfailed")) => found.skipped += n,
                    _ => {}
                }
            }
        } else if let Some(name) = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
            && is_test_name(name)
        {
            found.has_surroundings = true;
            found.name(name.split(" - ").next().unwrap_or(name));
        } else if is_progress(line) {
            found.has_surroundings = true;
        }
    }
    found.has_summary.then_some(found)
}

/// Returns the counts of a summary line, if all of it has the form of one.
fn summary(line: &str) -> Option<&str> {
    let inner = line.trim_matches('=').trim();
    let (counts, time) = inner.rsplit_once(" in ")?;
    let time = time.split(" (").next()?;
    time.strip_suffix('s')?.parse::<f64>().ok()?;
    let is_count = |part: &str| {
        count_of(part).is_some_and(|(_, word)| {
            matches!(
                word,
                "passed"
                    | "failed"
                    | "error"
                    | "errors"
                    | "skipped"
                    | "xfailed"
                    | "xpassed"
                    | "deselected"
                    | "warning"
                    | "warnings"
                    | "rerun"
                    | "subtests passed"
            )
        })
    };
    (counts == "no tests ran" || counts.split(',').all(is_count)).then_some(counts)
}

fn is_test_name(text: &str) -> bool {
    let name = text.split(" - ").next().unwrap_or(text);
    name.contains("::") || name.ends_with(".py")
}

/// `test_calc.py .F.     [100%]`.
fn is_progress(line: &str) -> bool {
    line.ends_with("%]") && line.contains('[')
}
