//! `mission-control mcp`: the agents' real commands are told about the server.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a missing value fails the test"
)]

use std::path::{Path, PathBuf};

use mission_control_testkit::process::{self, Exit, Said};
use mission_control_testkit::watch::Front;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mission-control");

/// A home with the agents on the search path.
struct Machine {
    front: Front,
    home: TempDir,
}

impl Machine {
    fn new(agents: &[PathBuf]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = process::own_env("PATH").unwrap();
        let mut folders: Vec<PathBuf> = agents.to_vec();
        folders.extend(std::env::split_paths(&path));
        let path = std::env::join_paths(folders)
            .unwrap()
            .into_string()
            .unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let env = [
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), text(home.path())),
            ("CODEX_HOME".to_owned(), text(&home.path().join(".codex"))),
        ];
        std::fs::create_dir(home.path().join(".codex")).unwrap();
        Self {
            front: Front::new(PROGRAM, env.into()),
            home,
        }
    }

    fn config(&self) -> PathBuf {
        self.home.path().join(".codex/config.toml")
    }

    /// Runs `mcp` with words and returns the report about the only agent.
    #[track_caller]
    fn mcp(&self, words: &[&str]) -> Value {
        let said = self.said(words);
        assert_eq!(said.exit, Exit::Code(0), "{said:?}");
        let document: Value = serde_json::from_str(&said.stdout).unwrap();
        document["clients"][0].clone()
    }

    fn said(&self, words: &[&str]) -> Said {
        let mut all = vec!["mcp"];
        all.extend(words);
        all.extend(["--json", "--client", "codex"]);
        self.front.run(&all)
    }
}

fn codex() -> PathBuf {
    let program = mission_control_testkit::codex::program_path();
    program.parent().unwrap().to_owned()
}

#[test]
fn codex_is_told_once_and_forgets_again() {
    let machine = Machine::new(&[codex()]);
    std::fs::write(machine.config(), "model = \"x\" # mine\n").unwrap();

    let before = machine.mcp(&["status"]);
    let installed = machine.mcp(&["install"]);
    let text = std::fs::read_to_string(machine.config()).unwrap();
    let again = machine.mcp(&["install"]);
    let status = machine.mcp(&["status"]);
    let removed = machine.mcp(&["remove"]);
    let after = std::fs::read_to_string(machine.config()).unwrap();

    assert_eq!(before["state"], "absent");
    assert_eq!(
        (&installed["state"], &installed["changed"]),
        (&"installed".into(), &true.into())
    );
    let backup = installed["backup"].as_str().unwrap();
    assert_eq!(
        std::fs::read_to_string(backup).unwrap(),
        "model = \"x\" # mine\n"
    );
    assert!(
        text.contains(PROGRAM) && text.contains("MISSION_CONTROL_HOME"),
        "{text}"
    );
    assert_eq!(
        (&again["changed"], &again["backup"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(status["entry"]["args"][0], "--mcp");
    assert_eq!(
        (&removed["state"], &removed["changed"]),
        (&"absent".into(), &true.into())
    );
    assert!(
        after.contains("# mine") && !after.contains("mission-control"),
        "{after}"
    );
}

#[test]
fn an_entry_that_starts_something_else_is_told_and_corrected() {
    let machine = Machine::new(&[codex()]);
    let old =
        "[mcp_servers.mission-control]\ncommand = \"/old/mission-control\"\nargs = [\"--mcp\"]\n";
    std::fs::write(machine.config(), old).unwrap();

    let before = machine.mcp(&["status"]);
    let corrected = machine.mcp(&["install"]);

    assert_eq!(before["state"], "different");
    assert_eq!(before["entry"]["command"], "/old/mission-control");
    assert_eq!(corrected["entry"]["command"], PROGRAM);
    let backup = corrected["backup"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(backup).unwrap(), old);
}

#[test]
fn an_agent_that_is_not_there_is_said_so() {
    let machine = Machine::new(&[]);
    let mut machine = machine;
    let nowhere = machine.home.path().to_str().unwrap().to_owned();
    machine.front.set_env("PATH", &nowhere);

    let said = machine.said(&["install"]);

    assert_eq!(said.exit, Exit::Code(4), "{said:?}");
    assert!(
        said.stderr.contains("Codex is not installed"),
        "{}",
        said.stderr
    );
}
