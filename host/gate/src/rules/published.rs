//! When versions of packages were published, as a file of the base says it that the team's mirror
//! of the registry writes. Lock files do not say it, and a gate asks nobody over the network.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// Bytes of such a file: some ten thousand versions.
pub const PUBLISHED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Versions in it.
const VERSIONS_MAX: usize = 50_000;

const DAY: Duration = Duration::from_hours(24);

/// The times of publication that the team knows, and when it knew them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    as_of: Option<SystemTime>,
    /// By package URL, such as `pkg:cargo/serde@1.0.0`.
    times: BTreeMap<String, SystemTime>,
}

/// The file, word for word.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    as_of: String,
    published: BTreeMap<String, String>,
}

/// Why a file of times cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishedError {
    /// More than anybody needs.
    #[error("it has {0} bytes, the most is {PUBLISHED_BYTES_MAX}")]
    TooLarge(usize),
    /// More versions than are looked at.
    #[error("it has {0} versions, the most is {VERSIONS_MAX}")]
    TooMany(usize),
    /// Not the JSON that it should be.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// A time that is none.
    #[error("`{}` is no time like `2026-11-20` or `2026-11-20T08:00:00Z`", time.escape_debug())]
    BadTime {
        /// As it stands there.
        time: String,
    },
    /// Something else than a package URL with a version.
    #[error("`{}` is no package URL with a version, like `pkg:cargo/serde@1.0.0`", url.escape_debug())]
    BadUrl {
        /// As it stands there.
        url: String,
    },
}

impl Published {
    /// Reads a file of times: `{"as-of": TIME, "published": {PACKAGE URL: TIME}}`, where a time is
    /// a date or one of RFC 3339 in UTC. A date is its first moment for `as-of` and its last for a
    /// version, so that nothing seems older than it is.
    ///
    /// # Errors
    ///
    /// When it is not that.
    pub fn parse(bytes: &[u8]) -> Result<Self, PublishedError> {
        if bytes.len() > PUBLISHED_BYTES_MAX {
            return Err(PublishedError::TooLarge(bytes.len()));
        }
        let File { as_of, published } = serde_json::from_slice(bytes)
            .map_err(|err| PublishedError::Malformed(err.to_string()))?;
        if published.len() > VERSIONS_MAX {
            return Err(PublishedError::TooMany(published.len()));
        }
        let as_of = Some(time(&as_of, Duration::ZERO)?);
        let mut times = BTreeMap::new();
        for (url, at) in published {
            let is_url = url.strip_prefix("pkg:").is_some_and(|rest| {
                let version = rest.rsplit_once('@').map(|(_, version)| version);
                rest.contains('/') && version.is_some_and(|version| !version.is_empty())
            });
            if !is_url {
                return Err(PublishedError::BadUrl { url });
            }
            times.insert(url, time(&at, DAY)?);
        }
        Ok(Self { as_of, times })
    }

    /// What is known, one a line, where anything is.
    pub(crate) fn canonical(&self, text: &mut String) {
        let Some(as_of) = self.as_of else { return };
        let shown = |time: SystemTime| humantime::format_rfc3339(time).to_string();
        let _infallible = writeln!(text, "published as-of {}", shown(as_of));
        for (url, time) in &self.times {
            let _infallible = writeln!(text, "published {url:?} {}", shown(*time));
        }
    }

    /// How many whole days a version had been published when the file was written; none where the
    /// file does not know. The ecosystem is the type of the package URL.
    pub(crate) fn days_ago(&self, ecosystem: &str, name: &str, version: &str) -> Option<u32> {
        let url = format!("pkg:{ecosystem}/{}@{}", spelled(name), spelled(version));
        let plain = format!("pkg:{ecosystem}/{name}@{version}");
        let at = self.times.get(&url).or_else(|| self.times.get(&plain))?;
        let age = self.as_of?.duration_since(*at).unwrap_or_default();
        u32::try_from(age.as_secs() / DAY.as_secs()).ok()
    }
}

fn time(text: &str, rest_of_day: Duration) -> Result<SystemTime, PublishedError> {
    let bad = || PublishedError::BadTime { time: text.to_owned() };
    match text.len() {
        10 => {
            let begins = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
            begins.ok().and_then(|at| at.checked_add(rest_of_day)).ok_or_else(bad)
        }
        _ => humantime::parse_rfc3339(text).map_err(|_| bad()),
    }
}

/// As package URLs spell what is not a letter, a digit or one of `.-_~/:`.
fn spelled(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/:".contains(&byte);
    let spell = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(at: &str) -> Option<u32> {
        let text =
            format!(r#"{{"as-of": "2026-11-20", "published": {{"pkg:cargo/a@1.0.0": "{at}"}}}}"#);
        Published::parse(text.as_bytes()).unwrap().days_ago("cargo", "a", "1.0.0")
    }

    #[test]
    fn nothing_seems_older_than_it_is() {
        // The end of its day counts for a version, and whole days only.
        assert_eq!([age("2026-11-13"), age("2026-11-12")], [Some(6), Some(7)]);
        assert_eq!(age("2026-11-13T00:00:00Z"), Some(7));
        assert_eq!(age("2026-11-13T00:00:01Z"), Some(6));
        // What was published after the file was written is new, whatever a clock says.
        assert_eq!(age("2027-01-01"), Some(0));
    }

    #[test]
    fn names_are_looked_up_as_they_are_and_as_package_urls_spell_them() {
        let text = r#"{"as-of": "2026-11-20", "published":
            {"pkg:npm/%40a/b@1.0.0": "2026-11-01", "pkg:npm/@c/d@1.0.0": "2026-11-01"}}"#;
        let known = Published::parse(text.as_bytes()).unwrap();
        assert_eq!(known.days_ago("npm", "@a/b", "1.0.0"), Some(18));
        assert_eq!(known.days_ago("npm", "@c/d", "1.0.0"), Some(18));
        assert_eq!(known.days_ago("npm", "@a/b", "1.0.1"), None);
        assert_eq!(Published::default().days_ago("npm", "@a/b", "1.0.0"), None);
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_its_reason() {
        let told = |text: &str| Published::parse(text.as_bytes()).unwrap_err().to_string();
        let all = [
            told("{}"),
            told(r#"{"as-of": "yesterday", "published": {}}"#),
            told(r#"{"as-of": "2026-11-20", "published": {"serde": "2026-11-01"}}"#),
            told(r#"{"as-of": "2026-11-20", "published": {"pkg:cargo/a@1": "2026-13-01"}}"#),
            told(r#"{"as-of": "2026-11-20", "published": {}, "now": "2030-01-01"}"#),
        ];
        insta::assert_snapshot!(all.join("\n"));
        let large = " ".repeat(PUBLISHED_BYTES_MAX + 1);
        assert!(told(&large).contains("the most is"));
    }
}
