//! Dockerfiles: the images they build on and copy from.
//!
//! Only global arguments count in `FROM`, with their defaults: what a build passes is not at hand.
//! The images that the last stage is made of are shipped; those of other stages only build.
//!
//! A Dockerfile is no package, and has no name of its own: the graph has no root.

pub(super) mod image;
mod lines;

use std::collections::BTreeMap;

use super::{Input, PACKAGES_MAX, Unreadable};
use crate::graph::{Builder, Graph, Node, Place, Scope};
use image::Image;
use lines::{Arguments, Instruction};

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    // Patterns of files to leave out of a build, named after the Dockerfile they belong to.
    if input.path.ends_with(".dockerignore") {
        return Ok(Graph::default());
    }
    let instructions = lines::read(input.text, &mut input.faults);
    let mut file = File { path: input.path.to_owned(), ..File::default() };
    if let Some((line, frontend)) = lines::frontend(input.text) {
        file.enter(frontend, line, Scope::Build, input);
    }
    for instruction in &instructions {
        match instruction.keyword() {
            Some("FROM") => file.from(instruction, input),
            Some("ARG") if file.stages.is_empty() => file.arguments.define(&instruction.text),
            Some("COPY" | "ADD") => {
                for from in instruction.flags("--from=") {
                    file.copied(from, instruction.line, Scope::Runtime, input);
                }
            }
            Some("RUN") => {
                let mounts = instruction.flags("--mount=").flat_map(|mount| mount.split(','));
                for from in mounts.filter_map(|part| part.strip_prefix("from=")) {
                    file.copied(from, instruction.line, Scope::Build, input);
                }
            }
            Some(_) => {}
            None => input.faults.add(Some(instruction.line), "no instruction of a Dockerfile"),
        }
    }
    if file.stages.is_empty() {
        return Err(Unreadable::Shape("it has no usable `FROM`"));
    }
    Ok(file.graph())
}

/// The most stages among which one is looked for whose name a variable makes.
const STAGES_SEEN_MAX: usize = 1_000;

/// The most stages that one name with a variable in it may mean.
const STAGES_MEANT_MAX: usize = 16;

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Base {
    Image(usize),
    /// Earlier ones: several when a variable that only the builder knows decides.
    Stages(Vec<usize>),
    /// `scratch`, or something that is not known here.
    Nothing,
}

#[derive(Debug)]
struct Stage {
    base: Base,
    /// What it copies files from into itself.
    copies: Vec<usize>,
}

#[derive(Debug, Default)]
struct File {
    path: String,
    arguments: Arguments,
    stages: Vec<Stage>,
    /// By name in lower case: the last stage of a name is meant.
    names: BTreeMap<String, usize>,
    images: Vec<Node>,
    numbers: BTreeMap<String, usize>,
}

impl File {
    fn from(&mut self, instruction: &Instruction<'_>, input: &mut Input<'_>) {
        let mut words = instruction.words().filter(|word| !word.starts_with("--"));
        let line = instruction.line;
        let base = match words.next() {
            None => {
                input.faults.add(Some(line), "a `FROM` without an image");
                Base::Nothing
            }
            Some(written) => self.base(written, line, input),
        };
        let name = match (words.next(), words.next()) {
            (Some(word), Some(name)) if word.eq_ignore_ascii_case("as") => Some(name),
            _ => None,
        };
        if let Some(name) = name {
            self.names.insert(name.to_lowercase(), self.stages.len());
        }
        self.stages.push(Stage { base, copies: Vec::new() });
    }

    fn base(&mut self, written: &str, line: u32, input: &mut Input<'_>) -> Base {
        let expanded = self.arguments.expand(written);
        if expanded == "scratch" {
            return Base::Nothing;
        }
        let stages = self.stages_called(&expanded.to_lowercase());
        if !stages.is_empty() {
            return Base::Stages(stages);
        }
        self.enter_expanded(written, &expanded, line, Scope::Build, input)
            .map_or(Base::Nothing, Base::Image)
    }

    /// The stages that a name means, in which anything may stand for what is not known.
    fn stages_called(&self, name: &str) -> Vec<usize> {
        let Some((start, end)) = name.split_once(image::UNKNOWN) else {
            return self.names.get(name).copied().into_iter().collect();
        };
        let end = end.rsplit(image::UNKNOWN).next().unwrap_or_default();
        if start.is_empty() && end.is_empty() {
            return Vec::new();
        }
        let is_meant = |name: &&String| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        };
        let names = self.names.keys().take(STAGES_SEEN_MAX).filter(is_meant);
        names.take(STAGES_MEANT_MAX).map(|name| self.names[name]).collect()
    }

    /// Files taken from a stage, by name or by number, or from an image.
    fn copied(&mut self, from: &str, line: u32, scope: Scope, input: &mut Input<'_>) {
        let is_stage = self.names.contains_key(&from.to_lowercase())
            || from.parse::<usize>().is_ok_and(|number| number < self.stages.len());
        if is_stage {
            return;
        }
        let Some(image) = self.enter(from, line, Scope::Build, input) else { return };
        if let (Some(stage), Scope::Runtime) = (self.stages.last_mut(), scope) {
            stage.copies.push(image);
        }
    }

    fn enter(
        &mut self,
        written: &str,
        line: u32,
        scope: Scope,
        input: &mut Input<'_>,
    ) -> Option<usize> {
        let expanded = self.arguments.expand(written);
        self.enter_expanded(written, &expanded, line, scope, input)
    }

    fn enter_expanded(
        &mut self,
        written: &str,
        expanded: &str,
        line: u32,
        scope: Scope,
        input: &mut Input<'_>,
    ) -> Option<usize> {
        let image = match Image::parse(expanded) {
            Ok(image) => image,
            Err(reason) => {
                input.faults.add(Some(line), format!("{}: {reason}", image::quoted(written)));
                return None;
            }
        };
        if image.version.is_none() {
            let reason = format!("the version of `{written}` is known only to who builds it");
            input.faults.note_some(Some(line), reason);
        }
        let mut node = image.node(Place { path: self.path.clone(), line });
        node.scope = scope;
        if let Some(&number) = self.numbers.get(&node.purl) {
            self.images[number].places.extend(node.places);
            return Some(number);
        }
        if self.images.len() == PACKAGES_MAX {
            input.faults.add(Some(line), format!("only the first {PACKAGES_MAX} images are read"));
            return None;
        }
        self.numbers.insert(node.purl.clone(), self.images.len());
        self.images.push(node);
        Some(self.images.len() - 1)
    }

    fn graph(mut self) -> Graph {
        let mut shipped = vec![false; self.stages.len()];
        let mut open: Vec<usize> = self.stages.len().checked_sub(1).into_iter().collect();
        while let Some(stage) = open.pop() {
            if std::mem::replace(&mut shipped[stage], true) {
                continue;
            }
            let Stage { base, copies } = &self.stages[stage];
            for &image in copies {
                self.images[image].scope = Scope::Runtime;
            }
            match base {
                Base::Image(image) => self.images[*image].scope = Scope::Runtime,
                Base::Stages(stages) => open.extend(stages),
                Base::Nothing => {}
            }
        }
        let mut builder = Builder::default();
        for mut image in self.images {
            image.places.sort_unstable();
            image.places.dedup();
            builder.node(image);
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests;
