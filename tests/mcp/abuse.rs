//! What broken clients, broken pipes and bad luck do to the server.

use std::time::Duration;

use mission_control_testkit::process::StopSignal;
use mission_control_testkit::wait::{SOON, wait_for};
use serde_json::{Value, json};

use crate::pipe::{Pipe, front, meta};

/// The server ends within this time.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Writes a line after the handshake, and expects the code of one error and its id, or nothing.
#[track_caller]
fn check(line: &[u8], expected: Option<(i32, Value)>) {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    pipe.write(line);
    pipe.write(b"\n");

    match expected {
        Some((code, id)) => {
            let answer = pipe.next(Duration::from_secs(20)).unwrap();
            assert_eq!(answer["error"]["code"], code, "{answer:#}");
            assert_eq!(answer["id"], id, "{answer:#}");
        }
        None => pipe.is_silent(),
    }
    pipe.is_well();
}

#[test]
fn what_is_not_json_is_refused_and_the_server_lives() {
    let nested = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":{{\"x\":{}{}}}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    check(b"hello", Some((-32700, Value::Null)));
    check(
        b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"pi",
        Some((-32700, json!(7))),
    );
    check(
        b"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\",\"params\":{\"x\":\"\xff\xfe\"}}",
        Some((-32700, json!(8))),
    );
    check(nested.as_bytes(), Some((-32700, json!(5))));
    check(
        br#"{"jsonrpc":"2.0","id":9,"method":"ping","params":{"x":"\ud800"}}"#,
        Some((-32700, json!(9))),
    );
}

#[test]
fn what_is_json_and_no_message_is_refused() {
    check(b"42", Some((-32600, Value::Null)));
    check(b"{}", Some((-32600, Value::Null)));
    check(br#"{"id":3,"method":"ping"}"#, Some((-32600, json!(3))));
    check(
        br#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#,
        Some((-32600, json!("a"))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        Some((-32600, Value::Null)),
    );
    check(
        br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        Some((-32600, json!(1.5))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"ping"}"#,
        Some((-32600, json!(9_223_372_036_854_775_808_u64))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}"#,
        Some((-32602, json!(4))),
    );
    check(
        br#"[{"jsonrpc":"2.0","id":11,"method":"ping"}]"#,
        Some((-32600, json!(11))),
    );
    check(b"[]", Some((-32600, Value::Null)));
}

#[test]
fn what_cannot_be_asked_is_answered_with_the_right_code() {
    check(
        br#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{}}"#,
        Some((-32602, json!(5))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":5,"method":"resources/read"}"#,
        Some((-32602, json!(5))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":5,"method":"no/such"}"#,
        Some((-32601, json!(5))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"nope"}}"#,
        Some((-32602, json!(5))),
    );
    check(
        br#"{"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"nope"}}"#,
        Some((-32602, json!(5))),
    );
    check(br#"{"jsonrpc":"2.0","method":"notifications/nope"}"#, None);
    check(
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        None,
    );
    check(br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":1}}"#, None);
    check(br#"{"jsonrpc":"2.0","id":77,"result":{}}"#, None);
    check(b"\r", None);
    check(b"", None);
}

#[test]
fn odd_lines_are_understood() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let u2028 = "{\"jsonrpc\":\"2.0\",\"id\":\"u\u{2028}\",\"method\":\"ping\"}\n";

    pipe.write(b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":-3,\"method\":\"ping\"}\r\n");
    assert!(pipe.answer_to(&json!(-3))["result"].is_object());
    pipe.write(u2028.as_bytes());
    assert!(pipe.answer_to(&json!("u\u{2028}"))["result"].is_object());
    for byte in br#"{"jsonrpc":"2.0","id":6,"method":"ping"}"# {
        pipe.write(&[*byte]);
    }
    pipe.is_silent();
    pipe.write(b"\n");
    assert!(pipe.answer_to(&json!(6))["result"].is_object());
}

#[test]
fn nothing_before_the_handshake_ends_the_server() {
    let front = front();
    let mut pipe = Pipe::start(&front);

    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        "hello",
        "",
    ] {
        pipe.write_line(line);
    }
    let refused = pipe.next(Duration::from_secs(20)).unwrap();
    let early = pipe.request("tools/list", json!({}));
    let ping = pipe.request("ping", json!({}));
    pipe.shake_hands();

    assert_eq!(refused["error"]["code"], -32700);
    assert_eq!(early["error"]["code"], -32602, "{early:#}");
    assert!(ping["result"].is_object());
    pipe.is_well();
}

#[test]
fn a_probe_that_is_cancelled_leaves_both_ways_open() {
    let front = front();
    let mut pipe = Pipe::start(&front);

    let probe = pipe.request("server/discover", json!({ "_meta": meta(json!({})) }));
    pipe.write_line(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
    );
    pipe.shake_hands();

    assert!(
        probe["result"]["supportedVersions"]
            .as_array()
            .unwrap()
            .len()
            >= 5
    );
    pipe.is_well();
}

#[test]
fn a_modern_connection_is_not_initialized() {
    let front = front();
    let mut pipe = Pipe::start(&front);

    let listed = pipe.request("tools/list", json!({ "_meta": meta(json!({})) }));
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "raw", "version": "1" }
    });
    let refused = pipe.request("initialize", params);
    let wrong = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "1999-01-01",
        "io.modelcontextprotocol/clientCapabilities": {}
    } });
    let unknown = pipe.request("tools/list", wrong);

    assert_eq!(listed["result"]["resultType"], "complete", "{listed:#}");
    assert_eq!(refused["error"]["code"], -32600);
    assert_eq!(unknown["error"]["code"], -32022);
    assert!(unknown["error"]["data"]["supported"].is_array());
    pipe.request("tools/list", json!({ "_meta": meta(json!({})) }));
}

