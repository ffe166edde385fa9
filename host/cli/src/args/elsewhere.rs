//! What can be said of tools that come from elsewhere.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::RepoArgs;

/// What can be done with tools of others, and with one's own for others.
#[derive(Debug, Subcommand)]
pub(crate) enum ElsewhereCommand {
    /// Add a tool from a file, the web or a registry to `stepwell.lock`.
    Add(ToolAddArgs),
    /// Look again at what the lock's references name, and pin that.
    Update(ToolUpdateArgs),
    /// Take a tool out of the lock.
    Remove(ToolRemoveArgs),
    /// Fetch and compile what the lock names, as before a run.
    Fetch(ToolFetchArgs),
    /// Publish a component in an OCI registry.
    Push(ToolPushArgs),
    /// Sign a tool of the lock.
    Sign(ToolSignArgs),
}

const ADD_EXAMPLES: &str = "A reference is one of:
  tools/lines.wasm                              a file of the repository
  https://host.example/lines.wasm               a file on the web
  https://host.example/lines.wasm#sha256:9f2c…  the same, if it is those bytes
  oci://ghcr.io/acme/lines:1                    an artifact in an OCI registry, by its tag
  oci://ghcr.io/acme/lines@sha256:9f2c…         by the digest of its manifest

What it names now is fetched, shown with what it asks for, compiled, and pinned in `stepwell.lock` by
the SHA-256 of the component: commit that file. Steps use a tool from the moment it is in the base;
a pull request cannot bring one. Nothing of a tool runs here. A registry's credentials are those of
`docker login` (config.json), or DOCKER_AUTH_CONFIG; HTTPS_PROXY and STEPWELL_CA_FILE count.";

/// `stepwell tool add`.
#[derive(Debug, ClapArgs)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct ToolAddArgs {
    /// What names the tool.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// A host that its server may send to for the bytes, such as a registry's own storage; may be
    /// given several times, and is written into the lock.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_redirect: Vec<String>,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Print what was added as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const UPDATE_EXAMPLES: &str = "Examples:
  stepwell tool update --dry-run     what would change
  stepwell tool update lines         one of them

It says the old and the new digest, and what changed of what the tool asks for and takes. A reference
with a digest of its own names the same bytes for ever, and is left alone.";

/// `stepwell tool update`.
#[derive(Debug, ClapArgs)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(crate) struct ToolUpdateArgs {
    /// The tool. Default: every one.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Say what would change, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `stepwell tool remove`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ToolRemoveArgs {
    /// The tool.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const FETCH_EXAMPLES: &str = "Examples:
  stepwell tool fetch --base origin/main      in a pipeline, before `stepwell run`

It takes the lock that a run would: the base's. What is on this machine already, with the right digest,
is not fetched; STEPWELL_CACHE_DIR is worth keeping between jobs.";

/// `stepwell tool fetch`.
#[derive(Debug, ClapArgs)]
#[command(after_help = FETCH_EXAMPLES)]
pub(crate) struct ToolFetchArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Where the lock is read from. Default as for `run`.
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const PUSH_EXAMPLES: &str = "Examples:
  stepwell tool push . oci://ghcr.io/acme/lines:1            what `stepwell tool build` has built
  stepwell tool push lines.wasm oci://ghcr.io/acme/lines:1 --sign

The artifact is what the CNCF's \"Wasm OCI Artifact\" says, so other tools of WebAssembly can pull it.
The same component is the same artifact, byte by byte. With --sign the key of STEPWELL_TOOL_KEY, or of
the file STEPWELL_TOOL_KEY_FILE, vouches for it; `stepwell cache key` makes one.";

/// `stepwell tool push`.
#[derive(Debug, ClapArgs)]
#[command(after_help = PUSH_EXAMPLES)]
pub(crate) struct ToolPushArgs {
    /// The component, or the folder that `stepwell tool build` has built it in.
    #[arg(value_name = "DIR|FILE.wasm")]
    pub(crate) tool: PathBuf,
    /// Where it goes: `oci://REGISTRY/REPOSITORY:TAG`.
    #[arg(value_name = "REFERENCE")]
    pub(crate) to: String,
    /// Sign it.
    #[arg(long)]
    pub(crate) sign: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const SIGN_EXAMPLES: &str = "Examples:
  STEPWELL_TOOL_KEY_FILE=~/tools.key stepwell tool sign lines

The signature is under the digest of the component and stands in the lock. A step whose base says
`signers = [\"ed25519:…\"]` under `[tools]` takes no tool of the lock without one.";

/// `stepwell tool sign`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SIGN_EXAMPLES)]
pub(crate) struct ToolSignArgs {
    /// The tool.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
