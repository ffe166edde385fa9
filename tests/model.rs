//! The way to a model that is not ours: TLS with an authority of one's own, headers, transports.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::door::{Door, certificates};
use crate::support::{Ran, World};

const SCRIPT: &str = "\
model = \"m\"
[[turn]]
say = \"The tests are fine.\"
usage = { input = 900, output = 30 }
";

/// A scripted model behind TLS.
struct Model {
    door: Door,
    server: Child,
}

impl Drop for Model {
    fn drop(&mut self) {
        let _gone = self.server.kill().and_then(|()| self.server.wait().map(drop));
    }
}

impl Model {
    fn serve(world: &World, arguments: &[&str]) -> Self {
        world.write("model.toml", SCRIPT);
        let mut serve = world.command(&["model", "serve", "--script", "model.toml"]);
        let mut server = serve.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let url = said.next().unwrap().unwrap().split_whitespace().last().unwrap().to_owned();
        let upstream = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        Self { door: Door::before(upstream), server }
    }

    fn heads(&self) -> Vec<String> {
        self.door.heads()
    }

    fn step(&self, model: &str) -> String {
        format!(
            "name = \"triage\"\ntask = \"Look.\"\n[model]\nname = \"m\"\n\
             base-url = \"https://{}/v1\"\nkey-env = \"TEST_KEY\"\n\
             price = {{ input = 1.0, output = 2.0 }}\n{model}",
            self.door.address
        )
    }
}

fn run(command: &mut Command) -> Ran {
    let secrets = [("TEST_KEY", "hunter2-key"), ("TEST_GATEWAY", "hunter2-gateway")];
    Ran::from(command.envs(secrets).env_remove("SSL_CERT_FILE").output().unwrap())
}

#[test]
fn a_run_goes_over_tls_with_an_authority_of_its_own_and_the_headers_of_the_step() {
    let world = World::files(&[]);
    let model = Model::serve(&world, &[]);
    world.write("ci/ca.pem", &model.door.authority);
    let step = model.step(
        "key-header = \"api-key\"\nca-file = \"ci/ca.pem\"\n\
         headers = { X-Team = \"payments\", X-Gateway-Token = { env = \"TEST_GATEWAY\" } }\n",
    );
    world.write(".stepwell/step.toml", &step);
    world.commit("the step and its authority");

    let shown = world.stepwell(&["validate"]).code(0).out;
    for line in
        ["transport = \"websocket-or-http\"", "ca-file = \"ci/ca.pem\"", "X-Team = \"payments\""]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let ran = run(&mut world.command(&["run"])).code(0);
    assert_eq!(world.artifacts()["outcome"], "diagnosis", "{}", ran.err);
    let heads = model.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    for line in [
        "get /v1/responses http/1.1",
        "api-key: hunter2-key",
        "x-team: payments",
        "x-gateway-token: hunter2-gateway",
        "upgrade: websocket",
    ] {
        assert!(heads[0].lines().any(|found| found == line), "{line}: {heads:?}");
    }
    let run = world.json(".stepwell/out/accounting.json")["run"].as_str().unwrap().to_owned();
    assert!(heads[0].contains(&format!("x-client-request-id: {run}-0\r\n")), "{heads:?}");
    // What it cost is what the server counted, at the step's price.
    assert_eq!(world.json(".stepwell/out/accounting.json")["total"]["spend"], 900 + 60);
    let trace = world.read(".stepwell/out/trace.jsonl");
    assert!(!format!("{trace}{}{}", ran.out, ran.err).contains("hunter2"), "a secret was shown");
}

#[test]
fn an_authority_of_the_machine_does_as_well_and_none_is_refused_with_advice() {
    let world = World::files(&[]);
    let model = Model::serve(&world, &["--http-only"]);
    world.write(".stepwell/step.toml", &model.step(""));
    let file = world.path("ca.pem");
    std::fs::write(&file, &model.door.authority).unwrap();

    let ran = run(&mut world.command(&["run"])).code(31);
    assert!(ran.err.contains("give its certificate (PEM) as an extra root"), "{}", ran.err);
    assert!(model.heads().is_empty(), "nothing is said to a stranger");

    let ran = run(world.command(&["run", "--fresh"]).env("STEPWELL_CA_FILE", &file)).code(0);
    assert!(ran.err.contains("HTTP"), "{}", ran.err);
    let heads = model.heads();
    assert!(heads[0].starts_with("get /v1/responses"), "{heads:?}");
    assert!(heads[1].starts_with("post /v1/responses"), "{heads:?}");
    assert!(heads[1].contains("authorization: bearer hunter2-key"), "{heads:?}");
}

#[test]
fn a_change_under_test_does_not_choose_whom_to_trust() {
    let world = World::files(&[]);
    let model = Model::serve(&world, &[]);
    world.write(".stepwell/step.toml", &model.step("ca-file = \"ci/ca.pem\"\n"));
    world.write("ci/ca.pem", &certificates().0);
    world.commit("an authority that did not sign this server");
    world.write("ci/ca.pem", &model.door.authority);

    let ran = run(&mut world.command(&["run", "--base", "HEAD"])).code(31);
    assert!(ran.err.contains("no trusted connection"), "{}", ran.err);
    assert!(model.heads().is_empty());
}

#[test]
fn what_is_missing_on_the_way_is_named_before_anything_is_said() {
    let world = World::files(&[]);
    let model = Model::serve(&world, &[]);
    let told = |model: &str, variables: &[(&str, &str)]| {
        world.write(".stepwell/step.toml", model);
        let ran = run(world.command(&["run"]).envs(variables.iter().copied()));
        ran.code(2).err
    };
    let header = told(&model.step("headers = { X-A = { env = \"NOT_SET\" } }\n"), &[]);
    assert!(header.contains("`NOT_SET` is not set, and the model's header `X-A`"), "{header}");
    let file = told(&model.step("ca-file = \"ci/ca.pem\"\n"), &[]);
    assert!(file.contains("there is no file `ci/ca.pem` of certificates"), "{file}");
    world.write("empty.pem", "nothing\n");
    let empty = world.path("empty.pem");
    let empty = told(&model.step(""), &[("STEPWELL_CA_FILE", empty.to_str().unwrap())]);
    assert!(empty.contains("there is no certificate in it"), "{empty}");
    assert!(model.heads().is_empty());
}
