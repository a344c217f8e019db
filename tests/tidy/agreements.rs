//! What was agreed, as literal tables. To change a table is to change the agreement: say why in the commit.

/// Lines of a file before it should be two.
pub(crate) const MAX_LINES: usize = 700;

/// Words that say nothing in a type's name.
pub(crate) const EMPTY_NAMES: &[&str] = &[
    "Manager",
    "Service",
    "Helper",
    "Util",
    "Utils",
    "Handler",
    "Processor",
    "Data",
    "Info2",
];

/// Openings of comments that tell what the next line says anyway.
pub(crate) const NARRATING: &[&str] = &[
    "Get",
    "Create",
    "Check",
    "Set",
    "Read",
    "Loop",
    "Initialize",
    "Call",
    "Update",
    "Iterate",
    "Increment",
];

/// Openings of comments that tell what changed.
pub(crate) const CHANGING: &[&str] = &[
    "Now",
    "No longer",
    "Newly",
    "Previously",
    "Changed",
    "Moved",
];

/// Comments that begin like narration and are none.
pub(crate) const NO_NARRATION: &[&str] = &["Set of", "Read-only", "Read only"];

/// Where the names of agents may stand outside tests, testdata and documents. The rest asks `Source`.
pub(crate) const KNOWS_AGENTS: &[&str] = &[
    "src-tauri/core/src/source/",
    "src-tauri/engine/src/source/",
    // Tasks can be delegated to one agent only: what it prints, and how to help when it fails.
    "src-tauri/core/src/task/exec_events/",
    "src-tauri/core/src/task/failure.rs",
    // One home, one section of the settings and one check per agent.
    "src-tauri/engine/src/places.rs",
    "src-tauri/engine/src/settings.rs",
    "src-tauri/engine/src/doctor.rs",
    "src-tauri/engine/src/doctor/",
    "src-tauri/engine/src/demo.rs",
    "src-tauri/engine/src/demo/",
    // Starts one lookout per agent.
    "src-tauri/engine/src/monitor/",
    // The program that tasks are delegated to, its events and its failures.
    "src-tauri/core/src/task/",
    // Tools are named after the agent they drive.
    "src-tauri/mcp/",
    "tests/",
    // Examples on the command line.
    "src-tauri/src/cli/",
    // Names, signs and invitations that people see.
    "ui/src/bindings/",
    "ui/src/host/recorded",
    "ui/src/model/names.ts",
    "ui/src/parts/SourceMark.svelte",
    "ui/src/parts/Symbols.svelte",
    "ui/src/views/Empty.svelte",
    "ui/src/views/HealthView.svelte",
    "ui/src/views/SessionsView.svelte",
    "ui/src/test/",
];

/// The only file of the UI that knows its host.
pub(crate) const TAURI_FILE: &str = "ui/src/host/tauri.ts";

/// The only file of the tests that pauses.
pub(crate) const PAUSING_FILE: &str = "tests/support/src/wait.rs";

/// What each crate may stand on. A line more is an architectural change.
pub(crate) const DEPENDENCIES: &[(&str, &str)] = &[
    (
        "src-tauri/core/Cargo.toml",
        "insta jiff memchr proptest serde serde_json ts-rs",
    ),
    (
        "src-tauri/engine/Cargo.toml",
        "camino dirs futures-util insta jiff memchr mission-control-core notify proptest rusqlite \
             rusqlite_migration rustix ruzstd serde serde_json sysinfo tempfile thiserror tokio \
             tokio-tungstenite toml tracing x11rb",
    ),
    (
        "src-tauri/mcp/Cargo.toml",
        // `rustix` takes the standard output away from everything but the server's frames.
        "camino insta jiff mission-control-core mission-control-engine rmcp rustix serde serde_json \
             tempfile thiserror tokio tracing",
    ),
    (
        "tests/support/Cargo.toml",
        "rustix ruzstd serde_json tempfile",
    ),
    (
        "Cargo.toml",
        "anstream anstyle anyhow camino clap futures-util gtk insta jiff ksni mission-control-core \
             mission-control-engine mission-control-mcp mission-control-testkit notify-rust rustix \
             serde serde_json tauri tauri-build tauri-plugin-shell tauri-plugin-single-instance \
             tempfile tokio toml tracing tracing-subscriber unicode-width webkit2gtk zbus",
    ),
];
