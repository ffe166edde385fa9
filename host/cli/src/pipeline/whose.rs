//! Whose change a pipeline looks at: by what the platform itself says, never by a name, a branch or
//! a text that whoever opened the change has chosen. In doubt it is a stranger's.
//!
//! Sources: GitHub, "Events that trigger workflows" and the payload of `pull_request`; GitLab,
//! "Predefined CI/CD variables"; Buildkite, "Environment variables"; Azure, "Predefined variables";
//! Jenkins, the branch API's `CHANGE_FORK`.

use std::env;
use std::fs::File;
use std::io::Read as _;

use serde::Deserialize;
use session::Trust;

use super::Service;

/// Whose change it is, and how that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whose {
    /// Its worth.
    pub(crate) trust: Trust,
    /// For people.
    pub(crate) because: &'static str,
}

const fn whose(trust: Trust, because: &'static str) -> Whose {
    Whose { trust, because }
}

const OWN: Whose = whose(Trust::Head, "a pull request from a branch of the repository itself");
const FORK: Whose = whose(Trust::Stranger, "a pull request from another repository");
const UNKNOWN: Whose =
    whose(Trust::Stranger, "this pipeline does not say whose change it is, as far as is known");
const PUSHED: Whose = whose(Trust::Member, "somebody who may write to the repository began it");

/// The largest account of an event that is read; GitHub's own are cut at less.
const EVENT_BYTES_MAX: u64 = 25 << 20;

