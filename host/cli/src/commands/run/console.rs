//! Where the operator's log goes, and how it looks there.

use std::env;
use std::io::{self, IsTerminal as _};

use runner::{Operator, Outlet, Platform, Sampling, Sink};

use crate::args::Ci;
use crate::live::Live;
use crate::pipeline;

/// Who shows the log: as was said, else as the environment tells.
pub(super) fn platform(said: Option<Ci>) -> Platform {
    match said {
        None => pipeline::platform(|name| env::var(name).ok()),
        Some(Ci::Plain) => Platform::Plain,
        Some(Ci::Github) => Platform::GitHub,
        Some(Ci::Gitlab) => Platform::GitLab,
        Some(Ci::Buildkite) => Platform::Buildkite,
        Some(Ci::Azure) => Platform::Azure,
        Some(Ci::Teamcity) => Platform::TeamCity,
    }
}

/// The log on standard error, as much of it as `sampling` says: live where somebody looks at a
/// terminal that can show it.
pub(super) fn outlet(said: Option<Ci>, sampling: Sampling) -> Outlet {
    let is = |name: &str| env::var(name).is_ok_and(|value| !value.is_empty());
    let dumb = env::var("TERM").is_ok_and(|name| name == "dumb");
    let live = said.is_none() && !is("CI") && !dumb && io::stderr().is_terminal();
    let sink: Box<dyn Sink> = match live {
        // <https://no-color.org>
        true => Box::new(Live::new(!is("NO_COLOR"))),
        false => Box::new(Operator::new(io::stderr(), platform(said))),
    };
    Outlet::to("console", sampling, sink)
}
