//! What can be said of the tools for other clients.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{CallOn, SharingArgs};

const EXAMPLES: &str = "Examples:
  claude mcp add stepwell -- stepwell mcp --repo .
  codex mcp add stepwell -- stepwell mcp --repo .
  stepwell mcp --rev v1.2 --component my_tool.wasm    a revision, and a tool of your own
  stepwell mcp --http 127.0.0.1:7419                  for several clients, at http://127.0.0.1:7419/mcp

Each call sees the repository as it is then, read-only, and nothing else of the machine. Answers are
cached like those of a step; longer ones are read on with the tool `read_on`.";

/// `stepwell mcp`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct McpArgs {
    #[command(flatten)]
    pub(crate) on: CallOn,
    /// A component of your own, besides the ones that are built in.
    #[arg(long, value_name = "FILE.wasm")]
    pub(crate) component: Vec<PathBuf>,
    /// Do not use the cache.
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) sharing: SharingArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
}

/// How clients come over HTTP.
#[derive(Debug, ClapArgs)]
pub(crate) struct HttpArgs {
    /// Serve Streamable HTTP here, at `/mcp`, instead of standard input and output. Port 0 takes a
    /// free one.
    #[arg(long = "http", value_name = "ADDRESS:PORT")]
    pub(crate) address: Option<SocketAddr>,
    /// A name that clients may call this machine by, besides `localhost` and the address itself.
    #[arg(long, value_name = "HOST", requires = "address")]
    pub(crate) allow_host: Vec<String>,
    /// Web pages that may call, as `https://app.example.com:443`. Otherwise only those of this
    /// machine may.
    #[arg(long, value_name = "ORIGIN", requires = "address")]
    pub(crate) allow_origin: Vec<String>,
    /// The variable with a token that clients must send: `Authorization: Bearer TOKEN`. An address
    /// beyond this machine needs one.
    #[arg(long, value_name = "VARIABLE", requires = "address")]
    pub(crate) token_env: Option<String>,
}
