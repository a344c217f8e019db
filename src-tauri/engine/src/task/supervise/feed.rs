//! The agent's output, read from the files it writes.

use std::fs::File;
use std::io::Read as _;

use camino::Utf8PathBuf;
use mission_control_core::task::exec_events::ExecReader;
use mission_control_core::task::run::RunInput;

use crate::task::folder::TaskFolder;
use crate::task::wake::Waker;

/// How much is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Standard output and standard error of an agent.
#[derive(Debug)]
pub(super) struct Feed {
    stdout: Growing,
    stderr: Growing,
    reader: ExecReader,
    n_unread: u32,
}

#[derive(Debug)]
struct Growing {
    path: Utf8PathBuf,
    file: Option<File>,
    n_bytes: u64,
}

impl Feed {
    pub(super) fn new(folder: &TaskFolder) -> Self {
        Self {
            stdout: Growing::new(folder.events()),
            stderr: Growing::new(folder.stderr()),
            reader: ExecReader::default(),
            n_unread: 0,
        }
    }

    /// Wakes when the agent writes; its files have to be there.
    pub(super) fn watch(&self, waker: &mut Waker) {
        for growing in [&self.stdout, &self.stderr] {
            if growing.path.exists() {
                waker.watch_file(&growing.path);
            }
        }
    }

    /// Reads what was written since, to the end.
    pub(super) fn read(&mut self, mut tell: impl FnMut(RunInput)) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Some(bytes) = self.stdout.next(&mut chunk) {
            tell(RunInput::StdoutBytes(bytes.len() as u64));
            for fact in self.reader.read(bytes) {
                tell(RunInput::Fact(fact));
            }
        }
        while let Some(bytes) = self.stderr.next(&mut chunk) {
            tell(RunInput::StderrBytes(bytes.len() as u64));
        }
        self.tell_unread(&mut tell);
    }

    /// Reads a line that was cut off when its writer died.
    pub(super) fn finish(&mut self, mut tell: impl FnMut(RunInput)) {
        self.read(&mut tell);
        for fact in self.reader.finish() {
            tell(RunInput::Fact(fact));
        }
        self.tell_unread(&mut tell);
    }

    /// Returns how much was read of standard output and standard error.
    pub(super) const fn n_bytes(&self) -> (u64, u64) {
        (self.stdout.n_bytes, self.stderr.n_bytes)
    }

    fn tell_unread(&mut self, tell: &mut impl FnMut(RunInput)) {
        let n_unread = self.reader.unread().count();
        if n_unread != self.n_unread {
            self.n_unread = n_unread;
            tell(RunInput::LinesUnread(n_unread));
        }
    }
}

impl Growing {
    const fn new(path: Utf8PathBuf) -> Self {
        Self {
            path,
            file: None,
            n_bytes: 0,
        }
    }

    fn next<'a>(&mut self, chunk: &'a mut [u8]) -> Option<&'a [u8]> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let n = match self.file.as_mut()?.read(chunk) {
            Ok(n) => n,
            Err(error) => {
                tracing::warn!(%error, path = %self.path, "The output cannot be read.");
                0
            }
        };
        self.n_bytes += n as u64;
        (n > 0).then(|| chunk.get(..n))?
    }
}
