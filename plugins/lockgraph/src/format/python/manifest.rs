//! The `pyproject.toml` beside a lock file: the repository's own package and what it needs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::lock::{Need, Package, Pick};
use super::names::{is_name, normalised};
use super::origin::Origin;
use super::requirement::Requirement;
use crate::format::toml::{is_true, table_at, text_at, texts_at};
use crate::format::{Input, phrase, word};
use crate::graph::{EdgeKind, Place};
use crate::path;
use crate::scan::ReadError;
use crate::text::{Lines, decode};

/// What a `pyproject.toml` says.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// From the repository's root.
    path: String,
    pub(super) name: Option<String>,
    version: Option<String>,
    licence: Option<String>,
    /// Where the package is described.
    line: u32,
    needs: Vec<Need<'static>>,
    /// Extras and groups, in the spelling of PEP 503, and what they are for.
    pub(super) groups: BTreeMap<String, EdgeKind>,
}

impl Manifest {
    /// The manifest in a directory, from the repository's root. That there is none is no fault.
    pub(super) fn read(dir: &str, input: &mut Input<'_>) -> Option<Self> {
        let path = path::join(dir, "pyproject.toml");
        let manifest = match input.files.read(&path) {
            Ok(bytes) => Self::parse(&path, &bytes),
            Err(ReadError::Missing) => return None,
            Err(err) => Err((None, err.to_string())),
        };
        let tell = |(line, reason): (Option<u32>, String)| {
            let reason = format!("{reason}; what is needed directly is unknown");
            input.faults.warnings.add(&path, line, reason);
        };
        manifest.map_err(tell).ok().flatten()
    }

    /// Nothing when the file is about tools alone.
    fn parse(path: &str, bytes: &[u8]) -> Result<Option<Self>, (Option<u32>, String)> {
        let text = decode(bytes).map_err(|line| (Some(line), "not UTF-8 text".to_owned()))?;
        let lines = Lines::new(text);
        let document = DeTable::parse(text).map_err(|err| {
            let line = err.span().map(|span| lines.line_of(&span));
            (line, format!("not valid TOML: {}", err.message()))
        })?;
        let document = document.get_ref();
        let tool = table_at(document, "tool");
        let poetry = tool.and_then(|tool| table_at(tool, "poetry"));
        let project = table_at(document, "project");
        let has_groups = document.contains_key("dependency-groups");
        if poetry.is_none() && project.is_none() && !has_groups {
            return Ok(None);
        }
        let mut manifest = Self { path: path.to_owned(), line: 1, ..Self::default() };
        manifest.line = line_of(document, tool, &lines);
        for table in [project, poetry].into_iter().flatten() {
            manifest.take_names(table);
        }
        if let Some(project) = project {
            manifest.take_project(project);
        }
        let listed = project.is_some_and(|project| {
            project.contains_key("dependencies") || project.contains_key("optional-dependencies")
        });
        if let Some(poetry) = poetry {
            manifest.take_poetry(poetry, listed);
        }
        manifest.take_groups(document, tool);
        Ok(Some(manifest))
    }

    fn take_names(&mut self, table: &DeTable<'_>) {
        let named = |key: &str| text_at(table, key).and_then(word).map(str::to_owned);
        let name = named("name").filter(|name| is_name(name));
        self.name = self.name.take().or(name);
        self.version = self.version.take().or_else(|| named("version"));
        // The old form is a table; the text in it may be the whole licence.
        let licence = text_at(table, "license")
            .or_else(|| text_at(table_at(table, "license")?, "text"))
            .and_then(phrase);
        self.licence = self.licence.take().or_else(|| licence.map(str::to_owned));
    }

    fn take_project(&mut self, project: &DeTable<'_>) {
        self.require(&texts_at(project, "dependencies"), None, EdgeKind::Runtime);
        for (extra, _) in table_at(project, "optional-dependencies").into_iter().flatten() {
            let name = normalised(extra.get_ref()).into_owned();
            let table = table_at(project, "optional-dependencies");
            let texts = table.map(|table| texts_at(table, extra.get_ref())).unwrap_or_default();
            self.require(&texts, Some(&name), EdgeKind::Runtime);
            self.groups.insert(name, EdgeKind::Optional);
        }
    }

    /// Groups of PEP 735, and of tools that had them before.
    fn take_groups(&mut self, document: &DeTable<'_>, tool: Option<&DeTable<'_>>) {
        let pdm = tool.and_then(|tool| table_at(tool, "pdm"));
        let tables = [
            table_at(document, "dependency-groups"),
            pdm.and_then(|pdm| table_at(pdm, "dev-dependencies")),
        ];
        for table in tables.into_iter().flatten() {
            for (group, _) in table {
                // A group that is included is read under its own name.
                self.require(&texts_at(table, group.get_ref()), None, EdgeKind::Dev);
                let name = normalised(group.get_ref()).into_owned();
                self.groups.entry(name).or_insert(EdgeKind::Dev);
            }
        }
        let uv = tool.and_then(|tool| table_at(tool, "uv"));
        if let Some(uv) = uv {
            self.require(&texts_at(uv, "dev-dependencies"), None, EdgeKind::Dev);
        }
    }

