//! `gradle.lockfile`, the older lock files for one configuration each, and the digests that
//! `gradle/verification-metadata.xml` has.
//!
//! A lock file lists what each configuration resolves to; who needs whom it does not say, nor
//! whose it is: the graph has no root and no edges. What a package is for follows from the
//! configurations it is in.

mod digests;

use std::collections::BTreeSet;

use super::{Faults, Input, PACKAGES_MAX, Unreadable, word};
use crate::ecosystem::Ecosystem;
use crate::graph::{Builder, Graph, Kind, Node, Place, Scope};
use crate::path;
use crate::purl::Purl;

/// A package and the configurations it is in.
#[derive(Debug)]
struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    configurations: &'a str,
    line: u32,
}

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    // The older files have the configuration in their name.
    let old = path::ends_as(input.path, "gradle/dependency-locks/*.lockfile")
        && path::file_name(input.path) != "gradle.lockfile";
    let of_file = path::file_name(input.path).strip_suffix(".lockfile").filter(|_| old);
    let builds_alone = path::file_name(input.path) != "gradle.lockfile" && of_file.is_none();
    let locked = lines(input.text, of_file, &mut input.faults);
    let all = locked.iter().flat_map(|locked| locked.configurations.split(','));
    let has_runtime = all.clone().any(|name| purpose(name) == Purpose::Run) || of_file.is_some();
    let mut digests = digests::Digests::find(input);
    let mut builder = Builder::default();
    for locked in &locked {
        let place = Place { path: input.path.to_owned(), line: locked.line };
        let purl = Purl::new(Ecosystem::Maven, locked.name, Some(locked.version));
        let mut node = Node::new(purl, Kind::Registry, place);
        let scopes = locked.configurations.split(',').map(|name| purpose(name).scope(has_runtime));
        node.scope =
            if builds_alone { Scope::Build } else { scopes.min().unwrap_or(Scope::Unknown) };
        digests.fill(&mut node);
        builder.node(node);
    }
    Ok(builder.finish())
}

/// The packages of a lock file; each `group:name:version` once.
fn lines<'a>(text: &'a str, of_file: Option<&'a str>, faults: &mut Faults<'_>) -> Vec<Locked<'a>> {
    let mut found: Vec<Locked<'a>> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        // Configurations that resolve to nothing stand behind `empty`.
        let (module, configurations) = match (line.split_once('='), of_file) {
            (Some((module, configurations)), None) => (module, configurations),
            (None, Some(configuration)) => (line, configuration),
            (Some((module, _)), Some(configuration)) => (module, configuration),
            (None, None) => (line, ""),
        };
        if line.is_empty()
            || line.starts_with('#')
            || (module == "empty" && !line.starts_with("empty=="))
        {
            continue;
        }
        let Some((name, version)) = parts(module) else {
            faults.add(Some(number), "no `group:name:version`");
            continue;
        };
        if found.len() == PACKAGES_MAX {
            faults.add(Some(number), format!("only the first {PACKAGES_MAX} packages are read"));
            break;
        }
        if configurations.is_empty() {
            faults.note_some(Some(number), format!("`{name}` is in no configuration"));
        }
        if seen.insert(module) {
            found.push(Locked { name, version, configurations, line: number });
        } else {
            faults.add(Some(number), format!("`{name}` is listed twice in one version"));
        }
    }
    found
}

/// The name, which is `group:name`, and the version.
fn parts(module: &str) -> Option<(&str, &str)> {
    let (name, version) = module.rsplit_once(':')?;
    let (group, artifact) = name.split_once(':')?;
    let is_part = |part: &str| word(part).is_some() && !part.contains([':', '/', ' ', '<', '>']);
    let usable = is_part(group) && is_part(artifact) && word(version).is_some();
    usable.then_some((name, version))
}

/// What a configuration is resolved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Run,
    /// To compile: shipped only when it is there to run, too.
    Compile,
    Build,
    Develop,
    Unknown,
}

impl Purpose {
    fn scope(self, has_runtime: bool) -> Scope {
        match self {
            Self::Run => Scope::Runtime,
            Self::Compile if has_runtime => Scope::Build,
            Self::Compile => Scope::Runtime,
            Self::Build => Scope::Build,
            Self::Develop => Scope::Dev,
            Self::Unknown => Scope::Unknown,
        }
    }
}

/// Parts of names of configurations for tools that run while something is built.
const TOOLS: [&str; 14] = [
    "annotationprocessor",
    "buildtools",
    "checkstyle",
    "codenarc",
    "detekt",
    "errorprone",
    "jacoco",
    "ktlint",
    "lintchecks",
    "plugin",
    "pmd",
    "protoc",
    "spotbugs",
    "zinc",
];

/// How the names of such configurations begin.
const TOOL_STARTS: [&str; 4] = ["kapt", "kotlin", "ksp", "swiftexport"];

/// What a configuration is for, by the names that Gradle's own plugins and those of Android and
/// Kotlin give: those of a source set begin with its name.
fn purpose(configuration: &str) -> Purpose {
    let name = configuration.trim().to_lowercase();
    let is_one_of = |names: &[&str]| names.contains(&name.as_str());
    let is_for_a_tool = || {
        TOOLS.iter().any(|tool| name.contains(tool))
            || TOOL_STARTS.iter().any(|start| name.starts_with(start))
            || is_one_of(&["classpath", "buildscript-classpath"])
    };
    let runs = ["runtime", "compile", "default", "implementation", "api", "runtimeonly", "shadow"];
    if name.contains("test") || name.starts_with("jmh") || name == "developmentonly" {
        Purpose::Develop
    } else if is_for_a_tool() {
        Purpose::Build
    } else if name.ends_with("runtimeclasspath") || is_one_of(&runs) {
        Purpose::Run
    } else if name.ends_with("compileclasspath") || name.ends_with("dependenciesmetadata") {
        Purpose::Compile
    } else if name.ends_with("compileonly") || name.starts_with("provided") {
        Purpose::Build
    } else {
        Purpose::Unknown
    }
}

#[cfg(test)]
mod tests;
