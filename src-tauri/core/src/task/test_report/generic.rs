//! Formats that many runners write: TAP and `JUnit` XML.

use super::Found;

/// `TAP version 13`, `1..4`, `ok 1 - adds`, `not ok 2 - subtracts`.
pub(super) fn tap(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    let mut has_version = false;
    let mut planned: Option<u32> = None;
    let mut n_points = 0;
    for line in lines {
        if line.starts_with("TAP version ") {
            has_version = true;
        } else if let Some(count) = line.strip_prefix("1..") {
            planned = count
                .split_whitespace()
                .next()
                .and_then(|count| count.parse().ok());
        } else if let Some((is_ok, rest)) = point(line) {
            n_points += 1;
            let directive = rest
                .split_once('#')
                .map_or("", |(_, directive)| directive.trim());
            let directive = directive.to_ascii_uppercase();
            if directive.starts_with("SKIP") || directive.starts_with("TODO") {
                found.skipped += 1;
            } else if is_ok {
                found.passed += 1;
            } else {
                found.failed += 1;
                found.name(
                    rest.trim_start_matches(|c: char| c.is_ascii_digit())
                        .trim_start()
                        .trim_start_matches("- "),
                );
            }
        }
    }
    if n_points == 0 || !has_version && planned.is_none() {
        return None;
    }
    found.has_summary = planned == Some(n_points);
    found.has_surroundings = has_version;
    Some(found)
}

/// Reads `ok 1 - adds` or `not ok 2`.
fn point(line: &str) -> Option<(bool, &str)> {
    let (is_ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    let rest = rest.strip_prefix(' ')?;
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        .then_some((is_ok, rest))
}

/// `<testsuite …><testcase name="adds" classname="calc"><failure …/></testcase></testsuite>`.
pub(super) fn junit(lines: &[&str]) -> Option<Found> {
    let text = lines.join("\n");
    let start = text.find("<testsuite")?;
    let text = text.get(start..)?;
    let mut found = Found {
        has_surroundings: true,
        has_summary: text.contains("</testsuite>") || text.contains("</testsuites>"),
        ..Found::default()
    };
    for case in text.split("<testcase").skip(1) {
        let (head, after) = case.split_once('>')?;
        let body = if head.ends_with('/') {
            ""
        } else {
            after.split("</testcase>").next().unwrap_or(after)
        };
        if body.contains("<failure") || body.contains("<error") {
            found.failed += 1;
            let name = attribute(head, "name").unwrap_or_default();
            match attribute(head, "classname") {
                Some(class) if !class.is_empty() => found.name(&format!("{class}::{name}")),
                _ => found.name(name),
            }
        } else if body.contains("<skipped") {
            found.skipped += 1;
        } else {
            found.passed += 1;
        }
    }
    let n_cases = found.passed + found.failed + found.skipped;
    (n_cases > 0).then_some(found)
}

fn attribute<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let from = head.find(&format!(" {name}=\""))? + name.len() + 3;
    head.get(from..)?.split('"').next()
}
