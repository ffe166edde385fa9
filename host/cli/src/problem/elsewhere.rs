//! What is wrong with a tool that comes from elsewhere, or with the lock that pins it.

use std::path::PathBuf;

use crate::exit;

/// Why a tool of the lock is not to be had, or not to be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockProblem {
    /// A file that is no lock.
    #[error("`{file}` cannot be used")]
    Bad { file: String, source: registry::LockError },
    /// A text that names no tool.
    #[error(transparent)]
    Reference(#[from] registry::BadReference),
    /// A file that nobody else would have.
    #[error("`{}` lies outside of the repository, where nobody else has it", path.display())]
    Outside { path: PathBuf },
    /// The client cannot be made.
    #[error("nothing can be fetched")]
    Client(#[source] registry::FetchError),
    /// A tool that cannot be fetched.
    #[error("`{what}` cannot be fetched")]
    Fetch { what: String, source: registry::FetchError },
    /// A component that cannot be published.
    #[error("`{what}` cannot be published")]
    Push { what: String, source: registry::FetchError },
    /// A tool that nobody whom the step believes has signed.
    #[error("the tool `{name}` ({digest}) bears no signature of a key in `tools.signers`")]
    Unsigned { name: String, digest: String },
    /// An entry that does not say what its component says.
    #[error("`stepwell.lock` does not say of `{name}` what the tool says of itself: its {what}")]
    Differs { name: String, what: &'static str },
    /// A name that another reference has.
    #[error("there is a tool `{name}` in the lock already, from `{from}`")]
    Taken { name: String, from: String },
    /// A reference that names another tool than it did.
    #[error("`{from}` names the tool `{to}` now, and not `{name}`")]
    Renamed { name: String, to: String, from: String },
    /// No such tool in the lock.
    #[error("the lock has no tool `{name}`")]
    NoTool { name: String, nearest: Option<String> },
    /// A push that does not go to a registry.
    #[error("`{to}` is no place in a registry")]
    NotARegistry { to: String },
    /// A push to a digest, which is what only the registry can say.
    #[error("`{to}` names a digest, and a push names a tag")]
    PushToDigest { to: String },
    /// No key to sign with.
    #[error("there is no key to sign the tool with")]
    NoKey,
    /// A key that is none.
    #[error("the signing key in {place} cannot be used")]
    BadKey { place: String, source: keys::BadKey },
}

impl LockProblem {
    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Bad { .. } => {
                "restore it from git, or add its tools again with `stepwell tool add`"
            }
            Self::Reference(_) => "`stepwell tool add --help` shows what names a tool",
            Self::Outside { .. } => {
                "copy it into the repository, or publish it with `stepwell tool push`"
            }
            Self::Client(source) | Self::Fetch { source, .. } | Self::Push { source, .. } => {
                return source.help().map(str::to_owned);
            }
            Self::Unsigned { .. } => {
                "whoever holds such a key signs it: `stepwell tool sign`, or `stepwell tool push --sign`"
            }
            Self::Differs { .. } => "`stepwell tool update` writes the lock again",
            Self::Taken { .. } => "`stepwell tool remove` takes that one out first",
            Self::Renamed { .. } => "remove the old one and add the new one if you mean it",
            Self::NoTool { nearest: Some(nearest), .. } => {
                return Some(format!("did you mean `{nearest}`?"));
            }
            Self::NoTool { nearest: None, .. } => "`stepwell tool list` names them",
            Self::NotARegistry { .. } | Self::PushToDigest { .. } => {
                "write `oci://REGISTRY/REPOSITORY:TAG`"
            }
            Self::NoKey => {
                "set STEPWELL_TOOL_KEY, or name a file in STEPWELL_TOOL_KEY_FILE; `stepwell cache key` \
                 makes one"
            }
            Self::BadKey { .. } => "write `ed25519:` and base64, as `stepwell cache key` prints it",
        };
        Some(text.to_owned())
    }

    /// Which exit code it is.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Unsigned { .. } | Self::Differs { .. } => exit::UNTRUSTED,
            Self::Fetch { source: registry::FetchError::WrongDigest { .. }, .. } => exit::UNTRUSTED,
            Self::Bad { .. }
            | Self::Reference(_)
            | Self::Outside { .. }
            | Self::Client(_)
            | Self::Fetch { .. }
            | Self::Push { .. }
            | Self::Taken { .. }
            | Self::Renamed { .. }
            | Self::NoTool { .. }
            | Self::NotARegistry { .. }
            | Self::PushToDigest { .. }
            | Self::NoKey
            | Self::BadKey { .. } => exit::USAGE,
        }
    }
}