#[test]
fn every_revision_is_spoken() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let front = front();
        let mut pipe = Pipe::start(&front);
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "raw", "version": "1" }
        });

        let answer = pipe.request("initialize", params);

        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "mission-control");
        let instructions = answer["result"]["instructions"].as_str().unwrap();
        assert!(instructions.len() <= 2048, "{}", instructions.len());
        pipe.is_well();
    }
}

#[test]
fn a_line_too_long_is_refused_by_its_id() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let filler = "x".repeat(17 << 20);

    pipe.write(format!("{{\"jsonrpc\":\"2.0\",\"id\":31,\"method\":\"ping\",\"params\":{{\"x\":\"{filler}\"}}}}\n").as_bytes());
    let first = pipe.answer_to(&json!(31));
    pipe.write(format!("{{\"method\":\"ping\",\"params\":{{\"x\":\"{filler}\"}},\"jsonrpc\":\"2.0\",\"id\":32}}\n").as_bytes());
    let second = pipe.answer_to(&json!(32));

    assert_eq!(first["error"]["code"], -32600);
    assert_eq!(second["error"]["code"], -32600);
    pipe.is_well();
}

#[test]
fn ten_megabytes_of_argument_are_answered_briefly() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let long = "x".repeat(10 << 20);

    let result = pipe.call("codex_status", json!({ "task_id": long }));

    assert_eq!(result["isError"], true);
    assert!(
        result.to_string().len() < 10_000,
        "{}",
        result.to_string().len()
    );
}

#[test]
fn a_client_that_does_not_read_costs_a_bounded_amount() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let before = pipe.anonymous_kb();

    // Each answer is about 30 kB; nobody reads them, so the server stops taking requests.
    pipe.read(false);
    let list = "{\"jsonrpc\":\"2.0\",\"id\":\"N\",\"method\":\"tools/list\"}\n";
    let many: String = (0..3000)
        .map(|n| list.replace('N', &n.to_string()))
        .collect();
    pipe.write(many.as_bytes());
    let mut after = before;
    wait_for(SOON, "the server has stopped taking requests", || {
        let last = std::mem::replace(&mut after, pipe.anonymous_kb());
        (last == after && after > before + 1000).then_some(())
    });
    pipe.read(true);

    assert!(
        after < before + 20_000,
        "{before} kB before, {after} kB after"
    );
    for n in 0..3000 {
        pipe.answer_to(&json!(n.to_string()));
    }
    pipe.is_well();
}

