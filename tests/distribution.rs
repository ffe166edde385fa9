//! Tools of others: published in a real registry, pinned in the lock, fetched on another machine, and
//! refused where they are not what was pinned.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use servers::{Kind, PASSWORD, Server};

use crate::authors::component_of;
use crate::door::Door;
use crate::support::{Ran, World};

const STEP: &str = "name = \"s\"\ntask = \"look\"\ngoal = \"diagnose\"\n";

/// A model that calls the tool.
const CALLS: &str = r#"
model = "m"
[[turn]]
[[turn.call]]
tool = "guest"
arguments = { a = "b" }
[[turn]]
say = "seen"
"#;

/// The first version of the tool: it gives its input back.
fn first() -> Vec<u8> {
    tool("A test.", &json!({ "read": [] }))
}

/// The second, which asks for more.
fn second() -> Vec<u8> {
    tool("A better test.", &json!({ "environment": ["BRANCH"] }))
}

fn tool(description: &str, grants: &Value) -> Vec<u8> {
    let schema = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let manifest =
        json!({ "name": "guest", "description": description, "schema": schema, "grants": grants });
    component_of("echoes", &manifest)
}

/// A repository with a step, and the two versions beside it.
fn world() -> World {
    let world = World::files(&[(".stepwell/step.toml", STEP), ("a.txt", "a")]);
    fs::write(world.path("../first.wasm"), first()).unwrap();
    fs::write(world.path("../second.wasm"), second()).unwrap();
    world.commit("the step");
    world
}

/// Where the tool is in a registry.
fn place(server: &Server) -> String {
    format!("{}/acme/guest:1", server.url())
}

/// The text without ports, digests and sizes, which differ from run to run, or from one encoder of
/// components to the next.
fn steady(text: &str, server: &Server) -> String {
    named(&text.replace(&format!("127.0.0.1:{}", server.port()), "registry"))
}

fn named(text: &str) -> String {
    const HEX: usize = 64;
    let mut names: Vec<String> = Vec::new();
    let mut parts = text.split("sha256:");
    let mut steady = parts.next().unwrap().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at(HEX.min(part.len()));
        let known = names.iter().position(|known| known == hex);
        let number = known.unwrap_or_else(|| {
            names.push(hex.to_owned());
            names.len() - 1
        });
        let _ = write!(steady, "sha256:…{number}{rest}");
    }
    steady.replace(&first().len().to_string(), "N").replace(&second().len().to_string(), "N")
}

/// The file in which Debian's registry keeps a blob.
fn kept(server: &Server, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let blobs = server.folder().join("kept/docker/registry/v2/blobs/sha256");
    blobs.join(&hex[..2]).join(hex).join("data")
}

/// Pushes the first version, adds it, and commits the lock; its digest.
fn added(world: &World, server: &Server) -> String {
    world.stepwell(&["tool", "push", "../first.wasm", &place(server)]).code(0);
    world.stepwell(&["tool", "add", &place(server)]).code(0);
    world.commit("the lock");
    digest(world)
}

