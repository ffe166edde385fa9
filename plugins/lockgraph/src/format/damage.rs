//! What holds of a lock file however it is damaged, and however long it is.

use std::fmt::Write as _;
use std::ops::Range;

use proptest::prelude::*;

use super::{Format, PACKAGES_MAX, Unreadable};
use crate::graph::Graph;
use crate::warning::{Warning, Warnings};

/// What no answer may say.
const PASSWORD: &str = "hunter2";

/// How a lock file looks: what comes before its entries, one of them, what comes after.
struct Shape {
    format: Format,
    start: &'static str,
    entry: fn(&mut String, usize),
    end: &'static str,
    /// Whether what is broken costs no more than the entry it is in.
    by_line: bool,
}

const SHAPES: [Shape; 12] = [
    Shape {
        format: Format::Composer,
        start: "{\n\"packages\": [\n",
        entry: |out, at| {
            let comma = if at == 0 { "" } else { ",\n" };
            let _ = write!(
                out,
                "{comma}{{\"name\": \"v/p{at}\", \"version\": \"1.{at}\",\n\"dist\": {{\"url\": \
                     \"https://me:{PASSWORD}@example.org/p{at}\"}},\n\"require\": {{\"v/p{}\": \"\"}}}}",
                at / 2
            );
        },
        end: "\n]\n}\n",
        by_line: false,
    },
    Shape {
        format: Format::Conan,
        start: "{\n\"version\": \"0.5\",\n\"requires\": [\n",
        entry: |out, at| {
            let comma = if at == 0 { "" } else { ",\n" };
            let _ = write!(out, "{comma}\"p{at}/1.0.{at}#0123456789abcdef%1.1\"");
        },
        end: "\n]\n}\n",
        by_line: false,
    },
    Shape {
        format: Format::CycloneDx,
        start: "{\n\"bomFormat\": \"CycloneDX\",\n\"components\": [\n",
        entry: |out, at| {
            let comma = if at == 0 { "" } else { ",\n" };
            let _ = write!(
                out,
                "{comma}{{\"type\": \"library\", \"name\": \"p{at}\", \"version\": \"1.{at}\",\n\"purl\": \
                     \"pkg:npm/p{at}@1.{at}?vcs_url=git%2Bhttps://me:{PASSWORD}@example.org/p\"}}"
            );
        },
        end: "\n]\n}\n",
        by_line: false,
    },
    Shape {
        format: Format::Spdx,
        start: "{\n\"spdxVersion\": \"SPDX-2.3\",\n\"packages\": [\n",
        entry: |out, at| {
            let comma = if at == 0 { "" } else { ",\n" };
            let _ = write!(
                out,
                "{comma}{{\"SPDXID\": \"SPDXRef-{at}\",\n\"name\": \"p{at}\", \"versionInfo\": \"1.{at}\"}}"
            );
        },
        end: "\n]\n}\n",
        by_line: false,
    },
    Shape {
        format: Format::Spdx,
        start: "SPDXVersion: SPDX-2.3\n",
        entry: |out, at| {
            let _ = writeln!(
                out,
                "\nPackageName: p{at}\nSPDXID: SPDXRef-{at}\nPackageVersion: 1.0.{at}\n\
                     PackageDownloadLocation: https://me:{PASSWORD}@example.org/p{at}"
            );
        },
        end: "\nRelationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-1\n",
        by_line: true,
    },
    Shape {
        format: Format::Gem,
        start: "GEM\n  remote: https://me:hunter2@example.org/\n  specs:\n",
        entry: |out, at| {
            let _ = writeln!(out, "    p{at} (1.0.{at})\n      p{} (>= 1)", at / 2);
        },
        end: "\nDEPENDENCIES\n  p1\n",
        by_line: true,
    },
    Shape {
        format: Format::Go,
        start: "module example.org/own\n\ngo 1.21\n\nrequire (\n",
        entry: |out, at| _ = writeln!(out, "\texample.org/p{at} v1.0.{at} // indirect"),
        end: ")\n",
        by_line: true,
    },
    Shape {
        format: Format::GoVendor,
        start: "",
        entry: |out, at| _ = writeln!(out, "# example.org/p{at} v1.0.{at}\nexample.org/p{at}/x"),
        end: "# example.org/any => ./any\n",
        by_line: true,
    },
    Shape {
        format: Format::Mix,
        start: "%{\n",
        entry: |out, at| {
            let _ = writeln!(
                out,
                "  \"p{at}\": {{:git, \"https://me:{PASSWORD}@example.org/p{at}\", \"r{at}\", []}},"
            );
        },
        end: "}\n",
        by_line: true,
    },
    Shape {
        format: Format::Pubspec,
        start: "packages:\n",
        entry: |out, at| {
            let _ = writeln!(
                out,
                "  p{at}:\n    description:\n      url: \
                     \"https://me:{PASSWORD}@example.org\"\n    version: \"1.0.{at}\""
            );
        },
        end: "sdks:\n  dart: \">=3.0.0\"\n",
        by_line: true,
    },
    Shape {
        format: Format::Swift,
        start: "{\n\"pins\": [\n",
        entry: |out, at| {
            let comma = if at == 0 { "" } else { ",\n" };
            let _ = write!(
                out,
                "{comma}{{\"identity\": \"p{at}\", \"location\": \"https://me:{PASSWORD}@example.org/x/p{at}\",\n\
                     \"state\": {{\"version\": \"1.0.{at}\"}}}}"
            );
        },
        end: "\n],\n\"version\": 2\n}\n",
        by_line: false,
    },
    Shape {
        format: Format::Terraform,
        start: "# maintained automatically\n\n",
        entry: |out, at| {
            let _ = writeln!(
                out,
                "provider \"example.org/x/p{at}\" {{\n  version = \"1.0.{at}\"\n  hashes = [\n    \
                     \"h1:{at}=\",\n  ]\n}}"
            );
        },
        end: "",
        by_line: true,
    },
];

