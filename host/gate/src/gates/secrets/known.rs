//! Values that the host holds, and their spellings: as they are, in base64 at each of its three
//! alignments, in hexadecimal, and as in a URL.
//!
//! Text is looked at twice, the second time without its white space: encoded values are often
//! broken into lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Most values that are looked for: a host holds a few keys.
const VALUES_MAX: usize = 256;

/// Bytes of the longest value: a key with its certificates.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the shortest value that is looked for. A shorter one stands in every text.
const VALUE_BYTES_MIN: usize = 8;

/// Most leaks that are told of one text: more than a name of a file can have.
const LEAKS_MAX: usize = 10_000;

/// How a value was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Plain,
    /// Base64, with either alphabet, at any alignment (RFC 4648).
    Base64,
    /// Hexadecimal, in either case.
    Hex,
    /// Percent-encoded (RFC 3986).
    Url,
}

/// A value that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The name that the value was given with.
    pub name: String,
    /// How it is spelled there.
    pub form: Form,
    /// The bytes of the text that show it.
    pub at: Range<usize>,
}

/// Why values cannot be looked for. Nothing may leave then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// Too many values.
    #[error("{found} values to look for, the most is {VALUES_MAX}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A value that is too long.
    #[error("the value of `{}` has {bytes} bytes, the most is {VALUE_BYTES_MAX}", name.escape_debug())]
    TooLong {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: usize,
    },
    /// The searcher could not be made.
    #[error("the values cannot be looked for: {0}")]
    Searcher(String),
}

/// Values to look for. They are shown nowhere, not even to a debugger.
#[derive(Clone, Default)]
pub struct Secrets {
    names: Vec<String>,
    short: Vec<String>,
    exact: Option<Searcher>,
    /// Without regard to the case of letters.
    folded: Option<Searcher>,
}

/// One searcher, with the value (by its place) and the form of each pattern.
#[derive(Clone)]
struct Searcher {
    automaton: AhoCorasick,
    of: Vec<(usize, Form)>,
}

impl Secrets {
    /// Values to look for, each with a name that may be shown. White space around a value is no
    /// part of it. Values of fewer than 8 bytes are not looked for: see [`Secrets::short`].
    ///
    /// # Errors
    ///
    /// Fails on too many or too long values, and where no searcher can be made of them.
    pub fn new(values: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, SecretsError> {
        let mut secrets = Self::default();
        let (mut exact, mut folded) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in values {
            let value = value.trim_ascii();
            match value.len() {
                bytes if bytes > VALUE_BYTES_MAX => {
                    return Err(SecretsError::TooLong { name, bytes });
                }
                bytes if bytes < VALUE_BYTES_MIN => {
                    secrets.short.push(name);
                    continue;
                }
                _ => {}
            }
            let place = secrets.names.len();
            secrets.names.push(name);
            if secrets.names.len() > VALUES_MAX {
                return Err(SecretsError::TooMany { found: secrets.names.len() });
            }
            let mut add = |pattern: Vec<u8>, form| {
                exact.entry(pattern).or_insert((place, form));
            };
            add(value.to_vec(), Form::Plain);
            add(squeezed(value).0, Form::Plain);
            in_base64(value).into_iter().for_each(|pattern| add(pattern, Form::Base64));
            folded.entry(in_hex(value)).or_insert((place, Form::Hex));
            folded.entry(in_url(value)).or_insert((place, Form::Url));
        }
        secrets.exact = Searcher::new(exact, false)?;
        secrets.folded = Searcher::new(folded, true)?;
        Ok(secrets)
    }

    /// The names of values that are too short to be looked for: whoever gave them should know.
    #[must_use]
    pub fn short(&self) -> &[String] {
        &self.short
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The values that a text shows, in the order in which they stand; of one text at most 10,000.
    /// For a text that is safe to leave it is empty.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Vec<Leak> {
        if self.is_empty() {
            return Vec::new();
        }
        let (tight, places) = squeezed(text);
        let mut found = BTreeSet::new();
        for searcher in self.exact.iter().chain(&self.folded) {
            found.extend(searcher.find(text).map(|(at, of)| (at.start, at.end, of)));
            let original = |at: Range<usize>| {
                let last = places.get(at.end.saturating_sub(1)).copied()?;
                Some((places.get(at.start).copied()?, last + 1))
            };
            found.extend(searcher.find(&tight).filter_map(|(at, of)| {
                let (start, end) = original(at)?;
                Some((start, end, of))
            }));
        }
        let leak = |(start, end, (value, form)): (usize, usize, (usize, Form))| Leak {
            name: self.names[value].clone(),
            form,
            at: start..end,
        };
        found.into_iter().take(LEAKS_MAX).map(leak).collect()
    }
}

impl Searcher {
    fn new(
        patterns: BTreeMap<Vec<u8>, (usize, Form)>,
        fold: bool,
    ) -> Result<Option<Self>, SecretsError> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let (patterns, of): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            // Values may overlap, and each is told.
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(fold)
            .build(patterns);
        let automaton = automaton.map_err(|err| SecretsError::Searcher(err.to_string()))?;
        Ok(Some(Self { automaton, of }))
    }

    fn find<'a>(
        &'a self,
        text: &'a [u8],
    ) -> impl Iterator<Item = (Range<usize>, (usize, Form))> + 'a {
        let found = self.automaton.find_overlapping_iter(text).take(LEAKS_MAX);
        found.map(|found| (found.range(), self.of[found.pattern().as_usize()]))
    }
}

/// A text without its white space, and where each byte of it was.
fn squeezed(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let kept = text.iter().copied().zip(0..).filter(|(byte, _)| !byte.is_ascii_whitespace());
    kept.unzip()
}

/// What every base64 text of something with `value` in it shows, whatever stands around: three
/// alignments, two alphabets.
fn in_base64(value: &[u8]) -> Vec<Vec<u8>> {
    let engines = [STANDARD, URL_SAFE].map(|alphabet| GeneralPurpose::new(&alphabet, NO_PAD));
    let mut all = Vec::new();
    for engine in &engines {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value);
            let text = engine.encode(&bytes).into_bytes();
            // A character has six bits; those that it shares with a neighbour can be any.
            let first = (before * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            all.push(text[first..last].to_vec());
        }
    }
    all
}

fn in_hex(value: &[u8]) -> Vec<u8> {
    value.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Everything but RFC 3986's unreserved characters is encoded.
fn in_url(value: &[u8]) -> Vec<u8> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let spell = |byte: &u8| match is_plain(*byte) {
        true => vec![*byte],
        false => format!("%{byte:02X}").into_bytes(),
    };
    value.iter().flat_map(spell).collect()
}

impl Form {
    /// How it is said after the name of a value.
    pub(crate) fn spelled(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Base64 => " in base64",
            Self::Hex => " in hexadecimal",
            Self::Url => " as in a URL",
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("names", &self.names).finish_non_exhaustive()
    }
}
