//! One look at one session: its process, its lines, and what it says, handed on in this order.

use std::collections::BTreeSet;

use mission_control_core::observation::{Observation, Writer};
use mission_control_core::process::ProcessKey;
use mission_control_core::session::SessionId;
use mission_control_core::source::claude_code::{Call, Name, Reader, Reported, Turn};
use mission_control_core::source::{self, Source};
use mission_control_core::tracker::Now;

use super::super::{NAMES, hook, registry_folder, transcripts};
use super::{Followed, LOOK_HOLDS, Lookout};
use crate::processes::Described;
use crate::source::known::{Came, Drained, Into, Retry};

impl Followed {
    fn reader(&self) -> Option<&Reader> {
        if let Some(source::Reader::ClaudeCode(reader)) = self.known.tail.reader() {
            Some(reader)
        } else {
            None
        }
    }

    fn turn(&self) -> Turn {
        self.reader().map_or(Turn::Over, Reader::turn)
    }
}

impl Lookout {
    /// Looks at all transcripts; a session after its sub-agents, one of which may ask.
    pub(super) fn visit_all(&mut self, now: Now) {
        for id in self.ids(|followed| followed.parent.is_some()) {
            self.visit(&id, now);
        }
        for id in self.ids(|followed| followed.parent.is_none()) {
            self.visit(&id, now);
        }
    }

    /// Looks at a session and its sub-agents: what waits for a person may be a sub-agent's.
    pub(super) fn visit_family(&mut self, session: &str, now: Now) {
        let is_child = |f: &Followed| f.parent.as_deref() == Some(session);
        let may_change = |f: &Followed| f.known.is_live() || f.known.writer.is_none();
        for child in self.ids(|followed| is_child(followed) && may_change(followed)) {
            self.visit(&child, now);
        }
        self.visit(session, now);
    }

    /// Looks at one transcript and hands on what is new.
    pub(super) fn visit(&mut self, id: &str, now: Now) {
        let Some(followed) = self.followed.get(id) else {
            return;
        };
        let session = followed.parent.clone().unwrap_or_else(|| id.to_owned());
        let is_agent = followed.parent.is_some();
        let looked_up = self.writer_of(&session, followed.known.home, now);
        let Some(came) = self.drain(id) else {
            return;
        };
        if is_agent {
            self.tell_agent_writer(id, looked_up);
        } else {
            self.tell_writer(id, looked_up, came, now);
        }
        self.tell_title(id, &session);
        self.tell_live(id);
    }

    /// Returns who may write the transcript of a session.
    fn writer_of(&mut self, session: &str, home: usize, now: Now) -> Writer {
        let writer = self.registry.writer(session);
        if writer != Writer::Free || registry_folder(self.home(home)).is_dir() {
            return writer;
        }
        match &self.unregistered {
            Some((at, writer)) if now.steady < *at + LOOK_HOLDS => writer.clone(),
            Some(_) | None => {
                let writer = self.unregistered_writer();
                self.unregistered = Some((now.steady, writer.clone()));
                writer
            }
        }
    }

    /// Older versions keep no registry, and their processes do not tell their sessions.
    fn unregistered_writer(&mut self) -> Writer {
        let is_program = |described: &Described| NAMES.contains(&described.name.as_str());
        let why = match self.table.look(NAMES, is_program, |_| false) {
            Some(running) if running.is_empty() => return Writer::Free,
            Some(_) => "This version keeps no registry, and one of its processes runs.",
            None => "There is no registry, and processes cannot be listed here.",
        };
        Writer::Unknown {
            why: why.to_owned(),
        }
    }

    fn tell_writer(&mut self, id: &str, looked_up: Writer, came: Came, now: Now) {
        let Some(Followed { known, .. }) = self.followed.get_mut(id) else {
            return;
        };
        if came == Came::Lines && !known.is_live() {
            // Whoever writes may be registered a moment later.
            known.retry = Retry::from(now.steady);
        }
        let weighed = known.weigh(looked_up, came, now.steady);
        self.hand_on_writer(id, weighed);
    }

    /// A sub-agent lives in its session's process for as long as its turn runs.
    fn tell_agent_writer(&mut self, id: &str, looked_up: Writer) {
        let Some(followed) = self.followed.get(id) else {
            return;
        };
        let writer = match followed.turn() {
            Turn::Open => looked_up,
            Turn::Over => Writer::Free,
        };
        self.hand_on_writer(id, Some(writer));
    }

