//! The supervisor of one task: waits for its turn, starts the agent, sees it through, and writes
//! down how it ended.
//!
//! Every decision is [`TaskRun`]'s; here things are read and done.

mod end;
mod feed;
pub(in crate::task) mod journal;
mod launch;

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use mission_control_core::process::ProcessKey;
use mission_control_core::session::SessionId;
use mission_control_core::task::conclude::{Asked, ChildExit, SpawnFault};
use mission_control_core::task::model::{Phase, Task, TaskGit, TaskId, TaskStatus};
use mission_control_core::task::request::{Sandbox, TaskRequest};
use mission_control_core::task::run::{Consent, RunCommand, RunInput, RunSnapshot, TaskRun};
use mission_control_core::text::shorten_middle;
use mission_control_core::tracker::Now;

use super::context::TaskContext;
use super::folder::{SupervisorLock, TaskFolder, read_json};
use super::mark::ProcessMark;
use super::programs::{Agent, Group, Stop};
use super::queue::may_run;
use super::submit::Kept;
use super::wake::Waker;
use super::{bell, footprint, reconcile, words};
use crate::clock::Clock;
use crate::source::DELEGATE;
use crate::store::{Store, StoreError};
use feed::Feed;
use journal::Journal;
use launch::{Launched, Patience, Prepared};

/// How often the lock is tried for, in case somebody only looks whether it is held.
const LOCK_TRIES: u32 = 20;
/// Between two tries.
const LOCK_STEP: Duration = Duration::from_millis(25);
/// How long a missed bell may delay anything.
const BELL_MISSED: Duration = Duration::from_secs(2);
/// Between two commits of news that the run itself would not commit yet.
const NEWS_STEP: Duration = Duration::from_millis(250);
/// How many commands are shown of a running task.
const SHOWN_COMMANDS: usize = 10;
/// How much of a command's output is shown of a running task, in bytes.
const SHOWN_OUTPUT: usize = 400;

/// Why a task could not be supervised.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// There is no such task.
    #[error("find the task `{0}`")]
    NoTask(TaskId),
    /// The database cannot be used.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// Its files cannot be used.
    #[error("use the task's files")]
    Files(#[from] io::Error),
}

/// How a supervisor's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervised {
    /// The task ended and that is recorded.
    Recorded,
    /// Somebody else supervises the task, or it had ended.
    NotNeeded,
    /// The task ended; the database could not be told. Whoever looks next tells it.
    LeftForOthers,
}

/// Supervises a task until it ended.
///
/// # Errors
/// When it cannot be supervised at all.
pub fn supervise(context: &TaskContext, id: &TaskId) -> Result<Supervised, SuperviseError> {
    let clock = Clock::start();
    let store = Store::open(&context.state)?;
    if store.task(id)?.is_none() {
        return Err(SuperviseError::NoTask(id.clone()));
    }
    let folder = context.folder(id);
    folder.make()?;
    let Some(mut lock) = lock_patiently(&folder)? else {
        return Ok(Supervised::NotNeeded);
    };
    lock.sign();
    // Another supervisor may have ended the task until it let go of the lock.
    let Some(record) = store.task(id)? else {
        return Ok(Supervised::NotNeeded);
    };
    if record.task.status.is_terminal() || reconcile::import(context, &store, id)? {
        return Ok(Supervised::NotNeeded);
    }
    let kept: Option<Kept> = read_json(&folder.request())?;
    let mut supervisor = Supervisor::new(context, &store, folder, record.task, kept, clock)?;
    supervisor.take_over(record.child, record.holds_slot)?;
    if let Err(error) = supervisor.folder.count_attempts(0) {
        tracing::warn!(%error, "Supervisors cannot be counted.");
    }
    let supervised = supervisor.run();
    drop(lock);
    supervised
}

fn lock_patiently(folder: &TaskFolder) -> io::Result<Option<SupervisorLock>> {
    let mut waker = Waker::new();
    for _ in 0..LOCK_TRIES {
        if let Some(lock) = folder.lock()? {
            return Ok(Some(lock));
        }
        waker.wait(LOCK_STEP);
    }
    Ok(None)
}

struct Supervisor<'a> {
    context: &'a TaskContext,
    store: &'a Store,
    clock: Clock,
    folder: TaskFolder,
    task: Task,
    kept: Option<Kept>,
    run: TaskRun,
    feed: Feed,
    journal: Journal,
    waker: Waker,
    launched: Option<Launched>,
    agent: Option<Agent>,
    /// The agent that an earlier supervisor started, until its end was seen.
    adopted: Option<ProcessMark>,
    leader: Option<ProcessMark>,
    line: Line,
    patience: Patience,
    /// Which state of the store was looked at last.
    seen_version: Option<i64>,
    last_status: TaskStatus,
    news: News,
    exit_words: Option<String>,
    /// What git said when the task had ended.
    git: Option<TaskGit>,
    ended: Option<Supervised>,
}

