//! The gates that look at the patch alone: its size, its paths, its characters.

use super::{GateName, named, things};
use crate::judge::count;
use crate::name::is_bidi;
use crate::{FileChange, Place, Rules, Ruling, Then, ValidPatch, Verdict};

pub(crate) fn valid(patch: &ValidPatch) -> Verdict {
    let files = things(patch.files().len(), "file");
    let because = format!("{files} can be read, and every name is plain");
    Verdict::pass(GateName::PatchValid, because)
}

pub(crate) fn few_files(patch: &ValidPatch, rules: &Rules) -> Verdict {
    let found = patch.paths().count();
    let allowed = (rules.spec.files_max, rules.spec.then.files_max);
    ceiling(GateName::FilesMax, patch, found, allowed, "file")
}

pub(crate) fn few_lines(patch: &ValidPatch, rules: &Rules) -> Verdict {
    let found = patch.files().iter().map(|file| file.added() + file.removed()).sum();
    let allowed = (rules.spec.lines_max, rules.spec.then.lines_max);
    ceiling(GateName::LinesMax, patch, found, allowed, "changed line")
}

fn ceiling(
    gate: GateName,
    patch: &ValidPatch,
    found: usize,
    (allowed, then): (u64, Then),
    what: &str,
) -> Verdict {
    let because = format!("{}, the most is {allowed}", things(found, what));
    let is_over = count(found) > allowed;
    let (ruling, paths) = match is_over {
        true => (then.into(), patch.paths().map(str::to_owned).collect()),
        false => (Ruling::Pass, Vec::new()),
    };
    Verdict { allowed, ..Verdict::finding(gate, ruling, found, because, paths) }
}

pub(crate) fn nothing_protected(patch: &ValidPatch, rules: &Rules) -> Verdict {
    const GATE: GateName = GateName::ProtectedPaths;
    let touched: Vec<String> =
        patch.paths().filter(|path| rules.protects(path)).map(str::to_owned).collect();
    if touched.is_empty() {
        return Verdict::pass(GATE, "no protected path".to_owned());
    }
    let because = format!(
        "{}: {}; a step may touch them only if its rules allow them by name",
        things(touched.len(), "protected path"),
        named(touched.iter().map(String::as_str)),
    );
    Verdict::finding(GATE, rules.spec.then.protected_paths.into(), touched.len(), because, touched)
}

pub(crate) fn nothing_hidden(patch: &ValidPatch, rules: &Rules) -> Verdict {
    const GATE: GateName = GateName::HiddenCharacters;
    let places: Vec<Place> = patch.files().iter().flat_map(hidden).collect();
    let mut paths: Vec<String> = places.iter().map(|place| place.path.clone()).collect();
    // The places of a file stand together.
    paths.dedup();
    if paths.is_empty() {
        return Verdict::pass(GATE, "no file with hidden characters".to_owned());
    }
    let because = format!(
        "{}: {}; characters that change the direction of text, or show nothing, make code look \
         like other code",
        things(paths.len(), "file with hidden characters"),
        named(paths.iter().map(String::as_str)),
    );
    let ruling = rules.spec.then.hidden_characters.into();
    Verdict::finding(GATE, ruling, paths.len(), because, paths).at(places)
}

/// The added lines of a file that hide something. A change adds lines under its last path.
fn hidden(file: &FileChange) -> Vec<Place> {
    let path = file.paths().last().unwrap_or_default();
    let place = |line: super::added::NumberedLine<'_>| {
        let hidden = line.text.chars().find(|c| hides(*c))?;
        let what = format!("the character U+{:04X}", u32::from(hidden));
        Some(Place { path: path.to_owned(), line: Some(line.number), what })
    };
    file.added_lines().into_iter().filter_map(place).collect()
}

/// Whether a character turns the text around, or is one of the tag characters: they show nothing,
/// and a model reads them as letters.
fn hides(c: char) -> bool {
    is_bidi(c) || matches!(c, '\u{e0000}'..='\u{e007f}')
}
