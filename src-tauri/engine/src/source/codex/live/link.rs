//! Following one server: what it has loaded at first, then every change it tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use mission_control_core::observation::{LiveDoing, Observation};
use mission_control_core::session::Need;
use mission_control_core::source::codex::live::{
    Asked, ThreadState, asked, is_without_transcript, thread_state,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::wire::{Heard, Wire};
use super::{LiveError, lost, seen};
use crate::clock::Clock;

/// Between two looks whether there is a server.
const ABSENT: Duration = Duration::from_secs(2);

/// Longest between two tries with a server that does not talk.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a pending request is waited for after its thread was taken up.
const REQUEST: Duration = Duration::from_millis(1500);

/// Between two looks at what a waiting thread asks for.
const AGAIN: Duration = Duration::from_secs(3);

/// Most threads that are looked at.
const MOST_THREADS: usize = 500;

/// How many threads are asked about at once: few enough for what is answered to wait in the socket.
const AT_ONCE: usize = 32;

/// Follows the server of a home for ever, through all its ends.
pub(super) async fn follow(
    home: Utf8PathBuf,
    sender: mpsc::Sender<Observation>,
    mut stirred: watch::Receiver<()>,
    may_talk: fn(&Utf8Path) -> bool,
) {
    let mut n_faults = 0_u32;
    loop {
        // What changes from here on is looked at again.
        stirred.mark_unchanged();
        if may_talk(&home) {
            let mut known = BTreeSet::new();
            let started = Instant::now();
            let ended = converse(&home, &sender, &mut known).await;
            for thread in known {
                if sender.send(lost(&thread)).await.is_err() {
                    return;
                }
            }
            match ended {
                Ok(()) => return,
                // A daemon that died leaves its socket.
                Err(LiveError::Connect(_) | LiveError::Closed) => n_faults = 0,
                Err(error) => {
                    tracing::info!(%error, %home, "The control socket tells nothing more.");
                    let was_good = started.elapsed() > LONGEST_PAUSE;
                    n_faults = if was_good { 0 } else { n_faults + 1 };
                }
            }
        } else {
            n_faults = 0;
        }
        let again_at = Instant::now() + pause_after(n_faults);
        // Something that changes in the home may be the daemon that starts. One that does not talk
        // as it should is not tried again for that.
        let woken = async {
            match n_faults {
                // Whoever stirs is gone only when this is to end, too.
                0 if stirred.changed().await.is_ok() => {}
                _ => std::future::pending().await,
            }
        };
        drop(timeout_at(again_at, woken).await);
    }
}

pub(super) fn pause_after(n_faults: u32) -> Duration {
    ABSENT
        .saturating_mul(1 << n_faults.min(16))
        .min(LONGEST_PAUSE)
}

/// Looks once at what a server says.
pub(super) async fn look(home: &Utf8Path, now: Timestamp) -> Result<Vec<Observation>, LiveError> {
    let mut wire = Wire::connect(home).await?;
    let mut observations = Vec::new();
    for (thread, state, _) in loaded(&mut wire, || now).await? {
        observations.extend(said(&mut wire, &thread, state, now).await?);
    }
    Ok(observations)
}

/// Follows one conversation; ends well only when nobody listens any more.
async fn converse(
    home: &Utf8Path,
    sender: &mpsc::Sender<Observation>,
    known: &mut BTreeSet<String>,
) -> Result<(), LiveError> {
    let clock = Clock::start();
    let mut wire = Wire::connect(home).await?;
    // Threads without a transcript are nobody's session.
    let mut hidden = BTreeSet::new();
    // Threads that wait, and since when they are known to. A request that is answered while another
    // one waits changes no status.
    let mut waiting = BTreeMap::new();
    for (thread, state, at) in loaded(&mut wire, || clock.now().wall).await? {
        for observation in said(&mut wire, &thread, state, at).await? {
            if sender.send(observation).await.is_err() {
                return Ok(());
            }
        }
        if state == ThreadState::Waiting {
            waiting.insert(thread.clone(), at);
        }
        known.insert(thread);
    }
    loop {
        let again_at = Instant::now() + AGAIN;
        let heard = match waiting.is_empty() {
            true => wire.hear().await?,
            false => match timeout_at(again_at, wire.hear()).await {
                Ok(heard) => heard?,
                Err(_) => {
                    for (thread, at) in waiting.clone() {
                        // With the time of old: what is on its way about it is newer.
                        let again = said(&mut wire, &thread, ThreadState::Waiting, at).await?;
                        for observation in again {
                            if sender.send(observation).await.is_err() {
                                return Ok(());
                            }
                        }
                    }
                    continue;
                }
            },
        };
        let Heard::Notification {
            method,
            params,
            at_ms,
        } = heard
        else {
            continue;
        };
        let at = at_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let at = at.unwrap_or_else(|| clock.now().wall);
        let thread = |value: &Value| Some(value.as_str()?.to_owned());
        let (thread, state) = match method.as_str() {
            "thread/started" => {
                let started = params.get("thread").cloned().unwrap_or_default();
                let Some(id) = started.get("id").and_then(thread) else {
                    continue;
                };
                if is_without_transcript(&started) {
                    hidden.insert(id);
                    continue;
                }
                (id, started.get("status").and_then(thread_state))
            }
            "thread/status/changed" => {
                let Some(id) = params.get("threadId").and_then(thread) else {
                    continue;
                };
                (id, params.get("status").and_then(thread_state))
            }
            "thread/closed" | "thread/deleted" => {
                let Some(id) = params.get("threadId").and_then(thread) else {
                    continue;
                };
                hidden.remove(&id);
                (id, Some(ThreadState::NotLoaded))
            }
            _ => continue,
        };
        let Some(state) = state.filter(|_| !hidden.contains(&thread)) else {
            continue;
        };
        if state == ThreadState::Waiting {
            waiting.insert(thread.clone(), at);
        } else {
            waiting.remove(&thread);
        }
        let observations = if state == ThreadState::NotLoaded {
            known.remove(&thread);
            vec![lost(&thread)]
        } else {
            known.insert(thread.clone());
            said(&mut wire, &thread, state, at).await?
        };
        for observation in observations {
            if sender.send(observation).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Returns what a server has loaded, how each thread stands, and since when that is known: the
/// moment before it was asked, so that every change that is told is newer.
async fn loaded(
    wire: &mut Wire,
    now: impl Fn() -> Timestamp,
) -> Result<Vec<(String, ThreadState, Timestamp)>, LiveError> {
    let mut threads = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = wire.ask("thread/loaded/list", json!({ "cursor": cursor }));
        let page = page.await?;
        let ids = page.get("data").and_then(Value::as_array);
        let ids = ids.into_iter().flatten().filter_map(Value::as_str);
        threads.extend(ids.map(str::to_owned));
        cursor = page.get("nextCursor").cloned().unwrap_or_default();
        if cursor.is_null() || threads.len() >= MOST_THREADS {
            break;
        }
    }
    let mut states = Vec::with_capacity(threads.len());
    // Several at once, because the server takes its time over each.
    for some in threads.chunks(AT_ONCE) {
        let at = whole_ms(now());
        let asked = some
            .iter()
            .map(|thread| json!({ "threadId": thread, "includeTurns": false }));
        let read = wire.ask_all("thread/read", asked.collect()).await?;
        for (thread, read) in some.iter().zip(read) {
            let read = match read {
                Ok(read) => read,
                // It may be gone by now.
                Err(LiveError::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            let about = read.get("thread").cloned().unwrap_or_default();
            let state = about.get("status").and_then(thread_state);
            match state {
                Some(ThreadState::NotLoaded) | None => {}
                Some(_) if is_without_transcript(&about) => {}
                Some(state) => states.push((thread.clone(), state, at)),
            }
        }
    }
    Ok(states)
}

/// Returns what is to be told of a thread. That it waits is told at once, and again with the words
/// of the request when they are there.
async fn said(
    wire: &mut Wire,
    thread: &str,
    state: ThreadState,
    at: Timestamp,
) -> Result<Vec<Observation>, LiveError> {
    let doing = match state {
        ThreadState::NotLoaded => return Ok(vec![lost(thread)]),
        ThreadState::Idle => LiveDoing::Idle,
        ThreadState::Active => LiveDoing::Working,
        ThreadState::Waiting => match pending(wire, thread).await? {
            Awaited::Asked(_, asked) => LiveDoing::Waiting {
                need: Some(asked.need),
            },
            Awaited::Unsaid => LiveDoing::Waiting { need: None },
            Awaited::Over => return Ok(Vec::new()),
        },
    };
    Ok(vec![seen(thread, at, doing)])
}

/// Fetches the pending request of a thread: it is told again to whoever takes the thread up.
async fn pending(wire: &mut Wire, thread: &str) -> Result<Awaited, LiveError> {
    let taken = take_up(wire, thread).await?;
    let found = match taken {
        Some(()) => await_request(wire, thread, |_| true).await?,
        None => Awaited::Over,
    };
    let_go(wire, thread).await?;
    Ok(found)
}

/// Takes a loaded thread up; none if it is not loaded any more.
pub(super) async fn take_up(wire: &mut Wire, thread: &str) -> Result<Option<()>, LiveError> {
    let asked = json!({ "threadId": thread, "excludeTurns": true });
    match wire.ask("thread/resume", asked).await {
        Ok(_) => Ok(Some(())),
        Err(LiveError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lets a thread go, so that it ends as if nobody had looked.
pub(super) async fn let_go(wire: &mut Wire, thread: &str) -> Result<(), LiveError> {
    match wire
        .ask("thread/unsubscribe", json!({ "threadId": thread }))
        .await
    {
        Ok(_) | Err(LiveError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What came of waiting for a request.
pub(super) enum Awaited {
    /// It was told, under this number.
    Asked(Value, Box<Asked>),
    /// It was not told in time.
    Unsaid,
    /// The thread waits no longer.
    Over,
}

/// Waits a moment for a request of a thread. What else is said meanwhile stays to be heard.
pub(super) async fn await_request(
    wire: &mut Wire,
    thread: &str,
    is_wanted: impl Fn(&Need) -> bool,
) -> Result<Awaited, LiveError> {
    let until = Instant::now() + REQUEST;
    let mut others = Vec::new();
    let found = loop {
        let heard = match timeout_at(until, wire.hear()).await {
            Ok(heard) => heard?,
            Err(_) => break Awaited::Unsaid,
        };
        if let Heard::Request { id, method, params } = &heard
            && let Some(asked) = asked(method, params)
            && asked.thread == thread
            && is_wanted(&asked.need)
        {
            break Awaited::Asked(id.clone(), Box::new(asked));
        }
        let is_over = waits_no_longer(&heard, thread);
        others.push(heard);
        if is_over {
            break Awaited::Over;
        }
    };
    wire.put_back(others);
    Ok(found)
}

/// Returns whether the server says of a thread that it waits for nobody.
fn waits_no_longer(heard: &Heard, thread: &str) -> bool {
    let Heard::Notification { method, params, .. } = heard else {
        return false;
    };
    let is_about = params.get("threadId").and_then(Value::as_str) == Some(thread);
    is_about
        && match method.as_str() {
            "thread/status/changed" => params
                .get("status")
                .and_then(thread_state)
                .is_some_and(|state| state != ThreadState::Waiting),
            "thread/closed" | "thread/deleted" => true,
            _ => false,
        }
}

/// Returns a time as exact as the server tells its own.
fn whole_ms(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
