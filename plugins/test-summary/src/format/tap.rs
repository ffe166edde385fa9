//! The Test Anything Protocol, versions 12 to 14: a line a test, blocks of YAML below it, and
//! subtests that are indented. Of a test with subtests only these count.

mod point;
mod yaml;

use super::number::from_milliseconds;
use crate::report::{Case, Kind, Test, Writer};
use point::{Directive, Point};

/// Subtests in subtests; deeper ones count as these.
const DEPTH_MAX: usize = 32;
/// What a level is indented by.
const INDENT: usize = 4;

/// Whether the text has a version or a plan, and a test where it has no version.
pub(super) fn is_it(text: &str) -> bool {
    let mut plan = false;
    let mut tests = 0_u32;
    for line in text.lines() {
        if version(line).is_some() {
            return true;
        }
        plan |= point::plan(line).is_some();
        tests += u32::from(point::of(line).is_some());
        if plan && tests > 0 {
            return true;
        }
    }
    false
}

fn version(line: &str) -> Option<&str> {
    line.strip_prefix("TAP version ").filter(|number| number.trim().parse::<u32>().is_ok())
}

/// `# duration_ms 146.757159`, as node ends with.
fn took(line: &str) -> Option<u64> {
    from_milliseconds(line.strip_prefix("# duration_ms ")?.trim().parse().ok()?)
}

/// A point whose block of YAML may follow.
#[derive(Debug)]
struct Pending {
    depth: usize,
    point: Point,
    yaml: Option<Vec<String>>,
}

/// What is known of one level of indentation.
#[derive(Debug, Default, Clone)]
struct Level {
    /// Its points since the last point above.
    points: u64,
    failed: u64,
    planned: Option<u64>,
    /// What the comment said that announces the subtests below.
    title: Option<String>,
}

struct Open<'a, 'b> {
    to: &'a mut Writer<'b>,
    levels: Vec<Level>,
    pending: Option<Pending>,
    /// The indentation of the block that is being read.
    block: Option<usize>,
}

pub(super) fn read(text: &str, to: &mut Writer<'_>) {
    let levels = vec![Level::default(); DEPTH_MAX + 1];
    let mut open = Open { to, levels, pending: None, block: None };
    for (number, line) in text.lines().enumerate() {
        open.line(number + 1, line);
    }
    open.flush();
    open.check_plan();
}

impl Open<'_, '_> {
    fn line(&mut self, number: usize, line: &str) {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        if let Some(block) = self.block {
            if rest.trim_end() == "..." && indent <= block {
                self.block = None;
            } else if let Some(lines) = self.pending.as_mut().and_then(|last| last.yaml.as_mut()) {
                lines.push(line.get(block..).unwrap_or(rest).to_owned());
            }
            return;
        }
        let depth = (indent / INDENT).min(DEPTH_MAX);
        if rest.trim_end() == "---" {
            if let Some(pending) = &mut self.pending {
                pending.yaml = Some(Vec::new());
                self.block = Some(indent);
            }
        } else if let Some(point) = point::of(rest) {
            self.flush();
            self.pending = Some(Pending { depth, point, yaml: None });
        } else if let Some(title) =
            rest.strip_prefix("# Subtest: ").or(rest.strip_prefix("# Subtest"))
        {
            self.flush();
            self.levels[depth].title = Some(title.trim().to_owned());
        } else if let Some((planned, skipped)) = point::plan(rest) {
            self.flush();
            self.levels[depth].planned = Some(planned);
            if depth == 0 && skipped {
                self.to.warn(Some(number), "says that all tests are skipped");
            }
        } else if let Some(reason) = rest.strip_prefix("Bail out!") {
            self.bail_out(number, reason.trim());
        } else if let Some(ms) = took(rest).filter(|_| depth == 0) {
            self.to.took(ms);
        }
    }

