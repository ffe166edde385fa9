//! A requirement as PEP 508 writes it, and the extras and groups that a marker asks about.

use super::names::is_name;

/// What one requirement says. Its parts are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement<'a> {
    pub(super) name: &'a str,
    pub(super) extras: Vec<&'a str>,
    /// Empty when any version will do.
    pub(super) range: &'a str,
    pub(super) url: Option<&'a str>,
    /// Empty when it holds everywhere.
    pub(super) marker: &'a str,
}

impl<'a> Requirement<'a> {
    /// Reads `name[extra] (>=1) ; marker` or `name[extra] @ url ; marker`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        if !is_name(name) {
            return None;
        }
        let (extras, rest) = extras(rest.trim_start())?;
        if let Some(url) = rest.strip_prefix('@') {
            let (url, marker) = split_url(url.trim());
            return (!url.is_empty()).then_some(Self {
                name,
                extras,
                range: "",
                url: Some(url),
                marker,
            });
        }
        let (range, marker) = rest.split_once(';').unwrap_or((rest, ""));
        let range = bare(range.trim());
        is_range(range).then_some(Self { name, extras, range, url: None, marker: marker.trim() })
    }

    /// The exact version, when there is only one that will do.
    pub(super) fn pinned(&self) -> Option<&'a str> {
        pinned(self.range)
    }
}

/// The version of a range that is met by one version only, and says so.
pub(super) fn pinned(range: &str) -> Option<&str> {
    let version = range.strip_prefix("===").or_else(|| range.strip_prefix("=="))?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+!-_".contains(c);
    (!version.is_empty() && version.chars().all(plain)).then_some(version)
}

fn extras(text: &str) -> Option<(Vec<&str>, &str)> {
    let Some(inside) = text.strip_prefix('[') else { return Some((Vec::new(), text)) };
    let (list, rest) = inside.split_once(']')?;
    let extras: Vec<&str> =
        list.split(',').map(str::trim).filter(|extra| !extra.is_empty()).collect();
    extras.iter().all(|extra| is_name(extra)).then(|| (extras, rest.trim_start()))
}

