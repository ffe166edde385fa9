//! The way to the server: proxies, and TLS with certificates of the tests' own making.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use super::*;
use egress::{Proxies, Roots};

fn proxied(base_url: &str, proxy: &'static str) -> (Endpoint, Served) {
    let (endpoint, served) = memory(base_url);
    let proxies = Proxies::from_vars(|name| (name == "ALL_PROXY").then(|| proxy.to_owned()));
    (endpoint.with_proxies(proxies), served)
}

type Served = mpsc::UnboundedReceiver<(String, DuplexStream)>;

#[tokio::test]
async fn a_tunnel_leads_through_the_proxy_with_its_password() {
    for transport in [Transport::WebSocket, Transport::Http] {
        let (endpoint, mut served) =
            proxied("http://model.example:81/v1", "http://me:hunter2@proxy.example:3128");
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (dialled, mut stream) = served.recv().await.unwrap();
            assert_eq!(dialled, "proxy.example:3128");
            let connect = head(&mut stream).await;
            assert!(connect.starts_with("connect model.example:81 http/1.1\r\n"), "{connect}");
            assert!(connect.contains("\r\nhost: model.example:81\r\n"), "{connect}");
            // me:hunter2
            assert!(connect.contains("\r\nproxy-authorization: basic bwu6ahvudgvymg==\r\n"));
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            if transport == Transport::WebSocket {
                tokio_tungstenite::accept_async(&mut stream).await.unwrap();
            } else {
                let post = head(&mut stream).await;
                assert!(post.starts_with("post /v1/responses http/1.1\r\n"), "{post}");
                assert!(!post.contains("proxy-authorization"), "{post}");
            }
            stream
        });
        let mut link = Link::connect(&endpoint, transport, LONG).await.unwrap();
        link.ask(&request()).await.unwrap();
        serving.join_next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_proxy_s_refusal_says_what_is_the_matter_and_no_password() {
    let check = async |proxy: &'static str, answer: &'static str, expected: &str, retry: bool| {
        let (endpoint, mut served) = proxied("https://model.example/v1", proxy);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            if let Some((_, mut stream)) = served.recv().await {
                head(&mut stream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let error = Link::connect(&endpoint, Transport::WebSocket, LONG).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.class() == ErrorClass::Retryable, retry, "{expected}");
    };
    let (open, with_user) = ("http://p:1", "http://me:hunter2@p:1");
    check(
        open,
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "the proxy `p:1` wants a user and a password (status 407): write them into its URL, \
         `http://user:password@host:port`",
        false,
    )
    .await;
    check(
        with_user,
        "HTTP/1.1 407 No\r\n\r\nwords",
        "the proxy `p:1` does not accept the user and password in its URL (status 407)",
        false,
    )
    .await;
    let refused = "no way through the proxy `p:1`: it refused the tunnel with status";
    check(with_user, "HTTP/1.1 403 No\r\n\r\n", &format!("{refused} 403 (Forbidden)"), false).await;
    check(open, "HTTP/1.1 502 No\r\n\r\n", &format!("{refused} 502 (Bad Gateway)"), true).await;
    let hung_up = "no way through the proxy `p:1`: connection closed before message completed";
    check(with_user, "", hung_up, true).await;
    check(
        "socks5://me:hunter2@p:1",
        "",
        "the proxy `p:1` cannot be used: `socks5` is not a scheme of proxies that is spoken here; \
         use an `http://` or `https://` one",
        false,
    )
    .await;
}

/// An authority, as PEM, and a server's certificate for `name` signed by it.
fn certificates(name: &str) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority, TlsAcceptor::from(Arc::new(config)))
}

/// A TLS server on this machine whose certificate is for `name`: its address and authority.
async fn tls_server(
    name: &str,
) -> (String, String, JoinSet<io::Result<TlsStream<tokio::net::TcpStream>>>) {
    let (authority, acceptor) = certificates(name);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move { acceptor.accept(listener.accept().await?.0).await });
    (base_url, authority, serving)
}

