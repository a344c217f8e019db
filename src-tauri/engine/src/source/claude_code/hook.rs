//! The hook Claude Code calls when it asks for a yes, an answer or a plan's approval. While a tray
//! runs it waits for a person's answer; the terminal asks at the same time, and whoever answers
//! first counts.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::source::claude_code::{
    Call, CallPrint, DecidedBy, PermissionRequest, Registered, Reported, assign, decided,
};
use mission_control_core::source::{self, Source};
use serde::{Deserialize, Serialize};

use super::{agents_folder, registry_folder};
use crate::clock::Clock;
use crate::hooks::{self, Handed, Slot, Which};
use crate::places::Environment;
use crate::processes::ProcessTable;
use crate::tail::{Read, Tail};
use crate::watch::FolderWatch;

/// How the program is started by a person in a terminal; other ways have no dialog, or their own.
const ENTRYPOINT: &str = "cli";
/// The dialog opens within this, or there is none.
const OPENS_WITHIN: Duration = Duration::from_secs(3);
/// Where none is open for longer, none of them waits: the next one opens at once.
const CLOSED_FOR: Duration = Duration::from_secs(1);
/// Between looks at what tells of no change.
const LOOK: Duration = Duration::from_millis(500);
/// Longer than this nobody waits; the hook's own limit is a little longer.
const WAITS_AT_MOST: Duration = Duration::from_secs(23 * 3600);
/// How long it may take until the transcript shows whose answer counted.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// What a call that waits leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Left {
    at: Timestamp,
    /// Where the session's transcript lies.
    transcript: Utf8PathBuf,
    agent: Option<String>,
    print: CallPrint,
}

/// What became of an answer that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The agent goes on with it.
    Confirmed,
    /// The agent has it and has not said that it counts.
    Unconfirmed,
    /// The request was answered in the terminal, or was never there.
    NotPending,
    /// No hook waits for this session.
    NoHook,
    /// The hook did not take it in time; it was withdrawn.
    Withdrawn,
    /// It is none of the answers there are; says which.
    NotOffered(String),
}

