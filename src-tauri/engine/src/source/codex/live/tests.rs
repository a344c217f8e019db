//! Servers that lie, hang, flood or speak a language of the future.

mod messages;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::examine::examine_if;
use super::*;
use crate::testing::temp_folder;

const THREAD: &str = "01a1f7e6-b06c-7ff1-9e3e-0a01a2524c74";

/// A server in a home of its own.
struct Server {
    _guard: tempfile::TempDir,
    home: Utf8PathBuf,
    listener: UnixListener,
}

/// One conversation, seen from the server.
struct Conversation(WebSocketStream<UnixStream>);

impl Server {
    fn start() -> Self {
        let (guard, home) = temp_folder();
        let path = socket(&home);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path.as_std_path()).unwrap();
        Self {
            _guard: guard,
            home,
            listener,
        }
    }

    async fn accept(&self) -> Conversation {
        let (stream, _) = self.listener.accept().await.unwrap();
        Conversation(tokio_tungstenite::accept_async(stream).await.unwrap())
    }
}

impl Conversation {
    async fn say(&mut self, message: Value) {
        let message = Message::text(message.to_string());
        // A client that had enough has left.
        drop(self.0.send(message).await);
    }

    /// Answers questions with `answer` until the other side leaves.
    async fn serve(&mut self, mut answer: impl FnMut(&str, &Value) -> Vec<Value>) {
        while let Some(Ok(Message::Text(text))) = self.0.next().await {
            let asked: Value = serde_json::from_str(&text).unwrap();
            let method = asked["method"].as_str().unwrap_or_default().to_owned();
            for mut said in answer(&method, &asked) {
                if said.get("result").is_some() && said.get("id").is_none() {
                    said["id"] = asked["id"].clone();
                }
                self.say(said).await;
            }
        }
    }
}

fn status(flags: &[&str]) -> Value {
    json!({ "type": "active", "activeFlags": flags, "futureField": {} })
}

fn request(item: &str) -> Value {
    json!({
        "id": "a-text-this-time", "method": "item/commandExecution/requestApproval",
        "params": { "threadId": THREAD, "turnId": "t1", "itemId": item, "command": "touch x" }
    })
}

/// A server with one thread that waits for the request `item`.
fn waiting(method: &str, item: &str) -> Vec<Value> {
    match method {
        "initialize" => vec![
            json!({ "method": "weather/changed", "params": [1, 2] }),
            json!({ "result": { "userAgent": "codex/9.0" } }),
        ],
        "thread/loaded/list" => vec![json!({ "result": { "data": [THREAD], "more": true } })],
        "thread/read" => {
            let thread =
                json!({ "id": THREAD, "path": "/x", "status": status(&["waitingOnApproval"]) });
            vec![json!({ "result": { "thread": thread } })]
        }
        "thread/resume" => vec![json!({ "result": {} }), request(item)],
        "thread/unsubscribe" => vec![json!({ "result": {} })],
        _ => Vec::new(),
    }
}

