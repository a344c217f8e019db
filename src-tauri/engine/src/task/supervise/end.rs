//! The end of a task: what is looked up, what is written, and in which order.
//!
//! First a file that survives everything, then the files for readers, then row and signal at
//! once: whoever finds the file and no row goes on from there.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use mission_control_core::redact::redact;
use mission_control_core::task::conclude::{Conclusion, Gathered};
use mission_control_core::task::exec_events::UsageBefore;
use mission_control_core::task::git::GitSeen;
use mission_control_core::task::model::Cut;
use mission_control_core::task::request::OnFinish;
use mission_control_core::task::run::RunInput;
use mission_control_core::task::work::TurnSeen;
use mission_control_core::text::shorten_middle;

use super::{Supervised, Supervisor};
use crate::source::delegate;
use crate::task::folder::{TaskFolder, write_whole};
use crate::task::outcome::{DebugFacts, Ended, record};
use crate::task::{git, words, worktree};

/// How much of standard error is looked at.
const STDERR_BYTES: u64 = 16 << 10;
/// Longest final message in a result, in characters, unless the request says otherwise.
const MESSAGE_CHARS: usize = 50_000;
/// Clocks of the agent's transcript and ours may differ by so much.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(2);
/// How often the database is tried again before the end is left to whoever looks next.
const RECORD_TRIES: u32 = 30;

