//! Servers that lie: whatever they say, what comes out is the bytes that were named, or a reason.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use registry::{FetchError, Fetched, Fetcher, Locked, MANIFEST_BYTES_MAX, Reference, Sha256};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Bytes of a component, in these tests.
const BYTES_MAX: u64 = 1024 * 1024;
const TOOL: &[u8] = b"\0asm the tool";

/// What a server answers a request with.
enum Says {
    Ok(Vec<u8>),
    /// A status with headers, and no body.
    Head(String),
    /// Such a head, and bytes for as long as somebody reads them.
    Endless(&'static str),
}

/// A server, and the heads of all requests that it got.
struct Liar {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Liar {
    /// `says` is given the address, and the head of a request.
    async fn new(says: impl Fn(SocketAddr, &str) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (mut tasks, heads) = (JoinSet::new(), Arc::clone(&asked));
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            let says = Arc::new(says);
            while let Ok((client, _)) = listener.accept().await {
                let (says, heads) = (Arc::clone(&says), Arc::clone(&heads));
                clients.spawn(async move {
                    // A client that has read enough is gone.
                    let _gone = serve(client, address, &*says, &heads).await;
                });
            }
        });
        Self { address, asked, _tasks: tasks }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn fetch(&self, version: &str, redirects: &[String]) -> Result<Fetched, FetchError> {
        fetch(&format!("oci://{}/acme/tool{version}", self.address), redirects, &|_| None).await
    }