#[test]
fn an_id_in_use_is_refused_and_the_first_call_is_answered() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    let doctor =
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"codex_doctor"}}"#;

    pipe.write_line(doctor);
    pipe.write_line(doctor);
    let first = pipe.answer_to(&json!(7));
    let second = pipe.answer_to(&json!(7));

    assert_eq!(first["error"]["code"], -32600, "{first:#}");
    assert!(second["result"]["structuredContent"]["checks"].is_array());
    pipe.is_well();
}

#[test]
fn ids_of_different_kinds_are_different() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    pipe.write_line(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    pipe.write_line(r#"{"jsonrpc":"2.0","id":"7","method":"ping"}"#);

    assert!(pipe.answer_to(&json!(7))["result"].is_object());
    assert!(pipe.answer_to(&json!("7"))["result"].is_object());
}

#[test]
fn fifty_calls_at_once_are_all_answered() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    let ids: Vec<i64> = (0..50)
        .map(|_| {
            pipe.send(
                "tools/call",
                json!({ "name": "codex_sessions", "arguments": {} }),
            )
        })
        .collect();

    let mut open: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    while !open.is_empty() {
        let message = pipe.next(Duration::from_secs(20)).unwrap();
        assert_eq!(message["result"]["isError"], false, "{message:#}");
        open.retain(|id| *id != message["id"]);
    }
}

#[test]
fn the_last_line_needs_no_end_and_is_answered_before_the_server_leaves() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);

    pipe.write(
        br#"{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"name":"codex_sessions"}}"#,
    );
    pipe.close();

    assert_eq!(pipe.answer_to(&json!(41))["result"]["isError"], false);
    let (took, code) = pipe.ended();
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(code, Some(0));
}

#[test]
fn the_server_ends_at_once_when_the_client_leaves_or_says_so() {
    for how in ["eof", "eof before the handshake", "SIGTERM", "SIGINT"] {
        let front = front();
        let mut pipe = if how == "eof before the handshake" {
            Pipe::start(&front)
        } else {
            Pipe::legacy(&front)
        };
        pipe.send("ping", json!({}));
        pipe.next(Duration::from_secs(20)).unwrap();

        match how {
            "SIGTERM" => pipe.signal(StopSignal::TERM),
            "SIGINT" => pipe.signal(StopSignal::INT),
            _ => pipe.close(),
        }

        let (took, code) = pipe.ended();
        assert!(took < AT_ONCE, "{how}: {took:?}");
        assert_eq!(code, Some(0), "{how}");
    }
}

#[test]
fn what_was_asked_before_a_stop_signal_is_answered() {
    for signal in [StopSignal::TERM, StopSignal::INT] {
        for _ in 0..5 {
            let front = front();
            let mut pipe = Pipe::legacy(&front);

            let asked = pipe.send(
                "tools/call",
                json!({ "name": "codex_tasks", "arguments": {} }),
            );
            pipe.signal(signal);

            assert_eq!(pipe.answer_to(&json!(asked))["result"]["isError"], false);
            let (took, code) = pipe.ended();
            assert!(took < AT_ONCE, "{took:?}");
            assert_eq!(code, Some(0));
        }
    }
}

#[test]
fn only_the_server_holds_its_streams() {
    let front = front();
    let mut pipe = Pipe::legacy(&front);
    pipe.is_well();

    for number in [0, 1] {
        let target = std::fs::read_link(format!("/proc/{}/fd/{number}", pipe.pid())).unwrap();
        assert_eq!(target.to_str(), Some("/dev/null"), "descriptor {number}");
    }
}