fn digest(world: &World) -> String {
    let lock = world.read("stepwell.lock");
    let (_, rest) = lock.split_once("digest = \"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// A run against a base, by a model that calls the tool.
fn run(world: &World, base: &str, variables: &[(&str, &str)]) -> Ran {
    let model = world.path("../model.toml");
    fs::write(&model, CALLS).unwrap();
    let provider = format!("script:{}", model.display());
    let mut command = world.command(&["run", "--base", base, "--provider", &provider]);
    Ran::from(command.envs(variables.iter().copied()).output().unwrap())
}

/// A pipeline that does not say whose change it is.
const STRANGER: &[(&str, &str)] = &[("CI", "1")];
/// A pull request from a branch of the repository itself.
const COLLEAGUE: &[(&str, &str)] =
    &[("CI", "1"), ("JENKINS_URL", "http://127.0.0.1"), ("CHANGE_ID", "3")];

/// The component that a run offered the model as the tool.
fn offered(world: &World) -> Option<Value> {
    let started = &world.trace()[0]["event"]["noted"];
    assert_eq!(started["type"], "run-started");
    let tools = started["tools"].as_array().unwrap();
    tools.iter().find(|tool| tool[0] == "guest").map(|tool| tool[1].clone())
}

#[test]
fn a_tool_is_published_pinned_and_called_on_another_machine() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    let pushed = world.stepwell(&["tool", "push", "../first.wasm", &place(&server)]).code(0);
    let added = world.stepwell(&["tool", "add", &place(&server)]).code(0);
    let said = [&pushed.out, &added.out, &added.err, &world.read("stepwell.lock")];
    insta::assert_snapshot!(steady(&said.map(String::as_str).join("\n"), &server));
    world.commit("the lock");

    let other = world.cloned();
    let list = other.stepwell(&["tool", "list"]).code(0);
    assert!(list.out.contains("guest             (not on this machine"), "{}", list.out);
    assert!(list.out.trim_end().ends_with("missing"), "{}", list.out);
    other.stepwell(&["tool", "fetch"]).code(0);
    let rows: Value =
        serde_json::from_str(&other.stepwell(&["tool", "list", "--json"]).code(0).out).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "guest").unwrap();
    assert_eq!((&row["present"], &row["digest"]), (&json!(true), &json!(digest(&world))));
    let called = other.stepwell(&["tool", "call", "guest", "--args", "{\"a\":\"b\"}"]).code(0);
    assert_eq!(called.out, "{\"a\":\"b\"}\n");

    // A third fetches what it lacks when a run needs it.
    let third = world.cloned();
    run(&third, "HEAD", &[]).code(0);
    assert!(offered(&third).is_some());
    let context = third.stepwell(&["context", "--base", "HEAD"]).code(0);
    assert!(!context.err.contains("stepwell.lock"), "{}", context.err);
}

#[test]
fn the_same_component_is_the_same_artifact() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    let push = |tag: &str| {
        let to = format!("{}/acme/guest:{tag}", server.url());
        let ran = world.stepwell(&["tool", "push", "../first.wasm", &to, "--json"]).code(0);
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let (one, two) = (push("1"), push("2"));
    assert_eq!(one["manifest"], two["manifest"]);
    let by_digest = format!("{}/acme/guest@{}", server.url(), one["manifest"].as_str().unwrap());
    world.stepwell(&["tool", "add", &by_digest]).code(0);
    let update = world.stepwell(&["tool", "update"]).code(0);
    assert!(update.out.contains("for ever"), "{}", update.out);
}

#[test]
fn a_tag_that_moves_moves_nothing_until_somebody_updates() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    let pinned = added(&world, &server);
    world.stepwell(&["tool", "push", "../second.wasm", &place(&server)]).code(0);

    let other = world.cloned();
    let fetched = other.stepwell(&["tool", "fetch"]).code(0);
    assert_eq!(fetched.out, format!("guest: {pinned}, ready\n"));

    let lock = world.read("stepwell.lock");
    let would = world.stepwell(&["tool", "update", "--dry-run"]).code(0);
    insta::assert_snapshot!(named(&would.out));
    assert_eq!(world.read("stepwell.lock"), lock);
    let did = world.stepwell(&["tool", "update", "guest"]).code(0);
    assert_eq!(did.out, would.out);
    assert_ne!(digest(&world), pinned);
    assert!(world.read("stepwell.lock").contains("environment = [\"BRANCH\"]"));
}

#[test]
fn a_blob_that_is_gone_or_was_changed_is_refused() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    let pinned = added(&world, &server);

    let changed = world.cloned();
    fs::write(kept(&server, &pinned), second()).unwrap();
    let ran = changed.stepwell(&["tool", "fetch"]).code(50);
    insta::assert_snapshot!(steady(&ran.err, &server));
    assert!(!changed.path("../cache/tools").exists());

    fs::remove_file(kept(&server, &pinned)).unwrap();
    let ran = run(&changed, "HEAD", &[]).code(2);
    insta::assert_snapshot!(steady(&ran.err, &server));
}

