//! What a changed file or folder means.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use mission_control_core::source::Source;
use mission_control_core::source::claude_code::{agent_of_file, is_session_id, session_of_file};
use mission_control_core::tracker::Now;

use super::super::registry::is_registry_file;
use super::super::{projects_folder, registry_folder, transcripts};
use super::Lookout;
use crate::hooks;
use crate::source::Lookout as _;
use crate::source::known::Retry;
use crate::source::listing::Skips;

/// What a change is about.
#[derive(Clone, Copy, Debug)]
enum Meaning<'a> {
    Registered {
        home: usize,
        path: &'a Utf8Path,
    },
    Registry,
    Transcript {
        home: usize,
        session: &'a str,
        path: &'a Utf8Path,
    },
    Agent {
        session: &'a str,
        agent: &'a str,
    },
    /// The folder of a session and its sub-agents.
    Family {
        session: &'a str,
    },
    Folder {
        home: usize,
        path: &'a Utf8Path,
    },
    /// What a hook left about a session.
    Hook {
        session: &'a str,
    },
    Everything,
}

impl Lookout {
    /// Takes in that files or folders changed.
    pub(super) fn take_in(&mut self, changed: &BTreeSet<Utf8PathBuf>, now: Now) {
        let meanings: Vec<Meaning<'_>> = changed
            .iter()
            .filter_map(|path| self.meaning(path))
            .collect();
        // Several files of one sub-agent change at a time, and its folder with them.
        let mut families = BTreeSet::new();
        for meaning in meanings {
            match meaning {
                Meaning::Registered { home, path } => {
                    for session in self.registry.read(home, path, &mut self.table) {
                        self.registry_changed(&session, now);
                    }
                }
                Meaning::Registry => self.follow_registry(now),
                Meaning::Transcript {
                    home,
                    session,
                    path,
                } => self.transcript_changed(home, session, path, now),
                Meaning::Agent { session, agent } if self.followed.contains_key(agent) => {
                    self.visit(agent, now);
                    self.tell_live(session);
                }
                Meaning::Agent { session, .. } | Meaning::Family { session } => {
                    families.insert(session);
                }
                Meaning::Folder { home, path } => self.folder_changed(home, path, now),
                Meaning::Hook { session } => self.tell_live(session),
                Meaning::Everything => self.look(now),
            }
        }
        for session in families {
            self.family_changed(session, now);
        }
    }

    /// Returns what a change of `path` is about; none where it is nothing of ours.
    fn meaning<'a>(&self, path: &'a Utf8Path) -> Option<Meaning<'a>> {
        if path.parent() == Some(&self.options.hooks) {
            let session = hooks::session_of(path, Source::ClaudeCode)?;
            return Some(Meaning::Hook { session });
        }
        let is_home_or_above = |home: &Utf8PathBuf| home.starts_with(path);
        if self.options.homes.iter().any(is_home_or_above) {
            return Some(Meaning::Everything);
        }
        let homes = &self.options.homes;
        let home = homes.iter().position(|home| path.starts_with(home))?;
        let root = self.home(home);
        if path == registry_folder(root) {
            return Some(Meaning::Registry);
        }
        if path.parent() == Some(&registry_folder(root)) {
            return is_registry_file(path).then_some(Meaning::Registered { home, path });
        }
        let below = path.strip_prefix(projects_folder(root)).ok()?;
        let parts: Vec<&str> = below.components().map(|part| part.as_str()).collect();
        match *parts.as_slice() {
            [] => Some(Meaning::Everything),
            [_] => Some(Meaning::Folder { home, path }),
            [_, name] => match session_of_file(name) {
                Some(session) => Some(Meaning::Transcript {
                    home,
                    session,
                    path,
                }),
                None => is_session_id(name).then_some(Meaning::Family { session: name }),
            },
            [_, session, "subagents"] => Some(Meaning::Family { session }),
            [_, session, "subagents", name] => {
                let transcript = name
                    .strip_suffix(".meta.json")
                    .map(|name| format!("{name}.jsonl"));
                match (agent_of_file(name), transcript) {
                    (Some(agent), _) => Some(Meaning::Agent { session, agent }),
                    (None, Some(_)) => Some(Meaning::Family { session }),
                    (None, None) => None,
                }
            }
            _ => None,
        }
    }

    fn transcript_changed(&mut self, home: usize, session: &str, path: &Utf8Path, now: Now) {
        if self.followed.contains_key(session) {
            self.visit(session, now);
        } else if path.is_file() {
            self.appeared(home, session, path.to_owned(), now);
        }
    }

    /// Begins to follow a transcript that somebody just began or took up again.
    fn appeared(&mut self, home: usize, session: &str, path: Utf8PathBuf, now: Now) {
        self.learn(home, session, path, None);
        self.learn_agents(session, self.recent_since(now));
        if let Some(followed) = self.followed.get_mut(session) {
            followed.known.expect_writer(now.steady);
        }
        self.visit_family(session, now);
    }

    /// Takes in that a process opened the session, left it, or says that it does something else.
    pub(super) fn registry_changed(&mut self, session: &str, now: Now) {
        let is_open = self.registry.of_session(session).is_some();
        if let Some(followed) = self.followed.get_mut(session) {
            if !is_open {
                followed.known.expect_nobody(now.steady);
            }
            self.visit_family(session, now);
            return;
        }
        if is_open {
            self.awaited
                .insert(session.to_owned(), Retry::from(now.steady));
            self.await_transcript(session, now);
        } else {
            self.awaited.remove(session);
        }
    }

    /// Looks for the transcript of a session that is open; it begins with the first prompt.
    pub(super) fn await_transcript(&mut self, session: &str, now: Now) {
        let mut homes = self.options.homes.iter().enumerate();
        let found = homes.find_map(|(home, path)| {
            let path = transcripts::of_session(path, session)?;
            Some((home, path))
        });
        if let Some((home, path)) = found {
            self.awaited.remove(session);
            self.appeared(home, session, path, now);
        } else if let Some(retry) = self.awaited.get_mut(session) {
            *retry = retry.following(now.steady);
            if retry.due().is_none() {
                self.awaited.remove(session);
            }
        }
    }

    /// Takes in that a folder of transcripts appeared, vanished or began to be watched.
    fn folder_changed(&mut self, home: usize, path: &Utf8Path, now: Now) {
        let inside = self.ids(|followed| followed.known.tail.path().starts_with(path));
        for id in inside {
            self.visit(&id, now);
        }
        let mut skips = Skips::default();
        let found = transcripts::of_folder(path, self.recent_since(now), &mut skips);
        self.skipped.extend(skips);
        for found in found {
            if !self.followed.contains_key(&found.id) {
                self.appeared(home, &found.id, found.path, now);
            }
        }
    }

    /// Takes in that something of a session's sub-agents changed.
    fn family_changed(&mut self, session: &str, now: Now) {
        for agent in self.learn_agents(session, self.recent_since(now)) {
            self.visit(&agent, now);
        }
        self.visit_family(session, now);
    }
}
