//! Which crate may know which. A new line in [`MAY_KNOW`] is a change of architecture, and is
//! reviewed as one.
//!
//! Only what is compiled into a crate counts. What its tests use is free, and listed, so that a
//! reviewer sees it grow.

use std::fmt;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::command::{cargo, output, say};

/// Our crates, and all they may depend on among each other.
const MAY_KNOW: &[(&str, &[&str])] = &[
    // Tests start real servers with it; nobody else may know it.
    ("servers", &[]),
    ("session", &[]),
    ("trace", &["session"]),
    ("report", &["session", "trace"]),
    ("gate", &[]),
    ("snapshot", &[]),
    ("egress", &[]),
    ("wire", &["egress"]),
    ("ledger", &["egress"]),
    ("store", &["egress"]),
    ("telemetry", &["egress"]),
    ("keys", &[]),
    ("registry", &["egress", "keys"]),
    ("apply", &["gate", "keys", "session", "snapshot", "trace"]),
    ("cache", &["keys", "snapshot", "store"]),
    ("sandbox", &["snapshot"]),
    ("runner", &["session", "trace", "gate", "cache", "wire", "snapshot"]),
    (
        "cli",
        &[
            "session",
            "trace",
            "report",
            "gate",
            "apply",
            "egress",
            "keys",
            "registry",
            "snapshot",
            "wire",
            "ledger",
            "store",
            "telemetry",
            "cache",
            "sandbox",
            "runner",
        ],
    ),
    ("tests", EVERYTHING),
    ("benches", EVERYTHING),
    ("xtask", &[]),
];

/// What looks at the product from outside may look everywhere.
const EVERYTHING: &[&str] = &[
    "session",
    "trace",
    "report",
    "gate",
    "apply",
    "egress",
    "keys",
    "registry",
    "snapshot",
    "wire",
    "ledger",
    "store",
    "telemetry",
    "cache",
    "sandbox",
    "runner",
    "cli",
];

/// Crates from outside that only some layers may know.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("bazel-remote-apis", &["store"]),
    ("cap-std", &["snapshot"]),
    ("clap", &["cli"]),
    ("gix", &["snapshot"]),
    ("landlock", &["sandbox"]),
    ("opendal", &["store"]),
    ("opentelemetry-proto", &["telemetry"]),
    ("redis", &["store"]),
    ("reqwest", &["egress", "registry", "store", "telemetry"]),
    // The benches measure a row of it alone, as a floor.
    ("rusqlite", &["benches", "cache", "ledger"]),
    ("seccompiler", &["sandbox"]),
    ("tokio-postgres", &["ledger"]),
    ("tokio-postgres-rustls", &["ledger"]),
    ("tokio-tungstenite", &["wire"]),
    ("tonic", &["store", "telemetry"]),
    ("tungstenite", &["wire"]),
    ("wasmparser", &["sandbox"]),
    // The benches measure it alone, as the floor.
    ("wasmtime", &["benches", "sandbox"]),
    ("wasmtime-wasi", &["sandbox"]),
];

/// Crates that would end what a crate of ours promises of itself.
const KEPT_OUT: &[(&str, &[&str])] = &[
    ("session", &["tokio", "tokio-util", "tempfile", "rustix"]),
    ("gate", &["tokio", "tokio-util", "tempfile", "rustix"]),
    ("snapshot", &["tokio", "tokio-util"]),
    ("trace", &["tokio", "tokio-util", "tempfile", "rustix"]),
    ("report", &["tokio", "tokio-util", "tempfile", "rustix"]),
];

/// What of `cargo metadata` is looked at.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `None` is a normal one.
    kind: Option<String>,
}

impl Dependency {
    fn is_compiled_in(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }
}

/// An arrow that must not be.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// Between two of our crates.
    Arrow { from: String, to: String },
    /// To a crate that other layers keep to themselves.
    Kept { from: String, to: String, layers: &'static [&'static str] },
    /// To a crate that would break a promise.
    Out { from: String, to: String },
    /// A crate that [`MAY_KNOW`] says nothing about.
    Unknown { name: String },
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrow { from, to } => {
                write!(f, "{from} must not know {to}: no such arrow in host/README.md")
            }
            Self::Kept { from, to, layers } => {
                write!(f, "{from} must not know {to}: that stays in {}", listed(layers))
            }
            Self::Out { from, to } => {
                write!(f, "{from} must not know {to}: the first page of the crate says why")
            }
            Self::Unknown { name } => {
                write!(f, "nothing says whom {name} may know: add it to MAY_KNOW in xtask")
            }
        }
    }
}

/// Fails on any arrow that is not drawn.
pub(crate) fn check() -> Result<()> {
    say("layers");
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    for (from, to) in in_tests(&metadata) {
        println!("    in tests: {from} → {to}");
    }
    let wrongs = wrongs(&metadata);
    if wrongs.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = wrongs.iter().map(|wrong| format!("  {wrong}")).collect();
    bail!("the layers are broken\n{}", list.join("\n"))
}

fn wrongs(metadata: &Metadata) -> Vec<Wrong> {
    metadata.packages.iter().flat_map(wrongs_of).collect()
}

