//! Decides about each line that comes in: let through, answered at once, or ignored; and about
//! each message that goes out. Guards what the protocol library does not (`docs/mcp.md`).

use std::collections::HashMap;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta as _, ProgressToken,
    ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerNotification,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lines::{Line, MAX_LINE};
use super::refusal::{BAD_PARAMETERS, NO_REQUEST, NOT_JSON, answerable, frame, id_in_ends};

/// Most requests of a batch that are answered one by one.
const MOST_OF_A_BATCH: usize = 100;

/// What becomes of a line.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is a message for the server.
    Pass(Box<ClientJsonRpcMessage>),
    /// It is answered with these bytes and goes no further.
    Refuse(Vec<u8>),
    /// Nobody waits for an answer.
    Ignore,
}

/// Which protocol the connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Era {
    /// No request has chosen yet.
    #[default]
    Open,
    /// An `initialize` opened it.
    Legacy,
    /// Each request carries what it needs.
    Modern,
}

/// A request that was let through and not answered.
#[derive(Debug)]
struct Pending {
    token: Option<ProgressToken>,
    /// Whether its answer is worth waiting for when the client leaves.
    is_awaited: bool,
}

/// The rules, and what they need to remember.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    era: Era,
    open: HashMap<RequestId, Pending>,
    /// Progress so far of each open request that wants to hear of it.
    progress: HashMap<ProgressToken, f64>,
}

/// The outside of a message.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

