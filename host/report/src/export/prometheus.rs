//! Prometheus text (exposition format 0.0.4): what a run took, to be left in a file that a node
//! exporter or a push gateway takes up.

use std::fmt::Write as _;

use session::Accounting;

use super::metrics::{self, Labels};
use crate::run::Run;

/// The metrics of a run; `books` is its `accounting.json`, where that is at hand.
pub fn prometheus(run: &Run, labels: &Labels, books: Option<&Accounting>) -> String {
    let shared = metrics::shared(run, labels);
    let mut text = String::new();
    for metric in metrics::of(run, books) {
        let (name, help) = (metric.name, metric.help);
        let _ = write!(text, "# HELP stepwell_{name} {help}\n# TYPE stepwell_{name} gauge\n");
        for sample in &metric.samples {
            let _ = write!(text, "stepwell_{name}");
            let all = shared.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let own = sample.own.iter().map(|(name, value)| (*name, value.as_str()));
            let mut begin = '{';
            for (name, value) in all.chain(own) {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(text, "{begin}{name}=\"{value}\"");
                begin = ',';
            }
            let end = if begin == ',' { "}" } else { "" };
            let _ = writeln!(text, "{end} {}", sample.value.text());
        }
    }
    text
}
