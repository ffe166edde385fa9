//! Many runs together: how they end, what they cost, what the caches save, where time goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::amount::{count, grouped, micros, millis, money, part, percent};
use crate::html::head;
use crate::plain::{Markup, fit, padded, right};
use crate::run::Run;

/// The most runs that are looked at together: many times what a team has in a month.
pub const RUNS_MAX: usize = 100_000;
/// The most steps that are told of one by one.
const STEPS_MAX: usize = 1_000;
/// Columns of a step's name.
const NAME_COLUMNS: usize = 28;

/// Runs, step by step.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    steps: BTreeMap<String, Vec<OneRun>>,
    runs: usize,
}

/// What counts of one run.
#[derive(Debug, Clone)]
struct OneRun {
    ending: &'static str,
    spend: u64,
    tokens: u64,
    time_ms: u64,
    first_ms: Option<u64>,
    cached: u64,
    answered: u64,
    saved_us: u64,
    phases: Vec<(String, u64)>,
}

/// What many runs of a step came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepTook {
    /// The step's name; empty for all of them together.
    pub step: String,
    /// How many.
    pub runs: u64,
    /// Those of them that are done.
    pub done: u64,
    /// How often each ending occurred.
    pub endings: BTreeMap<String, u64>,
    /// Millionths of a dollar in all.
    pub spend: u64,
    /// Those of the run in the middle, and of the one beyond which a twentieth lies.
    pub spend_median: u64,
    /// See [`StepTook::spend_median`].
    pub spend_95: u64,
    /// Tokens in all.
    pub tokens: u64,
    /// Milliseconds of the run in the middle.
    pub time_median_ms: u64,
    /// Milliseconds beyond which a twentieth lies.
    pub time_95_ms: u64,
    /// Milliseconds from the first request to the first sign of its response, in the middle.
    pub first_median_ms: Option<u64>,
    /// Calls answered by the cache.
    pub cached: u64,
    /// Calls answered by a tool or the cache.
    pub answered: u64,
    /// Microseconds of tool time that the cache saved.
    pub saved_us: u64,
    /// Milliseconds of each phase in the middle run, the slowest first.
    pub phases: Vec<(String, u64)>,
}

impl Fleet {
    /// Counts a run, unless there are [`RUNS_MAX`] already; says whether it did.
    pub fn add(&mut self, run: &Run) -> bool {
        let step = run.about.as_ref().map_or(String::new(), |about| about.step.clone());
        let room = self.steps.contains_key(&step) || self.steps.len() < STEPS_MAX;
        if self.runs >= RUNS_MAX || !room {
            return false;
        }
        let mut phases: BTreeMap<String, u64> = BTreeMap::new();
        for phase in &run.phases {
            *phases.entry(phase.what.to_string()).or_default() += phase.end - phase.begin;
        }
        let (total, cache) = (run.total(), run.cache());
        self.runs += 1;
        self.steps.entry(step).or_default().push(OneRun {
            ending: run.ending(),
            spend: total.spend.0,
            tokens: total.tokens,
            time_ms: run.phases.last().map_or(0, |phase| phase.end),
            first_ms: run.first_response_ms(),
            cached: cache.cached,
            answered: cache.cached + cache.fresh,
            saved_us: cache.saved_us,
            phases: phases.into_iter().collect(),
        });
        true
    }

    /// What all runs came to, then those of each step.
    pub fn took(&self) -> Vec<StepTook> {
        let all: Vec<&OneRun> = self.steps.values().flatten().collect();
        let each =
            self.steps.iter().map(|(step, runs)| took(step, &runs.iter().collect::<Vec<_>>()));
        std::iter::once(took("", &all)).chain(each).collect()
    }

