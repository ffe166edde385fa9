//! Rules about how files belong together.

use std::collections::BTreeSet;

use super::{Complaint, File, Rule, is_data};

/// Everything that is missing somewhere, or stands there for nothing.
pub(super) fn complaints(files: &[File]) -> Vec<Complaint> {
    let tree = Tree { paths: files.iter().map(|file| file.path.as_str()).collect(), files };
    [tree.readmes(), tree.doors(), tree.guests(), tree.modules(), tree.dependencies()].concat()
}

struct Tree<'a> {
    files: &'a [File],
    paths: BTreeSet<&'a str>,
}

impl Tree<'_> {
    /// Each folder at the top says what it is.
    fn readmes(&self) -> Vec<Complaint> {
        let tops = self.paths.iter().filter_map(|path| path.split_once('/'));
        let tops: BTreeSet<&str> = tops.map(|(top, _)| top).collect();
        let silent = tops.into_iter().filter(|top| {
            !top.starts_with('.') && !self.paths.contains(format!("{top}/README.md").as_str())
        });
        silent.map(|top| whole(top, Rule::NoReadme)).collect()
    }

    /// Each crate of the host says what it may not touch.
    fn doors(&self) -> Vec<Complaint> {
        let crates = self.paths.iter().filter_map(|path| {
            let folder = path.strip_suffix("/Cargo.toml")?;
            (folder.starts_with("host/") && folder.matches('/').count() == 1).then_some(folder)
        });
        let open =
            crates.filter(|folder| !self.paths.contains(format!("{folder}/clippy.toml").as_str()));
        open.map(|folder| whole(folder, Rule::NoDoor)).collect()
    }

    /// Each guest of the sandbox's tests is used by one.
    fn guests(&self) -> Vec<Complaint> {
        let guests = self.paths.iter().filter_map(|path| {
            let name = path.strip_prefix("host/sandbox/tests/guests/")?.strip_suffix(".wat")?;
            Some((*path, name))
        });
        let untested = guests.filter(|(_, name)| {
            let names = [format!("\"{name}\""), format!("{name}.wat")];
            !self.rust().any(|(path, text)| {
                let test = path.starts_with("host/sandbox/") || path.starts_with("tests/");
                test && names.iter().any(|name| text.contains(name))
            })
        });
        untested.map(|(path, _)| whole(path, Rule::UntestedGuest)).collect()
    }

    /// Each file of a crate is part of it: cargo says nothing about one that is not.
    fn modules(&self) -> Vec<Complaint> {
        let forgotten = self.rust().filter_map(|(path, _)| {
            let (home, inside) = path.rsplit_once("/src/")?;
            let module = inside.rsplit('/').next()?.strip_suffix(".rs")?;
            let root = ["lib", "main", "mod"].contains(&module) || inside.starts_with("bin/");
            let declared = format!("mod {module};");
            let mut neighbours = self.rust().filter(|(other, _)| other.starts_with(home));
            let known = root || neighbours.any(|(_, text)| text.contains(&declared));
            (!known).then(|| whole(path, Rule::Forgotten { module: module.to_owned() }))
        });
        forgotten.collect()
    }

    /// Each dependency from outside has its reason in `docs/dependencies.md`, and each reason its
    /// dependency.
    fn dependencies(&self) -> Vec<Complaint> {
        const PAGE: &str = "docs/dependencies.md";
        let manifest = self.text("Cargo.toml").and_then(|text| text.parse::<toml::Table>().ok());
        let manifest = manifest.unwrap_or_default();
        let table = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
        let Some(table) = table.and_then(toml::Value::as_table) else { return Vec::new() };
        let outside = table.iter().filter(|(_, value)| value.get("path").is_none());
        let outside: BTreeSet<&str> = outside.map(|(name, _)| name.as_str()).collect();

        let page = self.text(PAGE).unwrap_or_default();
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let explained: BTreeSet<&str> = rows.collect();

        let name = |name: &&str| (*name).to_owned();
        let unexplained = outside.difference(&explained).map(name);
        let gone = explained.difference(&outside).map(name);
        unexplained
            .map(|dependency| Rule::Unexplained { dependency })
            .chain(gone.map(|dependency| Rule::Gone { dependency }))
            .map(|rule| whole(PAGE, rule))
            .collect()
    }

    fn text(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        str::from_utf8(&file.bytes).ok()
    }

    /// Our own Rust.
    fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let ours = self.files.iter().filter(|file| file.path.ends_with(".rs"));
        let ours = ours.filter(|file| !is_data(&file.path));
        ours.filter_map(|file| Some((file.path.as_str(), str::from_utf8(&file.bytes).ok()?)))
    }
}

fn whole(path: &str, rule: Rule) -> Complaint {
    Complaint { path: path.to_owned(), line: None, rule }
}
