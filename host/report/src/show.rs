//! A run as text for a terminal: as wide as that is, and coloured only where it is asked for.

use std::fmt::Write as _;

use session::Severity;

use crate::amount::{count, grouped, micros, millis, moment, money, part};
use crate::plain::{Plain, fit, padded, right};
use crate::run::{Call, CallState, Level, Proposal, Run, Side, Turn, TurnState, WorkTook};
use crate::words::{round_word, tests_words};

/// The narrowest and the widest that a text is made for.
const COLUMNS: std::ops::RangeInclusive<usize> = 40..=200;
/// The most calls, and the most lines of a patch, that are listed.
const LINES_MAX: usize = 200;
/// Cells of a bar.
const BAR: usize = 20;
/// The fewest columns that have room for bars.
const WITH_BARS: usize = 100;

/// How it is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub columns: usize,
    /// Whether colours may be used (ANSI escapes).
    pub colours: bool,
    /// Whether every record is listed.
    pub records: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { columns: 100, colours: false, records: false }
    }
}

/// What a piece of text means, for those who see colours.
#[derive(Debug, Clone, Copy)]
enum Tint {
    Strong,
    Quiet,
    Good,
    Warn,
    Bad,
}

/// A page that is being written.
struct Page {
    text: String,
    columns: usize,
    colours: bool,
}

/// The text of a run.
pub fn show(run: &Run, look: Look) -> String {
    let columns = look.columns.clamp(*COLUMNS.start(), *COLUMNS.end());
    let mut page = Page { text: String::new(), columns, colours: look.colours };
    page.head(run);
    page.works(run);
    page.analysis(run);
    page.patch(run);
    page.tests(run);
    page.turns(run);
    page.calls(run);
    if look.records {
        page.records(run);
    }
    page.text
}

