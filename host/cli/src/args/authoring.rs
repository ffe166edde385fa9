//! What the author of a tool can say.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// What the author of a tool can do.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthorCommand {
    /// Begin a tool: a folder with a working one, its cases, and what to do next.
    New(ToolNewArgs),
    /// Build a tool's folder to a component, with its language's own toolchain.
    Build(ToolBuildArgs),
    /// Run a tool's own cases, and show what the host sees of each.
    Test(ToolTestArgs),
    /// Look at a component: does it fit, what does it import, is it deterministic.
    Check(ToolCheckArgs),
}

const NEW_EXAMPLES: &str = "Examples:
  stepwell tool new count_lines --lang rust
  cd count_lines && stepwell tool build . && stepwell tool test .

Everything that the tool is built from is in the folder, but for the language's own toolchain, which
`stepwell tool build` names where it is missing. docs/tool-authors.md has each language.";

/// `stepwell tool new`.
#[derive(Debug, ClapArgs)]
#[command(after_help = NEW_EXAMPLES)]
pub(crate) struct ToolNewArgs {
    /// What the model calls it: a-z first, then a-z, 0-9 and _, 64 at most.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The language it is written in.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub(crate) lang: Language,
    /// Where the folder goes. Default: the tool's name, here.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// Rust, with the SDK.
    Rust,
    /// Python, on CPython inside the component.
    Python,
    /// JavaScript, on QuickJS inside the component.
    Javascript,
    /// TypeScript: the same, checked by its compiler first.
    Typescript,
    /// Go, its own compiler.
    Go,
    /// C, with the compiler and the libc that come with Zig.
    C,
    /// C++: the same, with its library and without exceptions.
    #[value(name = "c++", alias = "cpp")]
    Cpp,
    /// Zig.
    Zig,
}

const BUILD_EXAMPLES: &str = "Examples:
  stepwell tool build .              build/NAME.wasm, compiled for this machine, too
  stepwell tool build . --json | jq -r .component

This runs the folder's build, with your rights: cargo runs build scripts, Python runs modules. It is a
developer's command: never use it on a change that you have not read. No step and no pull request
ever makes stepwell build anything.";

/// `stepwell tool build`.
#[derive(Debug, ClapArgs)]
#[command(after_help = BUILD_EXAMPLES)]
pub(crate) struct ToolBuildArgs {
    /// The tool's folder; its language is told by its files.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Print what was built as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const TEST_EXAMPLES: &str = "Examples:
  stepwell tool test .                          the folder's component and its cases
  stepwell tool test tool.wasm --cases cases    the same cases for another component
  stepwell tool test . --only 'two lines'       one case
  stepwell tool test . --update                 write down what came out; read the difference

A case is a table `[[case]]` of `cases.toml` or `cases/*.toml`: `name`, `input` (JSON), `repository` (a
folder, or files inline), `base`, `grant`, `environment`, `limits`, and what is expected: `answer`
(JSON), `refusal` or `ended`, and `questions`. Each runs twice, where what must not matter differs.";

/// `stepwell tool test`.
#[derive(Debug, ClapArgs)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct ToolTestArgs {
    #[command(flatten)]
    pub(crate) tool: ToolUnderTest,
    /// Only cases whose name has this in it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Write what came out into the cases.
    #[arg(long, conflicts_with = "json")]
    pub(crate) update: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const CHECK_EXAMPLES: &str = "Examples:
  stepwell tool check build/count_lines.wasm
  stepwell tool check . --json | jq '.checks[] | select(.verdict != \"ok\")'

It ends with 1 where something would keep a step from using the tool.";

/// `stepwell tool check`.
#[derive(Debug, ClapArgs)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct ToolCheckArgs {
    #[command(flatten)]
    pub(crate) tool: ToolUnderTest,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A component, and what it is tried with.
#[derive(Debug, ClapArgs)]
pub(crate) struct ToolUnderTest {
    /// The component, or the folder that `stepwell tool build` has built it in.
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    pub(crate) tool: PathBuf,
    /// Where the cases are: a file, or a folder of `*.toml`. Default: `cases.toml` and `cases/` of
    /// the tool's folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) cases: Option<PathBuf>,
    /// Which tool is meant, of a component that has several: its name, as `stepwell tool check` lists
    /// them.
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
}
