//! `stepwell tool check`: would a step take this component, and what would it give it.

use std::collections::BTreeMap;

use runner::Plain;
use sandbox::{COMPONENT_BYTES_MAX, Code, Described, Import, Origin, PassedOver, Surface, WORLD};
use serde::Serialize;
use serde_json::{Value, json};

use super::subject::Subject;
use super::trial::Trial;
use crate::args::ToolCheckArgs;
use crate::commands::{pretty, print, runtime};
use crate::problem::Problem;

/// The exit code of a component that a step would not take, or should not.
const UNFIT: u8 = 1;
/// Bytes from which on a component is worth a word: it takes seconds to compile.
const LARGE_BYTES: usize = 1024 * 1024;

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    verdict: Word,
    says: String,
}

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Ok,
    /// Nothing is wrong, and the author should know.
    Note,
    Wrong,
}

/// Looks at a component.
pub(super) fn check(args: &ToolCheckArgs) -> Result<u8, Problem> {
    let subject = Subject::open(&args.tool)?;
    let component = &subject.component;
    let surface = component.surface().map_err(|err| Problem::BadComponent {
        name: subject.path.display().to_string(),
        source: err.into(),
    })?;
    let mut checks = vec![world(&subject, &surface), manifest(component), schema(component)];
    checks.extend(component.passed_over().iter().map(passed_over));
    checks.extend(imports(&surface));
    checks.push(size(component));
    match Trial::new(&subject.path.display().to_string(), component) {
        Ok(trial) => {
            checks.push(compiled(&trial));
            checks.push(determinism(&subject, &trial)?);
        }
        Err(problem) => checks.push(Check::wrong("code", causes(&problem))),
    }
    let is_wrong = checks.iter().any(|check| check.verdict == Word::Wrong);
    if args.json {
        let shown = json!({
            "tool": component.manifest().name,
            "tools": subject.names,
            "component": component.digest().to_string(),
            "bytes": component.bytes().len(),
            "fit": !is_wrong,
            "imports": surface.imports.iter().map(import_json).collect::<Vec<_>>(),
            "exports": surface.exports,
            "checks": checks,
        });
        print(&pretty(&shown));
    } else {
        print(
            &Plain(&format!("{}: {}", component.manifest().name, component.digest())).to_string(),
        );
        for Check { what, verdict, says } in &checks {
            print(&Plain(&format!("{:<6} {what:<12} {says}", verdict.text())).to_string());
        }
    }
    Ok(if is_wrong { UNFIT } else { 0 })
}

fn world(subject: &Subject, surface: &Surface) -> Check {
    if !subject.component.is_ours() {
        let names = subject.names.join(", ");
        return Check::note("world", format!("it was not made for stepwell; its tools: {names}"));
    }
    if !surface.has_handler() {
        return Check::wrong("world", "it does not export `stepwell:tool/handler`".to_owned());
    }
    let others = surface.exports.len() - 1;
    let beside =
        if others == 0 { String::new() } else { format!(", and {others} exports nobody uses") };
    Check::ok("world", format!("it exports the handler of `{WORLD}`{beside}"))
}

/// A function that is no tool.
fn passed_over(function: &PassedOver) -> Check {
    let PassedOver { name, why } = function;
    Check::note("functions", format!("`{}` is no tool: {why}", name.escape_debug()))
}

fn manifest(component: &Described) -> Check {
    let manifest = component.manifest();
    let ceiling = match &manifest.grants {
        None => "may be granted any file and no variable".to_owned(),
        Some(asks) => {
            let read = asks.read.as_ref().map_or("any file".to_owned(), |globs| globs.join(", "));
            let names = asks.environment.join(", ");
            let names = if names.is_empty() { "no variable".to_owned() } else { names };
            format!("asks for {read} and {names}, and can be granted no more")
        }
    };
    Check::ok("manifest", format!("`{}` {ceiling}", manifest.name))
}

fn schema(component: &Described) -> Check {
    let schema = &component.manifest().schema;
    if let Err(err) = jsonschema::draft202012::meta::validate(schema) {
        let says =
            format!("it is no JSON Schema of draft 2020-12: {err}, at `{}`", err.instance_path());
        return Check::wrong("schema", says);
    }
    if let Err(err) = jsonschema::draft202012::new(schema) {
        return Check::wrong("schema", format!("it cannot be used: {err}"));
    }
    let says = |key: &str| schema.get(key);
    if says("type") != Some(&Value::from("object")) {
        return Check::note(
            "schema",
            "it does not say `\"type\": \"object\"`, which every input is".into(),
        );
    }
    if says("additionalProperties") != Some(&Value::Bool(false)) {
        let says = "it lets unknown arguments through: set `additionalProperties` to false";
        return Check::note("schema", says.to_owned());
    }
    Check::ok("schema", "valid, draft 2020-12".to_owned())
}