    fn hand_on_writer(&mut self, id: &str, writer: Option<Writer>) {
        let Some(Followed { known, live, .. }) = self.followed.get_mut(id) else {
            return;
        };
        if let Some(writer) = writer
            && known.is_told
            && known.writer.as_ref() != Some(&writer)
        {
            if writer == Writer::Free {
                *live = None;
            }
            known.writer = Some(writer.clone());
            self.observed.push_back(Observation::WriterSeen {
                session: SessionId::new(Source::ClaudeCode, id),
                writer,
            });
        }
        if !known.is_live() {
            known.tail.release();
        }
    }

    /// Hands on the name of a session, or what a sub-agent was started for.
    fn tell_title(&mut self, id: &str, session: &str) {
        let Some(followed) = self.followed.get_mut(id).filter(|f| f.known.is_told) else {
            return;
        };
        let title = match &followed.parent {
            Some(_) if followed.title.is_some() => return,
            Some(_) => transcripts::description(followed.known.tail.path()),
            None => self
                .registry
                .of_session(session)
                .and_then(|(registered, _)| match registered.name {
                    Name::Given(name) => Some(name),
                    Name::Unnamed => None,
                }),
        };
        if title.is_none() || title == followed.title {
            return;
        }
        followed.title.clone_from(&title);
        self.observed
            .extend(title.map(|title| Observation::Renamed {
                session: SessionId::new(Source::ClaudeCode, id),
                title,
            }));
    }

    /// Hands on what the registry says of a session, in the words of the call that waits.
    pub(super) fn tell_live(&mut self, id: &str) {
        let Some(followed) = self.followed.get(id) else {
            return;
        };
        if followed.parent.is_some() || !followed.known.is_told || !followed.known.is_live() {
            return;
        }
        let said = self
            .registry
            .of_session(id)
            .and_then(|(registered, _): (_, ProcessKey)| {
                let calls = self.open_calls(id);
                let hooked = match registered.reported {
                    Some((_, Reported::Waiting { .. })) => {
                        hook::hooked(&self.options.hooks, id, &calls)
                    }
                    Some(_) | None => Vec::new(),
                };
                let calls: Vec<&Call> = calls.iter().flat_map(|(_, calls)| *calls).collect();
                registered.live_state(followed.turn(), &calls, &hooked)
            });
        let Some(followed) = self.followed.get_mut(id) else {
            return;
        };
        if followed.live == said {
            return;
        }
        followed.live.clone_from(&said);
        let session = SessionId::new(Source::ClaudeCode, id);
        self.observed.push_back(match said {
            Some(live) => Observation::LiveSeen { session, live },
            None => Observation::LiveLost { session },
        });
    }

    /// Returns the calls of a session and its sub-agents that have no result yet, by whose they
    /// are.
    fn open_calls(&self, session: &str) -> Vec<(Option<&str>, &[Call])> {
        let own = self.followed.get(session).map(|followed| (None, followed));
        let children = self
            .followed
            .iter()
            .filter(|(_, followed)| followed.parent.as_deref() == Some(session))
            .filter(|(_, followed)| followed.turn() == Turn::Open)
            .map(|(agent, followed)| (Some(agent.as_str()), followed));
        let all = own.into_iter().chain(children);
        all.filter_map(|(agent, followed)| Some((agent, followed.reader()?.calls())))
            .collect()
    }

    /// Reads to the end and hands on the lines; none when the transcript is gone.
    fn drain(&mut self, id: &str) -> Option<Came> {
        let followed = self.followed.get_mut(id)?;
        let mut into = Into {
            observed: &mut self.observed,
            skipped: &mut self.skipped,
            buffer: &mut self.buffer,
        };
        let session = SessionId::new(Source::ClaudeCode, id);
        match followed.known.drain(&session, &mut into) {
            Drained::Came(came) => Some(came),
            Drained::Missing | Drained::Broken => {
                self.drop_gone(id);
                None
            }
        }
    }

    /// Stops following a transcript and those of its sub-agents.
    pub(super) fn drop_gone(&mut self, id: &str) {
        let mut gone: BTreeSet<String> = BTreeSet::from([id.to_owned()]);
        gone.extend(self.ids(|followed| followed.parent.as_deref() == Some(id)));
        for id in gone {
            let dropped = self.followed.remove(&id);
            if dropped.is_some_and(|dropped| dropped.known.is_told) {
                self.observed.push_back(Observation::TranscriptGone {
                    session: SessionId::new(Source::ClaudeCode, &id),
                });
            }
        }
    }
}
