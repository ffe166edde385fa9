//! The syntax of yarn 1: indented lines, a value a line, quotes where it must.

use std::borrow::Cow;

use super::{Entry, Is, Lock, Need};
use crate::format::js::{Origin, is_conflict_mark, split_at_sign};
use crate::format::npm::integrity;
use crate::format::{Input, Unreadable, phrase, word};
use crate::graph::{EdgeKind, Hash, HashAlgorithm, Kind};

/// What is wrong with a line.
type Fault = &'static str;

/// An entry in the making.
struct Open<'a> {
    keys: Vec<Cow<'a, str>>,
    line: u32,
    version: Option<Cow<'a, str>>,
    resolved: Option<Cow<'a, str>>,
    integrity: Option<Cow<'a, str>>,
    needs: Vec<Need<'a>>,
    /// What the lines below list, when they list packages.
    section: Option<EdgeKind>,
}

/// The entries, in the order of the file.
pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Lock<'a>, Unreadable> {
    let mut lock = Lock { entries: Vec::new(), locators: Vec::new() };
    let mut open: Option<Open<'a>> = None;
    let mut room = true;
    for (line, text) in (1..).zip(input.text.lines()) {
        let content = text.trim_start_matches(' ').trim_end();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if is_conflict_mark(text) {
            input
                .faults
                .add(Some(line), "a merge conflict was left here; what comes first is taken");
            continue;
        }
        let result = match (text.len() - text.trim_start_matches(' ').len(), &mut open) {
            (0, _) => {
                room = close(open.take(), &mut lock, input);
                header(content, line).map(|entry| open = Some(entry))
            }
            // What belongs to an entry that could not be read.
            (_, None) => Ok(()),
            (2, Some(entry)) => entry.field(content),
            (4, Some(entry)) => entry.need(content),
            (_, Some(_)) => Err("a line that belongs nowhere"),
        };
        if !room {
            break;
        }
        if let Err(reason) = result {
            input.faults.add(Some(line), reason);
        }
    }
    if room {
        close(open, &mut lock, input);
    }
    if lock.entries.is_empty() && !input.faults.is_empty() {
        return Err(Unreadable::Shape("it has no usable entry"));
    }
    Ok(lock)
}

/// Adds the entry that has ended; whether there is room for another.
fn close<'a>(open: Option<Open<'a>>, lock: &mut Lock<'a>, input: &mut Input<'a>) -> bool {
    let Some(open) = open else { return true };
    let line = open.line;
    match open.close(input.dir()) {
        Ok(entry) => {
            let locator = Cow::Borrowed("");
            lock.add(entry, locator, input)
        }
        Err(reason) => {
            input.faults.add(Some(line), reason);
            true
        }
    }
}

fn header(content: &str, line: u32) -> Result<Open<'_>, Fault> {
    let mut keys = Vec::new();
    let mut rest = content;
    loop {
        let (key, after) = token(rest, &[':', ','])?;
        keys.push(key);
        match after.trim_start() {
            ":" => break,
            after => {
                rest = after.strip_prefix(',').ok_or("neither an entry nor a field")?.trim_start();
            }
        }
    }
    Ok(Open {
        keys,
        line,
        version: None,
        resolved: None,
        integrity: None,
        needs: Vec::new(),
        section: None,
    })
}

/// The word or quoted text that a text begins with, and the rest. A word ends at a space or one of `ends`.
fn token<'a>(text: &'a str, ends: &[char]) -> Result<(Cow<'a, str>, &'a str), Fault> {
    if !text.starts_with('"') {
        let end = text.find(|c| c == ' ' || ends.contains(&c)).unwrap_or(text.len());
        return if end == 0 {
            Err("a word is missing")
        } else {
            Ok((Cow::Borrowed(&text[..end]), &text[end..]))
        };
    }
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    let end = end.ok_or("a quote that does not end")? + 1;
    let (quoted, rest) = (&text[..=end], &text[end + 1..]);
    let inner = &quoted[1..end];
    if !inner.contains('\\') {
        return Ok((Cow::Borrowed(inner), rest));
    }
    let text: String = serde_json::from_str(quoted).map_err(|_| "a quoted text that is none")?;
    Ok((Cow::Owned(text), rest))
}

