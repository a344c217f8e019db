//! The conventions that no linter knows. Rule numbers are those of the house style.
#![expect(clippy::unwrap_used, reason = "a missing file fails the test")]

mod agreements;
mod rules;

use std::fs;
use std::path::Path;

use agreements::{DEPENDENCIES, MAX_LINES, TAURI_FILE};
use rules::{Fault, SourceFile, changelog_faults, decision_faults, dependency_faults, file_faults};

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = source_files(root);
    assert!(
        files.len() > 30,
        "found only {} files below {}",
        files.len(),
        root.display()
    );

    let mut faults: Vec<Fault> = files.iter().flat_map(file_faults).collect();
    for (path, allowed) in DEPENDENCIES {
        let manifest = fs::read_to_string(root.join(path)).unwrap();
        faults.extend(dependency_faults(path, &manifest, allowed));
    }
    faults.extend(decision_faults(&names_in(&root.join("docs/adr"))));
    faults.extend(changelog_faults(
        &fs::read_to_string(root.join("CHANGELOG.md")).unwrap(),
    ));

    let report: Vec<String> = faults.iter().map(Fault::sentence).collect();
    assert!(
        report.is_empty(),
        "{} faults:\n{}",
        report.len(),
        report.join("\n")
    );
}

/// Returns all files of code, none of it generated or recorded.
fn source_files(root: &Path) -> Vec<SourceFile> {
    let skipped = [
        "target",
        "node_modules",
        "dist",
        "gen",
        "bindings",
        "testdata",
        "snapshots",
        "test-artifacts",
    ];
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for name in names_in(&folder) {
            let path = folder.join(&name);
            if path.is_dir() {
                if !name.starts_with('.') && !skipped.contains(&name.as_str()) {
                    open.push(path);
                }
            } else if [".rs", ".ts", ".svelte"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                let relative = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                files.push(SourceFile {
                    path: relative,
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Returns the names in a folder, in order; an absent folder holds none.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[test]
fn each_rule_finds_what_it_is_for() {
    check(
        "src-tauri/engine/src/x.rs",
        concat!("pub str", "uct SessionManager {\n"),
        &[(1, 9)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        concat!("pub(crate) en", "um PageData {\n"),
        &[(1, 9)],
    );
    check("ui/src/x.ts", "export interface FooHandler {\n", &[(1, 9)]);
    check(
        "src-tauri/engine/src/x.rs",
        "let service = 1; // a Manager\n",
        &[],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "let home = \".CODEX\";\n",
        &[(1, 2)],
    );
    check(
        "src-tauri/engine/src/source/codex/x.rs",
        "let home = \".codex\";\n",
        &[],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    // codex\n}\n",
        &[],
    );
    check(
        "ui/src/x.ts",
        "import { invoke } from '@tauri-apps/api/core';\n",
        &[(1, 54)],
    );
    check(
        TAURI_FILE,
        "import { invoke } from '@tauri-apps/api/core';\n",
        &[],
    );
    check(
        "tests/x.rs",
        concat!(
            "thread::sleep",
            "(a);\n#[ign",
            "ore]\n#[should_",
            "panic]\n"
        ),
        &[(1, 49), (2, 52), (3, 52)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        concat!("async { tokio::time::sleep", "(a) }\n"),
        &[],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "// Get the name.\n",
        &[(1, 43)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "/// Get the name.\nfn name() {}\n/// Get in line.\nQueue,\n",
        &[(1, 43)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "/// Now with colours.\n",
        &[(1, 43)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "// Why: the kernel says so.\n// Read the manual.\n",
        &[],
    );
    check(
        "src-tauri/engine/src/x.rs",
        "/// Read-only settings.\n/// Nowhere to go.\n",
        &[],
    );
    check(
        "src-tauri/engine/src/x.rs",
        concat!(
            "// TO",
            "DO later\n// TO",
            "DO(#12): later\nlet a = \"# TO",
            "DO\";\n"
        ),
        &[(1, 61)],
    );
    check(
        "src-tauri/engine/src/x.rs",
        &"\n".repeat(MAX_LINES + 1),
        &[(MAX_LINES + 1, 3)],
    );
}

#[test]
fn manifests_decisions_and_changes_are_looked_at() {
    let manifest = "[dependencies]\nserde.workspace = true\nleft-pad = \"1\"\n\n[features]\nx = []\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n";
    let lines: Vec<usize> = dependency_faults("x", manifest, "serde")
        .iter()
        .map(|fault| fault.line)
        .collect();
    assert_eq!(lines, [3, 8]);

    let names = ["0001-a.md", "0001-b.md", "0002-c.md", "notes.md"].map(str::to_owned);
    let paths: Vec<String> = decision_faults(&names)
        .into_iter()
        .map(|fault| fault.path)
        .collect();
    assert_eq!(paths, ["docs/adr/0001-b.md", "docs/adr/notes.md"]);

    assert_eq!(changelog_faults("# Changelog\n## [Unreleased]\n").len(), 0);
    assert_eq!(changelog_faults("# Changelog\n").len(), 1);
}

#[track_caller]
fn check(path: &str, text: &str, expected: &[(usize, u8)]) {
    let file = SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };

    let found: Vec<(usize, u8)> = file_faults(&file)
        .iter()
        .map(|fault| (fault.line, fault.rule))
        .collect();

    assert_eq!(found, expected, "{path}: {text}");
}
