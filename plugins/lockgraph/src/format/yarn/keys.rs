//! Which entry of a yarn.lock a package means by a name and a range.

use std::collections::BTreeMap;

use super::Entry;
use super::catalogs::Catalogs;
use super::resolutions::Resolutions;

/// Ranges that name a place: what else is in them may be written in several ways.
const PLACES: [&str; 5] = ["patch:", "workspace:", "file:", "link:", "portal:"];

/// What a package asks for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// Who asks.
    pub(super) by: &'a str,
    pub(super) version: Option<&'a str>,
    /// `name@reference` of who asks, of yarn 2 and later.
    pub(super) locator: &'a str,
    pub(super) name: &'a str,
    pub(super) range: &'a str,
}

/// Entries by what came to them.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    by_key: BTreeMap<&'a str, usize>,
    // The only node that is asked for by a name, or none when there are several.
    by_name: BTreeMap<&'a str, Option<usize>>,
    members: BTreeMap<String, usize>,
    instead: &'a Instead,
}

/// What is looked up instead of what was asked for.
#[derive(Debug, Default)]
pub(super) struct Instead {
    pub(super) resolutions: Resolutions,
    /// Whether there was a manifest to have resolutions.
    pub(super) are_known: bool,
    pub(super) catalogs: Catalogs,
}

impl<'a> Keys<'a> {
    pub(super) fn new(entries: &'a [Entry<'_>], numbers: &[usize], instead: &'a Instead) -> Self {
        let mut by_key = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        for (entry, &number) in entries.iter().zip(numbers) {
            for key in &entry.keys {
                let name =
                    crate::format::js::split_at_sign(key).map_or(key.as_ref(), |(name, _)| name);
                by_key.entry(key.as_ref()).or_insert(number);
                let sole = by_name.entry(name).or_insert(Some(number));
                if *sole != Some(number) {
                    *sole = None;
                }
            }
        }
        Self { by_key, by_name, members: BTreeMap::new(), instead }
    }

    /// Adds one of the repository's own packages, which is taken where no entry is.
    pub(super) fn add_member(&mut self, name: &str, number: usize) {
        self.members.entry(name.to_owned()).or_insert(number);
    }

    /// The node that is meant.
    pub(super) fn find(&self, asked: &Asked<'_>) -> Option<usize> {
        let Asked { name, locator, .. } = *asked;
        let Instead { resolutions, are_known, catalogs } = self.instead;
        let range = catalogs.range(name, asked.range).unwrap_or(asked.range);
        let instead = resolutions.instead(&Asked { range, ..*asked });
        instead
            .and_then(|target| self.at(name, target, locator).or_else(|| self.placed(name, target)))
            .or_else(|| self.at(name, range, locator))
            .or_else(|| self.members.get(name).copied())
            .or_else(|| {
                let target = resolutions.somewhere_below(name)?;
                self.at(name, target, locator)
            })
            .or_else(|| self.placed(name, range))
            .or_else(|| {
                // What is looked up is not what was asked for: a resolution nobody here can read,
                // or a catalogue. There is no doubt where there is no choice.
                let guess = !are_known || range.starts_with("catalog:");
                guess.then(|| self.by_name.get(name).copied().flatten()).flatten()
            })
    }

    fn at(&self, name: &str, range: &str, locator: &str) -> Option<usize> {
        let key = format!("{name}@{range}");
        let get = |key: &str| self.by_key.get(key).copied();
        get(&key)
            .or_else(|| get(&format!("{name}@npm:{range}")))
            .or_else(|| {
                range.strip_prefix("npm:").and_then(|range| get(&format!("{name}@{range}")))
            })
            .or_else(|| range.is_empty().then(|| get(name)).flatten())
            .or_else(|| get(&format!("{key}::locator={}", encoded(locator))))
            .or_else(|| self.first(&format!("{key}::")))
    }

    /// The entry at a place of the same sort, whatever else is said of the place.
    fn placed(&self, name: &str, range: &str) -> Option<usize> {
        let place = PLACES.iter().find(|place| range.starts_with(**place))?;
        self.first(&format!("{name}@{place}"))
    }

    fn first(&self, prefix: &str) -> Option<usize> {
        let (key, number) = self.by_key.range(prefix..).next()?;
        key.starts_with(prefix).then_some(*number)
    }
}

/// A locator as yarn writes it into a key.
fn encoded(locator: &str) -> String {
    let mut out = String::with_capacity(locator.len() + 8);
    for byte in locator.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase()));
            }
        }
    }
    out
}