/// What a reader would like to know at once.
#[derive(Debug, Default)]
struct News {
    told: Option<(Option<Phase>, Option<String>)>,
    next_at: Duration,
    is_due: bool,
}

/// Whether the task stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Out,
    In { look_at: Duration },
}

impl<'a> Supervisor<'a> {
    fn new(
        context: &'a TaskContext,
        store: &'a Store,
        folder: TaskFolder,
        task: Task,
        kept: Option<Kept>,
        clock: Clock,
    ) -> Result<Self, SuperviseError> {
        let default = TaskRequest::default();
        let request = kept.as_ref().map_or(&default, |kept| &kept.request);
        let timings = context
            .timings()
            .with_limits(request.idle_timeout_seconds, request.hard_timeout_seconds);
        let asked = Asked {
            expects_changes: request.expects_changes,
        };
        let needs_consent =
            task.status == TaskStatus::InputRequired && task.sandbox == Sandbox::DangerFullAccess;
        let consent = if needs_consent {
            Consent::Needed
        } else {
            Consent::NotNeeded
        };
        let journal = Journal::open(&folder, &task, clock.now().wall)?;
        let mut waker = Waker::new();
        bell::make(&context.state)?;
        waker.watch_folder(&bell::folder(&context.state));
        Ok(Self {
            run: TaskRun::new(asked, consent, timings, clock.now()),
            feed: Feed::new(&folder),
            last_status: task.status,
            news: News::default(),
            context,
            store,
            clock,
            folder,
            task,
            kept,
            journal,
            waker,
            launched: None,
            agent: None,
            adopted: None,
            leader: None,
            line: Line::Out,
            patience: Patience::default(),
            seen_version: None,
            exit_words: None,
            git: None,
            ended: None,
        })
    }

    /// Finds out how far an earlier supervisor came.
    fn take_over(
        &mut self,
        child: Option<ProcessMark>,
        holds_slot: bool,
    ) -> Result<(), SuperviseError> {
        self.launched = read_json(&self.folder.before())?;
        let Some(launched) = &self.launched else {
            return Ok(());
        };
        let ran_before = launched.ran_until(self.clock.now().wall);
        let group = Group::of(&self.task.task_id, child.clone());
        let members = group.members();
        // The agent's record may be missing: then the oldest of its processes leads. What is left
        // of an agent that is recorded and dead is no agent.
        let leader = match child {
            Some(child) => Some(child).filter(|child| child.is_alive() || !members.is_empty()),
            None => members.into_iter().min_by_key(|member| member.start),
        };
        self.feed.watch(&mut self.waker);
        let input = match &leader {
            Some(leader) => {
                self.journal
                    .note("The supervisor was lost; another one goes on.");
                self.waker.watch_process(leader.pid);
                RunInput::Reattached {
                    process: key_of(leader),
                    ran_before,
                }
            }
            None => {
                self.journal
                    .note("The supervisor was lost, and the agent is gone.");
                RunInput::FoundGone
            }
        };
        if !holds_slot {
            self.store
                .claim_slot(&self.task.task_id, self.clock.now().wall, |_| true)?;
        }
        self.adopted.clone_from(&leader);
        self.leader = leader;
        let now = self.clock.now();
        self.run.handle(input, now);
        Ok(())
    }

    fn run(&mut self) -> Result<Supervised, SuperviseError> {
        self.look();
        loop {
            self.do_commands();
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            let now = self.clock.now();
            let limit = self.next_look(now);
            self.waker.wait(limit.saturating_sub(now.steady));
            self.look();
        }
    }

    /// Reads everything that can be read, then lets time pass.
    fn look(&mut self) {
        self.read_output();
        self.look_at_agent();
        if let Err(error) = self.look_at_store() {
            tracing::warn!(%error, "The store cannot be looked at.");
        }
        let now = self.clock.now();
        if self.run.poll_timeout().is_some_and(|at| at <= now.steady) {
            self.run.handle_timeout(now);
        }
        self.tell_news();
    }

    /// A change of phase and the thread's id are worth a commit of their own.
    fn tell_news(&mut self) {
        let now = self.clock.now();
        let snapshot = self.run.snapshot(now);
        let current = Some((snapshot.phase, self.run.work().thread_id.clone()));
        if self.run.status() != TaskStatus::Running || self.news.told == current {
            self.news.is_due = false;
            return;
        }
        if now.steady < self.news.next_at {
            self.news.is_due = true;
            return;
        }
        self.news = News {
            told: current,
            next_at: now.steady + NEWS_STEP,
            is_due: false,
        };
        self.commit(&snapshot);
        bell::ring(&self.context.state, &self.task.task_id);
        footprint::let_go();
    }

