//! Conversations of our own client with scripted models.

use super::*;

#[tokio::test]
async fn a_conversation_goes_on_by_continuation_and_by_full_input_alike() {
    let home = Home::script(TWO_TURNS);
    let mut link = home.link().await;
    let first = complete(&mut link, &request(vec![user("Go.")])).await;
    assert_eq!(first.text, "I look at two files, side by side.");
    let calls: Vec<_> =
        first.calls.iter().map(|call| format!("{} {}", call.call_id, call.arguments)).collect();
    assert_eq!(calls, [r#"call_0_1 {"path":"a.rs"}"#, r#"call_0_2 {"path":"b.rs"}"#]);
    let usage = first.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_tokens, usage.output_tokens), (1200, 1024, 80));

    let outputs = || vec![output("call_0_1"), output("call_0_2")];
    let continued =
        Request { previous_response_id: Some(first.response_id.clone()), ..request(outputs()) };
    let second = complete(&mut link, &continued).await;
    assert_eq!((second.text.as_str(), second.calls.len()), ("Fixed.", 0));

    // Another connection, which has to be told everything.
    let mut items = vec![user("Go.")];
    items.extend(first.output.into_iter().map(InputItem::Verbatim));
    items.extend(outputs());
    let again = complete(&mut home.link().await, &request(items)).await;
    assert_eq!(again.text, "Fixed.");
    assert_eq!(again.response_id, second.response_id);
    assert_eq!(again.usage, second.usage);
}

