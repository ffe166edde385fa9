//! The tool `debug_leftovers`: lines for debugging that a change adds and somebody forgot.
//!
//! It asks the same question of both trees and answers with the difference, so a project's old
//! sins do not drown what the change under review is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stepwell::repository::{LineMatch, MATCHES_MAX, Matches, Search};
use stepwell::{Refusal, Tree};

/// What people write to look at something once: Rust, JavaScript, Python, Ruby, PHP, Go.
const LEFTOVER: &str = r"\bdbg!\(|\bconsole\.(log|debug)\(|^\s*debugger\b|\bbreakpoint\(\)|\bpdb\.set_trace\(|\bbinding\.pry\b|\bvar_dump\(|\bspew\.Dump\(";
/// More than this is a decision and no oversight.
const SHOWN_MAX: usize = 100;

stepwell::tool! {
    name: "debug_leftovers",
    description: "Finds lines for debugging (dbg!, console.log, breakpoint(), var_dump …) that the \
        change adds. Lines that were there before are not shown.",
    schema: r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "globs": {
                "type": "array",
                "items": { "type": "string" },
                "maxItems": 64,
                "description": "Only files whose path matches one of these, e.g. `src/**`. Default: all."
            }
        },
        "additionalProperties": false
    }"#,
    call: debug_leftovers,
}

#[derive(Deserialize)]
pub struct Input {
    #[serde(default)]
    globs: Vec<String>,
}

#[derive(Serialize)]
pub struct Output {
    added: Vec<Leftover>,
    /// Whether there is more than is shown.
    truncated: bool,
}

#[derive(Serialize)]
struct Leftover {
    path: String,
    line: u32,
    text: String,
}

fn debug_leftovers(Input { globs }: Input) -> Result<Output, Refusal> {
    let search = Search::new(LEFTOVER).within(globs);
    let before = search.find(Tree::Base)?;
    let now = search.find(Tree::Head)?;
    if before.truncated || now.truncated {
        return Err(Refusal::new(format!(
            "there are more than {MATCHES_MAX} such lines; name a part of the project in `globs`"
        )));
    }
    let mut added = added(before, now);
    let truncated = added.len() > SHOWN_MAX;
    added.truncate(SHOWN_MAX);
    Ok(Output { added, truncated })
}

/// A line that only moves within its file is not new, however far it moves.
fn added(before: Matches, now: Matches) -> Vec<Leftover> {
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    for LineMatch { path, text, .. } in before.lines {
        *known.entry((path, text.trim().to_owned())).or_default() += 1;
    }
    let is_new = |found: &LineMatch| {
        let left = known.get_mut(&(found.path.clone(), found.text.trim().to_owned()));
        match left {
            Some(left @ 1..) => {
                *left -= 1;
                false
            }
            Some(0) | None => true,
        }
    };
    let leftover = |LineMatch { path, line, text, .. }| Leftover { path, line, text };
    now.lines.into_iter().filter(is_new).map(leftover).collect()
}

#[cfg(test)]
mod tests {
    use stepwell::testing::Repository;

    use super::TOOL;

    #[test]
    fn only_what_the_change_adds_is_found() {
        let repository = Repository::new()
            .base("src/a.rs", "dbg!(old);\n")
            .file("src/a.rs", "\n\n    dbg!(old);\ndbg!(new);\n")
            .file("web/b.js", "console.log(1)\n");
        let answer = |input| repository.call(&TOOL, input).answer.expect("an answer");
        assert_eq!(
            answer(r#"{"globs": ["src/**"]}"#),
            r#"{"added":[{"path":"src/a.rs","line":4,"text":"dbg!(new);"}],"truncated":false}"#
        );
        assert!(answer("{}").contains("web/b.js"));
    }

    #[test]
    fn without_a_base_it_says_so() {
        let run = Repository::new().file("a.rs", "dbg!(1);").call(&TOOL, "{}");
        let refusal = run.answer.expect_err("a refusal");
        assert!(refusal.message().contains("nothing to compare with"), "{refusal}");
    }
}
