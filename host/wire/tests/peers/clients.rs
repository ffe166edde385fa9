//! Clients of other people against our server.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::process::Command;
use wire::{Asked, Conversation, ConversationItem, Observer, Options, Reply, Responder};

use crate::{folder, run, said, serve, serve_script};

fn program(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_sdk_converses_over_both_transports() {
    let Some(bin) = folder::python("python", &folder::PYTHON).await else { return };
    let server = serve_script();
    let mut python = Command::new(bin.join("python"));
    let out = said(python.arg(program("openai_sdk.py")).arg(server.base_url())).await;
    let once = "called read_file {\"path\":\"a\"}\nsaid It is fine. True\n";
    assert_eq!(out, format!("{}models ['scripted']\n", once.repeat(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_node_sdk_converses_over_both_transports() {
    let packages = ["openai@7.57.0", "ws@8.23.0"];
    let Some(folder) = folder::node("node", &packages).await else { return };
    let server = serve_script();
    // Modules are looked for beside the program.
    let beside = folder.join("openai_sdk.mjs");
    fs::copy(program("openai_sdk.mjs"), &beside).unwrap();
    let out = said(Command::new("node").arg(beside).arg(server.base_url())).await;
    assert_eq!(out, "called read_file {\"path\":\"a\"}\nsaid It is fine.\n".repeat(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_agents_uses_its_tool_over_both_transports() {
    let Some(bin) = folder::python("python", &folder::PYTHON).await else { return };
    let server = serve_script();
    let mut python = Command::new(bin.join("python"));
    let out = said(python.arg(program("agents_sdk.py")).arg(server.base_url())).await;
    assert_eq!(out, "called read_file a\nsaid It is fine.\n".repeat(2));
}

/// Calls a tool where it has one, and then is content.
struct Obliging;

impl Responder for Obliging {
    fn model(&self) -> &'static str {
        "obliging"
    }

    fn respond(&self, asked: &Conversation) -> Reply {
        let has_output =
            asked.items.iter().any(|item| matches!(item, ConversationItem::CallOutput { .. }));
        // How the tools of codex and of the compliance tests are called, and what they take.
        let known = [
            ("exec_command", json!({ "cmd": "echo said-by-the-shell" })),
            ("shell_command", json!({ "command": "echo said-by-the-shell" })),
            ("shell", json!({ "command": ["echo", "said-by-the-shell"] })),
            ("get_weather", json!({ "location": "Paris" })),
        ];
        let offered =
            known.into_iter().find(|(name, _)| asked.tools.iter().any(|tool| tool.name == *name));
        match offered {
            Some((name, arguments)) if !has_output => Reply::call(name, arguments),
            Some(_) | None => Reply::text("All is well."),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_responses_acceptance_tests_pass() {
    let Some(bin) = folder::python("python", &folder::PYTHON).await else { return };
    let server = serve(Obliging, Options::default());
    let mut comply = Command::new(bin.join("llm-comply"));
    comply.args(["-u", &server.base_url(), "-k", "none", "-m", "gpt-5", "--json"]);
    let output = run(&mut comply).await;
    let out = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|err| panic!("{err}: {out}"));
    let count = |key: &str| report["summary"][key].as_u64();
    assert_eq!((count("passed"), count("failed")), (Some(13), Some(0)), "{out}");
}

/// Runs codex once; what it said, and every request that it made.
async fn codex(web_socket: bool) -> Option<(Vec<Value>, Vec<Asked>)> {
    let folder = folder::node("codex", &[folder::CODEX]).await?;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = asked.clone();
    let observer: Observer = Arc::new(move |one: &Asked| keep.lock().unwrap().push(one.clone()));
    let options = Options { observer: Some(observer), web_socket, ..Options::default() };
    let server = serve(Obliging, options);
    let home = folder.join(format!("home-{web_socket}-{}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let config = format!(
        "model = \"gpt-5.4\"\nmodel_provider = \"mock\"\napproval_policy = \"never\"\n\
         sandbox_mode = \"danger-full-access\"\n[model_providers.mock]\nname = \"mock\"\n\
         base_url = \"{}\"\nenv_key = \"MOCK_KEY\"\nwire_api = \"responses\"\n\
         supports_websockets = true\n",
        server.base_url()
    );
    fs::write(home.join("config.toml"), config).unwrap();
    let mut codex = Command::new(folder.join("node_modules/.bin/codex"));
    codex.args(["exec", "--skip-git-repo-check", "--json", "say hi"]);
    codex.current_dir(&home).env("CODEX_HOME", &home).env("MOCK_KEY", "x");
    let out = said(&mut codex).await;
    fs::remove_dir_all(&home).unwrap();
    let events = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let asked = asked.lock().unwrap().clone();
    Some((events, asked))
}

/// That codex ran its command, and ended with what the model said.
fn check_codex(events: &[Value]) {
    let items: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "item.completed")
        .map(|event| &event["item"])
        .collect();
    let ran = items.iter().any(|item| {
        item["type"] == "command_execution"
            && item["aggregated_output"].as_str().is_some_and(|it| it.contains("said-by-the-shell"))
    });
    assert!(ran, "{events:#?}");
    assert_eq!(items.last().map(|item| &item["text"]), Some(&json!("All is well.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_runs_a_command_over_the_web_socket() {
    let Some((events, asked)) = codex(true).await else { return };
    check_codex(&events);
    assert!(asked.iter().all(|one| !one.over_http), "{asked:#?}");
    assert!(asked.iter().any(|one| one.warm_up) && asked.iter().any(|one| one.continued));
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_falls_back_to_http_when_there_is_no_web_socket() {
    let Some((events, asked)) = codex(false).await else { return };
    check_codex(&events);
    assert!(!asked.is_empty() && asked.iter().all(|one| one.over_http), "{asked:#?}");
}