/// Whose change this process looks at.
pub(crate) fn here() -> Whose {
    let var = |name: &str| env::var(name).ok();
    let event = var("GITHUB_EVENT_PATH").and_then(|path| {
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(EVENT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    });
    of(var, event.as_deref())
}

/// Whose change it is. `var` reads the environment; `event` is GitHub's own account of what began
/// the workflow, where it could be read.
fn of(var: impl Fn(&str) -> Option<String>, event: Option<&[u8]>) -> Whose {
    let var = |name: &str| var(name).filter(|value| !value.trim().is_empty());
    match Service::of(var) {
        Some(Service::GitHub) => github(var, event),
        Some(Service::GitLab) => gitlab(var),
        Some(Service::Buildkite) => buildkite(var),
        Some(Service::Azure) => azure(var),
        Some(Service::Jenkins) => jenkins(var),
        Some(Service::TeamCity) => UNKNOWN,
        None if var("CI").is_some() => UNKNOWN,
        None => whose(Trust::Operator, "no pipeline: whoever runs it knows what is checked out"),
    }
}

/// What of the payload of `pull_request` is looked at.
#[derive(Deserialize)]
struct Event {
    pull_request: Option<PullRequest>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Side,
}

#[derive(Deserialize)]
struct Side {
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

fn github(var: impl Fn(&str) -> Option<String>, event: Option<&[u8]>) -> Whose {
    match var("GITHUB_EVENT_NAME").as_deref() {
        Some("push" | "schedule" | "workflow_dispatch" | "merge_group" | "release") => PUSHED,
        Some("pull_request") => {
            let event = event.and_then(|bytes| serde_json::from_slice::<Event>(bytes).ok());
            let head =
                |event: &Event| event.pull_request.as_ref()?.head.repo.as_ref().map(|r| r.id);
            match event.as_ref().map(|event| (head(event), event.repository.as_ref())) {
                Some((Some(head), Some(own))) if head == own.id => OWN,
                Some((Some(_), Some(_))) => FORK,
                Some(_) | None => {
                    whose(Trust::Stranger, "the event does not say where the pull request is from")
                }
            }
        }
        Some(_) | None => whose(Trust::Stranger, "anybody can begin a workflow by this event"),
    }
}

fn gitlab(var: impl Fn(&str) -> Option<String>) -> Whose {
    match var("CI_PIPELINE_SOURCE").as_deref() {
        Some("merge_request_event") => {
            match (var("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), var("CI_MERGE_REQUEST_PROJECT_ID")) {
                (Some(from), Some(to)) if from == to => OWN,
                _ => FORK,
            }
        }
        Some("push" | "web" | "schedule" | "api" | "trigger" | "pipeline" | "parent_pipeline") => {
            PUSHED
        }
        Some(_) | None => whose(Trust::Stranger, "the pipeline does not say what began it"),
    }
}

fn buildkite(var: impl Fn(&str) -> Option<String>) -> Whose {
    if var("BUILDKITE_PULL_REQUEST").is_some_and(|number| number == "false") {
        return PUSHED;
    }
    match (var("BUILDKITE_PULL_REQUEST_REPO"), var("BUILDKITE_REPO")) {
        (Some(from), Some(to)) if place(&from) == place(&to) => OWN,
        _ => FORK,
    }
}

/// `host/path` of a repository's address, however it is written.
fn place(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.trim_end_matches('/').trim_end_matches(".git").replacen(':', "/", 1).to_lowercase()
}

fn azure(var: impl Fn(&str) -> Option<String>) -> Whose {
    match var("BUILD_REASON").as_deref() {
        Some("PullRequest") => match var("SYSTEM_PULLREQUEST_ISFORK").as_deref() {
            Some("False") => OWN,
            Some(_) | None => FORK,
        },
        Some("Manual" | "IndividualCI" | "BatchedCI" | "Schedule" | "ResourceTrigger") => PUSHED,
        Some(_) | None => whose(Trust::Stranger, "the build does not say what began it"),
    }
}

fn jenkins(var: impl Fn(&str) -> Option<String>) -> Whose {
    match (var("CHANGE_ID"), var("CHANGE_FORK")) {
        (None, None) => PUSHED,
        (Some(_), None) => OWN,
        (_, Some(_)) => FORK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &[(&str, &str)], event: Option<&str>, expected: Trust) {
        let var = |name: &str| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let found = of(var, event.map(str::as_bytes));
        assert_eq!(found.trust, expected, "{vars:?} {event:?}: {}", found.because);
    }

    #[test]
    fn a_fork_is_told_by_what_the_platform_says_and_doubt_makes_a_stranger() {
        let github = |name: &'static str| [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name)];
        let event = |head: &str| {
            format!(r#"{{"repository":{{"id":7}},"pull_request":{{"head":{{"repo":{head}}}}}}}"#)
        };
        check(&github("push"), None, Trust::Member);
        check(&github("pull_request"), Some(&event(r#"{"id":7}"#)), Trust::Head);
        check(&github("pull_request"), Some(&event(r#"{"id":8}"#)), Trust::Stranger);
        // A fork that was deleted since.
        check(&github("pull_request"), Some(&event("null")), Trust::Stranger);
        check(&github("pull_request"), Some("not json"), Trust::Stranger);
        check(&github("pull_request"), None, Trust::Stranger);
        for anybody in ["pull_request_target", "issue_comment", "issues", "workflow_run", "fork"] {
            check(&github(anybody), Some(&event(r#"{"id":7}"#)), Trust::Stranger);
        }
        // What whoever opened it has chosen says nothing.
        let mut named = github("pull_request").to_vec();
        named.extend([("GITHUB_ACTOR", "dependabot[bot]"), ("GITHUB_HEAD_REF", "main")]);
        check(&named, Some(&event(r#"{"id":8}"#)), Trust::Stranger);
    }

    #[test]
    fn each_platform_says_it_in_its_own_words() {
        let gitlab = [("GITLAB_CI", "1"), ("CI_PIPELINE_SOURCE", "merge_request_event")];
        let of_projects = |from, to| {
            let ids =
                [("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", from), ("CI_MERGE_REQUEST_PROJECT_ID", to)];
            [&gitlab[..], &ids[..]].concat()
        };
        check(&of_projects("1", "1"), None, Trust::Head);
        check(&of_projects("2", "1"), None, Trust::Stranger);
        check(&gitlab, None, Trust::Stranger);
        check(&[("GITLAB_CI", "1"), ("CI_PIPELINE_SOURCE", "push")], None, Trust::Member);
        check(&[("GITLAB_CI", "1")], None, Trust::Stranger);

        let buildkite = |from| {
            let own = ("BUILDKITE_REPO", "git@host.example:acme/shop.git");
            vec![("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "3"), own, from]
        };
        let from = "BUILDKITE_PULL_REQUEST_REPO";
        check(&buildkite((from, "https://host.example/Acme/shop")), None, Trust::Head);
        check(&buildkite((from, "https://host.example/evil/shop")), None, Trust::Stranger);
        check(&buildkite(("X", "")), None, Trust::Stranger);
        check(&[("BUILDKITE", "1"), ("BUILDKITE_PULL_REQUEST", "false")], None, Trust::Member);

        let azure = |reason, fork| {
            [("TF_BUILD", "True"), ("BUILD_REASON", reason), ("SYSTEM_PULLREQUEST_ISFORK", fork)]
        };
        check(&azure("PullRequest", "False"), None, Trust::Head);
        check(&azure("PullRequest", "True"), None, Trust::Stranger);
        check(&azure("PullRequest", ""), None, Trust::Stranger);
        check(&azure("Schedule", ""), None, Trust::Member);

        let jenkins = ("JENKINS_URL", "x");
        check(&[jenkins], None, Trust::Member);
        check(&[jenkins, ("CHANGE_ID", "3")], None, Trust::Head);
        check(&[jenkins, ("CHANGE_ID", "3"), ("CHANGE_FORK", "evil")], None, Trust::Stranger);

        // TeamCity says nothing of it, and does not set `CI` either.
        check(&[("TEAMCITY_VERSION", "2025.07")], None, Trust::Stranger);
        check(&[("CI", "true")], None, Trust::Stranger);
        check(&[], None, Trust::Operator);
    }
}
