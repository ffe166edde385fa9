//! TLS in front of a server that has none, by an authority that nobody knows.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The way to a server, and the heads of the requests that took it.
pub(crate) struct Door {
    /// Host and port.
    pub(crate) address: String,
    /// The authority's certificate, as PEM.
    pub(crate) authority: String,
    heads: Arc<Mutex<Vec<String>>>,
    // Shuts it in the end.
    _runtime: Runtime,
}

impl Door {
    /// A door to the server at `upstream`, a host and a port.
    pub(crate) fn before(upstream: String) -> Self {
        let (authority, acceptor) = certificates();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let kept = heads.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, acceptor.clone(), upstream.clone(), kept.clone()));
            }
        });
        Self { address, authority, heads, _runtime: runtime }
    }

    /// The first head of each connection, in small letters.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// An authority of its own, and a server that it vouches for.
pub(crate) fn certificates() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
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

/// Takes TLS off, keeps the head of the first request, and hands everything on.
async fn pass(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    upstream: String,
    heads: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    heads.lock().unwrap().push(String::from_utf8_lossy(&head).to_ascii_lowercase());
    let mut server = TcpStream::connect(upstream).await.ok()?;
    server.write_all(&head).await.ok()?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await.ok().map(drop)
}
