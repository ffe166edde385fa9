//! What `docs/` shows of the product is what it is: the operator's log, and the schema of a step file.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::support::{World, normalised, workspace};

/// Pixels of a line, of a character, and around the text.
const LINE: usize = 19;
const CHARACTER: f64 = 7.83;
const AROUND: usize = 14;

/// Columns of the moment and of the word that begin a line of the log.
const MOMENT: usize = 9;
const WORD: usize = 25;

fn picture() -> PathBuf {
    workspace().join("docs/images/operator-log.svg")
}

fn schema() -> PathBuf {
    workspace().join("docs/schema/step.json")
}

/// The log of the demo.
fn log(world: &World) -> String {
    let log = world.run_script(&["--ci", "plain"]).code(0).err;
    let repo = world.repo().canonicalize().unwrap().display().to_string();
    log.replace(&repo, "…/slots")
}

/// A log as a picture. Its text is the log's, to the letter.
fn drawn(log: &str) -> String {
    let lines: Vec<&str> = log.trim_end().lines().collect();
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a line has few characters")]
    let width = (columns as f64).mul_add(CHARACTER, (2 * AROUND) as f64);
    let height = lines.len() * LINE + 2 * AROUND;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height}\" role=\"img\" \
         aria-label=\"The operator's log of a run\">\n<style>\n\
         rect {{ fill: #16181d; }}\n\
         text {{ fill: #d6dae2; font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; \
         white-space: pre; }}\n\
         .moment {{ fill: #7d8594; }} .word {{ fill: #7fb2ff; }} .phase {{ fill: #fff; font-weight: bold; }}\n\
         .warning {{ fill: #f0c674; }}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\"/>\n"
    );
    for (number, line) in (1..).zip(lines) {
        let y = AROUND + number * LINE - 5;
        let _ = write!(svg, "<text x=\"{AROUND}\" y=\"{y}\" xml:space=\"preserve\">");
        let cut = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(place, _)| place);
        let (moment, rest) = line.split_at(cut(MOMENT));
        let (word, rest) = rest.split_at(cut(WORD) - moment.len());
        let class = match word.trim() {
            "warning" => "warning",
            word if word.chars().all(|c| c.is_ascii_uppercase() || c == '_') => "phase",
            _ => "word",
        };
        for (class, text) in [("moment", moment), (class, word)] {
            let _ = write!(svg, "<tspan class=\"{class}\">{}</tspan>", escaped(text));
        }
        let _ = writeln!(svg, "{}</text>", escaped(rest));
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of such a picture.
fn text(svg: &str) -> String {
    let mut log = String::new();
    for line in svg.lines().filter(|line| line.starts_with("<text ")) {
        let inside = line.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
        let text: String = inside.collect();
        log += &text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        log.push('\n');
    }
    log
}

/// Independent calls run side by side, so the order is not compared.
fn lines(log: &str, world: &World) -> BTreeSet<String> {
    normalised(log, world).lines().map(str::to_owned).collect()
}

#[test]
fn the_picture_of_the_log_is_that_of_the_demo() {
    let world = World::example();
    let log = log(&world);
    assert_eq!(text(&drawn(&log)), log.trim_end().to_owned() + "\n");
    let shown = fs::read_to_string(picture()).unwrap_or_default();
    assert!(shown.len() < 150_000, "{} bytes", shown.len());
    let how = "cargo test --workspace --test product -- --ignored draws_the_log";
    assert_eq!(lines(&text(&shown), &world), lines(&log, &world), "`{how}` draws it anew");
}

#[test]
#[ignore = "writes into docs/"]
fn draws_the_log() {
    fs::write(picture(), drawn(&log(&World::example()))).unwrap();
}

#[test]
fn the_schema_of_a_step_file_is_that_of_the_types() {
    let printed = World::files(&[]).stepwell(&["schema", "step"]).code(0).out;
    let there = fs::read_to_string(schema()).unwrap_or_default();
    let how = "cargo test --workspace --test product -- --ignored writes_the_schema_of_a_step";
    assert!(there == printed, "docs/schema/step.json is another; `{how}` writes it anew");
}

#[test]
#[ignore = "writes into docs/"]
fn writes_the_schema_of_a_step() {
    let printed = World::files(&[]).stepwell(&["schema", "step"]).code(0).out;
    fs::write(schema(), printed).unwrap();
}
