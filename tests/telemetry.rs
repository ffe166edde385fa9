//! Spans and metrics of a run on their way to a collector, and a run whose collector is not there.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use servers::Kind;

use crate::support::{Ran, World, workspace};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Takes two requests and is over; what came, by its path.
fn collector() -> (SocketAddr, mpsc::Receiver<(String, String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (send, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap();
            let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            reader.get_mut().write_all(answer).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            send.send((path, head, serde_json::from_slice(&body).unwrap())).unwrap();
        }
    });
    (address, told)
}

/// The example's run with the model of the example, on its way.
fn run(world: &World) -> Command {
    let script = workspace().join("examples/failing-test/model.toml");
    world.command(&["run", "--provider", &format!("script:{}", script.display())])
}

fn ended(mut command: Command) -> Ran {
    Ran::from(command.output().unwrap())
}

fn spans(told: &Value) -> &Vec<Value> {
    told["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap()
}

#[test]
fn a_run_tells_the_collector_of_its_pipeline_what_it_came_to() {
    let world = World::example();
    let (address, told) = collector();
    let mut command = run(&world);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json").env("TRACEPARENT", TRACEPARENT);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=zz-the-key-zz");
    let ran = ended(command).code(0);
    let (mut paths, mut names) = (Vec::new(), Vec::new());
    for (path, head, body) in told {
        assert!(head.contains("api-key: zz-the-key-zz\r\n"), "{head}");
        if path == "/v1/traces" {
            let first = &spans(&body)[0];
            assert_eq!(first["traceId"], "0af7651916cd43dd8448eb211c80319c");
            assert_eq!(first["parentSpanId"], "b7ad6b7169203331");
            assert_eq!(first["name"], "invoke_workflow failing-test");
        } else {
            let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
            let metrics = metrics.as_array().unwrap();
            names.extend(metrics.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
        }
        paths.push(path);
    }
    paths.sort();
    assert_eq!(paths, ["/v1/metrics", "/v1/traces"]);
    for name in ["stepwell.run_success", "stepwell.outputs_cut", "stepwell.cache_saved"] {
        assert!(names.iter().any(|it| it == name), "{names:?}");
    }
    let trace = world.read(".stepwell/out/trace.jsonl");
    for text in [&ran.out, &ran.err, &trace] {
        assert!(!text.contains("zz-the-key-zz"), "the key is shown");
    }
}

#[test]
fn a_run_never_fails_for_its_collector_and_says_once_that_it_was_not_told() {
    // Takes connections (the system does) and says nothing; and one that is gone.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = silent.local_addr().map(|address| (silent, address)).unwrap();
    let of = |address: SocketAddr| format!("http://me:zz-password-zz@{address}");
    for (endpoint, says) in [
        (of(silent.1), "spans to http://127.0.0.1"),
        (of(gone), "spans to http://127.0.0.1"),
        ("zz-password-zz".to_owned(), "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL"),
    ] {
        let world = World::example();
        let mut command = run(&world);
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("OTEL_EXPORTER_OTLP_TIMEOUT", "50");
        let ran = ended(command).code(0);
        let lines: Vec<&str> =
            ran.err.lines().filter(|line| line.contains("were not sent")).collect();
        let [line] = lines.as_slice() else { panic!("{}", ran.err) };
        assert!(line.contains(says), "{line}");
        assert!(!ran.err.contains("zz-password-zz"), "{}", ran.err);
    }
}

/// The workflow of a pull request from elsewhere may be its own, and so may the address.
#[test]
fn a_strangers_change_has_nothing_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let world = World::example();
    let mut command = run(&world);
    let address = listener.local_addr().unwrap();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"));
    // A pipeline that does not say whose change it is.
    command.env("CI", "true");
    let ran = ended(command).code(0);
    assert!(ran.err.contains("were not sent: the change is a stranger's"), "{}", ran.err);
    assert!(listener.accept().is_err(), "somebody was told");
}

#[test]
fn an_export_reaches_a_real_collector_and_says_so() {
    let world = World::example();
    world.run_script(&["--quiet"]).code(0);
    let none = world.stepwell(&["export", "--format", "otlp"]).code(2);
    assert!(none.err.contains("nothing says where spans and metrics go"), "{}", none.err);
    let Some(mut server) = Kind::Collector.start() else { return };
    let endpoint = server.url();
    let sent = world.stepwell(&["export", "--format", "otlp", "--endpoint", &endpoint]).code(0);
    assert!(sent.out.contains(&format!(" spans to {endpoint}/v1/traces\n")), "{}", sent.out);
    server.end();
    let told = std::fs::read_to_string(server.folder().join("told.jsonl")).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = told.iter().find(|one| !one["resourceSpans"].is_null()).map(spans).unwrap();
    let here = world.stepwell(&["export", "--format", "otlp-json"]).code(0).out;
    let here: Value = serde_json::from_str(&here).unwrap();
    assert_eq!(all.len(), spans(&here).len());
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failed = world
        .stepwell(&["export", "--format", "otlp", "--endpoint", &format!("http://{gone}")])
        .code(1);
    assert!(failed.err.contains("not all of it was sent: spans to"), "{}", failed.err);
}
