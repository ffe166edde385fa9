//! `stepwell.lock`: the tools of a repository that come from elsewhere, each by its digest.
//!
//! A TOML file for people to review: sorted by name, and the same bytes for the same tools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signature::{SIGNATURES_MAX, ToolSignature};
use crate::{Reference, Sha256};

/// Where the lock lies: in the repository's root.
pub const LOCK_FILE: &str = "stepwell.lock";
/// Bytes of a lock: what the most tools with long lists of grants come to.
pub const LOCK_BYTES_MAX: usize = 512 * 1024;
/// Tools of one lock.
pub const TOOLS_MAX: usize = 64;
/// Hosts that one tool's server may send to.
const REDIRECTS_MAX: usize = 8;
/// The version of the format that this program writes, and the only one it reads.
const VERSION: u32 = 1;

const HEAD: &str = "\
# Written by `stepwell tool add`, `update`, `sign` and `remove`; do not edit it. A run takes it from the
# base, so that a change under test cannot bring a tool of its own.
";

/// The tools by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    tools: BTreeMap<String, Locked>,
}

/// A tool as it was when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// What its manifest calls it.
    pub name: String,
    /// Where it came from.
    pub reference: Reference,
    /// What its component's bytes are.
    pub digest: Sha256,
    /// How many they are.
    pub bytes: u64,
    /// Hosts besides its own that its server may send us to for the bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<String>,
    /// The most that it asks to be granted, as its manifest says; without it, any file and no
    /// variable. It is written down so that a review of the lock shows when it grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<Asks>,
    /// Who vouches for the bytes.
    #[serde(default, rename = "signature", skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<ToolSignature>,
}

/// What a tool asks to be granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Globs of files; without them, any file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// Variables of the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

/// Why a file is no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Too much of it.
    #[error("it has {0} bytes, the most is {LOCK_BYTES_MAX}")]
    TooLarge(usize),
    /// Not TOML, or not such TOML.
    #[error("{0}")]
    Toml(String),
    /// Of another version of this program.
    #[error("it is of version {0}, and this program knows version {VERSION}")]
    Version(u32),
    /// Too many tools.
    #[error("it has more than {TOOLS_MAX} tools")]
    TooMany,
    /// A tool twice.
    #[error("it has two tools `{0}`")]
    Twice(String),
    /// A list that is too long.
    #[error("the tool `{0}` has more than {SIGNATURES_MAX} signatures, or hosts to be sent to")]
    TooLong(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    tool: Vec<Locked>,
}

/// What is looked at first: a later version may have anything else.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        if bytes.len() > LOCK_BYTES_MAX {
            return Err(LockError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|err| LockError::Toml(err.to_string()))?;
        let bad = |err: &toml::de::Error| LockError::Toml(err.to_string().trim_end().to_owned());
        let Versioned { version } = toml::from_str(text).map_err(|err| bad(&err))?;
        if version != VERSION {
            return Err(LockError::Version(version));
        }
        let file: File = toml::from_str(text).map_err(|err| bad(&err))?;
        let mut lock = Self::default();
        for tool in file.tool {
            if lock.tools.contains_key(&tool.name) {
                return Err(LockError::Twice(tool.name));
            }
            lock.put(tool)?;
        }
        Ok(lock)
    }

    /// Adds a tool, or takes it for the one of that name.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn put(&mut self, tool: Locked) -> Result<(), LockError> {
        if tool.redirects.len() > REDIRECTS_MAX || tool.signatures.len() > SIGNATURES_MAX {
            return Err(LockError::TooLong(tool.name));
        }
        if self.tools.len() >= TOOLS_MAX && !self.tools.contains_key(&tool.name) {
            return Err(LockError::TooMany);
        }
        self.tools.insert(tool.name.clone(), tool);
        Ok(())
    }

    /// Takes a tool out; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.tools.remove(name).is_some()
    }

    /// The tool of that name.
    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.tools.get(name)
    }

    /// The tools, by their names.
    pub fn tools(&self) -> impl Iterator<Item = &Locked> {
        self.tools.values()
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// When it would be longer than a lock may be.
    pub fn text(&self) -> Result<String, LockError> {
        let file = File { version: VERSION, tool: self.tools.values().cloned().collect() };
        let body = toml::to_string(&file).map_err(|err| LockError::Toml(err.to_string()))?;
        let text = format!("{HEAD}{body}");
        if text.len() > LOCK_BYTES_MAX {
            return Err(LockError::TooLarge(text.len()));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use keys::Signer;
    use proptest::prelude::*;

    use super::*;
    use crate::sign;

    fn tool(name: &str) -> Locked {
        Locked {
            name: name.to_owned(),
            reference: "oci://ghcr.example/acme/lines:1".parse().unwrap(),
            digest: Sha256::of(name.as_bytes()),
            bytes: 57_123,
            redirects: vec!["blobs.example".to_owned()],
            asks: Some(Asks { read: Some(vec!["**/*.rs".to_owned()]), environment: vec![] }),
            signatures: vec![],
        }
    }

    #[test]
    fn a_lock_is_for_people_to_review() {
        let mut lock = Lock::default();
        lock.put(tool("lines")).unwrap();
        let seed = "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let signature = sign(&Signer::of_text(seed).unwrap(), &tool("all").digest);
        let reference = "tools/all.wasm".parse().unwrap();
        let all = Locked {
            reference,
            redirects: vec![],
            asks: None,
            signatures: vec![signature],
            ..tool("all")
        };
        lock.put(all).unwrap();
        let text = lock.text().unwrap();
        assert_eq!(Lock::parse(text.as_bytes()), Ok(lock));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_is_no_lock_is_told_why() {
        let of = |rest: &str| Lock::parse(rest.as_bytes()).unwrap_err().to_string();
        let entry = |reference: &str| {
            format!(
                "[[tool]]\nname = \"a\"\nreference = \"{reference}\"\nbytes = 1\ndigest = \"{}\"\n",
                Sha256::of(b"")
            )
        };
        let told = [
            of(""),
            of("version = 2\nnew = 1\n"),
            of("version = 1\nnew = 1\n"),
            of(&format!("version = 1\n{}{}", entry("a"), entry("b"))),
            of(&format!("version = 1\n{}", entry("file:///etc/passwd"))),
            of(&format!("version = 1\n{}grant = 1\n", entry("a"))),
            of(&"#".repeat(LOCK_BYTES_MAX + 1)),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
        let mut lock = Lock::default();
        (0..TOOLS_MAX).for_each(|n| lock.put(tool(&format!("t{n}"))).unwrap());
        assert_eq!(lock.put(tool("more")), Err(LockError::TooMany));
        assert_eq!(lock.put(tool("t0")), Ok(()));
    }

    proptest! {
        #[test]
        fn a_lock_is_written_the_same_in_whatever_order(
            names in prop::collection::btree_set("[a-z]{1,6}", 0..8),
            globs in prop::option::of(prop::collection::vec("\\PC{0,8}", 0..3)),
        ) {
            let asks = Asks { read: globs, environment: vec!["A".to_owned()] };
            let with = |name: &String| Locked { asks: Some(asks.clone()), ..tool(name) };
            let (mut one, mut other) = (Lock::default(), Lock::default());
            names.iter().try_for_each(|name| one.put(with(name)))?;
            names.iter().rev().try_for_each(|name| other.put(with(name)))?;
            let text = one.text()?;
            prop_assert_eq!(&text, &other.text()?);
            prop_assert_eq!(Lock::parse(text.as_bytes())?, one);
        }

        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // Whatever it says, it says.
            let _read = Lock::parse(&bytes);
        }
    }
}