    fn next_look(&self, now: Now) -> Duration {
        let bell = now.steady + BELL_MISSED;
        let line = match self.line {
            Line::Out => None,
            Line::In { look_at } => Some(look_at),
        };
        let news = self.news.is_due.then_some(self.news.next_at);
        [self.run.poll_timeout(), line, news]
            .into_iter()
            .flatten()
            .fold(bell, Duration::min)
    }

    fn read_output(&mut self) {
        let now = self.clock.now();
        let Self {
            feed, run, journal, ..
        } = self;
        feed.read(|input| {
            if let RunInput::Fact(fact) = &input {
                journal.fact(fact, now.wall);
            }
            run.handle(input, now);
        });
    }

    fn look_at_agent(&mut self) {
        let Some(exit) = self.agent_exit() else {
            return;
        };
        // The end of somebody else's child is told again and again.
        self.agent = None;
        self.waker.forget_process();
        // What it wrote last is there by now.
        self.read_output();
        self.exit_words = Some(self.journal.exited(exit, self.clock.now().wall));
        let now = self.clock.now();
        self.run.handle(RunInput::ChildExited(exit), now);
    }

    /// Returns how the agent left, once.
    fn agent_exit(&mut self) -> Option<ChildExit> {
        if let Some(agent) = &mut self.agent {
            return agent.exit();
        }
        let adopted = self.adopted.take_if(|adopted| !adopted.is_alive());
        adopted.map(|_| ChildExit::Unknown)
    }

    fn look_at_store(&mut self) -> Result<(), StoreError> {
        let version = self.store.data_version()?;
        if self.seen_version != Some(version) {
            self.look_at_requests()?;
            self.seen_version = Some(version);
        }
        self.look_at_queue()
    }

    /// Somebody may want it to end, or have answered.
    fn look_at_requests(&mut self) -> Result<(), StoreError> {
        let id = self.task.task_id.clone();
        let Some(record) = self.store.task(&id)? else {
            return Ok(());
        };
        if let Some(by) = record.cancel {
            let now = self.clock.now();
            self.run.handle(RunInput::CancelRequested { by }, now);
        }
        if self.run.status() == TaskStatus::InputRequired
            && let Some(answer) = record.answer
        {
            let input = match answer.as_str() {
                "accept" => RunInput::ConsentGiven,
                _ => RunInput::ConsentRefused,
            };
            self.journal.note(&format!("A person answered: {answer}."));
            let now = self.clock.now();
            self.run.handle(input, now);
        }
        Ok(())
    }

    fn look_at_queue(&mut self) -> Result<(), StoreError> {
        let Line::In { look_at } = self.line else {
            return Ok(());
        };
        let id = self.task.task_id.clone();
        let limits = self.context.limits();
        let now = self.clock.now();
        let is_due = now.steady >= look_at;
        if is_due {
            self.line = Line::In {
                look_at: now.steady + self.context.settings.poll_seconds.duration(),
            };
            // Whoever stands before and lost its supervisor would hold up everybody.
            reconcile::reconcile(self.context, self.store);
        }
        let open = self.store.open_tasks()?;
        if !may_run(&open, &id, limits) {
            return Ok(());
        }
        let waited = self.patience.waited(now.steady);
        if !launch::is_thread_free(self.kept.as_ref(), waited) {
            return Ok(());
        }
        let granted = self
            .store
            .claim_slot(&id, now.wall, |open| may_run(open, &id, limits))?;
        if granted {
            self.line = Line::Out;
            self.run.handle(RunInput::SlotGranted, now);
        }
        Ok(())
    }

    fn do_commands(&mut self) {
        while let Some(command) = self.run.poll_command() {
            self.obey(command);
        }
    }

