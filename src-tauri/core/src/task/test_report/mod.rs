//! Test results, read from the output of commands and from nothing else.
//!
//! A runner is recognised by the lines it prints itself, whole and at their place; numbers in
//! prose, in a file that is shown, or in a commit message are no test run.

mod generic;
mod go;
mod javascript;
mod python;
mod rust;

use serde::{Deserialize, Serialize};

use super::words::inner_script;
use crate::text::{shorten, strip_controls};

/// How many names of failed tests are kept.
const MAX_NAMES: usize = 10;
/// Longest name that is kept, in characters.
const NAME_CHARS: usize = 200;

/// Which runner's output was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum TestParser {
    /// `cargo test`.
    Cargo,
    /// `cargo nextest`.
    Nextest,
    /// `pytest`.
    Pytest,
    /// `jest`.
    Jest,
    /// `vitest`.
    Vitest,
    /// `mocha`.
    Mocha,
    /// `node --test`.
    NodeTest,
    /// `go test`.
    GoTest,
    /// The Test Anything Protocol.
    Tap,
    /// `JUnit` XML.
    Junit,
}

/// How sure it is that this was a test run and that the numbers are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Confidence {
    /// Something is missing: the summary, or what is counted are not single tests.
    Low,
    /// The runner's summary alone.
    Medium,
    /// The runner's summary together with other lines of its own.
    High,
}

/// The tests one command ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TestReport {
    /// Which runner's output was read.
    pub parser: TestParser,
    /// How sure it is.
    pub confidence: Confidence,
    /// The command that ran them, shortened.
    pub command: String,
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed, or could not be run.
    pub failed: u32,
    /// Tests that were skipped, or failed as expected.
    pub skipped: u32,
    /// Names of the first ten that failed.
    pub failed_names: Vec<String>,
}

/// What a parser found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    passed: u32,
    failed: u32,
    skipped: u32,
    names: Vec<String>,
    has_summary: bool,
    has_surroundings: bool,
}

impl Found {
    fn name(&mut self, name: &str) {
        let name = shorten(name.trim(), NAME_CHARS);
        if !name.is_empty() && self.names.len() < MAX_NAMES && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    const fn confidence(&self) -> Confidence {
        match (self.has_summary, self.has_surroundings) {
            (true, true) => Confidence::High,
            (true, false) => Confidence::Medium,
            (false, _) => Confidence::Low,
        }
    }
}

/// A parser: the lines of an output, and what it found in them.
type Parser = fn(&[&str]) -> Option<Found>;

/// In this order: one that knows more about an output stands before one that knows less.
const PARSERS: &[(TestParser, Parser)] = &[
    (TestParser::Nextest, rust::nextest),
    (TestParser::Cargo, rust::cargo),
    (TestParser::Pytest, python::pytest),
    (TestParser::Vitest, javascript::vitest),
    (TestParser::Jest, javascript::jest),
    (TestParser::Mocha, javascript::mocha),
    (TestParser::NodeTest, javascript::node_test),
    (TestParser::GoTest, go::go_test),
    (TestParser::Junit, generic::junit),
    (TestParser::Tap, generic::tap),
];

/// Returns the test runs that `output` of `command` tells of, one for each runner.
#[must_use]
pub fn find_test_reports(command: &str, output: &str) -> Vec<TestReport> {
    if output.is_empty() || only_shows_text(command) {
        return Vec::new();
    }
    let text = strip_controls(&output.replace("\r\n", "\n").replace('\r', "\n"));
    let lines: Vec<&str> = text.lines().collect();
    let mut reports: Vec<TestReport> = Vec::new();
    for (parser, parse) in PARSERS {
        let is_tap_of_node = *parser == TestParser::Tap
            && reports
                .iter()
                .any(|report| report.parser == TestParser::NodeTest);
        if is_tap_of_node {
            continue;
        }
        if let Some(found) = parse(&lines) {
            reports.push(TestReport {
                parser: *parser,
                confidence: found.confidence(),
                command: shorten(command.trim(), NAME_CHARS),
                passed: found.passed,
                failed: found.failed,
                skipped: found.skipped,
                failed_names: found.names,
            });
        }
    }
    reports
}

/// Programs that show text somebody else wrote.
const SHOWING: &[&str] = &[
    "awk", "bat", "cat", "echo", "egrep", "find", "git", "grep", "head", "jq", "less", "ls",
    "more", "nl", "printf", "rg", "sed", "sort", "tail", "uniq", "wc",
];

/// Returns whether a command line only shows text: nothing in it can run a test.
fn only_shows_text(command: &str) -> bool {
    let script = inner_script(command);
    let mut n_showing = 0;
    for part in script.split([';', '|', '&', '\n']) {
        let mut words = part
            .split_whitespace()
            .skip_while(|word| word.contains('=') || *word == "sudo" || *word == "time");
        let Some(program) = words.next() else {
            continue;
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        if matches!(program, "cd" | "export" | "set" | "true" | "1") {
            continue;
        }
        if !SHOWING.contains(&program) {
            return false;
        }
        n_showing += 1;
    }
    n_showing > 0
}

/// Reads `12 passed` into its number and its word.
fn count_of(part: &str) -> Option<(u32, &str)> {
    let (number, word) = part.trim().split_once(' ')?;
    Some((number.parse().ok()?, word.trim()))
}

#[cfg(test)]
mod tests;
