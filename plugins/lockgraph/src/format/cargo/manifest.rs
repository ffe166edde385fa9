//! One `Cargo.toml`, as far as a graph of packages needs it.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::format::toml::{is_true, table_at, text_at, texts_at};
use crate::format::{phrase, word};
use crate::graph::EdgeKind;
use crate::path;
use crate::text::{Lines, decode};

/// What a manifest says, before inheritance from the workspace.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) package: Option<WrittenPackage>,
    pub(super) workspace: Option<WrittenWorkspace>,
    pub(super) dependencies: Vec<Dependency>,
    /// Directories that stand in for packages from elsewhere.
    pub(super) patches: Vec<String>,
}

/// The `[package]` table.
#[derive(Debug)]
pub(super) struct WrittenPackage {
    pub(super) name: String,
    pub(super) version: Inherited,
    pub(super) licence: Inherited,
    pub(super) line: u32,
}

/// A field that a member may leave to its workspace.
#[derive(Debug, Clone)]
pub(super) enum Inherited {
    Own(String),
    OfWorkspace,
    Absent,
}

impl Inherited {
    fn read(table: &DeTable<'_>, key: &str) -> Self {
        match table.get(key).map(|value| value.get_ref()) {
            Some(DeValue::String(text)) => {
                phrase(text).map_or(Self::Absent, |text| Self::Own(text.to_owned()))
            }
            Some(DeValue::Table(table)) if is_true(table, "workspace") => Self::OfWorkspace,
            _ => Self::Absent,
        }
    }

    /// The value, given the workspace's.
    pub(super) fn resolve(&self, of_workspace: Option<&String>) -> Option<String> {
        match self {
            Self::Own(text) => Some(text.clone()),
            Self::OfWorkspace => of_workspace.cloned(),
            Self::Absent => None,
        }
    }
}

/// The `[workspace]` table.
#[derive(Debug, Default)]
pub(super) struct WrittenWorkspace {
    pub(super) members: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) licence: Option<String>,
    /// By the name that members inherit by.
    pub(super) dependencies: BTreeMap<String, Target>,
}

/// A dependency of a package.
#[derive(Debug)]
pub(super) struct Dependency {
    /// The name in the manifest.
    pub(super) key: String,
    pub(super) kind: EdgeKind,
    /// None when the workspace says it.
    pub(super) target: Option<Target>,
}

/// What a dependency leads to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The published name.
    pub(super) package: String,
    /// The directory, as written.
    pub(super) path: Option<String>,
}

/// Why a manifest is not read: a sentence, and the line.
pub(super) type Fault = (Option<u32>, String);

impl Written {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let text = decode(bytes).map_err(|line| (Some(line), "not UTF-8 text".to_owned()))?;
        let lines = Lines::new(text);
        let document = DeTable::parse(text).map_err(|err| {
            let line = err.span().map(|span| lines.line_of(&span));
            (line, format!("not valid TOML: {}", err.message()))
        })?;
        let document = document.get_ref();
        let package = document.get("package").or_else(|| document.get("project"));
        Ok(Self {
            package: package.and_then(|value| {
                let table = value.get_ref().as_table()?;
                Some(WrittenPackage {
                    name: word(text_at(table, "name")?)?.to_owned(),
                    version: Inherited::read(table, "version"),
                    licence: Inherited::read(table, "license"),
                    line: lines.line_of(&value.span()),
                })
            }),
            workspace: table_at(document, "workspace").map(workspace),
            dependencies: dependencies(document),
            patches: patches(document),
        })
    }
}

fn workspace(table: &DeTable<'_>) -> WrittenWorkspace {
    let owned = |key: &str| texts_at(table, key).into_iter().map(str::to_owned).collect();
    let package = table_at(table, "package");
    let shared = |key: &str| {
        package.and_then(|table| text_at(table, key)).and_then(phrase).map(str::to_owned)
    };
    WrittenWorkspace {
        members: owned("members"),
        exclude: owned("exclude"),
        version: shared("version"),
        licence: shared("license"),
        dependencies: table_at(table, "dependencies")
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.get_ref().to_string(), target(key.get_ref(), value.get_ref())))
            .collect(),
    }
}

/// The dependencies of every section and of every target.
fn dependencies(document: &DeTable<'_>) -> Vec<Dependency> {
    let targets = table_at(document, "target").into_iter().flatten();
    let tables = targets.filter_map(|(_, value)| value.get_ref().as_table());
    std::iter::once(document).chain(tables).flat_map(sections).collect()
}

fn sections(table: &DeTable<'_>) -> Vec<Dependency> {
    const SECTIONS: [(&str, EdgeKind); 5] = [
        ("dependencies", EdgeKind::Runtime),
        ("build-dependencies", EdgeKind::Build),
        ("build_dependencies", EdgeKind::Build),
        ("dev-dependencies", EdgeKind::Dev),
        ("dev_dependencies", EdgeKind::Dev),
    ];
    let mut dependencies = Vec::new();
    for (section, kind) in SECTIONS {
        for (key, value) in table_at(table, section).into_iter().flatten() {
            dependencies.push(dependency(key.get_ref(), value.get_ref(), kind));
        }
    }
    dependencies
}

fn dependency(key: &str, value: &DeValue<'_>, kind: EdgeKind) -> Dependency {
    let table = value.as_table();
    let says = |key: &str| table.is_some_and(|table| is_true(table, key));
    let optional = kind == EdgeKind::Runtime && says("optional");
    let kind = if optional { EdgeKind::Optional } else { kind };
    let target = (!says("workspace")).then(|| target(key, value));
    Dependency { key: key.to_owned(), kind, target }
}

fn target(key: &str, value: &DeValue<'_>) -> Target {
    let table = value.as_table();
    let text = |field: &str| table.and_then(|table| text_at(table, field));
    Target {
        package: text("package").unwrap_or(key).to_owned(),
        path: text("path").map(str::to_owned),
    }
}

fn patches(document: &DeTable<'_>) -> Vec<String> {
    let sources = table_at(document, "patch").into_iter().flatten();
    sources
        .filter_map(|(_, source)| source.get_ref().as_table())
        .chain(table_at(document, "replace"))
        .flat_map(|packages| packages.iter())
        .filter_map(|(key, value)| target(key.get_ref(), value.get_ref()).path)
        .collect()
}

/// Where a dependency's directory is, from the repository's root.
pub(super) fn directory(of: &str, target: &Target) -> Option<String> {
    path::resolve(of, target.path.as_deref()?)
}
