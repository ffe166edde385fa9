//! `stepwell init`: a step file that fits what is in the repository.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::print;
use crate::args::InitArgs;
use crate::problem::Problem;
use crate::repo;

/// What was found of a project.
#[derive(Debug, Default, PartialEq, Eq)]
struct Project {
    /// The command that runs its tests.
    command: Option<Vec<String>>,
    /// Where that leaves reports.
    reports: Vec<String>,
    /// What it was recognised by.
    because: &'static str,
}

/// Writes the step file.
pub(super) fn init(args: &InitArgs) -> Result<u8, Problem> {
    let root = repo::root(&args.repo.repo)?;
    let dir = root.join(".stepwell");
    let path = dir.join("step.toml");
    if path.exists() && !args.force {
        return Err(Problem::StepExists { path });
    }
    let project = recognise(&root);
    let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&path, step_file(&project)));
    written.map_err(|source| Problem::File { what: "write", path: path.clone(), source })?;
    print(&format!("wrote {} ({})", path.display(), project.because));
    print("look at it, then: stepwell run");
    Ok(0)
}

fn words(command: &[&str]) -> Option<Vec<String>> {
    Some(command.iter().map(|word| (*word).to_owned()).collect())
}

fn recognise(root: &Path) -> Project {
    let has = |name: &str| root.join(name).is_file();
    let nextest = root.join(".config/nextest.toml").is_file();
    if has("Cargo.toml") && nextest {
        let reports = vec!["target/nextest/**/*.xml".to_owned()];
        let command = words(&["cargo", "nextest", "run"]);
        return Project { command, reports, because: "a Cargo project with nextest" };
    }
    if has("Cargo.toml") {
        let command = words(&["cargo", "test", "--no-fail-fast"]);
        return Project { command, reports: vec![], because: "a Cargo project" };
    }
    if has("package.json") {
        let manifest = fs::read_to_string(root.join("package.json")).unwrap_or_default();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
        let tested = manifest.pointer("/scripts/test").is_some();
        let command = if tested { words(&["npm", "test", "--silent"]) } else { None };
        return Project {
            command,
            reports: vec!["**/junit*.xml".into()],
            because: "an npm project",
        };
    }
    if has("go.mod") {
        let command = words(&["go", "test", "./..."]);
        return Project { command, reports: vec![], because: "a Go module" };
    }
    if has("pyproject.toml") || has("pytest.ini") || has("setup.py") {
        let report = "--junitxml=.stepwell-junit.xml";
        let command = words(&["python3", "-m", "pytest", "-q", report]);
        let reports = vec![".stepwell-junit.xml".to_owned()];
        return Project { command, reports, because: "a Python project" };
    }
    Project { because: "no test command was recognised", ..Project::default() }
}

fn list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

fn step_file(project: &Project) -> String {
    let mut text = String::from(HEAD);
    match &project.command {
        Some(command) => {
            let _ = write!(
                text,
                "# The project's own tests. They judge a patch, in a copy of the repository and without\n\
                 # secrets. With `before = true` they run once before anything is asked, too.\n\
                 [verify]\ncommand = {}\nreports = {}\nbefore = false\nrepair-rounds = 1\n",
                list(command),
                list(&project.reports),
            );
        }
        None => text.push_str(
            "# The project's own tests judge a patch. Name their command to have patches tested.\n\
             # [verify]\n# command = [\"make\", \"test\"]\n# reports = [\"**/junit*.xml\"]\n",
        ),
    }
    text.push_str(TAIL);
    text
}

const HEAD: &str = r#"# A step of Stepwell. Every key is explained in docs/step-file.md;
# `stepwell validate` checks this file and shows the defaults of what is left out.
name = "triage"

# `diagnose` ends with findings and next steps; `patch` may end with a patch, too.
goal = "diagnose"

task = """
Find out which tests fail and why, what the change under test has to do with it,
and what to look at first.
"""

"#;

const TAIL: &str = r#"
# Where test reports lie, if your CI leaves some before this step runs. The usual places are
# looked at without it.
# [context]
# reports = ["target/nextest/**/*.xml"]

# What may be spent. An ending by budget still leaves everything found so far.
[budget]
spend = 1.00

# What a patch may touch, besides the built-in protections.
[gates]
files-max = 10
lines-max = 300

# A model. Without it, or without its key, the offline analyst answers: a deterministic triage.
# docs/step-file.md has this for Azure, xAI, and a gateway or server of your own.
# [model]
# name = "gpt-6.1-sol"
# key-env = "OPENAI_API_KEY"
# price = { input = 2.00, cached-input = 0.10, output = 10.00 }   # dollars per million tokens
"#;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::step::Step;

    fn project(files: &[(&str, &str)]) -> Project {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        recognise(dir.path())
    }

    #[test]
    fn a_project_is_recognised_by_its_manifest() {
        let check = |files: &[(&str, &str)], command: Option<&str>| {
            let found = project(files).command.map(|words| words.join(" "));
            assert_eq!(found.as_deref(), command, "{files:?}");
        };
        check(&[("Cargo.toml", "")], Some("cargo test --no-fail-fast"));
        check(&[("Cargo.toml", ""), (".config/nextest.toml", "")], Some("cargo nextest run"));
        check(&[("package.json", r#"{"scripts":{"test":"x"}}"#)], Some("npm test --silent"));
        check(&[("package.json", "not json")], None);
        check(&[("go.mod", "")], Some("go test ./..."));
        check(&[], None);
    }

    #[test]
    fn what_is_written_is_a_step_that_runs_and_its_comments_are_true() {
        let tools: BTreeSet<String> = BTreeSet::new();
        for project in [project(&[("Cargo.toml", "")]), project(&[])] {
            let text = step_file(&project);
            let step = Step::parse(text.as_bytes()).unwrap();
            crate::plan::plan(&step, &tools).unwrap();
            let uncommented = text.replace("# [", "[").replace("# reports", "reports");
            let uncommented = uncommented.replace("# name", "name").replace("# key", "key");
            let uncommented =
                uncommented.replace("# price", "price").replace("# command", "command");
            let step = Step::parse(uncommented.as_bytes()).unwrap();
            assert!(step.model.is_some() && step.verify.is_some());
        }
    }
}
