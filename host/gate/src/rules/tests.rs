//! What is protected, and what lifts it.

use super::*;

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