    /// As JSON.
    pub fn json(&self) -> String {
        let took = self.took();
        let (all, steps) =
            took.split_first().map_or((None, &[][..]), |(all, rest)| (Some(all), rest));
        let value = serde_json::json!({ "schema": 1, "all": all, "steps": steps });
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As text for a terminal.
    pub fn text(&self, columns: usize) -> String {
        let mut page = String::new();
        for step in self.took() {
            let name = if step.step.is_empty() { "all steps" } else { &step.step };
            let mut say = |text: &str| {
                let _ = writeln!(page, "{}", fit(text, columns));
            };
            say(&format!(
                "{}  {}",
                padded(&fit(name, NAME_COLUMNS), NAME_COLUMNS),
                count(step.runs, "run")
            ));
            for (word, text) in step.rows() {
                say(&format!("  {}  {text}", right(word, 16)));
            }
        }
        page
    }

    /// As one page that opens anywhere. It has no script.
    pub fn html(&self) -> String {
        let took = self.took();
        let mut page = head("Steps", include_str!("html/page.css"), None);
        let runs = count(self.runs as u64, "run");
        let _ = write!(
            page,
            "<header class=\"top\" data-mood=\"good\"><h1>Steps</h1><p class=\"facts\">{runs}</p></header>\n<main>\n"
        );
        if let Some((all, steps)) = took.split_first() {
            tiles(&mut page, all);
            table(&mut page, steps);
            for step in steps {
                card(&mut page, step);
            }
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }
}

fn took(step: &str, runs: &[&OneRun]) -> StepTook {
    let sum =
        |of: fn(&OneRun) -> u64| runs.iter().fold(0_u64, |sum, run| sum.saturating_add(of(run)));
    let at = |of: fn(&OneRun) -> Option<u64>, percent: usize| {
        let mut values: Vec<u64> = runs.iter().filter_map(|run| of(run)).collect();
        values.sort_unstable();
        let place = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(place).copied()
    };
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    let mut phases: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for run in runs {
        *endings.entry(run.ending.to_owned()).or_default() += 1;
        for (phase, ms) in &run.phases {
            phases.entry(phase).or_default().push(*ms);
        }
    }
    let mut phases: Vec<(String, u64)> = phases
        .into_iter()
        .map(|(phase, mut ms)| {
            ms.sort_unstable();
            (phase.to_owned(), ms[(ms.len() - 1) / 2])
        })
        .collect();
    phases.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    StepTook {
        step: step.to_owned(),
        runs: runs.len() as u64,
        done: endings.get("done").copied().unwrap_or(0),
        endings,
        spend: sum(|run| run.spend),
        spend_median: at(|run| Some(run.spend), 50).unwrap_or(0),
        spend_95: at(|run| Some(run.spend), 95).unwrap_or(0),
        tokens: sum(|run| run.tokens),
        time_median_ms: at(|run| Some(run.time_ms), 50).unwrap_or(0),
        time_95_ms: at(|run| Some(run.time_ms), 95).unwrap_or(0),
        first_median_ms: at(|run| run.first_ms, 50),
        cached: sum(|run| run.cached),
        answered: sum(|run| run.answered),
        saved_us: sum(|run| run.saved_us),
        phases,
    }
}

impl StepTook {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let endings = self.endings.iter().filter(|(ending, _)| *ending != "done");
        let endings: Vec<String> = endings.map(|(ending, n)| format!("{ending} {n}")).collect();
        let phases = self.phases.iter().filter(|(_, ms)| *ms > 0);
        let phases: Vec<String> =
            phases.map(|(phase, ms)| format!("{phase} {}", millis(*ms))).collect();
        let mut rows = vec![("done", part(self.done, self.runs))];
        if !endings.is_empty() {
            rows.push(("other endings", endings.join(", ")));
        }
        rows.push((
            "time",
            format!(
                "{} in the middle, {} at 95 %",
                millis(self.time_median_ms),
                millis(self.time_95_ms)
            ),
        ));
        if let Some(first) = self.first_median_ms {
            rows.push(("first response", format!("after {}", millis(first))));
        }
        rows.push((
            "money",
            format!(
                "{} in all, {} in the middle, {} at 95 %",
                money(self.spend),
                money(self.spend_median),
                money(self.spend_95)
            ),
        ));
        rows.push(("tokens", grouped(self.tokens)));
        rows.push((
            "from the cache",
            format!("{} calls, {} saved", part(self.cached, self.answered), micros(self.saved_us)),
        ));
        if !phases.is_empty() {
            rows.push(("slowest phases", phases.join(", ")));
        }
        rows
    }
}

fn tiles(page: &mut String, all: &StepTook) {
    let tiles = [
        (
            "done",
            percent(all.done, all.runs),
            format!("{} of {}", all.done, count(all.runs, "run")),
        ),
        ("money", money(all.spend), format!("{} a run in the middle", money(all.spend_median))),
        ("time", millis(all.time_median_ms), format!("{} at 95 %", millis(all.time_95_ms))),
        (
            "from the cache",
            percent(all.cached, all.answered),
            format!("{} saved", micros(all.saved_us)),
        ),
    ];
    page.push_str("<section class=\"tiles\">");
    for (word, number, rest) in tiles {
        let _ = write!(
            page,
            "<div class=\"tile\"><span class=\"word\">{word}</span><strong>{number}</strong><span class=\"rest\">{rest}</span></div>"
        );
    }
    page.push_str("</section>\n");
}

fn table(page: &mut String, steps: &[StepTook]) {
    page.push_str("<section class=\"card\"><h2>By step</h2><div class=\"scroll\"><table class=\"rows\"><thead><tr><th scope=\"col\">step</th><th scope=\"col\">done</th>");
    for word in ["runs", "time", "money", "a run", "from the cache"] {
        let _ = write!(page, "<th scope=\"col\" class=\"n\">{word}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for step in steps {
        let done =
            u64::try_from(u128::from(step.done) * 120 / u128::from(step.runs.max(1))).unwrap_or(0);
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td><svg width=\"120\" height=\"8\" role=\"img\" aria-label=\"{} done\"><rect class=\"bar turn failed\" width=\"120\" height=\"8\" rx=\"4\"/><rect class=\"bar tests good\" width=\"{done}\" height=\"8\" rx=\"4\"/></svg></td>",
            Markup(&step.step),
            percent(step.done, step.runs)
        );
        for cell in [
            grouped(step.runs),
            millis(step.time_median_ms),
            money(step.spend),
            money(step.spend_median),
            percent(step.cached, step.answered),
        ] {
            let _ = write!(page, "<td class=\"n\">{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn card(page: &mut String, step: &StepTook) {
    let _ =
        write!(page, "<section class=\"card\"><h2>{}</h2><dl class=\"facts\">", Markup(&step.step));
    for (word, text) in step.rows() {
        let _ = write!(page, "<dt>{word}</dt><dd>{}</dd>", Markup(&text));
    }
    page.push_str("</dl></section>\n");
}
