//! The gate `house_rules`, as a team would write it: whoever changes the interface says so in the
//! changelog, and some words are only for people to add.

use serde::Deserialize;
use stepwell::{Patch, Refusal, Tree, Verdict, repository};

stepwell::gate! {
    name: "house_rules",
    description: "Refuses a change of the interface that says nothing in the changelog, and asks a \
        person where a line is added that only a person may add.",
    settings: r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "interface": {
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
                "minItems": 1,
                "description": "What paths of the interface begin with, e.g. `src/api/`."
            },
            "changelog": { "type": "string", "minLength": 1 },
            "careful": {
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
                "description": "Words that only a person may add, e.g. `unsafe`."
            }
        },
        "required": ["interface", "changelog"],
        "additionalProperties": false
    }"#,
    judge: judge,
}

#[derive(Deserialize)]
struct Settings {
    interface: Vec<String>,
    changelog: String,
    #[serde(default)]
    careful: Vec<String>,
}

fn judge(patch: &Patch) -> Result<Verdict, Refusal> {
    let settings: Settings = patch.settings()?;
    let is_interface = |path: &str| settings.interface.iter().any(|begin| path.starts_with(begin));
    let changed: Vec<&str> = patch
        .files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| is_interface(path))
        .collect();
    if !changed.is_empty() && !says_something(&settings.changelog)? {
        let reason = format!(
            "the interface changes, and `{}` says nothing of it: add a line there",
            settings.changelog
        );
        let refuse = Verdict::refuse(reason);
        let at = |verdict: Verdict, path: &&str| verdict.at(path, None, "a file of the interface");
        return Ok(changed.iter().fold(refuse, at));
    }
    let mut asks = Verdict::approval("lines are added that only a person may add");
    for file in &patch.files {
        for line in &file.added {
            for word in settings.careful.iter().filter(|word| line.text.contains(*word)) {
                asks = asks.at(&file.path, Some(line.line), format!("`{word}`"));
            }
        }
    }
    if asks.places().next().is_some() {
        return Ok(asks);
    }
    Ok(Verdict::pass("the interface is as it was, or the changelog tells of it"))
}

/// Whether the changelog has more lines that are not empty than before.
fn says_something(changelog: &str) -> Result<bool, Refusal> {
    let lines = |tree| -> Result<usize, Refusal> {
        if !repository::exists(tree, changelog)? {
            return Ok(0);
        }
        let text = repository::read_text(tree, changelog)?;
        Ok(text.lines().filter(|line| !line.trim().is_empty()).count())
    };
    Ok(lines(Tree::Head)? > lines(Tree::Base)?)
}

#[cfg(test)]
mod tests {
    use stepwell::testing::Repository;

    use super::GATE;

    const SETTINGS: &str =
        r#"{ "interface": ["lib/"], "changelog": "CHANGELOG.md", "careful": ["eval"] }"#;

    #[track_caller]
    fn check(repository: &Repository, ruling: &str, told: &str) {
        let said = repository.judge(&GATE, SETTINGS).answer.expect("a verdict");
        assert!(said.starts_with(&format!(r#"{{"ruling":"{ruling}""#)), "{said}");
        assert!(said.contains(told), "{said}");
    }

    fn project() -> Repository {
        let base = Repository::new().base("lib/a.sh", "one\n").base("CHANGELOG.md", "# Changes\n");
        base.file("lib/a.sh", "two\n").file("CHANGELOG.md", "# Changes\n")
    }

    #[test]
    fn a_change_of_the_interface_needs_a_line_in_the_changelog() {
        check(&project(), "refuse", "add a line there");
        check(&project().file("CHANGELOG.md", "# Changes\n\n"), "refuse", r#""path":"lib/a.sh""#);
        check(&project().file("CHANGELOG.md", "# Changes\n- two\n"), "pass", "tells of it");
        let elsewhere = Repository::new().base("README.md", "a\n").file("README.md", "b\n");
        check(&elsewhere, "pass", "as it was");
    }

    #[test]
    fn what_only_a_person_may_add_waits_for_one() {
        let careful = project()
            .file("lib/a.sh", "one\neval \"$1\"\n")
            .file("CHANGELOG.md", "# Changes\n- eval\n");
        check(&careful, "approval", r#""line":2,"reason":"`eval`""#);
    }
}
