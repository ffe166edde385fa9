//! How the dependencies of two trees differ, by the tool `sbom`: what it answers, as facts.

use std::collections::BTreeMap;

use gate::{ChangeKind, Dependencies, DependencyChange, LicenceFact};
use serde::Deserialize;
use session::Answer;
use snapshot::Grant;

use crate::text::cut;
use crate::tools::{ToolExecutor, Toolbox, Trees};

/// The tool that compares.
const TOOL: &str = "sbom";

/// What it is asked.
const ARGUMENTS: &str = r#"{"query":"difference","max":1000}"#;

/// Bytes of what a tool says that a verdict repeats.
const SAID_BYTES_MAX: usize = 300;

/// Its answer, as far as the gate needs it.
#[derive(Debug, Deserialize)]
struct Difference {
    added: Vec<Entry>,
    removed: Vec<Entry>,
    upgraded: Vec<Change>,
    downgraded: Vec<Change>,
    licence_changed: Vec<Change>,
    source_changed: Vec<Change>,
    content_changed: Vec<Change>,
    #[serde(default)]
    left_out: BTreeMap<String, u64>,
}

/// A package that is new or gone.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    version: String,
    ecosystem: Option<String>,
    licence: Option<String>,
    source: Option<String>,
}

/// A package that is another one.
#[derive(Debug, Deserialize)]
struct Change {
    name: String,
    ecosystem: Option<String>,
    /// Where it is not what changed.
    version: Option<String>,
    from: String,
    to: String,
}

/// Compares the trees' dependencies. `files` are those that the change touches; the host looks
/// whatever the step grants.
pub(crate) async fn compare<E: ToolExecutor>(
    toolbox: &Toolbox<E>,
    trees: &Trees,
    files: Vec<String>,
) -> Dependencies {
    if toolbox.tools().iter().all(|tool| tool.name != TOOL) {
        let why = format!("there is no tool `{TOOL}`");
        return Dependencies::Unknown { why, files };
    }
    let called = toolbox.call_granted(TOOL, ARGUMENTS, trees, Some(Grant::everything())).await;
    let said = match called.answer {
        Answer::Answered { output } => facts(&output),
        Answer::Refused { message } => Err(cut(&message, SAID_BYTES_MAX)),
        Answer::Ended { ending, .. } => Err(format!("`{TOOL}` was ended: {ending}")),
    };
    match said {
        Ok((changes, left_out)) => Dependencies::Compared { changes, left_out, files },
        Err(why) => Dependencies::Unknown { why, files },
    }
}

/// The changes in an answer, and how many more there are.
fn facts(output: &str) -> Result<(Vec<DependencyChange>, u64), String> {
    let found: Difference = serde_json::from_str(output)
        .map_err(|err| format!("the answer of `{TOOL}` cannot be read: {err}"))?;
    let mut changes = Vec::new();
    changes.extend(found.added.into_iter().map(|entry| entry.change(Came::In)));
    changes.extend(found.removed.into_iter().map(|entry| entry.change(Came::Out)));
    let upgraded = |from, to| ChangeKind::Upgraded { from, to };
    changes.extend(found.upgraded.into_iter().map(|change| change.versions(upgraded)));
    let downgraded = |from, to| ChangeKind::Downgraded { from, to };
    changes.extend(found.downgraded.into_iter().map(|change| change.versions(downgraded)));
    for change in found.content_changed {
        let version = change.version.clone().unwrap_or_default();
        changes.push(change.same(ChangeKind::ContentChanged { version }));
    }
    for change in found.licence_changed {
        let fact = LicenceFact::Is { before: known(&change.from), after: known(&change.to) };
        of(&mut changes, &change).licence = fact;
    }
    for change in found.source_changed {
        let source = (change.to != REGISTRY).then(|| change.to.clone());
        of(&mut changes, &change).source = source;
    }
    Ok((
        changes,
        found.left_out.iter().filter(|(list, _)| *list != "warnings").map(|(_, n)| n).sum(),
    ))
}

/// How the tool calls a source that is a registry.
const REGISTRY: &str = "registry";

