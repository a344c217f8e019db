//! The hook Claude Code calls when it asks for a yes, an answer or a plan's approval. While a tray
//! runs it waits for a person's answer; the terminal asks at the same time, and whoever answers
//! first counts.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::source::claude_code::{
    Call, CallPrint, DecidedBy, PermissionRequest, Registered, Reported, decided,
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
    let Some(request) = PermissionRequest::read(payload) else {
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

/// A call that waits.
struct Waiting {
    request: PermissionRequest,
    state: Utf8PathBuf,
    /// The transcript of whoever asks.
    tail: Tail,
    registry_file: Option<Utf8PathBuf>,
    pid: u32,
    clock: Clock,
    has_opened: bool,
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
        let asking = match &request.agent {
            Some(agent) => agents_folder(transcript).join(format!("agent-{agent}.jsonl")),
            None => transcript.to_owned(),
        };
        // The transcripts lie in `projects/<folder>/` of the home.
        let home = transcript.ancestors().nth(3);
        Self {
            request,
            state: state.to_owned(),
            tail: Tail::new(
                Source::ClaudeCode,
                home.map_or_else(Utf8PathBuf::new, Utf8Path::to_owned),
                asking,
            ),
            registry_file: home.map(|home| registry_folder(home).join(format!("{pid}.json"))),
            pid,
            clock: Clock::start(),
            has_opened: false,
            call: None,
        }
    }

    async fn run(mut self, slot: &Slot) -> Result<Option<String>, String> {
        let mut watch = FolderWatch::new(4);
        let folders = [
            Some(hooks::folder(&self.state)),
            self.tail.path().parent().map(Utf8Path::to_owned),
            self.registry_file
                .as_ref()
                .and_then(|file| Some(file.parent()?.to_owned())),
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
                || self.standing(steady) == Standing::Over
            {
                return Ok(None);
            }
            // What is not told of is found at the next look.
            drop(tokio::time::timeout(LOOK, watch.changed()).await);
        }
    }

    fn standing(&mut self, steady: Duration) -> Standing {
        // A transcript that cannot be read now is read at the next look.
        if let Err(error) = read_on(&mut self.tail) {
            tracing::debug!(%error, "The transcript cannot be read.");
        }
        let calls = calls(&self.tail);
        let print = self.request.print();
        match &self.call {
            Some(call) if !calls.iter().any(|open| open.id == *call) => return Standing::Over,
            Some(_) => {}
            None => self.call = calls.iter().find(|c| print.is_of(c)).map(|c| c.id.clone()),
        }
        match self.dialog() {
            Dialog::Open => {
                self.has_opened = true;
                Standing::Open
            }
            Dialog::Closed if self.has_opened || steady > OPENS_WITHIN => Standing::Over,
            Dialog::Closed | Dialog::Unknown => Standing::Open,
        }
    }

    /// Returns whether the registry says that a person is waited for.
    fn dialog(&self) -> Dialog {
        let read = self.registry_file.as_ref().map(std::fs::read);
        match read {
            Some(Ok(text)) => match Registered::read(&text).map(|registered| registered.reported) {
                Some(Some((_, Reported::Waiting { .. }))) => Dialog::Open,
                Some(_) => Dialog::Closed,
                // It is written in place: what cannot be read for a moment proves nothing.
                None => Dialog::Unknown,
            },
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Dialog::Unknown,
            Some(Err(_)) | None => Dialog::Closed,
        }
    }
}

/// Whether the agent waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialog {
    Open,
    Closed,
    Unknown,
}

/// The calls without a result, by a transcript.
fn calls(tail: &Tail) -> &[Call] {
    match tail.reader() {
        Some(source::Reader::ClaudeCode(reader)) => reader.calls(),
        Some(_) | None => &[],
    }
}

/// Returns what hooks wait for in a session.
pub(super) fn prints(folder: &Utf8Path, session: &str) -> Vec<CallPrint> {
    waiting(folder, session)
        .into_iter()
        .map(|note| note.says.print)
        .collect()
}

fn waiting(folder: &Utf8Path, session: &str) -> Vec<hooks::Note<Left>> {
    hooks::notes(folder, Source::ClaudeCode, session, Which::Waiting)
}

/// Hands an answer to the hook that waits with the call `request`.
pub(crate) async fn answer(
    state: &Utf8Path,
    session: &str,
    transcript: &Utf8Path,
    request: &str,
    text: &str,
) -> std::io::Result<Answered> {
    let notes = waiting(&hooks::folder(state), session);
    if notes.is_empty() {
        return Ok(Answered::NoHook);
    }
    for note in notes {
        let path = match &note.says.agent {
            Some(agent) => agents_folder(transcript).join(format!("agent-{agent}.jsonl")),
            None => transcript.to_owned(),
        };
        let mut tail = Tail::new(Source::ClaudeCode, Utf8PathBuf::new(), path.clone());
        let from = std::fs::metadata(&path)?.len();
        read_on(&mut tail)?;
        let is_asked = |call: &Call| call.id == request && note.says.print.is_of(call);
        if !calls(&tail).iter().any(is_asked) {
            continue;
        }
        return Ok(match hooks::hand_in(&note.path, text).await? {
            Handed::Taken => confirmed(&path, from, request).await?,
            Handed::NotOffered(why) => Answered::NotOffered(why),
            Handed::Gone => Answered::NotPending,
            Handed::Stuck => Answered::Unconfirmed,
        });
    }
    Ok(Answered::NotPending)
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