#[test]
fn a_registry_that_asks_who_we_are_is_told() {
    let Some(server) = Kind::ClosedOciRegistry.start() else { return };
    let world = world();
    let refused = world.stepwell(&["tool", "push", "../first.wasm", &place(&server)]).code(2);
    insta::assert_snapshot!(steady(&refused.err, &server));
    let config = format!(
        "{{\"auths\":{{\"127.0.0.1:{}\":{{\"auth\":\"{}\"}}}}}}",
        server.port(),
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("ci:{PASSWORD}")
        )
    );
    for arguments in [
        ["tool", "push", "../first.wasm", &place(&server)].as_slice(),
        ["tool", "add", &place(&server)].as_slice(),
    ] {
        let mut command = world.command(arguments);
        let ran = Ran::from(command.env("DOCKER_AUTH_CONFIG", &config).output().unwrap()).code(0);
        assert!(!ran.err.contains(PASSWORD) && !ran.out.contains(PASSWORD));
    }
    assert!(!world.read("stepwell.lock").contains(PASSWORD));
}

#[test]
fn a_pull_request_adds_no_tool_and_changes_none() {
    let world = world();
    fs::copy(world.path("../first.wasm"), world.path("guest.wasm")).unwrap();
    world.stepwell(&["tool", "add", "guest.wasm"]).code(0);
    let lock = world.read("stepwell.lock");
    world.commit("the lock");
    let before = run(&world, "HEAD", STRANGER).code(0);
    assert!(!before.err.contains("stepwell.lock"), "{}", before.err);
    let pinned = offered(&world);
    assert!(pinned.is_some());

    // The change brings another component under the same name, with a lock that fits it.
    fs::copy(world.path("../second.wasm"), world.path("guest.wasm")).unwrap();
    world.stepwell(&["tool", "update"]).code(0);
    assert_ne!(world.read("stepwell.lock"), lock);
    world.commit("another tool");
    for who in [STRANGER, COLLEAGUE] {
        let attacked = world.cloned();
        let ran = run(&attacked, "HEAD~1", who).code(0);
        let says = "the tools are those of stepwell.lock in the base HEAD~1";
        assert!(ran.err.contains(says), "{}", ran.err);
        assert_eq!(offered(&attacked), pinned);

        // Nor where the base has no lock at all.
        let ran = run(&attacked, "HEAD~2", who);
        assert!(ran.err.contains("the tools of stepwell.lock are not used"), "{}", ran.err);
        assert_eq!(offered(&attacked), None);
    }
    // What is merged counts.
    let merged = world.cloned();
    run(&merged, "HEAD", STRANGER).code(0);
    assert!(offered(&merged).is_some_and(|tool| Some(tool) != pinned));
}

#[test]
fn a_step_that_names_signers_takes_nothing_unsigned() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    let key = world.stepwell(&["cache", "key", "--json"]).code(0);
    let key: Value = serde_json::from_str(&key.out).unwrap();
    let (public, secret) = (key["public"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let step = format!("{STEP}[tools]\nsigners = [\"{public}\"]\n");
    world.write(".stepwell/step.toml", &step);
    let signed = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        Ran::from(command.env("STEPWELL_TOOL_KEY", secret).output().unwrap()).code(0)
    };

    added(&world, &server);
    let refused = run(&world, "HEAD", &[]).code(50);
    insta::assert_snapshot!(named(&refused.err));
    // By hand, and for other clients, neither.
    world.stepwell(&["tool", "call", "guest"]).code(50);

    signed(&["tool", "sign", "guest"]);
    world.commit("signed");
    run(&world, "HEAD", &[]).code(0);

    // With what it was pushed with, it comes signed.
    world.stepwell(&["tool", "remove", "guest"]).code(0);
    signed(&["tool", "push", "../first.wasm", &place(&server), "--sign"]);
    let add = world.stepwell(&["tool", "add", &place(&server)]).code(0);
    assert!(add.out.contains(&format!("signed by {public}")), "{}", add.out);
    world.commit("pushed signed");
    run(&world, "HEAD", &[]).code(0);

    // A signature is under those bytes and no others: the lock of somebody who swaps them.
    fs::copy(world.path("../second.wasm"), world.path("guest.wasm")).unwrap();
    let lock = world.read("stepwell.lock");
    world.stepwell(&["tool", "remove", "guest"]).code(0);
    world.stepwell(&["tool", "add", "guest.wasm"]).code(0);
    let (_, signature) = lock.split_once("[[tool.signature]]").unwrap();
    let swapped = format!("{}\n[[tool.signature]]{signature}", world.read("stepwell.lock"));
    world.write("stepwell.lock", &swapped);
    world.stepwell(&["tool", "call", "guest"]).code(50);
}