    fn require(&mut self, texts: &[&str], of_extra: Option<&str>, kind: EdgeKind) {
        for text in texts {
            let text = text.strip_prefix("-e ").unwrap_or(text);
            let Some(requirement) = Requirement::parse(text) else { continue };
            let owned = |extra: &&str| Cow::Owned(normalised(extra).into_owned());
            let always = kind == EdgeKind::Runtime && of_extra.is_none();
            self.needs.push(Need {
                key: Cow::Owned(normalised(requirement.name).into_owned()),
                extras: requirement.extras.iter().map(owned).collect(),
                of_extra: of_extra.map(|extra| Cow::Owned(extra.to_owned())),
                pick: Pick::Range(Cow::Owned(requirement.range.to_owned())),
                kind,
                marker: Cow::Owned(requirement.marker.to_owned()),
                line: 0,
                may_be_absent: !always || !requirement.marker.is_empty(),
            });
        }
    }

    /// Poetry's own tables; what `[project]` lists is only refined there.
    fn take_poetry(&mut self, poetry: &DeTable<'_>, listed: bool) {
        if !listed {
            self.take_poetry_table(table_at(poetry, "dependencies"), EdgeKind::Runtime);
        }
        self.take_poetry_table(table_at(poetry, "dev-dependencies"), EdgeKind::Dev);
        for (name, group) in table_at(poetry, "group").into_iter().flatten() {
            let group = group.get_ref().as_table();
            let table = group.and_then(|group| table_at(group, "dependencies"));
            self.take_poetry_table(table, EdgeKind::Dev);
            self.groups.insert(normalised(name.get_ref()).into_owned(), EdgeKind::Dev);
        }
    }

    fn take_poetry_table(&mut self, table: Option<&DeTable<'_>>, kind: EdgeKind) {
        for (name, value) in table.into_iter().flatten() {
            if name.get_ref() != "python" && is_name(name.get_ref()) {
                self.needs.extend(poetry_needs(name.get_ref(), value.get_ref(), kind));
            }
        }
    }

    /// The package that the manifest describes, as one of the repository's own.
    pub(super) fn package(self, input: &Input<'_>) -> Package<'static> {
        let dir = path::parent(&self.path).to_owned();
        let name = self.name.unwrap_or_else(|| name_of_directory(&dir));
        let mut node = Origin::Own("").node(&name, self.version.as_deref(), self.line, input);
        node.location = Some(dir);
        node.places = vec![Place { path: self.path, line: self.line }];
        node.licence = self.licence;
        Package {
            key: Cow::Owned(normalised(&name).into_owned()),
            node,
            root: true,
            scope: None,
            origin: None,
            needs: self.needs,
        }
    }

    /// Adds to a package of the lock file what only the manifest says of it.
    pub(super) fn complete(self, package: &mut Package<'_>) {
        package.node.licence = self.licence;
        package.node.places.push(Place { path: self.path, line: self.line });
    }
}

fn line_of(document: &DeTable<'_>, tool: Option<&DeTable<'_>>, lines: &Lines<'_>) -> u32 {
    let entry = document
        .get_key_value("project")
        .or_else(|| tool.and_then(|tool| tool.get_key_value("poetry")));
    entry.map_or(1, |(key, _)| lines.line_of(&key.span()))
}

/// A package without a name is called as its directory.
pub(super) fn name_of_directory(dir: &str) -> String {
    let name = path::file_name(dir);
    if is_name(name) { name.to_owned() } else { "root".to_owned() }
}

/// What one line of a table of Poetry needs: a range, a table, or one table for each environment.
fn poetry_needs(name: &str, value: &DeValue<'_>, kind: EdgeKind) -> Vec<Need<'static>> {
    let need = |range: &str, table: Option<&DeTable<'_>>| {
        let optional = table.is_some_and(|table| is_true(table, "optional"));
        let extras = table.map(|table| texts_at(table, "extras")).unwrap_or_default();
        let marker = table.and_then(|table| text_at(table, "markers"));
        let always = kind == EdgeKind::Runtime && !optional && table.is_none();
        Need {
            key: Cow::Owned(normalised(name).into_owned()),
            extras: extras.iter().map(|it| Cow::Owned(normalised(it).into_owned())).collect(),
            of_extra: None,
            pick: Pick::Range(Cow::Owned(range.to_owned())),
            kind: if optional && kind == EdgeKind::Runtime { EdgeKind::Optional } else { kind },
            marker: Cow::Owned(marker.unwrap_or_default().to_owned()),
            line: 0,
            may_be_absent: !always,
        }
    };
    let of_table = |table: &DeTable<'_>| need(text_at(table, "version").unwrap_or(""), Some(table));
    match value {
        DeValue::String(range) => vec![need(range, None)],
        DeValue::Table(table) => vec![of_table(table)],
        DeValue::Array(list) => {
            list.iter().filter_map(|item| item.get_ref().as_table()).map(of_table).collect()
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            Vec::new()
        }
    }
}
