//! What is protected, and what lifts it.

use super::*;
use crate::Ruling;

#[track_caller]
fn rules(protected: &[&str], allowed: &[&str]) -> Rules {
    let own = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    let spec = RuleSpec { protected: own(protected), allowed: own(allowed), ..RuleSpec::default() };
    Rules::new(&spec).unwrap()
}

#[test]
fn what_decides_what_runs_is_protected() {
    let rules = rules(&[], &[]);
    let protected = [
        ".github/workflows/ci.yml",
        ".GitHub/workflows/ci.yml",
        "sub/.github/workflows/ci.yml",
        ".gitlab-ci.yml",
        "ci/build.gitlab-ci.yml",
        "Jenkinsfile",
        "deploy/Jenkinsfile.release",
        ".buildkite/pipeline.yml",
        "azure-pipelines.yml",
        ".circleci/config.yml",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitmodules",
        "sub/.gitattributes",
        "AGENTS.md",
        "agents.md",
        "sub/dir/CLAUDE.md",
        "CLAUDE.local.md",
        "GEMINI.md",
        ".claude/settings.json",
        "sub/.claude/settings.json",
        ".gemini/settings.json",
        ".mcp.json",
        ".cursor/rules/x.mdc",
        ".husky/pre-commit",
        "sub/.husky/pre-commit",
        ".githooks/pre-push",
        ".pre-commit-config.yaml",
        "Cargo.toml",
        "Cargo.lock",
        "host/gate/Cargo.toml",
        "web/package.json",
        "web/package-lock.json",
        "pnpm-lock.yaml",
        "requirements-dev.txt",
        "pyproject.toml",
        "uv.lock",
        "go.sum",
        "app/build.gradle.kts",
        "App.csproj",
        "App.vbproj",
        "packages.linux.lock.json",
        "Directory.Build.props",
        "constraints.txt",
        "buildscript-gradle.lockfile",
        "gradle/dependency-locks/compile.lockfile",
        "vendor/modules.txt",
        "infra/.terraform.lock.hcl",
        ".vscode/tasks.json",
        ".cargo/config.toml",
    ];
    let missed: Vec<_> = protected.into_iter().filter(|path| !rules.protects(path)).collect();
    assert!(missed.is_empty(), "not protected: {missed:?}");
}

#[test]
fn ordinary_files_are_not() {
    let rules = rules(&[], &[]);
    let free = [
        "src/lib.rs",
        "README.md",
        "docs/agents.html",
        "src/package.rs",
        ".gitignore",
        "x/.env.example",
    ];
    let caught: Vec<_> = free.into_iter().filter(|path| rules.protects(path)).collect();
    assert!(caught.is_empty(), "protected: {caught:?}");
}

#[test]
fn a_protection_is_added_or_lifted_by_name() {
    let rules = rules(&["Migrations/**"], &["Cargo.lock", ".github/ISSUE_TEMPLATE/*"]);
    assert!(rules.protects("migrations/1.sql"));
    assert!(!rules.protects("Cargo.lock"));
    assert!(rules.protects("sub/Cargo.lock"));
    assert!(rules.protects("cargo.lock"), "lifting is exact about case");
    assert!(!rules.protects(".github/ISSUE_TEMPLATE/bug.md"));
    assert!(rules.protects(".github/ISSUE_TEMPLATE/sub/bug.md"));
}

#[test]
fn rules_that_cannot_be_used_say_which_pattern() {
    let problem = |spec: RuleSpec| Rules::new(&spec).unwrap_err().to_string();
    let one = |pattern: &str| vec![pattern.to_owned()];
    let problems = [
        problem(RuleSpec { allowed: one("src/[a"), ..RuleSpec::default() }),
        problem(RuleSpec { protected: one("{a,b"), ..RuleSpec::default() }),
        problem(RuleSpec { protected: vec!["x".into(); PATTERNS_MAX + 1], ..RuleSpec::default() }),
    ];
    insta::assert_snapshot!(problems.join("\n"), @"
    the pattern `src/[a` cannot be used: unclosed character class; missing ']'
    the pattern `{a,b` cannot be used: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
    257 patterns, the most is 256; use wider ones
    ");
}

#[test]
fn equal_rules_have_equal_texts_and_different_ones_different() {
    let text = |spec: &RuleSpec| Rules::new(spec).unwrap().canonical();
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let default = RuleSpec::default();
    let ordered = RuleSpec { protected: list(&["a", "b"]), ..default.clone() };
    let otherwise = RuleSpec { protected: list(&["b", "a"]), ..default.clone() };
    assert_eq!(text(&ordered), text(&otherwise));
    let dependencies = |change: fn(&mut DependencySpec)| {
        let mut spec = default.clone();
        change(&mut spec.dependencies);
        spec
    };
    let then = |change: fn(&mut ThenSpec)| {
        let mut spec = default.clone();
        change(&mut spec.then);
        spec
    };
    let all = [
        default.clone(),
        ordered,
        RuleSpec { files_max: 21, ..default.clone() },
        RuleSpec { lines_max: 21, ..default.clone() },
        RuleSpec { allowed: list(&["a", "b"]), ..default.clone() },
        RuleSpec { allowed: list(&["a\"\nallowed \"b"]), ..default.clone() },
        then(|then| then.files_max = Then::Approval),
        then(|then| then.lines_max = Then::Approval),
        then(|then| then.protected_paths = Then::Approval),
        then(|then| then.hidden_characters = Then::Approval),
        then(|then| then.tests = Then::Approval),
        dependencies(|spec| spec.new = Ruling::Pass),
        dependencies(|spec| spec.removed = Ruling::Pass),
        dependencies(|spec| spec.upgraded = Ruling::Pass),
        dependencies(|spec| spec.downgraded = Ruling::Pass),
        dependencies(|spec| spec.content_changed = Then::Approval),
        dependencies(|spec| spec.other_source = Then::Approval),
        dependencies(|spec| spec.licence = Then::Approval),
        dependencies(|spec| spec.licences_allowed = vec!["MIT".to_owned()]),
        dependencies(|spec| spec.licences_denied = vec!["MIT".to_owned()]),
        dependencies(|spec| spec.cooldown_days = Some(0)),
        dependencies(|spec| spec.too_young = Then::Approval),
    ];
    let texts: std::collections::BTreeSet<String> = all.iter().map(text).collect();
    assert_eq!(texts.len(), all.len());
}

#[test]
fn licences_that_could_never_match_are_refused() {
    let problem = |allowed: &str, denied: &str| {
        let dependencies = DependencySpec {
            licences_allowed: vec![allowed.to_owned()],
            licences_denied: vec![denied.to_owned()],
            ..DependencySpec::default()
        };
        Rules::new(&RuleSpec { dependencies, ..RuleSpec::default() }).unwrap_err().to_string()
    };
    insta::assert_snapshot!([problem("mit", "MIT"), problem("MIT", "MIT")].join("\n"), @"
    `mit` is no identifier of the SPDX licence list
    the licence `MIT` is both allowed and denied
    ");
}

#[test]
fn what_dependencies_come_in_by_is_known() {
    let rules = rules(&[], &[]);
    for path in ["Cargo.lock", "web/package.json", "Dockerfile.ci", ".github/workflows/ci.yml"] {
        assert!(rules.is_source_of_dependencies(path), "{path}");
    }
    assert!(!rules.is_source_of_dependencies("src/lib.rs"));
}
