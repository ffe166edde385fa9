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
/// The most steps, repositories or workflows that are told of one by one.
const GROUPS_MAX: usize = 1_000;
/// Columns of a name.
const NAME_COLUMNS: usize = 28;
/// What runs are called that say no name, and those beyond [`GROUPS_MAX`] names.
const NAMELESS: &str = "(not said)";
const OTHERS: &str = "(others)";

/// By what runs are told together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// The step.
    #[default]
    Step,
    /// The repository, as the pipeline calls it.
    Repository,
    /// The workflow, as the pipeline calls it.
    Workflow,
}

impl By {
    fn word(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Repository => "repository",
            Self::Workflow => "workflow",
        }
    }

    fn several(self) -> &'static str {
        match self {
            Self::Step => "steps",
            Self::Repository => "repositories",
            Self::Workflow => "workflows",
        }
    }
}

/// Many runs.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    runs: Vec<OneRun>,
}

/// What counts of one run.
#[derive(Debug, Clone)]
struct OneRun {
    step: String,
    repository: String,
    workflow: String,
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

/// What many runs of a step, a repository or a workflow came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Together {
    /// Its name; empty for all runs.
    pub name: String,
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
    /// See [`Together::spend_median`].
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
        if self.runs.len() >= RUNS_MAX {
            return false;
        }
        let mut phases: BTreeMap<String, u64> = BTreeMap::new();
        for phase in &run.phases {
            *phases.entry(phase.what.to_string()).or_default() += phase.end - phase.begin;
        }
        let (total, cache) = (run.total(), run.cache());
        let about = run.about.as_ref();
        let pipeline = about.map(|about| about.pipeline.clone()).unwrap_or_default();
        let named = |name: Option<String>| {
            name.filter(|name| !name.is_empty()).unwrap_or_else(|| NAMELESS.to_owned())
        };
        self.runs.push(OneRun {
            step: named(about.map(|about| about.step.clone())),
            repository: named(pipeline.repository),
            workflow: named(pipeline.workflow),
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

    /// What all runs came to.
    pub fn all(&self) -> Together {
        together("", &self.runs.iter().collect::<Vec<_>>())
    }

    /// What the runs of each step, repository or workflow came to, in the order of their names.
    pub fn each(&self, by: By) -> Vec<Together> {
        let mut groups: BTreeMap<&str, Vec<&OneRun>> = BTreeMap::new();
        let mut others = Vec::new();
        for run in &self.runs {
            let name = match by {
                By::Step => run.step.as_str(),
                By::Repository => run.repository.as_str(),
                By::Workflow => run.workflow.as_str(),
            };
            if groups.contains_key(name) || groups.len() < GROUPS_MAX {
                groups.entry(name).or_default().push(run);
            } else {
                others.push(run);
            }
        }
        let mut each: Vec<Together> =
            groups.into_iter().map(|(name, runs)| together(name, &runs)).collect();
        if !others.is_empty() {
            each.push(together(OTHERS, &others));
        }
        each
    }

    /// As JSON: `all`, and a list that is called `steps`, `repositories` or `workflows`.
    pub fn json(&self, by: By) -> String {
        let mut value = serde_json::json!({ "schema": 2, "all": self.all() });
        value[by.several()] = serde_json::json!(self.each(by));
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As text for a terminal.
    pub fn text(&self, by: By, columns: usize) -> String {
        let mut page = String::new();
        for group in std::iter::once(self.all()).chain(self.each(by)) {
            let all = format!("all {}", by.several());
            let name = if group.name.is_empty() { &all } else { &group.name };
            let mut say = |text: &str| {
                let _ = writeln!(page, "{}", fit(text, columns));
            };
            say(&format!(
                "{}  {}",
                padded(&fit(name, NAME_COLUMNS), NAME_COLUMNS),
                count(group.runs, "run")
            ));
            for (word, text) in group.rows() {
                say(&format!("  {}  {text}", right(word, 16)));
            }
        }
        page
    }

    /// As one page that opens anywhere. It has no script.
    pub fn html(&self, by: By) -> String {
        let title = match by {
            By::Step => "Steps",
            By::Repository => "Repositories",
            By::Workflow => "Workflows",
        };
        let mut page = head(title, include_str!("html/page.css"), None);
        let runs = count(self.runs.len() as u64, "run");
        let _ = write!(
            page,
            "<header class=\"top\" data-mood=\"good\"><h1>{title}</h1><p class=\"facts\">{runs}</p></header>\n<main>\n"
        );
        let each = self.each(by);
        tiles(&mut page, &self.all());
        table(&mut page, by, &each);
        for group in &each {
            card(&mut page, group);
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }
}

fn together(name: &str, runs: &[&OneRun]) -> Together {
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
    Together {
        name: name.to_owned(),
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

impl Together {
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

fn tiles(page: &mut String, all: &Together) {
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

fn table(page: &mut String, by: By, groups: &[Together]) {
    let word = by.word();
    let _ = write!(
        page,
        "<section class=\"card\"><h2>By {word}</h2><div class=\"scroll\"><table class=\"rows\"><thead><tr><th scope=\"col\">{word}</th><th scope=\"col\">done</th>"
    );
    for word in ["runs", "time", "money", "a run", "from the cache"] {
        let _ = write!(page, "<th scope=\"col\" class=\"n\">{word}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for group in groups {
        let done = u64::try_from(u128::from(group.done) * 120 / u128::from(group.runs.max(1)))
            .unwrap_or(0);
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td><svg width=\"120\" height=\"8\" role=\"img\" aria-label=\"{} done\"><rect class=\"bar turn failed\" width=\"120\" height=\"8\" rx=\"4\"/><rect class=\"bar tests good\" width=\"{done}\" height=\"8\" rx=\"4\"/></svg></td>",
            Markup(&group.name),
            percent(group.done, group.runs)
        );
        for cell in [
            grouped(group.runs),
            millis(group.time_median_ms),
            money(group.spend),
            money(group.spend_median),
            percent(group.cached, group.answered),
        ] {
            let _ = write!(page, "<td class=\"n\">{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn card(page: &mut String, group: &Together) {
    let _ = write!(
        page,
        "<section class=\"card\"><h2>{}</h2><dl class=\"facts\">",
        Markup(&group.name)
    );
    for (word, text) in group.rows() {
        let _ = write!(page, "<dt>{word}</dt><dd>{}</dd>", Markup(&text));
    }
    page.push_str("</dl></section>\n");
}
