//! Two machines that share: the second runs nothing that the first ran, and believes nobody whom
//! its policy does not name.

use std::fs;

use servers::{Kind, PASSWORD};

use crate::support::{Ran, World};

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";

const STEP: &str = "name = \"look\"\ngoal = \"diagnose\"\ntask = \"Look at it.\"\n";

/// A store, and the keys of those who use it.
struct Shared {
    store: tempfile::TempDir,
    trusted: (String, String),
}

/// A machine with a checkout of its own.
struct Machine {
    world: World,
    policy: String,
    key: Option<String>,
    /// What a server is told of who asks.
    settings: Vec<(&'static str, String)>,
}

impl Shared {
    fn new() -> Self {
        Self { store: tempfile::tempdir().unwrap(), trusted: key() }
    }

    /// A domain of the store, believing `signers`.
    fn domain(&self, name: &str, signers: &str, writes: bool) -> String {
        let place = self.store.path().join(name).display().to_string();
        format!(
            "[[domain]]\nname = \"{name}\"\nurl = \"fs://{place}\"\nsigners = {signers}\n\
             write = {writes}\n"
        )
    }

    fn trusted(&self) -> Machine {
        let signers = format!("[\"{}\"]", self.trusted.0);
        Machine::new(self.domain("trusted", &signers, true), Some(self.trusted.1.clone()))
    }

    /// Reads what is trusted, and writes only its own.
    fn pull_request(&self) -> Machine {
        let signers = format!("[\"{}\"]", self.trusted.0);
        let trusted = self.domain("trusted", &signers, false);
        Machine::new(format!("{trusted}{}", self.domain("pr", "\"anyone\"", true)), None)
    }
}

/// A public and a secret key.
fn key() -> (String, String) {
    let ran = World::files(&[]).stepwell(&["cache", "key", "--json"]).code(0);
    let key: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    (key["public"].as_str().unwrap().to_owned(), key["secret"].as_str().unwrap().to_owned())
}

impl Machine {
    fn new(policy: String, key: Option<String>) -> Self {
        let world = World::files(&[
            (".stepwell/step.toml", STEP),
            ("Cargo.lock", LOCK),
            ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"),
            ("src/main.rs", "fn main() {}\n"),
        ]);
        world.commit("one");
        world.commit("two");
        Self { world, policy, key, settings: Vec::new() }
    }

    fn stepwell(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.command(arguments);
        fs::write(self.world.path(".git/cache.toml"), &self.policy).unwrap();
        command.env("STEPWELL_CACHE_POLICY", self.world.path(".git/cache.toml"));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.envs(self.key.iter().map(|key| ("STEPWELL_CACHE_KEY", key)));
        Ran::from(command.output().unwrap())
    }

    fn json(&self, arguments: &[&str], code: i32) -> serde_json::Value {
        serde_json::from_str(&self.stepwell(arguments).code(code).out).unwrap()
    }