fn entries(shape: &Shape, range: Range<usize>) -> String {
    let mut out = String::new();
    range.for_each(|at| (shape.entry)(&mut out, at));
    out
}

fn whole(shape: &Shape, count: usize) -> String {
    format!("{}{}{}", shape.start, entries(shape, 0..count), shape.end)
}

fn read(format: Format, text: &[u8]) -> (Result<Graph, Unreadable>, Vec<Warning>) {
    let mut warnings = Warnings::default();
    let read = format.parse(format.patterns()[0], text, &mut warnings);
    (read, warnings.into_vec())
}

/// How many packages there are; roots that no entry stands for are left out.
fn listed(graph: &Graph) -> usize {
    graph.nodes().filter(|(_, node)| node.version.is_some() || node.purl.contains('?')).count()
}

#[test]
fn a_file_cut_anywhere_says_so_or_has_all_that_is_whole() {
    for shape in &SHAPES {
        let format = shape.format;
        let text = whole(shape, 30);
        let mut end = shape.start.len();
        let ends: Vec<usize> = (0..30)
            .map(|at| {
                end += entries(shape, at..at + 1).len();
                end
            })
            .collect();
        for cut in text.len().saturating_sub(1_024)..text.len() {
            let (read, _) = read(format, &text.as_bytes()[..cut]);
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            match read {
                Ok(graph) => assert!(listed(&graph) >= whole, "{format:?} at {cut}"),
                Err(err) => assert!(!shape.by_line && err.line().is_some(), "{format:?} at {cut}"),
            }
        }
    }
}

#[test]
fn a_merge_conflict_says_where_and_costs_what_it_hits() {
    for shape in &SHAPES {
        let format = shape.format;
        let (before, after) = (entries(shape, 0..5), entries(shape, 6..9));
        let one = entries(shape, 5..6);
        let text = format!(
            "{}{before}\n<<<<<<< HEAD\n{one}\n=======\n{one}\n>>>>>>> theirs\n{after}{}",
            shape.start, shape.end
        );
        let (read, warnings) = read(format, text.as_bytes());
        let graph = read.unwrap();
        // A mark may belong to the entry before it.
        assert!(listed(&graph) >= 8, "{format:?}: {}", listed(&graph));
        let line = text[..text.find("<<<").unwrap()].lines().count() + 1;
        let told = warnings.iter().any(|warning| warning.line == u32::try_from(line).ok());
        assert!(told, "{format:?}: {warnings:?}");
        assert!(!format!("{warnings:?}").contains(PASSWORD), "{format:?}");
    }
}

#[test]
fn a_hundred_thousand_packages_are_read_and_no_more() {
    for shape in &SHAPES {
        let format = shape.format;
        let (read, warnings) = read(format, whole(shape, PACKAGES_MAX + 1).as_bytes());
        let graph = read.unwrap();
        assert_eq!(listed(&graph), PACKAGES_MAX, "{format:?}");
        let told = warnings.iter().any(|warning| {
            warning.reason.starts_with("only the first") || warning.reason.starts_with("more lines")
        });
        assert!(told, "{format:?}: {warnings:?}");
    }
}

#[test]
fn a_password_never_comes_out() {
    for shape in &SHAPES {
        let format = shape.format;
        let (read, warnings) = read(format, whole(shape, 3).as_bytes());
        let graph = read.unwrap();
        assert_eq!(listed(&graph), 3, "{format:?}");
        assert!(!format!("{graph:?}{warnings:?}").contains(PASSWORD), "{format:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC*",
    ) {
        for shape in &SHAPES {
        let format = shape.format;
            drop(read(format, &bytes));
            drop(read(format, text.as_bytes()));
        }
    }

    /// Also what is nearly right: a piece of a whole one gone, or in another place.
    #[test]
    fn no_damage_breaks_a_reader_or_makes_it_answer_differently(
        at in 0..SHAPES.len(), from in 0usize..1_500, length in 0usize..80, to in 0usize..1_500,
    ) {
        let shape = &SHAPES[at];
        let format = shape.format;
        let mut text = whole(shape, 9).into_bytes();
        let from = from.min(text.len());
        let piece: Vec<u8> = text.drain(from..(from + length).min(text.len())).collect();
        let to = to.min(text.len());
        text.splice(to..to, piece);
        prop_assert_eq!(read(format, &text), read(format, &text));
    }
}
