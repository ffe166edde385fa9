//! The conanfile.txt or conanfile.py beside a lock file, as far as it can be read without running
//! it.

use crate::format::{Input, PACKAGES_MAX, beside, word};
use crate::graph::EdgeKind;
use crate::path;

/// What the project says of itself.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) path: String,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// Name and version, or a range of versions, of what is needed.
    pub(super) needs: Vec<(String, String, EdgeKind)>,
}

/// The manifest; conan takes the recipe when both are there.
pub(super) fn read(input: &mut Input<'_>) -> Option<Manifest> {
    let path = path::join(input.dir(), "conanfile.py");
    if let Some(text) = beside::text(input, &path) {
        return Some(Manifest { path, ..recipe(&text) });
    }
    let path = path::join(input.dir(), "conanfile.txt");
    let text = beside::text(input, &path)?;
    Some(Manifest { path, ..list(&text) })
}

impl Manifest {
    fn add(&mut self, reference: &str, kind: EdgeKind) {
        let mut parts = reference.trim().split(['/', '@', '#']);
        let (name, version) = (parts.next().and_then(word), parts.next().and_then(word));
        if let (Some(name), Some(version)) = (name, version)
            && self.needs.len() < PACKAGES_MAX
        {
            self.needs.push((name.to_owned(), version.to_owned(), kind));
        }
    }
}

/// A conanfile.txt: sections of references.
fn list(text: &str) -> Manifest {
    let mut manifest = Manifest::default();
    let mut kind = None;
    for line in text.lines() {
        let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
        if line.starts_with('[') {
            kind = section(line.trim_matches(['[', ']']));
        } else if let Some(kind) = kind.filter(|_| !line.starts_with('#')) {
            manifest.add(line, kind);
        }
    }
    manifest
}

/// A conanfile.py: texts after the names of such sections, which are methods or fields of it.
fn recipe(text: &str) -> Manifest {
    let mut manifest = Manifest::default();
    let mut kind = None;
    for line in text.lines() {
        let mut rest = line.trim_start();
        let field = |key: &str| {
            let value = rest.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start();
            quoted(value).and_then(|(text, _)| word(text)).map(str::to_owned)
        };
        manifest.name = manifest.name.or_else(|| field("name"));
        manifest.version = manifest.version.or_else(|| field("version"));
        while let Some(first) = rest.chars().next() {
            rest = match (first, quoted(rest)) {
                ('#', _) => "",
                (_, Some((reference, after))) => {
                    if let Some(kind) = kind {
                        manifest.add(reference, kind);
                    }
                    after
                }
                _ if first.is_alphabetic() || first == '_' => {
                    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                    let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
                    let follows = after.trim_start();
                    if follows.starts_with('(') || (follows.starts_with('=')) {
                        // The arguments of a call go on; whatever else is called or set ends it.
                        let is_argument =
                            follows.starts_with('=') && kind.is_some() && line.contains('(');
                        kind = if is_argument { kind } else { section(name) };
                    }
                    after
                }
                _ => &rest[first.len_utf8()..],
            };
        }
    }
    manifest
}

/// How a project needs what a section lists.
fn section(name: &str) -> Option<EdgeKind> {
    match name {
        "requires" => Some(EdgeKind::Runtime),
        "tool_requires" | "build_requires" | "python_requires" => Some(EdgeKind::Build),
        "test_requires" => Some(EdgeKind::Dev),
        _ => None,
    }
}

/// The text that a line begins with, and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| "\"'".contains(*c))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manifest: &Manifest) -> String {
        let need = |(name, version, kind): &(String, String, EdgeKind)| {
            format!("{name} {version} {}", kind.name())
        };
        manifest.needs.iter().map(need).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_recipe_needs_what_it_names() {
        let text = r#"
class Mine(ConanFile):
    name = "mine"
    version = "1.0"
    settings = "os", "a/b"
    requires = "zlib/1.3.1", "fmt/[>=10]@me/stable"  # "not/this"
    tool_requires = [
        "cmake/3.27.1",
        'ninja/1.11.1',
    ]
    default_options = {"pkg/*:shared": True}

    def requirements(self):
        self.requires("openssl/3.2.2", force=True, headers=True)
        # self.requires("gone/1.0")
        self.test_requires("gtest/1.14.0")
        self.output.info("done/now")
"#;
        let manifest = recipe(text);
        assert_eq!(manifest.name.as_deref(), Some("mine"));
        assert_eq!(manifest.version.as_deref(), Some("1.0"));
        assert_eq!(
            told(&manifest),
            "zlib 1.3.1 runtime, fmt [>=10] runtime, cmake 3.27.1 build, ninja 1.11.1 build, \
             openssl 3.2.2 runtime, gtest 1.14.0 dev"
        );
    }

    #[test]
    fn a_list_needs_what_its_sections_name() {
        let text = "[requires]\nzlib/1.2.12 # why\n# no/1.0\n[options]\nzlib/*:shared=True\n[tool_requires]\ncmake/3.27.1\n";
        assert_eq!(told(&list(text)), "zlib 1.2.12 runtime, cmake 3.27.1 build");
    }
}