/// An address ends at a space: it may have a semicolon in it.
fn split_url(text: &str) -> (&str, &str) {
    let (url, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (url, rest.trim_start().strip_prefix(';').unwrap_or_default().trim())
}

fn bare(range: &str) -> &str {
    let inside = range.strip_prefix('(').and_then(|range| range.strip_suffix(')'));
    inside.map_or(range, str::trim)
}

fn is_range(range: &str) -> bool {
    let clause = |text: &str| {
        let text = text.trim();
        let version = text.trim_start_matches(['<', '>', '=', '!', '~']);
        let version_is_one = !version.trim().is_empty() && !version.trim().contains(' ');
        version.len() < text.len() && version_is_one
    };
    // Some tools leave a comma behind the last clause.
    let range = range.strip_suffix(',').unwrap_or(range);
    range.is_empty() || range.split(',').all(clause)
}

/// The extras that a marker compares with: `extra == "a" or "b" == extra`.
pub(super) fn extras_of(marker: &str) -> Vec<&str> {
    let words = Word::all(marker);
    let compared = words.windows(3).filter_map(|three| match three {
        [Word::Bare("extra"), Word::Bare("=="), Word::Quoted(name)]
        | [Word::Quoted(name), Word::Bare("=="), Word::Bare("extra")] => Some(*name),
        _ => None,
    });
    compared.collect()
}

/// The extras of which any one will do, of a marker that asks about nothing else.
pub(super) fn any_extra_of(marker: &str) -> Option<Vec<&str>> {
    let words = Word::all(marker);
    let names = words.chunks(4).map(|four| match four {
        [Word::Bare("extra"), Word::Bare("=="), Word::Quoted(name)]
        | [Word::Bare("extra"), Word::Bare("=="), Word::Quoted(name), Word::Bare("or")] => {
            Some(*name)
        }
        _ => None,
    });
    names.collect()
}

/// The names that a marker looks for in a list: `"a" in extras`, `"b" in dependency_groups`.
pub(super) fn looked_for<'a>(marker: &'a str, list: &str) -> Vec<&'a str> {
    let words = Word::all(marker);
    let found = words.windows(3).filter_map(|three| match three {
        [Word::Quoted(name), Word::Bare("in"), Word::Bare(of)] if *of == list => Some(*name),
        _ => None,
    });
    found.collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Bare(&'a str),
    Quoted(&'a str),
}

impl<'a> Word<'a> {
    fn all(marker: &'a str) -> Vec<Self> {
        let mut words = Vec::new();
        let mut rest = marker.trim_start();
        while let Some(first) = rest.chars().next() {
            let end = match first {
                '"' | '\'' => {
                    let inside = &rest[1..];
                    let Some(end) = inside.find(first) else { return words };
                    words.push(Self::Quoted(&inside[..end]));
                    end + 2
                }
                '(' | ')' => 1,
                c => {
                    let same = |d: char| {
                        !d.is_whitespace()
                            && !matches!(d, '"' | '\'' | '(' | ')')
                            && is_operator(d) == is_operator(c)
                    };
                    let end = rest.find(|d: char| !same(d)).unwrap_or(rest.len());
                    words.push(Self::Bare(&rest[..end]));
                    end
                }
            };
            rest = rest[end..].trim_start();
        }
        words
    }
}

fn is_operator(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_requirement_is_taken_apart() {
        for (text, expected) in [
            ("six", "six [] `` None ``"),
            (
                "requests [security,socks] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"",
                "requests [\"security\", \"socks\"] `>= 2.8.1, == 2.8.*` None `python_version < \"2.7\"`",
            ),
            ("build (>=1.2.1,<2.0.0)", "build [] `>=1.2.1,<2.0.0` None ``"),
            (
                "a@ https://host.example/a;b.zip ; os_name=='nt'",
                "a [] `` Some(\"https://host.example/a;b.zip\") `os_name=='nt'`",
            ),
            ("yolo===1.0", "yolo [] `===1.0` None ``"),
            ("zope.interface~=5.0", "zope.interface [] `~=5.0` None ``"),
        ] {
            let it = Requirement::parse(text).unwrap();
            let shown =
                format!("{} {:?} `{}` {:?} `{}`", it.name, it.extras, it.range, it.url, it.marker);
            assert_eq!(shown, expected);
        }
        for text in ["", "==1.0", "a 1.0", "a==", "a==1.0 b", "a[b", "-a==1", "a@", "a-"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_bound_is_no_version() {
        for (range, version) in [
            ("==1.0", Some("1.0")),
            ("== 1.0", Some("1.0")),
            ("===2!1.0+cpu", Some("2!1.0+cpu")),
            ("==1.*", None),
            (">=1.0", None),
            ("==1.0,!=1.1", None),
            ("==${VERSION}", None),
            ("", None),
        ] {
            assert_eq!(pinned(range), version, "{range}");
        }
    }

    #[test]
    fn a_marker_says_which_extras_and_groups_it_asks_about() {
        let marker = "python_version < \"3.11\" and (extra == 'toml' or \"x\"==extra)";
        assert_eq!(extras_of(marker), ["toml", "x"]);
        let marker = "'dev' in dependency_groups or \"a\" in extras and 'b' not in extras";
        assert_eq!(looked_for(marker, "dependency_groups"), ["dev"]);
        assert_eq!(looked_for(marker, "extras"), ["a"]);
        assert_eq!(extras_of("extra == 'open"), Vec::<&str>::new());
        assert_eq!(any_extra_of("extra == 'a' or extra == 'b'"), Some(vec!["a", "b"]));
        assert_eq!(any_extra_of("extra == 'a' and extra == 'b'"), None);
        assert_eq!(any_extra_of("extra != 'a'"), None);
        assert_eq!(any_extra_of("extra == 'a' or os_name == 'nt'"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC*") {
            drop(Requirement::parse(&text));
            drop(extras_of(&text));
        }
    }
}
