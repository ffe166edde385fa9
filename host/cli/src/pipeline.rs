//! What the pipeline says of itself: where this runs, for whom, and how long it may.

pub(crate) mod whose;

use std::time::{Duration, SystemTime};

use runner::Platform;

/// A pipeline, as far as its environment tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    /// The repository, such as `acme/shop`.
    pub(crate) repository: Option<String>,
    /// The branch; of a pull request, the one that is to be merged.
    pub(crate) branch: Option<String>,
    /// The number of the pull request.
    pub(crate) pull_request: Option<String>,
    /// The workflow or pipeline.
    pub(crate) workflow: Option<String>,
    /// The job, to find it again.
    pub(crate) job: Option<String>,
    /// When the pipeline ends the job.
    pub(crate) ends: Option<SystemTime>,
}

/// Whose pipeline it is, by the variable that each of them sets in every job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    /// GitHub Actions, and what follows it.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Buildkite.
    Buildkite,
    /// Azure Pipelines.
    Azure,
    /// TeamCity.
    TeamCity,
    /// Jenkins.
    Jenkins,
}

impl Service {
    /// The one whose job this is; none where it is nobody's that is known.
    fn of(var: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is = |name: &str| var(name).is_some_and(|value| !value.trim().is_empty());
        let known = [
            ("GITHUB_ACTIONS", Self::GitHub),
            ("GITLAB_CI", Self::GitLab),
            ("BUILDKITE", Self::Buildkite),
            ("TF_BUILD", Self::Azure),
            ("TEAMCITY_VERSION", Self::TeamCity),
            ("JENKINS_URL", Self::Jenkins),
        ];
        known.into_iter().find(|(name, _)| is(name)).map(|(_, service)| service)
    }
}

/// Who shows the log of this pipeline.
pub(crate) fn platform(var: impl Fn(&str) -> Option<String>) -> Platform {
    match Service::of(var) {
        Some(Service::GitHub) => Platform::GitHub,
        Some(Service::GitLab) => Platform::GitLab,
        Some(Service::Buildkite) => Platform::Buildkite,
        Some(Service::Azure) => Platform::Azure,
        Some(Service::TeamCity) => Platform::TeamCity,
        Some(Service::Jenkins) | None => Platform::Plain,
    }
}

impl Pipeline {
    /// What of it a trace bears.
    pub(crate) fn named(&self) -> Option<session::Pipeline> {
        let Self { repository, branch, workflow, .. } = self;
        session::Pipeline::named(repository.as_deref(), branch.as_deref(), workflow.as_deref())
    }

    /// Reads the environment, a variable at a time.
    pub(crate) fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.trim().is_empty());
        match Service::of(var) {
            Some(Service::GitHub) => github(var),
            Some(Service::GitLab) => gitlab(var),
            Some(Service::Buildkite) => buildkite(var),
            Some(Service::Azure) => azure(var),
            Some(Service::Jenkins) => jenkins(var),
            Some(Service::TeamCity) | None => Self::default(),
        }
    }
}

fn github(var: impl Fn(&str) -> Option<String>) -> Pipeline {
    let number = |reference: String| {
        reference.strip_prefix("refs/pull/")?.split('/').next().map(str::to_owned)
    };
    Pipeline {
        repository: var("GITHUB_REPOSITORY"),
        branch: var("GITHUB_HEAD_REF").or_else(|| var("GITHUB_REF_NAME")),
        pull_request: var("GITHUB_REF").and_then(number),
        workflow: var("GITHUB_WORKFLOW"),
        job: var("GITHUB_RUN_ID").map(|run| {
            format!("run {run}, attempt {}", var("GITHUB_RUN_ATTEMPT").unwrap_or_default())
        }),
        ends: None,
    }
}

fn gitlab(var: impl Fn(&str) -> Option<String>) -> Pipeline {
    let started =
        var("CI_JOB_STARTED_AT").and_then(|time| humantime::parse_rfc3339(time.trim()).ok());
    let limit = var("CI_JOB_TIMEOUT").and_then(|seconds| seconds.trim().parse().ok());
    Pipeline {
        repository: var("CI_PROJECT_PATH"),
        branch: var("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME").or_else(|| var("CI_COMMIT_REF_NAME")),
        pull_request: var("CI_MERGE_REQUEST_IID"),
        workflow: var("CI_PIPELINE_NAME"),
        job: var("CI_JOB_ID"),
        ends: started
            .zip(limit)
            .and_then(|(started, limit)| started.checked_add(Duration::from_secs(limit))),
    }
}

