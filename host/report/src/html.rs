//! `report.html`: a run in one file that opens anywhere, and asks nobody for anything.
//!
//! The page's own scripts and styles are allowed by their digests (Content Security Policy, level
//! 3), everything else is forbidden. What is from outside reaches the page as data: as JSON in which
//! no `<` stands, and from there as text nodes only.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::amount::{count, millis, moment, money};
use crate::explain::{Trail, trails};
use crate::plain::Markup;
use crate::run::{CacheTook, EventLine, Level, Run};

const STYLE: &str = include_str!("html/page.css");

/// The page's script, in reading order. They share one scope.
const SCRIPTS: [&str; 7] = [
    include_str!("html/base.js"),
    include_str!("html/timeline.js"),
    include_str!("html/spend.js"),
    include_str!("html/sections.js"),
    include_str!("html/details.js"),
    include_str!("html/events.js"),
    include_str!("html/main.js"),
];

/// A record: number, moment, attempt, kind, word, text, level.
type Row<'a> = (u64, u64, u32, &'static str, &'static str, &'a str, Level);

/// What the page's script reads.
#[derive(Debug, Serialize)]
struct Data<'a> {
    run: &'a Run,
    cache: CacheTook,
    trails: Vec<Trail>,
    first_response_ms: Option<u64>,
    events: Vec<Row<'a>>,
}

/// The page of a run.
pub fn html(run: &Run) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    let data = embedded(&Data {
        run,
        cache: run.cache(),
        trails: trails(run),
        first_response_ms: run.first_response_ms(),
        events: run.events.iter().map(row).collect(),
    });
    let mut page = head(&title(run), STYLE, Some(&script));
    summary(&mut page, run);
    let _ = write!(
        page,
        "<main id=\"page\"></main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>{script}</script>\n</body>\n</html>\n"
    );
    page
}

fn row(event: &EventLine) -> Row<'_> {
    let EventLine { seq, at, attempt, kind, word, text, level } = event;
    (*seq, *at, *attempt, *kind, *word, text.as_str(), *level)
}

/// JSON that can neither end the element it stands in nor begin another.
fn embedded(data: &impl Serialize) -> String {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c")
}

/// The beginning of a page, up to its body. Only `style` and `script` may be part of it.
pub(crate) fn head(title: &str, style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts = script.map_or("'none'".to_owned(), hash);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         script-src {scripts}; style-src {}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        hash(style),
        Markup(title),
    )
}

fn title(run: &Run) -> String {
    let step = run.about.as_ref().map_or("a run", |about| about.step.as_str());
    format!("{step}: {}", ending(run))
}

fn ending(run: &Run) -> &str {
    run.stop.as_ref().map_or("unfinished", |stop| stop.said.as_str())
}

/// What can be read without a script: how it ended, and what it took.
fn summary(page: &mut String, run: &Run) {
    let step = run.about.as_ref().map_or("a run", |about| about.step.as_str());
    let total = run.total();
    let took = run.phases.last().map_or(0, |phase| phase.end);
    let mood = match run.ending() {
        "done" => "good",
        "unfinished" => "open",
        _ => "bad",
    };
    let said = if ending(run) == run.ending() { "" } else { ending(run) };
    let _ = write!(
        page,
        "<header class=\"top\" data-mood=\"{mood}\">\n<p class=\"mark\"><span class=\"pill\">{}</span> \
         <span>{}</span></p>\n<h1>{}</h1>\n",
        Markup(run.ending()),
        Markup(said),
        Markup(step),
    );
    if let Some(about) = &run.about {
        let base = about.base.as_deref().unwrap_or("nothing to compare with");
        let _ = writeln!(
            page,
            "<p class=\"about\"><span class=\"ref\">{}</span> against <span class=\"ref\">{}</span></p>",
            Markup(&about.head),
            Markup(base),
        );
    }
    let _ = write!(
        page,
        "<p class=\"facts\">run <code>{}</code> · {} · {} · {} tokens, {} · {}</p>\n\
         <noscript><p>What follows needs the script of this page. It asks nobody for anything; \
         the same can be read in <code>trace.jsonl</code>.</p></noscript>\n</header>\n",
        Markup(&run.name),
        Markup(&moment(run.began_ms)),
        Markup(&millis(took)),
        crate::amount::grouped(total.tokens),
        money(total.spend.0),
        count(run.attempts.len() as u64, "attempt"),
    );
}