/// A name or a field, and what comes behind it.
fn pair(content: &str) -> Result<(Cow<'_, str>, Cow<'_, str>), Fault> {
    let (key, rest) = token(content, &[':'])?;
    let value = rest.strip_prefix(' ').ok_or("a value is missing")?.trim_start();
    if value.starts_with('"') {
        let (value, rest) = token(value, &[])?;
        return if rest.is_empty() {
            Ok((key, value))
        } else {
            Err("a value with something behind it")
        };
    }
    Ok((key, Cow::Borrowed(value)))
}

impl<'a> Open<'a> {
    fn field(&mut self, content: &'a str) -> Result<(), Fault> {
        self.section = None;
        if let Some(section) = content.strip_suffix(':') {
            self.section = match section.trim_matches('"') {
                "dependencies" => Some(EdgeKind::Runtime),
                "optionalDependencies" => Some(EdgeKind::Optional),
                _ => None,
            };
            return Ok(());
        }
        let (key, value) = pair(content)?;
        let field = match key.as_ref() {
            "version" => &mut self.version,
            "resolved" => &mut self.resolved,
            "integrity" => &mut self.integrity,
            _ => return Ok(()),
        };
        // Of both sides of a merge conflict, the first.
        field.get_or_insert(value);
        Ok(())
    }

    fn need(&mut self, content: &'a str) -> Result<(), Fault> {
        let Some(kind) = self.section else { return Ok(()) };
        let (name, range) = pair(content)?;
        word(&name).ok_or("a dependency without a usable name")?;
        self.needs.push(Need { name, range, kind });
        Ok(())
    }

    fn close(self, dir: &str) -> Result<Entry<'a>, Fault> {
        let version = self.version.filter(|version| word(version).is_some());
        let version = version.ok_or("an entry without a usable version")?;
        let resolved = self.resolved.filter(|resolved| phrase(resolved).is_some());
        let first = self.keys.first().ok_or("an entry without a key")?;
        let name = published_name(first);
        word(&name).ok_or("an entry without a usable name")?;
        let range = split_at_sign(first).map_or("", |(_, range)| range);
        let origin = match &resolved {
            Some(resolved) => Origin::of(resolved, dir),
            None if range.starts_with("file:") || range.starts_with("link:") => {
                Origin::of(range, dir)
            }
            None => Origin::registry(),
        };
        let mut hashes = self.integrity.as_deref().map(integrity).unwrap_or_default();
        hashes.extend(resolved.as_deref().filter(|_| origin.kind != Kind::Git).and_then(digest));
        hashes.sort_unstable();
        hashes.dedup();
        let is = Is::Foreign { origin, hashes, integrity: None };
        let version = Some(version);
        Ok(Entry { name, version, keys: self.keys, line: self.line, is, needs: self.needs })
    }
}

/// The name a package was published under: an alias is only the project's.
fn published_name<'a>(key: &Cow<'a, str>) -> Cow<'a, str> {
    match key {
        Cow::Borrowed(key) => Cow::Borrowed(published(key)),
        Cow::Owned(key) => Cow::Owned(published(key).to_owned()),
    }
}

fn published(key: &str) -> &str {
    let Some((name, range)) = split_at_sign(key) else { return key };
    match range.strip_prefix("npm:") {
        Some(real) => split_at_sign(real).map_or(real, |(real, _)| real),
        None => name,
    }
}

/// The digest that yarn 1 has always written behind the address of an archive.
fn digest(resolved: &str) -> Option<Hash> {
    Hash::from_hex(HashAlgorithm::Sha1, resolved.split_once('#')?.1)
}
