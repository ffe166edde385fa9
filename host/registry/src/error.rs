//! Why bytes were not fetched, in words that say what to do.

use crate::Sha256;

/// Why something could not be fetched or pushed. Words of a server are in it: escape them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The client cannot be made as the environment says.
    #[error("{0}")]
    Setup(String),
    /// No connection, or one that broke.
    #[error("{host} cannot be reached: {why}")]
    Network {
        /// Who was asked.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// A file of the repository that cannot be read.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// What was asked for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// A status that is no success.
    #[error("{host} answers {status} for {what}")]
    Answered {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: String,
        /// What HTTP calls it.
        status: u16,
    },
    /// It is not there.
    #[error("{host} does not have {what}")]
    Missing {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// It is there, and not for us.
    #[error("{host} does not let us have {what} ({status})")]
    Denied {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: String,
        /// What HTTP calls it.
        status: u16,
    },
    /// A redirect to a host that nobody named.
    #[error("{from} sends us to {to} for {what}, which nobody has allowed")]
    Redirected {
        /// Who sends us on.
        from: String,
        /// Where to.
        to: String,
        /// What was asked for.
        what: String,
    },
    /// Redirects without an end, or one that leads nowhere.
    #[error("{host} redirects {what} too often, or to nowhere")]
    RedirectedInCircles {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// More bytes than anybody should send.
    #[error("{what} has more than {max} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The most that is taken.
        max: u64,
    },
    /// Other bytes than were named.
    #[error("{what} is not what was named: it has the digest {found}, not {expected}")]
    WrongDigest {
        /// What was asked for.
        what: String,
        /// What they are.
        found: Sha256,
        /// What they were to be.
        expected: Sha256,
    },
    /// It took too long.
    #[error("{what} did not arrive within {seconds} s")]
    Late {
        /// What was asked for.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A manifest that is none of a component.
    #[error("{what} is no manifest of a component: {why}")]
    BadManifest {
        /// What was asked for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// A registry that asks for what we do not give.
    #[error("{host} asks us to sign in in a way that cannot be used: {why}")]
    BadChallenge {
        /// Who was asked.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// Credentials that cannot be read.
    #[error("the credentials in {place} cannot be used: {why}")]
    BadCredentials {
        /// Where they stand.
        place: String,
        /// What is wrong.
        why: String,
    },
}

impl FetchError {
    /// What to do about it, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Setup(_) => Some(
                "look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, STEPWELL_CA_FILE and SSL_CERT_FILE",
            ),
            Self::Network { .. } | Self::Late { .. } => Some(
                "try again; behind a proxy set HTTPS_PROXY, and STEPWELL_CA_FILE for its certificates",
            ),
            Self::Missing { .. } => Some(
                "a registry may have dropped what no tag names any more: push it again, or \
                 `stepwell tool update`",
            ),
            Self::Denied { .. } | Self::BadCredentials { .. } => Some(
                "sign in with `docker login`, or set DOCKER_AUTH_CONFIG to the text of a config.json; \
                 credential helpers are not run",
            ),
            Self::Redirected { .. } => {
                Some("if that host is meant, name it: `stepwell tool add --allow-redirect HOST`")
            }
            Self::WrongDigest { .. } => {
                Some("nothing was kept; ask whoever publishes the tool what happened to it")
            }
            Self::BadManifest { .. } => {
                Some("`stepwell tool push` publishes a component as registries expect it")
            }
            Self::Unreadable { .. }
            | Self::Answered { .. }
            | Self::RedirectedInCircles { .. }
            | Self::TooLarge { .. }
            | Self::BadChallenge { .. } => None,
        }
    }
}
