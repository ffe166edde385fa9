//! A collector of a test's own, on loopback: what it was sent, and the answers that it is told to
//! give.

use std::io::{BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// Names in small letters, and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Gives its answers in their order, one to a request, and is over after the last.
pub(crate) struct Collector {
    pub(crate) port: u16,
    requests: mpsc::Receiver<Request>,
    serving: JoinHandle<()>,
}

impl Collector {
    pub(crate) fn answering(answers: &[(u16, &str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, requests) = mpsc::channel();
        let answers: Vec<(u16, String, Vec<u8>)> = answers
            .iter()
            .map(|(status, headers, body)| (*status, (*headers).to_owned(), body.to_vec()))
            .collect();
        let serving = thread::spawn(move || {
            for (status, headers, body) in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                send.send(read(&mut reader)).unwrap();
                let head = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
                    body.len()
                );
                let stream = reader.get_mut();
                // Who asked may have gone.
                stream.write_all(&[head.as_bytes(), &body].concat()).ok();
            }
        });
        Self { port, requests, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that came, once every answer was given.
    pub(crate) fn requests(self) -> Vec<Request> {
        self.serving.join().unwrap();
        self.requests.into_iter().collect()
    }
}

fn read(reader: &mut impl std::io::BufRead) -> Request {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request { line: lines[0].clone(), headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).unwrap();
    request
}
