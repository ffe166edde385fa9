//! A `Gemfile`, as far as it can be read without running it: which gems are in which groups.

use std::collections::BTreeMap;

use crate::format::PACKAGES_MAX;
use crate::graph::EdgeKind;

/// Groups that are not shipped. Any other may be.
const DEV_GROUPS: [&str; 2] = ["development", "test"];

/// The deepest nesting of blocks: there are two or three.
const DEPTH_MAX: usize = 64;

/// What each gem that is named outright is asked for: the strongest reason of several.
pub(super) fn read(text: &str) -> BTreeMap<&str, EdgeKind> {
    let mut gems: BTreeMap<&str, EdgeKind> = BTreeMap::new();
    let mut blocks: Vec<Option<EdgeKind>> = Vec::new();
    for line in text.lines() {
        let line = without_comment(line).trim();
        let first = line.split([' ', '(']).next().unwrap_or_default();
        if first == "end" {
            blocks.pop();
        } else if opens_block(line, first) {
            if blocks.len() < DEPTH_MAX {
                blocks.push((first == "group").then(|| kind(&names(line), line)));
            }
        } else if first == "gem"
            && let Some(name) = quoted(line)
            && gems.len() < PACKAGES_MAX
        {
            let own = option(line).map(|groups| kind(&groups, ""));
            let kind = own.or_else(|| blocks.iter().rev().find_map(|block| *block));
            let kind = kind.unwrap_or(EdgeKind::Runtime);
            gems.entry(name).and_modify(|known| *known = kind.min(*known)).or_insert(kind);
        }
    }
    gems
}

fn opens_block(line: &str, first: &str) -> bool {
    const KEYWORDS: [&str; 9] =
        ["begin", "case", "class", "def", "if", "module", "unless", "until", "while"];
    line.ends_with(" do")
        || (line.ends_with('|') && line.contains(" do |"))
        || KEYWORDS.contains(&first)
        || line.contains(" = if ")
        || line.contains(" = case ")
}

fn kind(groups: &[&str], line: &str) -> EdgeKind {
    if !groups.is_empty() && groups.iter().all(|group| DEV_GROUPS.contains(group)) {
        EdgeKind::Dev
    } else if line.contains("optional: true") || line.contains(":optional => true") {
        EdgeKind::Optional
    } else {
        EdgeKind::Runtime
    }
}

/// The symbols and texts of a call: `:a, "b"`.
fn names(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, c) in text.char_indices() {
        let before = text[..at].chars().next_back();
        if (c == ':' && before.is_none_or(|c| " ,[(".contains(c))) || c == '"' || c == '\'' {
            let rest = &text[at + 1..];
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let is_key = rest[end..].trim_start().starts_with("=>");
            if end > 0 && !is_key {
                names.push(&rest[..end]);
            }
        }
    }
    names
}

/// The groups that a gem's own option names.
fn option(line: &str) -> Option<Vec<&str>> {
    let keys = ["group: ", "groups: ", ":group => ", ":groups => "];
    let rest = keys.iter().find_map(|key| line.split_once(key)).map(|(_, rest)| rest)?;
    if let Some(words) = rest.strip_prefix("%i[").or_else(|| rest.strip_prefix("%w[")) {
        return Some(words.split(']').next()?.split_ascii_whitespace().collect());
    }
    let end = if rest.starts_with('[') { rest.find(']') } else { rest.find(',') };
    Some(names(&rest[..end.unwrap_or(rest.len())]))
}

/// The first quoted text, when nothing is put into it while the program runs.
fn quoted(line: &str) -> Option<&str> {
    let start = line.find(['"', '\''])?;
    let quote = if line[start..].starts_with('"') { '"' } else { '\'' };
    let text = line[start + 1..].split(quote).next()?;
    (!text.contains("#{")).then_some(text)
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..at],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gem_is_for_what_its_groups_are_for() {
        let text = r#"
source "https://gems.example.org"
gemspec
gem "plain", "~> 1.0" # gem "remark"
gem 'own', group: :test
gem 'old', :group => [:development, :test], :require => false
gem 'words', groups: %i[test development]
gem 'both', groups: [:test, :production]
gem "name-#{version}"
if ENV["CI"]
  gem "inside"
end
group :development, "test" do
  gem "dev"
  platforms :ruby do
    gem "nested"
  end
  gem "twice"
end
group :docs, optional: true do
  gem "docs"
end
gem "twice"
"#;
        use EdgeKind::{Dev, Optional, Runtime};
        let expected = [
            ("both", Runtime),
            ("dev", Dev),
            ("docs", Optional),
            ("inside", Runtime),
            ("nested", Dev),
            ("old", Dev),
            ("own", Dev),
            ("plain", Runtime),
            ("twice", Runtime),
            ("words", Dev),
        ];
        assert_eq!(read(text), BTreeMap::from(expected));
    }
}
