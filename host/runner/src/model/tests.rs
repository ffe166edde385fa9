//! The model's task against servers that refuse, drop, wait and forget, on a clock that jumps.

use std::io;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use wire::{ByteStream, Dial, Endpoint, InMemoryServer, Options, Script, Server};

use super::*;

/// The way to a server in memory.
struct Near(Arc<InMemoryServer>);

impl Dial for Near {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async { Ok(Box::new(self.0.connect()) as Box<dyn ByteStream>) })
    }
}

/// A server that says the same to everybody, and hangs up.
struct Parrot(&'static str);

impl Dial for Parrot {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Box<dyn ByteStream>>> {
        let answer = self.0;
        Box::pin(async move {
            let (ours, mut theirs) = duplex(1 << 16);
            tokio::spawn(async move {
                let _request = theirs.read(&mut [0; 4096]).await;
                theirs.write_all(answer.as_bytes()).await
            });
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// The task, and the loop that it talks to.
struct Desk {
    model: Model,
    jobs: u64,
    conversation: Vec<Item>,
    notes: Vec<Note>,
    /// How long a request waits to be written down.
    delay: Duration,
}

impl Desk {
    fn before(dialer: Arc<dyn Dial>, way: Way) -> Self {
        let endpoint = Endpoint::new("http://model.test/v1").unwrap().with_dialer(dialer);
        let plan = ModelPlan {
            provider: "script".to_owned(),
            model: "m".to_owned(),
            endpoint,
            shown: "memory".to_owned(),
            connect: Duration::from_secs(5),
            effort: None,
            service_tier: Some("flex".to_owned()),
            way,
            prompt_cache_key: "test".to_owned(),
        };
        let model = Model::start(plan, "Look.".to_owned());
        let conversation = vec![Item::User("go".to_owned())];
        Self { model, jobs: 0, conversation, notes: Vec::new(), delay: Duration::ZERO }
    }

    fn scripted(script: &str, way: Way, options: Options) -> Self {
        let script = Script::parse(&format!("model = \"m\"\n{script}")).unwrap();
        Self::before(Arc::new(Near(Arc::new(Server::in_memory(Arc::new(script), options)))), way)
    }

    /// Asks for a turn, and says what came of it.
    async fn turn(&mut self, turn: u32) -> Input {
        self.jobs += 1;
        let ask = Ask {
            turn,
            try_number: 1,
            max_output_tokens: 500,
            wrap_up: false,
            after_ms: 0,
            compact_at: None,
        };
        self.model.ask(Job {
            number: self.jobs,
            ask,
            conversation: self.conversation.clone(),
            replayed_from: 0,
            tools: Vec::new(),
            give_up: CancellationToken::new(),
        });
        loop {
            match self.model.said().await.unwrap().1 {
                Said::Ready { go, .. } => {
                    tokio::time::sleep(self.delay).await;
                    go.send(()).unwrap();
                }
                Said::Heard(Input::CallReceived { .. }) | Said::Progress | Said::Text(_) => {}
                Said::Noted(note) => self.notes.push(note),
                Said::Heard(input) => {
                    if let Input::TurnCompleted { items, .. } = &input {
                        self.conversation.extend(items.iter().cloned().map(Item::Output));
                        self.conversation.push(Item::User("on".to_owned()));
                    }
                    return input;
                }
            }
        }
    }

    fn fell_back(&self) -> bool {
        self.notes.iter().any(|note| matches!(note, Note::FellBack { .. }))
    }
}

/// A line of what came of a turn.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a turn ends in two ways; the rest is a failure to show"
)]
fn line(input: &Input) -> String {
    match input {
        Input::TurnCompleted { text, .. } => format!("said {text}"),
        Input::TurnFailed { class, code, sent, retry_after_ms, .. } => {
            let wait = retry_after_ms.map_or(String::new(), |ms| format!(", again in {ms} ms"));
            let sent = if *sent { "sent" } else { "not sent" };
            format!("{class:?} {code}, {sent}{wait}")
        }
        _ => format!("{input:?}"),
    }
}

const HELLO: &str = "[[turn]]\nsay = \"hello\"\n[[turn]]\nsay = \"again\"\n";

#[tokio::test(start_paused = true)]
async fn a_refusal_at_the_door_says_whether_and_when_to_come_again() {
    let check = async |upgrade: &str, expected: &str| {
        let script = format!("[[upgrade]]\n{upgrade}\n{HELLO}");
        let mut desk = Desk::scripted(&script, Way::WebSocketOrHttp, Options::default());
        assert_eq!(line(&desk.turn(1).await), expected, "{upgrade}");
        assert!(!desk.fell_back(), "{upgrade}");
        assert_eq!(line(&desk.turn(1).await), "said hello", "{upgrade}");
    };
    let limited = "Provider rate_limit_exceeded, not sent, again in 7000 ms";
    check("status = 429\nretry-after-ms = 7000", limited).await;
    let used_up = "Account insufficient_quota, not sent, again in 7000 ms";
    check("status = 429\ncode = \"insufficient_quota\"\nretry-after-ms = 7000", used_up).await;
    check("status = 401\ncode = \"invalid_api_key\"", "Account invalid_api_key, not sent").await;
    let busy = "Provider server_is_overloaded, not sent, again in 10000 ms";
    check("status = 503\ncode = \"server_is_overloaded\"", busy).await;
    check("status = 500\ncode = \"server_error\"", "Provider server_error, not sent").await;
    check("fault = \"drop\"", "Provider not-connected, not sent").await;
    check("fault = \"stall\"", "Provider not-connected, not sent").await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_dropped_twice_is_given_up_for_http() {
    for fault in ["drop", "stall"] {
        let script = format!("[[upgrade]]\nfault = \"{fault}\"\ntimes = 9\n{HELLO}");
        let mut desk = Desk::scripted(&script, Way::WebSocketOrHttp, Options::default());
        assert_eq!(line(&desk.turn(1).await), "Provider not-connected, not sent", "{fault}");
        assert_eq!(line(&desk.turn(1).await), "said hello", "{fault}");
        assert!(desk.fell_back(), "{fault}");
        // It stays so: nobody knocks again.
        assert_eq!(line(&desk.turn(2).await), "said again", "{fault}");
        let fallen = desk.notes.iter().filter(|note| matches!(note, Note::FellBack { .. }));
        assert_eq!(fallen.count(), 1, "{fault}");

        let mut desk = Desk::scripted(&script, Way::WebSocket, Options::default());
        for _ in 0..3 {
            assert_eq!(line(&desk.turn(1).await), "Provider not-connected, not sent", "{fault}");
        }
        assert!(!desk.fell_back(), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_there_was_a_web_socket_a_dropped_upgrade_is_no_reason_for_http() {
    let aged = Options { connection_age_max: Duration::from_secs(10), ..Options::default() };
    let script = "[[upgrade]]\n[[upgrade]]\nfault = \"drop\"\ntimes = 3\n";
    let mut desk = Desk::scripted(&format!("{script}{HELLO}"), Way::WebSocketOrHttp, aged);
    assert_eq!(line(&desk.turn(1).await), "said hello");
    tokio::time::sleep(Duration::from_secs(11)).await;
    for _ in 0..3 {
        assert_eq!(line(&desk.turn(2).await), "Provider not-connected, not sent");
    }
    assert_eq!(line(&desk.turn(2).await), "said again");
    assert!(!desk.fell_back());
}

#[tokio::test(start_paused = true)]
async fn a_request_of_which_no_byte_left_is_not_charged() {
    let aged = Options { connection_age_max: Duration::from_secs(10), ..Options::default() };
    let mut desk = Desk::scripted(HELLO, Way::WebSocketOrHttp, aged);
    // The server closes the connection while the request is being written down.
    desk.delay = Duration::from_secs(11);
    assert_eq!(line(&desk.turn(1).await), "Provider link-lost, not sent");
    desk.delay = Duration::ZERO;
    assert_eq!(line(&desk.turn(1).await), "said hello");
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_and_an_old_connection_are_asked_again_by_themselves_and_once() {
    let lost = |times: u32| {
        format!(
            "[[turn]]\nsay = \"hello\"\n[[turn]]\nsay = \"again\"\n\
             fault = {{ kind = \"lost\", times = {times} }}\n"
        )
    };
    let mut desk = Desk::scripted(&lost(1), Way::WebSocketOrHttp, Options::default());
    assert_eq!(line(&desk.turn(1).await), "said hello");
    assert_eq!(line(&desk.turn(2).await), "said again");

    let old = "[[turn]]\nsay = \"hello\"\nfault = { kind = \"connection-limit\", times = TIMES }\n";
    let once = old.replace("TIMES", "1");
    let mut desk = Desk::scripted(&once, Way::WebSocketOrHttp, Options::default());
    assert_eq!(line(&desk.turn(1).await), "said hello");
    let twice = old.replace("TIMES", "2");
    let mut desk = Desk::scripted(&twice, Way::WebSocketOrHttp, Options::default());
    let given_up = "Provider websocket_connection_limit_reached, not sent";
    assert_eq!(line(&desk.turn(1).await), given_up);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_everything_is_sent_again_and_continuing_resumes_after_it() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let observer: wire::Observer =
        Arc::new(move |it| kept.lock().unwrap().push((it.turn, it.continued, it.connection)));
    let script = "[[turn]]\nsay = \"one\"\n[[turn]]\nsay = \"two\"\n\
                  fault = { kind = \"error\", status = 429 }\n[[turn]]\nsay = \"three\"\n";
    let options = Options { observer: Some(observer), ..Options::default() };
    let mut desk = Desk::scripted(script, Way::WebSocketOrHttp, options);
    assert_eq!(line(&desk.turn(1).await), "said one");
    assert!(matches!(desk.turn(2).await, Input::TurnFailed { sent: false, .. }));
    assert_eq!(line(&desk.turn(2).await), "said two");
    assert_eq!(line(&desk.turn(3).await), "said three");
    // The server lets go of what a failed request continued.
    let expected = [(0, false, 0), (1, true, 0), (1, false, 1), (2, true, 1)];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn another_service_tier_than_was_asked_for_is_told_once() {
    let answer = "HTTP/1.1 200 OK\r\n\r\ndata: {\"type\":\"response.completed\",\"response\":\
                  {\"id\":\"r\",\"status\":\"completed\",\"service_tier\":\"priority\",\
                  \"output\":[]}}\n\n";
    let mut desk = Desk::before(Arc::new(Parrot(answer)), Way::Http);
    assert_eq!(line(&desk.turn(1).await), "said ");
    assert_eq!(line(&desk.turn(2).await), "said ");
    let told = |note: &&Note| matches!(note, Note::Warned { what } if what.contains("`priority`"));
    assert_eq!(desk.notes.iter().filter(told).count(), 1, "{:?}", desk.notes);

    // The scripted server serves as it is asked to.
    let mut desk = Desk::scripted(HELLO, Way::WebSocketOrHttp, Options::default());
    assert_eq!(line(&desk.turn(1).await), "said hello");
    assert!(!desk.notes.iter().any(|note| matches!(note, Note::Warned { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_billed_had_begun_and_is_not_asked_again_by_itself() {
    let answer = "HTTP/1.1 200 OK\r\n\r\ndata: {\"type\":\"response.failed\",\"response\":\
                  {\"id\":\"r\",\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\
                  \"previous_response_not_found\",\"message\":\"gone\"},\"usage\":{\
                  \"input_tokens\":3,\"output_tokens\":1,\"total_tokens\":4}}}\n\n";
    let mut desk = Desk::before(Arc::new(Parrot(answer)), Way::Http);
    let failed = desk.turn(1).await;
    assert_eq!(line(&failed), "Provider previous_response_not_found, sent");
    assert!(matches!(failed, Input::TurnFailed { usage: Some(_), .. }));
}
