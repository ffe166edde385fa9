//! SPDX 2 as tags and values: `Tag: value` on a line, or `<text>` over several.

use super::spdx2::{is_said, relate};
use super::{Bill, Entry};
use crate::format::Input;
use crate::text::is_conflict_mark;

/// Whether a text is such a document: remarks may come before the first tag.
pub(super) fn is_one(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("SPDXVersion:"))
}

/// What a tag below says something of.
enum Section {
    Package(Entry),
    /// A file or a snippet, which are no packages.
    Other,
    Document,
}

pub(super) fn read<'a>(input: &mut Input<'a>, bill: &mut Bill<'_>) {
    let text: &'a str = input.text;
    let mut section = Section::Document;
    let mut relationships: Vec<(&str, u32)> = Vec::new();
    let mut is_in_text = false;
    for (line, number) in text.lines().zip(1u32..) {
        if is_conflict_mark(line) {
            input.faults.add(Some(number), "the mark of a merge conflict");
            is_in_text = false;
            continue;
        }
        if is_in_text {
            is_in_text = !line.contains("</text>");
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((tag, value)) = line.split_once(':').filter(|(tag, _)| is_tag(tag)) else {
            input.faults.add(Some(number), "no `Tag: value`");
            continue;
        };
        let value = value.trim();
        is_in_text = value.starts_with("<text>") && !value.contains("</text>");
        let value = value.strip_prefix("<text>").unwrap_or(value);
        let value = value.strip_suffix("</text>").unwrap_or(value);
        match (tag, &mut section) {
            ("PackageName", _) => {
                let entry = Entry { name: value.to_owned(), ..Entry::new(number) };
                close(std::mem::replace(&mut section, Section::Package(entry)), input, bill);
            }
            ("FileName" | "SnippetSPDXID" | "LicenseID", _) => {
                close(std::mem::replace(&mut section, Section::Other), input, bill);
                if tag == "SnippetSPDXID" {
                    bill.others.insert(value.to_owned());
                }
            }
            ("Relationship", _) => relationships.push((value, number)),
            ("SPDXID", Section::Other) => _ = bill.others.insert(value.to_owned()),
            (_, Section::Package(entry)) => fill(entry, tag, value),
            (_, Section::Other | Section::Document) => {}
        }
    }
    close(section, input, bill);
    for (value, line) in relationships {
        let words: Vec<&str> = value.split_whitespace().collect();
        match words.as_slice() {
            [from, kind, to] => relate((from, kind, to), line, input, bill),
            _ => input.faults.add(Some(line), "no relationship: `one KIND other`"),
        }
    }
}

fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn close(section: Section, input: &mut Input<'_>, bill: &mut Bill<'_>) {
    match section {
        Section::Package(entry) if bill.has_room(entry.line, &mut input.faults) => {
            bill.add(entry, &mut input.faults);
        }
        Section::Package(_) | Section::Other | Section::Document => {}
    }
}

fn fill(entry: &mut Entry, tag: &str, value: &str) {
    let said = || Some(value.to_owned()).filter(|text| is_said(text));
    match tag {
        "SPDXID" => entry.reference = said(),
        "PackageVersion" => entry.version = said(),
        "PackageLicenseDeclared" => entry.licence = said().or(entry.licence.take()),
        "PackageLicenseConcluded" => entry.licence = entry.licence.take().or_else(said),
        "PackageChecksum" => {
            let (algorithm, hex) = value.split_once(':').unwrap_or_default();
            entry.add_hash(algorithm, hex);
        }
        "ExternalRef" => {
            let mut words = value.split_whitespace().skip(1);
            if let (Some("purl"), Some(url), None) = (words.next(), words.next(), &entry.purl) {
                entry.purl = Some(url.to_owned());
            }
        }
        _ => {}
    }
}