    /// An error without the port, which differs from run to run.
    fn told<T: std::fmt::Debug>(&self, fetched: Result<T, FetchError>) -> String {
        let err = fetched.unwrap_err();
        let help = err.help().map(|help| format!("\n  {help}")).unwrap_or_default();
        format!("{err}{help}").replace(&self.address.to_string(), "liar")
    }
}

async fn fetch(
    text: &str,
    redirects: &[String],
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Fetched, FetchError> {
    let fetcher = Fetcher::new(BYTES_MAX, lookup).unwrap();
    let reference: Reference = text.parse().unwrap();
    Box::pin(fetcher.fetch(Path::new("/nowhere"), &reference, redirects, &|_, _| ())).await
}

async fn serve(
    mut client: TcpStream,
    address: SocketAddr,
    says: &(impl Fn(SocketAddr, &str) -> Says + Sync),
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 * 1024 {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    asked.lock().unwrap().push(head.clone());
    match says(address, &head) {
        Says::Ok(body) => {
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
            client.write_all(format!("{head}\r\n\r\n").as_bytes()).await?;
            client.write_all(&body).await?;
        }
        Says::Head(head) => {
            let rest = "connection: close\r\ncontent-length: 0\r\n\r\n";
            client.write_all(format!("HTTP/1.1 {head}\r\n{rest}").as_bytes()).await?;
        }
        Says::Endless(head) => {
            let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
            client.write_all(head.as_bytes()).await?;
            loop {
                client.write_all(&[b' '; 16 * 1024]).await?;
            }
        }
    }
    client.shutdown().await
}

/// A manifest of one layer.
fn manifest(digest: &Sha256, size: u64) -> Vec<u8> {
    let layer = json!({ "mediaType": "application/wasm", "digest": digest, "size": size });
    json!({ "schemaVersion": 2, "layers": [layer] }).to_string().into_bytes()
}

fn honest() -> Vec<u8> {
    manifest(&Sha256::of(TOOL), TOOL.len() as u64)
}

fn is_manifest(head: &str) -> bool {
    head.starts_with("GET /v2/acme/tool/manifests/")
}

#[tokio::test]
async fn an_honest_server_gives_the_tool_by_tag_and_by_digest() {
    let server =
        Liar::new(|_, head| Says::Ok(if is_manifest(head) { honest() } else { TOOL.into() }));
    let server = server.await;
    let by_digest = format!("@{}", Sha256::of(&honest()));
    for version in [":1", &by_digest] {
        let fetched = server.fetch(version, &[]).await.unwrap();
        assert_eq!((&*fetched.bytes, fetched.digest), (TOOL, Sha256::of(TOOL)));
    }
    assert!(
        server.asked()[2].starts_with(&format!("GET /v2/acme/tool/manifests/{}", &by_digest[1..]))
    );
}

#[tokio::test]
async fn a_manifest_that_is_another_or_has_no_end_is_refused() {
    let other = Liar::new(|_, _| Says::Ok(honest())).await;
    let by_digest = format!("@{}", Sha256::of(b"what was reviewed"));
    let endless = Liar::new(|_, _| Says::Endless("200 OK")).await;
    let huge =
        Liar::new(|_, _| Says::Ok(b" ".repeat(usize::try_from(MANIFEST_BYTES_MAX).unwrap() + 1)))
            .await;
    let told = [
        other.told(other.fetch(&by_digest, &[]).await),
        endless.told(endless.fetch(":1", &[]).await),
        huge.told(huge.fetch(":1", &[]).await),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_component_that_is_another_too_large_or_has_no_end_is_refused() {
    let of = |blob: fn() -> Says, size: u64| {
        Liar::new(move |_, head| match is_manifest(head) {
            true => Says::Ok(manifest(&Sha256::of(TOOL), size)),
            false => blob(),
        })
    };
    let other = of(|| Says::Ok(b"\0asm something else".into()), TOOL.len() as u64).await;
    let endless = of(|| Says::Endless("200 OK"), TOOL.len() as u64).await;
    let boasts = of(|| Says::Ok(TOOL.into()), BYTES_MAX + 1).await;
    let gone = of(|| Says::Head("404 Not Found".to_owned()), TOOL.len() as u64).await;
    let broken = of(|| Says::Head("500 Oops".to_owned()), TOOL.len() as u64).await;
    let told = [
        other.told(other.fetch(":1", &[]).await),
        endless.told(endless.fetch(":1", &[]).await),
        boasts.told(boasts.fetch(":1", &[]).await),
        gone.told(gone.fetch(":1", &[]).await),
        broken.told(broken.fetch(":1", &[]).await),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_redirect_leads_only_to_hosts_that_somebody_named() {
    let storage = Liar::new(|_, _| Says::Ok(TOOL.into())).await;
    let to = storage.address;
    let front = Liar::new(move |_, head| match is_manifest(head) {
        true if head.contains("authorization: Basic") => Says::Ok(honest()),
        true => Says::Head("401 No\r\nwww-authenticate: Basic realm=\"x\"".to_owned()),
        false => Says::Head(format!("307 There\r\nlocation: http://{to}/storage?signed=1")),
    });
    let front = front.await;
    let config = json!({ "auths": { front.address.to_string(): { "auth": "Y2k6d29yZA==" } } });
    let lookup = |name: &str| (name == "DOCKER_AUTH_CONFIG").then(|| config.to_string());
    let reference = format!("oci://{}/acme/tool:1", front.address);

    let refused = fetch(&reference, &[], &lookup).await;
    let told = front.told(refused).replace(&to.to_string(), "storage");
    insta::assert_snapshot!(told);
    assert_eq!(storage.asked(), [""; 0]);

    let fetched = fetch(&reference, &[to.to_string()], &lookup).await.unwrap();
    assert_eq!(fetched.bytes, TOOL);
    let asked = storage.asked().join("\n").to_lowercase();
    assert!(asked.starts_with("get /storage?signed=1"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn redirects_have_an_end() {
    let circles =
        Liar::new(|at, _| Says::Head(format!("302 On\r\nlocation: http://{at}/on"))).await;
    let nowhere = Liar::new(|_, _| Says::Head("302 On".to_owned())).await;
    let told = [
        circles.told(circles.fetch(":1", &[]).await),
        nowhere.told(nowhere.fetch(":1", &[]).await),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(circles.asked().len(), 5);
}

#[tokio::test]
async fn a_token_is_brought_and_shown() {
    let server = Liar::new(|at, head| {
        if head.starts_with("GET /token?scope=repository%3Aacme%2Ftool%3Apull&service=s") {
            return Says::Ok(b"{\"token\":\"t0ken\"}".into());
        }
        match head.contains("authorization: Bearer t0ken") {
            false => Says::Head(format!(
                "401 No\r\nwww-authenticate: Bearer realm=\"http://{at}/token\",service=\"s\""
            )),
            true if is_manifest(head) => Says::Ok(honest()),
            true => Says::Ok(TOOL.into()),
        }
    });
    assert_eq!(server.await.fetch(":1", &[]).await.unwrap().bytes, TOOL);
}

#[tokio::test]
async fn a_registry_that_asks_for_more_than_we_give_is_refused() {
    let of = |challenge: &'static str| {
        Liar::new(move |_, _| Says::Head(format!("401 No\r\nwww-authenticate: {challenge}")))
    };
    let closed = of("Basic realm=\"x\"").await;
    let strange = of("Negotiate").await;
    let clear = of("Bearer realm=\"http://tokens.example/t\"").await;
    let endless = Liar::new(|at, head| match head.starts_with("GET /token") {
        true => Says::Endless("200 OK"),
        false => {
            Says::Head(format!("401 No\r\nwww-authenticate: Bearer realm=\"http://{at}/token\""))
        }
    });
    let endless = endless.await;
    let told = [
        closed.told(closed.fetch(":1", &[]).await),
        strange.told(strange.fetch(":1", &[]).await),
        clear.told(clear.fetch(":1", &[]).await),
        endless.told(endless.fetch(":1", &[]).await),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_file_on_the_web_is_those_bytes_or_nothing() {
    let server = Liar::new(|_, _| Says::Ok(TOOL.into())).await;
    let at = |end: &str| format!("http://{}/tool.wasm{end}", server.address);
    let no = |_: &str| None;
    assert_eq!(fetch(&at(""), &[], &no).await.unwrap().bytes, TOOL);
    assert_eq!(fetch(&at(&format!("#{}", Sha256::of(TOOL))), &[], &no).await.unwrap().bytes, TOOL);
    let wrong = fetch(&at(&format!("#{}", Sha256::of(b"else"))), &[], &no).await;
    insta::assert_snapshot!(server.told(wrong));
    assert!(server.asked().iter().all(|head| head.starts_with("GET /tool.wasm HTTP/1.1\r\n")));
}

#[tokio::test]
async fn the_lock_is_asked_for_by_its_digest_and_nothing_else() {
    // Whatever the tag has come to name.
    let server = Liar::new(|_, head| {
        Says::Ok(if is_manifest(head) { manifest(&Sha256::of(b"else"), 4) } else { TOOL.into() })
    });
    let server = server.await;
    let tool = |bytes: &[u8]| Locked {
        name: "tool".to_owned(),
        reference: format!("oci://{}/acme/tool:1", server.address).parse().unwrap(),
        digest: Sha256::of(bytes),
        bytes: bytes.len() as u64,
        redirects: vec![],
        asks: None,
        signatures: vec![],
    };
    let fetcher = Fetcher::new(BYTES_MAX, &|_| None).unwrap();
    let (root, time) = (Path::new("/nowhere"), registry::FETCH_TIME_MAX);
    let locked = tool(TOOL);
    let fetched = fetcher.fetch_locked(root, &locked, time, &|_, _| ());
    assert_eq!(Box::pin(fetched).await.unwrap(), TOOL);
    let locked = tool(b"what was reviewed");
    let refused = Box::pin(fetcher.fetch_locked(root, &locked, time, &|_, _| ())).await;
    insta::assert_snapshot!(server.told(refused));
    assert!(!server.asked().iter().any(|head| is_manifest(head)));
}
