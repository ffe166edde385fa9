//! Workflows and actions of GitHub: the repositories and the images that they use.
//!
//! What is used is fetched as a whole repository at a revision, whatever directory of it is meant:
//! that is the package. Its version is the revision as written. Only a full commit pins it, and is
//! its `integrity`, too; a branch or a tag may be another one tomorrow.
//!
//! A workflow is no package: the graph has no root. All of it builds, nothing is shipped.

use std::collections::{BTreeMap, BTreeSet};

use super::docker::image::{Image, quoted};
use super::yaml::{self, Yaml};
use super::{Input, PACKAGES_MAX, Unreadable, phrase, word};
use crate::ecosystem::Ecosystem;
use crate::graph::{Builder, Graph, Kind, Node, Place, Scope};
use crate::path;
use crate::purl::Purl;

/// The digits of a full commit: SHA-1, and SHA-256 of newer repositories.
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// How often a workflow that is no YAML is tried again up to where it stops being some.
const ATTEMPTS_MAX: usize = 8;

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let mut uses = Uses { path: input.path.to_owned(), ..Uses::default() };
    let err = match yaml::documents(input) {
        Ok(documents) => {
            uses.document(&documents, input);
            return Ok(uses.graph());
        }
        Err(err) if input.text.contains("uses:") => err,
        Err(err) => return Err(err),
    };
    let reason = format!("{err}; from here on only lines that begin with `uses:` are read");
    input.faults.add(err.line(), reason);
    let mut line = err.line();
    for _ in 0..ATTEMPTS_MAX {
        let Some(text) = line.map(|line| before(input.text, line)) else { break };
        match yaml::parse(text) {
            Ok(documents) => {
                uses.document(&documents, input);
                break;
            }
            // Not always an earlier line: what begins before it may only fail there.
            Err(err) => line = err.line().min(line.map(|line| line.saturating_sub(1))),
        }
    }
    uses.lines(input);
    Ok(uses.graph())
}

/// The text before a line.
fn before(text: &str, line: u32) -> &str {
    let lines =
        text.split_inclusive('\n').take(usize::try_from(line).unwrap_or(0).saturating_sub(1));
    &text[..lines.map(str::len).sum()]
}

/// What is used, each once.
#[derive(Debug, Default)]
struct Uses {
    path: String,
    nodes: Vec<Node>,
    numbers: BTreeMap<String, usize>,
}

