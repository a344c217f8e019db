//! inotify and process descriptors in one `poll`.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::Duration;

use camino::Utf8Path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How long one wait lasts at most where the end of a process cannot be awaited.
const BLIND_STEP: Duration = Duration::from_millis(200);

/// Waits for files and a process.
#[derive(Debug)]
pub(crate) struct Waker {
    files: Option<OwnedFd>,
    process: Watched,
}

#[derive(Debug)]
enum Watched {
    Nothing,
    Process(OwnedFd),
    Unseen,
}

impl Waker {
    /// Waits for nothing yet.
    pub(crate) fn new() -> Self {
        let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
        let files = inotify::init(flags)
            .inspect_err(|error| tracing::warn!(%error, "Files cannot be watched."))
            .ok();
        Self {
            files,
            process: Watched::Nothing,
        }
    }

    /// Wakes when something is renamed into a folder.
    pub(crate) fn watch_folder(&mut self, folder: &Utf8Path) {
        self.watch(folder, WatchFlags::MOVED_TO | WatchFlags::ONLYDIR);
    }

    /// Wakes when a file is written.
    pub(crate) fn watch_file(&mut self, file: &Utf8Path) {
        self.watch(file, WatchFlags::MODIFY);
    }

    /// Wakes when a process ends.
    pub(crate) fn watch_process(&mut self, pid: u32) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let descriptor = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        self.process = match descriptor {
            Some(Ok(descriptor)) => Watched::Process(descriptor),
            Some(Err(_)) | None => Watched::Unseen,
        };
    }

    /// Stops waiting for a process.
    pub(crate) fn forget_process(&mut self) {
        self.process = Watched::Nothing;
    }

    /// Waits until something may have happened, at most for `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) {
        let limit = match self.process {
            Watched::Unseen => limit.min(BLIND_STEP),
            Watched::Nothing | Watched::Process(_) => limit,
        };
        let mut fds = Vec::with_capacity(2);
        if let Some(files) = &self.files {
            fds.push(PollFd::new(files, PollFlags::IN));
        }
        if let Watched::Process(process) = &self.process {
            fds.push(PollFd::new(process, PollFlags::IN));
        }
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        match poll(&mut fds, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => tracing::warn!(%error, "Waiting does not work."),
        }
        self.drain();
    }

    fn watch(&self, path: &Utf8Path, flags: WatchFlags) {
        let Some(files) = &self.files else { return };
        if let Err(error) = inotify::add_watch(files, path.as_std_path(), flags) {
            tracing::warn!(%error, %path, "A file cannot be watched.");
        }
    }

    /// What happened is looked for anyway; only the queue of events has to be emptied.
    fn drain(&self) {
        let Some(files) = &self.files else { return };
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        while let Ok((read, _)) = rustix::io::read(files, &mut buffer[..]) {
            if read.is_empty() {
                break;
            }
        }
    }
}