/// A licence as the tool says it; it has a word for none.
fn known(licence: &str) -> Option<String> {
    (licence != "unknown").then(|| licence.to_owned())
}

/// The change that speaks of the same package in the same version, made if there is none yet.
fn of<'a>(changes: &'a mut Vec<DependencyChange>, about: &Change) -> &'a mut DependencyChange {
    let version = about.version.clone().unwrap_or_default();
    let is_it = |change: &DependencyChange| {
        change.package == about.name
            && change.ecosystem == about.ecosystem
            && after(&change.kind) == Some(version.as_str())
    };
    let at = changes.iter().position(is_it).unwrap_or_else(|| {
        let (package, ecosystem) = (about.name.clone(), about.ecosystem.clone());
        changes.push(change(package, ecosystem, ChangeKind::Kept { version: version.clone() }));
        changes.len() - 1
    });
    &mut changes[at]
}

/// The version that is there now.
fn after(kind: &ChangeKind) -> Option<&str> {
    match kind {
        ChangeKind::New { to }
        | ChangeKind::Upgraded { to, .. }
        | ChangeKind::Downgraded { to, .. } => Some(to),
        ChangeKind::ContentChanged { version } | ChangeKind::Kept { version } => Some(version),
        ChangeKind::Removed { .. } => None,
    }
}

fn change(package: String, ecosystem: Option<String>, kind: ChangeKind) -> DependencyChange {
    DependencyChange {
        package,
        ecosystem,
        kind,
        licence: LicenceFact::Unchanged,
        source: None,
        // Lock files do not say when.
        published_days_ago: None,
    }
}

/// Which way a package went.
#[derive(Clone, Copy)]
enum Came {
    In,
    Out,
}

impl Entry {
    fn change(self, came: Came) -> DependencyChange {
        let Self { name, version, ecosystem, licence, source } = self;
        let (kind, licence) = match came {
            Came::In => {
                (ChangeKind::New { to: version }, LicenceFact::Is { before: None, after: licence })
            }
            Came::Out => (ChangeKind::Removed { from: version }, LicenceFact::Unchanged),
        };
        let source = source.filter(|source| source != REGISTRY);
        DependencyChange { licence, source, ..change(name, ecosystem, kind) }
    }
}

impl Change {
    fn versions(self, kind: impl Fn(String, String) -> ChangeKind) -> DependencyChange {
        let Self { name, ecosystem, from, to, .. } = self;
        change(name, ecosystem, kind(from, to))
    }

    fn same(self, kind: ChangeKind) -> DependencyChange {
        change(self.name, self.ecosystem, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_answers_is_read_as_facts() {
        let output = serde_json::json!({
            "answer": "…",
            "before": { "of": "the lock files of the base", "packages": 3 },
            "added": [{ "name": "a", "version": "1", "ecosystem": "cargo", "licence": "MIT" }],
            "removed": [{ "name": "b", "version": "2", "source": "git+https://x" }],
            "upgraded": [{ "name": "c", "from": "1", "to": "2" }],
            "downgraded": [{ "name": "d", "from": "2", "to": "1" }],
            "licence_changed": [
                { "name": "c", "version": "2", "from": "MIT", "to": "unknown" },
                { "name": "e", "version": "5", "from": "MIT", "to": "GPL-3.0-only" },
            ],
            "source_changed": [
                { "name": "c", "version": "2", "from": "registry", "to": "git+https://y" },
                { "name": "e", "version": "5", "from": "git+https://z", "to": "registry" },
            ],
            "content_changed": [{ "name": "f", "version": "6", "from": "sha256:1", "to": "sha256:2" }],
            "warnings": [],
            "left_out": { "added": 3, "warnings": 9 },
        });
        let (changes, left_out) = facts(&output.to_string()).unwrap();
        assert_eq!(left_out, 3);
        let line = |change: &DependencyChange| {
            format!("{change} | {:?} | {:?}", change.licence, change.source)
        };
        insta::assert_snapshot!(changes.iter().map(line).collect::<Vec<_>>().join("\n"));
        // What says nothing of a list does not say that it is empty.
        assert!(facts("[]").is_err() && facts("{\"added\":[]}").is_err());
    }
}