/// A null is something else than nothing.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Gate {
    /// Decides about a line.
    pub(crate) fn take(&mut self, line: &Line) -> Verdict {
        match line {
            Line::Whole(bytes) => self.take_whole(bytes),
            Line::Long { head, tail } => {
                let id = id_in_ends(head, tail);
                let message = format!("The line is longer than {} MiB.", MAX_LINE >> 20);
                Verdict::Refuse(frame(id.as_deref(), NO_REQUEST, &message))
            }
        }
    }

    /// Forgets the choice of an era that did not come about.
    pub(crate) fn start_anew(&mut self) {
        *self = Self::default();
    }

    /// Returns how many requests wait for an answer that will come.
    pub(crate) fn awaited(&self) -> usize {
        self.open.values().filter(|open| open.is_awaited).count()
    }

    /// Decides whether a message may go out: progress only while its request is open, and rising.
    pub(crate) fn may_send(&mut self, message: &ServerJsonRpcMessage) -> bool {
        match message {
            ServerJsonRpcMessage::Response(response) => self.close(&response.id),
            ServerJsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.close(id);
                }
            }
            ServerJsonRpcMessage::Notification(notification) => {
                if let ServerNotification::ProgressNotification(progress) =
                    &notification.notification
                {
                    let value = progress.params.progress;
                    return self
                        .progress
                        .get_mut(&progress.params.progress_token)
                        .filter(|last| value > **last)
                        .map(|last| *last = value)
                        .is_some();
                }
            }
            ServerJsonRpcMessage::Request(_) => {}
        }
        true
    }

    fn close(&mut self, id: &RequestId) {
        if let Some(token) = self.open.remove(id).and_then(|pending| pending.token) {
            self.progress.remove(&token);
        }
    }

    fn take_whole(&mut self, bytes: &[u8]) -> Verdict {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Verdict::Ignore;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            let id = id_in_ends(bytes, bytes);
            return Verdict::Refuse(frame(id.as_deref(), NOT_JSON, "The line is not UTF-8."));
        };
        if let Err(error) = serde_json::from_str::<&RawValue>(text) {
            let id = id_in_ends(bytes, &[]);
            let message = format!("The line is not JSON: {error}.");
            return Verdict::Refuse(frame(id.as_deref(), NOT_JSON, &message));
        }
        if text.starts_with('[') {
            return refuse_batch(text);
        }
        match serde_json::from_str::<Envelope<'_>>(text) {
            Ok(envelope) if text.starts_with('{') => self.take_message(text, &envelope),
            Ok(_) | Err(_) => refuse(None, NO_REQUEST, "The line is not a JSON-RPC message."),
        }
    }

    fn take_message(&mut self, text: &str, envelope: &Envelope<'_>) -> Verdict {
        let id = answerable(envelope.id);
        if envelope
            .jsonrpc
            .is_none_or(|version| version.get() != "\"2.0\"")
        {
            return refuse(id, NO_REQUEST, "`jsonrpc` is not \"2.0\".");
        }
        if envelope.method.is_some() && envelope.id.is_some() {
            let is_valid =
                id.is_some_and(|id| id.get().starts_with('"') || id.get().parse::<i64>().is_ok());
            if !is_valid {
                return refuse(id, NO_REQUEST, "`id` is neither text nor a whole number.");
            }
        }
        if envelope
            .params
            .is_some_and(|params| !params.get().starts_with('{'))
        {
            return match id {
                Some(id) => refuse(Some(id), BAD_PARAMETERS, "`params` is not an object."),
                None => Verdict::Ignore,
            };
        }
        let message: ClientJsonRpcMessage = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(_) if envelope.method.is_some() && envelope.id.is_none() => return Verdict::Ignore,
            Err(error) => {
                let code = if error.is_data() {
                    NO_REQUEST
                } else {
                    NOT_JSON
                };
                return refuse(id, code, &format!("The message cannot be read: {error}."));
            }
        };
        match &message {
            ClientJsonRpcMessage::Request(request) => {
                if let Some(refusal) = self.refusal(&request.request, &request.id) {
                    let (code, text) = refusal;
                    return refuse(id, code, &text);
                }
            }
            ClientJsonRpcMessage::Notification(notification) => {
                // The library ends when one comes before a request has chosen the era.
                if self.era == Era::Open {
                    tracing::debug!("A notification before the first request is ignored.");
                    return Verdict::Ignore;
                }
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.close(id);
                }
            }
            ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => {
                if self.era == Era::Open {
                    tracing::debug!("An answer before the first request is ignored.");
                    return Verdict::Ignore;
                }
            }
        }
        Verdict::Pass(Box::new(message))
    }

    /// Returns why a request goes no further, and remembers it when it does.
    fn refusal(&mut self, request: &ClientRequest, id: &RequestId) -> Option<(i32, String)> {
        if self.open.contains_key(id) {
            let message = format!("The id {id} belongs to a request that is not answered yet.");
            return Some((NO_REQUEST, message));
        }
        if let ClientRequest::CustomRequest(custom) = request
            && KNOWN_METHODS.contains(&custom.method.as_str())
        {
            let message = format!("The parameters of `{}` cannot be read.", custom.method);
            return Some((BAD_PARAMETERS, message));
        }
        match (self.era, chosen(request)) {
            (Era::Modern, Some(Era::Legacy)) => {
                let message = "This connection speaks 2026-07-28; it cannot be initialized.";
                return Some((NO_REQUEST, message.to_owned()));
            }
            (Era::Open, Some(era)) => self.era = era,
            (Era::Open | Era::Legacy | Era::Modern, _) => {}
        }
        let token = progress_token(request);
        if let Some(token) = &token {
            self.progress.insert(token.clone(), f64::NEG_INFINITY);
        }
        let is_awaited = !matches!(request, ClientRequest::SubscriptionsListenRequest(_));
        self.open.insert(id.clone(), Pending { token, is_awaited });
        None
    }
}

fn refuse(id: Option<&RawValue>, code: i32, message: &str) -> Verdict {
    Verdict::Refuse(frame(id, code, message))
}

