//! A tunnel through an HTTP proxy (`CONNECT`, RFC 9110 section 9.3.6).

use futures_util::future::{Either, select};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::connect::{ConnectError, HEAD_BYTES_MAX, dial};
use super::dial::ByteStream;
use super::tls::encrypt;
use egress::Proxy;

use crate::endpoint::Endpoint;

/// Opens a tunnel to the endpoint's host.
pub(super) async fn tunnel(
    endpoint: &Endpoint,
    proxy: &Proxy,
) -> Result<Box<dyn ByteStream>, ConnectError> {
    let failed = |why: String| ConnectError::Proxy { proxy: address(proxy), status: None, why };
    let encrypted = match proxy.scheme.as_str() {
        "http" => false,
        "https" => true,
        other => {
            let why = format!("`{other}` is not a scheme of proxies that is spoken here");
            return Err(ConnectError::ProxyScheme { proxy: address(proxy), why });
        }
    };
    let stream = dial(endpoint, &proxy.host, proxy.port)
        .await
        .map_err(|err| failed(format!("it cannot be reached: {err}")))?;
    let stream: Box<dyn ByteStream> = if encrypted {
        let tls = encrypt(&proxy.host, endpoint.roots(), stream).await;
        Box::new(tls.map_err(|why| ConnectError::Tls { host: proxy.host.clone(), why })?)
    } else {
        stream
    };
    let request = request(endpoint, proxy).map_err(|err| failed(err.to_string()))?;
    ask(proxy, request, stream).await
}

async fn ask(
    proxy: &Proxy,
    request: Request<Empty<Bytes>>,
    stream: Box<dyn ByteStream>,
) -> Result<Box<dyn ByteStream>, ConnectError> {
    let failed = |err: hyper::Error| ConnectError::Proxy {
        proxy: address(proxy),
        status: None,
        why: err.to_string(),
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let asking = Box::pin(async {
        let response = sender.send_request(request).await.map_err(failed)?;
        match response.status() {
            status if status.is_success() => {
                let tunnel = hyper::upgrade::on(response).await.map_err(failed)?;
                Ok(Box::new(TokioIo::new(tunnel)) as Box<dyn ByteStream>)
            }
            status => Err(refused(proxy, status)),
        }
    });
    // The connection does the work of the request, and is over when it has become a tunnel.
    match select(asking, Box::pin(connection.with_upgrades())).await {
        Either::Left((tunnel, _)) => tunnel,
        Either::Right((_, asking)) => asking.await,
    }
}

fn request(endpoint: &Endpoint, proxy: &Proxy) -> Result<Request<Empty<Bytes>>, http::Error> {
    let host = endpoint.host();
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let target = format!("{bracketed}:{}", endpoint.port());
    let uri = Uri::builder().authority(target.as_str()).build()?;
    let mut request = Request::builder().method(Method::CONNECT).uri(uri).header(HOST, target);
    if let Some(authorization) = &proxy.authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    request.body(Empty::new())
}

fn refused(proxy: &Proxy, status: StatusCode) -> ConnectError {
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return ConnectError::ProxyAuth {
            proxy: address(proxy),
            given: proxy.authorization.is_some(),
        };
    }
    let reason = status.canonical_reason().unwrap_or("no reason");
    let why = format!("it refused the tunnel with status {} ({reason})", status.as_u16());
    ConnectError::Proxy { proxy: address(proxy), status: Some(status.as_u16()), why }
}

fn address(proxy: &Proxy) -> String {
    format!("{}:{}", proxy.host, proxy.port)
}