fn buildkite(var: impl Fn(&str) -> Option<String>) -> Pipeline {
    Pipeline {
        repository: var("BUILDKITE_REPO"),
        branch: var("BUILDKITE_BRANCH"),
        pull_request: var("BUILDKITE_PULL_REQUEST").filter(|number| number != "false"),
        workflow: var("BUILDKITE_PIPELINE_SLUG"),
        job: var("BUILDKITE_JOB_ID"),
        ends: None,
    }
}

fn azure(var: impl Fn(&str) -> Option<String>) -> Pipeline {
    Pipeline {
        repository: var("BUILD_REPOSITORY_NAME"),
        branch: var("SYSTEM_PULLREQUEST_SOURCEBRANCH").or_else(|| var("BUILD_SOURCEBRANCHNAME")),
        pull_request: var("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
            .or_else(|| var("SYSTEM_PULLREQUEST_PULLREQUESTID")),
        workflow: var("BUILD_DEFINITIONNAME"),
        job: var("SYSTEM_JOBID"),
        ends: None,
    }
}

fn jenkins(var: impl Fn(&str) -> Option<String>) -> Pipeline {
    Pipeline {
        repository: var("GIT_URL"),
        branch: var("CHANGE_BRANCH").or_else(|| var("BRANCH_NAME")),
        pull_request: var("CHANGE_ID"),
        workflow: var("JOB_NAME"),
        job: var("BUILD_TAG"),
        ends: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(vars: &[(&str, &str)]) -> Pipeline {
        Pipeline::of(|name| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_pipeline_says_where_it_runs_and_for_whom() {
        let check = |vars: &[(&str, &str)], expected: [Option<&str>; 4]| {
            let found = pipeline(vars);
            let found = [found.repository, found.branch, found.pull_request, found.workflow];
            assert_eq!(found.each_ref().map(Option::as_deref), expected);
        };
        check(&[], [None; 4]);
        check(
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", "acme/shop"),
                ("GITHUB_REF", "refs/pull/17/merge"),
                ("GITHUB_REF_NAME", "17/merge"),
                ("GITHUB_HEAD_REF", "fix"),
                ("GITHUB_WORKFLOW", "ci"),
            ],
            [Some("acme/shop"), Some("fix"), Some("17"), Some("ci")],
        );
        check(
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", "acme/shop"),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_REF_NAME", "main"),
                ("GITHUB_HEAD_REF", ""),
            ],
            [Some("acme/shop"), Some("main"), None, None],
        );
        check(
            &[
                ("GITLAB_CI", "true"),
                ("CI_PROJECT_PATH", "acme/shop"),
                ("CI_COMMIT_REF_NAME", "main"),
                ("CI_MERGE_REQUEST_IID", "3"),
            ],
            [Some("acme/shop"), Some("main"), Some("3"), None],
        );
        check(
            &[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false")],
            [None, None, None, None],
        );
        check(
            &[("TF_BUILD", "True"), ("BUILD_DEFINITIONNAME", "ci")],
            [None, None, None, Some("ci")],
        );
        check(&[("JENKINS_URL", "x"), ("CHANGE_ID", "9")], [None, None, Some("9"), None]);
    }

    #[test]
    fn a_platform_shows_itself_in_the_environment() {
        let of = |name: &str| platform(|asked| (asked == name).then(|| "1".to_owned()));
        let names = ["GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD", "TEAMCITY_VERSION"];
        let all = [
            Platform::GitHub,
            Platform::GitLab,
            Platform::Buildkite,
            Platform::Azure,
            Platform::TeamCity,
        ];
        assert_eq!(names.map(of), all);
        assert_eq!(of("JENKINS_URL"), Platform::Plain);
        assert_eq!(platform(|_| Some(String::new())), Platform::Plain);
    }

    #[test]
    fn the_end_of_a_job_is_known_where_its_beginning_and_its_limit_are() {
        let check = |started: &str, limit: &str, expected: Option<&str>| {
            let vars =
                [("GITLAB_CI", "true"), ("CI_JOB_STARTED_AT", started), ("CI_JOB_TIMEOUT", limit)];
            let ends = pipeline(&vars).ends.map(|end| humantime::format_rfc3339(end).to_string());
            assert_eq!(ends.as_deref(), expected);
        };
        check("2026-11-24T10:00:00Z", "3600", Some("2026-11-24T11:00:00Z"));
        check("2026-11-24T10:00:00Z", "soon", None);
        check("today", "3600", None);
        check("2026-11-24T10:00:00Z", "18446744073709551615", None);
    }
}
