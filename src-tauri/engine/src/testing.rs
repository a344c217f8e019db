//! What the tests share.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

/// How long anything may take that is expected to happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a folder that is removed with the guard.
pub(crate) fn temp_folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(guard.path().canonicalize().unwrap()).unwrap();
    (guard, path)
}

/// Runs `future` to its end, or fails after [`PATIENCE`].
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("it should have happened by now")
}

/// Asks `condition` until it gives a value, or fails after [`PATIENCE`].
#[track_caller]
pub(crate) fn eventually<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let clock = crate::clock::Clock::start();
    let (_never, pause) = mpsc::channel::<()>();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            clock.now().steady < PATIENCE,
            "it should have happened by now"
        );
        assert!(pause.recv_timeout(Duration::from_millis(2)).is_err());
    }
}

/// An exclusive lock held by a process of its own, until dropped: then the process is killed.
pub(crate) struct Flock(Child);

impl Flock {
    #[expect(clippy::disallowed_methods, reason = "tests need a second process")]
    pub(crate) fn by_child(path: &Utf8Path) -> Self {
        let mut child = std::process::Command::new("flock")
            .args(["--close", path.as_str(), "sh", "-c", "echo held; read _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Flock {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