/// Waits for a person's answer and returns what the hook prints.
pub(crate) fn hook_called(
    payload: &[u8],
    state: &Utf8Path,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<String>, String> {
    let read = PermissionRequest::read(payload);
    let Some(request) = read.map_err(|error| not_understood(&error))? else {
        return Ok(None);
    };
    let is_in_a_terminal = environment.entrypoint.as_deref() == Some(ENTRYPOINT);
    let (Some(pid), Some(transcript)) = (environment.hook_caller, &request.transcript_path) else {
        return Ok(None);
    };
    if !is_in_a_terminal || !hooks::is_attended(state) {
        return Ok(None);
    }
    let left = Left {
        at: now,
        transcript: transcript.into(),
        agent: request.agent.clone(),
        print: request.print(),
    };
    let folder = hooks::folder(state);
    let slot = Slot::open(&folder, Source::ClaudeCode, &request.session, now, &left)
        .map_err(|error| format!("The request cannot be noted: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("The request cannot be waited for: {error}"))?;
    let waiting = Waiting::new(request.clone(), Utf8Path::new(transcript), pid, state);
    runtime.block_on(waiting.run(&slot))
}

fn not_understood(error: &serde_json::Error) -> String {
    format!("What the agent says is not understood: {error}")
}

/// A call that waits.
struct Waiting {
    request: PermissionRequest,
    state: Utf8PathBuf,
    /// The transcript of whoever asks.
    tail: Tail,
    registry_file: Utf8PathBuf,
    pid: u32,
    clock: Clock,
    dialogs: Dialogs,
    /// The call that asks, once the transcript shows it.
    call: Option<String>,
}

/// Whether somebody may still answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Over,
}

impl Waiting {
    fn new(request: PermissionRequest, transcript: &Utf8Path, pid: u32, state: &Utf8Path) -> Self {
        let asking = transcript_of(transcript, request.agent.as_deref());
        let home = home_of(transcript);
        Self {
            request,
            state: state.to_owned(),
            tail: Tail::new(Source::ClaudeCode, home.clone(), asking),
            registry_file: registry_folder(&home).join(format!("{pid}.json")),
            pid,
            clock: Clock::start(),
            dialogs: Dialogs::default(),
            call: None,
        }
    }

    async fn run(mut self, slot: &Slot) -> Result<Option<String>, String> {
        let mut watch = FolderWatch::new(4);
        let folders = [
            Some(hooks::folder(&self.state)),
            self.tail.path().parent().map(Utf8Path::to_owned),
            self.registry_file.parent().map(Utf8Path::to_owned),
        ];
        let folders: Vec<Utf8PathBuf> = folders.into_iter().flatten().collect();
        // Where changes are not told of, the looks find them.
        watch.set(&folders);
        let mut table = ProcessTable::new();
        let agent = table.key_of(self.pid);
        loop {
            if let Some(text) = slot.answer() {
                match self.request.answer(&text) {
                    Ok(output) => {
                        return slot
                            .take()
                            .map(|()| Some(output))
                            .map_err(|error| format!("The answer cannot be taken: {error}"));
                    }
                    Err(not_offered) => slot
                        .refuse(&not_offered.to_string())
                        .map_err(|error| format!("The answer cannot be refused: {error}"))?,
                }
            }
            let is_running = agent.is_some_and(|agent| table.is_running(agent));
            let steady = self.clock.now().steady;
            if !is_running
                || steady > WAITS_AT_MOST
                || !hooks::is_attended(&self.state)
                || self.standing(slot, steady) == Standing::Over
            {
                return Ok(None);
            }
            // What is not told of is found at the next look.
            drop(tokio::time::timeout(LOOK, watch.changed()).await);
        }
    }

    fn standing(&mut self, slot: &Slot, steady: Duration) -> Standing {
        // A transcript that cannot be read now is read at the next look.
        if let Err(error) = read_on(&mut self.tail) {
            tracing::debug!(%error, "The transcript cannot be read.");
        }
        let notes = waiting(&hooks::folder(&self.state), &self.request.session);
        let calls = calls(&self.tail);
        if let Some(call) = &self.call {
            if !calls.iter().any(|open| open.id == *call) {
                return Standing::Over;
            }
        } else {
            let own = assigned(&notes, self.request.agent.as_deref(), calls);
            let own = own.into_iter().find(|(path, _)| *path == slot.path());
            self.call = own.map(|(_, call)| call.id.clone());
        }
        let is_first = notes.first().is_none_or(|first| first.path == slot.path());
        self.dialogs.see(self.dialog(), is_first, steady)
    }

    /// Returns whether the registry says that a person is waited for.
    fn dialog(&self) -> Dialog {
        match std::fs::read(&self.registry_file) {
            Ok(text) => match Registered::read(&text).map(|registered| registered.reported) {
                Some(Some((at, Reported::Waiting { .. }))) => Dialog::Open(at),
                Some(_) => Dialog::Closed,
                // It is written in place: what cannot be read for a moment proves nothing.
                None => Dialog::Unknown,
            },
            Err(error) if error.kind() != ErrorKind::NotFound => Dialog::Unknown,
            Err(_) => Dialog::Missing,
        }
    }
}

/// Whether the agent waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialog {
    /// It does, since then.
    Open(Timestamp),
    Closed,
    Unknown,
    /// It says nothing about itself.
    Missing,
}

/// What became of the dialogs of a session, of which one is shown at a time, the oldest first.
#[derive(Debug, Default)]
struct Dialogs {
    /// The dialog that was open while an older call still waited: not ours.
    anothers: Option<Timestamp>,
    /// Ours.
    own: Option<Timestamp>,
    /// Since when none is open, on the steady clock, once one was.
    closed_since: Option<Duration>,
    has_opened: bool,
}

impl Dialogs {
    /// Takes in a look; `is_first` says that no older call waits. Between two dialogs the agent is
    /// busy for a moment.
    fn see(&mut self, dialog: Dialog, is_first: bool, steady: Duration) -> Standing {
        match dialog {
            Dialog::Unknown => Standing::Open,
            Dialog::Missing => Standing::Over,
            Dialog::Open(at) => {
                self.has_opened = true;
                self.closed_since = None;
                if !is_first {
                    self.anothers = Some(at);
                    return Standing::Open;
                }
                if self.anothers == Some(at) {
                    return Standing::Open;
                }
                if *self.own.get_or_insert(at) == at {
                    Standing::Open
                } else {
                    // The next one is shown: ours was answered.
                    Standing::Over
                }
            }
            Dialog::Closed => {
                let since = *self.closed_since.get_or_insert(steady);
                let patience = if self.has_opened {
                    CLOSED_FOR
                } else {
                    OPENS_WITHIN
                };
                if steady.saturating_sub(since) > patience {
                    Standing::Over
                } else {
                    Standing::Open
                }
            }
        }
    }
}

/// The calls without a result, by a transcript.
fn calls(tail: &Tail) -> &[Call] {
    match tail.reader() {
        Some(source::Reader::ClaudeCode(reader)) => reader.calls(),
        Some(_) | None => &[],
    }
}

/// Returns the calls that hooks of a session wait for, the one that was asked about first before
/// the others. `calls` are those without a result, by whose they are: the session's own, and its
/// sub-agents' by their names.
pub(super) fn hooked(
    folder: &Utf8Path,
    session: &str,
    calls: &[(Option<&str>, &[Call])],
) -> Vec<String> {
    let notes = waiting(folder, session);
    let mut asked: Vec<(&Utf8Path, &Call)> = calls
        .iter()
        .flat_map(|(agent, calls)| assigned(&notes, *agent, calls))
        .collect();
    asked.sort_by_key(|(path, _)| *path);
    asked.into_iter().map(|(_, call)| call.id.clone()).collect()
}

/// Returns which of an asker's open calls belongs to which note.
fn assigned<'a>(
    notes: &'a [hooks::Note<Left>],
    agent: Option<&str>,
    calls: &'a [Call],
) -> Vec<(&'a Utf8Path, &'a Call)> {
    let own = |note: &&hooks::Note<Left>| note.says.agent.as_deref() == agent;
    let notes: Vec<&hooks::Note<Left>> = notes.iter().filter(own).collect();
    let prints: Vec<&CallPrint> = notes.iter().map(|note| &note.says.print).collect();
    let calls: Vec<&Call> = calls.iter().collect();
    let found = assign(&prints, &calls).into_iter();
    let pair = |(note, call): (&&'a hooks::Note<Left>, Option<&'a Call>)| {
        Some((note.path.as_path(), call?))
    };
    notes.iter().zip(found).filter_map(pair).collect()
}