/// Answers each request of a batch, so that none waits for ever.
fn refuse_batch(text: &str) -> Verdict {
    const WHY: &str = "Batches are not part of this protocol.";
    let members: Vec<Envelope<'_>> = serde_json::from_str(text).unwrap_or_default();
    let mut frames: Vec<u8> = members
        .iter()
        .filter_map(|member| answerable(member.id))
        .take(MOST_OF_A_BATCH)
        .flat_map(|id| frame(Some(id), NO_REQUEST, WHY))
        .collect();
    if frames.is_empty() {
        frames = frame(None, NO_REQUEST, WHY);
    }
    Verdict::Refuse(frames)
}

/// Returns the era a request chooses, by the same rule as the library.
fn chosen(request: &ClientRequest) -> Option<Era> {
    if let ClientRequest::InitializeRequest(_) = request {
        return Some(Era::Legacy);
    }
    if let ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_) = request {
        return None;
    }
    let meta = request.get_meta();
    let is_complete = meta
        .missing_required_keys(&ProtocolVersion::V_2026_07_28)
        .is_empty();
    let is_known = meta
        .protocol_version()
        .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version));
    (is_complete && is_known).then_some(Era::Modern)
}

fn progress_token(request: &ClientRequest) -> Option<ProgressToken> {
    request.get_meta().get_progress_token()
}

/// Methods that are known: a request of this name the library cannot read has bad parameters.
const KNOWN_METHODS: &[&str] = &[
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/update",
    "tools/call",
    "tools/list",
];

#[cfg(test)]
mod tests {
    use rmcp::model::{ProgressNotification, ProgressNotificationParam, ServerResult};
    use serde_json::{Value, json};

    use super::*;

    const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#;

    fn take(gate: &mut Gate, line: &str) -> Verdict {
        gate.take(&Line::Whole(line.as_bytes().to_vec()))
    }

    fn call(id: i64, token: &str) -> String {
        let line = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": "t", "_meta": { "progressToken": token } } });
        line.to_string()
    }

    fn progress(token: &str, value: f64) -> ServerJsonRpcMessage {
        let token: ProgressToken = serde_json::from_value(Value::from(token)).unwrap();
        let param = ProgressNotificationParam::new(token, value);
        ServerJsonRpcMessage::notification(ServerNotification::ProgressNotification(
            ProgressNotification::new(param),
        ))
    }

    fn answer(id: i64) -> ServerJsonRpcMessage {
        let result: ServerResult = serde_json::from_value(json!({})).unwrap();
        ServerJsonRpcMessage::response(result, RequestId::Number(id))
    }

    #[test]
    fn progress_rises_and_ends_with_its_request() {
        let mut gate = Gate::default();
        take(&mut gate, INITIALIZE);
        take(&mut gate, &call(7, "mine"));

        assert!(gate.may_send(&progress("mine", 1.0)));
        assert!(!gate.may_send(&progress("mine", 1.0)), "it does not rise");
        assert!(
            !gate.may_send(&progress("other", 2.0)),
            "nobody gave that token"
        );
        assert!(gate.may_send(&progress("mine", 2.0)));
        assert!(gate.may_send(&answer(7)));
        assert!(
            !gate.may_send(&progress("mine", 3.0)),
            "its request is answered"
        );
    }

    #[test]
    fn a_cancelled_request_gets_no_progress_and_is_not_waited_for() {
        let mut gate = Gate::default();
        take(&mut gate, INITIALIZE);
        gate.may_send(&answer(0));
        take(&mut gate, &call(7, "mine"));
        let awaited = gate.awaited();

        take(
            &mut gate,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
        );

        assert_eq!((awaited, gate.awaited()), (1, 0));
        assert!(!gate.may_send(&progress("mine", 1.0)));
    }

    #[test]
    fn notifications_pass_only_after_a_request_has_chosen_the_era() {
        const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let mut gate = Gate::default();

        assert!(matches!(take(&mut gate, NOTE), Verdict::Ignore));
        take(&mut gate, INITIALIZE);
        assert!(matches!(take(&mut gate, NOTE), Verdict::Pass(_)));
        gate.start_anew();
        assert!(matches!(take(&mut gate, NOTE), Verdict::Ignore));
    }
}