fn need(observation: &Observation) -> Option<&mission_control_core::session::Need> {
    let Observation::LiveSeen { live, .. } = observation else {
        return None;
    };
    let LiveDoing::Waiting { need } = &live.doing else {
        return None;
    };
    need.as_ref()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[tokio::test]
async fn a_server_of_the_future_is_understood_as_far_as_it_goes() {
    let server = Server::start();
    let mut left = Vec::new();
    let serving = async {
        let mut conversation = server.accept().await;
        let serve = |method: &str, _: &Value| {
            left.push(method.to_owned());
            waiting(method, "i1")
        };
        conversation.serve(serve).await;
    };

    let (seen, ()) = tokio::join!(link::look(&server.home, now()), serving);

    assert_eq!(need(&seen.unwrap()[0]).unwrap().request_id, "t1/i1");
    let last = left.iter().rev().take(2).rev();
    assert_eq!(
        last.collect::<Vec<_>>(),
        ["thread/resume", "thread/unsubscribe"]
    );
}

#[tokio::test]
async fn an_answer_is_sent_once_and_to_its_request_only() {
    let server = Server::start();
    let mut replies = Vec::new();
    let serving = async {
        for _ in 0..2 {
            let mut conversation = server.accept().await;
            let serve = |method: &str, asked: &Value| {
                if method.is_empty() {
                    replies.push(asked.clone());
                    let resolved = json!({ "threadId": THREAD, "requestId": "a-text-this-time" });
                    return vec![json!({ "method": "serverRequest/resolved", "params": resolved })];
                }
                waiting(method, "i1")
            };
            conversation.serve(serve).await;
        }
    };
    let asking = async {
        let other = answer(&server.home, THREAD, "t1/i9", "accept")
            .await
            .unwrap();
        let this = answer(&server.home, THREAD, "t1/i1", "accept")
            .await
            .unwrap();
        (other, this)
    };

    let ((other, this), ()) = tokio::join!(asking, serving);

    assert_eq!(other, Answered::NotPending);
    assert_eq!(this, Answered::Confirmed);
    let expected = json!({ "id": "a-text-this-time", "result": { "decision": "accept" } });
    assert_eq!(replies, [expected]);
}

#[tokio::test]
async fn only_the_turn_that_was_meant_is_interrupted() {
    let server = Server::start();
    let serving = async {
        for _ in 0..2 {
            let mut conversation = server.accept().await;
            let serve = |method: &str, asked: &Value| match method {
                "turn/interrupt" if asked["params"]["turnId"] == "t1" => {
                    let idle = |thread| {
                        let changed = json!({ "threadId": thread, "status": { "type": "idle" } });
                        json!({ "method": "thread/status/changed", "params": changed })
                    };
                    vec![json!({ "result": {} }), idle("another"), idle(THREAD)]
                }
                "turn/interrupt" => {
                    let error = json!({ "code": -32600, "message": "no such turn" });
                    vec![json!({ "id": asked["id"], "error": error })]
                }
                "thread/read" => {
                    let thread = json!({ "id": THREAD, "status": status(&[]) });
                    vec![json!({ "result": { "thread": thread } })]
                }
                "thread/turns/list" => vec![json!({ "result": { "data": [{ "id": "t1" }] } })],
                _ => vec![json!({ "result": {} })],
            };
            conversation.serve(serve).await;
        }
    };
    let asking = async {
        let other = interrupt(&server.home, THREAD, "t0").await.unwrap();
        let this = interrupt(&server.home, THREAD, "t1").await.unwrap();
        (other, this)
    };

    let ((other, this), ()) = tokio::join!(asking, serving);

    assert_eq!(other, Interrupted::NotRunning);
    assert_eq!(this, Interrupted::Confirmed);
}

#[tokio::test]
async fn a_server_that_knows_no_interruption_is_not_said_to_be_idle() {
    const SAYS: &str = "Invalid request: unknown variant `turn/interrupt`";
    let server = Server::start();
    let serving = async {
        let mut conversation = server.accept().await;
        let serve = |method: &str, asked: &Value| match method {
            "thread/read" => {
                let thread = json!({ "id": THREAD, "status": status(&[]) });
                vec![json!({ "result": { "thread": thread } })]
            }
            "turn/interrupt" | "thread/turns/list" => {
                let error = json!({ "code": -32600, "message": SAYS });
                vec![json!({ "id": asked["id"], "error": error })]
            }
            _ => vec![json!({ "result": {} })],
        };
        conversation.serve(serve).await;
    };

    let (interrupted, ()) = tokio::join!(interrupt(&server.home, THREAD, "t1"), serving);

    assert_eq!(interrupted.unwrap(), Interrupted::Refused(SAYS.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_given_up() {
    let server = Server::start();

    let connecting = answer(&server.home, THREAD, "t1/i1", "accept").await;

    assert!(
        matches!(connecting, Err(LiveError::Silent)),
        "{connecting:?}"
    );
}

#[tokio::test]
async fn a_server_that_talks_nonsense_tells_nothing() {
    let server = Server::start();
    let serving = async {
        let mut conversation = server.accept().await;
        let serve = |method: &str, _: &Value| match method {
            "initialize" => vec![json!({ "result": 7 })],
            "thread/loaded/list" => vec![json!({ "result": { "data": [THREAD, 5, null] } })],
            "thread/read" => vec![json!({ "result": { "thread": { "status": "asleep" } } })],
            _ => Vec::new(),
        };
        conversation.serve(serve).await;
    };

    let (seen, ()) = tokio::join!(link::look(&server.home, now()), serving);

    assert_eq!(seen.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_server_that_floods_waits_for_the_reader() {
    let server = Server::start();
    let (mut links, mut says) = LiveLinks::talking_if(|_| true, Vec::new());
    links.add(server.home.clone());
    let serving = async {
        let mut conversation = server.accept().await;
        conversation
            .serve(|method, _| match method {
                "initialize" => vec![json!({ "result": {} })],
                "thread/loaded/list" => {
                    let mut all = vec![json!({ "result": { "data": [] } })];
                    for n in 0..20_000 {
                        let flags: &[&str] = if n % 2 == 0 { &[] } else { &["later"] };
                        let changed = json!({ "threadId": THREAD, "status": status(flags) });
                        all.push(json!({ "method": "thread/status/changed", "params": changed }));
                    }
                    all
                }
                _ => Vec::new(),
            })
            .await;
    };
    let reading = async {
        for _ in 0..20_000 {
            assert!(matches!(
                says.recv().await,
                Some(Observation::LiveSeen { .. })
            ));
        }
        drop(links);
    };

    tokio::join!(serving, reading);
}

#[tokio::test]
async fn a_server_that_leaves_takes_its_word_along() {
    let server = Server::start();
    let (_links, mut says) = LiveLinks::talking_if(|_| true, vec![server.home.clone()]);
    let mut conversation = server.accept().await;
    let mut n_asked = 0;
    while n_asked < 3 {
        let Some(Ok(Message::Text(text))) = conversation.0.next().await else {
            panic!("it left");
        };
        let asked: Value = serde_json::from_str(&text).unwrap();
        let method = asked["method"].as_str().unwrap();
        let result = match method {
            "thread/loaded/list" => json!({ "data": [THREAD] }),
            "thread/read" => {
                json!({ "thread": { "id": THREAD, "path": "/x", "status": { "type": "idle" } } })
            }
            "initialized" => continue,
            _ => json!({}),
        };
        n_asked += 1;
        let id = asked["id"].clone();
        conversation
            .say(json!({ "id": id, "result": result }))
            .await;
    }

    let first = says.recv().await.unwrap();
    drop(conversation);
    let then = says.recv().await.unwrap();

    assert!(matches!(first, Observation::LiveSeen { .. }), "{first:?}");
    assert_eq!(then, lost(THREAD));
}

/// Examines a server that answers with `answer`.
async fn examined(answer: impl FnMut(&str, &Value) -> Vec<Value>) -> Standing {
    let server = Server::start();
    let serving = async {
        let mut conversation = server.accept().await;
        conversation.serve(answer).await;
    };
    let (standing, ()) = tokio::join!(examine_if(|_| true, &server.home), serving);
    standing
}

#[tokio::test]
async fn a_server_that_talks_says_its_version_and_what_it_runs() {
    let talks = |user_agent: &'static str| {
        examined(move |method, _| match method {
            "initialize" => vec![json!({ "result": { "userAgent": user_agent } })],
            "thread/loaded/list" => vec![json!({ "result": { "data": [THREAD, "b"] } })],
            _ => Vec::new(),
        })
    };
    let expected = |version: Option<&str>| Standing::Talks {
        version: version.map(str::to_owned),
        n_threads: 2,
    };

    assert_eq!(
        talks("codex-tui/0.169.0 (Debian 12; x86_64)").await,
        expected(Some("0.169.0"))
    );
    assert_eq!(
        talks("codex/9.1.0-beta").await,
        expected(Some("9.1.0-beta"))
    );
    assert_eq!(talks("codex/\u{1b}[2J").await, expected(None));
    assert_eq!(talks("").await, expected(None));
}

#[tokio::test]
async fn a_server_that_lies_floods_or_refuses_is_called_so() {
    let lies = examined(|method, _| match method {
        "initialize" => vec![json!({ "result": 7 })],
        _ => vec![json!({ "result": "everything is fine" })],
    });
    assert_eq!(lies.await, Standing::Odd("it names no threads".to_owned()));

    let floods = examined(|method, _| match method {
        "initialize" => vec![json!({ "method": "weather/changed" }); 5000],
        _ => Vec::new(),
    });
    assert_eq!(floods.await, Standing::Odd("it says too much".to_owned()));

    let refuses = examined(|_, asked| {
        let error = json!({ "code": -32600, "message": "upgrade first" });
        vec![json!({ "id": asked["id"], "error": error })]
    });
    assert_eq!(refuses.await, Standing::Refuses("upgrade first".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_a_limited_time() {
    let server = Server::start();
    let before = tokio::time::Instant::now();

    let standing = examine_if(|_| true, &server.home).await;

    assert_eq!(standing, Standing::Silent);
    assert_eq!(before.elapsed(), LOOK);
}

#[tokio::test]
async fn a_server_without_a_thread_is_not_talked_to() {
    let server = Server::start();

    assert_eq!(examine(&server.home).await, Standing::Unasked);

    let (mut stream, _) = server.listener.accept().await.unwrap();
    let mut said = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut said);
    assert_eq!(reading.await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_dead_server_left_is_told_from_nothing_and_from_something_else() {
    let (_guard, home) = temp_folder();
    assert_eq!(examine(&home).await, Standing::Absent);
    let path = socket(&home);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();

    std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
    assert_eq!(examine(&home).await, Standing::LeftBehind);
    std::fs::remove_file(&path).unwrap();

    drop(UnixListener::bind(path.as_std_path()).unwrap());
    assert_eq!(examine(&home).await, Standing::LeftBehind);
    std::fs::remove_file(&path).unwrap();

    std::fs::write(&path, "").unwrap();
    let standing = examine(&home).await;
    assert_eq!(standing, Standing::Closed("it is no socket".to_owned()));
}

#[tokio::test]
async fn a_request_that_is_answered_while_it_is_fetched_is_not_told() {
    let server = Server::start();
    let (links, mut says) = LiveLinks::talking_if(|_| true, vec![server.home.clone()]);
    let mut n_taken = 0;
    let serving = async {
        let mut conversation = server.accept().await;
        let serve = |method: &str, _: &Value| match method {
            "thread/resume" => {
                n_taken += 1;
                let changed = json!({ "threadId": THREAD, "status": status(&[]) });
                vec![
                    json!({ "result": {} }),
                    json!({ "method": "thread/status/changed", "params": changed }),
                ]
            }
            _ => waiting(method, "i1"),
        };
        conversation.serve(serve).await;
    };
    let reading = async {
        let first = says.recv().await.unwrap();
        drop(links);
        first
    };

    let ((), first) = tokio::join!(serving, reading);

    let Observation::LiveSeen { live, .. } = first else {
        panic!("{first:?}");
    };
    assert_eq!(live.doing, LiveDoing::Working);
    assert_eq!(n_taken, 1);
}

#[tokio::test]
async fn a_change_that_is_told_while_others_are_asked_about_is_newer_than_what_was_read() {
    let server = Server::start();
    let (links, mut says) = LiveLinks::talking_if(|_| true, vec![server.home.clone()]);
    let clock = crate::clock::Clock::start();
    let serving = async {
        let mut conversation = server.accept().await;
        let serve = |method: &str, asked: &Value| match method {
            "thread/loaded/list" => vec![json!({ "result": { "data": [THREAD, "other"] } })],
            "thread/read" if asked["params"]["threadId"] == THREAD => {
                let idle = json!({ "id": THREAD, "path": "/x", "status": { "type": "idle" } });
                let at = clock.now().wall.as_millisecond();
                let changed = json!({ "threadId": THREAD, "status": status(&[]) });
                vec![
                    json!({ "result": { "thread": idle } }),
                    json!({ "method": "thread/status/changed", "params": changed, "emittedAtMs": at }),
                ]
            }
            _ => waiting(method, "i1"),
        };
        conversation.serve(serve).await;
    };
    let reading = async {
        let mut about = Vec::new();
        while about.len() < 2 {
            if let Some(Observation::LiveSeen { session, live }) = says.recv().await
                && session == seen_id()
            {
                about.push(live);
            }
        }
        drop(links);
        about
    };

    let ((), about) = tokio::join!(serving, reading);

    assert_eq!(about[0].doing, LiveDoing::Idle);
    assert_eq!(about[1].doing, LiveDoing::Working);
    assert!(about[0].at <= about[1].at, "{about:?}");
}

fn seen_id() -> SessionId {
    SessionId::new(SOURCE, THREAD)
}

#[tokio::test]
async fn a_server_that_is_killed_is_no_fault_of_the_next() {
    let server = Server::start();
    let (links, mut says) = LiveLinks::talking_if(|_| true, vec![server.home.clone()]);
    let serving = async {
        let mut killed = server.accept().await;
        let mut n_said = 0;
        while n_said < 2 {
            let Some(Ok(Message::Text(text))) = killed.0.next().await else {
                panic!("it left");
            };
            let asked: Value = serde_json::from_str(&text).unwrap();
            n_said += 1;
            killed.say(json!({ "id": asked["id"], "result": {} })).await;
        }
        // Without a farewell.
        drop(killed.0.into_inner());
        let before = tokio::time::Instant::now();
        links.stir();
        let mut next = server.accept().await;
        let serve = |method: &str, _: &Value| waiting(method, "i1");
        tokio::join!(next.serve(serve), async {
            says.recv().await.unwrap();
            drop(links);
        });
        before.elapsed()
    };

    let took = serving.await;

    assert!(took < link::pause_after(1), "after {took:?}");
}
