//! What a component says of its functions: the custom section `package-docs` that the tools of the
//! Component Model write (`wit-parser`, `metadata.rs`): a byte for the version, and JSON. Most
//! toolchains drop it.

use serde_json::Value;

use super::cleaned;
use crate::json;

/// The section's name.
pub(super) const SECTION: &str = "package-docs";

/// Bytes of a section that is read; a larger one is as good as none.
const BYTES_MAX: usize = 1024 * 1024;

/// Nesting of a section that is read.
const DEPTH_MAX: usize = 32;

/// The docs of one package; none where there are none, or none that can be read.
#[derive(Debug, Default)]
pub(super) struct Docs(Value);

impl Docs {
    pub(super) fn parse(section: &[u8]) -> Self {
        // Version 0 is the same with fewer words.
        let Some((0..=1, text)) = section.split_first() else { return Self::default() };
        if text.len() > BYTES_MAX {
            return Self::default();
        }
        let text = str::from_utf8(text).ok().filter(|text| json::check(text, DEPTH_MAX).is_ok());
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// What is said of a function, made fit to be shown.
    pub(super) fn of(&self, interface: Option<&str>, function: &str) -> Option<String> {
        let said = match interface {
            Some(interface) => {
                let name = interface.split('@').next()?;
                let name = name.rsplit('/').next()?;
                said(self.0.get("interfaces")?.get(name)?, function)?
            }
            None => {
                let worlds = self.0.get("worlds")?.as_object()?;
                worlds.values().find_map(|world| said(world, function))?
            }
        };
        Some(cleaned(said)).filter(|text| !text.is_empty())
    }
}

fn said<'a>(of: &'a Value, function: &str) -> Option<&'a str> {
    let about = ["func_exports", "funcs"].iter().find_map(|key| of.get(key)?.get(function))?;
    about.as_str().or_else(|| about.get("docs")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_are_found_and_cleaned_or_there_are_none() {
        let json = r#"{
            "worlds": {"w": {"funcs": {"root": {"docs": " Does \u001b[2Jthis.\n"}}}},
            "interfaces": {"ops": {"funcs": {"add": "Adds.", "empty": {"docs": " "}}}}
        }"#;
        let docs = Docs::parse(format!("\u{1}{json}").as_bytes());
        assert_eq!(docs.of(None, "root").as_deref(), Some("Does [2Jthis."));
        assert_eq!(docs.of(Some("a:b/ops@0.1.0"), "add").as_deref(), Some("Adds."));
        for (interface, function) in
            [(None, "add"), (Some("a:b/ops"), "empty"), (Some("a:b/other"), "add")]
        {
            assert_eq!(docs.of(interface, function), None, "{interface:?} {function}");
        }
        let deep = format!("\u{1}{}{}", "[".repeat(40), "]".repeat(40));
        for bad in ["", "\u{1}", "\u{2}{}", "\u{1}{", &deep] {
            assert_eq!(Docs::parse(bad.as_bytes()).of(None, "root"), None, "{bad}");
        }
    }
}