/// A line for each package of imports, with what stands behind it.
fn imports(surface: &Surface) -> Vec<Check> {
    let mut told: BTreeMap<&str, (Word, Vec<&str>)> = BTreeMap::new();
    for import in &surface.imports {
        let (word, meaning) = meaning(import);
        let name = import.name.split('@').next().unwrap_or(&import.name);
        told.entry(meaning).or_insert((word, Vec::new())).1.push(name);
    }
    let line = |(meaning, (verdict, names)): (&str, (Word, Vec<&str>))| Check {
        what: "imports",
        verdict,
        says: format!("{}: {meaning}", names.join(", ")),
    };
    let mut checks: Vec<Check> = told.into_iter().map(line).collect();
    if surface.unlisted > 0 {
        checks.push(Check::wrong("imports", format!("and {} more", surface.unlisted)));
    }
    checks
}

/// What an import comes to: what is denied of it, and which grant gives it.
fn meaning(import: &Import) -> (Word, &'static str) {
    let (interface, _version) = import.name.split_once('@').unwrap_or((&import.name, ""));
    match (import.origin, interface) {
        (Origin::Nobody, _) => (Word::Wrong, "no tool gets it, so the component is not loaded"),
        (Origin::Contract, "stepwell:tool/repository") => (
            Word::Ok,
            "files that `tools.read` or `tools.grant` of a step grants; others are denied",
        ),
        (Origin::Contract, "stepwell:tool/environment") => (
            Word::Ok,
            "variables that the manifest asks for and `tools.environment` of a step grants",
        ),
        (Origin::Contract, _) => (Word::Ok, "always there"),
        (Origin::Wasi, "wasi:clocks/wall-clock") => {
            (Word::Note, "the commit's time; a tool that looks is run again for each commit")
        }
        (Origin::Wasi, "wasi:cli/environment") => (
            Word::Ok,
            "variables that the manifest asks for and `tools.environment` of a step grants",
        ),
        (Origin::Wasi, name) if name.starts_with("wasi:filesystem/") => (
            Word::Ok,
            "the repository, read-only, as far as `tools.read` grants it, and a `/tmp` of its own",
        ),
        (Origin::Wasi, name) if name.starts_with("wasi:sockets/") => {
            (Word::Note, "every socket is refused; no grant gives one")
        }
        (Origin::Wasi, name) if name.starts_with("wasi:random/") => {
            (Word::Ok, "follows from the component and the input")
        }
        (Origin::Wasi, _) => (Word::Ok, "virtual: nothing of the machine is behind it"),
    }
}

fn import_json(import: &Import) -> Value {
    let (word, meaning) = meaning(import);
    json!({ "name": import.name, "loads": word != Word::Wrong, "meaning": meaning })
}

fn size(component: &Described) -> Check {
    let bytes = component.bytes().len();
    let says = format!("{bytes} bytes, of {COMPONENT_BYTES_MAX} at most");
    let word = if bytes > LARGE_BYTES { Word::Note } else { Word::Ok };
    Check { what: "size", verdict: word, says }
}

fn compiled(trial: &Trial) -> Check {
    let (code, took) = trial.loaded;
    let took = took.as_millis();
    Check::ok(
        "code",
        match code {
            Code::Compiled => format!("compiled for this machine in {took} ms, and kept"),
            Code::Kept => format!("kept from earlier, loaded in {took} ms"),
        },
    )
}

fn determinism(subject: &Subject, trial: &Trial) -> Result<Check, Problem> {
    let cases = subject.cases()?;
    if !subject.is_clear {
        let says = "not tried: name one of its tools with `--function`";
        return Ok(Check::note("determinism", says.to_owned()));
    }
    if cases.is_empty() {
        let says = "not tried: there are no cases to run twice";
        return Ok(Check::note("determinism", says.to_owned()));
    }
    let runtime = runtime()?;
    let mut wild = Vec::new();
    for case in &cases {
        let tried = runtime.block_on(trial.run(case))?;
        if !tried.differs.is_empty() {
            wild.push(format!("`{}` ({})", case.name, tried.differs.join(", ")));
        }
    }
    if wild.is_empty() {
        let says =
            format!("{} ran twice and came out alike", runner::count(cases.len() as u64, "case"));
        return Ok(Check::ok("determinism", says));
    }
    Ok(Check::wrong("determinism", format!("run twice, these differed: {}", wild.join(", "))))
}

/// A problem and its causes in a line.
fn causes(problem: &Problem) -> String {
    let mut says = problem.to_string();
    let mut cause = std::error::Error::source(problem);
    while let Some(err) = cause {
        says = format!("{says}: {err}");
        cause = err.source();
    }
    says
}

impl Check {
    fn ok(what: &'static str, says: String) -> Self {
        Self { what, verdict: Word::Ok, says }
    }

    fn note(what: &'static str, says: String) -> Self {
        Self { what, verdict: Word::Note, says }
    }

    fn wrong(what: &'static str, says: String) -> Self {
        Self { what, verdict: Word::Wrong, says }
    }
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}
