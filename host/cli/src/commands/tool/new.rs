//! `stepwell tool new`: a working tool, its cases, and what to do next.

use std::fs;
use std::path::{Path, PathBuf};

use super::templates;
use crate::args::{Language, ToolNewArgs};
use crate::commands::print;
use crate::problem::{AuthoringProblem, Problem};

/// What the templates' tool is called.
const TEMPLATE_NAME: &str = "my_tool";
/// Bytes of a tool's name, as the host reads it.
const NAME_BYTES_MAX: usize = 64;

/// Writes the folder.
pub(super) fn new(args: &ToolNewArgs) -> Result<u8, Problem> {
    if !is_name(&args.name) {
        return Err(AuthoringProblem::BadName { name: args.name.clone() }.into());
    }
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let is_occupied = fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some());
    if is_occupied || dir.is_file() {
        return Err(AuthoringProblem::Occupied { dir }.into());
    }
    for (path, text) in templates::files(args.lang) {
        write(&dir.join(path), &text.replace(TEMPLATE_NAME, &args.name))?;
    }
    write(&dir.join("README.md"), &readme(&args.name, args.lang))?;
    let place = dir.display();
    print(&format!(
        "{place}: a tool in {}\n\nnext:\n  stepwell tool build {place}\n  stepwell tool test {place}",
        args.lang.name()
    ));
    Ok(0)
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let failed = |source| Problem::File { what: "write", path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

/// What each folder says of itself.
fn readme(name: &str, language: Language) -> String {
    let manifest = if language.writes_manifest() {
        "`stepwell::tool!` in `src/lib.rs` has what the model is told: name, description, schema."
    } else {
        "`tool.json` has what the model is told: name, description, schema."
    };
    format!(
        "# {name}\n\nA tool for Stepwell, in {}.\n\n\
         - {manifest}\n\
         - `cases.toml` has what it is called with, and what must come of it.\n\
         - `wit/tool.wit` is the contract: everything that it can ask and say.\n\n\
         ```console\n\
         $ stepwell tool build .            # to build/{name}.wasm\n\
         $ stepwell tool test .             # the cases, with what the host sees of each\n\
         $ stepwell tool test . --update    # writes down what came out: read the difference\n\
         $ stepwell tool check .            # would a step take it, and what would it give it\n\
         $ stepwell tool call {name} --component build/{name}.wasm --args '{{\"path\": \"README.md\"}}'\n\
         ```\n\n\
         The toolchain: {}.\n",
        language.name(),
        language.get()
    )
}

fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}
