//! Error frames for lines that never reach a tool, and finding out whom to answer.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON-RPC's code for what is not JSON.
pub(crate) const NOT_JSON: i32 = -32700;
/// JSON-RPC's code for what is no request.
pub(crate) const NO_REQUEST: i32 = -32600;
/// JSON-RPC's code for parameters that cannot be read.
pub(crate) const BAD_PARAMETERS: i32 = -32602;
/// A code of our own for too much at once.
pub(crate) const BUSY: i32 = -32000;
/// JSON-RPC's code for a fault of the server.
pub(crate) const FAULT: i32 = -32603;

#[derive(Serialize)]
struct Frame<'a> {
    jsonrpc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    error: Refusal<'a>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: i32,
    message: &'a str,
}

/// Returns an error as a frame with its line end. `id` is the request's id as it was written;
/// without one nobody waits for the answer and it carries none.
pub(crate) fn frame(id: Option<&RawValue>, code: i32, message: &str) -> Vec<u8> {
    let frame = Frame {
        jsonrpc: "2.0",
        id,
        error: Refusal { code, message },
    };
    let mut bytes = serde_json::to_vec(&frame).unwrap_or_else(|error| {
        tracing::error!(%error, "An error could not be written as JSON.");
        Vec::new()
    });
    bytes.push(b'\n');
    bytes
}

/// Returns the id if an answer can carry it: text or a number.
pub(crate) fn answerable(id: Option<&RawValue>) -> Option<&RawValue> {
    id.filter(|id| {
        id.get()
            .starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
    })
}

/// Looks for a request's id in the ends of a line that cannot be read whole.
pub(crate) fn id_in_ends(head: &[u8], tail: &[u8]) -> Option<Box<RawValue>> {
    first_id(head).or_else(|| last_id(tail))
}

/// Finds `"id":` among an object's own keys, reading from its start.
fn first_id(head: &[u8]) -> Option<Box<RawValue>> {
    let mut depth = 0_u32;
    let mut at = 0;
    let mut last_text: &[u8] = &[];
    while let Some(byte) = head.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let end = text_end(head, at)?;
                last_text = head.get(at + 1..end)?;
                at = end;
            }
            b':' if depth == 1 && last_text == b"id" => return scalar(head.get(at + 1..)?),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns where the text that begins at `start` has its closing quote.
fn text_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}

/// Finds `"id":…}` at the very end.
fn last_id(tail: &[u8]) -> Option<Box<RawValue>> {
    let key = b"\"id\":";
    let at = tail.windows(key.len()).rposition(|part| part == key)?;
    let rest = tail.get(at + key.len()..)?;
    let rest = rest.trim_ascii_end().strip_suffix(b"}")?;
    scalar(rest).filter(|id| rest.trim_ascii().len() == id.get().len())
}

fn scalar(bytes: &[u8]) -> Option<Box<RawValue>> {
    let bytes = bytes.trim_ascii_start();
    let end = match bytes.first()? {
        b'"' => text_end(bytes, 0)? + 1,
        _ => bytes
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\r'))
            .unwrap_or(bytes.len()),
    };
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let value: Value = serde_json::from_str(text).ok()?;
    if !(value.is_number() || value.is_string()) {
        return None;
    }
    RawValue::from_string(text.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, tail: &str, expected: Option<&str>) {
        let id = id_in_ends(head.as_bytes(), tail.as_bytes());

        assert_eq!(id.as_deref().map(RawValue::get), expected);
    }

    #[test]
    fn the_id_is_found_at_either_end() {
        check(
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"params\":{\"x\":\"aa",
            "aa\"}}",
            Some("7"),
        );
        check(
            "{\"id\": \"a\\\"b\" ,\"params\":{",
            "}}",
            Some("\"a\\\"b\""),
        );
        check(
            "{\"params\":{\"id\":1,\"x\":\"aa",
            "aa\"},\"jsonrpc\":\"2.0\",\"id\":42}",
            Some("42"),
        );
        check("{\"params\":{\"id\":1,\"x\":\"aa", "aa\",\"id\":3}}", None);
        check("{\"id\":null,\"params\":{", "}}", None);
        check("aaaa", "aaaa", None);
    }
}