fn waiting(folder: &Utf8Path, session: &str) -> Vec<hooks::Note<Left>> {
    hooks::notes(folder, Source::ClaudeCode, session, Which::Waiting)
}

/// Hands an answer to the hook that waits with the call `request`.
pub(crate) async fn answer(
    state: &Utf8Path,
    session: &str,
    request: &str,
    text: &str,
) -> std::io::Result<Answered> {
    let notes = waiting(&hooks::folder(state), session);
    if notes.is_empty() {
        return Ok(Answered::NoHook);
    }
    let asker =
        |note: &'_ hooks::Note<Left>| (note.says.transcript.clone(), note.says.agent.clone());
    let askers: BTreeSet<(Utf8PathBuf, Option<String>)> = notes.iter().map(asker).collect();
    for (transcript, agent) in &askers {
        let agent = agent.as_deref();
        let path = transcript_of(transcript, agent);
        let mut tail = Tail::new(Source::ClaudeCode, home_of(transcript), path.clone());
        // One that cannot be read asks for nothing that was seen.
        let from = std::fs::metadata(&path).map(|metadata| metadata.len());
        let (Ok(from), Ok(())) = (from, read_on(&mut tail)) else {
            continue;
        };
        let assigned = assigned(&notes, agent, calls(&tail));
        let Some((note, _)) = assigned.iter().find(|(_, call)| call.id == request) else {
            continue;
        };
        return Ok(match hooks::hand_in(note, text).await? {
            Handed::Taken => confirmed(&path, from, request).await?,
            Handed::NotOffered(why) => Answered::NotOffered(why),
            Handed::Gone => Answered::NotPending,
            Handed::Withdrawn => Answered::Withdrawn,
        });
    }
    Ok(Answered::NotPending)
}