#[test]
fn a_lock_that_says_less_than_the_tool_asks_for_is_refused() {
    let world = world();
    fs::copy(world.path("../second.wasm"), world.path("guest.wasm")).unwrap();
    world.stepwell(&["tool", "add", "guest.wasm"]).code(0);
    let lock = world.read("stepwell.lock");
    world.write("stepwell.lock", &lock.replace("\"BRANCH\"", ""));
    let ran = world.stepwell(&["tool", "call", "guest"]).code(50);
    insta::assert_snapshot!(ran.err);
}

#[test]
fn a_tool_comes_over_tls_from_whom_the_operator_trusts_and_by_the_proxy_that_is_named() {
    let Some(server) = Kind::OciRegistry.start() else { return };
    let world = world();
    world.stepwell(&["tool", "push", "../first.wasm", &place(&server)]).code(0);
    world.stepwell(&["tool", "add", &place(&server)]).code(0);
    let digest = digest(&world);
    fs::remove_file(world.path("stepwell.lock")).unwrap();

    let door = Door::before(format!("127.0.0.1:{}", server.port()));
    let file = format!("https://{}/v2/acme/guest/blobs/{digest}#{digest}", door.address);
    let ca = world.path("ca.pem");
    fs::write(&ca, &door.authority).unwrap();
    let add = |reference: &str, variables: &[(&str, &str)]| {
        let mut command = world.command(&["tool", "add", reference]);
        // What the machine has around the test is not the test's.
        for name in ["https_proxy", "http_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_ascii_uppercase());
        }
        command.env_remove("SSL_CERT_FILE").envs(variables.iter().copied());
        Ran::from(command.output().unwrap())
    };
    let stranger = add(&file, &[]).code(2);
    assert!(stranger.err.contains("STEPWELL_CA_FILE"), "{}", stranger.err);
    assert!(door.heads().is_empty(), "nothing is said to a stranger");

    // This machine is reached directly, whatever stands before the others.
    let nowhere = ("HTTPS_PROXY", "http://127.0.0.1:9");
    add(&file, &[("STEPWELL_CA_FILE", ca.to_str().unwrap()), nowhere]).code(0);
    assert_eq!(door.heads().len(), 1);
    assert!(world.read("stepwell.lock").contains(&file.replace(&format!("#{digest}"), "")));
    let called = world.stepwell(&["tool", "call", "guest", "--args", r#"{"a":"b"}"#]).code(0);
    assert!(called.out.contains(r#""a":"b""#), "{}", called.out);

    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let (say, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::new(proxy.accept().unwrap().0).read_line(&mut line).unwrap();
        say.send(line).unwrap();
    });
    add("https://tools.example/guest.wasm", &[("ALL_PROXY", &url)]).code(2);
    let asked = asked.recv_timeout(Duration::from_secs(60)).expect("the proxy is asked");
    assert_eq!(asked, "CONNECT tools.example:443 HTTP/1.1\r\n");
}

#[test]
fn what_cannot_be_pinned_is_told_why() {
    let world = world();
    fs::write(world.path("a.wasm"), "text").unwrap();
    fs::write(world.path("read_file.wasm"), renamed("read_file")).unwrap();
    let add = |reference: &str| world.stepwell(&["tool", "add", reference]).code(2).err;
    let told = [
        add("a.wasm"),
        add("../first.wasm"),
        add("missing.wasm"),
        add("read_file.wasm"),
        add("oci://host.example/guest"),
        world.stepwell(&["tool", "push", "../first.wasm", "guest.wasm"]).code(2).err,
        world.stepwell(&["tool", "remove", "guest"]).code(2).err,
        world.stepwell(&["tool", "update", "guest"]).code(2).err,
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert!(!Path::new(&world.path("stepwell.lock")).exists());
}

fn renamed(name: &str) -> Vec<u8> {
    component_of("echoes", &json!({ "name": name, "description": "d", "schema": {} }))
}
