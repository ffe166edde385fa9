//! A `mix.exs`, as far as it can be read without running it.

use std::collections::BTreeMap;

use crate::format::{PACKAGES_MAX, word};
use crate::graph::EdgeKind;

/// The most bytes of one dependency's tuple.
const TUPLE_BYTES_MAX: usize = 4_096;

/// What a project says of itself.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) app: Option<String>,
    pub(super) version: Option<String>,
    /// The directory of an umbrella's projects.
    pub(super) apps_path: Option<String>,
    /// Tuples that begin with an atom, by it: dependencies, and whatever looks like one.
    pub(super) needs: BTreeMap<String, EdgeKind>,
}

impl Manifest {
    pub(super) fn read(text: &str) -> Self {
        let code: String = text.lines().flat_map(|line| [without_comment(line), "\n"]).collect();
        let mut manifest = Self {
            app: after(&code, "app: :").map(str::to_owned),
            version: quoted_after(&code, " version: \"")
                .or_else(|| quoted_after(&code, "@version \""))
                .map(str::to_owned),
            apps_path: quoted_after(&code, "apps_path: \"").map(str::to_owned),
            needs: BTreeMap::new(),
        };
        for (at, _) in code.match_indices("{:").take(PACKAGES_MAX) {
            let rest = &code[at + 2..];
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            if let Some(name) = word(&rest[..end]) {
                let kind = kind(tuple(&rest[end..]));
                let known = manifest.needs.entry(name.to_owned()).or_insert(kind);
                *known = kind.min(*known);
            }
        }
        manifest
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn after<'a>(code: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = code.split_once(key)?;
    word(&rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())])
}

fn quoted_after<'a>(code: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = code.split_once(key)?;
    word(rest.split(['"', '\n']).next()?)
}

/// The rest of a tuple up to its end.
fn tuple(rest: &str) -> &str {
    let mut depth = 0usize;
    let mut quoted = false;
    for (at, byte) in rest.bytes().take(TUPLE_BYTES_MAX).enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return &rest[..at],
            },
            _ => {}
        }
    }
    ""
}

/// What the options of a dependency make of it.
fn kind(options: &str) -> EdgeKind {
    let only = options.split_once("only:").map(|(_, rest)| {
        let rest = rest.trim_start();
        let end = if rest.starts_with('[') { rest.find(']') } else { rest.find([',', '\n']) };
        &rest[..end.unwrap_or(rest.len())]
    });
    // `:prod` is what is shipped; any other environment is of whoever works on the project.
    match only {
        Some(only) if only.contains(':') && !only.contains(":prod") => EdgeKind::Dev,
        _ if options.contains("optional: true") => EdgeKind::Optional,
        _ if options.contains("runtime: false") => EdgeKind::Build,
        _ => EdgeKind::Runtime,
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '#' if !quoted => return &line[..at],
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_for_the_environments_it_names() {
        let text = r#"
defmodule My.MixProject do
  use Mix.Project
  @version "1.2.3"
  def project do
    [app: :my_app, version: @version, elixir: "~> 1.15", deps: deps()]
  end
  defp deps do
    [
      {:phoenix, "~> 1.7"}, {:floki, ">= 0.30.0", only: :test},
      {:credo, "~> 1.6", only: [:dev, :test], runtime: false},
      {:both, "~> 1.6", only: [:test, :prod]},
      # {:gone, "~> 1.0"},
      {:esbuild, "~> 0.5", runtime: Mix.env() == :dev},
      {:styler, "~> 1.0", runtime: false}, {:maybe, "~> 1.0", optional: true},
      {:forked, git: "https://example.org/a#b.git", only: :dev}
    ]
  end
end
"#;
        let manifest = Manifest::read(text);
        assert_eq!(manifest.app.as_deref(), Some("my_app"));
        assert_eq!(manifest.version.as_deref(), Some("1.2.3"));
        let needs: Vec<String> =
            manifest.needs.iter().map(|(name, kind)| format!("{name} {}", kind.name())).collect();
        assert_eq!(
            needs.join(", "),
            "both runtime, credo dev, esbuild runtime, floki dev, forked dev, maybe optional, \
             phoenix runtime, styler build"
        );
    }
}