#[tokio::test]
async fn calls_are_ready_before_the_end_and_deltas_add_up() {
    let home = Home::script(TWO_TURNS);
    let mut link = home.link().await;
    let events = ask(&mut link, &request(vec![user("Go.")])).await.unwrap();
    let mut text = String::new();
    let mut arguments = String::new();
    let mut ready = Vec::new();
    for event in &events {
        if let ModelEvent::TextDelta { delta, .. } = event {
            text.push_str(delta);
        }
        if let ModelEvent::ArgumentsDelta { delta, .. } = event {
            arguments.push_str(delta);
        }
        if let ModelEvent::CallReady(call) = event {
            ready.push(call.call_id.as_str());
        }
    }
    assert_eq!(text, "I look at two files, side by side.");
    assert_eq!(arguments, r#"{"path":"a.rs"}{"path":"b.rs"}"#);
    assert_eq!(ready, ["call_0_1", "call_0_2"]);
    assert!(matches!(&events[..2], [ModelEvent::Created { .. }, ModelEvent::InProgress]));
    assert_eq!(link.sequence_gaps(), 0);
}

#[tokio::test]
async fn a_warm_up_says_nothing_and_can_be_continued() {
    let home = Home::script(TWO_TURNS);
    let mut link = home.link().await;
    let warm_up = Request { generate: false, ..request(vec![user("Go.")]) };
    let warm = complete(&mut link, &warm_up).await;
    assert_eq!((warm.output.len(), warm.usage.unwrap().total_tokens()), (0, 0));

    let first = Request { previous_response_id: Some(warm.response_id.clone()), ..request(vec![]) };
    let first = complete(&mut link, &first).await;
    assert_eq!(first.calls.len(), 2);
    assert_ne!(first.response_id, warm.response_id);
}

#[tokio::test]
async fn only_the_latest_response_can_be_continued_and_only_while_nothing_fails() {
    let home = Home::script(TWO_TURNS);
    let mut link = home.link().await;
    let continuing =
        |id: &str, input| Request { previous_response_id: Some(id.to_owned()), ..request(input) };
    let first = complete(&mut link, &request(vec![user("Go.")])).await.response_id;

    let lost = fail(&mut link, &continuing("resp_other", vec![user("And?")])).await;
    assert_eq!(lost.kind, ErrorKind::PreviousResponseNotFound);
    assert_eq!(lost.code, "previous_response_not_found");
    assert_eq!(lost.message, "Previous response with id 'resp_other' not found.");
    assert_eq!((lost.status, lost.param.as_deref()), (Some(400), Some("previous_response_id")));

    // A continuation that fails evicts what it referred to: the same again finds nothing.
    let incomplete = || continuing(&first, vec![output("call_0_1")]);
    let missing = fail(&mut link, &incomplete()).await;
    assert_eq!(missing.message, "No tool output found for function call call_0_2.");
    let gone = fail(&mut link, &incomplete()).await;
    assert_eq!(gone.kind, ErrorKind::PreviousResponseNotFound);

    // A new response evicts the one before it.
    let first = complete(&mut link, &request(vec![user("Go.")])).await.response_id;
    complete(&mut link, &request(vec![user("Go again.")])).await;
    let gone = fail(&mut link, &continuing(&first, vec![])).await;
    assert_eq!(gone.kind, ErrorKind::PreviousResponseNotFound);

    // Another connection knows nothing.
    let first = complete(&mut link, &request(vec![user("Go.")])).await.response_id;
    let gone = fail(&mut home.link().await, &continuing(&first, vec![])).await;
    assert_eq!(gone.kind, ErrorKind::PreviousResponseNotFound);
}

#[tokio::test]
async fn equal_conversations_have_equal_ids_and_others_have_others() {
    let home = Home::script(TWO_TURNS);
    let mut link = home.link().await;
    let mut ids = Vec::new();
    for text in ["Go.", "Go.", "Stay."] {
        ids.push(complete(&mut link, &request(vec![user(text)])).await.response_id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert!(ids[0].starts_with("resp_0_"), "{}", ids[0]);
}

#[tokio::test]
async fn a_scripted_error_arrives_as_written_and_the_socket_stays() {
    let home = Home::script(
        "[[turn]]\nsay = \"Hi.\"\nfault = { kind = \"error\", code = \"rate_limit_exceeded\", \
         status = 429, message = \"later\", retry-after-ms = 1500 }",
    );
    let mut link = home.link().await;
    let error = fail(&mut link, &request(vec![user("Go.")])).await;
    assert_eq!((error.kind, error.status), (ErrorKind::RateLimited, Some(429)));
    assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
    assert_eq!(complete(&mut link, &request(vec![user("Go.")])).await.text, "Hi.");
}

#[tokio::test]
async fn an_incomplete_response_tells_why_and_keeps_what_there_is() {
    let home = Home::script("[[turn]]\nsay = \"Half a\"\nincomplete = \"max_output_tokens\"");
    let mut link = home.link().await;
    let end = ask(&mut link, &request(vec![user("Go.")])).await.unwrap().pop();
    let Some(ModelEvent::Incomplete { reason, response }) = end else { panic!("{end:?}") };
    assert_eq!((reason.as_str(), response.text.as_str()), ("max_output_tokens", "Half a"));
    assert!(response.usage.is_some());
}

#[tokio::test]
async fn a_script_that_is_over_says_so() {
    let home = Home::script("[[turn]]\nsay = \"Hi.\"");
    let mut link = home.link().await;
    let first = complete(&mut link, &request(vec![user("Go.")])).await;
    let more =
        Request { previous_response_id: Some(first.response_id), ..request(vec![user("?")]) };
    let error = fail(&mut link, &more).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::BadRequest, "script_exhausted"));
}

#[tokio::test]
async fn an_observer_is_told_of_every_request() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = told.clone();
    let observer: Observer = Arc::new(move |asked: &Asked| {
        keep.lock().unwrap().push(serde_json::to_string(asked).unwrap());
    });
    let options = Options { observer: Some(observer), ..Options::default() };
    let home = Home::with(Script::parse(TWO_TURNS).unwrap(), options);
    let mut link = home.link().await;
    let first = complete(&mut link, &request(vec![user("Go.")])).await;
    let outputs = vec![output("call_0_1"), output("call_0_2")];
    let more = Request { previous_response_id: Some(first.response_id), ..request(outputs) };
    complete(&mut link, &more).await;
    complete(&mut home.link().await, &Request { generate: false, ..request(vec![]) }).await;
    insta::assert_snapshot!(told.lock().unwrap().join("\n"), @r#"
    {"connection":0,"request":0,"turn":0,"model":"demo","items":1,"continued":false,"warm-up":false,"response-id":"resp_0_61da70b93831f802"}
    {"connection":0,"request":1,"turn":1,"model":"demo","items":6,"continued":true,"warm-up":false,"response-id":"resp_1_badc95becb47e17d"}
    {"connection":1,"request":0,"turn":0,"model":"demo","items":0,"continued":false,"warm-up":true,"response-id":"resp_warm_9fb79d2e3f8686db"}
    "#);
}
