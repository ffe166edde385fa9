//! `conan.lock`, of Conan 1 (a graph) and Conan 2 (lists), and the conanfile beside it.
//!
//! Conan 2 says of each package whether it is needed to run, to build or by a recipe; which of
//! them needs which, it does not say.

mod lists;
mod manifest;
mod nodes;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Input, Unreadable, json, phrase, word};
use crate::Ecosystem;
use crate::graph::{Graph, Kind, Node, Place};
use crate::purl::Purl;

/// The sections of a lock file or a manifest that are not needed to run.
const BUILD_SECTIONS: [&str; 3] = ["build_requires", "python_requires", "config_requires"];

pub(super) fn read(input: &mut Input<'_>) -> Result<Graph, Unreadable> {
    let document = json::object(input)?;
    if let Some(graph) = document.get("graph_lock") {
        return nodes::read(graph, input);
    }
    let is_section = |name: &str| name == "requires" || BUILD_SECTIONS.contains(&name);
    if document.keys().any(|key| is_section(key)) {
        return Ok(lists::read(&document, input));
    }
    Err(Unreadable::Shape("it has neither `graph_lock` nor `requires`"))
}

/// `name/version@user/channel#recipe-revision:package#package-revision%time`, of which all but
/// the name and the version may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reference<'a> {
    name: &'a str,
    version: &'a str,
    user: Option<&'a str>,
    channel: Option<&'a str>,
    revision: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = phrase(text)?;
        let text = text.split_once('%').map_or(text, |(text, _time)| text);
        let (recipe, revision) = match text.split_once('#') {
            Some((recipe, rest)) => (recipe, Some(rest.split([':', '#']).next().unwrap_or(rest))),
            None => (text, None),
        };
        let recipe = recipe.split_once(':').map_or(recipe, |(recipe, _package)| recipe);
        let (name_version, owner) = match recipe.split_once('@') {
            Some((name_version, owner)) => (name_version, owner),
            None => (recipe, ""),
        };
        let (name, version) = name_version.split_once('/')?;
        let (user, channel) = owner.split_once('/').unwrap_or((owner, ""));
        // An underscore stands for none.
        let given = |text: &'a str| word(text).filter(|text| *text != "_");
        Some(Self {
            name: word(name)?,
            version: word(version)?,
            user: given(user),
            channel: given(channel),
            // `0` stands for none, where revisions are not used.
            revision: revision.and_then(word).filter(|text| *text != "0"),
        })
    }

    fn node(self, kind: Kind, place: Place) -> Node {
        let parts = [("channel", self.channel), ("rrev", self.revision), ("user", self.user)];
        let qualifiers: Vec<(&str, &str)> =
            parts.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let purl = Purl {
            qualifiers: &qualifiers,
            ..Purl::new(Ecosystem::Conan, self.name, Some(self.version))
        };
        Node { integrity: self.revision.map(str::to_owned), ..Node::new(purl, kind, place) }
    }
}

/// The members of an object, when it is one.
fn members(raw: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests;
