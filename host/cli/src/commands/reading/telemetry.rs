//! A run's spans and metrics on their way to the collector that OpenTelemetry's variables name.
//!
//! It comes last and decides nothing: a collector that is not there, or that hangs, costs a bounded
//! time and one line.

use std::env;
use std::path::Path;
use std::time::Duration;

use report::{Run, export as to};
use runner::Plain;
use session::{Accounting, Capability, Trust};
use telemetry::{Destination, Destinations, Kind, Message, SendError, Sent};
use tokio::signal::unix::{SignalKind, signal};

use super::found::Found;
use super::{books, in_a_line, labels, parent};
use crate::commands::wait_for;
use crate::problem::{Problem, ReadingProblem};
use crate::say::note;

/// The longest that a run which is over waits for a collector.
const AFTER_RUN_MAX: Duration = Duration::from_secs(5);

/// How long sending takes before somebody is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends what the run in `out_dir` came to, where the environment says where to, and the change may
/// have it sent.
pub(in crate::commands) fn after_run(out_dir: &Path, trust: Trust, quiet: bool) {
    let say = |why: &str| {
        if !quiet {
            note(&format!("spans and metrics were not sent: {why}"));
        }
    };
    let to = match Destinations::of(|name| env::var(name).ok()) {
        Ok(to) if to.is_empty() => return,
        Ok(to) => to,
        Err(bad) => return say(&bad.to_string()),
    };
    if !trust.may(Capability::SendTelemetry) {
        return say("the change is a stranger's, and so may be the address; \
             `stepwell export --format otlp` sends them from a place that is not");
    }
    let to = Destinations {
        spans: to.spans.map(|one| one.within(AFTER_RUN_MAX)),
        metrics: to.metrics.map(|one| one.within(AFTER_RUN_MAX)),
    };
    let told = Found::in_dir(out_dir)
        .and_then(|found| Ok(messages(&found.run()?, books(&found)?.as_ref())))
        .and_then(|messages| send(&to, &messages, quiet));
    match told {
        Ok(each) => {
            let bad: Vec<String> = each.iter().filter_map(Told::trouble).collect();
            if !bad.is_empty() {
                say(&bad.join("; "));
            }
        }
        Err(problem) => say(&in_a_line(&problem)),
    }
}

/// Sends a run to `endpoint`, or where the environment says; what was sent, for people.
pub(super) fn export(
    run: &Run,
    books: Option<&Accounting>,
    endpoint: Option<&str>,
) -> Result<String, Problem> {
    let var = |name: &str| match (endpoint, name) {
        (Some(url), "OTEL_EXPORTER_OTLP_ENDPOINT") => Some(url.to_owned()),
        (Some(_), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" | "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") => {
            None
        }
        (Some(_) | None, name) => env::var(name).ok(),
    };
    let to = Destinations::of(var).map_err(|source| ReadingProblem::BadCollector { source })?;
    if to.is_empty() {
        return Err(ReadingProblem::NoCollector.into());
    }
    let each = send(&to, &messages(run, books), false)?;
    let said: Vec<String> = each.iter().filter_map(Told::trouble).collect();
    if !said.is_empty() {
        return Err(ReadingProblem::NotSent { said }.into());
    }
    Ok(each.iter().map(Told::success).collect::<Vec<_>>().join("\n"))
}

/// A run in both ways of telling it.
struct Messages {
    spans: Result<Message, SendError>,
    metrics: Result<Message, SendError>,
}

fn messages(run: &Run, books: Option<&Accounting>) -> Messages {
    Messages {
        spans: Message::spans(&to::otlp(run, parent().as_ref())),
        metrics: Message::metrics(&to::otlp_metrics(run, &labels(), books)),
    }
}

/// What came of sending to one place.
struct Told {
    kind: Kind,
    to: String,
    sent: Result<Sent, String>,
}

impl Told {
    fn success(&self) -> String {
        let taken = self.sent.as_ref().map_or(0, |sent| sent.taken);
        format!("{taken} {} to {}", self.kind, self.to)
    }

    /// What is wrong with it; none where all of it was taken.
    fn trouble(&self) -> Option<String> {
        let Self { kind, to, sent } = self;
        let why = match sent {
            Err(why) => why.clone(),
            Ok(Sent { refused: 0, left_out: 0, .. }) => return None,
            Ok(Sent { refused: 0, left_out, .. }) => format!("{left_out} more than are sent"),
            Ok(Sent { refused, said, .. }) => {
                let said = said.as_deref().map_or_else(String::new, |said| format!(": {said}"));
                format!("{refused} were refused{said}")
            }
        };
        Some(Plain(&format!("{kind} to {to}: {why}")).to_string())
    }
}

/// Sends spans and metrics side by side.
fn send(to: &Destinations, messages: &Messages, quiet: bool) -> Result<Vec<Told>, Problem> {
    wait_for(async {
        let all = async {
            tokio::join!(
                one(Kind::Spans, to.spans.as_ref(), &messages.spans),
                one(Kind::Metrics, to.metrics.as_ref(), &messages.metrics),
            )
        };
        tokio::pin!(all);
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut waited = false;
        loop {
            tokio::select! {
                biased;
                _ = interrupt.recv() => return Err(std::io::ErrorKind::Interrupted.into()),
                _ = terminate.recv() => return Err(std::io::ErrorKind::Interrupted.into()),
                (spans, metrics) = &mut all => return Ok(spans.into_iter().chain(metrics).collect()),
                () = tokio::time::sleep(PATIENCE), if !waited && !quiet => {
                    waited = true;
                    let each: Vec<String> =
                        to.each().map(|(kind, to)| format!("{kind} to {}", to.shown())).collect();
                    note(&format!("sending {}", each.join(", ")));
                }
            }
        }
    })?
    .map_err(Problem::Start)
}

async fn one(
    kind: Kind,
    to: Option<&Destination>,
    message: &Result<Message, SendError>,
) -> Option<Told> {
    let to = to?;
    let sent = match message {
        Ok(message) => telemetry::send(to, message).await.map_err(|err| err.to_string()),
        Err(err) => Err(err.to_string()),
    };
    Some(Told { kind, to: to.shown(), sent })
}
