//! Settings and secrets that the caller looks up by name, and the striking out of the latter.

use std::fmt;

/// Longest reason that an error carries, in characters.
const REASON_CHARS_MAX: usize = 400;

/// Shorter secrets are not struck out: too much else would be.
const SECRET_BYTES_MIN: usize = 4;

/// What the caller knows by name, usually its environment.
pub(crate) struct Settings<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    secrets: Vec<String>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, secrets: Vec::new() }
    }

    /// The first of `names` that is set and not empty.
    pub(crate) fn setting(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| (self.lookup)(name).filter(|value| !value.is_empty()))
    }

    /// As [`Settings::setting`], for what no error may show.
    pub(crate) fn secret(&mut self, names: &[&str]) -> Option<String> {
        let value = self.setting(names)?;
        self.secrets.push(value.clone());
        Some(value)
    }

    /// What strikes out every secret that was asked for.
    pub(crate) fn into_censor(self) -> Censor {
        let mut secrets = self.secrets;
        secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        // The longest first: one may be part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Censor { secrets }
    }
}

/// Strikes secrets out of what services say.
#[derive(Clone, Default)]
pub(crate) struct Censor {
    secrets: Vec<String>,
}

impl fmt::Debug for Censor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Censor").finish_non_exhaustive()
    }
}

impl Censor {
    /// `said` on one line, cut, and without secrets.
    pub(crate) fn clean(&self, said: &str) -> String {
        let open = self.secrets.iter().fold(said.to_owned(), |text, s| text.replace(s, "***"));
        let line = open.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= REASON_CHARS_MAX {
            return line;
        }
        line.chars().take(REASON_CHARS_MAX).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests;
