//! The rules, each from a text to what is wrong with it.

use crate::agreements::{
    CHANGING, EMPTY_NAMES, KNOWS_AGENTS, MAX_LINES, NARRATING, NO_NARRATION, PAUSING_FILE,
    TAURI_FILE,
};

/// A file of code.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One thing that is not as agreed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) rule: u8,
    what: String,
    way_out: &'static str,
}

impl Fault {
    pub(crate) fn sentence(&self) -> String {
        format!(
            "{}:{}: rule {}: {} {}",
            self.path, self.line, self.rule, self.what, self.way_out
        )
    }
}

impl SourceFile {
    fn fault(&self, line: usize, rule: u8, what: String, way_out: &'static str) -> Fault {
        Fault {
            path: self.path.clone(),
            line,
            rule,
            what,
            way_out,
        }
    }

    /// Returns the lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    fn is_test_file(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/")
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("/testing.rs")
            || path.ends_with(".test.ts")
    }

    /// Returns the number of the first line of the tests within the file.
    fn tests_start(&self) -> usize {
        if self.is_test_file() {
            return 0;
        }
        let marker = self
            .lines()
            .find(|(_, line)| line.trim_start().starts_with("#[cfg(test)]\n".trim_end()));
        // `#[cfg(test)] mod tests;` in a declaration list opens no test code here.
        marker
            .filter(|(at, _)| {
                self.text
                    .lines()
                    .nth(*at)
                    .is_some_and(|next| next.ends_with('{'))
            })
            .map_or(usize::MAX, |(at, _)| at)
    }
}

pub(crate) fn file_faults(file: &SourceFile) -> Vec<Fault> {
    let mut faults = length_faults(file);
    faults.extend(name_faults(file));
    faults.extend(agent_faults(file));
    faults.extend(host_faults(file));
    faults.extend(waiting_faults(file));
    faults.extend(comment_faults(file));
    faults.extend(reminder_faults(file));
    faults
}

fn length_faults(file: &SourceFile) -> Vec<Fault> {
    let n_lines = file.text.lines().count();
    if n_lines <= MAX_LINES {
        return Vec::new();
    }
    let what = format!("{n_lines} lines.");
    vec![file.fault(n_lines, 3, what, "Split it by noun, not into parts.")]
}

fn name_faults(file: &SourceFile) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, line) in file.lines() {
        let Some(name) = declared_type(line) else {
            continue;
        };
        if EMPTY_NAMES.iter().any(|word| name.ends_with(word)) {
            let what = format!("`{name}` says nothing.");
            faults.push(file.fault(at, 9, what, "Name what it is or what it does."));
        }
    }
    faults
}

/// Returns the name of the type that a line declares.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty());
    let visible = [
        "pub", "crate", "super", "export", "default", "abstract", "in",
    ];
    let keyword = words.find(|word| !visible.contains(word))?;
    [
        "struct",
        "enum",
        "trait",
        "union",
        "type",
        "class",
        "interface",
    ]
    .contains(&keyword)
    .then(|| words.next())?
}

fn agent_faults(file: &SourceFile) -> Vec<Fault> {
    if file.is_test_file()
        || KNOWS_AGENTS
            .iter()
            .any(|known| file.path.starts_with(known))
    {
        return Vec::new();
    }
    let tests_start = file.tests_start();
    let mut faults = Vec::new();
    for (at, line) in file.lines().take_while(|(at, _)| *at < tests_start) {
        let lower = line.to_lowercase();
        for agent in ["codex", "claude"] {
            if lower.contains(agent) {
                let what = format!("`{agent}` outside its folder.");
                faults.push(file.fault(
                    at,
                    2,
                    what,
                    "Ask `Source`, or add the file to KNOWS_AGENTS with a reason.",
                ));
            }
        }
    }
    faults
}

fn host_faults(file: &SourceFile) -> Vec<Fault> {
    if !file.path.starts_with("ui/") || file.path == TAURI_FILE {
        return Vec::new();
    }
    let imports = file
        .lines()
        .filter(|(_, line)| line.contains("@tauri-apps") || line.contains("__TAURI"));
    imports
        .map(|(at, _)| {
            file.fault(
                at,
                54,
                "Tauri outside its file.".to_owned(),
                "Go through `Host`.",
            )
        })
        .collect()
}

