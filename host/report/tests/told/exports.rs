//! What other programs read.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use report::Run;
use report::export::{Labels, Parent, atif, junit, otlp, otlp_metrics, prometheus};
use session::{Accounting, Missed, QueuePeak};

use crate::{CORPUS, corpus, journal, runs};

fn repair() -> Run {
    Run::read(&runs::repair()).unwrap()
}

#[test]
fn junit_says_what_the_tests_said() {
    insta::assert_snapshot!(junit(&repair()));
    let page = junit(&Run::read(&runs::hostile("<a b=\"'&\u{1b}\u{0}\u{fffe}]]>")).unwrap());
    assert!(!page.contains("<a") && !page.contains(['\u{1b}', '\u{0}', '\u{fffe}']), "{page}");
}

#[test]
fn atif_numbers_its_steps_and_answers_its_calls() {
    insta::assert_snapshot!(atif(&repair()));
}

#[test]
fn otlp_has_one_tree_of_spans() {
    let parent = Parent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let text = otlp(&repair(), Some(&parent));
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let spans = data["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let ids: Vec<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "every span has a name of its own");
    for span in spans {
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        let above = span["parentSpanId"].as_str().unwrap();
        assert!(above == "b7ad6b7169203331" || ids.contains(&above), "{span}");
        let nanos = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"), "{span}");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&data).unwrap());
    assert_eq!(otlp(&repair(), Some(&parent)), text, "the same run gives the same spans");
}

#[test]
fn a_parent_is_what_the_standard_says() {
    for (text, is) in [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
        ("nonsense", false),
        ("", false),
    ] {
        assert_eq!(Parent::parse(text).is_some(), is, "{text}");
    }
}

#[test]
fn prometheus_reads_every_line() {
    let labels = [("repository", "a\"b\\c\nd"), ("__mine", "x"), ("tool", "x"), ("branch", "main")];
    let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    insta::assert_snapshot!(prometheus(&repair(), &labels, None));
}

/// What was too much for somebody.
fn books() -> Accounting {
    let missed = Missed {
        records: 3,
        repeated: 2,
        text_bytes: 4_096,
        left_out_lines: 7,
        left_out_text_bytes: 81,
        behind_at_end: false,
    };
    let queues = [
        ("console", QueuePeak { peak: 256, bound: 256 }),
        ("console-backlog", QueuePeak { peak: 12, bound: 1_024 }),
        ("said", QueuePeak { peak: 5, bound: 64 }),
    ];
    Accounting {
        queues: queues.map(|(name, peak)| (name.to_owned(), peak)).into(),
        missed: [("console".to_owned(), missed)].into(),
        outputs_cut: 1,
        output_bytes_lost: 70_000,
        log_lines_dropped: 12,
        ..Accounting::default()
    }
}

#[test]
fn what_was_dropped_is_among_the_metrics_where_the_books_say_so() {
    let text = prometheus(&repair(), &Labels::new(), Some(&books()));
    let with_books: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let without = prometheus(&repair(), &Labels::new(), None);
    let more: Vec<_> = with_books.iter().filter(|line| !without.contains(**line)).collect();
    insta::assert_snapshot!(more.into_iter().copied().collect::<Vec<_>>().join("\n"));
}

/// Both are made of the same numbers, so each number of one is in the other.
#[test]
fn opentelemetry_is_told_the_numbers_that_prometheus_is_told() {
    let labels: Labels = [("branch".to_owned(), "main\n\"x".to_owned())].into();
    let text = otlp_metrics(&repair(), &labels, Some(&books()));
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let metrics = data["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let mut told = Vec::new();
    for metric in metrics {
        for point in metric["gauge"]["dataPoints"].as_array().unwrap() {
            let value = point["asDouble"].as_f64();
            let value = value.or_else(|| point["asInt"].as_str()?.parse().ok()).unwrap();
            told.push((metric["name"].as_str().unwrap().to_owned(), value));
            let step = point["attributes"].as_array().unwrap().iter().any(|it| it["key"] == "step");
            assert!(step && point["timeUnixNano"].as_str().unwrap().ends_with("000000"), "{point}");
        }
    }
    let text = prometheus(&repair(), &labels, Some(&books()));
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let name = line.split('{').next().unwrap().replacen("stepwell_", "stepwell.", 1);
        let name = name.trim_end_matches("_seconds").trim_end_matches("_bytes").to_owned();
        (name, line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
    });
    assert_eq!(told, lines.collect::<Vec<_>>());
    insta::assert_snapshot!(serde_json::to_string_pretty(&data).unwrap());
}

#[test]
fn what_programs_wrote_fits_the_schemas() {
    let schema =
        |text: String| jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let (events, result) = (schema(report::schema::events()), schema(report::schema::result()));
    let traces = CORPUS.iter().map(|run| journal(run));
    for trace in traces.chain([runs::repair(), runs::failed(), runs::hostile("x")]) {
        for line in trace.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let record = serde_json::from_slice(line).unwrap();
            assert!(events.is_valid(&record), "{record}");
        }
    }
    for run in CORPUS {
        let value = serde_json::from_slice(&corpus(run, "result.json")).unwrap();
        assert!(result.is_valid(&value), "{run}");
    }
    assert!(!events.is_valid(&serde_json::json!({ "schema": 1 })));
}

/// The schemas, by the names of their files.
fn schemas() -> [(&'static str, String); 3] {
    use report::schema::{accounting, events, result};
    [("events.json", events()), ("result.json", result()), ("accounting.json", accounting())]
}

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

#[test]
fn the_schemas_in_docs_are_those_of_the_types() {
    for (name, text) in schemas() {
        let there = fs::read_to_string(docs().join(name)).unwrap_or_default();
        let how = "cargo test --package report --test told -- --ignored writes_the_schemas";
        assert!(
            there == text,
            "docs/schema/{name} is not that of the types; `{how}` writes it anew"
        );
    }
}

#[test]
#[ignore = "writes into docs/"]
fn writes_the_schemas() {
    fs::create_dir_all(docs()).unwrap();
    for (name, text) in schemas() {
        File::create(docs().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    }
}
