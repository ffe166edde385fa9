//! What a component says about itself, read without running it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snapshot::Grant;
use wasmparser::{Chunk, Parser, Payload};

use crate::json;

/// The custom section that holds the manifest.
const SECTION: &str = "stepwell:tool";

/// Bytes of a manifest. Every one of them may be sent to the model in every request.
pub(crate) const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// Nesting of a manifest. Schemas nest two levels for each level of the input.
const MANIFEST_DEPTH_MAX: usize = 32;

/// Bytes of a tool's name: what providers allow.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Bytes of a description. More than a page is not read by anybody.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 8 * 1024;

/// Variables that a tool may ask for.
const VARIABLES_MAX: usize = 64;

/// How WebAssembly begins (core specification, "Binary Format: Modules").
const MAGIC: &[u8] = b"\0asm";

/// Modules and components inside each other. Composing tools goes two or three deep.
const NESTING_MAX: usize = 32;

/// What a tool is called, what it is for, and what it takes. Fields we do not know are ignored,
/// so that a newer tool can be used by an older host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `[a-z][a-z0-9_]{0,63}`.
    pub name: String,
    /// For the model: when to use it.
    pub description: String,
    /// The JSON Schema of the input; always an object.
    pub schema: Value,
    /// The most that it ever asks to be granted; without it, any file, and no variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<GrantCeiling>,
    /// Whether it is a gate: it judges patches for the host, and no model can call it. Its schema is
    /// that of what a step may tell it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
}

/// The most that a tool asks to be granted. A step grants within it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantCeiling {
    /// Globs of files, as the step file has them; without it, any file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Variables of the environment, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

/// Why a component has no usable manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes end early or are not WebAssembly at all.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// The section is not there.
    #[error("it has no manifest; a tool carries one in the custom section `stepwell:tool`")]
    Missing,
    /// Two sections: which one speaks for the tool?
    #[error("it has more than one manifest")]
    Twice,
    /// The section is too large.
    #[error("its manifest has {0} bytes, the most is {MANIFEST_BYTES_MAX}")]
    TooLarge(usize),
    /// The section is not the JSON it should be.
    #[error("its manifest cannot be read: {0}")]
    Malformed(String),
    /// The name cannot be a tool's name.
    #[error("its name is not a tool's name; use a-z, 0-9 and _, a letter first, at most 64")]
    BadName,
    /// Nothing a model could choose by, or more than it would read.
    #[error("its description has {0} bytes; use 1 to {DESCRIPTION_BYTES_MAX}")]
    BadDescription(usize),
    /// A schema that is not an object cannot describe an object.
    #[error("its schema is not a JSON object")]
    BadSchema,
    /// What it asks to be granted cannot be granted by anybody.
    #[error("what it asks to be granted cannot be: {0}")]
    BadGrants(String),
}