impl Uses {
    fn document(&mut self, documents: &[Yaml<'_>], input: &mut Input<'_>) {
        let is_action = path::file_name(input.path).starts_with("action.");
        match documents.first() {
            Some(document) if is_action => self.action(document, input),
            Some(document) => self.workflow(document, input),
            None => {}
        }
    }

    fn workflow(&mut self, document: &Yaml<'_>, input: &mut Input<'_>) {
        if !input.path.starts_with(".github/") {
            let reason = "not at the root of the repository, where GitHub would run it";
            input.faults.note(None, reason);
        }
        let Some(jobs) = document.get("jobs") else {
            return input.faults.note(Some(document.line), "a workflow without jobs");
        };
        if jobs.members().is_empty() {
            return input.faults.add(Some(jobs.line), "`jobs` is no mapping of jobs");
        }
        for (_, job) in jobs.members() {
            if let Some(workflow) = job.get("uses") {
                self.uses(workflow, input);
            }
            if let Some(container) = job.get("container") {
                self.container(container, input);
            }
            let services = job.get("services").map(Yaml::members).unwrap_or_default();
            for (_, service) in services {
                self.container(service, input);
            }
            self.steps(job, input);
        }
    }

    fn action(&mut self, document: &Yaml<'_>, input: &mut Input<'_>) {
        let Some(runs) = document.get("runs") else {
            return input.faults.note(Some(document.line), "no action: nothing says how it runs");
        };
        self.steps(runs, input);
        // Another file of the repository when it has no scheme.
        if runs.text_at("image").is_some_and(|image| image.starts_with("docker://"))
            && let Some(image) = runs.get("image")
        {
            self.uses(image, input);
        }
    }

    fn steps(&mut self, job: &Yaml<'_>, input: &mut Input<'_>) {
        let Some(steps) = job.get("steps") else { return };
        if steps.text().is_some() {
            return input.faults.add(Some(steps.line), "`steps` is no list of steps");
        }
        for step in steps.items() {
            if let Some(action) = step.get("uses") {
                self.uses(action, input);
            }
        }
    }

    fn uses(&mut self, written: &Yaml<'_>, input: &mut Input<'_>) {
        match written.text() {
            Some(text) => self.enter(text, written.line, input),
            None => input.faults.add(Some(written.line), "`uses` says nothing"),
        }
    }

    /// The image a job or a service runs in: a text, or a mapping with one.
    fn container(&mut self, written: &Yaml<'_>, input: &mut Input<'_>) {
        let image = written.get("image").unwrap_or(written);
        match image.text() {
            // Chosen when the workflow runs; empty means none.
            Some(text) if text.contains("${{") => {
                let reason = format!("which image `{text}` is becomes known when it runs");
                input.faults.note_some(Some(image.line), reason);
            }
            Some(text) => self.image(text, image.line, input),
            None => {}
        }
    }

    fn image(&mut self, text: &str, line: u32, input: &mut Input<'_>) {
        match Image::parse(text) {
            Ok(image) => self.add(image.node(self.place(line)), line, input),
            Err(reason) => input.faults.add(Some(line), format!("{}: {reason}", quoted(text))),
        }
    }

    fn enter(&mut self, text: &str, line: u32, input: &mut Input<'_>) {
        if let Some(image) = text.strip_prefix("docker://") {
            return self.image(image, line, input);
        }
        // Of this repository: no package of anybody else.
        if text.starts_with("./") || text.starts_with("../") || text == "." {
            return;
        }
        match action(text) {
            Ok((name, revision)) => {
                let is_commit = COMMIT_DIGITS.contains(&revision.len())
                    && revision.bytes().all(|b| b.is_ascii_hexdigit());
                let purl = Purl::new(Ecosystem::Github, name, Some(revision));
                let mut node = Node::new(purl, Kind::Git, self.place(line));
                node.integrity = is_commit.then(|| revision.to_owned());
                self.add(node, line, input);
            }
            Err(reason) => input.faults.add(Some(line), format!("{}: {reason}", quoted(text))),
        }
    }

    fn place(&self, line: u32) -> Place {
        Place { path: self.path.clone(), line }
    }

    fn add(&mut self, mut node: Node, line: u32, input: &mut Input<'_>) {
        if let Some(&number) = self.numbers.get(&node.purl) {
            return self.nodes[number].places.append(&mut node.places);
        }
        if self.nodes.len() == PACKAGES_MAX {
            let reason = format!("only the first {PACKAGES_MAX} packages are read");
            return input.faults.add(Some(line), reason);
        }
        node.scope = Scope::Build;
        self.numbers.insert(node.purl.clone(), self.nodes.len());
        self.nodes.push(node);
    }

    /// What can be read of a file that is no YAML: lines that say what is used, each once.
    fn lines(&mut self, input: &mut Input<'_>) {
        let told: BTreeSet<u32> =
            self.nodes.iter().flat_map(|node| &node.places).map(|place| place.line).collect();
        for (line, text) in (1..).zip(input.text.lines()).filter(|(line, _)| !told.contains(line)) {
            let text = text.trim_start().trim_start_matches("- ").trim_start();
            let Some(value) = text.strip_prefix("uses:") else { continue };
            let value = value.split(" #").next().unwrap_or_default();
            let value = value.trim().trim_matches(['"', '\'']);
            self.enter(value, line, input);
        }
    }

    fn graph(self) -> Graph {
        let mut builder = Builder::default();
        for mut node in self.nodes {
            node.places.sort_unstable();
            node.places.dedup();
            builder.node(node);
        }
        builder.finish()
    }
}

/// The repository and the revision of `owner/repository/directory@revision`.
fn action(text: &str) -> Result<(&str, &str), &'static str> {
    if text.contains("${{") {
        return Err("what it is becomes known when it runs");
    }
    let (location, revision) = text.split_once('@').ok_or("it names no revision")?;
    let revision = word(revision).ok_or("it names no usable revision")?;
    let mut parts = location.split('/');
    let is_part = |part: &&str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        word(part).is_some() && part.chars().all(is_plain)
    };
    match (parts.next().filter(is_part), parts.next().filter(is_part), phrase(location)) {
        (Some(owner), Some(repository), Some(_)) => {
            Ok((&location[..owner.len() + 1 + repository.len()], revision))
        }
        _ => Err("it names no repository"),
    }
}

#[cfg(test)]
mod tests;