/// Returns the home of a transcript, which lies in `projects/<folder>/` of it.
fn home_of(transcript: &Utf8Path) -> Utf8PathBuf {
    let home = transcript.ancestors().nth(3);
    home.unwrap_or(Utf8Path::new("/")).to_owned()
}

/// Returns where the transcript of a session's sub-agent lies, or its own.
fn transcript_of(transcript: &Utf8Path, agent: Option<&str>) -> Utf8PathBuf {
    match agent {
        Some(agent) => agents_folder(transcript).join(format!("agent-{agent}.jsonl")),
        None => transcript.to_owned(),
    }
}

/// Waits until the transcript, behind its first `from` bytes, shows whose answer counted.
async fn confirmed(transcript: &Utf8Path, from: u64, request: &str) -> std::io::Result<Answered> {
    let mut watch = FolderWatch::new(1);
    let folder = transcript.parent().map(Utf8Path::to_owned);
    watch.set(&folder.into_iter().collect::<Vec<_>>());
    let shown = async {
        loop {
            let mut file = File::open(transcript)?;
            file.seek(SeekFrom::Start(from))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let mut lines = text.split(|byte| *byte == b'\n');
            match lines.find_map(|line| decided(line, request)) {
                Some(DecidedBy::Hook) => return Ok(Answered::Confirmed),
                Some(DecidedBy::Other) => return Ok(Answered::NotPending),
                None => drop(tokio::time::timeout(LOOK, watch.changed()).await),
            }
        }
    };
    let shown = tokio::time::timeout(SHOWN_WITHIN, shown).await;
    shown.unwrap_or(Ok(Answered::Unconfirmed))
}

/// Reads a transcript on to its end.
fn read_on(tail: &mut Tail) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Read::Lines(_) = tail.read(&mut buffer)? {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Dialog {
        Dialog::Open(Timestamp::from_second(1_795_000_000 + second).unwrap())
    }

    /// Plays looks, half a second apart, and returns at which one it is over.
    fn over_at(looks: &[(Dialog, bool)]) -> Option<usize> {
        let mut dialogs = Dialogs::default();
        let mut steady = Duration::ZERO;
        looks.iter().position(|(dialog, is_first)| {
            steady += Duration::from_millis(500);
            dialogs.see(*dialog, *is_first, steady) == Standing::Over
        })
    }

    #[test]
    fn the_dialog_that_follows_shows_that_ours_was_answered() {
        let (open, next) = (at(1), at(2));
        assert_eq!(
            over_at(&[(open, true), (open, true), (next, true)]),
            Some(2)
        );
        let busy = [(open, true), (Dialog::Closed, true), (next, true)];
        assert_eq!(over_at(&busy), Some(2));
    }

    #[test]
    fn a_dialog_behind_another_one_waits_for_its_own() {
        let (first, second, third) = (at(1), at(2), at(3));
        // The older call was answered from here, and its hook left before the next one opened.
        let looks = [
            (first, false),
            (first, true),
            (Dialog::Closed, true),
            (second, true),
        ];
        assert_eq!(over_at(&looks), None);
        let looks = [
            (first, false),
            (second, true),
            (second, true),
            (third, true),
        ];
        assert_eq!(over_at(&looks), Some(3));
    }

    #[test]
    fn nobody_waits_without_a_dialog() {
        assert_eq!(over_at(&[(Dialog::Missing, true)]), Some(0));
        assert_eq!(over_at(&[(Dialog::Closed, true); 20]), Some(7));
        let closed = [
            (at(1), true),
            (Dialog::Closed, true),
            (Dialog::Closed, true),
            (Dialog::Closed, true),
            (Dialog::Closed, true),
        ];
        assert_eq!(over_at(&closed), Some(4));
        let torn = [
            (at(1), true),
            (Dialog::Unknown, true),
            (Dialog::Unknown, true),
            (at(1), true),
        ];
        assert_eq!(over_at(&torn), None);
    }
}
