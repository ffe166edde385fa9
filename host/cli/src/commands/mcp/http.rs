//! The tools over Streamable HTTP: the same server for as many clients as come.
//!
//! No session is held: each request is a conversation of its own, so a client that disappears
//! leaves nothing behind. Whoever may be asked for by what name, and by which web pages, is checked
//! before a request is read (MCP 2025-11-25, "Security Warning" of the transport).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Served;
use crate::args::HttpArgs;
use crate::problem::Problem;
use crate::say::note;

/// Where the tools are.
const PATH: &str = "/mcp";
/// Connections that are open at one time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// Bytes of a request: arguments of a call are at most as long.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a client may take for the head of a request.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a request may take, from its head to its answer: calls have limits of their own.
const REQUEST_TIME_MAX: Duration = Duration::from_mins(10);
/// How long calls under way are waited for when the server is ended.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long nobody is let in when the machine gives no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A token that is shorter can be guessed.
const TOKEN_BYTES_MIN: usize = 16;
/// Web pages of this machine, at whatever port.
const LOCAL_PAGES: &[&str] = &["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

type Body = BoxBody<Bytes, std::convert::Infallible>;
type Service = StreamableHttpService<Served, NeverSessionManager>;

/// What every connection knows.
struct House {
    service: Service,
    token: Option<String>,
    end: CancellationToken,
}

/// Serves whoever comes to `address` until somebody ends the process.
///
/// # Errors
///
/// If it cannot listen there, or if an address beyond this machine has no token.
pub(super) async fn serve(
    served: Served,
    args: &HttpArgs,
    address: SocketAddr,
) -> Result<(), Problem> {
    let token = token(args, address)?;
    let listen = |source| Problem::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let end = CancellationToken::new();
    let service = StreamableHttpService::new(
        move || Ok(served.clone()),
        Arc::new(NeverSessionManager::default()),
        config(args, bound, &end),
    );
    note(&format!("serving the tools at http://{bound}{PATH}; end it with Ctrl-C"));
    let mut terminate = signal(SignalKind::terminate()).map_err(Problem::Start)?;
    let house = Arc::new(House { service, token, end: end.clone() });
    let mut visits = JoinSet::new();
    tokio::select! {
        () = welcome(&listener, &house, &mut visits) => {}
        ended = tokio::signal::ctrl_c() => ended.map_err(Problem::Start)?,
        _ = terminate.recv() => {}
    }
    drop(listener);
    end.cancel();
    // Those that do not end in time are ended with the process.
    drop(timeout(GOODBYE_TIME_MAX, async { while visits.join_next().await.is_some() {} }).await);
    Ok(())
}

/// The token that clients must send, if one is asked for.
fn token(args: &HttpArgs, address: SocketAddr) -> Result<Option<String>, Problem> {
    let Some(name) = &args.token_env else {
        return match address.ip().is_loopback() {
            true => Ok(None),
            false => Err(Problem::OpenDoor { address }),
        };
    };
    let token = std::env::var(name).unwrap_or_default();
    if token.len() < TOKEN_BYTES_MIN {
        return Err(Problem::BadToken { name: name.clone(), least: TOKEN_BYTES_MIN });
    }
    Ok(Some(token))
}

fn config(
    args: &HttpArgs,
    bound: SocketAddr,
    end: &CancellationToken,
) -> StreamableHttpServerConfig {
    let named = ["localhost".to_owned(), bound.ip().to_string()];
    // The protocol's conformance suite asks a server of this machine to let its pages in.
    let pages = if bound.ip().is_loopback() { LOCAL_PAGES } else { &[] };
    let pages = pages.iter().copied().map(str::to_owned);
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(named.into_iter().chain(args.allow_host.iter().cloned()))
        .with_allowed_origins(pages.chain(args.allow_origin.iter().cloned()))
        .enforce_origin_validation()
        .with_max_request_body_bytes(REQUEST_BYTES_MAX)
        .with_cancellation_token(end.clone())
}

/// Lets clients in, a few at a time, and never returns.
async fn welcome(listener: &TcpListener, house: &Arc<House>, visits: &mut JoinSet<()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let house = Arc::clone(house);
                visits.spawn(async move {
                    let _place = place;
                    visit(stream, house).await;
                });
            }
            // Too many files are open, or the client has gone again.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while visits.try_join_next().is_some() {}
    }
}

/// Serves a connection to its end. What a client does wrong in HTTP concerns nobody else.
async fn visit(stream: TcpStream, house: Arc<House>) {
    let end = house.end.clone();
    let service = service_fn(move |request| {
        let house = Arc::clone(&house);
        async move { Ok::<_, std::convert::Infallible>(answer(request, &house).await) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = std::pin::pin!(http);
    tokio::select! {
        served = http.as_mut() => return drop(served),
        () = end.cancelled() => http.as_mut().graceful_shutdown(),
    }
    drop(http.await);
}

async fn answer(request: Request<Incoming>, house: &House) -> Response<Body> {
    if request.uri().path() != PATH {
        let what = format!("there is nothing here; the tools are at {PATH}\n");
        return refusal(StatusCode::NOT_FOUND, what);
    }
    if house.token.as_ref().is_some_and(|token| !bears(request.headers(), token)) {
        let what = "send the server's token: `Authorization: Bearer TOKEN`\n".to_owned();
        let mut response = refusal(StatusCode::UNAUTHORIZED, what);
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    match timeout(REQUEST_TIME_MAX, house.service.handle(request)).await {
        Ok(response) => response,
        Err(_) => {
            let what = format!("it took more than {} minutes\n", REQUEST_TIME_MAX.as_secs() / 60);
            refusal(StatusCode::REQUEST_TIMEOUT, what)
        }
    }
}

/// Whether a request bears the token. How long that takes does not tell how much of it is right.
fn bears(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, sent)) = sent.and_then(|sent| sent.split_once(' ')) else { return false };
    let same = sent.len() == token.len();
    let differing =
        sent.bytes().zip(token.bytes()).fold(0, |seen, (one, other)| seen | (one ^ other));
    scheme.eq_ignore_ascii_case("bearer") && same && differing == 0
}

fn refusal(status: StatusCode, what: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(what)).boxed());
    *response.status_mut() = status;
    response
}
