//! Which component a command is about, and which cases are its own.

use std::fs;
use std::path::{Path, PathBuf};

use sandbox::Described;

use super::cases::{self, Case};
use crate::args::ToolUnderTest;
use crate::problem::{AuthoringProblem, Problem};
use crate::say::note;

/// Where a tool's folder has what is built of it.
pub(super) const BUILD: &str = "build";

/// What a tool is built from, by the ends of names.
const SOURCES: [&str; 8] = ["rs", "py", "js", "go", "c", "h", "zig", "json"];
/// Files of a folder that are looked at for that.
const SOURCES_MAX: usize = 1_000;

/// A component, and the folder that its cases lie in.
pub(super) struct Subject {
    pub(super) path: PathBuf,
    /// The tool; the first one where nobody has said which.
    pub(super) component: Described,
    /// All tools of the component.
    pub(super) names: Vec<String>,
    /// Whether there is no doubt which tool is meant.
    pub(super) is_clear: bool,
    cases: Vec<PathBuf>,
}

impl Subject {
    /// Reads the component that was named, by itself or by its folder.
    pub(super) fn open(named: &ToolUnderTest) -> Result<Self, Problem> {
        let is_folder = named.tool.is_dir();
        let path = if is_folder { built(&named.tool)? } else { named.tool.clone() };
        if is_folder && let Some(newer) = newer_source(&named.tool, &path) {
            let (component, dir) = (path.display(), named.tool.display());
            note(&format!(
                "{component} is older than {newer}: `stepwell tool build {dir}` builds it again"
            ));
        }
        let unreadable = |source| Problem::File { what: "read", path: path.clone(), source };
        let bytes = fs::read(&path).map_err(unreadable)?;
        let name = path.display().to_string();
        let all = Described::all(bytes, &name)
            .map_err(|source| Problem::BadComponent { name: name.clone(), source })?;
        let names: Vec<String> = all.iter().map(|one| one.manifest().name.clone()).collect();
        let is_meant =
            |one: &Described| named.function.as_ref().is_none_or(|it| one.manifest().name == *it);
        let component = all.into_iter().find(is_meant).ok_or_else(|| {
            let function = named.function.clone().unwrap_or_default();
            AuthoringProblem::NoFunction { function, names: names.clone() }
        })?;
        let is_clear = named.function.is_some() || names.len() == 1;
        let beside = if is_folder { named.tool.clone() } else { folder_of(&path) };
        let usual = [beside.join("cases.toml"), beside.join("cases")];
        let cases = match &named.cases {
            Some(place) => vec![place.clone()],
            None => usual.into_iter().filter(|place| place.exists()).collect(),
        };
        Ok(Self { path, component, names, is_clear, cases })
    }

    /// That it is clear which of the component's tools is meant.
    pub(super) fn one(&self) -> Result<(), AuthoringProblem> {
        match self.is_clear {
            true => Ok(()),
            false => Err(AuthoringProblem::SeveralFunctions { names: self.names.clone() }),
        }
    }

    /// Its cases; none where it has none.
    pub(super) fn cases(&self) -> Result<Vec<Case>, AuthoringProblem> {
        let mut all = Vec::new();
        for place in &self.cases {
            all.extend(cases::read(place)?);
        }
        Ok(all)
    }
}

/// The folder of the tool that a component was built of: `build` is not where cases lie.
fn folder_of(component: &Path) -> PathBuf {
    let folder = component.parent().unwrap_or(Path::new("."));
    let is_build = folder.file_name().is_some_and(|name| name == BUILD);
    let folder = if is_build { folder.parent().unwrap_or(folder) } else { folder };
    folder.to_owned()
}

/// A source that was changed since the component was built of it.
fn newer_source(dir: &Path, component: &Path) -> Option<String> {
    let built = fs::metadata(component).and_then(|about| about.modified()).ok()?;
    let entries =
        [dir.to_owned(), dir.join("src")].into_iter().filter_map(|dir| fs::read_dir(dir).ok());
    let mut names: Vec<String> = entries
        .flat_map(|entries| entries.flatten().take(SOURCES_MAX))
        .filter(|entry| {
            SOURCES.iter().any(|end| entry.path().extension().is_some_and(|e| e == *end))
        })
        .filter(|entry| {
            entry.metadata().and_then(|about| about.modified()).is_ok_and(|at| at > built)
        })
        .map(|entry| entry.file_name().display().to_string())
        .collect();
    names.sort();
    names.into_iter().next()
}

/// The one component in a tool's folder.
fn built(dir: &Path) -> Result<PathBuf, AuthoringProblem> {
    let entries = fs::read_dir(dir.join(BUILD)).into_iter().flatten().flatten();
    let is_component = |path: &PathBuf| path.extension().is_some_and(|end| end == "wasm");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_component).collect();
    found.sort();
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(AuthoringProblem::NotBuilt { dir: dir.to_owned() }),
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            found.push(last);
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().display().to_string();
            let names = found.iter().map(name).collect();
            Err(AuthoringProblem::SeveralBuilt { dir: dir.to_owned(), names })
        }
    }
}
