//! What a request looks like on the wire.

use super::*;

#[test]
fn a_request_says_everything_again_and_never_stream_or_background() {
    let mut request = Request::new("gpt-6.1-sol", 900);
    request.instructions = "Fix it.".to_owned();
    request.previous_response_id = Some("resp_1".to_owned());
    request.prompt_cache_key = Some("job-812".to_owned());
    request.effort = Some("low".to_owned());
    request.service_tier = Some("flex".to_owned());
    request.tools = vec![ToolSpec { name: "read_file".to_owned(), ..ToolSpec::default() }];
    let raw = RawValue::from_string(r#"{"type":"reasoning",  "id":"rs_1"}"#.to_owned());
    request.input = vec![
        InputItem::Message { role: "user".to_owned(), text: "Go.".to_owned() },
        InputItem::Message { role: "assistant".to_owned(), text: "Yes.".to_owned() },
        InputItem::Verbatim(raw.unwrap()),
        InputItem::FunctionCall {
            call_id: "ctx_1".to_owned(),
            name: "read_file".to_owned(),
            arguments: "{}".to_owned(),
        },
        InputItem::FunctionCallOutput { call_id: "ctx_1".to_owned(), output: "ok".to_owned() },
    ];
    insta::assert_snapshot!(request.to_json(), @r#"{"type":"response.create","model":"gpt-6.1-sol","store":false,"include":["reasoning.encrypted_content"],"instructions":"Fix it.","tools":[{"type":"function","name":"read_file","description":"","parameters":null,"strict":false}],"tool_choice":"auto","parallel_tool_calls":true,"max_output_tokens":900,"reasoning":{"effort":"low"},"service_tier":"flex","prompt_cache_key":"job-812","previous_response_id":"resp_1","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Go."}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."}]},{"type":"reasoning",  "id":"rs_1"},{"type":"function_call","call_id":"ctx_1","name":"read_file","arguments":"{}"},{"type":"function_call_output","call_id":"ctx_1","output":"ok"}]}"#);
}

#[test]
fn a_warm_up_generates_nothing() {
    let warm_up = Request { generate: false, ..Request::new("m", 16) };
    assert!(warm_up.to_json().contains(r#""generate":false"#));
    assert!(!Request::new("m", 16).to_json().contains("generate"));
}

#[test]
fn a_request_without_a_web_socket_leaves_out_what_only_one_has() {
    let mut request = Request::new("m", 16);
    request.compact_at = Some(200_000);
    request.input = vec![InputItem::Message { role: "user".to_owned(), text: "Go.".to_owned() }];
    insta::assert_snapshot!(request.to_body(), @r#"{"stream":true,"model":"m","store":false,"include":["reasoning.encrypted_content"],"instructions":"","tools":[],"tool_choice":"auto","parallel_tool_calls":true,"max_output_tokens":16,"context_management":[{"type":"compaction","compact_threshold":200000}],"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Go."}]}]}"#);
    let frame = request.to_frame(Some("critic"));
    let start = r#"{"type":"response.create","stream_id":"critic","model":"m","store":false,"#;
    assert!(frame.starts_with(start), "{frame}");
}

#[test]
fn a_steer_says_what_and_whom() {
    insta::assert_snapshot!(steer("resp_1", "Not \"that\" file."), @r#"{"input":"Not \"that\" file.","previous_response_id":"resp_1","type":"response.steer"}"#);
}

#[test]
fn a_tool_choice_is_a_word_or_names_the_tool() {
    let check = |choice: ToolChoice, expected: &str| {
        assert_eq!(serde_json::to_string(&choice).unwrap(), expected);
    };
    check(ToolChoice::Auto, r#""auto""#);
    check(ToolChoice::None, r#""none""#);
    check(ToolChoice::Required, r#""required""#);
    check(ToolChoice::Tool("t".to_owned()), r#"{"type":"function","name":"t"}"#);
}
