//! What a run took, in numbers: the one source of what Prometheus and OpenTelemetry are told.

use std::collections::BTreeMap;

use session::{Accounting, QueuePeak};

use crate::run::{CallState, Run, TurnState};

/// Labels that every number bears: `repository`, `branch`, `workflow`…
pub type Labels = BTreeMap<String, String>;

/// Labels of single numbers: nobody else may give them.
const OWN: [&str; 11] = [
    "run",
    "stop_reason",
    "work",
    "ending",
    "code",
    "tool",
    "source",
    "phase",
    "sink",
    "what",
    "queue",
];

/// What a number counts, as its name's end says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Dollars,
    Bytes,
    Tokens,
    /// Things.
    Count,
}

/// A number, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Whole(u64),
    Thousandths(u64),
    Millionths(u64),
}

impl Number {
    pub(super) fn text(self) -> String {
        match self {
            Self::Whole(n) => n.to_string(),
            Self::Thousandths(n) => format!("{}.{:03}", n / 1_000, n % 1_000),
            Self::Millionths(n) => format!("{}.{:06}", n / 1_000_000, n % 1_000_000),
        }
    }
}

/// A number with labels of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) own: Vec<(&'static str, String)>,
    pub(super) value: Number,
}

/// Numbers of one kind. All of them are gauges: a run is over when it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metric {
    /// Without `stepwell_`, with its unit at the end.
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

