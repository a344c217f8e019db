//! Handing a message to a thread: aimed at one turn, the next one or the queue, and sent once.
//!
//! The thread is not taken up for it. The message carries an id of its own, by which it is looked
//! for when the conversation breaks before anybody says that it arrived.

use camino::Utf8Path;
use mission_control_core::message::{Aim, Moved};
use mission_control_core::text::one_line;
use serde_json::{Map, Value, json};

use super::standing::{Standing, standing, works};
use super::wire::Wire;
use super::{LiveError, MOST_REASON};

/// How many of the latest items of a thread, and of its queue, a message is looked for in.
const RECENT: u32 = 50;

/// What a person says to a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// Names the message in the thread's transcript and queue.
    pub(crate) id: &'a str,
    /// The text.
    pub(crate) text: &'a str,
}

/// What became of a message. Ids are missing where the server names none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// This turn has it.
    Steered(Option<String>),
    /// It started this turn.
    Started(Option<String>),
    /// It is in the thread's queue, under this id.
    Queued(Option<String>),
    /// Nothing was sent: the thread is not loaded by this server.
    NotLoaded,
    /// Nothing was sent: the thread is not as it was thought to be.
    Moved(Moved),
    /// The server refused it, and says why.
    Refused(String),
    /// It was sent, and is seen neither in the thread nor in its queue.
    Unconfirmed,
}

/// Hands a message to a thread.
///
/// # Errors
/// When the conversation breaks before the message was sent.
pub(crate) async fn hand_over(
    home: &Utf8Path,
    thread: &str,
    message: Message<'_>,
    aim: &Aim,
) -> Result<Handed, LiveError> {
    let mut wire = Wire::connect(home).await?;
    let Some(works) = works(&mut wire, thread).await? else {
        return Ok(Handed::NotLoaded);
    };
    match aim {
        Aim::Turn { .. } if !works => return Ok(Handed::Moved(Moved::TurnOver)),
        // A message that starts a turn would be put into the one that runs.
        Aim::NextTurn {} if works => return Ok(Handed::Moved(Moved::TurnBegan)),
        Aim::Turn { .. } | Aim::NextTurn {} | Aim::Queue {} => {}
    }
    // A queue that an interruption holds is not played by an idle thread: what is to wait until it
    // is idle starts a turn there.
    let aim = match aim {
        Aim::Queue {} if !works => &Aim::NextTurn {},
        Aim::Turn { .. } | Aim::NextTurn {} | Aim::Queue {} => aim,
    };
    match send(&mut wire, thread, message, aim).await {
        Ok(answer) => {
            let handed = handed(aim, &answer);
            if let Handed::Started(Some(turn)) = &handed
                && is_anothers(&mut wire, thread, turn, message).await
            {
                return Ok(Handed::Steered(Some(turn.clone())));
            }
            Ok(handed)
        }
        Err(LiveError::Refused(why)) => {
            tracing::info!(thread, why, "The message is refused.");
            let why = one_line(&why, MOST_REASON);
            Ok(refused(&mut wire, thread, aim, why).await)
        }
        Err(error) => {
            tracing::warn!(thread, %error, "It is looked for what became of a message.");
            drop(wire);
            Ok(look_for(home, thread, message.id, aim)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(thread, %error, "It is not known what became of it.");
                    Handed::Unconfirmed
                }))
        }
    }
}

async fn send(
    wire: &mut Wire,
    thread: &str,
    message: Message<'_>,
    aim: &Aim,
) -> Result<Value, LiveError> {
    let input = json!([{ "type": "text", "text": message.text }]);
    let (method, expected) = match aim {
        Aim::Turn { turn_id } => ("turn/steer", Some(&turn_id.0)),
        Aim::NextTurn {} => ("turn/start", None),
        Aim::Queue {} => ("thread/queue/add", None),
    };
    let mut asked = Map::from_iter([
        ("threadId".to_owned(), json!(thread)),
        ("input".to_owned(), input),
        ("clientUserMessageId".to_owned(), json!(message.id)),
    ]);
    asked.extend(expected.map(|turn| ("expectedTurnId".to_owned(), json!(turn))));
    wire.ask(method, Value::Object(asked)).await
}

