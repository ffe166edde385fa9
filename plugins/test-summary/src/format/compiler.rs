//! What rustc says when nothing could be run: errors with a place.

use crate::report::{Case, Kind, Writer};
use crate::text::Head;

/// A message with its code and notes; longer ones list candidates.
const LINES_MAX: usize = 40;
/// What cargo says when it is over. It says nothing about the code.
const NOT_ERRORS: &[&str] = &[
    "error: could not compile",
    "error: aborting due to",
    "error: test failed",
    "error: doctest failed",
    "error: test run failed",
    "error: build failed",
    "error: command `",
];

/// Whether cargo says here that a crate did not build.
pub(crate) fn is_build_failure(line: &str) -> bool {
    line.starts_with("error: could not compile")
}

/// Whether an error of the compiler begins here. The next line says where, as no program's own
/// `error: …` does; cargo's errors about a manifest do not come with tests.
fn begins(line: &str, next: Option<&str>) -> bool {
    let is_error = line.starts_with("error[") || line.starts_with("error: ");
    is_error
        && !NOT_ERRORS.iter().any(|prefix| line.starts_with(prefix))
        && next.is_some_and(|next| next.trim_start().starts_with("--> "))
}

/// Writes down the compiler's errors, each once: a library is built for its tests, too.
pub(crate) fn read(lines: &[&str], to: &mut Writer<'_>) {
    let mut seen = std::collections::BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).copied();
        if !begins(line, next) || !seen.insert((*line, next)) {
            continue;
        }
        let place = next.and_then(|next| next.trim_start().strip_prefix("--> "));
        let (file, number) = place.map_or((None, None), |place| {
            let mut parts = place.rsplitn(3, ':');
            let (_column, line, file) = (parts.next(), parts.next(), parts.next());
            (file.map(str::to_owned), line.and_then(|line| line.parse().ok()))
        });
        let mut body = Head::default();
        for line in lines[at..].iter().take(LINES_MAX).take_while(|line| !line.is_empty()) {
            body.push(line);
            body.push("\n");
        }
        to.error(Case {
            suite: "rustc".to_owned(),
            name: (*line).to_owned(),
            kind: Kind::Error,
            file,
            line: number,
            body: body.0,
            ..Case::default()
        });
    }
}
