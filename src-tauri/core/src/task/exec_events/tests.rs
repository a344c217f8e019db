use super::line::error_fact;
use super::*;

#[test]
fn a_line_may_be_cut_anywhere() {
    let text = "{\"type\":\"thread.started\",\"thread_id\":\"t\"}\n\n{\"type\":\"turn.started\"}\n";
    for cut in 0..text.len() {
        let mut reader = ExecReader::default();
        let mut facts = reader.read(&text.as_bytes()[..cut]);
        facts.extend(reader.read(&text.as_bytes()[cut..]));

        assert_eq!(
            facts,
            [
                ExecFact::ThreadStarted {
                    thread: "t".to_owned()
                },
                ExecFact::TurnStarted
            ]
        );
        assert_eq!(reader.offset(), text.len() as u64);
    }
}

#[test]
fn the_offset_is_where_the_unread_line_begins() {
    let mut reader = ExecReader::default();

    reader.read(b"{\"type\":\"turn.started\"}\n{\"type\":\"tu");

    assert_eq!(reader.offset(), 24);
}

#[test]
fn what_is_not_understood_is_counted_and_never_fatal() {
    let mut reader = ExecReader::default();

    let facts = reader.read(
        b"panic! at the disco\n{\"type\":\"turn.paused\",\"why\":[1]}\n[]\n\
          {\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"hologram\"}}\n\
          {\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"file_change\",\"changes\":7}}\n\
          \xff\xfe\n{\"type\":\"turn.started\"}\n",
    );

    assert_eq!(facts, [ExecFact::TurnStarted]);
    assert_eq!(reader.unread().damaged, 4);
    assert_eq!(
        reader.unread().unknown,
        BTreeMap::from([
            ("turn.paused".to_owned(), 1),
            ("item hologram".to_owned(), 1)
        ])
    );
}

#[test]
fn a_further_try_is_no_failure() {
    #[track_caller]
    fn check(message: &str, cause: Option<RetryCause>) {
        let message = message.to_owned();
        let expected = match cause {
            Some(cause) => ExecFact::Retrying {
                message: message.clone(),
                cause,
            },
            None => ExecFact::Faulted {
                message: message.clone(),
            },
        };
        assert_eq!(error_fact(message), expected);
    }

    check(
        "Reconnecting... 1/5 (high demand)",
        Some(RetryCause::Service),
    );
    check(
        "Reconnecting... waiting for network (Connection failed: error sending request)",
        Some(RetryCause::Network),
    );
    check(
        "stream error: high demand; retrying 1/1 in 204ms…",
        Some(RetryCause::Service),
    );
    check("high demand", None);
}

#[test]
fn usage_is_what_the_task_added_to_the_thread() {
    let usage = |n| ExecUsage {
        input_tokens: n,
        cached_input_tokens: n / 2,
        output_tokens: n / 10,
    };

    let resumed = usage(300).of_task(UsageBefore::Known(usage(100)));
    let unknown = usage(300).of_task(UsageBefore::Unknown);

    assert_eq!(
        (resumed.input, resumed.cached, resumed.output),
        (200, 100, 20)
    );
    assert_eq!(resumed.covers, UsageScope::Task);
    assert_eq!((unknown.input, unknown.covers), (300, UsageScope::Thread));
}
