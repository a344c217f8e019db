//! `go test`, plain, with `-v` and with `-json`.

use serde::Deserialize;

use super::Found;

/// `--- FAIL: TestAdd (0.00s)`, and `ok` with a package between tabs.
///
/// Without `-v` tests that pass are not named; then packages are counted, at low confidence.
pub(super) fn go_test(lines: &[&str]) -> Option<Found> {
    let mut found = Found::default();
    let (mut n_packages_passed, mut n_packages_failed) = (0, 0);
    for line in lines {
        if let Some(event) = json_event(line) {
            let Some(test) = event.test else { continue };
            match event.action.as_str() {
                "pass" => found.passed += 1,
                "skip" => found.skipped += 1,
                "fail" => {
                    found.failed += 1;
                    found.name(&test);
                }
                _ => continue,
            }
            found.has_summary = true;
            found.has_surroundings = true;
            continue;
        }
        let trimmed = line.trim_start();
        if let Some((verdict, name)) = verdict(trimmed) {
            let is_top = trimmed.len() == line.len();
            match verdict {
                "PASS" if is_top => found.passed += 1,
                "SKIP" if is_top => found.skipped += 1,
                "FAIL" => {
                    found.failed += u32::from(is_top);
                    found.name(name);
                }
                _ => {}
            }
        } else if is_package(line, "ok  \t") {
            n_packages_passed += 1;
        } else if is_package(line, "FAIL\t") {
            n_packages_failed += 1;
        }
    }
    if found.has_summary {
        return Some(found);
    }
    let n_packages = n_packages_passed + n_packages_failed;
    let n_tests = found.passed + found.failed + found.skipped;
    if n_packages == 0 {
        return (n_tests > 0 && lines.iter().any(|line| matches!(*line, "PASS" | "FAIL")))
            .then_some(found);
    }
    if found.passed > 0 || n_tests > 0 && n_packages_passed == 0 {
        found.has_summary = true;
        found.has_surroundings = found.passed > 0;
    } else {
        found.passed = n_packages_passed;
        found.failed = found.failed.max(n_packages_failed);
    }
    Some(found)
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Test")]
    test: Option<String>,
}

fn json_event(line: &str) -> Option<Event> {
    (line.starts_with('{') && line.contains("\"Action\":") && line.contains("\"Package\":"))
        .then(|| serde_json::from_str(line).ok())?
}

/// Reads `--- FAIL: TestAdd (0.00s)`.
fn verdict(line: &str) -> Option<(&str, &str)> {
    let (verdict, rest) = line.strip_prefix("--- ")?.split_once(": ")?;
    let (name, time) = rest.split_once(" (")?;
    let is_test = ["Test", "Example", "Fuzz", "Benchmark"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    (is_test && time.ends_with("s)")).then_some((verdict, name))
}

fn is_package(line: &str, prefix: &str) -> bool {
    line.strip_prefix(prefix).is_some_and(|rest| {
        rest.split_once('\t').is_some_and(|(package, time)| {
            !package.contains(' ')
                && (time.starts_with(|c: char| c.is_ascii_digit()) || time.starts_with('('))
        })
    }) || prefix == "FAIL\t" && line.starts_with(prefix) && line.ends_with("[build failed]")
}
