//! A server that says what the test wrote down, one connection after the other.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Largest request that is read.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Answers the n-th request with the n-th of its answers, byte for byte, and hangs up.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    served: JoinSet<Vec<String>>,
}

impl Scripted {
    pub(crate) async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut served = JoinSet::new();
        served.spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                asked.push(request(&mut stream).await);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            asked
        });
        Self { port, served }
    }

    /// The first line of each request, when each answer was given.
    pub(crate) async fn asked(self) -> Vec<String> {
        self.served.join_all().await.remove(0)
    }
}

/// Reads one request, and gives its first line.
async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or_default() {
                return head.lines().next().unwrap_or_default().to_owned();
            }
        }
        assert!(bytes.len() < REQUEST_BYTES_MAX, "a request of the test's own size");
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "cut: {text}");
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}