fn handed(aim: &Aim, answer: &Value) -> Handed {
    let named = |path: &str| Some(answer.pointer(path)?.as_str()?.to_owned());
    match aim {
        Aim::Turn { .. } => Handed::Steered(named("/turnId")),
        Aim::NextTurn {} => Handed::Started(named("/turn/id")),
        Aim::Queue {} => Handed::Queued(named("/queuedSubmission/id")),
    }
}

/// Returns whether the turn that has the message began with another one: between the look at the
/// thread and the message somebody else may start a turn, and the server puts the message into it.
async fn is_anothers(wire: &mut Wire, thread: &str, turn: &str, message: Message<'_>) -> bool {
    let asked = json!({ "threadId": thread, "limit": 1, "sortDirection": "desc" });
    let turns = match wire.ask("thread/turns/list", asked).await {
        Ok(turns) => turns,
        Err(error) => {
            tracing::info!(thread, %error, "It is not looked what the turn began with.");
            return false;
        }
    };
    let latest = turns.pointer("/data/0");
    let latest = latest.filter(|latest| latest.get("id").and_then(Value::as_str) == Some(turn));
    let first = latest.and_then(|latest| latest.pointer("/items/0"));
    let prompt = first.filter(|item| item.get("type") == Some(&json!("userMessage")));
    prompt.is_some_and(|item| item.get("clientId") != Some(&json!(message.id)))
}

/// Looks why a message was refused: the server's words differ from version to version.
async fn refused(wire: &mut Wire, thread: &str, aim: &Aim, why: String) -> Handed {
    let turn = match aim {
        Aim::Turn { turn_id } => turn_id.0.as_str(),
        Aim::NextTurn {} | Aim::Queue {} => "",
    };
    match (standing(wire, thread, turn).await, aim) {
        (Ok(Standing::NotLoaded), _) => Handed::NotLoaded,
        (Ok(Standing::Idle), Aim::Turn { .. }) => Handed::Moved(Moved::TurnOver),
        (Ok(Standing::RunsAnother), Aim::Turn { .. }) => Handed::Moved(Moved::AnotherTurn),
        (Ok(Standing::Idle | Standing::Runs | Standing::RunsAnother), _) => Handed::Refused(why),
        (Err(error), _) => {
            tracing::info!(thread, %error, "A refusal stays with the server's own words.");
            Handed::Refused(why)
        }
    }
}

/// Looks in a conversation of its own what became of a message.
async fn look_for(home: &Utf8Path, thread: &str, id: &str, aim: &Aim) -> Result<Handed, LiveError> {
    let mut wire = Wire::connect(home).await?;
    let latest = json!({ "threadId": thread, "limit": RECENT, "sortDirection": "desc" });
    let items = wire.ask("thread/items/list", latest).await?;
    let is_it =
        |entry: &&Value, path: &str| entry.pointer(path).and_then(Value::as_str) == Some(id);
    if let Some(item) = entries(&items).find(|item| is_it(item, "/item/clientId")) {
        let turn = item
            .get("turnId")
            .and_then(Value::as_str)
            .map(str::to_owned);
        return Ok(match aim {
            Aim::Turn { .. } => Handed::Steered(turn),
            Aim::NextTurn {} | Aim::Queue {} => Handed::Started(turn),
        });
    }
    let first = json!({ "threadId": thread, "limit": RECENT });
    let queue = wire.ask("thread/queue/list", first).await?;
    let waiting = entries(&queue).find(|entry| is_it(entry, "/clientUserMessageId"));
    Ok(waiting.map_or(Handed::Unconfirmed, |entry| {
        Handed::Queued(entry.get("id").and_then(Value::as_str).map(str::to_owned))
    }))
}

fn entries(page: &Value) -> impl Iterator<Item = &Value> {
    let entries = page.get("data").and_then(Value::as_array);
    entries.into_iter().flatten()
}