#[tokio::test]
async fn a_server_with_a_certificate_of_an_extra_root_is_trusted() {
    for transport in [Transport::WebSocket, Transport::Http] {
        let (base_url, authority, mut serving) = tls_server("127.0.0.1").await;
        let roots = Roots::with_pem(authority.as_bytes()).unwrap();
        let endpoint = Endpoint::new(&base_url).unwrap().with_roots(roots);
        let mut answering = JoinSet::new();
        answering.spawn(async move {
            let mut stream = serving.join_next().await.unwrap().unwrap().unwrap();
            let failed = r#"{"type":"error","code":"server_error"}"#;
            if transport == Transport::WebSocket {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                socket.next().await.unwrap().unwrap();
                socket.send(Message::text(failed)).await.unwrap();
                // Until the client hangs up.
                while socket.next().await.is_some_and(|message| message.is_ok()) {}
            } else {
                head(&mut stream).await;
                let events = format!("HTTP/1.1 200 OK\r\n\r\ndata: {failed}\n\n");
                stream.write_all(events.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let mut link = Link::connect(&endpoint, transport, LONG).await.unwrap();
        link.ask(&request()).await.unwrap();
        assert!(matches!(link.next().await, Ok(ModelEvent::Failed { .. })), "{transport}");
        drop(link);
        answering.join_next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_tunnel_may_lead_through_tls_and_to_tls() {
    let (endpoint, mut served) = proxied("https://model.example/v1", "https://proxy.example");
    let (proxy_authority, proxy) = certificates("proxy.example");
    let (model_authority, model) = certificates("model.example");
    let roots = Roots::with_pem(format!("{proxy_authority}{model_authority}").as_bytes()).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (dialled, stream) = served.recv().await.unwrap();
        assert_eq!(dialled, "proxy.example:443");
        let mut stream = proxy.accept(stream).await.unwrap();
        let connect = head(&mut stream).await;
        assert!(connect.starts_with("connect model.example:443 http/1.1\r\n"), "{connect}");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut stream = model.accept(stream).await.unwrap();
        head(&mut stream).await
    });
    let endpoint = endpoint.with_roots(roots);
    let mut link = Link::connect(&endpoint, Transport::Http, LONG).await.unwrap();
    link.ask(&request()).await.unwrap();
    let post = serving.join_next().await.unwrap().unwrap();
    assert!(post.starts_with("post /v1/responses http/1.1\r\nhost: model.example\r\n"), "{post}");
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused_with_advice() {
    let check = async |name: &str, trusted: bool, expected: &str| {
        for transport in [Transport::WebSocket, Transport::Http] {
            let (base_url, authority, _serving) = tls_server(name).await;
            let mut endpoint = Endpoint::new(&base_url).unwrap();
            if trusted {
                endpoint = endpoint.with_roots(Roots::with_pem(authority.as_bytes()).unwrap());
            }
            let error = Link::connect(&endpoint, transport, LONG).await.unwrap_err();
            let ConnectError::Tls { why, .. } = &error else { panic!("{error:?}") };
            assert_eq!((why.as_str(), error.class()), (expected, ErrorClass::Final));
        }
    };
    check(
        "127.0.0.1",
        false,
        "its certificate is signed by an authority that is not trusted; where that is a company's \
         own, give its certificate (PEM) as an extra root",
    )
    .await;
    let other_name = "its certificate is for other.example; use one of these in the URL";
    check("other.example", true, other_name).await;
}

#[tokio::test]
async fn a_host_that_cannot_be_dialled_is_named() {
    let (endpoint, served) = memory("http://model.example/v1");
    drop(served);
    let error = Link::connect(&endpoint, Transport::Http, LONG).await.unwrap_err();
    let ConnectError::Unreachable { address, .. } = &error else { panic!("{error:?}") };
    assert_eq!(address, "model.example:80");
}