impl Manifest {
    /// Reads the manifest of a component. Whether the rest of it is any good is not looked at.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the manifest, or that there is none.
    pub fn of(component: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(section(component)?)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        use ManifestError::{BadDescription, BadGrants, BadName, BadSchema, Malformed, TooLarge};

        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(TooLarge(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(|err| Malformed(err.to_string()))?;
        json::check(text, MANIFEST_DEPTH_MAX).map_err(Malformed)?;
        let manifest: Self =
            serde_json::from_str(text).map_err(|err| Malformed(err.to_string()))?;
        if !is_name(&manifest.name) {
            return Err(BadName);
        }
        let described = manifest.description.len();
        if described == 0 || described > DESCRIPTION_BYTES_MAX {
            return Err(BadDescription(described));
        }
        if !manifest.schema.is_object() {
            return Err(BadSchema);
        }
        if let Some(ceiling) = &manifest.grants {
            let read = ceiling.read.as_deref().unwrap_or_default();
            Grant::read(read).map_err(|err| BadGrants(err.to_string()))?;
            if ceiling.environment.len() > VARIABLES_MAX {
                return Err(BadGrants(format!("more than {VARIABLES_MAX} variables")));
            }
        }
        Ok(manifest)
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}

/// The one section, wherever in the component a linker or a bundler put it. Code is passed over in
/// one step: it is most of a component, and a command that starts looks at every tool.
fn section(component: &[u8]) -> Result<&[u8], ManifestError> {
    let not_a_component = |why: &str| ManifestError::NotAComponent(why.to_owned());
    // The parser shows the bytes that it finds instead, a line each.
    if !component.starts_with(MAGIC) {
        return Err(not_a_component("it does not begin as WebAssembly does, with `\\0asm`"));
    }
    if Parser::is_core_wasm(component) {
        return Err(not_a_component("it is a core module; make it a component first"));
    }
    let (mut found, mut rest) = (None, component);
    // What stands around the one that is being read.
    let mut outer: Vec<Parser> = Vec::new();
    let mut parser = Parser::new(0);
    loop {
        let chunk = parser.parse(rest, true);
        let chunk = chunk.map_err(|err| not_a_component(&err.to_string()))?;
        let Chunk::Parsed { consumed, payload } = chunk else {
            return Err(not_a_component("it ends early"));
        };
        rest = &rest[consumed..];
        if let Payload::CustomSection(custom) = &payload
            && custom.name() == SECTION
            && found.replace(custom.data()).is_some()
        {
            return Err(ManifestError::Twice);
        } else if let Payload::CodeSectionStart { size, .. } = payload {
            parser.skip_section();
            let after = usize::try_from(size).ok().and_then(|size| rest.get(size..));
            rest = after.ok_or_else(|| not_a_component("it ends early"))?;
        } else if let Payload::ModuleSection { parser: inner, .. }
        | Payload::ComponentSection { parser: inner, .. } = payload
        {
            outer.push(std::mem::replace(&mut parser, inner));
            if outer.len() >= NESTING_MAX {
                return Err(not_a_component("it is nested too deep"));
            }
        } else if let Payload::End(_) = payload {
            match outer.pop() {
                Some(around) => parser = around,
                None => return found.ok_or(ManifestError::Missing),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_says(json: &str, expected: &str) {
        let said = match Manifest::parse(json.as_bytes()) {
            Ok(manifest) => manifest.name,
            Err(err) => err.to_string(),
        };
        assert_eq!(said, expected, "{json}");
    }

    fn named(name: &str) -> String {
        format!(r#"{{"name": "{name}", "description": "d", "schema": {{}}}}"#)
    }

    #[test]
    fn a_manifest_behind_code_is_found_and_a_component_that_ends_early_is_none() {
        let manifest = named("a").replace('"', "\\\"");
        let text = format!(
            "(component (core module (func (drop (i32.const 1))) (func) \
             (@custom \"stepwell:tool\" \"{manifest}\")) (core module (func)))"
        );
        let component = wat::parse_str(&text).unwrap();
        assert_eq!(Manifest::of(&component).unwrap().name, "a");
        for end in 0..component.len() {
            let said = Manifest::of(&component[..end]);
            // Between two sections a shorter component is a whole one.
            let is_whole = matches!(&said, Ok(_) | Err(ManifestError::Missing));
            let is_refused = matches!(&said, Err(ManifestError::NotAComponent(_)));
            assert!(is_whole || is_refused, "cut at {end}: {said:?}");
            assert!(is_refused || wasmparser::validate(&component[..end]).is_ok(), "cut at {end}");
        }
    }

    #[test]
    fn a_name_is_one_that_every_provider_takes() {
        let bad = ManifestError::BadName.to_string();
        let longest = "a".repeat(NAME_BYTES_MAX);
        check_says(&named("read_file2"), "read_file2");
        check_says(&named(&longest), &longest);
        for name in ["", "2a", "_a", "A", "a-b", "a b", "ä", &format!("{longest}a")] {
            check_says(&named(name), &bad);
        }
    }

    #[test]
    fn a_manifest_is_small_shallow_and_complete() {
        check_says(r#"{"name": "a", "description": "d", "schema": {}, "later": 1}"#, "a");
        check_says(
            r#"{"name": "a", "description": "", "schema": {}}"#,
            "its description has 0 bytes; use 1 to 8192",
        );
        check_says(
            r#"{"name": "a", "description": "d", "schema": {}, "grants": {"read": ["a"]}}"#,
            "a",
        );
        check_says(
            r#"{"name": "a", "description": "d", "schema": {}, "grants": {"read": ["a["]}}"#,
            "what it asks to be granted cannot be: `a[`: unclosed character class; missing ']'",
        );
        check_says(
            r#"{"name": "a", "description": "d", "schema": {}, "grants": {"network": 1}}"#,
            "its manifest cannot be read: unknown field `network`, expected `read` or \
             `environment` at line 1 column 68",
        );
        check_says(
            r#"{"name": "a", "description": "d", "schema": true}"#,
            "its schema is not a JSON object",
        );
        check_says(
            r#"{"name": "a", "description": "d"}"#,
            "its manifest cannot be read: missing field `schema` at line 1 column 33",
        );
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        check_says(
            &format!(r#"{{"name": "a", "description": "d", "schema": {{"x": {deep}}}}}"#),
            "its manifest cannot be read: it is nested more than 32 deep",
        );
        check_says(
            &" ".repeat(MANIFEST_BYTES_MAX + 1),
            "its manifest has 65537 bytes, the most is 65536",
        );
    }

    #[test]
    fn a_manifest_asks_for_a_number_of_variables_that_a_person_reads() {
        let asks = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("\"V{n}\"")).collect();
            let names = names.join(", ");
            format!(
                r#"{{"name": "a", "description": "d", "schema": {{}}, "grants": {{"environment": [{names}]}}}}"#
            )
        };
        check_says(&asks(VARIABLES_MAX), "a");
        check_says(
            &asks(VARIABLES_MAX + 1),
            "what it asks to be granted cannot be: more than 64 variables",
        );
    }

    #[test]
    fn what_is_not_a_component_says_so() {
        let module = b"\0asm\x01\0\0\0";
        let said = Manifest::of(module).unwrap_err().to_string();
        assert_eq!(
            said,
            "it is not a WebAssembly component: it is a core module; make it a component first"
        );
        let component = b"\0asm\x0d\0\x01\0";
        assert_eq!(Manifest::of(component), Err(ManifestError::Missing));
        for garbage in [&b""[..], b"\0asm", b"hello there", b"\0asm\x0d\0\x01\0\xff\xff"] {
            let said = Manifest::of(garbage);
            assert!(matches!(said, Err(ManifestError::NotAComponent(_))), "{said:?}");
        }
    }
}