fn wrongs_of(package: &Package) -> Vec<Wrong> {
    let Some((_, may_know)) = MAY_KNOW.iter().find(|(name, _)| *name == package.name) else {
        return vec![Wrong::Unknown { name: package.name.clone() }];
    };
    let kept_out = KEPT_OUT.iter().find(|(name, _)| *name == package.name);
    let kept_out = kept_out.map_or(&[][..], |(_, crates)| crates);
    let compiled_in = package.dependencies.iter().filter(|dependency| dependency.is_compiled_in());
    compiled_in
        .filter_map(|dependency| {
            let (from, to) = (package.name.clone(), dependency.name.clone());
            let name = to.as_str();
            let kept_in = KEPT_IN.iter().find(|(kept, _)| *kept == name);
            if is_ours(name) {
                (!may_know.contains(&name)).then_some(Wrong::Arrow { from, to })
            } else if kept_out.contains(&name) {
                Some(Wrong::Out { from, to })
            } else {
                let (_, layers) = kept_in?;
                (!layers.contains(&from.as_str())).then_some(Wrong::Kept { from, to, layers })
            }
        })
        .collect()
}

/// What tests know that their crate does not. `tests` and `benches` are nothing but tests.
fn in_tests(metadata: &Metadata) -> Vec<(&str, &str)> {
    let free = |package: &&Package| !["tests", "benches"].contains(&package.name.as_str());
    let arrows = metadata.packages.iter().filter(free).flat_map(|package| {
        let dev = package.dependencies.iter().filter(|dependency| !dependency.is_compiled_in());
        dev.map(|dependency| (package.name.as_str(), dependency.name.as_str()))
    });
    arrows.filter(|(_, to)| is_ours(to) || KEPT_IN.iter().any(|(kept, _)| kept == to)).collect()
}

fn is_ours(name: &str) -> bool {
    MAY_KNOW.iter().any(|(ours, _)| *ours == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of one crate that depends on `to`.
    fn workspace(from: &str, to: &str, kind: Option<&str>) -> Metadata {
        let metadata = json!({
            "packages": [{ "name": from, "dependencies": [{ "name": to, "kind": kind }] }],
        });
        serde_json::from_value(metadata).unwrap()
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let complaints: Vec<String> =
            wrongs(&workspace(from, to, None)).iter().map(ToString::to_string).collect();
        assert_eq!(complaints.join("\n"), expected);
    }

    #[test]
    fn arrows_that_are_drawn_are_free() {
        check("cli", "sandbox", "");
        check("runner", "snapshot", "");
        check("cache", "snapshot", "");
        check("cli", "ledger", "");
        check("cli", "store", "");
        check("ledger", "rusqlite", "");
        check("benches", "wire", "");
        check("sandbox", "wasmtime", "");
        check("session", "serde", "");
    }

    #[test]
    fn any_other_arrow_is_named() {
        check("runner", "sandbox", "runner must not know sandbox: no such arrow in host/README.md");
        check("snapshot", "cache", "snapshot must not know cache: no such arrow in host/README.md");
        check("ledger", "session", "ledger must not know session: no such arrow in host/README.md");
        check("xtask", "session", "xtask must not know session: no such arrow in host/README.md");
    }

    #[test]
    fn a_crate_from_outside_stays_where_it_is_kept() {
        check(
            "runner",
            "wasmtime",
            "runner must not know wasmtime: that stays in benches and sandbox",
        );
        check("wire", "clap", "wire must not know clap: that stays in cli");
        check(
            "wire",
            "rusqlite",
            "wire must not know rusqlite: that stays in benches, cache and ledger",
        );
        check(
            "session",
            "tokio",
            "session must not know tokio: the first page of the crate says why",
        );
    }

    #[test]
    fn servers_are_for_tests() {
        check("cache", "servers", "cache must not know servers: no such arrow in host/README.md");
        assert_eq!(wrongs(&workspace("cache", "servers", Some("dev"))), []);
        check("servers", "store", "servers must not know store: no such arrow in host/README.md");
    }

    #[test]
    fn a_crate_nobody_placed_is_a_complaint() {
        check("extra", "serde", "nothing says whom extra may know: add it to MAY_KNOW in xtask");
    }

    #[test]
    fn what_tests_use_is_free_and_listed() {
        let metadata = workspace("runner", "sandbox", Some("dev"));
        assert_eq!(wrongs(&metadata), []);
        assert_eq!(in_tests(&metadata), [("runner", "sandbox")]);
        assert_eq!(in_tests(&workspace("runner", "insta", Some("dev"))), []);
        assert_eq!(wrongs(&workspace("runner", "sandbox", Some("build"))).len(), 1);
    }

    #[test]
    fn the_arrows_have_no_circle() {
        // Each crate stands below those that know it: its own list comes first.
        for (at, (name, knows)) in MAY_KNOW.iter().enumerate() {
            for known in *knows {
                let below = MAY_KNOW.iter().position(|(ours, _)| ours == known);
                assert!(below.is_some_and(|below| below < at), "{name} → {known}");
            }
        }
    }
}