    /// Runs the step with the offline analyst: its accounting.
    fn run(&self) -> serde_json::Value {
        self.stepwell(&["run", "--provider", "offline"]).code(0);
        self.world.json(".stepwell/out/accounting.json")
    }
}

#[test]
fn the_second_machine_runs_nothing_that_the_first_ran() {
    let shared = Shared::new();
    check_the_second_runs_nothing(&shared.trusted(), &shared.trusted());
}

fn check_they_share_through(kind: Kind) {
    let Some(server) = kind.start() else { return };
    let (public, secret) = key();
    // How long it takes is not what this is about.
    let policy = format!(
        "[remote]\nlookup = \"60s\"\npublish = \"60s\"\n[[domain]]\nname = \"trusted\"\n\
         url = \"{}\"\nsigners = [\"{public}\"]\nwrite = true\n",
        server.url()
    );
    let machine = || {
        let settings = kind.settings(PASSWORD);
        Machine { settings, ..Machine::new(policy.clone(), Some(secret.clone())) }
    };
    check_the_second_runs_nothing(&machine(), &machine());
}

#[test]
fn the_second_machine_runs_nothing_that_the_first_ran_through_an_s3() {
    check_they_share_through(Kind::S3);
}

#[test]
fn the_second_machine_runs_nothing_that_the_first_ran_through_a_redis_or_a_memcached() {
    check_they_share_through(Kind::Redis);
    check_they_share_through(Kind::Memcached);
}

#[test]
fn the_second_machine_runs_nothing_that_the_first_ran_through_a_bazel_cache() {
    check_they_share_through(Kind::BazelRemote);
    check_they_share_through(Kind::Casd);
}

fn check_the_second_runs_nothing(one: &Machine, other: &Machine) {
    let first = one.run();
    assert_eq!((&first["calls-shared"], &first["unshared"]), (&0.into(), &serde_json::Value::Null));
    let second = other.run();
    let cached = second["calls-cached"].as_u64().unwrap();
    assert!(cached >= 3, "{second}");
    assert_eq!(second["calls-shared"], cached, "{second}");
    // Only what is never kept was done again.
    let fresh = first["calls-fresh"].as_u64().unwrap();
    assert_eq!(second["calls-fresh"].as_u64().unwrap(), fresh - cached, "{second}");
    // The trace says who vouches for what; the result is the same.
    let vouched = other
        .world
        .trace()
        .iter()
        .filter(|r| r["event"]["noted"]["type"] == "cache-shared")
        .count();
    assert_eq!(vouched as u64, cached);
    assert_eq!(
        one.world.read(".stepwell/out/result.json"),
        other.world.read(".stepwell/out/result.json")
    );
    let stat = other.json(&["cache", "stat", "--json"], 0);
    assert_eq!(stat["entries-of-others"], cached, "{stat}");
}

#[test]
fn a_call_by_hand_is_shared_and_says_who_vouches_for_it() {
    let shared = Shared::new();
    let call = ["tool", "call", "sbom", "--json"];
    let (one, other) = (shared.trusted(), shared.pull_request());
    assert_eq!(one.json(&call, 0)["source"], "fresh");
    let found = other.json(&call, 0);
    assert_eq!(found["source"], "cache");
    assert_eq!(found["shared"]["domain"], "trusted");
    assert_eq!(found["shared"]["signer"], shared.trusted.0);
    let key = found["digests"]["key"].as_str().unwrap();
    let shown = other.json(&["cache", "show", &key[..12], "--json"], 0);
    assert_eq!(shown[0]["call"]["tool"], "sbom");
    assert_eq!(shown[0]["origin"]["signer"], shared.trusted.0);
    assert!(!shown[0]["questions"].as_array().unwrap().is_empty());
    let told = other.stepwell(&["cache", "show", &key[..12]]).code(0).out;
    assert!(told.contains("from      `trusted`, signed by ed25519:"), "{told}");
    other.stepwell(&["cache", "show", "ffffffff"]).code(1);
    other.stepwell(&["cache", "show", "x"]).code(2);
}

#[test]
fn what_a_pull_request_computed_is_trusted_only_after_it_was_run_again() {
    let shared = Shared::new();
    let change = shared.pull_request();
    change.json(&["tool", "call", "sbom", "--json"], 0);
    change.json(
        &["tool", "call", "dependency_graph", "--args", r#"{"query":"summary"}"#, "--json"],
        0,
    );
    let trusted = shared.trusted();
    assert_eq!(trusted.json(&["tool", "call", "sbom", "--json"], 0)["source"], "fresh");

    // A trusted job that may read the domain of pull requests, but believes nothing there.
    let nobody = format!("[\"{}\"]", key().0);
    let signers = format!("[\"{}\"]", shared.trusted.0);
    let policy = format!(
        "{}{}",
        shared.domain("trusted", &signers, true),
        shared.domain("pr", &nobody, false)
    );
    let promoter = Machine::new(policy, Some(shared.trusted.1.clone()));
    let promoted = promoter.json(&["cache", "promote", "--from", "pr", "--json"], 0);
    assert_eq!((&promoted["proved"], &promoted["lies"]), (&2.into(), &serde_json::json!([])));
    assert_eq!(promoted["not-believed"], 2, "{promoted}");
    let reader = shared.pull_request();
    let found = reader.json(
        &["tool", "call", "dependency_graph", "--args", r#"{"query":"summary"}"#, "--json"],
        0,
    );
    assert_eq!(found["shared"]["domain"], "trusted");
    assert_eq!(found["shared"]["run"], "promote");
}

#[test]
fn an_audit_finds_the_lie_and_who_told_it() {
    let shared = Shared::new();
    let one = shared.trusted();
    one.json(&["tool", "call", "sbom", "--json"], 0);
    let sound = one.json(&["cache", "audit", "--json"], 0);
    assert_eq!((&sound["proved"], &sound["lies"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(one.json(&["cache", "audit", "--domain", "trusted", "--json"], 0)["proved"], 1);

    // On another state of the repository it cannot be told.
    one.world.write("Cargo.lock", &LOCK.replace("app", "other"));
    let elsewhere = one.json(&["cache", "audit", "--json"], 0);
    assert_eq!((&elsewhere["proved"], &elsewhere["elsewhere"]), (&0.into(), &1.into()));
    one.world.write("Cargo.lock", LOCK);

    // Somebody who has the key signs a lie: a record with another output.
    let liar = Machine::new(one.policy, Some(shared.trusted.1.clone()));
    tell_a_lie(&shared);
    let found = liar.json(&["tool", "call", "sbom", "--json"], 0);
    assert_eq!(found["answer"]["output"], "a lie", "whoever has the key is believed");
    for arguments in [
        ["cache", "audit", "--json"].as_slice(),
        &["cache", "audit", "--domain", "trusted", "--json"],
    ] {
        let audit = liar.json(arguments, 1);
        assert_eq!(audit["lies"][0]["tool"], "sbom", "{audit}");
        assert_eq!(audit["lies"][0]["signer"], shared.trusted.0, "{audit}");
        assert_eq!(audit["lies"][0]["run"], "of a liar");
    }
    // Here it is forgotten; who has signed it can be revoked for everyone.
    let revoked = format!("{}[revoked]\nruns = [\"of a liar\"]\n", liar.policy);
    let honest = Machine::new(revoked, Some(shared.trusted.1));
    assert_eq!(honest.json(&["tool", "call", "sbom", "--json"], 0)["source"], "fresh");
}

/// Puts a signed lie into the place of the one record of the trusted domain.
fn tell_a_lie(shared: &Shared) {
    let signer = cache::Signer::of_text(&shared.trusted.1).unwrap();
    for path in files_below(&shared.store.path().join("trusted/v1/rec")) {
        let mut shown: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut record: cache::Record = serde_json::from_value(shown["record"].clone()).unwrap();
        (record.output, record.bytes) = (snapshot::Digest::of(b"a lie"), 5);
        shown["record"] = serde_json::to_value(record).unwrap();
        shown["proof"] =
            serde_json::to_value(&cache::Proof::of_run(&signer, "of a liar", &[record])[0])
                .unwrap();
        shown["output"] = "YSBsaWU=".into();
        fs::write(path, shown.to_string()).unwrap();
    }
}

fn files_below(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|at| if at.is_dir() { files_below(&at) } else { vec![at] }).collect()
}

#[test]
fn outputs_are_pushed_and_pulled_by_hand_and_the_cache_is_kept_in_order() {
    let shared = Shared::new();
    let one = Machine::new(String::new(), None);
    one.json(&["tool", "call", "sbom", "--json"], 0);
    one.stepwell(&["cache", "push"]).code(2);
    let one =
        Machine { policy: shared.trusted().policy, key: Some(shared.trusted.1.clone()), ..one };
    assert_eq!(one.json(&["cache", "push", "--json"], 0)["records"], 1);
    assert_eq!(one.json(&["cache", "push", "--json"], 0)["records"], 0);

    let other = shared.pull_request();
    let pulled = other.json(&["cache", "pull", "--domain", "trusted", "--json"], 0);
    assert_eq!((&pulled["new"], &pulled["broken"]), (&1.into(), &0.into()));
    assert_eq!(other.json(&["cache", "pull", "--domain", "trusted", "--json"], 0)["known"], 1);
    let unknown = other.stepwell(&["cache", "pull", "--domain", "trustd"]).code(2).err;
    assert!(unknown.contains("it reads `trusted`, `pr`"), "{unknown}");
    // Without the store: what was taken is here.
    fs::remove_dir_all(shared.store.path().join("trusted")).unwrap();
    assert_eq!(other.json(&["tool", "call", "sbom", "--json"], 0)["source"], "cache");

    assert_eq!(other.json(&["cache", "verify", "--json"], 0)["sound"], 1);
    let unproven = other.world.stepwell(&["cache", "verify", "--json"]).code(0).out;
    assert!(unproven.contains("\"unproven\": 1"), "without the policy: {unproven}");
    assert_eq!(other.json(&["cache", "gc", "--to", "1GiB", "--json"], 0)["entries"], 1);
    assert_eq!(other.json(&["cache", "clear", "--json"], 0)["entries"], 0);
    assert_eq!(other.json(&["cache", "stat", "--json"], 0)["bytes"], 0);
}

#[test]
fn a_policy_that_cannot_be_used_is_told_before_anything_is_done() {
    let cases = [
        ("[[domain]]\nname = \"a\"\nurl = \"nowhere://x\"\nsigners = \"anyone\"", "the domain `a`"),
        (
            "[[domain]]\nname = \"a\"\nurl = \"memory://\"\nsigners = \"evryone\"",
            "`evryone` is not who signs",
        ),
        ("read-only = true", "unknown field `read-only`"),
    ];
    for (policy, expected) in cases {
        let machine = Machine::new(policy.to_owned(), None);
        for arguments in [["run"].as_slice(), &["tool", "call", "sbom"], &["cache", "push"]] {
            let told = machine.stepwell(arguments).code(2).err;
            assert!(told.contains(expected), "{told}");
        }
        // What needs no policy does without.
        machine.stepwell(&["cache", "stat"]).code(2);
        machine.stepwell(&["run", "--no-cache"]).code(0);
    }
    let missing = World::files(&[]);
    let told = missing.stepwell(&["cache", "push"]).code(2).err;
    assert!(told.contains("no cache is shared: there is no policy"), "{told}");
    missing.stepwell(&["cache", "push", "--cache-policy", "nowhere.toml"]).code(2);
}
