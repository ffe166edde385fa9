//! `stepwell model serve`, and the servers of our own that `run` uses.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use wire::{Options, Responder, Script, Server};

use super::{print, runtime};
use crate::args::ServeArgs;
use crate::problem::Problem;

/// Serves a model until somebody ends the process.
pub(super) fn serve(args: &ServeArgs) -> Result<u8, Problem> {
    let responder: Arc<dyn Responder> = match &args.script {
        Some(path) => Arc::new(script(path)?.0),
        None => Arc::new(wire::offline::Analyst),
    };
    runtime()?.block_on(async {
        // Who names an address beyond this machine means it.
        let options = Options {
            beyond_loopback: !args.listen.ip().is_loopback(),
            web_socket: !args.http_only,
            connections_max: args.connections,
            ..Options::default()
        };
        let server = listen_with(args.listen, Arc::clone(&responder), options)?;
        print(&format!("serving `{}` at {}", responder.model(), server.base_url()));
        print("end it with Ctrl-C");
        tokio::signal::ctrl_c().await.map_err(Problem::Start)?;
        Ok(0)
    })
}

/// Reads a script; its text too, which a run depends on.
pub(super) fn script(path: &Path) -> Result<(Script, String), Problem> {
    let read = std::fs::read_to_string(path);
    let text =
        read.map_err(|source| Problem::File { what: "read", path: path.to_owned(), source })?;
    let script = Script::parse(&text)
        .map_err(|source| Problem::BadScript { path: path.to_owned(), source })?;
    Ok((script, text))
}

/// Starts a server of our own, within a runtime.
pub(super) fn listen(
    address: SocketAddr,
    responder: Arc<dyn Responder>,
) -> Result<Server, Problem> {
    listen_with(address, responder, Options::default())
}

fn listen_with(
    address: SocketAddr,
    responder: Arc<dyn Responder>,
    options: Options,
) -> Result<Server, Problem> {
    Server::bind_with(address, responder, options)
        .map_err(|source| Problem::Listen { address: address.to_string(), source })
}
