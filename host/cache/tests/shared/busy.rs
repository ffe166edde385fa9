//! A store that says "later": what is shared is sent again, within the time that sharing has.

use servers::{Kind, s3_url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::machine::{Case, Place, questions};

/// Largest request of these tests.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Answers one request a connection with these, in turn; gives the method of each.
async fn answer(listener: TcpListener, answers: &[&str]) -> Vec<String> {
    let mut asked = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !is_whole(&request) {
            assert!(request.len() < REQUEST_BYTES_MAX, "a request of the test's own size");
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "a whole request");
        }
        let method = request.split(|byte| *byte == b' ').next().unwrap();
        asked.push(String::from_utf8(method.to_owned()).unwrap());
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    asked
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or_default()
}

#[tokio::test]
async fn what_a_busy_store_put_off_is_shared_all_the_same() {
    const ANSWERS: [&str; 5] =
        ["503 Slow Down", "200 OK", "404 Not Found", "503 Slow Down", "200 OK"];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::of(Kind::S3, s3_url(listener.local_addr().unwrap().port()));
    let mut served = JoinSet::new();
    served.spawn(answer(listener, &ANSWERS));
    place.machine().compute(&Case::new("tool", questions(), "out")).await;
    let asked = served.join_next().await.unwrap().unwrap();
    assert_eq!(asked, ["PUT", "PUT", "GET", "PUT", "PUT"]);
}