    fn obey(&mut self, command: RunCommand) {
        match command {
            RunCommand::ClaimSlot => {
                let now = self.clock.now();
                self.line = Line::In {
                    look_at: now.steady + self.context.settings.poll_seconds.duration(),
                };
                if let Err(error) = self.look_at_queue() {
                    tracing::warn!(%error, "A place cannot be claimed.");
                }
            }
            RunCommand::LeaveQueue => self.line = Line::Out,
            RunCommand::Spawn => self.spawn(),
            RunCommand::CommitProgress(snapshot) => self.commit(&snapshot),
            RunCommand::RingBell => bell::ring(&self.context.state, &self.task.task_id),
            RunCommand::LogHeartbeat(heartbeat) => {
                self.journal.note(&heartbeat.line());
                footprint::let_go();
            }
            RunCommand::WarnSilence(silence) => {
                let line = silence.line();
                self.journal.note(&line);
                self.history("warned", &line);
            }
            RunCommand::Terminate(_) => {
                self.journal.note("Asked to end.");
                self.group().stop(Stop::Ask);
            }
            RunCommand::Kill(_) => {
                self.journal.note("Ended by force.");
                self.group().stop(Stop::End);
            }
            RunCommand::CheckGone(_) => {
                let is_gone = self.group().members().is_empty();
                let input = if is_gone {
                    RunInput::GroupGone
                } else {
                    RunInput::GroupAlive
                };
                self.look_at_agent();
                let now = self.clock.now();
                self.run.handle(input, now);
            }
            RunCommand::Gather => self.gather(),
            RunCommand::Finish(conclusion) => {
                let ended = self.finish(*conclusion);
                self.ended = Some(ended);
            }
        }
    }

    fn group(&self) -> Group {
        Group::of(&self.task.task_id, self.leader.clone())
    }

    fn spawn(&mut self) {
        let now = self.clock.now();
        let input = match self.start_agent(now) {
            Ok(process) => RunInput::Spawned { process },
            Err(fault) => RunInput::SpawnFailed(fault),
        };
        let now = self.clock.now();
        self.run.handle(input, now);
    }

    fn start_agent(&mut self, now: Now) -> Result<ProcessKey, SpawnFault> {
        let other = |message: String| SpawnFault::Other { message };
        let Some(kept) = &self.kept else {
            return Err(other("the request is gone".to_owned()));
        };
        let Prepared { launch, launched } =
            launch::prepare(kept, &self.folder, &self.task.task_id, now.wall)?;
        self.journal.launching(&launch, now.wall);
        let agent = launch.start()?;
        let mark = agent.mark().clone();
        if let Err(error) = self.store.record_child(&self.task.task_id, &mark) {
            tracing::warn!(%error, "The agent's process cannot be recorded.");
        }
        self.feed.watch(&mut self.waker);
        self.waker.watch_process(mark.pid);
        self.launched = Some(launched);
        self.leader = Some(mark.clone());
        self.agent = Some(agent);
        Ok(key_of(&mark))
    }

    fn commit(&mut self, snapshot: &RunSnapshot) {
        self.describe(snapshot);
        let task = &self.task;
        match self.store.record_progress(task) {
            Ok(_) => {}
            // The next commit says more, and the end is told by a file as well.
            Err(error) => tracing::warn!(%error, "Progress cannot be recorded."),
        }
        if task.status != self.last_status {
            self.last_status = task.status;
            let (kind, says) = (task.status.as_str(), task.summary.clone());
            self.history(kind, &says);
            bell::ring(&self.context.state, &self.task.task_id);
        }
    }

    fn describe(&mut self, snapshot: &RunSnapshot) {
        let now = self.clock.now().wall;
        let work = self.run.work();
        let task = &mut self.task;
        task.status = snapshot.status;
        task.phase = snapshot.phase;
        task.progress = snapshot.progress.clone();
        task.updated_at = now;
        task.elapsed_ms = u64::try_from(snapshot.elapsed.as_millis()).unwrap_or(u64::MAX);
        if let Some(launched) = &self.launched {
            task.started_at = Some(launched.at);
        }
        if let Some(thread) = &work.thread_id {
            task.thread_id = Some(thread.clone());
            task.session_id = Some(SessionId::new(DELEGATE, thread));
        }
        if snapshot.status != TaskStatus::InputRequired {
            task.need = None;
        }
        task.final_message.clone_from(&work.final_message);
        let first = work.commands.len().saturating_sub(SHOWN_COMMANDS);
        task.commands = work.commands.get(first..).unwrap_or_default().to_vec();
        for command in &mut task.commands {
            command.output = shorten_middle(&command.output, SHOWN_OUTPUT);
        }
        task.tests = work.latest_tests().into_iter().cloned().collect();
        let remarks = self.launched.iter().flat_map(|launched| &launched.remarks);
        task.warnings = remarks.chain(&work.warnings).cloned().collect();
        words::describe(task);
    }

    fn history(&self, kind: &str, says: &str) {
        let now = self.clock.now().wall;
        let id = &self.task.task_id;
        if let Err(error) = self.store.add_task_event(id, kind, says, now) {
            tracing::warn!(%error, "The task's history cannot be written.");
        }
    }
}

/// The core knows processes by the second; the finer mark stays with the engine.
fn key_of(mark: &ProcessMark) -> ProcessKey {
    ProcessKey {
        pid: mark.pid,
        started_at: Timestamp::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests;