impl Supervisor<'_> {
    pub(super) fn gather(&mut self) {
        let wall = self.clock.now().wall;
        let now = self.clock.now();
        let Self {
            feed, run, journal, ..
        } = self;
        feed.finish(|input| {
            if let RunInput::Fact(fact) = &input {
                journal.fact(fact, wall);
            }
            run.handle(input, now);
        });
        let mut gathered = Gathered {
            git: GitSeen::NoRepository,
            stderr_tail: tail(&self.folder.stderr()).unwrap_or_default(),
            ..Gathered::default()
        };
        if let Some(launched) = &self.launched {
            gathered.git = git::after(&launched.git, launched.worktree.as_deref());
            self.git = gathered.git.view();
            keep_difference(&self.folder, &gathered.git);
            let work = self.run.work();
            let thread = work.thread_id.as_ref().or(self.task.thread_id.as_ref());
            if let (Some(thread), Some(kept)) = (thread, &self.kept)
                && work.turn != TurnSeen::Completed
            {
                let since = launched.at - CLOCK_SLACK;
                let afterwards = delegate::after(&kept.launch.home, thread, since);
                gathered.transcript = afterwards.end;
                gathered.limit_resets_at = afterwards.limit_resets_at;
            }
        }
        let now = self.clock.now();
        self.run.handle(RunInput::Gathered(Box::new(gathered)), now);
    }

    pub(super) fn finish(&mut self, conclusion: Conclusion) -> Supervised {
        let now = self.clock.now();
        let snapshot = self.run.snapshot(now);
        self.describe(&snapshot);
        self.conclude(conclusion, now.wall);
        self.journal.summary(&self.task);
        let on_finish = self.kept.as_ref().map(|kept| kept.request.on_finish);
        let owner = self.store.task_owner(&self.task.task_id).ok().flatten();
        let ended = Ended {
            task: self.task.clone(),
            owner: owner.filter(|_| on_finish != Some(OnFinish::None)),
            debug: self.debug_facts(),
        };
        self.record_patiently(&ended)
    }

    fn record_patiently(&mut self, ended: &Ended) -> Supervised {
        let mut pause = Duration::from_millis(100);
        for _ in 0..RECORD_TRIES {
            match record(self.context, self.store, ended) {
                Ok(()) => return Supervised::Recorded,
                Err(error) => tracing::warn!(%error, "The end of the task cannot be recorded."),
            }
            let until = self.clock.now().steady + pause;
            while self.clock.now().steady < until {
                let left = until.saturating_sub(self.clock.now().steady);
                self.waker.wait(left);
            }
            pause = (pause * 2).min(Duration::from_secs(10));
        }
        Supervised::LeftForOthers
    }

    fn conclude(&mut self, conclusion: Conclusion, now: Timestamp) {
        let work = self.run.work();
        let before = self
            .launched
            .as_ref()
            .map_or(UsageBefore::Nothing, |launched| launched.usage);
        let most = self
            .kept
            .as_ref()
            .and_then(|kept| kept.request.max_output_chars)
            .map_or(MESSAGE_CHARS, |most| most as usize);
        let task = &mut self.task;
        task.summary = conclusion.summary();
        task.error = conclusion.error();
        task.status = conclusion.status;
        task.outcome = Some(conclusion.outcome);
        task.ended_at = Some(now);
        task.updated_at = now;
        task.need = None;
        task.files = conclusion.files;
        task.commands.clone_from(&work.commands);
        task.tests.clone_from(&work.tests);
        task.usage = work.usage.map(|usage| usage.of_task(before));
        task.git = self.git.take();
        let remarks = self.launched.iter().flat_map(|launched| &launched.remarks);
        let warnings = conclusion.warnings.iter();
        task.warnings = remarks
            .cloned()
            .chain(warnings.map(|warning| warning.sentence()))
            .collect();
        task.evidence = conclusion.evidence;
        if let Some(message) = conclusion.final_message {
            let n_chars = message.chars().count();
            if n_chars > most {
                let cut = Cut {
                    shown: most as u64,
                    total: n_chars as u64,
                };
                task.truncated.insert("final_message".to_owned(), cut);
            }
            task.final_message = Some(shorten_middle(&message, most));
        }
        let n_commands = u64::from(work.n_commands);
        if n_commands > task.commands.len() as u64 {
            let cut = Cut {
                shown: task.commands.len() as u64,
                total: n_commands,
            };
            task.truncated.insert("commands".to_owned(), cut);
        }
        words::describe(task);
        words::link(task, &self.folder);
        self.tidy_worktree();
    }

    /// A checkout in which nothing was changed is of no use, unless somebody wants it.
    fn tidy_worktree(&mut self) {
        let Some(launched) = &self.launched else {
            return;
        };
        let Some(worktree) = &launched.worktree else {
            return;
        };
        let made = worktree::made(worktree);
        let looked = made.and_then(|made| {
            let made = made.map(|made| made.base);
            let base = made.as_deref().or(launched.git.commit());
            let is_changed = worktree::is_changed(worktree, base)?;
            Ok((
                is_changed,
                worktree::beyond(worktree, base.unwrap_or("HEAD"))?,
            ))
        });
        let (is_changed, beyond) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                let warning = format!("What its checkout holds is not known: {error}.");
                self.task.warnings.push(warning);
                return;
            }
        };
        self.task.warnings.extend(beyond.warnings());
        let keeps = self
            .kept
            .as_ref()
            .is_some_and(|kept| kept.request.keep_worktree);
        let is_others = *worktree != self.folder.worktree();
        if is_changed {
            let id = &self.task.task_id;
            let next = format!("`mission-control apply {id}` brings its changes here.");
            self.task.next.push(next);
        } else if !keeps && !is_others && beyond.is_nothing() {
            match worktree::remove(worktree) {
                Ok(()) => {
                    if let Some(git) = &mut self.task.git {
                        git.worktree = None;
                    }
                }
                Err(error) => tracing::warn!(%error, "The task's checkout cannot be removed."),
            }
        }
    }

    fn debug_facts(&self) -> DebugFacts {
        let (n_stdout_bytes, n_stderr_bytes) = self.feed.n_bytes();
        let names = self.kept.as_ref().map(|kept| {
            let own = kept.launch.variables.keys().cloned();
            own.collect::<Vec<_>>()
        });
        DebugFacts {
            argv: self
                .launched
                .as_ref()
                .map(|launched| launched.argv.clone())
                .unwrap_or_default(),
            variables: names.unwrap_or_default(),
            pid: self.leader.as_ref().map(|leader| leader.pid),
            supervisor_pid: std::process::id(),
            n_stdout_bytes,
            n_stderr_bytes,
            n_events: self.run.work().n_events,
            secrets_removed: self.run.work().secrets.clone(),
            exit: self.exit_words.clone(),
        }
    }
}

/// Keeps what changed, for the folder may change again. The result does not depend on it.
fn keep_difference(folder: &TaskFolder, git: &GitSeen) {
    let GitSeen::Known(facts) = git else { return };
    let kept = git::patch(facts).and_then(|patch| {
        if patch.is_empty() {
            return Ok(());
        }
        write_whole(&folder.diff(), redact(&patch).text.as_bytes())
    });
    if let Err(error) = kept {
        tracing::warn!(%error, "The difference cannot be kept.");
    }
}

fn tail(path: &Utf8Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(STDERR_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(STDERR_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
