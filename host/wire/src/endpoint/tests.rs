//! Addresses, headers, and what must never be shown.

use super::*;

#[test]
fn the_address_follows_from_the_base_url_as_in_the_official_sdks() {
    let check = |base: &str, url: &str, host: &str, port: u16| {
        let endpoint = Endpoint::new(base).unwrap();
        assert_eq!((endpoint.url().as_str(), endpoint.host(), endpoint.port()), (url, host, port));
    };
    check("https://api.x.com/v1", "wss://api.x.com/v1/responses", "api.x.com", 443);
    check("http://127.0.0.1:8/v1/", "ws://127.0.0.1:8/v1/responses", "127.0.0.1", 8);
    check("https://h", "wss://h/responses", "h", 443);
    check("http://[::1]/a?model=m", "ws://[::1]/a/responses?model=m", "::1", 80);
    check("wss://h/v1/responses", "wss://h/v1/responses", "h", 443);
    check(" ws://h:9/v1/responses/ ", "ws://h:9/v1/responses", "h", 9);
}

#[test]
fn what_is_no_address_says_so_and_repeats_no_password() {
    let check = |base: &str, expected: &str| {
        assert_eq!(Endpoint::new(base).unwrap_err().to_string(), expected, "{base}");
    };
    let example = "is not a URL of a server; write it like `https://api.openai.com/v1`";
    check("", &format!("`` {example}"));
    check("api.openai.com/v1", &format!("`api.openai.com/v1` {example}"));
    check("/v1", &format!("`/v1` {example}"));
    check("https://me:hunter2@h o", &format!("`…@h o` {example}"));
    check(
        "ftp://h/v1",
        "`ftp` is not a scheme of a model's server; use `https`, `http`, `wss` or `ws`",
    );
    check(
        "https://me:hunter2@h/v1",
        "the server's URL holds a user or password; give the key apart from the URL",
    );
}

#[test]
fn a_key_is_sent_and_never_shown() {
    let key = Secret::new("sk-hunter2\n");
    let endpoint = Endpoint::new("https://h/v1").unwrap();
    let endpoint = endpoint.with_key(&key).unwrap().with_header("x-org", "hunter2").unwrap();
    let request = endpoint.upgrade().unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer sk-hunter2");
    assert_eq!(request.headers()["x-org"], "hunter2");
    assert!(!format!("{key} {key:?} {endpoint:?} {request:?}").contains("hunter2"));
}

#[test]
fn a_key_or_header_that_cannot_be_sent_is_refused() {
    let endpoint = || Endpoint::new("https://h/v1").unwrap();
    assert_eq!(endpoint().with_key(&Secret::new("a\nb")).unwrap_err(), EndpointError::Key);
    let header = |name: &str| EndpointError::Header { name: name.to_owned() };
    assert_eq!(endpoint().with_header("a b", "c").unwrap_err(), header("a b"));
    for name in ["Host", "content-length", "Sec-WebSocket-Key"] {
        let reserved = EndpointError::ReservedHeader { name: name.to_ascii_lowercase() };
        assert_eq!(endpoint().with_header(name, "c").unwrap_err(), reserved);
    }
    for id in ["a\nb", "ä", &"x".repeat(481)] {
        let error = endpoint().with_client_request_id(id).unwrap_err();
        assert_eq!(error, header("x-client-request-id"), "{id}");
    }
}

#[test]
fn both_transports_carry_the_same_headers_and_requests_are_numbered() {
    let azure = Endpoint::new("https://r.openai.azure.com/openai/v1?api-version=v1").unwrap();
    let azure = azure.with_key_in(KeyHeader::ApiKey, &Secret::new("k")).unwrap();
    let azure = azure.with_header("OpenAI-Project", "p").unwrap();
    let azure = azure.with_client_request_id("run-1").unwrap();
    let upgrade = azure.upgrade().unwrap();
    let post = azure.post(()).unwrap();
    assert_eq!(post.uri(), "/openai/v1/responses?api-version=v1");
    for (headers, number) in [(upgrade.headers(), "run-1-0"), (post.headers(), "run-1-1")] {
        assert_eq!(headers["api-key"], "k");
        assert_eq!(headers["openai-project"], "p");
        assert_eq!(headers["host"], "r.openai.azure.com");
        assert_eq!(headers["x-client-request-id"], number);
        assert!(!headers.contains_key("authorization"));
    }
}

#[test]
fn lanes_are_taken_for_granted_of_the_reference_service_only() {
    let check = |url: &str, expected: bool| {
        assert_eq!(Endpoint::new(url).unwrap().has_lanes(), expected, "{url}");
    };
    check("https://api.openai.com/v1", true);
    check("https://api.x.ai/v1", false);
    assert!(Endpoint::new("https://h").unwrap().with_lanes(true).has_lanes());
}

#[test]
fn a_link_gets_a_successor_before_its_server_ends_it() {
    let minutes = |endpoint: Endpoint| endpoint.rollover_after().as_secs() / 60;
    let endpoint = |url: &str| Endpoint::new(url).unwrap();
    assert_eq!(minutes(endpoint("https://api.openai.com/v1")), 55);
    assert_eq!(minutes(endpoint("https://api.x.ai/v1")), 24);
    let own = endpoint("https://h/v1").with_rollover_after(Duration::from_mins(9));
    assert_eq!(minutes(own), 9);
}
