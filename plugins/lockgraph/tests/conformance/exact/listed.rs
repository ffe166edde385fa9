//! What a second reader makes of a lock file.

use std::collections::BTreeSet;

use lockgraph::Ecosystem;

/// Packages as `name@version`, and which needs which.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) packages: BTreeSet<String>,
    pub(super) edges: BTreeSet<(String, String)>,
    /// Whether edges lead to names alone, because the lock file leaves versions to who resolves.
    pub(super) by_name: bool,
}

impl Listed {
    pub(super) fn by_name() -> Self {
        Self { by_name: true, ..Self::default() }
    }
}

/// `name@version`, or the name alone.
pub(crate) fn label(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> String {
    let name = if ecosystem == Ecosystem::Pypi { python_name(name) } else { name.to_owned() };
    match version.filter(|version| !version.is_empty()) {
        Some(version) => format!("{name}@{version}"),
        None => name,
    }
}

/// A name of Python in the spelling of PEP 503, said another way.
pub(super) fn python_name(name: &str) -> String {
    let plain = name.to_lowercase().replace(['_', '.'], "-");
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}