impl Page {
    fn tint(&self, tint: Tint, text: &str) -> String {
        let code = match tint {
            Tint::Strong => "1",
            Tint::Quiet => "2",
            Tint::Good => "32",
            Tint::Warn => "33",
            Tint::Bad => "31",
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A line that does not pass the edge. What stands in it is from outside.
    fn line(&mut self, indent: usize, tint: Option<Tint>, text: &str) {
        let text = fit(text, self.columns - indent);
        let text = tint.map_or(text.clone(), |tint| self.tint(tint, &text));
        let line = format!("{}{text}", " ".repeat(indent));
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, text: &str) {
        self.text.push('\n');
        self.line(0, Some(Tint::Strong), text);
    }

    fn head(&mut self, run: &Run) {
        let step = run.about.as_ref().map_or("a run", |about| about.step.as_str());
        let (tint, ending) = match &run.stop {
            Some(stop) if stop.reason == session::StopReason::Done => (Tint::Good, "done"),
            Some(stop) => (Tint::Bad, stop.said.as_str()),
            None => (Tint::Warn, "unfinished"),
        };
        self.line(0, Some(Tint::Strong), step);
        self.line(0, Some(tint), ending);
        if let Some(about) = &run.about {
            let base = about.base.as_deref().unwrap_or("nothing");
            self.line(0, None, &format!("{} against {base}", about.head));
            let tools = count(about.tools.len() as u64, "tool");
            self.line(
                0,
                None,
                &format!(
                    "{} ({}), {tools}, version {}",
                    about.provider, about.model, about.version
                ),
            );
        }
        let attempts = count(run.attempts.len() as u64, "attempt");
        let records = count(run.records, "record");
        let line = format!("run {}, {}, {attempts}, {records}", run.name, moment(run.began_ms));
        self.line(0, Some(Tint::Quiet), &line);
        if run.unknown > 0 {
            let line = format!(
                "{} of a newer program could not be understood",
                count(run.unknown, "record")
            );
            self.line(0, Some(Tint::Warn), &line);
        }
    }

    fn works(&mut self, run: &Run) {
        self.title("what it took");
        for WorkTook { work, time_ms, spent, ceiling } in &run.works {
            if *time_ms == 0 && spent.tokens == 0 && spent.calls == 0 {
                continue;
            }
            let most = ceiling.as_ref();
            let name = work.to_string();
            let bar = match most.filter(|most| self.columns >= WITH_BARS && most.spend.0 > 0) {
                Some(most) => bar(spent.spend.0, most.spend.0) + " ",
                None => String::new(),
            };
            // A ceiling of nothing says that the work has no such cost.
            let of = |used: String, most: Option<u64>, say: fn(u64) -> String| {
                let most = most.filter(|most| *most > 0).map(say);
                most.map_or(used.clone(), |most| format!("{used} of {most}"))
            };
            let line = format!(
                "{} {bar}{}, {}, {} tokens, {}",
                padded(&name, 8),
                of(money(spent.spend.0), most.map(|most| most.spend.0), money),
                of(millis(*time_ms), most.map(|most| most.time_ms), millis),
                of(grouped(spent.tokens), most.map(|most| most.tokens), grouped),
                count(spent.calls, "call"),
            );
            self.line(2, None, &line);
        }
        let total = run.total();
        let line = format!(
            "{} {}, {} tokens",
            padded("in all", 8),
            money(total.spend.0),
            grouped(total.tokens)
        );
        self.line(2, Some(Tint::Strong), &line);
        let cache = run.cache();
        let answered = cache.fresh + cache.cached;
        let line = format!(
            "{} {} from the cache, {} of tool time saved",
            padded("calls", 8),
            part(cache.cached, answered),
            micros(cache.saved_us)
        );
        self.line(2, None, &line);
    }

    fn analysis(&mut self, run: &Run) {
        let Some(analysis) = &run.analysis else { return };
        self.title("analysis");
        self.wrapped(2, &analysis.summary);
        for finding in &analysis.findings {
            let (tint, mark) = match finding.severity {
                Severity::Error => (Tint::Bad, "error"),
                Severity::Warning => (Tint::Warn, "warning"),
                Severity::Note => (Tint::Quiet, "note"),
            };
            let place = finding.file.as_deref().map_or(String::new(), |file| {
                let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
                format!(" ({file}{line})")
            });
            self.line(2, Some(tint), &format!("{mark}: {}{place}", finding.title));
            if !finding.evidence.is_empty() {
                self.wrapped(4, &finding.evidence);
            }
        }
        for need in &analysis.needs {
            self.line(2, Some(Tint::Warn), &format!("needed of you: {}", need.question));
            need.options.iter().for_each(|option| self.line(4, None, &format!("- {option}")));
            if !need.why.is_empty() {
                self.wrapped(4, &need.why);
            }
        }
        for (step, number) in analysis.next_steps.iter().zip(1..) {
            self.line(2, None, &format!("{number}. {step}"));
        }
    }

    /// A text over as many lines as it takes, cut where words end.
    fn wrapped(&mut self, indent: usize, text: &str) {
        let room = self.columns - indent;
        let plain = Plain(text).to_string();
        let mut line = String::new();
        for word in plain.split_whitespace() {
            let width = unicode_width::UnicodeWidthStr::width;
            if !line.is_empty() && width(line.as_str()) + 1 + width(word) > room {
                self.line(indent, None, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(indent, None, &line);
        }
    }

    fn patch(&mut self, run: &Run) {
        let Some(patch) = run.patch().or(run.patches.last()) else { return };
        let Proposal { call, problem, digest, verdicts, changes, .. } = patch;
        let said = if problem.is_none() { "let out" } else { "refused" };
        self.title(&format!("patch by {call}, {said}"));
        if let Some(problem) = problem {
            self.line(2, Some(Tint::Bad), problem);
        }
        for verdict in verdicts {
            let (tint, mark) =
                if verdict.passed { (Tint::Good, "passed") } else { (Tint::Bad, "refused") };
            self.line(2, Some(tint), &format!("{} {mark}: {}", verdict.gate, verdict.because));
        }
        if let Some(digest) = digest {
            self.line(2, Some(Tint::Quiet), digest);
        }
        let mut left = LINES_MAX;
        for file in changes {
            self.line(2, Some(Tint::Strong), file.path());
            for hunk in &file.hunks {
                self.line(2, Some(Tint::Quiet), &format!("line {} {}", hunk.new_line, hunk.place));
                for line in hunk.lines.iter().take(left) {
                    let (tint, mark) = match line.side {
                        Side::Both => (None, ' '),
                        Side::Removed => (Some(Tint::Bad), '-'),
                        Side::Added => (Some(Tint::Good), '+'),
                    };
                    self.line(4, tint, &format!("{mark}{}", line.text));
                }
                left = left.saturating_sub(hunk.lines.len());
            }
        }
    }

    fn tests(&mut self, run: &Run) {
        if run.tests.is_empty() {
            return;
        }
        self.title("tests");
        for round in &run.tests {
            let said = round.said.as_ref();
            let tint =
                said.map_or(Tint::Warn, |said| if said.passed { Tint::Good } else { Tint::Bad });
            let text = said.map_or("no word".to_owned(), tests_words);
            self.line(2, Some(tint), &format!("{}: {text}", round_word(round.round)));
            for name in
                said.and_then(|said| said.counts.as_ref()).iter().flat_map(|counts| &counts.failing)
            {
                self.line(4, None, name);
            }
        }
    }

    fn turns(&mut self, run: &Run) {
        if run.turns.is_empty() {
            return;
        }
        self.title(&count(run.turns.len() as u64, "request"));
        for turn in run.turns.iter().take(LINES_MAX) {
            let Turn { number, try_number, state, tokens, spend, known, .. } = turn;
            let (tint, said) = match state {
                TurnState::Open => (Tint::Warn, "no end".to_owned()),
                TurnState::Completed => (Tint::Good, count(turn.asked.len() as u64, "call")),
                TurnState::Failed { code, message, .. } => {
                    (Tint::Bad, format!("{code}: {message}"))
                }
            };
            let time = turn
                .end
                .zip(turn.requested)
                .map_or("–".to_owned(), |(end, begin)| millis(end.saturating_sub(begin)));
            let most = if *known { "" } else { " at most" };
            let line = format!(
                "turn {number}.{try_number}  {}  {} tokens, {}{most}  {said}",
                right(&time, 9),
                grouped(*tokens),
                money(*spend)
            );
            self.line(2, Some(tint), &line);
        }
    }

    fn calls(&mut self, run: &Run) {
        if run.calls.is_empty() {
            return;
        }
        self.title(&count(run.calls.len() as u64, "tool call"));
        for call in run.calls.iter().take(LINES_MAX) {
            let Call { name, tool, arguments, state, source, usage, .. } = call;
            let (tint, said) = match state {
                CallState::Open => (Some(Tint::Warn), "no answer".to_owned()),
                CallState::Answered => (
                    None,
                    match source {
                        Some(session::Source::Cache) => {
                            format!("cached, {} saved", micros(usage.saved_us))
                        }
                        Some(session::Source::Fresh) => micros(usage.wall_us),
                        Some(session::Source::Host) | None => "by the host".to_owned(),
                    },
                ),
                CallState::Refused => (Some(Tint::Warn), "refused".to_owned()),
                CallState::Ended { ending } => (Some(Tint::Bad), format!("ended: {ending}")),
            };
            let line = format!(
                "{}  {}  {}  {}",
                padded(name, 10),
                padded(&fit(tool, 18), 18),
                padded(&fit(&said, 24), 24),
                arguments.text
            );
            self.line(2, tint, &line);
        }
        if run.calls.len() > LINES_MAX {
            let more = count((run.calls.len() - LINES_MAX) as u64, "call");
            self.line(2, Some(Tint::Quiet), &format!("and {more} more"));
        }
    }

    fn records(&mut self, run: &Run) {
        self.title("records");
        for event in &run.events {
            let tint = match event.level {
                Level::Plain => None,
                Level::Warning => Some(Tint::Warn),
                Level::Error => Some(Tint::Bad),
            };
            let time = right(&millis(event.at), 10);
            let line = format!("{:>6}  {time}  {:<9}  {}", event.seq, event.word, event.text);
            self.line(0, tint, &line);
        }
        if run.records > run.events.len() as u64 {
            let more = count(run.records - run.events.len() as u64, "record");
            self.line(0, Some(Tint::Quiet), &format!("and {more} more"));
        }
    }
}

/// How much of it is used.
fn bar(used: u64, most: u64) -> String {
    let full = (u128::from(used) * BAR as u128).div_ceil(u128::from(most)).min(BAR as u128);
    let full = usize::try_from(full).unwrap_or(BAR);
    let mut text = String::new();
    let _ = write!(text, "[{}{}]", "=".repeat(full), " ".repeat(BAR - full));
    text
}