fn waiting_faults(file: &SourceFile) -> Vec<Fault> {
    if file.path == PAUSING_FILE || !file.path.ends_with(".rs") {
        return Vec::new();
    }
    let tests_start = file.tests_start();
    let mut faults = Vec::new();
    for (at, line) in file.lines().skip_while(|(at, _)| *at < tests_start) {
        for (word, rule, way_out) in [
            (
                concat!("sleep", "("),
                49,
                "Await the event, or use `wait_for` of the test kit.",
            ),
            (
                concat!("#[ign", "ore"),
                52,
                "Make it pass, or assert the wrong behaviour with a FIXME.",
            ),
            (
                concat!("should_", "panic"),
                52,
                "Assert the error as a value.",
            ),
        ] {
            if line.contains(word) {
                faults.push(file.fault(at, rule, format!("`{word}` in a test."), way_out));
            }
        }
    }
    faults
}

fn comment_faults(file: &SourceFile) -> Vec<Fault> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut faults = Vec::new();
    let mut is_within = false;
    for (at, line) in lines.iter().enumerate() {
        let comment = comment_of(line);
        if let Some(text) = comment.filter(|_| !is_within)
            && let Some(opening) = narrating_opening(text)
            && (CHANGING.contains(&opening) || !is_of_a_value(&lines, at))
        {
            let what = format!("a comment that opens with `{opening}`.");
            faults.push(file.fault(at + 1, 43, what, "Say why, or say nothing."));
        }
        is_within = comment.is_some();
    }
    faults
}

/// Tells whether the comment at `at` describes a type or a variant: commands are imperative.
fn is_of_a_value(lines: &[&str], at: usize) -> bool {
    let mut from_here = lines.iter().skip(at).peekable();
    let is_document = from_here
        .peek()
        .is_some_and(|line| line.trim_start().starts_with("///"));
    let described =
        from_here.find(|line| comment_of(line).is_none() && !line.trim_start().starts_with('#'));
    is_document && described.is_some_and(|line| !line.contains("fn "))
}

/// Returns the text of a line that is nothing but a comment.
fn comment_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = ["///", "//!", "//", "/**", "/*", "<!--"]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))?;
    Some(text.trim_start())
}

fn narrating_opening(text: &str) -> Option<&'static str> {
    if NO_NARRATION.iter().any(|fine| text.starts_with(fine)) {
        return None;
    }
    let openings = NARRATING.iter().chain(CHANGING).copied();
    openings.into_iter().find(|opening| {
        text.strip_prefix(opening)
            .is_some_and(|rest| rest.starts_with([' ', ',', ':']))
    })
}

fn reminder_faults(file: &SourceFile) -> Vec<Fault> {
    let word = concat!("TO", "DO");
    let mut faults = Vec::new();
    for (at, line) in file.lines() {
        let Some((before, after)) = line.split_once(word) else {
            continue;
        };
        let before = before.trim_end();
        let is_comment = ["//", "///", "//!", "*", "<!--"]
            .iter()
            .any(|mark| before.ends_with(mark));
        if is_comment && !after.starts_with("(#") {
            let what = format!("{word} without an issue.");
            faults.push(file.fault(at, 61, what, "Do it, or name the issue in brackets: (#12)."));
        }
    }
    faults
}

pub(crate) fn dependency_faults(path: &str, manifest: &str, allowed: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut is_list = false;
    for (at, line) in manifest.lines().enumerate() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end().trim_end_matches(']');
            is_list = section.ends_with("dependencies") && section != "workspace.dependencies";
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if is_list
            && !name.is_empty()
            && !name.starts_with('#')
            && !allowed.split(' ').any(|known| known == name)
        {
            faults.push(Fault {
                path: path.to_owned(),
                line: at + 1,
                rule: 2,
                what: format!("a new dependency, `{name}`."),
                way_out: "Do without, or add it to DEPENDENCIES and say why in the commit.",
            });
        }
    }
    faults
}

pub(crate) fn decision_faults(names: &[String]) -> Vec<Fault> {
    let number = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    let mut faults = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let is_number = number(name).len() == 4 && number(name).chars().all(|c| c.is_ascii_digit());
        let is_taken = names
            .iter()
            .take(at)
            .any(|other| number(other) == number(name));
        let what = match (is_number, is_taken) {
            (false, _) => "a decision without a number of four digits.",
            (true, true) => "a number that another decision has.",
            (true, false) => continue,
        };
        faults.push(Fault {
            path: format!("docs/adr/{name}"),
            line: 1,
            rule: 45,
            what: what.to_owned(),
            way_out: "Take the next free number.",
        });
    }
    faults
}

pub(crate) fn changelog_faults(text: &str) -> Vec<Fault> {
    if text
        .lines()
        .any(|line| line.trim_end() == "## [Unreleased]")
    {
        return Vec::new();
    }
    vec![Fault {
        path: "CHANGELOG.md".to_owned(),
        line: 1,
        rule: 59,
        what: "no place for the next change.".to_owned(),
        way_out: "Add `## [Unreleased]`.",
    }]
}