/// The labels that all numbers of a run bear. What the trace says of its pipeline counts before what
/// is given.
pub(super) fn shared(run: &Run, given: &Labels) -> Labels {
    let mut labels: Labels = given
        .iter()
        .filter(|(name, _)| is_label(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(about) = &run.about {
        labels.insert("step".to_owned(), about.step.clone());
        labels.insert("model".to_owned(), about.model.clone());
        let session::Pipeline { repository, branch, workflow } = &about.pipeline;
        for (name, value) in
            [("repository", repository), ("branch", branch), ("workflow", workflow)]
        {
            if let Some(value) = value {
                labels.insert(name.to_owned(), value.clone());
            }
        }
    }
    labels
}

/// Whether Prometheus allows a label of this name. Names with `__` are its own.
fn is_label(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !OWN.contains(&name)
        && !name.is_empty()
        && !name.starts_with("__")
        && name.bytes().all(inside)
        && !name.as_bytes()[0].is_ascii_digit()
}

/// All that is known of a run; `books` is its `accounting.json`, which alone knows what sinks missed.
pub(super) fn of(run: &Run, books: Option<&Accounting>) -> Vec<Metric> {
    let mut all = Vec::new();
    outcome(&mut all, run);
    took(&mut all, run);
    model(&mut all, run);
    tools(&mut all, run);
    if let Some(books) = books {
        dropped(&mut all, books);
        queues(&mut all, books);
    }
    all
}

fn one(name: &'static str, unit: Unit, help: &'static str, value: Number) -> Metric {
    Metric { name, unit, help, samples: vec![Sample { own: Vec::new(), value }] }
}

/// The number of things by a word each.
fn by<'a>(
    (name, help, label): (&'static str, &'static str, &'static str),
    words: impl Iterator<Item = &'a str>,
) -> Metric {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    let sample = |(word, n): (&str, u64)| Sample {
        own: vec![(label, word.to_owned())],
        value: Number::Whole(n),
    };
    Metric { name, unit: Unit::Count, help, samples: counts.into_iter().map(sample).collect() }
}

fn outcome(all: &mut Vec<Metric>, run: &Run) {
    let own = vec![("run", run.name.clone()), ("stop_reason", run.ending().to_owned())];
    all.push(Metric {
        name: "run_info",
        unit: Unit::Count,
        help: "The run, and why it is over.",
        samples: vec![Sample { own, value: Number::Whole(1) }],
    });
    let done = Number::Whole(u64::from(run.ending() == "done"));
    let help = "Whether the step did what it was asked to do.";
    all.push(one("run_success", Unit::Count, help, done));
    let end = Number::Thousandths(run.end_ms);
    let help = "When its last record was written.";
    all.push(one("run_end_timestamp_seconds", Unit::Seconds, help, end));
    let attempts = Number::Whole(run.attempts.len() as u64);
    all.push(one("run_attempts", Unit::Count, "Lives of the process.", attempts));
}

fn took(all: &mut Vec<Metric>, run: &Run) {
    let by_work = |value: fn(&crate::run::WorkTook) -> Number| {
        let sample = |took: &crate::run::WorkTook| Sample {
            own: vec![("work", took.work.to_string())],
            value: value(took),
        };
        run.works.iter().map(sample).collect()
    };
    all.push(Metric {
        name: "work_duration_seconds",
        unit: Unit::Seconds,
        help: "How long each work took.",
        samples: by_work(|took| Number::Thousandths(took.time_ms)),
    });
    all.push(Metric {
        name: "work_tokens",
        unit: Unit::Tokens,
        help: "Tokens charged to each work.",
        samples: by_work(|took| Number::Whole(took.spent.tokens)),
    });
    all.push(Metric {
        name: "work_spend_dollars",
        unit: Unit::Dollars,
        help: "Money charged to each work.",
        samples: by_work(|took| Number::Millionths(took.spent.spend.0)),
    });
    let mut phases: BTreeMap<&str, u64> = BTreeMap::new();
    for phase in &run.phases {
        *phases.entry(phase.what.name()).or_default() += phase.end.saturating_sub(phase.begin);
    }
    let sample = |(phase, ms): (&str, u64)| Sample {
        own: vec![("phase", phase.to_owned())],
        value: Number::Thousandths(ms),
    };
    all.push(Metric {
        name: "phase_duration_seconds",
        unit: Unit::Seconds,
        help: "How long the run stood in each phase.",
        samples: phases.into_iter().map(sample).collect(),
    });
    if let Some(first) = run.first_response_ms() {
        let help = "From the first request to the first sign of its response.";
        let first = Number::Thousandths(first);
        all.push(one("first_response_seconds", Unit::Seconds, help, first));
    }
}

fn model(all: &mut Vec<Metric>, run: &Run) {
    let completed = run.turns.iter().filter(|turn| turn.state == TurnState::Completed).count();
    let turns = Number::Whole(completed as u64);
    all.push(one("turns", Unit::Count, "Responses that completed.", turns));
    let words = run.turns.iter().map(|turn| match &turn.state {
        TurnState::Open => "open",
        TurnState::Completed => "completed",
        TurnState::Failed { code, .. } => code.as_str(),
    });
    all.push(by(("requests", "Requests to the model, by how they ended.", "ending"), words));
    all.push(by(
        ("retries", "Tries that were waited for, by why.", "code"),
        run.waits.iter().map(|wait| wait.code.as_str()),
    ));
    let links = Number::Whole(u64::from(run.links));
    all.push(one("links", Unit::Count, "Links to the model that were opened.", links));
    let cache = run.cache();
    let input = Number::Whole(cache.input);
    all.push(one("input_tokens", Unit::Tokens, "Tokens sent.", input));
    let help = "Tokens sent that the provider had read before.";
    let cached = Number::Whole(cache.input_cached);
    all.push(one("input_tokens_cached", Unit::Tokens, help, cached));
}

fn tools(all: &mut Vec<Metric>, run: &Run) {
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for call in &run.calls {
        let ending = match &call.state {
            CallState::Open => "open",
            CallState::Answered => "answered",
            CallState::Refused => "refused",
            CallState::Ended { ending } => ending.as_str(),
        };
        let source = match call.source {
            Some(session::Source::Fresh) => "fresh",
            Some(session::Source::Cache) => "cache",
            Some(session::Source::Host) => "host",
            None => "none",
        };
        *counts.entry((&call.tool, ending, source)).or_default() += 1;
    }
    let sample = |((tool, ending, source), n): ((&str, &str, &str), u64)| Sample {
        own: vec![
            ("tool", tool.to_owned()),
            ("ending", ending.to_owned()),
            ("source", source.to_owned()),
        ],
        value: Number::Whole(n),
    };
    all.push(Metric {
        name: "calls",
        unit: Unit::Count,
        help: "Tool calls, by tool, ending, and who answered.",
        samples: counts.into_iter().map(sample).collect(),
    });
    let peak = Number::Whole(most_at_once(run));
    all.push(one("calls_at_once", Unit::Count, "Tool calls under way at once, at the most.", peak));
    let saved = Number::Millionths(run.cache().saved_us);
    let help = "Tool time that the cache saved.";
    all.push(one("cache_saved_seconds", Unit::Seconds, help, saved));
}

/// How many calls were under way together at the most.
fn most_at_once(run: &Run) -> u64 {
    // One that ends when another begins was not beside it.
    let moments = run.calls.iter().flat_map(|call| {
        let end = call.end.unwrap_or(u64::MAX);
        [(call.begin, 1_i64), (end.max(call.begin.saturating_add(1)), -1)]
    });
    let mut moments: Vec<(u64, i64)> = moments.collect();
    moments.sort_unstable();
    let (mut now, mut most) = (0_i64, 0);
    for (_, step) in moments {
        now += step;
        most = most.max(now);
    }
    u64::try_from(most).unwrap_or(0)
}

fn dropped(all: &mut Vec<Metric>, books: &Accounting) {
    let mut samples = Vec::new();
    for (sink, missed) in &books.missed {
        let of = |what: &str, n: u64| Sample {
            own: vec![("sink", sink.clone()), ("what", what.to_owned())],
            value: Number::Whole(n),
        };
        samples.push(of("records", missed.records));
        samples.push(of("repeated", missed.repeated));
        samples.push(of("text_bytes", missed.text_bytes));
        samples.push(of("left_out_lines", missed.left_out_lines));
        samples.push(of("left_out_text_bytes", missed.left_out_text_bytes));
    }
    all.push(Metric {
        name: "sink_missed",
        unit: Unit::Count,
        help: "What sinks did not show, because they were behind or were not to.",
        samples,
    });
    let cut = Number::Whole(u64::from(books.outputs_cut));
    let help = "Outputs that were cut before they were passed on.";
    all.push(one("outputs_cut", Unit::Count, help, cut));
    let help = "Bytes of those that are in no artifact.";
    let lost = Number::Whole(books.output_bytes_lost);
    all.push(one("output_lost_bytes", Unit::Bytes, help, lost));
    let help = "Lines that tools logged beyond what is kept.";
    let lines = Number::Whole(books.log_lines_dropped);
    all.push(one("log_lines_dropped", Unit::Count, help, lines));
}

fn queues(all: &mut Vec<Metric>, books: &Accounting) {
    let by_queue = |value: fn(&QueuePeak) -> u64| {
        let sample = |(queue, peak): (&String, &QueuePeak)| Sample {
            own: vec![("queue", queue.clone())],
            value: Number::Whole(value(peak)),
        };
        books.queues.iter().map(sample).collect()
    };
    all.push(Metric {
        name: "queue_peak",
        unit: Unit::Count,
        help: "The most that waited in a queue of the runner, in the last attempt.",
        samples: by_queue(|queue| queue.peak),
    });
    all.push(Metric {
        name: "queue_bound",
        unit: Unit::Count,
        help: "As many as the queue holds.",
        samples: by_queue(|queue| queue.bound),
    });
}
