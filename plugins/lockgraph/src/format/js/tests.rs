//! What holds of all these formats, whatever the file.

use proptest::prelude::*;

use super::drawn::check_torn;
use crate::format::bun::tests as bun;
use crate::format::deno::tests as deno;
use crate::format::pnpm::tests as pnpm;
use crate::format::yarn::tests as yarn;
use crate::{Format, Warnings};

/// A small lock file of each.
fn samples() -> Vec<(Format, &'static str)> {
    vec![
        (Format::Yarn, yarn::CLASSIC),
        (Format::Yarn, yarn::BERRY),
        (Format::Pnpm, pnpm::V5),
        (Format::Pnpm, pnpm::V6),
        (Format::Pnpm, pnpm::V9),
        (Format::Bun, bun::BUN),
        (Format::Deno, deno::V5),
    ]
}

fn parse(format: Format, bytes: &[u8]) -> (Option<crate::Graph>, Vec<crate::Warning>) {
    let mut warnings = Warnings::default();
    let graph = format.parse(format.patterns()[0], bytes, &mut warnings).ok();
    (graph, warnings.into_vec())
}

#[test]
fn a_torn_file_loses_no_more_than_its_end() {
    let (start, end) =
        (yarn::BERRY.find("\n\n\"").unwrap(), yarn::BERRY.find("\"patched@").unwrap());
    let berry = format!("{}\n\n{}", &yarn::BERRY[..start], &yarn::BERRY[end..]);
    let others = [(Format::Yarn, yarn::CLASSIC), (Format::Pnpm, pnpm::V9), (Format::Bun, bun::BUN)];
    for (format, text) in others.into_iter().chain([(Format::Yarn, berry.as_str())]) {
        check_torn(format, text);
    }
}

#[test]
fn a_merge_conflict_is_told_and_costs_no_other_entry() {
    let mark = "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n";
    for (format, text) in samples() {
        let (whole, _) = parse(format, text.as_bytes());
        let whole = whole.unwrap().node_count();
        for (at, _) in text.match_indices('\n') {
            let torn = format!("{}{mark}{}", &text[..=at], &text[at + 1..]);
            let (graph, warnings) = parse(format, torn.as_bytes());
            assert!(!warnings.is_empty() || graph.is_none(), "{format:?} at {at} says nothing");
            let Some(graph) = graph else { continue };
            assert!(graph.node_count() + 1 >= whole, "{format:?} at {at} loses packages");
        }
    }
}

#[test]
fn lines_may_end_as_on_windows() {
    for (format, text) in samples() {
        let windows = text.replace('\n', "\r\n");
        let (graph, told) = parse(format, windows.as_bytes());
        assert_eq!((graph, told), parse(format, text.as_bytes()), "{format:?}");
    }
}

#[test]
fn passwords_do_not_come_out() {
    for (format, text) in samples() {
        let secret = text.replace("://", "://user:s3cret@");
        assert!(secret != text, "{format:?} has no address");
        let (graph, warnings) = parse(format, secret.as_bytes());
        let shown = format!("{graph:?} {warnings:?}");
        assert!(!shown.contains("s3cret"), "{format:?}: {shown}");
    }
}

#[test]
fn a_hundred_thousand_entries_are_read_and_no_more() {
    let classic = |at: usize| format!("p{at}@^1:\n  version \"1.0.{at}\"\n");
    let pnpm = |at: usize| format!("  p{at}@1.0.{at}: {{}}\n");
    let bun = |at: usize| format!("\"p{at}\": [\"p{at}@1.0.{at}\", \"\", {{}}, \"\"],\n");
    let all = |start: &str, entry: &dyn Fn(usize) -> String, end: &str| {
        let entries: String = (0..100_001).map(entry).collect();
        format!("{start}{entries}{end}")
    };
    let cases = [
        (Format::Yarn, all("# yarn lockfile v1\n", &classic, "")),
        (Format::Pnpm, all("lockfileVersion: '9.0'\nsnapshots:\n", &pnpm, "")),
        (Format::Bun, all("{\"packages\": {\n", &bun, "}}")),
    ];
    for (format, text) in cases {
        let (graph, warnings) = parse(format, text.as_bytes());
        let own = usize::from(format == Format::Pnpm);
        assert_eq!(graph.unwrap().node_count(), 100_000 + own, "{format:?}");
        let told = "only the first 100000 packages are read";
        assert!(warnings.iter().any(|warning| warning.reason == told), "{format:?}: {warnings:?}");
    }
}

#[test]
fn what_needs_everything_is_read_in_linear_time() {
    let needs: String = (0..20_000).map(|at| format!("    p{at} \"^1\"\n")).collect();
    let entries: String = (0..20_000)
        .map(|at| format!("p{at}@^1:\n  version \"1.0.0\"\n  dependencies:\n    a \"^1\"\n"))
        .collect();
    let text = format!("a@^1:\n  version \"1.0.0\"\n  dependencies:\n{needs}\n{entries}");
    let (graph, warnings) = parse(Format::Yarn, text.as_bytes());
    assert_eq!(graph.unwrap().edge_count(), 40_000);
    assert!(warnings.is_empty());
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in "\\PC*", start in 0usize..5) {
        let starts = ["", "__metadata:\n", "lockfileVersion: 9.0\npackages:\n", "a@1:\n  version ", "{\"packages\":{"];
        let text = format!("{}{text}", starts[start]);
        for (format, _) in samples() {
            drop(parse(format, text.as_bytes()));
        }
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (format, _) in samples() {
            drop(parse(format, &bytes));
        }
    }

    /// Also what is nearly right: a piece of a real one gone, or in another place.
    #[test]
    fn no_damage_breaks_a_reader(
        which in 0usize..7, from in 0usize..3_000, length in 0usize..80, to in 0usize..3_000,
    ) {
        let (format, text) = samples()[which];
        let mut text = text.as_bytes().to_vec();
        let from = from.min(text.len());
        let piece: Vec<u8> = text.drain(from..(from + length).min(text.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        let (once, told) = parse(format, &text);
        prop_assert_eq!((once, told), parse(format, &text));
    }
}
