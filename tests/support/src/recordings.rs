//! Recorded transcripts of the real agents, put where their agents would have written them.

use std::fs;
use std::path::{Path, PathBuf};

/// A recorded transcript of Codex.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The thread's id.
    pub thread: String,
    /// The transcript's text.
    pub content: String,
    date: String,
    time: String,
}

impl Recording {
    /// Loads the first transcript of a recording, such as `01-simple-success`.
    #[must_use]
    pub fn load(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src-tauri/core/testdata/codex");
        let entries = fs::read_dir(folder.join(name))
            .unwrap_or_else(|error| panic!("no recording `{name}`: {error}"));
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let path = files
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "jsonl"));
        let path = path.unwrap_or_else(|| panic!("no transcript in `{name}`"));
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a file name in UTF-8");
        let (date, rest) = stem
            .trim_start_matches("rollout-")
            .split_at("2026-11-20".len());
        let (time, thread) = rest.split_at("T07-45-49-".len());
        Self {
            thread: thread.to_owned(),
            content: fs::read_to_string(&path).expect("read the recording"),
            date: date.to_owned(),
            time: time.to_owned(),
        }
    }

    /// Returns the same transcript of a thread with another id.
    #[must_use]
    pub fn of_thread(self, thread: &str) -> Self {
        let content = self.content.replace(&self.thread, thread);
        Self {
            thread: thread.to_owned(),
            content,
            ..self
        }
    }

    /// Returns where the transcript belongs in an agent's home.
    #[must_use]
    pub fn path_in(&self, codex_home: &Path) -> PathBuf {
        let folder = codex_home
            .join("sessions")
            .join(self.date.replace('-', "/"));
        folder.join(format!(
            "rollout-{}{}{}.jsonl",
            self.date, self.time, self.thread
        ))
    }

    /// Writes the transcript into an agent's home.
    pub fn write_into(&self, codex_home: &Path) {
        let path = self.path_in(codex_home);
        fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
        fs::write(&path, &self.content).expect("write the transcript");
    }

    /// Returns the session's id.
    #[must_use]
    pub fn session_id(&self) -> String {
        format!("codex:{}", self.thread)
    }
}
