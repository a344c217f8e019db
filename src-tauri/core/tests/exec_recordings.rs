//! Every recording of the real `codex exec --json` yields the facts and the end that are on file.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its recordings and fails by panicking"
)]

use std::path::{Path, PathBuf};

use mission_control_core::task::conclude::{
    Asked, ChildExit, Conclusion, Ending, Evidence, Gathered, GroupEnd, conclude,
};
use mission_control_core::task::exec_events::{ExecFact, ExecReader, UsageBefore};
use mission_control_core::task::model::{TaskStatus, UsageScope};
use mission_control_core::task::work::WorkLog;
use mission_control_core::text::shorten;
use serde_json::json;

#[test]
fn every_recording_yields_its_facts_and_its_end() {
    for path in recordings() {
        let replay = Replay::of(&path);
        let facts: Vec<String> = replay
            .facts
            .iter()
            .map(|fact| shorten(&format!("{fact:?}"), 300))
            .collect();
        let end = replay.end(exit_of(&path));
        let commands: Vec<String> = replay
            .work
            .commands
            .iter()
            .map(|run| format!("{:?} {}", run.exit_code, shorten(&run.command, 80)))
            .collect();

        let yielded = json!({
            "facts": facts,
            "commands": commands,
            "tests": replay.work.tests,
            "progress": replay.work.progress(),
            "phase": replay.work.phase(),
            "usage": replay.work.usage.map(|usage| usage.of_task(UsageBefore::Nothing)),
            "status": end.status,
            "outcome": end.outcome,
            "summary": end.summary(),
            "error": end.error(),
            "files": end.files,
            "warnings": end.warnings.iter().map(mission_control_core::task::conclude::Warning::sentence).collect::<Vec<_>>(),
            "evidence": end.evidence,
        });
        insta::with_settings!({ snapshot_path => "snapshots/exec", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(name(&path), yielded);
        });
    }
}

#[test]
fn no_line_of_any_recording_is_unread() {
    for path in recordings() {
        assert_eq!(Replay::of(&path).n_unread, 0, "{}", path.display());
    }
}

#[test]
fn a_recording_that_stops_anywhere_never_counts_as_an_answer() {
    for path in recordings() {
        let whole = Replay::of(&path);
        let lines: Vec<&str> = whole.text.split_inclusive('\n').collect();
        for n_lines in 0..lines.len().saturating_sub(1) {
            let cut = Replay::read(lines[..n_lines].concat());

            let end = cut.end(ChildExit::Signal(9));

            assert_eq!(
                end.status,
                TaskStatus::Failed,
                "{} {n_lines}",
                path.display()
            );
        }
    }
}

#[test]
fn a_resumed_task_reports_its_own_tokens() {
    let folder = testdata().join("10-resumed-and-forked");
    let first = Replay::of(&folder.join("stdout-1.jsonl"))
        .work
        .usage
        .unwrap();
    let second = Replay::of(&folder.join("stdout-2.jsonl"))
        .work
        .usage
        .unwrap();

    let own = second.of_task(UsageBefore::Known(first));
    let unknown = second.of_task(UsageBefore::Unknown);

    assert_eq!((own.input, own.cached, own.output), (9_795, 4_897, 120));
    assert_eq!(
        (unknown.input, unknown.covers),
        (19_498, UsageScope::Thread)
    );
}

// Test support.

struct Replay {
    text: String,
    facts: Vec<ExecFact>,
    work: WorkLog,
    n_unread: u32,
}

impl Replay {
    fn of(path: &Path) -> Self {
        Self::read(std::fs::read_to_string(path).unwrap())
    }

    fn read(text: String) -> Self {
        let mut reader = ExecReader::default();
        let mut facts = reader.read(text.as_bytes());
        facts.extend(reader.finish());
        let mut work = WorkLog::default();
        for fact in &facts {
            work.handle(fact.clone());
        }
        Self {
            text,
            facts,
            work,
            n_unread: reader.unread().count(),
        }
    }

    fn end(&self, exit: ChildExit) -> Conclusion {
        conclude(&Evidence {
            asked: Asked::default(),
            ending: &Ending::Left(exit),
            group: GroupEnd::Gone,
            work: &self.work,
            n_unread: self.n_unread,
            gathered: &Gathered::default(),
        })
    }
}

fn exit_of(path: &Path) -> ChildExit {
    let file = path.with_file_name("exit-code.txt");
    std::fs::read_to_string(file).map_or(ChildExit::Unknown, |code| {
        ChildExit::Code(code.trim().parse().unwrap())
    })
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/exec")
}

fn recordings() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(testdata()).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "jsonl") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() >= 38, "the recordings are complete");
    found
}

fn name(path: &Path) -> String {
    let folder = path.parent().unwrap().file_name().unwrap();
    let file = path.file_stem().unwrap();
    format!("{}-{}", folder.to_string_lossy(), file.to_string_lossy())
}
