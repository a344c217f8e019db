//! One look at one rollout: its writer, then its lines, handed on in the order that is promised.

use mission_control_core::observation::{Observation, Place, Writer};
use mission_control_core::session::SessionId;
use mission_control_core::source::Source;
use mission_control_core::tracker::Now;

use super::super::hook;
use super::super::writer::{HomeHasLocks, Lock, conclude};
use super::{Lookout, archive_folder, lock_file, lock_folder, rollouts};
use crate::source::known::{Came, Drained, Into, Retry};

/// What to look at in one visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// Lines; the writer only if lines came that nobody visible wrote.
    Lines,
    /// The writer and lines.
    Writer,
}

impl Lookout {
    /// Looks at one rollout and hands on what is new.
    pub(super) fn visit(&mut self, thread: &str, visit: Visit, now: Now) {
        let Some(known) = self.known.get(thread) else {
            return;
        };
        let looked_up = match visit {
            Visit::Writer => Some(self.writer_of(known.home, thread)),
            Visit::Lines => None,
        };
        let Some(came) = self.drain(thread) else {
            return;
        };
        let Some(known) = self.known.get_mut(thread) else {
            return;
        };
        let mut looked_up = looked_up;
        if looked_up.is_none() && came == Came::Lines && !known.is_live() {
            // Somebody writes whom the last look did not see.
            known.retry = Retry::from(now.steady);
            looked_up = self.writer_of_known(thread);
            if self.drain(thread).is_none() {
                return;
            }
        }
        self.tell_writer(thread, looked_up, came, now);
    }

    fn writer_of_known(&mut self, thread: &str) -> Option<Writer> {
        let home = self.known.get(thread)?.home;
        Some(self.writer_of(home, thread))
    }

    fn writer_of(&mut self, home: usize, thread: &str) -> Writer {
        let has_locks = if lock_folder(self.home(home)).is_dir() {
            HomeHasLocks::Yes
        } else {
            HomeHasLocks::No
        };
        let state = self.locks.state_of(&lock_file(self.home(home), thread));
        let table = &mut self.table;
        let lock = Lock::of(state, has_locks, |pid| table.key_of(pid));
        conclude(&lock, thread, self.running.as_deref())
    }

    fn tell_writer(&mut self, thread: &str, looked_up: Option<Writer>, came: Came, now: Now) {
        let (Some(known), Some(looked_up)) = (self.known.get_mut(thread), looked_up) else {
            return;
        };
        let Some(writer) = known.weigh(looked_up, came, now.steady) else {
            return;
        };
        if known.is_told && known.writer.as_ref() != Some(&writer) {
            known.writer = Some(writer.clone());
            self.observed.push_back(Observation::WriterSeen {
                session: SessionId::new(Source::Codex, thread),
                writer,
            });
        }
        if !known.is_live() {
            known.tail.release();
        }
    }

    /// Hands on what hooks said of a thread. It is handed on again and again; the tracker knows.
    pub(super) fn tell_hooks(&mut self, thread: &str) {
        if !self.known.get(thread).is_some_and(|known| known.is_told) {
            return;
        }
        let requests = hook::requests(&self.options.hooks, thread);
        let session = SessionId::new(Source::Codex, thread);
        let called = requests.into_iter().map(|request| Observation::HookCalled {
            session: session.clone(),
            request,
        });
        self.observed.extend(called);
    }

    /// Reads to the end and hands on the lines; none when the rollout is gone.
    fn drain(&mut self, thread: &str) -> Option<Came> {
        let session = SessionId::new(Source::Codex, thread);
        let mut has_moved = false;
        loop {
            let known = self.known.get_mut(thread)?;
            let mut into = Into {
                observed: &mut self.observed,
                skipped: &mut self.skipped,
                buffer: &mut self.buffer,
            };
            match known.drain(&session, &mut into) {
                Drained::Came(came) => {
                    self.tell_place(thread);
                    return Some(came);
                }
                Drained::Missing if !has_moved => {
                    has_moved = true;
                    let home = known.home;
                    if let Some(path) = rollouts::of_thread(self.home(home), thread) {
                        self.known.get_mut(thread)?.tail.moved_to(path);
                        continue;
                    }
                }
                Drained::Missing | Drained::Broken => {}
            }
            self.drop_gone(thread);
            return None;
        }
    }

    /// Hands on that a rollout was put into the archive, or taken out of it.
    fn tell_place(&mut self, thread: &str) {
        let Some(known) = self.known.get(thread).filter(|known| known.is_told) else {
            return;
        };
        let path = known.tail.path();
        let place = if path.starts_with(archive_folder(self.home(known.home))) {
            Place::Archive
        } else {
            Place::Usual
        };
        let was_told = match place {
            Place::Archive => !self.archived.insert(thread.to_owned()),
            Place::Usual => !self.archived.remove(thread),
        };
        if !was_told {
            self.observed.push_back(Observation::TranscriptMoved {
                session: SessionId::new(Source::Codex, thread),
                path: path.to_string(),
                place,
            });
        }
    }

    pub(super) fn drop_gone(&mut self, thread: &str) {
        let Some(known) = self.known.remove(thread) else {
            return;
        };
        self.names.forget(thread);
        self.archived.remove(thread);
        if known.is_told {
            self.observed.push_back(Observation::TranscriptGone {
                session: SessionId::new(Source::Codex, thread),
            });
        }
    }
}
