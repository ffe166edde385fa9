//! Problems of somebody who writes a tool.

use std::path::PathBuf;

use crate::exit;

/// Why a tool is not begun, built or tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoringProblem {
    /// A folder without a component.
    #[error("`{}` has no component in `build`", dir.display())]
    NotBuilt { dir: PathBuf },
    /// A folder with more than one.
    #[error("`{}` has several components: {}", dir.display(), names.join(", "))]
    SeveralBuilt { dir: PathBuf, names: Vec<String> },
    /// A component with several tools, and none of them named.
    #[error("the component has several tools: {}", names.join(", "))]
    SeveralFunctions { names: Vec<String> },
    /// A tool that the component does not have.
    #[error("the component has no tool `{function}`; it has {}", names.join(", "))]
    NoFunction { function: String, names: Vec<String> },
    /// Cases that cannot be read.
    #[error("the cases in `{}` cannot be used: {why}", path.display())]
    BadCases { path: PathBuf, why: String },
    /// A case that cannot be run as it is written.
    #[error("the case `{case}` cannot be run: {why}")]
    BadCase { case: String, why: String },
    /// No case to run.
    #[error("there are no cases for `{}`", tool.display())]
    NoCases { tool: PathBuf },
    /// A name that is no tool's.
    #[error("`{name}` is no name of a tool")]
    BadName { name: String },
    /// A folder that is there already.
    #[error("`{}` is there already, and is not empty", dir.display())]
    Occupied { dir: PathBuf },
    /// A folder that is no tool's.
    #[error("`{}` has nothing that a tool could be built from", dir.display())]
    NoSource { dir: PathBuf },
    /// The tool's manifest is not one.
    #[error("the manifest `{}` cannot be used: {why}", path.display())]
    BadManifest { path: PathBuf, why: String },
    /// A toolchain that this machine lacks.
    #[error("`{program}` is needed, and is not there: {why}")]
    NoToolchain { program: String, why: String, get: &'static str },
    /// A toolchain that would not.
    #[error("`{program}` did not build the tool ({status})")]
    Failed { program: String, status: String },
    /// What was built cannot become a component.
    #[error("what was built does not become a component: {why}")]
    NotWrapped { why: String },
}

impl AuthoringProblem {
    /// What to do about it.
    pub(super) fn help(&self) -> String {
        let text = match self {
            Self::NotBuilt { dir } => {
                return format!("build it: `stepwell tool build {}`", dir.display());
            }
            Self::SeveralBuilt { .. } => "name the one that you mean",
            Self::SeveralFunctions { .. } | Self::NoFunction { .. } => {
                "name the one that you mean with `--function`"
            }
            Self::BadCases { .. } | Self::BadCase { .. } => {
                "`stepwell tool test --help` has the keys of a case, docs/tool-authors.md an example"
            }
            Self::NoCases { .. } => {
                "write `cases.toml` beside the tool, or name a place with `--cases`"
            }
            Self::BadName { .. } => "use a-z first, then a-z, 0-9 and _, 64 at most: `count_lines`",
            Self::Occupied { .. } => "name another place with `--dir`",
            Self::NoSource { .. } => {
                "a tool's folder has a Cargo.toml, a tool.py, a tool.js, a go.mod, a tool.c or a \
                 tool.zig; `stepwell tool new` begins one"
            }
            Self::BadManifest { .. } => {
                "it is one JSON object: `name`, `description`, `schema`, and `grants` if it likes"
            }
            Self::NoToolchain { get, .. } => get,
            Self::Failed { .. } => "what it said stands above",
            Self::NotWrapped { .. } => {
                "it must export `stepwell:tool/handler` and import nothing but `wit/tool.wit` and WASI"
            }
        };
        text.to_owned()
    }

    /// Which exit code it is.
    pub(super) fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}