    fn bail_out(&mut self, line: usize, reason: &str) {
        self.flush();
        self.to.broken(Some(line), "bails out; what is before is counted");
        self.levels[0].planned = None;
        self.to.error(Case {
            name: "Bail out!".to_owned(),
            kind: Kind::Error,
            title: reason.to_owned(),
            ..Case::default()
        });
    }

    /// The pending point is complete: count it.
    fn flush(&mut self) {
        let Some(Pending { depth, point, yaml }) = self.pending.take() else { return };
        let below = std::mem::take(&mut self.levels[(depth + 1).min(DEPTH_MAX)]);
        if depth + 1 < DEPTH_MAX {
            self.levels[depth + 2..].iter_mut().for_each(|level| *level = Level::default());
        }
        let suite: Vec<String> =
            self.levels[..depth].iter().filter_map(|level| level.title.clone()).collect();
        self.levels[depth].title = None;
        self.levels[depth].points += 1;
        let skipped = !matches!(point.directive, Directive::None);
        self.levels[depth].failed += u64::from(!point.ok && !skipped);
        let suite = suite.join(" > ");
        let yaml = yaml::read(&yaml.unwrap_or_default());
        let is_suite = below.points > 0 || yaml.get("type").is_some_and(|kind| kind == "suite");
        // A parent that failed for a reason of its own is a test that failed.
        if is_suite && (point.ok || skipped || below.failed > 0) {
            return;
        }
        let duration_ms = yaml.get("duration_ms").and_then(|ms| ms.parse().ok());
        let duration_ms = duration_ms.and_then(from_milliseconds);
        let name = if point.name.is_empty() {
            point.number.map_or_else(|| "(no name)".to_owned(), |number| format!("test {number}"))
        } else {
            point.name
        };
        let test = Test { suite, name, duration_ms, flaky: false };
        match (point.directive, point.ok) {
            (Directive::Skip | Directive::Todo, _) => self.to.skipped_test(&test),
            (Directive::None, true) => self.to.passed_test(&test),
            (Directive::None, false) => self.to.failed(case(test, &yaml)),
        }
    }

    fn check_plan(&mut self) {
        let Level { points, planned, .. } = self.levels[0].clone();
        let Some(planned) = planned else { return };
        if points < planned {
            let reason = format!("plans {planned} tests, and has {points}: the run ended early");
            self.to.broken(None, reason);
        } else if points > planned {
            self.to.warn(None, format!("plans {planned} tests, and has {points}"));
        }
    }
}

/// What node, tap and others say in the block below a test.
fn case(test: Test, yaml: &yaml::Block) -> Case {
    let get = |key: &str| yaml.get(key).map(String::as_str).unwrap_or_default();
    let first = |keys: [&'static str; 3]| {
        keys.into_iter().map(get).find(|text| !text.is_empty()).unwrap_or_default().to_owned()
    };
    let stack: Vec<String> =
        get("stack").lines().map(|line| format!("    at {}", line.trim())).collect();
    let (file, line) = place(get("location"))
        .or_else(|| Some((get("at.file").to_owned(), get("at.line").parse().ok()?)))
        .map_or((None, None), |(file, line)| (Some(file), Some(line)));
    let side = |keys: [&'static str; 3]| Some(first(keys)).filter(|side| !side.is_empty());
    let ended =
        matches!(get("failureType"), "testTimeoutFailure" | "cancelledByParent" | "hookFailed");
    Case {
        suite: test.suite,
        name: test.name,
        kind: if ended { Kind::Error } else { Kind::Failure },
        file: file.filter(|file| !file.is_empty()),
        line,
        title: first(["error", "message", "reason"]),
        body: format!("{}\n{}", first(["diff", "data", "details"]), stack.join("\n")),
        expected: side(["expected", "wanted", "want"]),
        actual: side(["actual", "found", "got"]),
        duration_ms: test.duration_ms,
        ..Case::default()
    }
}

/// `/src/a.test.mjs:2:59`
fn place(text: &str) -> Option<(String, u32)> {
    let mut parts = text.rsplitn(3, ':');
    let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some((file.to_owned(), line.parse().ok()?))
}
