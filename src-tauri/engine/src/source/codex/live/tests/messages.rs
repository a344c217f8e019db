//! Messages to servers that have moved on, hang, are older, or leave before they answer.

use mission_control_core::message::{Aim, Moved};
use mission_control_core::session::TurnId;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::super::{Handed, Message, hand_over};
use super::*;

const MESSAGE: Message<'static> = Message {
    id: "m1",
    text: "Use the other file.",
};

/// What a server is like.
struct Play {
    server: Server,
    /// Everything it was asked, by method.
    asked: Vec<(String, Value)>,
}

/// What a server does with a message.
#[derive(Clone)]
enum Takes {
    /// Answers with this.
    Answers(Value),
    /// Refuses with these words.
    Refuses(&'static str),
    /// Leaves without an answer.
    Leaves,
    /// Never answers.
    Hangs,
}

/// What a server says when it is asked how the thread stands.
#[derive(Clone)]
struct Standing {
    status: Value,
    running: &'static str,
    /// What the running turn has recorded.
    began: Value,
    items: Value,
    queue: Value,
}

impl Standing {
    fn of(status: Value) -> Self {
        Self {
            status,
            running: "t1",
            began: json!([]),
            items: json!([]),
            queue: json!([]),
        }
    }
}

fn active() -> Value {
    status(&[])
}

fn idle() -> Value {
    json!({ "type": "idle" })
}

fn turn(id: &str) -> Aim {
    Aim::Turn {
        turn_id: TurnId(id.to_owned()),
    }
}

impl Play {
    fn new() -> Self {
        Self {
            server: Server::start(),
            asked: Vec::new(),
        }
    }

    /// Hands the message over to a server that stands as `first` until it was sent something, and
    /// as `then` from there on.
    async fn hand_over(
        &mut self,
        aim: &Aim,
        first: Standing,
        takes: Takes,
        then: Standing,
    ) -> Result<Handed, LiveError> {
        let (server, asked) = (&self.server, &mut self.asked);
        let serving = async {
            let mut standing = first;
            loop {
                let mut conversation = server.accept().await;
                while let Some(Ok(Frame::Text(text))) = conversation.0.next().await {
                    let question: Value = serde_json::from_str(&text).unwrap();
                    let method = question["method"].as_str().unwrap_or_default().to_owned();
                    asked.push((method.clone(), question["params"].clone()));
                    let mut answer = match method.as_str() {
                        "initialized" => continue,
                        "thread/read" => {
                            json!({ "result": { "thread": { "status": standing.status } } })
                        }
                        "thread/turns/list" => {
                            let turn = json!({ "id": standing.running, "items": standing.began });
                            json!({ "result": { "data": [turn] } })
                        }
                        "thread/items/list" => json!({ "result": { "data": standing.items } }),
                        "thread/queue/list" => json!({ "result": { "data": standing.queue } }),
                        "turn/steer" | "turn/start" | "thread/queue/add" => {
                            standing = then.clone();
                            match &takes {
                                Takes::Answers(result) => json!({ "result": result }),
                                Takes::Refuses(says) => {
                                    json!({ "error": { "code": -32600, "message": says } })
                                }
                                Takes::Leaves => break,
                                Takes::Hangs => continue,
                            }
                        }
                        _ => json!({ "result": {} }),
                    };
                    answer["id"] = question["id"].clone();
                    conversation.say(answer).await;
                }
            }
        };
        let handing = hand_over(&server.home, THREAD, MESSAGE, aim);
        tokio::select! {
            biased;
            handed = handing => handed,
            () = serving => unreachable!("it serves for ever"),
        }
    }

