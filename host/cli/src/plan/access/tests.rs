//! What a step may say of the way to its model, and what its author is told.

use std::collections::BTreeSet;

use super::*;
use crate::step::Step;

fn read(model: &str) -> Result<Access, String> {
    let text = format!("name = \"a\"\ntask = \"b\"\n[model]\nname = \"m\"\n{model}");
    let step = Step::parse(text.as_bytes()).map_err(|err| err.to_string())?;
    access(&step.model.unwrap()).map_err(|err| err.to_string())
}

#[test]
fn what_is_left_out_of_the_way_has_a_default() {
    insta::assert_snapshot!(toml::to_string(&read("").unwrap()).unwrap(), @r#"
    url = "wss://api.openai.com/v1/responses"
    key-env = "OPENAI_API_KEY"
    key-header = "bearer"
    transport = "websocket-or-http"
    connect-timeout = "5s"
    first-event = "1m"
    connection-age = "55m"
    service-tier = "default"
    "#);
    let xai = read("base-url = \"https://api.x.ai/v1\"").unwrap();
    assert_eq!(xai.connection_age, Duration::from_mins(24));
    // Others know tiers of their own, or none.
    assert_eq!(xai.service_tier, None);
}

#[test]
fn what_cannot_be_on_the_way_says_why() {
    let check = |model: &str, expected: &str| {
        assert_eq!(read(model).unwrap_err(), expected, "{model}");
    };
    check(
        "base-url = \"ftp://h\"",
        "`model.base-url` cannot be used: `ftp` is not a scheme of a model's server; use `https`, \
         `http`, `wss` or `ws`",
    );
    check("connect-timeout = \"3m\"", "`model.connect-timeout` is not between 1ms and 2m");
    check("first-event = \"0s\"", "`model.first-event` is not between 1ms and 1h");
    check("connection-age = \"2d\"", "`model.connection-age` is not between 1ms and 1day");
    let variable = |key: &str| format!("`{key}` is no name of an environment variable");
    check("key-env = \"sk-abc\"", &variable("model.key-env"));
    check("headers = { a = { env = \"A=B\" } }", &variable("model.headers.a.env"));
    check(
        "headers = { Host = \"h\" }",
        "`model.headers.Host` cannot be sent: the header `host` \
         belongs to the connection and cannot be set",
    );
    check(
        "headers = { \"a b\" = \"c\" }",
        "`model.headers.a b` cannot be sent: the header `a b` \
         cannot be sent; its name or its value holds wrong characters",
    );
    for outside in ["/etc/ca.pem", "../ca.pem"] {
        let error = read(&format!("ca-file = \"{outside}\"")).unwrap_err();
        assert!(error.starts_with("`model.ca-file` is no path in the repository"), "{error}");
    }
    let many = |count: usize| {
        let headers: String = (0..count).map(|it| format!("x-{it} = \"y\"\n")).collect();
        read(&format!("[model.headers]\n{headers}")).map(|access| access.headers.len())
    };
    assert_eq!(many(32), Ok(32));
    assert_eq!(many(33), Err("`model.headers` has 33 entries".to_owned()));
}

#[test]
fn no_secret_stands_in_a_step_file() {
    let secret = |name: &str, value: &str| {
        let told = read(&format!("headers = {{ {name} = \"{value}\" }}")).err();
        assert_eq!(told, Some(format!("`model.headers.{name}` looks like a secret")), "{value}");
    };
    secret("X-Api-Key", "a");
    secret("cf-aig-authorization", "a");
    secret("X-Org", "sk-proj-a");
    secret("X-Org", "Bearer a");
    let taken = "`model.headers.authorization` is where the key stands";
    assert_eq!(read("headers = { authorization = \"a\" }").unwrap_err(), taken);
    assert!(read("headers = { cf-aig-authorization = { env = \"A\" } }").is_ok());
    assert!(read("headers = { OpenAI-Organization = \"org-1\" }").is_ok());
}

#[test]
fn a_header_has_the_value_of_its_variable() {
    let access = read("headers = { X-A = \"one\", X-B = { env = \"B\" } }").unwrap();
    let set = |name: &str| (name == "B").then(|| "two\n".to_owned());
    let values = access.header_values(set).unwrap();
    assert_eq!(values, [("X-A", "one".to_owned()), ("X-B", "two".to_owned())]);
    let missing = NotSet { variable: "B".to_owned(), header: "X-B".to_owned() };
    assert_eq!(access.header_values(|_| None), Err(missing));
}

/// Each example of `docs/step-file.md` is a step that can run.
#[test]
fn every_example_of_the_page_is_a_step() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/step-file.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut urls = BTreeSet::new();
    for example in examples.filter(|example| example.contains("[model]")) {
        let named = if example.contains("task = ") { "" } else { "name = \"a\"\ntask = \"b\"\n" };
        let step = Step::parse(format!("{named}{example}").as_bytes()).unwrap();
        let plan = crate::plan::plan(&step, &BTreeSet::new()).unwrap();
        urls.insert(plan.access.unwrap().url);
    }
    let urls: Vec<String> = urls.into_iter().collect();
    insta::assert_snapshot!(urls.join("\n"), @r"
    wss://acme.openai.azure.com/openai/v1/responses
    wss://api.openai.com/v1/responses
    wss://api.x.ai/v1/responses
    wss://models.acme.example/v1/responses
    ");
}