    /// How often the server was sent the message.
    fn n_sent(&self) -> usize {
        let is_message = |asked: &&(String, Value)| asked.1["clientUserMessageId"] == MESSAGE.id;
        self.asked.iter().filter(is_message).count()
    }
}

#[tokio::test]
async fn a_message_goes_where_it_is_aimed() {
    let cases = [
        (
            turn("t1"),
            active(),
            json!({ "turnId": "t1" }),
            Handed::Steered(Some("t1".to_owned())),
            "turn/steer",
        ),
        (
            Aim::NextTurn {},
            idle(),
            json!({ "turn": { "id": "t2", "status": "inProgress" } }),
            Handed::Started(Some("t2".to_owned())),
            "turn/start",
        ),
        (
            Aim::Queue {},
            active(),
            json!({ "queuedSubmission": { "id": "q1" } }),
            Handed::Queued(Some("q1".to_owned())),
            "thread/queue/add",
        ),
        (
            Aim::Queue {},
            idle(),
            json!({ "turn": { "id": "t2" } }),
            Handed::Started(Some("t2".to_owned())),
            "turn/start",
        ),
        // A later version may name its turns elsewhere.
        (
            Aim::NextTurn {},
            json!({ "type": "systemError" }),
            json!({ "begun": true }),
            Handed::Started(None),
            "turn/start",
        ),
    ];
    for (aim, status, answer, expected, method) in cases {
        let mut play = Play::new();
        let standing = Standing::of(status);

        let handed = play
            .hand_over(&aim, standing.clone(), Takes::Answers(answer), standing)
            .await;

        assert_eq!(handed.unwrap(), expected);
        let is_message = |asked: &&(String, Value)| asked.1["input"].is_array();
        let (sent, params) = play.asked.iter().find(is_message).unwrap();
        assert_eq!(sent, method);
        assert_eq!(params["input"][0]["text"], MESSAGE.text);
        assert_eq!(params["threadId"], THREAD);
        let expected = match &aim {
            Aim::Turn { turn_id } => json!(turn_id.0),
            Aim::NextTurn {} | Aim::Queue {} => Value::Null,
        };
        assert_eq!(params["expectedTurnId"], expected);
        let methods = play.asked.iter().map(|(method, _)| method.as_str());
        let takes_up = methods.filter(|method| *method == "thread/resume").count();
        assert_eq!(takes_up, 0, "the thread is not taken up");
    }
}

#[tokio::test]
async fn what_a_thread_has_moved_on_from_is_not_sent() {
    for (aim, status, expected) in [
        (turn("t1"), idle(), Handed::Moved(Moved::TurnOver)),
        (Aim::NextTurn {}, active(), Handed::Moved(Moved::TurnBegan)),
        (
            Aim::NextTurn {},
            json!({ "type": "notLoaded" }),
            Handed::NotLoaded,
        ),
        (
            Aim::Queue {},
            json!({ "type": "hibernating" }),
            Handed::NotLoaded,
        ),
    ] {
        let mut play = Play::new();
        let standing = Standing::of(status);

        let handed = play
            .hand_over(&aim, standing.clone(), Takes::Hangs, standing)
            .await;

        assert_eq!(handed.unwrap(), expected);
        assert_eq!(play.n_sent(), 0);
    }
}

#[tokio::test]
async fn a_refusal_is_explained_by_how_the_thread_stands() {
    const SAYS: &str = "expected active turn id `t1` but found `t2`";
    let another = Standing {
        running: "t2",
        ..Standing::of(active())
    };
    for (then, expected) in [
        (another, Handed::Moved(Moved::AnotherTurn)),
        (Standing::of(idle()), Handed::Moved(Moved::TurnOver)),
        (
            Standing::of(json!({ "type": "notLoaded" })),
            Handed::NotLoaded,
        ),
        (Standing::of(active()), Handed::Refused(SAYS.to_owned())),
    ] {
        let mut play = Play::new();
        let first = Standing::of(active());

        let handed = play
            .hand_over(&turn("t1"), first, Takes::Refuses(SAYS), then)
            .await;

        assert_eq!(handed.unwrap(), expected);
        assert_eq!(play.n_sent(), 1, "it is not sent again");
    }
}

#[tokio::test]
async fn an_older_server_that_knows_no_such_request_sends_nothing() {
    const SAYS: &str = "Invalid request: unknown variant `thread/queue/add`, expected one of";
    let mut play = Play::new();
    let standing = Standing::of(active());

    let handed = play
        .hand_over(
            &Aim::Queue {},
            standing.clone(),
            Takes::Refuses(SAYS),
            standing,
        )
        .await;

    assert_eq!(handed.unwrap(), Handed::Refused(SAYS.to_owned()));
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_looked_for_and_not_sent_again() {
    let item = |client| json!([{ "turnId": "t9", "item": { "clientId": client } }]);
    let queued = json!([{ "id": "q1", "clientUserMessageId": MESSAGE.id }]);
    let standing = Standing::of(active());
    let cases = [
        (
            turn("t1"),
            item(MESSAGE.id),
            json!([]),
            Handed::Steered(Some("t9".to_owned())),
        ),
        (
            Aim::Queue {},
            item("m0"),
            queued,
            Handed::Queued(Some("q1".to_owned())),
        ),
        (
            Aim::Queue {},
            item(MESSAGE.id),
            json!([]),
            Handed::Started(Some("t9".to_owned())),
        ),
        (turn("t1"), item("m0"), json!(7), Handed::Unconfirmed),
    ];
    for (aim, items, queue, expected) in cases {
        let mut play = Play::new();
        let then = Standing {
            items,
            queue,
            ..standing.clone()
        };

        let handed = play
            .hand_over(&aim, standing.clone(), Takes::Leaves, then)
            .await;

        assert_eq!(handed.unwrap(), expected);
        assert_eq!(play.n_sent(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_after_a_message_leaves_it_unconfirmed() {
    let mut play = Play::new();
    let standing = Standing::of(active());

    let handed = play
        .hand_over(&turn("t1"), standing.clone(), Takes::Hangs, standing)
        .await;

    assert_eq!(handed.unwrap(), Handed::Unconfirmed);
    assert_eq!(play.n_sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_before_is_sent_nothing() {
    let server = Server::start();

    let handed = hand_over(&server.home, THREAD, MESSAGE, &Aim::NextTurn {}).await;

    assert!(matches!(handed, Err(LiveError::Silent)), "{handed:?}");
}

#[tokio::test]
async fn a_message_that_meets_a_turn_of_somebody_else_is_not_said_to_start_it() {
    let prompt = |client: &str| json!([{ "type": "userMessage", "clientId": client }]);
    let t1 = || Some("t1".to_owned());
    for (began, expected) in [
        (prompt("somebody-elses"), Handed::Steered(t1())),
        (prompt(MESSAGE.id), Handed::Started(t1())),
        (json!([]), Handed::Started(t1())),
    ] {
        let mut play = Play::new();
        let then = Standing {
            began,
            ..Standing::of(active())
        };
        let takes = Takes::Answers(json!({ "turn": { "id": "t1" } }));

        let handed = play
            .hand_over(&Aim::NextTurn {}, Standing::of(idle()), takes, then)
            .await;

        assert_eq!(handed.unwrap(), expected);
        assert_eq!(play.n_sent(), 1);
    }
}
